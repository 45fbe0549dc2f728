/**
 * Structured logs over pino: JSON lines on stderr, or short lines for people. Fields are numbers, booleans and text
 * that the event declares; whatever else a caller smuggles in is left out, so that an object with a secret in it has no
 * way to a log line.
 */
import { writeSync } from "node:fs";
import type { Clock } from "@aislewatch/base";
import { type Logger, pino } from "pino";
import type { Fields, FieldValues, Level, LogEvent } from "./events.ts";

export type LogFormat = "json" | "text";

export type Log = {
  emit<F extends Fields>(event: LogEvent<F>, fields: FieldValues<F>): void;
};

export type LogOptions = {
  /** Which program speaks: `agent`, `collector`. */
  readonly program: string;
  readonly level: Level;
  readonly format: LogFormat;
  readonly clock: Clock;
  /** What every text of a line goes through, for what must not stand in a log wherever it came from. */
  readonly clean?: (text: string) => string;
  /** Takes whole lines; stderr when left out. */
  readonly write?: (line: string) => void;
};

/** How long a same line is counted instead of printed: long enough to survive a device that fails every second. */
const REPEAT_WINDOW_MS = 60_000;
/** Different lines remembered for counting; past it the oldest is forgotten, which prints one line too many. */
const REPEAT_KEYS_MAX = 1_024;
/** One value of a line: a device's own text can be long, and a log line must not be. */
const FIELD_CHARS_MAX = 1_000;

type Repeat = { untilMs: number; count: number };

export function createLog(options: LogOptions): Log {
  const write = options.write ?? writeStderr;
  const logger: Logger = pino(
    {
      level: options.level,
      base: { program: options.program },
      messageKey: "event",
      timestamp: () => `,"time":"${new Date(options.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: options.format === "json" ? write : (line: string) => write(textLine(line)) },
  );
  const repeats = new Map<string, Repeat>();
  return {
    emit(event, fields) {
      const known = pickFields(event.fields, fields, options.clean);
      const repeated = countRepeat(repeats, event.name, event.sameBy, known, options.clock.monotonic());
      if (repeated === null) return;
      logger[event.level](repeated > 0 ? { ...known, repeats: repeated } : known, event.name);
    },
  };
}

/** A log that forgets: for tests and for commands that answer on stdout. */
export const silentLog: Log = { emit() {} };

/** How many same lines were left out before this one, or null when this one is left out as well. */
function countRepeat(
  repeats: Map<string, Repeat>,
  name: string,
  sameBy: readonly string[] | undefined,
  fields: Record<string, unknown>,
  nowMs: number,
): number | null {
  if (sameBy === undefined) return 0;
  const key = JSON.stringify([name, ...sameBy.map((field) => fields[field])]);
  const seen = repeats.get(key);
  if (seen !== undefined && nowMs < seen.untilMs) {
    seen.count++;
    return null;
  }
  repeats.delete(key);
  repeats.set(key, { untilMs: nowMs + REPEAT_WINDOW_MS, count: 0 });
  if (repeats.size > REPEAT_KEYS_MAX) {
    const oldest = repeats.keys().next();
    if (!oldest.done) repeats.delete(oldest.value);
  }
  return seen?.count ?? 0;
}

function pickFields(
  declared: Fields,
  given: Readonly<Record<string, unknown>>,
  clean: (text: string) => string = (text) => text,
): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(declared)) {
    const value = given[name];
    if (typeof value !== type) continue;
    known[name] = typeof value === "string" ? clean(value.slice(0, FIELD_CHARS_MAX)) : value;
  }
  return known;
}

/** `12:30:05 warn  poll_failed device=lane-1/printer kind=timeout`, from the JSON line that pino made. */
function textLine(json: string): string {
  const { level, time, event, program: _, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const words = Object.entries(fields).map(([name, value]) => `${name}=${textValue(value)}`);
  return `${[String(time).slice(11, 19), String(level).padEnd(5), String(event), ...words].join(" ")}\n`;
}

function textValue(value: unknown): string {
  const text = String(value);
  // Quoted when it holds blanks or control characters, so that a device's text can't forge a line.
  return /^[^\s"\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}

function writeStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // A closed or full pipe behind stderr (EPIPE, EAGAIN) costs the line, never the program.
  }
}
