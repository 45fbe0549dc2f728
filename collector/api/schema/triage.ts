/** What the machine makes of an incident, and the page that goes with whoever drives there. docs/incidents.md */
import { CATEGORIES } from "@aislewatch/devices";
import { z } from "zod";
import { FAULT_CLASSES } from "../../incidents/fault-class.ts";
import { RELATIONS } from "../../incidents/likeness.ts";
import { STRENGTHS } from "../../incidents/triage.ts";
import { CANCEL_CODES, INCIDENT_STATES, PRIORITIES, RESOLUTION_CODES } from "../../incidents/types.ts";
import { severity } from "./value.ts";

const relation = z.enum(RELATIONS);

export const cause = z
  .object({
    is: z.enum(FAULT_CLASSES),
    text: z.string(),
    strength: z.enum(STRENGTHS),
    /** The weightiest first; `incident`: the other one that it is about. */
    evidence: z.array(z.object({ text: z.string(), at: z.number().nullable(), incident: z.string().nullable() })),
  })
  .meta({ id: "Cause" });

/** The hardware that stood in the slot when it was opened, or where that was not written down, stands there now. */
export const hardware = z
  .object({
    vendor: z.string().nullable(),
    model: z.string().nullable(),
    serial: z.string().nullable(),
    firmware: z.string().nullable(),
    /** As the books have it (docs/assets.md). */
    tag: z.string().nullable(),
    purchased: z.string().nullable(),
    /** Null: not known. `ending`: within 30 days; `days` below 0: over since. */
    warranty: z.object({ until: z.string(), state: z.enum(["valid", "ending", "over"]), days: z.int() }).nullable(),
    /** Serial number of what is in the slot now, when that is another one. */
    replacedBy: z.string().nullable(),
    /** Whom to call for it. */
    service: z
      .object({
        id: z.string(),
        name: z.string(),
        phone: z.string().nullable(),
        email: z.string().nullable(),
        portal: z.string().nullable(),
        contract: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: "Hardware" });

export const similarIncident = z
  .object({
    incident: z.string(),
    /** The nearest relation; `category`: another rule of its category, on the same asset or slot. */
    by: z.enum([...RELATIONS, "category"]),
    title: z.string(),
    openedAt: z.number(),
    site: z.string(),
    siteName: z.string(),
    /** With its site. */
    slot: z.string().nullable(),
    rule: z.string(),
    code: z.enum([...RESOLUTION_CODES, ...CANCEL_CODES]).nullable(),
    /** Who resolved it; null: nobody, or not known any more. */
    resolvedBy: z.string().nullable(),
    isOpen: z.boolean(),
    tookMs: z.number().nullable(),
  })
  .meta({ id: "SimilarIncident" });

const recurrence = z.object({
  of: relation,
  /** Within 7, 30 and 90 days before it was opened; itself is not among them. */
  times: z.array(z.int()),
  /** There were more than were looked at. */
  isMore: z.boolean(),
  lastAt: z.number().nullable(),
});
/** Against other devices of its model; null: too few of them for too short a time to have a normal. */
const usual = z
  .object({
    times: z.int(),
    days: z.int(),
    expected: z.number(),
    devices: z.int(),
    exposureDays: z.int(),
    incidents: z.int(),
    verdict: z.enum(["more_often", "as_usual"]),
  })
  .nullable();

export const triage = z
  .object({
    incident: z.string(),
    classification: z.object({ is: z.enum(FAULT_CLASSES), why: z.string() }),
    category: z.enum(CATEGORIES),
    /** The likeliest first. */
    causes: z.array(cause),
    recurrence: z.array(recurrence),
    usual,
    /** `n` of the `of` that people resolved were resolved by `code`; `atLeast`: the lower end of the share's interval. */
    resolved: z.array(
      z.object({
        on: relation,
        code: z.enum(RESOLUTION_CODES),
        n: z.int(),
        of: z.int(),
        share: z.number(),
        atLeast: z.number(),
        text: z.string(),
      }),
    ),
    similar: z.array(similarIncident),
    hardware,
    /** What its runbook says to bring. */
    bring: z.array(z.string()),
  })
  .meta({ id: "Triage" });

export const handOver = z
  .object({
    id: z.string(),
    title: z.string(),
    /** What is broken, in one sentence. */
    sentence: z.string(),
    state: z.enum(INCIDENT_STATES),
    priority: z.enum(PRIORITIES),
    severity,
    madeAt: z.number(),
    where: z.object({
      site: z.string(),
      siteName: z.string(),
      address: z.string().nullable(),
      timeZone: z.string(),
      isOpen: z.boolean(),
      /** `open until 20:00`, by the clock there. */
      hours: z.string(),
      device: z.string().nullable(),
      deviceName: z.string().nullable(),
      component: z.string().nullable(),
      kind: z.string().nullable(),
      labels: z.array(z.string()),
      networkAddress: z.string().nullable(),
      contacts: z.array(
        z.object({
          name: z.string(),
          role: z.string(),
          phone: z.string().nullable(),
          email: z.string().nullable(),
          reachable: z.boolean(),
        }),
      ),
    }),
    hardware,
    vendorRef: z.object({ vendor: z.string(), ref: z.string() }).nullable(),
    since: z.object({
      onset: z.number(),
      openedAt: z.number(),
      recoveredAt: z.number().nullable(),
      /** By the clock there. */
      local: z.string(),
    }),
    values: z.array(z.object({ metric: z.string(), text: z.string() })),
    /** Around the onset; null: its rule names no series, or it could not be read. */
    chart: z
      .object({
        metric: z.string(),
        unit: z.string(),
        isBoolean: z.boolean(),
        threshold: z.number().nullable(),
        from: z.number(),
        to: z.number(),
        points: z.array(z.object({ at: z.number(), mean: z.number(), min: z.number(), max: z.number() })),
      })
      .nullable(),
    classification: z.object({ is: z.enum(FAULT_CLASSES), why: z.string() }),
    causes: z.array(cause),
    tried: z.array(
      z.object({
        at: z.number(),
        is: z.enum(["step", "note", "remedy", "resolved", "waited", "vendor"]),
        text: z.string(),
        /** Who ticked a step. */
        by: z.string().nullable(),
      }),
    ),
    earlier: z.object({
      counts: z.string(),
      usual: z.string().nullable(),
      helped: z.array(z.string()),
      last: z.array(similarIncident.omit({ resolvedBy: true, title: true, siteName: true })),
    }),
    stepsOpen: z.array(z.string()),
    stepsMore: z.int(),
    stepsDone: z.int(),
    bring: z.array(z.string()),
    /** All of it as plain text of 80 columns. */
    text: z.string(),
  })
  .meta({ id: "HandOver" });
