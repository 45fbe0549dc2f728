import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Figures, GROUPINGS, type Report } from "../../incidents/figures.ts";
import { PRIORITIES } from "../../incidents/types.ts";
import { StoreError } from "../../store/error.ts";
import type { ReportQuery } from "../../store/state/store.ts";
import type { ApiDeps } from "../deps.ts";
import { Refused } from "../problem.ts";
import { reportCsv } from "../report-csv.ts";
import { report } from "../schema/report.ts";
import { problem } from "../schema/service.ts";
import { listOf } from "./query.ts";

const DAY_MS = 86_400_000;
const SPAN_MS_DEFAULT = 30 * DAY_MS;
/** Ten years and their leap days. */
const SPAN_MS_MAX = 3_653 * DAY_MS;
/** In JSON; a group is about 2 kB of it. CSV has all. */
const GROUPS_MAX = 1_000;
/** The last of those that may wait (REPORTS_WAITING_MAX), each over a million incidents. */
const REPORT_MS_MAX = 60_000;
const RETRY_SECONDS = 5;

const time = z.coerce.number().int().min(0).max(8.64e15);

const query = z.object({
  from: time.optional().describe("Unix ms, inclusive; 30 days before `to` when not given"),
  to: time.optional().describe("Unix ms, exclusive; now when not given, and never later than now"),
  by: z.enum(["none", ...GROUPINGS]).default("none"),
  site: z.string().max(64).optional(),
  kind: z.string().max(64).optional(),
  priority: listOf(PRIORITIES).optional().describe("priorities separated by commas"),
  format: z.enum(["json", "csv"]).optional().describe("when not given, as `Accept` says"),
});

/** Figures of many incidents (docs/reports.md). */
export function reportRoutes({ state, live, clock }: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      "/report",
      {
        handlerTimeout: REPORT_MS_MAX,
        schema: {
          tags: ["reports"],
          summary: "The figures of the incidents that were opened in a time, and what was open at its end",
          querystring: query,
          response: {
            200: {
              description: "As JSON, or as a table",
              content: { "application/json": { schema: report }, "text/csv": { schema: z.string() } },
            },
            default: problem,
          },
        },
      },
      async (request, reply) => {
        const { by, site, kind, priority, format } = request.query;
        const { from, to } = rangeOf(request.query, clock.now());
        const groupBy = by === "none" ? null : by;
        const asked = { from, to, groupBy, site, kind, ...(priority !== undefined && { priorities: priority }) };
        const made = await reportOf(asked).catch((thrown: unknown) => {
          if (!(thrown instanceof StoreError) || (thrown.kind !== "busy" && thrown.kind !== "closed")) throw thrown;
          reply.header("retry-after", String(RETRY_SECONDS));
          throw new Refused(503, "busy", "Too many reports are being made; try again in a few seconds.");
        });
        reply.header("vary", "accept");
        if (format === "csv" || (format === undefined && wantsCsv(request.headers.accept))) {
          return reply
            .type("text/csv; charset=utf-8")
            .header("content-disposition", `attachment; filename="incidents-${dayOf(from)}-${dayOf(to)}.csv"`)
            .serializer((text: string) => text)
            .send(reportCsv(made, groupBy));
        }
        const { all, groups, hours } = made;
        const shown = groups.slice(0, GROUPS_MAX).map((one) => ({ key: one.key, figures: figuresView(one.figures) }));
        const groupsLeftOut = groups.length - shown.length;
        const remaking = live.reportsRemaking();
        return { from, to, by, all: figuresView(all), groups: shown, groupsLeftOut, hours: [...hours], remaking };
      },
    );

    async function reportOf(asked: ReportQuery): Promise<Report> {
      const made = await state.report(asked);
      const { incidents, backlog } = made.all;
      const isUnknown = asked.site !== undefined && live.site(asked.site) === null;
      // A slip of the pen must not look like a store without trouble; a site that is gone still has its past.
      if (isUnknown && incidents.opened === 0 && backlog.total === 0)
        throw new Refused(404, "no_site", `There is no site ${asked.site}, and no incident of it in this time.`);
      return made;
    }
  };
}

function rangeOf(asked: { from?: number | undefined; to?: number | undefined }, now: number) {
  const to = Math.min(asked.to ?? now, now);
  const from = asked.from ?? Math.max(0, to - SPAN_MS_DEFAULT);
  if (from >= to) throw new Refused(422, "range", "`from` must be before `to`, and not later than now.");
  if (to - from > SPAN_MS_MAX) throw new Refused(422, "range", "A report is of ten years at most.");
  return { from, to };
}

const figuresView = (figures: Figures): z.infer<typeof report>["all"] => ({
  ...figures,
  backlog: { ...figures.backlog, byAge: [...figures.backlog.byAge] },
  penalties: [...figures.penalties],
});

/** CSV is named, and JSON is not: a browser that takes everything gets JSON. */
const wantsCsv = (accept = ""): boolean => /\btext\/csv\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept);

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
