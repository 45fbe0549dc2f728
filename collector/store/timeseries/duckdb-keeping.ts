/**
 * What the keeper works with: a connection of its own, so that neither appends nor reads wait for it, and the steps that all
 * of its work is made of. A file is written under another name, synced, renamed and noted as `built`, in this order; only
 * a flip, in one transaction while no read and no append runs, makes it count.
 */
import { open, rename, stat, unlink } from "node:fs/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import { FileError, numberRows, quoted } from "./duckdb-connection.ts";
import type { FileKind, Holdings, SealedFile } from "./duckdb-holdings.ts";

/** Every point at which a kill leaves something else behind. */
export const KEEPING_STEPS = ["frozen", "written", "renamed", "noted", "flipping", "flipped", "discarded"] as const;
export type KeepingStep = (typeof KEEPING_STEPS)[number];

export type Keeping = {
  readonly connection: DuckDBConnection;
  readonly holdings: Holdings;
  readonly partRows: number;
  /** No read and no append runs until it has ended. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  readonly setAside: (file: SealedFile, detail: string) => Promise<void>;
  /** Rests in proportion to what the step took; throws when the store is closing. */
  readonly rest: (tookMs: number) => Promise<void>;
  readonly onStep: (step: KeepingStep) => void;
};

/**
 * No dictionaries: samples hardly repeat within a page. Doubles are then written byte by byte, all first bytes, all second ones,
 * which zstd makes small; and so are times, as doubles: the ten series of a device have the same ones, which are found again
 * there and not in integers, which are written as packed differences. Of 2 M samples of polls that are up to 40 ms late, times as
 * integers took 1.4 bytes each, as doubles 0.2, values 0.4. A row group holds some tens of series of a day: with half as many
 * rows a sample takes a tenth more, with more a question reads more.
 */
const PARQUET =
  "format parquet, parquet_version v2, dictionary_size_limit 1, compression zstd, compression_level 9, row_group_size 122880";

/** Samples as they are written. */
export const rawRows = (rows: string): string =>
  `select series, at_ms::double as at_ms, value from (${rows}) as samples order by series, samples.at_ms`;

/** Some series, and all that is to be in one file of them. */
export type Slice = {
  readonly part: number;
  readonly seriesMin: number;
  readonly seriesMax: number;
  readonly rows: number;
  readonly samples: number;
  readonly firstMs: number;
  readonly lastMs: number;
};

/** Cuts `series, at_ms, n` into slices of about so many rows; a series is never split. */
export async function slicesOf(connection: DuckDBConnection, rows: string, partRows: number): Promise<Slice[]> {
  const found = await numberRows(
    connection,
    `with each as (select series, count(*) as rows, sum(n) as n, min(at_ms) as a, max(at_ms) as b from (${rows}) group by series),
       placed as (select *, (sum(rows) over (order by series rows unbounded preceding) - rows) // ${partRows} as part from each)
     select part::double, min(series), max(series), sum(rows)::double, sum(n)::double, min(a)::double, max(b)::double
     from placed group by part order by part`,
  );
  return found.map(([part = 0, seriesMin = 0, seriesMax = 0, rows = 0, samples = 0, firstMs = 0, lastMs = 0]) => {
    return { part, seriesMin, seriesMax, rows, samples, firstMs, lastMs };
  });
}

/** Writes one file and notes it, unless a run before this one did. */
export async function build(
  keeping: Keeping,
  file: Omit<SealedFile, "state" | "bytes">,
  rows: { readonly sql: string; readonly expected: number | null },
): Promise<void> {
  const { connection, holdings, onStep } = keeping;
  if (holdings.files.some(({ name }) => name === file.name)) return;
  const startedAt = performance.now();
  const path = holdings.path(file.name);
  const unfinished = `${path}.tmp`;
  try {
    const { rowsChanged } = await connection.run(`copy (${rows.sql}) to ${quoted(unfinished)} (${PARQUET})`);
    if (rows.expected !== null && rowsChanged !== rows.expected) {
      throw new FileError("failed", `${file.name}: ${rowsChanged} rows were written, ${rows.expected} expected`);
    }
    onStep("written");
    await sync(unfinished, "r+");
    await rename(unfinished, path);
  } catch (thrown) {
    await unlink(unfinished).catch(() => undefined);
    throw thrown;
  }
  // Windows opens no folders, and its renames are in the journal.
  if (process.platform !== "win32") await sync(holdings.folder, "r");
  onStep("renamed");
  const { size } = await stat(path);
  const { name, kind, generation, period, firstMs, lastMs, seriesMin, seriesMax, samples } = file;
  const figures = [generation, period, firstMs, lastMs, seriesMin, seriesMax, samples, size];
  await connection.run(
    `insert into files values (${quoted(name)}, ${quoted(kind)}, 'built', ${figures.map(Math.trunc).join(", ")})`,
  );
  await holdings.read(connection);
  onStep("noted");
  await keeping.rest(performance.now() - startedAt);
}

/** Windows syncs only what was opened to be written. */
async function sync(path: string, flags: "r" | "r+"): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const fileName = (kind: FileKind, of: { period: number; generation: number; part: number }): string =>
  `${kind}-${new Date(of.period * 86_400_000).toISOString().slice(0, 10)}-g${of.generation}-p${of.part}.parquet`;

/** Names of ours, and what they are called until they are whole. */
export const SEALED_NAME = /^(raw|rollup)-.+-g\d+-p\d+\.parquet(\.tmp)?$/;
