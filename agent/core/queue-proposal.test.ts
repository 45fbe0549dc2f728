import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { compareQueues, type KnownPrinter, type PrintQueue, proposeQueues, writeQueue } from "./queue-proposal.ts";
import { readUsbDevice } from "./usb-device.ts";

const queueOf = (given: Partial<PrintQueue>): PrintQueue => ({
  name: "receipts",
  uri: "ipp://127.0.0.1/printers/receipts",
  socket: null,
  ownCertificate: false,
  address: null,
  makeAndModel: "Local Raw Printer",
  deviceId: "",
  deviceUri: "file:///dev/null",
  ...given,
});

function onUsb(id: string, port: string, attributes: Readonly<Record<string, string>>, deviceId = ""): KnownPrinter {
  const device = readUsbDevice({
    port,
    attributes: { idVendor: "04b8", idProduct: "0e15", devnum: "4", ...attributes },
    interfaces: [],
  });
  if (device === null) throw new Error("no device");
  return { id, kind: "receipt_printer", usb: { device, deviceId: deviceId === "" ? null : deviceId } };
}

const PRINTERS: readonly KnownPrinter[] = [
  onUsb("by-serial", "1-1", { serial: "4D4635503", product: "TM-T20II" }),
  onUsb("by-device-id", "1-2", { product: "USB printer" }, "MFG:Zebra;MDL:LP 2824 Plus;SN:36J141701319;"),
  onUsb("by-model", "1-3", { manufacturer: "STAR", product: "Star TSP143" }),
  onUsb("twin-1", "1-4", { product: "POS-80" }),
  onUsb("twin-2", "1-5", { product: "POS-80" }),
  { id: "by-address", kind: "label_printer", address: "10.42.0.77" },
  { id: "by-address-6", kind: "office_printer", address: "fd00::9" },
  // The same once more, as the configuration names it.
  { id: "by-address-again", kind: "label_printer", address: "10.42.0.77" },
  { id: "by-port", kind: "receipt_printer", ports: ["/dev/ttyUSB0", "/dev/serial/by-id/usb-x"] },
];

describe("a queue's printer", () => {
  it.each([
    { deviceUri: "usb://EPSON/TM-T20II?serial=4D4635503", is: "by-serial" },
    { deviceUri: "usb://EPSON/TM-T20II?serial=4D4635503&interface=1", is: "by-serial" },
    { deviceUri: "usb://EPSON/TM-T20II?serial=OTHER", is: null },
    { deviceUri: "usb://Zebra/LP%202824%20Plus?serial=36J141701319", is: "by-device-id" },
    { deviceUri: "usb://STAR/Star%20TSP143", is: "by-model" },
    // Two of a model, and nothing that tells them apart.
    { deviceUri: "usb://POS/POS-80", is: null },
    { deviceUri: "socket://10.42.0.77", is: "by-address" },
    { deviceUri: "socket://10.42.0.77:9100/?waiteof=false", is: "by-address" },
    { deviceUri: "lpd://10.42.0.77/queue", is: "by-address" },
    { deviceUri: "ipp://someone:secret@[fd00:0:0:0::9]/ipp/print", is: "by-address-6" },
    { deviceUri: "socket://10.42.0.78", is: null },
    { deviceUri: "serial:/dev/ttyUSB0?baud=9600", is: "by-port" },
    { deviceUri: "dnssd://Printer._ipp._tcp.local/", is: null },
    { deviceUri: "usb://%E0%A4%A/x", is: null },
    { deviceUri: "", is: null },
  ])("$deviceUri is $is", ({ deviceUri, is }) => {
    const [made] = proposeQueues([queueOf({ deviceUri })], PRINTERS, new Set());
    expect(made?.printer).toBe(is);
    if (made === undefined) throw new Error("nothing proposed");
    expect(writeQueue(made)).not.toContain("secret");
    expect(writeQueue(made).includes("depends_on")).toBe(is !== null);
  });

  it("is what the queue is, when its own words say nothing", () => {
    const [made] = proposeQueues([queueOf({ name: "q1", deviceUri: "socket://10.42.0.77" })], PRINTERS, new Set());
    expect(made).toMatchObject({ kind: "label_printer", why: expect.stringContaining("as its printer") });
    expect(proposeQueues([queueOf({ name: "q1" })], PRINTERS, new Set())[0]).toMatchObject({ kind: "office_printer" });
  });
});

describe("a proposal for queues", () => {
  it("is one entry of agent.yaml each, with an id of its own, whatever a spooler says", () => {
    const text = fc.string({ unit: "binary", maxLength: 80 });
    const one = fc.record({ name: text, makeAndModel: text, deviceId: text, deviceUri: text });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), (some) => {
        const queues = some.map((given) => queueOf({ ...given, uri: `ipp://h/printers/${encodeURIComponent("q")}` }));
        const made = proposeQueues(queues, PRINTERS, new Set(["receipt-printer-queue-receipts"]));
        const { devices } = parse(`devices:\n${made.map(writeQueue).join("\n")}\n`) as {
          devices: { id: string }[] | null;
        };
        expect(new Set((devices ?? []).map(({ id }) => id)).size).toBe(some.length);
      }),
    );
  });

  it("has the same ids in any order", () => {
    const queues = ["b", "a", "c"].map((name) => queueOf({ name }));
    const ids = (of: readonly PrintQueue[]) => proposeQueues(of, [], new Set()).map(({ id }) => id);
    expect(ids(queues)).toEqual(ids(queues.toReversed()));
  });
});

describe("beside a configuration", () => {
  const here = {
    id: "a",
    kind: "receipt_printer",
    uri: "ipp://localhost/printers/receipts",
    isHere: true,
    addresses: [],
  } as const;
  const away = {
    id: "b",
    kind: "office_printer",
    uri: "ipp://10.1.1.1/ipp/print",
    isHere: false,
    addresses: ["10.1.1.1"],
  } as const;
  const printer = queueOf({ name: null, address: "10.1.1.1" });
  it.each([
    { name: "what is there is as before", queues: [queueOf({}), printer], whole: true, fresh: 0, gone: 0, same: 2 },
    { name: "another queue is new", queues: [queueOf({ name: "x" })], whole: true, fresh: 1, gone: 1, same: 0 },
    { name: "nothing is gone when the spooler told nothing", queues: [], whole: false, fresh: 0, gone: 0, same: 0 },
    {
      name: "a printer elsewhere is never called gone",
      queues: [queueOf({})],
      whole: true,
      fresh: 0,
      gone: 0,
      same: 1,
    },
  ])("$name", ({ queues, whole, fresh, gone, same }) => {
    const compared = compareQueues([here, away], queues, whole);
    expect([compared.fresh.length, compared.gone.length, compared.same]).toEqual([fresh, gone, same]);
  });
});
