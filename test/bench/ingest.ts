/**
 * From MQTT to committed and acked: a collector process with both stores on disk and 200 rules, fed over loopback by a
 * fleet in this process as fast as its acks come. Beside it, in the same run, VictoriaMetrics stores the same samples:
 * it judges nothing, acks before anything is on disk and has no agents to keep apart, so it bounds what storing costs.
 *
 * The same once more through Mosquitto instead of the broker inside the collector: what a second program on the way costs.
 *
 * CPU time is what counts, for other programs' work changes what a second brings, not what a sample costs.
 */
import { mosquitto, mosquittoMissing } from "../rig/mosquitto.ts";
import { cleanUp } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import { DEVICES_PER_AGENT, fleetNames, metricOf, startLoad, startLoadedCollector } from "./load.ts";
import { cpuSecondsOf, folderBytes, mainThreadCpuSecondsOf, ownCpuSeconds, peakMemoryBytesOf } from "./process-cost.ts";
import { type PeerRun, storeInVictoriaMetrics } from "./victoria-metrics.ts";

/** What an agent sends when it has a backlog: eight polls of all its devices; 11 KiB on the wire. */
const BATCH_SAMPLES = 2_000;
/** The load that is compared with the peer. */
const MAIN: IngestLoad = { agents: 100 };
/** A tenth and five times as many devices: the cost of a sample must not grow with them. */
const GROWTH: readonly IngestLoad[] = [{ agents: 20 }, { agents: 500 }];
/** While all is well a message is one poll, here of twenty devices and of two: then a message costs more than its samples. */
const POLL_OF_ALL: IngestLoad = { agents: 100, batchSamples: 240 };
const POLL_OF_TWO: IngestLoad = { agents: 500, devicesPerAgent: 2, batchSamples: 24 };
/** Unacked samples of the whole fleet: enough to keep the collector busy, however many agents send them. */
const IN_FLIGHT_SAMPLES = 400_000;
const WARM_UP_MS = 2_500;
const MEASURE_MS = 6_000;
const DRAIN_MS_MAX = 10_000;

const CPU = "CPU s per M samples";

export type IngestLoad = {
  /** Through Mosquitto, with the files that broker-config writes. */
  readonly isExternal?: boolean;
  readonly agents: number;
  readonly batchSamples?: number;
  readonly devicesPerAgent?: number;
};

export type IngestRun = {
  readonly agents: number;
  readonly samplesPerSecond: number;
  /** CPU seconds of a million samples. */
  readonly collectorCpu: number;
  readonly mainThreadCpu: number;
  readonly fleetCpu: number;
  /** Of a broker that stands by itself; 0 without one. */
  readonly brokerCpu: number;
  readonly evaluationsPerSample: number;
  readonly bytesPerSample: number;
  readonly peakMemoryBytes: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  /** Between two batches of one agent. */
  readonly batchEveryMs: number;
};

export async function benchIngest(): Promise<Figure[]> {
  const main = await ingestWith(MAIN);
  const growth: IngestRun[] = [];
  for (const load of GROWTH) growth.push(await ingestWith(load));
  const pollOfAll = await ingestWith(POLL_OF_ALL);
  const pollOfTwo = await ingestWith(POLL_OF_TWO);
  const external: [label: string, run: IngestRun][] = [];
  if (mosquittoMissing() === null) {
    external.push(["through Mosquitto, 2,000 samples a message", await ingestWith({ ...MAIN, isExternal: true })]);
    external.push(["through Mosquitto, 240 samples a message", await ingestWith({ ...POLL_OF_ALL, isExternal: true })]);
    external.push(["through Mosquitto, 24 samples a message", await ingestWith({ ...POLL_OF_TWO, isExternal: true })]);
  }
  const peer = await storeInVictoriaMetrics({
    agents: main.agents,
    batchSamples: BATCH_SAMPLES,
    batchEveryMs: main.batchEveryMs,
  });
  const figures: Figure[] = [
    {
      label: "committed and acked, 200 rules, 2,000 samples a message",
      value: main.samplesPerSecond,
      unit: "samples/s",
    },
    { label: "  collector", value: main.collectorCpu, unit: CPU },
    { label: "  of it the main thread", value: main.mainThreadCpu, unit: CPU },
    { label: "  with the load generator", value: main.collectorCpu + main.fleetCpu, unit: CPU },
    { label: "  conditions evaluated", value: main.evaluationsPerSample, unit: "per sample" },
    { label: "  from publish to ack, p50", value: main.ackMs.p50, unit: "ms" },
    { label: "  from publish to ack, p99", value: main.ackMs.p99, unit: "ms" },
    { label: "  on disk after close", value: main.bytesPerSample, unit: "bytes/sample" },
    { label: "  memory, peak", value: main.peakMemoryBytes / 2 ** 20, unit: "MiB" },
  ];
  const polls: [label: string, run: IngestRun][] = [
    ["the same, 240 samples a message (one poll of 20 devices)", pollOfAll],
    ["the same, 24 samples a message (one poll of 2 devices)", pollOfTwo],
  ];
  for (const [label, run] of polls) {
    figures.push(
      { label, value: run.samplesPerSecond, unit: "samples/s" },
      { label: "  collector", value: run.collectorCpu, unit: CPU },
      { label: "  with the load generator", value: run.collectorCpu + run.fleetCpu, unit: CPU },
    );
  }
  for (const [label, run] of external) {
    figures.push(
      { label, value: run.samplesPerSecond, unit: "samples/s" },
      { label: "  collector", value: run.collectorCpu, unit: CPU },
      { label: "  Mosquitto", value: run.brokerCpu, unit: CPU },
      { label: "  from publish to ack, p50", value: run.ackMs.p50, unit: "ms" },
      { label: "  from publish to ack, p99", value: run.ackMs.p99, unit: "ms" },
    );
  }
  for (const run of [...growth, main].sort((a, b) => a.agents - b.agents)) {
    const devices = (run.agents * DEVICES_PER_AGENT).toLocaleString("en-US");
    figures.push({
      label: `collector with ${run.agents} agents, ${devices} devices`,
      value: run.collectorCpu,
      unit: CPU,
    });
  }
  return peer === null ? figures : [...figures, ...besidePeer(main, peer)];
}

const besidePeer = (main: IngestRun, peer: PeerRun): Figure[] => [
  { label: "VictoriaMetrics, storing only", value: peer.samplesPerSecond, unit: "samples/s" },
  { label: "  CPU", value: peer.cpu, unit: CPU },
  { label: "  on disk, merged", value: peer.bytesPerSample, unit: "bytes/sample" },
  { label: "  memory, peak", value: peer.peakMemoryBytes / 2 ** 20, unit: "MiB" },
  { label: "ours to VictoriaMetrics: samples/s", value: main.samplesPerSecond / peer.samplesPerSecond, unit: "times" },
  { label: "  CPU a sample", value: main.collectorCpu / peer.cpu, unit: "times" },
  { label: "  bytes a sample", value: main.bytesPerSample / peer.bytesPerSample, unit: "times" },
];

export async function ingestWith({
  agents,
  batchSamples = BATCH_SAMPLES,
  devicesPerAgent = DEVICES_PER_AGENT,
  isExternal = false,
}: IngestLoad): Promise<IngestRun> {
  progress(`ingest: ${agents} agents, ${batchSamples} samples a message${isExternal ? ", through Mosquitto" : ""}`);
  try {
    const broker = isExternal ? await mosquitto() : null;
    const collector = await startLoadedCollector(fleetNames(agents), "", broker ?? undefined);
    const { pid } = collector.program;
    const fleet = await startLoad(collector, {
      agents,
      devicesPerAgent,
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
      broker: broker === null ? 0 : cpuSecondsOf(broker.pid()),
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
      brokerCpu: (after.broker - before.broker) / millions,
      evaluationsPerSample: (after.evaluations - before.evaluations) / samples,
      bytesPerSample: folderBytes(collector.dataFolder) / whole.samples,
      peakMemoryBytes,
      ackMs: after.counters.ackMs ?? { p50: Number.NaN, p99: Number.NaN },
      batchEveryMs: ((after.at - before.at) * agents) / batches,
    };
  } finally {
    await cleanUp();
  }
}

const pass = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
