import type { InventoryDevice } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { compileRules } from "./file.ts";
import { compileOverrides, effectiveVars, idleOverrides, type OverrideTarget, withOverrides } from "./overrides.ts";
import { device, SITE, START, stage } from "./sample-engine.ts";
import type { RuleSet } from "./types.ts";

const RULES = `
group: test
rules:
  - { id: low, title: "{{device}} below {{vars.low}} %", select: kind == "label_printer", when: media_remaining_percent < vars.low, severity: minor, category: consumable, vars: { low: 15, name: "x" } }
  - { id: few, title: t, scope: site, when: failed("pos_terminal") >= vars.many, severity: minor, category: network, vars: { many: 3 } }
`;
const SET: RuleSet = (() => {
  const compiled = compileRules([{ file: "rules.yaml", text: RULES }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.rules;
})();

const read = (...entries: readonly string[]) =>
  compileOverrides(
    { file: "overrides.yaml", text: `overrides:\n${entries.map((entry) => `  - ${entry}\n`).join("")}` },
    SET.rules,
    ["berlin-01", "berlin-02"],
  );
const good = (...entries: readonly string[]) => {
  const compiled = read(...entries);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.overrides;
};

const printer = (given: Partial<InventoryDevice> = {}): InventoryDevice =>
  device("printer", "label_printer", {
    labels: { zone: "dock", lane: "3" },
    asset: { vendor: "Zebra Technologies", model: "ZT411-203dpi", firmware: "V92.21.39Z" },
    ...given,
  });
const target = (given: Partial<OverrideTarget> = {}): OverrideTarget => ({
  site: "berlin-01",
  format: "store",
  device: printer(),
  ...given,
});
const lowOf = (entries: readonly string[], of = target()) => {
  const [rule] = SET.rules;
  if (rule === undefined) throw new Error("no rule");
  return effectiveVars(rule, good(...entries), of).get("low")?.value;
};

const SITE_IS = "{ rule: low, where: { site: berlin-01 }, vars: { low: 1 } }";
const TWO_LABELS = '{ rule: low, where: { labels: { zone: dock, lane: "3" } }, vars: { low: 2 } }';
const ONE_LABEL = "{ rule: low, where: { labels: { zone: dock } }, vars: { low: 3 } }";
const FIRMWARE = '{ rule: low, where: { firmware: "v92*" }, vars: { low: 4 } }';
const MODEL = '{ rule: low, where: { model: "zt4*" }, vars: { low: 5 } }';
const VENDOR = '{ rule: low, where: { vendor: "zebra technologies" }, vars: { low: 6 } }';
const FORMAT = "{ rule: low, where: { format: store }, vars: { low: 7 } }";
const BY_RANK = [SITE_IS, TWO_LABELS, ONE_LABEL, FIRMWARE, MODEL, VENDOR, FORMAT];

describe("the most specific override", () => {
  it.each(BY_RANK.map((entry, i) => ({ entry, i })))("wins over all less specific ones: $entry", ({ i }) => {
    expect(lowOf(BY_RANK.slice(i).reverse())).toBe(i + 1);
    expect(lowOf(BY_RANK.slice(i))).toBe(i + 1);
  });

  it.each([
    { name: "another site", entry: SITE_IS, of: target({ site: "berlin-02" }) },
    { name: "a label that it lacks", entry: ONE_LABEL, of: target({ device: printer({ labels: {} }) }) },
    { name: "hardware that nobody knows", entry: MODEL, of: target({ device: printer({ asset: {} }) }) },
    { name: "another format", entry: FORMAT, of: target({ format: "dc" }) },
    { name: "another rule", entry: "{ rule: few, where: { site: berlin-01 }, vars: { many: 9 } }", of: target() },
  ])("does not reach $name", ({ entry, of }) => expect(lowOf([entry], of)).toBe(15));

  it("leaves the other vars as they are, and says where each is from", () => {
    const [rule] = SET.rules;
    if (rule === undefined) throw new Error("no rule");
    const vars = effectiveVars(rule, good(SITE_IS), target());
    expect(vars.get("name")).toEqual({ value: "x", from: null });
    expect(vars.get("low")?.from).toMatchObject({ file: "overrides.yaml", line: 2 });
  });

  it("of no device there is, is found", () => {
    const overrides = good(MODEL, "{ rule: low, where: { model: TC52 }, vars: { low: 9 } }");
    expect(idleOverrides(overrides, [target()]).map(({ line }) => line)).toEqual([3]);
  });
});

describe("what is wrong", () => {
  it.each([
    {
      name: "no such rule",
      entries: ["{ rule: lwo, where: { site: berlin-01 }, vars: { low: 1 } }"],
      code: "RULE_UNKNOWN_RULE",
      hint: 'did you mean "low"?',
    },
    {
      name: "no such var",
      entries: ["{ rule: low, where: { site: berlin-01 }, vars: { loww: 1 } }"],
      code: "RULE_UNKNOWN_VAR",
      hint: 'did you mean "low"?',
    },
    {
      name: "another type",
      entries: ["{ rule: low, where: { site: berlin-01 }, vars: { low: much } }"],
      code: "RULE_VAR_TYPE",
    },
    { name: "nothing said", entries: ["{ rule: low, where: { site: berlin-01 }, vars: {} }"], code: "RULE_OVERRIDE" },
    { name: "nobody meant", entries: ["{ rule: low, where: {}, vars: { low: 1 } }"], code: "RULE_OVERRIDE" },
    {
      name: "a device with a rule over sites",
      entries: ["{ rule: few, where: { model: X }, vars: { many: 1 } }"],
      code: "RULE_OVERRIDE",
    },
    {
      name: "an unknown key",
      entries: ["{ rule: low, where: { sites: berlin-01 }, vars: { low: 1 } }"],
      code: "CFG_UNKNOWN_KEY",
    },
    {
      name: "a tie",
      entries: [MODEL, "{ rule: low, where: { model: ZT411-203dpi }, vars: { low: 9 } }"],
      code: "RULE_OVERRIDE_TIE",
    },
    {
      name: "a tie of labels that one device may have",
      entries: [ONE_LABEL, '{ rule: low, where: { labels: { lane: "3" } }, vars: { low: 9 } }'],
      code: "RULE_OVERRIDE_TIE",
    },
  ])("$name", ({ entries, code, hint }) => {
    const compiled = read(...entries);
    expect(compiled.ok).toBe(false);
    if (!compiled.ok) expect(compiled.diagnostics).toMatchObject([{ code, ...(hint && { hint }) }]);
  });

  it.each([
    { name: "other hardware", entries: [MODEL, "{ rule: low, where: { model: GX420d }, vars: { low: 9 } }"] },
    { name: "the same value", entries: [MODEL, "{ rule: low, where: { model: ZT411-203dpi }, vars: { low: 5 } }"] },
    {
      name: "other values of a label",
      entries: [ONE_LABEL, "{ rule: low, where: { labels: { zone: till } }, vars: { low: 9 } }"],
    },
    { name: "other vars", entries: [MODEL, '{ rule: low, where: { model: "ZT*" }, vars: { name: y } }'] },
  ])("is not a tie: $name", ({ entries }) => expect(read(...entries).ok).toBe(true));

  it("is not hidden by another entry's", () => {
    const compiled = read(
      "{ rule: lwo, where: { site: berlin-01 }, vars: { low: 1 } }",
      "{ rule: low, where: { sites: berlin-01 }, vars: { low: 1 } }",
    );
    const codes = compiled.ok ? [] : compiled.diagnostics.map(({ code }) => code);
    expect(codes).toEqual(["RULE_UNKNOWN_RULE", "CFG_UNKNOWN_KEY"]);
  });

  it("is only a warning where a site is not listed", () => {
    const compiled = read("{ rule: low, where: { site: berlin-10 }, vars: { low: 1 } }");
    expect(compiled.ok && compiled.warnings).toMatchObject([{ code: "RULE_OVERRIDE_IDLE", severity: "warning" }]);
  });
});

describe("in the engine", () => {
  const low = (value: number) => ({ up: true, media_remaining_percent: value });

  it("each device is judged by its own vars, and the title has them", () => {
    const set = withOverrides(SET, good("{ rule: low, where: { model: ZT411-203dpi }, vars: { low: 40 } }"));
    const { engine, read: observe, said } = stage(set, [printer(), device("other", "label_printer")]);
    observe("printer", 0, low(30));
    observe("other", 0, low(30));
    expect(said).toEqual(["0s printer low inactive>firing minor"]);
    expect(set.version).not.toBe(SET.version);
    expect(engine.standing()[0]?.ruleVersion).not.toBe(SET.rules[0]?.version);
  });

  it("a swap for other hardware is judged at once by what holds for that", () => {
    const set = withOverrides(SET, good("{ rule: low, where: { model: ZT411-203dpi }, vars: { low: 40 } }"));
    const { engine, read: observe, say, said } = stage(set, [printer({ asset: { model: "GX420d" } })]);
    observe("printer", 0, low(30));
    say(engine.setInventory(SITE, "back-office", [printer()], START + 5_000));
    say(engine.setInventory(SITE, "back-office", [printer({ asset: {} })], START + 8_000));
    expect(said).toEqual(["5s printer low inactive>firing minor", "8s printer low firing>inactive (rule_changed)"]);
  });

  it("goes by the format of the site", () => {
    const set = withOverrides(SET, good("{ rule: low, where: { format: dc }, vars: { low: 40 } }"));
    const { engine, read: observe, say, said } = stage(set, [printer()]);
    observe("printer", 0, low(30));
    say(engine.setSites([{ id: SITE, name: SITE, timeZone: "UTC", format: "dc" }], START + 5_000));
    expect(said).toEqual(["5s printer low inactive>firing minor"]);
  });

  it("keeps the timers where nothing changed", () => {
    const timed = {
      ...SET,
      rules: SET.rules.map((rule) => ({ ...rule, raise: rule.raise.map((step) => ({ ...step, forMs: 20_000 })) })),
    };
    const { engine, read: observe, say, tick, said } = stage(timed, [printer()]);
    observe("printer", 0, low(3));
    say(
      engine.setRules(
        withOverrides(timed, good("{ rule: low, where: { site: berlin-01 }, vars: { low: 40 } }")),
        START + 5_000,
      ),
    );
    tick(20);
    expect(said).toEqual(["0s printer low inactive>pending minor", "20s printer low pending>firing minor"]);
  });
});
