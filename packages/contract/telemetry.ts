/**
 * The telemetry message: readings in columns (docs/wire.md shows one).
 *
 * A table holds all readings that report the same set of metrics: `subject[i]` and `at[i]` say whose reading row i is
 * and when it was taken, `values[m][i]` is the value of `metrics[m]` in it, null where that reading lacks it. Subjects
 * are named once per message. The layout was chosen by measuring (test/bench/layout.ts): against one object of names
 * per reading it is under a third of the size and parses in under half the time, and it is still readable with mosquitto_sub.
 *
 * `decodeTelemetry` checks by hand, because this is the one message whose cost per sample matters; the zod schema says
 * the same for readers, and a property test holds the two together.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { z } from "zod";
import { COMPONENT_PATTERN, DEVICE_ID_PATTERN, ID_PATTERN, joinSubject } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { type DecodeError, parseVersioned, seq, text, timeMs, WIRE_VERSION } from "./messages.ts";

export type Value = number | boolean;
export type Lane = "live" | "history";

/** Why a poll brought nothing. `busy`: the line belongs to another program just now, which is no fault of the device. */
export const POLL_FAILURES = ["timeout", "refused", "unreachable", "auth", "protocol", "io", "busy", "config"] as const;
export type PollFailureKind = (typeof POLL_FAILURES)[number];

/** What one poll of one subject returned: names and values of the moment `at`. */
export type SampleSet = { readonly component: string | null; readonly metrics: Readonly<Record<string, Value>> };

/** What one poll of one device returned. `up` (an answer came) is a metric of every device. */
export type Reading = {
  readonly device: string;
  readonly at: number;
  readonly samples: readonly SampleSet[];
  readonly failure?: { readonly kind: PollFailureKind; readonly detail: string };
  readonly events?: readonly { readonly component: string | null; readonly code: string; readonly detail: string }[];
};

export type Table = {
  readonly metrics: readonly string[];
  readonly subject: readonly number[];
  readonly at: readonly number[];
  readonly values: readonly (readonly (Value | null)[])[];
};
export type PollFailure = {
  readonly device: string;
  readonly at: number;
  readonly kind: PollFailureKind;
  readonly detail: string;
};
export type DeviceEvent = {
  readonly subject: string;
  readonly at: number;
  readonly code: string;
  readonly detail: string;
};
/** What the outbox had to thin out before this batch: how many samples of which time, and why. */
export type Dropped = {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly fromAt: number;
  readonly toAt: number;
  readonly samples: number;
  readonly reason: string;
};

export type Telemetry = {
  readonly v: typeof WIRE_VERSION;
  readonly epoch: string;
  readonly lane: Lane;
  readonly seq: number;
  readonly sentAt: number;
  /** Times in the tables are milliseconds after this one. */
  readonly base: number;
  readonly subjects: readonly string[];
  readonly tables: readonly Table[];
  readonly failures?: readonly PollFailure[];
  readonly events?: readonly DeviceEvent[];
  readonly dropped?: readonly Dropped[];
};

const SUBJECT = new RegExp(`${DEVICE_ID_PATTERN.source.slice(0, -1)}(?:#${COMPONENT_PATTERN.source.slice(1)})?$`);
const METRIC = /^[a-z][a-z0-9_]{0,127}$/;
const deltaMs = z
  .int()
  .min(0)
  .max(90 * 86_400_000);
const value = z.union([z.number(), z.boolean()]);

export const telemetrySchema = z
  .object({
    v: z.literal(WIRE_VERSION),
    epoch: z.string().regex(ID_PATTERN),
    lane: z.enum(["live", "history"]),
    seq: seq.min(1),
    sentAt: timeMs,
    base: timeMs,
    subjects: z.array(z.string().regex(SUBJECT)).max(LIMITS.subjectsMax),
    tables: z
      .array(
        z.object({
          metrics: z.array(z.string().regex(METRIC)).min(1).max(LIMITS.metricsMax),
          subject: z.array(z.int().min(0)).max(LIMITS.rowsMax),
          at: z.array(deltaMs).max(LIMITS.rowsMax),
          values: z.array(z.array(value.nullable())),
        }),
      )
      .max(LIMITS.tablesMax),
    failures: z
      .array(
        z.object({
          device: z.string().regex(DEVICE_ID_PATTERN),
          at: timeMs,
          kind: z.enum(POLL_FAILURES),
          detail: text,
        }),
      )
      .max(LIMITS.failuresMax)
      .optional(),
    events: z
      .array(z.object({ subject: z.string().regex(SUBJECT), at: timeMs, code: z.string().regex(METRIC), detail: text }))
      .max(LIMITS.eventsMax)
      .optional(),
    dropped: z
      .array(
        z.object({ fromSeq: seq, toSeq: seq, fromAt: timeMs, toAt: timeMs, samples: z.int().min(0), reason: text }),
      )
      .max(LIMITS.eventsMax)
      .optional(),
  })
  .refine(({ tables, subjects }) =>
    tables.every(
      (table) =>
        table.at.length === table.subject.length &&
        table.values.length === table.metrics.length &&
        table.values.every((column) => column.length === table.subject.length) &&
        table.subject.every((index) => index < subjects.length),
    ),
  );

/** How many values a message carries. */
export function sampleCount(message: Telemetry): number {
  let count = 0;
  for (const table of message.tables) count += table.metrics.length * table.subject.length;
  return count;
}

export type TelemetryHeader = {
  readonly epoch: string;
  readonly lane: Lane;
  readonly seq: number;
  readonly sentAt: number;
};

type OpenTable = { metrics: string[]; subject: number[]; at: number[]; values: (Value | null)[][] };

/** Readings into one message. The caller keeps batches within LIMITS; each sample set is one row of one table. */
export function encodeTelemetry(
  header: TelemetryHeader,
  readings: readonly Reading[],
  dropped: readonly Dropped[] = [],
): Telemetry {
  const base = readings.reduce((least, reading) => Math.min(least, reading.at), header.sentAt);
  const subjects = new Map<string, number>();
  const tables = new Map<string, OpenTable>();
  const failures: PollFailure[] = [];
  const events: DeviceEvent[] = [];
  for (const reading of readings) {
    for (const set of reading.samples) addRow(tables, subjects, reading, set, base);
    if (reading.failure) failures.push({ device: reading.device, at: reading.at, ...reading.failure });
    for (const { component, code, detail } of reading.events ?? []) {
      events.push({ subject: joinSubject(reading.device, component), at: reading.at, code, detail });
    }
  }
  return {
    v: WIRE_VERSION,
    ...header,
    base,
    subjects: [...subjects.keys()],
    tables: [...tables.values()],
    ...(failures.length > 0 && { failures }),
    ...(events.length > 0 && { events }),
    ...(dropped.length > 0 && { dropped }),
  };
}

function addRow(
  tables: Map<string, OpenTable>,
  subjects: Map<string, number>,
  reading: Reading,
  set: SampleSet,
  base: number,
): void {
  const metrics = Object.keys(set.metrics);
  if (metrics.length === 0) return;
  const key = metrics.join(" ");
  let table = tables.get(key);
  if (table === undefined) {
    table = { metrics, subject: [], at: [], values: metrics.map(() => []) };
    tables.set(key, table);
  }
  const subject = joinSubject(reading.device, set.component);
  let index = subjects.get(subject);
  if (index === undefined) {
    index = subjects.size;
    subjects.set(subject, index);
  }
  table.subject.push(index);
  table.at.push(reading.at - base);
  for (let m = 0; m < metrics.length; m++) {
    table.values[m]?.push(set.metrics[metrics[m] as string] ?? null);
  }
}

/** Bytes off the wire to a message that keeps every promise of the type; never throws. */
export function decodeTelemetry(bytes: Uint8Array): Result<Telemetry, DecodeError> {
  const json = parseVersioned(bytes);
  if (!json.ok) return json;
  const complaint = complain(json.value);
  return complaint === null ? ok(json.value as unknown as Telemetry) : err({ kind: "shape", detail: complaint });
}

type Unchecked = Record<string, unknown>;

function complain(message: Unchecked): string | null {
  if (typeof message["epoch"] !== "string" || !ID_PATTERN.test(message["epoch"])) return "epoch: expected an id";
  if (message["lane"] !== "live" && message["lane"] !== "history") return "lane: expected live or history";
  if (!isIntIn(message["seq"], 1, Number.MAX_SAFE_INTEGER)) return "seq: expected a whole number from 1";
  if (!isTime(message["sentAt"])) return "sentAt: expected Unix milliseconds";
  if (!isTime(message["base"])) return "base: expected Unix milliseconds";
  const subjects = message["subjects"];
  if (!Array.isArray(subjects) || subjects.length > LIMITS.subjectsMax) return "subjects: expected a list of subjects";
  for (const subject of subjects) {
    if (typeof subject !== "string" || !SUBJECT.test(subject)) return "subjects: expected device or device#component";
  }
  const tables = message["tables"];
  if (!Array.isArray(tables) || tables.length > LIMITS.tablesMax) return "tables: expected a list of tables";
  for (let t = 0; t < tables.length; t++) {
    const complaint = complainTable(tables[t], subjects.length);
    if (complaint !== null) return `tables.${t}.${complaint}`;
  }
  return complainRest(message);
}

function complainTable(table: Unchecked | null | undefined, subjectCount: number): string | null {
  if (typeof table !== "object" || table === null) return "expected a table";
  const { metrics, subject, at, values } = table as Unchecked;
  if (!Array.isArray(metrics) || metrics.length === 0 || metrics.length > LIMITS.metricsMax)
    return "metrics: expected names";
  for (const name of metrics)
    if (typeof name !== "string" || !METRIC.test(name)) return "metrics: expected metric names";
  if (!Array.isArray(subject) || subject.length > LIMITS.rowsMax) return "subject: expected a list";
  if (!Array.isArray(at) || at.length !== subject.length) return "at: expected one time a row";
  for (let row = 0; row < subject.length; row++) {
    if (!isIntIn(subject[row], 0, subjectCount - 1)) return "subject: expected an index into subjects";
    if (!isIntIn(at[row], 0, 90 * 86_400_000)) return "at: expected milliseconds after base";
  }
  if (!Array.isArray(values) || values.length !== metrics.length) return "values: expected one column a metric";
  for (const column of values) {
    if (!Array.isArray(column) || column.length !== subject.length) return "values: expected one value a row";
    for (let row = 0; row < column.length; row++) {
      const value = column[row];
      // JSON has no NaN or Infinity, but 1e999 parses to one.
      if (typeof value === "number" ? !Number.isFinite(value) : typeof value !== "boolean" && value !== null) {
        return "values: expected numbers, booleans or null";
      }
    }
  }
  return null;
}

/** Failures, events and thinning reports are rare: zod checks them. */
function complainRest(message: Unchecked): string | null {
  if (message["failures"] === undefined && message["events"] === undefined && message["dropped"] === undefined)
    return null;
  const parsed = restSchema.safeParse(message);
  const issue = parsed.success ? undefined : parsed.error.issues[0];
  return issue === undefined ? null : `${issue.path.join(".")}: ${issue.message}`;
}

const restSchema = z.object({
  failures: telemetrySchema.shape.failures,
  events: telemetrySchema.shape.events,
  dropped: telemetrySchema.shape.dropped,
});

const isTime = (value: unknown): boolean => isIntIn(value, LIMITS.timeMsMin, LIMITS.timeMsMax);
function isIntIn(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** Rows of a message as readings' sample sets again: for people, tests and the store of last values. */
export function* rowsOf(
  message: Telemetry,
): Generator<{ subject: string; at: number; metrics: Record<string, Value> }> {
  for (const table of message.tables) {
    for (let row = 0; row < table.subject.length; row++) {
      const metrics: Record<string, Value> = {};
      table.metrics.forEach((name, m) => {
        const value = table.values[m]?.[row];
        if (value !== null && value !== undefined) metrics[name] = value;
      });
      yield {
        subject: message.subjects[table.subject[row] ?? -1] ?? "",
        at: message.base + (table.at[row] ?? 0),
        metrics,
      };
    }
  }
}
