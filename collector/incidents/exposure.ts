/**
 * For how long devices were there, and had to work, in a time: what the number of their failures is measured by. A span
 * is a device in its slot from when an inventory first named it, until one did not, or named another one there.
 */
import type { SiteCalendar } from "@aislewatch/rules";
import { type Interval, openIntervals } from "./business-time.ts";
import type { FactsDevice } from "./figures.ts";
import type { Exposure } from "./report.ts";

export type DeviceSpan = FactsDevice & {
  readonly site: string;
  /** With its site, or the number that facts have for it. */
  readonly slot: string | number;
  readonly fromMs: number;
  /** Null: it is there. */
  readonly untilMs: number | null;
};

/** Calendars whose hours are kept at a time; spans come site by site, and stores of a chain share their hours. */
const CALENDARS_KEPT = 64;

/** One for each span that lies in the time, at least in part. */
export function exposuresOf(
  spans: Iterable<DeviceSpan>,
  time: Interval,
  calendarOf: (site: string) => SiteCalendar,
): Exposure[] {
  const kept = new Map<string, (until: number) => number>();
  let last: { readonly site: string; readonly openUntil: (until: number) => number } | null = null;

  function hoursOf(site: string): (until: number) => number {
    if (last?.site === site) return last.openUntil;
    const calendar = calendarOf(site);
    const { timeZone, hours, closedDays } = calendar;
    const key = JSON.stringify([timeZone, hours, closedDays]);
    const openUntil = kept.get(key) ?? openSince(calendar, time);
    if (kept.size >= CALENDARS_KEPT) kept.clear();
    kept.set(key, openUntil);
    last = { site, openUntil };
    return openUntil;
  }

  const found: Exposure[] = [];
  for (const { site, slot, kind, vendor, model, ...span } of spans) {
    const fromMs = Math.max(span.fromMs, time.fromMs);
    const untilMs = Math.min(span.untilMs ?? time.untilMs, time.untilMs);
    if (untilMs <= fromMs) continue;
    const openUntil = hoursOf(site);
    const tradingMs = openUntil(untilMs) - openUntil(fromMs);
    found.push({ site, slot, kind, vendor, model, fromMs, untilMs, tradingMs });
  }
  return found;
}

/** How long it was open from the beginning of the time until an instant in it, in ms: one walk, then a look-up each. */
function openSince(calendar: SiteCalendar, { fromMs, untilMs }: Interval): (until: number) => number {
  const begins: number[] = [];
  const before: number[] = [];
  let sum = 0;
  for (const open of openIntervals(calendar, fromMs, untilMs)) {
    begins.push(open.fromMs);
    before.push(sum);
    sum += open.untilMs - open.fromMs;
  }
  before.push(sum);
  return (until) => {
    let [low, high] = [0, begins.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((begins[middle] ?? 0) < until) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    return Math.min(before[low] ?? 0, (before[low - 1] ?? 0) + until - (begins[low - 1] ?? 0));
  };
}
