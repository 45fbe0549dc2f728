/**
 * Rule files (docs/rules.md): YAML to rules, or everything that is wrong with them at once. One file is one group. A
 * set of files is taken whole or not at all, so that a typo never half-disarms a store.
 *
 * What is left out means: `scope: device`, `for: 0s`, `clear`: when no step is raised, `keep: 0s`, `missing: hold`,
 * `depends_on: all` (whatever is down above the device in its own dependency tree), `auto_close: never`, `tier: 1`,
 * `flap`: none, `active_in: always`, `mode: live`. With `on: event`: `count: 1`, `within: 10m`, `clear`: the code with
 * `_cleared` behind it.
 */
import { type Diagnostic, durationMs, parseYaml, suggest, type YamlSource } from "@aislewatch/config";
import { CATEGORIES, findMetric, KINDS, type Kind, SEVERITIES, type Severity } from "@aislewatch/devices";
import { z } from "zod";
import { type Condition, type ConditionPlace, checkCondition, groupSuggestion, type Problem } from "./condition.ts";
import { circlesOf } from "./cycle.ts";
import { checkEventCondition } from "./event-condition.ts";
import { contentHash } from "./hash.ts";
import { partClassOf } from "./plan.ts";
import { checkSelect, type Selector } from "./select.ts";
import { TITLE_SUBJECTS, titleNames } from "./title.ts";
import { type RuleTest, testSchema } from "./trial-file.ts";
import { checkTestNames } from "./trial-rules.ts";
import type { Rule, RuleSet, Step } from "./types.ts";

const RULE_ID = /^[a-z][a-z0-9-]{0,63}$/;
const RUNBOOK = /^[a-z0-9-]{1,64}\/[a-z0-9-]{1,64}$/;

const condition = z.string().min(1).max(2_000);
const id = z.string().regex(RULE_ID, "an id of lower-case letters, digits and hyphens, such as labels-low");
const stepSchema = z.strictObject({ when: condition, for: durationMs.optional() });
const missingPolicy = z.enum(["hold", "ok", "raise"]);

const missingSchema = z
  // biome-ignore lint/suspicious/noThenProperty: the field's own word; nobody awaits a policy.
  .strictObject({ then: missingPolicy, after: durationMs })
  .transform(({ then, after }) => ({ then, afterMs: after }));

const eventCode = z.string().regex(/^[a-z][a-z0-9_]{0,127}$/, "a code such as media_out");
const eventCodes = z.union([eventCode, z.array(eventCode).min(1).max(16)]);
/** Of one device; what comes more often than a hundred times is a metric and no event. */
const EVENT_COUNT_MAX = 100;
const FLAP_ENTER_MAX = 20;

const ruleSchema = z.strictObject({
  id,
  title: z.string().min(1).max(200),
  select: condition.optional(),
  scope: z.enum(["device", "component", "site"]).default("device"),
  raise: z
    .strictObject({
      info: stepSchema.optional(),
      minor: stepSchema.optional(),
      major: stepSchema.optional(),
      critical: stepSchema.optional(),
    })
    .optional(),
  when: condition.optional(),
  for: durationMs.optional(),
  severity: z.enum(SEVERITIES).optional(),
  clear: z
    .strictObject({
      when: condition.optional(),
      for: durationMs.optional(),
      code: eventCodes.optional(),
      after: durationMs.optional(),
    })
    .optional(),
  on: z.enum(["reading", "event"]).default("reading"),
  code: eventCodes.optional(),
  count: z.int().min(1).max(EVENT_COUNT_MAX).optional(),
  within: durationMs.optional(),
  flap: z.strictObject({ enter: z.int().min(2).max(FLAP_ENTER_MAX), within: durationMs, quiet: durationMs }).optional(),
  active_in: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,63}$/, "always, trading_hours or the name of a calendar")
    .default("always"),
  keep: durationMs.optional(),
  missing: z.union([missingPolicy, missingSchema]).default("hold"),
  depends_on: z.union([z.enum(["all", "none"]), z.array(z.enum(KINDS))]).default("all"),
  absorbs: z.array(id).default([]),
  category: z.enum(CATEGORIES),
  tier: z.int().min(0).max(4).default(1),
  auto_close: z.union([z.literal("never"), durationMs]).default("never"),
  runbook: z.string().regex(RUNBOOK, "kind/fault, such as label-printer/media-low, without .md").optional(),
  vars: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]*$/, "a name of lower-case letters, digits and _"),
      z.union([z.number(), z.boolean(), z.string()]),
    )
    .default({}),
  mode: z.enum(["live", "shadow"]).default("live"),
  tests: z.array(testSchema).default([]),
});
export type WrittenRule = z.infer<typeof ruleSchema>;

const fileSchema = z.strictObject({
  group: id,
  select: condition.default("true"),
  rules: z.array(ruleSchema).min(1),
});
export type WrittenFile = z.infer<typeof fileSchema>;

/** The same without a look into the rules. */
const looseSchema = z.looseObject({
  group: z.string().catch(""),
  select: condition.default("true").catch("true"),
  rules: z.array(z.unknown()),
});

/** How long `missing: ok` and `missing: raise` wait when they don't say. */
const MISSING_AFTER_MS = 600_000;

/** A test with the rule that it tries, and where it stands. */
export type PlacedTest = {
  readonly rule: string;
  readonly test: RuleTest;
  readonly file: string;
  readonly line: number;
};

/** A rule with its own text: where each of its keys stands, for whoever has something to say about it. */
export type PlacedRule = {
  readonly rule: Rule;
  readonly written: WrittenRule;
  readonly source: YamlSource;
  /** Of the rule in its file: `rules`, index. */
  readonly path: Path;
};

/** `placed` holds the rules whose shape is right, in a refused set, too. */
export type CompiledRules =
  | {
      readonly ok: true;
      readonly rules: RuleSet;
      readonly tests: readonly PlacedTest[];
      readonly warnings: readonly Diagnostic[];
      readonly placed: readonly PlacedRule[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[]; readonly placed: readonly PlacedRule[] };

/** The whole set or, with any error in any file, every diagnostic of all files. Never throws. */
export function compileRules(files: readonly { file: string; text: string }[]): CompiledRules {
  const read = files.map((file) => parseYaml(file, fileSchema));
  const compiled = read.map((result, i) => (result.ok ? compileFile(result.value, result.source) : salvage(files[i])));
  const diagnostics = read.flatMap((result) => (result.ok ? [] : result.diagnostics));
  const placed = compiled.flatMap((file) => file?.rules ?? []);
  const isWhole = read.every(({ ok }) => ok);
  diagnostics.push(
    ...compiled.flatMap((file) => file?.diagnostics ?? []),
    ...acrossFiles(placed, isWhole),
    ...checkTestNames(placed, isWhole),
  );
  diagnostics.sort(inOrderOf(files.map(({ file }) => file)));
  if (diagnostics.some(({ severity }) => severity === "error")) return { ok: false, diagnostics, placed };
  const rules = placed.map(({ rule }) => rule);
  const tests = placed.flatMap(({ rule, written, source, path }) =>
    written.tests.map((test, i) => {
      const { line } = source.at([...path, "tests", i]);
      return { rule: rule.id, test, file: source.file, line };
    }),
  );
  const version = contentHash(rules.map((rule) => `${rule.id} ${rule.version}`).join("\n"));
  return { ok: true, rules: { rules, version }, tests, warnings: diagnostics, placed };
}

/** By file as given, then by place. */
export const inOrderOf = (files: readonly string[]) => (a: Diagnostic, b: Diagnostic) =>
  files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;

type Path = readonly (string | number)[];

function compileFile(file: WrittenFile, source: YamlSource): { rules: PlacedRule[]; diagnostics: Diagnostic[] } {
  const complaints = new Complaints(source);
  const group = complaints.select(file.select, ["select"]);
  const rules = file.rules.map((written, i): PlacedRule => {
    const path = ["rules", i];
    return { rule: compileRule(written, { file, group, path, complaints }), written, source, path };
  });
  return { rules, diagnostics: complaints.all };
}

/** Of a file with a misshapen rule, the mistakes in the conditions of the others: one run should show all there are. */
function salvage(file: { file: string; text: string } | undefined): ReturnType<typeof compileFile> | null {
  const loose = file === undefined ? null : parseYaml(file, looseSchema);
  if (!loose?.ok) return null;
  const complaints = new Complaints(loose.source);
  const { group, select, rules } = loose.value;
  const selected = complaints.select(select, ["select"]);
  const placed = rules.flatMap((raw, i): PlacedRule[] => {
    const parsed = ruleSchema.safeParse(raw);
    if (!parsed.success) return [];
    const [written, path] = [parsed.data, ["rules", i]];
    const place = { file: { group, select, rules: [] }, group: selected, path, complaints };
    return [{ rule: compileRule(written, place), written, source: loose.source, path }];
  });
  return { rules: placed, diagnostics: complaints.all };
}

/** Duplicate ids, and when every file could be read names of rules that are nowhere. */
function acrossFiles(placed: readonly PlacedRule[], isWhole: boolean): Diagnostic[] {
  const first = new Map<string, PlacedRule>();
  const found: Diagnostic[] = [];
  for (const each of placed) {
    const { rule, source, path } = each;
    const before = first.get(rule.id);
    if (before === undefined) first.set(rule.id, each);
    else {
      const message = `expected each id once; "${rule.id}" stands at ${before.rule.file}:${before.rule.line}, too`;
      found.push(source.diagnostic([...path, "id"], { code: "RULE_DUPLICATE_ID", message }));
    }
  }
  for (const { rule, source, path } of placed) {
    for (const [i, absorbed] of rule.absorbs.entries()) {
      if (!isWhole || first.has(absorbed)) continue;
      const near = suggest(absorbed, first.keys());
      const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
      const message = `expected the id of a rule; received "${absorbed}"`;
      found.push(source.diagnostic([...path, "absorbs", i], { code: "RULE_UNKNOWN_RULE", message, ...hint }));
    }
  }
  const absorbs = new Map([...first].map(([id, { rule }]) => [id, rule.absorbs]));
  for (const circle of circlesOf(absorbs)) {
    const at = first.get(circle[0] ?? "");
    const message = `expected a wider rule to absorb narrower ones; received a circle: ${[...circle, circle[0]].join(" → ")}`;
    if (at !== undefined) found.push(at.source.diagnostic([...at.path, "absorbs"], { code: "RULE_CYCLE", message }));
  }
  return found;
}

type RulePlace = {
  readonly file: WrittenFile;
  readonly group: Selector | null;
  readonly path: Path;
  readonly complaints: Complaints;
};

function compileRule(written: WrittenRule, { file, group, path, complaints }: RulePlace): Rule {
  const own = written.select === undefined ? null : complaints.select(written.select, [...path, "select"]);
  const kinds = bothKinds(group?.kinds ?? null, own?.kinds ?? null);
  if (kinds?.size === 0) {
    complaints.at([...path, "select"], "RULE_SELECT", "this and the group's select never hold together");
  }
  const place: ConditionPlace = { scope: written.scope, kinds, vars: written.vars };
  const on = compileTrigger(written, { path, complaints });
  const steps = on === null ? compileSteps(written, place, { path, complaints }) : eventSteps(written);
  const clear = on === null ? compileClear(written, place, { path, complaints }) : { clear: null, condition: null };
  const conditions = [...steps.conditions, ...(clear.condition === null ? [] : [clear.condition])];
  if (written.scope === "component" && on === null) checkPartClass(conditions, { path, complaints });
  checkTitle(written, kinds, { path, complaints });
  checkTests(written, kinds, { path, complaints });
  const rule: Omit<Rule, "version" | "file" | "line"> = {
    id: written.id,
    group: file.group,
    select: written.select === undefined ? file.select : `(${file.select}) && (${written.select})`,
    scope: written.scope,
    title: written.title,
    on,
    raise: steps.steps,
    clear: clear.clear,
    keepMs: Math.max(written.keep ?? 0, clear.clear === null ? (written.clear?.for ?? 0) : 0),
    missing: missingOf(written),
    flap: flapOf(written),
    activeIn: written.active_in,
    dependsOn: dependsOnOf(written),
    absorbs: written.absorbs,
    category: written.category,
    tier: written.tier,
    autoCloseMs: written.auto_close === "never" ? null : written.auto_close,
    runbook: written.runbook ?? null,
    vars: written.vars,
    mode: written.mode,
    chart: steps.conditions.find(({ chart }) => chart !== null)?.chart ?? null,
  };
  return { ...rule, version: contentHash(JSON.stringify(rule)), file: complaints.file, line: complaints.line(path) };
}

function bothKinds(a: ReadonlySet<Kind> | null, b: ReadonlySet<Kind> | null): ReadonlySet<Kind> | null {
  if (a === null || b === null) return a ?? b;
  return new Set([...a].filter((kind) => b.has(kind)));
}

function missingOf({ missing }: WrittenRule): Rule["missing"] {
  if (typeof missing !== "string") return missing;
  // biome-ignore lint/suspicious/noThenProperty: the field's own word; nobody awaits a policy.
  return { then: missing, afterMs: missing === "hold" ? 0 : MISSING_AFTER_MS };
}

function dependsOnOf({ depends_on: dependsOn }: WrittenRule): readonly string[] {
  if (dependsOn === "all") return ["*"];
  return dependsOn === "none" ? [] : dependsOn;
}

function flapOf({ flap }: WrittenRule): Rule["flap"] {
  return flap === undefined ? null : { enter: flap.enter, withinMs: flap.within, quietMs: flap.quiet };
}

type InRule = { readonly path: Path; readonly complaints: Complaints };

function compileSteps(
  written: WrittenRule,
  place: ConditionPlace,
  { path, complaints }: InRule,
): { steps: Step[]; conditions: Condition[] } {
  const asked = writtenSteps(written, { path, complaints });
  const conditions: Condition[] = [];
  const steps = asked.map(({ severity, when, forMs, at }): Step => {
    const checked = complaints.condition(when, place, at);
    if (checked !== null) conditions.push(checked);
    return { severity, when, forMs };
  });
  return { steps, conditions };
}

type AskedStep = Step & { readonly at: Path };

/** From the least severe to the most, from the ladder or the short form. */
function writtenSteps({ raise, when, severity, for: forMs }: WrittenRule, { path, complaints }: InRule): AskedStep[] {
  if (raise !== undefined && (when !== undefined || severity !== undefined || forMs !== undefined)) {
    complaints.at([...path, "raise"], "RULE_SHAPE", "expected raise, or when with severity and for; received both");
  }
  if (raise !== undefined) {
    const steps = SEVERITIES.flatMap((level): AskedStep[] => {
      const step = raise[level];
      if (step === undefined) return [];
      return [{ severity: level, when: step.when, forMs: step.for ?? 0, at: [...path, "raise", level, "when"] }];
    });
    if (steps.length === 0) complaints.at([...path, "raise"], "RULE_SHAPE", `expected ${SEVERITIES.join(", ")}`);
    return steps;
  }
  if (when === undefined || severity === undefined) {
    const lacking = when === undefined ? "when" : "severity";
    complaints.at(path, "RULE_SHAPE", `expected raise, or when and severity; received no ${lacking}`);
    return [];
  }
  const level: Severity = severity;
  return [{ severity: level, when, forMs: forMs ?? 0, at: [...path, "when"] }];
}

function compileClear(
  { clear }: WrittenRule,
  place: ConditionPlace,
  { path, complaints }: InRule,
): { clear: Rule["clear"]; condition: Condition | null } {
  if (clear?.when === undefined) return { clear: null, condition: null };
  const condition = complaints.condition(clear.when, place, [...path, "clear", "when"]);
  return { clear: { when: clear.when, forMs: clear.for ?? 0 }, condition };
}

/** How far back an event counts when the rule does not say. */
const EVENT_WITHIN_MS = 600_000;

/** What fires a rule with `on: event`; complains about keys of the one kind of rule in the other. */
function compileTrigger(written: WrittenRule, { path, complaints }: InRule): Rule["on"] {
  const { on, code, count = 1, within, clear } = written;
  if (on === "reading") {
    for (const key of ["code", "count", "within"] as const) {
      if (written[key] === undefined) continue;
      complaints.at([...path, key], "RULE_SHAPE", `expected ${key} only with on: event`);
    }
    for (const key of ["code", "after"] as const) {
      if (clear?.[key] === undefined) continue;
      complaints.at([...path, "clear", key], "RULE_SHAPE", `expected clear.${key} only with on: event`);
    }
    return null;
  }
  const misplaced = (["raise", "for", "keep", "flap"] as const).filter((key) => written[key] !== undefined);
  for (const key of misplaced) {
    complaints.at([...path, key], "RULE_SHAPE", `expected no ${key} with on: event: an event is a moment`);
  }
  for (const key of ["when", "for"] as const) {
    if (clear?.[key] === undefined) continue;
    complaints.at([...path, "clear", key], "RULE_SHAPE", "expected clear: { code, after } with on: event");
  }
  if (written.scope === "site") complaints.at([...path, "scope"], "RULE_SCOPE", "expected scope device or component");
  if (code === undefined) complaints.at(path, "RULE_SHAPE", "expected code with on: event; received none");
  if (written.severity === undefined) {
    complaints.at(path, "RULE_SHAPE", "expected severity with on: event; received none");
  }
  if (written.when !== undefined) complaints.event(written.when, [...path, "when"]);
  const codes = [code ?? []].flat();
  // A clear that names only a time ends by time alone.
  const byItself = clear?.after === undefined ? codes.map((each) => `${each}_cleared`) : [];
  return {
    codes,
    when: written.when ?? null,
    count,
    withinMs: within ?? EVENT_WITHIN_MS,
    clearCodes: clear?.code === undefined ? byItself : [clear.code].flat(),
    clearAfterMs: clear?.after ?? null,
  };
}

/** The event itself is the condition. */
const eventSteps = ({ severity = "minor" }: WrittenRule): { steps: Step[]; conditions: Condition[] } => ({
  steps: [{ severity, when: "true", forMs: 0 }],
  conditions: [],
});

/** A rule on components is about those of one class: a disk has no port. */
function checkPartClass(conditions: readonly Condition[], { path, complaints }: InRule): void {
  const uses = conditions.flatMap((each) => each.uses);
  const classes = uses.flatMap((use) => ("metric" in use && use.metric.component ? [use.metric.component] : []));
  if (conditions.length > 0 && partClassOf(uses) === null) {
    const message = "a rule with scope: component must read a metric of a component";
    complaints.at([...path, "scope"], "RULE_SCOPE", message);
  } else if (new Set(classes).size > 1) {
    const message = `expected metrics of one class of components; received ${[...new Set(classes)].join(" and ")}`;
    complaints.at([...path, "scope"], "RULE_SCOPE", message);
  }
}

function checkTitle(
  { title, vars, scope, on }: WrittenRule,
  kinds: ReadonlySet<Kind> | null,
  { path, complaints }: InRule,
): void {
  for (const { name, start, end } of titleNames(title)) {
    const isVar = name.startsWith("vars.") && Object.hasOwn(vars, name.slice("vars.".length));
    const isSubject = (TITLE_SUBJECTS as readonly string[]).includes(name);
    if (isVar || isSubject || (on === "event" && (name === "code" || name === "detail")) || name.endsWith(")"))
      continue;
    const metric = findMetric(name);
    const fits = metric !== undefined && (!metric.kinds || !kinds || metric.kinds.some((kind) => kinds.has(kind)));
    if (fits && scope !== "site") continue;
    const checked = checkCondition(name, { scope: "device", kinds, vars: {} });
    const hint = checked.ok ? undefined : checked.error[0]?.hint;
    const message = `expected a metric, vars.x, site, device or component; received "${name}"`;
    complaints.problem([...path, "title"], { start, end, code: "RULE_TITLE", message, ...(hint && { hint }) });
  }
}

function checkTests({ tests }: WrittenRule, kinds: ReadonlySet<Kind> | null, { path, complaints }: InRule): void {
  for (const [i, test] of tests.entries()) {
    const at = [...path, "tests", i];
    if (test.step < 1_000) complaints.at([...at, "step"], "RULE_TEST", "expected a step of 1s or more");
    const named: [Path, string][] = Object.keys(test.series ?? {}).map((name) => [[...at, "series", name], name]);
    for (const [component, metrics] of Object.entries(test.components ?? {})) {
      for (const name of Object.keys(metrics)) named.push([[...at, "components", component, name], name]);
    }
    for (const [where, name] of named) {
      if (findMetric(name) !== undefined) continue;
      const checked = checkCondition(name, { scope: "component", kinds, vars: {} });
      const hint = checked.ok ? undefined : checked.error[0]?.hint;
      complaints.at(where, "RULE_UNKNOWN_METRIC", `expected a metric of the catalogue; received "${name}"`, hint);
    }
  }
}

/** Collects what is wrong in one file. */
class Complaints {
  readonly all: Diagnostic[] = [];
  readonly #source: YamlSource;

  constructor(source: YamlSource) {
    this.#source = source;
  }

  get file(): string {
    return this.#source.file;
  }

  line(path: Path): number {
    return this.#source.at(path).line;
  }

  at(path: Path, code: string, message: string, hint?: string): void {
    this.all.push(this.#source.diagnostic(path, { code, message, ...(hint !== undefined && { hint }) }));
  }

  /** At the very characters of the text at `path`. */
  problem(path: Path, problem: Problem, severity: Diagnostic["severity"] = "error"): void {
    const { code, message, hint, start, end } = problem;
    const diagnostic = this.#source.diagnostic(path, { code, message, severity, ...(hint !== undefined && { hint }) });
    this.all.push({ ...diagnostic, ...this.#source.offsetIn(path, start, end) });
  }

  select(text: string, path: Path): Selector | null {
    const checked = checkSelect(text);
    if (checked.ok) return checked.value;
    for (const problem of checked.error) this.problem(path, problem);
    return null;
  }

  event(text: string, path: Path): void {
    const checked = checkEventCondition(text);
    if (!checked.ok) for (const problem of checked.error) this.problem(path, problem);
  }

  condition(text: string, place: ConditionPlace, path: Path): Condition | null {
    const checked = checkCondition(text, place);
    if (!checked.ok) {
      for (const problem of checked.error) this.problem(path, problem);
      return null;
    }
    for (const use of checked.value.uses) {
      const near = use.of === "count" ? groupSuggestion(use.group) : null;
      if (use.of !== "count" || near === null) continue;
      const { start, end } = use.node;
      const message = `"${use.group}" is no kind, so it is taken for a role`;
      const hint = `did you mean "${near}"?`;
      this.problem(path, { start, end, code: "RULE_UNKNOWN_GROUP", message, hint }, "warning");
    }
    return checked.value;
  }
}
