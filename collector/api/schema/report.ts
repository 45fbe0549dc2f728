/** The figures of incidents. docs/reports.md */
import { z } from "zod";
import { GROUPINGS } from "../../incidents/figures.ts";
import { PRIORITIES } from "../../incidents/types.ts";

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

const perPriority = z.record(z.enum(PRIORITIES), z.int());

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
      /** Those of devices that were known to be there: what the mean and the rate are of. */
      measured: z.int(),
      exposureMs: z.number().nullable(),
      meanMs: z.number().nullable(),
      deviceMs: z.number().nullable(),
      /** Failures in 1,000 days of a device, and the range in which the true rate lies (95 %). */
      rate: z.object({ value: z.number(), low: z.number(), high: z.number() }).nullable(),
      gaps: spread,
    }),
    ...{ firstLine: share, selfRecovered: share, reopened: share },
    backlog: z.object({
      total: z.int(),
      byAge: z.array(z.object({ upTo: z.string(), byPriority: perPriority })),
    }),
    sla: z.object({ response: attainment, restore: attainment, vendor: attainment }),
    penalties: z.array(z.object({ currency: z.string(), amount: z.number(), incidents: z.int() })),
    noise: z.object({ fires: z.int(), calls: z.int(), falsePositives: share, life: spread }),
  })
  .meta({ id: "Figures" });

/** The key of an hour is 0 (Monday 00:00) to 167; null: not known. */
const group = z.object({ key: z.union([z.string(), z.number()]).nullable(), figures });

export const REPORT_PARTS = ["before", "course"] as const;

export const report = z
  .object({
    /** The time that it is of, `from` inclusive, `to` exclusive. */
    from: z.number(),
    to: z.number(),
    by: z.enum(["none", ...GROUPINGS]),
    all: figures,
    /** Of the period before, which is as long; null when it is not asked for. */
    before: figures.nullable(),
    /** The most incidents first; hours in their order. */
    groups: z.array(group),
    /** Beyond a thousand. */
    groupsLeftOut: z.int(),
    /** The groupings that were asked for beside, the first groups of each. */
    tables: z.array(z.object({ by: z.enum(GROUPINGS), groups: z.array(group), leftOut: z.int() })),
    /** By days and weeks (from Monday on) in the clock of each store, those without incidents left out; null when not asked for. */
    course: z
      .object({
        days: z.array(z.object({ day: z.iso.date(), byPriority: perPriority })),
        weeks: z.array(z.object({ monday: z.iso.date(), acknowledge: spread, restore: spread })),
      })
      .nullable(),
    /** Of the devices that are known now, how many answered when they were last asked. */
    coverage: share,
    /** Opened in each hour of the week, from Monday 00:00, by the clock in the store. */
    hours: z.array(z.int()),
    /** Hours or terms changed, and so many incidents of the past are counted anew so far; null: all are. */
    remaking: z.object({ done: z.int() }).nullable(),
  })
  .meta({ id: "IncidentReport" });
