import { ID_PATTERN } from "@aislewatch/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { agentDetail, agentSummary, deliveryAudit, problem } from "../schema.ts";
import { agentView, auditView } from "../view.ts";

/** Devices that are shown with an agent: enough to see who costs it its time. */
const SLOWEST_SHOWN = 20;

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
        schema: { tags: ["agents"], summary: "All agents", response: { 200: z.array(agentSummary), default: problem } },
      },
      async () => {
        const names = new Map(live.sites().map((site) => [site.id, site.name]));
        return fleet.agents().map((one) => agentView(one, names.get(one.site) ?? one.site, clock.now()));
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
          slowest: [...fleet.slowest(site, agent, SLOWEST_SHOWN)],
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
