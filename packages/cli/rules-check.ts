/** `aislewatch rules check`: everything that is wrong with rule files, and what is likely a slip. */
import { readFileSync } from "node:fs";
import { err, errorText, ok, type Result } from "@aislewatch/base";
import { type Diagnostic, formatDiagnostics, readConfigText, suggest, wholeFile } from "@aislewatch/config";
import {
  type CheckedInventory,
  checkRules,
  inventoryEntry,
  type ListedDevice,
  parseInventory,
  RULE_DIAGNOSTICS,
} from "@aislewatch/rules";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { complain, EXIT, type ExitCode, print, printJson, UsageError } from "./command.ts";
import { filesBeside, readRuleFiles, readRunbooks } from "./rules-files.ts";

export type CheckOptions = {
  readonly json: boolean;
  /** Warnings fail, too. */
  readonly strict: boolean;
  /** A file, or with `collector` what a collector knows. */
  readonly inventory: string | undefined;
  readonly collector: boolean;
  readonly url: string | undefined;
  readonly runbooks: string | undefined;
  /** A file of overrides of these rules. */
  readonly overrides: string | undefined;
};

export async function check(paths: readonly string[], options: CheckOptions): Promise<ExitCode> {
  const { files, diagnostics: unreadable } = readRuleFiles(paths);
  const read = await inventoryOf(options);
  const { file: ofOverrides, diagnostics: unreadOverrides } = overridesOf(options);
  const beside = filesBeside(files);
  const isBeside = new Set(beside.map(({ file }) => file));
  const checked = checkRules([...files, ...beside], {
    inventory: read.inventory,
    runbooks: readRunbooks(options.runbooks, files),
    overrides: ofOverrides,
  });
  const found = checked.findings.filter(({ file }) => !isBeside.has(file));
  const findings = [...unreadable, ...read.diagnostics, ...unreadOverrides, ...found];
  const ruleCount = checked.compiled.placed.filter(({ rule }) => !isBeside.has(rule.file)).length;
  const counts = countOf(findings);
  const isOk = counts.error === 0 && (!options.strict || counts.warning === 0);
  if (options.json) printJson({ ok: isOk, rules: ruleCount, ...counts, diagnostics: findings });
  else {
    const shown = [...files, ...(ofOverrides === null ? [] : [ofOverrides])];
    const texts = new Map(shown.map(({ file, text }) => [file, text]));
    if (findings.length > 0) complain(`${formatDiagnostics(findings, texts, { color: process.stderr.isTTY })}\n`);
    print(`${summary(ruleCount, files.length, counts)}\n`);
  }
  return counts.error > 0 ? EXIT.usage : isOk ? EXIT.ok : EXIT.failed;
}

type Counts = Record<Diagnostic["severity"], number>;

function countOf(findings: readonly Diagnostic[]): Counts {
  const counts: Counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}

function summary(ruleCount: number, fileCount: number, { error, warning, info }: Counts): string {
  const what = `${plural(ruleCount, "rule")} in ${plural(fileCount, "file")}`;
  const found = [
    ...(error > 0 ? [plural(error, "error")] : []),
    ...(warning > 0 ? [plural(warning, "warning")] : []),
    ...(info > 0 ? [plural(info, "remark")] : []),
  ];
  return `${what}: ${found.length === 0 ? "no mistakes found" : found.join(", ")}`;
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function overridesOf({ overrides }: CheckOptions): {
  file: { file: string; text: string } | null;
  diagnostics: Diagnostic[];
} {
  if (overrides === undefined) return { file: null, diagnostics: [] };
  const text = readConfigText(overrides);
  if (!text.ok) return { file: null, diagnostics: [text.error] };
  return { file: { file: overrides, text: text.value }, diagnostics: [] };
}

type Read = { readonly inventory: CheckedInventory | null; readonly diagnostics: readonly Diagnostic[] };

async function inventoryOf({ inventory: file, collector, url }: CheckOptions): Promise<Read> {
  if (file !== undefined && collector) throw new UsageError("--inventory or --collector: there is one inventory");
  if (collector) {
    const connection = findConnection({ url });
    const devices = (await devicesOf(connect(connection))).map(inventoryEntry);
    return { inventory: { name: connection.url, devices, isWhole: true }, diagnostics: [] };
  }
  if (file === undefined) return { inventory: null, diagnostics: [] };
  const text = readInventoryText(file);
  if (!text.ok) return { inventory: null, diagnostics: [text.error] };
  const read = parseInventory({ file, text: text.value });
  if (!read.ok) return { inventory: null, diagnostics: read.diagnostics };
  return { inventory: { name: file, devices: read.devices, isWhole: read.isWhole }, diagnostics: [] };
}

/** Of a collector's hundred thousand devices: larger than any configuration. */
function readInventoryText(file: string): Result<string, Diagnostic> {
  try {
    return ok(readFileSync(file, "utf8"));
  } catch (thrown) {
    return err(wholeFile(file, "CFG_UNREADABLE", `expected a file that can be read: ${errorText(thrown)}`));
  }
}

/** Every device that a collector knows. */
async function devicesOf(api: Api): Promise<ListedDevice[]> {
  const sites = orThrow(await api.GET("/api/v1/sites", {}));
  const found: ListedDevice[] = [];
  for (const { id: site, format } of sites) {
    const devices = orThrow(await api.GET("/api/v1/sites/{site}/devices", { params: { path: { site } } }));
    found.push(...devices.map((device) => ({ ...device, format })));
  }
  return found;
}

/** `aislewatch rules inventory`: what a collector knows, for `check --inventory` where there is none. */
export async function inventory(url: string | undefined): Promise<ExitCode> {
  const devices = await devicesOf(connect(findConnection({ url })));
  printJson(
    devices.map(({ site, format, id, kind, name, driver, profile, labels, dependsOn, intervalMs, asset }) => ({
      ...{ site, format, id, kind, name, driver, profile, labels, dependsOn, intervalMs, asset },
    })),
  );
  return EXIT.ok;
}

/** What a code means, and what to do; the words of docs/diagnostics.md. */
export function explainCode(code: string): ExitCode {
  const entry = RULE_DIAGNOSTICS[code.toUpperCase()];
  if (entry === undefined) {
    const near = suggest(code, Object.keys(RULE_DIAGNOSTICS));
    const hint = near === null ? `one of ${Object.keys(RULE_DIAGNOSTICS).join(", ")}` : `did you mean "${near}"?`;
    throw new UsageError(`unknown code "${code}": ${hint}`);
  }
  print(`${code.toUpperCase()} (${entry.severity})\n  ${entry.meaning}.\n  ${entry.remedy}.\n`);
  return EXIT.ok;
}
