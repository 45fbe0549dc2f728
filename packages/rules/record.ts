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

type Unread = Readonly<Record<string, unknown>>;

const IDLE = { since: null, gatheredMs: 0, frozenAt: null } as const;
const NONE: readonly never[] = [];

/** What is as usual is left out: half of a record is, and the time to read a million of them goes by their length. */
export function writeDetail(detail: FaultDetail): Unread {
  const { clear, unknownSince, recent, isFlapping, isUnproved, stale, suppressedBy, streaks, ...rest } = detail;
  const { inactiveHours, maintenance, ...always } = rest;
  const isIdle = clear.since === null && clear.gatheredMs === 0 && clear.frozenAt === null;
  return {
    ...always,
    ...(!isIdle && { clear }),
    ...(unknownSince !== null && { unknownSince }),
    ...(recent.length > 0 && { recent }),
    ...(isFlapping && { isFlapping }),
    ...(isUnproved && { isUnproved }),
    ...(stale && { stale }),
    ...(suppressedBy !== null && { suppressedBy }),
    ...(inactiveHours && { inactiveHours }),
    ...(maintenance !== null && { maintenance }),
    ...(streaks.length > 0 && { streaks }),
  };
}

/** With what was left out. */
function filled(detail: Unread): Unread {
  const { conditions, level, onset, steps, code, answeredAt } = detail;
  const or = (name: string, usual: unknown): unknown => (detail[name] === undefined ? usual : detail[name]);
  return {
    ...{ conditions, level, onset, steps, code, answeredAt },
    clear: or("clear", IDLE),
    unknownSince: or("unknownSince", null),
    recent: or("recent", NONE),
    isFlapping: or("isFlapping", false),
    isUnproved: or("isUnproved", false),
    stale: or("stale", false),
    suppressedBy: or("suppressedBy", null),
    inactiveHours: or("inactiveHours", false),
    maintenance: or("maintenance", null),
    streaks: or("streaks", NONE),
  };
}

/**
 * Null for what can't be one. A restart reads a million of them at worst: what is plainly whole is taken as it is, and
 * only what is not (broken, or with streaks) goes through the schema.
 */
export function readDetail({ detail }: FaultRecord): FaultDetail | null {
  const whole = filled(detail);
  if (isWhole(whole)) return whole;
  const parsed = detailSchema.safeParse(whole);
  return parsed.success ? parsed.data : null;
}

/** Says yes to nothing that the schema would refuse or change. */
function isWhole(detail: Unread): detail is FaultDetail {
  const { conditions, level, steps, clear, recent, code, streaks } = detail;
  return (
    typeof conditions === "string" &&
    isIntFrom(level, -1) &&
    level <= 3 &&
    isIntFrom(code, 0) &&
    isListOf(steps, 4, isHold) &&
    isHold(clear) &&
    isListOf(recent, 100, Number.isFinite) &&
    // Streaks are rare: the schema looks at them.
    isListOf(streaks, 0, () => false) &&
    hasFlags(detail) &&
    hasTimes(detail)
  );
}

const hasFlags = ({ isFlapping, isUnproved, stale, inactiveHours, suppressedBy, maintenance }: Unread): boolean =>
  typeof isFlapping === "boolean" &&
  typeof isUnproved === "boolean" &&
  typeof stale === "boolean" &&
  typeof inactiveHours === "boolean" &&
  (suppressedBy === null || typeof suppressedBy === "string") &&
  (maintenance === null || typeof maintenance === "string");

const hasTimes = ({ onset, answeredAt, unknownSince }: Unread): boolean =>
  Number.isFinite(onset) && Number.isFinite(answeredAt) && (unknownSince === null || Number.isFinite(unknownSince));

function isHold(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (!("since" in value && "gatheredMs" in value && "frozenAt" in value)) return false;
  const { since, gatheredMs, frozenAt } = value;
  return (
    (since === null || Number.isFinite(since)) &&
    typeof gatheredMs === "number" &&
    gatheredMs >= 0 &&
    gatheredMs < Number.POSITIVE_INFINITY &&
    (frozenAt === null || Number.isFinite(frozenAt)) &&
    Object.keys(value).length === 3
  );
}

const isIntFrom = (value: unknown, min: number): value is number => Number.isSafeInteger(value) && Number(value) >= min;

const isListOf = (value: unknown, max: number, isOne: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length <= max && value.every(isOne);

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
