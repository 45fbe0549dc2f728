/** `neighbours(condition)`: for how many others of a device's kind and role a condition holds. */
import { describe, expect, it } from "vitest";
import { compileRules, formatTrialResults, runTrials } from "./index.ts";

const ruleOf = (when: string, tests: string): string => `
group: g
select: kind == "barcode_scanner"
rules:
  - id: silent
    title: "{{device}} is silent"
    when: '${when}'
    severity: minor
    category: hardware
    tests:
${tests}`;

const BUSY = '{ kind: barcode_scanner, labels: { role: lane }, series: { line_idle_seconds: "5x6" } }';
const IDLE = '{ kind: barcode_scanner, labels: { role: lane }, series: { line_idle_seconds: "4000x6" } }';

const trialOf = (devices: readonly string[], state: string): string => `
      - name: a lane among others
        device: { kind: barcode_scanner, labels: { role: lane } }
        step: 10s
        series: { line_idle_seconds: "4000x6" }
        devices:
${devices.map((each, i) => `          other-${i}: ${each}`).join("\n")}
        expect: [{ at: end, state: ${state} }]`;

const WHEN = "line_idle_seconds > 3600 && neighbours(line_idle_seconds < 60) >= 2";

describe("neighbours(condition)", () => {
  it.each([
    { name: "two that are busy", devices: [BUSY, BUSY, IDLE], state: "firing" },
    { name: "one that is busy", devices: [BUSY, IDLE, IDLE], state: "inactive" },
    {
      name: "one of another role",
      devices: [BUSY, BUSY.replace("role: lane", "role: stock")],
      state: "inactive",
    },
    { name: "one of another kind", devices: [BUSY, BUSY.replace("barcode_scanner", "scale")], state: "inactive" },
    {
      name: "one that fell silent",
      devices: [BUSY, BUSY.replace("5x6", "5 _x5").replaceAll("10s", "10s")],
      state: "inactive",
    },
    {
      name: "one that never told",
      devices: [BUSY, "{ kind: barcode_scanner, labels: { role: lane } }"],
      state: "inactive",
    },
    {
      name: "one that becomes busy while nothing changes here",
      devices: [BUSY, BUSY.replace("5x6", "4000x3 5x3")],
      state: "firing",
    },
  ])("counts the others: $name", ({ devices, state }) => {
    const compiled = compileRules([{ file: "g.yaml", text: ruleOf(WHEN, trialOf(devices, state)) }]);
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
    expect(formatTrialResults(runTrials(compiled.rules, compiled.tests))).toContain("1 passed, 0 failed");
  });

  it("looks through windows of the others", () => {
    const when = 'neighbours(increase(line_messages_total, "1m") > 5) >= 1';
    const tests = `
      - name: one reads a code every second
        step: 10s
        series: { line_messages_total: "7x12" }
        devices: { other: { kind: barcode_scanner, series: { line_messages_total: "0 10 20 30 40 50 60 70 80 90 100 110" } } }
        expect: [{ at: 20s, state: inactive }, { at: end, state: firing }]`;
    const compiled = compileRules([{ file: "g.yaml", text: ruleOf(when, tests) }]);
    if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
    expect(formatTrialResults(runTrials(compiled.rules, compiled.tests))).toContain("1 passed, 0 failed");
  });

  it.each([
    { when: "neighbours(silent_for() > 5) >= 1", message: /received silent_for\(\) in it/ },
    { when: "neighbours(neighbours(up) > 1) >= 1", message: /received neighbours\(up\) in it/ },
    { when: 'neighbours(time_where(up, "1m") > 1) >= 1', message: /in it/ },
    { when: "neighbours(any_of(port_up)) >= 1", message: /in it/ },
    { when: "neighbours() >= 1", message: /expected neighbours\(condition\)/ },
    { when: "neighbours(upp) >= 1", message: /received "upp"/ },
    { when: "neighbours(line_idle_seconds) >= 1", message: /./ },
  ])("refuses $when", ({ when, message }) => {
    const compiled = compileRules([{ file: "g.yaml", text: ruleOf(when, "      []") }]);
    expect(compiled.ok).toBe(false);
    if (!compiled.ok) expect(compiled.diagnostics.map((each) => each.message).join("\n")).toMatch(message);
  });
});
