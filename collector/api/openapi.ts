/**
 * Prints the OpenAPI document of the API, without starting a store, for `openapi-typescript`:
 * `packages/api/api.d.ts`, which the page and the command line are typed by, is generated from it (npm run api).
 */
import type { ApiDeps } from "./deps.ts";
import { createApi } from "./server.ts";

export async function openApiDocument(): Promise<{ readonly paths?: Readonly<Record<string, object | undefined>> }> {
  // Registering routes calls none of them; whoever breaks that is told which one was called.
  const nothing = new Proxy({} as ApiDeps, {
    get: (_target, name) => () => {
      throw new Error(`${String(name)} was called while routes were registered`);
    },
  });
  const app = await createApi(nothing, { version: "1", pageDir: null, tls: null });
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await openApiDocument(), null, 2)}\n`);
