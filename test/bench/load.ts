/**
 * The load that ingest and latency share: a collector process of its own with 200 rules, and a fleet of agents whose
 * devices these rules are about.
 *
 * Eight kinds with twelve metrics each, twenty devices an agent, so that each device is judged by 25 rules: one to three
 * comparisons, numbers and booleans, one rule in four a ladder, one a kind with a streak. None of them fires, for values stay healthy, but each
 * is evaluated whenever a value that it reads has changed.
 */
import { join } from "node:path";
import type { Kind } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { type Fleet, FleetPlan, type FleetShape, fleetMember, runFleet, seededRandom } from "@aislewatch/simulator";
import { hashAgentPassword, newAgentPassword } from "../../collector/agent-password.ts";
import { createSqliteStore } from "../../collector/store/state/sqlite.ts";
import { type BrokerRig, type CollectorRig, startCollector } from "../rig/rig.ts";

const KINDS: readonly Kind[] = [
  "pos_terminal",
  "receipt_printer",
  "label_printer",
  "office_printer",
  "ups",
  "device_server",
  "video_recorder",
  "host",
];
const RULES = 200;
export const DEVICES_PER_AGENT = 20;
export const METRICS_PER_DEVICE = 12;
const SEED = 1;

export const shapesOf = (batchSamples: number, devices = DEVICES_PER_AGENT): FleetShape[] =>
  KINDS.map((kind) => ({ kind, devices, metrics: METRICS_PER_DEVICE, batchSamples }));

/** The same numbers each time. */
export const loadRandom = () => seededRandom(SEED);

/** Text of a rule file with 200 rules, the same number for each kind, and `more` at its end. */
export function loadRules(more = ""): string {
  const rules = shapesOf(DEVICES_PER_AGENT * METRICS_PER_DEVICE).flatMap((shape) => rulesOf(shape));
  return `group: load\nrules:\n${rules.join("")}${more}`;
}

function rulesOf(shape: FleetShape): string[] {
  const { metrics } = new FleetPlan(shape, loadRandom());
  const numbers = metrics.filter(({ type }) => type === "number").map(({ name }) => name);
  const flags = metrics.filter(({ type, bad }) => type === "boolean" && bad === true).map(({ name }) => name);
  return Array.from({ length: RULES / KINDS.length }, (_, i) => {
    const [a, b, c] = [0, 2, 5].map((step) => numbers[(i + step) % numbers.length]);
    const flag = flags[i % Math.max(1, flags.length)] ?? "!up";
    // Far above what any counter of the load reaches.
    const far = 1e12 + i;
    const conditions = [
      `${a} > ${far}`,
      `${a} > ${far} && ${b} < vars.limit`,
      `${a} > ${far} || (${b} > ${far} && ${c} > vars.limit)`,
      `${flag} || ${a} > ${far}`,
    ];
    const when = i === 0 ? "!up && streak(up) >= 2" : conditions[i % conditions.length];
    const head = `  - id: load-${shape.kind.replaceAll("_", "-")}-${i}
    title: "{{device}} load rule ${i}"
    select: kind == "${shape.kind}"
    category: software
    vars: { limit: 900 }
`;
    if (i % 4 !== 2) return `${head}    when: "${when}"\n    for: 1m\n    severity: minor\n`;
    return `${head}    raise:
      minor: { when: "${when}", for: 1m }
      major: { when: "${a} > ${far * 2}" }
    clear: { when: "${a} < ${far - 1_000}" }
`;
  });
}

export type LoadedCollector = CollectorRig & {
  readonly dataFolder: string;
  /** The password of every agent that the benchmark signs in. */
  readonly password: string;
};

/** A collector with the load's rules that lets these agents in; `broker`: through one that stands by itself. */
export async function startLoadedCollector(
  agents: readonly AgentName[],
  moreRules = "",
  broker?: BrokerRig,
): Promise<LoadedCollector> {
  const rig = await startCollector({ rules: loadRules(moreRules), ...(broker !== undefined && { broker }) });
  const dataFolder = join(rig.folder, "data");
  const password = newAgentPassword();
  const passwordHash = hashAgentPassword(password);
  const state = createSqliteStore({ file: join(dataFolder, "state.sqlite") });
  await state.open();
  for (const { site, agent } of agents) {
    state.putAgentCredential({ site, agent, passwordHash });
  }
  await state.close();
  await broker?.letIn(rig.config);
  return { ...rig, dataFolder, password };
}

export type AgentName = { readonly site: string; readonly agent: string };

export const fleetNames = (agents: number): AgentName[] =>
  Array.from({ length: agents }, (_, i) => fleetMember(i, KINDS.length));

export async function startLoad(
  collector: LoadedCollector,
  load: {
    readonly agents: number;
    readonly devicesPerAgent?: number;
    readonly batchSamples: number;
    readonly samplesPerSecond: number | "max";
    readonly windowBatches: number;
  },
): Promise<Fleet> {
  const started = await runFleet({
    url: collector.mqtt,
    agents: load.agents,
    shape: shapesOf(load.batchSamples, load.devicesPerAgent),
    samplesPerSecond: load.samplesPerSecond,
    windowBatches: load.windowBatches,
    password: () => collector.password,
    clock: realClock,
    random: loadRandom(),
  });
  if (!started.ok) throw new Error(`the fleet: ${started.error.detail}`);
  return started.value;
}

/** A counter or gauge of the collector's /metrics. */
export async function metricOf(collector: CollectorRig, name: string): Promise<number> {
  const text = await (await fetch(`${collector.http}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}
