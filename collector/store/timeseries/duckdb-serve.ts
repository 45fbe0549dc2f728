/**
 * The thread that owns the DuckDB file. It takes requests from duckdb.ts, one reply each, in order within each of its
 * three lanes: writes, reads, and the keeper, which seals days beside both and stops them only for the moment in which
 * what it built begins to count, and copies the store for a backup.
 *
 * Nobody may `terminate()` this thread while a statement runs: the binding then aborts the whole process (a Napi::Error
 * with nowhere to go). Between statements it is safe and loses nothing that was committed.
 */
import type { MessagePort } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import { FileError, isCheckpointRefused, isFatal, kindOf } from "./duckdb-connection.ts";
import { Database, type DatabaseHooks } from "./duckdb-database.ts";
import type { Operation, Operations, Reply, Request, WorkerOptions } from "./duckdb-protocol.ts";

const LANE_OF: Readonly<Record<Operation, "reading" | "writing" | "keeping" | "closing" | "at once">> = {
  ...{ load: "writing", append: "writing", close: "closing" },
  ...{ query: "reading", samples: "reading", last: "reading", count: "reading" },
  // What is sealed and merged stands still while it is copied.
  ...{ retain: "keeping", seal: "keeping", snapshot: "keeping", stopSnapshot: "at once" },
};

export function serve(port: MessagePort, options: WorkerOptions, hooks: Pick<DatabaseHooks, "onStep"> = {}): void {
  const database = new Database(options, { ...hooks, notify: (notice) => port.postMessage(notice) });
  const opening = database.open();
  let writing: Promise<unknown> = opening.catch(() => undefined);
  let reading: Promise<unknown> = writing;
  let keeping: Promise<unknown> = writing;

  /** When what is being read and written is done, and before anything that comes after. */
  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const done = Promise.all([reading, writing]).then(work);
    reading = writing = done.catch(() => undefined);
    return done;
  };
  const written = <T>(work: () => Promise<T>): Promise<T> => {
    const done = writing.then(work);
    writing = done.catch(() => undefined);
    return done;
  };

  /** A checkpoint that is refused for what a snapshot does is made in an hour; the log is bounded anyway. */
  const compact = async (): Promise<void> => {
    const unlessRefused = (thrown: unknown): "refused" => {
      if (isCheckpointRefused(thrown)) return "refused";
      throw thrown;
    };
    const first = await written(() => database.compact()).catch(unlessRefused);
    if (first === "refused") await exclusive(() => database.compact()).catch(unlessRefused);
  };

  const work = async (request: Request): Promise<Operations[Operation]["reply"]> => {
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
        await database.retain(request, exclusive);
        await compact();
        return null;
      case "seal":
        await database.seal(request.nowMs, exclusive);
        return null;
      case "snapshot":
        await database.snapshot(request.id, request.folder);
        return null;
      case "stopSnapshot":
        database.stopSnapshots(request.id);
        return null;
      case "close":
        await database.close();
        return null;
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
    if (!ending) return;
    database.stopKeeping();
    database.stopSnapshots(Number.POSITIVE_INFINITY);
    if (underWay > 0) return;
    database.release();
    port.close();
  };

  port.on("message", (request: Request) => {
    underWay++;
    switch (LANE_OF[request.op]) {
      case "reading":
        reading = reading.then(() => answer(request));
        break;
      case "writing":
        writing = writing.then(() => answer(request));
        break;
      case "keeping":
        keeping = keeping.then(() => answer(request));
        break;
      case "at once":
        void answer(request);
        break;
      case "closing":
        database.interruptReads();
        database.stopKeeping();
        database.stopSnapshots(Number.POSITIVE_INFINITY);
        // The keeper may need the other lanes to come to its end, so they are closed after it.
        keeping = keeping.then(() => exclusive(() => answer(request)));
    }
  });
}

/** What a reply hands over instead of copying. */
function buffersOf(request: Request, value: Operations[Operation]["reply"]): ArrayBuffer[] {
  if (value instanceof Float64Array) return [value.buffer];
  if (request.op === "append") return [request.columns.series, request.columns.at, request.columns.value];
  return [];
}
