/** Incidents, in lists and one whole. */
import { CATEGORIES } from "@aislewatch/devices";
import { z } from "zod";
import {
  ACK_EXPIRIES,
  CANCEL_CODES,
  HOLD_REASONS,
  INCIDENT_STATES,
  PRIORITIES,
  RESOLUTION_CODES,
  SLA_CLOCKS,
} from "../../incidents/types.ts";
import { severity, subject, values } from "./value.ts";

export const incident = z
  .object({
    id: z.string(),
    version: z.int(),
    state: z.enum(INCIDENT_STATES),
    subject,
    siteName: z.string(),
    deviceName: z.string().nullable(),
    /** One of the kinds of packages/devices, or what a newer agent calls it. */
    kind: z.string().nullable(),
    rule: z.string(),
    ruleVersion: z.string(),
    title: z.string(),
    severity,
    category: z.enum(CATEGORIES),
    runbook: z.string().nullable(),
    priority: z.enum(PRIORITIES),
    priorityWhy: z.string(),
    onset: z.number(),
    openedAt: z.number(),
    acknowledgedAt: z.number().nullable(),
    resolvedAt: z.number().nullable(),
    closedAt: z.number().nullable(),
    recoveredAt: z.number().nullable(),
    assignee: z.string().nullable(),
    acknowledgedBy: z.string().nullable(),
    /** `unlisted`: from before there was a list; its words are in the event. */
    holdReason: z.enum([...HOLD_REASONS, "unlisted"]).nullable(),
    group: z.string().nullable(),
    /** 0 the collector itself, 1 NOC, 2 field support, 3 engineering, 4 vendor. */
    tier: z.int(),
    /** The one that it was merged into, while it is `merged`. */
    mergedInto: z.string().nullable(),
    /** The one that it is a consequence of, and why it is. */
    parent: z.string().nullable(),
    parentWhy: z.string().nullable(),
    /** How many are consequences of this one. */
    children: z.int(),
    /**
     * It stands for the same fault at many sites, and theirs hang below it: what these have in common (null: they differ),
     * and at how many sites it was, within how long, when it was opened. Its site is `aislewatch`, its device null.
     */
    fleet: z
      .object({
        kind: z.string().nullable(),
        vendor: z.string().nullable(),
        model: z.string().nullable(),
        firmware: z.string().nullable(),
        sites: z.int(),
        withinMs: z.number(),
      })
      .nullable(),
    /** It cured itself so often that somebody should find out why. */
    review: z.object({ since: z.number(), times: z.int(), withinMs: z.number() }).nullable(),
    /**
     * Of its service level clocks the one that is due first, or was; null when none runs or stands still. `dueAt` null: it
     * stands still.
     */
    due: z
      .object({
        clock: z.enum(SLA_CLOCKS),
        state: z.enum(["running", "paused", "breached"]),
        dueAt: z.number().nullable(),
      })
      .nullable(),
    resolutionCode: z.enum(RESOLUTION_CODES).nullable(),
    recurrences: z.int(),
    /** A device (`site/device`), an agent (`agent:site/agent`) or a wider fault (`rule:<id>@<what>`). */
    suppressedBy: z.string().nullable(),
    stale: z.boolean(),
    /** It came back so often that it is one fault until it was quiet for a while. */
    flapping: z.boolean(),
    /** Outside the hours of its rule: nobody is called until they begin. */
    inactiveHours: z.boolean(),
    /** Id of the maintenance window that it stands in, or null. */
    maintenance: z.string().nullable(),
    /** It came and went while its agent could not be reached, and was found in what the agent had kept: nobody was called. */
    retroactive: z.boolean(),
    updatedAt: z.number(),
    values,
  })
  .meta({ id: "Incident" });

export const incidentEvent = z
  .object({
    seq: z.int(),
    at: z.number(),
    recordedAt: z.number(),
    actor: z.string(),
    /** It was found afterwards, in readings that an agent had kept. */
    late: z.boolean(),
    type: z.string(),
    /** One sentence for the timeline. */
    text: z.string(),
    /** The event's own fields, as in docs/incidents.md. */
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "IncidentEvent" });

/** What people and clocks have written into an incident, and lists do not show. */
export const incidentWork = z
  .object({
    holdText: z.string().nullable(),
    cancelCode: z.enum(CANCEL_CODES).nullable(),
    resolvedTier: z.int().nullable(),
    followUp: z.string().nullable(),
    escalation: z.object({ policy: z.string().nullable(), step: z.int().nullable(), at: z.number() }).nullable(),
    vendor: z.object({ vendor: z.string(), ref: z.string() }).nullable(),
    /** Steps of the checklist that are done. */
    checked: z.array(z.string()),
    /** The acknowledgement that ran out, until there is another. */
    ackExpired: z.object({ at: z.number(), by: z.string().nullable(), why: z.enum(ACK_EXPIRIES) }).nullable(),
    /** When a person last wrote into its log. */
    workedAt: z.number().nullable(),
    /** A person said what its priority is. */
    isPriorityPinned: z.boolean(),
    sla: z.partialRecord(
      z.enum(SLA_CLOCKS),
      z.object({ warnedPercent: z.number(), breachedAt: z.number().nullable() }),
    ),
  })
  .meta({ id: "IncidentWork" });

/** How one service level clock stands; `business` is time in the hours in which it runs. docs/sla.md */
export const slaClock = z
  .object({
    clock: z.enum(SLA_CLOCKS),
    /** From 1; a reopened incident has another response clock. */
    cycle: z.int(),
    /** A breached clock may still run: `stoppedAt` is null then. */
    state: z.enum(["running", "paused", "met", "breached", "cancelled"]),
    /** Why it stands still now: a reason of a hold, or why nobody is called. */
    standsStill: z.string().nullable(),
    priority: z.enum(PRIORITIES),
    withinMs: z.number(),
    /** `always`, `trading_hours`, or one of the sites file. */
    calendar: z.string(),
    startedAt: z.number(),
    /** Null while it stands still. */
    dueAt: z.number().nullable(),
    stoppedAt: z.number().nullable(),
    breachedAt: z.number().nullable(),
    elapsedMs: z.number(),
    businessMs: z.number(),
    pausedMs: z.number(),
    pausedBusinessMs: z.number(),
    /** Of the target that is used up; beyond 100 when it is breached. */
    percent: z.number(),
    nextWarning: z.object({ percent: z.number(), at: z.number().nullable() }).nullable(),
  })
  .meta({ id: "SlaClock" });

/** The chain that asks the next one when the incident does not move, and how far it has come. docs/escalation.md */
export const escalation = z
  .object({
    chain: z.string(),
    steps: z.array(
      z.object({
        /** When it is taken, in words. */
        when: z.string(),
        /** The tier that it goes to; 0: the agent is asked; null: it stays where it is. */
        tier: z.int().nullable(),
        tell: z.array(z.string()),
        run: z.string().nullable(),
        calendar: z.string(),
        repeats: z.int(),
        /** How often it was taken since the incident was opened or reopened. */
        taken: z.int(),
      }),
    ),
    /** By time, if nothing else happens. */
    next: z.object({ step: z.int(), at: z.number() }).nullable(),
    /** The step that a person takes who escalates it without naming a tier; null: none is left. */
    nextByHand: z.int().nullable(),
  })
  .meta({ id: "Escalation" });

export const incidentDetail = z
  .object({
    incident,
    work: incidentWork,
    clocks: z.array(slaClock),
    /** Whose terms hold; null: the standard ones. */
    contract: z.string().nullable(),
    /** What its breaches cost by the contract so far; null where it has no penalties. */
    penalty: z.object({ amount: z.number(), currency: z.string() }).nullable(),
    /** Null: no chain fits, and nobody is asked by time. */
    escalation: escalation.nullable(),
    /** Whom to call at the site, in the order of asking. */
    contacts: z.array(
      z.object({
        name: z.string(),
        role: z.string(),
        phone: z.string().nullable(),
        email: z.string().nullable(),
        /** Now, by the clock of the site. */
        reachable: z.boolean(),
      }),
    ),
    /** Those merged into it. */
    absorbed: z.array(incident),
    /** The one that it is a consequence of. */
    parent: incident.nullable(),
    /** Its consequences: those that stand first, at most 100 of them; all by the list with `parent=`. */
    children: z.object({ items: z.array(incident), total: z.int(), standing: z.int() }),
    events: z.array(incidentEvent),
    /** Markdown of the runbook, or null when the rule names none. */
    runbook: z.object({ title: z.string(), markdown: z.string() }).nullable(),
    /** The series to draw around the onset, and the threshold to draw into it. */
    chart: z
      .object({
        metric: z.string(),
        unit: z.string(),
        component: z.string().nullable(),
        threshold: z.number().nullable(),
        from: z.number(),
        to: z.number(),
      })
      .nullable(),
    asset: z.object({
      vendor: z.string().optional(),
      model: z.string().optional(),
      serial: z.string().optional(),
      firmware: z.string().optional(),
    }),
    /** Incidents of devices that depend on this one and are suppressed by it. */
    suppresses: z.array(incident),
    /** Earlier incidents of the same rule on the same slot, newest first. */
    earlier: z.array(incident),
  })
  .meta({ id: "IncidentDetail" });

export const incidentList = z
  .object({ items: z.array(incident), cursor: z.string().nullable(), total: z.int() })
  .meta({ id: "IncidentList" });
