import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SampleCollector, sampleCollector, T0 } from "./sample-collector.ts";
import { STREAM_LIMITS } from "./stream.ts";
import { incidentView } from "./view.ts";

let collector: SampleCollector;
let address = "";
beforeEach(async () => {
  collector = await sampleCollector();
  address = await collector.app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => collector.close());

/** A page on the stream: what it got so far, and waiting for more. */
async function page(headers: Record<string, string> = collector.browser("viewer")) {
  const response = await fetch(`${address}/api/v1/stream`, { headers });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let ended = false;
  const seen: unknown[] = [];
  const read = async (): Promise<void> => {
    const { value, done } = (await reader?.read()) ?? { value: "", done: true };
    const frames = (rest + (value ?? "")).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) if (frame.startsWith("data: ")) seen.push(JSON.parse(frame.slice(6)));
    ended = done;
  };
  return {
    response,
    /** All events so far, at least `count` of them unless the stream ended. */
    async events(count: number): Promise<unknown[]> {
      while (seen.length < count && !ended) await read();
      return seen;
    },
    async end(): Promise<void> {
      while (!ended) await read();
    },
    cancel: () => reader?.cancel(),
  };
}
const device = (n: number) =>
  ({ type: "device", site: "berlin-01", device: `d-${n}`, state: "up", worst: null }) as const;
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
};
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
};

describe("the stream", () => {
  it("says hello, then what changes, then beats", async () => {
    const one = await page();
    expect(one.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(one.response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await one.events(1)).toEqual([{ type: "hello", now: T0, version: "0.1.0" }]);
    const incident = collector.open();
    collector.emit(device(1));
    collector.clock.advance(STREAM_LIMITS.beatMs);
    expect((await one.events(3)).slice(1)).toEqual([device(1), { type: "beat", now: T0 + STREAM_LIMITS.beatMs }]);
    expect(incident.id).toBe("INC-000001");
    await one.cancel();
  });

  it("shows an incident as the lists do", async () => {
    const one = await page();
    await one.events(1);
    const incident = collector.open();
    const { live } = collector;
    collector.emit({ type: "incident", incident: incidentView(incident, live) });
    expect((await one.events(2))[1]).toMatchObject({
      type: "incident",
      incident: { id: incident.id, siteName: "Berlin Alexanderplatz", version: 1 },
    });
    await one.cancel();
  });

  it("reaches every page, and forgets those that left", async () => {
    const pages = await Promise.all([page(), page(), page(collector.program("viewer"))]);
    for (const one of pages) await one.events(1);
    expect(await metric("aislewatch_stream_clients")).toBe(3);
    await pages[0]?.cancel();
    await until(async () => (await metric("aislewatch_stream_clients")) === 2);
    collector.emit(device(1));
    expect((await pages[1]?.events(2))?.[1]).toEqual(device(1));
    await pages[1]?.cancel();
    await pages[2]?.cancel();
  });

  it("ends at the next beat for who signed out", async () => {
    const headers = collector.browser("operator");
    const one = await page(headers);
    await one.events(1);
    await fetch(`${address}/api/v1/session`, { method: "DELETE", headers });
    collector.clock.advance(STREAM_LIMITS.beatMs);
    await one.end();
    expect(await metric("aislewatch_stream_clients")).toBe(0);
    expect(collector.clock.pending).toBe(0);
  });

  it("disconnects a page that does not read, and no other", async () => {
    const headers = collector.browser("viewer");
    const slow = await stalled(headers);
    const quick = await page();
    await quick.events(1);
    await until(async () => (await metric("aislewatch_stream_clients")) === 2);
    const big = {
      type: "values" as const,
      site: "berlin-01",
      devices: Array.from({ length: 20_000 }, (_, n) => `lane-${n}`),
    };
    let sent = 1;
    while ((await metric("aislewatch_stream_slow_disconnects_total")) === 0) {
      collector.emit(big);
      await quick.events(++sent);
      expect(sent).toBeLessThan(500);
    }
    expect(await metric("aislewatch_stream_clients")).toBe(1);
    collector.emit(device(7));
    expect((await quick.events(sent + 1)).at(-1)).toEqual(device(7));
    slow.destroy();
    await quick.cancel();
  });

  it("takes so many pages of one person and no more", async () => {
    const headers = collector.browser("viewer");
    const pages = [];
    for (let n = 0; n < STREAM_LIMITS.clientsPerIdentityMax; n++) pages.push(await page(headers));
    const refused = await page(headers);
    expect(refused.response.status).toBe(503);
    const other = await page(collector.browser("operator"));
    expect(other.response.status).toBe(200);
    expect(await metric("aislewatch_stream_refused_total")).toBe(1);
    for (const one of [...pages, other]) await one.cancel();
  });

  it("ends for everyone when the collector stops, and leaves no timer", async () => {
    const one = await page();
    await one.events(1);
    await collector.app.close();
    await one.end();
    expect(collector.clock.pending).toBe(0);
  });
});

/** Asks for the stream and never reads it. */
async function stalled(headers: Record<string, string>): Promise<Socket> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.pause();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /api/v1/stream HTTP/1.1\r\nhost: ${hostname}\r\n${lines.join("")}\r\n`);
  return socket;
}
