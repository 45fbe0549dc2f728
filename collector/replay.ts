/**
 * Why a rule fired, or did not, at a time that has passed: the stored readings from around it are judged once more, by
 * an engine of the same code with the rules and the inventory of today. What is stored of a series is its values, not
 * when they came: a replay shows what was so, not what was known then.
 *
 * Bounded: REPLAY below. What does not fit is left out and said so.
 */
import { encodeTelemetry, type InventoryDevice, type Reading, type SampleSet, type Value } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import {
  createEngine,
  type Explanation,
  type NoExplanation,
  type Rule,
  readsOfRule,
  type Subject,
} from "@aislewatch/rules";
import type { LiveView } from "./api/deps.ts";
import type { Maintenance } from "./maintenance.ts";
import { siteInfo } from "./sites.ts";
import type { Point, SeriesId, TimeSeriesStore } from "./store/timeseries/store.ts";

const REPLAY = {
  /** Beyond a day a window has no readings any more; a wait may. */
  spanMsMax: 26 * 3_600_000,
  /** Before what the rule looks at: its state at the start is that of a fault that never was. */
  leadMs: 1_800_000,
  /** Series that are read; each is one question to the store. */
  seriesMax: 200,
  /** Readings of one series; the store gives means where there are more. */
  pointsMax: 5_000,
  /** Devices of a site that a rule over the whole of it counts. */
  devicesMax: 150,
  /** Questions to the store at a time. */
  parallel: 4,
} as const;

/** A gap that is longer is none between two polls. */
const TICK_MS_MAX = 10_000;

export type Replayed = {
  readonly explanation: Explanation | NoExplanation;
  readonly fromMs: number;
  /** What was left out, in sentences. */
  readonly caveats: readonly string[];
};

type Live = Pick<LiveView, "sites" | "devices" | "rules">;

type Around = {
  readonly series: Pick<TimeSeriesStore, "query">;
  readonly live: Live;
  /** Over ones too, for as long as they are kept. */
  readonly maintenance: Pick<Maintenance, "list">;
};

/** Rejects as the store does. */
export async function explainAt(
  around: Around,
  what: { rule: string; subject: Subject },
  atMs: number,
): Promise<Replayed> {
  const { live } = around;
  const { site } = what.subject;
  const rule = live.rules().rules.find(({ id }) => id === what.rule);
  const caveats: string[] = [];
  const devices = rule === undefined ? [] : concerned(live, rule, what.subject, caveats);
  const reads = rule === undefined ? { metrics: [], lookbackMs: 0 } : readsOfRule(rule);
  const wantedMs = 2 * reads.lookbackMs + REPLAY.leadMs;
  if (wantedMs > REPLAY.spanMsMax) caveats.push("The rule looks further back than a replay does.");
  const fromMs = atMs - Math.min(wantedMs, REPLAY.spanMsMax);

  const metrics = reads.metrics.map(({ name }) => name);
  const wanted = seriesOf(devices, what.subject, metrics).slice(0, REPLAY.seriesMax);
  const range = { from: fromMs, to: atMs + 1, pointsMax: REPLAY.pointsMax };
  const read = await readAll(around.series, wanted, range);
  if (read.some(({ points }) => points.length >= REPLAY.pointsMax))
    caveats.push("There are too many readings for a replay: means were judged.");
  if (rule !== undefined && rule.on !== null) caveats.push("Events are not replayed, only readings.");
  if (read.every(({ points }) => points.length === 0)) caveats.push("Nothing is stored of that time.");
  const readings = readingsOf(read);

  const engine = createEngine();
  engine.setSites(live.sites().map(siteInfo), fromMs);
  const { overrides = [] } = live.rules();
  engine.setRules({ rules: rule === undefined ? [] : [rule], version: rule?.version ?? "", overrides }, fromMs);
  engine.setMaintenance(around.maintenance.list(), fromMs);
  engine.setInventory(site, AGENT, devices, fromMs);
  let lastMs = fromMs;
  for (const [at, group] of [...readings].sort(([a], [b]) => a - b)) {
    // Gaps are lived through in steps, as live.
    for (let tick = lastMs + TICK_MS_MAX; tick < at; tick += TICK_MS_MAX) engine.tick(tick);
    engine.observe(site, AGENT, encodeTelemetry({ epoch: "replay", lane: "live", seq: 1, sentAt: at }, group), 0);
    lastMs = at;
  }
  engine.tick(atMs);
  return { explanation: engine.explain(what.rule, what.subject, atMs), fromMs, caveats };
}

const AGENT = "replay";

/** The device with all above it; for a rule over a site, its devices. */
function concerned(live: Live, rule: Rule, { site, device }: Subject, caveats: string[]): InventoryDevice[] {
  const all = new Map(live.devices(site).map((each) => [each.device.id, each.device]));
  if (rule.scope === "site") {
    caveats.push("Devices count as failed when they did not answer; other faults are not replayed.");
    if (all.size > REPLAY.devicesMax) caveats.push(`Only ${REPLAY.devicesMax} of ${all.size} devices are replayed.`);
    return [...all.values()].slice(0, REPLAY.devicesMax);
  }
  const found = new Set<InventoryDevice>();
  const open = [device ?? ""];
  for (let id = open.pop(); id !== undefined && found.size < REPLAY.devicesMax; id = open.pop()) {
    const known = all.get(id);
    if (known === undefined || found.has(known)) continue;
    found.add(known);
    open.push(...known.dependsOn);
  }
  return [...found];
}

/** `up` of every device, and what the rule reads of the one that is asked about and of its components. */
function seriesOf(
  devices: readonly InventoryDevice[],
  { site, device, component }: Subject,
  metrics: readonly string[],
): SeriesId[] {
  return devices.flatMap(({ id, components }) => {
    const up = { site, device: id, component: null, metric: "up" };
    if (id !== device) return [up];
    const read = metrics.filter((metric) => metric !== "up");
    return [
      up,
      ...read.flatMap((metric): SeriesId[] => {
        if ((findMetric(metric)?.component ?? null) === null) return [{ site, device: id, component: null, metric }];
        const parts = component === null ? components : [component];
        return parts.map((part) => ({ site, device: id, component: part, metric }));
      }),
    ];
  });
}

type ReadSeries = { readonly id: SeriesId; readonly points: readonly Point[] };

async function readAll(
  store: Pick<TimeSeriesStore, "query">,
  wanted: readonly SeriesId[],
  range: { from: number; to: number; pointsMax: number },
): Promise<ReadSeries[]> {
  const found: ReadSeries[] = [];
  for (let next = 0; next < wanted.length; next += REPLAY.parallel) {
    const some = wanted.slice(next, next + REPLAY.parallel);
    found.push(...(await Promise.all(some.map(async (id) => ({ id, points: await store.query(id, range) })))));
  }
  return found;
}

/** Points of all series as the readings that they were once, by time. */
function readingsOf(read: readonly ReadSeries[]): Map<number, Reading[]> {
  const samples = new Map<number, Map<string, Map<string | null, Record<string, Value>>>>();
  for (const { id, points } of read) {
    const isFlag = findMetric(id.metric)?.type === "boolean";
    for (const { at, mean } of points) {
      const ofTime = getOr(samples, at, () => new Map<string, Map<string | null, Record<string, Value>>>());
      const ofDevice = getOr(ofTime, id.device, () => new Map<string | null, Record<string, Value>>());
      getOr(ofDevice, id.component, (): Record<string, Value> => ({}))[id.metric] = isFlag ? mean >= 0.5 : mean;
    }
  }
  return new Map(
    [...samples].map(([at, ofTime]) => [
      at,
      [...ofTime].map(([device, parts]): Reading => {
        const sets = [...parts].map(([component, metrics]): SampleSet => ({ component, metrics }));
        return { device, at, samples: sets };
      }),
    ]),
  );
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
