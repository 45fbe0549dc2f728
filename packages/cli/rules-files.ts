/** What `aislewatch rules` reads: rule files, the runbooks beside them, and what there is to be watched. */
import { readdirSync, statSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import { type Diagnostic, readConfigText } from "@aislewatch/config";
import { compileRules } from "@aislewatch/rules";

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
    for (const file of filesOf(path)) {
      const text = readConfigText(file);
      if (text.ok) files.push({ file, text: text.value });
      else diagnostics.push(text.error);
    }
  }
  return { files, diagnostics };
}

/**
 * Files of the same folders, where rules are that `absorbs` or a test names and the given files don't have: whoever edits
 * one file of a set checks that one. A file that has mistakes of its own, or an id that the given ones have, is left out.
 */
export function filesBeside(files: RuleFiles["files"]): RuleFiles["files"] {
  const compiled = compileRules(files);
  if (compiled.ok || !compiled.diagnostics.some(({ code }) => code === UNKNOWN)) return [];
  const ids = new Set(compiled.placed.map(({ rule }) => rule.id));
  const found = namesBeside(files.map(({ file }) => file)).flatMap((file) => {
    const text = readConfigText(file);
    if (!text.ok) return [];
    const { placed } = compileRules([{ file, text: text.value }]);
    if (placed.some(({ rule }) => ids.has(rule.id))) return [];
    for (const { rule } of placed) ids.add(rule.id);
    return [{ file, text: text.value }];
  });
  return soundBeside(files, found);
}

/** A set of rules has some dozens; in a folder with more YAML than this the files are no set. */
const BESIDE_MAX = 500;

/** Files that could be rule files, in the folders of these. */
export function namesBeside(files: readonly string[]): string[] {
  const given = new Set(files.map((file) => resolve(file)));
  const folders = [...new Set(files.map((file) => dirname(file)))];
  return folders
    .flatMap((folder) => listed(folder).map((name) => join(folder, name)))
    .filter((file) => RULE_EXTENSIONS.includes(extname(file)) && !given.has(resolve(file)))
    .slice(0, BESIDE_MAX);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // A folder may let its files be read and not say which there are.
  }
}

/** Less what has mistakes, and then what names something of that, until nothing has. */
function soundBeside(files: RuleFiles["files"], found: RuleFiles["files"]): RuleFiles["files"] {
  let beside = found;
  for (;;) {
    const compiled = compileRules([...files, ...beside]);
    const wrong = new Set(compiled.ok ? [] : compiled.diagnostics.map(({ file }) => file));
    const sound = beside.filter(({ file }) => !wrong.has(file));
    if (sound.length === beside.length) return sound;
    beside = sound;
  }
}

const UNKNOWN = "RULE_UNKNOWN_RULE";
const RULE_EXTENSIONS = [".yaml", ".yml"];

const filesOf = (path: string): string[] => (isFolder(path) ? below(path, RULE_EXTENSIONS) : [path]);

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
