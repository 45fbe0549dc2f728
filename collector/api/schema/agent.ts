/** Agents, their deliveries and commands. */
import { COMMAND_KINDS, COMMAND_OUTCOMES } from "@aislewatch/contract";
import { z } from "zod";

/** Missing batches, why, and who explained it. */
export const missingSpan = z
  .object({
    site: z.string(),
    agent: z.string(),
    epoch: z.string(),
    lane: z.enum(["live", "history"]),
    fromSeq: z.int(),
    toSeq: z.int(),
    at: z.number(),
    cause: z.enum(["never_arrived", "lost_with_outbox", "lost_by_restore"]),
    reason: z.string(),
    explanation: z.object({ at: z.number(), by: z.string(), text: z.string() }).nullable(),
  })
  .meta({ id: "MissingSpan" });

/** What a full outbox dropped, as its agent reported it; `fromAt` and `toAt` are of the readings. */
export const thinnedSpan = z
  .object({
    ...missingSpan.pick({ site: true, agent: true, epoch: true, lane: true, fromSeq: true, toSeq: true, at: true })
      .shape,
    fromAt: z.number(),
    toAt: z.number(),
    samples: z.int(),
    reason: z.string(),
  })
  .meta({ id: "ThinnedSpan" });

/** seq - firstSeq + 1 = batches + thinnedBatches + lostBatches; `owed` lie beyond `seq`. */
export const deliveryLane = z
  .object({
    ...missingSpan.pick({ site: true, agent: true, epoch: true, lane: true }).shape,
    isCurrent: z.boolean(),
    firstSeq: z.int(),
    seq: z.int(),
    /** Up to where both stores have it. */
    safeSeq: z.int(),
    announced: z.int(),
    batches: z.int(),
    late: z.int(),
    samples: z.int(),
    repeats: z.int(),
    thinnedBatches: z.int(),
    thinnedSamples: z.int(),
    lostBatches: z.int(),
    queued: z.int(),
    owed: z.int(),
    missing: z.int(),
    explained: z.int(),
    isBalanced: z.boolean(),
    lastAt: z.number(),
  })
  .meta({ id: "DeliveryLane" });

export const deliveryAudit = z
  .object({
    /** Batches that are missing without an explanation, and lanes that do not add up; 0: nothing is lost. */
    unexplained: z.int(),
    lanes: z.array(deliveryLane),
    missing: z.array(missingSpan),
    thinned: z.array(thinnedSpan),
  })
  .meta({ id: "DeliveryAudit" });

export const agentSummary = z
  .object({
    site: z.string(),
    siteName: z.string(),
    id: z.string(),
    online: z.boolean(),
    /** False: nothing of it since the collector's start, so `online` is what it was before. */
    heard: z.boolean(),
    version: z.string().nullable(),
    host: z.string().nullable(),
    epoch: z.string().nullable(),
    startedAt: z.number().nullable(),
    lastSeenAt: z.number(),
    /** What waited in its outbox when it said so last; null when it never did. */
    outbox: z
      .object({
        batches: z.int(),
        bytes: z.int(),
        /** What it may hold; null when the agent does not say. */
        bytesMax: z.int().nullable(),
        ageSeconds: z.number(),
        /** Why readings are kept in memory only; null when the outbox is written. */
        inMemory: z.string().nullable(),
      })
      .nullable(),
    /** Its clock minus the collector's, the way of the message included; null while nothing was heard of it. */
    clockOffsetSeconds: z.number().nullable(),
    /** Its times are shifted by so much, for its clock is off by more than a minute; 0: as it tells them. */
    timesShiftedSeconds: z.number(),
    /** What it takes of its host: resident memory, and processor time of one core. */
    cost: z.object({ memoryBytes: z.number(), cpuPercent: z.number() }).nullable(),
    /** The file system of its data. */
    disk: z.object({ totalBytes: z.number(), freeBytes: z.number() }).nullable(),
    devices: z.int(),
    missingBatches: z.int(),
    owed: z.object({ live: z.int(), history: z.int() }),
    thinnedSamples: z.int(),
    refusedClaims: z.array(z.string()),
    /** Nothing is taken of its outbox: the accounts of its earlier ones, none of them settled, leave no room. */
    epochRefused: z.boolean(),
  })
  .meta({ id: "Agent" });

export const agentDetail = z
  .object({
    agent: agentSummary,
    /** How long the last poll of its slowest devices took, and how often they are polled. */
    slowest: z.array(z.object({ device: z.string(), seconds: z.number(), everySeconds: z.number() })),
    delivery: deliveryAudit,
  })
  .meta({ id: "AgentDetail" });

/** What an agent was asked to do, and what came of it. */
export const command = z
  .object({
    id: z.string(),
    site: z.string(),
    agent: z.string(),
    kind: z.enum(COMMAND_KINDS),
    device: z.string().nullable(),
    by: z.string(),
    issuedAt: z.number(),
    deadlineAt: z.number(),
    /** `unanswered`: the deadline passed; whether the agent did it nobody knows. */
    state: z.enum(["sent", "unanswered", ...COMMAND_OUTCOMES]),
    answeredAt: z.number().nullable(),
    /** A sentence; of `send_diagnostics` JSON text. */
    detail: z.string(),
  })
  .meta({ id: "Command" });
