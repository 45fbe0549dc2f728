/**
 * A report as a table: the first row has all, the others a group each. Durations are in seconds; what is not known is an
 * empty cell. Columns are only ever added at the end, for sheets refer to them by their place.
 */
import { WEEKDAYS } from "@aislewatch/rules";
import { type Figures, type Grouping, SPREADS } from "../incidents/figures.ts";
import type { Report } from "../incidents/report.ts";
import { SLA_CLOCKS } from "../incidents/types.ts";
import { type CsvCell, csvText } from "./csv.ts";

type Column = readonly [name: string, of: (figures: Figures) => CsvCell];

const COLUMNS: readonly Column[] = [
  ["opened", ({ incidents }) => incidents.opened],
  ["open", ({ incidents }) => incidents.open],
  ["resolved", ({ incidents }) => incidents.resolved],
  ["cancelled", ({ incidents }) => incidents.cancelled],
  ["merged", ({ incidents }) => incidents.merged],
  ...SPREADS.flatMap((name): Column[] => [
    [`${snake(name)}_n`, (figures) => figures[name].n],
    [`${snake(name)}_mean_seconds`, (figures) => seconds(figures[name].meanMs)],
    [`${snake(name)}_median_seconds`, (figures) => seconds(figures[name].medianMs)],
    [`${snake(name)}_p90_seconds`, (figures) => seconds(figures[name].p90Ms)],
  ]),
  ["unacknowledged_open", ({ unacknowledged }) => unacknowledged.open],
  ["unacknowledged_over", ({ unacknowledged }) => unacknowledged.over],
  ["failures", ({ betweenFailures }) => betweenFailures.failures],
  ["between_failures_mean_seconds", ({ betweenFailures }) => seconds(betweenFailures.meanMs)],
  ["between_failures_gaps_n", ({ betweenFailures }) => betweenFailures.gaps.n],
  ["between_failures_gaps_median_seconds", ({ betweenFailures }) => seconds(betweenFailures.gaps.medianMs)],
  ["between_failures_gaps_p90_seconds", ({ betweenFailures }) => seconds(betweenFailures.gaps.p90Ms)],
  ...(["firstLine", "selfRecovered", "reopened"] as const).flatMap((name): Column[] => [
    [`${snake(name)}_n`, (figures) => figures[name].n],
    [`${snake(name)}_of`, (figures) => figures[name].of],
  ]),
  ["backlog", ({ backlog }) => backlog.total],
  ...SLA_CLOCKS.flatMap((clock): Column[] => [
    [`${clock}_met`, ({ sla }) => sla[clock].met],
    [`${clock}_breached`, ({ sla }) => sla[clock].breached],
  ]),
  ["penalties", ({ penalties }) => penalties.map((one) => `${one.currency} ${one.amount.toFixed(2)}`).join("; ")],
  ["failures_measured", ({ betweenFailures }) => betweenFailures.measured],
  ["exposure_hours", ({ betweenFailures }) => hours(betweenFailures.exposureMs)],
  ["device_days", ({ betweenFailures }) => days(betweenFailures.deviceMs)],
  ...(["value", "low", "high"] as const).map(
    (name): Column => [
      name === "value" ? "failures_per_1000_device_days" : `failures_per_1000_device_days_${name}`,
      ({ betweenFailures: { rate } }) => (rate === null ? null : Math.round(rate[name] * 1_000) / 1_000),
    ],
  ),
  ["fires", ({ noise }) => noise.fires],
  ["calls", ({ noise }) => noise.calls],
  ["false_positives_n", ({ noise }) => noise.falsePositives.n],
  ["false_positives_of", ({ noise }) => noise.falsePositives.of],
  ["life_n", ({ noise }) => noise.life.n],
  ["life_median_seconds", ({ noise }) => seconds(noise.life.medianMs)],
  ["life_p90_seconds", ({ noise }) => seconds(noise.life.p90Ms)],
];

export function reportCsv({ all, groups }: Report, by: Grouping | null): string {
  const cells = (figures: Figures): CsvCell[] => COLUMNS.map(([, of]) => of(figures));
  return csvText([
    ["by", "key", ...COLUMNS.map(([name]) => name)],
    ["all", null, ...cells(all)],
    ...groups.map(({ key, figures }) => [by, typeof key === "number" ? hourText(key) : key, ...cells(figures)]),
  ]);
}

/** `mon 08:00` of 8. */
const hourText = (hour: number): string =>
  `${WEEKDAYS[Math.floor(hour / 24)] ?? ""} ${String(hour % 24).padStart(2, "0")}:00`;

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms) / 1_000);

const hours = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / 36_000) / 100);
const days = (ms: number | null): number | null => (ms === null ? null : Math.round(ms / 864_000) / 100);

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
