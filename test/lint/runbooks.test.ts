/** Every shipped rule leads to a runbook, and every runbook is led to and has all its parts. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileRules } from "@aislewatch/rules";
import { describe, expect, it } from "vitest";

const RULES = join(import.meta.dirname, "../../rules");
const PARTS = ["What it means", "Ask", "Look", "Do first", "Send"];

const packs = globSync("packs/*.yaml", { cwd: RULES }).sort();
const compiled = compileRules(packs.map((file) => ({ file, text: readFileSync(join(RULES, file), "utf8") })));
if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics, null, 2));
const { rules } = compiled.rules;
const runbooks = globSync("runbooks/**/*.md", { cwd: RULES })
  .map((file) => file.slice("runbooks/".length, -".md".length))
  .sort();

describe("the shipped rules and runbooks", () => {
  it("are all there", () => {
    expect(rules.length).toBeGreaterThan(70);
  });

  it.each(rules.map(({ id, runbook }) => ({ id, runbook })))("$id has a runbook", ({ runbook }) => {
    expect(runbooks).toContain(runbook);
  });

  it("lead to every runbook", () => {
    const led = new Set(rules.map(({ runbook }) => runbook));
    expect(runbooks.filter((runbook) => !led.has(runbook))).toEqual([]);
  });

  it.each(runbooks)("%s says what it means, what to ask, look at and do, and whom to send", (runbook) => {
    const text = readFileSync(join(RULES, `runbooks/${runbook}.md`), "utf8");
    expect(text).toMatch(/^# \S/);
    const parts = [...text.matchAll(/^## (.+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)].map(([, title, body]) => ({
      title,
      isEmpty: body?.trim() === "",
    }));
    expect(parts).toEqual(PARTS.map((title) => ({ title, isEmpty: false })));
  });
});
