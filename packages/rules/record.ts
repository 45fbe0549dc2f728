/** Faults as the state store keeps them. What is read back was ours once, and is checked all the same. */
import { z } from "zod";
import type { Fault } from "./fault.ts";
import type { FaultRecord } from "./types.ts";

const time = z.number();
const hold = z.strictObject({ since: time.nullable(), gatheredMs: z.number().min(0), frozenAt: time.nullable() });

const detailSchema = z.object({
  /** Hash of the conditions that the timers belong to. */
  conditions: z.string(),
  level: z.int().min(-1).max(3),
  onset: time,
  steps: z.array(hold).max(4),
  clear: hold,
  unknownSince: time.nullable(),
  recent: z.array(time).max(100).default([]),
  isFlapping: z.boolean().default(false),
  isUnproved: z.boolean().default(false),
  code: z.int().min(0),
  stale: z.boolean(),
  suppressedBy: z.string().nullable(),
  inactiveHours: z.boolean().default(false),
  maintenance: z.string().nullable().default(null),
  /** Of the device: without it a silence would begin anew at each restart. */
  answeredAt: time,
  /** Of the metrics that the conditions use streak() on. */
  streaks: z.array(z.strictObject({ metric: z.string(), at: time, value: z.number(), streak: z.int().min(0) })).max(16),
});

export type FaultDetail = z.infer<typeof detailSchema>;

export function readDetail(record: FaultRecord): FaultDetail | null {
  const parsed = detailSchema.safeParse(record.detail);
  return parsed.success ? parsed.data : null;
}

/**
 * The name under which it is kept that a device waits for its first reading since what is above it came back. It is of
 * the device and not of a fault: one without any waits as well. No rule can be called so.
 */
const WAIT = "@awaited";

const waitSchema = z.object({ since: time, parent: z.string() });
export type Wait = z.infer<typeof waitSchema>;

/** Null for a wait that is over. */
export function waitRecord(site: string, device: string, wait: Wait | null): FaultRecord {
  const head = {
    v: 1,
    rule: WAIT,
    ruleVersion: "",
    subject: { site, device, component: null },
    severity: null,
  } as const;
  return wait === null ? { ...head, state: "inactive", detail: {} } : { ...head, state: "pending", detail: wait };
}

export const isWait = ({ rule }: FaultRecord): boolean => rule === WAIT;

export function readWait({ detail }: FaultRecord): Wait | null {
  const parsed = waitSchema.safeParse(detail);
  return parsed.success ? parsed.data : null;
}

export function faultOf({ state }: FaultRecord, detail: FaultDetail): Fault {
  const { level, onset, steps, clear, unknownSince, recent, isFlapping, isUnproved } = detail;
  return { state, level, onset, steps, clear, unknownSince, recent, isFlapping, isUnproved };
}
