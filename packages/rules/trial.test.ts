import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";
import { parseSeries } from "./series.ts";
import { runTrials } from "./trial.ts";
import { formatTrialResults } from "./trial-text.ts";

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
      want: [
        "a.yaml:12  media-out: it",
        "     at     expected        was",
        "  ✗  30s    inactive minor  firing major (since 10s)",
        "  ✗  total  0 incidents     1 incident",
        "  ✗  total  2 pages         1 page",
        "    what happened:",
        "    10s  inactive → pending (major)",
        "    30s  pending → firing (major)",
        "    35s  somebody is called",
        "0 passed, 1 failed",
      ].join("\n"),
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
      name: "a parent that was down for a while",
      test: 'series: { media_out: "1x9" }, parents: { sw: { kind: network_switch, down: [[10s, 40s]] } }, expect: [{ at: 30s, state: firing, suppressed: true }, { at: 50s, state: firing, suppressed: false }, { incidents: 1, pages: 1 }]',
      want: PASSED,
    },
    {
      name: "parents side by side, by what depends on what",
      test: 'series: { media_out: "1x9" }, parents: { a: { kind: host, up: "1x9", depends_on: [] }, b: { kind: network_switch, down: [[0s, 10m]] } }, expect: [{ at: end, state: firing, suppressed: false }]',
      want: PASSED,
    },
    {
      name: "a reading that comes late changes nothing that is known since",
      test: 'series: { media_out: "0 ~1 0x3" }, expect: [{ at: 10s, state: inactive }, { at: end, state: inactive }, { incidents: 0 }]',
      want: PASSED,
    },
    {
      name: "a reading that comes twice counts once",
      test: 'series: { media_out: "0 =1x3 =0" }, expect: [{ at: 30s, state: firing }, { at: end, state: inactive }, { incidents: 1, pages: 1 }]',
      want: PASSED,
    },
    {
      name: "a fault that came and went while the agent was away is an incident that calls nobody",
      test: 'series: { media_out: "0x3 !1x5 !0x3 0x3" }, expect: [{ at: 1m, state: inactive }, { at: end, state: inactive }, { incidents: 1, pages: 0, afterwards: 1 }]',
      want: PASSED,
    },
    {
      name: "a fault that began while the agent was away and stands calls once",
      test: 'series: { media_out: "0x3 !1x5 1x5" }, expect: [{ at: end, state: firing }, { incidents: 1, pages: 1, afterwards: 0 }]',
      want: PASSED,
    },
    {
      name: "an agent that is away to the end",
      test: 'series: { media_out: "0x3 !1x5" }, expect: [{ at: end, state: inactive }, { afterwards: 0, incidents: 1 }]',
      want: PASSED,
    },
    {
      name: "hours in which nobody is called, and the page when they begin",
      test: 'site: { tz: Europe/Berlin, hours: "mon-sat 08:00-20:00", start: 2026-11-20T07:59 }, series: { media_out: "1x12" }, expect: [{ at: 50s, state: firing, inactive_hours: true }, { at: end, state: firing, inactive_hours: false }, { incidents: 1, pages: 1 }]',
      rule: "active_in: trading_hours",
      want: PASSED,
    },
    {
      name: "a holiday, in the local time of the site",
      test: 'site: { tz: America/New_York, hours: "mon-sun 00:00-24:00", closed: [2026-12-25], start: 2026-12-25T23:50 }, series: { media_out: "1x30" }, expect: [{ at: end, inactive_hours: true, state: firing }, { incidents: 1, pages: 0 }]',
      rule: "active_in: trading_hours",
      want: PASSED,
    },
    {
      name: "planned work, after which it still stands",
      test: 'maintenance: [[0s, 1m]], series: { media_out: "1x30" }, expect: [{ at: 50s, state: firing, maintenance: true }, { at: end, state: firing, maintenance: false }, { incidents: 1, pages: 1 }]',
      want: PASSED,
    },
    {
      name: "a fault that comes and goes is one that flaps",
      test: 'series: { media_out: "1x3 0 1x3 0 1x3 0 1x3 0" }, expect: [{ at: 100s, state: firing, flapping: true }, { incidents: 1, pages: 1 }]',
      rule: "flap: { enter: 3, within: 10m, quiet: 5m }",
      want: PASSED,
    },
    {
      name: "a device that the rule does not select",
      test: 'device: { kind: ups }, series: { up: "1" }, expect: [{ incidents: 0 }]',
      want: failed('the rule does not select the device of this test (select: kind == "label_printer")'),
    },
  ])("$name", ({ test, rule, want }) => expect(tryOut(test, rule)).toBe(want));
});

describe("tests of rules over events", () => {
  it("tell what the device says, once each", () => {
    const text = `
group: g
select: kind == "label_printer"
rules:
  - id: jammed
    title: J
    on: event
    code: cutter_jam
    severity: major
    category: hardware
    tests:
      - name: it
        step: 10s
        series: { up: "1x9" }
        events: [{ at: 15s, code: cutter_jam }, { at: 40s, code: cutter_jam_cleared }]
        expect: [{ at: 10s, state: inactive }, { at: 15s, state: firing }, { at: 40s, state: inactive }, { incidents: 1, pages: 1 }]
`;
    const compiled = compileRules([{ file: "a.yaml", text }]);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
    expect(formatTrialResults(runTrials(compiled.rules, compiled.tests))).toBe(PASSED);
  });
});

describe("series", () => {
  it.each([
    ["40x2 _x2 true", [40, 40, null, null, true]],
    ["-1.5 0", [-1.5, 0]],
  ])("%s", (written, want) => expect(parseSeries(written)).toEqual({ ok: true, value: want }));

  it.each([
    ["~1", { value: 1, comes: "late" }],
    ["=true", { value: true, comes: "twice" }],
    ["!-3", { value: -3, comes: "afterwards" }],
  ])("%s comes otherwise than at once", (written, want) => {
    expect(parseSeries(written)).toEqual({ ok: true, value: [want] });
  });

  it.each(["", "4*3", "x3", "1x99999", "~_", "?1", "!!1"])("%j is none", (written) =>
    expect(parseSeries(written).ok).toBe(false),
  );
});
