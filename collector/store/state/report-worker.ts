/**
 * The thread that makes reports, one after the other: it adds up what a thread beside it reads (report-reader.ts). A million
 * incidents are a second of work for each of the two, which ingest must not stand for. A reader that dies takes this thread along,
 * and the next report starts both anew.
 */
import { parentPort, Worker, workerData } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import type { SiteCalendar } from "@aislewatch/rules";
import { ALWAYS } from "../../incidents/business-time.ts";
import { type DeviceSpan, exposuresOf } from "../../incidents/exposure.ts";
import { beginOf, createReport, type Exposures, type Report, type ReportOptions } from "../../incidents/report.ts";
import { StoreError, type StoreFailure } from "../error.ts";
import { factsReader, factsWidth, type NamedBy } from "./facts-row.ts";
import type { Block, NewName, ReaderData, ReaderMessage, ReadRequest, Row, ToReader } from "./report-reader.ts";

export type ReportRequest = Omit<ReadRequest, "width"> & {
  readonly named: readonly NamedBy[];
  readonly options: ReportOptions;
  readonly calendars: ReadonlyMap<string, SiteCalendar> | undefined;
};
export type ReportOutcome = { readonly report: Report } | { readonly failed: string; readonly kind: StoreFailure };

const reader = new Worker(new URL("./report-reader.ts", import.meta.url), {
  workerData: workerData as ReaderData,
  name: "report-reader",
});
const tell = (message: ToReader): void => reader.postMessage(message, "block" in message ? [message.block.buffer] : []);

type Building = {
  head(spans: readonly Row[], slots: readonly Row[]): void;
  rows(block: Block, rows: number, names: readonly NewName[]): void;
  result(): Report;
};

function createBuilding({ named, options, calendars }: ReportRequest): Building {
  const width = factsWidth(named);
  const columns = Array.from({ length: width }, (): string[] => []);
  const slotNames: string[] = [];
  const report = createReport(options, (slot) => slotNames[slot] ?? null);
  const read = factsReader(named, columns);
  let exposures: Exposures = {};
  return {
    head(spans, known) {
      for (const [id, slot] of known) slotNames[Number(id)] = String(slot);
      const devices = spans.map(spanOf);
      const { from, to } = options;
      const calendarOf = (site: string): SiteCalendar => calendars?.get(site) ?? ALWAYS;
      exposures = {
        now: exposuresOf(devices, { fromMs: from, untilMs: to }, calendarOf),
        before: exposuresOf(devices, { fromMs: beginOf(options), untilMs: from }, calendarOf),
      };
    },
    rows(block, rows, names) {
      for (const { column, name } of names) columns[column]?.push(name);
      for (let row = 0; row < rows; row++) report.add(read(block, row * width));
    },
    result: () => report.result(exposures),
  };
}

/** A row of `reportSpans` (queries.ts); its slot as factsReader has it. */
function spanOf([site, device, since, until, kind, vendor, model, number]: Row): DeviceSpan {
  const text = (cell: Row[number] | undefined): string | null => (typeof cell === "string" ? cell : null);
  return {
    ...{ site: String(site), fromMs: Number(since) },
    slot: typeof number === "number" ? number : `${site}/${device}`,
    ...{ untilMs: typeof until === "number" ? until : null },
    ...{ kind: text(kind), vendor: text(vendor), model: text(model) },
  };
}

const failedBy = (thrown: unknown): ReportOutcome => ({
  failed: errorText(thrown),
  kind: thrown instanceof StoreError ? thrown.kind : "failed",
});

/** The reader is heard to its end also of a report that failed: the next one finds it at rest. */
function make(request: ReportRequest): Promise<ReportOutcome> {
  const { named, facts, spans, slots } = request;
  return new Promise((resolve) => {
    const building = createBuilding(request);
    let failed: ReportOutcome | null = null;
    const attempt = (work: () => void): void => {
      if (failed !== null) return;
      try {
        work();
      } catch (thrown) {
        failed = failedBy(thrown);
      }
    };
    const end = (outcome: () => ReportOutcome): void => {
      reader.removeAllListeners("message");
      let made: ReportOutcome | null = null;
      attempt(() => {
        made = outcome();
      });
      resolve(failed ?? made ?? failedBy(new StoreError("failed", "no report")));
    };
    reader.on("message", (message: ReaderMessage) => {
      if (message.type === "head") attempt(() => building.head(message.spans, message.slots));
      else if (message.type === "rows") {
        attempt(() => building.rows(message.block, message.rows, message.names));
        tell({ block: message.block });
      } else if (message.type === "read") end(() => ({ report: building.result() }));
      else end(() => ({ failed: message.failed, kind: message.kind }));
    });
    tell({ request: { width: factsWidth(named), facts, spans, slots } });
  });
}

parentPort?.on("message", (request: ReportRequest) => {
  void make(request)
    .catch(failedBy)
    .then((outcome) => parentPort?.postMessage(outcome));
});
