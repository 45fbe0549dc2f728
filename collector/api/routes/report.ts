import type { SiteCalendar } from "@aislewatch/rules";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Group } from "../../incidents/figure-table.ts";
import { type Figures, GROUPINGS } from "../../incidents/figures.ts";
import type { Course, Report } from "../../incidents/report.ts";
import { PRIORITIES } from "../../incidents/types.ts";
import { StoreError } from "../../store/error.ts";
import type { ReportQuery } from "../../store/state/store.ts";
import type { ApiDeps } from "../deps.ts";
import { Refused } from "../problem.ts";
import { reportCsv } from "../report-csv.ts";
import { REPORT_PARTS, report, type share } from "../schema/report.ts";
import { problem } from "../schema/service.ts";
import { listOf } from "./query.ts";

const DAY_MS = 86_400_000;
const SPAN_MS_DEFAULT = 30 * DAY_MS;
/** Ten years and their leap days. */
const SPAN_MS_MAX = 3_653 * DAY_MS;
/** A group is about 2 kB in JSON, and a tenth of it in CSV, which has all sites of the greatest chains. */
const GROUPS_MAX = { json: 1_000, csv: 20_000 } as const;
const TOP_DEFAULT = 20;
const TOP_MAX = 200;
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
  parts: listOf(REPORT_PARTS).optional().describe("`before`: the period before; `course`: by days and weeks"),
  tables: listOf(GROUPINGS).optional().describe("more groupings, of each the first groups"),
  top: z.coerce.number().int().min(1).max(TOP_MAX).default(TOP_DEFAULT).describe("groups of each of `tables`"),
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
        const { by, site, kind, priority, format, parts, tables, top } = request.query;
        const { from, to } = rangeOf(request.query, clock.now());
        const groupBy = by === "none" ? null : by;
        const isCsv = format === "csv" || (format === undefined && wantsCsv(request.headers.accept));
        const asked: ReportQuery = {
          ...{ from, to, groupBy, site, kind, groupsMax: isCsv ? GROUPS_MAX.csv : GROUPS_MAX.json },
          ...(!isCsv && { tables, tableMax: top, withBefore: parts?.includes("before") }),
          ...(!isCsv && { withCourse: parts?.includes("course") }),
          ...(priority !== undefined && { priorities: priority }),
          calendars: new Map(live.sites().map((one) => [one.id, calendarOf(one)])),
        };
        const made = await reportOf(asked).catch((thrown: unknown) => {
          if (thrown instanceof StoreError && thrown.kind === "too_large")
            throw new Refused(422, "too_large", "These are too many incidents for one report.", {
              hint: "Ask for a shorter time, or for one site.",
            });
          if (!(thrown instanceof StoreError) || (thrown.kind !== "busy" && thrown.kind !== "closed")) throw thrown;
          reply.header("retry-after", String(RETRY_SECONDS));
          throw new Refused(503, "busy", "Too many reports are being made; try again in a few seconds.");
        });
        reply.header("vary", "accept");
        if (isCsv) {
          return reply
            .type("text/csv; charset=utf-8")
            .header("content-disposition", `attachment; filename="incidents-${dayOf(from)}-${dayOf(to)}.csv"`)
            .serializer((text: string) => text)
            .send(reportCsv(made, groupBy));
        }
        const { all, before, groups, groupsLeftOut, tables: more, hours, course } = made;
        return {
          ...{ from, to, by, all: figuresView(all), before: before === null ? null : figuresView(before) },
          ...{ groups: groups.map(groupView), groupsLeftOut, hours: [...hours] },
          tables: more.map((one) => ({ ...one, groups: one.groups.map(groupView) })),
          course: course === null ? null : courseView(course),
          coverage: coverageOf(site, kind),
          remaking: live.reportsRemaking(),
        };
      },
    );

    function coverageOf(site: string | undefined, kind: string | undefined): z.infer<typeof share> {
      const sites = site === undefined ? live.sites().map(({ id }) => id) : [site];
      const devices = sites
        .flatMap((id) => live.devices(id))
        .filter((one) => kind === undefined || one.device.kind === kind);
      const n = devices.filter(({ state: now }) => now === "up").length;
      return { n, of: devices.length, share: devices.length === 0 ? null : n / devices.length };
    }

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

type FiguresView = z.infer<typeof report>["all"];

const figuresView = (figures: Figures): FiguresView => ({
  ...figures,
  backlog: { ...figures.backlog, byAge: [...figures.backlog.byAge] },
  penalties: [...figures.penalties],
});

const groupView = ({ key, figures }: Group): { key: Group["key"]; figures: FiguresView } => ({
  ...{ key, figures: figuresView(figures) },
});

const courseView = ({ days, weeks }: Course): z.infer<typeof report>["course"] => ({
  days: days.map(({ day, byPriority }) => ({ day: dayOf(day * DAY_MS), byPriority })),
  weeks: weeks.map(({ day, acknowledge, restore }) => ({ monday: dayOf(day * DAY_MS), acknowledge, restore })),
});

const calendarOf = ({ timeZone, hours, closedDays }: SiteCalendar): SiteCalendar => ({ timeZone, hours, closedDays });

/** CSV is named, and JSON is not: a browser that takes everything gets JSON. */
const wantsCsv = (accept = ""): boolean => /\btext\/csv\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept);

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
