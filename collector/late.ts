/**
 * The late evaluator. The live evaluator judges what comes, when it comes; an agent that could not be reached brings some
 * of its readings much later, in another lane, or from another outbox. Here they are judged once more in the order in
 * which they were taken (late-stream.ts), by a fork of the same engine that begins where the agent's unbroken stream of
 * readings ended, and what it finds is what an undisturbed run of the same readings would have told.
 *
 *   live       …… F                       T T E E E E ……   (judged at once, as it comes)
 *   history             ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
 *   stretch       F─┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄─T T─E E             (judged here, in event time; then the live one goes on from it)
 *
 * A *stretch* begins when an agent may be away (it signs off, its connection ends, the collector starts) with a snapshot
 * of what was known then. It reads everything from there on: live batches that were on their way, history of any epoch,
 * and what is read after the return. Nothing is read before what is older and still owed. Once all that was owed is
 * there, and each device has said how it is now, the fork has read what the live evaluator has, and more: the live one
 * takes its faults over (`takeOver`), with their true onsets and timers. What was told meanwhile is compared with what was
 * true (incidents/late.ts): spells that nobody heard of are told afterwards, begins and ends are put right.
 *
 * A stretch in which the live evaluator can't have missed anything is dropped without a fork: nothing was owed but live
 * batches, no fault moved, and none had a timer running.
 *
 * Bounds. What has to be kept back while older readings are owed is bounded by KEPT_ROWS_MAX. Beyond it a stretch is
 * *closed*: it reads no further than that, its last faults are compared with what was told since, and a new stretch
 * begins at the next outage. A file that can't be read is waited for only so long (PARKED_MS_MAX); what it brings later is
 * judged by itself, from where it ended.
 *
 * Timers, `keep`, silence and unknowns run in event time. Only the agent's own devices are known: parents that another
 * agent watches hide nothing, and rules over a whole site are judged live alone, for other agents' past is not at hand.
 *
 * What has to survive a restart goes into records of each agent, in the transaction of the watermarks: faults and last
 * values, and each batch that is kept back. Windows are not in it: they begin anew.
 */
import type { Clock } from "@aislewatch/base";
import type { InventoryDevice } from "@aislewatch/contract";
import { splitSubject } from "@aislewatch/contract";
import type { AgentSnapshot, Engine, FaultRecord, FaultView, Transition } from "@aislewatch/rules";
import { type Found, isWhole, reconcile, type Spell, stepSpell, type Told } from "./incidents/late.ts";
import { incidentKey } from "./incidents/types.ts";
import { agentBody, batchBody, readAgent, readBatch } from "./late-record.ts";
import { rowsOf, spanOf } from "./late-stream.ts";
import { isAsLive, isStanding, keptOf, newStretch, restoredStretch, type Stretch, type Whose } from "./late-stretch.ts";
import type { Commit, LateRecord } from "./store/state/store.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

/** Stretches of one agent that wait for something; what is owed of more is kept unjudged. */
const STRETCHES_MAX = 8;
/** Engines in memory, of agents that bring history now; those beyond wait as snapshots. Grants keep it below. */
const ENGINES_MAX = 512;
/** Readings of one stretch that are kept back: of 40 devices every ten seconds 17 minutes, a few hundred KiB. */
const KEPT_ROWS_MAX = 4_096;
/** An agent that sends from memory for longer is judged without what its file may still hold. */
const PARKED_MS_MAX = 10 * 60_000;
/** An agent whose live batches are on their way is waited for no longer than this: time passes again for its devices. */
const BEHIND_MS_MAX = 60_000;
/** Spells of one fault that wait for the end of a stretch; of a fault that flaps more, those between are not told. */
const SPELLS_MAX = 256;
/** How long a device gets to say how it is now, before it counts as not knowing. */
const ANSWER_INTERVALS = 3;
const ANSWER_GRACE_MS = 5_000;
const ANSWER_MS_MAX = 3_600_000;

export type LateLane = { readonly site: string; readonly agent: string; readonly epoch: string };

export type LateDeps = {
  readonly clock: Clock;
  /** The live one: forked, asked, and given what is true. */
  readonly engine: Engine;
  readonly devicesOf: (site: string, agent: string) => readonly InventoryDevice[];
  readonly faultsOf: (site: string, device: string) => readonly FaultView[];
  /** What nobody was told of a fault, or not as it was. */
  readonly onFound: (key: string, found: Found) => void;
  /** What was done in the live engine: it was interrupted, or took over what was found. */
  readonly onMoved: (transitions: readonly Transition[]) => void;
};

export type LanesAtReturn = {
  /** Up to where each lane goes, and up to where the state store had it. */
  readonly tailSeq: number;
  readonly hadTailSeq: number;
  readonly toSeq: number;
  readonly hadSeq: number;
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
  /** The collector has started: what this agent read meanwhile is on its way. */
  awaited(site: string, agent: string): void;
  /** It says where its lanes stand, at each status. `former`: the epoch of its status before this one. */
  back(lane: LateLane, at: number, lanes: LanesAtReturn, former: string | null): void;
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

/** `batch` null: it is not kept back any more. */
type DirtyBatch = Whose & { readonly part: string; readonly batch: TelemetryBatch | null };

type AgentLate = {
  readonly stretches: Stretch[];
  nextId: number;
  /** The epoch that it sent in last, and the one that it sent from memory last. */
  epoch: string | null;
  memory: string | null;
};

const newcomer = (): AgentLate => ({ stretches: [], nextId: 1, epoch: null, memory: null });
const partOf = ({ id }: Stretch, { epoch, lane, seq }: TelemetryBatch): string => `${id}/${epoch}/${lane}/${seq}`;
const keyOf = ({ site, agent }: Whose): string => `${site}/${agent}`;
const whoseOf = (key: string): Whose => {
  const [site = "", agent = ""] = key.split("/");
  return { site, agent };
};

export function createLate(deps: LateDeps): Late {
  const { clock, engine: live, devicesOf, faultsOf } = deps;
  const agents = new Map<string, AgentLate>();
  /** Agents whose state is to be written, and batches that are kept back since, or not any more. */
  const dirty = new Set<string>();
  const dirtyBatches = new Map<string, DirtyBatch>();
  /** Loaded forks, the longest unused first. */
  const loaded = new Map<Stretch, Whose>();
  /** Agents whose live batches are on their way, and since when. */
  const behind = new Map<string, number>();
  const counts: LateCounts = { judged: 0, unjudged: 0, spells: 0 };

  const stretchesOf = (whose: Whose): readonly Stretch[] => agents.get(keyOf(whose))?.stretches ?? [];
  /** Into which everything goes that nobody owes. */
  const openOf = (whose: Whose): Stretch | null => stretchesOf(whose).findLast(({ isClosed }) => !isClosed) ?? null;

  function known(whose: Whose): AgentLate {
    const key = keyOf(whose);
    const found = agents.get(key) ?? newcomer();
    agents.set(key, found);
    dirty.add(key);
    return found;
  }

  /** Has it live batches on their way? Until they are there, the live evaluator lets no time pass for it. */
  function setBehind(whose: Whose, isBehind: boolean): void {
    const key = keyOf(whose);
    if (isBehind === behind.has(key)) return;
    if (isBehind) behind.set(key, clock.monotonic());
    else behind.delete(key);
    live.setAgentBehind(whose.site, whose.agent, isBehind, clock.now());
  }

  /** All of before the return is there, and what follows in the live lane is not what was read next. */
  function tear(whose: Whose): void {
    for (const stretch of stretchesOf(whose)) {
      if (!stretch.isTorn) continue;
      stretch.isTorn = false;
      deps.onMoved(live.interrupt(whose.site, whose.agent));
    }
  }

  const owesLive = (whose: Whose): boolean =>
    stretchesOf(whose).some(({ stream, isAway }) => !isAway && stream.owesLive);

  // ── forks

  function engineOf(stretch: Stretch, whose: Whose): Engine {
    loaded.delete(stretch);
    loaded.set(stretch, whose);
    if (stretch.engine !== null) return stretch.engine;
    for (const [idle, other] of loaded) {
      if (loaded.size <= ENGINES_MAX) break;
      unload(idle, other);
    }
    const { snapshot, untilAt: atMs } = stretch;
    stretch.engine = live.fork({ ...whose, devices: devicesOf(whose.site, whose.agent), snapshot, atMs });
    stretch.snapshot = { faults: [] };
    return stretch.engine;
  }

  function unload(stretch: Stretch, { site, agent }: Whose): void {
    stretch.snapshot = snapshotOf(stretch, { site, agent });
    stretch.engine = null;
    loaded.delete(stretch);
  }

  const snapshotOf = ({ engine, snapshot }: Stretch, { site, agent }: Whose): AgentSnapshot =>
    engine === null ? snapshot : engine.snapshot(site, agent);

  // ── stretches

  function begin(mine: AgentLate, at: number, snapshot: AgentSnapshot): Stretch {
    const stretch = newStretch(mine.nextId++, at, snapshot);
    mine.stretches.push(stretch);
    return stretch;
  }

  function end(stretch: Stretch, whose: Whose): void {
    const mine = known(whose);
    mine.stretches.splice(mine.stretches.indexOf(stretch), 1);
    loaded.delete(stretch);
  }

  /** What a file may still bring is judged by itself, from here on; the rest need not wait for it. */
  function goOnWithoutFile(stretch: Stretch, whose: Whose): void {
    const mine = known(whose);
    stretch.parkedSinceMs = null;
    for (const epoch of stretch.stream.parked) {
      stretch.stream.drop(epoch);
      if (mine.stretches.length >= STRETCHES_MAX) continue;
      const apart = begin(mine, stretch.untilAt, snapshotOf(stretch, whose));
      apart.stream.park(epoch);
      Object.assign(apart, { isClosed: true, isNeeded: true, toldAt: stretch.toldAt });
      apart.told.clear();
      for (const [key, told] of stretch.told) apart.told.set(key, [...told]);
    }
  }

  // ── reading

  function take(stretch: Stretch, batch: TelemetryBatch): void {
    stretch.stream.put(batch);
    const { site, agent } = batch;
    const part = partOf(stretch, batch);
    dirtyBatches.set(`${site}/${agent}/${part}`, { site, agent, part, batch });
    dirty.add(keyOf(batch));
  }

  function forgetBatch(stretch: Stretch, batch: TelemetryBatch): void {
    const { site, agent } = batch;
    const part = partOf(stretch, batch);
    const key = `${site}/${agent}/${part}`;
    // What was not written yet need not be taken away.
    if (dirtyBatches.get(key)?.batch != null) dirtyBatches.delete(key);
    else dirtyBatches.set(key, { site, agent, part, batch: null });
  }

  /** All that may be read now, in order. */
  function readOn(stretch: Stretch, whose: Whose): void {
    const { stream } = stretch;
    // While nothing says that a fork is needed, none is made.
    if (!stretch.isNeeded && !stretch.isAway && stream.isComplete) {
      for (let batch = stream.force(); batch !== null; batch = stream.force()) forgetBatch(stretch, batch);
      return;
    }
    if (stretch.isNeeded) {
      for (let batch = stream.next(); batch !== null; batch = stream.next()) read(stretch, batch);
    }
    if (stream.rows <= KEPT_ROWS_MAX) return;
    if (stream.parked.length > 0) goOnWithoutFile(stretch, whose);
    stretch.isClosed = true;
    stretch.isNeeded = true;
    while (stream.rows > KEPT_ROWS_MAX) {
      const batch = stream.next() ?? stream.force();
      if (batch === null) return;
      read(stretch, batch);
    }
  }

  function read(stretch: Stretch, batch: TelemetryBatch): void {
    const { site, agent, message, skewMs, lane } = batch;
    forgetBatch(stretch, batch);
    dirty.add(keyOf(batch));
    stretch.isRead = true;
    const engine = engineOf(stretch, batch);
    const [first, last] = spanOf(message);
    // Timers that end before the oldest of these readings do so first; a later one may still be contradicted.
    if (first !== null) follow(stretch, engine.tick(first + skewMs - 1));
    if (last !== null) stretch.untilAt = Math.max(stretch.untilAt, last + skewMs);
    follow(stretch, engine.observe(site, agent, message, skewMs));
    for (const subject of message.subjects) {
      if (lane === "live") stretch.unheard.delete(splitSubject(subject).device);
      else stretch.unheard.add(splitSubject(subject).device);
    }
  }

  function follow(stretch: Stretch, transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      const key = incidentKey(transition.rule, transition.subject);
      const spell = stepSpell(stretch.open.get(key) ?? null, transition);
      if (spell === null) continue;
      if (spell.over === null) stretch.open.set(key, spell);
      else over(stretch, key, spell);
    }
  }

  function over(stretch: Stretch, key: string, spell: Spell): void {
    stretch.open.delete(key);
    if (!stretch.told.has(key) && isWhole(spell)) {
      counts.spells++;
      deps.onFound(key, { is: "spell", spell });
      return;
    }
    const spells = stretch.truth.get(key) ?? [];
    stretch.truth.set(key, spells);
    spells.push(spell);
    // The first tells of the recovery of what stood, the newest how it ended.
    if (spells.length > SPELLS_MAX) spells.splice(1, 1);
  }

  // ── settling

  function settle(stretch: Stretch, whose: Whose): void {
    if (stretch.isAway || !stretch.stream.isComplete || stretch.stream.rows > 0) return;
    if (!stretch.isNeeded) {
      end(stretch, whose);
      return;
    }
    stretch.settleSinceMs ??= clock.monotonic();
    const engine = engineOf(stretch, whose);
    if (stretch.isClosed) {
      tellClosed(stretch, whose);
      end(stretch, whose);
      return;
    }
    if (isAnyUnheard(stretch, whose, engine.standing())) return;
    // As far as the live evaluator has let time pass.
    stretch.untilAt = Math.max(stretch.untilAt, stretch.toldAt);
    follow(stretch, engine.tick(stretch.untilAt));
    const { site, agent } = whose;
    deps.onMoved(live.takeOver(site, agent, engine.snapshot(site, agent), stretch.untilAt));
    for (const key of new Set([...stretch.truth.keys(), ...stretch.open.keys()])) {
      const spell = stretch.open.get(key);
      tell(
        key,
        [...(stretch.truth.get(key) ?? []), ...(spell === undefined ? [] : [spell])],
        stretch.told.get(key) ?? [],
      );
    }
    end(stretch, whose);
  }

  function tell(key: string, truth: readonly Spell[], told: readonly Told[]): void {
    for (const found of reconcile(truth, told)) {
      if (found.is === "spell") counts.spells++;
      deps.onFound(key, found);
    }
  }

  /** Its fork has not read all that the live evaluator has: what stands at its end goes on as that one told it. */
  function tellClosed(stretch: Stretch, { site }: Whose): void {
    for (const key of new Set([...stretch.truth.keys(), ...stretch.open.keys()])) {
      const told = stretch.told.get(key) ?? [];
      const truth = [...(stretch.truth.get(key) ?? [])];
      const spell = stretch.open.get(key);
      const from = spell?.opened?.since ?? stretch.untilAt;
      const after = told.find((one) => (one.over ?? Number.POSITIVE_INFINITY) >= from);
      const [, device = ""] = key.split("|");
      const stands = faultsOf(site, device).some(
        ({ rule, subject, state }) => isStanding(state) && incidentKey(rule, subject) === key,
      );
      if (spell !== undefined && (after !== undefined || !stands))
        truth.push(endedAt(spell, after === undefined ? stretch.untilAt : after.over));
      else if (spell !== undefined) truth.push(spell);
      tell(key, truth, told);
    }
  }

  /** Is there a device that has a fault here, or told of one, and has not said live how it is now, though it has time? */
  function isAnyUnheard(stretch: Stretch, { site, agent }: Whose, standing: readonly FaultRecord[]): boolean {
    if (stretch.unheard.size === 0) return false;
    const waitedMs = clock.monotonic() - (stretch.settleSinceMs ?? 0);
    const concerned = new Set(standing.map(({ subject }) => subject.device));
    for (const key of [...stretch.told.keys(), ...stretch.truth.keys()]) concerned.add(key.split("|")[1] ?? "");
    return devicesOf(site, agent).some(({ id, intervalMs }) => {
      const waitMs = Math.min(ANSWER_MS_MAX, ANSWER_INTERVALS * intervalMs + ANSWER_GRACE_MS);
      return stretch.unheard.has(id) && concerned.has(id) && waitedMs < waitMs;
    });
  }

  function goOn(stretch: Stretch, whose: Whose): void {
    readOn(stretch, whose);
    settle(stretch, whose);
  }

  return {
    counts,
    figures: () => ({
      agents: [...agents.values()].filter(({ stretches }) => stretches.some(({ isAway }) => !isAway)).length,
      engines: loaded.size,
    }),

    restore(records) {
      const kept = new Map<string, TelemetryBatch[]>();
      for (const record of records) {
        const found = record.part === "state" ? null : readBatch(record);
        if (found === null) continue;
        const key = `${keyOf(record)}/${found.id}`;
        kept.set(key, [...(kept.get(key) ?? []), found.batch]);
      }
      for (const record of records) {
        const state = record.part === "state" ? readAgent(record.body) : null;
        if (state === null) continue;
        const key = keyOf(record);
        const stretches = state.stretches.map((one) =>
          restoredStretch(one, kept.get(`${key}/${one.id}`) ?? [], clock.monotonic()),
        );
        agents.set(key, { ...state, stretches });
      }
      for (const [key, { stretches }] of agents) {
        const { site, agent } = whoseOf(key);
        // Who is away still is as the live evaluator knows it: the values have just come back.
        for (const stretch of stretches) {
          if (isAsLive(stretch)) stretch.snapshot = { ...live.snapshot(site, agent), faults: stretch.snapshot.faults };
        }
      }
    },

    away(site, agent, at, epoch) {
      const mine = known({ site, agent });
      mine.epoch ??= epoch;
      const open = openOf({ site, agent });
      if (open !== null) open.isAway = true;
      else if (mine.stretches.length < STRETCHES_MAX) begin(mine, at, live.snapshot(site, agent)).isAway = true;
      // Its values are unknown from here on, and so is what its timers would do.
      setBehind({ site, agent }, false);
    },

    awaited: (site, agent) => setBehind({ site, agent }, true),

    back({ site, agent, epoch }, at, { isMemory, ...seqs }, former) {
      const whose = { site, agent };
      const key = keyOf(whose);
      const mine = agents.get(key) ?? newcomer();
      const fromMemory = isMemory || epoch === mine.memory;
      // Of an agent of which nothing was owed nothing is kept here, and its file may be out of reach all the same.
      const before = mine.epoch ?? former;
      // Of an outbox that was lost nothing more comes; a file is only out of reach while the memory is served.
      for (const { stream } of mine.stretches) {
        for (const other of stream.epochs()) {
          const isServed = fromMemory && !(other === mine.memory && epoch !== mine.memory);
          if (other !== epoch && !isServed) stream.drop(other);
        }
      }
      const parked = mine.stretches.find(({ stream }) => stream.isParked(epoch));
      const lanes = {
        live: { had: seqs.hadTailSeq, to: seqs.tailSeq },
        history: { had: seqs.hadSeq, to: seqs.toSeq },
      };
      parked?.stream.owe(epoch, lanes);
      for (const { stream } of mine.stretches) stream.limit(epoch, { live: seqs.tailSeq, history: seqs.toSeq });
      const isOwed = (name: "live" | "history"): boolean =>
        mine.stretches.every(({ stream }) => stream.owedTo(epoch, name) < lanes[name].to) &&
        lanes[name].to > lanes[name].had;
      let open = openOf(whose);
      const isFileAway = fromMemory && before !== null && before !== epoch && before !== mine.memory;
      const isNew = open === null && (isOwed("history") || isFileAway);
      if (isNew && mine.stretches.length < STRETCHES_MAX) open = begin(mine, at, live.snapshot(site, agent));
      if (open !== null) {
        const wasAway = open.isAway;
        open.isAway = false;
        if (isFileAway && mine.stretches.every(({ stream }) => !stream.isParked(before))) {
          open.stream.park(before);
          open.parkedSinceMs = clock.monotonic();
        }
        if (isFileAway || isOwed("history") || open === parked || before !== epoch) open.isNeeded = true;
        if (open !== parked && (isOwed("live") || isOwed("history"))) open.stream.owe(epoch, lanes);
        if (open.stream.parked.length === 0) open.parkedSinceMs = null;
        if (wasAway && (open.hasHistory || !open.stream.isWhole)) open.isTorn = true;
      }
      mine.epoch = epoch;
      if (isMemory) mine.memory = epoch;
      else if (!fromMemory) mine.memory = null;
      if (mine.stretches.length > 0 || mine.memory !== null) agents.set(key, mine);
      else if (!agents.delete(key)) return setBehind(whose, false);
      dirty.add(key);
      setBehind(whose, owesLive(whose));
      if (!owesLive(whose)) tear(whose);
      for (const stretch of [...mine.stretches]) goOn(stretch, whose);
    },

    beforeLive(batch) {
      const owing = stretchesOf(batch).find(({ stream }) => stream.owes(batch));
      const stretch = owing ?? openOf(batch);
      if (stretch === null) return;
      if (stretch !== owing && stretch.stream.rows + rowsOf(batch) > KEPT_ROWS_MAX) {
        if (stretch.stream.parked.length > 0) goOnWithoutFile(stretch, batch);
        else stretch.isClosed = true;
        if (stretch.isClosed) return;
      }
      take(stretch, batch);
    },

    afterLive({ site, agent }) {
      if (!owesLive({ site, agent })) {
        if (behind.has(keyOf({ site, agent }))) setBehind({ site, agent }, false);
        tear({ site, agent });
      }
      for (const stretch of [...stretchesOf({ site, agent })]) goOn(stretch, { site, agent });
    },

    moved(agent, { rule, subject, at, since, to, reason }) {
      const whose = { site: subject.site, agent };
      if (reason === "flags") return;
      for (const stretch of stretchesOf(whose)) {
        const key = incidentKey(rule, subject);
        stretch.toldAt = Math.max(stretch.toldAt, at);
        stretch.isNeeded = true;
        const told = stretch.told.get(key) ?? [];
        const last = told.at(-1);
        if (to === "inactive" && last?.over === null) told.splice(-1, 1, { ...last, over: at });
        if (isStanding(to) && last?.over !== null) told.push({ onset: since, over: null });
        if (told.length > SPELLS_MAX) told.shift();
        if (told.length > 0) stretch.told.set(key, told);
        dirty.add(keyOf(whose));
      }
    },

    history(batch) {
      const stretch = stretchesOf(batch).find(({ stream }) => stream.owes(batch));
      if (stretch === undefined) {
        counts.unjudged++;
        return;
      }
      counts.judged++;
      stretch.isNeeded = true;
      stretch.hasHistory = true;
      take(stretch, batch);
      goOn(stretch, batch);
    },

    tick() {
      for (const [key, sinceMs] of behind) {
        if (clock.monotonic() - sinceMs >= BEHIND_MS_MAX) setBehind(whoseOf(key), false);
      }
      for (const [key, { stretches }] of agents) {
        const whose = whoseOf(key);
        for (const stretch of [...stretches]) {
          const { parkedSinceMs } = stretch;
          if (parkedSinceMs !== null && clock.monotonic() - parkedSinceMs >= PARKED_MS_MAX)
            goOnWithoutFile(stretch, whose);
          if (!stretch.isAway) goOn(stretch, whose);
        }
      }
    },

    changed(site, agent) {
      for (const [stretch, whose] of [...loaded]) {
        if (site === undefined || (whose.site === site && whose.agent === agent)) unload(stretch, whose);
      }
    },

    forget(site, agent) {
      const key = keyOf({ site, agent });
      setBehind({ site, agent }, false);
      for (const stretch of agents.get(key)?.stretches ?? []) {
        loaded.delete(stretch);
        for (let batch = stretch.stream.force(); batch !== null; batch = stretch.stream.force())
          forgetBatch(stretch, batch);
      }
      if (agents.delete(key)) dirty.add(key);
    },

    takePending() {
      const states = [...dirty];
      const batches = new Map(dirtyBatches);
      dirty.clear();
      dirtyBatches.clear();
      const records = states.map((key) => {
        const mine = agents.get(key);
        const whose = whoseOf(key);
        if (mine?.stretches.length === 0 && mine.memory === null) agents.delete(key);
        const isEmpty = mine === undefined || !agents.has(key);
        return { ...whose, part: "state", body: isEmpty ? null : agentBody(keptAgent(mine, whose)) };
      });
      return {
        records: [
          ...records,
          ...[...batches.values()].map(({ batch, ...record }) => ({
            ...record,
            body: batch === null ? null : batchBody(batch),
          })),
        ],
        putBack() {
          for (const key of states) dirty.add(key);
          for (const [key, record] of batches) if (!dirtyBatches.has(key)) dirtyBatches.set(key, record);
        },
      };
    },
  };

  function keptAgent({ nextId, epoch, memory, stretches }: AgentLate, whose: Whose) {
    return { v: 2 as const, nextId, epoch, memory, stretches: stretches.map((one) => keptOf(one, whose)) };
  }
}

const endedAt = (spell: Spell, at: number | null): Spell => {
  const { opened } = spell;
  if (opened === null || at === null) return spell;
  return { ...spell, over: { ...opened, at, from: "firing", to: "inactive", severity: null, reason: "clear" } };
};
