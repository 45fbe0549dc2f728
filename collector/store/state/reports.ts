/** Reports, one after the other, each in a thread that ends with it (report-worker.ts). */
import { Worker } from "node:worker_threads";
import { errorText } from "@aislewatch/base";
import type { Report } from "../../incidents/figures.ts";
import { StoreError } from "../error.ts";
import type { ReportRequest, ReportWorkerData } from "./report-worker.ts";
import { REPORTS_WAITING_MAX } from "./store.ts";

export type Reports = {
  make(request: ReportRequest): Promise<Report>;
  /** Ends what is under way; no thread is left when it resolves. */
  close(): Promise<void>;
};

export function createReports(file: string): Reports {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let running: Worker | null = null;
  let isClosed = false;

  function run(request: ReportRequest): Promise<Report> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(new StoreError("closed", "the state store is closed"));
      const workerData: ReportWorkerData = { ...request, file };
      const worker = new Worker(new URL("./report-worker.ts", import.meta.url), { workerData, name: "report" });
      running = worker;
      worker.once("message", (report: Report) => resolve(report));
      worker.once("error", (thrown) => reject(new StoreError("failed", errorText(thrown), { cause: thrown })));
      // After a message or an error it changes nothing.
      worker.once("exit", () => {
        running = null;
        reject(new StoreError("closed", "the report was ended"));
      });
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
      await running?.terminate();
      await last;
    },
  };
}
