/** One run: a world, a plan, an end in peace, and the laws. The same for `npm test` and `npm run chaos`. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "@aislewatch/base";
import { seededRandom } from "@aislewatch/simulator";
import { WELL } from "../rig/broken-wire.ts";
import { cleanUp, runOnce, waitFor } from "../rig/rig.ts";
import {
  type Audit,
  eachReadingOnce,
  everyLossIsNamed,
  incidentsAreTheSame,
  ledgerBalances,
  memoryIsBounded,
  nobodyFell,
  readIncidents,
  readStored,
  storedPolls,
  type Verdict,
  valuesAreTrue,
} from "./laws.ts";
import { perform, targetsOf } from "./perform.ts";
import { type Act, type ActKind, describeAct, type Scheduled } from "./plan.ts";
import { type AgentOf, bringToRest, startWorld, type World } from "./world.ts";

export type RunOptions = {
  readonly seed: number;
  readonly agents: number;
  readonly devicesPerAgent: number;
  readonly everyMs: number;
  readonly plan: readonly Scheduled[];
  /** Polls of all devices after which the run ends, acts or not. */
  readonly polls: number;
  readonly say: (line: string) => void;
  /** Ends the run early; the laws are looked at all the same. */
  readonly signal?: AbortSignal;
};

export type RunReport = {
  readonly verdicts: readonly Verdict[];
  readonly acts: Readonly<Partial<Record<ActKind, number>>>;
  readonly leftOut: readonly string[];
  readonly tookMs: number;
};

/** Slow and stopped acts are part of a run; beyond this many times the time that polls should take it is stuck. */
const PATIENCE = 4;
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;
/** A few polls of everybody. */
const LIVE_AGAIN_MS = 2_000;
/** A `for` of the rules that began with the last poll has ended then, and the collector has ticked. */
const REST_SETTLED_MS = 4_000;
/** Until what lay in the outboxes is stored: back-off of half a minute, a stall of another, and the drain. */
const DRAIN_MS_MAX = 90_000;
/** Of each agent's log, when that did not happen. */
const LOG_CHARS = 3_000;

export async function runChaos(options: RunOptions): Promise<RunReport> {
  const { seed, agents, devicesPerAgent, everyMs, plan, say } = options;
  const startMs = performance.now();
  const random = seededRandom(seed ^ 0x5eed);
  const kinds = [...new Set(plan.map(({ act }) => act.kind))];
  const acts: Partial<Record<ActKind, number>> = {};
  try {
    const world = await startWorld({ seed, agents, devicesPerAgent, everyMs, kinds, random });
    const clocksSet = new Set<number>();
    const damagedAgents = new Set<string>();
    const onAct = (act: Act): void => {
      acts[act.kind] = (acts[act.kind] ?? 0) + 1;
      if (act.kind === "clock") clocksSet.add(act.agent);
      if (act.kind === "corrupt" || act.kind === "rollback") damagedAgents.add(`pc-${act.agent}`);
      say(
        `${((performance.now() - startMs) / 1_000).toFixed(1).padStart(7)} s, poll ${world.polls()}: ${describeAct(act)}`,
      );
    };
    await play(world, options, { random, onAct });
    say("everything is well again; waiting for what is still on its way");
    await settle(world);
    const verdicts = await judge(world, { everyMs, clocksSet, damagedAgents });
    return {
      verdicts,
      acts,
      leftOut: [...world.impossible].map(([kind, why]) => `${kind}: ${why}`),
      tookMs: performance.now() - startMs,
    };
  } finally {
    await cleanUp();
  }
}

type Play = { readonly random: () => number; readonly onAct: (act: Act) => void };

/** The acts, each when its time has come and its target is free. */
async function play(world: World, { plan, polls, everyMs, signal, ...size }: RunOptions, { random, onAct }: Play) {
  const busy = new Map<string, Promise<void>>();
  const ended = Promise.withResolvers<void>();
  const pause = async (forMs: number): Promise<void> => {
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, forMs);
    await Promise.race([timer.promise, ended.promise]);
    clearTimeout(handle);
  };
  signal?.addEventListener("abort", () => ended.resolve(), { once: true });
  const failures: unknown[] = [];
  const waiting = [...plan];
  const patienceMs = PATIENCE_MS + (PATIENCE * polls * everyMs) / (size.agents * size.devicesPerAgent);
  const deadlineMs = performance.now() + patienceMs;
  while (world.polls() < polls && signal?.aborted !== true && world.violations.length === 0) {
    if (performance.now() > deadlineMs) throw new Error(`${world.polls()} polls in ${patienceMs / 1_000} s: stuck`);
    for (let next = waiting[0]; next !== undefined && next.afterPolls <= world.polls(); next = waiting[0]) {
      waiting.shift();
      if (world.impossible.has(next.act.kind)) continue;
      const { act } = next;
      const targets = targetsOf(act);
      const before = Promise.all(targets.map((target) => busy.get(target)));
      const done = before
        .then(() => {
          if (signal?.aborted === true) return;
          onAct(act);
          return perform(world, act, { pause, random });
        })
        .catch((thrown) => void failures.push(thrown));
      for (const target of targets) busy.set(target, done);
    }
    if (failures.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  ended.resolve();
  await Promise.all(busy.values());
  if (failures.length > 0) throw failures[0];
}

/** Everything heals, nobody polls any more, and what was written down is delivered. */
async function settle(world: World): Promise<void> {
  for (const { wire, clock } of world.agents) {
    wire.set(WELL);
    clock?.set(0);
  }
  // What was kept is only judged to its end once each device has said live how it is now.
  const healedAt = Date.now();
  await waitFor(
    "every agent to be back, live",
    () => world.violations.length > 0 || world.agents.every((agent) => hasSentLive(agent, healedAt)),
    DRAIN_MS_MAX,
  );
  await new Promise((done) => setTimeout(done, LIVE_AGAIN_MS));
  // What was polled last is written down within the linger of the intake.
  for (const agent of world.agents) bringToRest(world, agent);
  await new Promise((done) => setTimeout(done, REST_SETTLED_MS));
  let owing = "";
  const restedAt = Date.now();
  try {
    await waitFor(
      "the outboxes to be empty, and the ledger to owe nothing",
      async () => {
        // Who fell will not come back; nothing is to be waited for.
        if (world.violations.length > 0) return true;
        const waiting = world.agents.map(({ name, dataFolder }) => ({
          name,
          batches: waitingBatches(dataFolder, restedAt),
        }));
        const { lanes } = await world.collector.api<Audit>("/audit/delivery");
        const open = lanes.filter(({ owed, queued }) => owed > 0 || queued > 0);
        owing = [...waiting, ...open].map((one) => JSON.stringify(one)).join("\n");
        return open.length === 0 && waiting.every(({ batches }) => batches === 0);
      },
      DRAIN_MS_MAX,
    );
  } catch (thrown) {
    const logs = world.agents.map(
      ({ name, program }) => `${name}:\n${program?.output().slice(-LOG_CHARS) ?? "is down"}`,
    );
    throw new Error([errorText(thrown), ...world.violations, owing, ...logs].join("\n"), { cause: thrown });
  }
}

const hasSentLive = ({ sent, devices }: AgentOf, since: number): boolean =>
  devices.every(({ id }) =>
    [...sent.values()].some(
      ({ lane, sentAt, polls }) => lane === "live" && sentAt > since && polls.some(({ device }) => device === id),
    ),
  );

/**
 * As the agent's status file has it, which is written every few seconds. Null while that is of before `since`, and while the
 * outbox file can't be used: what is in it is not counted then, and is to come.
 */
function waitingBatches(dataFolder: string, since: number): number | null {
  const file = join(dataFolder, "status.json");
  if (statSync(file).mtimeMs < since) return null;
  const { outbox } = JSON.parse(readFileSync(file, "utf8")) as { outbox: { batches: number; inMemory: object | null } };
  return outbox.inMemory === null ? outbox.batches : null;
}

type Judged = {
  readonly everyMs: number;
  readonly clocksSet: ReadonlySet<number>;
  readonly damagedAgents: ReadonlySet<string>;
};

async function judge(world: World, { everyMs, clocksSet, damagedAgents }: Judged): Promise<Verdict[]> {
  if (world.violations.length > 0) return [nobodyFell(world)];
  const told = await readIncidents(world);
  for (const agent of world.agents) await world.stopAgent(agent);
  const audited = await runOnce("packages/cli/main.ts", ["audit", "delivery", "--json"], {
    env: { AISLEWATCH_URL: world.collector.http, AISLEWATCH_TOKEN: world.collector.token },
  });
  const audit = JSON.parse(audited.stdout) as Audit;
  await world.stopCollector();
  const rows = await readStored(world);
  const stored = storedPolls(rows);
  return [
    eachReadingOnce(world, stored, audit),
    everyLossIsNamed(world, stored, audit),
    valuesAreTrue(world, rows, stored),
    ledgerBalances(world, audit, damagedAgents),
    incidentsAreTheSame(world, rows, told, { everyMs, clocksSet, isLateJudged: true }),
    memoryIsBounded(world),
    nobodyFell(world),
  ];
}
