/**
 * What every time-series store must do, as tests. `contract.test.ts` runs them for each implementation, on the real
 * thing.
 */
import { mkdir, rm } from "node:fs/promises";
import type { Value } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { killWhileWriting } from "../crash.ts";
import { StoreError } from "../error.ts";
import { aBatch, CRASH_SAMPLES, crashBatch, LANE, type Sample, T0 } from "./contract-data.ts";
import type { Point, SeriesId, TelemetryBatch, TimeSeriesStore } from "./store.ts";

export type TimeSeriesStoreUnderTest = {
  /** A store over the same data each time, not yet open; one is open at a time. */
  create(): TimeSeriesStore;
  /** A Node program that appends `crashBatch(1)`, `crashBatch(2)`, … to it until it is killed (crash-writer.ts). */
  readonly writer: readonly string[];
  /** A folder that `snapshot` may fill, and a store over what it left there; absent where there is none. */
  readonly copy?: { readonly folder: string; open(): TimeSeriesStore };
  remove(): Promise<void>;
};

const SERIES: SeriesId = { site: "store-1", device: "lane-3/printer", component: null, metric: "temperature_celsius" };
const ALWAYS = { from: T0 - 86_400_000, to: T0 + 86_400_000, pointsMax: 5_000 };
const HOSTILE = ["o'hara", '"; drop table samples; --', "größe 🖨️ ラベル", "a\nb", "$1 ? :x", '["x"]'];

/** `makesCopies`: it holds its data itself; one on a server has means of its own for that. */
export function timeSeriesStoreContract(
  name: string,
  make: () => Promise<TimeSeriesStoreUnderTest>,
  { makesCopies = false }: { readonly makesCopies?: boolean } = {},
): void {
  describe(`${name} as a time-series store`, () => {
    let place: TimeSeriesStoreUnderTest;
    let store: TimeSeriesStore;

    const start = async (): Promise<void> => {
      place = await make();
      store = place.create();
      await store.open();
    };
    beforeEach(start);
    afterEach(async () => {
      await store.close();
      await place.remove();
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = place.create();
      await store.open();
    };
    const valuesOf = async (series = SERIES): Promise<number[][]> =>
      (await store.query(series, ALWAYS)).map(({ at, mean }) => [at - T0, mean]);

    describe("append", () => {
      it("shows a sample as soon as it is taken, and after a restart", async () => {
        await store.append([aBatch(1, [{ at: T0 + 5, value: 21.5 }])]);
        const points: Point[] = [{ at: T0 + 5, mean: 21.5, min: 21.5, max: 21.5 }];
        expect(await store.query(SERIES, ALWAYS)).toEqual(points);
        await reopen();
        expect(await store.query(SERIES, ALWAYS)).toEqual(points);
        expect(await store.watermarks()).toEqual([{ ...LANE, seq: 1 }]);
      });

      it.each([
        { name: "in a later call", calls: [[1], [1], [2], [1, 2]] },
        { name: "in the same call", calls: [[1, 1, 2, 2, 1]] },
        { name: "below the watermark", calls: [[1], [2], [1]] },
      ])("drops a repeat $name", async ({ calls }) => {
        for (const seqs of calls) await store.append(seqs.map((seq) => aBatch(seq, [{ at: T0 + seq, value: seq }])));
        expect(await valuesOf()).toEqual([
          [1, 1],
          [2, 2],
        ]);
        expect((await store.stats()).samples).toBe(2);
      });

      it("drops a repeat that comes while the first is still being written", async () => {
        const again = (): Promise<void> => store.append([aBatch(1, [{ at: T0, value: 1 }])]);
        await Promise.all([again(), again(), again()]);
        expect((await store.stats()).samples).toBe(1);
      });

      it("drops a repeat after a restart", async () => {
        await store.append([aBatch(3, [{ at: T0, value: 1 }])]);
        await reopen();
        await store.append([aBatch(3, [{ at: T0, value: 1 }]), aBatch(4, [{ at: T0 + 1, value: 2 }])]);
        expect((await store.stats()).samples).toBe(2);
        expect(await store.watermarks()).toEqual([{ ...LANE, seq: 4 }]);
      });

      it("keeps lanes, epochs, agents and sites apart", async () => {
        const lanes = [{}, { lane: "history" as const }, { epoch: "e2" }, { agent: "host-2" }, { site: "store-2" }];
        await store.append(lanes.map((lane, n) => aBatch(n === 1 ? 9 : 1, [{ at: T0 + n, value: n }], lane)));
        expect((await store.stats()).samples).toBe(5);
        expect(await store.watermarks()).toHaveLength(5);
        expect(await store.watermarks()).toContainEqual({ ...LANE, lane: "history", seq: 9 });
        expect(await valuesOf()).toEqual([0, 1, 2, 3].map((n) => [n, n]));
        expect(await valuesOf({ ...SERIES, site: "store-2" })).toEqual([[4, 4]]);
      });

      it("moves the watermark for a batch without samples", async () => {
        await store.append([aBatch(1, [])]);
        await reopen();
        expect(await store.watermarks()).toEqual([{ ...LANE, seq: 1 }]);
      });

      it("is done at once with nothing", async () => {
        await store.append([]);
        expect(await store.watermarks()).toEqual([]);
      });

      it("leaves out what a reading lacks, and shifts times by the agent's skew", async () => {
        await store.append([
          aBatch(
            1,
            [
              { at: T0, value: null },
              { at: T0 + 10, value: 1.25 },
            ],
            { skewMs: -4_000 },
          ),
        ]);
        expect(await valuesOf()).toEqual([[10 - 4_000, 1.25]]);
      });

      it("keeps numbers to the last bit", async () => {
        const values = [0.1, -0, 1e-300, -1.7976931348623157e308, Number.MAX_SAFE_INTEGER, 1 / 3];
        await store.append([
          aBatch(
            1,
            values.map((value, n) => ({ at: T0 + n, value })),
          ),
        ]);
        expect((await store.query(SERIES, ALWAYS)).map(({ max }) => max)).toEqual(values);
      });

      it("takes hostile ids as text", async () => {
        await store.append(
          HOSTILE.map((text) =>
            aBatch(1, [{ subject: text, metric: text, at: T0, value: 1 }], { site: text, agent: text, epoch: text }),
          ),
        );
        await reopen();
        for (const text of HOSTILE) {
          const series = { site: text, device: text, component: null, metric: text };
          expect(await valuesOf(series)).toEqual([[0, 1]]);
        }
        expect((await store.watermarks()).map(({ agent }) => agent).sort()).toEqual([...HOSTILE].sort());
      });
    });

    describe("samples", () => {
      const other: SeriesId = { ...SERIES, component: "tray-2" };
      const never: SeriesId = { ...SERIES, metric: "never_read" };
      const at = (n: number): number => T0 + n * 1_000;
      const listed = async (
        series: readonly SeriesId[],
        range: { from: number; to: number; samplesMax: number; beforeMs?: number },
      ): Promise<{ found: number[][]; until: number }> => {
        const samples = await store.samples(series, range);
        const found = [...samples.at].map((time, n) => [samples.series[n] ?? -1, time, samples.value[n] ?? Number.NaN]);
        return { found, until: samples.until };
      };
      beforeEach(async () => {
        const odd = (n: number): Sample => ({ subject: "lane-3/printer#tray-2", at: at(n), value: n % 4 === 1 });
        // Two lanes, neither in order of time.
        await store.append([aBatch(1, [{ at: at(4), value: 4 }, { at: at(2), value: 2 }, odd(7), odd(5)])]);
        await store.append([
          aBatch(1, [{ at: at(0), value: 0 }, odd(1), { at: at(6), value: 6 }, odd(3)], { lane: "history" }),
        ]);
      });

      it("come as they were taken, of several series in order of time", async () => {
        const { found, until } = await listed([other, SERIES, never], { from: at(1), to: at(6), samplesMax: 100 });
        expect(found).toEqual([
          [0, at(1), 1],
          [1, at(2), 2],
          [0, at(3), 0],
          [1, at(4), 4],
          [0, at(5), 1],
        ]);
        expect(until).toBe(at(6));
      });

      it("come in parts when there are too many, each once", async () => {
        const all: number[][] = [];
        let from = at(0);
        for (let parts = 0; from < at(8); parts++) {
          const { found, until } = await listed([SERIES, other], { from, to: at(8), samplesMax: 3 });
          expect(found.length).toBeLessThanOrEqual(3);
          expect(parts).toBeLessThan(8);
          all.push(...found);
          from = until;
        }
        expect(all.map(([, time]) => time)).toEqual(Array.from({ length: 8 }, (_, n) => at(n)));
      });

      it("bring what each began with, unless it is too old", async () => {
        const range = { from: at(4) + 1, to: at(6), samplesMax: 100 };
        expect((await listed([SERIES, other], { ...range, beforeMs: 10_000 })).found.map(([, time]) => time)).toEqual(
          [3, 4, 5].map(at),
        );
        expect((await listed([SERIES, other], { ...range, beforeMs: 500 })).found.map(([, time]) => time)).toEqual(
          [4, 5].map(at),
        );
      });

      it("are none of a range or of series without any", async () => {
        const nothing = { found: [], until: at(6) };
        expect(await listed([never], { from: at(0), to: at(6), samplesMax: 9 })).toEqual(nothing);
        expect(await listed([], { from: at(0), to: at(6), samplesMax: 9 })).toEqual(nothing);
        expect((await listed([SERIES], { from: at(100), to: at(200), samplesMax: 9 })).found).toEqual([]);
      });
    });

    describe("query", () => {
      const minute = (n: number): number => T0 + n * 60_000;
      beforeEach(async () => {
        // An hour of minutes with a hole of ten, not in order of time.
        const minutes = Array.from({ length: 60 }, (_, n) => n).filter((n) => n < 20 || n >= 30);
        const late = minutes.filter((n) => n % 7 === 0);
        const samples = (of: number[]): Sample[] => of.map((n) => ({ at: minute(n), value: n }));
        await store.append([aBatch(1, samples(minutes.filter((n) => n % 7 !== 0)))]);
        await store.append([aBatch(1, samples(late), { lane: "history" })]);
        await store.append([aBatch(2, [{ subject: "lane-3/printer#tray-2", at: minute(1), value: 99 }])]);
      });

      it("gives the samples in order of time when they fit", async () => {
        const points = await store.query(SERIES, { from: minute(0), to: minute(60), pointsMax: 50 });
        expect(points).toHaveLength(50);
        expect(points.map(({ mean }) => mean)).toEqual([...points.map(({ mean }) => mean)].sort((a, b) => a - b));
        expect(points[0]).toEqual({ at: minute(0), mean: 0, min: 0, max: 0 });
      });

      it("gives mean, least and greatest of each bucket when they do not, and leaves a gap a gap", async () => {
        const points = await store.query(SERIES, { from: minute(0), to: minute(60), pointsMax: 6 });
        expect(points).toEqual([0, 10, 30, 40, 50].map((n) => ({ at: minute(n), mean: n + 4.5, min: n, max: n + 9 })));
      });

      it("tells of two weeks in a few points, each of all its samples", async () => {
        const device = "dock/scale";
        const half = (n: number): number => T0 + n * 3_600_000 + 1_800_000;
        const hours = Array.from({ length: 14 * 24 }, (_, n) => n);
        await store.append([
          aBatch(
            3,
            hours.map((n) => ({ subject: device, at: half(n), value: n })),
          ),
        ]);
        const points = await store.query({ ...SERIES, device }, { from: T0, to: T0 + 14 * 86_400_000, pointsMax: 14 });
        expect(points).toEqual(
          Array.from({ length: 14 }, (_, day) => ({
            ...{ at: T0 + day * 86_400_000, mean: day * 24 + 11.5, min: day * 24, max: day * 24 + 23 },
          })),
        );
      });

      it("includes the first moment and excludes the last", async () => {
        const range = { from: minute(3), to: minute(5), pointsMax: 10 };
        expect((await store.query(SERIES, range)).map(({ mean }) => mean)).toEqual([3, 4]);
      });

      it.each([1, 7, 49, 0, -3, 1e9])("never gives more than %d points, and at least one", async (pointsMax) => {
        const points = await store.query(SERIES, { from: minute(0), to: minute(60) + 1, pointsMax });
        expect(points.length).toBeGreaterThan(0);
        expect(points.length).toBeLessThanOrEqual(Math.max(1, pointsMax));
        expect(points.reduce((most, { max }) => Math.max(most, max), 0)).toBe(59);
      });

      it.each([
        { name: "a series that is not there", series: { ...SERIES, metric: "none" }, from: T0, to: minute(60) },
        { name: "a range without samples", series: SERIES, from: minute(20), to: minute(30) },
        { name: "a range that ends before it begins", series: SERIES, from: minute(9), to: minute(3) },
      ])("gives nothing for $name", async ({ series, from, to }) => {
        expect(await store.query(series, { from, to, pointsMax: 10 })).toEqual([]);
      });

      it("tells a component from its device", async () => {
        expect(await valuesOf({ ...SERIES, component: "tray-2" })).toEqual([[60_000, 99]]);
      });

      it("answers while batches are being taken, with all that were confirmed by then", async () => {
        const device = "counter/scale";
        let confirmed = 0;
        let stop = false;
        const appending = (async () => {
          for (let seq = 1; seq <= 60 && !stop; seq++) {
            await store.append([aBatch(seq, [{ subject: device, at: T0 + seq, value: seq }], { agent: "host-9" })]);
            confirmed = seq;
          }
        })();
        try {
          while (confirmed < 60) {
            const before = confirmed;
            const points = await store.query({ ...SERIES, device }, ALWAYS);
            expect(points.length).toBeGreaterThanOrEqual(before);
            expect(points.map(({ at }) => at - T0)).toEqual(points.map((_, n) => n + 1));
          }
        } finally {
          stop = true;
          await appending;
        }
      });
    });

    describe("lastValues", () => {
      it("gives the newest value of each series since a time, booleans as booleans", async () => {
        await store.append([
          aBatch(1, [
            { at: T0 + 5, value: 3 },
            { at: T0 + 1, value: 2 },
            { metric: "media_out", at: T0 + 2, value: true },
            { metric: "media_out", at: T0 + 3, value: false },
            { subject: "lane-3/printer#tray-2", metric: "media_out", at: T0 + 4, value: true },
            { metric: "labels_printed_total", at: T0 - 1, value: 1 },
          ]),
        ]);
        await reopen();
        const seen = await store.lastValues(T0);
        expect(seen).toHaveLength(3);
        expect(seen).toEqual(
          expect.arrayContaining([
            { site: "store-1", subject: "lane-3/printer", metric: "temperature_celsius", at: T0 + 5, value: 3 },
            { site: "store-1", subject: "lane-3/printer", metric: "media_out", at: T0 + 3, value: false },
            { site: "store-1", subject: "lane-3/printer#tray-2", metric: "media_out", at: T0 + 4, value: true },
          ]),
        );
        expect(await store.lastValues(T0 + 6)).toEqual([]);
      });

      it("follows a metric that turns from number to boolean", async () => {
        await store.append([aBatch(1, [{ metric: "m", at: T0, value: 1 }])]);
        await store.append([aBatch(2, [{ metric: "m", at: T0 + 1, value: true }])]);
        await reopen();
        expect((await store.lastValues(T0)).map(({ value }) => value)).toEqual([true]);
      });
    });

    function copies(): void {
      const never = new AbortController().signal;
      /** Only asked of a store that says that it can. */
      const copyOf = () => {
        if (place.copy === undefined || store.snapshot === undefined) throw new Error("it makes no copies");
        return { folder: place.copy.folder, open: place.copy.open, snapshot: store.snapshot.bind(store) };
      };

      it("holds what was taken before, of one instant, while more is taken", async () => {
        const copy = copyOf();
        await mkdir(copy.folder);
        let seq = 0;
        const takeOne = () => store.append([aBatch(++seq, [{ at: T0 + seq, value: seq }])]);
        await takeOne();
        const stop = new AbortController();
        const taking = (async () => {
          while (!stop.signal.aborted) await takeOne();
        })();
        await copy.snapshot(copy.folder, never);
        stop.abort();
        await taking;
        const copied = copy.open();
        await copied.open();
        const points = await copied.query(SERIES, ALWAYS);
        const [mark] = await copied.watermarks();
        await copied.close();
        expect(mark?.seq).toBeGreaterThanOrEqual(1);
        expect(points.map(({ mean }) => mean)).toEqual(Array.from({ length: mark?.seq ?? 0 }, (_, n) => n + 1));
        expect((await store.stats()).samples).toBe(seq);
      });

      it("can be stopped, and made again", async () => {
        const copy = copyOf();
        await mkdir(copy.folder);
        await store.append([aBatch(1, [{ at: T0, value: 1 }])]);
        const stop = new AbortController();
        const stopped = copy.snapshot(copy.folder, stop.signal);
        stop.abort();
        await expect(stopped).rejects.toMatchObject({ kind: "closed" });
        await rm(copy.folder, { recursive: true });
        await mkdir(copy.folder);
        await copy.snapshot(copy.folder, never);
        await store.append([aBatch(2, [{ at: T0 + 1, value: 1 }])]);
        expect((await store.stats()).samples).toBe(2);
      });

      it("stops with the store", async () => {
        const copy = copyOf();
        await mkdir(copy.folder);
        const stopped = expect(copy.snapshot(copy.folder, never)).rejects.toBeInstanceOf(StoreError);
        await store.close();
        await stopped;
        store = place.create();
        await store.open();
      });
    }
    if (makesCopies) describe("a copy of it all", copies);

    it("counts samples, series and bytes", async () => {
      await store.append([
        aBatch(1, [
          { at: T0, value: 1 },
          { at: T0 + 1, value: 2 },
          { metric: "m", at: T0, value: 3 },
        ]),
      ]);
      const { samples, series, bytesOnDisk } = await store.stats();
      expect({ samples, series }).toEqual({ samples: 3, series: 2 });
      expect(bytesOnDisk).toBeGreaterThan(0);
    });

    it("writes what it was given before it closes, and refuses what comes after", async () => {
      const given = [1, 2, 3].map((seq) => store.append([aBatch(seq, [{ at: T0 + seq, value: seq }])]));
      const closing = store.close();
      await expect(store.append([aBatch(4, [{ at: T0 + 4, value: 4 }])])).rejects.toMatchObject({ kind: "closed" });
      await Promise.all([...given, closing]);
      await store.close();
      await expect(store.query(SERIES, ALWAYS)).rejects.toThrow(StoreError);
      await expect(store.watermarks()).rejects.toThrow(StoreError);
      store = place.create();
      await store.open();
      expect(await valuesOf()).toEqual([1, 2, 3].map((n) => [n, n]));
    });

    it("has everything that it confirmed, once, after it was killed, and takes the rest again", async () => {
      await store.close();
      const printed = await killWhileWriting(place.writer, 25);
      store = place.create();
      await store.open();
      const seq = (await store.watermarks())[0]?.seq ?? 0;
      expect(printed).toEqual(printed.map((_, n) => n + 1));
      // One more batch may have been on disk before it was printed.
      expect([printed.length, printed.length + 1]).toContain(seq);
      expect((await store.stats()).samples).toBe(seq * CRASH_SAMPLES);

      await store.append(Array.from({ length: seq + 3 }, (_, n) => crashBatch(n + 1)));
      const total = (seq + 3) * CRASH_SAMPLES;
      expect((await store.stats()).samples).toBe(total);
      const all: number[] = [];
      for (let from = CRASH_SAMPLES; from < CRASH_SAMPLES + total; from += 3_000) {
        const points = await store.query(SERIES, { from: T0 + from, to: T0 + from + 3_000, pointsMax: 3_000 });
        all.push(...points.map(({ at }) => at - T0));
      }
      expect(all).toEqual(Array.from({ length: total }, (_, n) => n + CRASH_SAMPLES));
    });

    it("equals a plain model of itself after any appends, repeats and restarts", async () => {
      await fc.assert(
        fc
          .asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
            const model = new Model();
            for (const one of steps) {
              if (one === "restart") await reopen();
              else await Promise.all(model.take(one).map((batches) => store.append(batches)));
              await model.compare(store);
            }
          })
          .beforeEach(async () => {
            await store.close();
            await place.remove();
            await start();
          }),
        { numRuns: 8 },
      );
    }, 60_000);
  });
}

type Drawn = {
  lane: "live" | "history";
  seq: number;
  samples: { subject: string; metric: string; value: Value | null }[];
};
type Calls = Drawn[][];

const drawn: fc.Arbitrary<Drawn> = fc.record({
  lane: fc.constantFrom("live" as const, "history" as const),
  seq: fc.integer({ min: 1, max: 12 }),
  samples: fc.array(
    fc.record({
      subject: fc.constantFrom("a", "a#tray-2", "b"),
      metric: fc.constantFrom("m", "n"),
      value: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.boolean(), fc.constant(null)),
    }),
    { maxLength: 4 },
  ),
});
/** Calls that are made at once, each of some batches; or a restart. */
const step: fc.Arbitrary<Calls | "restart"> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("restart" as const) },
  { weight: 5, arbitrary: fc.array(fc.array(drawn, { maxLength: 3 }), { minLength: 1, maxLength: 3 }) },
);

class Model {
  readonly #watermarks = new Map<string, number>();
  readonly #samples: { subject: string; metric: string; at: number; value: Value }[] = [];
  #clock = T0;

  /** Remembers what a store must take of these calls, and gives them as batches. */
  take(calls: Calls): TelemetryBatch[][] {
    return calls.map((batches) =>
      batches.map(({ lane, seq, samples }) => {
        // A time for each, so that the newest is never in doubt.
        const timed = samples.map((sample) => ({ ...sample, at: ++this.#clock }));
        if (seq > (this.#watermarks.get(lane) ?? 0)) {
          this.#watermarks.set(lane, seq);
          for (const { subject, metric, at, value } of timed) {
            if (value !== null) this.#samples.push({ subject, metric, at, value });
          }
        }
        return aBatch(seq, timed, { lane });
      }),
    );
  }

  async compare(store: TimeSeriesStore): Promise<void> {
    const watermarks = await store.watermarks();
    expect(Object.fromEntries(watermarks.map(({ lane, seq }) => [lane, seq]))).toEqual(
      Object.fromEntries(this.#watermarks),
    );
    expect((await store.stats()).samples).toBe(this.#samples.length);
    const last = new Map(
      this.#samples.map(({ subject, metric, at, value }) => [`${subject} ${metric}`, { at, value }]),
    );
    const seen = await store.lastValues(T0);
    expect(new Map(seen.map(({ subject, metric, at, value }) => [`${subject} ${metric}`, { at, value }]))).toEqual(
      last,
    );
    for (const key of last.keys()) {
      const [subject = "", metric = ""] = key.split(" ");
      const [device = "", component = null] = subject.split("#");
      const points = await store.query({ site: "store-1", device, component, metric }, ALWAYS);
      expect(points.map(({ at, mean }) => [at, mean])).toEqual(
        this.#samples
          .filter((sample) => sample.subject === subject && sample.metric === metric)
          .map(({ at, value }) => [at, Number(value)]),
      );
    }
  }
}
