import { describe, expect, it } from "vitest";
import { z } from "zod";
import { formatDiagnostics, parseYaml, secretRef } from "./index.ts";
import { durationMs } from "./quantity.ts";

const schema = z.strictObject({
  site: z.string().regex(/^[a-z0-9-]+$/, "expected lower-case letters, digits and hyphens"),
  devices: z.array(
    z.strictObject({
      id: z.string(),
      driver: z.enum(["snmp", "zpl", "escpos", "modbus"]),
      interval: durationMs.default(30_000),
      port: z.int().min(1).max(65_535).default(161),
      community: secretRef.optional(),
      enabled: z.boolean().default(true),
      labels: z.record(z.string(), z.string()).default({}),
    }),
  ),
  uplink: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("mqtt"), url: z.url() }),
      z.strictObject({ kind: z.literal("none") }),
    ])
    .optional(),
});
const rules = z.strictObject({
  rules: z.array(
    z.strictObject({
      id: z.string(),
      when: z.string().optional(),
      raise: z
        .partialRecord(z.enum(["minor", "major"]), z.strictObject({ when: z.string(), for: durationMs }))
        .optional(),
    }),
  ),
});

const shown = (text: string, as: z.ZodType = schema): string => {
  const parsed = parseYaml({ file: "agent.yaml", text }, as);
  return parsed.ok ? "no mistakes" : formatDiagnostics(parsed.diagnostics, new Map([["agent.yaml", text]]));
};

describe("the usual mistakes, as a person reads them", () => {
  it.each([
    { name: "a misspelt option", text: "site: s1\ndevices:\n  - id: a\n    driver: snmpp\n" },
    { name: "a misspelt key that is required", text: "site: s1\ndevices:\n  - id: a\n    drvier: snmp\n" },
    { name: "a key that is missing", text: "site: s1\ndevices:\n  - id: a\n" },
    {
      name: "a wrong type",
      text: "site: s1\ndevices:\n  - id: 7\n    driver: snmp\n    enabled: yes\n    port: '161'\n",
    },
    { name: "a number out of range", text: "site: s1\ndevices:\n  - { id: a, driver: snmp, port: 70000 }\n" },
    { name: "a bare number for a duration", text: "site: s1\ndevices:\n  - { id: a, driver: snmp, interval: 30 }\n" },
    { name: "a wrong format", text: "site: Store 1\ndevices: []\n" },
    { name: "a tab", text: "site: s1\ndevices:\n\t- id: a\n" },
    {
      name: "a tab among lines that are right",
      text: "site: s1\ndevices:\n  - id: a\n\tdriver: snmp\n    port: 161\n",
    },
    {
      name: "a blank that is no space",
      text: "site: s1\ndevices:\n  - id: a\n\u00a0\u00a0\u00a0\u00a0driver: snmp\n    port: 161\n",
    },
    { name: "a merge key", text: "site: s1\ndevices:\n  - &a { id: a, driver: snmp }\n  - <<: *a\n" },
    { name: "one word for a list", text: "site: s1\ndevices: lane-1\n" },
    { name: "a duplicate key beside another mistake", text: "site: s1\nsite: s2\ndevices: {}\n" },
    { name: "a literal secret", text: "site: s1\ndevices:\n  - { id: a, driver: snmp, community: hunter2 }\n" },
    {
      name: "a secret beside another mistake",
      text: "site: s1\ndevices:\n  - { id: a, driver: snmp, pasword: hunter2 }\n",
    },
    { name: "a bad discriminator", text: "site: s1\ndevices: []\nuplink: { kind: mqqt, url: 'mqtt://x' }\n" },
    {
      name: "a discriminated option's unknown key",
      text: "site: s1\ndevices: []\nuplink: { kind: mqtt, uri: 'mqtt://x' }\n",
    },
    { name: "an empty file", text: "" },
    { name: "a list where a map belongs", text: "- a\n- b\n" },
    { name: "text that holds a colon", text: "site: a: b\ndevices: []\n" },
    { name: "an alias without an anchor", text: "site: *x\ndevices: []\n" },
    { name: "a value on a long line", text: `site: s1\ndevices:\n  - { id: ${"a".repeat(150)}, driver: telnet }\n` },
  ])("$name", ({ text }) => {
    expect(`${text}---\n${shown(text)}\n`).toMatchSnapshot();
  });

  it.each([
    { name: "a condition in braces", text: "rules:\n  - id: r\n    when: {a, b}\n" },
    { name: "a conditional operator", text: "rules:\n  - id: r\n    when: a ? b : c\n" },
    { name: "a conditional operator in braces", text: "rules:\n  - { id: r, when: a > 1 ? b : c }\n" },
    {
      name: "a comma in braces",
      text: "rules:\n  - id: r\n    raise:\n      minor: { when: size(a, b) > 2, for: 5m }\n",
    },
    { name: "a negation", text: "rules:\n  - id: r\n    when: !a && b\n" },
    { name: "a condition that begins with a quoted word", text: 'rules:\n  - id: r\n    when: "a" == b\n' },
    { name: "a condition that begins with a list", text: "rules:\n  - id: r\n    when: [1, 2]\n" },
  ])("asks for quotes around $name", ({ text }) => {
    const lines = shown(text, rules);
    expect(`${text}---\n${lines}\n`).toMatchSnapshot();
    expect(lines).toContain("quote the condition");
  });

  it("asks for none where a number is wanted", () => {
    const tier = z.strictObject({ tier: z.literal([1, 2, 3, 4]) });
    expect(shown("tier: 7\n", tier)).toContain("expected one of: 1, 2, 3, 4; received 7");
    expect(shown("tier: 7\n", tier)).not.toContain("quotes");
  });
});

describe("parseYaml", () => {
  it("gives the value with defaults when nothing is wrong", () => {
    const parsed = parseYaml({ file: "a.yaml", text: "site: s1\ndevices:\n  - { id: a, driver: zpl }\n" }, schema);
    expect(parsed.ok && parsed.value.devices[0]).toEqual({
      id: "a",
      driver: "zpl",
      interval: 30_000,
      port: 161,
      enabled: true,
      labels: {},
    });
  });

  it("finds all mistakes of a file at once, in the order of the file", () => {
    const text = "site: S1\nsiet: x\ndevices:\n  - { id: 1, driver: zlp }\n  - { id: b, driver: snmp, port: 0 }\n";
    const parsed = parseYaml({ file: "a.yaml", text }, schema);
    expect(
      parsed.ok ? [] : parsed.diagnostics.map(({ line, column, code, path }) => [line, column, code, path]),
    ).toEqual([
      [1, 7, "CFG_FORMAT", "site"],
      [2, 1, "CFG_UNKNOWN_KEY", "siet"],
      [4, 11, "CFG_TYPE", "devices[0].id"],
      [4, 22, "CFG_VALUE", "devices[0].driver"],
      [5, 34, "CFG_RANGE", "devices[1].port"],
    ]);
  });

  it.each([
    {
      name: "a billion laughs",
      text: `a: &a [x, x]\n${"bcdefghij".replace(/./g, (c, i) => `${c}: &${c} [*${"abcdefghi"[i]}, *${"abcdefghi"[i]}, *${"abcdefghi"[i]}]\n`)}`,
    },
    { name: "a deep nest", text: "[".repeat(100_000) },
    { name: "more than a megabyte", text: `site: ${"x".repeat(1024 * 1024)}` },
    { name: "binary noise", text: "\u0000\u0001\uFFFD{[\"'" },
  ])("refuses $name in bounded time", ({ text }) => {
    const parsed = parseYaml({ file: "a.yaml", text }, schema);
    expect(parsed.ok).toBe(false);
  });
});

describe("YamlSource", () => {
  const text = [
    "plain: a > 1 && bb",
    'double: "a \\"x\\" \\u00e9 && bb"',
    "single: 'it''s bb'",
    "block: |",
    "    first",
    "    a && bb",
    "folded: >-",
    "  first",
    "  a && bb",
    "list:",
    "  - { name: one, bb: 2 }",
    "",
  ].join("\n");
  const parsed = parseYaml({ file: "r.yaml", text }, z.record(z.string(), z.unknown()));
  if (!parsed.ok) throw new Error("the text is good");
  const { source, value } = parsed;

  it.each(["plain", "double", "single", "block", "folded"])("points into a %s scalar", (key) => {
    const start = String(value[key]).indexOf("bb");
    const { line, column, length } = source.offsetIn([key], start, start + 2);
    expect(text.split("\n")[line - 1]?.slice(column - 1, column - 1 + length)).toBe("bb");
  });

  it("points at a value, at its key, and at the nearest ancestor of what is missing", () => {
    expect(source.at(["list", 0, "name"])).toEqual({ line: 11, column: 13, length: 3 });
    expect(source.at(["list", 0, "bb"], { key: true })).toEqual({ line: 11, column: 18, length: 2 });
    expect(source.at(["list", 0, "nowhere"])).toEqual({ line: 11, column: 7, length: 4 });
    expect(source.at(["plain", "x"])).toEqual({ line: 1, column: 1, length: 5 });
  });

  it("makes diagnostics for what only the caller can check", () => {
    const what = { code: "CFG_UNKNOWN_DEVICE", message: "expected a device of this site", hint: 'did you mean "a"?' };
    expect(source.diagnostic(["list", 0, "name"], what)).toEqual({
      file: "r.yaml",
      line: 11,
      column: 13,
      length: 3,
      severity: "error",
      path: "list[0].name",
      ...what,
    });
  });
});
