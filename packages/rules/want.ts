/**
 * What a device lacks of its past, noted where it turns out: a window or a spell that begins now, a rule whose condition
 * is new, a reading that came late. refill.ts says what becomes of it.
 */
import type { Fault } from "./fault.ts";
import type { CompiledRule } from "./plan.ts";
import { type DeviceUnit, type JudgedSubject, type TailRow, Want } from "./subjects.ts";
import type { RecentReadings } from "./window.ts";

/** Rows that come live while a device is refilled: minutes of one a second. */
const TAIL_ROWS_MAX = 512;
/** How many readings back a streak is counted; the longest that a shipped rule asks for is two. */
const STREAK_READINGS = 32;
const STREAK_MS_MAX = 3 * 3_600_000;

/** Who notes it, and whether somebody has stored readings to ask for. */
type Wishes = { readonly isStored: boolean; readonly wanted: Set<DeviceUnit> };

/** Notes that the device lacks something; nothing when this engine has nobody to ask. */
function want(wishes: Wishes, unit: DeviceUnit): Want | null {
  if (!wishes.isStored) return null;
  const wanted = unit.want ?? new Want();
  unit.want = wanted;
  wanted.turn++;
  wanted.tail = null;
  wishes.wanted.add(unit);
  return wanted;
}

/** A window that begins now, or looks further back than before; of a streak `windowMs` is 0. */
export function wantWindow(
  wishes: Wishes,
  subject: JudgedSubject,
  { offset, windowMs, window }: { offset: number; windowMs: number; window: RecentReadings },
): void {
  const unit = subject.owner;
  const wanted = unit.is === "device" ? want(wishes, unit) : null;
  if (wanted === null || unit.is !== "device") return;
  const streakMs = Math.min(STREAK_READINGS * unit.device.intervalMs, STREAK_MS_MAX);
  const spanMs = (windowMs > 0 ? windowMs : streakMs) + window.holdMs;
  const slots = wanted.windows.get(subject) ?? new Map<number, number>();
  wanted.windows.set(subject, slots.set(offset, Math.max(spanMs, slots.get(offset) ?? 0)));
  if (windowMs > 0) window.awaitPast();
}

/** Can the past of this rule be told by what the device read? What fires below a parent that is down is no flapping. */
export const isFoundAlone = ({ ancestors }: DeviceUnit, { rule, isOfOneDevice }: CompiledRule): boolean =>
  isOfOneDevice && (rule.flap === null || ancestors.length === 0);

export function wantJudged(wishes: Wishes, subject: JudgedSubject, compiled: CompiledRule): void {
  if (subject.owner.is !== "device" || !isFoundAlone(subject.owner, compiled)) return;
  add(want(wishes, subject.owner)?.judged, subject, compiled.rule.id);
}

export function wantSpells(wishes: Wishes, subject: JudgedSubject, compiled: CompiledRule): void {
  if (!compiled.isOfOneDevice || subject.owner.is !== "device") return;
  add(want(wishes, subject.owner)?.timed, subject, compiled.rule.id);
}

function add(sets: Want["judged"] | undefined, subject: JudgedSubject, rule: string): void {
  if (sets === undefined) return;
  const rules = sets.get(subject) ?? new Set<string>();
  sets.set(subject, rules.add(rule));
}

export function wantNothing(wishes: Wishes, unit: DeviceUnit): void {
  unit.want = null;
  wishes.wanted.delete(unit);
}

/** A fault changes while something of its device is wanted. */
export function noteBefore(
  { before }: Want,
  { subject, rule, was }: { subject: JudgedSubject; rule: string; was: Fault },
): void {
  const faults = before.get(subject) ?? new Map<string, Fault>();
  before.set(subject, faults);
  if (!faults.has(rule)) faults.set(rule, was);
}

/** A row that comes live while what was stored is being read. */
export function noteTail(wishes: Wishes, unit: DeviceUnit, row: TailRow): void {
  const tail = unit.want?.tail;
  if (!tail) return;
  tail.push(row);
  if (tail.length > TAIL_ROWS_MAX) want(wishes, unit);
}
