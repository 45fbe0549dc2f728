/**
 * The agent's cost: a real agent process watches simulated UPSs over SNMP, 200 and 1,000 of them every 10 s, and hands
 * what it reads to a real collector: all 26 values of each, and of 200 also some minutes later and only 12, which is what
 * its budget is for. Of the 1,000, one in twenty falls silent in the end, and the others' polls must
 * stay as punctual as they were. Beside it, on the same devices, the pollers of agent-peers.ts.
 */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { type CollectorRig, cleanUp, onCleanUp, ROOT, startCollector } from "../rig/rig.ts";
import { findPeers, type Peer } from "./agent-peers.ts";
import { AgentProcess, type AgentProgram, fromSources, installed, nextMessage, nodeOfItsOwn } from "./agent-process.ts";
import { bareNodeMb, firstReadingMs } from "./agent-start.ts";
import { type Figure, progress } from "./figure.ts";
import { cpuSecondsOf, forgetTouched, memoryOf, touchedBytesOf } from "./process-cost.ts";
import { latenessOf, pause, quantile, quantilesOf } from "./punctuality.ts";
import type { CrowdOrder, CrowdReport } from "./snmp-crowd.ts";

const INTERVAL_MS = 10_000;
/** First polls, the first on the grid, and what V8 compiles and throws away at the start. */
const WARM_UP_MS = 12_000;
/** By then what runs has been compiled for good, and the heap has the size that it keeps. */
const SETTLED_MS = 240_000;
const MEASURED_MS = 30_000;
const PEER_WARM_UP_MS = 6_000;
const PEER_MEASURED_MS = 20_000;
const MEMORY_EVERY_MS = 2_000;
/** A poll and its timeout: each silent one is known to be silent. */
const SILENCE_SETTLES_MS = 12_000;
const SMALL = 200;
const LARGE = 1_000;
const DEAD_SHARE = 1 / 20;
/** Due times of devices that are asked every 10 s lie on a grid of this width (agent/core/schedule.ts). */
const GRID_MS = 1_000;
const START_MS_MAX = 30_000;
const STARTS = 7;

type Cost = {
  readonly polls: number;
  readonly requestsPerPoll: number;
  readonly cpuMsPerPoll: number;
  readonly corePercent: number;
  readonly pssMb: number;
  readonly ussMb: number;
  readonly anonymousMb: number;
  /** Pages that it touched while it was measured. */
  readonly touchedMb: number;
};
type Watch = Cost & { readonly lateMs: { readonly p50: number; readonly p99: number } };

export async function benchAgent(): Promise<Figure[]> {
  try {
    const node = nodeOfItsOwn();
    const bundle = await installed(node);
    const sources = fromSources(node);
    // First of all, and twice: what starts later has its code compiled.
    const starts = [...(await starting("installed", bundle)), ...(await starting("from sources", sources))];
    const bare = { label: "a Node that does nothing: memory, PSS", value: await bareNodeMb(node), unit: "MB" };
    const collector = await startCollector();
    const small = await watchSmall(collector, bundle, "");
    const twelve = await watchSmall(collector, bundle, ", 12 values", TWELVE_VALUES);
    const smallFromSources = await watchSmall(collector, sources, " (from sources)");
    const peers = await watchByPeers(small.cost);
    const large = await watchLarge(collector, bundle);
    return [bare, ...starts, ...small.figures, ...twelve.figures, ...smallFromSources.figures, ...peers, ...large];
  } finally {
    await cleanUp();
  }
}

async function starting(how: string, program: AgentProgram): Promise<Figure[]> {
  progress(`agent: starting, ${how}`);
  const crowd = await Crowd.start(1);
  const [device = ""] = upsDevices(crowd.ports);
  const first = await firstReadingMs(program, device, 1);
  const later = await firstReadingMs(program, device, STARTS);
  crowd.stop();
  return [
    { label: `${how}: start to first reading in the outbox, first of all`, value: first, unit: "ms" },
    { label: `${how}: start to first reading in the outbox, median`, value: later, unit: "ms" },
  ];
}

async function watchSmall(
  collector: CollectorRig,
  program: AgentProgram,
  how: string,
  profile?: string,
): Promise<{ readonly cost: Cost; readonly figures: Figure[] }> {
  const what = `${SMALL} devices${how}`;
  progress(`agent: ${what} every ${INTERVAL_MS / 1_000} s`);
  const crowd = await Crowd.start(SMALL);
  const agent = await AgentProcess.start(collector, program, {
    name: `bench-0200${how.replaceAll(/[^a-z0-9]+/g, "-").replace(/-$/, "")}/agent`,
    devices: upsDevices(crowd.ports, profile === undefined ? "" : ", profile: twelve"),
    ...(profile !== undefined && { profile }),
  });
  const startMs = await crowd.allAsked(agent.startedAt);
  await pause(WARM_UP_MS);
  const cost = await measure(crowd, agent.pid, MEASURED_MS);
  const settled = how.includes("sources") ? null : await settle(crowd, agent);
  const { values } = agent.health();
  await agent.stop();
  crowd.stop();
  const figures = [
    ...figuresOf(what, cost),
    ...(settled === null ? [] : costFigures(`${what}, after ${SETTLED_MS / 60_000} minutes`, settled)),
    { label: `${what}: values a poll`, value: values, unit: "" },
    { label: `${what}: start to first poll`, value: startMs.first, unit: "ms" },
    { label: `${what}: start to all polled`, value: startMs.all, unit: "ms" },
  ];
  return { cost, figures };
}

async function settle(crowd: Crowd, agent: AgentProcess): Promise<Cost> {
  progress(`agent: ${SMALL} devices, ${SETTLED_MS / 60_000} minutes later`);
  await pause(SETTLED_MS);
  return measure(crowd, agent.pid, MEASURED_MS);
}

/** The peers side by side, each with a crowd of its own: less than one of our two cores for all of them. */
async function watchByPeers(ours: Cost): Promise<Figure[]> {
  const peers = await findPeers();
  if (peers.length > 0) progress(`agent: the same by ${peers.map(({ name }) => name).join(" and ")}`);
  return (await Promise.all(peers.map((peer) => watchByPeer(peer, ours)))).flat();
}

async function watchByPeer({ name, start }: Peer, ours: Cost): Promise<Figure[]> {
  const crowd = await Crowd.start(SMALL);
  const poller = await start(crowd.ports, INTERVAL_MS);
  await pause(PEER_WARM_UP_MS);
  const theirs = await measure(crowd, poller.pid, PEER_MEASURED_MS);
  await poller.stop();
  crowd.stop();
  return [
    ...costFigures(`${name}, ${SMALL} devices`, theirs),
    { label: `ours : ${name}, CPU a poll`, value: ours.cpuMsPerPoll / theirs.cpuMsPerPoll, unit: "×" },
    { label: `ours : ${name}, memory`, value: ours.pssMb / theirs.pssMb, unit: "×" },
  ];
}

async function watchLarge(collector: CollectorRig, program: AgentProgram): Promise<Figure[]> {
  const dead = LARGE * DEAD_SHARE;
  progress(`agent: ${LARGE} devices, all alive`);
  const crowd = await Crowd.start(LARGE);
  const agent = await AgentProcess.start(collector, program, {
    name: "bench-1000/agent",
    devices: upsDevices(crowd.ports),
  });
  const startMs = await crowd.allAsked(agent.startedAt);
  await pause(WARM_UP_MS);
  const alive = await measure(crowd, agent.pid, MEASURED_MS);
  const skippedAlive = agent.health().skipped;
  progress(`agent: ${LARGE} devices, ${dead} of them silent`);
  crowd.order({ silence: dead });
  await pause(SILENCE_SETTLES_MS);
  const withDead = await measure(crowd, agent.pid, MEASURED_MS);
  const { skippedOf } = agent.health();
  await agent.stop();
  crowd.stop();
  return [
    ...figuresOf(`${LARGE} devices`, alive),
    { label: `${LARGE} devices: skipped turns`, value: skippedAlive, unit: "" },
    { label: `start to ${LARGE} devices polled`, value: startMs.all, unit: "ms" },
    ...figuresOf(`${LARGE} devices, ${dead} dead`, withDead),
    { label: `${LARGE} devices, ${dead} dead: skipped turns of the living`, value: skippedOf(dead), unit: "" },
  ];
}

const costFigures = (of: string, cost: Cost): Figure[] => [
  { label: `${of}: CPU`, value: cost.cpuMsPerPoll, unit: "ms a poll" },
  { label: `${of}: CPU of one core`, value: cost.corePercent, unit: "%" },
  { label: `${of}: memory, PSS`, value: cost.pssMb, unit: "MB" },
  { label: `${of}: memory, its own alone (USS)`, value: cost.ussMb, unit: "MB" },
  { label: `${of}: memory, not pages of files`, value: cost.anonymousMb, unit: "MB" },
  { label: `${of}: memory, touched meanwhile`, value: cost.touchedMb, unit: "MB" },
  { label: `${of}: requests a poll`, value: cost.requestsPerPoll, unit: "" },
];

const figuresOf = (of: string, watch: Watch): Figure[] => [
  ...costFigures(of, watch),
  { label: `${of}: polls begin late by, p50`, value: watch.lateMs.p50, unit: "ms" },
  { label: `${of}: polls begin late by, p99`, value: watch.lateMs.p99, unit: "ms" },
];

/** What a process that polls the crowd costs. */
async function measure(crowd: Crowd, pid: number, measuredMs: number): Promise<Watch> {
  crowd.order({ count: true });
  forgetTouched(pid);
  const startedAt = performance.now();
  const cpuBefore = cpuSecondsOf(pid);
  const memory: ReturnType<typeof memoryOf>[] = [];
  for (let at = 0; at < measuredMs; at += MEMORY_EVERY_MS) {
    await pause(MEMORY_EVERY_MS);
    memory.push(memoryOf(pid));
  }
  const cpuSeconds = cpuSecondsOf(pid) - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1_000;
  const { polls, requests } = await crowd.report();
  const begun = polls.flat();
  if (begun.length === 0) throw new Error("nobody polled");
  return {
    polls: begun.length,
    requestsPerPoll: requests / begun.length,
    cpuMsPerPoll: (cpuSeconds * 1_000) / begun.length,
    corePercent: (cpuSeconds / seconds) * 100,
    pssMb: medianMb(memory.map(({ pss }) => pss)),
    ussMb: medianMb(memory.map(({ uss }) => uss)),
    anonymousMb: medianMb(memory.map(({ anonymous }) => anonymous)),
    touchedMb: touchedBytesOf(pid) / 1e6,
    lateMs: quantilesOf(latenessOf(begun, GRID_MS)),
  };
}

const medianMb = (bytes: number[]): number => quantile(bytes, 0.5) / 1e6;

/** The simulated devices, in a process of their own. */
class Crowd {
  readonly ports: readonly number[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: readonly number[]) {
    this.#child = child;
    this.ports = ports;
  }

  static async start(count: number): Promise<Crowd> {
    const child = fork(join(ROOT, "test/bench/snmp-crowd.ts"), [String(count)], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    onCleanUp(() => void child.kill("SIGKILL"));
    const { ports } = (await nextMessage(child)) as { ports: number[] };
    return new Crowd(child, ports);
  }

  order(order: CrowdOrder): void {
    this.#child.send(order);
  }

  async report(): Promise<CrowdReport> {
    const answer = nextMessage(this.#child);
    this.order({ report: true });
    return (await answer) as CrowdReport;
  }

  /** When the first device and when the last one was asked for the first time, ms after `startedAt`. */
  async allAsked(startedAt: number): Promise<{ first: number; all: number }> {
    for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 500) {
      const firsts = (await this.report()).polls.map(([first]) => first ?? Number.NaN);
      if (!firsts.some(Number.isNaN))
        return { first: Math.min(...firsts) - startedAt, all: Math.max(...firsts) - startedAt };
      await pause(500);
    }
    throw new Error(`not every device was polled within ${START_MS_MAX / 1_000} s of the start`);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Ten of the profile `ups`; whether it answers, and how long that took, are two more. */
const TWELVE_VALUES = `
profile: twelve
title: UPS, twelve values
kind: ups
metrics:
  on_battery: { oid: 1.3.6.1.2.1.33.1.4.1.0, is: [5] }
  battery_low: { oid: 1.3.6.1.2.1.33.1.2.1.0, map: { 2: false, 3: true, 4: true } }
  on_battery_seconds: { oid: 1.3.6.1.2.1.33.1.2.2.0 }
  battery_runtime_seconds: { oid: 1.3.6.1.2.1.33.1.2.3.0, scale: 60 }
  battery_charge_percent: { oid: 1.3.6.1.2.1.33.1.2.4.0 }
  battery_voltage_volts: { oid: 1.3.6.1.2.1.33.1.2.5.0, scale: 0.1 }
  battery_temperature_celsius: { oid: 1.3.6.1.2.1.33.1.2.7.0 }
  input_failures_total: { oid: 1.3.6.1.2.1.33.1.3.1.0 }
  alarms_present: { oid: 1.3.6.1.2.1.33.1.6.1.0 }
  self_test_failed: { oid: 1.3.6.1.2.1.33.1.7.3.0, map: { 1: false, 2: false, 3: true } }
`;

const upsDevices = (ports: readonly number[], more = ""): string[] =>
  ports.map(
    (port, i) =>
      `{ id: ups-${i}, kind: ups, driver: snmp, address: "127.0.0.1:${port}", every: ${INTERVAL_MS / 1_000}s${more} }`,
  );
