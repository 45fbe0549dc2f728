/**
 * The embedded time-series store by itself: what an append costs through the whole path (message, columns, thread,
 * commit), what a sample takes on disk, and how long one series is looked for among all.
 *
 * 10,000 series of 1,000 devices, ten metrics each, as in a fleet of stores: four booleans that hardly ever change, two
 * counters and four gauges that move by a digit. 24 hours of one series are asked for, as a chart does.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { Telemetry, Value } from "@aislewatch/contract";
import { createDuckDbStore } from "../../collector/store/timeseries/duckdb.ts";
import { SampleColumns, SeriesRegistry } from "../../collector/store/timeseries/flatten.ts";
import type { TelemetryBatch } from "../../collector/store/timeseries/store.ts";
import { type Figure, printFigures } from "./figure.ts";

export const AGENTS = 50;
export const DEVICES_PER_AGENT = 20;
export const METRICS = ["up", "media_out", "head_open", "paused", "labels_printed_total", "bytes_total"].concat([
  "head_temperature_celsius",
  "media_remaining_percent",
  "load_percent",
  "supply_volts",
]);
export const INTERVAL_MS = 86_400;
export const T0 = 1_700_000_000_000;
/** Batches of all agents go to the store together, as ingest hands them over. */
const ROUNDS = 1_000;

export async function benchStore(rounds = ROUNDS): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "aislewatch-bench-"));
  const file = join(folder, "series.duckdb");
  try {
    const fleet = new Fleet();
    const figures = [flattenFigure(fleet)];
    const clock = new ManualClock(T0);
    let store = createDuckDbStore({ file, clock, retentionMs: null });
    await store.open();
    const oneByOne = await appendRounds(store, fleet, { from: 1, to: Math.ceil(rounds / 10), inFlightMax: 1 });
    const busy = await appendRounds(store, fleet, { from: Math.ceil(rounds / 10) + 1, to: rounds, inFlightMax: 8 });
    const { samples } = await store.stats();
    await store.close();
    store = createDuckDbStore({ file, clock, retentionMs: null });
    const openedAt = performance.now();
    await store.open();
    const openMs = performance.now() - openedAt;
    const { bytesOnDisk } = await store.stats();
    figures.push(
      { label: "append of 10,000 samples until committed, median", value: oneByOne.medianMs, unit: "ms" },
      { label: "append with 8 in flight, all threads' CPU", value: busy.cpuNs, unit: "ns/sample" },
      { label: "the same, less the main thread", value: busy.cpuNs - busy.mainCpuNs, unit: "ns/sample" },
      { label: "the same, as it took", value: busy.wallNs, unit: "ns/sample" },
      { label: "on disk after a checkpoint", value: bytesOnDisk / samples, unit: "bytes/sample" },
      { label: "open again", value: openMs, unit: "ms" },
      ...(await queryFigures(store, samples)),
    );
    await store.close();
    return figures;
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Cost = { readonly medianMs: number; readonly cpuNs: number; readonly mainCpuNs: number; readonly wallNs: number };

/** Costs a sample, without making the messages; `inFlightMax` calls are under way at a time. */
async function appendRounds(
  store: ReturnType<typeof createDuckDbStore>,
  fleet: Fleet,
  rounds: { readonly from: number; readonly to: number; readonly inFlightMax: number },
): Promise<Cost> {
  const tookMs: number[] = [];
  const inFlight = new Set<Promise<void>>();
  const generating = { us: 0, ms: 0 };
  const begun = { cpu: process.cpuUsage(), main: process.threadCpuUsage(), at: performance.now() };
  for (let round = rounds.from; round <= rounds.to; round++) {
    const before = process.threadCpuUsage();
    const startedAt = performance.now();
    const batches = fleet.round(round);
    generating.us += sum(process.threadCpuUsage(before));
    const givenAt = performance.now();
    generating.ms += givenAt - startedAt;
    const call = store.append(batches).then(() => {
      tookMs.push(performance.now() - givenAt);
      inFlight.delete(call);
    });
    inFlight.add(call);
    if (inFlight.size >= rounds.inFlightMax) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  const samples = (rounds.to - rounds.from + 1) * AGENTS * DEVICES_PER_AGENT * METRICS.length;
  return {
    medianMs: tookMs.sort((a, b) => a - b)[tookMs.length >> 1] ?? 0,
    cpuNs: ((sum(process.cpuUsage(begun.cpu)) - generating.us) * 1e3) / samples,
    mainCpuNs: ((sum(process.threadCpuUsage(begun.main)) - generating.us) * 1e3) / samples,
    wallNs: ((performance.now() - begun.at - generating.ms) * 1e6) / samples,
  };
}

const sum = ({ user, system }: { user: number; system: number }): number => user + system;

async function queryFigures(store: ReturnType<typeof createDuckDbStore>, samples: number): Promise<Figure[]> {
  const tookMs: number[] = [];
  for (let n = 0; n < 20; n++) {
    const series = {
      site: `store-${(n * 7) % AGENTS}`,
      device: `lane-${n % DEVICES_PER_AGENT}/printer`,
      component: null,
      metric: METRICS[6 + (n % 4)] ?? "",
    };
    const startedAt = performance.now();
    const points = await store.query(series, { from: T0, to: T0 + 86_400_000, pointsMax: 1_500 });
    tookMs.push(performance.now() - startedAt);
    if (points.length === 0) throw new Error(`no points of ${series.site} ${series.device} ${series.metric}`);
  }
  tookMs.sort((a, b) => a - b);
  const startedAt = performance.now();
  const last = await store.lastValues(T0);
  return [
    { label: `one series over 24 h among ${(samples / 1e6).toFixed(1)} M, median`, value: tookMs[10] ?? 0, unit: "ms" },
    { label: "the same, worst of 20", value: tookMs[19] ?? 0, unit: "ms" },
    { label: `last values of ${last.length} series`, value: performance.now() - startedAt, unit: "ms" },
  ];
}

/** The part that runs on the main thread. */
function flattenFigure(fleet: Fleet): Figure {
  const registry = new SeriesRegistry([], 1_000_000);
  const columns = new SampleColumns(1_000_000);
  let flattened = 0;
  let spentUs = 0;
  for (let round = 1; round <= 200; round++) {
    // Through JSON, for strings off the wire are never the ones that the caches hold.
    const messages = fleet.round(round).map((batch) => ({
      ...batch,
      message: JSON.parse(JSON.stringify(batch.message)) as Telemetry,
    }));
    columns.count = 0;
    const before = process.threadCpuUsage();
    for (const message of messages) registry.flatten(message, columns);
    const { user, system } = process.threadCpuUsage(before);
    spentUs += user + system;
    flattened += columns.count;
  }
  return { label: "into columns, CPU of the main thread", value: (spentUs * 1e3) / flattened, unit: "ns/sample" };
}

/** Devices whose values move as real ones do; the same numbers each time. */
export class Fleet {
  #seed = 1;
  readonly #temperature = new Float64Array(AGENTS * DEVICES_PER_AGENT).fill(35);
  readonly #counter = new Float64Array(AGENTS * DEVICES_PER_AGENT);
  readonly #pace: { readonly startMs: number; readonly intervalMs: number; readonly jitterMs: number };

  /** Each poll is up to `jitterMs` late. */
  constructor(pace = { startMs: T0, intervalMs: INTERVAL_MS, jitterMs: 0 }) {
    this.#pace = pace;
  }

  round(round: number): TelemetryBatch[] {
    return Array.from({ length: AGENTS }, (_, agent) => this.#batch(agent, round));
  }

  #batch(agent: number, seq: number): TelemetryBatch {
    const rows = Array.from({ length: DEVICES_PER_AGENT }, (_, row) => row);
    const { startMs, intervalMs, jitterMs } = this.#pace;
    const base = startMs + seq * intervalMs;
    const late = (): number => (jitterMs === 0 ? 0 : Math.floor(this.#random() * jitterMs));
    const values: Value[][] = METRICS.map(() => []);
    for (const row of rows) {
      this.#device(agent * DEVICES_PER_AGENT + row).forEach((value, m) => {
        values[m]?.push(value);
      });
    }
    const key = { site: `store-${agent}`, agent: "host-1", epoch: "e1", lane: "live", seq } as const;
    const message: Telemetry = {
      v: 1,
      epoch: key.epoch,
      lane: key.lane,
      seq,
      sentAt: base,
      base,
      subjects: rows.map((row) => `lane-${row}/printer`),
      tables: [{ metrics: METRICS, subject: rows, at: rows.map((row) => row * 500 + agent + late()), values }],
    };
    return { ...key, message, skewMs: 0 };
  }

  #device(device: number): Value[] {
    const moved = this.#random() < 0.3 ? Math.round((this.#random() - 0.5) * 10) / 10 : 0;
    const temperature = Math.round(((this.#temperature[device] ?? 35) + moved) * 10) / 10;
    this.#temperature[device] = temperature;
    const printed = (this.#counter[device] ?? 0) + Math.floor(this.#random() * 3);
    this.#counter[device] = printed;
    const rare = (): boolean => this.#random() < 0.001;
    const load = Math.floor(this.#random() * 100);
    return [true, rare(), rare(), rare(), printed, printed * 512, temperature, 100 - (printed % 100), load, 24];
  }

  /** mulberry32: small, fast, the same everywhere. */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

if (import.meta.main) printFigures("time-series store (DuckDB)", await benchStore());
