/** Rules, and why one fires or not. */
import { CATEGORIES } from "@aislewatch/devices";
import { z } from "zod";
import { severity, subject, value } from "./value.ts";

export const ruleSummary = z
  .object({
    id: z.string(),
    group: z.string(),
    title: z.string(),
    scope: z.enum(["device", "component", "site"]),
    category: z.enum(CATEGORIES),
    severities: z.array(severity),
    mode: z.enum(["live", "shadow"]),
    runbook: z.string().nullable(),
    version: z.string(),
    file: z.string(),
    line: z.int(),
    firing: z.int(),
  })
  .meta({ id: "Rule" });

/** Why a rule fires on a subject at a time, or why not. */
export const explanation = z
  .object({
    rule: z.string(),
    ruleVersion: z.string(),
    subject,
    at: z.number(),
    /** In one sentence. */
    summary: z.string(),
    state: z.enum(["inactive", "pending", "firing", "recovering"]),
    severity: severity.nullable(),
    since: z.number().nullable(),
    stale: z.boolean(),
    suppressedBy: z.string().nullable(),
    /** From the most severe level to the least; then the clear condition, whose severity is null. */
    conditions: z.array(
      z.object({
        severity: severity.nullable(),
        when: z.string(),
        /** Null: unknown. */
        holds: z.boolean().nullable(),
        since: z.number().nullable(),
        forMs: z.number(),
        /** When it will have held for long enough; null when it does not hold, or has. */
        dueAt: z.number().nullable(),
        /** The parts of the condition in the order of reading; `depth` says what belongs to what. */
        terms: z.array(
          z.object({
            depth: z.int(),
            text: z.string(),
            value: value.nullable(),
            unit: z.string(),
            readings: z.array(
              z.object({
                component: z.string().nullable(),
                metric: z.string(),
                value,
                at: z.number(),
                isStale: z.boolean(),
              }),
            ),
            note: z.string(),
          }),
        ),
      }),
    ),
    /** What else decides. */
    facts: z.array(z.object({ name: z.string(), text: z.string() })),
    /** Judged once more from readings stored since then; null: from the present. */
    replayedFrom: z.number().nullable(),
    /** What a replay could not take into account, in sentences. */
    caveats: z.array(z.string()),
  })
  .meta({ id: "Explanation" });
