/** What `aislewatch rules` reads: rule files, the runbooks beside them, and what there is to be watched. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, wholeFile } from "@aislewatch/config";

export type RuleFiles = {
  readonly files: readonly { readonly file: string; readonly text: string }[];
  /** Of what could not be read. */
  readonly diagnostics: readonly Diagnostic[];
};

/** A folder stands for the rule files in and below it. */
export function readRuleFiles(paths: readonly string[]): RuleFiles {
  const files: { file: string; text: string }[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const path of paths) {
    try {
      for (const file of filesOf(path)) files.push({ file, text: readFileSync(file, "utf8") });
    } catch (thrown) {
      const missing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
      const message = missing ? "expected a file or folder here; there is none" : errorText(thrown);
      diagnostics.push(wholeFile(path, missing ? "CFG_MISSING_FILE" : "CFG_UNREADABLE", message));
    }
  }
  return { files, diagnostics };
}

function filesOf(path: string): string[] {
  return statSync(path).isDirectory() ? below(path, [".yaml", ".yml"]) : [path];
}

function below(folder: string, extensions: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** `<kind>/<fault>` of every runbook in a folder, or in `runbooks` beside or above the rule files; null when there is no such folder. */
export function readRunbooks(folder: string | undefined, files: RuleFiles["files"]): ReadonlySet<string> | null {
  const places = new Set(files.map(({ file }) => dirname(file)));
  const found =
    folder ?? [...places].flatMap((place) => [join(place, "runbooks"), join(place, "../runbooks")]).find(isFolder);
  if (found === undefined || !isFolder(found)) return null;
  const refs = below(found, [".md"]).map((file) => relative(found, file).replaceAll("\\", "/").slice(0, -".md".length));
  return new Set(refs);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
