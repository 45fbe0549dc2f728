import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { checkPassword, SESSION_LIFE_MS, startSession, takeLink } from "../auth.ts";
import type { ApiDeps } from "../deps.ts";
import { cookieName, identityOf, setSessionCookie } from "../guard.ts";
import { Refused } from "../problem.ts";
import { me, problem } from "../schema/service.ts";

/** Attempts to sign in from one address, a minute. */
const SIGN_INS_A_MINUTE = 10;
/** The page's view for signing in, which says what became of the link. */
const SPENT_LINK_PAGE = "/login?spent";
const rateLimit = { max: SIGN_INS_A_MINUTE, timeWindow: 60_000 };

export function sessionRoutes(deps: ApiDeps, { secure }: { secure: boolean }): FastifyPluginAsyncZod {
  const audit = (actor: string, action: string, detail: string): void =>
    deps.state.audit({ at: deps.clock.now(), actor, action, detail });

  return async (app) => {
    app.get(
      "/session/link/:token",
      {
        // Asking for the head alone, as link previews do, must not spend the link.
        exposeHeadRoute: false,
        config: { access: "public", rateLimit },
        schema: {
          tags: ["session"],
          summary: "Sign in with a single-use link; sets the cookie and leads to the page",
          params: z.object({ token: z.string().max(128) }),
          response: { 303: z.undefined().describe("Signed in"), default: problem },
        },
      },
      async (request, reply) => {
        const user = takeLink(deps, request.params.token);
        if (user === null) {
          audit("system", "sign_in_refused", `link from ${request.ip}`);
          // A person gets the page that asks for a password and tells how to make another link.
          if (request.headers.accept?.includes("text/html") === true) return reply.redirect(SPENT_LINK_PAGE, 303);
          const hint = "Links work once, for ten minutes. Make a new one with: aislewatch login-link";
          throw new Refused(401, "link_spent", "This sign-in link was used already or is too old.", { hint });
        }
        audit(`user:${user.name}`, "signed_in", `link from ${request.ip}`);
        setSessionCookie(reply, startSession(deps, user.name), { secure, lifeMs: SESSION_LIFE_MS });
        return reply.redirect("/", 303);
      },
    );

    app.post(
      "/session",
      {
        config: { access: "public", rateLimit },
        schema: {
          tags: ["session"],
          summary: "Sign in with name and password; sets the cookie",
          body: z.object({ name: z.string().min(1).max(64), password: z.string().min(1).max(512) }),
          response: { 200: me, default: problem },
        },
      },
      async (request, reply) => {
        const { name, password } = request.body;
        const user = await checkPassword(deps, name, password);
        if (user === null) {
          audit("system", "sign_in_refused", `${JSON.stringify(name)} from ${request.ip}`);
          throw new Refused(401, "wrong_password", "Name or password is wrong.");
        }
        audit(`user:${user.name}`, "signed_in", `password from ${request.ip}`);
        setSessionCookie(reply, startSession(deps, user.name), { secure, lifeMs: SESSION_LIFE_MS });
        return { name: user.name, role: user.role };
      },
    );

    app.delete(
      "/session",
      {
        schema: {
          tags: ["session"],
          summary: "Sign out",
          response: { 204: z.undefined().describe("Signed out"), default: problem },
        },
      },
      async (request, reply) => {
        const identity = identityOf(request);
        if (identity.by.kind === "session") {
          deps.state.removeSession(identity.by.idHash);
          audit(identity.actor, "signed_out", `from ${request.ip}`);
        }
        reply.clearCookie(cookieName(secure), { path: "/", secure });
        return reply.code(204).send();
      },
    );

    app.get(
      "/me",
      { schema: { tags: ["session"], summary: "Who is signed in", response: { 200: me, default: problem } } },
      async (request) => {
        const { name, role } = identityOf(request);
        return { name, role };
      },
    );
  };
}
