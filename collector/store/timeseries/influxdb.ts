/**
 * The time-series store on an InfluxDB server (1.x, or 2.x by its token and InfluxQL): influxdb-lines.ts has the layout,
 * influxdb-http.ts the wire.
 *
 * InfluxDB has no transactions, so this is what stands for one: **samples first, then how far the lane is**. A batch's
 * lines are written and answered with 204, which InfluxDB does after fsync; only then are the watermarks of the lanes
 * written, in a request of their own; only then does `append` resolve, and the agent hears an ack. Whoever dies in
 * between leaves samples that no watermark covers: the batch comes again, and the same lines make the same points. A
 * watermark never stands for samples that are not there, also after a restore of an older InfluxDB backup, since both
 * are in the same database.
 *
 * Appends are grouped: what arrives while one group is written is the next. When one fails, everything behind it fails
 * too, and what is known of lanes is read again: a request that timed out may have worked.
 *
 * The collector starts while the server is down: `open` tells and goes on, `watermarks` rejects with `unreachable`, and
 * the first append that gets through reads them.
 *
 * Watermarks stand at the beginning of the present day and are all written anew each day, so that no retention policy
 * takes those of a lane that is silent; the greatest counts, whatever a clock said.
 */
import { type Clock, errorText } from "@aislewatch/base";
import { sampleCount } from "@aislewatch/contract";
import { StoreError } from "../error.ts";
import { type InfluxAddress, InfluxHttp, type InfluxLimits, isDatabaseGone, type Series } from "./influxdb-http.ts";
import { fieldsOf, LineEncoder, laneLine, metricOf, withoutField } from "./influxdb-lines.ts";
import * as ask from "./influxdb-questions.ts";
import type {
  LaneKey,
  LastValue,
  Point,
  Samples,
  SeriesId,
  TelemetryBatch,
  TimeSeriesStore,
  Watermark,
} from "./store.ts";

export type InfluxStoreOptions = {
  readonly address: InfluxAddress;
  /** Says what day it is, for watermarks; nothing else depends on it. */
  readonly clock: Clock;
  /** For a database that we make (`api: v1`); null keeps samples for good. Buckets of v2 have their own. */
  readonly retentionMs?: number | null;
  readonly limits?: Partial<InfluxStoreLimits>;
  /** Samples that InfluxDB refused and that were set aside, or a setting that could not be made. */
  readonly onProblem?: (error: StoreError) => void;
};

export type InfluxStoreLimits = InfluxLimits & {
  /**
   * Text of one write. Measured (test/bench/influxdb.ts): 256 KiB cost the server a third more CPU a sample than 1 MiB;
   * 4 MiB a ninth less, and keep our thread four times as long each. InfluxDB takes 25 MB.
   */
  readonly writeCharsMax: number;
  /** Writes under way at a time: one is made while others are stored. */
  readonly writesMax: number;
  /** Samples in calls that wait for a group; past it, calls are refused with `busy`. */
  readonly queueSamplesMax: number;
  /** Questions that may wait at a time. */
  readonly readsMax: number;
  /** Reading all last values ends after so long, with those it has: a start does not wait for a slow server. */
  readonly lastMsMax: number;
};

const DEFAULT_LIMITS: InfluxStoreLimits = {
  writeMsMax: 30_000,
  queryMsMax: 10_000,
  answerBytesMax: 64 * 2 ** 20,
  writeCharsMax: 2 ** 20,
  writesMax: 2,
  queueSamplesMax: 4_000_000,
  readsMax: 64,
  lastMsMax: 20_000,
};

const RETENTION_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;
/** No chart has more pixels, and no reply more points. */
const POINTS_MAX = 5_000;
/** One question after raw samples: so many series, and so many samples. */
const SERIES_ASKED_MAX = 10_000;
const SAMPLES_MAX = 500_000;
/** Sites whose newest readings, and fields whose last values, are asked for at once. */
const SITES_AT_ONCE = 10;
const FIELDS_AT_ONCE = 8;
/** Fields of another type that are taken out of one write before it is given up. */
const CONFLICTS_MAX = 16;
const TELL_EVERY_MS = 60_000;

export function createInfluxStore(options: InfluxStoreOptions): TimeSeriesStore {
  return new InfluxStore(options);
}

type Caller = {
  readonly batches: readonly TelemetryBatch[];
  readonly samples: number;
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
};

type Lane = { readonly key: LaneKey; taken: number; committed: number };
type Lanes = Map<string, Lane>;

class InfluxStore implements TimeSeriesStore {
  readonly #options: InfluxStoreOptions;
  readonly #limits: InfluxStoreLimits;
  readonly #http: InfluxHttp;
  readonly #encoder = new LineEncoder();
  #state: "new" | "open" | "closed" = "new";
  /** How far the server has each lane; null when that has to be read (again). */
  #lanes: Lanes | null = null;
  #loading: Promise<Lanes> | null = null;
  #waiting: Caller[] = [];
  #waitingSamples = 0;
  #flying: Caller[] | null = null;
  #idle: (() => void)[] = [];
  #reads = 0;
  #refusedSamples = 0;
  /** Refused since that was told last, and when that was. */
  #untold = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** The day for which all watermarks were written. */
  #markedDay = -1;

  constructor(options: InfluxStoreOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#http = new InfluxHttp(options.address, this.#limits);
  }

  /** Resolves also while the server can't be reached: what is appended then waits for it. */
  async open(): Promise<void> {
    if (this.#state !== "new") throw new StoreError("closed", "this store was opened before");
    this.#state = "open";
    try {
      await this.#load();
    } catch (thrown) {
      this.#options.onProblem?.(asStoreError(thrown));
    }
  }

  append(batches: readonly TelemetryBatch[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const samples = batches.reduce((sum, { message }) => sum + sampleCount(message), 0);
      if (this.#state !== "open") return reject(closedError());
      if (this.#waiting.length > 0 && this.#waitingSamples + samples > this.#limits.queueSamplesMax) {
        return reject(new StoreError("busy", `${this.#waitingSamples} samples wait to be stored already`));
      }
      this.#waiting.push({ batches, samples, resolve, reject });
      this.#waitingSamples += samples;
      if (this.#flying === null) void this.#pump();
    });
  }

  async watermarks(): Promise<Watermark[]> {
    if (this.#state !== "open") throw closedError();
    const lanes = await this.#load();
    return [...lanes.values()]
      .filter(({ committed }) => committed > 0)
      .map(({ key, committed }) => ({ ...key, seq: committed }));
  }

  async query(series: SeriesId, range: { from: number; to: number; pointsMax: number }): Promise<Point[]> {
    const from = Math.ceil(range.from);
    const to = Math.ceil(range.to);
    const pointsMax = Math.min(POINTS_MAX, Math.max(1, Math.floor(range.pointsMax)));
    if (!(to > from)) return this.#read(async () => []);
    return this.#read(async () => {
      const raw = await this.#http.ask(ask.rawQuestion(series, { from, to, rowsMax: pointsMax + 1 }));
      const points = ask.pointsOfRaw(raw);
      if (points.length <= pointsMax) return points;
      const widthMs = Math.max(1, Math.ceil((to - from) / pointsMax));
      return ask.pointsOfBuckets(await this.#http.ask(ask.bucketsQuestion(series, { from, to, widthMs })));
    });
  }

  async samples(
    series: readonly SeriesId[],
    range: { from: number; to: number; samplesMax: number; beforeMs?: number },
  ): Promise<Samples> {
    const from = Math.ceil(range.from);
    const to = Math.ceil(range.to);
    const samplesMax = Math.min(SAMPLES_MAX, Math.max(1, Math.floor(range.samplesMax)));
    const asked = series.slice(0, SERIES_ASKED_MAX);
    const places = new Places(asked);
    if (asked.length === 0 || !(to > from)) return columnsOf([], [], to);
    return this.#read(async () => {
      const found: Sample[] = [];
      const before: Sample[] = [];
      let until = to;
      for (const selection of ask.selectionsOf(asked)) {
        if (range.beforeMs !== undefined && range.beforeMs > 0) {
          const question = ask.newestQuestion(selection, { from: from - Math.ceil(range.beforeMs), to: from });
          places.addNewest(await this.#http.ask(question), selection.fields, before);
        }
        until = Math.min(until, await this.#rows(selection, { from, to, samplesMax }, places, found));
      }
      const whole = upTo(found, until, samplesMax);
      return columnsOf(newestOnly(before), whole.samples, whole.until);
    });
  }

  /**
   * First the newest readings of each device, site by site, which have nearly all; then each metric by itself, for those
   * that a device tells more rarely. That takes InfluxDB several times as long, and is cut short when it takes too long.
   */
  async lastValues(sinceMs: number): Promise<LastValue[]> {
    const { clock, onProblem } = this.#options;
    const since = Math.ceil(sinceMs);
    const startedAt = clock.monotonic();
    return this.#read(async () => {
      const newest = new Map<string, LastValue>();
      const take = (values: readonly LastValue[]): void => {
        for (const value of values) {
          const key = JSON.stringify([value.site, value.subject, value.metric]);
          if ((newest.get(key)?.at ?? Number.NEGATIVE_INFINITY) <= value.at) newest.set(key, value);
        }
      };
      const sites = ask.sitesOf(await this.#http.ask(ask.sitesQuestion));
      const fields = ask.fieldNamesOf(await this.#http.ask(ask.fieldsQuestion));
      const steps = [
        ...groupsOf(sites, SITES_AT_ONCE).map((some) => async () => {
          take(ask.valuesOfRows(await this.#http.ask(ask.newestRowsQuestion(some, since))));
        }),
        ...groupsOf(fields, FIELDS_AT_ONCE).map((some) => async () => {
          take(ask.lastValuesOf(await this.#http.ask(ask.lastQuestion(some, since)), some));
        }),
      ];
      for (const [n, step] of steps.entries()) {
        if (clock.monotonic() - startedAt > this.#limits.lastMsMax) {
          const detail = `last values were not read in time: ${steps.length - n} of ${steps.length} questions are left`;
          onProblem?.(new StoreError("busy", `${detail}. What they would have told is unknown until it is read anew`));
          break;
        }
        await step();
      }
      return [...newest.values()];
    });
  }

  /** Reads everything: for tests and copies, not for a running fleet. Bytes are 0 where the server does not say. */
  async stats(): Promise<{ samples: number; series: number; bytesOnDisk: number; refusedSamples: number }> {
    return this.#read(async () => {
      const counts = ask.countsOf(await this.#http.ask(ask.countsQuestion));
      const database = databaseOf(this.#options.address);
      const bytesOnDisk = await this.#http.ask("SHOW STATS").then(
        (tables) => ask.diskBytesOf(tables, database),
        () => 0,
      );
      return { ...counts, bytesOnDisk, refusedSamples: this.#refusedSamples };
    });
  }

  async close(): Promise<void> {
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    if (wasOpen && (this.#flying !== null || this.#waiting.length > 0)) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    this.#http.close();
  }

  /** Writes what waits, group after group, until nothing does. */
  async #pump(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#flying = group;
      this.#waiting = [];
      this.#waitingSamples = 0;
      try {
        const lanes = await this.#load();
        await this.#write(lanes, group);
        for (const { resolve } of group) resolve();
      } catch (thrown) {
        this.#failAll(asStoreError(thrown));
      }
    }
    this.#flying = null;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** After a failure nothing that was given since may be stored before it: every caller gives its batches again. */
  #failAll(error: StoreError): void {
    const callers = [...(this.#flying ?? []), ...this.#waiting];
    this.#waiting = [];
    this.#waitingSamples = 0;
    this.#lanes = null;
    for (const { reject } of callers) reject(error);
  }

  async #write(lanes: Lanes, group: readonly Caller[]): Promise<void> {
    const moved = new Set<Lane>();
    const writes = new Writes(this.#limits.writesMax, (lines) => this.#store(lines));
    let lines: string[] = [];
    let chars = 0;
    for (const batch of group.flatMap(({ batches }) => batches)) {
      const lane = laneOf(lanes, batch);
      if (batch.seq <= lane.taken) continue;
      lane.taken = batch.seq;
      moved.add(lane);
      const before = lines.length;
      const { refused } = this.#encoder.encode(batch, lines);
      this.#refusedSamples += refused;
      for (let n = before; n < lines.length; n++) chars += (lines[n]?.length ?? 0) + 1;
      if (chars < this.#limits.writeCharsMax) continue;
      await writes.add(lines);
      lines = [];
      chars = 0;
    }
    if (lines.length > 0) await writes.add(lines);
    await writes.end();
    await this.#mark(lanes, moved);
    for (const lane of moved) lane.committed = lane.taken;
  }

  /** How far the lanes are, once their samples are there; once a day those of all, also of lanes that are silent. */
  async #mark(lanes: Lanes, moved: ReadonlySet<Lane>): Promise<void> {
    if (moved.size === 0) return;
    const day = Math.floor(this.#options.clock.now() / DAY_MS);
    const isNewDay = day !== this.#markedDay;
    const due = isNewDay ? [...lanes.values()].filter(({ taken }) => taken > 0) : [...moved];
    const answer = await this.#http.write(due.map(({ key, taken }) => laneLine(key, taken, day * DAY_MS)));
    if (answer.kind !== "stored") throw new StoreError("failed", `watermarks were refused: ${answer.detail}`);
    this.#markedDay = day;
  }

  /**
   * Stores lines, or as many of them as InfluxDB takes; the rest is counted and told. Rejects when it is not known what
   * became of them: all of them are then given again.
   */
  async #store(lines: readonly string[]): Promise<void> {
    let left = lines;
    for (let conflicts = 0; left.length > 0; conflicts++) {
      const answer = await this.#http.write(left);
      if (answer.kind === "stored") return;
      if (answer.kind === "refused") return this.#storeHalves(left, answer.detail);
      const { field, dropped, detail } = answer;
      const { metric, isBoolean } = metricOf(field ?? "");
      const known = fieldsOf(metric)[isBoolean ? "boolean" : "number"];
      const kept = field === null ? left : left.flatMap((line) => withoutField(line, known) ?? []);
      const taken = left.filter((line) => withoutField(line, known) !== line).length;
      if (field === null || taken === 0 || conflicts >= CONFLICTS_MAX) return this.#setAside(dropped, detail);
      // Somebody else wrote this field with another type: without it the same readings are taken.
      this.#setAside(taken, detail);
      left = kept;
    }
  }

  /** One bad line hides among good ones: it is looked for by halves, and the good ones are stored. */
  async #storeHalves(lines: readonly string[], detail: string): Promise<void> {
    if (lines.length <= 1) return this.#setAside(lines.length, detail);
    const middle = lines.length >> 1;
    await this.#store(lines.slice(0, middle));
    await this.#store(lines.slice(middle));
  }

  /** Told at most once a minute: after an outage of days each write may hold what is too old. */
  #setAside(count: number, detail: string): void {
    if (count === 0) return;
    this.#refusedSamples += count;
    this.#untold += count;
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#toldMs < TELL_EVERY_MS) return;
    const message = `InfluxDB refused ${this.#untold} of what it was given: ${detail}`;
    this.#toldMs = nowMs;
    this.#untold = 0;
    this.#options.onProblem?.(new StoreError("failed", message));
  }

  /** What the server has; makes the database when there is none. One attempt at a time. */
  #load(): Promise<Lanes> {
    if (this.#state === "new") return Promise.reject(closedError());
    if (this.#lanes !== null) return Promise.resolve(this.#lanes);
    this.#loading ??= this.#readLanes().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #readLanes(): Promise<Lanes> {
    await this.#prepare();
    const marks = ask.watermarksOf(await this.#http.ask(ask.watermarksQuestion));
    const lanes: Lanes = new Map();
    for (const { seq, ...key } of marks) lanes.set(laneName(key), { key, taken: seq, committed: seq });
    this.#lanes = lanes;
    return lanes;
  }

  /** With `api: v1` the database is made, and kept samples for as long as is wanted; a bucket is its owner's. */
  async #prepare(): Promise<void> {
    const { address, retentionMs = RETENTION_MS } = this.#options;
    if (address.api !== "v1") return;
    const { database } = address;
    let policies: Series[][];
    try {
      policies = await this.#http.ask(ask.policiesQuestion(database));
    } catch (thrown) {
      const error = asStoreError(thrown);
      if (isDatabaseGone(error.message)) await this.#http.ask(ask.createDatabaseQuestion(database, retentionMs));
      // Who may only write and read is not told of policies, and needs none.
      else if (error.kind === "unreachable") throw error;
      return;
    }
    const change = ask.policyChange(policies, database, retentionMs);
    if (change === null) return;
    await this.#http.ask(change).catch((thrown: unknown) => this.#options.onProblem?.(asStoreError(thrown)));
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    if (this.#state !== "open") throw closedError();
    if (this.#reads >= this.#limits.readsMax) throw new StoreError("busy", `${this.#reads} reads wait already`);
    this.#reads++;
    try {
      return await read();
    } finally {
      this.#reads--;
    }
  }

  /** Appends a selection's samples to `into`; gives up to where all of them are there. */
  async #rows(
    selection: ask.Selection,
    range: { from: number; to: number; samplesMax: number },
    places: Places,
    into: Sample[],
  ): Promise<number> {
    const { from, to } = range;
    const rowsMax = Math.max(1, Math.floor(range.samplesMax / selection.fieldsOfOneMax));
    const rows = placed(await this.#http.ask(ask.rowsQuestion(selection, { from, to, rowsMax })));
    const lastAt = rows.at(-1)?.at ?? to;
    if (rows.length < rowsMax) {
      places.addRows(rows, into);
      return to;
    }
    // Whether all of the last instant came, nobody knows. Where it is the only one it is asked for as a whole.
    const isOneInstant = rows[0]?.at === lastAt;
    const whole = isOneInstant
      ? placed(await this.#http.ask(ask.rowsQuestion(selection, { from: lastAt, to: lastAt + 1, rowsMax: null })))
      : rows.filter(({ at }) => at < lastAt);
    places.addRows(whole, into);
    return isOneInstant ? lastAt + 1 : lastAt;
  }
}

/** Writes, at most so many under way; the first failure ends it, and is told at the end or at the next write. */
class Writes {
  readonly #most: number;
  readonly #write: (lines: readonly string[]) => Promise<void>;
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly thrown: unknown } | null = null;

  constructor(most: number, write: (lines: readonly string[]) => Promise<void>) {
    this.#most = most;
    this.#write = write;
  }

  async add(lines: readonly string[]): Promise<void> {
    const one = this.#write(lines)
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown };
      })
      .finally(() => this.#underWay.delete(one));
    this.#underWay.add(one);
    if (this.#underWay.size >= this.#most) await Promise.race(this.#underWay);
    await this.#check();
  }

  async end(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#check();
  }

  /** Nothing is under way any more when it throws: what comes again must not overtake it. */
  async #check(): Promise<void> {
    if (this.#failure === null) return;
    await Promise.all(this.#underWay);
    throw this.#failure.thrown;
  }
}

const groupsOf = <T>(all: readonly T[], most: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / most) }, (_, n) => all.slice(n * most, (n + 1) * most));

type Sample = { readonly place: number; readonly at: number; readonly value: number };
type Row = { readonly at: number; readonly cells: Readonly<Record<string, unknown>> };

/** Where in the list each series is. */
class Places {
  readonly #places = new Map<string, number>();

  constructor(series: readonly SeriesId[]) {
    for (const [place, { site, device, component, metric }] of series.entries()) {
      this.#places.set(JSON.stringify([site, device, component, metric]), place);
    }
  }

  addRows(rows: readonly Row[], into: Sample[]): void {
    for (const { at, cells } of rows) {
      const subject = ask.subjectOf(cells);
      for (const [field, value] of Object.entries(cells))
        if (typeof value === "number") this.#add(subject, { field, at, value }, into);
    }
  }

  /** `fields`: what was asked for, a statement each. */
  addNewest(answers: readonly Series[][], fields: readonly string[], into: Sample[]): void {
    for (const [n, tables] of answers.entries()) {
      for (const { tags, values } of tables) {
        const [at, value] = values[0] ?? [];
        if (typeof at !== "number" || typeof value !== "number") continue;
        this.#add(ask.subjectOf(tags), { field: fields[n] ?? "", at, value }, into);
      }
    }
  }

  #add(subject: Omit<SeriesId, "metric">, found: { field: string; at: number; value: number }, into: Sample[]): void {
    const { site, device, component } = subject;
    const place = this.#places.get(JSON.stringify([site, device, component, metricOf(found.field).metric]));
    if (place !== undefined) into.push({ place, at: found.at, value: found.value });
  }
}

/** The first column is the time; no field is named so (influxdb-lines.ts). */
const placed = ([tables = []]: readonly Series[][]): Row[] =>
  tables.flatMap(({ columns, values }) =>
    values.map(([at, ...cells]) => ({
      at: Number(at),
      cells: Object.fromEntries(cells.map((cell, n) => [columns[n + 1] ?? "", cell])),
    })),
  );

/** A number and a boolean of one series are two answers: the newer is meant. */
function newestOnly(samples: readonly Sample[]): Sample[] {
  const newest = new Map<number, Sample>();
  for (const sample of samples)
    if ((newest.get(sample.place)?.at ?? Number.NEGATIVE_INFINITY) <= sample.at) newest.set(sample.place, sample);
  return [...newest.values()].sort((a, b) => a.at - b.at);
}

/**
 * In order of time, and no more than wanted where that is possible: the last instant stays for the next question unless it
 * is the only one.
 */
function upTo(found: readonly Sample[], until: number, samplesMax: number): { samples: Sample[]; until: number } {
  const samples = found.filter(({ at }) => at < until).sort((a, b) => a.at - b.at);
  const cutAt = samples[samplesMax]?.at;
  if (cutAt === undefined || cutAt === samples[0]?.at) return { samples, until };
  return { samples: samples.filter(({ at }) => at < cutAt), until: cutAt };
}

function columnsOf(before: readonly Sample[], found: readonly Sample[], until: number): Samples {
  const all = [...before, ...found];
  return {
    series: Int32Array.from(all, ({ place }) => place),
    at: Float64Array.from(all, ({ at }) => at),
    value: Float64Array.from(all, ({ value }) => value),
    until,
  };
}

function laneOf(lanes: Lanes, { site, agent, epoch, lane }: LaneKey): Lane {
  const key = { site, agent, epoch, lane };
  const name = laneName(key);
  const known = lanes.get(name) ?? { key, taken: 0, committed: 0 };
  lanes.set(name, known);
  return known;
}

const laneName = ({ site, agent, epoch, lane }: LaneKey): string => JSON.stringify([site, agent, epoch, lane]);

const databaseOf = (address: InfluxAddress): string => (address.api === "v1" ? address.database : address.bucket);

const closedError = (): StoreError => new StoreError("closed", "the time-series store is not open");

function asStoreError(thrown: unknown): StoreError {
  return thrown instanceof StoreError ? thrown : new StoreError("failed", errorText(thrown), { cause: thrown });
}
