/**
 * The catalogue entry of a log line. Each program lists its events in one `events.ts`; code emits an event with its
 * fields and never composes a message, so every line can be searched, counted and documented by name.
 */
export type FieldType = "string" | "number" | "boolean";

export type Level = "debug" | "info" | "warn" | "error";

export type Fields = Readonly<Record<string, FieldType>>;

export type LogEvent<F extends Fields> = {
  /** Noun and past verb: `device_went_down`. */
  readonly name: string;
  /** error: someone must act. warn: odd, nothing lost. info: lifecycle and state changes. debug: per poll. */
  readonly level: Level;
  /** One sentence for the operator: what it means and, for errors, what to do. */
  readonly meaning: string;
  readonly fields: F;
  /**
   * Which fields make two lines the same. Within a minute a same line is counted instead of printed, and the next one
   * that is printed says how many were left out (`repeats`). Without it, every one is printed.
   */
  readonly sameBy?: readonly (keyof F & string)[];
};

export type FieldValues<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends "number" ? number : F[Name] extends "boolean" ? boolean : string;
};

/** Any event, for lists of them. */
export type AnyLogEvent = LogEvent<Fields>;

export const defineEvent = <const F extends Fields>(event: LogEvent<F>): LogEvent<F> => event;
