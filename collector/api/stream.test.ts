import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
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

/** A page on the stream: what it got so far, and waiting for more. `lastId` is of the last event that came whole. */
async function page(headers: Record<string, string> = collector.browser("viewer"), at = address) {
  const response = await fetch(`${at}/api/v1/stream`, { headers });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let ended = false;
  let lastId = "";
  const seen: unknown[] = [];
  const read = async (): Promise<void> => {
    const { value, done } = (await reader?.read()) ?? { value: "", done: true };
    const frames = (rest + (value ?? "")).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      const [, id, data] = /^(?:id: (.+)\n)?data: (.+)$/.exec(frame) ?? [];
      if (data !== undefined) seen.push(JSON.parse(data));
      lastId = id ?? lastId;
    }
    ended = done;
  };
  return {
    response,
    get lastId() {
      return lastId;
    },
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
    expect(await one.events(1)).toEqual([{ type: "hello", now: T0, version: "0.1.0", resumed: false }]);
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

  it("keeps nothing for a page that does not read, tells it so when it does, and gives it up in the end", async () => {
    const slow = await stalled(collector.browser("viewer"));
    const quick = await page();
    await quick.events(1);
    await until(async () => (await metric("aislewatch_stream_clients")) === 2);
    // More than its socket, the kernel and the ring take together.
    const sent = 80;
    for (let n = 1; n <= sent; n++) {
      collector.emit(big(n));
      await quick.events(n + 1);
    }
    expect(await metric("aislewatch_stream_resets_total")).toBe(0);
    // It reads again: what it had got, then that it missed some.
    const { promise, resolve } = Promise.withResolvers<string>();
    let tail = "";
    slow.on("data", (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-2_000);
      if (tail.includes('"too_slow"')) resolve(tail);
    });
    slow.resume();
    expect(await promise).toContain('data: {"type":"reset","why":"too_slow"}');
    expect(await metric("aislewatch_stream_resets_total")).toBe(1);
    expect(await metric("aislewatch_stream_clients")).toBe(2);

    slow.pause();
    for (let n = sent + 1; n <= sent + 40; n++) {
      collector.emit(big(n));
      await quick.events(n + 1);
    }
    collector.clock.advance(STREAM_LIMITS.stalledMs + STREAM_LIMITS.beatMs);
    expect(await metric("aislewatch_stream_slow_disconnects_total")).toBe(1);
    collector.emit(device(7));
    // The last of them, behind the beats of the meantime.
    const beats = (STREAM_LIMITS.stalledMs + STREAM_LIMITS.beatMs) / STREAM_LIMITS.beatMs;
    const all = await quick.events(1 + sent + 40 + beats + 1);
    expect(all.filter((event) => JSON.stringify(event) === JSON.stringify(device(7)))).toHaveLength(1);
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

describe("a page that comes back", () => {
  const again = (lastId: string) => ({ ...collector.browser("viewer"), "last-event-id": lastId });

  it("goes on after the last event that it had", async () => {
    const one = await page();
    collector.emit(device(1));
    await one.events(2);
    await one.cancel();
    collector.emit(device(2));
    collector.emit(device(3));
    const two = await page(again(one.lastId));
    expect(await two.events(3)).toEqual([
      expect.objectContaining({ type: "hello", resumed: true }),
      device(2),
      device(3),
    ]);
    expect(await metric("aislewatch_stream_resumed_total")).toBe(1);
    await two.cancel();
  });

  it("goes on also when nothing had happened before it left, and where headers can't be set", async () => {
    const one = await page();
    await one.events(1);
    await one.cancel();
    collector.emit(device(1));
    const response = await fetch(`${address}/api/v1/stream?after=${one.lastId}`, {
      headers: collector.browser("viewer"),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("d-1")) text += (await reader?.read())?.value ?? "";
    expect(text).toContain('"resumed":true');
    await reader?.cancel();
  });

  it.each([
    ["of another process", "0123456789ab-5", "other_process"],
    ["that was never given", "", "other_process"],
    ["that is nonsense", "x'; --", "other_process"],
  ])("is told to fetch the present with an id %s", async (_, id, why) => {
    const one = await page();
    await one.events(1);
    const lastId = id === "" ? `${one.lastId.split("-")[0]}-999` : id;
    const two = await page(again(lastId));
    expect((await two.events(2)).slice(0, 2)).toEqual([
      expect.objectContaining({ type: "hello", resumed: false }),
      { type: "reset", why },
    ]);
    await one.cancel();
    await two.cancel();
  });

  it("is told so when more has happened than is kept, and goes on from there", async () => {
    const one = await page();
    await one.events(1);
    const other = await page();
    await other.events(1);
    await one.cancel();
    for (let n = 1; n <= 40; n++) {
      collector.emit(big(n));
      await other.events(n + 1);
    }
    const two = await page(again(one.lastId));
    expect((await two.events(2))[1]).toEqual({ type: "reset", why: "too_old" });
    collector.emit(device(9));
    expect((await two.events(3))[2]).toEqual(device(9));
    await other.cancel();
    await two.cancel();
  });

  it("is told so when it was away for long and nobody else was there", async () => {
    const one = await page();
    collector.emit(device(1));
    await one.events(2);
    await one.cancel();
    await until(async () => (await metric("aislewatch_stream_clients")) === 0);
    collector.clock.advance(STREAM_LIMITS.resumeMs + 1);
    collector.emit(device(2));
    const two = await page(again(one.lastId));
    expect((await two.events(2))[1]).toEqual({ type: "reset", why: "too_old" });
    await two.cancel();
  });

  it("loses no event and gets none twice, wherever the line is cut", async () => {
    const random = seeded(7);
    const line = await cuttingProxy(new URL(address), () => 1 + Math.floor(random() * 3_000));
    const got: unknown[] = [];
    const total = 400;
    let emitted = 0;
    let lastId = "";
    for (let connections = 0; got.length < total; connections++) {
      expect(connections).toBeLessThan(2_000);
      const headers = lastId === "" ? collector.browser("viewer") : again(lastId);
      const one = await page(headers, line.address).catch(() => null);
      if (one === null) continue; // Cut within the answer's head.
      for (let n = 0; n < 15 && emitted < total; n++) collector.emit(device(++emitted));
      // Beats go on until the line breaks.
      let isOver = false;
      const over = one.end().catch(() => undefined);
      void over.then(() => {
        isOver = true;
      });
      while (!isOver) {
        collector.clock.advance(STREAM_LIMITS.beatMs);
        await new Promise((done) => setImmediate(done));
      }
      const events = (await one.events(0)).filter((event) => kindOf(event) === "device");
      got.push(...events);
      // Until the first event with an id, nothing was heard: the next connection is a first one, too.
      if (one.lastId !== "") lastId = one.lastId;
      else if (lastId === "") got.length = emitted = 0;
    }
    expect(got).toEqual(Array.from({ length: total }, (_, n) => device(n + 1)));
    await line.close();
  });
});

it("serves 200 pages the same", async () => {
  const pages = [];
  for (let n = 0; n < 200; n++) pages.push(await page(collector.program(n % 2 === 0 ? "viewer" : "operator")));
  for (let n = 1; n <= 50; n++) collector.emit(device(n));
  const all = Array.from({ length: 50 }, (_, n) => device(n + 1));
  for (const one of pages) expect((await one.events(51)).slice(1)).toEqual(all);
  for (const one of pages) await one.cancel();
});

const kindOf = (event: unknown): unknown =>
  typeof event === "object" && event !== null && "type" in event ? event.type : null;

/** Some 400 KiB. */
const big = (n: number) => ({
  type: "values" as const,
  site: "berlin-01",
  devices: Array.from({ length: 20_000 }, (_, lane) => `lane-${lane}-${n}`),
});

/** A line that breaks each connection after so many bytes of what the collector says. */
async function cuttingProxy(to: URL, bytesOf: () => number): Promise<{ address: string; close(): Promise<void> }> {
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname);
    let left = bytesOf();
    near.pipe(far);
    far.on("data", (chunk: Buffer) => {
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) near.end(() => near.destroy());
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = server.address();
  return {
    address: `http://127.0.0.1:${typeof at === "object" && at !== null ? at.port : 0}`,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** The same numbers each time: a small linear congruential generator (Numerical Recipes). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

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
