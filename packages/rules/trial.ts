/**
 * Tests inside rule files, run on the engine that runs live: readings in, then the state of the fault at given times,
 * and how many incidents and pages it would have been.
 *
 * A test makes a site of one device (plus `parents` and `devices`), polled every `step`. Row n of a series is the poll
 * at n × step. A poll that brings a value of any metric also brings `up: true`, unless the test gives `up` itself; a
 * poll that brings none is no reading at all: silence. Time starts at zero; an `at` is looked at after the readings of
 * that time.
 */
import { assertNever } from "@aislewatch/base";
import type { InventoryDevice, Reading, SampleSet, Value } from "@aislewatch/contract";
import { encodeTelemetry } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { createEngine } from "./engine.ts";
import type { PlacedTest, RuleTest } from "./file.ts";
import { checkSelect } from "./select.ts";
import type { Series } from "./series.ts";
import type { Engine, FaultView, Rule, RuleSet, Subject, Transition } from "./types.ts";

export type TrialResult = {
  readonly rule: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly ok: boolean;
  /** What was expected and what happened, a line each; empty when ok. */
  readonly differences: readonly string[];
};

/** Tests start here: a round number of days, so that times in transitions are readable. */
const START_MS = 1_700_006_400_000;
/** A fault that turns out to be another's within this time has not paged (the collector waits as long). */
const PAGE_SETTLE_MS = 5_000;
const SITE = "test";
const AGENT = "test";

/** Each test has its rule to itself, so that others of the set can't disturb it. */
export function runTrials(set: RuleSet, tests: readonly PlacedTest[]): TrialResult[] {
  return tests.map((placed) => {
    const rule = set.rules.find(({ id }) => id === placed.rule);
    const differences = rule === undefined ? [`there is no rule ${placed.rule}`] : runTrial(rule, placed.test);
    const { file, line, test } = placed;
    return { rule: placed.rule, name: test.name, file, line, ok: differences.length === 0, differences };
  });
}

/** For a terminal: a line for each test that failed, its differences, and how many there were. */
export function formatTrialResults(results: readonly TrialResult[]): string {
  const failed = results.filter(({ ok }) => !ok);
  const lines = failed.flatMap(({ rule, name, file, line, differences }) => [
    `${file}:${line}  ${rule}: ${name}`,
    ...differences.map((difference) => `    ${difference}`),
  ]);
  return [...lines, `${results.length - failed.length} passed, ${failed.length} failed`].join("\n");
}

type Polled = { readonly device: InventoryDevice; readonly polls: readonly (readonly SampleSet[])[] };

function runTrial(rule: Rule, test: RuleTest): string[] {
  const kind = test.device?.kind ?? kindOf(rule);
  if (kind === null) return ["which kind of device? write device: { kind: … }"];
  const fleet = fleetOf(test, kind, rule);
  const selected = checkSelect(rule.select);
  if (selected.ok && !fleet.some(({ device }) => selected.value.matches(SITE, device))) {
    return [`the rule does not select the device of this test (select: ${rule.select})`];
  }
  const engine = createEngine();
  engine.setRules({ rules: [rule], version: rule.version }, START_MS);
  engine.setInventory(
    SITE,
    AGENT,
    fleet.map(({ device }) => device),
    START_MS,
  );
  return play(engine, { rule, test, fleet });
}

type Play = { readonly rule: Rule; readonly test: RuleTest; readonly fleet: readonly Polled[] };

function play(engine: Engine, { rule, test, fleet }: Play): string[] {
  const stepCount = Math.max(...fleet.map(({ polls }) => polls.length));
  const endMs = Math.max(0, stepCount - 1) * test.step;
  const checks = test.expect.map((expected) =>
    "at" in expected ? { expected, atMs: expected.at === "end" ? endMs : expected.at } : { expected, atMs: endMs },
  );
  const lastMs = Math.max(endMs, ...checks.map(({ atMs }) => atMs));
  const seen: Transition[] = [];
  const differences = new Map<number, string[]>();
  const moments = new Set([
    ...Array.from({ length: stepCount }, (_, i) => i * test.step),
    ...checks.map((c) => c.atMs),
  ]);
  for (const atMs of [...moments].sort((a, b) => a - b)) {
    seen.push(...engine.tick(START_MS + atMs - 1), ...poll(engine, { test, fleet, atMs }));
    seen.push(...engine.tick(START_MS + atMs));
    for (const [i, { expected, atMs: when }] of checks.entries()) {
      if (when === atMs && "at" in expected) differences.set(i, compareState(engine, { rule, test, expected }));
    }
  }
  seen.push(...engine.tick(START_MS + lastMs + PAGE_SETTLE_MS));
  for (const [i, { expected }] of checks.entries()) {
    if (!("at" in expected)) differences.set(i, compareTotals(totalsOf(rule, seen), expected));
  }
  return checks.flatMap((_, i) => differences.get(i) ?? []);
}

function poll(engine: Engine, { test, fleet, atMs }: { test: RuleTest; fleet: readonly Polled[]; atMs: number }) {
  const index = atMs / test.step;
  const at = START_MS + atMs;
  const readings = fleet.flatMap(({ device, polls }): Reading[] => {
    const samples = polls[index] ?? [];
    return samples.length === 0 ? [] : [{ device: device.id, at, samples }];
  });
  if (readings.length === 0) return [];
  const message = encodeTelemetry({ epoch: "test", lane: "live", seq: index + 1, sentAt: at }, readings);
  return engine.observe(SITE, AGENT, message, 0);
}

type StateExpected = Extract<RuleTest["expect"][number], { at: unknown }>;
type TotalsExpected = Exclude<RuleTest["expect"][number], { at: unknown }>;

function compareState(
  engine: Engine,
  { rule, test, expected }: { rule: Rule; test: RuleTest; expected: StateExpected },
): string[] {
  const subject = subjectOf(rule, test);
  const view = engine.faults().find((fault) => isSame(fault.subject, subject));
  const at = expected.at === "end" ? "end" : writeMs(expected.at);
  const { state, severity, suppressed, stale } = expected;
  const pairs: [what: string, wanted: unknown, got: unknown][] = [
    ["state", state, view?.state ?? "inactive"],
    ["severity", severity, view?.severity ?? null],
    ["suppressed", suppressed, view !== undefined && view.flags.suppressedBy !== null],
    ["stale", stale, view?.flags.stale ?? false],
  ];
  return pairs
    .filter(([, wanted, got]) => wanted !== undefined && wanted !== got)
    .map(([what, wanted, got]) => `at ${at}: expected ${what} ${wanted}, was ${got}${since(view)}`);
}

function since(view: FaultView | undefined): string {
  return view === undefined ? "" : ` (since ${writeMs(view.since - START_MS)})`;
}

function compareTotals(totals: { incidents: number; pages: number }, expected: TotalsExpected): string[] {
  const pairs = [
    ["incidents", expected.incidents, totals.incidents],
    ["pages", expected.pages, totals.pages],
  ] as const;
  return pairs
    .filter(([, wanted, got]) => wanted !== undefined && wanted !== got)
    .map(([what, wanted, got]) => `expected ${wanted} ${what}, were ${got}`);
}

/**
 * An incident per subject, a new one when the last has closed by itself meanwhile; a page for each that is minor or
 * worse, live, and not put down to a parent once things have settled.
 */
function totalsOf(rule: Rule, transitions: readonly Transition[]): { incidents: number; pages: number } {
  type Open = { recoveredAt: number | null; firingSince: number | null; suppressed: boolean; isPaged: boolean };
  const open = new Map<string, Open>();
  let incidents = 0;
  let pages = 0;
  const settleBefore = (at: number): void => {
    for (const each of open.values()) {
      if (each.isPaged || each.suppressed || each.firingSince === null) continue;
      if (at - each.firingSince < PAGE_SETTLE_MS) continue;
      each.isPaged = true;
      pages++;
    }
  };
  for (const { at, from, to, subject, severity, flags } of transitions) {
    settleBefore(at);
    const key = JSON.stringify(subject);
    let known = open.get(key);
    const isFiring = to === "firing" || to === "recovering";
    if (isFiring && from !== "firing" && from !== "recovering") {
      const isClosed =
        known?.recoveredAt != null && rule.autoCloseMs !== null && at - known.recoveredAt >= rule.autoCloseMs;
      if (known === undefined || isClosed) {
        incidents++;
        known = { recoveredAt: null, firingSince: null, suppressed: false, isPaged: false };
        open.set(key, known);
      }
    }
    if (known === undefined) continue;
    known.suppressed = flags.suppressedBy !== null || severity === "info" || rule.mode === "shadow";
    known.recoveredAt = isFiring ? null : (known.recoveredAt ?? at);
    known.firingSince = isFiring ? (known.firingSince ?? at) : null;
  }
  settleBefore(Number.POSITIVE_INFINITY);
  return { incidents, pages };
}

/** The device under test, its parents and its neighbours, each with what its polls bring. */
function fleetOf(test: RuleTest, kind: Kind, rule: Rule): Polled[] {
  const parents = Object.entries(test.parents ?? {});
  const chain = parents.map(([id]) => id);
  const fleet: Polled[] = [];
  if (rule.scope !== "site" || test.series !== undefined) {
    const components = { ...test.components };
    const device = deviceOf({ id: DEVICE, kind, test, labels: test.device?.labels, dependsOn: chain.slice(0, 1) });
    const listed = { ...device, components: Object.keys(components) };
    fleet.push({ device: listed, polls: pollsOf(test.series ?? {}, components) });
  }
  for (const [i, [id, parent]] of parents.entries()) {
    const device = deviceOf({ id, kind: parent.kind, test, labels: {}, dependsOn: chain.slice(i + 1, i + 2) });
    fleet.push({ device, polls: pollsOf({ up: parent.up }, {}) });
  }
  for (const [id, other] of Object.entries(test.devices ?? {})) {
    const device = deviceOf({ id, kind: other.kind ?? kind, test, labels: other.labels, dependsOn: [] });
    fleet.push({ device, polls: pollsOf(other.series ?? {}, {}) });
  }
  return fleet;
}

const DEVICE = "device";

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

function pollsOf(own: ByMetric, components: Readonly<Record<string, ByMetric>>): SampleSet[][] {
  const all = [own, ...Object.values(components)].flatMap((metrics) => Object.values(metrics));
  const count = Math.max(0, ...all.map(({ length }) => length));
  return Array.from({ length: count }, (_, i) => {
    const ownValues = valuesAt(own, i);
    const parts = Object.entries(components).flatMap(([component, metrics]): SampleSet[] => {
      const values = valuesAt(metrics, i);
      return Object.keys(values).length === 0 ? [] : [{ component, metrics: values }];
    });
    const isReading = Object.keys(ownValues).length > 0 || parts.length > 0;
    if (isReading && own["up"] === undefined) ownValues["up"] = true;
    return Object.keys(ownValues).length === 0 ? parts : [{ component: null, metrics: ownValues }, ...parts];
  });
}

function valuesAt(metrics: ByMetric, index: number): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const [name, series] of Object.entries(metrics)) {
    const value = series[index];
    if (value !== null && value !== undefined) values[name] = value;
  }
  return values;
}

function kindOf(rule: Rule): Kind | null {
  const selected = checkSelect(rule.select);
  return selected.ok ? ([...(selected.value.kinds ?? [])][0] ?? null) : null;
}

function subjectOf(rule: Rule, test: RuleTest): Subject {
  switch (rule.scope) {
    case "site":
      return { site: SITE, device: null, component: null };
    case "component":
      return { site: SITE, device: DEVICE, component: test.component ?? Object.keys(test.components ?? {})[0] ?? null };
    case "device":
      return { site: SITE, device: DEVICE, component: null };
    default:
      return assertNever(rule.scope);
  }
}

const isSame = (a: Subject, b: Subject): boolean =>
  a.site === b.site && a.device === b.device && a.component === b.component;

/** Times of a test as a person writes them: 90000 is "1m30s". */
function writeMs(ms: number): string {
  const parts: [number, string][] = [
    [Math.floor(ms / 3_600_000), "h"],
    [Math.floor(ms / 60_000) % 60, "m"],
    [Math.floor(ms / 1_000) % 60, "s"],
    [ms % 1_000, "ms"],
  ];
  const written = parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count}${unit}`]));
  return written.join("") || "0s";
}
