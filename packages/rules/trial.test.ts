import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";
import { parseSeries } from "./series.ts";
import { formatTrialResults, runTrials } from "./trial.ts";

/** The result of one test of a rule for "media out for 20 s". */
function tryOut(test: string, rule = ""): string {
  const text = `
group: printers
select: kind == "label_printer"
rules:
  - id: media-out
    title: Media out
    when: media_out
    for: 20s
    severity: major
    category: consumable
${rule === "" ? "" : `    ${rule}\n`}    tests:
      - { name: it, step: 10s, ${test} }
`;
  const compiled = compileRules([{ file: "a.yaml", text }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return formatTrialResults(runTrials(compiled.rules, compiled.tests));
}

const PASSED = "1 passed, 0 failed";
const failed = (...lines: readonly string[]): string =>
  ["a.yaml:12  media-out: it", ...lines.map((line) => `    ${line}`), "0 passed, 1 failed"].join("\n");

describe("tests in rule files", () => {
  it.each([
    {
      name: "what was expected",
      test: 'series: { media_out: "0 1x3 0" }, expect: [{ at: 20s, state: pending }, { at: 30s, state: firing, severity: major }, { at: end, state: inactive }, { incidents: 1, pages: 1 }]',
      want: PASSED,
    },
    {
      name: "what was not, with what happened",
      test: 'series: { media_out: "0 1x3" }, expect: [{ at: 30s, state: inactive, severity: minor }, { incidents: 0, pages: 2 }]',
      want: failed(
        "at 30s: expected state inactive, was firing (since 10s)",
        "at 30s: expected severity minor, was major (since 10s)",
        "expected 0 incidents, were 1",
        "expected 2 pages, were 1",
      ),
    },
    {
      name: "a moment between polls",
      test: 'series: { media_out: "1x5" }, expect: [{ at: 19s, state: pending }, { at: 21s, state: firing }]',
      want: PASSED,
    },
    {
      name: "a moment long after the last poll",
      test: 'series: { media_out: "1x5" }, expect: [{ at: 1h, state: firing, stale: true }]',
      want: PASSED,
    },
    {
      name: "a parent that is down: no page",
      test: 'series: { media_out: "1x9" }, parents: { sw: { kind: network_switch, up: "1 0x8" } }, expect: [{ at: end, state: firing, suppressed: true }, { incidents: 1, pages: 0 }]',
      want: PASSED,
    },
    {
      name: "a parent seen down within the settle time after the child fired: no page",
      test: 'series: { media_out: "1x9" }, parents: { sw: { kind: network_switch, up: "1 1 0x7" } }, expect: [{ incidents: 1, pages: 0 }]',
      want: PASSED,
    },
    {
      name: "a second time within one incident",
      test: 'series: { media_out: "1x4 0x4 1x4" }, expect: [{ incidents: 1, pages: 1 }]',
      want: PASSED,
    },
    {
      name: "a second time after it closed by itself",
      test: 'series: { media_out: "1x4 0x4 1x4" }, expect: [{ incidents: 2, pages: 2 }]',
      rule: "auto_close: 30s",
      want: PASSED,
    },
    {
      name: "a shadow rule pages nobody",
      test: 'series: { media_out: "1x9" }, expect: [{ incidents: 1, pages: 0 }]',
      rule: "mode: shadow",
      want: PASSED,
    },
    {
      name: "a device that the rule does not select",
      test: 'device: { kind: ups }, series: { up: "1" }, expect: [{ incidents: 0 }]',
      want: failed('the rule does not select the device of this test (select: kind == "label_printer")'),
    },
  ])("$name", ({ test, rule, want }) => expect(tryOut(test, rule)).toBe(want));
});

describe("series", () => {
  it.each([
    ["40x2 _x2 true", [40, 40, null, null, true]],
    ["-1.5 0", [-1.5, 0]],
  ])("%s", (written, want) => expect(parseSeries(written)).toEqual({ ok: true, value: want }));

  it.each(["", "4*3", "x3", "1x99999"])("%j is none", (written) => expect(parseSeries(written).ok).toBe(false));
});
