/**
 * Reports, one after the other, in a thread of their own (report-worker.ts) that has another one read. They stay for a while,
 * for whoever looks at one report looks at another soon, and starting them costs as much as a report of a month; then they
 * go, and their memory with them.
 */
import { Worker } from "node:worker_threads";
import type { Report } from "../../incidents/report.ts";
import { StoreError } from "../error.ts";
import type { ReaderData } from "./report-reader.ts";
import type { ReportOutcome, ReportRequest } from "./report-worker.ts";
import { REPORTS_WAITING_MAX } from "./store.ts";

/** Nobody asked for so long: the thread ends. */
const IDLE_MS = 60_000;

/** Each takes 150 bytes or so while a report is made: 750 MB. Ten years of a great chain are fewer. */
const INCIDENTS_MAX = 5_000_000;

export type Reports = {
  make(request: ReportRequest): Promise<Report>;
  /** Ends what is under way; no thread is left when it resolves. */
  close(): Promise<void>;
};

export function createReports(file: string, incidentsMax = INCIDENTS_MAX): Reports {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let isClosed = false;

  function started(): Worker {
    const workerData: ReaderData = { file, incidentsMax };
    const made = new Worker(new URL("./report-worker.ts", import.meta.url), { workerData, name: "report" });
    made.once("exit", () => {
      if (thread === made) thread = null;
    });
    // Alone it keeps no process alive.
    made.unref();
    thread = made;
    return made;
  }

  function run(request: ReportRequest): Promise<Report> {
    clearTimeout(idle);
    return new Promise<Report>((resolve, reject) => {
      if (isClosed) return reject(new StoreError("closed", "the state store is closed"));
      const worker = thread ?? started();
      const done = (settle: () => void): void => {
        worker.removeAllListeners("message").removeAllListeners("error").off("exit", ended).unref();
        idle = setTimeout(() => void worker.terminate(), IDLE_MS).unref();
        settle();
      };
      const ended = (): void => done(() => reject(new StoreError("closed", "the report was ended")));
      worker.ref();
      worker.once("message", (outcome: ReportOutcome) =>
        done(() =>
          "report" in outcome ? resolve(outcome.report) : reject(new StoreError(outcome.kind, outcome.failed)),
        ),
      );
      worker.once("error", (thrown) => done(() => reject(new StoreError("failed", thrown.message, { cause: thrown }))));
      worker.once("exit", ended);
      worker.postMessage(request);
    });
  }

  return {
    async make(request) {
      if (waiting >= REPORTS_WAITING_MAX) throw new StoreError("busy", "too many reports are being made already");
      waiting += 1;
      const mine = last.then(() => run(request));
      last = mine.catch(() => undefined);
      return mine.finally(() => {
        waiting -= 1;
      });
    },
    async close() {
      isClosed = true;
      clearTimeout(idle);
      await thread?.terminate();
      await last;
      clearTimeout(idle);
    },
  };
}
