import { findMetric } from "@aislewatch/devices";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { handOverText } from "../../incidents/handover-text.ts";
import type { Incident } from "../../incidents/types.ts";
import type { ApiDeps } from "../deps.ts";
import { Refused } from "../problem.ts";
import { problem } from "../schema/service.ts";
import { handOver, triage } from "../schema/triage.ts";
import { caseOf, handOverOf, handOverView, triageView } from "../triage.ts";
import { chartView } from "../view.ts";

const params = z.object({ id: z.string().max(32) });
/** As many as a small chart on paper shows. */
const CHART_POINTS = 60;
/** A hand-over without its chart is one; without an answer it is none. */
const CHART_MS_MAX = 5_000;

/** What the machine makes of an incident (docs/incidents.md). */
export function triageRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  const { state, live, series, clock } = deps;

  function known(id: string): Incident {
    const found = state.incident(id);
    if (found !== null) return found;
    throw new Refused(404, "no_incident", `There is no incident ${JSON.stringify(id.slice(0, 32))}.`);
  }

  return async (app) => {
    app.get(
      "/incidents/:id/triage",
      {
        schema: {
          tags: ["incidents"],
          summary: "What kind of trouble it is, its likely cause, and what the past says",
          params,
          response: { 200: triage, default: problem },
        },
      },
      async (request) => {
        const incident = known(request.params.id);
        return triageView(incident, caseOf(incident, deps), deps);
      },
    );

    app.get(
      "/incidents/:id/handover",
      {
        schema: {
          tags: ["incidents"],
          summary: "All that a field engineer needs of it, on one page",
          params,
          querystring: z.object({ format: z.enum(["json", "text"]).default("json") }),
          response: {
            200: {
              description: "As JSON, or as plain text of 80 columns",
              content: { "application/json": { schema: handOver }, "text/plain": { schema: z.string() } },
            },
            default: problem,
          },
        },
      },
      async (request, reply) => {
        const incident = known(request.params.id);
        const page = handOverOf(incident, state.incidentEvents(incident.id), deps);
        const text = handOverText(page);
        if (request.query.format === "text") {
          return reply
            .type("text/plain; charset=utf-8")
            .serializer((one: string) => one)
            .send(text);
        }
        return handOverView(page, await chartOf(incident), text);
      },
    );

    async function chartOf(incident: Incident): Promise<z.infer<typeof handOver>["chart"]> {
      const asked = chartView(incident, live, clock.now());
      const { site, device } = incident.subject;
      if (asked === null || device === null) return null;
      const { metric, unit, component, threshold, from, to } = asked;
      const id = { site, device, component, metric };
      const late = Promise.withResolvers<null>();
      const stop = clock.after(CHART_MS_MAX, () => late.resolve(null));
      const read = series.query(id, { from, to, pointsMax: CHART_POINTS }).catch(() => null); // /healthz says what is wrong with it.
      const points = await Promise.race([read, late.promise]);
      stop();
      if (points === null) return null;
      return { metric, unit, isBoolean: findMetric(metric)?.type === "boolean", threshold, from, to, points };
    }
  };
}
