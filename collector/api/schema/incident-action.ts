/** What people do to incidents, one or many at a time. */
import { z } from "zod";
import { CANCEL_CODES, HOLD_REASONS, PRIORITIES, RESOLUTION_CODES, SLA_CLOCKS, TIERS } from "../../incidents/types.ts";
import { incident } from "./incident.ts";

/** Guards against two people acting at once: 409 when the incident moved on. */
const seen = { version: z.int().optional() };

/** What would steer a terminal, or turn the reading direction of what stands after it. */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const UNSEEN_IN_PROSE = /(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** One line that somebody wrote, without blanks around it. */
const line = (max: number) =>
  z
    .string()
    .overwrite((text) => text.replaceAll(UNSEEN, " ").trim())
    .max(max);
/** The same, of any number of lines. */
const prose = (max: number) =>
  z
    .string()
    .overwrite((text) => text.replaceAll(/\r\n?/g, "\n").replaceAll(UNSEEN_IN_PROSE, " ").trim())
    .max(max);

const why = line(512).min(1);

const tier = z.literal(TIERS);

/** What a person does to an incident. */
export const incidentAction = z
  .discriminatedUnion("action", [
    z.strictObject({ action: z.literal("acknowledge"), ...seen }),
    z.strictObject({
      action: z.literal("assign"),
      to: line(128).min(1).nullable(),
      /** Not given: as it was. */
      group: line(128).min(1).nullable().optional(),
      tier: tier.optional(),
      ...seen,
    }),
    z.strictObject({ action: z.literal("start"), ...seen }),
    z.strictObject({
      action: z.literal("hold"),
      reason: z.enum(HOLD_REASONS),
      text: prose(512).nullable().default(null),
      ...seen,
    }),
    z.strictObject({ action: z.literal("resume"), ...seen }),
    z.strictObject({ action: z.literal("note"), text: prose(4000).min(1), ...seen }),
    z.strictObject({ action: z.literal("check"), item: z.string().min(1).max(256), done: z.boolean(), ...seen }),
    z.strictObject({
      action: z.literal("vendor"),
      vendor: line(128).min(1),
      /** The vendor's number for it. */
      ref: line(128).min(1),
      ...seen,
    }),
    z.strictObject({
      action: z.literal("resolve"),
      code: z.enum(RESOLUTION_CODES),
      /** Needed while the fault still fires: why it is resolved all the same. */
      text: prose(4000).nullable().default(null),
      /** Who solved it; not given: the tier that has it. */
      tier: tier.optional(),
      followUp: line(512).optional(),
      ...seen,
    }),
    z.strictObject({ action: z.literal("reopen"), why, ...seen }),
    z.strictObject({ action: z.literal("close"), ...seen }),
    z.strictObject({
      action: z.literal("cancel"),
      code: z.enum(CANCEL_CODES),
      /** Needed while the fault still fires. */
      text: prose(4000).nullable().default(null),
      ...seen,
    }),
    z.strictObject({ action: z.literal("review"), text: prose(4000).nullable().default(null), ...seen }),
    z.strictObject({
      action: z.literal("claim_pause"),
      /** Not given: all clocks that stand still for this reason. */
      clock: z.enum(SLA_CLOCKS).optional(),
      /** Unix ms; it waited from then */
      from: z.int().min(0),
      /** until then, and nobody had said so. */
      to: z.int().min(0),
      reason: z.enum(HOLD_REASONS),
      text: prose(512).min(1),
      ...seen,
    }),
    z.strictObject({
      action: z.literal("escalate"),
      /** Who gets it; not given: the next step of its chain is taken now. */
      tier: z.literal([2, 3, 4]).optional(),
      why,
      ...seen,
    }),
    z.strictObject({
      action: z.literal("set_priority"),
      /** Null: as the collector finds it, again. */
      priority: z.enum(PRIORITIES).nullable(),
      why,
      ...seen,
    }),
    z.strictObject({ action: z.literal("correct_onset"), onset: z.int().min(0), why, ...seen }),
    z.strictObject({ action: z.literal("correct_resolution"), code: z.enum(RESOLUTION_CODES), why, ...seen }),
    z.strictObject({
      action: z.literal("merge"),
      /** The one that is worked on from then on. */
      into: z.string().max(32),
      intoVersion: z.int().optional(),
      ...seen,
    }),
    z.strictObject({ action: z.literal("split"), ...seen }),
  ])
  .meta({ id: "IncidentAction" });

/** Each incident is acted on by itself: one that refuses stops none of the others. */
export const bulkRequest = z
  .object({
    incidents: z
      .array(z.object({ id: z.string().max(32), ...seen }))
      .min(1)
      .max(500)
      .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, { message: "each incident once" }),
    /** Its own `version` counts for nothing here. */
    action: incidentAction,
  })
  .meta({ id: "BulkRequest" });

/** In the order of the request. */
export const bulkResult = z
  .object({
    results: z.array(
      z.object({
        id: z.string(),
        ok: z.boolean(),
        /** As it is now, whether it was acted on or not; null when there is none of this id. */
        incident: incident.nullable(),
        error: z.object({ error: z.string(), message: z.string() }).nullable(),
      }),
    ),
    done: z.int(),
    refused: z.int(),
  })
  .meta({ id: "BulkResult" });
