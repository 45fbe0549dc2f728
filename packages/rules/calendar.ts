/**
 * When a site is open for customers, by the clock on its wall. Hours are local: a store that opens at 08:00 opens at
 * 08:00 on both sides of a daylight-saving change, so the question is always asked of the local time at an instant and
 * never computed by adding milliseconds to a midnight.
 */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Minutes after local midnight, `from` inclusive, `to` exclusive. `to` ≤ `from` runs into the next day. */
export type OpenSpan = { readonly from: number; readonly to: number };

export type SiteCalendar = {
  /** IANA name, `Europe/Berlin`; must be one that Intl knows (sites.ts checks it). */
  readonly timeZone: string;
  /** Null: open around the clock, as a distribution centre is and as a site without hours is taken to be. */
  readonly hours: Readonly<Record<Weekday, readonly OpenSpan[]>> | null;
  /** Local dates, `2026-12-25`, on which the site does not open at all. */
  readonly closedDays: readonly string[];
};

export type LocalTime = {
  /** `2026-12-25` */
  readonly date: string;
  readonly weekday: Weekday;
  /** Minutes after local midnight. */
  readonly minute: number;
};

const MINUTES_A_DAY = 1_440;
const DAY_MS = 86_400_000;

/** One formatter per zone: making one costs a thousand times a use. Bounded by the zones that Intl knows (about 600). */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Throws a RangeError when Intl does not know the zone. */
export function localTime(timeZone: string, atMs: number): LocalTime {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
    });
    formatters.set(timeZone, formatter);
  }
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of formatter.formatToParts(atMs)) part[type] = value;
  const weekday = WEEKDAYS.find((day) => day === part.weekday?.toLowerCase()) ?? "mon";
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    weekday,
    minute: Number(part.hour) * 60 + Number(part.minute),
  };
}

export function isTimeZone(name: string): boolean {
  try {
    localTime(name, 0);
    return true;
  } catch {
    return false; // RangeError is how Intl says that it does not know the zone.
  }
}

/** Is the site open for customers at this instant? */
export function isOpen(calendar: SiteCalendar, atMs: number): boolean {
  const { hours, closedDays } = calendar;
  const now = localTime(calendar.timeZone, atMs);
  if (hours === null) return !closedDays.includes(now.date);
  if (!closedDays.includes(now.date) && hours[now.weekday].some((span) => coversToday(span, now.minute))) return true;
  // A span that began yesterday before midnight; whether it did is decided by yesterday's date, not by today's.
  const yesterday = dayBefore(now);
  return !closedDays.includes(yesterday.date) && hours[yesterday.weekday].some((span) => runsInto(span, now.minute));
}

/** Hours of every week, or one stretch of time: from `fromMs` on and before `untilMs`. */
export type Schedule = SiteCalendar | { readonly fromMs: number; readonly untilMs: number };

/** Is it within the schedule at this instant? */
export function holds(schedule: Schedule, atMs: number): boolean {
  if ("timeZone" in schedule) return isOpen(schedule, atMs);
  return atMs >= schedule.fromMs && atMs < schedule.untilMs;
}

/** Until when `holds` stays what it is at `atMs`, at least. */
export function holdsUntil(schedule: Schedule, atMs: number): number {
  if ("timeZone" in schedule) return nextChange(schedule, atMs);
  const { fromMs, untilMs } = schedule;
  return atMs < fromMs ? fromMs : atMs < untilMs ? untilMs : Number.POSITIVE_INFINITY;
}

/** How far ahead a change is looked for; a calendar without one until then is asked again. */
const AHEAD_DAYS = 8;
const MINUTE_MS = 60_000;

/**
 * The first moment after `atMs` at which the site opens or closes, to the minute, or without any within a week a moment
 * then: until it, `isOpen` stays what it is at `atMs`. A clock that is set forward over an opening opens at that moment.
 */
export function nextChange(calendar: SiteCalendar, atMs: number): number {
  if (calendar.hours === null && calendar.closedDays.length === 0) return Number.POSITIVE_INFINITY;
  const now = isOpen(calendar, atMs);
  let before = atMs;
  for (const moment of boundaries(calendar, atMs)) {
    if (isOpen(calendar, moment) !== now) return firstChange(calendar, { from: before, to: moment, was: now });
    before = moment;
  }
  return before;
}

/** Moments after `atMs` at which a span may begin or end, in order; the last is the end of the look ahead. */
function boundaries(calendar: SiteCalendar, atMs: number): number[] {
  const minutes = new Set([0]);
  for (const spans of Object.values(calendar.hours ?? {})) {
    for (const { from, to } of spans) minutes.add(from).add(to);
  }
  const moments = new Set<number>();
  for (let day = -1; day <= AHEAD_DAYS; day++) {
    const { date } = localTime(calendar.timeZone, atMs + day * DAY_MS);
    for (const minute of minutes) for (const moment of momentsOf(calendar.timeZone, date, minute)) moments.add(moment);
  }
  return [...moments].filter((moment) => moment > atMs).sort((a, b) => a - b);
}

/**
 * When clocks there show this minute of this day. On the day that they are set back it may be twice; a minute that they
 * leave out when they are set forward counts by either clock.
 */
export function momentsOf(timeZone: string, date: string, minute: number): number[] {
  const asUtc = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS;
  const offsets = new Set([asUtc - DAY_MS, asUtc + DAY_MS].map((moment) => offsetMs(timeZone, moment)));
  const moments = [...offsets].map((offset) => asUtc - offset).sort((a, b) => a - b);
  const shown = moments.filter((moment) => moment + offsetMs(timeZone, moment) === asUtc);
  return shown.length > 0 ? shown : moments;
}

function offsetMs(timeZone: string, atMs: number): number {
  const { date, minute } = localTime(timeZone, atMs);
  return Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS - Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
}

/** Between two boundaries only a clock that is set can open or close; the minute at which it does, by halving. */
function firstChange(calendar: SiteCalendar, span: { from: number; to: number; was: boolean }): number {
  let [same, other] = [span.from, span.to];
  while (other - same > MINUTE_MS) {
    const middle = Math.floor((same + other) / 2 / MINUTE_MS) * MINUTE_MS;
    if (middle <= same) break;
    if (isOpen(calendar, middle) === span.was) same = middle;
    else other = middle;
  }
  return other;
}

const coversToday = ({ from, to }: OpenSpan, minute: number): boolean =>
  minute >= from && (to <= from || minute < Math.min(to, MINUTES_A_DAY));

const runsInto = ({ from, to }: OpenSpan, minute: number): boolean => to <= from && minute < to;

/** Calendar arithmetic on the date alone, in UTC, where every day has 24 hours. */
function dayBefore({ date, weekday }: LocalTime): { date: string; weekday: Weekday } {
  const at = WEEKDAYS.indexOf(weekday);
  return {
    date: new Date(Date.parse(`${date}T00:00:00Z`) - DAY_MS).toISOString().slice(0, 10),
    weekday: WEEKDAYS[(at + 6) % 7] ?? "sun",
  };
}
