/** Each value of each example file, made wrong: it is told where it stands, and what was expected there. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnostic } from "@aislewatch/config";
import { afterAll, describe, expect, it } from "vitest";
import { isScalar, parseDocument, visit } from "yaml";
import { loadConfigFile } from "../agent/cli/read-config.ts";
import { loadCollectorConfig } from "../collector/config.ts";
import { type ConfigPaths, loadConfigSet } from "../collector/config-set.ts";

const EXAMPLES = join(import.meta.dirname, "examples");
const folder = mkdtempSync(join(tmpdir(), "examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What nothing takes: a list in a list, with a map of one unknown key. */
const WRONG = "[[{ wrong: {} }]]";

const NOTHING: ConfigPaths = {
  rules: [],
  runbooks: folder,
  sites: null,
  priority: null,
  overrides: null,
  maintenance: null,
  sla: null,
  escalation: null,
  lifecycle: null,
  notifications: null,
  vendors: null,
  assets: null,
};

async function diagnosticsOf(name: string, file: string): Promise<readonly Diagnostic[]> {
  if (name === "agent.yaml") return (await loadConfigFile(file, {})).diagnostics;
  if (name.startsWith("collector")) return told(loadCollectorConfig(file, {}));
  return told(loadConfigSet({ ...NOTHING, [name.replace(".yaml", "")]: file }));
}
const told = (
  loaded: { readonly ok: true } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] },
): readonly Diagnostic[] => (loaded.ok ? [] : loaded.diagnostics);

/** Where each value begins and ends. */
function valuesOf(text: string): { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  visit(parseDocument(text), {
    Scalar(key, node) {
      if (key === "key" || !isScalar(node) || node.range == null) return;
      found.push({ from: node.range[0], to: node.range[1] });
    },
  });
  return found;
}

const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".yaml"));

describe("deploy/examples", () => {
  it("has a file for every key of collector.yaml that names one", () => {
    const files = Object.entries(NOTHING).flatMap(([key, value]) => (value === null ? [key] : []));
    const there = readdirSync(EXAMPLES).map((name) => name.replace(/[.]\w+$/, ""));
    expect(files.filter((key) => !there.includes(key))).toEqual([]);
  });

  it.each(names)("each value of %s that is wrong is told at its place", async (name) => {
    const text = readFileSync(join(EXAMPLES, name), "utf8");
    const values = valuesOf(text);
    expect(values.length).toBeGreaterThan(3);
    const untold: string[] = [];
    for (const { from, to } of values) {
      const file = join(folder, name);
      writeFileSync(file, text.slice(0, from) + WRONG + text.slice(to));
      const line = text.slice(0, from).split("\n").length;
      const diagnostics = (await diagnosticsOf(name, file)).filter((one) => one.file === file);
      const here = diagnostics.some((one) => one.line === line && one.column > 0 && one.severity === "error");
      if (!here)
        untold.push(`${line}: ${text.slice(from, to)} (${diagnostics.map((one) => `${one.line} ${one.code}`)})`);
    }
    expect(untold).toEqual([]);
  });
});
