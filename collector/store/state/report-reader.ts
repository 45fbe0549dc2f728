/**
 * The thread that reads what a report is made of, over a connection of its own, which in WAL mode neither waits for a commit
 * nor makes one wait. It is half of the work, so it is done beside the other half (report-worker.ts): rows go over as
 * numbers, a block at a time, names as their places in lists. Blocks come back to be filled again, so no more of them are
 * under way than BLOCKS; all is of one state of the file.
 */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import { StoreError, type StoreFailure } from "../error.ts";
import type { SqlValue } from "./template.ts";

export type Selection = { readonly sql: string; readonly values: readonly SqlValue[] };
export type ReadRequest = {
  /** How many columns a row of `facts` has. */
  readonly width: number;
  readonly facts: Selection;
  readonly spans: Selection;
  /** Numbers and names of slots; null: nobody asks for names. */
  readonly slots: Selection | null;
};
export type ReaderData = { readonly file: string; readonly incidentsMax: number };
export type Row = readonly (string | number | null)[];
/** Row by row; NaN is null, text is its place in the names of its column. */
export type Block = Float64Array<ArrayBuffer>;
export type NewName = { readonly column: number; readonly name: string };

/** To a request: one head, blocks as many as there are, then `read` or `failed`. */
export type ReaderMessage =
  | { readonly type: "head"; readonly spans: readonly Row[]; readonly slots: readonly Row[] }
  /** `names` are the ones that no block before had, in the order of their places. */
  | { readonly type: "rows"; readonly block: Block; readonly rows: number; readonly names: readonly NewName[] }
  | { readonly type: "read" }
  | { readonly type: "failed"; readonly failed: string; readonly kind: StoreFailure };
export type ToReader = { readonly request: ReadRequest } | { readonly block: Block };

/** A block is 1 MiB or so: its way over costs nothing beside what is in it, and both threads begin soon. */
const BLOCK_ROWS = 8_192;
/** One is filled, one is added up, and two are for when either has something else to do. */
const BLOCKS = 4;

const back: Block[] = [];
let wanted: ((block: Block) => void) | null = null;

function cameBack(block: Block): void {
  const take = wanted;
  wanted = null;
  if (take === null) back.push(block);
  else take(block);
}

const nextBlock = (): Promise<Block> => {
  const block = back.pop();
  if (block !== undefined) return Promise.resolve(block);
  return new Promise((resolve) => {
    wanted = resolve;
  });
};

const send = (message: ReaderMessage): void =>
  parentPort?.postMessage(message, message.type === "rows" ? [message.block.buffer] : []);

async function read({ width, facts, spans, slots }: ReadRequest): Promise<void> {
  const { file, incidentsMax } = workerData as ReaderData;
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec("begin");
    const all = (of: Selection | null): Row[] => (of === null ? [] : [...rowsOf(database, of)]);
    send({ type: "head", spans: all(spans), slots: all(slots) });
    back.length = 0;
    for (let n = 0; n < BLOCKS; n++) back.push(new Float64Array(BLOCK_ROWS * width));
    const places = createPlaces(width);
    let block = await nextBlock();
    let [rows, total] = [0, 0];
    for (const row of rowsOf(database, facts)) {
      if (++total > incidentsMax) throw new StoreError("too_large", `more than ${incidentsMax} incidents`);
      const base = rows * width;
      for (let column = 0; column < width; column++) {
        const cell = row[column] ?? null;
        block[base + column] =
          typeof cell === "number" ? cell : cell === null ? Number.NaN : places.placeOf(column, cell);
      }
      if (++rows < BLOCK_ROWS) continue;
      send({ type: "rows", block, rows, names: places.taken() });
      block = await nextBlock();
      rows = 0;
    }
    send({ type: "rows", block, rows, names: places.taken() });
    send({ type: "read" });
  } finally {
    database.close();
  }
}

/** Names of a column, each once: a name that is the one of the row before, as of one currency, needs no look-up. */
function createPlaces(width: number): { placeOf(column: number, name: string): number; taken(): NewName[] } {
  const known = Array.from({ length: width }, () => new Map<string, number>());
  const last = Array.from({ length: width }, () => ({ name: "", place: -1 }));
  let fresh: NewName[] = [];
  return {
    placeOf(column, name) {
      const before = last[column];
      if (before !== undefined && before.place >= 0 && before.name === name) return before.place;
      const names = known[column];
      const place = names?.get(name) ?? names?.size ?? 0;
      if (place === names?.size) {
        names.set(name, place);
        fresh.push({ column, name });
      }
      if (before !== undefined) {
        before.name = name;
        before.place = place;
      }
      return place;
    },
    taken() {
      const names = fresh;
      fresh = [];
      return names;
    },
  };
}

/** The edge: cells are what the schema says, for the tables are ours. */
function rowsOf(database: DatabaseSync, { sql, values }: Selection): Iterable<Row> {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement.iterate(...values) as unknown as Iterable<Row>;
}

parentPort?.on("message", (message: ToReader) => {
  if ("block" in message) return cameBack(message.block);
  read(message.request).catch((thrown) =>
    send({ type: "failed", failed: errorText(thrown), kind: thrown instanceof StoreError ? thrown.kind : "failed" }),
  );
});
