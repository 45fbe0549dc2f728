/**
 * The collector's HTTP face: REST with OpenAPI, the live stream, sign-in, health, metrics and the built page.
 * `createApi` opens nothing; `listen` and `close` are the caller's. Shapes are schema.ts, facts come through deps.ts.
 */
import cookie from "@fastify/cookie";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance, type HTTPMethods } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { ApiDeps, ApiOptions } from "./deps.ts";
import { openApi } from "./document.ts";
import { installGuard } from "./guard.ts";
import { servePage } from "./page.ts";
import { installProblems, Refused } from "./problem.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { maintenanceRoutes } from "./routes/maintenance.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { privacyRoutes } from "./routes/privacy.ts";
import { reportRoutes } from "./routes/report.ts";
import { ruleRoutes } from "./routes/rules.ts";
import { serviceRoutes, streamRoutes } from "./routes/service.ts";
import { sessionRoutes } from "./routes/session.ts";
import { siteRoutes } from "./routes/sites.ts";
import { triageRoutes } from "./routes/triage.ts";
import { StreamHub } from "./stream.ts";

export const API_PREFIX = "/api/v1";

const HTTP_LIMITS = {
  /** The largest request is a note of 4,000 characters. */
  bodyBytesMax: 32 * 1024,
  /** For a request to arrive whole: a client that trickles is cut. */
  requestMs: 15_000,
  paramCharsMax: 160,
  /** Pages hold two or three each (stream.ts has 256 pages), programs one. */
  connectionsMax: 2_048,
} as const;

/** Tells the ids of one process from those of another. */
const PROCESS_ID_BYTES = 6;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Everything that the page loads is its own: no inline script, nothing from elsewhere, no framing. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=(), serial=()",
} as const;

/** `listen({ host, port })` gives the address; `close()` ends streams and requests. */
export type ApiServer = FastifyInstance;

/** Throws only when the TLS key and certificate do not fit. */
export async function createApi(deps: ApiDeps, options: ApiOptions): Promise<ApiServer> {
  const secure = options.tls !== null;
  const app: FastifyInstance = fastify({
    ...(options.tls !== null && { https: { ...options.tls, minVersion: "TLSv1.2" } }),
    logger: false,
    bodyLimit: HTTP_LIMITS.bodyBytesMax,
    requestTimeout: HTTP_LIMITS.requestMs,
    routerOptions: { maxParamLength: HTTP_LIMITS.paramCharsMax },
    forceCloseConnections: true,
  });
  app.server.maxConnections = HTTP_LIMITS.connectionsMax;
  let refusedConnections = 0;
  app.server.on("drop", () => {
    refusedConnections++;
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installProblems(app, (failure) => deps.onFailure?.(failure));

  app.addHook("onRequest", async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (secure) reply.header("strict-transport-security", "max-age=31536000");
  });
  await app.register(cookie);
  installGuard(app, deps, { secure });
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, { after }) =>
      new Refused(429, "too_often", `Too many attempts to sign in; try again in ${after}.`),
  });
  await app.register(swagger, openApi(options.version));
  const otherMethods = refuseOtherMethods(app);

  const hub = new StreamHub(deps.clock, options.version, () =>
    Buffer.from(deps.random(PROCESS_ID_BYTES)).toString("hex"),
  );
  await app.register(
    async (api) => {
      api.addHook("onRequest", async (_request, reply) => {
        reply.header("cache-control", "no-store");
      });
      await api.register(sessionRoutes(deps, { secure }));
      await api.register(incidentRoutes(deps));
      await api.register(triageRoutes(deps));
      await api.register(siteRoutes(deps, { version: options.version }));
      await api.register(ruleRoutes(deps));
      await api.register(fleetRoutes(deps));
      await api.register(maintenanceRoutes(deps));
      await api.register(notificationRoutes(deps));
      await api.register(reportRoutes(deps));
      await api.register(privacyRoutes(deps, { version: options.version }));
      await api.register(streamRoutes(deps, hub));
      api.get("/openapi.json", { schema: { hide: true } }, async (_request, reply) =>
        reply.serializer(JSON.stringify).send(app.swagger()),
      );
    },
    { prefix: API_PREFIX },
  );
  await app.register(serviceRoutes(deps, hub, () => refusedConnections));
  otherMethods.install();
  await servePage(app, options.pageDir);

  let unsubscribe: (() => void) | null = null;
  app.addHook("onListen", async () => {
    unsubscribe = deps.subscribe((event) => hub.publish(event));
  });
  app.addHook("preClose", async () => {
    unsubscribe?.();
    hub.close();
  });
  return app;
}

/** A path that is there for another method answers 405 with what it allows, and not 404. */
function refuseOtherMethods(app: FastifyInstance): { install(): void } {
  const methodsOf = new Map<string, Set<HTTPMethods>>();
  app.addHook("onRoute", ({ url, method }) => {
    if (url.includes("*")) return; // The page's files: the static plugin answers for them.
    const methods = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsOf.set(url, methods);
  });
  return {
    install: () => {
      for (const [url, allowed] of [...methodsOf]) {
        const allow = [...allowed].sort().join(", ");
        app.route({
          url,
          method: METHODS.filter((method) => !allowed.has(method)),
          config: { access: "public" },
          schema: { hide: true },
          handler: async (_request, reply) => {
            reply.header("allow", allow);
            throw new Refused(405, "method_not_allowed", `Here one may: ${allow}.`);
          },
        });
      }
    },
  };
}
