/** The driver over its real lines: TCP, and a pseudo-terminal under the real serialport binding. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, describe, expect, it } from "vitest";
import type { DialectReply } from "../dialect.ts";
import zpl from "./index.ts";

const frame = (text: string): string => `\u0002${text}\u0003\r\n`;
const STATUS = ["030,1,0,1225,000,0,0,0,000,0,0,0", "001,0,0,1,1,2,6,0,00000003,1,000", "1234,0"].map(frame).join("");
const ERRORS =
  "\u0002\r\n  PRINTER STATUS\r\n   ERRORS:   1 00000000 00000001\r\n   WARNINGS: 0 00000000 00000000\r\n\u0003\r\n";
/** No Zebra firmware, so that nothing but the three is asked. */
const IDENTIFICATION = frame("GC420,1.15.07,8,2048KB");

const hasSocat = spawnSync("socat", ["-V"]).error === undefined;
if (!hasSocat && process.env["CI"]) throw new Error("socat is missing: apt-get install socat");
if (!hasSocat) process.stderr.write("zpl.test.ts: serial line skipped, socat is not installed\n");

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const REQUEST = /~HQ[A-Z]{2}|~H[A-PR-Z]|! U1 getvar "[^"]+"\r\n/;

/** A printer that answers each request by this table, a few bytes at a time, and counts its connections. */
async function startPrinter(answers: Record<string, string>) {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    seen.push("connect");
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let asked = "";
    socket.on("data", (chunk) => {
      asked += chunk.toString("latin1");
      for (let found = REQUEST.exec(asked); found !== null; found = REQUEST.exec(asked)) {
        const [request] = found;
        asked = asked.slice(found.index + request.length);
        seen.push(request);
        void sendInPieces(socket, answers[request] ?? "");
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return { port: address.port, seen };
}

async function sendInPieces(socket: Socket, text: string): Promise<void> {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += 7) {
    socket.write(bytes.subarray(at, at + 7));
    await new Promise(setImmediate);
  }
}

function pollerFor(line: unknown) {
  const config = zpl.config.parse({ line });
  const poller = zpl.open({ id: "p", kind: "label_printer", config, secret: () => "" });
  stops.push(() => poller.close());
  return (timeoutMs = 5_000, signal = AbortSignal.timeout(timeoutMs)) => poller.poll({ signal, timeoutMs, nowMs: 0 });
}

/** Whether the line ends that follow a reply came with it is a matter of pieces. */
const trimmed = (reply: DialectReply): DialectReply =>
  Object.fromEntries(Object.entries(reply).map(([name, said]) => [name, said?.trim() ?? null]));
const whole = trimmed({
  hostStatus: STATUS.replace("1234", "****"),
  errorStatus: ERRORS,
  hostIdentification: IDENTIFICATION,
});

/** Printers here answer in milliseconds; a busy machine takes its time. Each question that stays unanswered costs so much. */
const ANSWER_MS = 1_000;

describe("zpl over TCP", () => {
  it("asks for status and identity, closes, and asks for the identity only once", async () => {
    const printer = await startPrinter({ "~HS": STATUS, "~HQES": ERRORS, "~HI": IDENTIFICATION });
    const poll = pollerFor({ tcp: `127.0.0.1:${printer.port}` });
    const [first, second] = [await poll(), await poll()];
    expect(first.ok && trimmed(first.value)).toEqual(whole);
    expect(second.ok && Object.keys(second.value)).toEqual(["hostStatus", "errorStatus"]);
    expect(printer.seen).toEqual(["connect", "~HS", "~HQES", "~HI", "connect", "~HS", "~HQES"]);
  });

  it("leaves a printer alone that knows no identification, after three tries", async () => {
    const printer = await startPrinter({ "~HS": STATUS });
    const poll = pollerFor({ tcp: `127.0.0.1:${printer.port}` });
    for (let n = 0; n < 5; n++) expect((await poll(ANSWER_MS, AbortSignal.timeout(60_000))).ok).toBe(true);
    expect(printer.seen.filter((request) => request === "~HI")).toHaveLength(3);
    expect(printer.seen.filter((request) => request === "~HQES")).toHaveLength(3);
  });

  it("asks for ~HS at each poll, though a printer in an error state leaves it unanswered", async () => {
    const printer = await startPrinter({ "~HQES": ERRORS });
    const poll = pollerFor({ tcp: `127.0.0.1:${printer.port}` });
    for (let n = 0; n < 5; n++) {
      const reply = await poll(ANSWER_MS, AbortSignal.timeout(60_000));
      expect(reply).toMatchObject({ ok: true, value: { hostStatus: null } });
    }
    expect(printer.seen.filter((request) => request === "~HS")).toHaveLength(5);
  });

  it("asks no further variable after one that stayed unanswered, for its late answer would be the next one's", async () => {
    const zebra = frame("ZT411-300dpi,V92.21.39Z,12,16384KB");
    const printer = await startPrinter({ "~HS": STATUS, "~HQES": ERRORS, "~HI": zebra });
    const poll = pollerFor({ tcp: `127.0.0.1:${printer.port}` });
    expect((await poll(ANSWER_MS, AbortSignal.timeout(60_000))).ok).toBe(true);
    expect(printer.seen.slice(1)).toEqual([
      ...["~HS", "~HQES", "~HI", "~HQSN", "~HQOD", "~HQPH", "~HQMA", "~HQJT", "~HD"],
      '! U1 getvar "device.unique_id"\r\n',
    ]);
  });

  it("does not take silence of a connected printer for absence", async () => {
    const printer = await startPrinter({});
    expect(await pollerFor({ tcp: `127.0.0.1:${printer.port}` })(ANSWER_MS)).toEqual({
      ok: false,
      error: { kind: "timeout", detail: expect.stringContaining("connected, but no reply to ~HS or ~HQES") },
    });
  });

  it("takes two strings for an answer when the third is lost", async () => {
    const printer = await startPrinter({ "~HS": STATUS.slice(0, STATUS.indexOf("1234")) });
    const reply = await pollerFor({ tcp: `127.0.0.1:${printer.port}` })(ANSWER_MS);
    expect(reply.ok && reply.value["hostStatus"]).toContain("030,1,0");
  });

  it("gives up on a printer that never stops talking, within its bound", async () => {
    const printer = await startPrinter({ "~HS": "x".repeat(100_000) });
    expect(await pollerFor({ tcp: `127.0.0.1:${printer.port}` })(20_000)).toMatchObject({
      ok: false,
      error: { kind: "protocol" },
    });
  });

  it("ends at once when it is told to stop", async () => {
    const printer = await startPrinter({});
    const stop = new AbortController();
    const polled = pollerFor({ tcp: `127.0.0.1:${printer.port}` })(60_000, stop.signal);
    await expect.poll(() => printer.seen).toContain("~HS");
    stop.abort();
    expect(await polled).toMatchObject({ ok: false, error: { kind: "timeout" } });
  });

  it("says refused when nobody listens, and unreachable when the name is unknown", async () => {
    const printer = await startPrinter({});
    await stops.pop()?.();
    expect(await pollerFor({ tcp: `127.0.0.1:${printer.port}` })()).toMatchObject({
      ok: false,
      error: { kind: "refused" },
    });
    expect(await pollerFor({ tcp: "no-such-printer.invalid" })()).toMatchObject({
      ok: false,
      error: { kind: "unreachable" },
    });
  });
});

describe.runIf(hasSocat)("zpl over a serial line", () => {
  async function startPort(port: number): Promise<{ path: string; socat: ChildProcess }> {
    const folder = mkdtempSync(join(tmpdir(), "zpl-"));
    const path = join(folder, "tty");
    const socat = spawn("socat", [`PTY,link=${path},raw,echo=0`, `TCP:127.0.0.1:${port}`], { stdio: "ignore" });
    stops.push(() => {
      socat.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    });
    await expect.poll(() => existsSync(path)).toBe(true);
    return { path, socat };
  }

  it("reads status and identity through the real binding, poll after poll", async () => {
    const printer = await startPrinter({ "~HS": STATUS, "~HQES": ERRORS, "~HI": IDENTIFICATION });
    const { path } = await startPort(printer.port);
    const poll = pollerFor({ serial: path, baud_rate: 19_200, flow: "xon_xoff" });
    for (let n = 0; n < 3; n++) {
      const reply = await poll();
      expect(reply.ok && reply.value["hostStatus"]).toContain("030,1,0,1225");
    }
    const state = ["~HS", "~HQES"];
    expect(printer.seen).toEqual(["connect", ...state, "~HI", ...state, ...state]);
  });

  it("leaves a port alone that another program has, and does not blame the printer", async () => {
    const printer = await startPrinter({ "~HS": STATUS });
    const { path } = await startPort(printer.port);
    const owner = new SerialPort({ path, baudRate: 9600, autoOpen: false });
    await new Promise((resolve) => owner.open(resolve));
    stops.push(() => new Promise((resolve) => owner.close(resolve)));
    expect(await pollerFor({ serial: path })()).toMatchObject({ ok: false, error: { kind: "busy" } });
    expect(printer.seen).not.toContain("~HS");
  });

  it("says so when the port is not there", async () => {
    expect(await pollerFor({ serial: "/dev/no-such-port" })()).toMatchObject({
      ok: false,
      error: { kind: "unreachable", detail: expect.stringContaining("/dev/no-such-port") },
    });
  });

  it("does not take silence on a port that opens for absence", async () => {
    const printer = await startPrinter({});
    const { path } = await startPort(printer.port);
    expect(await pollerFor({ serial: path })(300)).toMatchObject({
      ok: false,
      error: { kind: "timeout", detail: expect.stringContaining("no reply to ~HS") },
    });
  });
});
