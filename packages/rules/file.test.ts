import { formatDiagnostics } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";

const RULE = `
group: printers
select: kind == "label_printer"
rules:
  - id: media-low
    title: "Media low: {{media_remaining_percent}} %"
    when: media_remaining_percent < vars.low
    severity: minor
    category: consumable
    vars: { low: 15 }
`;

const compile = (...texts: readonly string[]) =>
  compileRules(texts.map((text, i) => ({ file: `${"abc"[i]}.yaml`, text })));

/** Everything that is wrong, as a person sees it. */
function complaints(...texts: readonly string[]): string {
  const compiled = compile(...texts);
  const found = compiled.ok ? compiled.warnings : compiled.diagnostics;
  return `\n${formatDiagnostics(found, new Map(texts.map((text, i) => [`${"abc"[i]}.yaml`, text])))}\n`;
}

describe("a rule file", () => {
  it("leaves out what has a default", () => {
    const compiled = compile(RULE);
    expect(compiled.ok && compiled.rules.rules[0]).toMatchObject({
      id: "media-low",
      scope: "device",
      raise: [{ severity: "minor", when: "media_remaining_percent < vars.low", forMs: 0 }],
      clear: null,
      keepMs: 0,
      missing: { afterMs: 0 },
      dependsOn: ["*"],
      autoCloseMs: null,
      tier: 1,
      mode: "live",
      chart: { metric: "media_remaining_percent", threshold: 15 },
      file: "a.yaml",
      line: 5,
    });
  });

  it.each([
    {
      name: "a ladder",
      from: "when: media_remaining_percent < vars.low\n    severity: minor",
      to: `raise: { major: { when: media_out }, minor: { when: media_low, for: 5m } }`,
      want: {
        raise: [
          { severity: "minor", when: "media_low", forMs: 300_000 },
          { severity: "major", when: "media_out", forMs: 0 },
        ],
      },
    },
    {
      name: "a clear time without a condition is a keep",
      from: "severity: minor",
      to: "severity: minor\n    clear: { for: 1m }",
      want: { clear: null, keepMs: 60_000 },
    },
    {
      name: "kinds that it depends on",
      from: "severity: minor",
      to: "severity: minor\n    depends_on: [network_switch]",
      want: { dependsOn: ["network_switch"] },
    },
    {
      name: "nothing that it depends on",
      from: "severity: minor",
      to: "severity: minor\n    depends_on: none",
      want: { dependsOn: [] },
    },
    {
      name: "what missing means, and when",
      from: "severity: minor",
      to: "severity: minor\n    missing: { then: raise, after: 1h }",
      want: { missing: { afterMs: 3_600_000 } },
    },
    {
      name: "a narrower select",
      from: "severity: minor",
      to: `severity: minor\n    select: labels.zone == "receiving"`,
      want: { select: '(kind == "label_printer") && (labels.zone == "receiving")' },
    },
  ])("may say $name", ({ from, to, want }) => {
    const compiled = compile(RULE.replace(from, to));
    expect(compiled.ok ? compiled.rules.rules[0] : complaints(RULE.replace(from, to))).toMatchObject(want);
  });

  it("has a version that changes with what it decides, and not with where it stands", () => {
    const version = (text: string) => {
      const compiled = compile(text);
      return compiled.ok ? compiled.rules.rules[0]?.version : null;
    };
    expect(version(`# a comment\n${RULE}`)).toBe(version(RULE));
    expect(version(RULE.replace("15", "16"))).not.toBe(version(RULE));
  });
});

const edit = (from: string, to: string): string => RULE.replace(from, to);

describe("what is wrong is said with its place, all of it at once", () => {
  it.each([
    { name: "wrong key", text: edit("severity:", "severty:") },
    { name: "wrong type", text: edit("severity: minor", "severity: minor\n    for: 5") },
    { name: "unknown kind", text: edit("label_printer", "label_printr") },
    { name: "unknown field in select", text: edit('kind == "label_printer"', 'zone == "receiving"') },
    { name: "unknown metric", text: edit("media_remaining_percent <", "media_remainin_percent <") },
    {
      name: "metric of another kind",
      text: edit("media_remaining_percent <", "on_battery && media_remaining_percent <"),
    },
    { name: "bad CEL", text: edit("media_remaining_percent < vars.low", "'media_remaining_percent < '") },
    {
      name: "unquoted condition",
      text: edit(
        "when: media_remaining_percent < vars.low",
        'raise: { minor: { when: avg(media_remaining_percent, "5m") < 5 } }',
      ),
    },
    { name: "unquoted negation", text: edit("when: media_remaining_percent < vars.low", "when: !up") },
    { name: "duplicate id", text: RULE + RULE.slice(RULE.indexOf("  - id")) },
    { name: "tab", text: edit("    severity", "\tseverity") },
    { name: "neither when nor raise", text: edit("    when: media_remaining_percent < vars.low\n", "") },
    {
      name: "both when and raise",
      text: edit("severity: minor", "severity: minor\n    raise: { major: { when: media_out } }"),
    },
    { name: "name in a title", text: edit("{{media_remaining_percent}}", "{{media_remaining}}") },
    { name: "absorbs nobody", text: edit("severity: minor", "severity: minor\n    absorbs: [media-lo]") },
    {
      name: "components of two classes",
      text: edit(
        "when: media_remaining_percent < vars.low",
        "scope: component\n    when: tray_empty && supply_remaining_percent < 5",
      ),
    },
    { name: "components, and none read", text: edit("severity: minor", "severity: minor\n    scope: component") },
    {
      name: "a series that is none",
      text: edit(
        "severity: minor",
        'severity: minor\n    tests:\n      - { name: t, step: 10s, series: { media_remaining_percent: "40*4" }, expect: [{ at: end, state: firing }] }',
      ),
    },
    {
      name: "several in two rules",
      text:
        edit("vars.low", "vars.lo && medai_out") +
        RULE.slice(RULE.indexOf("  - id")).replace("media-low", "x").replace("minor", "minr"),
    },
    {
      name: "a role that looks like a kind",
      text: edit(
        "when: media_remaining_percent < vars.low",
        `scope: site\n    when: failed("label_printr") > 1`,
      ).replace(" {{media_remaining_percent}} %", ""),
    },
  ])("$name", ({ text }) => expect(complaints(text)).toMatchSnapshot());

  it("across files", () =>
    expect(complaints(RULE, RULE.replace("group: printers", "group: others"))).toMatchSnapshot());

  it("a set with one bad file is refused whole", () => {
    const compiled = compile(RULE, edit("minor", "minr"));
    expect(compiled.ok).toBe(false);
  });

  it.each(["", "null", "[]", "a: &a [*a]", "rules: 5", "\u0000", "{".repeat(2_000)])("never throws: %j", (text) => {
    expect(compile(text).ok).toBe(false);
  });
});
