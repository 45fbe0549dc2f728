/**
 * Why a rule fired, or did not, at a time that has passed: the stored readings from around it are judged once more, by
 * an engine of the same code with the rules and the inventory of today. What is stored of a series is its values, not
 * when they came: a replay shows what was so, not what was known then.
 *
 * A rule over a site counts who works: a device that did not answer, or on which a fault of major or worse fired, does
 * not. So for such a rule those are replayed that decide this: the devices that it counts, what they depend on, and
 * every rule that may put one of them out of work.
 *
 * Bounded: REPLAY below. What does not fit is left out and said so.
 */
import { encodeTelemetry, type InventoryDevice, type Reading, type SampleSet, type Value } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import {
  createEngine,
  type Engine,
  type Explanation,
  isInGroup,
  type NoExplanation,
  type Rule,
  readsOfRule,
  type Subject,
  selectorOf,
} from "@aislewatch/rules";
import type { LiveView } from "./api/deps.ts";
import type { Maintenance } from "./maintenance.ts";
import { siteInfo } from "./sites.ts";
import type { Samples, SeriesId, TimeSeriesStore } from "./store/timeseries/store.ts";

const REPLAY = {
  /** Beyond a day a window has no readings any more; a wait may. */
  spanMsMax: 26 * 3_600_000,
  /** Before what the rule looks at: its state at the start is that of a fault that never was. */
  leadMs: 1_800_000,
  /** Series that are read. */
  seriesMax: 4_000,
  /** Readings in all: some seconds of judging, in parts between which the collector goes on. */
  samplesMax: 500_000,
  samplesAtOnce: 10_000,
  /** Devices of a site that a rule over the whole of it counts, with what they depend on. */
  devicesMax: 500,
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
  readonly series: Pick<TimeSeriesStore, "samples">;
  readonly live: Live;
  /** Over ones too, for as long as they are kept. */
  readonly maintenance: Pick<Maintenance, "list">;
};

/** What is put into the engine: rules, devices, and the series that decide. */
type Scene = {
  readonly rules: readonly Rule[];
  readonly devices: readonly InventoryDevice[];
  readonly series: readonly SeriesId[];
  readonly lookbackMs: number;
  readonly caveats: string[];
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
  const scene = rule === undefined ? NOTHING : sceneOf(live, rule, what.subject);
  const caveats = [...scene.caveats];
  const wantedMs = 2 * scene.lookbackMs + REPLAY.leadMs;
  if (wantedMs > REPLAY.spanMsMax) caveats.push("The rule looks further back than a replay does.");
  const fitMs = spanThatFits(scene, Math.min(wantedMs, REPLAY.spanMsMax));
  if (fitMs < Math.min(wantedMs, REPLAY.spanMsMax))
    caveats.push("There are too many readings for a replay: those from longest ago are left out.");
  const fromMs = atMs - fitMs;

  const engine = createEngine();
  engine.setSites(live.sites().map(siteInfo), fromMs);
  const { overrides = [] } = live.rules();
  engine.setRules({ rules: scene.rules, version: rule?.version ?? "", overrides }, fromMs);
  engine.setMaintenance(around.maintenance.list(), fromMs);
  engine.setInventory(site, AGENT, scene.devices, fromMs);
  const judged = await judgeStored(engine, around.series, scene.series, { from: fromMs, to: atMs + 1 });
  if (judged === 0) caveats.push("Nothing is stored of that time.");
  else if (judged >= REPLAY.samplesMax) caveats.push("There are too many readings for a replay: it ends early.");
  engine.tick(atMs);
  return { explanation: engine.explain(what.rule, what.subject, atMs), fromMs, caveats };
}

const AGENT = "replay";
const NOTHING: Scene = { rules: [], devices: [], series: [], lookbackMs: 0, caveats: [] };
const EVENTS_LEFT_OUT = "Events are not replayed, only readings.";

function sceneOf(live: Live, rule: Rule, subject: Subject): Scene {
  const all = new Map(live.devices(subject.site).map((each) => [each.device.id, each.device]));
  if (rule.scope === "site") return sceneOfSite(live, rule, { site: subject.site, all });
  const devices = withParents(all, [subject.device ?? ""]);
  const reads = readsOfRule(rule);
  const parts = subject.component === null ? null : [subject.component];
  const own = seriesOf(subject.site, devices.slice(0, 1), { metrics: reads.metrics.map(({ name }) => name), parts });
  const series = [...own, ...devices.slice(1).map(({ id }) => upOf(subject.site, id))];
  const caveats = rule.on === null ? [] : [EVENTS_LEFT_OUT];
  return { rules: [rule], devices, series, lookbackMs: reads.lookbackMs, caveats };
}

/** The devices that are counted and all above them, with the rules that say whether one works. */
function sceneOfSite(
  live: Live,
  rule: Rule,
  { site, all }: { site: string; all: ReadonlyMap<string, InventoryDevice> },
): Scene {
  const { groups, lookbackMs } = readsOfRule(rule);
  const counted = [...all.values()].filter((device) => groups.some((group) => isInGroup(device, group)));
  const devices = withParents(
    all,
    counted.map(({ id }) => id),
  );
  const caveats: string[] = [];
  if (devices.length >= REPLAY.devicesMax) caveats.push(`Only ${devices.length} of ${all.size} devices are replayed.`);
  const isCounted = new Set(counted);
  const deciding = live
    .rules()
    .rules.filter(canPutOut)
    .map((other) => ({ other, selects: selectorOf(other.select), reads: readsOfRule(other) }))
    .filter(({ selects }) => counted.some((device) => selects(site, device)));
  if (deciding.some(({ other }) => other.on !== null)) caveats.push(EVENTS_LEFT_OUT);
  const series = devices.flatMap((device) => {
    const about = isCounted.has(device) ? deciding.filter(({ selects }) => selects(site, device)) : [];
    const metrics = about.flatMap(({ reads }) => reads.metrics.map(({ name }) => name));
    return seriesOf(site, [device], { metrics: [...new Set(metrics)], parts: null });
  });
  if (series.length > REPLAY.seriesMax)
    caveats.push("There are too many series for a replay: devices count as failed when they did not answer.");
  const decidingMs = Math.max(0, ...deciding.map(({ reads }) => reads.lookbackMs));
  return {
    rules: [rule, ...deciding.map(({ other }) => other)],
    devices,
    series: series.length > REPLAY.seriesMax ? devices.map(({ id }) => upOf(site, id)) : series,
    lookbackMs: lookbackMs + decidingMs,
    caveats,
  };
}

/** A fault of it means that its device does not work. */
const canPutOut = ({ scope, mode, raise }: Rule): boolean =>
  scope !== "site" && mode === "live" && raise.some(({ severity }) => severity === "major" || severity === "critical");

/** These devices first, then all above them. */
function withParents(all: ReadonlyMap<string, InventoryDevice>, ids: readonly string[]): InventoryDevice[] {
  const found = new Set<InventoryDevice>();
  let level = [...ids];
  while (level.length > 0 && found.size < REPLAY.devicesMax) {
    const known = level.flatMap((id) => all.get(id) ?? []).filter((device) => !found.has(device));
    for (const device of known.slice(0, REPLAY.devicesMax - found.size)) found.add(device);
    level = known.flatMap(({ dependsOn }) => dependsOn);
  }
  return [...found];
}

const upOf = (site: string, device: string): SeriesId => ({ site, device, component: null, metric: "up" });

/** `up` of every device, and these metrics of it and of its components (of `parts` alone when given). */
function seriesOf(
  site: string,
  devices: readonly InventoryDevice[],
  { metrics, parts }: { metrics: readonly string[]; parts: readonly string[] | null },
): SeriesId[] {
  return devices.flatMap(({ id, components }) => [
    upOf(site, id),
    ...metrics
      .filter((metric) => metric !== "up")
      .flatMap((metric): SeriesId[] => {
        const partClass = findMetric(metric)?.component ?? null;
        if (partClass === null) return [{ site, device: id, component: null, metric }];
        return (parts ?? components)
          .filter((part) => part === partClass || part.startsWith(`${partClass}-`))
          .map((part) => ({ site, device: id, component: part, metric }));
      }),
  ]);
}

/** As much of the span as there is likely to be room for. */
function spanThatFits({ series, devices }: Scene, wantedMs: number): number {
  const everyMs = new Map(devices.map(({ id, intervalMs }) => [id, Math.max(1, intervalMs)]));
  const perMs = series.reduce((sum, { device }) => sum + 1 / (everyMs.get(device) ?? Number.POSITIVE_INFINITY), 0);
  return perMs === 0 ? wantedMs : Math.min(wantedMs, Math.floor(REPLAY.samplesMax / perMs));
}

/** Puts what is stored into the engine, in parts; how many samples that were. */
async function judgeStored(
  engine: Engine,
  store: Pick<TimeSeriesStore, "samples">,
  series: readonly SeriesId[],
  { from, to }: { from: number; to: number },
): Promise<number> {
  let judged = 0;
  let lastMs = from;
  for (let next = from; next < to && series.length > 0 && judged < REPLAY.samplesMax; ) {
    const samples = await store.samples(series, { from: next, to, samplesMax: REPLAY.samplesAtOnce });
    for (const [at, readings] of readingsOf(samples, series)) {
      // Gaps are lived through in steps, as live.
      for (let tick = lastMs + TICK_MS_MAX; tick < at; tick += TICK_MS_MAX) engine.tick(tick);
      const site = series[0]?.site ?? "";
      engine.observe(site, AGENT, encodeTelemetry({ epoch: "replay", lane: "live", seq: 1, sentAt: at }, readings), 0);
      lastMs = at;
    }
    judged += samples.at.length;
    next = samples.until;
  }
  return judged;
}

/** Samples as the readings that they were once, by time. */
function readingsOf({ series: places, at: times, value: values }: Samples, series: readonly SeriesId[]) {
  const samples = new Map<number, Map<string, Map<string | null, Record<string, Value>>>>();
  for (const [n, at] of times.entries()) {
    const id = series[places[n] ?? -1];
    if (id === undefined) continue;
    const isFlag = findMetric(id.metric)?.type === "boolean";
    const ofTime = getOr(samples, at, () => new Map<string, Map<string | null, Record<string, Value>>>());
    const ofDevice = getOr(ofTime, id.device, () => new Map<string | null, Record<string, Value>>());
    const value = values[n] ?? Number.NaN;
    getOr(ofDevice, id.component, (): Record<string, Value> => ({}))[id.metric] = isFlag ? value !== 0 : value;
  }
  return [...samples].map(([at, ofTime]): [number, Reading[]] => [
    at,
    [...ofTime].map(([device, parts]): Reading => {
      const sets = [...parts].map(([component, metrics]): SampleSet => ({ component, metrics }));
      return { device, at, samples: sets };
    }),
  ]);
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
