/**
 * `node24 deploy/bundle-agent.ts FOLDER`: the agent as it is installed, in a folder of its own that needs no sources and
 * few packages. One file of code without types, comments and what is never called, and the profiles compiled: half of the
 * memory and of the start go into loading 400 modules and 105 YAML files otherwise. Names stay, for stack traces.
 *
 * What has a binary for each platform, or is loaded by few agents, stays a package: package.json names those.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { type Bundled, bundle, ROOT, writeKnowledge } from "./bundle.ts";

/** What it needs in node_modules, beside it or further out. */
export const AGENT_PACKAGES = ["serialport", "koffi", "systeminformation"];

const manifest = z.object({
  version: z.string(),
  license: z.string(),
  dependencies: z.record(z.string(), z.string()),
  optionalDependencies: z.record(z.string(), z.string()),
});

/**
 * Writes main.mjs and what stands beside it into `folder`, which is made when it is not there. `more` are further programs
 * of the same code, by the names of their files: a test's own.
 */
export async function bundleAgent(folder: string, more: Readonly<Record<string, string>> = {}): Promise<Bundled> {
  mkdirSync(folder, { recursive: true });
  const bundled = await bundle({
    folder,
    // The serial binding runs in a process of its own: agent/transport/serial-host.ts starts it beside itself.
    input: { main: "agent/main.ts", "serial-child": "agent/transport/serial-child.mjs", ...more },
    external: AGENT_PACKAGES,
  });
  writeKnowledge(folder);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageOf(), null, 2)}\n`);
  return bundled;
}

function packageOf() {
  const ours = manifest.parse(JSON.parse(readFileSync(join(ROOT, "agent/package.json"), "utf8")));
  const kept = (of: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(of).filter(([name]) => AGENT_PACKAGES.includes(name)));
  return {
    name: "aislewatch-agent",
    version: ours.version,
    license: ours.license,
    type: "module",
    private: true,
    dependencies: kept(ours.dependencies),
    optionalDependencies: kept(ours.optionalDependencies),
  };
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write("usage: bundle-agent.ts FOLDER\n");
    process.exit(2);
  }
  await bundleAgent(resolve(folder));
}
