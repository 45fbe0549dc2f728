/**
 * Time as a service level counts it: only while a site is open, by the clock on its wall. What is open is what `isOpen`
 * of packages/rules says at each instant; this file says how much of it lies between two instants, and when a given
 * amount of it will have passed, without asking for every minute.
 *
 * How: within a stretch in which a zone's offset stays the same, local time is UTC plus a constant, and opening hours are
 * plain arithmetic on day numbers. The stretches come from Intl, a year of a zone at a time, and are kept. An hour that
 * comes twice when clocks are set back counts twice, one that is left out counts not at all, and a date that is left out
 * (Apia, 2011-12-30) has no hours.
 */
import { localTime, type SiteCalendar, WEEKDAYS } from "@aislewatch/rules";

/** Every minute of every day: what `always` means in a policy. */
export const ALWAYS: SiteCalendar = { timeZone: "UTC", hours: null, closedDays: [] };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Nothing is counted, and no due time looked for, further than this from where it begins: no incident lives that long,
 * and a calendar that never opens ends the search. Ten years are about 3,700 days to walk, a millisecond or two.
 */
export const HORIZON_MS = 3_660 * DAY_MS;

/** Years of zones that are kept: a chain has a few zones, and its incidents span a few years. */
const ZONE_YEARS_MAX = 4_096;

/** Unix ms, `fromMs` inclusive, `untilMs` exclusive. */
export type Interval = { readonly fromMs: number; readonly untilMs: number };

/** How long the calendar was open between the two instants, in ms; 0 when the second is not after the first. */
export function businessMsBetween(calendar: SiteCalendar, fromMs: number, untilMs: number): number {
  if (!(untilMs > fromMs)) return 0;
  let sum = 0;
  for (const open of openIntervals(calendar, fromMs, Math.min(untilMs, fromMs + HORIZON_MS))) {
    sum += open.untilMs - open.fromMs;
  }
  return sum;
}

/**
 * The first instant at which the calendar has been open for `durationMs` since `fromMs`; null when that is beyond the
 * horizon, as in a calendar that never opens. What is used up exactly when the site closes is used up then, and not when
 * it opens again.
 */
export function businessInstant(calendar: SiteCalendar, fromMs: number, durationMs: number): number | null {
  let left = durationMs;
  if (left <= 0) return fromMs;
  for (const open of openIntervals(calendar, fromMs, fromMs + HORIZON_MS)) {
    const length = open.untilMs - open.fromMs;
    if (left <= length) return open.fromMs + left;
    left -= length;
  }
  return null;
}

/** The first instant from `atMs` on, that one included, at which the calendar is open; null: not within the horizon. */
export function firstOpen(calendar: SiteCalendar, atMs: number): number | null {
  const [first] = openIntervals(calendar, atMs, atMs + HORIZON_MS).take(1);
  return first?.fromMs ?? null;
}

/** When the calendar is open between two instants, in order and without overlap; two may touch. */
export function* openIntervals(calendar: SiteCalendar, fromMs: number, untilMs: number): Generator<Interval> {
  if (calendar.hours === null && calendar.closedDays.length === 0) {
    if (untilMs > fromMs) yield { fromMs, untilMs };
    return;
  }
  const week = compiled(calendar);
  for (const { fromMs: begin, untilMs: end, offsetMs } of stretches(calendar.timeZone, fromMs, untilMs)) {
    // Within the stretch, in local time written as if it were UTC.
    const [localBegin, localEnd] = [begin + offsetMs, end + offsetMs];
    let done = localBegin;
    // From the day before, whose last span may run into this one.
    for (let day = Math.floor(localBegin / DAY_MS) - 1; day * DAY_MS < localEnd; day++) {
      for (const { from, to } of week.spansOf(day)) {
        const open = Math.max(done, day * DAY_MS + from * MINUTE_MS);
        const close = Math.min(localEnd, day * DAY_MS + to * MINUTE_MS);
        if (close <= open) continue;
        done = close;
        yield { fromMs: open - offsetMs, untilMs: close - offsetMs };
      }
    }
  }
}

/** Minutes after the midnight that the day begins with; `to` is beyond 1,440 when it runs into the next day. */
type DaySpan = { readonly from: number; readonly to: number };
type Week = { spansOf(day: number): readonly DaySpan[] };

const weeks = new WeakMap<SiteCalendar, Week>();
const WHOLE_DAY: readonly DaySpan[] = [{ from: 0, to: 1_440 }];

/** `day` is the number of days since 1970-01-01, a Thursday. */
function compiled(calendar: SiteCalendar): Week {
  const known = weeks.get(calendar);
  if (known !== undefined) return known;
  const { hours, closedDays } = calendar;
  const closed = new Set(closedDays.map((date) => Date.parse(`${date}T00:00:00Z`) / DAY_MS));
  const byWeekday = WEEKDAYS.map((weekday): readonly DaySpan[] =>
    hours === null
      ? WHOLE_DAY
      : hours[weekday]
          .map(({ from, to }) => ({ from, to: to <= from ? to + 1_440 : Math.min(to, 1_440) }))
          .sort((a, b) => a.from - b.from),
  );
  const week: Week = {
    spansOf: (day) => (closed.has(day) ? [] : (byWeekday[(((day + 3) % 7) + 7) % 7] ?? [])),
  };
  weeks.set(calendar, week);
  return week;
}

type Stretch = Interval & { readonly offsetMs: number };
/** The offset from `atMs` on. */
type Change = { readonly atMs: number; readonly offsetMs: number };

const zoneYears = new Map<string, readonly Change[]>();

/** The time between two instants, cut where clocks in the zone are set. */
function* stretches(timeZone: string, fromMs: number, untilMs: number): Generator<Stretch> {
  let begin = fromMs;
  for (let year = new Date(fromMs).getUTCFullYear(); begin < untilMs; year++) {
    const changes = changesOf(timeZone, year);
    for (const [index, { offsetMs }] of changes.entries()) {
      const end = Math.min(untilMs, changes[index + 1]?.atMs ?? Date.UTC(year + 1, 0, 1));
      if (end <= begin) continue;
      yield { fromMs: begin, untilMs: end, offsetMs };
      begin = end;
    }
  }
}

/** The offset at the beginning of a year (of UTC), and each change in it, found to the minute by halving a day. */
function changesOf(timeZone: string, year: number): readonly Change[] {
  const key = `${timeZone}/${year}`;
  const known = zoneYears.get(key);
  if (known !== undefined) return known;
  const changes: Change[] = [];
  let offset = Number.NaN;
  for (let at = Date.UTC(year, 0, 1); at < Date.UTC(year + 1, 0, 1); at += DAY_MS) {
    const now = offsetAt(timeZone, at);
    if (now !== offset) changes.push({ atMs: changes.length === 0 ? at : changeBefore(timeZone, at), offsetMs: now });
    offset = now;
  }
  const last = offsetAt(timeZone, Date.UTC(year + 1, 0, 1));
  if (last !== offset) changes.push({ atMs: changeBefore(timeZone, Date.UTC(year + 1, 0, 1)), offsetMs: last });
  if (zoneYears.size >= ZONE_YEARS_MAX) zoneYears.clear();
  zoneYears.set(key, changes);
  return changes;
}

/** The minute in the day before `atMs` at which the offset became what it is at `atMs`. No zone changes twice a day. */
function changeBefore(timeZone: string, atMs: number): number {
  const after = offsetAt(timeZone, atMs);
  let [before, since] = [(atMs - DAY_MS) / MINUTE_MS, atMs / MINUTE_MS];
  while (since - before > 1) {
    const middle = Math.floor((before + since) / 2);
    if (offsetAt(timeZone, middle * MINUTE_MS) === after) since = middle;
    else before = middle;
  }
  return since * MINUTE_MS;
}

/** `atMs` is a whole minute. */
function offsetAt(timeZone: string, atMs: number): number {
  const { date, minute } = localTime(timeZone, atMs);
  return Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS - atMs;
}
