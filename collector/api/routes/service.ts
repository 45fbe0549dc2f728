import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { figure } from "../../figures.ts";
import { prometheusText } from "../../metrics.ts";
import { stillHolds } from "../auth.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { health, problem, streamEvent } from "../schema/service.ts";
import type { StreamHub } from "../stream.ts";

/** An id of ours is shorter. */
const LAST_ID_CHARS_MAX = 64;

/** The live stream, below /api/v1. */
export function streamRoutes(deps: ApiDeps, hub: StreamHub): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      "/stream",
      {
        exposeHeadRoute: false,
        schema: {
          tags: ["stream"],
          summary: "Server-sent events: each `data` is a StreamEvent as JSON",
          description:
            "Goes on after the event whose id is given in `Last-Event-ID`, or in `after` where headers can't be set.",
          querystring: z.object({ after: z.string().max(LAST_ID_CHARS_MAX).optional() }),
          response: {
            200: { description: "An endless stream", content: { "text/event-stream": { schema: streamEvent } } },
            default: problem,
          },
        },
      },
      (request, reply) => {
        const identity = identityOf(request);
        if (!hub.admits(identity.actor)) {
          throw new Refused(503, "too_many_streams", "Too many pages are connected; close one.");
        }
        const headers = Object.fromEntries(
          Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
        );
        const header = request.headers["last-event-id"];
        const lastEventId = (typeof header === "string" ? header : request.query.after) ?? null;
        reply.hijack();
        hub.add(
          {
            response: reply.raw,
            who: identity.actor,
            stillAllowed: () => stillHolds(deps, identity),
            lastEventId: lastEventId === "" ? null : lastEventId,
          },
          headers,
        );
      },
    );
  };
}

/** For machines, outside /api/v1: liveness and Prometheus metrics. */
export function serviceRoutes(deps: ApiDeps, hub: StreamHub, refusedConnections: () => number): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      "/healthz",
      {
        config: { access: "public" },
        schema: {
          tags: ["service"],
          summary: "200 only while ingest works; else 503 with the reasons",
          response: { 200: health, 503: health },
        },
      },
      async (_request, reply) => {
        const { ok, reasons } = deps.health();
        return reply
          .code(ok ? 200 : 503)
          .header("cache-control", "no-store")
          .send({ ok, reasons: [...reasons] });
      },
    );

    app.get(
      "/metrics",
      {
        config: { access: "public" },
        schema: {
          tags: ["service"],
          summary: "Prometheus text; from loopback, or with a sign-in or token",
          response: {
            200: { description: "Prometheus text format", content: { "text/plain": { schema: z.string() } } },
            default: problem,
          },
        },
      },
      async (request, reply) => {
        if (request.identity === null && !isLocal(request)) {
          throw new Refused(401, "not_signed_in", "Metrics are for loopback, or with a bearer token.");
        }
        return reply
          .type("text/plain; version=0.0.4; charset=utf-8")
          .serializer((text: string) => text)
          .send(deps.metricsText() + httpMetrics(hub, refusedConnections()));
      },
    );
  };
}

/** From this machine itself; what a proxy on it passes on is not. */
function isLocal(request: FastifyRequest): boolean {
  const { headers, socket } = request;
  if (headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined) return false;
  const address = socket.remoteAddress ?? "";
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}

function httpMetrics(hub: StreamHub, refusedConnections: number): string {
  const { clients, slowDisconnects, refused, resumed, resets } = hub.counts;
  return prometheusText([
    figure("stream_clients", clients),
    figure("stream_slow_disconnects", slowDisconnects),
    figure("stream_resumed", resumed),
    figure("stream_resets", resets),
    figure("stream_refused", refused),
    figure("http_connections_refused", refusedConnections),
  ]);
}
