/**
 * The embedded time-series store: DuckDB in a worker thread (duckdb-serve.ts), never on this one.
 *
 * Appends are grouped: while one transaction is being committed, the batches that arrive are laid out in columns for
 * the next one, so that a commit costs one fsync whatever the number of agents. Each call resolves with the transaction
 * that its batches are in. When one fails, everything after it fails too, because the watermark of a later batch would
 * hide the loss of an earlier one; what this side knows is then thrown away and read from the file again, for a
 * transaction may have been committed without us hearing of it.
 */
import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import { joinSubject, sampleCount } from "@aislewatch/contract";
import { StoreError } from "../error.ts";
import {
  DEFAULT_LIMITS,
  type DuckDbLimits,
  type DuckDbOptions,
  type DuckDbTimeSeriesStore,
  RETENTION_MS,
  ROLLUP_RETENTION_MS,
  type Sealed,
  sealedFolder,
} from "./duckdb-options.ts";
import type {
  Columns,
  Loaded,
  Notice,
  Operation,
  Operations,
  Reply,
  Request,
  WorkerOptions,
} from "./duckdb-protocol.ts";
import { SampleColumns, SeriesRegistry } from "./flatten.ts";
import type { LaneKey, LastValue, Point, Samples, SeriesId, TelemetryBatch, Watermark } from "./store.ts";

/** How often it is looked for what is too old, and for a day that is past. */
const KEEP_EVERY_MS = 3_600_000;
/** No chart has more pixels, and no reply more points. */
const POINTS_MAX = 5_000;
/** One question after raw samples: so many series, and so many samples (16 MB on their way). */
const SERIES_ASKED_MAX = 10_000;
const SAMPLES_MAX = 500_000;

export function createDuckDbStore(options: DuckDbOptions): DuckDbTimeSeriesStore {
  return new DuckDbStore(options);
}

type Caller = {
  readonly batches: readonly TelemetryBatch[];
  readonly samples: number;
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
};

type Lane = { readonly key: LaneKey; readonly id: number; taken: number; committed: number };

/** One transaction in the making. */
type Group = {
  columns: SampleColumns;
  readonly callers: Caller[];
  readonly newLanes: Lane[];
  readonly moved: Set<Lane>;
};

type Known = { readonly registry: SeriesRegistry; readonly lanes: Map<string, Lane> };
type Pending = { readonly resolve: (value: never) => void; readonly reject: (error: StoreError) => void };

class DuckDbStore implements DuckDbTimeSeriesStore {
  readonly #options: DuckDbOptions;
  readonly #limits: DuckDbLimits;
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #reads = 0;
  #worker: Worker | null = null;
  #state: "new" | "open" | "closed" = "new";
  /** What the file holds, as far as we know; null when it has to be read (again). */
  #known: Known | null = null;
  #loading: Promise<Known> | null = null;
  #waiting: Caller[] = [];
  #waitingSamples = 0;
  #group: Group = emptyGroup();
  #flying: Group | null = null;
  #spare: SampleColumns | null = null;
  #idle: (() => void)[] = [];
  #refusedSamples = 0;
  #sealed: Sealed = { files: 0, bytes: 0, setAside: 0 };
  #keeping: Promise<void> | null = null;
  #cancelKeeping: () => void = () => undefined;

  constructor(options: DuckDbOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  async open(): Promise<void> {
    if (this.#state !== "new") throw new StoreError("closed", "this store was opened before");
    this.#state = "open";
    try {
      await this.#load();
    } catch (thrown) {
      await this.#shutDown();
      this.#state = "new";
      throw thrown;
    }
    await this.#retain();
    // Sealing goes on beside everything else, for minutes if need be.
    this.#keeping = this.#seal();
    this.#scheduleKeeping();
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
      this.#pump();
    });
  }

  async watermarks(): Promise<Watermark[]> {
    const { lanes } = await this.#load();
    return [...lanes.values()]
      .filter(({ committed }) => committed > 0)
      .map(({ key, committed }) => ({ ...key, seq: committed }));
  }

  async query(series: SeriesId, range: { from: number; to: number; pointsMax: number }): Promise<Point[]> {
    const from = Math.ceil(range.from);
    const to = Math.ceil(range.to);
    const pointsMax = Math.min(POINTS_MAX, Math.max(1, Math.floor(range.pointsMax)));
    const { registry } = await this.#load();
    const id = registry.find(series);
    if (id === undefined || !(to > from)) return [];
    const flat = await this.#read("query", { series: id, from, to, pointsMax });
    const points: Point[] = [];
    for (let n = 0; n < flat.length; n += 4) {
      const [at = 0, mean = 0, min = 0, max = 0] = flat.subarray(n, n + 4);
      points.push({ at, mean, min, max });
    }
    return points;
  }

  async samples(
    series: readonly SeriesId[],
    range: { from: number; to: number; samplesMax: number; beforeMs?: number },
  ): Promise<Samples> {
    const from = Math.ceil(range.from);
    const to = Math.ceil(range.to);
    const { registry } = await this.#load();
    const placeOf = new Map<number, number>();
    for (const [place, each] of series.slice(0, SERIES_ASKED_MAX).entries()) {
      const id = registry.find(each);
      if (id !== undefined) placeOf.set(id, place);
    }
    if (placeOf.size === 0 || !(to > from)) return columnsOf(new Float64Array(), placeOf, to);
    const samplesMax = Math.min(SAMPLES_MAX, Math.max(1, Math.floor(range.samplesMax)));
    const beforeMs = Math.ceil(range.beforeMs ?? 0);
    const flat = await this.#read("samples", { series: [...placeOf.keys()], from, to, samplesMax, beforeMs });
    return columnsOf(flat.subarray(1), placeOf, flat[0] ?? to);
  }

  async lastValues(sinceMs: number): Promise<LastValue[]> {
    const { registry } = await this.#load();
    const flat = await this.#read("last", { sinceMs: Math.ceil(sinceMs) });
    const values: LastValue[] = [];
    for (let n = 0; n < flat.length; n += 3) {
      const [id = 0, at = 0, value = 0] = flat.subarray(n, n + 3);
      const row = registry.row(id);
      if (row === undefined) continue;
      const { site, device, component, metric, boolean } = row;
      values.push({ site, subject: joinSubject(device, component), metric, at, value: boolean ? value !== 0 : value });
    }
    return values;
  }

  async stats(): Promise<{ samples: number; series: number; bytesOnDisk: number; refusedSamples: number }> {
    const { registry } = await this.#load();
    const samples = await this.#read("count", {});
    const { file } = this.#options;
    // The log is not there after a checkpoint.
    const [main, log] = await Promise.all([file, `${file}.wal`].map((path) => stat(path).catch(() => null)));
    const bytesOnDisk = (main?.size ?? 0) + (log?.size ?? 0) + this.#sealed.bytes;
    return { samples, series: registry.count, bytesOnDisk, refusedSamples: this.#refusedSamples };
  }

  async snapshot(folder: string, signal: AbortSignal): Promise<void> {
    if (this.#state !== "open") throw closedError();
    if (signal.aborted) throw new StoreError("closed", "the copy was stopped");
    const stop = (): void => void this.#call("stopSnapshot", {}).catch(() => null);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await this.#call("snapshot", { folder });
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    if (this.#state !== "open") {
      this.#state = "closed";
      return;
    }
    this.#state = "closed";
    this.#cancelKeeping();
    // What was handed over is still written; what comes from now on is refused.
    if (this.#waiting.length + this.#group.callers.length > 0 || this.#flying !== null) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    await this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    const gone = new Promise((resolve) => worker.once("exit", resolve));
    await this.#call("close", {}).catch(() => null);
    await gone;
  }

  /** Moves what waits into the group in the making, and sends that when the one before it is done. */
  #pump(): void {
    const known = this.#known;
    if (known === null) {
      if (this.#waiting.length > 0) this.#load().then(() => this.#pump(), this.#failAll);
      return;
    }
    let next = 0;
    while (next < this.#waiting.length && this.#group.columns.count < this.#limits.groupSamplesMax) {
      const caller = this.#waiting[next++];
      if (caller !== undefined) this.#take(known, caller);
    }
    if (next > 0) this.#waiting.splice(0, next);
    if (this.#flying === null && this.#group.callers.length > 0) this.#send(known);
    if (this.#flying === null && this.#waiting.length === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take({ registry, lanes }: Known, caller: Caller): void {
    this.#waitingSamples -= caller.samples;
    this.#group.callers.push(caller);
    for (const batch of caller.batches) {
      const name = laneName(batch);
      let lane = lanes.get(name);
      if (batch.seq <= (lane?.taken ?? 0)) continue;
      if (lane === undefined) {
        const { site, agent, epoch } = batch;
        lane = { key: { site, agent, epoch, lane: batch.lane }, id: lanes.size, taken: 0, committed: 0 };
        lanes.set(name, lane);
        this.#group.newLanes.push(lane);
      }
      lane.taken = batch.seq;
      this.#group.moved.add(lane);
      this.#refusedSamples += registry.flatten(batch, this.#group.columns);
    }
  }

  #send(known: Known): void {
    const group = this.#group;
    this.#group = emptyGroup(this.#spare);
    this.#spare = null;
    if (group.moved.size === 0) {
      // Only repeats of what is already on disk.
      this.#spare = group.columns;
      for (const { resolve } of group.callers) resolve();
      return;
    }
    this.#flying = group;
    const { series, atHalves, value, count } = group.columns;
    const columns: Columns = { series: series.buffer, at: atHalves.buffer, value: value.buffer, count };
    const moved = [...group.moved].map((lane) => ({ lane, seq: lane.taken }));
    const watermarks = moved.map(({ lane, seq }) => ({ lane: lane.id, seq }));
    const lanes = group.newLanes.map(({ key, id }) => ({ ...key, id }));
    this.#call("append", { columns, lanes, watermarks, ...known.registry.takeChanges() }, [
      columns.series,
      columns.at,
      columns.value,
    ]).then((returned) => {
      this.#spare = SampleColumns.over(returned);
      this.#flying = null;
      for (const { lane, seq } of moved) lane.committed = seq;
      for (const { resolve } of group.callers) resolve();
      this.#pump();
    }, this.#failAll);
  }

  /** After a failure nothing that was given since may be stored before it: every caller gives its batches again. */
  readonly #failAll = (thrown: unknown): void => {
    const error = asStoreError(thrown);
    const callers = [...(this.#flying?.callers ?? []), ...this.#group.callers, ...this.#waiting];
    this.#flying = null;
    this.#group = emptyGroup();
    this.#waiting = [];
    this.#waitingSamples = 0;
    this.#known = null;
    for (const { reject } of callers) reject(error);
    for (const resolve of this.#idle.splice(0)) resolve();
  };

  /** What the file holds; starts a thread when there is none. One attempt at a time. */
  #load(): Promise<Known> {
    if (this.#state === "new") return Promise.reject(closedError());
    if (this.#known !== null) return Promise.resolve(this.#known);
    if (this.#loading !== null) return this.#loading;
    // While it closes, what was handed over before may still need a thread.
    if (this.#state === "closed" && this.#waiting.length === 0) return Promise.reject(closedError());
    this.#loading = this.#call("load", {})
      .then((loaded) => {
        this.#known = knownFrom(loaded, this.#limits.seriesMax);
        return this.#known;
      })
      .finally(() => {
        this.#loading = null;
      });
    return this.#loading;
  }

  async #read<Op extends "query" | "samples" | "last" | "count">(
    op: Op,
    request: Operations[Op]["request"],
  ): Promise<Operations[Op]["reply"]> {
    if (this.#state !== "open") throw closedError();
    if (this.#reads >= this.#limits.readsMax) throw new StoreError("busy", `${this.#reads} reads wait already`);
    this.#reads++;
    try {
      return await this.#call(op, request);
    } finally {
      this.#reads--;
    }
  }

  #call<Op extends Operation>(
    op: Op,
    request: Operations[Op]["request"],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Operations[Op]["reply"]> {
    return new Promise((resolve, reject) => {
      const id = ++this.#requests;
      this.#pending.set(id, { resolve, reject });
      const worker = this.#worker ?? this.#start();
      worker.postMessage({ id, op, ...request } as Request, [...transfer]);
    });
  }

  #start(): Worker {
    const { file, startWorker = startDuckDbWorker } = this.#options;
    const { memoryLimitMb, threads, checkpointMb, queryMsMax, partRows, restShare } = this.#limits;
    const worker = startWorker({
      ...{ file, folder: sealedFolder(file), memoryLimitMb, threads, checkpointMb, queryMsMax, partRows, restShare },
    });
    let cause = "it ended";
    worker.on("message", (reply: Reply | Notice) => {
      if ("notice" in reply) return this.#note(reply);
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if (reply.ok) pending?.resolve(reply.value as never);
      else pending?.reject(new StoreError(reply.kind, reply.message));
    });
    worker.on("error", (error) => {
      cause = errorText(error);
    });
    worker.on("exit", (code) => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      this.#known = null;
      const pending = [...this.#pending.values()];
      this.#pending.clear();
      const error = new StoreError("worker_exited", `the database thread ended with ${code}: ${cause}`);
      for (const { reject } of pending) reject(error);
    });
    this.#worker = worker;
    return worker;
  }

  #note(notice: Notice): void {
    if (notice.notice === "set_aside") {
      this.#options.onSetAside?.(notice.name, notice.detail);
    } else {
      const { files, bytes, setAside } = notice;
      this.#sealed = { files, bytes, setAside };
    }
  }

  sealed(): Sealed {
    return this.#sealed;
  }

  #scheduleKeeping(): void {
    this.#cancelKeeping = this.#options.clock.after(KEEP_EVERY_MS, async () => {
      await this.keep();
      if (this.#state === "open") this.#scheduleKeeping();
    });
  }

  async keep(): Promise<void> {
    // One at a time: what is being sealed may take longer than an hour.
    while (this.#keeping !== null) await this.#keeping;
    if (this.#state !== "open") return;
    this.#keeping = this.#retain().then(() => this.#seal());
    await this.#keeping;
  }

  #retain(): Promise<void> {
    const { clock, retentionMs = RETENTION_MS, rollupRetentionMs = ROLLUP_RETENTION_MS } = this.#options;
    return this.#tryTo("retain", { keepMs: retentionMs, rollupKeepMs: rollupRetentionMs, nowMs: clock.now() });
  }

  async #seal(): Promise<void> {
    await this.#tryTo("seal", { nowMs: this.#options.clock.now() });
    this.#keeping = null;
  }

  /** What fails is told and tried again in an hour: on a full disk the store still has to start and read. */
  async #tryTo<Op extends "retain" | "seal">(op: Op, request: Operations[Op]["request"]): Promise<void> {
    try {
      await this.#call(op, request);
    } catch (thrown) {
      // A seal that was cut off because we are closing goes on at the next start.
      if (this.#state === "open") this.#options.onProblem?.(asStoreError(thrown));
    }
  }
}

/** `id, at, value` one after the other, to columns. */
function columnsOf(flat: Float64Array, placeOf: ReadonlyMap<number, number>, until: number): Samples {
  const count = Math.floor(flat.length / 3);
  const [series, at, value] = [new Int32Array(count), new Float64Array(count), new Float64Array(count)];
  for (let n = 0; n < count; n++) {
    series[n] = placeOf.get(flat[n * 3] ?? -1) ?? -1;
    at[n] = flat[n * 3 + 1] ?? Number.NaN;
    value[n] = flat[n * 3 + 2] ?? Number.NaN;
  }
  return { series, at, value, until };
}

export function startDuckDbWorker(options: WorkerOptions): Worker {
  return new Worker(new URL("./duckdb-worker.ts", import.meta.url), { workerData: options, name: "duckdb" });
}

function emptyGroup(columns: SampleColumns | null = null): Group {
  return { columns: columns ?? new SampleColumns(65_536), callers: [], newLanes: [], moved: new Set() };
}

function knownFrom({ series, lanes }: Loaded, seriesMax: number): Known {
  return {
    registry: new SeriesRegistry(series, seriesMax),
    lanes: new Map(
      lanes.map((row) => {
        const { id, seq, ...key } = row;
        return [laneName(row), { key, id, taken: seq, committed: seq }];
      }),
    ),
  };
}

const laneName = ({ site, agent, epoch, lane }: LaneKey): string => JSON.stringify([site, agent, epoch, lane]);

const closedError = (): StoreError => new StoreError("closed", "the time-series store is not open");

function asStoreError(thrown: unknown): StoreError {
  return thrown instanceof StoreError ? thrown : new StoreError("failed", errorText(thrown), { cause: thrown });
}
