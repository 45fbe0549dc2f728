/** The session against hostile bytes, and the line against ser2net with a device on a pty behind it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Exchange } from "./line.ts";
import { openRfc2217, type Rfc2217Address } from "./rfc2217.ts";
import {
  DO,
  DONT,
  escapeData,
  IAC,
  SB,
  SE,
  SUB_BYTES_MAX,
  subNegotiation,
  TelnetDecoder,
  WILL,
  WONT,
} from "./rfc2217-codec.ts";
import { Rfc2217Session } from "./rfc2217-session.ts";

const SETTINGS = { baudRate: 9600, parity: "even", dataBits: 7, stopBits: 1, flow: "none" } as const;
const COM_PORT = 44;

const hasPeers = ["socat", "ser2net"].every((name) => spawnSync(name, ["-V"]).error === undefined);
if (!hasPeers && process.env["CI"]) throw new Error("socat and ser2net are needed: apt-get install socat ser2net");
if (!hasPeers) process.stderr.write("rfc2217.test.ts: ser2net or socat is not installed, left out\n");

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** What a server that took every setting says. */
const agreement = (over: Partial<Record<number, number[]>> = {}): Uint8Array =>
  Buffer.concat([
    Uint8Array.of(IAC, DO, COM_PORT),
    ...Object.entries({ 101: [0, 0, 0x25, 0x80], 102: [7], 103: [3], 104: [1], 105: [1], ...over }).map(
      ([code, value]) => subNegotiation(COM_PORT, Uint8Array.of(Number(code), ...(value ?? []))),
    ),
  ]);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe("TelnetDecoder", () => {
  it("gives back what was escaped, however it is cut", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (data, sizes) => {
        const wire = escapeData(data);
        const decoder = new TelnetDecoder();
        const got: number[] = [];
        for (let at = 0, n = 0; at < wire.length; n++) {
          const size = sizes[n % sizes.length] ?? 1;
          for (const event of decoder.decode(wire.subarray(at, at + size))) {
            if (event.kind === "data") got.push(...event.bytes);
          }
          at += size;
        }
        expect(got).toEqual([...data]);
      }),
    );
  });

  it("never throws, never gives more than came, and reads the next command after any noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const decoder = new TelnetDecoder();
        const bytes = decoder
          .decode(noise)
          .reduce((sum, event) => sum + (event.kind === "data" ? event.bytes.length : 0), 0);
        expect(bytes).toBeLessThanOrEqual(noise.length);
        // The end of a sub-negotiation, should one be open, and a byte of data, should an option be awaited.
        decoder.decode(Uint8Array.of(0, IAC, SE, 0, 0));
        decoder.decode(Uint8Array.of(IAC, SE));
        expect(decoder.decode(Uint8Array.of(IAC, DO, COM_PORT)).at(-1)).toEqual({
          kind: "command",
          verb: DO,
          option: COM_PORT,
        });
      }),
    );
  });

  it.each([
    { name: "a 255 in it, which is sent twice", bytes: [101, 0, 255, 255, 9] },
    { name: "255 alone", bytes: [255] },
    { name: "nothing", bytes: [] },
    { name: "as much as it may hold", bytes: Array<number>(SUB_BYTES_MAX).fill(7) },
  ])("gives back a sub-negotiation with $name, between data, however it is cut", ({ bytes }) => {
    const sent = subNegotiation(COM_PORT, Uint8Array.from(bytes));
    expect(sent.filter((byte) => byte === IAC)).toHaveLength(2 + 2 * bytes.filter((byte) => byte === IAC).length);
    const wire = [0x61, ...sent, 0x62, ...sent, 0x63];
    const sub = { kind: "sub", option: COM_PORT, bytes: Uint8Array.from(bytes) };
    const data = (text: string) => ({ kind: "data", bytes: Uint8Array.from(Buffer.from(text)) });
    const want = [data("a"), sub, data("b"), sub, data("c")];
    expect(new TelnetDecoder().decode(Uint8Array.from(wire))).toEqual(want);
    const decoder = new TelnetDecoder();
    expect(wire.flatMap((byte) => decoder.decode(Uint8Array.of(byte)))).toEqual(want);
  });

  it.each([
    {
      name: "a byte more than it may hold",
      wire: [IAC, SB, COM_PORT, ...Array<number>(257).fill(7), IAC, SE],
      events: [],
    },
    {
      name: "no end before the next command",
      wire: [IAC, SB, COM_PORT, 1, IAC, WILL, 3],
      events: [{ kind: "command", verb: WILL, option: 3 }],
    },
    {
      name: "no end before the next sub-negotiation",
      wire: [IAC, SB, COM_PORT, 1, IAC, SB, COM_PORT, 2, IAC, SE],
      events: [{ kind: "sub", option: COM_PORT, bytes: Uint8Array.of(2) }],
    },
  ])("drops a sub-negotiation with $name, and reads the next one", ({ wire, events }) => {
    const next = { kind: "sub", option: COM_PORT, bytes: Uint8Array.of(5) };
    const after = subNegotiation(COM_PORT, Uint8Array.of(5));
    expect(new TelnetDecoder().decode(Uint8Array.of(...wire, ...after))).toEqual([...events, next]);
  });

  it("hands on data before and behind a command that means nothing to us, which is no data", () => {
    const nop = 241;
    const got = new TelnetDecoder().decode(Uint8Array.of(0x61, IAC, nop, 0x62));
    expect(got.flatMap((event) => (event.kind === "data" ? [textOf(event.bytes)] : ["?"])).join("")).toBe("ab");
  });

  it("drops a sub-negotiation that is too long, and goes on behind it", () => {
    const decoder = new TelnetDecoder();
    const long = subNegotiation(COM_PORT, new Uint8Array(SUB_BYTES_MAX + 1));
    expect(decoder.decode(Buffer.concat([long, Buffer.from("ok")]))).toEqual([
      { kind: "data", bytes: Uint8Array.from(Buffer.from("ok")) },
    ]);
  });
});

describe("Rfc2217Session", () => {
  it("is ready when the server has taken every setting, and passes the device's bytes from then on", () => {
    const session = new Rfc2217Session(SETTINGS);
    session.begin();
    expect(session.receive(Buffer.from("noise")).data).toHaveLength(0);
    session.receive(agreement());
    expect(session.state).toBe("ready");
    expect(textOf(session.receive(Uint8Array.of(0x41, IAC, IAC, 0x42)).data)).toBe("A\u00ffB");
  });

  it("sets the port up as RFC 2217 has it", () => {
    const session = new Rfc2217Session({ ...SETTINGS, flow: "rts_cts", parity: "odd" });
    session.begin();
    const sent = Buffer.concat(session.receive(Uint8Array.of(IAC, DO, COM_PORT)).send);
    const value = (code: number): number[] => {
      const at = sent.indexOf(Buffer.of(IAC, SB, COM_PORT, code));
      return [...sent.subarray(at + 4, sent.indexOf(Buffer.of(IAC, SE), at))];
    };
    expect([1, 2, 3, 4, 5, 10, 11, 12].map(value)).toEqual([[0, 0, 0x25, 0x80], [7], [2], [1], [3], [30], [0], [1]]);
  });

  it.each([
    { name: "refuses the option", bytes: Uint8Array.of(IAC, DONT, COM_PORT), kind: "config", says: "refuses" },
    { name: "has another speed", bytes: agreement({ 101: [0, 0, 0x4b, 0] }), kind: "config", says: "it has 19200" },
    { name: "has another parity", bytes: agreement({ 103: [1] }), kind: "config", says: "parity" },
    { name: "cuts an answer short", bytes: agreement({ 101: [0] }), kind: "protocol", says: "cut short" },
    {
      name: "negotiates without end",
      bytes: Buffer.concat(Array.from({ length: 200 }, (_, n) => Buffer.of(IAC, WILL, n % 250))),
      kind: "protocol",
      says: "without end",
    },
  ])("gives up on a server that $name", ({ bytes, kind, says }) => {
    const session = new Rfc2217Session(SETTINGS);
    session.begin();
    session.receive(bytes);
    expect([session.state, session.failure]).toEqual([
      "failed",
      expect.objectContaining({ kind, detail: expect.stringContaining(says) }),
    ]);
  });

  it("counts what the server says of damaged characters, and honours a suspended flow", () => {
    const session = new Rfc2217Session(SETTINGS);
    session.begin();
    session.receive(agreement());
    session.receive(
      Buffer.concat([8, 4, 2, 16, 12].map((state) => subNegotiation(COM_PORT, Uint8Array.of(106, state)))),
    );
    expect(session.errors).toEqual({ framing: 2, parity: 2, overruns: 1, breaks: 1 });
    session.receive(subNegotiation(COM_PORT, Uint8Array.of(107, 0xff)));
    session.receive(subNegotiation(COM_PORT, Uint8Array.of(108)));
    expect(session.suspended).toBe(true);
    session.receive(subNegotiation(COM_PORT, Uint8Array.of(109)));
    expect(session.suspended).toBe(false);
  });

  describe("negotiates", () => {
    const [ECHO, TERMINAL] = [1, 24];
    const begun = () => {
      const session = new Rfc2217Session(SETTINGS);
      const said = session.begin();
      return { session, said, hears: (...wire: number[]) => session.receive(Uint8Array.of(...wire)).send };
    };
    const commands = (sent: readonly Uint8Array[]): number[][] => sent.map((bytes) => [...bytes.subarray(1)]);

    it("for eight bits, no go-ahead and the port", () => {
      expect(commands(begun().said)).toEqual([
        [WILL, 0],
        [WILL, 3],
        [WILL, COM_PORT],
        [DO, 0],
        [DO, 3],
      ]);
    });

    it.each([
      { name: "an offer of what was asked for", wire: [IAC, WILL, 0], answer: [] },
      { name: "its agreement to what was offered", wire: [IAC, DO, 3], answer: [] },
      { name: "an offer of something else", wire: [IAC, WILL, ECHO], answer: [[DONT, ECHO]] },
      { name: "a wish for something else", wire: [IAC, DO, TERMINAL], answer: [[WONT, TERMINAL]] },
      { name: "its refusal of what was asked for", wire: [IAC, WONT, 0], answer: [[DONT, 0]] },
      { name: "its refusal of what was offered", wire: [IAC, DONT, 3], answer: [[WONT, 3]] },
      { name: "an offer of the port from its side", wire: [IAC, WILL, COM_PORT], answer: [[DONT, COM_PORT]] },
    ])("and answers $name once: $answer", ({ wire, answer }) => {
      const { hears } = begun();
      expect(commands(hears(...wire))).toEqual(answer);
      expect(hears(...wire)).toEqual([]);
    });

    it("the settings once, and says which of them are not answered", () => {
      const { session, hears } = begun();
      expect(session.missing).toBe("it did not agree to RFC 2217");
      expect(hears(IAC, DO, COM_PORT)).toHaveLength(8);
      expect(hears(IAC, DO, COM_PORT)).toEqual([]);
      expect(session.missing).toBe("no answer about the baud rate, data bits, parity, stop bits, flow control");
      session.receive(subNegotiation(COM_PORT, Uint8Array.of(102, 7)));
      session.receive(subNegotiation(TERMINAL, Uint8Array.of(103, 3)));
      expect(session.missing).toBe("no answer about the baud rate, parity, stop bits, flow control");
      expect(session.state).toBe("setting");
    });

    it("64 times and no more, and says nothing once it has given up", () => {
      const { session, hears } = begun();
      for (let n = 0; n < 64; n++) hears(IAC, WILL, ECHO);
      expect(session.state).toBe("negotiating");
      expect(hears(IAC, WILL, ECHO, IAC, WILL, TERMINAL)).toEqual([]);
      expect(session.state).toBe("failed");
    });

    it.each([
      { over: { baudRate: 0x01020304 }, code: 1, value: [1, 2, 3, 4] },
      { over: { parity: "none" }, code: 3, value: [1] },
      { over: { flow: "xon_xoff" }, code: 5, value: [2] },
    ] as const)("$over as $value", ({ over, code, value }) => {
      const session = new Rfc2217Session({ ...SETTINGS, ...over });
      session.begin();
      const sent = session.receive(Uint8Array.of(IAC, DO, COM_PORT)).send.map((bytes) => [...bytes]);
      expect(sent).toContainEqual([IAC, SB, COM_PORT, code, ...value, IAC, SE]);
    });

    it("only of the port, whatever other options say", () => {
      const { session } = begun();
      session.receive(subNegotiation(TERMINAL, Uint8Array.of(108)));
      expect(session.suspended).toBe(false);
    });
  });

  it("never throws and never answers without end, whatever comes", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.constantFrom(251, 252, 253, 254), fc.nat(255))
        .map(([verb, option]) => Uint8Array.of(IAC, verb, option)),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => subNegotiation(COM_PORT, bytes)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 100 }), (pieces) => {
        const session = new Rfc2217Session(SETTINGS);
        session.begin();
        const sent = pieces.flatMap((bytes) => session.receive(bytes).send);
        expect(sent.length).toBeLessThanOrEqual(64 + 8);
      }),
    );
  });
});

const asking = (request: string, timeoutMs = 2_000): Exchange => ({
  request: Buffer.from(request, "latin1"),
  isComplete: (bytes) => Buffer.from(bytes).includes("\n"),
  timeoutMs,
  replyBytesMax: 4_096,
});

async function ask(address: Rfc2217Address, request: string, timeoutMs = 3_000): Promise<unknown> {
  const signal = AbortSignal.timeout(10_000);
  const opened = await openRfc2217(address, realClock)(signal, timeoutMs);
  if (!opened.ok) return opened.error;
  try {
    const said = await opened.value.exchange(asking(request), signal);
    return said.ok ? textOf(said.value) : said.error;
  } finally {
    await opened.value.close();
  }
}

/** A terminal server that says this to whoever connects. */
async function startServer(speak: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    speak(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

describe("a line over RFC 2217", () => {
  const at = (port: number): Rfc2217Address => ({ host: "127.0.0.1", port, ...SETTINGS });

  it("says that a raw port is none, after the poll's time", async () => {
    const port = await startServer(() => {});
    expect(await ask(at(port), "x", 200)).toMatchObject({
      kind: "timeout",
      detail: expect.stringContaining("did not agree to RFC 2217"),
      hint: expect.stringContaining("tcp:"),
    });
  });

  it("takes a server that hangs up for one that is taken", async () => {
    const port = await startServer((socket) => socket.end("Port already in use\r\n"));
    expect(await ask(at(port), "x")).toMatchObject({ kind: "busy" });
  });

  it("sends nothing while the server has suspended the flow, and ends in time", async () => {
    const seen: Buffer[] = [];
    const port = await startServer((socket) => {
      socket.on("data", (chunk) => seen.push(chunk));
      socket.write(agreement());
      socket.write(subNegotiation(COM_PORT, Uint8Array.of(108)));
    });
    expect(await ask(at(port), "question")).toMatchObject({ kind: "timeout" });
    expect(Buffer.concat(seen).includes("question")).toBe(false);
  });

  it("gives up on a server that floods", async () => {
    const port = await startServer((socket) => {
      socket.write(agreement());
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(4_096, "x")));
        socket.once("drain", more);
      };
      more();
    });
    expect(await ask(at(port), "question")).toMatchObject({ kind: "protocol", misbehaved: true });
  });
});

describe.runIf(hasPeers)("a line over ser2net", () => {
  async function startSer2net(): Promise<{ port: number; stty: () => string }> {
    const folder = mkdtempSync(join(tmpdir(), "ser2net-"));
    const tty = join(folder, "tty");
    // All 256 bytes must come through: the device says back what it was told.
    const socat = spawn("socat", [`PTY,link=${tty},raw,echo=0`, "SYSTEM:cat"], { stdio: "ignore" });
    await expect.poll(() => existsSync(tty)).toBe(true);
    const port = await startServer(() => {});
    await stops.pop()?.();
    writeFileSync(
      join(folder, "ser2net.yaml"),
      `%YAML 1.1\n---\nconnection: &c\n  accepter: telnet(rfc2217),tcp,127.0.0.1,${port}\n  connector: serialdev(nouucplock),${tty},1200n81,local\n`,
    );
    const args = ["-n", "-d", "-c", join(folder, "ser2net.yaml"), "-P", join(folder, "pid")];
    const ser2net = spawn("ser2net", args, { stdio: "ignore" });
    stops.push(() => {
      ser2net.kill("SIGKILL");
      socat.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    });
    await expect.poll(() => readFileSync("/proc/net/tcp", "latin1")).toContain(hexPort(port));
    return { port, stty: () => spawnSync("stty", ["-F", tty, "-a"]).stdout.toString() };
  }
  const hexPort = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;

  it("sets the port up, and all bytes come through as they are", async () => {
    const { port, stty } = await startSer2net();
    const settings = { baudRate: 4_800, parity: "none", dataBits: 8, stopBits: 2, flow: "none" } as const;
    const address = { host: "127.0.0.1", port, ...settings };
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, n) => n).filter((n) => n !== 10));
    const signal = AbortSignal.timeout(10_000);
    const opened = await openRfc2217(address, realClock)(signal, 3_000);
    if (!opened.ok) throw new Error(opened.error.detail);
    const said = await opened.value.exchange(asking(`${all}\n`), signal);
    expect(said.ok && textOf(said.value)).toBe(`${all}\n`);
    expect(stty()).toMatch(/speed 4800 baud/);
    expect(stty()).toMatch(/ cstopb/);
    await opened.value.close();
    expect(await ask(address, "again\n")).toBe("again\n");
  });

  it("is busy, not broken, while another client has the port", async () => {
    const { port } = await startSer2net();
    const address = { host: "127.0.0.1", port, ...SETTINGS, dataBits: 8, parity: "none" } as const;
    const first = await openRfc2217(address, realClock)(AbortSignal.timeout(10_000), 3_000);
    expect(first.ok).toBe(true);
    expect(await ask(address, "x\n", 1_500)).toMatchObject({ kind: "busy" });
    if (first.ok) await first.value.close();
    await expect.poll(() => ask(address, "free\n")).toBe("free\n");
  });
});
