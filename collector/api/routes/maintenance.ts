import { KINDS } from "@aislewatch/devices";
import { isTimeZone, type OpenSpan, WEEKDAYS, type Weekday } from "@aislewatch/rules";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { isOver, type MaintenanceRequest, runsAt } from "../../maintenance.ts";
import type { PlannedMaintenance } from "../../maintenance-file.ts";
import { cursorParam, cursorsOf, linkNext, pageAfter, pageLimit } from "../cursor.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { maintenanceWindow } from "../schema/maintenance.ts";
import { problem } from "../schema/service.ts";

/** Sites, devices or values of a label in one window. */
const NAMES_MAX = 5_000;
/** Longer is no maintenance, but a thing that is out of use. */
const LENGTH_MS_MAX = 90 * 86_400_000;

const windowCursors = cursorsOf("maintenance", z.tuple([z.string()]));

const names = z.array(z.string().min(1).max(128)).min(1).max(NAMES_MAX);
const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "a time such as 03:00");
const request = z
  .object({
    reason: z.string().trim().min(1).max(500),
    where: z.object({
      site: names.optional(),
      device: names.optional(),
      kind: z.array(z.enum(KINDS)).min(1).optional(),
      labels: z.record(z.string(), names).optional(),
    }),
    from: z.number().int().optional().describe("Unix ms; now when not given"),
    to: z.number().int().optional().describe("Unix ms; or give weekly"),
    weekly: z
      .object({
        days: z.array(z.enum(WEEKDAYS)).min(1),
        from: clock,
        to: clock.describe("Not later than from: the next day"),
        timeZone: z.string().max(64).refine(isTimeZone, "a time zone such as Europe/Berlin").optional(),
      })
      .optional()
      .describe("By the clock of each site, or of timeZone"),
  })
  .describe("What where names must all fit; an empty one is everything there is");

export function maintenanceRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  const { maintenance, clock: time, live } = deps;
  const zones = () => new Map(live.sites().map(({ id, timeZone }) => [id, timeZone]));

  return async (app) => {
    app.get(
      "/maintenance",
      {
        schema: {
          tags: ["maintenance"],
          summary: "Maintenance windows: planned, running, and those of the last days",
          querystring: z.object({ limit: pageLimit, cursor: cursorParam }),
          response: { 200: z.array(maintenanceWindow), default: problem },
        },
      },
      async (asked, reply) => {
        const { limit, cursor } = asked.query;
        const after = windowCursors.read(cursor)?.[0] ?? null;
        const { items, next } = pageAfter(maintenance.list(), ({ id }) => id, { after, limit });
        linkNext(asked, reply, next === null ? null : windowCursors.write([next]));
        return items.map((window) => windowView(window, time.now(), zones()));
      },
    );

    app.post(
      "/maintenance",
      {
        config: { access: "act" },
        schema: {
          tags: ["maintenance"],
          summary: "Plans maintenance: what fails in it calls nobody",
          body: request,
          response: { 201: maintenanceWindow, default: problem },
        },
      },
      async (asked, reply) => {
        const when = whenOf(asked.body, time.now());
        const { reason, where } = asked.body;
        const added = maintenance.add({ reason, where: placeOf(where), when }, identityOf(asked).actor);
        if (!added.ok) throw new Refused(STATUS[added.error.code], added.error.code, added.error.message);
        reply.code(201);
        return windowView(added.value, time.now(), zones());
      },
    );

    app.put(
      "/maintenance/:id",
      {
        config: { access: "act" },
        schema: {
          tags: ["maintenance"],
          summary: "Changes a window that is not over: all of it is given anew",
          params: z.object({ id: z.string().max(128) }),
          body: request,
          response: { 200: maintenanceWindow, default: problem },
        },
      },
      async (asked) => {
        const { reason, where } = asked.body;
        const wanted = { reason, where: placeOf(where), when: whenOf(asked.body, time.now()) };
        const changed = maintenance.change(asked.params.id, wanted, identityOf(asked).actor);
        if (!changed.ok) throw new Refused(STATUS[changed.error.code], changed.error.code, changed.error.message);
        return windowView(changed.value, time.now(), zones());
      },
    );

    app.post(
      "/maintenance/:id/end",
      {
        config: { access: "act" },
        schema: {
          tags: ["maintenance"],
          summary: "Ends a window now, or drops one that has not begun",
          params: z.object({ id: z.string().max(128) }),
          response: { 200: maintenanceWindow, default: problem },
        },
      },
      async (asked) => {
        const ended = maintenance.end(asked.params.id, identityOf(asked).actor);
        if (!ended.ok) throw new Refused(STATUS[ended.error.code], ended.error.code, ended.error.message);
        return windowView(ended.value, time.now(), zones());
      },
    );
  };
}

const STATUS = { no_window: 404, of_the_file: 409, over: 422, too_many: 409, not_written: 503 } as const;

function whenOf({ from, to, weekly }: z.infer<typeof request>, nowMs: number): MaintenanceRequest["when"] {
  if (weekly !== undefined) {
    if (from !== undefined || to !== undefined)
      throw new Refused(422, "when", "Give weekly, or from and to; not both.");
    const span: OpenSpan = { from: minutes(weekly.from), to: minutes(weekly.to) };
    const on = (day: Weekday): OpenSpan[] => (weekly.days.includes(day) ? [span] : []);
    const hours = {
      ...{ mon: on("mon"), tue: on("tue"), wed: on("wed"), thu: on("thu") },
      ...{ fri: on("fri"), sat: on("sat"), sun: on("sun") },
    };
    return { is: "weekly", hours, timeZone: weekly.timeZone ?? null };
  }
  if (to === undefined) throw new Refused(422, "when", "Give the time at which it ends, or weekly.");
  const fromMs = from ?? nowMs;
  if (to <= fromMs) throw new Refused(422, "when", "It must end after it begins.");
  if (to - fromMs > LENGTH_MS_MAX) throw new Refused(422, "when", "90 days at most: longer is out of use.");
  return { is: "once", fromMs, toMs: to };
}

const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

function placeOf({ site, device, kind, labels }: z.infer<typeof request>["where"]): MaintenanceRequest["where"] {
  return {
    ...(site !== undefined && { site }),
    ...(device !== undefined && { device }),
    ...(kind !== undefined && { kind }),
    ...(labels !== undefined && { labels }),
  };
}

/** A weekly window runs when it does at any of its sites. */
function windowView(
  window: PlannedMaintenance,
  nowMs: number,
  zones: ReadonlyMap<string, string>,
): z.infer<typeof maintenanceWindow> {
  const { id, reason, by, where, when } = window;
  return {
    ...{ id, reason, by },
    where: {
      site: where.site === undefined ? null : [...where.site],
      device: where.device === undefined ? null : [...where.device],
      kind: where.kind === undefined ? null : [...where.kind],
      labels: Object.fromEntries(Object.entries(where.labels ?? {}).map(([name, values]) => [name, [...values]])),
    },
    from: when.is === "once" ? when.fromMs : null,
    to: when.is === "once" ? when.toMs : null,
    weekly: when.is === "once" ? [] : WEEKDAYS.flatMap((day) => when.hours[day].map((span) => dayView(day, span))),
    timeZone: when.is === "once" ? null : when.timeZone,
    state: isOver(window, nowMs) ? "over" : runsAt(window, zones, nowMs) ? "running" : "planned",
  };
}

const dayView = (day: Weekday, { from, to }: OpenSpan) => ({ day, from: clockText(from), to: clockText(to) });
const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
