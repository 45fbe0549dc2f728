/** `aislewatch rules check`: everything that is wrong with rule files, and what is likely a slip. */
import { readFileSync } from "node:fs";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, formatDiagnostics, suggest, wholeFile } from "@aislewatch/config";
import {
  type CheckedRules,
  checkRules,
  type InventoryEntry,
  inventoryEntry,
  type ListedDevice,
  parseInventory,
  RULE_DIAGNOSTICS,
} from "@aislewatch/rules";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { complain, EXIT, type ExitCode, print, printJson, UsageError } from "./command.ts";
import { readRuleFiles, readRunbooks } from "./rules-files.ts";

export type CheckOptions = {
  readonly json: boolean;
  /** Warnings fail, too. */
  readonly strict: boolean;
  /** A file, or with `collector` what a collector knows. */
  readonly inventory: string | undefined;
  readonly collector: boolean;
  readonly url: string | undefined;
  readonly runbooks: string | undefined;
};

export async function check(paths: readonly string[], options: CheckOptions): Promise<ExitCode> {
  const { files, diagnostics: unreadable } = readRuleFiles(paths);
  const read = await inventoryOf(options);
  const inventory = read.inventory === null ? null : { name: read.name, devices: read.inventory };
  const checked = checkRules(files, { inventory, runbooks: readRunbooks(options.runbooks, files) });
  const findings = [...unreadable, ...read.diagnostics, ...checked.findings];
  const counts = countOf(findings);
  const isOk = counts.error === 0 && (!options.strict || counts.warning === 0);
  if (options.json) printJson({ ok: isOk, rules: checked.compiled.placed.length, ...counts, diagnostics: findings });
  else {
    const texts = new Map(files.map(({ file, text }) => [file, text]));
    if (findings.length > 0) complain(`${formatDiagnostics(findings, texts, { color: process.stderr.isTTY })}\n`);
    print(`${summary(checked, files.length, counts)}\n`);
  }
  return counts.error > 0 ? EXIT.usage : isOk ? EXIT.ok : EXIT.failed;
}

type Counts = Record<Diagnostic["severity"], number>;

function countOf(findings: readonly Diagnostic[]): Counts {
  const counts: Counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}

function summary({ compiled }: CheckedRules, fileCount: number, { error, warning, info }: Counts): string {
  const what = `${plural(compiled.placed.length, "rule")} in ${plural(fileCount, "file")}`;
  const found = [
    ...(error > 0 ? [plural(error, "error")] : []),
    ...(warning > 0 ? [plural(warning, "warning")] : []),
    ...(info > 0 ? [plural(info, "remark")] : []),
  ];
  return `${what}: ${found.length === 0 ? "no mistakes found" : found.join(", ")}`;
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

type Read = {
  readonly name: string;
  readonly inventory: readonly InventoryEntry[] | null;
  readonly diagnostics: readonly Diagnostic[];
};

async function inventoryOf({ inventory, collector, url }: CheckOptions): Promise<Read> {
  if (inventory !== undefined && collector) throw new UsageError("--inventory or --collector: there is one inventory");
  if (collector) {
    const connection = findConnection({ url });
    const devices = await devicesOf(connect(connection));
    return { name: connection.url, inventory: devices.map(inventoryEntry), diagnostics: [] };
  }
  if (inventory === undefined) return { name: "", inventory: null, diagnostics: [] };
  try {
    const read = parseInventory({ file: inventory, text: readFileSync(inventory, "utf8") });
    if (read.ok) return { name: inventory, inventory: read.devices, diagnostics: [] };
    return { name: inventory, inventory: null, diagnostics: read.diagnostics };
  } catch (thrown) {
    const unread = wholeFile(inventory, "CFG_UNREADABLE", `expected a file that can be read: ${errorText(thrown)}`);
    return { name: inventory, inventory: null, diagnostics: [unread] };
  }
}

/** Every device that a collector knows. */
async function devicesOf(api: Api): Promise<ListedDevice[]> {
  const sites = orThrow(await api.GET("/api/v1/sites", {}));
  const found: ListedDevice[] = [];
  for (const { id: site } of sites) {
    found.push(...orThrow(await api.GET("/api/v1/sites/{site}/devices", { params: { path: { site } } })));
  }
  return found;
}

/** `aislewatch rules inventory`: what a collector knows, for `check --inventory` where there is none. */
export async function inventory(url: string | undefined): Promise<ExitCode> {
  const devices = await devicesOf(connect(findConnection({ url })));
  printJson(
    devices.map(({ site, id, kind, name, driver, profile, labels, dependsOn, intervalMs, asset }) => ({
      ...{ site, id, kind, name, driver, profile, labels, dependsOn, intervalMs, asset },
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
