/**
 * The thread that makes reports, one after the other: it reads the rows over a connection of its own, which in WAL mode neither waits for
 * a commit nor makes one wait, and adds them up. A million of them is a second of work that ingest must not stand for.
 */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import type { SiteCalendar } from "@aislewatch/rules";
import { ALWAYS } from "../../incidents/business-time.ts";
import { type DeviceSpan, exposuresOf } from "../../incidents/exposure.ts";
import { beginOf, createReport, type Report, type ReportOptions } from "../../incidents/report.ts";
import { StoreError, type StoreFailure } from "../error.ts";
import { factsReader, type NamedBy } from "./facts-row.ts";
import type { SqlValue } from "./template.ts";

type Selection = { readonly sql: string; readonly values: readonly SqlValue[] };
export type ReportRequest = {
  readonly facts: Selection;
  readonly spans: Selection;
  readonly named: readonly NamedBy[];
  readonly options: ReportOptions;
  readonly calendars: ReadonlyMap<string, SiteCalendar> | undefined;
};
export type ReportWorkerData = { readonly file: string; readonly incidentsMax: number };
export type ReportOutcome = { readonly report: Report } | { readonly failed: string; readonly kind: StoreFailure };

type Row = readonly (string | number | null)[];

function makeReport(
  { file, incidentsMax }: ReportWorkerData,
  { facts, spans, named, options, calendars }: ReportRequest,
): Report {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    // Both of one state of the file.
    database.exec("begin");
    const report = createReport(options);
    const read = factsReader(named);
    let rows = 0;
    for (const row of rowsOf(database, facts)) {
      if (++rows > incidentsMax) throw new StoreError("too_large", `more than ${incidentsMax} incidents`);
      report.add(read(row));
    }
    const isNamed = named.includes("slot");
    const devices = Array.from(rowsOf(database, spans), (row) => spanOf(row, isNamed));
    const { from, to } = options;
    const calendarOf = (site: string): SiteCalendar => calendars?.get(site) ?? ALWAYS;
    return report.result({
      now: exposuresOf(devices, { fromMs: from, untilMs: to }, calendarOf),
      before: exposuresOf(devices, { fromMs: beginOf(options), untilMs: from }, calendarOf),
    });
  } finally {
    database.close();
  }
}

/** The edge: cells are what the schema says, for the tables are ours. */
function rowsOf(database: DatabaseSync, { sql, values }: Selection): Iterable<Row> {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement.iterate(...values) as unknown as Iterable<Row>;
}

/** A row of `reportSpans` (queries.ts); its slot as factsReader has it. */
function spanOf([site, device, since, until, kind, vendor, model, number]: Row, isNamed: boolean): DeviceSpan {
  const text = (cell: Row[number] | undefined): string | null => (typeof cell === "string" ? cell : null);
  return {
    ...{ site: String(site), fromMs: Number(since) },
    slot: typeof number === "number" && !isNamed ? number : `${site}/${device}`,
    ...{ untilMs: typeof until === "number" ? until : null },
    ...{ kind: text(kind), vendor: text(vendor), model: text(model) },
  };
}

function outcomeOf(request: ReportRequest): ReportOutcome {
  try {
    return { report: makeReport(workerData as ReportWorkerData, request) };
  } catch (thrown) {
    return { failed: errorText(thrown), kind: thrown instanceof StoreError ? thrown.kind : "failed" };
  }
}

parentPort?.on("message", (request: ReportRequest) => parentPort?.postMessage(outcomeOf(request)));
