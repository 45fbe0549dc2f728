/** Conditions over a device's components, some of which have fallen silent or have never told a value. */
import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";
import { runTrials } from "./trial.ts";
import { formatTrialResults } from "./trial-text.ts";

/** Three polls later a value that stopped coming is old; the last polls of `_` are beyond that. */
const LEVELS = {
  "10, 50": { black: "10x9", cyan: "50x9" },
  "30, 50": { black: "30x9", cyan: "50x9" },
  "10, silent": { black: "10x9", cyan: "50x2 _x7" },
  "30, silent": { black: "30x9", cyan: "50x2 _x7" },
  "50, never": { black: "50x9", cyan: "_x9" },
  "silent, silent": { black: "50x2 _x7", cyan: "50x2 _x7" },
  "never, never": { black: "_x9", cyan: "_x9" },
} as const;

/** The same of flags; trays and not supplies, for those have levels. */
const FLAGS = {
  "1, 0": { first: "1x9", second: "0x9" },
  "0, 0": { first: "0x9", second: "0x9" },
  "1, 1": { first: "1x9", second: "1x9" },
  "1, silent": { first: "1x9", second: "0x2 _x7" },
  "0, silent": { first: "0x9", second: "0x2 _x7" },
  "never, never": { first: "_x9", second: "_x9" },
} as const;

const levels = ({ black, cyan }: { black: string; cyan: string }): string => `
          supply-black: { supply_remaining_percent: "${black}" }
          supply-cyan: { supply_remaining_percent: "${cyan}" }`;
const flags = ({ first, second }: { first: string; second: string }): string => `
          tray-1: { tray_empty: "${first}" }
          tray-2: { tray_empty: "${second}" }`;

function isTrue(condition: string, components: string): boolean {
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
        components: ${components}
        expect: [{ at: end, state: firing, stale: false }]
`;
  const compiled = compileRules([{ file: "a.yaml", text }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return formatTrialResults(runTrials(compiled.rules, compiled.tests)).startsWith("1 passed");
}

/** 1 true, 0 false, _ unknown. */
function judge(condition: string, components: string): string {
  if (isTrue(condition, components)) return "1";
  return isTrue(`!(${condition})`, components) ? "0" : "_";
}

const CASES = Object.keys(LEVELS) as (keyof typeof LEVELS)[];

describe("over components", () => {
  it.each([
    // One that is low decides; one that is silent leaves open whether none is.
    ["min_of(supply_remaining_percent) < 15", "1 0 1 _ 0 _ _"],
    ["15 > min_of(supply_remaining_percent)", "1 0 1 _ 0 _ _"],
    ["min_of(supply_remaining_percent) >= 15", "0 1 0 _ 1 _ _"],
    ["max_of(supply_remaining_percent) > 40", "1 1 _ _ 1 _ _"],
    ["max_of(supply_remaining_percent) <= 40", "0 0 _ _ 0 _ _"],
    ["min_of(supply_remaining_percent) + 0 < 15", "1 0 _ _ 0 _ _"],
    ["max_of(supply_remaining_percent) + 0 > 40", "1 1 _ _ 1 _ _"],
    // What nobody said is no limit.
    ["min_of(supply_remaining_percent) < uptime_seconds", "_ _ _ _ _ _ _"],
    ["known(min_of(supply_remaining_percent))", "1 1 1 1 1 0 0"],
  ])("%s", (condition, want) => {
    expect(CASES.map((name) => judge(condition, levels(LEVELS[name]))).join(" ")).toBe(want);
  });

  it.each([
    // One decides, whatever a silent one would say.
    ["any_of(tray_empty)", "1 0 1 1 _ _"],
    ["all_of(tray_empty)", "0 0 1 _ 0 _"],
    ["count_of(tray_empty) > 0", "1 0 1 _ _ _"],
  ])("%s", (condition, want) => {
    const names = Object.keys(FLAGS) as (keyof typeof FLAGS)[];
    expect(names.map((name) => judge(condition, flags(FLAGS[name]))).join(" ")).toBe(want);
  });
});
