/**
 * The state machine of one rule on one subject: inactive → pending → firing(level) → recovering → inactive. Pure: the
 * truth of the conditions and the time come in, the next state comes out.
 *
 * - A step fires once its condition has been true for its `for`. The level may rise at once after that; it falls only
 *   by the clear condition, and then the fault is over.
 * - A step that is raised outranks the clear condition.
 * - Unknown stops the clock of a step and of the clear condition: nothing advances, nothing clears. When the condition
 *   is known again within UNKNOWN_GAP_MAX_MS the time that had passed counts; after that it starts anew.
 * - `missing` says what a raise condition that stays unknown means in the end.
 */
import type { FaultState, MissingPolicy, Transition } from "./types.ts";

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
};

export type FaultSpec = {
  /** `for` of each step, from the least severe to the most. */
  readonly forMs: readonly number[];
  /** How long the clear condition must hold: the longer of `clear.for` and `keep`. */
  readonly recoverMs: number;
  /** Is there a clear condition of its own? Otherwise "not raised" clears. */
  readonly hasClear: boolean;
  readonly missing: MissingPolicy;
};

/** What the conditions say now. */
export type Seen = { readonly steps: readonly Truth[]; readonly clear: Truth };

export type FaultStep = { readonly next: Fault; readonly reason: Transition["reason"] };

const IDLE: Hold = { since: null, gatheredMs: 0, frozenAt: null };

export function newFault(stepCount: number): Fault {
  const steps = Array.from({ length: stepCount }, () => IDLE);
  return { state: "inactive", level: -1, onset: 0, steps, clear: IDLE, unknownSince: null };
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
  const seenFault: Fault = { ...fault, steps, unknownSince };
  return isOpen(fault) ? stepOpen(seenFault, clears(raised, seen, spec), at, spec) : stepQuiet(seenFault, at, spec);
}

/** When this fault changes by the mere passing of time; Infinity when it does not. */
export function dueAt(fault: Fault, spec: FaultSpec): number {
  let due = Number.POSITIVE_INFINITY;
  for (let i = fault.level + 1; i < fault.steps.length; i++) {
    due = Math.min(due, holdDueAt(fault.steps[i] ?? IDLE, spec.forMs[i] ?? 0));
  }
  if (fault.state === "recovering") due = Math.min(due, holdDueAt(fault.clear, spec.recoverMs));
  if (fault.unknownSince !== null && missingMatters(fault, spec.missing)) {
    due = Math.min(due, fault.unknownSince + spec.missing.afterMs);
  }
  return due;
}

/** Nothing to remember: the same as a fault that never was. */
export function isPlain(fault: Fault, spec: FaultSpec): boolean {
  return fault.state === "inactive" && (fault.unknownSince === null || spec.missing.then !== "raise");
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
  if (clearing === 1) {
    if (hasHeld(clear, spec.recoverMs, at)) return { next: over(fault, at), reason: "clear" };
    return { next: { ...fault, state: "recovering", clear }, reason: "clear" };
  }
  if (clearing === UNKNOWN && spec.missing.then === "ok" && isMissing(fault, at, spec.missing)) {
    return { next: over(fault, at), reason: "missing" };
  }
  // Unknown freezes a recovery where it is; only a reading that contradicts it takes it back.
  const state = clearing === UNKNOWN ? fault.state : "firing";
  return { next: { ...fault, state, clear }, reason: "condition" };
}

/** Over: every clock starts anew, that of `missing` included. */
function over(fault: Fault, at: number): Fault {
  return { ...newFault(fault.steps.length), unknownSince: fault.unknownSince === null ? null : at };
}

function stepHold(hold: Hold, truth: Truth, at: number): Hold {
  if (truth === 0) return IDLE;
  if (truth === 1) {
    if (hold.since !== null) return hold;
    const isForgotten = hold.frozenAt === null || at - hold.frozenAt > UNKNOWN_GAP_MAX_MS;
    return { since: at, gatheredMs: isForgotten ? 0 : hold.gatheredMs, frozenAt: null };
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
