/**
 * What the attributes of an IPP printer or a CUPS queue mean (RFC 8011 5.4, PWG 5100.9 for markers). A reason ends with
 * `-report`, `-warning` or `-error`, or has no such ending, which is an error (RFC 8011 5.4.12): a report does not keep
 * a printer from printing, such as one of two trays that is empty.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset, SampleSet, Value } from "@aislewatch/contract";
import { componentName } from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import type { IppGroup } from "./codec.ts";
import type { IppJob, IppReply } from "./types.ts";

/**
 * By metric: the reasons that mean it, once their ending is off. `paused` is not among them: it is how a stopped queue says
 * that it is stopped, and `printer-state` says so, too.
 */
const REASONS = {
  media_out: ["media-empty", "media-needed"],
  media_low: ["media-low"],
  jammed: ["media-jam"],
  cover_open: ["cover-open", "door-open", "interlock-open"],
  supply_low: ["toner-low", "marker-supply-low", "developer-low"],
  supply_out: ["toner-empty", "marker-supply-empty", "developer-empty", "marker-supply-missing"],
  output_full: ["output-area-full", "output-tray-missing"],
  service_requested: ["marker-waste-full", "opc-life-over", "fuser-over-temp", "fuser-under-temp", "cleaner-life-over"],
  hardware_fault: ["bander-unrecoverable-failure", "input-pick-roller-failure", "subunit-unrecoverable-failure"],
  offline: ["offline", "shutdown", "connecting-to-device", "timed-out", "spool-area-full"],
  recoverable_error: [
    "input-tray-missing",
    "interpreter-resource-unavailable",
    "cups-missing-filter",
    "cups-insecure-filter",
  ],
} as const;
/** A report of these says that something is coming, which is what they are about. */
const EVEN_AS_REPORT: ReadonlySet<string> = new Set(["media_low", "supply_low", "offline"]);

export const METRICS = [
  ...Object.keys(REASONS),
  "printing",
  "queue_stopped",
  "queue_accepting",
  "queued_jobs",
  "oldest_job_seconds",
  "supply_remaining_percent",
];

/** RFC 8011 5.4.11. */
const STATES = { idle: 3, processing: 4, stopped: 5 } as const;
/** Held on purpose (5.3.7): until an hour, or until somebody releases it. */
const PENDING_HELD = 4;
/** More supplies than any printer has. */
const SUPPLIES_MAX = 32;

export function parse({ printer, jobs }: IppReply): Result<Parsed, ParseError> {
  const state = numberIn(printer, "printer-state");
  if (state === null || !Object.values<number>(STATES).includes(state)) {
    return err({ detail: `a printer in no state that IPP knows (${state ?? "none"})` });
  }
  const asset = assetOf(printer);
  const own: SampleSet = {
    component: null,
    metrics: present({
      ...reasonMetrics(printer),
      printing: state === STATES.processing,
      queue_stopped: state === STATES.stopped,
      queue_accepting: booleanIn(printer, "printer-is-accepting-jobs"),
      queued_jobs: jobCount(printer, jobs),
      oldest_job_seconds: oldestJob(printer, jobs),
    }),
  };
  return ok({ samples: [own, ...supplies(printer)], ...(asset && { asset }) });
}

function reasonMetrics(printer: IppGroup["attributes"]): Record<string, boolean> {
  const reasons = textsIn(printer, "printer-state-reasons").map((reason) => {
    const [, name = reason, ending] = /^(.*?)(?:-(report|warning|error))?$/.exec(reason) ?? [];
    return { name, isReport: ending === "report" };
  });
  return Object.fromEntries(
    Object.entries(REASONS).map(([metric, names]) => [
      metric,
      reasons.some(
        ({ name, isReport }) =>
          (names as readonly string[]).includes(name) && (!isReport || EVEN_AS_REPORT.has(metric)),
      ),
    ]),
  );
}

/** The printer's own count has every job; the list of them is cut at what was asked for. */
function jobCount(printer: IppGroup["attributes"], jobs: IppReply["jobs"]): number | null {
  const told = numberIn(printer, "queued-job-count");
  return told !== null && told >= 0 ? told : (jobs?.length ?? null);
}

/**
 * How long the oldest job that is not held waits or prints; 0 when there is none. A job from before the printer's start
 * was made at 0 or less (RFC 8011 5.3.14): it is as old as that start, at least.
 */
function oldestJob(printer: IppGroup["attributes"], jobs: readonly IppJob[] | null): number | null {
  if (jobs === null) return null;
  const waiting = jobs.filter(({ state }) => state !== PENDING_HELD);
  if (waiting.length === 0) return 0;
  const upSeconds = numberIn(printer, "printer-up-time");
  const ages = waiting.flatMap((job) => {
    const nowSeconds = job.upSeconds ?? upSeconds;
    return job.createdSeconds === null || nowSeconds === null ? [] : [nowSeconds - Math.max(0, job.createdSeconds)];
  });
  return ages.length === 0 ? null : Math.max(0, ...ages);
}

/** Levels are percent; -1 to -3 are "other", "unknown" and "some", as in the Printer-MIB. */
function supplies(printer: IppGroup["attributes"]): SampleSet[] {
  const levels = printer["marker-levels"] ?? [];
  const names = textsIn(printer, "marker-names");
  const taken = new Set<string>();
  return levels.slice(0, SUPPLIES_MAX).flatMap((level, n) => {
    // A name of letters that no component may have is told by its place.
    const component = componentName("supply", names[n] ?? "") || componentName("supply", String(n + 1));
    if (typeof level !== "number" || level < 0 || level > 100 || taken.has(component)) return [];
    taken.add(component);
    return [{ component, metrics: { supply_remaining_percent: level } }];
  });
}

/** IEEE 1284 device id where there is one; what a CUPS queue calls make and model is the name of its driver. */
function assetOf(printer: IppGroup["attributes"]): Asset | null {
  const id = new Map(
    textsIn(printer, "printer-device-id")
      .join(";")
      .split(";")
      .map((pair) => pair.split(/:(.*)/s, 2))
      .map(([key = "", value = ""]) => [key.trim().toUpperCase(), value.trim()] as const),
  );
  const of = (...keys: string[]): string => keys.map((key) => id.get(key) ?? "").find((text) => text !== "") ?? "";
  const asset = {
    vendor: of("MFG", "MANUFACTURER"),
    model: of("MDL", "MODEL") || (textsIn(printer, "printer-make-and-model")[0] ?? ""),
    serial: of("SN", "SERN", "SERIALNUMBER"),
    firmware: textsIn(printer, "printer-firmware-string-version")[0] ?? "",
  };
  return Object.values(asset).some((text) => text !== "") ? asset : null;
}

const textsIn = (attributes: IppGroup["attributes"], name: string): string[] =>
  (attributes[name] ?? []).filter((value) => typeof value === "string");

function numberIn(attributes: IppGroup["attributes"], name: string): number | null {
  const value = attributes[name]?.[0];
  return typeof value === "number" ? value : null;
}

function booleanIn(attributes: IppGroup["attributes"], name: string): boolean | null {
  const value = attributes[name]?.[0];
  return typeof value === "boolean" ? value : null;
}

function present(metrics: Readonly<Record<string, Value | null>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(metrics).filter((entry): entry is [string, Value] => entry[1] !== null));
}
