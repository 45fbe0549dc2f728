/** Sites, their devices, and what is measured there. */
import { z } from "zod";
import { PRIORITIES } from "../../incidents/types.ts";
import { incidentDetail } from "./incident.ts";
import { severity, value } from "./value.ts";

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
