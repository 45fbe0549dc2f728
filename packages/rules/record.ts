/** Faults as the state store keeps them. What is read back was ours once, and is checked all the same. */
import { z } from "zod";
import type { Fault } from "./fault.ts";
import type { FaultRecord } from "./types.ts";

const time = z.number();
const hold = z.strictObject({ since: time.nullable(), gatheredMs: z.number().min(0), frozenAt: time.nullable() });

const detailSchema = z.strictObject({
  /** Hash of the conditions that the timers belong to. */
  conditions: z.string(),
  level: z.int().min(-1).max(3),
  onset: time,
  steps: z.array(hold).max(4),
  clear: hold,
  unknownSince: time.nullable(),
  code: z.int().min(0),
  stale: z.boolean(),
  suppressedBy: z.string().nullable(),
  /** Of the device: without them a silence or a wait for a fresh reading would begin anew at each restart. */
  answeredAt: time,
  awaitingSince: time.nullable(),
  awaitedParent: z.string().nullable(),
  /** Of the metrics that the conditions use streak() on. */
  streaks: z.array(z.strictObject({ metric: z.string(), at: time, value: z.number(), streak: z.int().min(0) })).max(16),
});

export type FaultDetail = z.infer<typeof detailSchema>;

export function readDetail(record: FaultRecord): FaultDetail | null {
  const parsed = detailSchema.safeParse(record.detail);
  return parsed.success ? parsed.data : null;
}

export function faultOf({ state }: FaultRecord, detail: FaultDetail): Fault {
  const { level, onset, steps, clear, unknownSince } = detail;
  return { state, level, onset, steps, clear, unknownSince };
}
