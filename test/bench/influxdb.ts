/**
 * The same samples into InfluxDB 1.x and into DuckDB, one after the other in one run: how fast they go in, what that costs the
 * server and us, what a sample takes on disk once it is compacted, and how long questions take. The fleet is that of store.ts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { createDuckDbStore } from "../../collector/store/timeseries/duckdb.ts";
import { createInfluxStore } from "../../collector/store/timeseries/influxdb.ts";
import type { TimeSeriesStore } from "../../collector/store/timeseries/store.ts";
import { type InfluxRig, influxdb, influxMissing } from "../rig/influxdb.ts";
import { cleanUp, waitFor } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import { cpuSecondsOf, folderBytes } from "./process-cost.ts";
import { AGENTS, DEVICES_PER_AGENT, Fleet, INTERVAL_MS, METRICS, T0 } from "./store.ts";

const ROUNDS = 500;
const ROUNDS_OF_SIZES = 40;
const SAMPLES_A_ROUND = AGENTS * DEVICES_PER_AGENT * METRICS.length;
const IN_FLIGHT_MAX = 8;
const QUERIES = 20;
/** Writes of other sizes than the shipped one. */
const WRITE_CHARS = [256 * 1024, 1024 * 1024, 4 * 1024 * 1024];
const COMPACTED_MS_MAX = 120_000;
const COMPACTED_AFTER_MS = 8_000;

export async function benchInflux(): Promise<Figure[]> {
  if (influxMissing() !== null) {
    progress("influxdb: no InfluxDB here (Debian package influxdb)");
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-bench-"));
  try {
    const influx = await influxdb({
      data: ['cache-snapshot-write-cold-duration = "2s"', 'compact-full-write-cold-duration = "2s"'],
    });
    await influx.run();
    const figures = [...(await influxFigures(influx)), ...(await duckFigures(folder))];
    for (const writeCharsMax of WRITE_CHARS) figures.push(await sizeFigure(influx, writeCharsMax));
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
    await cleanUp();
  }
}

const storeOn = (influx: InfluxRig, database: string, writeCharsMax?: number): TimeSeriesStore =>
  createInfluxStore({
    address: { api: "v1", url: influx.url, ca: null, database, username: null, password: null },
    clock: new ManualClock(T0),
    retentionMs: null,
    ...(writeCharsMax !== undefined && { limits: { writeCharsMax } }),
  });

async function influxFigures(influx: InfluxRig): Promise<Figure[]> {
  progress(`influxdb: ${(ROUNDS * SAMPLES_A_ROUND) / 1e6} M samples into InfluxDB`);
  const store = storeOn(influx, "bench");
  await store.open();
  const before = cpuSecondsOf(influx.pid());
  const cost = await append(store, ROUNDS);
  const serverNs = ((cpuSecondsOf(influx.pid()) - before) * 1e9) / cost.samples;
  const queries = await queryFigures("InfluxDB", store);
  await waitFor("InfluxDB to compact", () => isCompacted(influx), COMPACTED_MS_MAX);
  const bytes = folderBytes(join(influx.folder, "data"));
  await store.close();
  return [
    { label: "InfluxDB: samples taken", value: cost.perSecond, unit: "/s" },
    { label: "InfluxDB: CPU of the server", value: serverNs, unit: "ns/sample" },
    { label: "InfluxDB: CPU of all the collector's threads", value: cost.allNs, unit: "ns/sample" },
    { label: "InfluxDB: CPU of the collector's thread", value: cost.mainNs, unit: "ns/sample" },
    { label: "InfluxDB: on disk once compacted", value: bytes / cost.samples, unit: "bytes/sample" },
    ...queries,
  ];
}

async function duckFigures(folder: string): Promise<Figure[]> {
  progress("influxdb: the same into DuckDB");
  const file = join(folder, "series.duckdb");
  const make = () => createDuckDbStore({ file, clock: new ManualClock(T0), retentionMs: null });
  let store = make();
  await store.open();
  const cost = await append(store, ROUNDS);
  await store.close();
  store = make();
  await store.open();
  const { bytesOnDisk } = await store.stats();
  const queries = await queryFigures("DuckDB", store);
  await store.close();
  return [
    { label: "DuckDB: samples taken", value: cost.perSecond, unit: "/s" },
    { label: "DuckDB: CPU of all threads", value: cost.allNs, unit: "ns/sample" },
    { label: "DuckDB: CPU of the collector's thread", value: cost.mainNs, unit: "ns/sample" },
    { label: "DuckDB: on disk after a checkpoint", value: bytesOnDisk / cost.samples, unit: "bytes/sample" },
    ...queries,
  ];
}

/** What writes of a size cost the server. */
async function sizeFigure(influx: InfluxRig, writeCharsMax: number): Promise<Figure> {
  const store = storeOn(influx, `bench-${writeCharsMax}`, writeCharsMax);
  await store.open();
  const before = cpuSecondsOf(influx.pid());
  const { samples } = await append(store, ROUNDS_OF_SIZES);
  const serverNs = ((cpuSecondsOf(influx.pid()) - before) * 1e9) / samples;
  await store.close();
  return { label: `InfluxDB: CPU with writes of ${writeCharsMax / 1_024} KiB`, value: serverNs, unit: "ns/sample" };
}

type Cost = { samples: number; perSecond: number; mainNs: number; allNs: number };

/** Some calls in flight, as ingest has after an outage; without what making the messages takes. */
async function append(store: TimeSeriesStore, rounds: number): Promise<Cost> {
  const fleet = new Fleet();
  const inFlight = new Set<Promise<void>>();
  const making = { us: 0, ms: 0 };
  const begun = { main: process.threadCpuUsage(), all: process.cpuUsage(), at: performance.now() };
  for (let round = 1; round <= rounds; round++) {
    const before = process.threadCpuUsage();
    const startedAt = performance.now();
    const batches = fleet.round(round);
    making.us += sum(process.threadCpuUsage(before));
    making.ms += performance.now() - startedAt;
    const call = store.append(batches).finally(() => inFlight.delete(call));
    inFlight.add(call);
    if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  const samples = rounds * SAMPLES_A_ROUND;
  return {
    samples,
    perSecond: (samples * 1_000) / (performance.now() - begun.at - making.ms),
    mainNs: ((sum(process.threadCpuUsage(begun.main)) - making.us) * 1e3) / samples,
    allNs: ((sum(process.cpuUsage(begun.all)) - making.us) * 1e3) / samples,
  };
}

const sum = ({ user, system }: { user: number; system: number }): number => user + system;

async function queryFigures(name: string, store: TimeSeriesStore): Promise<Figure[]> {
  const tookMs: number[] = [];
  const to = T0 + (ROUNDS + 1) * INTERVAL_MS;
  for (let n = 0; n < QUERIES; n++) {
    const series = {
      ...{ site: `store-${(n * 7) % AGENTS}`, device: `lane-${n % DEVICES_PER_AGENT}/printer`, component: null },
      metric: METRICS[6 + (n % 4)] ?? "",
    };
    const startedAt = performance.now();
    const points = await store.query(series, { from: T0, to, pointsMax: 100 });
    tookMs.push(performance.now() - startedAt);
    if (points.length === 0) throw new Error(`no points of ${series.site} ${series.device} ${series.metric}`);
  }
  const startedAt = performance.now();
  const { length } = await store.lastValues(T0);
  const median = tookMs.sort((a, b) => a - b)[QUERIES >> 1] ?? 0;
  return [
    { label: `${name}: one series in buckets, median`, value: median, unit: "ms" },
    { label: `${name}: last values of ${length} series`, value: performance.now() - startedAt, unit: "ms" },
  ];
}

let bytesBefore = -1;
let sinceMs = 0;

/** Nothing is left in its log, and its files have not changed for some seconds. */
function isCompacted(influx: InfluxRig): boolean {
  const bytes = folderBytes(join(influx.folder, "data"));
  if (bytes !== bytesBefore || folderBytes(join(influx.folder, "wal")) > 0) sinceMs = performance.now();
  bytesBefore = bytes;
  return performance.now() - sinceMs > COMPACTED_AFTER_MS;
}
