/**
 * What the late evaluator keeps of an agent over a restart, as JSON in the state store. What is read back was ours once,
 * and is checked all the same; a record that does not pass is left alone, and its agent's history is kept unjudged.
 */
import { decodeTelemetry, type Telemetry } from "@aislewatch/contract";
import { SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";

const severity = z.enum(SEVERITIES).nullable();
const faultState = z.enum(["inactive", "pending", "firing", "recovering"]);
const subject = z.object({ site: z.string(), device: z.string().nullable(), component: z.string().nullable() });

const fault = z.object({
  v: z.literal(1),
  rule: z.string(),
  ruleVersion: z.string(),
  subject,
  state: faultState,
  severity,
  detail: z.record(z.string(), z.unknown()),
});

const transition = z.object({
  rule: z.string(),
  ruleVersion: z.string(),
  subject,
  at: z.number(),
  from: faultState,
  to: faultState,
  severity,
  flags: z.object({
    stale: z.boolean(),
    suppressedBy: z.string().nullable(),
    flapping: z.literal(true).exactOptional(),
    inactiveHours: z.literal(true).exactOptional(),
    maintenance: z.string().exactOptional(),
  }),
  title: z.string(),
  since: z.number(),
  values: z.record(z.string(), z.union([z.number(), z.boolean()])),
  reason: z.enum(["condition", "clear", "level", "flags", "missing", "rule_changed", "rule_removed", "device_removed"]),
});

const spell = z.object({
  opened: transition.nullable(),
  levels: z.array(transition).readonly(),
  over: transition.nullable(),
});

const fork = z.object({
  epoch: z.string(),
  tailSeq: z.number(),
  toSeq: z.number(),
  // Records of before these were kept: their tail was read as it came.
  hadTailSeq: z.number().default(Number.MAX_SAFE_INTEGER),
  hadSeq: z.number().default(0),
  isTelling: z.boolean().default(true),
  awayAt: z.number(),
  untilAt: z.number(),
  phase: z.enum(["reading", "settling"]),
  faults: z.array(fault),
  liveSince: z.array(z.tuple([z.string(), z.number()])),
  open: z.array(z.tuple([z.string(), spell])),
  held: z.array(z.tuple([z.string(), z.array(spell)])),
  told: z.array(z.tuple([z.string(), z.number()])).default([]),
  pending: z.array(z.tuple([z.string(), z.object({ subject, onset: z.number() })])),
  seenLive: z.array(z.tuple([z.string(), z.object({ onset: z.number().nullable(), overAt: z.number().nullable() })])),
});
export type KeptFork = z.infer<typeof fork>;

const record = z.object({
  v: z.literal(1),
  base: z.object({ at: z.number(), epoch: z.string().nullable().default(null), faults: z.array(fault) }).nullable(),
  memory: z.string().nullable().default(null),
  forks: z.array(fork),
});
export type KeptLate = z.infer<typeof record>;

/** Live batches of each fork, by the last seq of its history. `text` is the message as it came. */
const kept = z.object({ skewMs: z.number(), text: z.string() });
const liveBatches = z.object({
  v: z.literal(1),
  forks: z.array(
    z.object({
      ...{ epoch: z.string(), toSeq: z.number() },
      tail: z.array(kept.extend({ isLate: z.boolean().default(false) })),
      bridge: z.array(kept),
    }),
  ),
});
export type KeptBatches = z.infer<typeof liveBatches>;

export const readLateRecord = (body: string): KeptLate | null => read(body, record);
export const readLateBatches = (body: string): KeptBatches | null => read(body, liveBatches);

export function readMessage(text: string): Telemetry | null {
  const decoded = decodeTelemetry(Buffer.from(text));
  return decoded.ok ? decoded.value : null;
}

function read<T>(body: string, schema: z.ZodType<T>): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
