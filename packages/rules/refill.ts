/**
 * What happened before the engine, or a rule, was there: windows that would begin empty after a restart or an edit, spells
 * of time_where(), and timers of a rule whose condition is new. The engine names which series of a device it lacks and
 * since when (`series`); somebody who has stored readings puts them in, oldest first, while judging goes on; then
 * `finish` judges them together with what came live meanwhile, and the device goes on from there.
 *
 * - Until then a window that reaches back beyond what is known has no answer (window.ts), so nothing fires or clears by
 *   half of what there was; conditions over present values are judged as ever.
 * - Readings are known by their time, so what was stored and comes live as well counts once.
 * - Timers, spells and their unknowns are found by a second engine of the same rules that sees this device alone. Of an
 *   edited rule it begins as long ago as its timers can matter, with the fault that stood already then; of a rule that
 *   only lacked its windows with the first reading that came live, and the fault as it was then. Not those of rules that look at
 *   other devices (site scope, neighbours, `flap` below a parent) and not those over events, whose past is not stored as readings: they begin
 *   with the edit. That an agent was offline is not stored either: its devices' values count until they are stale.
 * - A reading that came late (its series knows a newer one) is judged in the same way, in its place.
 *
 * Bounds: a device is refilled once at a time, with SAMPLES_MAX samples; what comes live meanwhile is kept up to
 * TAIL_ROWS_MAX rows, past which the refill starts anew from the store, which has them by then.
 */
import { encodeTelemetry, type Reading, type Value } from "@aislewatch/contract";
import { type Fault, isOpen, isPlain, newFault } from "./fault.ts";
import type { Judge } from "./judge.ts";
import type { Binding } from "./plan.ts";
import type { Spells } from "./spells.ts";
import type { DeviceUnit, JudgedSubject, TailRow, Want } from "./subjects.ts";
import type { Engine, Refill, RefillSeries, Transition } from "./types.ts";
import { isFoundAlone, wantNothing } from "./want.ts";
import { RecentReadings, WINDOW_SPAN_MAX_MS } from "./window.ts";

/** Samples of one device; a week of ten series at one every ten seconds is 600,000. */
const SAMPLES_MAX = 1_000_000;
/** Readings that the second engine takes at once. */
const READINGS_AT_ONCE = 256;
/** What became of one fault while its windows were being filled; more is told by how it ended. */
const TOLD_MAX = 64;
/** A fault between its condition and that which clears it may stand for any time; so far back is looked for its begin. */
const LEAD_MS = 30 * 60_000;

const NEVER = Number.NEGATIVE_INFINITY;

/** An engine of some rules that sees one device. */
export type Replay = { readonly engine: Engine; readonly judge: Judge; readonly unit: DeviceUnit };

export type RefillDeps = {
  readonly judge: Judge;
  readonly replay: (unit: DeviceUnit, rules: ReadonlySet<string>, atMs: number) => Replay | null;
};

/** At most so many, those that need least first. */
export function takeRefills(deps: RefillDeps, most: number): Refill[] {
  const { judge } = deps;
  const waiting = [...judge.wanted].map((unit) => ({ unit, lookbackMs: lookbackOf(unit) }));
  waiting.sort((a, b) => a.lookbackMs - b.lookbackMs);
  return waiting.slice(0, most).flatMap(({ unit }) => {
    judge.wanted.delete(unit);
    return unit.want === null ? [] : [new DeviceRefill(deps, unit, unit.want)];
  });
}

function lookbackOf({ want: wanted }: DeviceUnit): number {
  let most = 0;
  for (const slots of wanted?.windows.values() ?? []) for (const ms of slots.values()) most = Math.max(most, ms);
  return most;
}

/** A series that is asked for, and where its samples go. */
type Slot = {
  readonly subject: JudgedSubject;
  readonly offset: number;
  /** Filled beside the live one, which it replaces. */
  window: RecentReadings | null;
  /** The second engine pushes into the window itself. */
  isReplayed: boolean;
  fromMs: number;
  lastAt: number;
  lastValue: number;
};

class DeviceRefill implements Refill {
  readonly site: string;
  readonly agent: string;
  readonly device: string;
  readonly series: readonly RefillSeries[];
  readonly #deps: RefillDeps;
  readonly #unit: DeviceUnit;
  readonly #want: Want;
  readonly #turn: number;
  readonly #slots: Slot[];
  /** From then on timers and spells are found; Infinity when none are wanted. */
  readonly #timersFrom: number;
  /** Rules that look at windows which are awaited, and of these those that only lacked them. */
  readonly #looking: readonly Placed[];
  readonly #kept: readonly Placed[];
  #areKeptPlanted = false;
  /** Faults that were taken over from the second engine. */
  readonly #taken = new Set<string>();
  /** What those became in the second engine, one after the other. */
  readonly #path = new Map<Placed, { readonly at: number; readonly fault: Fault }[]>();
  #replay: Replay | null = null;
  #pending: Reading[] = [];
  #samples = 0;

  constructor(deps: RefillDeps, unit: DeviceUnit, wanted: Want) {
    this.#deps = deps;
    this.#unit = unit;
    this.#want = wanted;
    this.#turn = wanted.turn;
    this.site = unit.site.id;
    this.agent = unit.agent.id;
    this.device = unit.device.id;
    wanted.tail = [];
    const newestAt = this.#newestAt();
    const bindings = [...bindingsOf(wanted.judged), ...bindingsOf(wanted.timed)];
    const judgeMs = Math.max(
      ...bindingsOf(wanted.judged).map(({ binding }) => waitOf(binding) + spanOf(binding)),
      ...bindingsOf(wanted.timed).map(({ binding }) => spanOf(binding)),
    );
    this.#timersFrom =
      bindings.length === 0 ? Number.POSITIVE_INFINITY : newestAt - Math.min(judgeMs, WINDOW_SPAN_MAX_MS);
    this.#looking = lookingAt(unit, wanted);
    this.#kept = this.#looking.filter(
      ({ subject, binding: { compiled } }) =>
        isFoundAlone(unit, compiled) && wanted.judged.get(subject)?.has(compiled.rule.id) !== true,
    );
    this.#slots = this.#slotsOf(bindings, newestAt);
    this.series = this.#slots.map(({ subject, offset, fromMs }) => ({
      component: subject.component,
      metric: subject.layout?.metrics[offset]?.name ?? "",
      fromMs,
    }));
  }

  get isOver(): boolean {
    return this.#unit.want !== this.#want || this.#want.turn !== this.#turn;
  }

  /** When the second engine begins; Infinity while there is nothing for it to judge. */
  get #judgeFrom(): number {
    return Math.min(this.#timersFrom, this.#kept.length === 0 ? Number.POSITIVE_INFINITY : this.#want.firstAt);
  }

  put(series: number, at: number, value: number): void {
    const slot = this.#slots[series];
    if (slot === undefined || at < slot.lastAt || ++this.#samples > SAMPLES_MAX) return;
    if (at >= this.#judgeFrom) this.#replayed();
    slot.lastAt = at;
    slot.lastValue = value;
    if (this.#replay === null || !slot.isReplayed) slot.window?.push(at, value);
    if (this.#replay !== null) this.#read(this.#replay, slot.subject, { at, cells: [{ offset: slot.offset, value }] });
  }

  finish(nowMs: number): Transition[] {
    if (this.isOver) return [];
    const { judge } = this.#deps;
    judge.begin();
    const tail = (this.#want.tail ?? []).toSorted((a, b) => a.at - b.at);
    for (const row of tail) this.#putRow(row);
    const unit = this.#unit;
    wantNothing(judge, unit);
    // More than there is room for: what is here ends long before the present.
    if (this.#samples > SAMPLES_MAX) return this.#goOn(nowMs);
    if (this.#judgeFrom < Number.POSITIVE_INFINITY) this.#replayed();
    const replay = this.#replay;
    if (replay !== null) {
      this.#readPending(replay);
      this.#plantKept(replay);
      // Of an agent whose readings are on their way no time has passed since the newest of them (`setAgentBehind`).
      const untilMs = unit.agent.isBehind ? this.#presentAt(nowMs) : Math.max(judge.tickedTo, unit.site.ranTo);
      if (!unit.agent.isOnline) this.#hear(replay.engine.setAgentOnline(this.site, this.agent, false, untilMs));
      this.#hear(replay.engine.tick(untilMs));
    }
    for (const slot of this.#slots) this.#takeWindow(slot);
    if (replay !== null) this.#takeTimers(replay, nowMs);
    return this.#goOn(nowMs);
  }

  abandon(nowMs: number): Transition[] {
    if (this.isOver) return [];
    this.#deps.judge.begin();
    wantNothing(this.#deps.judge, this.#unit);
    return this.#goOn(nowMs);
  }

  /**
   * Whatever is still awaited will not come: windows are what they are. Rules that looked at them meanwhile do so anew, as
   * of the newest reading; others as ever, with their next one.
   */
  #goOn(nowMs: number): Transition[] {
    const { judge } = this.#deps;
    const at = Math.min(nowMs, this.#newestAt());
    judge.round++;
    judge.reflag.add(this.#unit);
    for (const { subject, offset } of this.#slots) {
      const window = judge.frame.windows.get(subject.base + offset);
      if (window === undefined || window.wholeFrom === NEVER) continue;
      window.endAwaiting();
    }
    for (const placed of this.#looking) {
      const { id } = placed.binding.compiled.rule;
      if (this.#want.firstAt === Number.POSITIVE_INFINITY) continue;
      if (!this.#taken.has(keyOf(placed.subject, id))) judge.touch(placed.subject, [localOf(placed.subject, id)]);
    }
    judge.settle(at);
    return judge.inOrder();
  }

  /** Where the device's time is: timers ran up to there. */
  #presentAt(nowMs: number): number {
    const { agent, judgedAt } = this.#unit;
    return Math.min(nowMs, Math.max(this.#newestAt(), judgedAt, agent.isBehind ? NEVER : this.#deps.judge.tickedTo));
  }

  /** Time of the newest reading that was judged. */
  #newestAt(): number {
    const { times } = this.#deps.judge.memory;
    let newest = 0;
    for (const { base, layout } of subjectsOf(this.#unit)) {
      const size = layout?.metrics.length ?? 0;
      for (let offset = 0; offset < size; offset++) newest = Math.max(newest, times[base + offset] ?? 0);
    }
    return newest > 0 ? newest : this.#unit.answeredAt;
  }

  #slotsOf(bindings: readonly Placed[], newestAt: number): Slot[] {
    const slots = new Map<number, Slot>();
    const ask = (subject: JudgedSubject, offset: number, fromMs: number): Slot => {
      const slot = subject.base + offset;
      const known = slots.get(slot);
      if (known !== undefined) known.fromMs = Math.min(known.fromMs, fromMs);
      const fresh = { subject, offset, window: null, isReplayed: false, fromMs, lastAt: NEVER, lastValue: Number.NaN };
      const found = known ?? fresh;
      slots.set(slot, found);
      return found;
    };
    const { windows } = this.#deps.judge.frame;
    const liveKeepMs = ({ subject, offset }: Slot, windowMs: number): number =>
      Math.max(windowMs, windows.get(subject.base + offset)?.keepMs ?? 0);
    for (const [subject, offsets] of this.#want.windows) {
      for (const [offset, ms] of offsets) {
        const live = windows.get(subject.base + offset);
        if (live === undefined) continue;
        ask(subject, offset, newestAt - ms).window = new RecentReadings(live.keepMs, live.holdMs);
      }
    }
    const unit = this.#unit;
    for (const { subject, binding } of bindings) {
      const beforeMs = this.#judgeFrom - unit.staleAfterMs;
      for (const { whose, partClass, offset, windowMs } of binding.reads) {
        const from = beforeMs - (windowMs ?? 0);
        if (whose !== "part") {
          const slot = ask(whose === "own" ? subject : unit.self, offset, from);
          // The second engine's, from before it begins.
          if (windowMs !== null) slot.window ??= new RecentReadings(liveKeepMs(slot, windowMs), unit.staleAfterMs);
        } else for (const part of unit.parts.values()) if (part.partClass === partClass) ask(part, offset, from);
      }
      const up = unit.self.layout?.up ?? -1;
      if (up >= 0) ask(unit.self, up, beforeMs);
    }
    const keptMs = Math.min(newestAt, this.#want.firstAt) - unit.staleAfterMs;
    for (const { subject, binding } of this.#kept) {
      for (const { whose, offset } of binding.reads) {
        if (whose !== "part") ask(whose === "own" ? subject : unit.self, offset, keptMs);
      }
    }
    return [...slots.values()];
  }

  /** The second engine, which goes on from what was put until now. */
  #replayed(): void {
    if (this.#replay !== null) return;
    const fromMs = this.#judgeFrom;
    const wanted = [...rulesOf(this.#want.judged), ...rulesOf(this.#want.timed)].map(({ rule }) => rule);
    const kept = this.#kept.map(({ binding }) => binding.compiled.rule.id);
    this.#replay = this.#deps.replay(this.#unit, new Set([...wanted, ...kept]), fromMs);
    if (this.#replay === null) return;
    const { engine, judge, unit } = this.#replay;
    const values = this.#slots.flatMap(({ subject, offset, lastAt, lastValue }) => {
      const metric = subject.layout?.metrics[offset];
      if (lastAt === NEVER || metric === undefined) return [];
      const value = metric.type === "boolean" ? lastValue !== 0 : lastValue;
      return [{ site: this.site, subject: nameOf(subject), metric: metric.name, at: lastAt, value }];
    });
    for (const slot of this.#slots) {
      const theirs = twinOf(unit, slot.subject);
      const opened = theirs === null ? undefined : judge.frame.windows.get(theirs.base + slot.offset);
      if (theirs === null || opened === undefined) continue;
      slot.isReplayed = true;
      if (slot.window === null) slot.window = opened;
      else judge.frame.windows.set(theirs.base + slot.offset, slot.window);
    }
    engine.restoreValues(values);
    for (const { subject, rule } of rulesOf(this.#want.judged)) this.#plant(subject, rule);
    engine.tick(fromMs);
    judge.judgeAll(unit, fromMs);
  }

  /** A fault that stood before what is read: by an edited rule it has yet to be proved. */
  #plant(subject: JudgedSubject, rule: string): void {
    const { judge, unit } = this.#replay ?? {};
    const known = subject.faults[localOf(subject, rule)]?.fault;
    const theirs = unit === undefined ? null : twinOf(unit, subject);
    if (judge === undefined || theirs === null || known === undefined || !isOpen(known)) return;
    if (!known.isUnproved && known.onset > this.#timersFrom) return;
    const { level, onset, isUnproved, isFlapping, recent } = known;
    const fault: Fault = {
      ...newFault(known.steps.length),
      state: "firing",
      level,
      onset,
      isUnproved,
      isFlapping,
      recent,
    };
    judge.plant(theirs, localOf(theirs, rule), fault);
  }

  /** Where the first live reading comes, those that only lacked their windows go on from the faults that they had. */
  #plantKept({ judge, unit }: Replay): void {
    if (this.#areKeptPlanted) return;
    this.#areKeptPlanted = true;
    for (const { subject, binding } of this.#kept) {
      const { rule, spec } = binding.compiled;
      const theirs = twinOf(unit, subject);
      const local = theirs === null ? -1 : localOf(theirs, rule.id);
      if (theirs === null || local < 0) continue;
      const guessed = theirs.faults[local];
      if (guessed) judge.drop(guessed);
      const now = subject.faults[localOf(subject, rule.id)]?.fault;
      const fault = this.#want.before.get(subject)?.get(rule.id) ?? now;
      theirs.codes[local] = -1;
      if (fault !== undefined && !isPlain(fault, spec)) judge.plant(theirs, local, fault);
    }
  }

  #putRow({ subject, at, cells }: TailRow): void {
    if (at >= this.#judgeFrom) this.#replayed();
    for (const { offset, value } of cells) {
      const slot = this.#slots.find((each) => each.subject === subject && each.offset === offset);
      if (slot === undefined) continue;
      if (this.#replay === null || !slot.isReplayed) slot.window?.push(at, value);
      if (at <= slot.lastAt) continue;
      slot.lastAt = at;
      slot.lastValue = value;
    }
    if (this.#replay !== null) this.#read(this.#replay, subject, { at, cells });
  }

  #read(replay: Replay, subject: JudgedSubject, { at, cells }: Omit<TailRow, "subject">): void {
    if (at >= this.#want.firstAt && !this.#areKeptPlanted) {
      this.#readPending(replay);
      this.#plantKept(replay);
    }
    const metrics: Record<string, Value> = {};
    for (const { offset, value } of cells) {
      const metric = subject.layout?.metrics[offset];
      if (metric !== undefined) metrics[metric.name] = metric.type === "boolean" ? value !== 0 : value;
    }
    // What one poll brought belongs together: half of it would be judged as a reading of its own.
    const last = this.#pending.at(-1);
    const sample = { component: subject.component, metrics };
    if (last !== undefined && last.at === at) {
      const samples = last.samples.toSpliced(last.samples.length, 0, sample);
      this.#pending[this.#pending.length - 1] = { ...last, samples: merged(samples) };
      return;
    }
    // One after the other where it counts what became of each.
    const most = this.#areKeptPlanted ? 1 : READINGS_AT_ONCE;
    if (this.#pending.length >= most) this.#readPending(replay);
    this.#pending.push({ device: this.device, at, samples: [sample] });
  }

  #readPending({ engine }: Replay): void {
    const readings = this.#pending;
    this.#pending = [];
    const sentAt = readings.at(-1)?.at ?? 0;
    if (readings.length === 0) return;
    const head = { epoch: "stored", lane: "live", seq: 1, sentAt } as const;
    this.#hear(engine.observe(this.site, this.agent, encodeTelemetry(head, readings), 0));
  }

  #hear(transitions: readonly Transition[]): void {
    const unit = this.#replay?.unit;
    if (!this.#areKeptPlanted || unit === undefined) return;
    for (const { rule, subject: about, at, reason } of transitions) {
      const placed = this.#kept.find(
        ({ subject, binding }) => subject.component === about.component && binding.compiled.rule.id === rule,
      );
      const theirs = placed === undefined ? null : twinOf(unit, placed.subject);
      if (placed === undefined || theirs === null || reason === "flags") continue;
      const fault = theirs.faults[localOf(theirs, rule)]?.fault ?? placed.binding.compiled.untouched;
      const path = this.#path.get(placed) ?? [];
      this.#path.set(placed, path);
      if (path.length < TOLD_MAX) path.push({ at, fault });
    }
  }

  #takeWindow({ subject, offset, window }: Slot): void {
    const { windows } = this.#deps.judge.frame;
    const live = windows.get(subject.base + offset);
    if (live === undefined || window === null || !this.#want.windows.get(subject)?.has(offset)) return;
    // Of a streak that is longer than what was read the live one knows.
    window.streakAtLeast(live.streak);
    window.keepAtLeast(live.keepMs);
    windows.set(subject.base + offset, window);
  }

  #takeTimers({ judge: theirJudge, unit: theirUnit }: Replay, nowMs: number): void {
    const { judge } = this.#deps;
    const unit = this.#unit;
    for (const subject of subjectsOf(unit)) {
      const theirs = twinOf(theirUnit, subject);
      const spells = theirs === null ? undefined : theirJudge.frame.spells.get(theirs.base);
      for (const [key, each] of spells ?? []) takeSpells(judge, subject, { key, spells: each });
    }
    const newestAt = Math.min(nowMs, Math.max(this.#presentAt(nowMs), theirUnit.judgedAt));
    this.#tellPath();
    for (const placed of this.#kept) {
      const { subject, binding } = placed;
      const at = this.#path.get(placed)?.at(-1)?.at ?? newestAt;
      this.#takeFault(theirUnit, { subject, rule: binding.compiled.rule.id }, at);
    }
    for (const { subject, rule } of rulesOf(this.#want.judged)) {
      this.#takeFault(theirUnit, { subject, rule }, newestAt);
    }
  }

  /** What a window would have told while it was being filled is told now, as of then. */
  #tellPath(): void {
    const steps = [...this.#path].flatMap(([placed, path]) => path.map((step) => ({ ...step, ...placed })));
    const silent = new Set([...this.#path.keys()].filter((placed) => this.#hasToldNothing(placed)));
    for (const { subject, binding, at, fault } of steps.toSorted((a, b) => a.at - b.at)) {
      const { compiled } = binding;
      if (![...silent].some((each) => each.subject === subject && each.binding === binding)) continue;
      const local = localOf(subject, compiled.rule.id);
      this.#deps.judge.put({ subject, local, next: fault, at, reason: isOpen(fault) ? "condition" : "clear" });
    }
  }

  /** It stands as it did when the first live reading came: a condition that can't be known tells nothing. */
  #hasToldNothing({ subject, binding }: Placed): boolean {
    const { rule, untouched } = binding.compiled;
    const now = subject.faults[localOf(subject, rule.id)]?.fault ?? untouched;
    const before = this.#want.before.get(subject)?.get(rule.id) ?? now;
    return now.state === before.state && now.level === before.level;
  }

  /** The fault becomes what it is in the second engine. */
  #takeFault(theirUnit: DeviceUnit, { subject, rule }: { subject: JudgedSubject; rule: string }, at: number): void {
    const { judge } = this.#deps;
    const theirs = twinOf(theirUnit, subject);
    const [local, theirLocal] = [localOf(subject, rule), theirs === null ? -1 : localOf(theirs, rule)];
    const compiled = subject.shape.bindings[local]?.compiled;
    const code = theirs?.codes[theirLocal];
    // Nothing came since it was put there: nobody has judged it.
    if (compiled === undefined || theirs === null || code === undefined || code < 0) return;
    this.#taken.add(keyOf(subject, rule));
    const found = theirs.faults[theirLocal]?.fault ?? compiled.untouched;
    const known = subject.faults[local]?.fault ?? null;
    subject.codes[local] = code;
    if (known === null && isPlain(found, compiled.spec)) return;
    const areOpen = known !== null && isOpen(known) && isOpen(found);
    const next = areOpen && known.isUnproved ? { ...found, onset: known.onset } : found;
    // It was over meanwhile, and is again what it was.
    if (areOpen && !known.isUnproved && found.onset > known.onset) {
      judge.put({ subject, local, next: compiled.untouched, at, reason: "clear" });
    }
    if (known !== null && JSON.stringify(known) === JSON.stringify(next)) return;
    const isRefuted = known?.isUnproved === true && !isOpen(next);
    judge.put({ subject, local, next, at, reason: isRefuted ? "rule_changed" : isOpen(next) ? "condition" : "clear" });
  }
}

function takeSpells(judge: Judge, subject: JudgedSubject, { key, spells }: { key: string; spells: Spells }): void {
  if (!subject.shape.spellKeys.has(key)) return;
  const known = judge.frame.spells.get(subject.base) ?? new Map<string, Spells>();
  judge.frame.spells.set(subject.base, known.set(key, spells));
}

/** Rules of the device that look at windows, or at spells, which are wanted. */
function lookingAt(unit: DeviceUnit, { windows, timed }: Want): Placed[] {
  return subjectsOf(unit).flatMap((subject) =>
    subject.shape.bindings.flatMap((binding): Placed[] => {
      const { compiled, reads } = binding;
      const isTimed = timed.get(subject)?.has(compiled.rule.id) === true;
      const isAwaited = reads.some(
        ({ whose, offset, windowMs }) =>
          (windowMs ?? 0) > 0 && windows.get(whose === "device" ? unit.self : subject)?.has(offset) === true,
      );
      return isAwaited || isTimed ? [{ subject, binding }] : [];
    }),
  );
}

type Placed = { readonly subject: JudgedSubject; readonly binding: Binding };

const rulesOf = (wanted: Want["judged"]): { subject: JudgedSubject; rule: string }[] =>
  [...wanted].flatMap(([subject, rules]) => [...rules].map((rule) => ({ subject, rule })));

const bindingsOf = (wanted: Want["judged"]): Placed[] =>
  rulesOf(wanted).flatMap(({ subject, rule }) => {
    const binding = subject.shape.bindings[localOf(subject, rule)];
    return binding === undefined ? [] : [{ subject, binding }];
  });

const localOf = ({ shape }: JudgedSubject, rule: string): number =>
  shape.bindings.findIndex(({ compiled }) => compiled.rule.id === rule);

const keyOf = ({ component }: JudgedSubject, rule: string): string => `${component ?? ""}|${rule}`;

/** How long ago what happened can still decide about a timer. */
function waitOf({ compiled: { rule, spec }, silenceMs }: Binding): number {
  const waits = [...spec.forMs, spec.recoverMs, spec.missing.afterMs, ...silenceMs];
  return (
    (spec.hasClear ? LEAD_MS : 0) +
    Math.max(0, ...waits) +
    spec.recoverMs +
    (rule.flap === null ? 0 : rule.flap.withinMs + rule.flap.quietMs)
  );
}

const spanOf = ({ spells }: Binding): number => Math.max(0, ...spells.map(({ spanMs }) => spanMs));

const subjectsOf = (unit: DeviceUnit): JudgedSubject[] => [unit.self, ...unit.parts.values()];

/** The same subject in another engine. */
const twinOf = (unit: DeviceUnit, { component }: JudgedSubject): JudgedSubject | null =>
  component === null ? unit.self : (unit.parts.get(component) ?? null);

const nameOf = ({ owner, component }: JudgedSubject): string => {
  const device = owner.is === "device" ? owner.device.id : "";
  return component === null ? device : `${device}#${component}`;
};

/** One set of metrics a component. */
function merged(samples: Reading["samples"]): Reading["samples"] {
  const byComponent = new Map<string | null, Record<string, Value>>();
  for (const { component, metrics } of samples) {
    byComponent.set(component, { ...byComponent.get(component), ...metrics });
  }
  return [...byComponent].map(([component, metrics]) => ({ component, metrics }));
}
