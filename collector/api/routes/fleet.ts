import { COMMAND_KINDS, DEVICE_ID_PATTERN, ID_PATTERN } from "@aislewatch/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { cursorParam, cursorsOf, linkNext, pageAfter, pageLimit } from "../cursor.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { agentDetail, agentSummary, command, deliveryAudit } from "../schema/agent.ts";
import { problem } from "../schema/service.ts";
import { agentView, auditView } from "../view.ts";

/** Devices that are shown with an agent: enough to see who costs it its time. */
const SLOWEST_SHOWN = 20;

/** Commands that are listed. */
const COMMANDS_SHOWN = 50;
const COMMANDS_MAX = 500;
const commandCursors = cursorsOf("commands", z.tuple([z.number(), z.string()]).readonly());
const agentCursors = cursorsOf("agents", z.tuple([z.string()]));

const id = z.string().regex(ID_PATTERN);
const agentParams = z.object({ site: id, agent: id });
const auditQuery = z.object({
  site: id.optional(),
  agent: id.optional(),
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Unix ms: lanes and spans of which something was heard since"),
});

/** The agents themselves: how they are, what became of every batch that they sent, and taking one out. */
export function fleetRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  const { fleet, live, clock, state } = deps;

  function known(site: string, name: string) {
    const found = fleet.agents().find((one) => one.site === site && one.id === name);
    if (found === undefined) throw new Refused(404, "no_agent", `There is no agent ${site}/${name}.`);
    return found;
  }

  return async (app) => {
    app.get(
      "/agents",
      {
        schema: {
          tags: ["agents"],
          summary: "All agents; or so many of them, by site and name",
          querystring: z.object({ limit: pageLimit, cursor: cursorParam }),
          response: { 200: z.array(agentSummary), default: problem },
        },
      },
      async (request, reply) => {
        const { limit, cursor } = request.query;
        const after = agentCursors.read(cursor)?.[0] ?? null;
        const { items, next } = pageAfter(fleet.agents(), ({ site, id }) => `${site}/${id}`, { after, limit });
        linkNext(request, reply, next === null ? null : agentCursors.write([next]));
        return items.map((one) => agentView(one, live.siteName(one.site), clock.now()));
      },
    );

    app.get(
      "/agents/:site/:agent",
      {
        schema: {
          tags: ["agents"],
          summary: "One agent: its deliveries, and the devices that cost it most time",
          params: agentParams,
          response: { 200: agentDetail, default: problem },
        },
      },
      async (request) => {
        const { site, agent } = request.params;
        const found = known(site, agent);
        const siteName = live.sites().find((one) => one.id === site)?.name ?? site;
        return {
          agent: agentView(found, siteName, clock.now()),
          slowest: fleet.slowest(site, agent, SLOWEST_SHOWN).map(({ device, seconds }) => ({
            ...{ device, seconds },
            everySeconds: (live.device(site, device)?.device.intervalMs ?? 0) / 1_000,
          })),
          delivery: auditView(fleet.audit({ site, agent })),
        };
      },
    );

    app.delete(
      "/agents/:site/:agent",
      {
        config: { access: "administer" },
        schema: {
          tags: ["agents"],
          summary: "Takes an agent out: its password, its session and its devices; history and incidents stay",
          params: agentParams,
          response: { 204: z.undefined().describe("Removed"), default: problem },
        },
      },
      async (request, reply) => {
        const { site, agent } = request.params;
        known(site, agent);
        const { actor } = identityOf(request);
        fleet.remove(site, agent, actor);
        state.audit({ at: clock.now(), actor, action: "agent_removed", detail: `${site}/${agent}` });
        return reply.code(204).send();
      },
    );

    app.post(
      "/agents/:site/:agent/commands",
      {
        config: { access: "act" },
        schema: {
          tags: ["agents"],
          summary: "Asks an agent to poll now, to reload its file (administrators) or for diagnostics",
          params: agentParams,
          body: z.object({
            kind: z.enum(COMMAND_KINDS),
            device: z.string().regex(DEVICE_ID_PATTERN).nullable().default(null).describe("probe_now: null is all"),
          }),
          response: { 202: command, default: problem },
        },
      },
      async (request, reply) => {
        const { site, agent } = request.params;
        const { kind, device } = request.body;
        known(site, agent);
        const { actor, role } = identityOf(request);
        // What a reload changes was written on the agent's host, but when it applies is an administrator's to say.
        if (kind === "reload" && role !== "admin")
          throw new Refused(403, "role_too_low", "Only an administrator may do this.");
        const issued = deps.command({ site, agent, kind, device: kind === "probe_now" ? device : null, by: actor });
        if (!issued.ok) {
          const status = { offline: 409, too_many: 429, not_written: 503 }[issued.error.code];
          throw new Refused(status, issued.error.code, issued.error.message);
        }
        return reply.code(202).send(issued.value);
      },
    );

    app.get(
      "/agents/:site/:agent/commands",
      {
        schema: {
          tags: ["agents"],
          summary: "What an agent was asked to do, by whom, and what came of it; newest first",
          params: agentParams,
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(COMMANDS_MAX).default(COMMANDS_SHOWN),
            cursor: cursorParam,
          }),
          response: { 200: z.array(command), default: problem },
        },
      },
      async (request, reply) => {
        const { limit, cursor } = request.query;
        const found = state.pages.commands(request.params, commandCursors.read(cursor), limit + 1);
        const page = found.slice(0, limit);
        const last = page.at(-1);
        linkNext(request, reply, found.length > limit && last !== undefined ? commandCursors.write(last.place) : null);
        return page.map(({ record }) => record);
      },
    );

    app.get(
      "/commands/:id",
      {
        schema: {
          tags: ["agents"],
          summary: "One command",
          params: z.object({ id }),
          response: { 200: command, default: problem },
        },
      },
      async (request) => {
        const found = state.command(request.params.id);
        if (found === null) throw new Refused(404, "no_command", `There is no command ${request.params.id}.`);
        return found;
      },
    );

    app.get(
      "/audit/delivery",
      {
        schema: {
          tags: ["agents"],
          summary: "What became of every batch: stored, late, thinned, owed or missing, by agent, epoch and lane",
          querystring: auditQuery,
          response: { 200: deliveryAudit, default: problem },
        },
      },
      async (request) => auditView(fleet.audit(request.query)),
    );

    app.post(
      "/audit/delivery/explain",
      {
        config: { access: "act" },
        schema: {
          tags: ["agents"],
          summary: "Explains all that is missing of an agent now; it stays in the ledger, and no longer alarms",
          body: z.object({ site: id, agent: id, text: z.string().trim().min(1).max(512) }),
          response: { 200: z.object({ explained: z.int() }), default: problem },
        },
      },
      async (request) => {
        const { site, agent, text } = request.body;
        const { actor } = identityOf(request);
        const explained = fleet.explain(site, agent, { by: actor, text });
        if (explained > 0)
          state.audit({ at: clock.now(), actor, action: "gap_explained", detail: `${site}/${agent}: ${text}` });
        return { explained };
      },
    );
  };
}
