/**
 * The state machine of a rule over events, on one device or component: `count` events within `within` fire it, an event
 * that says so clears it, or time without another one. An event is a moment: nothing is pending, nothing is unknown, and
 * a device that falls silent neither raises nor clears it.
 *
 * Events of one moment may come in any order and any of them twice: each time counts once, and of an event and its end
 * in the same millisecond the end wins. What is older than the newest event that decided changes nothing.
 */
import { type Fault, type FaultStep, isOpen, newFault } from "./fault.ts";
import type { EventTrigger } from "./types.ts";

/** How long what ended is remembered, so that the same events, sent again, are known: a batch spans less. */
const REMEMBERED_MS = 3_600_000;

export type EventSeen = "happened" | "ended";

export function stepEvent(fault: Fault, seen: EventSeen, at: number, trigger: EventTrigger): FaultStep {
  const newest = fault.recent.at(-1) ?? Number.NEGATIVE_INFINITY;
  const endedAt = fault.clear.since ?? Number.NEGATIVE_INFINITY;
  if (seen === "ended") return { next: at < newest || at <= endedAt ? fault : ended(fault, at, at), reason: "clear" };
  if (at <= newest || at <= endedAt) return { next: fault, reason: "condition" };
  const recent = [...fault.recent.filter((each) => each + trigger.withinMs > at), at].slice(-trigger.count);
  if (isOpen(fault)) return { next: { ...fault, recent }, reason: "condition" };
  const known: Fault = { ...fault, recent };
  if (recent.length < trigger.count) return { next: known, reason: "condition" };
  return { next: { ...known, state: "firing", level: 0, onset: recent[0] ?? at }, reason: "condition" };
}

/** Lets time pass: what is too old to count is forgotten, and a fault that only time ends is over. */
export function stepEventTime(fault: Fault, at: number, trigger: EventTrigger): FaultStep {
  if (eventDueAt(fault, trigger) > at) return { next: fault, reason: "clear" };
  const newest = fault.recent.at(-1);
  const next = newest === undefined ? newFault(fault.steps.length) : ended(fault, newest, at);
  return { next, reason: "clear" };
}

/** When it changes by the mere passing of time; Infinity when it does not. */
export function eventDueAt({ state, recent, clear }: Fault, { withinMs, clearAfterMs }: EventTrigger): number {
  const newest = recent.at(-1);
  if (newest === undefined) return clear.frozenAt === null ? Number.POSITIVE_INFINITY : clear.frozenAt + REMEMBERED_MS;
  if (state === "inactive") return newest + withinMs;
  return clearAfterMs === null ? Number.POSITIVE_INFINITY : newest + clearAfterMs;
}

/** What it knew of stays known for a while. */
function ended(fault: Fault, newestAt: number, at: number): Fault {
  return { ...newFault(fault.steps.length), clear: { since: newestAt, gatheredMs: 0, frozenAt: at } };
}
