import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import { findMetric, isKind } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { startIppQueue } from "@aislewatch/simulator";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { TEST_CERTIFICATE, TEST_KEY } from "../../transport/test-certificate.ts";
import type { PollContext } from "../driver.ts";
import ipp from "./index.ts";
import { METRICS, parse } from "./parse.ts";

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const context = (timeoutMs = 5_000): PollContext => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs, nowMs: 0 });

async function queue(version?: "1.1" | "2.0") {
  const path = "/printers/receipts";
  const options = { address: "127.0.0.1", port: 0, path, clock: realClock, ...(version && { version }) };
  const started = await startIppQueue(options);
  if (!started.ok) throw new Error(started.error.detail);
  stops.push(() => started.value.stop());
  return started.value;
}

function open(uri: string, kind = "receipt_printer") {
  if (!isKind(kind)) throw new Error(kind);
  const poller = ipp.open({ id: "q", kind, config: ipp.config.parse({ queue: uri }), secret: () => "" });
  return async () => {
    const reply = await poller.poll(context());
    if (!reply.ok) return reply.error;
    const stored = JSON.stringify(reply.value);
    const parsed = poller.parse(JSON.parse(stored));
    if (!parsed.ok) return parsed.error;
    return {
      stored,
      metrics: parsed.value.samples[0]?.metrics ?? {},
      asset: parsed.value.asset,
      about: poller.about?.(),
    };
  };
}

describe("the address of a queue", () => {
  it.each([
    { name: "of another scheme", queue: "http://127.0.0.1/printers/a", ok: false },
    { name: "with a port that is none", queue: "ipp://127.0.0.1:65536/printers/a", ok: false },
    { name: "without a path", queue: "ipp://127.0.0.1", ok: false },
    // As discover proposes it.
    {
      name: "of a long name",
      queue: `ipp://127.0.0.1/printers/${encodeURIComponent("收据打印机".repeat(20))}`,
      ok: true,
    },
  ])("$name", ({ queue, ok }) => expect(ipp.config.safeParse({ queue }).success).toBe(ok));
});

describe("a queue", () => {
  it("says that it is well, and what hangs on it", async () => {
    const { port } = await queue();
    expect(await open(`ipp://127.0.0.1:${port}/printers/receipts`)()).toMatchObject({
      metrics: { queue_stopped: false, media_out: false, queued_jobs: 0, oldest_job_seconds: 0, queue_accepting: true },
      asset: { vendor: "EPSON", model: "TM-T20II" },
    });
  });

  it("says what stops it and how long a job waits, and whose job it is stays in the printer", async () => {
    const one = await queue();
    const job = { id: 1, state: 6, createdAtMs: Date.now() - 600_000, name: "Invoice of Jane Doe" };
    const held = { id: 2, state: 4, createdAtMs: Date.now() - 6_000_000, name: "held" };
    one.set({ state: 5, reasons: ["media-empty-error", "paused"], jobs: [job, held], accepting: false });
    const seen = await open(`ipp://127.0.0.1:${one.port}/printers/receipts`)();
    expect(seen).toMatchObject({
      metrics: { queue_stopped: true, media_out: true, queued_jobs: 2, queue_accepting: false },
      about: [["state reasons", "media-empty-error, paused"]],
    });
    if (!("stored" in seen)) throw new Error("no reply");
    expect(seen.metrics["oldest_job_seconds"]).toBeGreaterThanOrEqual(599);
    expect(seen.metrics["oldest_job_seconds"]).toBeLessThan(700);
    expect(seen.stored).not.toMatch(/Jane|held|cashier/);
    expect(seen.metrics).not.toHaveProperty("supply_low");
  });

  it.each(["1.1", "2.0"] as const)("is asked in the version that it knows: %s", async (version) => {
    const one = await queue(version);
    const ask = open(`ipp://127.0.0.1:${one.port}/printers/receipts`);
    expect(await ask()).toMatchObject({ metrics: { queue_stopped: false } });
    await ask();
    expect(one.asked.filter((operation) => operation !== 0x0a && operation !== 0x0b)).toEqual([]);
    expect(one.asked.length).toBe(version === "2.0" ? 4 : 5);
  });
});

describe("a certificate that nobody vouches for", () => {
  const ask = async (certificate: "checked" | "any") => {
    const options = { cert: TEST_CERTIFICATE, key: TEST_KEY };
    const server = createHttpsServer(options, (_, reply) => void reply.writeHead(403).end());
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    stops.push(() => new Promise<void>((done) => server.close(() => done())));
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const config = ipp.config.parse({ queue: `ipps://127.0.0.1:${port}/ipp/print`, certificate });
    const poller = ipp.open({ id: "q", kind: "office_printer", config, secret: () => "" });
    return await poller.poll(context());
  };

  it("is refused unless the configuration says otherwise", async () => {
    expect(await ask("checked")).toMatchObject({
      ok: false,
      error: { kind: "config", hint: expect.stringContaining("certificate: any") },
    });
    // Now it is the printer that refuses.
    expect(await ask("any")).toMatchObject({ ok: false, error: { kind: "auth" } });
  });
});

describe("what can go wrong", () => {
  async function server(answer: string): Promise<number> {
    const made = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    await new Promise<void>((done) => made.listen(0, "127.0.0.1", done));
    stops.push(() => new Promise<void>((done) => made.close(() => done())));
    const bound = made.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  it.each([
    { name: "no such page", answer: "HTTP/1.1 404 Not Found\r\n\r\n", kind: "config" },
    { name: "TLS only", answer: "HTTP/1.1 426 Upgrade Required\r\n\r\n", kind: "config" },
    { name: "a password", answer: "HTTP/1.1 401 Unauthorized\r\n\r\n", kind: "auth" },
    { name: "no HTTP", answer: "SSH-2.0-OpenSSH\r\n", kind: "protocol" },
    {
      name: "a web page",
      answer: "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>hello</html>\r\n",
      kind: "protocol",
    },
    { name: "half a reply", answer: "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n\u0001", kind: "io" },
    {
      name: "a flood",
      answer: `HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${"x".repeat(900_000)}`,
      kind: "protocol",
    },
  ])("$name", async ({ answer, kind }) => {
    expect(await open(`ipp://127.0.0.1:${await server(answer)}/ipp/print`)()).toMatchObject({ kind });
  });

  it("nothing that listens", async () => {
    const one = await queue();
    await one.stop();
    expect(await open(`ipp://127.0.0.1:${one.port}/x`)()).toMatchObject({ kind: "refused" });
  });

  it("a silent one ends with the poll's time", async () => {
    const made = createServer((socket) => void socket.on("error", () => {}).resume());
    await new Promise<void>((done) => made.listen(0, "127.0.0.1", done));
    stops.push(() => new Promise<void>((done) => made.close(() => done())));
    const bound = made.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const config = ipp.config.parse({ queue: `ipp://127.0.0.1:${port}/x` });
    const poller = ipp.open({ id: "q", kind: "receipt_printer", config, secret: () => "" });
    const signal = AbortSignal.timeout(200);
    expect(await poller.poll({ signal, timeoutMs: 200, nowMs: 0 })).toMatchObject({
      ok: false,
      error: { kind: "timeout" },
    });
  });
});

describe("parse", () => {
  const own = (reasons: readonly string[]) => {
    const parsed = parse({ printer: { "printer-state": [3], "printer-state-reasons": reasons }, jobs: null });
    return Object.entries(parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : {})
      .filter(([, value]) => value === true)
      .map(([name]) => name);
  };

  it.each([
    { reasons: ["none"], set: [] },
    { reasons: ["media-empty"], set: ["media_out"] },
    { reasons: ["media-empty-report"], set: [] },
    { reasons: ["media-low-report"], set: ["media_low"] },
    { reasons: ["media-jam-error", "door-open-error"], set: ["jammed", "cover_open"] },
    { reasons: ["toner-empty-warning", "toner-low-report"], set: ["supply_low", "supply_out"] },
    { reasons: ["offline-report"], set: ["offline"] },
    { reasons: ["connecting-to-device"], set: ["offline"] },
    { reasons: ["com.vendor-something-else-error"], set: [] },
  ])("$reasons", ({ reasons, set }) => expect(own(reasons)).toEqual(set));

  it("announces metrics of the catalogue only", () => {
    expect(METRICS.filter((name) => findMetric(name) === undefined)).toEqual([]);
  });

  it("tells supplies apart whatever letters their names have", () => {
    const names = { "marker-names": ["黒", "Black", "Ü ink"], "marker-levels": [40, 50, 60] };
    const parsed = parse({ printer: { "printer-state": [3], ...names }, jobs: [] });
    const components = parsed.ok ? parsed.value.samples.flatMap(({ component }) => component ?? []) : [];
    expect(components).toEqual(["supply-1", "supply-black", "supply-u-ink"]);
  });

  it("never throws, and reports finite numbers only", () => {
    const value = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constant(null));
    const values = fc.array(value, { maxLength: 5 });
    const printer = fc.record({
      "printer-state": fc.constantFrom([3], [4], [5]),
      "printer-state-reasons": values,
      "printer-up-time": values,
      "queued-job-count": values,
      "marker-levels": values,
      "marker-names": values,
      "printer-device-id": values,
    });
    const number = fc.option(fc.integer());
    const jobs = fc.option(
      fc.array(fc.record({ state: number, createdSeconds: number, upSeconds: number }), { maxLength: 5 }),
    );
    fc.assert(
      fc.property(printer, jobs, (told, some) => {
        const parsed = parse({ printer: told, jobs: some });
        const all = parsed.ok ? parsed.value.samples.flatMap(({ metrics }) => Object.values(metrics)) : [Number.NaN];
        expect(all.every((one) => typeof one === "boolean" || Number.isFinite(one))).toBe(true);
      }),
    );
  });
});
