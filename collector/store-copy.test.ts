import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type InfluxRig, influxdb, influxMissing } from "../test/rig/influxdb.ts";
import { cleanUp } from "../test/rig/rig.ts";
import { aBatch, T0 } from "./store/timeseries/contract-data.ts";
import { createDuckDbStore } from "./store/timeseries/duckdb.ts";
import { createInfluxStore } from "./store/timeseries/influxdb.ts";
import type { Point, SeriesId, TimeSeriesStore } from "./store/timeseries/store.ts";
import { COPY_AGENT, type CopyOptions, copyHistory, copyText } from "./store-copy.ts";

const missing = influxMissing();
const MINUTE = 60_000;
const clock = new ManualClock(T0);
const SITES = ["store-1", "store-2", "aislewatch"];
const DEVICES = ["lane-1/printer", "lane-2/printer", "lane-2/printer#tray-2"];
const METRICS = ["temperature_celsius", "media_out"];
const SERIES: SeriesId[] = SITES.flatMap((site) =>
  DEVICES.flatMap((subject) => {
    const [device = "", component = null] = subject.split("#");
    return METRICS.map((metric) => ({ site, device, component, metric }));
  }),
);
const ROUNDS = 40;
const SAMPLES = SERIES.length * ROUNDS;

/** Readings of a few days with nights between, in more than one lane. */
async function fill(store: TimeSeriesStore): Promise<void> {
  for (let n = 0; n < ROUNDS; n++) {
    const at = T0 + Math.floor(n / 10) * 86_400_000 + (n % 10) * MINUTE;
    await store.append(
      SITES.map((site) =>
        aBatch(
          n + 1,
          DEVICES.flatMap((subject, d) => [
            { subject, metric: "temperature_celsius", at: at + d, value: n + d / 8 },
            { subject, metric: "media_out", at: at + d, value: n % 3 === 0 },
          ]),
          { site, lane: n % 2 === 0 ? "live" : "history" },
        ),
      ),
    );
  }
}

const all = async (store: TimeSeriesStore): Promise<Point[][]> => {
  const found: Point[][] = [];
  for (const series of SERIES) found.push(await store.query(series, { from: T0, to: T0 + 1e9, pointsMax: 5_000 }));
  return found;
};
const marksOf = async (store: TimeSeriesStore): Promise<string[]> =>
  (await store.watermarks())
    .filter(({ agent }) => agent !== COPY_AGENT)
    .map((mark) => `${mark.site} ${mark.lane} ${mark.seq}`)
    .sort();

describe.skipIf(missing !== null)(`copying history${missing ?? ""}`, () => {
  let influx: InfluxRig;
  let folder: string;
  let databases = 0;
  let stores: Record<"duckdb" | "influxdb", TimeSeriesStore>;

  const openStores = async (): Promise<void> => {
    const address = { api: "v1", url: influx.url, ca: null, username: null, password: null } as const;
    stores = {
      duckdb: createDuckDbStore({ file: join(folder, "series.duckdb"), clock, retentionMs: null }),
      influxdb: createInfluxStore({ address: { ...address, database: `copy-${databases}` }, clock, retentionMs: null }),
    };
    await stores.duckdb.open();
    await stores.influxdb.open();
  };
  const closeStores = async (): Promise<void> => {
    await stores.duckdb.close();
    await stores.influxdb.close();
  };
  const copy = (from: keyof typeof stores, to: keyof typeof stores, more: Partial<CopyOptions> = {}) =>
    copyHistory({ from: stores[from], to: stores[to], clock, withWatermarks: true, ...more });

  beforeAll(async () => {
    influx = await influxdb();
    await influx.run();
  });
  afterAll(cleanUp);
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "aislewatch-copy-"));
    databases++;
    await openStores();
  });
  afterEach(async () => {
    await closeStores();
    rmSync(folder, { recursive: true });
  });

  it.each([
    { from: "duckdb", to: "influxdb" },
    { from: "influxdb", to: "duckdb" },
  ] as const)("brings all from $from to $to, with types and watermarks, and counts it", async ({ from, to }) => {
    await fill(stores[from]);
    const shares: number[] = [];
    const result = await copy(from, to, {
      samplesMax: 50,
      seriesMax: 7,
      onProgress: ({ share }) => shares.push(share),
    });
    expect(result).toEqual({ stopped: null, samples: SAMPLES, series: SERIES.length, counted: SAMPLES, missing: [] });
    expect(await all(stores[to])).toEqual(await all(stores[from]));
    expect((await stores[to].stats()).samples).toBe(SAMPLES);
    expect(new Set(await stores[to].lastValues(0))).toEqual(new Set(await stores[from].lastValues(0)));
    expect(await marksOf(stores[to])).toEqual(await marksOf(stores[from]));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  it.each([
    { from: "duckdb", to: "influxdb" },
    { from: "influxdb", to: "duckdb" },
  ] as const)(
    "stopped again and again, it goes on from $from to $to and brings each sample once",
    async ({ from, to }) => {
      await fill(stores[from]);
      let samples = 0;
      let runs = 0;
      for (let isDone = false; !isDone; runs++) {
        expect(runs).toBeLessThan(200);
        const stop = new AbortController();
        let parts = 0;
        const result = await copy(from, to, {
          ...{ samplesMax: 60, seriesMax: 7, signal: stop.signal },
          onProgress: () => ++parts >= 3 && stop.abort(),
        });
        samples += result.samples;
        isDone = result.stopped === null;
        await closeStores();
        await openStores();
      }
      expect(runs).toBeGreaterThan(3);
      expect(samples).toBe(SAMPLES);
      expect((await stores[to].stats()).samples).toBe(SAMPLES);
      expect(await all(stores[to])).toEqual(await all(stores[from]));
    },
  );

  it("leaves a store's own samples and watermarks alone", async () => {
    await fill(stores.duckdb);
    await stores.influxdb.append([aBatch(900, [{ at: T0 - 1, value: 7 }])]);
    const { missing: lacking } = await copy("duckdb", "influxdb", { withWatermarks: false });
    expect(lacking).toEqual([]);
    expect(await marksOf(stores.influxdb)).toEqual(["store-1 live 900"]);
    expect((await stores.influxdb.stats()).samples).toBe(SAMPLES + 1);
  });

  it("says what is missing when the other store did not take all", async () => {
    await fill(stores.duckdb);
    await fetch(`${influx.url}/write?db=copy-${databases}&precision=ms`, {
      method: "POST",
      body: `readings,site=x temperature_celsius="warm" ${T0}`,
    });
    const result = await copy("duckdb", "influxdb");
    expect(result.counted).toBeLessThan(SAMPLES);
    expect(result.missing[0]).toMatchObject({ series: { metric: "temperature_celsius" } });
    expect(copyText(result)).toContain("missing: ");
    expect(await marksOf(stores.influxdb)).toEqual([]);
  });

  it("is done at once with nothing", async () => {
    expect(await copy("duckdb", "influxdb")).toEqual({ stopped: null, samples: 0, series: 0, counted: 0, missing: [] });
  });
});
