/**
 * The service level clocks of an incident: from what its log says (sla-facts.ts), the
 * terms of its contract and the hours of its site, how each clock stands at a given time. Nothing of a clock is kept: a
 * corrected calendar or policy, a priority that was restated or a pause that is claimed afterwards changes the past.
 *
 * - `response` begins when the incident was known and ends with the first acknowledgement, for taking it in hand is one.
 *   A reopened incident has another response clock, from nothing. What was found afterwards, and is over, has none.
 * - `restore` ends when the fault recovers: that is when the store can work again, whatever people write later. Resolving
 *   does not end it while the fault still fires, unless with a code that says that there is nothing to restore
 *   (ACCEPTING). A fault that comes back, or is reopened, goes on where it stood.
 * - `vendor` runs while the incident is on hold for a reason for which a vendor has it, and ends with `restore`.
 *
 * Clocks stand still on hold for the reasons that the terms list, claimed afterwards or said at once; and while nobody is
 * called: in maintenance, outside the hours of the rule, behind a cause or a parent, merged into another incident.
 *
 * Each change of priority measures the whole time from the start by its own target. What falls due while a priority
 * stands is breached, also when a lower one follows; what a higher one finds long due is breached when it comes.
 */
import { businessInstant, businessMsBetween, type Interval } from "./business-time.ts";
import { QUIET, type Quiet, type SlaFacts, type Switch, type Told } from "./sla-facts.ts";
import { calendarOf, type SiteHours, type SlaTarget, type SlaTerms } from "./sla-policy.ts";
import {
  type HeldFor,
  HOLD_REASONS,
  type HoldReason,
  type IncidentEventBody,
  type Priority,
  SLA_CLOCKS,
  type SlaClock,
} from "./types.ts";

/**
 * Why a clock stands still. `recovered`: of the response clock, the fault is gone and nobody has looked at it yet.
 * `with_us`: of the vendor's, it does not have it.
 */
export type StandsStill = HoldReason | Quiet | "recovered" | "with_us";

export type SlaContext = { readonly terms: SlaTerms; readonly site: SiteHours };

/** How one clock stands. Times are Unix ms; `business` is time in the hours in which the clock runs. */
export type ClockReading = {
  readonly clock: SlaClock;
  /** From 1; only response clocks have more than one. */
  readonly cycle: number;
  /** Of the cycle that the log is in now; that one may have no clock at all, when nothing is promised any more. */
  readonly isLatest: boolean;
  /** A breached clock may still run: `stoppedAt` is null then. */
  readonly state: "running" | "paused" | "met" | "breached" | "cancelled";
  /** Why it stands still now. */
  readonly standsStill: StandsStill | null;
  readonly priority: Priority;
  readonly target: SlaTarget;
  readonly startedAt: number;
  /** When all of the target is used up, or would have been; null while it stands still. */
  readonly dueAt: number | null;
  readonly stoppedAt: number | null;
  readonly breachedAt: number | null;
  /** While it ran. */
  readonly elapsedMs: number;
  readonly businessMs: number;
  /** While it stood still. */
  readonly pausedMs: number;
  readonly pausedBusinessMs: number;
  /** Of the target that is used up; beyond 100 when breached. */
  readonly percent: number;
  /** The next that nobody was warned of; `at` is in the past when it is due, null while the clock stands still. */
  readonly nextWarning: { readonly percent: number; readonly at: number | null } | null;
  readonly isTold: boolean;
};

/** All clocks of the incident at `now`, in the order of SLA_CLOCKS, then of cycles. */
export function readClocks(facts: SlaFacts, context: SlaContext, now: number): ClockReading[] {
  return SLA_CLOCKS.flatMap((clock) => courses(facts, clock, context.terms)).flatMap((course) => {
    const reading = readCourse(facts, course, context, now);
    return reading === null ? [] : [reading];
  });
}

/** The clock that people look at: of several response clocks the last. */
export const currentClock = (readings: readonly ClockReading[], clock: SlaClock): ClockReading | null =>
  readings.findLast((one) => one.clock === clock) ?? null;

type Off = Interval & { readonly why: StandsStill };
/** When a clock begins, when it stands still, and when it ends. Ends are Infinity as long as nothing is known of them. */
type Course = {
  readonly clock: SlaClock;
  readonly cycle: number;
  readonly fromMs: number;
  readonly stop: { readonly at: number; readonly isMet: boolean } | null;
  readonly off: readonly Off[];
  /** Stretches that are not its own: for them it neither runs nor is paused. */
  readonly over: readonly Interval[];
  readonly told: Told;
};

function courses(facts: SlaFacts, clock: SlaClock, terms: SlaTerms): Course[] {
  const over = switchedOn(facts.restored);
  const pauses = [...quietOff(facts), ...holdsFor(facts, clock, terms.pauses[clock])];
  if (clock === "response") {
    const recovered = over.map((one): Off => ({ ...one, why: "recovered" }));
    return facts.cycles.map(({ fromMs, stop, told }, index) => ({
      ...{ clock, cycle: index + 1, fromMs, stop, told },
      off: [...pauses, ...recovered],
      over: [],
    }));
  }
  const told = facts.told[clock];
  const restoredAt = over.at(-1)?.untilMs === Number.POSITIVE_INFINITY ? (over.at(-1)?.fromMs ?? null) : null;
  const stoppedAt = restoredAt ?? facts.ended?.at ?? null;
  const stop = stoppedAt === null ? null : { at: Math.max(stoppedAt, facts.startMs), isMet: true };
  const course = { clock, cycle: 1, stop, over, told };
  if (clock === "restore") return [{ ...course, fromMs: facts.startMs, off: pauses }];
  const own = union(holdsFor(facts, clock, terms.withVendor));
  const first = own[0];
  if (first === undefined) return [];
  const withUs = gaps(own).map((one): Off => ({ ...one, why: "with_us" }));
  return [{ ...course, fromMs: first.fromMs, off: [...pauses, ...withUs] }];
}

/** When the incident was on hold for one of these reasons, said at once or claimed afterwards. */
function holdsFor(facts: SlaFacts, clock: SlaClock, reasons: readonly HoldReason[]): Off[] {
  const listed = (reason: HeldFor | null): HoldReason | undefined => reasons.find((one) => one === reason);
  const said = facts.holds.flatMap(({ at, reason }, index): Off[] => {
    const why = listed(reason);
    const untilMs = facts.holds[index + 1]?.at ?? facts.ended?.at ?? Number.POSITIVE_INFINITY;
    return why === undefined ? [] : [{ fromMs: at, untilMs, why }];
  });
  const claimed = facts.claims.flatMap(({ clock: of, reason, fromMs, untilMs }): Off[] => {
    const why = of === null || of === clock ? listed(reason) : undefined;
    return why === undefined ? [] : [{ fromMs, untilMs, why }];
  });
  return [...said, ...claimed].sort((a, b) => a.fromMs - b.fromMs);
}

const quietOff = ({ quiet }: SlaFacts): Off[] =>
  QUIET.flatMap((why) => switchedOn(quiet[why]).map((one): Off => ({ ...one, why })));

function switchedOn(switches: readonly Switch[]): Interval[] {
  const on: Interval[] = [];
  let fromMs: number | null = null;
  for (const { at, on: now } of switches) {
    if (now) fromMs ??= at;
    else if (fromMs !== null) {
      if (at > fromMs) on.push({ fromMs, untilMs: at });
      fromMs = null;
    }
  }
  if (fromMs !== null) on.push({ fromMs, untilMs: Number.POSITIVE_INFINITY });
  return on;
}

function union(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const { fromMs, untilMs } of [...intervals].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (untilMs <= fromMs) continue;
    if (last === undefined || fromMs > last.untilMs) merged.push({ fromMs, untilMs });
    else merged[merged.length - 1] = { fromMs: last.fromMs, untilMs: Math.max(last.untilMs, untilMs) };
  }
  return merged;
}

/** What lies between intervals that do not touch, and after the last. */
function gaps(intervals: readonly Interval[]): Interval[] {
  return intervals.flatMap(({ untilMs }, index) =>
    untilMs === Number.POSITIVE_INFINITY
      ? []
      : [{ fromMs: untilMs, untilMs: intervals[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY }],
  );
}

/** What is left of a stretch without these. */
function without(stretch: Interval, cuts: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let { fromMs } = stretch;
  for (const cut of union(cuts)) {
    if (cut.fromMs >= stretch.untilMs) break;
    if (cut.fromMs > fromMs) left.push({ fromMs, untilMs: cut.fromMs });
    fromMs = Math.max(fromMs, cut.untilMs);
  }
  if (fromMs < stretch.untilMs) left.push({ fromMs, untilMs: stretch.untilMs });
  return left;
}

type Measure = (stretch: Interval) => number;
const wallMs: Measure = (one) => one.untilMs - one.fromMs;

/** When a clock runs, by what it was promised to end, and whether it did not. */
type Commitment = {
  readonly whole: Interval;
  readonly spans: readonly Interval[];
  readonly breach: Breach | null;
  readonly priority: Priority;
  readonly target: SlaTarget;
};

function promiseOf(facts: SlaFacts, course: Course, { terms, site }: SlaContext, now: number): Commitment | null {
  const { fromMs, stop, off, over } = course;
  const whole: Interval = { fromMs, untilMs: Math.max(fromMs, stop?.at ?? Number.POSITIVE_INFINITY) };
  const spans = without(whole, [...off, ...over]);
  const stretches = promised(facts, course, terms);
  const breach = firstBreach(stretches, spans, { site, now });
  // What was broken is the promise that stood then, whatever stands now.
  const current = breach?.stretch ?? stretches.at(-1);
  if (current === undefined || current.target === null) return null;
  return { whole, spans, breach, priority: current.priority, target: current.target };
}

/**
 * When a share of the clock's target is used up, or was; null while it stands still before that, once it ended, and
 * where there is no such clock. At 100 % that is the breach.
 */
export function instantOfPercent(
  facts: SlaFacts,
  { clock, percent }: { readonly clock: SlaClock; readonly percent: number },
  context: SlaContext,
  now: number,
): number | null {
  const course = courses(facts, clock, context.terms).at(-1);
  if (course === undefined || course.stop !== null) return null;
  const promise = promiseOf(facts, course, context, now);
  if (promise === null) return null;
  if (percent >= 100 && promise.breach !== null) return promise.breach.at;
  const { spans, target } = promise;
  return instantOf(spans, Math.ceil((target.withinMs * percent) / 100), { target, site: context.site });
}

/** When people are called for the incident and can do something about it: not quiet, not on hold, not recovered. */
export function workableSpans(facts: SlaFacts, fromMs: number): Interval[] {
  const off = [...quietOff(facts), ...holdsFor(facts, "restore", HOLD_REASONS), ...switchedOn(facts.restored)];
  return without({ fromMs, untilMs: facts.ended?.at ?? Number.POSITIVE_INFINITY }, off);
}

/** How much of a stretch it was on hold for one of these reasons, said at once or claimed afterwards; in ms. */
export function heldMs(facts: SlaFacts, stretch: Interval, reasons: readonly HoldReason[]): number {
  return stretch.untilMs - stretch.fromMs - total(without(stretch, holdsFor(facts, "restore", reasons)), wallMs);
}

/** From when the incident was known until its fault was gone, without the times between at which it was; null: it stands. */
export function stood(facts: SlaFacts): { readonly untilMs: number; readonly forMs: number } | null {
  const over = switchedOn(facts.restored);
  const last = over.at(-1);
  if (last === undefined || last.untilMs !== Number.POSITIVE_INFINITY) return null;
  const whole = { fromMs: facts.startMs, untilMs: Math.max(facts.startMs, last.fromMs) };
  return { untilMs: last.fromMs, forMs: total(without(whole, over), wallMs) };
}

/** After `amountMs` of these spans, by the clock on no wall; null when they end before that. */
export const instantIn = (spans: readonly Interval[], amountMs: number, site: SiteHours): number | null =>
  instantOf(spans, amountMs, { target: { withinMs: amountMs, calendar: "always" }, site });

function readCourse(facts: SlaFacts, course: Course, context: SlaContext, now: number): ClockReading | null {
  const { clock, cycle, fromMs, stop, off, over, told } = course;
  const { terms, site } = context;
  const promise = promiseOf(facts, course, context, now);
  if (promise === null) return null;
  const { whole, spans, breach, priority, target } = promise;
  const calendar = calendarOf(site, target.calendar);

  const untilNow = { fromMs, untilMs: Math.min(whole.untilMs, Math.max(fromMs, now)) };
  const known = without(untilNow, [...off, ...over]);
  const own = without(untilNow, over);
  const business: Measure = (one) => businessMsBetween(calendar, one.fromMs, one.untilMs);
  const elapsedMs = total(known, wallMs);
  const businessMs = total(known, business);

  const isStopped = stop !== null;
  const standsStill = isStopped ? null : (off.find((one) => one.fromMs <= now && one.untilMs > now)?.why ?? null);
  const isCancelled = facts.ended?.how === "cancelled" || (stop?.isMet === false && breach === null);
  const state = isCancelled
    ? "cancelled"
    : breach !== null
      ? "breached"
      : isStopped
        ? "met"
        : standsStill === null
          ? "running"
          : "paused";
  const isLive = !isStopped && !isCancelled;
  const warning = isLive && breach === null ? terms.warnAt.find((percent) => percent > told.warned) : undefined;
  const reached = (percent: number) => instantOf(spans, Math.ceil((target.withinMs * percent) / 100), { target, site });
  return {
    clock,
    cycle,
    isLatest: clock !== "response" || cycle === facts.cycles.length,
    state,
    standsStill,
    priority,
    target,
    startedAt: fromMs,
    dueAt: breach?.dueAt ?? dueOf(spans, { target, site }, isStopped),
    stoppedAt: stop?.at ?? null,
    breachedAt: breach?.at ?? null,
    elapsedMs,
    businessMs,
    pausedMs: total(own, wallMs) - elapsedMs,
    pausedBusinessMs: total(own, business) - businessMs,
    percent: (businessMs * 100) / target.withinMs,
    nextWarning: warning === undefined ? null : { percent: warning, at: reached(warning) },
    isTold: told.breached,
  };
}

const total = (stretches: readonly Interval[], measure: Measure): number =>
  stretches.reduce((sum, stretch) => sum + measure(stretch), 0);

type Promised = Interval & { readonly priority: Priority; readonly target: SlaTarget | null };

/** What was promised when: a stretch for each priority, from the clock's start; changes after its end change nothing. */
function promised({ priorities }: SlaFacts, { clock, fromMs, stop }: Course, terms: SlaTerms): Promised[] {
  return priorities.flatMap(({ at, priority }, index): Promised[] => {
    const begin = index === 0 ? fromMs : Math.max(at, fromMs);
    const end = Math.max(begin, priorities[index + 1]?.at ?? Number.POSITIVE_INFINITY);
    const isAfter = index > 0 && stop !== null && begin >= Math.max(stop.at, fromMs);
    if (isAfter || end === begin) return [];
    return [{ fromMs: begin, untilMs: end, priority, target: terms.targets[priority][clock] }];
  });
}

type Breach = { readonly at: number; readonly dueAt: number; readonly stretch: Promised };

function firstBreach(
  stretches: readonly Promised[],
  spans: readonly Interval[],
  { site, now }: { readonly site: SiteHours; readonly now: number },
): Breach | null {
  for (const stretch of stretches) {
    if (stretch.target === null) continue;
    const dueAt = instantOf(spans, stretch.target.withinMs, { target: stretch.target, site });
    if (dueAt === null) continue;
    const at = Math.max(dueAt, stretch.fromMs);
    if (at < stretch.untilMs && at <= now) return { at, dueAt, stretch };
  }
  return null;
}

type In = { readonly target: SlaTarget; readonly site: SiteHours };

/** When the clock, running in these spans, has used up so much; null when it does not. What ends just then was in time. */
function instantOf(spans: readonly Interval[], amountMs: number, { target, site }: In): number | null {
  const calendar = calendarOf(site, target.calendar);
  let left = amountMs;
  for (const { fromMs, untilMs } of spans) {
    const length = untilMs === Number.POSITIVE_INFINITY ? left + 1 : businessMsBetween(calendar, fromMs, untilMs);
    if (left < length) return businessInstant(calendar, fromMs, left);
    left -= length;
  }
  return null;
}

/** Of a clock that stopped, when it would have been due had it gone on. */
function dueOf(spans: readonly Interval[], where: In, isStopped: boolean): number | null {
  const last = spans.at(-1);
  const onward = isStopped && last !== undefined;
  const all = onward ? [...spans.slice(0, -1), { ...last, untilMs: Number.POSITIVE_INFINITY }] : spans;
  return instantOf(all, where.target.withinMs, where);
}

export type SlaBody = Extract<IncidentEventBody, { type: "sla_warned" | "sla_breached" }>;
export type SlaDue = {
  /** In order; `at` is when it fell due, not after `now`. */
  readonly events: readonly { readonly at: number; readonly body: SlaBody }[];
  /** When to look again, if nothing happens until then; null: not by time alone. */
  readonly nextAt: number | null;
};

/**
 * What the clocks say that is not in the log yet. A breach is written once; of several warnings that are due at once,
 * because a priority rose or nobody was there to look, only the highest.
 */
export function dueOfClocks(readings: readonly ClockReading[], terms: SlaTerms, now: number): SlaDue {
  const events: { at: number; body: SlaBody }[] = [];
  let nextAt = Number.POSITIVE_INFINITY;
  for (const clock of SLA_CLOCKS) {
    // An event names no cycle: it is about the last. What an earlier one should have told, the readings show.
    const reading = readings.find((one) => one.clock === clock && one.isLatest);
    if (reading === undefined || reading.state === "cancelled") continue;
    const { breachedAt, dueAt, nextWarning, stoppedAt, isTold } = reading;
    if (breachedAt !== null) {
      if (!isTold && dueAt !== null) events.push({ at: breachedAt, body: { type: "sla_breached", clock, dueAt } });
      continue;
    }
    if (stoppedAt !== null) continue;
    const reached = terms.warnAt.filter(
      (percent) => percent >= (nextWarning?.percent ?? 101) && percent <= reading.percent,
    );
    const percent = reached.at(-1);
    if (percent !== undefined) events.push({ at: now, body: { type: "sla_warned", clock, percent } });
    else if (nextWarning?.at != null) nextAt = Math.min(nextAt, nextWarning.at);
    if (dueAt !== null) nextAt = Math.min(nextAt, dueAt);
  }
  return { events: events.sort((a, b) => a.at - b.at), nextAt: nextAt === Number.POSITIVE_INFINITY ? null : nextAt };
}

export type Amount = { readonly amount: number; readonly currency: string };

/** What the breaches of one incident cost, to the cent; null where the contract has no penalties. */
export function penaltyOf(readings: readonly ClockReading[], { penalties }: SlaTerms): Amount | null {
  if (penalties === null) return null;
  const { cap, clocks, currency } = penalties;
  let cents = 0;
  for (const { clock, state, businessMs, target } of readings) {
    if (state !== "breached") continue;
    const { perBreach, perHour } = clocks[clock];
    const hours = Math.ceil(Math.max(0, businessMs - target.withinMs) / 3_600_000);
    cents += Math.round(perBreach * 100) + hours * Math.round(perHour * 100);
  }
  return { amount: Math.min(cents, cap === null ? cents : Math.round(cap * 100)) / 100, currency };
}
