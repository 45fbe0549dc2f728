/** `aislewatch rules test`: the tests inside rule files, on the engine that judges live. */
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { formatDiagnostics } from "@aislewatch/config";
import { compileRules, formatTrialResults, type PlacedTest, runTrials } from "@aislewatch/rules";
import { complain, EXIT, type ExitCode, print, printJson, UsageError } from "./command.ts";
import { plural } from "./rules-check.ts";
import { filesBeside, namesBeside, readRuleFiles } from "./rules-files.ts";

export type TestOptions = {
  readonly json: boolean;
  readonly watch: boolean;
  /** Only tests whose rule or name has this in it. */
  readonly filter: string | undefined;
};

export async function test(paths: readonly string[], options: TestOptions): Promise<ExitCode> {
  if (!options.watch) return runOnce(paths, options);
  if (options.json) throw new UsageError("--watch is for people, --json for programs: leave one out");
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  process.once("SIGTERM", () => stopped.abort());
  await rerun({
    fingerprint: () => fingerprint(paths),
    run: () => show(paths, options),
    pause: () => sleep(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => undefined),
    isStopped: () => stopped.signal.aborted,
  });
  return EXIT.ok;
}

/** How soon after a change the tests run again; looking costs a stat for each file. */
const LOOK_MS = 300;

export type Rerun = {
  readonly fingerprint: () => string;
  readonly run: () => void;
  readonly pause: () => Promise<unknown>;
  readonly isStopped: () => boolean;
};

/** Runs at once and after each change, until it is stopped. An editor that writes twice has its second version run. */
export async function rerun({ fingerprint: look, run, pause, isStopped }: Rerun): Promise<void> {
  let ran: string | null = null;
  while (!isStopped()) {
    const now = look();
    if (now !== ran) {
      ran = now;
      run();
    }
    await pause();
  }
}

/** Another one when a file was changed, made or removed. */
function fingerprint(paths: readonly string[]): string {
  const { files, diagnostics } = readRuleFiles(paths);
  // Those beside them may have rules that a test loads.
  const names = files.map(({ file }) => file);
  const seen = [...names, ...namesBeside(names)].map((file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    return `${file} ${stat?.mtimeMs ?? 0} ${stat?.size ?? 0}`;
  });
  return [...seen, ...diagnostics.map(({ file }) => file)].join("\n");
}

/** Clears the screen and what scrolled off it, so that a result stands alone. */
const CLEAR = "\u001b[2J\u001b[3J\u001b[H";

function show(paths: readonly string[], options: TestOptions): void {
  if (process.stdout.isTTY) print(CLEAR);
  runOnce(paths, options);
  print(`\n${new Date().toLocaleTimeString()}  waiting for a change; Ctrl-C ends\n`);
}

function runOnce(paths: readonly string[], { json, filter }: TestOptions): ExitCode {
  const { files, diagnostics: unreadable } = readRuleFiles(paths);
  const beside = filesBeside(files);
  const isBeside = new Set(beside.map(({ file }) => file));
  const compiled = compileRules([...files, ...beside]);
  const mistakes = compiled.ok ? compiled.warnings : compiled.diagnostics;
  const diagnostics = [...unreadable, ...mistakes.filter(({ file }) => !isBeside.has(file))];
  const texts = new Map(files.map(({ file, text }) => [file, text]));
  if (!json && diagnostics.length > 0)
    complain(`${formatDiagnostics(diagnostics, texts, { color: process.stderr.isTTY })}\n`);
  if (unreadable.length > 0 || !compiled.ok) {
    if (json) printJson({ ok: false, diagnostics });
    return EXIT.usage;
  }
  const own = compiled.placed.filter(({ rule }) => !isBeside.has(rule.file));
  const wanted = compiled.tests.filter((placed) => !isBeside.has(placed.file) && isNamed(placed, filter));
  const results = runTrials(compiled.rules, wanted);
  const ok = results.every((result) => result.ok);
  const found = `${plural(own.length, "rule")} in ${plural(files.length, "file")}`;
  const none = `${found}: no tests${filter === undefined ? "" : ` with "${filter}"`} in them\n`;
  if (json) printJson({ ok, diagnostics, results });
  else if (results.length === 0) print(none);
  else print(`${formatTrialResults(results, { color: process.stdout.isTTY })}\n`);
  return ok ? EXIT.ok : EXIT.failed;
}

const isNamed = ({ rule, test: { name } }: PlacedTest, filter = ""): boolean =>
  `${rule}: ${name}`.toLowerCase().includes(filter.toLowerCase());
