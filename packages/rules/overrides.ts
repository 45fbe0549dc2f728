/**
 * overrides.yaml: other values of a rule's `vars` for some sites or devices, so that a threshold that one store needs is
 * no copy of the rule.
 *
 *     overrides:
 *       - rule: label-media-low
 *         where: { site: [berlin-01, berlin-02], model: "ZT4*" }
 *         vars: { low: 25 }
 *
 * What `where` names must all fit; of a list, one. Where several entries give the same var to one device, the most
 * specific wins: one that names the site; else one with more labels; then firmware, model, vendor and format, in this
 * order. Two entries that could fit one device, are equally specific and give different values are a mistake, whether
 * there is such a device or not: what a threshold is must not change with the inventory.
 */
import { type Diagnostic, parseYaml, suggest, type YamlSource } from "@aislewatch/config";
import type { InventoryDevice, Value } from "@aislewatch/contract";
import { z } from "zod";
import { checkCondition } from "./condition.ts";
import { contentHash } from "./hash.ts";
import { checkSelect } from "./select.ts";
import type { Override, OverridePlace, Rule, RuleSet } from "./types.ts";

/** What an override is matched with; `device` is null for a rule over a whole site. */
export type OverrideTarget = {
  readonly site: string;
  readonly format: string;
  readonly device: Pick<InventoryDevice, "labels" | "asset"> | null;
};

/** A chain of some hundred stores needs a few dozen. */
const OVERRIDES_MAX = 5_000;
const VALUES_MAX = 5_000;

const word = z.string().min(1).max(128);
const words = z
  .union([word, z.array(word).min(1).max(VALUES_MAX)])
  .transform((written): readonly string[] => [written].flat());
const places = z.strictObject({
  site: words.optional(),
  format: words.optional(),
  labels: z.record(z.string(), words).optional(),
  vendor: words.optional(),
  model: words.optional(),
  firmware: words.optional(),
});
const entrySchema = z.strictObject({
  rule: z.string(),
  where: places,
  vars: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
});
const fileSchema = z.strictObject({ overrides: z.array(entrySchema).max(OVERRIDES_MAX) });
/** The same without a look into the entries. */
const looseSchema = z.looseObject({ overrides: z.array(z.unknown()).max(OVERRIDES_MAX) });
type Written = z.infer<typeof entrySchema>;

export type CompiledOverrides =
  | {
      readonly ok: true;
      readonly overrides: readonly Override[];
      readonly warnings: readonly Diagnostic[];
      readonly source: YamlSource;
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** The whole file or everything that is wrong with it. `sites` are those that are listed, where that is known. */
export function compileOverrides(
  file: { readonly file: string; readonly text: string },
  rules: readonly Rule[],
  sites: readonly string[] | null = null,
): CompiledOverrides {
  const parsed = parseYaml(file, fileSchema);
  const known = new Map(rules.map((rule) => [rule.id, rule]));
  if (!parsed.ok)
    return { ok: false, diagnostics: [...parsed.diagnostics, ...salvage(file, known, sites)].sort(inOrder) };
  const { source, value } = parsed;
  const overrides = value.overrides.map(({ rule, where, vars }, i): Override => {
    const { line } = source.at(["overrides", i]);
    return { rule, where: given(where), vars, file: source.file, line };
  });
  const found = value.overrides.flatMap((written, i) =>
    entryMistakes({ written, at: ["overrides", i], source }, known, sites),
  );
  found.push(...tieMistakes(overrides, source));
  found.sort(inOrder);
  if (found.some(({ severity }) => severity === "error")) return { ok: false, diagnostics: found };
  return { ok: true, overrides, warnings: found, source };
}

const inOrder = (a: Diagnostic, b: Diagnostic): number => a.line - b.line || a.column - b.column;

/** Of a file with a misshapen entry, what is wrong with the others: one run should show all there is. */
function salvage(
  file: { readonly file: string; readonly text: string },
  known: ReadonlyMap<string, Rule>,
  sites: readonly string[] | null,
): Diagnostic[] {
  const loose = parseYaml(file, looseSchema);
  if (!loose.ok) return [];
  return loose.value.overrides.flatMap((raw, i) => {
    const read = entrySchema.safeParse(raw);
    if (!read.success) return [];
    return entryMistakes({ written: read.data, at: ["overrides", i], source: loose.source }, known, sites);
  });
}

/** The set with these overrides in it; its version is another as soon as one of them is. */
export function withOverrides(set: RuleSet, overrides: readonly Override[]): RuleSet {
  if (overrides.length === 0) return set;
  const deciding = overrides.map(({ rule, where, vars }) => [rule, where, vars]);
  return { ...set, overrides, version: contentHash(`${set.version} ${JSON.stringify(deciding)}`) };
}

export type EffectiveVar = {
  readonly value: Value | string;
  /** What gave it; null: the rule itself. */
  readonly from: Override | null;
};

/** The vars of a rule as they are for one device or site, each with where it is from. */
export function effectiveVars(
  rule: Pick<Rule, "id" | "vars">,
  overrides: readonly Override[],
  target: OverrideTarget,
): ReadonlyMap<string, EffectiveVar> {
  const vars = new Map<string, EffectiveVar>();
  for (const [name, value] of Object.entries(rule.vars)) vars.set(name, { value, from: null });
  const fitting = overrides.filter((each) => each.rule === rule.id && fits(each.where, target));
  fitting.sort((a, b) => compareRank(rankOf(a.where), rankOf(b.where)));
  for (const from of fitting) {
    for (const [name, value] of Object.entries(from.vars)) if (vars.has(name)) vars.set(name, { value, from });
  }
  return vars;
}

/** Overrides that fit none of these devices, nor the site of any: likely a slip, or hardware that is gone. */
export function idleOverrides(overrides: readonly Override[], targets: readonly OverrideTarget[]): Override[] {
  return overrides.filter(({ where }) => !targets.some((target) => fits(where, target)));
}

export function fits(where: OverridePlace, { site, format, device }: OverrideTarget): boolean {
  if (!isIn(where.site, site) || !isIn(where.format, format)) return false;
  if (device === null) return DEVICE_KEYS.every((key) => where[key] === undefined);
  const { labels, asset } = device;
  for (const [name, values] of Object.entries(where.labels ?? {})) {
    const value = labels[name];
    if (value === undefined || !values.includes(value)) return false;
  }
  return ASSET_KEYS.every((key) => where[key]?.some((pattern) => matches(pattern, asset[key] ?? "")) ?? true);
}

const ASSET_KEYS = ["vendor", "model", "firmware"] as const;
const DEVICE_KEYS = [...ASSET_KEYS, "labels"] as const;

const isIn = (list: readonly string[] | undefined, value: string): boolean => list?.includes(value) ?? true;

/** A device writes its model as it likes: case means nothing, and `ZT4*` is whatever begins so. */
function matches(pattern: string, text: string): boolean {
  const [wanted, got] = [pattern.toLowerCase(), text.toLowerCase()];
  return wanted.endsWith("*") ? got.startsWith(wanted.slice(0, -1)) : got === wanted;
}

/** How specific: what comes first counts most. */
const rankOf = (where: OverridePlace): readonly number[] => [
  where.site === undefined ? 0 : 1,
  Object.keys(where.labels ?? {}).length,
  where.firmware === undefined ? 0 : 1,
  where.model === undefined ? 0 : 1,
  where.vendor === undefined ? 0 : 1,
  where.format === undefined ? 0 : 1,
];

function compareRank(a: readonly number[], b: readonly number[]): number {
  for (const [i, rank] of a.entries()) {
    const difference = rank - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

// ── What may be wrong

type Entry = { readonly written: Written; readonly at: readonly (string | number)[]; readonly source: YamlSource };

function entryMistakes(
  entry: Entry,
  known: ReadonlyMap<string, Rule>,
  sites: readonly string[] | null,
): readonly Diagnostic[] {
  const rule = known.get(entry.written.rule);
  if (rule === undefined) return [unknownRule(entry, known.keys()), ...placeMistakes(entry, null, sites)];
  return [...varMistakes(entry, rule), ...placeMistakes(entry, rule, sites)];
}

function unknownRule({ written, at, source }: Entry, known: Iterable<string>): Diagnostic {
  const near = suggest(written.rule, known);
  const message = `expected the id of a rule; received "${written.rule}"`;
  const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
  return source.diagnostic([...at, "rule"], { code: "RULE_UNKNOWN_RULE", message, ...hint });
}

function varMistakes({ written, at, source }: Entry, rule: Rule): Diagnostic[] {
  const mistakes = Object.entries(written.vars).flatMap(([name, value]) => {
    const own = rule.vars[name];
    const here = { place: [...at, "vars", name], names: Object.keys(rule.vars) };
    if (own === undefined || !Object.hasOwn(rule.vars, name)) {
      const near = suggest(name, here.names);
      const message = `expected one of the vars of ${rule.id} (${here.names.join(", ") || "it has none"}); received "${name}"`;
      const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
      return [source.diagnostic(here.place, { code: "RULE_UNKNOWN_VAR", message, key: true, ...hint })];
    }
    if (typeof own === typeof value) return [];
    const message = `expected a ${typeof own} as in the rule (${own}); received ${JSON.stringify(value)}`;
    return [source.diagnostic(here.place, { code: "RULE_VAR_TYPE", message })];
  });
  if (Object.keys(written.vars).length === 0) {
    const message = "expected at least one var with another value";
    mistakes.push(source.diagnostic([...at, "vars"], { code: "RULE_OVERRIDE", message }));
  }
  return mistakes.length > 0 ? mistakes : conditionMistakes({ written, at, source }, rule);
}

/** With other constants a condition may say what it may not: a silence of no seconds, for example. */
function conditionMistakes({ written, at, source }: Entry, rule: Rule): Diagnostic[] {
  const selected = checkSelect(rule.select);
  const kinds = selected.ok ? selected.value.kinds : null;
  const place = { scope: rule.scope, kinds, vars: { ...rule.vars, ...written.vars } };
  const texts = [...rule.raise, ...(rule.clear === null ? [] : [rule.clear])].map(({ when }) => when);
  const [problem] = texts.flatMap((text) => {
    const checked = checkCondition(text, place);
    return checked.ok ? [] : checked.error;
  });
  if (problem === undefined) return [];
  const message = `with these vars a condition of ${rule.id} is wrong: ${problem.message}`;
  return [source.diagnostic([...at, "vars"], { code: problem.code, message })];
}

function placeMistakes(
  { written: { where }, at, source }: Entry,
  rule: Rule | null,
  sites: readonly string[] | null,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (Object.keys(given(where)).length === 0) {
    const message = "expected one of site, format, labels, vendor, model, firmware; for all, change the rule";
    found.push(source.diagnostic([...at, "where"], { code: "RULE_OVERRIDE", message }));
  }
  const ofDevices = DEVICE_KEYS.find((key) => where[key] !== undefined);
  if (rule?.scope === "site" && ofDevices !== undefined) {
    const message = `${rule.id} is about a whole site: expected site or format; received ${ofDevices}`;
    found.push(source.diagnostic([...at, "where", ofDevices], { code: "RULE_OVERRIDE", message, key: true }));
  }
  for (const site of where.site ?? []) {
    if (sites === null || sites.includes(site)) continue;
    const near = suggest(site, sites);
    const message = `no site "${site}" is listed: until an agent speaks for one, this selects nothing`;
    const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
    const what = { code: "RULE_OVERRIDE_IDLE", message, severity: "warning", ...hint } as const;
    found.push(source.diagnostic([...at, "where", "site"], what));
  }
  return found;
}

function tieMistakes(overrides: readonly Override[], source: YamlSource): Diagnostic[] {
  const byRule = Map.groupBy(overrides.entries(), ([, { rule }]) => rule);
  return [...byRule.values()].flatMap((entries) =>
    entries.flatMap(([i, later], place) => {
      const rival = entries.slice(0, place).find(([, earlier]) => isTie(earlier, later));
      if (rival === undefined) return [];
      const message = `as specific as the entry on line ${rival[1].line}, could fit the same device and says otherwise`;
      const hint = "name one more thing in one of them, or give both the same value";
      return [source.diagnostic(["overrides", i], { code: "RULE_OVERRIDE_TIE", message, hint })];
    }),
  );
}

function isTie(a: Override, b: Override): boolean {
  if (compareRank(rankOf(a.where), rankOf(b.where)) !== 0) return false;
  const differ = Object.entries(a.vars).some(([name, value]) => name in b.vars && b.vars[name] !== value);
  return differ && mayMeet(a.where, b.where);
}

/** Could one device fit both? */
function mayMeet(a: OverridePlace, b: OverridePlace): boolean {
  const share = (one?: readonly string[], other?: readonly string[]): boolean =>
    one === undefined || other === undefined || one.some((x) => other.some((y) => overlap(x, y)));
  const keys = [...ASSET_KEYS, "site", "format"] as const;
  const labels = Object.keys(a.labels ?? {});
  return (
    keys.every((key) => share(a[key], b[key])) && labels.every((name) => share(a.labels?.[name], b.labels?.[name]))
  );
}

function overlap(x: string, y: string): boolean {
  if (y.endsWith("*")) return matches(y, x.endsWith("*") ? x.slice(0, -1) : x) || matches(x, y.slice(0, -1));
  return matches(x, y);
}

/** Only what is written: `exactOptionalPropertyTypes` tells absent from undefined. */
function given(where: Written["where"]): OverridePlace {
  const { site, format, labels, vendor, model, firmware } = where;
  return {
    ...(site !== undefined && { site }),
    ...(format !== undefined && { format }),
    ...(labels !== undefined && { labels }),
    ...(vendor !== undefined && { vendor }),
    ...(model !== undefined && { model }),
    ...(firmware !== undefined && { firmware }),
  };
}
