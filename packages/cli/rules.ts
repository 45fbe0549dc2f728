import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, formatDiagnostics } from "@aislewatch/config";
import { compileRules, formatTrialResults, runTrials } from "@aislewatch/rules";
import { complain, EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const rulesHelp = `Usage: aislewatch rules <command> FILE…

  check FILE…     everything that is wrong with rule files, each with its place
  test FILE…      the same, then the tests inside the files, on the engine that judges live

A folder stands for the rule files in and below it.

  --json          for scripts

Exit code: 0 all well, 1 a test failed, 2 a mistake in a file.
`;

type Files = { readonly files: { file: string; text: string }[]; readonly diagnostics: Diagnostic[] };

export async function rules(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  const [command, ...paths] = positionals;
  if (values.help || command === undefined) {
    print(rulesHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (command !== "check" && command !== "test") throw new UsageError(unknownCommand(command, ["check", "test"]));
  if (paths.length === 0) throw new UsageError(`which files? For example: aislewatch rules ${command} rules/packs`);
  const json = values.json ?? false;
  const { files, diagnostics: unreadable } = readFiles(paths);
  const compiled = compileRules(files);
  const diagnostics = [...unreadable, ...(compiled.ok ? compiled.warnings : compiled.diagnostics)];
  const texts = new Map(files.map(({ file, text }) => [file, text]));
  if (!json && diagnostics.length > 0)
    complain(`${formatDiagnostics(diagnostics, texts, { color: process.stderr.isTTY })}\n`);
  if (unreadable.length > 0 || !compiled.ok) {
    if (json) printJson({ ok: false, diagnostics });
    return EXIT.usage;
  }
  const found = `${compiled.rules.rules.length} rules in ${files.length} ${files.length === 1 ? "file" : "files"}`;
  if (command === "check") {
    if (json) printJson({ ok: true, rules: compiled.rules.rules.length, diagnostics });
    else print(`${found}: no mistakes found\n`);
    return EXIT.ok;
  }
  const results = runTrials(compiled.rules, compiled.tests);
  const ok = results.every((result) => result.ok);
  if (json) printJson({ ok, diagnostics, results });
  else print(results.length === 0 ? `${found}: no tests in them\n` : `${formatTrialResults(results)}\n`);
  return ok ? EXIT.ok : EXIT.failed;
}

function readFiles(paths: readonly string[]): Files {
  const found: Files = { files: [], diagnostics: [] };
  for (const path of paths) {
    try {
      for (const file of filesOf(path)) found.files.push({ file, text: readFileSync(file, "utf8") });
    } catch (thrown) {
      const missing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
      found.diagnostics.push({
        file: path,
        line: 0,
        column: 0,
        length: 1,
        severity: "error",
        code: missing ? "CFG_MISSING_FILE" : "CFG_UNREADABLE",
        path: "",
        message: missing ? "expected a file or folder here; there is none" : errorText(thrown),
      });
    }
  }
  return found;
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && [".yaml", ".yml"].includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
