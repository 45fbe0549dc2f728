/**
 * The late evaluator. An agent that was cut off sends how things are now (live) and then what it had kept (history).
 * The live evaluator judges the first and never hears of the second; here the second is judged, by a fork of the same
 * engine that begins where the agent's unbroken stream of readings ended.
 *
 *   live      ……F                        E……………… (judged at once)
 *   history      F ─────────────────── E          (judged here, in event time, an agent at a time)
 *
 * - *Away*: the agent is gone, or the collector has just started: its state is set aside (a snapshot, kilobytes).
 * - *Reading*: it is back and owes history: a fork of the snapshot takes its batches, in order, and finds spells. Each
 *   that came and went is told at once (incidents/late.ts says what becomes of it).
 * - *Settling*: the history is all there, and so are the first live readings of each device, which end it. What stands
 *   is compared with the live evaluator: it stands there too (its incident began earlier), or it is about to (wait), or
 *   it does not stand there. Then the readings known there decide: it is over, or it goes on there from now on, as with
 *   a rule whose clear condition lies below its raise condition.
 *
 * Timers, `keep`, silence and unknowns run in event time. A stretch without readings is unknown, as it is live. Only the
 * agent's own devices are known: parents that another agent watches hide nothing, and rules over a whole site are judged
 * live alone, for other agents' past is not at hand.
 *
 * What has to survive a restart goes into a record of each agent, in the transaction of the history watermark. Values and
 * windows are not in it: after a restart they are unknown until the device's next reading.
 */
import type { Clock } from "@aislewatch/base";
import type { InventoryDevice, Telemetry } from "@aislewatch/contract";
import { splitSubject } from "@aislewatch/contract";
import type { Adoption, AgentSnapshot, Engine, FaultRecord, FaultView, Subject, Transition } from "@aislewatch/rules";
import { type Spell, STANDING, stepSpell } from "./incidents/late.ts";
import { incidentKey } from "./incidents/types.ts";
import {
  type KeptBatches,
  type KeptFork,
  type KeptLate,
  readLateBatches,
  readLateRecord,
  readMessage,
} from "./late-record.ts";
import type { Commit, LateRecord } from "./store/state/store.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

/** Outages of one agent whose history is owed at the same time; more are judged as if they were the last one's. */
const FORKS_MAX = 8;
/** Engines in memory, of agents that bring history now; those beyond wait as snapshots. Grants keep it below. */
const ENGINES_MAX = 512;
/** Live batches of one fork that are kept until its history has come: one poll of each device is a few KiB. */
const KEPT_ROWS_MAX = 4_096;
/** Spells of one fault that wait for the end of the history; of a fault that flaps more, those between are not told. */
const HELD_MAX = 256;
/** How long a device gets to say how it is now, before it counts as not knowing. */
const ANSWER_INTERVALS = 3;
const ANSWER_GRACE_MS = 5_000;
const ANSWER_MS_MAX = 3_600_000;

export type LateLane = { readonly site: string; readonly agent: string; readonly epoch: string };

export type LateDeps = {
  readonly clock: Clock;
  /** The live one: forked, asked, and given what still stands. */
  readonly engine: Engine;
  readonly devicesOf: (site: string, agent: string) => readonly InventoryDevice[];
  readonly faultsOf: (site: string, device: string) => readonly FaultView[];
  /** A fault came and went. */
  readonly onSpell: (spell: Spell & { readonly opened: Transition }) => void;
  /** A fault that stood when its agent went away: what became of it meanwhile, and whether it stands now. */
  readonly onStanding: (key: string, spells: readonly Spell[], how: { stands: boolean; awayAt: number }) => void;
  /** A fault that stands, or stood, in the live lane began earlier. */
  readonly onEarlierOnset: (key: string, began: EarlierOnset) => void;
  /** What adopting did in the live engine. */
  readonly onAdopted: (transitions: readonly Transition[]) => void;
};

/** When it began, when it would have fired, and the onset that the live lane knew. */
export type EarlierOnset = { readonly onset: number; readonly at: number; readonly was: number };

export type LateCounts = {
  /** History batches that were judged, and those for which there was no state to judge them from. */
  judged: number;
  unjudged: number;
  spells: number;
};

export type Late = {
  restore(records: readonly LateRecord[]): void;
  /** Its stream of readings may end here. `at`: event time up to which it was judged. */
  away(site: string, agent: string, at: number): void;
  /**
   * It says where its lanes stand, at each status. `tailSeq`: the last live batch from before it came back; history up
   * to `toSeq` exists, up to `hadSeq` it was judged.
   */
  back(lane: LateLane, at: number, lanes: { tailSeq: number; hadSeq: number; toSeq: number }): void;
  /** A live batch, before the live engine has it. */
  beforeLive(batch: TelemetryBatch): void;
  /** The same, after. */
  afterLive(batch: TelemetryBatch): void;
  /** What the live engine says of a fault of this agent's. */
  moved(agent: string, transition: Transition): void;
  history(batch: TelemetryBatch): void;
  tick(): void;
  /** Rules or the agent's devices are others now. */
  changed(site?: string, agent?: string): void;
  forget(site: string, agent: string): void;
  /** What to commit; `putBack` when that failed. */
  takePending(): { records: NonNullable<Commit["late"]>; putBack(): void };
  readonly counts: LateCounts;
  /** Agents whose history is being judged, and engines in memory. */
  figures(): { agents: number; engines: number };
};

type Fork = {
  readonly epoch: string;
  readonly tailSeq: number;
  toSeq: number;
  readonly awayAt: number;
  /** Event time up to which it was judged. */
  untilAt: number;
  phase: "reading" | "settling";
  /** While it is not loaded. */
  snapshot: AgentSnapshot;
  engine: Engine | null;
  /** First live reading of each device after the history. */
  readonly liveSince: Map<string, number>;
  /** Of these the fork has had that reading. */
  readonly bridged: Set<string>;
  /** Live batches from before the gap that the snapshot lacks, and the first from after it. */
  tail: TelemetryBatch[];
  bridge: TelemetryBatch[];
  keptRows: number;
  readonly open: Map<string, Spell>;
  /** Spells of faults that stood when the agent went away, the first without its beginning. */
  readonly held: Map<string, Spell[]>;
  /** What was pending at the end of the history: when it became true. */
  readonly pending: Map<string, { subject: Subject; onset: number }>;
  /** What the live engine has said of each fault since the agent came back. */
  readonly seenLive: Map<string, SeenLive>;
  settleSinceMs: number;
};

/** Onset of the first spell that fired there, and when the first, fired or not, was over. */
type SeenLive = { readonly onset: number | null; readonly overAt: number | null };

type AgentLate = { base: { at: number; snapshot: AgentSnapshot } | null; forks: Fork[] };

export function createLate(deps: LateDeps): Late {
  const { clock, engine: live, devicesOf, faultsOf } = deps;
  const agents = new Map<string, AgentLate>();
  /** Agents whose record of each part is out of date. */
  const dirty = new Set<string>();
  const dirtyLive = new Set<string>();
  /** Loaded forks, the longest unused first. */
  const loaded = new Map<Fork, { site: string; agent: string }>();
  const counts: LateCounts = { judged: 0, unjudged: 0, spells: 0 };
  const keyOf = (site: string, agent: string): string => `${site}/${agent}`;

  function engineOf(fork: Fork, site: string, agent: string): Engine {
    loaded.delete(fork);
    loaded.set(fork, { site, agent });
    if (fork.engine !== null) return fork.engine;
    for (const [idle, whose] of loaded) {
      if (loaded.size <= ENGINES_MAX) break;
      unload(idle, whose);
    }
    const { snapshot, untilAt: atMs } = fork;
    fork.engine = live.fork({ site, agent, devices: devicesOf(site, agent), snapshot, atMs });
    fork.snapshot = { faults: [] };
    const tail = fork.tail;
    fork.tail = [];
    if (tail.length > 0) dirtyLive.add(keyOf(site, agent));
    for (const batch of tail) readTail(fork, fork.engine, batch);
    return fork.engine;
  }

  function unload(fork: Fork, { site, agent }: { site: string; agent: string }): void {
    if (fork.engine !== null) fork.snapshot = fork.engine.snapshot(site, agent);
    fork.engine = null;
    loaded.delete(fork);
  }

  /** The live lane has told of what these mean: only the state is followed. */
  function readTail(fork: Fork, engine: Engine, batch: TelemetryBatch): void {
    for (const transition of read(fork, engine, batch)) {
      const key = incidentKey(transition.rule, transition.subject);
      if (transition.to === "inactive") {
        fork.open.delete(key);
        fork.held.delete(key);
      } else if (transition.to !== "pending") stand(fork, key);
    }
  }

  function stand(fork: Fork, key: string): void {
    fork.open.set(key, STANDING);
    if (!fork.held.has(key)) fork.held.set(key, []);
  }

  function read(fork: Fork, engine: Engine, { site, agent, message, skewMs }: TelemetryBatch): Transition[] {
    const [first, last] = spanOf(message);
    // Timers that end before the oldest of these readings do so first; a later one may still be contradicted.
    const before = first === null ? [] : engine.tick(first + skewMs - 1);
    if (last !== null) fork.untilAt = Math.max(fork.untilAt, last + skewMs);
    return [...before, ...engine.observe(site, agent, message, skewMs)];
  }

  /** The first live readings end the history. */
  function readBridge(fork: Fork, engine: Engine, batch: TelemetryBatch): void {
    const isOurs = ({ rule, from, since, subject }: Transition): boolean =>
      // What begins with them is the live lane's, but for what it has had standing all the while.
      isStanding(from) ||
      fork.held.has(incidentKey(rule, subject)) ||
      since < (fork.liveSince.get(subject.device ?? "") ?? since);
    follow(fork, read(fork, engine, batch).filter(isOurs));
    for (const subject of batch.message.subjects) fork.bridged.add(splitSubject(subject).device);
  }

  function follow(fork: Fork, transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      const key = incidentKey(transition.rule, transition.subject);
      const spell = stepSpell(fork.open.get(key) ?? null, transition);
      if (spell === null) continue;
      if (spell.over === null) fork.open.set(key, spell);
      else end(fork, key, spell);
    }
  }

  function end(fork: Fork, key: string, spell: Spell): void {
    fork.open.delete(key);
    counts.spells++;
    const held = fork.held.get(key);
    if (held !== undefined) {
      held.push(spell);
      // The first tells of the recovery of what stood, the newest how it ended.
      if (held.length > HELD_MAX) held.splice(1, 1);
    } else if (spell.opened !== null) deps.onSpell({ ...spell, opened: spell.opened });
  }

  // ── away and back

  function newFork(
    epoch: string,
    base: { at: number; snapshot: AgentSnapshot },
    seqs: { tailSeq: number; toSeq: number },
  ) {
    const fork: Fork = {
      ...{ epoch, ...seqs, awayAt: base.at, untilAt: base.at, phase: "reading", snapshot: base.snapshot, engine: null },
      ...{ liveSince: new Map(), bridged: new Set(), tail: [], bridge: [], keptRows: 0 },
      ...{ open: new Map(), held: new Map(), pending: new Map(), seenLive: new Map(), settleSinceMs: 0 },
    };
    for (const { rule, subject, state } of base.snapshot.faults) {
      if (isStanding(state)) stand(fork, incidentKey(rule, subject));
    }
    return fork;
  }

  function keep(fork: Fork, list: TelemetryBatch[], batch: TelemetryBatch): void {
    const rows = batch.message.tables.reduce((sum, { at }) => sum + at.length, 0);
    if (fork.keptRows + rows > KEPT_ROWS_MAX) return;
    fork.keptRows += rows;
    list.push(batch);
    dirtyLive.add(keyOf(batch.site, batch.agent));
  }

  // ── settling

  function finishReading(site: string, agent: string, fork: Fork): void {
    const engine = engineOf(fork, site, agent);
    fork.phase = "settling";
    fork.settleSinceMs = clock.monotonic();
    const bridge = fork.bridge;
    fork.bridge = [];
    if (bridge.length > 0) dirtyLive.add(keyOf(site, agent));
    for (const batch of bridge) readBridge(fork, engine, batch);
    for (const { rule, subject, state, detail } of engine.standing()) {
      const onset = detail["onset"];
      if (state === "pending" && typeof onset === "number")
        fork.pending.set(incidentKey(rule, subject), { subject, onset });
    }
    settle(site, agent, fork);
  }

  function settle(site: string, agent: string, fork: Fork): void {
    const records = new Map(
      engineOf(fork, site, agent)
        .standing()
        .map((record) => [incidentKey(record.rule, record.subject), record]),
    );
    const isLast = agents.get(keyOf(site, agent))?.forks.at(-1) === fork;
    for (const [key, { subject, onset }] of fork.pending) {
      const state = liveState(key, subject);
      if (state === "pending" && isLast) continue;
      fork.pending.delete(key);
      const was = fork.seenLive.get(key)?.onset ?? null;
      if (isStanding(state) && was !== null) deps.onEarlierOnset(key, { onset, at: onset, was });
    }
    for (const key of new Set([...fork.open.keys(), ...fork.held.keys()])) {
      const record = records.get(key) ?? null;
      const subject = record?.subject ?? subjectOfKey(key);
      if (isLast && isUnheard(fork, site, agent, subject)) continue;
      settleOne(fork, key, { record, subject, isLast });
    }
    if (fork.open.size + fork.held.size + fork.pending.size > 0) return;
    const mine = agents.get(keyOf(site, agent));
    if (mine !== undefined) mine.forks = mine.forks.filter((other) => other !== fork);
    loaded.delete(fork);
    dirty.add(keyOf(site, agent));
    if (mine?.base === null && mine.forks.length === 0) agents.delete(keyOf(site, agent));
  }

  /** Nothing live of this device yet, and it still has time. */
  function isUnheard(fork: Fork, site: string, agent: string, { device }: Subject): boolean {
    if (device === null || fork.liveSince.has(device)) return false;
    const intervalMs = devicesOf(site, agent).find(({ id }) => id === device)?.intervalMs;
    if (intervalMs === undefined) return false;
    const waitMs = Math.min(ANSWER_MS_MAX, ANSWER_INTERVALS * intervalMs + ANSWER_GRACE_MS);
    return clock.monotonic() - fork.settleSinceMs < waitMs;
  }

  function liveState(key: string, { site, device }: Subject): FaultView["state"] {
    if (device === null) return "inactive";
    return faultsOf(site, device).find(({ rule, subject }) => incidentKey(rule, subject) === key)?.state ?? "inactive";
  }

  function settleOne(
    fork: Fork,
    key: string,
    { record, subject, isLast }: { record: FaultRecord | null; subject: Subject; isLast: boolean },
  ): void {
    const spell = fork.open.get(key) ?? null;
    const state = liveState(key, subject);
    const stands = isStanding(state);
    const held = fork.held.get(key);
    const seen = fork.seenLive.get(key) ?? { onset: null, overAt: null };
    if (held !== undefined) {
      fork.open.delete(key);
      fork.held.delete(key);
      const { opened = null } = spell ?? {};
      const last =
        spell === null || opened === null
          ? []
          : [seen.overAt === null ? spell : endedAt({ ...spell, opened }, seen.overAt)];
      const spells = [...held, ...last];
      if (spells.length > 0) deps.onStanding(key, spells, { stands, awayAt: fork.awayAt });
      return;
    }
    const opened = spell?.opened ?? null;
    if (spell === null || opened === null) {
      fork.open.delete(key);
      return;
    }
    if (state === "pending" && isLast) return;
    fork.open.delete(key);
    const since = heardAt(fork, subject);
    const over = (at: number): void => {
      counts.spells++;
      deps.onSpell(endedAt({ ...spell, opened }, at));
    };
    // Also when it is over there by now: it was the live lane's from then on.
    if (seen.onset !== null) deps.onEarlierOnset(key, { onset: opened.since, at: opened.at, was: seen.onset });
    else if (seen.overAt !== null) over(seen.overAt);
    else if (stands) return;
    else if (!isLast || record === null) over(Math.max(since, opened.at));
    else {
      const adoption: Adoption = live.adopt(record, clock.now());
      if (adoption.is === "adopted") deps.onAdopted(adoption.transitions);
      else if (adoption.is === "over" && fork.bridged.has(subject.device ?? "")) over(adoption.at);
      else over(Math.max(since, opened.at));
    }
  }

  return {
    counts,
    figures: () => ({
      agents: [...agents.values()].filter(({ forks }) => forks.length > 0).length,
      engines: loaded.size,
    }),

    restore(records) {
      for (const { site, agent, part, body } of records) {
        const kept = part === "state" ? readLateRecord(body) : null;
        if (kept === null) continue;
        agents.set(keyOf(site, agent), {
          base: kept.base === null ? null : { at: kept.base.at, snapshot: { faults: kept.base.faults } },
          forks: kept.forks.map((one) => restoredFork(one, clock.monotonic())),
        });
      }
      for (const { site, agent, part, body } of records) {
        const kept = part === "live" ? readLateBatches(body) : null;
        if (kept === null) continue;
        for (const fork of agents.get(keyOf(site, agent))?.forks ?? []) restoreBatches(fork, { site, agent }, kept);
      }
    },

    away(site, agent, at) {
      const key = keyOf(site, agent);
      const known = agents.get(key) ?? { base: null, forks: [] };
      // What came first is where its readings ended; a second goodbye adds nothing.
      if (known.base !== null) return;
      known.base = { at, snapshot: live.snapshot(site, agent) };
      agents.set(key, known);
      dirty.add(key);
    },

    back({ site, agent, epoch }, at, { tailSeq, hadSeq, toSeq }) {
      const key = keyOf(site, agent);
      const known = agents.get(key);
      const last = known?.forks.findLast((fork) => fork.epoch === epoch);
      if (toSeq <= Math.max(hadSeq, last?.toSeq ?? 0)) {
        if (known === undefined || known.base === null) return;
        known.base = null;
        dirty.add(key);
        if (known.forks.length === 0) agents.delete(key);
        return;
      }
      const mine = known ?? { base: null, forks: [] };
      agents.set(key, mine);
      dirty.add(key);
      // Of an outbox that was lost nothing more comes.
      for (const fork of mine.forks)
        if (fork.epoch !== epoch && fork.phase === "reading") finishReading(site, agent, fork);
      const base = mine.base ?? { at, snapshot: live.snapshot(site, agent) };
      mine.base = null;
      if (last !== undefined && mine.forks.length >= FORKS_MAX) last.toSeq = toSeq;
      else mine.forks.push(newFork(epoch, base, { tailSeq, toSeq }));
    },

    beforeLive(batch) {
      const { site, agent, epoch, seq, message, skewMs } = batch;
      const fork = agents.get(keyOf(site, agent))?.forks.at(-1);
      if (fork === undefined || fork.epoch !== epoch) return;
      if (seq <= fork.tailSeq) {
        if (fork.engine === null) keep(fork, fork.tail, batch);
        else readTail(fork, fork.engine, batch);
        return;
      }
      if (!hasNewDevice(fork, message, skewMs)) return;
      dirty.add(keyOf(site, agent));
      if (fork.phase === "reading") keep(fork, fork.bridge, batch);
      else readBridge(fork, engineOf(fork, site, agent), batch);
    },

    afterLive({ site, agent }) {
      const forks = agents.get(keyOf(site, agent))?.forks ?? [];
      for (const fork of [...forks]) if (fork.phase === "settling") settle(site, agent, fork);
    },

    moved(agent, { rule, subject, at, since, to }) {
      const fork = agents.get(keyOf(subject.site, agent))?.forks.at(-1);
      if (fork === undefined || !fork.liveSince.has(subject.device ?? "")) return;
      const key = incidentKey(rule, subject);
      const { onset, overAt } = fork.seenLive.get(key) ?? { onset: null, overAt: null };
      // Only the first spell there can be the one that late readings began.
      if (overAt !== null) return;
      if (to === "inactive") fork.seenLive.set(key, { onset, overAt: at });
      else if (isStanding(to) && onset === null) fork.seenLive.set(key, { onset: since, overAt });
      else return;
      dirty.add(keyOf(subject.site, agent));
    },

    history(batch) {
      const { site, agent, epoch, seq } = batch;
      const mine = agents.get(keyOf(site, agent));
      const fork = mine?.forks.find((one) => one.epoch === epoch && one.phase === "reading" && seq <= one.toSeq);
      if (fork === undefined) {
        counts.unjudged++;
        return;
      }
      dirty.add(keyOf(site, agent));
      counts.judged++;
      follow(fork, read(fork, engineOf(fork, site, agent), batch));
      if (seq >= fork.toSeq) finishReading(site, agent, fork);
    },

    tick() {
      for (const [key, { forks }] of agents) {
        const [site = "", agent = ""] = key.split("/");
        for (const fork of [...forks]) if (fork.phase === "settling") settle(site, agent, fork);
      }
    },

    changed(site, agent) {
      for (const [fork, whose] of [...loaded]) {
        if (site === undefined || (whose.site === site && whose.agent === agent)) unload(fork, whose);
      }
    },

    forget(site, agent) {
      const key = keyOf(site, agent);
      for (const fork of agents.get(key)?.forks ?? []) loaded.delete(fork);
      if (!agents.delete(key)) return;
      dirty.add(key);
      dirtyLive.add(key);
    },

    takePending() {
      const [state, batches] = [[...dirty], [...dirtyLive]];
      dirty.clear();
      dirtyLive.clear();
      const recordsOf = (keys: readonly string[], part: LateRecord["part"], body: (one: AgentLate) => string | null) =>
        keys.map((key) => {
          const [site = "", agent = ""] = key.split("/");
          const one = agents.get(key);
          return { site, agent, part, body: one === undefined ? null : body(one) };
        });
      return {
        records: [...recordsOf(state, "state", stateBody), ...recordsOf(batches, "live", batchesBody)],
        putBack() {
          for (const key of state) dirty.add(key);
          for (const key of batches) dirtyLive.add(key);
        },
      };
    },
  };
}

const isStanding = (state: FaultView["state"]): boolean => state === "firing" || state === "recovering";

function endedAt<S extends Spell & { readonly opened: Transition }>(spell: S, at: number): S {
  return { ...spell, over: { ...spell.opened, at, from: "firing", to: "inactive", severity: null, reason: "clear" } };
}

/** When the live lane took over. */
const heardAt = ({ liveSince, untilAt }: Fork, { device }: Subject): number => liveSince.get(device ?? "") ?? untilAt;

/** Notes the devices of which this is the first reading. */
function hasNewDevice({ liveSince }: Fork, { base, subjects, tables }: Telemetry, skewMs: number): boolean {
  let isNew = false;
  for (const { subject, at } of tables) {
    for (let row = 0; row < subject.length; row++) {
      const { device } = splitSubject(subjects[subject[row] ?? -1] ?? "");
      if (liveSince.has(device)) continue;
      liveSince.set(device, base + (at[row] ?? 0) + skewMs);
      isNew = true;
    }
  }
  return isNew;
}

/** Times of the oldest and the newest reading, by the agent's clock; null without any. */
function spanOf({ base, tables }: Telemetry): readonly [number, number] | readonly [null, null] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at } of tables) {
    for (let row = 0; row < at.length; row++) {
      first = Math.min(first, at[row] ?? first);
      last = Math.max(last, at[row] ?? last);
    }
  }
  return first > last ? [null, null] : [base + first, base + last];
}

function subjectOfKey(key: string): Subject {
  const [site = "", device = "", component = ""] = key.split("|");
  return { site, device: device === "" ? null : device, component: component === "" ? null : component };
}

function stateBody({ base, forks }: AgentLate): string | null {
  if (base === null && forks.length === 0) return null;
  const kept: KeptLate = {
    v: 1,
    base: base === null ? null : { at: base.at, faults: [...base.snapshot.faults] },
    forks: forks.map(keptFork),
  };
  return JSON.stringify(kept);
}

function batchesBody({ forks }: AgentLate): string | null {
  if (forks.every(({ tail, bridge }) => tail.length + bridge.length === 0)) return null;
  const keptOf = (batches: readonly TelemetryBatch[]) =>
    batches.map(({ skewMs, message }) => ({ skewMs, text: JSON.stringify(message) }));
  const kept: KeptBatches = {
    v: 1,
    forks: forks.map(({ epoch, toSeq, tail, bridge }) => ({
      ...{ epoch, toSeq, tail: keptOf(tail), bridge: keptOf(bridge) },
    })),
  };
  return JSON.stringify(kept);
}

function restoreBatches(fork: Fork, whose: { site: string; agent: string }, kept: KeptBatches): void {
  const found = kept.forks.find(({ epoch, toSeq }) => epoch === fork.epoch && toSeq === fork.toSeq);
  const batchesOf = (list: KeptBatches["forks"][number]["tail"]): TelemetryBatch[] =>
    list.flatMap(({ skewMs, text }) => {
      const message = readMessage(text);
      if (message === null) return [];
      const { epoch, lane, seq } = message;
      return [{ ...whose, epoch, lane, seq, message, skewMs }];
    });
  fork.tail = batchesOf(found?.tail ?? []);
  fork.bridge = batchesOf(found?.bridge ?? []);
}

function keptFork(fork: Fork): KeptFork {
  const { epoch, tailSeq, toSeq, awayAt, untilAt, phase, engine, snapshot } = fork;
  return {
    ...{ epoch, tailSeq, toSeq, awayAt, untilAt, phase },
    faults: [...(engine?.standing() ?? snapshot.faults)],
    liveSince: [...fork.liveSince],
    open: [...fork.open],
    held: [...fork.held],
    pending: [...fork.pending],
    seenLive: [...fork.seenLive],
  };
}

function restoredFork(kept: KeptFork, nowMs: number): Fork {
  const { epoch, tailSeq, toSeq, awayAt, untilAt, phase, faults, liveSince, open, held, pending, seenLive } = kept;
  return {
    ...{ epoch, tailSeq, toSeq, awayAt, untilAt, phase, snapshot: { faults }, engine: null },
    ...{ bridged: new Set(), tail: [], bridge: [], keptRows: 0, settleSinceMs: nowMs },
    liveSince: new Map(liveSince),
    open: new Map(open),
    held: new Map(held),
    pending: new Map(pending),
    seenLive: new Map(seenLive),
  };
}
