/**
 * `node24 deploy/bundle-agent.ts FOLDER`: the agent as it is installed, in a folder of its own that needs no sources and
 * few packages. One file of code without types, comments and what is never called, and the profiles compiled: half of the
 * memory and of the start go into loading 400 modules and 105 YAML files otherwise. Names stay, for stack traces.
 *
 * What has a binary for each platform, or is loaded by few agents, stays a package: package.json names those.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { compileProfiles, loadBuiltinProfiles } from "@aislewatch/devices";
import { rolldown } from "rolldown";
import { z } from "zod";

const ROOT = resolve(import.meta.dirname, "..");
const PACKAGES = ["serialport", "koffi", "systeminformation"];

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
export async function bundleAgent(folder: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const bundle = await rolldown({
    cwd: ROOT,
    // The serial binding runs in a process of its own: agent/transport/serial-host.ts starts it beside itself.
    input: { main: "agent/main.ts", "serial-child": "agent/transport/serial-child.mjs", ...more },
    platform: "node",
    external: PACKAGES,
    logLevel: "warn",
  });
  const { output } = await bundle.generate({
    format: "esm",
    minify: { mangle: false, compress: true, codegen: true },
    entryFileNames: "[name].mjs",
    chunkFileNames: "part-[name]-[hash].mjs",
  });
  await bundle.close();
  for (const part of output) {
    if (part.type !== "chunk") throw new Error(`${part.fileName} is no code: who reads it, and where from?`);
    writeFileSync(join(folder, part.fileName), toAscii(part.code));
  }
  writeFileSync(join(folder, "profiles.json"), toAscii(compileProfiles(loadBuiltinProfiles())));
  cpSync(join(ROOT, "packages/devices/modbus-maps"), join(folder, "modbus-maps"), { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageOf(), null, 2)}\n`);
}

/**
 * V8 keeps a text with one letter beyond Latin-1 at two bytes a letter: the code is a megabyte, and stays in memory. Such
 * letters stand in strings, templates and patterns, where an escape means the same, unless it is escaped already.
 */
function toAscii(code: string): string {
  if (/\\[^\0-\x7f]/.test(code)) throw new Error("a letter beyond ASCII stands behind a backslash");
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function packageOf() {
  const ours = manifest.parse(JSON.parse(readFileSync(join(ROOT, "agent/package.json"), "utf8")));
  const kept = (of: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(of).filter(([name]) => PACKAGES.includes(name)));
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
