import { createServer, type Server } from "node:net";
import {
  ackTopic,
  decodeInventory,
  decodeStatus,
  decodeTelemetry,
  LIMITS,
  parseTopic,
  rowsOf,
  sampleCount,
  telemetrySchema,
} from "@aislewatch/contract";
import { findMetric, metricsOf } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { Aedes } from "aedes";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import { type FleetOptions, runFleet } from "./fleet.ts";
import { BatchWriter, FleetPlan, type FleetShape } from "./fleet-batch.ts";
import { seededRandom } from "./random.ts";

const SHAPE: FleetShape = { kind: "label_printer", devices: 5, metrics: 9, batchSamples: 200 };
const NOW = 1_760_000_000_000;

function decoded(bytes: Uint8Array) {
  const message = decodeTelemetry(bytes);
  if (!message.ok) throw new Error(message.error.detail);
  return message.value;
}

describe("a fleet's batches", () => {
  it("are valid telemetry of the wanted size, with growing seqs and times and metrics of the kind", () => {
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.constantFrom("label_printer" as const, "pos_terminal" as const, "ups" as const),
          devices: fc.integer({ min: 1, max: 40 }),
          metrics: fc.integer({ min: 1, max: 12 }),
          batchSamples: fc.integer({ min: 1, max: 3_000 }),
        }),
        fc.integer(),
        (shape, seed) => {
          const plan = new FleetPlan(shape, seededRandom(seed));
          const writer = new BatchWriter(plan, { epoch: "e1", nowMs: NOW, phase: 0.7 });
          const times = new Map<string, number>();
          for (let i = 1; i <= 4; i++) {
            const batch = writer.next(NOW + i * 5_000);
            if (batch === null) throw new Error("no batch");
            const message = decoded(batch.payload);
            expect([message.seq, batch.seq, sampleCount(message)]).toEqual([i, i, plan.samplesPerBatch]);
            expect(telemetrySchema.safeParse(message).success).toBe(true);
            for (const { subject, at, metrics } of rowsOf(message)) {
              expect(at).toBeGreaterThan(times.get(subject) ?? 0);
              expect(at).toBeLessThanOrEqual(message.sentAt);
              times.set(subject, at);
              for (const [name, value] of Object.entries(metrics)) expect(typeof value).toBe(findMetric(name)?.type);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("hold counters that only grow, walks that move slowly, and constants that stay", () => {
    const plan = new FleetPlan(SHAPE, seededRandom(3));
    const writer = new BatchWriter(plan, { epoch: "e1", nowMs: NOW, phase: 0 });
    const last = new Map<string, number | boolean>();
    let moved = 0;
    for (let i = 1; i <= 200; i++) {
      for (const { subject, metrics } of rowsOf(decoded(writer.next(NOW + i * 1_000)?.payload ?? Buffer.alloc(0)))) {
        for (const [name, value] of Object.entries(metrics)) {
          const before = last.get(`${subject} ${name}`) ?? value;
          const metric = findMetric(name);
          if (metric?.counter) expect(Number(value)).toBeGreaterThanOrEqual(Number(before));
          else if (metric?.unit === "%") {
            expect(Math.abs(Number(value) - Number(before))).toBeLessThan(30);
            if (value !== before) moved++;
          } else if (typeof value === "boolean") expect(value).toBe(metric?.bad === false);
          last.set(`${subject} ${name}`, value);
        }
      }
    }
    expect(moved).toBeGreaterThan(100);
  });

  it("are not made faster than their polls could have been", () => {
    const plan = new FleetPlan({ ...SHAPE, batchSamples: 450 }, seededRandom(1));
    const writer = new BatchWriter(plan, { epoch: "e1", nowMs: NOW, phase: 0 });
    expect(plan.rounds).toBe(10);
    expect([writer.next(NOW)?.seq, writer.next(NOW + 9), writer.next(NOW + 10)?.seq]).toEqual([1, null, 2]);
  });

  it("come at a million samples a second and more from one core", () => {
    const plan = new FleetPlan(
      { kind: "label_printer", devices: 20, metrics: 12, batchSamples: 4_000 },
      seededRandom(1),
    );
    const writer = new BatchWriter(plan, { epoch: "e1", nowMs: NOW, phase: 0 });
    const { cpuMs } = spent(() => {
      for (let i = 1; i <= 500; i++) writer.next(NOW + i * 1_000);
    });
    const perSecond = (500 * plan.samplesPerBatch * 1_000) / cpuMs;
    expect(perSecond).toBeGreaterThan(1_000_000);
  });

  it.each([
    { name: "more metrics than the kind has", shape: { ...SHAPE, metrics: 500 } },
    { name: "no metrics", shape: { ...SHAPE, metrics: 0 } },
    { name: "more readings than a batch may hold", shape: { ...SHAPE, devices: LIMITS.rowsMax + 1 } },
  ])("refuse $name", ({ shape }) => expect(() => new FleetPlan(shape, seededRandom(1))).toThrow(RangeError));

  it("name metrics that the catalogue has for the kind", () => {
    const plan = new FleetPlan({ ...SHAPE, kind: "pos_terminal" }, seededRandom(1));
    const known = new Set(metricsOf("pos_terminal"));
    expect(plan.metrics.every((metric) => known.has(metric))).toBe(true);
  });
});

const ending: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A broker that acknowledges every batch, as a collector does; `deaf` never does. */
async function collector(deaf = false) {
  const seen = { samples: 0, devices: 0, online: 0, seqs: new Map<string, number[]>() };
  const aedes = await Aedes.createBroker({});
  aedes.on("publish", (packet, client) => {
    const topic = client === null ? null : parseTopic(packet.topic);
    const payload = Buffer.from(packet.payload);
    if (topic === null || client === null) return;
    const from = `${topic.site}/${topic.agent}`;
    if (topic.channel === "status") {
      const status = decodeStatus(payload);
      if (status.ok && status.value.state === "online") seen.online++;
    }
    if (topic.channel === "inventory") {
      const inventory = decodeInventory(payload);
      if (inventory.ok) seen.devices += inventory.value.devices.length;
    }
    if (topic.channel !== "telemetry") return;
    const message = decoded(payload);
    seen.samples += sampleCount(message);
    seen.seqs.set(from, [...(seen.seqs.get(from) ?? []), message.seq]);
    if (deaf) return;
    const ack = { v: 1, epoch: message.epoch, live: message.seq, history: 0, grant: { historyBytesPerSecond: 0 } };
    const sent = { topic: ackTopic(topic.site, topic.agent), payload: Buffer.from(JSON.stringify(ack)) };
    aedes.publish({ cmd: "publish", qos: 1, dup: false, retain: false, ...sent }, () => {});
  });
  const server: Server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ending.push(async () => {
    await new Promise<void>((resolve) => aedes.close(resolve));
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { seen, url: `mqtt://127.0.0.1:${port}` };
}

async function fleet(url: string, options: Partial<FleetOptions> = {}) {
  const started = await runFleet({
    url,
    agents: 4,
    shape: SHAPE,
    samplesPerSecond: 20_000,
    password: () => "secret",
    clock: realClock,
    random: seededRandom(8),
    ...options,
  });
  if (!started.ok) throw new Error(started.error.detail);
  return started.value;
}

describe("a fleet against a broker", () => {
  it("says who it is, publishes about the wanted rate, and has every batch acked once in order", async () => {
    const { seen, url } = await collector();
    const running = await fleet(url);
    const started = performance.now();
    await expect.poll(() => running.counters().samples).toBeGreaterThan(10_000);
    const seconds = (performance.now() - started) / 1_000;
    const counters = await running.stop();
    expect(counters.samples / seconds).toBeLessThan(60_000);
    expect([seen.online, seen.devices]).toEqual([4, 20]);
    expect([counters.ackedBatches, counters.ackedSamples]).toEqual([counters.batches, counters.samples]);
    expect(seen.samples).toBe(counters.samples);
    expect([...seen.seqs.values()].every((seqs) => seqs.every((seq, i) => seq === i + 1))).toBe(true);
    expect(counters.connectionsLost).toBe(0);
    expect(counters.ackMs?.p50).toBeGreaterThan(0);
  });

  it("holds at its window when nobody acks", async () => {
    const { url } = await collector(true);
    const running = await fleet(url, { samplesPerSecond: "max", windowBatches: 3, agents: 2 });
    await expect.poll(() => running.counters().batches).toBe(6);
    const counters = await running.stop(20);
    expect([counters.batches, counters.ackedBatches, counters.ackMs]).toEqual([6, 0, null]);
  });

  it("says that it could not connect, or that its shape is impossible", async () => {
    const options: FleetOptions = {
      url: "mqtt://127.0.0.1:1",
      agents: 2,
      shape: SHAPE,
      samplesPerSecond: 1,
      password: () => "secret",
      clock: realClock,
      random: seededRandom(8),
    };
    expect(await runFleet(options)).toMatchObject({ ok: false, error: { kind: "connect" } });
    const impossible = { ...options, shape: { ...SHAPE, metrics: 999 } };
    expect(await runFleet(impossible)).toMatchObject({ ok: false, error: { kind: "shape" } });
  });
});
