/** `aislewatch rules test`: the tests inside rule files, on the engine that judges live. */
import { formatDiagnostics } from "@aislewatch/config";
import { compileRules, formatTrialResults, type PlacedTest, runTrials } from "@aislewatch/rules";
import { complain, EXIT, type ExitCode, print, printJson } from "./command.ts";
import { plural } from "./rules-check.ts";
import { readRuleFiles } from "./rules-files.ts";

export type TestOptions = {
  readonly json: boolean;
  readonly watch: boolean;
  /** Only tests whose rule or name has this in it. */
  readonly filter: string | undefined;
};

export async function test(paths: readonly string[], options: TestOptions): Promise<ExitCode> {
  return runOnce(paths, options);
}

function runOnce(paths: readonly string[], { json, filter }: TestOptions): ExitCode {
  const { files, diagnostics: unreadable } = readRuleFiles(paths);
  const compiled = compileRules(files);
  const diagnostics = [...unreadable, ...(compiled.ok ? compiled.warnings : compiled.diagnostics)];
  const texts = new Map(files.map(({ file, text }) => [file, text]));
  if (!json && diagnostics.length > 0)
    complain(`${formatDiagnostics(diagnostics, texts, { color: process.stderr.isTTY })}\n`);
  if (unreadable.length > 0 || !compiled.ok) {
    if (json) printJson({ ok: false, diagnostics });
    return EXIT.usage;
  }
  const wanted = compiled.tests.filter(({ rule, test: { name } }: PlacedTest) =>
    filter === undefined ? true : `${rule}: ${name}`.toLowerCase().includes(filter.toLowerCase()),
  );
  const results = runTrials(compiled.rules, wanted);
  const ok = results.every((result) => result.ok);
  const found = `${plural(compiled.placed.length, "rule")} in ${plural(files.length, "file")}`;
  if (json) printJson({ ok, diagnostics, results });
  else
    print(
      results.length === 0
        ? `${found}: no tests${filter === undefined ? "" : ` with "${filter}"`} in them\n`
        : `${formatTrialResults(results)}\n`,
    );
  return ok ? EXIT.ok : EXIT.failed;
}
