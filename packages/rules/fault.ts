/**
 * The state machine of one rule on one subject: inactive → pending → firing(level) → recovering → inactive. Pure: the
 * truth of the conditions and the time come in, the next state comes out.
 *
 * - A step fires once its condition has been true for its `for`. The level may rise at once after that; it falls only
 *   by the clear condition, and then the fault is over.
 * - A step that is raised outranks the clear condition.
 * - Unknown stops the clock of a step and of the clear condition: nothing advances, nothing clears. When the condition
 *   is known again within UNKNOWN_GAP_MAX_MS the time that had passed counts; after that it starts anew.
 * - A fault that fires `flap.enter` times within `flap.within` is flapping: from then on it is over only once its clear
 *   condition has held for `flap.quiet`, so that many short faults are one. What fires while something above is down does
 *   not count: that is the parent's coming and going.
 * - `missing` says what a raise condition that stays unknown means in the end.
 */
import type { FaultState, FlapPolicy, MissingPolicy, Transition } from "./types.ts";

/** 0 false, 1 true, 2 unknown: small integers pack and compare fast. */
export type Truth = 0 | 1 | 2;
export const UNKNOWN: Truth = 2;

/** How long a pending step keeps the time it had gathered; after ten minutes nobody knows what happened meanwhile. */
export const UNKNOWN_GAP_MAX_MS = 600_000;

/** How long a condition has held: since when, or with how much gathered when it became unknown. */
export type Hold = {
  readonly since: number | null;
  readonly gatheredMs: number;
  readonly frozenAt: number | null;
};

export type Fault = {
  readonly state: FaultState;
  /** Index of the step that fired; -1 while none has. */
  readonly level: number;
  /** When the condition that led here became true. */
  readonly onset: number;
  readonly steps: readonly Hold[];
  readonly clear: Hold;
  /** Since when no step is true and not all are known. */
  readonly unknownSince: number | null;
  /** When it fired, of late: what `flap` counts; of a rule over events, when those happened. The newest last. */
  readonly recent: readonly number[];
  readonly isFlapping: boolean;
  /** It fired by a condition that was edited since; the new one has neither raised nor cleared it yet. */
  readonly isUnproved: boolean;
};

export type FaultSpec = {
  /** `for` of each step, from the least severe to the most. */
  readonly forMs: readonly number[];
  /** How long the clear condition must hold: the longer of `clear.for` and `keep`. */
  readonly recoverMs: number;
  /** Is there a clear condition of its own? Otherwise "not raised" clears. */
  readonly hasClear: boolean;
  readonly missing: MissingPolicy;
  readonly flap: FlapPolicy | null;
};

/** What the conditions say now, and whether something above hides the device: what fires then is no flapping. */
export type Seen = { readonly steps: readonly Truth[]; readonly clear: Truth; readonly isHidden?: boolean };

export type FaultStep = { readonly next: Fault; readonly reason: Transition["reason"] };

const NONE: readonly number[] = [];
const IDLE: Hold = { since: null, gatheredMs: 0, frozenAt: null };

export function newFault(stepCount: number): Fault {
  const steps = Array.from({ length: stepCount }, () => IDLE);
  return {
    state: "inactive",
    level: -1,
    onset: 0,
    steps,
    clear: IDLE,
    unknownSince: null,
    recent: NONE,
    isFlapping: false,
    isUnproved: false,
  };
}

/** Is at least one step true, are all false, or is it unknown? */
export function raisedOf(steps: readonly Truth[]): Truth {
  let raised: Truth = 0;
  for (const truth of steps) {
    if (truth === 1) return 1;
    if (truth === 2) raised = 2;
  }
  return raised;
}

export function stepFault(fault: Fault, seen: Seen, at: number, spec: FaultSpec): FaultStep {
  const raised = raisedOf(seen.steps);
  const steps = fault.steps.map((hold, i) => stepHold(hold, seen.steps[i] ?? UNKNOWN, at));
  const unknownSince = raised === UNKNOWN ? (fault.unknownSince ?? at) : null;
  const recent = stillRecent(fault.recent, at, spec.flap);
  const seenFault: Fault = { ...fault, steps, unknownSince, recent, isUnproved: fault.isUnproved && raised !== 1 };
  if (isOpen(fault)) return stepOpen(seenFault, clears(raised, seen, spec), at, spec);
  const step = stepQuiet(seenFault, at, spec);
  return isOpen(step.next) && seen.isHidden !== true ? { ...step, next: counted(step.next, at, spec.flap) } : step;
}

/** What came next is not known yet: what fires goes on, and what was waiting has to begin anew. */
export function interrupted(fault: Fault): Fault {
  const isQuiet = !isOpen(fault);
  const steps = fault.steps.map((hold, i) => (isQuiet || i > fault.level ? IDLE : hold));
  return { ...fault, steps, clear: IDLE, state: isQuiet ? "inactive" : "firing", onset: isQuiet ? 0 : fault.onset };
}

/** When this fault changes by the mere passing of time; Infinity when it does not. */
export function dueAt(fault: Fault, spec: FaultSpec): number {
  let due = Number.POSITIVE_INFINITY;
  for (let i = fault.level + 1; i < fault.steps.length; i++) {
    due = Math.min(due, holdDueAt(fault.steps[i] ?? IDLE, spec.forMs[i] ?? 0));
  }
  if (fault.state === "recovering") due = Math.min(due, holdDueAt(fault.clear, recoverMsOf(fault, spec)));
  // What it remembers goes, and with it the fault that is nothing else any more.
  const oldest = fault.recent.at(-1);
  if (fault.state === "inactive" && oldest !== undefined && spec.flap !== null) {
    due = Math.min(due, oldest + spec.flap.withinMs);
  }
  if (fault.unknownSince !== null && missingMatters(fault, spec.missing)) {
    due = Math.min(due, fault.unknownSince + spec.missing.afterMs);
  }
  return due;
}

/** Nothing to remember: the same as a fault that never was. */
export function isPlain(fault: Fault, spec: FaultSpec): boolean {
  if (fault.state !== "inactive" || fault.recent.length > 0 || fault.clear.since !== null) return false;
  return fault.unknownSince === null || spec.missing.then !== "raise";
}

const recoverMsOf = ({ isFlapping }: Fault, { recoverMs, flap }: FaultSpec): number =>
  isFlapping && flap !== null ? Math.max(recoverMs, flap.quietMs) : recoverMs;

function stillRecent(recent: readonly number[], at: number, flap: FlapPolicy | null): readonly number[] {
  if (recent.length === 0 || flap === null) return NONE;
  const kept = recent.filter((firedAt) => firedAt + flap.withinMs > at);
  return kept.length === recent.length ? recent : kept;
}

/** It fired: once more. Bounded by `enter`, for then it flaps. */
function counted(fault: Fault, at: number, flap: FlapPolicy | null): Fault {
  if (flap === null) return fault;
  const recent = [...fault.recent, at].slice(-flap.enter);
  return { ...fault, recent, isFlapping: recent.length >= flap.enter };
}

export const isOpen = (fault: { state: FaultState }): boolean =>
  fault.state === "firing" || fault.state === "recovering";

function clears(raised: Truth, seen: Seen, spec: FaultSpec): Truth {
  if (raised === 1) return 0;
  if (spec.hasClear) return seen.clear;
  return raised === 0 ? 1 : UNKNOWN;
}

function stepQuiet(fault: Fault, at: number, spec: FaultSpec): FaultStep {
  const level = heldLevel(fault, at, spec);
  const isHeld = fault.steps.some((hold) => hold.since !== null || hold.frozenAt !== null);
  const onset = fault.state === "pending" ? fault.onset : at;
  if (level >= 0) return { next: { ...fault, state: "firing", level, onset, clear: IDLE }, reason: "condition" };
  if (isMissing(fault, at, spec.missing)) {
    if (spec.missing.then === "ok") return { next: over(fault, at), reason: "missing" };
    const since = fault.state === "pending" ? fault.onset : (fault.unknownSince ?? at);
    return { next: { ...fault, state: "firing", level: 0, onset: since, clear: IDLE }, reason: "missing" };
  }
  return { next: { ...fault, state: isHeld ? "pending" : "inactive", onset: isHeld ? onset : 0 }, reason: "condition" };
}

function stepOpen(fault: Fault, clearing: Truth, at: number, spec: FaultSpec): FaultStep {
  const clear = stepHold(fault.clear, clearing, at);
  const level = Math.max(fault.level, heldLevel(fault, at, spec));
  if (level > fault.level) return { next: { ...fault, state: "firing", level, clear }, reason: "level" };
  // What never fired by this condition has nothing to recover from.
  if (clearing === 1 && fault.isUnproved) return { next: over(fault, at), reason: "rule_changed" };
  if (clearing === 1) {
    if (hasHeld(clear, recoverMsOf(fault, spec), at)) return { next: over(fault, at), reason: "clear" };
    return { next: { ...fault, state: "recovering", clear }, reason: "clear" };
  }
  if (clearing === UNKNOWN && spec.missing.then === "ok" && isMissing(fault, at, spec.missing)) {
    return { next: over(fault, at), reason: "missing" };
  }
  // Unknown freezes a recovery where it is; only a reading that contradicts it takes it back.
  const state = clearing === UNKNOWN ? fault.state : "firing";
  return { next: { ...fault, state, clear }, reason: "condition" };
}

/** Over: every clock starts anew, that of `missing` included. Who flapped has been quiet; others are still counted. */
function over({ steps, unknownSince, recent, isFlapping }: Fault, at: number): Fault {
  const fresh = newFault(steps.length);
  return { ...fresh, unknownSince: unknownSince === null ? null : at, recent: isFlapping ? NONE : recent };
}

function stepHold(hold: Hold, truth: Truth, at: number): Hold {
  if (truth === 0) return IDLE;
  if (truth === 1) {
    if (hold.since !== null) return hold;
    if (hold.frozenAt === null || at - hold.frozenAt > UNKNOWN_GAP_MAX_MS) {
      return { since: at, gatheredMs: 0, frozenAt: null };
    }
    // A reading that was still on its way when the values counted as old: from then on it has not held, as was thought.
    const tooMuchMs = Math.max(0, hold.frozenAt - at);
    return { since: at, gatheredMs: Math.max(0, hold.gatheredMs - tooMuchMs), frozenAt: null };
  }
  if (hold.since === null) return hold;
  return { since: null, gatheredMs: hold.gatheredMs + Math.max(0, at - hold.since), frozenAt: at };
}

const holdDueAt = (hold: Hold, forMs: number): number =>
  hold.since === null ? Number.POSITIVE_INFINITY : hold.since + Math.max(0, forMs - hold.gatheredMs);

const hasHeld = (hold: Hold, forMs: number, at: number): boolean => holdDueAt(hold, forMs) <= at;

function heldLevel(fault: Fault, at: number, spec: FaultSpec): number {
  for (let i = fault.steps.length - 1; i >= 0; i--) {
    if (hasHeld(fault.steps[i] ?? IDLE, spec.forMs[i] ?? 0, at)) return i;
  }
  return -1;
}

function isMissing(fault: Fault, at: number, missing: MissingPolicy): boolean {
  return fault.unknownSince !== null && missingMatters(fault, missing) && at >= fault.unknownSince + missing.afterMs;
}

/** `raise` concerns what does not fire yet, `ok` what is not inactive. */
function missingMatters(fault: Fault, missing: MissingPolicy): boolean {
  if (missing.then === "hold") return false;
  return missing.then === "raise" ? !isOpen(fault) : fault.state !== "inactive";
}
