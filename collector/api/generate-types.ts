/**
 * Writes the client's types, for the page and the command line, from the OpenAPI document (npm run api). They are
 * committed, once for both, so that neither needs the collector; document.test.ts says when they are out of date.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import openapiTS, { astToString } from "openapi-typescript";
import { openApiDocument } from "./openapi.ts";

const ROOT = join(import.meta.dirname, "../..");
export const TYPES_FILE = join(ROOT, "packages/api/api.d.ts");

/** Formatted as everything in the repository is, so that the formatter leaves it alone. */
export async function generateTypes(): Promise<string> {
  const types = astToString(await openapiTS(JSON.stringify(await openApiDocument())));
  const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
  return execFileSync(process.execPath, [biome, "format", `--stdin-file-path=${TYPES_FILE}`], {
    cwd: ROOT,
    input: `/** Made from the collector's OpenAPI document by npm run api. */\n\n${types}`,
    encoding: "utf8",
    timeout: 60_000,
  });
}

if (import.meta.main) {
  writeFileSync(TYPES_FILE, await generateTypes());
}
