/** Programs as they leave the checkout: few files of code without types, comments and what is never called. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { compileProfiles, loadBuiltinProfiles } from "@aislewatch/devices";
import { type Plugin, rolldown } from "rolldown";

export const ROOT = resolve(import.meta.dirname, "..");

export type BundleOrder = {
  /** Made when it is not there. */
  readonly folder: string;
  /** Sources below the root, by the names of the files that they become, without `.mjs`. */
  readonly input: Readonly<Record<string, string>>;
  /** Packages that are to stand beside the code, in node_modules. */
  readonly external: readonly string[];
  /** Other files in the place of some of ours, both below the root. */
  readonly instead?: Readonly<Record<string, string>>;
};

/** Every file whose code may be in the bundle, as an absolute path: whose licences go with it. */
export type Bundled = { readonly sources: readonly string[] };

export async function bundle({ folder, input, external, instead = {} }: BundleOrder): Promise<Bundled> {
  mkdirSync(folder, { recursive: true });
  const made = await rolldown({
    cwd: ROOT,
    input,
    platform: "node",
    external: [...external],
    logLevel: "warn",
    plugins: [startBundledThreads, substitute(instead)],
  });
  const { output } = await made.generate({
    format: "esm",
    minify: { mangle: false, compress: true, codegen: true },
    entryFileNames: "[name].mjs",
    chunkFileNames: "part-[name]-[hash].mjs",
  });
  await made.close();
  const sources = new Set<string>();
  for (const part of output) {
    if (part.type !== "chunk") throw new Error(`${part.fileName} is no code: who reads it, and where from?`);
    writeFileSync(join(folder, part.fileName), toAscii(part.code));
    for (const id of part.moduleIds) sources.add(id);
  }
  return { sources: [...sources].sort() };
}

/** What programs know of devices: the profiles compiled, and the maps of Modbus registers as they are. */
export function writeKnowledge(folder: string): void {
  writeFileSync(join(folder, "profiles.json"), toAscii(compileProfiles(loadBuiltinProfiles())));
  cpSync(join(ROOT, "packages/devices/modbus-maps"), join(folder, "modbus-maps"), { recursive: true });
}

/** A thread is started from a file of its own: in a bundle that is a program beside the others, and no TypeScript. */
const startBundledThreads: Plugin = {
  name: "start-bundled-threads",
  transform: (code) => code.replaceAll(/(new URL\("\.\/[\w-]+)\.ts(", import\.meta\.url\))/g, "$1.mjs$2"),
};

const substitute = (instead: Readonly<Record<string, string>>): Plugin => ({
  name: "substitute",
  async resolveId(source, importer, options) {
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    const other = Object.entries(instead).find(([ours]) => found?.id === join(ROOT, ours));
    return other === undefined ? found : join(ROOT, other[1]);
  },
});

/**
 * V8 keeps a text with one letter beyond Latin-1 at two bytes a letter: the code is a megabyte, and stays in memory. Such
 * letters stand in strings, templates and patterns, where an escape means the same, unless it is escaped already.
 */
function toAscii(code: string): string {
  if (/\\[^\0-\x7f]/.test(code)) throw new Error("a letter beyond ASCII stands behind a backslash");
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
