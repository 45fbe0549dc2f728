/**
 * What the shipped rules cost: all packs on a fleet of stores as they are, each device with every metric that its kind may
 * report: of ten numbers three move from poll to poll, counters grow, flags stay as they are. The values are made up, so some
 * faults stand.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeTelemetry, type InventoryDevice, type Reading, type SampleSet, type Value } from "@aislewatch/contract";
import { isKind, type Kind, type Metric, metricsOf } from "@aislewatch/devices";
import { compileRules, createEngine, type RuleSet } from "@aislewatch/rules";
import { ROOT } from "../rig/rig.ts";
import { type Figure, progress } from "./figure.ts";
import { START_MS } from "./rules-load.ts";

const STORES = 50;
const AGENT = "back-office";
const INTERVAL_MS = 10_000;
const POLLS = 60;
const WARM_UP_POLLS = 30;

/** One store: how many of each kind, and of each class of components how many a device has. */
const STORE: readonly (readonly [Kind, number])[] = [
  ...([
    ["pos_terminal", 8],
    ["receipt_printer", 8],
    ["barcode_scanner", 8],
    ["payment_terminal", 8],
  ] as const),
  ...([
    ["cash_drawer", 8],
    ["label_printer", 3],
    ["office_printer", 1],
    ["scale", 4],
    ["host", 2],
  ] as const),
  ...([
    ["network_switch", 2],
    ["router", 1],
    ["access_point", 4],
    ["ups", 1],
    ["pdu", 1],
    ["sensor", 6],
  ] as const),
];
const PARTS: Readonly<Record<string, number>> = { port: 24, outlet: 8, disk: 3, tray: 2, supply: 4 };
const PARTS_OF_OTHERS = 2;

function shipped(): RuleSet {
  const folder = join(ROOT, "rules/packs");
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  const compiled = compileRules(files.map((file) => ({ file, text: readFileSync(join(folder, file), "utf8") })));
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics[0]));
  return compiled.rules;
}

const devices: readonly InventoryDevice[] = STORE.flatMap(([kind, count]) =>
  Array.from({ length: count }, (_, n) => ({
    ...{ id: `lane-${n + 1}/${kind}`, kind, driver: "test", labels: { lane: `${n + 1}` }, asset: {}, metrics: [] },
    ...{ dependsOn: kind === "network_switch" || kind === "router" ? [] : ["lane-1/network_switch"] },
    ...{ intervalMs: INTERVAL_MS, components: classesOf(kind).flatMap(partsOf) },
  })),
);

function classesOf(kind: Kind): string[] {
  return [...new Set(metricsOf(kind).flatMap(({ component }) => component ?? []))];
}

function partsOf(name: string): string[] {
  return Array.from({ length: PARTS[name] ?? PARTS_OF_OTHERS }, (_, n) => `${name}-${n + 1}`);
}

function plainValue({ name, type, counter, unit, bad }: Metric, poll: number, place: number): Value {
  if (type === "boolean") return bad !== true;
  if (counter) return 1_000 + poll * (place % 3);
  const moves = place % 10 < 3 ? (poll * 7 + place) % 5 : 0;
  return name.includes("remaining") || unit === "%" ? 50 + moves : 20 + moves;
}

function readingsAt(poll: number): Reading[] {
  return devices.map(({ id, kind, components }, d): Reading => {
    const metrics = isKind(kind) ? metricsOf(kind) : [];
    const setOf = (component: string | null): SampleSet => {
      const own = metrics.filter(({ component: of }) =>
        component === null ? of === null : of !== null && component.startsWith(`${of}-`),
      );
      return {
        component,
        metrics: Object.fromEntries(own.map((metric, m) => [metric.name, plainValue(metric, poll, d + m)])),
      };
    };
    return { device: id, at: START_MS + poll * INTERVAL_MS + d * 7, samples: [null, ...components].map(setOf) };
  });
}

export function benchShippedRules(): Figure[] {
  progress("rules: the shipped ones on a fleet");
  const rules = shipped();
  const engine = createEngine();
  engine.setRules(rules, START_MS);
  const sites = Array.from({ length: STORES }, (_, n) => `store-${n + 1}`);
  for (const site of sites) engine.setInventory(site, AGENT, devices, START_MS);
  let samples = 0;
  let evaluations = 0;
  let cpuSeconds = 0;
  let readings = 0;
  for (let poll = 0; poll < WARM_UP_POLLS + POLLS; poll++) {
    const taken = readingsAt(poll);
    const message = encodeTelemetry({ epoch: "bench", lane: "live", seq: poll + 1, sentAt: START_MS }, taken);
    const before = engine.counts.evaluations;
    const startedAt = process.cpuUsage();
    for (const site of sites) engine.observe(site, AGENT, message, 0);
    engine.tick(START_MS + poll * INTERVAL_MS + 1_000);
    const { user, system } = process.cpuUsage(startedAt);
    if (poll < WARM_UP_POLLS) continue;
    cpuSeconds += (user + system) / 1e6;
    evaluations += engine.counts.evaluations - before;
    readings += taken.length * STORES;
    const inOne = taken.reduce(
      (sum, each) => sum + each.samples.reduce((n, set) => n + Object.keys(set.metrics).length, 0),
      0,
    );
    samples += inOne * STORES;
  }
  const perStore = cpuSeconds / POLLS / STORES;
  return [
    {
      label: `the ${rules.rules.length} shipped rules on ${STORES} stores of ${devices.length} devices, instances`,
      value: engine.counts.instances,
      unit: "",
    },
    { label: "  a reading of a device, with all its components", value: (cpuSeconds / readings) * 1e6, unit: "µs" },
    { label: "  a sample", value: (cpuSeconds / samples) * 1e9, unit: "ns" },
    { label: "  evaluations", value: evaluations / cpuSeconds, unit: "/CPU s" },
    {
      label: "  1,000 such stores polled every 10 s, of one core",
      value: (perStore * 1_000 * 100) / (INTERVAL_MS / 1_000),
      unit: "%",
    },
    {
      label: "  faults that stand, for the values are made up",
      value: engine.faults().length / STORES,
      unit: "a store",
    },
  ];
}
