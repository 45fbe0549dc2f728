/**
 * What every request passes: who asks (cookie or bearer token), whether a browser was sent here by another site, and
 * whether the role may do it. A route says what it needs in `config.access`; the default is a sign-in.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type AuthDeps, type Identity, identifySession, identifyToken } from "./auth.ts";
import { Refused } from "./problem.ts";

/** `public`: no sign-in. `read`: any role. `act`: operator or admin. `administer`: admin. */
export type Access = "public" | "read" | "act" | "administer";

declare module "fastify" {
  interface FastifyRequest {
    identity: Identity | null;
  }
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** `__Host-` binds the cookie to exactly this host over TLS; browsers refuse the prefix on plain HTTP. */
export const cookieName = (secure: boolean): string => (secure ? "__Host-aislewatch" : "aislewatch");

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export function installGuard(app: FastifyInstance, deps: AuthDeps, options: { secure: boolean }): void {
  app.decorateRequest("identity", null);
  app.addHook("onRequest", async (request) => {
    refuseForeignOrigin(request, cookieName(options.secure));
    request.identity = identify(request, deps, cookieName(options.secure));
    const access = request.routeOptions.config.access ?? "read";
    if (access === "public" || request.is404) return;
    if (request.identity === null) throw new Refused(401, "not_signed_in", "Sign in first.");
    if (access === "act" && request.identity.role === "viewer") {
      throw new Refused(
        403,
        "role_too_low",
        "A viewer may look but not act; ask an administrator for the role operator.",
      );
    }
    if (access === "administer" && request.identity.role !== "admin") {
      throw new Refused(403, "role_too_low", "Only an administrator may do this.");
    }
  });
}

/** The identity that the guard established. Only on routes whose access is not `public`. */
export function identityOf(request: FastifyRequest): Identity {
  if (request.identity === null) throw new Error(`${request.routeOptions.url ?? request.url} has no sign-in`);
  return request.identity;
}

export function setSessionCookie(
  reply: FastifyReply,
  secret: string,
  options: { secure: boolean; lifeMs: number },
): void {
  reply.setCookie(cookieName(options.secure), secret, {
    path: "/",
    httpOnly: true,
    sameSite: "strict",
    secure: options.secure,
    maxAge: Math.floor(options.lifeMs / 1000),
  });
}

function identify(request: FastifyRequest, deps: AuthDeps, cookie: string): Identity | null {
  // The scheme's name is case-insensitive (RFC 9110 §11.1).
  const bearer = /^bearer +([\w-]{20,128})$/i.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return identifyToken(deps, bearer);
  const secret = request.cookies[cookie];
  return secret === undefined ? null : identifySession(deps, secret);
}

/**
 * Cross-site request forgery: a state-changing request that a browser sends says where it came from. `Sec-Fetch-Site`
 * cannot be set by a page; `Origin` is the older sign of the same. A program sends neither, and no cookie either.
 */
function refuseForeignOrigin(request: FastifyRequest, cookie: string): void {
  if (SAFE_METHODS.has(request.method)) return;
  const fetchSite = request.headers["sec-fetch-site"];
  const origin = request.headers.origin;
  const same =
    fetchSite !== undefined
      ? fetchSite === "same-origin"
      : origin !== undefined
        ? hostOf(origin) === request.headers.host
        : request.cookies[cookie] === undefined;
  if (!same) throw new Refused(403, "foreign_origin", "This request came from another site's page.");
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
