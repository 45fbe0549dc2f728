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
