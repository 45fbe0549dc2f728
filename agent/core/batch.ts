/**
 * Readings into batches that every receiver takes: within the contract's limits and small enough that a thin line
 * carries other messages in between. A batch is written down without its header (lane, seq and epoch come from the
 * outbox, `sentAt` from the moment of sending), so a body is JSON text from `base` on, and a message is a head glued on.
 */
import {
  type Dropped,
  encodeTelemetry,
  type Lane,
  LIMITS,
  type Reading,
  type SampleSet,
  type Telemetry,
  WIRE_VERSION,
} from "@aislewatch/contract";

export type Body = {
  /** JSON text of a telemetry message without `v`, `epoch`, `lane`, `seq` and `sentAt`, without the opening brace. */
  readonly text: string;
  /** How many it holds, or stands for. */
  readonly samples: number;
  readonly fromAt: number;
  readonly toAt: number;
};

export type Header = {
  readonly epoch: string;
  readonly lane: Lane;
  readonly seq: number;
  readonly sentAt: number;
};

/** A quarter of what a message may be: at 256 kbit/s, two seconds. */
export const BATCH_BYTES_MAX = 64 * 1024;
/** The head is under 200 bytes: version, epoch (64 at most), lane, seq and time. */
const HEAD_BYTES_MAX = 256;
/** Readings of one batch lie within a day, far below the 90 days that a table's times may span. */
const BATCH_SPAN_MS_MAX = 86_400_000;

/** The message of a body: bytes are ready to publish. Never over LIMITS.messageBytesMax. */
export function wireText(header: Header, body: string): string {
  const { epoch, lane, seq, sentAt } = header;
  return `${JSON.stringify({ v: WIRE_VERSION, epoch, lane, seq, sentAt }).slice(0, -1)},${body}`;
}

/** Batches of these readings, in their order. A reading that alone is too large is cut between its components. */
export function packReadings(readings: readonly Reading[], bytesMax: number = BATCH_BYTES_MAX): Body[] {
  return group(readings.flatMap(splitWide)).flatMap((batch) => encodeWithin(batch, bytesMax));
}

/** A batch that stands for readings which are gone. */
export function droppedBody(dropped: Dropped): Body {
  const { samples, fromAt, toAt } = dropped;
  return { ...encode([], [dropped]), samples, fromAt, toAt };
}

/** What a body loses when it keeps only what turned: see `withoutNumbers`. */
export type Thinned = { readonly seq: number; readonly fromAt: number; readonly toAt: number; readonly reason: string };

/**
 * The same body without its numbers, and with a report of how many those were; null when it holds none. Booleans,
 * failures and events stay, so that every change of a state is still told. `text` is one of ours: see `Body`.
 */
export function withoutNumbers(text: string, { seq, fromAt, toAt, reason }: Thinned): Body | null {
  const body = parseBody(text);
  const tables = body.tables.flatMap(({ metrics, subject, at, values }) => {
    const kept = metrics.flatMap((_, m) => ((values[m] ?? []).some(isNumber) ? [] : [m]));
    if (kept.length === 0) return [];
    return { metrics: kept.map((m) => metrics[m] ?? ""), subject, at, values: kept.map((m) => values[m] ?? []) };
  });
  const samples = valuesIn(body.tables) - valuesIn(tables);
  if (samples === 0) return null;
  const dropped = [{ fromSeq: seq, toSeq: seq, fromAt, toAt, samples, reason }];
  return { text: JSON.stringify({ ...body, tables, dropped }).slice(1), samples: valuesIn(tables), fromAt, toAt };
}

/** How many samples a body says that it lost. */
export const samplesLost = (text: string): number =>
  (parseBody(text).dropped ?? []).reduce((sum, { samples }) => sum + samples, 0);

/** Does a body say of batches that they were dropped for this reason? */
export const isOfReason = (text: string, reason: string): boolean =>
  (parseBody(text).dropped ?? []).some((one) => one.reason === reason);

/** The same body under another seq: what it says of dropped batches names it. */
export function withSeq(text: string, seq: number): string {
  // Most say nothing of the kind, and need not be parsed to know.
  if (!text.includes('"dropped":[')) return text;
  const body = parseBody(text);
  if (body.dropped === undefined) return text;
  return JSON.stringify({
    ...body,
    dropped: body.dropped.map((lost) => ({ ...lost, fromSeq: seq, toSeq: seq })),
  }).slice(1);
}

type ParsedBody = Pick<Telemetry, "tables" | "dropped">;

/** Only for texts that this file made: a file that was damaged is found by SQLite before. */
const parseBody = (text: string): ParsedBody => JSON.parse(`{${text}`) as ParsedBody;

const isNumber = (value: unknown): boolean => typeof value === "number";

/** As `Body.samples` counts: a null is where a reading lacks the metric. */
function valuesIn(tables: Telemetry["tables"]): number {
  let count = 0;
  for (const { values } of tables) for (const column of values) for (const value of column) if (value !== null) count++;
  return count;
}

type Group = { readonly readings: Reading[]; rows: number; events: number; leastAt: number; mostAt: number };

/** Greedy: as many readings as the counts of the contract allow. */
function group(readings: readonly Reading[]): Reading[][] {
  const groups: Group[] = [];
  for (const reading of readings) {
    const open = groups.at(-1);
    const rows = reading.samples.length;
    const events = reading.events?.length ?? 0;
    if (open === undefined || !hasRoom(open, reading, { rows, events })) {
      groups.push({ readings: [reading], rows, events, leastAt: reading.at, mostAt: reading.at });
      continue;
    }
    open.readings.push(reading);
    open.rows += rows;
    open.events += events;
    open.leastAt = Math.min(open.leastAt, reading.at);
    open.mostAt = Math.max(open.mostAt, reading.at);
  }
  return groups.map((full) => full.readings);
}

function hasRoom(open: Group, { at }: Reading, more: { rows: number; events: number }): boolean {
  return (
    open.rows + more.rows <= LIMITS.tablesMax &&
    open.events + more.events <= LIMITS.eventsMax &&
    Math.max(open.mostAt, at) - Math.min(open.leastAt, at) <= BATCH_SPAN_MS_MAX
  );
}

/** Each sample set can need a table of its own: a reading with more sets than tables becomes several. */
function splitWide(reading: Reading): Reading[] {
  if (reading.samples.length <= LIMITS.tablesMax) return [reading];
  const parts: Reading[] = [];
  for (let from = 0; from < reading.samples.length; from += LIMITS.tablesMax) {
    parts.push(withSamples(reading, reading.samples.slice(from, from + LIMITS.tablesMax), from === 0));
  }
  return parts;
}

/** What a poll says of itself goes with the first part only. */
function withSamples(reading: Reading, samples: readonly SampleSet[], first: boolean): Reading {
  return first ? { ...reading, samples } : { device: reading.device, at: reading.at, samples };
}

function encodeWithin(readings: readonly Reading[], bytesMax: number): Body[] {
  const body = encode(readings, []);
  if (byteLength(body.text) + HEAD_BYTES_MAX <= bytesMax) return [body];
  const halves = halve(readings);
  return halves === null ? [body] : halves.flatMap((half) => encodeWithin(half, bytesMax));
}

/** Two smaller lots, or null when there is nothing left to cut: one sample set, which is within every limit. */
function halve(readings: readonly Reading[]): [Reading[], Reading[]] | null {
  const middle = Math.ceil(readings.length / 2);
  if (readings.length > 1) return [readings.slice(0, middle), readings.slice(middle)];
  const [reading] = readings;
  if (reading === undefined || reading.samples.length < 2) return null;
  const cut = Math.ceil(reading.samples.length / 2);
  return [
    [withSamples(reading, reading.samples.slice(0, cut), true)],
    [withSamples(reading, reading.samples.slice(cut), false)],
  ];
}

function encode(readings: readonly Reading[], dropped: readonly Dropped[]): Body {
  const times = [...readings.map(({ at }) => at), ...dropped.map((lost) => lost.toAt)];
  const fromAt = Math.min(...times);
  const toAt = Math.max(...times);
  // Only `base` depends on sentAt, and takes the earliest: the earliest reading, when sentAt is that time.
  const {
    v: _v,
    epoch: _e,
    lane: _l,
    seq: _s,
    sentAt: _t,
    ...rest
  } = encodeTelemetry({ epoch: "", lane: "live", seq: 0, sentAt: fromAt }, readings, dropped);
  const samples = readings.reduce(
    (sum, { samples }) => sum + samples.reduce((count, { metrics }) => count + Object.keys(metrics).length, 0),
    0,
  );
  return { text: JSON.stringify(rest).slice(1), samples, fromAt, toAt };
}

/** UTF-8 bytes of a text: no TextEncoder's copy for a number. */
function byteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is two units and four bytes, so each half counts two; a lone one counts three at most.
    if (unit > 0x7f) bytes += unit <= 0x7ff || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
