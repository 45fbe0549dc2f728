/**
 * The thread that owns the DuckDB file. It takes requests from duckdb.ts, one reply each, in order within each of its
 * two lanes: writes on one connection, reads on another, so that a chart never waits for an append or the reverse.
 *
 * One table holds all samples in the order in which they came; the least and greatest time of each row group narrow a
 * range. Measured: an append costs 155 ns a sample; one series over a day among 30 M rows of ten days takes 3.3 ms, and
 * 2.6 ms from a table of that day alone; deleting a day takes 30 ms and gives its row groups back at the checkpoint. Late
 * batches widen row groups: with one sample in a hundred up to three days late, evenly spread, the same query takes 48 ms
 * and 12 ms. What makes a series quick to find, late or not, is sorting by it (0.8 ms), which is for sealed days.
 *
 * Nobody may `terminate()` this thread while a statement runs: the binding then aborts the whole process (a Napi::Error
 * with nowhere to go). Between statements it is safe and loses nothing that was committed.
 */
import { parentPort, workerData } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import {
  BIGINT,
  DOUBLE,
  type DuckDBAppender,
  DuckDBBigIntVector,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDoubleVector,
  DuckDBInstance,
  DuckDBIntegerVector,
  type DuckDBPreparedStatement,
  INTEGER,
} from "@duckdb/node-api";
import type { StoreFailure } from "../error.ts";
import type { SeriesRow } from "./flatten.ts";
import type { LaneKey } from "./store.ts";

export type WorkerOptions = {
  readonly file: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
  readonly checkpointMb: number;
  readonly queryMsMax: number;
};

export type LaneRow = LaneKey & { readonly id: number; readonly seq: number };
export type Loaded = { readonly series: readonly SeriesRow[]; readonly lanes: readonly LaneRow[] };
export type Columns = {
  readonly series: ArrayBuffer;
  readonly at: ArrayBuffer;
  readonly value: ArrayBuffer;
  readonly count: number;
};

/** What each request carries and what its reply gives. */
export type Operations = {
  load: { request: Record<never, never>; reply: Loaded };
  append: {
    request: {
      readonly columns: Columns;
      readonly added: readonly SeriesRow[];
      readonly retyped: readonly { readonly id: number; readonly boolean: boolean }[];
      readonly lanes: readonly (LaneKey & { readonly id: number })[];
      readonly watermarks: readonly { readonly lane: number; readonly seq: number }[];
    };
    /** The buffers, to be filled again. */
    reply: Columns;
  };
  query: {
    request: { readonly series: number; readonly from: number; readonly to: number; readonly pointsMax: number };
    /** `at, mean, min, max` of each point, one after the other. */
    reply: Float64Array<ArrayBuffer>;
  };
  samples: {
    request: {
      readonly series: readonly number[];
      readonly from: number;
      readonly to: number;
      readonly samplesMax: number;
      readonly beforeMs: number;
    };
    /** Up to where all are here, then `series, at, value` of each sample, in order of time. */
    reply: Float64Array<ArrayBuffer>;
  };
  last: {
    request: { readonly sinceMs: number };
    /** `series, at, value` of each series, one after the other. */
    reply: Float64Array<ArrayBuffer>;
  };
  count: { request: Record<never, never>; reply: number };
  retain: { request: { readonly keepMs: number; readonly nowMs: number }; reply: number };
  close: { request: Record<never, never>; reply: null };
};
export type Operation = keyof Operations;
export type Request = {
  [Op in Operation]: { readonly id: number; readonly op: Op } & Operations[Op]["request"];
}[Operation];
export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: Operations[Operation]["reply"] }
  | { readonly id: number; readonly ok: false; readonly kind: StoreFailure; readonly message: string };

/** Rows in one of DuckDB's data chunks (STANDARD_VECTOR_SIZE). */
const CHUNK_ROWS = 2048;
const SCHEMA_VERSION = 1;

const SCHEMA = `
  create table if not exists meta (name varchar primary key, value bigint not null);
  create table if not exists series (
    id integer not null, site varchar not null, device varchar not null, component varchar, metric varchar not null,
    is_boolean boolean not null
  );
  create table if not exists lanes (
    id integer not null, site varchar not null, agent varchar not null, epoch varchar not null, lane varchar not null
  );
  -- Append-only, the greatest counts: an update per lane and transaction would cost 100 us each.
  create table if not exists watermarks (lane integer not null, seq bigint not null);
  create table if not exists samples (series integer not null, at_ms bigint not null, value double not null);
  insert or ignore into meta values ('schema_version', ${SCHEMA_VERSION});
`;

// One scan: the samples that match are few enough to keep, then they are either given as they are or put in buckets.
const QUERY = `
  with found as materialized (
    select at_ms, value from samples where series = $1::integer and at_ms >= $2::bigint and at_ms < $3::bigint
  ), total as (select count(*) as n from found)
  select (case when n <= $4::bigint then at_ms else $2::bigint + ((at_ms - $2::bigint) // $5::bigint) * $5::bigint end)
           ::double as bucket,
         avg(value), min(value), max(value)
  from found, total group by bucket order by bucket`;

const LAST = `
  select series::double, max(at_ms)::double, arg_max(value, at_ms) from samples where at_ms >= $1::bigint group by series`;

class FileError extends Error {
  readonly kind: StoreFailure;
  constructor(kind: StoreFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

class Database {
  readonly #options: WorkerOptions;
  readonly #chunk = DuckDBDataChunk.create([INTEGER, BIGINT, DOUBLE]);
  #instance: DuckDBInstance | null = null;
  #writer: DuckDBConnection | null = null;
  #reader: DuckDBConnection | null = null;
  #query: DuckDBPreparedStatement | null = null;
  #last: DuckDBPreparedStatement | null = null;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { file, memoryLimitMb, threads, checkpointMb } = this.#options;
    const instance = await DuckDBInstance.create(file, {
      memory_limit: `${memoryLimitMb}MB`,
      threads: String(threads),
      checkpoint_threshold: `${checkpointMb}MB`,
      // Nothing is fetched, loaded or read from elsewhere, whatever SQL would ask for.
      enable_external_access: "false",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    this.#instance = instance;
    const writer = await instance.connect();
    this.#writer = writer;
    await writer.run(SCHEMA);
    const [version] = await numbers(writer, "select value::double from meta where name = 'schema_version'");
    if (version !== SCHEMA_VERSION) {
      throw new FileError(
        "newer_schema",
        `${file} has schema version ${version}; this program knows ${SCHEMA_VERSION}. Start the version that wrote it, or move the file away`,
      );
    }
    this.#reader = await instance.connect();
    this.#query = await this.#reader.prepare(QUERY);
    this.#last = await this.#reader.prepare(LAST);
  }

  get isOpen(): boolean {
    return this.#last !== null;
  }

  async load(): Promise<Loaded> {
    const writer = opened(this.#writer);
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
    const writer = opened(this.#writer);
    await writer.run("begin transaction");
    try {
      await this.#appendWithin(writer, request);
      await writer.run("commit");
    } catch (thrown) {
      // A failed commit has already rolled back, and then this is refused: both leave nothing behind.
      await writer.run("rollback").catch(() => undefined);
      throw thrown;
    }
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
    const appender = await writer.createAppender("samples");
    try {
      for (let from = 0; from < columns.count; from += CHUNK_ROWS) {
        const to = Math.min(from + CHUNK_ROWS, columns.count);
        this.#chunk.reset();
        this.#chunk.rowCount = to - from;
        const [seriesVector, atVector, valueVector] = [0, 1, 2].map((column) => this.#chunk.getColumnVector(column));
        if (!(seriesVector instanceof DuckDBIntegerVector)) throw new Error("samples.series is not an INTEGER");
        if (!(atVector instanceof DuckDBBigIntVector)) throw new Error("samples.at_ms is not a BIGINT");
        if (!(valueVector instanceof DuckDBDoubleVector)) throw new Error("samples.value is not a DOUBLE");
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

  async query(request: Operations["query"]["request"]): Promise<Float64Array<ArrayBuffer>> {
    const { series, from, to, pointsMax } = request;
    const statement = opened(this.#query);
    statement.bindInteger(1, series);
    statement.bindBigInt(2, BigInt(from));
    statement.bindBigInt(3, BigInt(to));
    statement.bindBigInt(4, BigInt(pointsMax));
    statement.bindBigInt(5, BigInt(Math.max(1, Math.ceil((to - from) / pointsMax))));
    return this.#read(statement);
  }

  /**
   * The ids are numbers of ours, so they stand in the text: a list of them as a parameter is a join, and ten times as
   * slow. When there are too many samples, those of the last instant are left for the next question.
   */
  async samples(request: Operations["samples"]["request"]): Promise<Float64Array<ArrayBuffer>> {
    const { from, to, samplesMax, beforeMs } = request;
    const among = `series in (${request.series.map((id) => Math.trunc(id)).join(",")})`;
    const ask = async (text: string): Promise<Float64Array<ArrayBuffer>> => {
      const statement = await opened(this.#reader).prepare(text);
      try {
        return await this.#read(statement);
      } finally {
        statement.destroySync();
      }
    };
    const before =
      beforeMs === 0
        ? new Float64Array()
        : await ask(
            `select series::double, max(at_ms)::double as newest, arg_max(value, at_ms) from samples
             where at_ms >= ${from - beforeMs} and at_ms < ${from} and ${among} group by series order by newest`,
          );
    const found = await ask(
      `select series::double, at_ms::double, value from samples
       where at_ms >= ${from} and at_ms < ${to} and ${among} order by at_ms limit ${samplesMax}`,
    );
    let count = found.length / 3;
    let until = to;
    if (count === samplesMax) {
      const lastAt = found[found.length - 2] ?? from;
      while (count > 0 && found[count * 3 - 2] === lastAt) count--;
      // All of one instant: the rest of it is given up, or nobody would ever get past it.
      until = count === 0 ? lastAt + 1 : lastAt;
      if (count === 0) count = samplesMax;
    }
    const flat = new Float64Array(1 + before.length + count * 3);
    flat[0] = until;
    flat.set(before, 1);
    flat.set(found.subarray(0, count * 3), 1 + before.length);
    return flat;
  }

  async last(sinceMs: number): Promise<Float64Array<ArrayBuffer>> {
    const statement = opened(this.#last);
    statement.bindBigInt(1, BigInt(sinceMs));
    return this.#read(statement);
  }

  async count(): Promise<number> {
    const [count] = await numbers(opened(this.#reader), "select count(*)::double from samples");
    return count ?? 0;
  }

  /**
   * Deletes samples older than `keepMs` and gives the space back to the file. The newest sample counts as now when it
   * is older than the clock says: a clock that jumps ahead must not empty the store.
   */
  async retain(request: { keepMs: number; nowMs: number }): Promise<number> {
    const writer = opened(this.#writer);
    const [newest] = await numbers(writer, "select coalesce(max(at_ms), 0)::double from samples");
    const before = Math.min(request.nowMs, newest ?? 0) - request.keepMs;
    const deleted = await writer.run("delete from samples where at_ms < $1::bigint", [BigInt(Math.floor(before))]);
    await compactWatermarks(writer);
    await writer.run("checkpoint");
    return deleted.rowsChanged;
  }

  /** Ends what reads, writes the log into the file and lets go of it. */
  async close(): Promise<void> {
    await this.#writer?.run("checkpoint").catch(() => undefined);
    this.release();
  }

  release(): void {
    this.#query?.destroySync();
    this.#last?.destroySync();
    this.#reader?.closeSync();
    this.#writer?.closeSync();
    this.#instance?.closeSync();
    this.#query = this.#last = this.#reader = this.#writer = this.#instance = null;
  }

  interruptReads(): void {
    this.#reader?.interrupt();
  }

  async #read(statement: DuckDBPreparedStatement): Promise<Float64Array<ArrayBuffer>> {
    // Again and again: an interrupt that comes between two steps of a statement is forgotten.
    const deadline = setInterval(() => this.interruptReads(), this.#options.queryMsMax);
    try {
      const rows = (await statement.runAndReadAll()).getRowsJS();
      const flat = new Float64Array(rows.length * (rows[0]?.length ?? 0));
      let n = 0;
      for (const row of rows) for (const cell of row) flat[n++] = Number(cell);
      return flat;
    } finally {
      clearInterval(deadline);
    }
  }
}

async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const [row] = (await connection.runAndReadAll(sql)).getRowsJS();
  return (row ?? []).map(Number);
}

async function compactWatermarks(writer: DuckDBConnection): Promise<void> {
  await writer.run(
    "create or replace table watermarks as select lane, max(seq)::bigint as seq from watermarks group by lane",
  );
}

async function appendRows<Row>(
  writer: DuckDBConnection,
  table: string,
  rows: readonly Row[],
  put: (appender: DuckDBAppender, row: Row) => void,
): Promise<void> {
  if (rows.length === 0) return;
  const appender = await writer.createAppender(table);
  try {
    for (const row of rows) {
      put(appender, row);
      appender.endRow();
    }
    appender.flushSync();
  } finally {
    closeQuietly(appender);
  }
}

/** Closing an appender whose flush failed fails again with the same words; the first failure is already on its way. */
function closeQuietly(appender: DuckDBAppender): void {
  try {
    appender.closeSync();
  } catch (again) {
    if (!isFatal(again)) return;
    throw again;
  }
}

function opened<T>(handle: T | null): T {
  if (handle === null) throw new FileError("closed", "the database is not open");
  return handle;
}

/** DuckDB gives its errors as text only. */
function kindOf(thrown: unknown): StoreFailure {
  if (thrown instanceof FileError) return thrown.kind;
  const text = errorText(thrown);
  if (/No space left|not enough space|disk full/i.test(text)) return "disk_full";
  if (/Could not set lock|Conflicting lock|being used by another process/i.test(text)) return "locked";
  if (/not a valid DuckDB database|Corrupt|checksum|Failure while replaying WAL/i.test(text)) return "corrupt";
  if (/version number|newer version/i.test(text)) return "newer_schema";
  if (/INTERRUPT/i.test(text)) return "busy";
  if (/IO Error|Permission denied|Read-only/i.test(text)) return "io";
  return "failed";
}

/** After one of these the instance answers nothing any more and has to be opened again. */
const isFatal = (thrown: unknown): boolean => /FATAL|INTERNAL|database has been invalidated/.test(errorText(thrown));

function serve(port: NonNullable<typeof parentPort>, options: WorkerOptions): void {
  const database = new Database(options);
  const opening = database.open();
  let writing: Promise<unknown> = opening.catch(() => undefined);
  let reading: Promise<unknown> = writing;

  const work = (request: Request): Promise<Operations[Operation]["reply"]> => {
    switch (request.op) {
      case "load":
        return database.load();
      case "append":
        return database.append(request);
      case "query":
        return database.query(request);
      case "samples":
        return database.samples(request);
      case "last":
        return database.last(request.sinceMs);
      case "count":
        return database.count();
      case "retain":
        return database.retain(request);
      case "close":
        return database.close().then(() => null);
    }
  };

  // Once it ends, the thread takes up nothing new, and goes when nothing is under way.
  let ending = false;
  let underWay = 0;

  const answer = async (request: Request): Promise<void> => {
    try {
      await opening;
      if (ending) throw new FileError("worker_exited", "the database thread is ending");
      const value = await work(request);
      ending ||= request.op === "close";
      port.postMessage({ id: request.id, ok: true, value } satisfies Reply, buffersOf(request, value));
    } catch (thrown) {
      ending ||= !database.isOpen || isFatal(thrown);
      const reply: Reply = { id: request.id, ok: false, kind: kindOf(thrown), message: errorText(thrown) };
      port.postMessage(reply);
    }
    underWay--;
    if (ending && underWay === 0) {
      database.release();
      port.close();
    }
  };

  port.on("message", (request: Request) => {
    underWay++;
    if (request.op === "close") {
      database.interruptReads();
      writing = Promise.all([reading, writing]).then(() => answer(request));
    } else if (request.op === "query" || request.op === "samples" || request.op === "last" || request.op === "count") {
      reading = reading.then(() => answer(request));
    } else {
      writing = writing.then(() => answer(request));
    }
  });
}

/** What a reply hands over instead of copying. */
function buffersOf(request: Request, value: Operations[Operation]["reply"]): ArrayBuffer[] {
  if (value instanceof Float64Array) return [value.buffer];
  if (request.op === "append") return [request.columns.series, request.columns.at, request.columns.value];
  return [];
}

if (parentPort !== null) serve(parentPort, workerData as WorkerOptions);
