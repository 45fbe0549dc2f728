/** What the maintenance page says of a window. Pure. */
import type { MaintenanceWindow } from "../api/types.ts";
import { kindTitle } from "../ui/kinds.ts";

export type Span = MaintenanceWindow["weekly"][number];
export type Day = Span["day"];

export const DAYS: readonly Day[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
export const DAY_NAMES: Readonly<Record<Day, string>> = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
};

/** `every Sunday 03:00–04:00, store time`; `time` writes an instant. */
export function whenText(
  { from, to, weekly, timeZone }: Pick<MaintenanceWindow, "from" | "to" | "weekly" | "timeZone">,
  time: (ms: number) => string,
): string {
  if (from !== null && to !== null) return `${time(from)} – ${time(to)}`;
  const byHours = Map.groupBy(
    weekly,
    (span) => `${span.from}–${span.to}${span.to <= span.from ? " the next day" : ""}`,
  );
  const parts = [...byHours].map(([hours, spans]) => `every ${daysText(spans.map(({ day }) => day))} ${hours}`);
  return `${parts.join("; ")}, ${timeZone === null ? "store time" : `${timeZone} time`}`;
}

/** `day`, `Sunday`, `Saturday and Sunday`, `Monday to Friday`, `Monday, Wednesday and Friday`. */
export function daysText(days: readonly Day[]): string {
  const at = DAYS.flatMap((day, i) => (days.includes(day) ? [i] : []));
  const names = at.map((i) => DAY_NAMES[DAYS[i] ?? "mon"]);
  const [first, last] = [names[0] ?? "", names.at(-1) ?? ""];
  if (names.length === DAYS.length) return "day";
  if (names.length === 1) return first;
  const isRun = at.length >= 3 && (at.at(-1) ?? 0) - (at[0] ?? 0) === at.length - 1;
  return isRun ? `${first} to ${last}` : `${names.slice(0, -1).join(", ")} and ${last}`;
}

/** What all that is named must fit, in words. */
export function whereText({ where: { site, device, kind, labels } }: Pick<MaintenanceWindow, "where">): string {
  const parts = [
    ...(site === null ? [] : [site.join(", ")]),
    ...(device === null ? [] : [device.join(", ")]),
    ...(kind === null ? [] : [kind.map(kindTitle).join(", ")]),
    ...Object.entries(labels).map(([name, values]) => `${name} ${values.join(", ")}`),
  ];
  if (parts.length === 0) return "everything";
  return site === null ? ["all sites", ...parts].join(" · ") : parts.join(" · ");
}

/** Running first, then what is planned, then what is over. */
const RANK = { running: 0, planned: 1, over: 2 } as const;
export const inOrder = (windows: readonly MaintenanceWindow[]): MaintenanceWindow[] =>
  windows.toSorted((a, b) => RANK[a.state] - RANK[b.state] || (a.from ?? 0) - (b.from ?? 0));

/** A weekly one goes for good; one that runs ends; one that has not begun never does. */
export function endLabel({ state, weekly }: Pick<MaintenanceWindow, "state" | "weekly">): string {
  if (weekly.length > 0) return "Remove";
  return state === "running" ? "End now" : "Drop";
}
