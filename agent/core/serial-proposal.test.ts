import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  type Answered,
  ASK_ORDER,
  askOrder,
  compareSerial,
  notAsked,
  proposeSerial,
  type SerialPort,
  type UsbDevice,
  writeSerialDevice,
} from "./serial-proposal.ts";

const usb = (vendor: string, product: string, more: Partial<UsbDevice> = {}): UsbDevice => ({
  vendor,
  product,
  maker: "",
  name: "",
  serial: "",
  ...more,
});
const port = (tty: string, more: Partial<SerialPort> = {}): SerialPort => ({
  path: `/dev/${tty}`,
  names: [`/dev/${tty}`],
  tty,
  place: tty,
  usb: null,
  isConsole: false,
  users: [],
  isPayment: false,
  ...more,
});
const propose = (one: SerialPort, answer?: Answered | null) => {
  const answered = new Map(answer === undefined ? [] : [[one.path, answer]]);
  const [proposal] = proposeSerial([one], answered, new Set());
  if (proposal === undefined) throw new Error("nothing was proposed");
  return { ...proposal, text: writeSerialDevice(proposal) };
};

describe("proposeSerial", () => {
  it.each([
    {
      name: "a receipt printer by its USB id",
      one: port("ttyACM0", { usb: usb("04b8", "0202"), place: "usb-1-2" }),
      want: { id: "receipt-printer-usb-1-2", kind: "receipt_printer", driver: "escpos", isGuess: false },
    },
    {
      name: "a receipt printer that an application has open",
      one: port("ttyACM0", { usb: usb("04b8", "0202"), users: ["pos-app"] }),
      want: { kind: "receipt_printer", driver: "presence", isGuess: false },
    },
    {
      name: "a PIN pad",
      one: port("ttyACM0", { usb: usb("11ca", "0300"), isPayment: true }),
      want: { kind: "payment_terminal", driver: "presence", isGuess: false },
    },
    {
      name: "a PIN pad that was asked all the same",
      one: port("ttyACM0", { usb: usb("11ca", "0300"), isPayment: true }),
      answer: { driver: "escpos", kind: "receipt_printer" as const, asset: {} },
      want: { kind: "payment_terminal", driver: "presence" },
    },
    {
      name: "a scanner",
      one: port("ttyACM0", { usb: usb("05e0", "1701") }),
      want: { kind: "barcode_scanner", driver: "presence", isGuess: false },
    },
    {
      name: "a common make by vendor and product",
      one: port("ttyACM0", { usb: usb("0483", "5743") }),
      want: { kind: "receipt_printer", driver: "escpos" },
    },
    {
      name: "another product of that vendor",
      one: port("ttyACM0", { usb: usb("0483", "5740") }),
      want: { isGuess: true },
    },
    { name: "an adapter", one: port("ttyUSB0", { usb: usb("0403", "6001") }), want: { isGuess: true } },
    {
      name: "an adapter that somebody uses",
      one: port("ttyUSB0", { usb: usb("0403", "6001"), users: ["scale-svc"] }),
      want: { kind: "device_server", driver: "presence", isGuess: false },
    },
    {
      name: "an adapter behind which a scale answered",
      one: port("ttyUSB0", { usb: usb("0403", "6001") }),
      answer: { driver: "toledo_8217", kind: "scale" as const, asset: {} },
      want: { kind: "scale", driver: "toledo_8217", isGuess: false },
    },
    { name: "an adapter that was asked for nothing", one: port("ttyUSB0"), answer: null, want: { isGuess: true } },
  ])("takes $name for what it is", ({ one, answer, want }) => {
    expect(propose(one, answer)).toMatchObject(want);
  });

  it("writes an entry that runs, and a comment where nobody knows", () => {
    const sure = propose(
      port("ttyACM0", {
        path: "/dev/serial/by-id/usb-EPSON",
        usb: usb("04b8", "0202", { maker: "EPSON", serial: "X4" }),
      }),
    );
    expect(parse(sure.text)).toEqual([
      {
        id: "receipt-printer-ttyacm0",
        kind: "receipt_printer",
        driver: "escpos",
        line: { serial: "/dev/serial/by-id/usb-EPSON" },
      },
    ]);
    expect(sure.text).toContain("# EPSON (USB 04b8:0202), serial X4, ttyACM0\n");
    expect(parse(propose(port("ttyS1")).text)).toBeNull();
    expect(parse(propose(port("ttyS0", { isConsole: true })).text)).toBeNull();
    const used = propose(port("ttyS1", { users: ["scale-svc"] }));
    expect(parse(used.text)).toEqual([
      { id: "device-server-ttys1", kind: "device_server", driver: "presence", port: "/dev/ttyS1" },
    ]);
  });

  it("gives each port an id of its own, the same in whatever order they were found", () => {
    const ports = [port("ttyUSB0", { place: "usb-1-1" }), port("ttyUSB1", { place: "usb-1-1" }), port("ttyS0")];
    const ids = (some: readonly SerialPort[]) =>
      Object.fromEntries(
        proposeSerial(some, new Map(), new Set(["scale-ttys0"])).map(({ port: { tty }, id }) => [tty, id]),
      );
    expect(ids(ports)).toEqual({ ttyS0: "scale-ttys0-2", ttyUSB0: "scale-usb-1-1", ttyUSB1: "scale-usb-1-1-2" });
    expect(ids([...ports].reverse())["ttyS0"]).toBe("scale-ttys0-2");
  });

  it("lets no device's text end a comment", () => {
    const evil = 'x"\n  - id: evil\r\u2028devices: []\u0000';
    const { text } = propose(
      port("ttyUSB0", { usb: usb("04b8", "0202", { maker: evil, name: evil, serial: evil }), users: [evil] }),
    );
    expect(text.split(/[\n\r\u2028]/).filter((line) => /^\s*- id:/.test(line))).toHaveLength(1);
  });
});

describe("what a port is asked", () => {
  const CONTROL_ONLY = ["weight_lines", "escpos", "star", "sbpl"];

  it("is control characters alone until somebody, or its USB id, says what hangs there", () => {
    expect(askOrder(port("ttyUSB0"), null)).toEqual(CONTROL_ONLY);
    expect(askOrder(port("ttyUSB0"), "scale")).toEqual(ASK_ORDER.scale);
    expect(askOrder(port("ttyACM0", { usb: usb("0a5f", "0001") }), null)).toEqual(ASK_ORDER.label_printer);
  });

  it("begins with listening, whatever it is", () => {
    for (const order of Object.values(ASK_ORDER)) expect(order[0]).toBe("weight_lines");
  });

  it.each([
    { name: "payment hardware", one: port("ttyACM0", { isPayment: true }), why: /payment hardware/ },
    { name: "the console", one: port("ttyS0", { isConsole: true }), why: /console/ },
    { name: "a UPS", one: port("ttyUSB0", { usb: usb("051d", "0002") }), why: /APC UPS/ },
    { name: "a scanner", one: port("ttyACM0", { usb: usb("0c2e", "0b6a") }), why: /barcodes/ },
  ])("is nothing at all of $name", ({ one, why }) => {
    expect(notAsked(one)).toMatch(why);
  });

  it("is decided for an adapter by whoever asks", () => {
    expect(notAsked(port("ttyUSB0", { usb: usb("0403", "6001") }))).toBeNull();
  });
});

describe("compareSerial", () => {
  const named = port("ttyUSB0", { path: "/dev/serial/by-id/a", names: ["/dev/serial/by-id/a", "/dev/ttyUSB0"] });

  it("knows a port by any of its names, and the console is nobody's news", () => {
    const configured = [
      { id: "a", path: "/dev/ttyUSB0", isThere: true },
      { id: "b", path: "/dev/serial/by-id/b", isThere: false },
    ];
    const console = port("ttyS0", { isConsole: true });
    const compared = compareSerial(configured, [named, port("ttyUSB1"), console], true);
    expect(compared.fresh.map(({ tty }) => tty)).toEqual(["ttyUSB1"]);
    expect(compared.gone.map(({ id }) => id)).toEqual(["b"]);
    expect(compared.same).toBe(1);
    expect(compareSerial(configured, [], false).gone).toEqual([]);
  });
});
