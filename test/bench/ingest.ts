/**
 * From MQTT to committed and acked: a collector process with both stores on disk and 200 rules, fed over loopback by a
 * fleet in this process as fast as its acks come. Beside it, in the same run, VictoriaMetrics stores the same samples:
 * it judges nothing, acks before anything is on disk and has no agents to keep apart, so it bounds what storing costs.
 *
 * CPU time is what counts, for other programs' work changes what a second brings, not what a sample costs.
 */
import { join } from "node:path";
import { cleanUp } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import { fleetNames, metricOf, startLoad, startLoadedCollector } from "./load.ts";
import { cpuSecondsOf, folderBytes, mainThreadCpuSecondsOf, ownCpuSeconds, peakMemoryBytesOf } from "./process-cost.ts";
import { storeInVictoriaMetrics } from "./victoria-metrics.ts";

/** What an agent sends when it has a backlog, or when a whole store's devices were polled at once; 11 KiB on the wire. */
const BATCH_SAMPLES = 2_000;
/** Unacked samples of the whole fleet: enough to keep the collector busy, however many agents send them. */
const IN_FLIGHT_SAMPLES = 400_000;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 8_000;
const DRAIN_MS_MAX = 10_000;
/** The size that is compared with the peer, and those that show how the cost grows. */
const AGENTS = 100;
const GROWTH_AGENTS = [20, 500];

export type IngestRun = {
  readonly agents: number;
  readonly samplesPerSecond: number;
  /** CPU seconds of a million samples. */
  readonly collectorCpu: number;
  readonly mainThreadCpu: number;
  readonly fleetCpu: number;
  readonly evaluationsPerSample: number;
  readonly bytesPerSample: number;
  readonly peakMemoryBytes: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  /** Between two batches of one agent. */
  readonly batchEveryMs: number;
};

export async function benchIngest(): Promise<Figure[]> {
  const main = await ingestWith(AGENTS);
  const growth: IngestRun[] = [];
  for (const agents of GROWTH_AGENTS) growth.push(await ingestWith(agents));
  const peer = await storeInVictoriaMetrics({
    agents: AGENTS,
    batchSamples: BATCH_SAMPLES,
    batchEveryMs: main.batchEveryMs,
  });
  const figures: Figure[] = [
    { label: "committed and acked, 200 rules", value: main.samplesPerSecond, unit: "samples/s" },
    { label: "collector", value: main.collectorCpu, unit: "CPU s per M samples" },
    { label: "  its main thread", value: main.mainThreadCpu, unit: "CPU s per M samples" },
    { label: "with the load generator", value: main.collectorCpu + main.fleetCpu, unit: "CPU s per M samples" },
    { label: "conditions evaluated", value: main.evaluationsPerSample, unit: "per sample" },
    { label: "from publish to ack at this load, p50", value: main.ackMs.p50, unit: "ms" },
    { label: "  p99", value: main.ackMs.p99, unit: "ms" },
    { label: "on disk after close", value: main.bytesPerSample, unit: "bytes/sample" },
    { label: "collector's memory, peak", value: main.peakMemoryBytes / 2 ** 20, unit: "MiB" },
  ];
  for (const run of [...growth, main].sort((a, b) => a.agents - b.agents)) {
    const devices = `${run.agents} agents, ${(run.agents * 20).toLocaleString("en-US")} devices`;
    figures.push({ label: `collector with ${devices}`, value: run.collectorCpu, unit: "CPU s per M samples" });
  }
  if (peer === null) return figures;
  figures.push(
    { label: "VictoriaMetrics, storing only", value: peer.samplesPerSecond, unit: "samples/s" },
    { label: "  its CPU", value: peer.cpu, unit: "CPU s per M samples" },
    { label: "  on disk, merged", value: peer.bytesPerSample, unit: "bytes/sample" },
    { label: "ours to VictoriaMetrics: samples/s", value: main.samplesPerSecond / peer.samplesPerSecond, unit: "x" },
    { label: "  CPU a sample", value: main.collectorCpu / peer.cpu, unit: "x" },
    { label: "  bytes a sample", value: main.bytesPerSample / peer.bytesPerSample, unit: "x" },
  );
  return figures;
}

export async function ingestWith(agents: number, batchSamples = BATCH_SAMPLES): Promise<IngestRun> {
  progress(`ingest: ${agents} agents`);
  try {
    const collector = await startLoadedCollector(fleetNames(agents));
    const { pid } = collector.program;
    const fleet = await startLoad(collector, {
      agents,
      batchSamples,
      samplesPerSecond: "max",
      windowBatches: Math.ceil(IN_FLIGHT_SAMPLES / batchSamples / agents),
    });
    await pass(WARM_UP_MS);
    const look = async () => ({
      counters: fleet.counters(),
      at: performance.now(),
      collector: cpuSecondsOf(pid),
      mainThread: mainThreadCpuSecondsOf(pid),
      own: ownCpuSeconds(),
      unknown: await metricOf(collector, "aislewatch_rows_unknown_total"),
      evaluations: await metricOf(collector, "aislewatch_rule_evaluations_total"),
    });
    const before = await look();
    await pass(MEASURE_MS);
    const after = await look();
    const whole = await fleet.stop(DRAIN_MS_MAX);
    if (whole.ackedSamples < whole.samples || whole.connectionsLost > 0) {
      throw new Error(
        `the collector acked ${whole.ackedSamples} of ${whole.samples} samples:\n${collector.program.output()}`,
      );
    }
    if (after.unknown > 0) throw new Error(`${after.unknown} readings were of devices that no inventory names`);
    const peakMemoryBytes = peakMemoryBytesOf(pid);
    await collector.program.stop();
    const samples = after.counters.ackedSamples - before.counters.ackedSamples;
    const batches = after.counters.ackedBatches - before.counters.ackedBatches;
    const millions = samples / 1e6;
    return {
      agents,
      samplesPerSecond: (samples * 1_000) / (after.at - before.at),
      collectorCpu: (after.collector - before.collector) / millions,
      mainThreadCpu: (after.mainThread - before.mainThread) / millions,
      fleetCpu: (after.own - before.own) / millions,
      evaluationsPerSample: (after.evaluations - before.evaluations) / samples,
      bytesPerSample: folderBytes(join(collector.dataFolder)) / whole.samples,
      peakMemoryBytes,
      ackMs: after.counters.ackMs ?? { p50: Number.NaN, p99: Number.NaN },
      batchEveryMs: ((after.at - before.at) * agents) / batches,
    };
  } finally {
    await cleanUp();
  }
}

const pass = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
