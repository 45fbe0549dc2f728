import { joinSubject } from "@aislewatch/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { OPEN_STATES } from "../../incidents/log.ts";
import { INCIDENT_STATES, type Incident, PRIORITIES } from "../../incidents/types.ts";
import { LIST_ORDERS, placeOf } from "../../store/state/list-place.ts";
import { badCursor, cursorParam } from "../cursor.ts";
import type { ActRefusal, ApiDeps, LiveView } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { incident, incidentDetail, incidentList } from "../schema/incident.ts";
import { bulkRequest, bulkResult, incidentAction } from "../schema/incident-action.ts";
import { problem } from "../schema/service.ts";
import { chartView, contactsView, eventView, incidentView, standingView, workView } from "../view.ts";
import { listOf } from "./query.ts";

const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 200;
const EARLIER_MAX = 10;
/** How many incidents of the slot are looked through for earlier ones of the same rule. */
const EARLIER_SEARCH_MAX = 100;
const SUPPRESSES_MAX = 200;
/** Consequences that stand on the page of an incident; the list has all of them. */
const CHILDREN_MAX = 100;

const states = z
  .union([z.literal("open"), z.literal("all"), listOf(INCIDENT_STATES)])
  .describe("open (not yet resolved), all, or states separated by commas")
  .default("open");

const query = z.object({
  state: states,
  priority: listOf(PRIORITIES).optional(),
  site: z.string().max(64).optional(),
  device: z.string().max(130).optional(),
  kind: z.string().max(64).optional(),
  review: z.literal("true").optional().describe("only those that cured themselves so often that somebody is to look"),
  parent: z
    .string()
    .max(32)
    .optional()
    .describe("only those that are consequences of this incident; none: only those that are of no other"),
  q: z
    .string()
    .max(200)
    .optional()
    .describe("words looked for in id, title, device, rule, assignee, group and the vendor's number"),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  order: z
    .enum(LIST_ORDERS)
    .default("urgency")
    .describe("id: a walk that meets each once, whatever is written meanwhile"),
  cursor: cursorParam,
});

const params = z.object({ id: z.string().max(32) });

export function incidentRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  const { state, live, clock } = deps;
  const view = (one: Incident) => incidentView(one, live);
  const views = (some: readonly Incident[]) => some.map(view);

  function childrenOf(parent: string) {
    const page = { limit: CHILDREN_MAX, cursor: null };
    const all = state.incidents({ parent }, page);
    if (all.total === 0) return { items: [], total: 0, standing: 0 };
    const standing = state.incidents({ parent, states: OPEN_STATES, unrecovered: true }, page);
    const first = new Set(standing.items.map(({ id }) => id));
    const items = [...standing.items, ...all.items.filter(({ id }) => !first.has(id))].slice(0, CHILDREN_MAX);
    return { items: views(items), total: all.total, standing: standing.total };
  }

  return async (app) => {
    app.get(
      "/incidents",
      {
        schema: {
          tags: ["incidents"],
          summary: "Incidents by priority, then newest first",
          querystring: query,
          response: { 200: incidentList, default: problem },
        },
      },
      async (request) => {
        const { state: wanted, priority, site, device, kind, review, parent, q, limit, cursor, order } = request.query;
        if (cursor !== undefined && placeOf(cursor) === null) throw badCursor();
        const page = state.incidents(
          {
            ...(wanted !== "all" && { states: wanted === "open" ? OPEN_STATES : wanted }),
            ...(priority !== undefined && { priorities: priority }),
            ...(site !== undefined && { site }),
            ...(device !== undefined && { device }),
            ...(kind !== undefined && { kind }),
            ...(review !== undefined && { forReview: true }),
            ...(parent !== undefined && { parent: parent === "none" ? null : parent }),
            ...(q !== undefined && q.trim() !== "" && { search: q }),
          },
          { limit, order, cursor: cursor ?? null },
        );
        return { items: views(page.items), cursor: page.cursor, total: page.total };
      },
    );

    app.get(
      "/incidents/:id",
      {
        schema: {
          tags: ["incidents"],
          summary: "One incident with its timeline, runbook and what belongs to it",
          params,
          response: { 200: incidentDetail, default: problem },
        },
      },
      async (request) => {
        const found = state.incident(request.params.id);
        if (found === null) throw noIncident(request.params.id);
        const { site, device } = found.subject;
        const events = state.incidentEvents(found.id);
        return {
          incident: view(found),
          work: workView(found),
          contacts: contactsView(live.site(site), clock.now()),
          ...standingView(live.duties.standing(found, events)),
          absorbed: views(found.absorbed.flatMap((id) => state.incident(id) ?? [])),
          parent: views([found.parent].flatMap((id) => (id === null ? [] : (state.incident(id) ?? []))))[0] ?? null,
          children: childrenOf(found.id),
          events: events.map(eventView),
          runbook: found.runbook === null ? null : deps.runbook(found.runbook),
          chart: chartView(found, live, clock.now()),
          asset: device === null ? {} : (live.device(site, device)?.device.asset ?? {}),
          suppresses: views(suppressedBy(found, live)),
          earlier: views(earlierThan(found, deps)),
        };
      },
    );

    app.post(
      "/incidents/:id/actions",
      {
        config: { access: "act" },
        schema: {
          tags: ["incidents"],
          summary: "Do something to an incident",
          description:
            "409 when `version` is given and the incident moved on, with the incident as it is now; 422 when its state does not allow it.",
          params,
          body: incidentAction,
          response: { 200: incident, default: problem },
        },
      },
      async (request) => {
        const done = await deps.act(request.params.id, request.body, identityOf(request).actor);
        if (done.ok) return view(done.value);
        const { code, message, incident: now } = done.error;
        if (code === "not_found") throw new Refused(404, errorOf(code), message);
        const more = now === undefined ? {} : { incident: view(now) };
        throw new Refused(code === "conflict" ? 409 : 422, code, message, more);
      },
    );

    app.post(
      "/incidents/actions",
      {
        config: { access: "act" },
        schema: {
          tags: ["incidents"],
          summary: "Do the same to many incidents, each by itself",
          description: "Always 200 when the request is well-formed: each incident has its own result.",
          body: bulkRequest,
          response: { 200: bulkResult, default: problem },
        },
      },
      async (request) => {
        const { incidents: targets, action } = request.body;
        const done = await deps.actOnMany(targets, action, identityOf(request).actor);
        const results = done.map((one, index) => {
          const now = one.ok ? one.value : (one.error.incident ?? null);
          const error = one.ok ? null : { error: errorOf(one.error.code), message: one.error.message };
          const id = targets[index]?.id ?? "";
          return { id, ok: one.ok, incident: now === null ? null : view(now), error };
        });
        const refused = results.filter(({ ok }) => !ok).length;
        return { results, done: results.length - refused, refused };
      },
    );
  };
}

/** The API's own word: it has other things that may not be found. */
const errorOf = (code: ActRefusal["code"]): string => (code === "not_found" ? "no_incident" : code);

const noIncident = (id: string): Refused =>
  new Refused(404, "no_incident", `There is no incident ${JSON.stringify(id.slice(0, 32))}.`);

/** Open incidents of what hangs below this incident's device, or that are part of this wider fault. */
function suppressedBy({ subject, rule }: Incident, live: LiveView): Incident[] {
  const { site, device, component } = subject;
  const what = device === null ? site : `${site}/${joinSubject(device, component)}`;
  const causes = [`rule:${rule}@${what}`, ...(device === null ? [] : [what])];
  return live
    .openIncidents()
    .filter((other) => other.suppressedBy !== null && causes.includes(other.suppressedBy))
    .slice(0, SUPPRESSES_MAX);
}

/** Earlier incidents of the same rule on the same slot, newest first. */
function earlierThan(one: Incident, { state }: ApiDeps): Incident[] {
  const { site, device, component } = one.subject;
  const slot = { site, ...(device !== null && { device }), search: one.rule };
  return state
    .incidents(slot, { limit: EARLIER_SEARCH_MAX, cursor: null })
    .items.filter(
      (other) =>
        other.id !== one.id &&
        other.rule === one.rule &&
        other.subject.device === device &&
        other.subject.component === component &&
        other.openedAt <= one.openedAt,
    )
    .sort((a, b) => b.openedAt - a.openedAt)
    .slice(0, EARLIER_MAX);
}
