/** What the maintenance page says of a window, and asks for. Pure. */
import type { MaintenanceRequest, MaintenanceWindow } from "../api/types.ts";

const DAYS: Readonly<Record<MaintenanceWindow["weekly"][number]["day"], string>> = {
  mon: "Mon",
  tue: "Tue",
  wed: "Wed",
  thu: "Thu",
  fri: "Fri",
  sat: "Sat",
  sun: "Sun",
};

/** `Sun 03:00–04:00, by each site's clock`; `time` writes an instant. */
export function whenText({ from, to, weekly, timeZone }: MaintenanceWindow, time: (ms: number) => string): string {
  if (from !== null && to !== null) return `${time(from)} – ${time(to)}`;
  const spans = weekly.map(({ day, ...span }) => `${DAYS[day]} ${span.from}–${span.to}`);
  return `${spans.join(", ")}, by ${timeZone === null ? "each site's clock" : `the clock of ${timeZone}`}`;
}

/** What all that is named must fit, in words. */
export function whereText({ where: { site, device, kind, labels } }: MaintenanceWindow): string {
  const parts = [
    ...(site === null ? [] : [site.join(", ")]),
    ...(device === null ? [] : [device.join(", ")]),
    ...(kind === null ? [] : [kind.map((each) => each.replaceAll("_", " ")).join(", ")]),
    ...Object.entries(labels).map(([name, values]) => `${name} ${values.join(", ")}`),
  ];
  return parts.length === 0 ? "everything" : parts.join(" · ");
}

/** Running first, then what is planned, then what is over. */
const RANK = { running: 0, planned: 1, over: 2 } as const;
export const inOrder = (windows: readonly MaintenanceWindow[]): MaintenanceWindow[] =>
  windows.toSorted((a, b) => RANK[a.state] - RANK[b.state] || (a.from ?? 0) - (b.from ?? 0));

export type Asked = {
  readonly reason: string;
  readonly site: string;
  readonly device: string;
  readonly hours: number;
};

/** From now on, for so long; null while something is missing. */
export function requestOf({ reason, site, device, hours }: Asked, nowMs: number): MaintenanceRequest | null {
  if (reason.trim() === "" || site === "" || !(hours > 0)) return null;
  const where = { site: [site], ...(device.trim() !== "" && { device: [device.trim()] }) };
  return { reason: reason.trim(), where, from: nowMs, to: nowMs + Math.round(hours * 3_600_000) };
}
