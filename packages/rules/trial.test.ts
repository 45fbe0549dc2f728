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
      name: "a late reading that breaks what seemed to hold, as if it had come in time",
      test: 'series: { media_out: "1x3 0 ~1 0x9" }, expect: [{ at: 70s, state: recovering }, { at: 80s, state: inactive }, { incidents: 1 }]',
      rule: "keep: 30s",
      want: PASSED,
    },
    {
      name: "a start at night before the clocks are set forward, and hours that begin in the hour that is left out",
      test: 'site: { tz: Europe/Berlin, hours: "sun 02:30-20:00", start: 2026-03-29T01:59 }, series: { media_out: "1x12" }, expect: [{ at: 50s, state: firing, inactive_hours: true }, { at: 60s, state: firing, inactive_hours: false }]',
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

/** Two printers behind a switch, with a rule that is wider than the other. */
function tryTogether(test: string, others: { file: string; text: string }[] = []): string {
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
    tests:
      - { name: it, step: 10s, ${test} }
  - id: head-open
    title: Head open
    when: head_open
    severity: major
    absorbs: [media-out]
    category: hardware
`;
  const compiled = compileRules([{ file: "packs/a.yaml", text }, ...others]);
  if (compiled.ok) return formatTrialResults(runTrials(compiled.rules, compiled.tests));
  return compiled.diagnostics
    .map(({ file, line, code, path, message, hint }) => `${file}:${line} ${code} ${path} ${message}; ${hint}`)
    .join("\n");
}
const NETWORK = {
  file: "packs/network.yaml",
  text: `
group: network
select: kind == "network_switch"
rules:
  - { id: switch-down, title: Switch down, when: "!up", severity: critical, category: network }
`,
};

describe("tests with several rules", () => {
  it.each([
    {
      name: "a wider rule takes in a narrower one of the file",
      test: 'with: file, series: { media_out: "0 1x9", head_open: "0 1x9" }, expect: [{ at: 40s, state: firing, suppressed: head-open }, { at: 40s, rule: head-open, state: firing, suppressed: false }, { incidents: 1, pages: 0 }, { rule: head-open, incidents: 1, pages: 1 }, { rule: all, incidents: 2, pages: 1 }]',
    },
    {
      name: "alone it would have called",
      test: 'series: { media_out: "0 1x9", head_open: "0 1x9" }, expect: [{ at: 40s, state: firing, suppressed: false }, { incidents: 1, pages: 1 }]',
    },
    {
      name: "a rule of another file, by its id, on a device above",
      test: 'with: [switch-down], series: { media_out: "1x9" }, parents: { sw: { kind: network_switch, down: [[0s, 10m]] } }, expect: [{ at: end, state: firing, suppressed: sw }, { at: end, rule: switch-down, device: sw, state: firing }, { rule: all, incidents: 2, pages: 1 }]',
    },
    {
      name: "all rules of a file, by its name; neighbours hang on the same switch",
      test: 'with: [network.yaml], series: { media_out: "1x9" }, parents: { sw: { kind: network_switch, down: [[0s, 10m]] } }, devices: { p2: { depends_on: [sw], series: { media_out: "1x9" } } }, expect: [{ at: end, device: p2, state: firing, suppressed: sw }, { incidents: 2, pages: 0 }, { rule: switch-down, incidents: 1, pages: 1 }]',
    },
  ])("$name", ({ test }) => expect(tryTogether(test, [NETWORK])).toBe(PASSED));

  it("say whose each line is when one fails", () => {
    const test =
      'with: file, series: { media_out: "0 1x5", head_open: "0 1x5" }, expect: [{ at: 40s, state: firing, suppressed: false }, { at: 40s, rule: head-open, state: inactive }, { rule: all, incidents: 1, pages: 1 }]';
    expect(tryTogether(test)).toBe(
      [
        "packs/a.yaml:12  media-out: it",
        "     at     whose      expected               was",
        "  ✗  40s    media-out  firing not suppressed  firing suppressed by head-open (since 10s)",
        "  ✗  40s    head-open  inactive               firing (since 10s)",
        "  ✗  total  all rules  1 incident             2 incidents",
        "     total  all rules  1 page                 1 page",
        "    what happened:",
        "    10s  head-open on device: inactive → firing (major)",
        "    10s  media-out on device: inactive → pending (major)",
        "    10s  media-out on device: pending (major), behind head-open",
        "    15s  head-open on device: somebody is called",
        "    30s  media-out on device: pending → firing (major), behind head-open",
        "0 passed, 1 failed",
      ].join("\n"),
    );
  });

  it.each([
    {
      name: "a rule that there is not",
      test: 'with: [head-opne], series: { up: "1" }, expect: [{ incidents: 0 }]',
      want: 'packs/a.yaml:12 RULE_UNKNOWN_RULE rules[0].tests[0].with[0] expected the id of a rule, or a file of the set; received "head-opne"; did you mean "head-open"?',
    },
    {
      name: "a file that there is not",
      test: 'with: [netwrok.yaml], series: { up: "1" }, expect: [{ incidents: 0 }]',
      want: 'packs/a.yaml:12 RULE_UNKNOWN_RULE rules[0].tests[0].with[0] expected a file of the set; received "netwrok.yaml"; did you mean "network.yaml"?',
    },
    {
      name: "what is no name",
      test: 'with: [[a]], series: { up: "1" }, expect: [{ incidents: 0 }]',
      want: "packs/a.yaml:12 CFG_TYPE rules[0].tests[0].with expected file, or a list of rule ids and file names: [no-answer, network.yaml]; received a list; undefined",
    },
    {
      name: "something expected of a rule that is not loaded",
      test: 'series: { up: "1" }, expect: [{ at: end, rule: head-open, state: inactive }]',
      want: 'packs/a.yaml:12 RULE_TEST rules[0].tests[0].expect[0].rule expected a rule of this test (media-out); received "head-open"; load it: with: [head-open]',
    },
    {
      name: "a state of all rules",
      test: 'with: file, series: { up: "1" }, expect: [{ at: end, rule: all, state: inactive }]',
      want: 'packs/a.yaml:12 RULE_TEST rules[0].tests[0].expect[0].rule expected a rule of this test (media-out, head-open); received "all"; undefined',
    },
    {
      name: "a device that the test does not have",
      test: 'parents: { switch: { kind: network_switch, up: "1" } }, series: { up: "1" }, expect: [{ at: end, device: swich, state: inactive }]',
      want: 'packs/a.yaml:12 RULE_TEST rules[0].tests[0].expect[0].device expected a device of this test (device, switch); received "swich"; did you mean "switch"?',
    },
    {
      name: "a cause that the test does not have",
      test: 'parents: { switch: { kind: network_switch, up: "1" } }, series: { up: "1" }, expect: [{ at: end, state: inactive, suppressed: swich }]',
      want: 'packs/a.yaml:12 RULE_TEST rules[0].tests[0].expect[0].suppressed expected true, false, or a device or rule of this test (device, switch, media-out, agent); received "swich"; did you mean "switch"?',
    },
    {
      name: "a cause by a word that YAML does not take for false",
      test: 'series: { up: "1" }, expect: [{ at: end, state: inactive, suppressed: no }]',
      want: 'packs/a.yaml:12 RULE_TEST rules[0].tests[0].expect[0].suppressed expected true, false, or a device or rule of this test (device, media-out, agent); received "no"; write false, or what by',
    },
    {
      name: "a neighbour that depends on nothing there is",
      test: 'devices: { p2: { depends_on: [sw] } }, series: { up: "1" }, expect: [{ incidents: 0 }]',
      want: 'packs/a.yaml:12 RULE_TEST rules[0].tests[0].devices.p2.depends_on[0] expected a device of this test (device, p2); received "sw"; undefined',
    },
    {
      name: "a component without values",
      test: 'component: disk-a, series: { up: "1" }, expect: [{ at: end, component: disk-b, state: inactive }]',
      want: [
        'packs/a.yaml:12 RULE_TEST rules[0].tests[0].component expected a component of this test (it has none); received "disk-a"; undefined',
        'packs/a.yaml:12 RULE_TEST rules[0].tests[0].expect[0].component expected a component of this test (it has none); received "disk-b"; undefined',
      ].join("\n"),
    },
  ])("name $name", ({ test, want }) => expect(tryTogether(test, [NETWORK])).toBe(want));

  it("say which of their rules selects no device", () => {
    const test = 'with: [switch-down], series: { up: "1" }, expect: [{ rule: switch-down, incidents: 0 }]';
    expect(tryTogether(test, [NETWORK])).toContain(
      'switch-down selects no device of this test (select: kind == "network_switch")',
    );
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
