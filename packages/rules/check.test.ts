import { formatDiagnostics } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import { type CheckContext, checkRules } from "./check.ts";
import { circlesOf } from "./cycle.ts";
import { type InventoryEntry, parseInventory } from "./inventory.ts";

const NOTHING: CheckContext = { inventory: null, runbooks: null };
const device = (id: string, more: Partial<InventoryEntry["device"]> = {}): InventoryEntry => ({
  site: "s1",
  device: {
    ...{ id, kind: "label_printer", driver: "zpl", labels: {}, dependsOn: [], intervalMs: 10_000, asset: {} },
    ...{ components: [], metrics: [] },
    ...more,
  },
});

/** A file with one rule that has nothing wrong with it but what `lines` say; ends with a test and a runbook. */
function ruleFile(...lines: readonly string[]): string {
  return [
    "group: g",
    'select: kind == "label_printer"',
    "rules:",
    "  - id: r",
    ...(lines.some((line) => line.startsWith("title")) ? [] : ["    title: t"]),
    ...lines.map((line) => `    ${line}`),
    "    category: hardware",
    ...(lines.some((line) => line.includes("runbook")) ? [] : ["    runbook: a/b"]),
    ...(lines.some((line) => line.startsWith("tests"))
      ? []
      : ["    tests: [{ name: n, step: 30s, series: { up: 1 }, expect: [{ incidents: 0 }] }]"]),
  ].join("\n");
}

function findings(text: string, context: CheckContext = NOTHING): string {
  const { findings: found } = checkRules([{ file: "a.yaml", text }], context);
  return formatDiagnostics(found, new Map([["a.yaml", text]]));
}

const low = "media_remaining_percent";

describe("what is likely a slip is said with its place", () => {
  it.each([
    {
      name: "a level that a more severe one always covers",
      lines: ["raise:", `  minor: { when: "${low} < 5", for: 5m }`, `  major: { when: "${low} < 15", for: 2m }`],
    },
    {
      name: "the same condition twice",
      lines: ["raise:", "  minor: { when: media_out, for: 2m }", '  major: { when: "media_out == true", for: 2m }'],
    },
    {
      name: "a hysteresis the wrong way round, with a case",
      lines: [`when: "${low} < 15"`, "for: 5m", "severity: minor", `clear: { when: "${low} > 5", for: 2m }`],
    },
    {
      name: "a division by zero",
      lines: [
        `when: "${low} / (1 - 1) < 5 || ${low} / vars.none > 3"`,
        "for: 5m",
        "severity: minor",
        "vars: { none: 0 }",
      ],
    },
    {
      name: "hours that are nearly a word of the language",
      lines: ["when: media_out", "for: 5m", "severity: minor", "active_in: trading-hours"],
    },
    {
      name: "a condition that nothing makes true",
      lines: [`when: "${low} < 5 && ${low} > 10"`, "for: 5m", "severity: minor"],
    },
    {
      name: "a condition that everything makes true",
      lines: [`when: "${low} < 10 || ${low} >= vars.low"`, "for: 5m", "severity: minor", "vars: { low: 10 }"],
    },
    { name: "a for shorter than two polls", lines: ["when: media_out", "for: 45s", "severity: minor"] },
    {
      name: "no runbook, no tests",
      lines: ["when: media_out", "severity: minor", "# no runbook", "tests: []"],
    },
    {
      name: "a call in the title that no condition has",
      lines: ["title: '{{avg(head_temperature_celsius, \"5m\")}} °C'", "when: media_out", "severity: minor"],
    },
    {
      name: "a component's metric in the title of a device",
      lines: ["title: 'toner {{supply_remaining_percent}} %'", "when: media_out", "severity: minor"],
    },
    { name: "a var that nobody reads", lines: ["when: media_out", "severity: minor", "vars: { low: 15 }"] },
  ])("$name", ({ lines }) => expect(`\n${findings(ruleFile(...lines))}\n`).toMatchSnapshot());

  it("of every rule of a refused set, but not of the faulty one itself", () => {
    const text = `${ruleFile(`when: "${low} < 5 && ${low} > 10"`, "severity: minor")}
  - { id: s, title: t, when: "media_outt && !media_outt", severity: minor, category: hardware }`;
    const { findings: found, compiled } = checkRules([{ file: "a.yaml", text }], NOTHING);
    expect(compiled.ok).toBe(false);
    expect(found.map(({ code, line }) => `${line} ${code}`)).toEqual([
      "6 RULE_CONSTANT",
      "11 RULE_UNKNOWN_METRIC",
      "11 RULE_UNKNOWN_METRIC",
    ]);
  });
});

describe("what is no slip is left alone", () => {
  it.each([
    {
      name: "a ladder by time",
      lines: ["raise:", "  minor: { when: media_out, for: 2m }", "  major: { when: media_out, for: 30m }"],
    },
    {
      name: "a ladder by limits, with its hysteresis",
      lines: [
        "raise:",
        `  minor: { when: "${low} < 15", for: 5m }`,
        `  major: { when: "${low} < 5", for: 2m }`,
        `clear: { when: "${low} > 20" }`,
      ],
    },
    {
      name: "a limit that clearing meets exactly",
      lines: [`when: "${low} < 15"`, "severity: minor", `clear: { when: "${low} >= 15" }`],
    },
    {
      name: "counts have nothing between two and three",
      lines: ['when: "streak(media_out) > 2"', "severity: minor", 'clear: { when: "streak(media_out) < 3" }'],
    },
    {
      name: "to clear on something else as well",
      lines: [`when: "${low} < 15"`, "severity: minor", `clear: { when: "${low} > 20 || media_out" }`],
    },
    {
      name: "to clear on something else alone",
      lines: [`when: "avg(${low}, '5m') < 15"`, "severity: minor", `clear: { when: "${low} > 5" }`],
    },
    { name: "one poll, on purpose", lines: ["when: media_out", "for: 0s", "severity: minor"] },
    {
      name: "a for beside a window, which is made of polls already",
      lines: [`when: "avg(${low}, '5m') < 15"`, "for: 10s", "severity: minor"],
    },
    {
      name: "a comparison of two metrics",
      lines: ["raise:", `  minor: { when: "${low} < ribbon_remaining_percent" }`, `  major: { when: "${low} < 5" }`],
    },
    {
      name: "the title's own words",
      lines: [
        `title: "{{device}} at {{site}}: {{${low}}} of {{vars.low}}"`,
        "when: media_out",
        "severity: minor",
        "vars: { low: 1 }",
      ],
    },
  ])("$name", ({ lines }) => expect(findings(ruleFile(...lines))).toBe(""));
});

describe("against an inventory", () => {
  const rule = ruleFile("when: media_out", "for: 30s", "severity: minor");
  const against = (devices: readonly InventoryEntry[]): string[] =>
    checkRules([{ file: "a.yaml", text: rule }], {
      ...NOTHING,
      inventory: { name: "inventory.json", devices, isWhole: true },
    }).findings.map(({ code, message }) => `${code} ${message}`);

  it("of one agent only says nothing of kinds that this does not have", () => {
    const select = 'select: labels.zone == "dock"';
    const text = ruleFile(select, "when: media_out", "for: 1m", "severity: minor");
    const codes = (devices: readonly InventoryEntry[], isWhole: boolean): string[] =>
      checkRules([{ file: "a.yaml", text }], {
        ...NOTHING,
        inventory: { name: "agent.yaml", devices, isWhole },
      }).findings.map(({ code }) => code);
    expect(codes([device("u1", { kind: "ups" })], true)).toEqual(["RULE_SELECTS_NOTHING"]);
    expect(codes([device("u1", { kind: "ups" })], false)).toEqual([]);
    expect(codes([device("p1")], false)).toEqual(["RULE_SELECTS_NOTHING"]);
  });

  it("knows how often devices are polled", () => {
    expect(against([device("p1")])).toEqual([]);
    expect(against([device("p1"), device("p2", { intervalMs: 20_000 })])).toEqual([
      "RULE_SHORT_FOR 30s is shorter than two polls; s1/p2 is polled every 20s",
    ]);
  });

  it("says which rule selects nothing, once for those that go by their file's select", () => {
    const two = `${ruleFile('select: labels.zone == "dock"', "when: media_out", "for: 1m", "severity: minor")}
  - { id: r2, title: t, when: media_out, for: 1m, severity: minor, category: hardware, runbook: a/b }
  - { id: r3, title: t, when: head_open, for: 1m, severity: minor, category: hardware, runbook: a/b }
`;
    const said = (devices: readonly InventoryEntry[]): string[] =>
      checkRules([{ file: "a.yaml", text: two }], {
        ...NOTHING,
        inventory: { name: "inventory.json", devices, isWhole: true },
      })
        .findings.filter(({ code }) => code === "RULE_SELECTS_NOTHING")
        .map(({ line, severity, message }) => `${line} ${severity} ${message}`);
    expect(said([device("p1")])).toEqual([
      '6 warning none of the 1 devices of inventory.json is selected: (kind == "label_printer") && (labels.zone == "dock")',
    ]);
    expect(said([device("u1", { kind: "ups" })])).toEqual([
      "2 info nothing is selected: inventory.json has no label_printer; 2 rules here go by it",
      "6 info nothing is selected: inventory.json has no label_printer",
    ]);
  });

  it("does not look for what watches itself: nobody lists that", () => {
    const text = ruleFile("when: '!up'", "for: 1m", "severity: minor").replace("label_printer", "collector");
    const { findings: found } = checkRules([{ file: "a.yaml", text }], {
      ...NOTHING,
      inventory: { name: "inventory.json", devices: [device("p1")], isWhole: true },
    });
    expect(found).toEqual([]);
  });

  it("says which devices depend on each other in a circle", () => {
    const circle = [
      device("a", { dependsOn: ["b", "gone"] }),
      device("b", { dependsOn: ["c"] }),
      device("c", { dependsOn: ["a"] }),
    ];
    expect(against(circle)).toEqual(["RULE_CYCLE devices of s1 depend on each other in a circle: a → b → c → a"]);
  });

  it.each([
    [
      "agent.yaml",
      "site: s1\nagent: pc\nevery: 5s\ndevices: [{ id: p1, kind: label_printer, driver: zpl, host: x }]",
      ["s1/p1 5000"],
    ],
    [
      "inventory.json",
      '[{"site":"s1","id":"p1","kind":"ups","intervalMs":60000,"profile":null,"state":"up"}]',
      ["s1/p1 60000"],
    ],
  ])("is read from %s", (file, text, want) => {
    const read = parseInventory({ file, text });
    expect(read.ok ? read.devices.map(({ site, device: d }) => `${site}/${d.id} ${d.intervalMs}`) : read).toEqual(want);
  });

  it.each(["", "[", "{}", '[{"site":1}]'])("%j is none", (text) => {
    expect(parseInventory({ file: "i.json", text }).ok).toBe(false);
  });
});

describe("flapping", () => {
  const findings = (...lines: readonly string[]) =>
    checkRules([{ file: "a.yaml", text: ruleFile("when: media_out", "severity: minor", ...lines) }], NOTHING).findings;

  it.each([
    { name: "a fault that recovers for too long", lines: ["for: 1m", "keep: 4m"], takes: "10m" },
    { name: "a clear that waits", lines: ["for: 0s", 'clear: { when: "!media_out", for: 5m }'], takes: "10m" },
  ])("never happens to $name", ({ lines, takes }) => {
    const found = findings(...lines, "flap: { enter: 3, within: 10m, quiet: 5m }");
    const message = `never happens: to fire 3 times takes ${takes}, within is 10m`;
    expect(found).toMatchObject([{ code: "RULE_FLAP", message }]);
  });

  it.each([
    { name: "a second more", lines: ["for: 1m", "keep: 4m", "flap: { enter: 3, within: 601s, quiet: 5m }"] },
    {
      name: "what is over for want of readings",
      lines: ["for: 5m", "missing: ok", "flap: { enter: 3, within: 10m, quiet: 5m }"],
    },
  ])("may happen with $name", ({ lines }) => expect(findings(...lines)).toEqual([]));
});

describe("absorbing", () => {
  const rule = (id: string, severity: string, more = ""): string =>
    `  - { id: ${id}, title: t, when: media_out, for: 1m, severity: ${severity}, category: hardware${more} }`;
  const codes = (wide: string, narrow: string) => {
    const rules = [rule("wide", wide, ", absorbs: [narrow]"), rule("narrow", narrow)];
    const text = ["group: g", 'select: kind == "label_printer"', "rules:", ...rules].join("\n");
    return checkRules([{ file: "a.yaml", text }], NOTHING).findings.filter(({ code }) => code === "RULE_ABSORBS_WORSE");
  };

  it("of what is worse is told, at its name", () => {
    const message = "calls nobody for narrow, which is critical at least, while this is info at most";
    expect(codes("info", "critical")).toMatchObject([{ line: 4, message }]);
  });
  it.each(["major", "critical"])("of what is as bad or less is not: %s", (wide) => {
    expect(codes(wide, "major")).toEqual([]);
  });
});

describe("rules over events", () => {
  it("wait for codes of faults, and have no condition that could be always true", () => {
    const text = ruleFile(
      "on: event",
      "code: [cutter_jamm, media_out, offline_cleared, asset_changed, trap, verdict_cleared, on_fire]",
      "severity: minor",
      "title: '{{code}} {{detail}}'",
    );
    expect(checkRules([{ file: "a.yaml", text }], NOTHING).findings).toMatchObject([
      { code: "RULE_UNKNOWN_CODE", line: 6, hint: 'did you mean "cutter_jam"?' },
      { code: "RULE_UNKNOWN_CODE", line: 6, hint: "docs/metrics.md lists them" },
    ]);
  });
});

describe("runbooks", () => {
  it("are looked for when it is known which there are", () => {
    const text = ruleFile("when: media_out", "severity: minor", "runbook: label-printer/media-outt");
    const runbooks = new Set(["label-printer/media-out"]);
    expect(checkRules([{ file: "a.yaml", text }], { ...NOTHING, runbooks }).findings).toMatchObject([
      { code: "RULE_RUNBOOK", line: 8, hint: 'did you mean "label-printer/media-out"?' },
    ]);
  });
});

describe("circles", () => {
  it("of rules that absorb each other are refused, each once", () => {
    const rule = (id: string, absorbs: string): string =>
      `  - { id: ${id}, title: t, when: media_out, severity: minor, category: hardware, absorbs: [${absorbs}] }`;
    const text = ["group: g", "rules:", rule("a", "b"), rule("b", "c"), rule("c", "b"), rule("d", "d")].join("\n");
    const errors = checkRules([{ file: "a.yaml", text }], NOTHING).findings.filter(
      ({ severity }) => severity === "error",
    );
    expect(errors.map(({ line, message }) => `${line} ${message}`)).toEqual([
      "4 expected a wider rule to absorb narrower ones; received a circle: b → c → b",
      "6 expected a wider rule to absorb narrower ones; received a circle: d → d",
    ]);
  });

  it("are found in a long chain without a deep stack", () => {
    const chain = new Map(Array.from({ length: 20_000 }, (_, n) => [`${n}`, [`${(n + 1) % 20_000}`]]));
    expect(circlesOf(chain)).toHaveLength(1);
    expect(
      circlesOf(
        new Map([
          ["a", ["b", "b", "nowhere"]],
          ["b", []],
        ]),
      ),
    ).toEqual([]);
  });
});
