/**
 * What a slow or stopped time-series store does to incidents: 100 agents that keep what is not acked send 100,000 samples
 * a second; the store takes all of it, then half, then nothing, then what it can. A fault every 100 ms, by turns at each
 * agent; the clock stops when its incident arrives on the API's stream. The collector is the shipped one with a store that
 * is held back in front of it, and its own bounds. Agents, store's brake and stream are in this one process.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deviceId, letIn, OutboxAgent, SAMPLES_PER_DEVICE } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, startCollector, tempFolder, waitFor } from "../rig/rig.ts";
import { PACE_FILE } from "../rig/store-pace.ts";
import { type Figure, progress } from "./figure.ts";
import { type Arrivals, watchIncidents } from "./latency.ts";
import { metricOf } from "./load.ts";

const AGENTS = 100;
const DEVICES = 40;
const EVERY_MS = 200;
const SAMPLES_PER_SECOND = (AGENTS * DEVICES * SAMPLES_PER_DEVICE * 1_000) / EVERY_MS;
const FAULT_EVERY_MS = 100;
const PHASES = { normal: 15_000, slow: 60_000, stopped: 90_000 } as const;
const DRAIN_MS_MAX = 300_000;
/** Batches that wait at each agent when all is well: those on their way. */
const AT_REST = 8;

const RULES = `group: bench
rules:
  - { id: hot, select: 'kind == "conveyor"', title: "{{device}} is hot", when: "temperature_celsius > 60", severity: major, category: hardware }
`;

type Run = {
  readonly collector: CollectorRig;
  readonly agents: readonly OutboxAgent[];
  readonly arrivals: Arrivals;
  faults: number;
  readonly peak: { queueBytes: number; residentBytes: number };
};

export async function benchBackpressure(): Promise<Figure[]> {
  try {
    const data = join(tempFolder(), "data");
    mkdirSync(data);
    const collector = await startCollector({ rules: RULES, program: "test/rig/slow-store-collector.ts", data });
    const names = Array.from({ length: AGENTS }, (_, n) => ({ site: `site-${n}`, agent: `agent-${n}` }));
    const password = await letIn(data, names);
    const options = { url: collector.mqtt, password, devices: DEVICES, everyMs: EVERY_MS };
    const agents = names.map((name) => new OutboxAgent({ ...name, ...options }));
    for (const agent of agents) await agent.join();
    await waitFor("acks", () => agents.every(({ figures }) => figures.acked > 4), 60_000);
    const peak = { queueBytes: 0, residentBytes: 0 };
    const run: Run = { collector, agents, arrivals: await watchIncidents(collector), faults: 0, peak };

    const figures: Figure[] = [{ label: "load", value: SAMPLES_PER_SECOND, unit: "samples/s" }];
    progress("backpressure: the store as it is");
    figures.push(...figuresOf("store as it is", await during(run, PHASES.normal), run));
    progress("backpressure: a store that takes half");
    writeFileSync(join(data, PACE_FILE), `${SAMPLES_PER_SECOND / 2}`);
    figures.push(...figuresOf("store takes half, 60 s", await during(run, PHASES.slow), run));
    progress("backpressure: a store that takes nothing");
    writeFileSync(join(data, PACE_FILE), "0");
    figures.push(...figuresOf("store takes nothing, 90 s", await during(run, PHASES.stopped), run));
    progress("backpressure: the store is well again");
    rmSync(join(data, PACE_FILE));
    const startedMs = performance.now();
    const drained = drainedOf(agents);
    const backlog = waitingAt(agents) * DEVICES * SAMPLES_PER_DEVICE;
    const tookMs = await during(run, DRAIN_MS_MAX, () => drained.isOver());
    figures.push({ label: "waiting at the agents when it is well again", value: backlog, unit: "samples" });
    figures.push(...figuresOf("while it drains", tookMs, run));
    figures.push({ label: "  until all is stored", value: (performance.now() - startedMs) / 1_000, unit: "s" });
    for (const agent of agents) agent.rest();
    await waitFor("all to be acked", () => agents.every(({ figures: { acked, seq } }) => acked === seq), 60_000);
    const audit = await collector.api<{ unexplained: number; lanes: { seq: number; batches: number }[] }>(
      "/audit/delivery",
    );
    const isWhole = audit.unexplained === 0 && audit.lanes.every(({ seq, batches }) => seq === batches);
    if (!isWhole) throw new Error("the account of deliveries does not balance");
    figures.push({
      label: "shed and sent again",
      value: await metricOf(collector, "aislewatch_batches_shed_total"),
      unit: "batches",
    });
    return figures;
  } finally {
    await cleanUp();
  }
}

const waitingAt = (agents: readonly OutboxAgent[]): number =>
  agents.reduce((sum, { figures }) => sum + figures.waiting, 0);

/** Over when every agent has had everything acked that it had written so far, but for what is on its way. */
function drainedOf(agents: readonly OutboxAgent[]): { isOver(): boolean } {
  const had = agents.map(({ figures }) => figures.seq);
  return {
    isOver: () => agents.every(({ figures }, n) => figures.acked >= (had[n] ?? 0) && figures.waiting <= AT_REST),
  };
}

/** Faults one after the other for so long; how long each took to be an incident, ms. */
async function during(run: Run, spanMs: number, isOver: () => boolean = () => false): Promise<number[]> {
  const tookMs: number[] = [];
  const open: Promise<void>[] = [];
  const untilMs = performance.now() + spanMs;
  const { agents, arrivals, collector, peak } = run;
  for (let turn = 0; performance.now() < untilMs && !isOver(); turn++) {
    const agent = agents[run.faults % agents.length];
    // Each device has its fault once; after the last one only the load goes on.
    const device = Math.floor(run.faults / agents.length);
    if (agent !== undefined && device < DEVICES) {
      run.faults++;
      const arrived = arrivals.next(agent.site, deviceId(device));
      const atMs = performance.now();
      agent.setHot(device, true);
      open.push(arrived.then((at) => void tookMs.push(at - atMs)));
    }
    if (turn % 10 === 0) {
      peak.queueBytes = Math.max(peak.queueBytes, await metricOf(collector, "aislewatch_timeseries_queue_bytes"));
      peak.residentBytes = Math.max(peak.residentBytes, residentBytes(collector.program.pid));
    }
    await new Promise((done) => setTimeout(done, FAULT_EVERY_MS));
  }
  await Promise.all(open);
  return tookMs.sort((a, b) => a - b);
}

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;

function figuresOf(label: string, tookMs: readonly number[], { peak }: Run): Figure[] {
  const at = (share: number): number => tookMs[Math.floor(share * (tookMs.length - 1))] ?? Number.NaN;
  const figures = [
    { label: `${label}: fault to incident, p50 of ${tookMs.length}`, value: at(0.5), unit: "ms" },
    { label: "  p99", value: at(0.99), unit: "ms" },
    { label: "  worst", value: at(1), unit: "ms" },
    { label: "  queue for the store, most", value: peak.queueBytes / 2 ** 20, unit: "MiB" },
    { label: "  resident memory, most", value: peak.residentBytes / 2 ** 20, unit: "MiB" },
  ];
  peak.queueBytes = 0;
  peak.residentBytes = 0;
  return figures;
}
