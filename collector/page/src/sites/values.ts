/** The live values of a device, arranged for reading: its own first, then component by component. */
import type { MetricValue } from "../api/types.ts";

export type ValueGroup = { readonly component: string | null; readonly values: readonly MetricValue[] };

export function groupValues(values: readonly MetricValue[]): ValueGroup[] {
  const groups = new Map<string | null, MetricValue[]>([[null, []]]);
  for (const value of values) {
    const group = groups.get(value.component);
    if (group === undefined) groups.set(value.component, [value]);
    else group.push(value);
  }
  return [...groups]
    .filter(([, members]) => members.length > 0)
    .sort(([a], [b]) => (a ?? "").localeCompare(b ?? "", "en", { numeric: true }))
    .map(([component, members]) => ({ component, values: members.sort(badFirst) }));
}

/** A boolean whose value is the bad one. */
export const isBad = (value: MetricValue): boolean => value.bad !== null && value.value === value.bad;

function badFirst(a: MetricValue, b: MetricValue): number {
  return Number(isBad(b)) - Number(isBad(a)) || a.metric.localeCompare(b.metric, "en");
}

export const RANGES = {
  "15m": 15 * 60_000,
  "1h": 3_600_000,
  "6h": 6 * 3_600_000,
  "24h": 24 * 3_600_000,
  "7d": 7 * 24 * 3_600_000,
} as const;
export type Range = keyof typeof RANGES;

export const isRange = (text: string): text is Range => Object.hasOwn(RANGES, text);

/**
 * What may be charted: numbers that move. Sizes that never change say nothing over time, and booleans are told by the
 * faults.
 */
export function chartable(values: readonly MetricValue[], component: string | null): string[] {
  return values
    .filter(
      (value) => value.component === component && value.type === "number" && !value.metric.endsWith("total_bytes"),
    )
    .map((value) => value.metric)
    .sort((a, b) => a.localeCompare(b, "en"));
}
