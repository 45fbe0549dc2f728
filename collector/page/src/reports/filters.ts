/** What a report is of, as the address of the page says it. Pure: the present is an argument. */
import type { ReportQuery } from "../api/client.ts";
import { PRIORITIES, type Priority } from "../api/types.ts";

export const PERIODS = ["7d", "30d", "90d", "month", "last-month", "custom"] as const;
export type Period = (typeof PERIODS)[number];

export const GROUPINGS = ["none", "site", "kind", "vendor", "model", "hour", "rule", "slot"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export type ReportFilters = {
  readonly period: Period;
  /** Days as `2026-11-30`, both in it; of a custom period only. */
  readonly from: string | null;
  readonly to: string | null;
  readonly site: string | null;
  readonly kind: string | null;
  /** Empty: all. */
  readonly priorities: readonly Priority[];
  readonly by: Grouping;
};

const DAY_MS = 86_400_000;
/** A site's or a kind's name, and no more of an address that somebody made up. */
const NAME_CHARS_MAX = 64;
/** Of each table the page shows so many, or says how many more there are. */
export const TOP = 50;

export function parseReportFilters(search: string): ReportFilters {
  const params = new URLSearchParams(search);
  const name = (key: string): string | null => params.get(key)?.slice(0, NAME_CHARS_MAX) || null;
  const wanted = (params.get("priority") ?? "").split(",");
  const filters = {
    period: PERIODS.find((one) => one === params.get("period")) ?? "30d",
    ...{ from: dayIn(params.get("from")), to: dayIn(params.get("to")) },
    ...{ site: name("site"), kind: name("kind") },
    priorities: PRIORITIES.filter((one) => wanted.includes(one)),
    by: GROUPINGS.find((one) => one === params.get("by")) ?? "none",
  };
  return filters.period === "custom" ? filters : { ...filters, from: null, to: null };
}

/** Without what is as usual: a short address, and always the same for the same report. */
export function formatReportFilters({ period, from, to, site, kind, priorities, by }: ReportFilters): string {
  const params = new URLSearchParams();
  if (period !== "30d") params.set("period", period);
  if (period === "custom" && from !== null) params.set("from", from);
  if (period === "custom" && to !== null) params.set("to", to);
  if (site !== null) params.set("site", site);
  if (kind !== null) params.set("kind", kind);
  if (priorities.length > 0) params.set("priority", priorities.join(","));
  if (by !== "none") params.set("by", by);
  return params.toString();
}

export type Range = { readonly from: number; readonly to: number };

/** By the viewer's own calendar; null: a custom period whose days are not given, or in the wrong order. */
export function rangeOf({ period, from, to }: ReportFilters, nowMs: number): Range | null {
  const now = new Date(nowMs);
  const month = (back: number): number => new Date(now.getFullYear(), now.getMonth() - back, 1).getTime();
  if (period === "month") return { from: month(0), to: nowMs };
  if (period === "last-month") return { from: month(1), to: month(0) };
  if (period !== "custom") return { from: nowMs - Number.parseInt(period, 10) * DAY_MS, to: nowMs };
  const begin = midnight(from, 0);
  const end = Math.min(midnight(to, 1), nowMs);
  return begin < end ? { from: begin, to: end } : null;
}

/** What the collector is asked; nothing that the page does not show. */
export const queryOf = ({ site, kind, priorities, by }: ReportFilters, { from, to }: Range): ReportQuery => ({
  ...{ from, to, by, parts: "before,course", tables: "site,model,slot,rule", top: TOP },
  ...(site !== null && { site }),
  ...(kind !== null && { kind }),
  ...(priorities.length > 0 && { priority: priorities.join(",") }),
});

/** The same report as a table for spreadsheets. */
export function csvHref({ site, kind, priorities, by }: ReportFilters, { from, to }: Range): string {
  const params = new URLSearchParams({ from: String(from), to: String(to), by, format: "csv" });
  if (site !== null) params.set("site", site);
  if (kind !== null) params.set("kind", kind);
  if (priorities.length > 0) params.set("priority", priorities.join(","));
  return `/api/v1/report?${params}`;
}

const dayIn = (text: string | null): string | null =>
  text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;

/** When a day begins here, so many days later; NaN: of none. */
function midnight(day: string | null, later: number): number {
  if (day === null) return Number.NaN;
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).getTime();
}
