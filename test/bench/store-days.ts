/**
 * What sealing does: 100 million samples of five days, 10,000 series read every 43.2 s, each poll up to 40 ms late. What a sample
 * takes before and after, how long one day's sealing takes and what those notice who append meanwhile, how soon one series is
 * found. Beside it VictoriaMetrics with the first six million of the same samples.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { createDuckDbStore } from "../../collector/store/timeseries/duckdb.ts";
import { type DuckDbTimeSeriesStore, sealedFolder } from "../../collector/store/timeseries/duckdb-options.ts";
import type { TelemetryBatch } from "../../collector/store/timeseries/store.ts";
import { cleanUp } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import { peakMemoryBytesOf } from "./process-cost.ts";
import { pause, quantile } from "./punctuality.ts";
import { AGENTS, DEVICES_PER_AGENT, Fleet, METRICS } from "./store.ts";
import { bodiesOf, storeLines } from "./victoria-metrics.ts";

const DAY_MS = 86_400_000;
const DAYS = 5;
const ROUNDS_A_DAY = 2_000;
const SAMPLES_A_ROUND = AGENTS * DEVICES_PER_AGENT * METRICS.length;
const SAMPLES_A_DAY = ROUNDS_A_DAY * SAMPLES_A_ROUND;
const START = Date.UTC(2026, 0, 5);
const PACE = { startMs: START, intervalMs: DAY_MS / ROUNDS_A_DAY, jitterMs: 40 };
const IN_FLIGHT_MAX = 8;
/** While a day is sealed: 20,000 samples a second, as of a thousand stores. */
const APPEND_EVERY_MS = 500;
const APPENDS_BEFORE = 40;
const PEER_ROUNDS = 600;

export async function benchDays(days = DAYS): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-bench-"));
  const file = join(folder, "series.duckdb");
  const clock = new ManualClock(START + 2 * 3_600_000);
  const problems: string[] = [];
  const store = createDuckDbStore({
    ...{ file, clock, retentionMs: null, limits: { memoryLimitMb: 512 } },
    onProblem: ({ message }) => problems.push(message),
  });
  try {
    await store.open();
    const fleet = new Fleet(PACE);
    const figures: Figure[] = [];
    for (let day = 0; day < days; day++) {
      progress(`days: day ${day + 1} of ${days}`);
      await fill(store, fleet, day);
      if (day === 0) {
        // Writes the log into the file; nothing is to be sealed yet.
        await store.keep();
        const { samples, bytesOnDisk } = await store.stats();
        figures.push({ label: "hot, after a checkpoint", value: bytesOnDisk / samples, unit: "bytes/sample" });
      }
      clock.jump(DAY_MS);
      if (day < days - 1) await store.keep();
    }
    figures.push(...(await sealFigures(store, fleet, days)));
    figures.push(...sizeFigures(file, days), ...(await queryFigures(store, days)));
    if (problems.length > 0) throw new Error(problems.join("; "));
    await store.close();
    return [...figures, ...(await peerFigures())];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
    await cleanUp();
  }
}

async function fill(store: DuckDbTimeSeriesStore, fleet: Fleet, day: number): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  for (let round = day * ROUNDS_A_DAY; round < (day + 1) * ROUNDS_A_DAY; round++) {
    // seq 0 is none.
    const call = store.append(fleet.round(round).map((batch) => ({ ...batch, seq: round + 1 })));
    const done = call.finally(() => inFlight.delete(done));
    inFlight.add(done);
    if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
}

/** The last day, with appends of the next one at the pace of a large fleet before and meanwhile. */
async function sealFigures(store: DuckDbTimeSeriesStore, fleet: Fleet, days: number): Promise<Figure[]> {
  progress("days: sealing a day while another comes in");
  let round = days * ROUNDS_A_DAY;
  const tookMs: number[] = [];
  const appendOne = async (): Promise<void> => {
    const batches: TelemetryBatch[] = fleet.round(round).map((batch) => ({ ...batch, seq: round + 1 }));
    round++;
    const startedAt = performance.now();
    await store.append(batches);
    tookMs.push(performance.now() - startedAt);
  };
  const queriedMs: number[] = [];
  const queryOne = async (): Promise<void> => {
    const startedAt = performance.now();
    await store.query(seriesAt(queriedMs.length), { from: START, to: START + DAY_MS, pointsMax: 1_500 });
    queriedMs.push(performance.now() - startedAt);
  };
  for (let n = 0; n < APPENDS_BEFORE; n++) {
    await Promise.all([appendOne(), queryOne(), pause(APPEND_EVERY_MS)]);
  }
  const before = tookMs.splice(0);
  const queriesBefore = queriedMs.splice(0);
  writeFileSync("/proc/self/clear_refs", "5");
  const memoryBefore = peakMemoryBytesOf(process.pid);
  const begun = { cpu: process.cpuUsage(), main: process.threadCpuUsage(), at: performance.now() };
  let isSealing = true;
  const sealing = store.keep().finally(() => {
    isSealing = false;
  });
  while (isSealing) await Promise.all([appendOne(), queryOne(), pause(APPEND_EVERY_MS)]);
  await sealing;
  const spent = sum(process.cpuUsage(begun.cpu)) - sum(process.threadCpuUsage(begun.main));
  return [
    { label: "sealing a day of 20 M samples", value: (performance.now() - begun.at) / 1_000, unit: "s" },
    { label: "its CPU, with that of the appends", value: spent / 1e6, unit: "s" },
    {
      label: "memory at most meanwhile, above before",
      value: (peakMemoryBytesOf(process.pid) - memoryBefore) / 2 ** 20,
      unit: "MiB",
    },
    { label: "append of 10,000 samples before, median", value: quantile(before, 0.5), unit: "ms" },
    { label: "– p99", value: quantile(before, 0.99), unit: "ms" },
    { label: "– meanwhile, median", value: quantile(tookMs, 0.5), unit: "ms" },
    { label: "– meanwhile, p99", value: quantile(tookMs, 0.99), unit: "ms" },
    { label: "– meanwhile, the longest", value: Math.max(...tookMs), unit: "ms" },
    { label: "one series over a sealed day before, median", value: quantile(queriesBefore, 0.5), unit: "ms" },
    { label: "– meanwhile, median", value: quantile(queriedMs, 0.5), unit: "ms" },
    { label: "– meanwhile, the longest", value: Math.max(...queriedMs), unit: "ms" },
  ];
}

const sum = ({ user, system }: { user: number; system: number }): number => user + system;

function sizeFigures(file: string, days: number): Figure[] {
  const folder = sealedFolder(file);
  const names = readdirSync(folder);
  const of = (kind: string): number =>
    names.reduce((bytes, name) => bytes + (name.startsWith(kind) ? statSync(join(folder, name)).size : 0), 0) /
    (days * SAMPLES_A_DAY);
  return [
    { label: "sealed", value: of("raw"), unit: "bytes/sample" },
    { label: "roll-ups of five minutes", value: of("rollup"), unit: "bytes/sample" },
  ];
}

const seriesAt = (n: number) => ({
  ...{ site: `store-${(n * 7) % AGENTS}`, device: `lane-${n % DEVICES_PER_AGENT}/printer`, component: null },
  metric: METRICS[6 + (n % 4)] ?? "",
});

/** Of some devices of one store, as windows are filled after a restart. */
const ofOneStore = (store: number) =>
  Array.from({ length: 60 }, (_, n) => ({
    ...{ site: `store-${store % AGENTS}`, device: `lane-${Math.floor(n / METRICS.length)}/printer`, component: null },
    metric: METRICS[n % METRICS.length] ?? "",
  }));

async function queryFigures(store: DuckDbTimeSeriesStore, days: number): Promise<Figure[]> {
  progress("days: questions");
  const timed = async (count: number, ask: (n: number) => Promise<unknown>): Promise<number[]> => {
    const tookMs: number[] = [];
    for (let n = 0; n < count; n++) {
      const startedAt = performance.now();
      await ask(n);
      tookMs.push(performance.now() - startedAt);
    }
    return tookMs;
  };
  const chart = async (n: number, range: { from: number; to: number; pointsMax: number }): Promise<void> => {
    if ((await store.query(seriesAt(n), range)).length === 0) throw new Error(`no points of series ${n}`);
  };
  // Any 24 hours lie in two days.
  const dayAt = (n: number) => START + (n % (days - 1)) * DAY_MS + 7 * 3_600_000;
  const day = await timed(60, (n) => chart(n, { from: dayAt(n), to: dayAt(n) + DAY_MS, pointsMax: 1_500 }));
  const all = await timed(20, (n) => chart(n, { from: START, to: START + days * DAY_MS, pointsMax: 300 }));
  const last = await timed(5, () => store.lastValues(START));
  const windows = await timed(5, (n) =>
    store.samples(ofOneStore(n), { from: dayAt(n), to: dayAt(n) + 3_600_000, samplesMax: 10_000, beforeMs: 3_600_000 }),
  );
  const { samples } = await store.stats();
  return [
    {
      label: `one series over 24 h among ${Math.round(samples / 1e6)} M, median`,
      value: quantile(day, 0.5),
      unit: "ms",
    },
    { label: "– p99 of 60", value: quantile(day, 0.99), unit: "ms" },
    { label: `one series over ${days} days, of roll-ups, median`, value: quantile(all, 0.5), unit: "ms" },
    { label: "last values of all series, median", value: quantile(last, 0.5), unit: "ms" },
    { label: "an hour of 60 series of one store on a sealed day, median", value: quantile(windows, 0.5), unit: "ms" },
  ];
}

async function peerFigures(): Promise<Figure[]> {
  if (!existsSync("/usr/bin/victoria-metrics")) return [];
  progress(`days: VictoriaMetrics, ${(PEER_ROUNDS * SAMPLES_A_ROUND) / 1e6} M of the same samples`);
  const fleet = new Fleet(PACE);
  function* lines(): Generator<string> {
    for (let round = 0; round < PEER_ROUNDS; round++) {
      for (const { site, message } of fleet.round(round)) {
        for (const { metrics, subject, at, values } of message.tables) {
          for (let row = 0; row < subject.length; row++) {
            const fields = metrics.map((name, m) => `${name}=${Number(values[m]?.[row] ?? 0)}`).join(",");
            const device = message.subjects[subject[row] ?? -1];
            yield `printer,site=${site},device=${device} ${fields} ${message.base + (at[row] ?? 0)}000000`;
          }
        }
      }
    }
  }
  const { bytesPerSample } = await storeLines(bodiesOf(lines()), PEER_ROUNDS * SAMPLES_A_ROUND);
  return [{ label: "VictoriaMetrics, merged", value: bytesPerSample, unit: "bytes/sample" }];
}
