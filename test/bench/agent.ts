/**
 * The agent's cost: a real agent process watches simulated UPSs over SNMP, 200 and 1,000 of them every 10 s, and hands
 * what it reads to a real collector. Of the 1,000, one in twenty falls silent in the end, and the others' polls must
 * stay as punctual as they were. What 200 cost in the long run says agent-settled.ts. Beside it, on the same devices, the
 * pollers of agent-peers.ts.
 */
import { type CollectorRig, cleanUp, startCollector } from "../rig/rig.ts";
import { findPeers, type Peer } from "./agent-peers.ts";
import { AgentProcess, type AgentProgram, fromSources, installed, nodeOfItsOwn } from "./agent-process.ts";
import { watchSettling } from "./agent-settled.ts";
import { bareNodeMb, firstReadingMs } from "./agent-start.ts";
import { type Cost, Crowd, costFigures, INTERVAL_MS, measure, SMALL, upsDevices, type Watch } from "./agent-watch.ts";
import { type Figure, progress } from "./figure.ts";
import { pause } from "./punctuality.ts";

/** First polls, the first on the grid, and what V8 compiles and throws away at the start. */
const WARM_UP_MS = 12_000;
const MEASURED_MS = 30_000;
const PEER_WARM_UP_MS = 6_000;
const PEER_MEASURED_MS = 20_000;
/** A poll and its timeout: each silent one is known to be silent. */
const SILENCE_SETTLES_MS = 12_000;
const LARGE = 1_000;
const DEAD_SHARE = 1 / 20;
const STARTS = 7;

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
    const smallFromSources = await watchSmall(collector, sources, " (from sources)");
    const peers = await watchByPeers(small.cost);
    const large = await watchLarge(collector, bundle);
    const settling = await watchSettling(collector, bundle);
    return [bare, ...starts, ...small.figures, ...smallFromSources.figures, ...peers, ...large, ...settling];
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
): Promise<{ readonly cost: Cost; readonly figures: Figure[] }> {
  const what = `${SMALL} devices${how}`;
  progress(`agent: ${what} every ${INTERVAL_MS / 1_000} s`);
  const crowd = await Crowd.start(SMALL);
  const agent = await AgentProcess.start(collector, program, {
    name: `bench-0200${how.replaceAll(/[^a-z0-9]+/g, "-").replace(/-$/, "")}/agent`,
    devices: upsDevices(crowd.ports),
  });
  const startMs = await crowd.allAsked(agent.startedAt);
  await pause(WARM_UP_MS);
  const cost = await measure(crowd, agent.pid, MEASURED_MS);
  const { values } = agent.health();
  await agent.stop();
  crowd.stop();
  const figures = [
    ...figuresOf(what, cost),
    { label: `${what}: values a poll`, value: values, unit: "" },
    { label: `${what}: start to first poll`, value: startMs.first, unit: "ms" },
    { label: `${what}: start to all polled`, value: startMs.all, unit: "ms" },
  ];
  return { cost, figures };
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

const figuresOf = (of: string, watch: Watch): Figure[] => [
  ...costFigures(of, watch),
  { label: `${of}: polls begin late by, p50`, value: watch.lateMs.p50, unit: "ms" },
  { label: `${of}: polls begin late by, p99`, value: watch.lateMs.p99, unit: "ms" },
];
