/**
 * The thread that makes one report: it reads the rows over a connection of its own, which in WAL mode neither waits for
 * a commit nor makes one wait, and adds them up. A million of them is a second of work that ingest must not stand for.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { createReport, type Report, type ReportOptions } from "../../incidents/figures.ts";
import { countedFacts } from "./facts-row.ts";
import type { SqlValue } from "./template.ts";

export type ReportRequest = {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  readonly options: ReportOptions;
};
export type ReportWorkerData = ReportRequest & { readonly file: string };

function makeReport({ file, sql, values, options }: ReportWorkerData): Report {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const report = createReport(options);
    for (const row of rowsOf(database.prepare(sql), values)) report.add(countedFacts(row, options.groupBy));
    return report.result();
  } finally {
    database.close();
  }
}

/** The edge: cells are what the schema says, for the table is ours. */
function rowsOf(statement: StatementSync, values: readonly SqlValue[]): Iterable<readonly (string | number | null)[]> {
  statement.setReturnArrays(true);
  return statement.iterate(...values) as unknown as Iterable<readonly (string | number | null)[]>;
}

parentPort?.postMessage(makeReport(workerData as ReportWorkerData));
