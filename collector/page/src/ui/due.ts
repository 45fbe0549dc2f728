/** Service level clocks in words. Pure: the present is an argument. */
import type { Incident, IncidentDetail } from "../api/types.ts";
import { age } from "./format.ts";

export type SlaClock = IncidentDetail["clocks"][number];
export type ClockName = NonNullable<Incident["due"]>["clock"];

export const CLOCK_TITLES: Readonly<Record<ClockName, string>> = {
  response: "Response",
  restore: "Restore",
  vendor: "Vendor",
};

/** Less than this is left: it is time to move. */
const SOON_MS = 15 * 60_000;

export const dueTone = (leftMs: number): "over" | "soon" | "time" =>
  leftMs <= 0 ? "over" : leftMs < SOON_MS ? "soon" : "time";

/** `35 min`, or since when it is over: `−5 min`. */
export const leftText = (leftMs: number): string => (leftMs > 0 ? age(leftMs) : `−${age(-leftMs)}`);

/** Open hours are no part of a day: `40 h`, not `1 d 16 h`. */
const openHours = (ms: number, calendar: string): string =>
  calendar === "always" || ms < 86_400_000 ? age(ms) : `${Math.round(ms / 3_600_000)} h`;

const STILL: Readonly<Record<string, string>> = {
  awaiting_vendor: "waits for the vendor",
  awaiting_part: "waits for a part",
  awaiting_site_access: "waits for access to the site",
  awaiting_change: "waits for a change",
  awaiting_caller: "waits for an answer of the site",
  suppressed: "stands behind its cause",
  parent: "stands below another incident",
  merged: "is merged into another",
  maintenance: "in maintenance",
  off_hours: "outside the hours of its rule",
  recovered: "the fault is gone",
  with_us: "the vendor does not have it",
};

/** One sentence beside the bar. */
export function clockText(clock: SlaClock, nowMs: number): string {
  const { state, standsStill, withinMs, businessMs, calendar, dueAt, stoppedAt, breachedAt } = clock;
  switch (state) {
    case "running":
      return dueAt === null ? "runs" : `${leftText(dueAt - nowMs)} left`;
    case "paused":
      return `stands still: ${STILL[standsStill ?? ""] ?? standsStill ?? "paused"}, ${openHours(withinMs - businessMs, calendar)} left`;
    case "met":
      return `in time, after ${openHours(businessMs, calendar)}`;
    case "cancelled":
      return "cancelled";
    case "breached":
      return stoppedAt !== null
        ? `breached, after ${openHours(businessMs, calendar)}`
        : `breached ${age(nowMs - (breachedAt ?? nowMs))} ago`;
    default:
      return state satisfies never;
  }
}

/** `4 h of trading hours`. */
export const targetText = ({ withinMs, calendar }: SlaClock): string =>
  calendar === "always" ? age(withinMs) : `${openHours(withinMs, calendar)} of ${calendar.replaceAll("_", " ")}`;

/** Of a reopened incident the response clock of now stands for those before it. */
export const latestClocks = (clocks: readonly SlaClock[]): SlaClock[] =>
  clocks.filter((one) => !clocks.some(({ clock, cycle }) => clock === one.clock && cycle > one.cycle));
