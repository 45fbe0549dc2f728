/**
 * What is installed, as `npm run release` makes it for this machine: how large it is, how soon its agent has a first
 * reading, and what that holds with 200 SNMP devices in its first minute and four minutes later, beside the peers. The
 * agent runs from a release's folder, by the Node in it and with its own packages: nothing of the checkout is in it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TARGETS } from "../../deploy/release/target.ts";
import { makeTree } from "../../deploy/release/tree.ts";
import { buildDebs, PRODUCTS } from "../rig/debs.ts";
import { type CollectorRig, cleanUp, startCollector, tempFolder } from "../rig/rig.ts";
import { findPeers, type Peer } from "./agent-peers.ts";
import { AgentProcess, type AgentProgram, nodeOfItsOwn } from "./agent-process.ts";
import { firstReadingMs } from "./agent-start.ts";
import { type Cost, Crowd, INTERVAL_MS, measure, SMALL, TWELVE_VALUES, upsDevices } from "./agent-watch.ts";
import { type Figure, progress } from "./figure.ts";
import { folderBytes } from "./process-cost.ts";
import { pause } from "./punctuality.ts";

/** All have been polled, and what only the start needed is given back. */
const WARM_UP_MS = 20_000;
const MEASURED_MS = 30_000;
/** From the first measure to the second. */
const LATER_MS = 240_000;
const PEER_WARM_UP_MS = 6_000;
const STARTS = 7;
const KINDS = [
  { values: 12, more: ", profile: twelve", profile: TWELVE_VALUES },
  { values: 26, more: "" },
] as const;

export async function benchInstalled(): Promise<Figure[]> {
  try {
    const { trees, figures: sizes } = await unpack();
    const program = programIn(join(trees, "aislewatch-agent"));
    const starts = await starting(program);
    const collector = await startCollector();
    progress(`installed: ${SMALL} devices, and ${LATER_MS / 60_000} minutes later`);
    const ours = await Promise.all(KINDS.map((kind) => watchAgent(collector, program, kind)));
    const peers = await Promise.all((await findPeers()).map(watchPeer));
    return [...sizes, ...starts, ...ours.flat(), ...peers.flat()];
  } finally {
    await cleanUp();
  }
}

async function unpack(): Promise<{ readonly trees: string; readonly figures: Figure[] }> {
  progress("installed: unpacking");
  const target = TARGETS.find(({ os, cpu }) => os === process.platform && cpu === process.arch);
  if (target === undefined) throw new Error("there is no release for this machine");
  const trees = tempFolder();
  const figures: Figure[] = [];
  const figure = (label: string, bytes: number) => figures.push({ label, value: bytes / 1e6, unit: "MB" });
  for (const product of PRODUCTS) {
    const folder = join(trees, product);
    mkdirSync(folder);
    await makeTree({ product, target, folder, epoch: 0 });
    const all = folderBytes(folder);
    figure(`${product}, archive unpacked`, all);
    figure(`${product}, archive unpacked, without its Node`, all - folderBytes(join(folder, "node")));
  }
  if (target.debian === null) return { trees, figures };
  const debs = tempFolder();
  await buildDebs(debs, "0.0.0");
  for (const product of PRODUCTS) {
    const field = execFileSync("dpkg-deb", ["--field", join(debs, `${product}_0.0.0.deb`), "Installed-Size"]);
    figure(`${product}, Debian package installed`, Number(field.toString()) * 1_024);
  }
  return { trees, figures };
}

/** What the launcher in `bin` starts, with a cache of compiled code as the service has one. */
const programIn = (tree: string): AgentProgram => ({
  node: join(tree, "node/bin/node"),
  main: join(tree, "agent/main.mjs"),
  compileCache: tempFolder(),
});

async function starting(program: AgentProgram): Promise<Figure[]> {
  progress("installed: starting");
  const crowd = await Crowd.start(1);
  const [device = ""] = upsDevices(crowd.ports);
  const first = await firstReadingMs(program, device, 1);
  const later = await firstReadingMs(program, device, STARTS);
  crowd.stop();
  return [
    { label: "agent: start to first reading in the outbox, first of all", value: first, unit: "ms" },
    { label: `agent: start to first reading in the outbox, median of ${STARTS}`, value: later, unit: "ms" },
  ];
}

/** Each by a copy of that Node: PSS divides what processes share. */
async function watchAgent(
  collector: CollectorRig,
  program: AgentProgram,
  kind: (typeof KINDS)[number],
): Promise<Figure[]> {
  const crowd = await Crowd.start(SMALL);
  const agent = await AgentProcess.start(
    collector,
    { ...program, node: nodeOfItsOwn() },
    {
      name: `installed-${kind.values}/agent`,
      devices: upsDevices(crowd.ports, kind.more),
      ...("profile" in kind && { profile: kind.profile }),
    },
  );
  await crowd.allAsked(agent.startedAt);
  await pause(agent.startedAt + WARM_UP_MS - Date.now());
  const soon = await measure(crowd, agent.pid, MEASURED_MS);
  await pause(LATER_MS);
  const later = await measure(crowd, agent.pid, MEASURED_MS);
  await agent.stop();
  crowd.stop();
  const of = `agent, ${SMALL} devices with ${kind.values} values`;
  return [
    ...costFigures(`${of}, first minute`, soon),
    ...costFigures(`${of}, ${LATER_MS / 60_000} minutes later`, later),
  ];
}

async function watchPeer({ name, start }: Peer): Promise<Figure[]> {
  progress(`installed: the same by ${name}`);
  const crowd = await Crowd.start(SMALL);
  const poller = await start(crowd.ports, INTERVAL_MS);
  await pause(PEER_WARM_UP_MS);
  const theirs = await measure(crowd, poller.pid, MEASURED_MS);
  await poller.stop();
  crowd.stop();
  return costFigures(`${name}, ${SMALL} devices`, theirs);
}

const costFigures = (of: string, { pssMb, anonymousMb, corePercent }: Cost): Figure[] => [
  { label: `${of}: memory, PSS`, value: pssMb, unit: "MB" },
  { label: `${of}: – not pages of files`, value: anonymousMb, unit: "MB" },
  { label: `${of}: CPU of one core`, value: corePercent, unit: "%" },
];
