import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RULE_DIAGNOSTICS } from "./diagnostics.ts";

describe("codes", () => {
  it("have a meaning and a remedy each, in one sentence without an end", () => {
    for (const [code, { meaning, remedy }] of Object.entries(RULE_DIAGNOSTICS)) {
      expect(code).toMatch(/^RULE_[A-Z_]+$/);
      for (const said of [meaning, remedy]) expect(said).toMatch(/^[A-Z`].*[^.]$/);
    }
  });

  it("stand in docs/diagnostics.md in the same words", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/diagnostics.md"), "utf8");
    const mark = { error: "", warning: " (a warning)", info: " (a remark)" } as const;
    const rows = Object.entries(RULE_DIAGNOSTICS).map(
      ([code, { severity, meaning, remedy }]) => `| \`${code}\` | ${meaning}${mark[severity]} | ${remedy} |`,
    );
    expect(page.match(/^\| `RULE_.*$/gm)).toEqual(rows);
  });
});
