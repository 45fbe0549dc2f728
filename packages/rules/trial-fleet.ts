/** The site of a test: the device under test, its parents and its neighbours, each with what its polls bring. */
import type { InventoryDevice, SampleSet, Value } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { type Delivery, deliveryOf, type Series, valueAt } from "./series.ts";
import type { RuleTest } from "./trial-file.ts";
import type { Rule } from "./types.ts";

/** The device under test. */
export const DEVICE = "device";

/** One poll of a device; what of it came otherwise than at once is apart. */
export type Poll = { readonly comes: Delivery | null; readonly samples: readonly SampleSet[] };

export type Polled = { readonly device: InventoryDevice; readonly polls: readonly (readonly Poll[])[] };

export type Fleet = {
  readonly polled: readonly Polled[];
  readonly stepCount: number;
  /** Steps at which the agent was away, as `!` says: from, to (excluded). */
  readonly away: readonly { readonly from: number; readonly to: number }[];
};

export function fleetOf(test: RuleTest, kind: Kind, rule: Rule): Fleet {
  const polled: Polled[] = [];
  if (rule.scope !== "site" || test.series !== undefined) {
    const components = { ...test.components };
    const chain = Object.keys(test.parents ?? {});
    const device = deviceOf({ id: DEVICE, kind, test, labels: test.device?.labels, dependsOn: chain.slice(0, 1) });
    const listed = { ...device, components: Object.keys(components) };
    polled.push({ device: listed, polls: pollsOf(test.series ?? {}, components) });
  }
  for (const [id, other] of Object.entries(test.devices ?? {})) {
    const device = deviceOf({
      id,
      kind: other.kind ?? kind,
      test,
      labels: other.labels,
      dependsOn: other.depends_on ?? [],
    });
    polled.push({ device, polls: pollsOf(other.series ?? {}, {}) });
  }
  const parents = Object.values(test.parents ?? {}).map(({ up }) => up?.length ?? 0);
  const stepCount = Math.max(0, ...polled.map(({ polls }) => polls.length), ...parents);
  polled.splice(polled[0]?.device.id === DEVICE ? 1 : 0, 0, ...parentsOf(test, stepCount));
  return { polled, stepCount, away: awayOf(polled, stepCount) };
}

function parentsOf(test: RuleTest, stepCount: number): Polled[] {
  const parents = Object.entries(test.parents ?? {});
  const chain = parents.map(([id]) => id);
  return parents.map(([id, { kind, up, down = [], depends_on: named }], i) => {
    const dependsOn = named ?? chain.slice(i + 1, i + 2);
    const isDown = (atMs: number): boolean => down.some(([from, to]) => atMs >= from && atMs < to);
    const series = up ?? Array.from({ length: stepCount }, (_, n) => !isDown(n * test.step));
    return { device: deviceOf({ id, kind, test, labels: {}, dependsOn }), polls: pollsOf({ up: series }, {}) };
  });
}

function deviceOf(what: {
  id: string;
  kind: Kind;
  test: RuleTest;
  labels: Readonly<Record<string, string>> | undefined;
  dependsOn: string[];
}): InventoryDevice {
  const { id, kind, test, labels, dependsOn } = what;
  return {
    id,
    kind,
    driver: "test",
    labels: { ...labels },
    dependsOn,
    intervalMs: test.step,
    asset: {},
    components: [],
    metrics: [],
  };
}

type ByMetric = Readonly<Record<string, Series>>;

const DELIVERIES: readonly (Delivery | null)[] = [null, "late", "twice", "afterwards"];

function pollsOf(own: ByMetric, components: Readonly<Record<string, ByMetric>>): Poll[][] {
  const all = [own, ...Object.values(components)].flatMap((metrics) => Object.values(metrics));
  const count = Math.max(0, ...all.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) =>
    DELIVERIES.flatMap((comes): Poll[] => {
      const samples = samplesAt(own, components, { i, comes });
      return samples.length === 0 ? [] : [{ comes, samples }];
    }),
  );
}

function samplesAt(
  own: ByMetric,
  components: Readonly<Record<string, ByMetric>>,
  which: { i: number; comes: Delivery | null },
): SampleSet[] {
  const ownValues = valuesAt(own, which);
  const parts = Object.entries(components).flatMap(([component, metrics]): SampleSet[] => {
    const values = valuesAt(metrics, which);
    return Object.keys(values).length === 0 ? [] : [{ component, metrics: values }];
  });
  const isReading = Object.keys(ownValues).length > 0 || parts.length > 0;
  if (isReading && own["up"] === undefined) ownValues["up"] = true;
  return Object.keys(ownValues).length === 0 ? parts : [{ component: null, metrics: ownValues }, ...parts];
}

function valuesAt(metrics: ByMetric, { i, comes }: { i: number; comes: Delivery | null }): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const [name, series] of Object.entries(metrics)) {
    const value = valueAt(series[i]);
    if (value !== null && deliveryOf(series[i]) === comes) values[name] = value;
  }
  return values;
}

function awayOf(polled: readonly Polled[], stepCount: number): { from: number; to: number }[] {
  const isAway = (i: number): boolean =>
    polled.some(({ polls }) => polls[i]?.some(({ comes }) => comes === "afterwards"));
  const spans: { from: number; to: number }[] = [];
  for (let i = 0; i < stepCount; i++) {
    if (!isAway(i)) continue;
    const last = spans.at(-1);
    if (last?.to === i) last.to = i + 1;
    else spans.push({ from: i, to: i + 1 });
  }
  return spans;
}
