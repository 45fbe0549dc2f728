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
 * - *Parked*: an agent whose disk fails sends from its memory, under another epoch, and what the file still holds comes
 *   after it, older than what was judged by then, in whatever lane. The snapshot waits for the file's epoch to return.
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
/** Where the lanes of a file end that can't be read: known once its epoch is back. */
const NOT_TOLD = Number.MAX_SAFE_INTEGER;
/** As rarely as nothing that was read becomes old meanwhile. */
const HARDLY_EVER_MS = 24 * 3_600_000;
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

export type LanesAtReturn = {
  /** The last live batch from before it came back, and up to where that lane was judged. */
  readonly tailSeq: number;
  readonly hadTailSeq: number;
  /** History up to `toSeq` exists, up to `hadSeq` it was judged. */
  readonly hadSeq: number;
  readonly toSeq: number;
  /** What it sends is in its memory, for its file can't be written; that one's epoch may come back. */
  readonly isMemory: boolean;
};

export type LateCounts = {
  /** History batches that were judged, and those for which there was no state to judge them from. */
  judged: number;
  unjudged: number;
  spells: number;
};

export type Late = {
  restore(records: readonly LateRecord[]): void;
  /** Its stream of readings, of this epoch, may end here. `at`: event time up to which it was judged. */
  away(site: string, agent: string, at: number, epoch: string | null): void;
  /** It says where its lanes stand, at each status. */
  back(lane: LateLane, at: number, lanes: LanesAtReturn): void;
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
  /** Ends of both lanes at the return, and up to where they were read. */
  tailSeq: number;
  toSeq: number;
  hadTailSeq: number;
  hadSeq: number;
  /** Something of it was read that the live lane does not know. */
  isTelling: boolean;
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
  /** Live batches from before the return that the snapshot lacks, in order, and the first from after it. */
  tail: Tail[];
  bridge: TelemetryBatch[];
  keptRows: number;
  readonly open: Map<string, Spell>;
  /** Spells of faults that stood when the agent went away, the first without its beginning. */
  readonly held: Map<string, Spell[]>;
  /** What was pending at the end of the history: when it became true. */
  readonly pending: Map<string, { subject: Subject; onset: number }>;
  /** As it was then; null when nothing was pending. */
  atReturn: AgentSnapshot | null;
  /** Onsets that the live engine told before each device's first reading from after the return, of each fault the last. */
  readonly told: Map<string, number>;
  /** What the live engine has said of each fault since the agent came back. */
  readonly seenLive: Map<string, SeenLive>;
  settleSinceMs: number;
};

/** Onset of the first spell that fired there, and when the first, fired or not, was over. */
type SeenLive = { readonly onset: number | null; readonly overAt: number | null };

/** `isLate`: older than what had been judged live of its devices when it came, so the live engine knows nothing of it. */
type Tail = { readonly batch: TelemetryBatch; readonly isLate: boolean };

type Base = { readonly at: number; readonly epoch: string | null; readonly snapshot: AgentSnapshot };
type AgentLate = {
  base: Base | null;
  forks: Fork[];
  /** The epoch that it sent from memory last. */
  memory: string | null;
};

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
    return fork.engine;
  }

  function unload(fork: Fork, { site, agent }: { site: string; agent: string }): void {
    if (fork.engine !== null) fork.snapshot = fork.engine.snapshot(site, agent);
    fork.engine = null;
    loaded.delete(fork);
  }

  /** Those of the tail that were read before this time; the history goes on there. */
  function readTailUntil(fork: Fork, whose: { site: string; agent: string }, until: number): void {
    const count = fork.tail.findIndex(({ batch: { message, skewMs } }) => (spanOf(message)[0] ?? 0) + skewMs >= until);
    const due = fork.tail.splice(0, count < 0 ? fork.tail.length : count);
    if (due.length === 0) return;
    dirtyLive.add(keyOf(whose.site, whose.agent));
    const engine = engineOf(fork, whose.site, whose.agent);
    for (const each of due) readTail(fork, engine, each);
  }

  function readTail(fork: Fork, engine: Engine, { batch, isLate }: Tail): void {
    const found = read(fork, engine, batch);
    if (isLate) {
      counts.judged++;
      fork.isTelling = true;
      follow(fork, found);
    } else if (fork.isTelling) {
      const [first] = spanOf(batch.message);
      const from = (first ?? 0) + batch.skewMs;
      follow(
        fork,
        found.filter((transition) => wasThereBefore(fork, transition, from)),
      );
    } else followState(fork, found);
  }

  /** The live lane has told of what these mean. */
  function followState(fork: Fork, transitions: readonly Transition[]): void {
    for (const transition of transitions) {
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

  /** What begins with live readings is the live lane's, but for what it has had standing all the while. */
  const wasThereBefore = (fork: Fork, { rule, from, since, subject }: Transition, liveFrom: number): boolean =>
    isStanding(from) || fork.held.has(incidentKey(rule, subject)) || since < liveFrom;

  /** The first live readings end the history. */
  function readBridge(fork: Fork, engine: Engine, batch: TelemetryBatch): void {
    const ours = read(fork, engine, batch).filter((transition) =>
      wasThereBefore(fork, transition, fork.liveSince.get(transition.subject.device ?? "") ?? transition.since),
    );
    follow(fork, ours);
    for (const subject of batch.message.subjects) fork.bridged.add(splitSubject(subject).device);
  }

  function follow(fork: Fork, transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      const key = incidentKey(transition.rule, transition.subject);
      const spell = stepSpell(fork.open.get(key) ?? null, transition);
      if (spell === null) continue;
      // What was pending when its readings ended may have fired live by the mere passing of time.
      if (spell.over === null && fork.told.get(key) === spell.opened?.since) stand(fork, key);
      else if (spell.over === null) fork.open.set(key, spell);
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
    base: Base,
    seqs: Pick<LanesAtReturn, "tailSeq" | "hadTailSeq" | "hadSeq" | "toSeq">,
  ): Fork {
    const fork: Fork = {
      ...{ epoch, ...seqs, awayAt: base.at, untilAt: base.at, phase: "reading", snapshot: base.snapshot, engine: null },
      ...{
        isTelling: false,
        atReturn: null,
        liveSince: new Map(),
        bridged: new Set(),
        tail: [],
        bridge: [],
        keptRows: 0,
      },
      ...{ open: new Map(), held: new Map(), pending: new Map(), told: new Map(), seenLive: new Map() },
      settleSinceMs: 0,
    };
    for (const { rule, subject, state } of base.snapshot.faults) {
      if (isStanding(state)) stand(fork, incidentKey(rule, subject));
    }
    return fork;
  }

  /** Only the first spell there can be the one that late readings began. */
  function noteLive(fork: Fork, key: string, { at, since, to }: Pick<Transition, "at" | "since" | "to">): void {
    const { onset, overAt } = fork.seenLive.get(key) ?? { onset: null, overAt: null };
    if (overAt !== null) return;
    if (to === "inactive") fork.seenLive.set(key, { onset, overAt: at });
    else if (isStanding(to) && onset === null) fork.seenLive.set(key, { onset: since, overAt });
  }

  /** False when there is no room. */
  function hasRoom(fork: Fork, { site, agent, message }: TelemetryBatch): boolean {
    const rows = message.tables.reduce((sum, { at }) => sum + at.length, 0);
    if (fork.keptRows + rows > KEPT_ROWS_MAX) return false;
    fork.keptRows += rows;
    dirtyLive.add(keyOf(site, agent));
    return true;
  }

  /** All that it owed is here. */
  const isComplete = ({ phase, hadSeq, toSeq, hadTailSeq, tailSeq }: Fork): boolean =>
    phase === "reading" && hadSeq >= toSeq && hadTailSeq >= tailSeq;

  const isParked = ({ phase, toSeq }: Fork): boolean => phase === "reading" && toSeq === NOT_TOLD;

  /** Into whose readings those that come now may belong: of each epoch the newest. */
  const newestOf = (forks: readonly Fork[]): Fork[] =>
    forks.filter((fork) => forks.findLast(({ epoch }) => epoch === fork.epoch) === fork);

  /** The agent changes from its file to its memory: the file's epoch goes on where this base is, once it is back. */
  function park(mine: AgentLate, base: Base): void {
    const { epoch } = base;
    if (epoch === null || mine.forks.length >= FORKS_MAX - 1) return;
    if (mine.forks.some((fork) => fork.epoch === epoch && fork.phase === "reading")) return;
    mine.forks.push(newFork(epoch, base, { tailSeq: NOT_TOLD, hadTailSeq: 0, hadSeq: 0, toSeq: NOT_TOLD }));
  }

  function takeTail(fork: Fork, batch: TelemetryBatch): void {
    fork.hadTailSeq = Math.max(fork.hadTailSeq, batch.seq);
    dirty.add(keyOf(batch.site, batch.agent));
    if (hasRoom(fork, batch)) fork.tail.push({ batch, isLate: isLate(fork, batch) });
  }

  function takeBridge(fork: Fork, batch: TelemetryBatch): void {
    const { site, agent, epoch, seq, message, skewMs } = batch;
    if (epoch === fork.epoch) fork.hadTailSeq = Math.max(fork.hadTailSeq, seq);
    if (!hasNewDevice(fork, message, skewMs)) return;
    dirty.add(keyOf(site, agent));
    if (fork.phase === "settling") readBridge(fork, engineOf(fork, site, agent), batch);
    else if (hasRoom(fork, batch)) fork.bridge.push(batch);
  }

  // ── settling

  function finishReading(site: string, agent: string, fork: Fork): void {
    const engine = engineOf(fork, site, agent);
    fork.phase = "settling";
    fork.settleSinceMs = clock.monotonic();
    const bridge = fork.bridge;
    fork.bridge = [];
    if (bridge.length > 0) dirtyLive.add(keyOf(site, agent));
    for (const batch of bridge) {
      readTailUntil(fork, batch, (spanOf(batch.message)[0] ?? 0) + batch.skewMs);
      readBridge(fork, engine, batch);
    }
    // What a file took in while the memory was still served comes after that; of devices heard since it is live's alone.
    fork.tail = fork.tail.filter(
      ({ batch }) => !batch.message.subjects.every((subject) => fork.bridged.has(splitSubject(subject).device)),
    );
    readTailUntil(fork, { site, agent }, Number.POSITIVE_INFINITY);
    for (const { rule, subject, state, detail } of engine.standing()) {
      const onset = detail["onset"];
      if (state === "pending" && typeof onset === "number")
        fork.pending.set(incidentKey(rule, subject), { subject, onset });
    }
    if (fork.pending.size > 0) fork.atReturn = engine.snapshot(site, agent);
    settle(site, agent, fork);
  }

  function settle(site: string, agent: string, fork: Fork): void {
    const records = new Map(
      engineOf(fork, site, agent)
        .standing()
        .map((record) => [incidentKey(record.rule, record.subject), record]),
    );
    const isLast = newestOf(agents.get(keyOf(site, agent))?.forks ?? []).includes(fork);
    for (const [key, { subject, onset }] of fork.pending) {
      if (liveState(key, subject) === "pending" && isLast) continue;
      fork.pending.delete(key);
      const { onset: was, overAt } = fork.seenLive.get(key) ?? { onset: null, overAt: null };
      if (was !== null) deps.onEarlierOnset(key, { onset, at: onset, was });
      else if (overAt !== null) tellStraddling(fork, { site, agent, key, overAt });
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

  /**
   * Pending at the end of the history, and over in the live lane before its `for` had passed there: had it passed since
   * the true onset? Time is let pass in an engine that goes on with the last of the history until then.
   */
  function tellStraddling(
    fork: Fork,
    { site, agent, key, overAt }: { site: string; agent: string; key: string; overAt: number },
  ): void {
    if (fork.atReturn === null) return;
    const devices = devicesOf(site, agent).map((device) => ({ ...device, intervalMs: HARDLY_EVER_MS }));
    const engine = live.fork({ site, agent, devices, snapshot: fork.atReturn, atMs: fork.untilAt });
    const opened = engine
      .tick(overAt - 1)
      .find(({ rule, subject, to }) => isStanding(to) && incidentKey(rule, subject) === key);
    if (opened === undefined) return;
    counts.spells++;
    deps.onSpell(endedAt({ opened, levels: [], over: null }, overAt));
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
      const awayAt = Math.max(fork.awayAt, fork.told.get(key) ?? fork.awayAt);
      if (spells.length > 0) deps.onStanding(key, spells, { stands, awayAt });
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
          base:
            kept.base === null
              ? null
              : { at: kept.base.at, epoch: kept.base.epoch, snapshot: { faults: kept.base.faults } },
          memory: kept.memory,
          forks: kept.forks.map((one) => restoredFork(one, clock.monotonic())),
        });
      }
      for (const { site, agent, part, body } of records) {
        const kept = part === "live" ? readLateBatches(body) : null;
        if (kept === null) continue;
        for (const fork of agents.get(keyOf(site, agent))?.forks ?? []) restoreBatches(fork, { site, agent }, kept);
      }
    },

    away(site, agent, at, epoch) {
      const key = keyOf(site, agent);
      const known = agents.get(key) ?? { base: null, forks: [], memory: null };
      // What came first is where its readings ended; a second goodbye adds nothing.
      if (known.base !== null) return;
      known.base = { at, epoch, snapshot: live.snapshot(site, agent) };
      agents.set(key, known);
      dirty.add(key);
    },

    back({ site, agent, epoch }, at, { isMemory, ...seqs }) {
      const key = keyOf(site, agent);
      const mine = agents.get(key) ?? { base: null, forks: [], memory: null };
      const fromMemory = isMemory || epoch === mine.memory;
      // Of an outbox that was lost nothing more comes; a file is only out of reach while the memory is served.
      for (const fork of mine.forks) {
        const isGone = fork.epoch !== epoch && (!fromMemory || (fork.epoch === mine.memory && epoch !== mine.memory));
        if (isGone && fork.phase === "reading") finishReading(site, agent, fork);
      }
      const { base } = mine;
      if (fromMemory && base !== null && base.epoch !== epoch && base.epoch !== mine.memory) park(mine, base);
      if (isMemory) mine.memory = epoch;
      mine.base = null;
      const last = mine.forks.findLast((fork) => fork.epoch === epoch);
      if (last !== undefined && isParked(last)) {
        Object.assign(last, seqs);
        dirtyLive.add(key);
        if (isComplete(last)) finishReading(site, agent, last);
      } else if (seqs.toSeq > Math.max(seqs.hadSeq, last?.toSeq ?? 0)) {
        if (last !== undefined && mine.forks.length >= FORKS_MAX) last.toSeq = seqs.toSeq;
        else mine.forks.push(newFork(epoch, base ?? { at, epoch, snapshot: live.snapshot(site, agent) }, seqs));
      }
      if (mine.forks.length > 0) agents.set(key, mine);
      else if (!agents.delete(key)) return;
      dirty.add(key);
    },

    beforeLive(batch) {
      for (const fork of newestOf(agents.get(keyOf(batch.site, batch.agent))?.forks ?? [])) {
        if (batch.epoch === fork.epoch && batch.seq <= fork.tailSeq) takeTail(fork, batch);
        else takeBridge(fork, batch);
      }
    },

    afterLive({ site, agent }) {
      const forks = agents.get(keyOf(site, agent))?.forks ?? [];
      for (const fork of [...forks]) {
        if (isComplete(fork)) finishReading(site, agent, fork);
        else if (fork.phase === "settling") settle(site, agent, fork);
      }
    },

    moved(agent, { rule, subject, at, since, to }) {
      for (const fork of newestOf(agents.get(keyOf(subject.site, agent))?.forks ?? [])) {
        const key = incidentKey(rule, subject);
        if (since < (fork.liveSince.get(subject.device ?? "") ?? Number.POSITIVE_INFINITY) && isStanding(to))
          fork.told.set(key, since);
        else if (fork.liveSince.has(subject.device ?? "")) noteLive(fork, key, { at, since, to });
        else continue;
        dirty.add(keyOf(subject.site, agent));
      }
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
      fork.hadSeq = Math.max(fork.hadSeq, seq);
      const [first] = spanOf(batch.message);
      if (first !== null) readTailUntil(fork, batch, first + batch.skewMs);
      fork.isTelling = true;
      follow(fork, read(fork, engineOf(fork, site, agent), batch));
      if (isComplete(fork)) finishReading(site, agent, fork);
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

/** Is all of it from before what the live lane took over with? */
function isLate({ liveSince }: Fork, { message: { base, subjects, tables }, skewMs }: TelemetryBatch): boolean {
  return tables.every(({ subject, at }) =>
    subject.every((index, row) => {
      const since = liveSince.get(splitSubject(subjects[index] ?? "").device);
      return since !== undefined && base + (at[row] ?? 0) + skewMs < since;
    }),
  );
}

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

function stateBody({ base, forks, memory }: AgentLate): string | null {
  if (base === null && forks.length === 0) return null;
  const kept: KeptLate = {
    v: 1,
    base: base === null ? null : { at: base.at, epoch: base.epoch, faults: [...base.snapshot.faults] },
    memory,
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
      ...{ epoch, toSeq, bridge: keptOf(bridge) },
      tail: tail.flatMap(({ batch, isLate }) => keptOf([batch]).map((one) => ({ ...one, isLate }))),
    })),
  };
  return JSON.stringify(kept);
}

function restoreBatches(fork: Fork, whose: { site: string; agent: string }, kept: KeptBatches): void {
  const found = kept.forks.find(({ epoch, toSeq }) => epoch === fork.epoch && toSeq === fork.toSeq);
  const batchesOf = ({ skewMs, text }: KeptBatches["forks"][number]["bridge"][number]): TelemetryBatch[] => {
    const message = readMessage(text);
    if (message === null) return [];
    const { epoch, lane, seq } = message;
    return [{ ...whose, epoch, lane, seq, message, skewMs }];
  };
  fork.tail = (found?.tail ?? []).flatMap(({ isLate, ...one }) => batchesOf(one).map((batch) => ({ batch, isLate })));
  fork.bridge = (found?.bridge ?? []).flatMap(batchesOf);
}

function keptFork(fork: Fork): KeptFork {
  const { epoch, tailSeq, toSeq, hadTailSeq, hadSeq, isTelling, awayAt, untilAt, phase, engine, snapshot } = fork;
  return {
    ...{ epoch, tailSeq, toSeq, hadTailSeq, hadSeq, isTelling, awayAt, untilAt, phase },
    faults: [...(engine?.standing() ?? snapshot.faults)],
    liveSince: [...fork.liveSince],
    open: [...fork.open],
    held: [...fork.held],
    pending: [...fork.pending],
    told: [...fork.told],
    seenLive: [...fork.seenLive],
  };
}

function restoredFork(kept: KeptFork, nowMs: number): Fork {
  const { faults, liveSince, open, held, pending, told, seenLive, ...same } = kept;
  return {
    ...same,
    ...{ snapshot: { faults }, engine: null, atReturn: null },
    ...{ bridged: new Set(), tail: [], bridge: [], keptRows: 0, settleSinceMs: nowMs },
    liveSince: new Map(liveSince),
    open: new Map(open),
    held: new Map(held),
    pending: new Map(pending),
    told: new Map(told),
    seenLive: new Map(seenLive),
  };
}
