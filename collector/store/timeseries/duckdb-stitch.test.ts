/**
 * Hot samples, sealed days and roll-ups answer as one: the same before and after sealing, whatever comes late, is merged or has
 * been dropped. The model knows nothing of files; it knows from when on there are raw samples, and what rounding to five
 * minutes means.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aBatch } from "./contract-data.ts";
import { createDuckDbStore } from "./duckdb.ts";
import type { DuckDbTimeSeriesStore } from "./duckdb-options.ts";
import type { SeriesId } from "./store.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FIVE_MS = 5 * MINUTE_MS;
const START = Date.UTC(2026, 10, 10, 12);
const KEEP_MS = 3 * DAY_MS;
const DEVICES = ["till-1", "till-2"] as const;
const seriesOf = (device: string): SeriesId => ({ site: "store-1", device, component: null, metric: "load_percent" });

type Sample = { readonly device: string; readonly at: number; readonly value: number };
type Range = { readonly from: number; readonly to: number; readonly pointsMax: number };

const floorTo = (ms: number, width: number): number => Math.floor(ms / width) * width;

/** What a store must answer. */
class Model {
  readonly samples: Sample[] = [];
  rawFromMs = Number.MIN_SAFE_INTEGER;

  retain(nowMs: number): void {
    const now = Math.min(
      nowMs,
      this.samples.reduce((most, { at }) => Math.max(most, at), 0),
    );
    this.rawFromMs = Math.max(this.rawFromMs, floorTo(now - KEEP_MS, DAY_MS));
  }

  /** `at, mean, min, max` of each point. */
  query(device: string, range: Range): number[][] {
    const { from, to, pointsMax } = range;
    const widthMs = Math.max(1, Math.ceil((to - from) / pointsMax));
    const own = this.samples.filter((sample) => sample.device === device);
    const rolled = (until: number): Sample[] =>
      own
        .map((sample) => ({ ...sample, at: floorTo(sample.at, FIVE_MS) }))
        .filter(({ at }) => at >= floorTo(from, FIVE_MS) && at < until)
        .map((sample) => ({ ...sample, at: Math.max(from, sample.at) }));
    if (to - from >= 2 * DAY_MS && widthMs >= 3 * FIVE_MS) {
      const coarse = rolled(to);
      if (from < this.rawFromMs || coarse.length > pointsMax) return points(coarse, range, widthMs);
    }
    const raw = own.filter(({ at }) => at >= Math.max(from, this.rawFromMs) && at < to);
    const old = from < this.rawFromMs ? rolled(Math.min(to, this.rawFromMs)) : [];
    return points([...old, ...raw], range, widthMs);
  }
}

function points(samples: readonly Sample[], { from, pointsMax }: Range, widthMs: number): number[][] {
  const doFit = new Set(samples.map(({ at }) => at)).size <= pointsMax;
  const buckets = new Map<number, number[]>();
  for (const { at, value } of samples) {
    const bucket = doFit ? at : from + floorTo(at - from, widthMs);
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), value]);
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([at, values]) => {
      const sum = values.reduce((a, b) => a + b, 0);
      return [at, sum / values.length, Math.min(...values), Math.max(...values)];
    });
}

type Step =
  | { readonly do: "put"; readonly daysBack: number; readonly spreadMs: number; readonly values: readonly number[] }
  | { readonly do: "pass"; readonly hours: number }
  | { readonly do: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      daysBack: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 6 })),
      spreadMs: fc.constantFrom(MINUTE_MS, 5 * HOUR_MS, 30 * HOUR_MS),
      values: fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 60 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), hours: fc.constantFrom(5, 24, 24, 49) }) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);

/** Ranges as charts have them, and some that begin and end in the middle of five minutes. */
const rangesAt = (nowMs: number): Range[] => [
  { from: nowMs - DAY_MS, to: nowMs + DAY_MS, pointsMax: 1_000 },
  { from: nowMs - 2 * DAY_MS + 77_777, to: nowMs, pointsMax: 20 },
  { from: nowMs - 5 * DAY_MS, to: nowMs + HOUR_MS, pointsMax: 5_000 },
  { from: nowMs - 5 * DAY_MS + 123_456, to: nowMs - 3 * DAY_MS + 7_654, pointsMax: 1_000 },
  { from: nowMs - 12 * DAY_MS + 99_999, to: nowMs + DAY_MS, pointsMax: 300 },
  { from: nowMs - 12 * DAY_MS, to: nowMs + DAY_MS, pointsMax: 3 },
];

describe("hot samples, sealed days and roll-ups", () => {
  let folder: string;
  let clock: ManualClock;
  let store: DuckDbTimeSeriesStore;
  let model: Model;
  let problems: string[];
  let seq: number;

  const open = async (): Promise<void> => {
    store = createDuckDbStore({
      ...{ file: join(folder, "series.duckdb"), clock, retentionMs: KEEP_MS },
      limits: { partRows: 50, restShare: 0 },
      onProblem: ({ message }) => problems.push(message),
      onSetAside: (name, detail) => problems.push(`${name}: ${detail}`),
    });
    await store.open();
    await store.keep();
    model.retain(clock.now());
  };
  const start = async (): Promise<void> => {
    folder = await mkdtemp(join(tmpdir(), "aislewatch-stitch-"));
    clock = new ManualClock(START);
    [model, problems, seq] = [new Model(), [], 0];
    await open();
  };
  const end = async (): Promise<void> => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  beforeEach(start);
  afterEach(end);

  async function take(one: Step): Promise<void> {
    switch (one.do) {
      case "put": {
        const first = clock.now() - one.daysBack * DAY_MS - one.spreadMs;
        const samples = one.values.flatMap((value, n) =>
          DEVICES.map((device, d) => ({
            ...{ device, value: value + d },
            at: Math.floor(first + (one.spreadMs * (n + d / 2)) / one.values.length),
          })),
        );
        const sent = samples.map(({ device, at, value }) => ({ subject: device, metric: "load_percent", at, value }));
        await store.append([aBatch(++seq, sent)]);
        model.samples.push(...samples);
        break;
      }
      case "pass":
        clock.jump(one.hours * HOUR_MS);
        await store.keep();
        model.retain(clock.now());
        break;
      case "restart":
        await store.close();
        await open();
    }
  }

  async function compare(): Promise<void> {
    for (const device of DEVICES) {
      for (const range of rangesAt(clock.now())) {
        const found = await store.query(seriesOf(device), range);
        const expected = model.query(device, range);
        expect(found.map(({ at, min, max }) => [at, min, max])).toEqual(
          expected.map(([at, , min, max]) => [at, min, max]),
        );
        for (const [n, { mean }] of found.entries()) expect(mean).toBeCloseTo(expected[n]?.[1] ?? Number.NaN, 9);
      }
    }
    const { series, at, value } = await store.samples(DEVICES.map(seriesOf), {
      ...{ from: 0, to: clock.now() + DAY_MS, samplesMax: 100_000 },
    });
    expect([...at].map((time, n) => `${time} ${DEVICES[series[n] ?? -1]} ${value[n]}`).sort()).toEqual(
      model.samples
        .filter((sample) => sample.at >= model.rawFromMs)
        .map((sample) => `${sample.at} ${sample.device} ${sample.value}`)
        .sort(),
    );
    const newest = new Map<string, number>();
    for (const sample of model.samples) newest.set(sample.device, Math.max(sample.at, newest.get(sample.device) ?? 0));
    const last = new Map((await store.lastValues(model.rawFromMs)).map((each) => [each.subject, each.at]));
    for (const [device, time] of newest) if (time >= model.rawFromMs) expect(last.get(device)).toBe(time);
    expect(problems).toEqual([]);
  }

  it("answer as one, whatever is sealed, late, merged or dropped", async () => {
    await fc.assert(
      fc
        .asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
          for (const one of steps) {
            await take(one);
            await compare();
          }
        })
        .beforeEach(async () => {
          await end();
          await start();
        }),
      { numRuns: Number(process.env["STITCH_RUNS"] ?? 8) },
    );
  }, 600_000);
});
