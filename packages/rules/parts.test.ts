/** Conditions over a device's components, some of which have fallen silent or have never told a value. */
import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";
import { formatTrialResults, runTrials } from "./trial.ts";

/** Three polls later a value that stopped coming is old; the last polls of `_` are beyond that. */
const LEVELS = {
  "10, 50": { black: "10x9", cyan: "50x9" },
  "30, 50": { black: "30x9", cyan: "50x9" },
  "10, silent": { black: "10x9", cyan: "50x2 _x7" },
  "30, silent": { black: "30x9", cyan: "50x2 _x7" },
  "50, never": { black: "50x9", cyan: "_x9" },
  "silent, silent": { black: "50x2 _x7", cyan: "50x2 _x7" },
} as const;

function isTrue(condition: string, { black, cyan }: { black: string; cyan: string }): boolean {
  const text = `
group: printers
select: kind == "office_printer"
rules:
  - id: level
    title: Level
    when: "${condition}"
    for: 0s
    severity: major
    category: consumable
    tests:
      - name: it
        step: 10s
        series: { supply_low: "0x9" }
        components:
          supply-black: { supply_remaining_percent: "${black}" }
          supply-cyan: { supply_remaining_percent: "${cyan}" }
        expect: [{ at: end, state: firing, stale: false }]
`;
  const compiled = compileRules([{ file: "a.yaml", text }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return formatTrialResults(runTrials(compiled.rules, compiled.tests)).startsWith("1 passed");
}

/** 1 true, 0 false, _ unknown. */
function judge(condition: string, levels: { black: string; cyan: string }): string {
  if (isTrue(condition, levels)) return "1";
  return isTrue(`!(${condition})`, levels) ? "0" : "_";
}

const CASES = Object.keys(LEVELS) as (keyof typeof LEVELS)[];

describe("over components", () => {
  it.each([
    // One that is low decides; one that is silent leaves open whether none is.
    ["min_of(supply_remaining_percent) < 15", "1 0 1 _ 0 _"],
    ["15 > min_of(supply_remaining_percent)", "1 0 1 _ 0 _"],
    ["min_of(supply_remaining_percent) >= 15", "0 1 0 _ 1 _"],
    ["max_of(supply_remaining_percent) > 40", "1 1 _ _ 1 _"],
    ["max_of(supply_remaining_percent) <= 40", "0 0 _ _ 0 _"],
    ["min_of(supply_remaining_percent) + 0 < 15", "1 0 _ _ 0 _"],
    ["known(min_of(supply_remaining_percent))", "1 1 1 1 1 0"],
  ])("%s", (condition, want) => {
    expect(CASES.map((name) => judge(condition, LEVELS[name])).join(" ")).toBe(want);
  });
});
