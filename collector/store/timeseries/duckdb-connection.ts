/** Small things that everything on DuckDB's thread needs: text for SQL, figures out of it, and what an error means. */
import { errorText } from "@aislewatch/base";
import type { DuckDBAppender, DuckDBConnection } from "@duckdb/node-api";
import type { StoreFailure } from "../error.ts";

export class FileError extends Error {
  readonly kind: StoreFailure;
  constructor(kind: StoreFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** As SQL text. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The cells of the first row. */
export async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const [row] = (await connection.runAndReadAll(sql)).getRowsJS();
  return (row ?? []).map(Number);
}

/** All rows, whose cells are numbers or null (which becomes 0). */
export async function numberRows(connection: DuckDBConnection, sql: string): Promise<number[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJS().map((row) => row.map(Number));
}

/** All of it, or nothing. */
export async function transact<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run("begin transaction");
  try {
    const value = await work();
    await connection.run("commit");
    return value;
  } catch (thrown) {
    // A failed commit has already rolled back, and then this is refused: both leave nothing behind.
    await connection.run("rollback").catch(() => undefined);
    throw thrown;
  }
}

export async function appendRows<Row>(
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
export function closeQuietly(appender: DuckDBAppender): void {
  try {
    appender.closeSync();
  } catch (again) {
    if (!isFatal(again)) return;
    throw again;
  }
}

export function opened<T>(handle: T | null): T {
  if (handle === null) throw new FileError("closed", "the database is not open");
  return handle;
}

/** DuckDB gives its errors as text only. */
export function kindOf(thrown: unknown): StoreFailure {
  if (thrown instanceof FileError) return thrown.kind;
  const text = errorText(thrown);
  if (/No space left|not enough space|disk full|ENOSPC/i.test(text)) return "disk_full";
  if (/Could not set lock|Conflicting lock|being used by another process/i.test(text)) return "locked";
  if (/not a valid DuckDB database|Corrupt|checksum|Failure while replaying WAL/i.test(text)) return "corrupt";
  if (/version number|newer version/i.test(text)) return "newer_schema";
  if (/INTERRUPT/i.test(text)) return "busy";
  if (/IO Error|Permission denied|Read-only/i.test(text)) return "io";
  return "failed";
}

/** A checkpoint is refused while some statements run beside it; without them it goes through. */
export const isCheckpointRefused = (thrown: unknown): boolean => /Cannot CHECKPOINT/.test(errorText(thrown));

/** After one of these the instance answers nothing any more and has to be opened again. */
export const isFatal = (thrown: unknown): boolean =>
  /FATAL|INTERNAL|database has been invalidated/.test(errorText(thrown));
