import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { Refused } from "./problem.ts";

/** Vite names what is in here by its content, so it never changes. */
const HASHED = /[/\\]assets[/\\]/;
/** What only a program asks for; everything else that a browser navigates to is a place in the page. */
const NOT_PAGE = /^\/(api|assets|metrics|healthz)(\/|$)/;

/**
 * Serves the built page; a path that only the page's own router knows gives index.html. Files that lie beside theirs
 * as `.br` or `.gz` are sent compressed. Unknown paths of the API answer 404 as JSON.
 */
export async function servePage(app: FastifyInstance, pageDir: string | null): Promise<void> {
  const built = pageDir !== null && existsSync(join(pageDir, "index.html"));
  if (built) {
    // The page itself is no secret: it shows a sign-in until the API answers.
    app.addHook("onRoute", (route) => {
      if (route.url === "/*") route.config = { ...route.config, access: "public" };
    });
    await app.register(fastifyStatic, {
      root: pageDir,
      preCompressed: true,
      cacheControl: false,
      dotfiles: "ignore",
      schemaHide: true,
      setHeaders: (reply, path) => {
        reply.header("cache-control", HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
      },
    });
  }
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "/";
    const navigates = request.method === "GET" || request.method === "HEAD";
    if (!navigates || NOT_PAGE.test(path) || !(request.headers.accept ?? "").includes("text/html")) {
      throw new Refused(404, "no_such_path", `There is nothing at ${path.slice(0, 200)}.`);
    }
    if (!built)
      throw new Refused(404, "page_not_built", "The page is not built here.", { hint: "Build it with: npm run page" });
    return reply.sendFile("index.html");
  });
}
