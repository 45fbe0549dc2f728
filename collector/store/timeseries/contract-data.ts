/** Batches for the contract tests. */
import type { Telemetry, Value } from "@aislewatch/contract";
import type { LaneKey, TelemetryBatch } from "./store.ts";

export const T0 = 1_700_000_000_000;
export const LANE: LaneKey = { site: "store-1", agent: "host-1", epoch: "e1", lane: "live" };

export type Sample = {
  readonly subject?: string;
  readonly metric?: string;
  readonly at: number;
  readonly value: Value | null;
};

/** One batch with a table for each sample; what is not given is the temperature of one printer. */
export function aBatch(
  seq: number,
  samples: readonly Sample[],
  given: Partial<LaneKey & { skewMs: number }> = {},
): TelemetryBatch {
  const subjects = [...new Set(samples.map(({ subject = "lane-3/printer" }) => subject))];
  const key = { ...LANE, ...given };
  const message: Telemetry = {
    v: 1,
    epoch: key.epoch,
    lane: key.lane,
    seq,
    sentAt: T0,
    base: T0,
    subjects,
    tables: samples.map(({ subject = "lane-3/printer", metric = "temperature_celsius", at, value }) => ({
      metrics: [metric],
      subject: [subjects.indexOf(subject)],
      at: [at - T0],
      values: [[value]],
    })),
  };
  return {
    site: key.site,
    agent: key.agent,
    epoch: key.epoch,
    lane: key.lane,
    seq,
    message,
    skewMs: given.skewMs ?? 0,
  };
}

/** How many samples the crash writer puts into each batch: enough that a commit takes a moment. */
export const CRASH_SAMPLES = 300;

/** What the crash writer appends as its batch number `seq`. */
export function crashBatch(seq: number): TelemetryBatch {
  const rows = Array.from({ length: CRASH_SAMPLES }, (_, n) => n);
  const batch = aBatch(seq, []);
  return {
    ...batch,
    message: {
      ...batch.message,
      subjects: ["lane-3/printer"],
      tables: [
        {
          metrics: ["temperature_celsius"],
          subject: rows.map(() => 0),
          at: rows.map((n) => seq * CRASH_SAMPLES + n),
          values: [rows.map((n) => seq + n / 1_000)],
        },
      ],
    },
  };
}
