/**
 * The collector and the command line as they are installed, in a folder of their own: `aislewatch.mjs` is both, and beside
 * it are the programs that they start: threads of the stores, and the simulated devices of the demo. The page is built in.
 *
 * What has a binary for each platform stays a package: DuckDB, and the serial lines of simulated devices.
 */
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bundled, bundle, ROOT, writeKnowledge } from "./bundle.ts";

/** What it needs in node_modules, beside it or further out. */
export const COLLECTOR_PACKAGES = ["@duckdb/node-api", "serialport"];

/** Writes everything into `folder`; the page must have been built. */
export async function bundleCollector(folder: string, version: string): Promise<Bundled> {
  const bundled = await bundle({
    folder,
    input: {
      aislewatch: "deploy/release/aislewatch.ts",
      simulator: "packages/simulator/main.ts",
      "duckdb-worker": "collector/store/timeseries/duckdb-worker.ts",
      "report-worker": "collector/store/state/report-worker.ts",
      "report-reader": "collector/store/state/report-reader.ts",
    },
    external: COLLECTOR_PACKAGES,
    instead: { "packages/cli/programs.ts": "deploy/release/programs.ts" },
  });
  writeKnowledge(folder);
  cpSync(join(ROOT, "collector/page/dist"), join(folder, "page/dist"), { recursive: true });
  const manifest = { name: "aislewatch", version, license: "Apache-2.0", type: "module", private: true };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return bundled;
}
