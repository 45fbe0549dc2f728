/**
 * Maintenance: expected downtime. What fails in a window is judged and recorded as ever and calls nobody; what still
 * fails SETTLE_MS after its end does. A window is one stretch of time or certain hours of every week, and concerns what
 * its `where` names: all that it names must fit, and of a list one.
 */
import type { InventoryDevice } from "@aislewatch/contract";
import { type OpenSpan, type Schedule, type SiteCalendar, WEEKDAYS, type Weekday } from "./calendar.ts";

/** What was worked on gets this long to come back before anybody is called. */
export const MAINTENANCE_SETTLE_MS = 2 * 60_000;

export type MaintenancePlace = {
  readonly site?: readonly string[];
  readonly device?: readonly string[];
  readonly kind?: readonly string[];
  readonly labels?: Readonly<Record<string, readonly string[]>>;
};

export type MaintenanceWindow = {
  readonly id: string;
  readonly where: MaintenancePlace;
  readonly when:
    | { readonly is: "once"; readonly fromMs: number; readonly toMs: number }
    /** By the clock on the wall of each site, or of `timeZone`. */
    | { readonly is: "weekly"; readonly hours: NonNullable<SiteCalendar["hours"]>; readonly timeZone: string | null };
};

/** When nobody is called, the settle time included. */
export function scheduleOf({ when }: MaintenanceWindow, siteTimeZone: string): Schedule {
  if (when.is === "once") return { fromMs: when.fromMs, untilMs: when.toMs + MAINTENANCE_SETTLE_MS };
  const hours: Record<Weekday, OpenSpan[]> = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  for (const [i, day] of WEEKDAYS.entries()) {
    const next = WEEKDAYS[(i + 1) % WEEKDAYS.length] ?? day;
    for (const span of when.hours[day]) {
      const to = endOf(span);
      hours[day].push({ from: span.from, to: Math.min(to, MINUTES_A_DAY) });
      if (to > MINUTES_A_DAY) hours[next].push({ from: 0, to: Math.min(to - MINUTES_A_DAY, MINUTES_A_DAY) });
    }
  }
  return { timeZone: when.timeZone ?? siteTimeZone, hours, closedDays: [] };
}

const MINUTES_A_DAY = 1_440;

/** Settled, in minutes after the midnight at which its day began: a whole day and more is a window, too. */
const endOf = ({ from, to }: OpenSpan): number =>
  (to > from ? to : to + MINUTES_A_DAY) + MAINTENANCE_SETTLE_MS / 60_000;

export const mayConcern = ({ where }: MaintenanceWindow, site: string): boolean => where.site?.includes(site) ?? true;

/** Does a window of this site concern this device? Null: a fault over the whole site, which only a whole site has. */
export function concerns({ where }: MaintenanceWindow, device: InventoryDevice | null): boolean {
  if (device === null) return where.device === undefined && where.kind === undefined && where.labels === undefined;
  const { id, kind, labels } = device;
  if (!(where.device?.includes(id) ?? true) || !(where.kind?.includes(kind) ?? true)) return false;
  return Object.entries(where.labels ?? {}).every(([name, values]) => values.includes(labels[name] ?? ""));
}
