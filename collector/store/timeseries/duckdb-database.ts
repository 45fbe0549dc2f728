/**
 * DuckDB's file as its thread has it open: a connection for what is written, one for what is read, one for the keeper that
 * seals days, and one that notes files which can't be read. A chart never waits for an append, nor an append for a chart.
 *
 * Samples lie in slabs in the order in which they came; the least and greatest time of each row group narrow a range.
 * Measured: an append costs 155 ns a sample. What makes a series quick to find is sorting by it, which is for sealed days.
 */
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  BIGINT,
  DOUBLE,
  DuckDBBigIntVector,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDoubleVector,
  DuckDBInstance,
  DuckDBIntegerVector,
  INTEGER,
} from "@duckdb/node-api";
import { appendRows, closeQuietly, FileError, opened, quoted, transact } from "./duckdb-connection.ts";
import { Holdings, type SealedFile } from "./duckdb-holdings.ts";
import type { Keeping, KeepingStep } from "./duckdb-keeping.ts";
import { mergeFiles } from "./duckdb-merge.ts";
import type { Columns, Loaded, Notice, Operations, WorkerOptions } from "./duckdb-protocol.ts";
import { count, last, query, type Reader, samples } from "./duckdb-read.ts";
import { retain } from "./duckdb-retention.ts";
import { bringUpToDate, slabTable } from "./duckdb-schema.ts";
import { seal } from "./duckdb-seal.ts";
import { Snapshots } from "./duckdb-snapshot.ts";
import { setState, settleFiles } from "./duckdb-start.ts";

/** Rows in one of DuckDB's data chunks (STANDARD_VECTOR_SIZE). */
const CHUNK_ROWS = 2048;
/** What sorting may lay on the disk when a part does not fit into memory. */
const SPILL_MB_MAX = 4096;
const REST_MS_MAX = 5_000;

export type DatabaseHooks = {
  readonly notify: (notice: Notice) => void;
  /** Between steps of the keeper: for tests that kill the process there. */
  readonly onStep?: (step: KeepingStep) => void;
};

export class Database {
  readonly #options: WorkerOptions;
  readonly #hooks: DatabaseHooks;
  readonly #chunk = DuckDBDataChunk.create([INTEGER, BIGINT, DOUBLE]);
  readonly #stopping = new AbortController();
  readonly #snapshots = new Snapshots();
  readonly holdings: Holdings;
  #instance: DuckDBInstance | null = null;
  #connections: Record<"writer" | "reader" | "keeper" | "notes", DuckDBConnection> | null = null;

  constructor(options: WorkerOptions, hooks: DatabaseHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.holdings = new Holdings(options.folder);
  }

  async open(): Promise<void> {
    const { file, memoryLimitMb, threads, checkpointMb } = this.#options;
    const instance = await DuckDBInstance.create(file, {
      memory_limit: `${memoryLimitMb}MB`,
      max_temp_directory_size: `${SPILL_MB_MAX}MB`,
      threads: String(threads),
      checkpoint_threshold: `${checkpointMb}MB`,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    this.#instance = instance;
    const writer = await instance.connect();
    try {
      await this.#prepare(writer);
    } catch (thrown) {
      writer.closeSync();
      throw thrown;
    }
    this.#connections = {
      ...{ writer, reader: await instance.connect() },
      ...{ keeper: await instance.connect(), notes: await instance.connect() },
    };
    this.#tellHoldings();
  }

  async #prepare(writer: DuckDBConnection): Promise<void> {
    const { file, folder } = this.#options;
    // Nothing is fetched, loaded or read from elsewhere, whatever SQL would ask for. As options of `create` the two are refused.
    await writer.run(`set allowed_directories = [${quoted(`${dirname(file)}/`)}, ${quoted(`${folder}/`)}]`);
    await writer.run("set enable_external_access = false");
    await bringUpToDate(writer, file);
    await this.holdings.read(writer);
    await settleFiles(writer, this.holdings, this.#tellSetAside);
  }

  get isOpen(): boolean {
    return this.#connections !== null;
  }

  async load(): Promise<Loaded> {
    const { writer } = opened(this.#connections);
    const series = await writer.runAndReadAll("select id, site, device, component, metric, is_boolean from series");
    const lanes = await writer.runAndReadAll(
      `select id, site, agent, epoch, lane, coalesce((select max(seq) from watermarks w where w.lane = lanes.id), 0)::double
       from lanes`,
    );
    return {
      series: series.getRowsJS().map(([id, site, device, component, metric, boolean]) => ({
        id: Number(id),
        site: String(site),
        device: String(device),
        component: component === null ? null : String(component),
        metric: String(metric),
        boolean: boolean === true,
      })),
      lanes: lanes.getRowsJS().map(([id, site, agent, epoch, lane, seq]) => ({
        id: Number(id),
        site: String(site),
        agent: String(agent),
        epoch: String(epoch),
        lane: lane === "history" ? "history" : "live",
        seq: Number(seq),
      })),
    };
  }

  async append(request: Operations["append"]["request"]): Promise<Columns> {
    const { writer } = opened(this.#connections);
    await transact(writer, () => this.#appendWithin(writer, request));
    return request.columns;
  }

  async #appendWithin(writer: DuckDBConnection, request: Operations["append"]["request"]): Promise<void> {
    await appendRows(writer, "series", request.added, (appender, row) => {
      appender.appendInteger(row.id);
      appender.appendVarchar(row.site);
      appender.appendVarchar(row.device);
      if (row.component === null) appender.appendNull();
      else appender.appendVarchar(row.component);
      appender.appendVarchar(row.metric);
      appender.appendBoolean(row.boolean);
    });
    for (const { id, boolean } of request.retyped) {
      await writer.run("update series set is_boolean = $1 where id = $2", [boolean, id]);
    }
    await appendRows(writer, "lanes", request.lanes, (appender, row) => {
      appender.appendInteger(row.id);
      for (const text of [row.site, row.agent, row.epoch, row.lane]) appender.appendVarchar(text);
    });
    await appendRows(writer, "watermarks", request.watermarks, (appender, row) => {
      appender.appendInteger(row.lane);
      appender.appendBigInt(BigInt(row.seq));
    });
    if (request.columns.count > 0) await this.#appendSamples(writer, request.columns);
  }

  async #appendSamples(writer: DuckDBConnection, columns: Columns): Promise<void> {
    const series = new Int32Array(columns.series);
    const at = new BigInt64Array(columns.at);
    const value = new Float64Array(columns.value);
    const appender = await writer.createAppender(slabTable(this.holdings.current));
    try {
      for (let from = 0; from < columns.count; from += CHUNK_ROWS) {
        const to = Math.min(from + CHUNK_ROWS, columns.count);
        this.#chunk.reset();
        this.#chunk.rowCount = to - from;
        const [seriesVector, atVector, valueVector] = [0, 1, 2].map((column) => this.#chunk.getColumnVector(column));
        if (!(seriesVector instanceof DuckDBIntegerVector)) throw new Error("series is not an INTEGER");
        if (!(atVector instanceof DuckDBBigIntVector)) throw new Error("at_ms is not a BIGINT");
        if (!(valueVector instanceof DuckDBDoubleVector)) throw new Error("value is not a DOUBLE");
        // `items` is private in the binding's types; its public setItem costs more per sample than DuckDB itself.
        seriesVector["items"].set(series.subarray(from, to));
        atVector["items"].set(at.subarray(from, to));
        valueVector["items"].set(value.subarray(from, to));
        seriesVector.flush();
        atVector.flush();
        valueVector.flush();
        appender.appendDataChunk(this.#chunk);
      }
      appender.flushSync();
    } finally {
      closeQuietly(appender);
    }
  }

  query(request: Operations["query"]["request"]): Promise<Float64Array<ArrayBuffer>> {
    return query(this.#reader, request);
  }

  samples(request: Operations["samples"]["request"]): Promise<Float64Array<ArrayBuffer>> {
    return samples(this.#reader, request);
  }

  last(sinceMs: number): Promise<Float64Array<ArrayBuffer>> {
    return last(this.#reader, sinceMs);
  }

  count(): Promise<number> {
    return count(this.#reader);
  }

  get #reader(): Reader {
    return { holdings: this.holdings, setAside: this.#setAside, ask: (sql) => this.#ask(sql) };
  }

  /** Raw samples and roll-ups that are too old. What comes after it gives the space back to the file. */
  retain(request: Operations["retain"]["request"], exclusive: Keeping["exclusive"]): Promise<void> {
    return this.#keep(exclusive, (keeping) => retain(keeping, request));
  }

  /** Takes minutes, in small steps. Rejects, with all that it did so far, when the store closes meanwhile. */
  async seal(nowMs: number, exclusive: Keeping["exclusive"]): Promise<void> {
    await this.#keep(exclusive, async (keeping) => {
      await seal(keeping, nowMs);
      await mergeFiles(keeping, nowMs);
    });
  }

  async #keep(exclusive: Keeping["exclusive"], work: (keeping: Keeping) => Promise<void>): Promise<void> {
    const { keeper } = opened(this.#connections);
    const { partRows, restShare } = this.#options;
    const { signal } = this.#stopping;
    try {
      await work({
        ...{ connection: keeper, holdings: this.holdings, partRows, exclusive, setAside: this.#setAside },
        onStep: this.#hooks.onStep ?? (() => undefined),
        rest: async (tookMs) => {
          if (signal.aborted) throw new FileError("closed", "the store is closing");
          // An abort ends it, and the next step throws.
          await pause(Math.min(REST_MS_MAX, tookMs * restShare), undefined, { signal }).catch(() => undefined);
        },
      });
    } finally {
      this.#tellHoldings();
    }
  }

  /** Of watermarks the greatest, and the log into the file: what was dropped is given back. */
  async compact(): Promise<void> {
    const { writer } = opened(this.#connections);
    await writer.run(
      "create or replace table watermarks as select lane, max(seq)::bigint as seq from watermarks group by lane",
    );
    await writer.run("checkpoint");
  }

  readonly #setAside = async (file: SealedFile, detail: string): Promise<void> => {
    const { notes } = opened(this.#connections);
    await setState(notes, file, "set_aside");
    await this.holdings.read(notes);
    this.#tellSetAside(file, detail);
    this.#tellHoldings();
  };

  readonly #tellSetAside = ({ name }: SealedFile, detail: string): void => {
    this.#hooks.notify({ notice: "set_aside", name, detail });
  };

  #tellHoldings(): void {
    const { files } = this.holdings;
    const live = files.filter(({ state }) => state !== "built");
    this.#hooks.notify({
      ...{ notice: "holdings", files: live.length, bytes: live.reduce((sum, { bytes }) => sum + bytes, 0) },
      setAside: files.filter(({ state }) => state === "set_aside").length,
    });
  }

  /** Of rising numbers. */
  async snapshot(number: number, folder: string): Promise<void> {
    await this.#snapshots.take(number, opened(this.#instance), this.holdings, { file: this.#options.file, folder });
  }

  stopSnapshots(before: number): void {
    this.#snapshots.stop(before);
  }

  /** Writes the log into the file and lets go of it. */
  async close(): Promise<void> {
    await this.#connections?.writer.run("checkpoint").catch(() => undefined);
    this.release();
  }

  release(): void {
    for (const connection of Object.values(this.#connections ?? {})) connection.closeSync();
    this.#connections = null;
    this.#instance?.closeSync();
    this.#instance = null;
  }

  interruptReads(): void {
    this.#connections?.reader.interrupt();
  }

  /** The keeper ends with its next step; what it is at is interrupted. */
  stopKeeping(): void {
    this.#stopping.abort();
    this.#connections?.keeper.interrupt();
  }

  async #ask(sql: string): Promise<Float64Array<ArrayBuffer>> {
    const { reader } = opened(this.#connections);
    // Again and again: an interrupt that comes between two steps of a statement is forgotten.
    const deadline = setInterval(() => this.interruptReads(), this.#options.queryMsMax);
    try {
      const rows = (await reader.runAndReadAll(sql)).getRowsJS();
      const flat = new Float64Array(rows.length * (rows[0]?.length ?? 0));
      let n = 0;
      for (const row of rows) for (const cell of row) flat[n++] = Number(cell);
      return flat;
    } finally {
      clearInterval(deadline);
    }
  }
}
