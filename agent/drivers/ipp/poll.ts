/** Asks a queue for its state and its jobs. */
import { ok, type Result } from "@aislewatch/base";
import type { PollContext, PollError } from "../driver.ts";
import { IPP_GROUPS } from "./codec.ts";
import { IppSession, type Queue } from "./session.ts";
import type { IppReply } from "./types.ts";

const PRINTER_ATTRIBUTES = [
  "printer-state",
  "printer-state-reasons",
  "printer-is-accepting-jobs",
  "printer-up-time",
  "queued-job-count",
  "marker-names",
  "marker-levels",
  "printer-device-id",
  "printer-make-and-model",
  "printer-firmware-string-version",
];
/** No names of documents and people among them. */
const JOB_ATTRIBUTES = ["job-state", "time-at-creation", "job-printer-up-time"];
/** The oldest come first in most queues; a stuck one of hundreds shows in `queued-job-count` as well. */
const JOBS_MAX = 100;

export class IppPoll {
  readonly #session: IppSession;
  #jobsRefused: string | null = null;

  constructor(queue: Queue) {
    this.#session = new IppSession(queue);
  }

  /** Why the list of jobs is not known, as of the last poll; null: it is. */
  get jobsRefused(): string | null {
    return this.#jobsRefused;
  }

  async poll(context: PollContext): Promise<Result<IppReply, PollError>> {
    const printer = await this.#session.ask(
      { operation: "getPrinterAttributes", attributes: PRINTER_ATTRIBUTES },
      context,
    );
    if (!printer.ok) return printer;
    const jobs = await this.#session.ask(
      { operation: "getJobs", attributes: JOB_ATTRIBUTES, limit: JOBS_MAX },
      context,
    );
    // Some printers have no list of jobs, or show it to nobody: their state is worth having all the same.
    this.#jobsRefused = jobs.ok ? null : jobs.error.detail;
    const listed = jobs.ok ? jobs.value.groups.filter(({ tag }) => tag === IPP_GROUPS.job) : null;
    return ok({
      printer: printer.value.groups.find(({ tag }) => tag === IPP_GROUPS.printer)?.attributes ?? {},
      jobs:
        listed?.map(({ attributes }) => ({
          state: numberOf(attributes["job-state"]?.[0]),
          createdSeconds: numberOf(attributes["time-at-creation"]?.[0]),
          upSeconds: numberOf(attributes["job-printer-up-time"]?.[0]),
        })) ?? null,
    });
  }
}

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);
