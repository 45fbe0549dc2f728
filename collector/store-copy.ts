/**
 * `aislewatch store copy`: the history of one time-series store into the other, while a collector runs on either or none.
 *
 * The work is cut twice: series in chunks, and each chunk's time in parts, as many samples as one question gives. A part
 * is given to the other store as batches of an agent of its own, `store-copy`, whose seq is the time up to which the part
 * goes. So the other store's own watermark says how far the copy is: what was cut off goes on there, and nothing comes
 * twice. Once all is there each chunk is counted on both sides.
 *
 * How far agents' lanes are stored is copied, too, unless a collector runs: it knows better.
 */
import type { Clock } from "@aislewatch/base";
import { encodeTelemetry, type Reading, splitSubject, type Value } from "@aislewatch/contract";
import { OWN_SITE } from "./own-reports.ts";
import type {
  LaneKey,
  LastValue,
  Samples,
  SeriesId,
  TelemetryBatch,
  TimeSeriesStore,
  Watermark,
} from "./store/timeseries/store.ts";

export const COPY_AGENT = "store-copy";

/** Series whose samples are asked for together: within the stores' bound, and few sites each. */
const SERIES_MAX = 2_000;
/** Of one question, so that both stores answer in a second or so. */
const SAMPLES_MAX = 100_000;
/** A question's stretch of time: grown and shrunk so that it is about as long as its samples. */
const STRETCH_MS_MIN = 60_000;
const STRETCH_MS_MAX = 30 * 86_400_000;
const STRETCH_MS_FIRST = 3_600_000;

export type CopyProgress = {
  /** 0 to 1. */
  readonly share: number;
  readonly samples: number;
  readonly at: number;
};

export type CopyResult = {
  /** Null: all of it is there; else where it was stopped. */
  readonly stopped: "asked" | null;
  /** Taken over by this run. */
  readonly samples: number;
  readonly series: number;
  /** In both stores, once all is there. */
  readonly counted: number;
  /** Series of which the other store has less, and how many samples. */
  readonly missing: readonly { readonly series: SeriesId; readonly samples: number }[];
};

export type CopyOptions = {
  readonly from: TimeSeriesStore;
  readonly to: TimeSeriesStore;
  readonly clock: Clock;
  readonly withWatermarks: boolean;
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Ends after the part under way. */
  readonly signal?: AbortSignal;
  /** For tests: less than there is room for. */
  readonly samplesMax?: number;
  readonly seriesMax?: number;
};

type Series = SeriesId & { readonly isBoolean: boolean; readonly lastAt: number };

/** Both stores are open, and stay so. Rejects with a StoreError when one of them fails: started again, it goes on. */
export async function copyHistory(options: CopyOptions): Promise<CopyResult> {
  const { from, to, signal } = options;
  const samplesMax = options.samplesMax ?? SAMPLES_MAX;
  const all = seriesOf(await from.lastValues(0));
  const chunks = chunksOf(all, options.seriesMax ?? SERIES_MAX);
  const marks = await to.watermarks();
  let copied = 0;
  const stopped = (): CopyResult => {
    return { stopped: "asked", samples: copied, series: all.length, counted: 0, missing: [] };
  };
  for (const [n, chunk] of chunks.entries()) {
    const lane = laneOf(chunk);
    const fromMs = marks.find(
      (mark) => mark.agent === COPY_AGENT && mark.site === OWN_SITE && mark.epoch === lane,
    )?.seq;
    const toMs = Math.max(...chunk.map(({ lastAt }) => lastAt)) + 1;
    const firstMs = fromMs ?? 0;
    for await (const part of partsOf(from, chunk, { fromMs: firstMs, toMs, samplesMax })) {
      await to.append(batchesOf(chunk, part, lane, options.clock.now()));
      copied += part.at.length;
      const share = (n + Math.min(1, (part.until - firstMs) / Math.max(1, toMs - firstMs))) / chunks.length;
      options.onProgress?.({ share, samples: copied, at: part.until });
      if (signal?.aborted) return stopped();
    }
  }
  const compared = await compare(options, chunks, samplesMax);
  if (compared === null) return stopped();
  const { counted, missing } = compared;
  if (options.withWatermarks && missing.length === 0)
    await copyWatermarks(await from.watermarks(), to, options.clock.now());
  return { stopped: null, samples: copied, series: all.length, counted, missing };
}

/** A series is one number or boolean after the other, as its newest value is. */
function seriesOf(values: readonly LastValue[]): Series[] {
  const all = values.map(({ site, subject, metric, at, value }) => ({
    ...{ site, ...splitSubject(subject), metric },
    ...{ isBoolean: typeof value === "boolean", lastAt: at },
  }));
  // The same order in each run: how far a chunk is means the same series.
  return all.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ site, device, component, metric }: SeriesId): string =>
  JSON.stringify([site, device, component, metric]);

function chunksOf(series: readonly Series[], most: number): Series[][] {
  return Array.from({ length: Math.ceil(series.length / most) }, (_, n) => series.slice(n * most, (n + 1) * most));
}

/** The name of a chunk's lane: other series, another lane (FNV-1a over their names). */
function laneOf(chunk: readonly Series[]): string {
  let hash = 0x811c9dc5;
  for (const series of chunk) {
    for (const char of keyOf(series)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return `copy-${chunk.length}-${hash.toString(16).padStart(8, "0")}`;
}

/** All samples of a chunk in order of time, in parts that a question gives at once. */
async function* partsOf(
  store: TimeSeriesStore,
  chunk: readonly Series[],
  range: { readonly fromMs: number; readonly toMs: number; readonly samplesMax: number },
): AsyncGenerator<Samples> {
  const { toMs, samplesMax } = range;
  let next = await firstAt(store, chunk, range);
  let stretchMs = STRETCH_MS_FIRST;
  while (next < toMs) {
    const end = Math.min(toMs, next + stretchMs);
    const part = await store.samples(chunk, { from: next, to: end, samplesMax });
    yield part;
    if (part.until < end) stretchMs = Math.max(STRETCH_MS_MIN, stretchMs / 2);
    else if (part.at.length < samplesMax / 4) stretchMs = Math.min(STRETCH_MS_MAX, stretchMs * 2);
    next = part.until;
  }
}

/** Where its first sample is: nothing is asked for of the years before. */
async function firstAt(
  store: TimeSeriesStore,
  chunk: readonly Series[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<number> {
  const first = await store.samples(chunk, { from: fromMs, to: toMs, samplesMax: 1 });
  return first.at[0] ?? toMs;
}

type OpenReading = {
  readonly device: string;
  readonly at: number;
  readonly samples: readonly [{ readonly component: string | null; readonly metrics: Record<string, Value> }];
};

/** A part as batches, one a site; the last says how far the chunk is. */
function batchesOf(chunk: readonly Series[], part: Samples, epoch: string, now: number): TelemetryBatch[] {
  const bySite = new Map<string, Map<string, OpenReading>>();
  for (let n = 0; n < part.at.length; n++) {
    const series = chunk[part.series[n] ?? -1];
    const at = part.at[n];
    const value = part.value[n];
    if (series === undefined || at === undefined || value === undefined) continue;
    const { site, device, component, metric, isBoolean } = series;
    const readings = getOr(bySite, site, () => new Map<string, OpenReading>());
    const reading = getOr(readings, `${at} ${JSON.stringify([device, component])}`, (): OpenReading => {
      return { device, at, samples: [{ component, metrics: {} }] };
    });
    reading.samples[0].metrics[metric] = isBoolean ? value !== 0 : value;
  }
  const batch = (site: string, readings: readonly Reading[]): TelemetryBatch => {
    const key = { epoch, lane: "history", seq: part.until } as const;
    return { ...key, site, agent: COPY_AGENT, skewMs: 0, message: encodeTelemetry({ ...key, sentAt: now }, readings) };
  };
  const ofSites = [...bySite].map(([site, readings]) => batch(site, [...readings.values()]));
  // A collector's own device is a site of its own; its lane tells of the chunk as well.
  return bySite.has(OWN_SITE) ? ofSites : [...ofSites, batch(OWN_SITE, [])];
}

/** Each series' samples in both stores, or null when it was stopped; a moment of a series counts once, as one of the stores keeps it. */
async function compare(
  { from, to, signal }: CopyOptions,
  chunks: readonly (readonly Series[])[],
  samplesMax: number,
): Promise<Pick<CopyResult, "counted" | "missing"> | null> {
  let counted = 0;
  const missing: { series: SeriesId; samples: number }[] = [];
  for (const chunk of chunks) {
    const toMs = Math.max(...chunk.map(({ lastAt }) => lastAt)) + 1;
    const range = { fromMs: 0, toMs, samplesMax };
    if (signal?.aborted) return null;
    const [here, there] = [await countsOf(from, chunk, range), await countsOf(to, chunk, range)];
    for (const [place, { isBoolean: _, lastAt: __, ...series }] of chunk.entries()) {
      counted += Math.min(here[place] ?? 0, there[place] ?? 0);
      const lacks = (here[place] ?? 0) - (there[place] ?? 0);
      if (lacks > 0) missing.push({ series, samples: lacks });
    }
  }
  return { counted, missing };
}

async function countsOf(
  store: TimeSeriesStore,
  chunk: readonly Series[],
  range: { readonly fromMs: number; readonly toMs: number; readonly samplesMax: number },
): Promise<Float64Array> {
  const counts = new Float64Array(chunk.length);
  const lastAt = new Float64Array(chunk.length).fill(Number.NaN);
  for await (const part of partsOf(store, chunk, range)) {
    for (let n = 0; n < part.at.length; n++) {
      const place = part.series[n] ?? -1;
      const at = part.at[n] ?? Number.NaN;
      if (lastAt[place] !== at) counts[place] = (counts[place] ?? 0) + 1;
      lastAt[place] = at;
    }
  }
  return counts;
}

/** Empty batches, each with a lane's watermark: what is below it is in the history that was copied. */
async function copyWatermarks(marks: readonly Watermark[], to: TimeSeriesStore, now: number): Promise<void> {
  const batches = marks
    .filter(({ agent }) => agent !== COPY_AGENT)
    .map((mark: LaneKey & { seq: number }): TelemetryBatch => {
      const { epoch, lane, seq } = mark;
      return { ...mark, skewMs: 0, message: encodeTelemetry({ epoch, lane, seq, sentAt: now }, []) };
    });
  await to.append(batches);
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** What a run ended with, for people. */
export function copyText(result: CopyResult): string {
  const lines = [
    `${result.samples.toLocaleString("en")} samples of ${result.series.toLocaleString("en")} series copied`,
  ];
  if (result.stopped !== null) return `${lines[0]}, then stopped. The same command goes on from there.`;
  lines.push(`${result.counted.toLocaleString("en")} samples counted in both`);
  for (const { series, samples } of result.missing.slice(0, 20)) {
    lines.push(`missing: ${samples.toLocaleString("en")} of ${keyOf(series)}`);
  }
  if (result.missing.length > 20) lines.push(`and of ${result.missing.length - 20} series more`);
  return lines.join("\n");
}
