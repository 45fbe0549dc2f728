import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import fc from "fast-check";
import { SerialPort } from "serialport";
import { afterEach, describe, expect, it } from "vitest";
import { type ByteDevice, startSerialDevice, startTcpDevice, type TcpDeviceOptions } from "./byte-device.ts";
import { bringToLife } from "./live-device.ts";
import { labelPrinter } from "./models/label-printer.ts";
import { seededRandom } from "./random.ts";
import { type ZplPrinter, zplDialogue } from "./zpl-device.ts";
import { type ZplCommand, ZplReader } from "./zpl-reader.ts";

const identity = { name: "bakery-1", model: "ZD421", serial: "D8J0042", firmware: "V93.21.07Z", location: "Bakery" };
const latin = (text: string): Buffer => Buffer.from(text, "latin1");

const ending: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const random = seededRandom(5);
const world = { clock: realClock, random };

function printer(): ZplPrinter {
  return { identity, device: bringToLife(labelPrinter(identity), realClock, random) };
}

async function tcpPrinter({
  muteInError = false,
  ...options
}: Partial<TcpDeviceOptions & ZplPrinter> = {}): Promise<ZplPrinter & { served: ByteDevice; port: number }> {
  const made = printer();
  const dialogue = zplDialogue({ ...made, muteInError });
  const started = await startTcpDevice({ ...world, dialogue, address: "127.0.0.1", port: 0, ...options });
  if (!started.ok) throw new Error(started.error.detail);
  ending.push(() => started.value.stop());
  return { ...made, served: started.value, port: Number(started.value.line) };
}

/** A client that keeps what it received; `until` waits for a piece of text. */
function client(port: number): { socket: Socket; text: () => string; until: (text: string) => Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  socket.on("error", (error) => {
    received += `!${error.message}`;
  });
  ending.push(() => void socket.destroy());
  return {
    socket,
    text: () => received,
    until: async (text) => {
      await expect.poll(() => received).toContain(text);
      return received;
    },
  };
}

describe("ZPL over TCP", () => {
  it("answers ~HS with three framed strings", async () => {
    const { port } = await tcpPrinter();
    const peer = client(port);
    peer.socket.write("~HS");
    expect(await peer.until("1234,0\x03\r\n")).toMatch(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: STX and ETX are the protocol's frame.
      /^\x02030,0,0,0640,\d{3},0,0,0,000,0,0,0\x03\r\n\x02001,0,0,0,1,2,6,0,\d{8},1,000\x03\r\n\x021234,0\x03\r\n$/,
    );
  });

  it.each([
    { fault: "media-out", status: /^.030,1,0/, bits: "ERRORS:         1 00000000 00000001" },
    { fault: "paused", status: /^.030,0,1/, bits: "ERRORS:         1 00000000 00010000" },
    { fault: "head-open", status: /001,0,1,0,/, bits: "ERRORS:         1 00000000 00000004" },
    { fault: "ribbon-out", status: /001,0,0,1,/, bits: "ERRORS:         1 00000000 00000002" },
    { fault: "head-hot", status: /^.030,0,0,\d{4},\d{3},0,0,0,000,0,0,1/, bits: "ERRORS:         1 00000000 00000010" },
    { fault: "cutter-jam", status: /^.030,0,0/, bits: "ERRORS:         1 00000000 00000008" },
    { fault: "jam", status: /^.030,0,0/, bits: "ERRORS:         1 00000000 00004000" },
    { fault: "media-low", status: /^.030,0,0/, bits: "WARNINGS:       1 00000000 00000008" },
  ])("$fault sets its bits in ~HS and ~HQES", async ({ fault, status, bits }) => {
    const { port, device } = await tcpPrinter({ paceMs: 0 });
    device.fault(fault);
    const peer = client(port);
    peer.socket.write("~HS~HQES");
    const text = await peer.until("\x03\r\n\x02\r\n  PRINTER STATUS");
    expect(text).toMatch(status);
    expect(await peer.until("WARNINGS:       ")).toBeDefined();
    expect(await peer.until(bits)).toBeDefined();
  });

  it("can keep silent on ~HS while in error, as the manual has it, and still answers ~HQES", async () => {
    const { port, device } = await tcpPrinter({ paceMs: 0, muteInError: true });
    device.fault("head-open");
    const peer = client(port);
    peer.socket.write("~HS~HQES");
    expect(await peer.until("00000004")).not.toContain("\x02030,");
  });

  it("answers ~HI and SGD variables, and ? for one that it does not know", async () => {
    const { port } = await tcpPrinter({ paceMs: 0 });
    const peer = client(port);
    peer.socket.write(
      '~HI! U1 getvar "head.latch"\r\n! U1 getvar "no.such"\r\n! U1 getvar "odometer.total_print_length"\r\n',
    );
    const text = await peer.until("CENTIMETERS");
    expect(text).toContain("\x02ZD421-203dpi,V93.21.07Z,8,8192KB\x03");
    expect(text).toContain('"ok""?"');
  });

  it("prints what it is sent: labels remaining go down, labels printed go up", async () => {
    const { port, device } = await tcpPrinter({ paceMs: 0 });
    device.fault("paused");
    const before = device.state().printedLabels;
    const peer = client(port);
    peer.socket.write("^XA^FO50,50^ADN^FDOat bread^FS^PQ7,0,1,Y^XZ");
    await expect.poll(() => Math.ceil(device.state().queue)).toBeGreaterThanOrEqual(7);
    device.heal("paused");
    await expect.poll(() => device.state().printedLabels - before).toBeGreaterThanOrEqual(2);
  });

  it("serves one client at a time; the next one waits for its turn", async () => {
    const { port } = await tcpPrinter({ paceMs: 0 });
    const first = client(port);
    first.socket.write("~HI");
    await first.until("ZD421");
    const second = client(port);
    second.socket.write("~HI");
    first.socket.write("~HS");
    await first.until("1234,0");
    expect(second.text()).toBe("");
    first.socket.end();
    await second.until("ZD421");
  });

  it("refuses connections while it has no power, and listens on the same port afterwards", async () => {
    const { port, served } = await tcpPrinter({ paceMs: 0 });
    await served.setConduct({ kind: "silent" });
    await client(port).until("ECONNREFUSED");
    await served.setConduct({ kind: "normal" });
    const peer = client(port);
    peer.socket.write("~HI");
    await peer.until("ZD421");
  });

  it("takes the next port when its own is taken", async () => {
    const first = await tcpPrinter();
    const second = await tcpPrinter({ port: first.port });
    expect(second.port).toBeGreaterThan(first.port);
  });

  it("can answer garbage", async () => {
    const { port, served } = await tcpPrinter({ paceMs: 0 });
    await served.setConduct({ kind: "garbage" });
    const peer = client(port);
    peer.socket.write("~HI");
    await expect.poll(() => peer.text().length).toBe(40);
    expect(peer.text()).not.toContain("ZD421");
  });
});

const withoutSocat = spawnSync("socat", ["-V"]).error !== undefined && process.env["CI"] === undefined;

describe.skipIf(withoutSocat)("ZPL over a serial line (socat pty)", () => {
  it("answers ~HS to a serial port", async () => {
    const folder = mkdtempSync(join(tmpdir(), "zpl-"));
    ending.push(() => rmSync(folder, { recursive: true }));
    const [printerEnd, hostEnd] = [join(folder, "printer"), join(folder, "host")];
    await socat(printerEnd, hostEnd);
    const started = await startSerialDevice({ ...world, dialogue: zplDialogue(printer()), path: printerEnd });
    if (!started.ok) throw new Error(started.error.detail);
    ending.push(() => started.value.stop());
    const port = new SerialPort({ path: hostEnd, baudRate: 9_600, autoOpen: false });
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    ending.push(() => new Promise((resolve) => port.close(() => resolve())));
    let received = "";
    port.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
    });
    port.write("~HS");
    await expect.poll(() => received).toContain("1234,0\x03\r\n");
    expect(received.split("\r\n")).toHaveLength(4);
  });

  it("says which path it could not open", async () => {
    const started = await startSerialDevice({ ...world, dialogue: zplDialogue(printer()), path: "/dev/no-such-port" });
    expect(started.ok ? "" : started.error.detail).toContain("/dev/no-such-port");
  });
});

/** Starts a pair of pseudo-terminals and waits until both are there. */
async function socat(one: string, other: string): Promise<ChildProcess> {
  const child = spawn("socat", ["-d", "-d", `pty,raw,echo=0,link=${one}`, `pty,raw,echo=0,link=${other}`]);
  ending.push(() => void child.kill());
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  await expect.poll(() => said).toContain("starting data transfer");
  return child;
}

describe("ZplReader", () => {
  const whole = (text: string): ZplCommand[] => new ZplReader().read(latin(text));

  it.each([
    { name: "queries inside a format are obeyed at once", text: "^XA^FDx~HS^XZ", want: ["host-status", "format"] },
    { name: "an end without a beginning prints nothing", text: "^XZ~HI", want: ["host-identification"] },
    { name: "each ~HQ query by its letters", text: "~HQSN~HQES", want: ["host-query", "error-status"] },
    {
      name: "an over-long variable name is noise",
      text: `! U1 getvar "${"a".repeat(65)}"\r\n~HS`,
      want: ["host-status"],
    },
  ])("$name", ({ text, want }) => expect(whole(text).map(({ kind }) => kind)).toEqual(want));

  it("counts the labels of a format by its last quantity", () => {
    expect(whole("^XA^PQ3^PQ12,0,1^FDx^FS^XZ^XA^XZ")).toEqual([
      { kind: "format", labels: 12 },
      { kind: "format", labels: 1 },
    ]);
  });

  it("understands the same, however the bytes are cut and whatever is between", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "~HS",
        "~HI",
        "~HQES",
        "~HQOD",
        "~HD",
        '! U1 getvar "head.latch"\r\n',
        "^XA",
        "^XZ",
        "^PQ25,",
        "^FDabc^FS",
        "\r\n",
      ),
      fc.string({ maxLength: 20 }),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (pieces, sizes) => {
          const bytes = latin(pieces.join(""));
          const reader = new ZplReader();
          const commands: ZplCommand[] = [];
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value ?? 1;
            commands.push(...reader.read(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(commands).toEqual(whole(pieces.join("")));
        },
      ),
    );
  });

  it("takes a megabyte of noise without growing", () => {
    const reader = new ZplReader();
    const noise = Buffer.alloc(1_000_000, "^X~H");
    expect(reader.read(noise)).toEqual([]);
    expect(reader.read(latin("~HS"))).toEqual([{ kind: "host-status" }]);
  });
});
