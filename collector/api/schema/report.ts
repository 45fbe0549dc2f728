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
