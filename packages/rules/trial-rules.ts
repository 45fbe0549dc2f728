/**
 * Which rules a test is about: its own, and beside it those that `with` names, so that what one rule does to another
 * (absorbing, a dead parent with a fault of its own) can be tried. Also what is wrong with the names of a test, which
 * only the whole set knows.
 */
import { type Diagnostic, suggest, type YamlSource } from "@aislewatch/config";
import { RULES_ALL, type RuleTest, WITH_FILE } from "./trial-file.ts";
import { DEVICE } from "./trial-fleet.ts";
import type { Rule } from "./types.ts";

type Path = readonly (string | number)[];

/** A rule with the tests that stand in it, and where. */
type PlacedRule = {
  readonly rule: Rule;
  readonly written: { readonly tests: readonly RuleTest[] };
  readonly source: YamlSource;
  readonly path: Path;
};

/** The test's own rule first, then what `with` names, each once and in the order of the set. */
export function rulesOfTest(all: readonly Rule[], own: Rule, { with: named }: Pick<RuleTest, "with">): readonly Rule[] {
  if (named === undefined) return [own];
  const isNamed = (rule: Rule): boolean =>
    named === WITH_FILE ? rule.file === own.file : named.some((name) => means(name, rule));
  return [own, ...all.filter((rule) => rule !== own && isNamed(rule))];
}

/** A rule by its id; or a file, by its name or the end of its path. */
const means = (name: string, { id, file }: Pick<Rule, "id" | "file">): boolean => id === name || isFile(name, file);

const isFile = (name: string, file: string): boolean => file === name || file.endsWith(`/${name}`);

const nameOfFile = (file: string): string => file.slice(file.lastIndexOf("/") + 1);

/** Names in tests that lead nowhere. `isWhole`: every file of the set could be read, so what is not there is nowhere. */
export function checkTestNames(placed: readonly PlacedRule[], isWhole: boolean): Diagnostic[] {
  const all = placed.map(({ rule }) => rule);
  return placed.flatMap((each) =>
    each.written.tests.flatMap((test, i) => {
      const at = [...each.path, "tests", i];
      const set = { at, all };
      const known = isWhole
        ? [...unknownRules(each, test, set), ...unloadedRules(each, test, set), ...unknownCauses(each, test, set)]
        : [];
      return [...known, ...unknownPlaces(each, test, at)];
    }),
  );
}

const hintOf = (near: string | null, otherwise?: string): { hint?: string } => {
  if (near !== null) return { hint: `did you mean "${near}"?` };
  return otherwise === undefined ? {} : { hint: otherwise };
};

function unknownRules({ source }: PlacedRule, test: RuleTest, set: { at: Path; all: readonly Rule[] }): Diagnostic[] {
  const names = test.with === undefined || test.with === WITH_FILE ? [] : test.with;
  return names.flatMap((name, i) => {
    if (set.all.some((rule) => means(name, rule))) return [];
    const isOfFile = /\.ya?ml$/.test(name);
    const known = set.all.map(({ id, file }) => (isOfFile ? nameOfFile(file) : id));
    const what = isOfFile ? "a file of the set" : "the id of a rule, or a file of the set";
    const message = `expected ${what}; received "${name}"`;
    const hint = hintOf(suggest(name, known), "give all files at once: aislewatch rules test FOLDER");
    return [source.diagnostic([...set.at, "with", i], { code: "RULE_UNKNOWN_RULE", message, ...hint })];
  });
}

/** What is expected of a rule that the test does not load. */
function unloadedRules(
  { source, rule: own }: PlacedRule,
  test: RuleTest,
  { at, all }: { at: Path; all: readonly Rule[] },
): Diagnostic[] {
  const loaded = rulesOfTest(all, own, test).map(({ id }) => id);
  return test.expect.flatMap(({ rule, ...rest }, i) => {
    if (rule === undefined || loaded.includes(rule) || (rule === RULES_ALL && !("at" in rest))) return [];
    const path = [...at, "expect", i, "rule"];
    const isThere = all.some(({ id }) => id === rule);
    const hint = isThere
      ? { hint: `load it: with: [${[...named(test), rule].join(", ")}]` }
      : hintOf(
          suggest(
            rule,
            all.map(({ id }) => id),
          ),
        );
    const message = `expected a rule of this test (${loaded.join(", ")}); received "${rule}"`;
    return [source.diagnostic(path, { code: "RULE_TEST", message, ...hint })];
  });
}

const named = ({ with: names }: RuleTest): readonly string[] =>
  names === undefined || names === WITH_FILE ? [] : names;

/** What a fault is put down to, and is no device or rule of the test. */
function unknownCauses(
  { source, rule: own }: PlacedRule,
  test: RuleTest,
  { at, all }: { at: Path; all: readonly Rule[] },
): Diagnostic[] {
  const known = [...devicesOf(test), ...rulesOfTest(all, own, test).map(({ id }) => id), "agent"];
  return test.expect.flatMap((each, i) => {
    if (!("at" in each) || typeof each.suppressed !== "string" || known.includes(each.suppressed)) return [];
    const word = each.suppressed;
    const isNo = /^(?:no|off)$/i.test(word);
    const near = isNo || /^(?:yes|on)$/i.test(word) ? null : suggest(word, known);
    const hint = near === null ? { hint: `write ${isNo ? "false" : "true"}, or what by` } : hintOf(near);
    const message = `expected true, false, or a device or rule of this test (${known.join(", ")}); received "${word}"`;
    return [source.diagnostic([...at, "expect", i, "suppressed"], { code: "RULE_TEST", message, ...hint })];
  });
}

const devicesOf = (test: RuleTest): string[] => [
  DEVICE,
  ...Object.keys(test.parents ?? {}),
  ...Object.keys(test.devices ?? {}),
];

/** Devices and components that the test does not have. */
function unknownPlaces({ source }: PlacedRule, test: RuleTest, at: Path): Diagnostic[] {
  const devices = devicesOf(test);
  const components = Object.keys(test.components ?? {});
  const wrong = (path: Path, name: string, known: readonly string[], what: string): Diagnostic[] => {
    if (known.includes(name)) return [];
    const message = `expected ${what} of this test (${known.join(", ") || "it has none"}); received "${name}"`;
    return [source.diagnostic([...at, ...path], { code: "RULE_TEST", message, ...hintOf(suggest(name, known)) })];
  };
  const depends = [...Object.entries(test.parents ?? {}), ...Object.entries(test.devices ?? {})].flatMap(
    ([id, { depends_on: above = [] }]) =>
      above.flatMap((name, i) => {
        const key = Object.hasOwn(test.parents ?? {}, id) ? "parents" : "devices";
        return wrong([key, id, "depends_on", i], name, devices, "a device");
      }),
  );
  const expected = test.expect.flatMap((each, i) => {
    if (!("at" in each)) return [];
    const { device, component } = each;
    return [
      ...(device === undefined ? [] : wrong(["expect", i, "device"], device, devices, "a device")),
      ...(component === undefined ? [] : wrong(["expect", i, "component"], component, components, "a component")),
    ];
  });
  const own = test.component === undefined ? [] : wrong(["component"], test.component, components, "a component");
  return [...own, ...depends, ...expected];
}
