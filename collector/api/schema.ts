/**
 * The REST API's shapes, /api/v1. OpenAPI is made from these, and the page's and the CLI's types from the OpenAPI, so
 * this file is the one place where an endpoint's words stand. Times are Unix milliseconds.
 */
import { COMMAND_KINDS, COMMAND_OUTCOMES } from "@aislewatch/contract";
import { CATEGORIES, SEVERITIES } from "@aislewatch/devices";
import { WEEKDAYS } from "@aislewatch/rules";
import { z } from "zod";
import { GROUPINGS } from "../incidents/figures.ts";
import {
  ACK_EXPIRIES,
  CANCEL_CODES,
  HOLD_REASONS,
  INCIDENT_STATES,
  PRIORITIES,
  RESOLUTION_CODES,
  SLA_CLOCKS,
  TIERS,
} from "../incidents/types.ts";

export const value = z.union([z.number(), z.boolean()]);
export const values = z.record(z.string(), value);
const severity = z.enum(SEVERITIES);

export const subject = z.object({ site: z.string(), device: z.string().nullable(), component: z.string().nullable() });

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
    /** The one that it is a consequence of. */
    parent: z.string().nullable(),
    /** How many are consequences of this one. */
    children: z.int(),
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

/** Guards against two people acting at once: 409 when the incident moved on. */
const seen = { version: z.int().optional() };
const why = z.string().min(1).max(512);
const tier = z.literal(TIERS);

/** What a person does to an incident. */
export const incidentAction = z
  .discriminatedUnion("action", [
    z.object({ action: z.literal("acknowledge"), ...seen }),
    z.object({
      action: z.literal("assign"),
      to: z.string().max(128).nullable(),
      /** Not given: as it was. */
      group: z.string().max(128).nullable().optional(),
      tier: tier.optional(),
      ...seen,
    }),
    z.object({ action: z.literal("start"), ...seen }),
    z.object({
      action: z.literal("hold"),
      reason: z.enum(HOLD_REASONS),
      text: z.string().max(512).nullable().default(null),
      ...seen,
    }),
    z.object({ action: z.literal("resume"), ...seen }),
    z.object({ action: z.literal("note"), text: z.string().min(1).max(4000), ...seen }),
    z.object({ action: z.literal("check"), item: z.string().min(1).max(256), done: z.boolean(), ...seen }),
    z.object({
      action: z.literal("vendor"),
      vendor: z.string().min(1).max(128),
      /** The vendor's number for it. */
      ref: z.string().min(1).max(128),
      ...seen,
    }),
    z.object({
      action: z.literal("resolve"),
      code: z.enum(RESOLUTION_CODES),
      /** Needed while the fault still fires: why it is resolved all the same. */
      text: z.string().max(4000).nullable().default(null),
      /** Who solved it; not given: the tier that has it. */
      tier: tier.optional(),
      followUp: z.string().max(512).optional(),
      ...seen,
    }),
    z.object({ action: z.literal("reopen"), why, ...seen }),
    z.object({ action: z.literal("close"), ...seen }),
    z.object({
      action: z.literal("cancel"),
      code: z.enum(CANCEL_CODES),
      /** Needed while the fault still fires. */
      text: z.string().max(4000).nullable().default(null),
      ...seen,
    }),
    z.object({ action: z.literal("review"), text: z.string().max(4000).nullable().default(null), ...seen }),
    z.object({
      action: z.literal("claim_pause"),
      /** Not given: all clocks that stand still for this reason. */
      clock: z.enum(SLA_CLOCKS).optional(),
      /** Unix ms; it waited from then */
      from: z.int().min(0),
      /** until then, and nobody had said so. */
      to: z.int().min(0),
      reason: z.enum(HOLD_REASONS),
      text: z.string().min(1).max(512),
      ...seen,
    }),
    z.object({
      action: z.literal("escalate"),
      /** Who gets it; not given: the next step of its chain is taken now. */
      tier: z.literal([2, 3, 4]).optional(),
      why,
      ...seen,
    }),
    z.object({
      action: z.literal("set_priority"),
      /** Null: as the collector finds it, again. */
      priority: z.enum(PRIORITIES).nullable(),
      why,
      ...seen,
    }),
    z.object({ action: z.literal("correct_onset"), onset: z.int().min(0), why, ...seen }),
    z.object({ action: z.literal("correct_resolution"), code: z.enum(RESOLUTION_CODES), why, ...seen }),
    z.object({
      action: z.literal("merge"),
      /** The one that is worked on from then on. */
      into: z.string().max(32),
      intoVersion: z.int().optional(),
      ...seen,
    }),
    z.object({ action: z.literal("split"), ...seen }),
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

export const site = z
  .object({
    id: z.string(),
    name: z.string(),
    timeZone: z.string(),
    format: z.enum(["store", "dc"]),
    /** Of sla.yaml; null: the standard terms. */
    contract: z.string().nullable(),
    region: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    /** Open for customers now, by its trading hours. */
    open: z.boolean(),
    devices: z.int(),
    up: z.int(),
    down: z.int(),
    unknown: z.int(),
    agents: z.array(
      z.object({ id: z.string(), online: z.boolean(), version: z.string().nullable(), lastSeenAt: z.number() }),
    ),
    incidents: z.record(z.enum(PRIORITIES), z.int()),
  })
  .meta({ id: "Site" });

export const deviceState = z.enum(["up", "down", "unreachable", "unknown"]);

export const device = z
  .object({
    site: z.string(),
    id: z.string(),
    name: z.string(),
    kind: z.string(),
    agent: z.string(),
    driver: z.string(),
    profile: z.string().nullable(),
    address: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    dependsOn: z.array(z.string()),
    intervalMs: z.number(),
    asset: incidentDetail.shape.asset,
    state: deviceState,
    /** Worst severity firing on it now, or null. */
    worst: severity.nullable(),
    lastReadingAt: z.number().nullable(),
    lastFailure: z.object({ at: z.number(), kind: z.string(), detail: z.string() }).nullable(),
    incidents: z.array(z.string()),
  })
  .meta({ id: "Device" });

export const metricValue = z
  .object({
    metric: z.string(),
    component: z.string().nullable(),
    unit: z.string(),
    meaning: z.string(),
    type: z.enum(["number", "boolean"]),
    /** For booleans: which value is bad, if either. */
    bad: z.boolean().nullable(),
    value,
    at: z.number(),
    stale: z.boolean(),
  })
  .meta({ id: "MetricValue" });

/** What a device told or what was seen of it, once: a trap, a restart, another asset in its slot. */
export const deviceEvent = z
  .object({
    at: z.number(),
    device: z.string(),
    component: z.string().nullable(),
    /** A canonical fault code, `<fault>_cleared`, `trap`, `verdict`, `verdict_cleared`, or what a newer agent says. */
    code: z.string(),
    /** The fault in words, `Over: …` when it is cleared; null when the code is no fault's. */
    meaning: z.string().nullable(),
    detail: z.string(),
  })
  .meta({ id: "DeviceEvent" });

export const deviceDetail = z
  .object({
    device,
    values: z.array(metricValue),
    faults: z.array(
      z.object({
        rule: z.string(),
        component: z.string().nullable(),
        state: z.enum(["inactive", "pending", "firing", "recovering"]),
        severity: severity.nullable(),
        since: z.number(),
        suppressedBy: z.string().nullable(),
        stale: z.boolean(),
        flapping: z.boolean(),
        inactiveHours: z.boolean(),
        maintenance: z.string().nullable(),
      }),
    ),
    dependents: z.array(z.string()),
    /** The newest, newest first. */
    events: z.array(deviceEvent),
  })
  .meta({ id: "DeviceDetail" });

export const maintenanceWindow = z
  .object({
    id: z.string(),
    reason: z.string(),
    /** `file`, `user:<name>` or `token:<name>`. */
    by: z.string(),
    /** All that is named must fit; null: any. */
    where: z.object({
      site: z.array(z.string()).nullable(),
      device: z.array(z.string()).nullable(),
      kind: z.array(z.string()).nullable(),
      labels: z.record(z.string(), z.array(z.string())),
    }),
    /** Unix ms; null for a weekly one. */
    from: z.number().nullable(),
    to: z.number().nullable(),
    /** By the clock of each site, or of timeZone. */
    weekly: z.array(z.object({ day: z.enum(WEEKDAYS), from: z.string(), to: z.string() })),
    timeZone: z.string().nullable(),
    /** Some minutes after its end, when what still fails calls people, it is over. */
    state: z.enum(["planned", "running", "over"]),
  })
  .meta({ id: "MaintenanceWindow" });

export const notificationChannel = z
  .object({
    name: z.string(),
    kind: z.enum(["webhook", "email"]),
    /** Its host, or who gets the mail and by which server. */
    target: z.string(),
    /** Notifications that are still to be delivered, and attempts that go on just now. */
    waiting: z.number(),
    busy: z.number(),
    /** Unix ms; null: never since the log begins. */
    deliveredAt: z.number().nullable(),
    /** The last attempt that failed, unless one worked since. */
    failure: z.object({ at: z.number(), status: z.number().nullable(), detail: z.string() }).nullable(),
    isDown: z.boolean(),
  })
  .meta({ id: "NotificationChannel" });

export const notificationAttempt = z
  .object({
    /** Of the notification: the same in all attempts and channels. */
    notification: z.string(),
    channel: z.string(),
    /** Empty for a test. */
    incident: z.string(),
    /** Unix ms. */
    at: z.number(),
    durationMs: z.number(),
    /** `retry`: it did not work, and is tried again. */
    outcome: z.enum(["delivered", "retry", "failed"]),
    /** Of HTTP or SMTP; null when there was no answer. */
    status: z.number().nullable(),
    detail: z.string(),
  })
  .meta({ id: "NotificationAttempt" });

export const series = z
  .object({
    metric: z.string(),
    unit: z.string(),
    /** A boolean's points are shares of true: 0 and 1, or between them where a bucket holds both. */
    type: z.enum(["number", "boolean"]),
    component: z.string().nullable(),
    points: z.array(z.object({ at: z.number(), mean: z.number(), min: z.number(), max: z.number() })),
  })
  .meta({ id: "Series" });

export const overview = z
  .object({
    now: z.number(),
    version: z.string(),
    incidents: z.record(z.enum(PRIORITIES), z.int()),
    unacknowledged: z.int(),
    sites: z.int(),
    devices: z.object({ total: z.int(), up: z.int(), down: z.int(), unreachable: z.int(), unknown: z.int() }),
    agents: z.object({ total: z.int(), online: z.int() }),
    /** The configuration set in use, and why a newer one was refused, if it was. */
    rules: z.object({ version: z.string(), count: z.int(), refused: z.array(z.string()) }),
    samplesPerSecond: z.number(),
  })
  .meta({ id: "Overview" });

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
    cause: z.enum(["never_arrived", "lost_with_outbox"]),
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

/** Milliseconds; of nothing they are null, and never 0. Median and p90 are of the nearest rank. */
export const spread = z
  .object({
    n: z.int(),
    meanMs: z.number().nullable(),
    medianMs: z.number().nullable(),
    p90Ms: z.number().nullable(),
  })
  .meta({ id: "Spread" });
export const share = z.object({ n: z.int(), of: z.int(), share: z.number().nullable() }).meta({ id: "Share" });
export const attainment = z
  .object({ met: z.int(), breached: z.int(), share: z.number().nullable() })
  .meta({ id: "Attainment" });

/** What each of these counts stands in docs/reports.md. */
export const figures = z
  .object({
    incidents: z.object({
      ...{ opened: z.int(), open: z.int(), resolved: z.int(), cancelled: z.int(), merged: z.int() },
    }),
    ...{ detect: spread, acknowledge: spread, restore: spread, resolve: spread, resolveUnpaused: spread },
    unacknowledged: z.object({ open: z.int(), over: z.int() }),
    betweenFailures: z.object({
      failures: z.int(),
      exposureMs: z.number().nullable(),
      meanMs: z.number().nullable(),
      gaps: spread,
    }),
    ...{ firstLine: share, selfRecovered: share, reopened: share },
    backlog: z.object({
      total: z.int(),
      byAge: z.array(z.object({ upTo: z.string(), byPriority: z.record(z.enum(PRIORITIES), z.int()) })),
    }),
    sla: z.object({ response: attainment, restore: attainment, vendor: attainment }),
    penalties: z.array(z.object({ currency: z.string(), amount: z.number(), incidents: z.int() })),
  })
  .meta({ id: "Figures" });

export const report = z
  .object({
    /** The time that it is of, `from` inclusive, `to` exclusive. */
    from: z.number(),
    to: z.number(),
    by: z.enum(["none", ...GROUPINGS]),
    all: figures,
    /** The most incidents first. The key of an hour is 0 (Monday 00:00) to 167; null: not known. */
    groups: z.array(z.object({ key: z.union([z.string(), z.number()]).nullable(), figures })),
    /** Beyond a thousand. */
    groupsLeftOut: z.int(),
    /** Opened in each hour of the week, from Monday 00:00, by the clock in the store. */
    hours: z.array(z.int()),
    /** Hours or terms changed, and so many incidents of the past are counted anew so far; null: all are. */
    remaking: z.object({ done: z.int() }).nullable(),
  })
  .meta({ id: "IncidentReport" });

export const me = z.object({ name: z.string(), role: z.enum(["viewer", "operator", "admin"]) }).meta({ id: "Me" });
export const problem = z
  .object({
    error: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    /** As it is now: when an action on an incident was refused. */
    incident: incident.optional(),
  })
  .meta({ id: "Problem" });

export const health = z.object({ ok: z.boolean(), reasons: z.array(z.string()) }).meta({ id: "Health" });

/**
 * Server-sent events on /api/v1/stream, each `data` one of these as JSON. The stream starts with `hello`; after a
 * reconnect the page fetches the present state again, so an event may be missed but never be wrong.
 */
export const streamEvent = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("hello"), now: z.number(), version: z.string() }),
    z.object({ type: z.literal("beat"), now: z.number() }),
    z.object({ type: z.literal("incident"), incident }),
    z.object({
      type: z.literal("device"),
      site: z.string(),
      device: z.string(),
      state: deviceState,
      worst: severity.nullable(),
    }),
    /** Which devices have fresh values; a page that shows one of them fetches it again. At most one a second. */
    z.object({ type: z.literal("values"), site: z.string(), devices: z.array(z.string()) }),
    z.object({ type: z.literal("agent"), site: z.string(), agent: z.string(), online: z.boolean() }),
    z.object({ type: z.literal("rules"), version: z.string(), refused: z.array(z.string()) }),
  ])
  .meta({ id: "StreamEvent" });
export type StreamEvent = z.infer<typeof streamEvent>;

/**
 * Endpoints (all below /api/v1, all but the first three need a sign-in):
 *   GET  /session/link/:token     single-use sign-in link: sets the cookie, redirects to /
 *   POST /session {name,password} → Me; sets the cookie            DELETE /session
 *   GET  /me → Me
 *   GET  /overview → Overview
 *   GET  /incidents?state=open|all|<state,…>&priority=P1,P2&site=&device=&kind=&q=&limit=&cursor= → IncidentList
 *   GET  /incidents/:id → IncidentDetail
 *   POST /incidents/:id/actions IncidentAction → Incident     (409 when the version moved on, 422 when not allowed now)
 *   GET  /sites → Site[]
 *   GET  /sites/:site/devices → Device[]
 *   GET  /sites/:site/device?id=lane-3/printer → DeviceDetail
 *   GET  /sites/:site/events?device=&limit= → DeviceEvent[]   newest first
 *   GET  /sites/:site/series?device=&component=&metric=&from=&to=&points= → Series
 *   GET  /agents → Agent[]
 *   GET  /agents/:site/:agent → AgentDetail          DELETE: takes it out (admin)
 *   GET  /agents/:site/:agent/commands → Command[]     newest first
 *   POST /agents/:site/:agent/commands {kind,device} → Command     (202; 409 when it is away)
 *   GET  /commands/:id → Command
 *   GET  /audit/delivery?site=&agent=&since= → DeliveryAudit
 *   POST /audit/delivery/explain {site,agent,text} → {explained}
 *   GET  /report?from=&to=&by=&site=&kind=&priority=&format= → IncidentReport, or CSV
 *   GET  /rules?site=&device= → Rule[]   of a device those that look at it
 *   GET  /rules/:rule/explain?site=&device=&component=&at= → Explanation
 *   GET  /people → string[]   names that an incident can be assigned to
 *   GET  /stream → server-sent events
 *   GET  /openapi.json
 * Outside /api/v1: GET /healthz, GET /metrics, and the page.
 */
