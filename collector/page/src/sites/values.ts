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

/** Parts of one sort, such as a switch's ports, side by side: a list of each port's nine values is not to be read. */
export type Family = {
  readonly name: string;
  readonly metrics: readonly { readonly name: string; readonly meaning: string }[];
  readonly members: readonly { readonly component: string; readonly values: ReadonlyMap<string, MetricValue> }[];
};

/** Fewer than this are read one below the other. */
const FAMILY_MEMBERS_MIN = 3;

/** Components of one sort carry its name in front: `port-gi0-7`. */
export function takeFamilies(groups: readonly ValueGroup[]): { single: ValueGroup[]; families: Family[] } {
  const sortOf = ({ component }: ValueGroup): string => component?.split("-")[0] ?? "";
  const bySort = Map.groupBy(groups, sortOf);
  const isFamily = (sort: string): boolean => sort !== "" && (bySort.get(sort)?.length ?? 0) >= FAMILY_MEMBERS_MIN;
  const families = [...bySort].filter(([sort]) => isFamily(sort)).map(([sort, members]) => familyOf(sort, members));
  return { single: groups.filter((group) => !isFamily(sortOf(group))), families };
}

function familyOf(name: string, groups: readonly ValueGroup[]): Family {
  const meanings = new Map(groups.flatMap(({ values }) => values.map(({ metric, meaning }) => [metric, meaning])));
  return {
    name,
    metrics: [...meanings]
      .map(([metric, meaning]) => ({ name: metric, meaning }))
      .sort((a, b) => a.name.localeCompare(b.name, "en")),
    members: groups.map(({ component, values }) => ({
      component: component ?? "",
      values: new Map(values.map((value) => [value.metric, value])),
    })),
  };
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
