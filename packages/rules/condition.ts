/**
 * Conditions: CEL (Common Expression Language, github.com/google/cel-spec) over the metrics of a subject. cel-js parses
 * and type-checks; compile.ts turns the tree into closures with three-valued logic. What a name may be comes from the
 * metric catalogue, so a typo is refused before anything runs, with its place in the text.
 *
 * On top of CEL's comparisons, arithmetic, `&&`, `||`, `!` and `? :` a condition knows
 * - metrics by name; in `scope: component` those of the component and of its device;
 * - `vars.x`, the rule's own constants;
 * - `avg min max sum count coverage rate increase delta changes last` over (metric, "5m"), windows in event time;
 *   `quantile(metric, 0.95, "1h")`; `eta(metric, target, "6h")`, seconds until it gets there; and
 *   `time_where(condition, "1h")`, seconds for which a condition over the subject's own metrics held;
 * - `streak(metric)`, how many readings in a row brought its present value: `!up && streak(up) >= 2`;
 * - `known(x)`, whether x is anything but unknown; itself never unknown, so use it where a device may lack a metric;
 * - `neighbours(condition)`, for how many other devices of the same kind and role at the site a condition over metrics and
 *   windows holds;
 * - `silent_for()`, seconds since the device last answered, compared with a constant (the engine sets a timer by it);
 * - in `scope: device`, `any_of all_of count_of` over a flag and `min_of max_of` over a number of its components;
 * - in `scope: site`, `working failed unknown expected`, each with a kind or a role: how many such devices.
 */
import { errorText } from "@aislewatch/base";
import { suggest } from "@aislewatch/config";
import type { Value } from "@aislewatch/contract";
import { CATALOGUE, findMetric, KINDS, type Kind, type Metric } from "@aislewatch/devices";
import { type ASTNode, Environment, ParseError, TypeError as TypeMistake } from "@marcbachmann/cel-js";
import { FUNCTION_TO_COME, RULE_FUNCTIONS } from "./functions.ts";
import { WINDOW_SPAN_MAX_MS } from "./window.ts";
import { WINDOW_FUNCTIONS } from "./window-functions.ts";

export type Scope = "device" | "component" | "site";
export type Vars = Readonly<Record<string, Value | string>>;

export type ConditionPlace = {
  readonly scope: Scope;
  /** Which kinds the rule selects, when that can be told from its text; null is any. */
  readonly kinds: ReadonlySet<Kind> | null;
  readonly vars: Vars;
};

/** Something wrong with the characters `start` to `end` of a condition. */
export type Problem = {
  readonly start: number;
  readonly end: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
};

/** What a condition looks at; `text` is how the condition writes it. */
export type Use = { readonly text: string; readonly node: ASTNode } & UseOf;
type UseOf =
  | { readonly of: "metric"; readonly metric: Metric }
  | { readonly of: "window"; readonly metric: Metric; readonly spanMs: number }
  | { readonly of: "time_where"; readonly spell: Spell; readonly metrics: readonly Metric[] }
  | { readonly of: "parts"; readonly metric: Metric }
  | { readonly of: "neighbours"; readonly metrics: readonly Metric[] }
  | { readonly of: "silence" }
  | { readonly of: "count"; readonly group: string };

/** The condition whose time `time_where` takes. Two of one key are one, whoever asks. */
export type Spell = { readonly key: string; readonly condition: ASTNode; readonly spanMs: number };

export type Condition = {
  readonly text: string;
  readonly tree: ASTNode;
  readonly uses: readonly Use[];
  /** Seconds that `silent_for()` is compared with. */
  readonly silenceSeconds: readonly number[];
  readonly chart: { readonly metric: string; readonly threshold: number | null } | null;
};

/** The longest text and the deepest nesting that a condition may have; the longest of ours has 160 characters. */
const CONDITION_CHARS_MAX = 2_000;
const CONDITION_DEPTH_MAX = 32;

export const PART_FUNCTIONS = ["any_of", "all_of", "count_of", "min_of", "max_of"] as const;
export const COUNT_FUNCTIONS = ["working", "failed", "unknown", "expected"] as const;
const FUNCTION_NAMES = Object.keys(RULE_FUNCTIONS);
/** What the same is called in other languages, or written in a hurry. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{ average: "avg", averge: "avg", mean: "avg", avg_over_time: "avg", maximum: "max", minimum: "min" },
  ...{ percentile: "quantile", median: "quantile", diff: "delta", derivative: "rate", nodata: "silent_for" },
  ...{ absent: "known", exists: "known", predict_linear: "eta", timeleft: "eta", forecast: "eta", resets: "changes" },
};
/** Functions with a number between the metric and the window. */
const WITH_NUMBER = ["quantile", "eta"];
const COMPARISONS: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "==", "!="]);
const OPERATORS: ReadonlySet<string> = new Set([...COMPARISONS, "+", "-", "*", "/", "%", "&&", "||", "!_", "-_", "?:"]);

const environmentOf = (() => {
  // Only the signatures matter: nothing is ever evaluated by cel-js here.
  const never = (): number => Number.NaN;
  const base = new Environment({ limits: { maxDepth: CONDITION_DEPTH_MAX } });
  // CEL keeps int and double apart; a person who writes `a / 2` means the number.
  for (const operator of ["+", "-", "*", "/", "%"]) {
    base.registerOperator(`double ${operator} int: double`, never);
    base.registerOperator(`int ${operator} double: double`, never);
  }
  base.registerOperator("double % double", never).registerOperator("double == int: bool", never);
  for (const name of ["avg", "min", "max", "sum", "rate", "increase", "delta"]) {
    base.registerFunction(`${name}(double, string): double`, never);
  }
  for (const type of ["double", "int"]) {
    for (const name of WITH_NUMBER) base.registerFunction(`${name}(double, ${type}, string): double`, never);
  }
  base.registerFunction("time_where(bool, string): double", never);
  base.registerFunction("neighbours(bool): double", never);
  for (const type of ["double", "bool"]) {
    base.registerFunction(`last(${type}, string): ${type}`, never);
    base.registerFunction(`known(${type}): bool`, never).registerFunction(`streak(${type}): double`, never);
    for (const name of ["changes", "count", "coverage"])
      base.registerFunction(`${name}(${type}, string): double`, never);
  }
  for (const name of ["any_of", "all_of"]) base.registerFunction(`${name}(bool): bool`, never);
  base.registerFunction("count_of(bool): double", never);
  for (const name of ["min_of", "max_of"]) base.registerFunction(`${name}(double): double`, never);
  for (const name of COUNT_FUNCTIONS) base.registerFunction(`${name}(string): double`, never);
  base.registerFunction("silent_for(): double", never);
  return (): Environment => base.clone();
})();

export type Checked =
  | { readonly ok: true; readonly value: Condition }
  | { readonly ok: false; readonly error: readonly Problem[] };

/** Parses and checks a condition; all unknown names at once, then the types. Never throws. */
export function checkCondition(text: string, place: ConditionPlace): Checked {
  if (text.length > CONDITION_CHARS_MAX) {
    const message = `expected at most ${CONDITION_CHARS_MAX} characters; received ${text.length}`;
    return refused({ start: 0, end: 1, code: "RULE_CONDITION", message });
  }
  const environment = environmentOf();
  let tree: ASTNode;
  try {
    tree = environment.parse(text).ast;
  } catch (thrown) {
    return refused(syntaxProblem(text, thrown));
  }
  const visit = new Visit(place);
  visit.node(tree);
  if (visit.problems.length > 0) return { ok: false, error: visit.problems };
  const mistake = typeMistake(text, environment, visit, place);
  if (mistake !== null) return refused(mistake);
  const { uses, silenceSeconds } = visit;
  return { ok: true, value: { text, tree, uses, silenceSeconds, chart: chartOf(tree, uses, place.vars) } };
}

const refused = (problem: Problem): Checked => ({ ok: false, error: [problem] });

function syntaxProblem(text: string, thrown: unknown): Problem {
  const range = thrown instanceof ParseError ? thrown.range : undefined;
  const start = Math.min(range?.start ?? 0, Math.max(0, text.length - 1));
  const said = thrown instanceof ParseError ? thrown.summary : errorText(thrown);
  const hint = syntaxHint(text);
  return {
    start,
    end: Math.max(start + 1, Math.min(range?.end ?? start + 1, text.length)),
    code: "RULE_CONDITION",
    message: `expected a condition in CEL; ${said.charAt(0).toLowerCase()}${said.slice(1)}`,
    ...(hint !== undefined && { hint }),
  };
}

const WORDS: Readonly<Record<string, string>> = { and: "&&", or: "||", not: "!" };

/** What people write who know other languages, or whose editor means well. */
export function syntaxHint(text: string): string | undefined {
  if (/[\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]/.test(text)) return `write straight quotes, " or '`;
  const turned = /=[<>]/.exec(text)?.[0];
  if (turned !== undefined) return `"${turned}" is written ${turned[1]}=`;
  if (/(^|[^=!<>])=([^=]|$)/.test(text)) return "comparing is written ==";
  if (/\d\s*%(?!\s*[\w(])/.test(text)) return "numbers have no unit: 15 and not 15%";
  const word = /\b(and|or|not)\b/i.exec(text)?.[1]?.toLowerCase();
  return word === undefined ? undefined : `"${word}" is written ${WORDS[word]}`;
}

function typeMistake(text: string, environment: Environment, visit: Visit, place: ConditionPlace): Problem | null {
  for (const metric of visit.metrics.values()) {
    environment.registerVariable(metric.name, metric.type === "number" ? "double" : "bool");
  }
  const vars = Object.entries(place.vars).map(([name, value]) => [name, celType(value)]);
  environment.registerVariable("vars", { schema: Object.fromEntries(vars) });
  const checked = environment.check(text);
  if (checked.valid && checked.type === "bool") return null;
  const whole = { start: 0, end: text.length, code: "RULE_TYPE" };
  if (checked.valid) return { ...whole, message: `expected true or false; this is a ${plainType(checked.type ?? "")}` };
  const said = checked.error instanceof TypeMistake ? checked.error.summary : errorText(checked.error);
  return { ...whole, ...checked.error?.range, message: plainTypes(said) };
}

const celType = (value: Value | string): string =>
  typeof value === "number" ? "double" : typeof value === "boolean" ? "bool" : "string";

const PLAIN: Readonly<Record<string, string>> = { double: "number", int: "number", bool: "flag", string: "text" };
const plainType = (type: string): string => PLAIN[type] ?? type;

/** CEL's types in our words: a metric is a number or a flag. */
const plainTypes = (said: string): string => {
  const words = said.replace(/\b(double|int|bool|string)\b/g, plainType);
  return words.replace(/^no such overload: /, "expected both sides to fit; received ").replace(/^N/, "n");
};

/** One walk over a tree: names that are not there, uses that are not allowed, and what the condition looks at. */
class Visit {
  readonly problems: Problem[] = [];
  readonly uses: Use[] = [];
  readonly metrics = new Map<string, Metric>();
  readonly silenceSeconds: number[] = [];
  readonly #place: ConditionPlace;
  /** The metrics of the time_where() that is being visited; null outside of one. */
  #spellMetrics: Set<Metric> | null = null;
  /** The same of neighbours(). */
  #neighbourMetrics: Set<Metric> | null = null;

  constructor(place: ConditionPlace) {
    this.#place = place;
  }

  node(node: ASTNode): void {
    if (node.op === "value") this.#literal(node);
    else if (node.op === "id") this.#metricUse(node);
    else if (node.op === ".") this.#field(node);
    else if (node.op === "call") this.#call(node);
    else if (!OPERATORS.has(node.op)) this.#problem(node, "RULE_CONDITION", `conditions know no ${describe(node)}`);
    else if (COMPARISONS.has(node.op)) this.#comparison(node);
    else for (const child of childrenOf(node)) this.node(child);
  }

  #problem(node: ASTNode, code: string, message: string, hint?: string): void {
    this.problems.push({ start: node.start, end: node.end, code, message, ...(hint !== undefined && { hint }) });
  }

  #literal(node: ASTNode): void {
    if (typeof node.args === "string") {
      this.#problem(node, "RULE_TYPE", "conditions compare numbers and flags; text stands in select only");
    }
  }

  #comparison(node: ASTNode): void {
    const [left, right] = childrenOf(node);
    if (left === undefined || right === undefined) return;
    const isNested = this.#spellMetrics !== null || this.#neighbourMetrics !== null;
    const silence = isNested ? undefined : [left, right].find(isSilence);
    if (silence === undefined) {
      this.node(left);
      this.node(right);
      return;
    }
    const seconds = constantOf(silence === left ? right : left, this.#place.vars);
    if (this.#scopeAllows(silence, ["device", "component"], "silent_for()")) this.#use(silence, { of: "silence" });
    if (typeof seconds === "number") this.silenceSeconds.push(seconds);
    else this.#problem(node, "RULE_SILENCE", "expected silent_for() compared with a number of seconds or with vars.x");
  }

  #metricUse(node: ASTNode): void {
    const metric = this.#metric(node);
    if (metric === null) return;
    if (this.#place.scope === "site") {
      const hint = `count devices: failed("pos_terminal"), working(…), unknown(…), expected(…)`;
      this.#problem(node, "RULE_SCOPE", `a rule with scope: site sees no metric; received ${metric.name}`, hint);
    } else if (metric.component !== null && this.#place.scope === "device") {
      const wrapped = metric.type === "boolean" ? `any_of(${metric.name})` : `min_of(${metric.name})`;
      const message = `${metric.name} belongs to each ${metric.component} of the device, not to the device`;
      this.#problem(node, "RULE_SCOPE", message, `write ${wrapped}, or give the rule scope: component`);
    } else {
      this.#spellMetrics?.add(metric);
      this.#use(node, { of: "metric", metric });
    }
  }

  #metric(node: ASTNode): Metric | null {
    const name = String(node.args);
    const metric = findMetric(name);
    const { kinds } = this.#place;
    if (metric === undefined) {
      this.#problem(node, "RULE_UNKNOWN_METRIC", ...unknownMetric(name, kinds));
      return null;
    }
    if (kinds !== null && kinds.size > 0 && metric.kinds !== null && !metric.kinds.some((kind) => kinds.has(kind))) {
      const message = `${name} is not a metric of ${[...kinds].join(", ")}`;
      this.#problem(node, "RULE_UNKNOWN_METRIC", message, `reported by: ${metric.kinds.join(", ")}`);
      return null;
    }
    this.metrics.set(name, metric);
    this.#neighbourMetrics?.add(metric);
    return metric;
  }

  #field(node: ASTNode): void {
    const name = varName(node);
    if (name === null) {
      const hint = "labels, kind and site stand in select";
      this.#problem(node, "RULE_CONDITION", `expected vars.x; received ${textOf(node)}`, hint);
    } else if (!Object.hasOwn(this.#place.vars, name)) {
      const known = Object.keys(this.#place.vars);
      const near = suggest(name, known);
      const message = `expected one of the rule's vars (${known.join(", ") || "it has none"}); received "${name}"`;
      this.#problem(node, "RULE_UNKNOWN_VAR", message, near === null ? undefined : `did you mean "vars.${near}"?`);
    }
  }

  #call(node: ASTNode): void {
    const call = callOf(node);
    if (call === null) return;
    const { name, args } = call;
    if (this.#neighbourMetrics !== null && !isOfNeighbours(name)) {
      const message = `neighbours takes a condition over metrics and windows; received ${textOf(node)} in it`;
      this.#problem(node, "RULE_PARTS", message);
    } else if (this.#spellMetrics !== null && name !== "known") {
      const message = `time_where takes a condition over metrics; received ${textOf(node)} in it`;
      this.#problem(node, "RULE_WINDOW", message);
    } else if (name === "silent_for") {
      this.#problem(node, "RULE_SILENCE", "expected silent_for() compared with a number of seconds");
    } else if (name === "known" && args.length === 1) for (const argument of args) this.node(argument);
    else if (name === "streak") this.#streakCall(node, args);
    else if (name === "time_where") this.#timeWhereCall(node, args);
    else if (name === "neighbours") this.#neighboursCall(node, args);
    else if (Object.hasOwn(WINDOW_FUNCTIONS, name) || WITH_NUMBER.includes(name)) this.#windowCall(node, name, args);
    else if (isOneOf(name, PART_FUNCTIONS)) this.#partsCall(node, name, args);
    else if (isOneOf(name, COUNT_FUNCTIONS)) this.#countCall(node, name, args);
    else this.#unknownCall(node, name);
  }

  #unknownCall(node: ASTNode, name: string): void {
    if (name === FUNCTION_TO_COME) {
      const message = `${name}(metric), the median of the same hour of past weeks, is not there yet`;
      const hint = `until then compare with a long window, as avg(metric, "7d"), or with vars.x`;
      this.#problem(node, "RULE_UNKNOWN_FUNCTION", message, hint);
      return;
    }
    const near = ELSEWHERE[name.toLowerCase()] ?? suggest(name, FUNCTION_NAMES);
    const hint = near === null ? `there are: ${FUNCTION_NAMES.join(", ")}` : `did you mean "${near}"?`;
    this.#problem(node, "RULE_UNKNOWN_FUNCTION", `expected a function; received "${name}"`, hint);
  }

  /** The metric, the number if there is one, and the window, in this order. */
  #windowCall(node: ASTNode, name: string, args: readonly ASTNode[]): void {
    const hasNumber = WITH_NUMBER.includes(name);
    const first = args[0];
    const written = args[hasNumber ? 2 : 1];
    if (first?.op !== "id" || written === undefined || args.length !== (hasNumber ? 3 : 2) || !isText(written)) {
      const expected = RULE_FUNCTIONS[name]?.signature;
      this.#problem(node, "RULE_WINDOW", `expected ${expected}; received ${textOf(node)}`);
      return;
    }
    const spanMs = this.#span(written);
    if (hasNumber) this.#numberOf(args[1] ?? node, name);
    const metric = this.#metric(first);
    if (metric === null || spanMs === null) return;
    if (!this.#scopeAllows(node, metric.component === null ? ["device", "component"] : ["component"], `${name}()`))
      return;
    if (["rate", "increase"].includes(name) && !metric.counter) {
      const message = `${name} is for counters (…_total); ${metric.name} goes up and down`;
      this.#problem(first, "RULE_WINDOW", message, `did you mean delta(${metric.name}, ${textOf(written)})?`);
    }
    this.#use(node, { of: "window", metric, spanMs });
  }

  /** Null, and a problem, for what is no duration or none that a window may have. */
  #span(node: ASTNode): number | null {
    const written = isText(node) ? node.args : null;
    const spanMs = written === null ? null : literalMs(written);
    if (spanMs !== null && spanMs >= 1_000 && spanMs <= WINDOW_SPAN_MAX_MS) return spanMs;
    this.#problem(node, "RULE_WINDOW", `expected a duration from "1s" to "7d"; received ${textOf(node)}`);
    return null;
  }

  #numberOf(node: ASTNode, name: string): void {
    const value = constantOf(node, this.#place.vars);
    if (varName(node) !== null && value === null) this.#field(node);
    else if (typeof value !== "number") {
      this.#problem(node, "RULE_WINDOW", `expected a number or vars.x in ${name}(); received ${textOf(node)}`);
    } else if (name === "quantile" && (value < 0 || value > 1)) {
      this.#problem(node, "RULE_WINDOW", `expected a share from 0 to 1; received ${value}`);
    }
  }

  #timeWhereCall(node: ASTNode, args: readonly ASTNode[]): void {
    const [condition, written] = args;
    if (condition === undefined || written === undefined || args.length !== 2) {
      const expected = RULE_FUNCTIONS["time_where"]?.signature;
      this.#problem(node, "RULE_WINDOW", `expected ${expected}; received ${textOf(node)}`);
      return;
    }
    const spanMs = this.#span(written);
    if (!this.#scopeAllows(node, ["device", "component"], "time_where()")) return;
    const metrics = new Set<Metric>();
    this.#spellMetrics = metrics;
    this.node(condition);
    this.#spellMetrics = null;
    if (spanMs === null) return;
    const spell = { key: spellKey(condition, this.#place.vars), condition, spanMs };
    this.#use(node, { of: "time_where", spell, metrics: [...metrics] });
  }

  #neighboursCall(node: ASTNode, args: readonly ASTNode[]): void {
    const [condition] = args;
    if (condition === undefined || args.length !== 1) {
      const expected = RULE_FUNCTIONS["neighbours"]?.signature;
      this.#problem(node, "RULE_PARTS", `expected ${expected}; received ${textOf(node)}`);
      return;
    }
    if (!this.#scopeAllows(node, ["device"], "neighbours()")) return;
    const metrics = new Set<Metric>();
    this.#neighbourMetrics = metrics;
    this.node(condition);
    this.#neighbourMetrics = null;
    this.#use(node, { of: "neighbours", metrics: [...metrics] });
  }

  #streakCall(node: ASTNode, args: readonly ASTNode[]): void {
    const [first] = args;
    if (first?.op !== "id" || args.length !== 1) {
      this.#problem(node, "RULE_WINDOW", `expected streak(metric); received ${textOf(node)}`);
      return;
    }
    const metric = this.#metric(first);
    if (metric === null) return;
    const scopes: Scope[] = metric.component === null ? ["device", "component"] : ["component"];
    if (this.#scopeAllows(node, scopes, "streak()")) this.#use(node, { of: "window", metric, spanMs: 0 });
  }

  #partsCall(node: ASTNode, name: string, args: readonly ASTNode[]): void {
    const [first] = args;
    if (first?.op !== "id" || args.length !== 1) {
      this.#problem(node, "RULE_PARTS", `expected ${name}(metric of a component); received ${textOf(node)}`);
      return;
    }
    const metric = this.#metric(first);
    if (metric === null || !this.#scopeAllows(node, ["device"], `${name}()`)) return;
    if (metric.component === null) {
      this.#problem(first, "RULE_PARTS", `${metric.name} belongs to the device, not to components of it`);
    } else this.#use(node, { of: "parts", metric });
  }

  #countCall(node: ASTNode, name: string, args: readonly ASTNode[]): void {
    const [first] = args;
    if (first?.op !== "value" || typeof first.args !== "string" || args.length !== 1) {
      this.#problem(node, "RULE_COUNT", `expected ${name}("kind or role"); received ${textOf(node)}`);
      return;
    }
    if (!this.#scopeAllows(node, ["site"], `${name}()`)) return;
    this.#use(node, { of: "count", group: first.args });
  }

  #scopeAllows(node: ASTNode, scopes: readonly Scope[], what: string): boolean {
    const { scope } = this.#place;
    if (scopes.includes(scope)) return true;
    const message = `${what} is for scope: ${scopes.join(" or ")}; this rule has scope: ${scope}`;
    this.#problem(node, "RULE_SCOPE", message);
    return false;
  }

  #use(node: ASTNode, use: UseOf): void {
    this.uses.push({ text: textOf(node), node, ...use });
  }
}

/** What may be asked of another device: what lies in its own memory. */
const isOfNeighbours = (name: string): boolean =>
  name === "known" || name === "streak" || Object.hasOwn(WINDOW_FUNCTIONS, name) || WITH_NUMBER.includes(name);

/** A count's name that is no kind but looks like one is likely a slip; a role can't be told from the rule alone. */
export function groupSuggestion(group: string): string | null {
  return (KINDS as readonly string[]).includes(group) ? null : suggest(group, KINDS);
}

function unknownMetric(name: string, kinds: ReadonlySet<Kind> | null): [message: string, hint?: string] {
  const fits = CATALOGUE.filter((metric) => !kinds || !metric.kinds || metric.kinds.some((kind) => kinds.has(kind)));
  const names = fits.map((metric) => metric.name);
  if (["kind", "site", "labels", "device"].includes(name)) {
    return [`expected a metric; received "${name}"`, "labels, kind and site stand in select"];
  }
  const near =
    suggest(name, names) ??
    suggest(
      name,
      CATALOGUE.map((metric) => metric.name),
    );
  const hint = near === null ? "docs/metrics.md lists them" : `did you mean "${near}"?`;
  return [`expected a metric of the catalogue; received "${name}"`, hint];
}

function chartOf(tree: ASTNode, uses: readonly Use[], vars: Vars): Condition["chart"] {
  const compared = comparisons(tree, vars);
  const drawn = compared.find(({ threshold }) => threshold !== null) ?? compared[0];
  if (drawn !== undefined) return drawn;
  for (const use of uses) if ("metric" in use) return { metric: use.metric.name, threshold: null };
  return null;
}

/** Functions whose result is a value of the metric. `streak(up) >= 2` counts readings: 2 is no place on the axis of `up`. */
const ON_THE_AXIS = ["avg", "min", "max", "last", "quantile"];

function comparisons(node: ASTNode, vars: Vars): NonNullable<Condition["chart"]>[] {
  const children = childrenOf(node);
  if (!COMPARISONS.has(node.op)) return children.flatMap((child) => comparisons(child, vars));
  for (const [side, other] of [children, [...children].reverse()]) {
    const constant = other === undefined ? null : constantOf(other, vars);
    if (side === undefined || typeof constant !== "number") continue;
    if (side.op === "id") return [{ metric: side.args, threshold: constant }];
    const call = callOf(side);
    const [first, second] = call?.args ?? [];
    if (call?.name === "time_where" && first !== undefined) return comparisons(first, vars);
    if (call?.name === "eta" && first?.op === "id" && second !== undefined) {
      const target = constantOf(second, vars);
      return [{ metric: first.args, threshold: typeof target === "number" ? target : null }];
    }
    if (call !== null && first?.op === "id")
      return [{ metric: first.args, threshold: isOneOf(call.name, ON_THE_AXIS) ? constant : null }];
  }
  return [];
}

/** What it says, constants included: an edit that leaves both keeps the time that was taken. */
export const spellKey = (condition: ASTNode, vars: Vars): string =>
  `${textOf(condition)}|${namesVars(condition) ? JSON.stringify(vars) : ""}`;

const namesVars = (condition: ASTNode): boolean => /\bvars\b/.test(textOf(condition));

/** The value of a literal or of `vars.x`, with a minus in front or not; null when it is neither. */
export function constantOf(node: ASTNode, vars: Vars): Value | null {
  if (node.op === "-_") {
    const value = constantOf(node.args, vars);
    return typeof value === "number" ? -value : null;
  }
  if (node.op === "value") {
    if (typeof node.args === "bigint" || typeof node.args === "number") return Number(node.args);
    return typeof node.args === "boolean" ? node.args : null;
  }
  const name = varName(node);
  const value = name === null || !Object.hasOwn(vars, name) ? null : vars[name];
  return typeof value === "number" || typeof value === "boolean" ? value : null;
}

function varName(node: ASTNode): string | null {
  if (node.op !== ".") return null;
  const [object, name] = node.args;
  return object.op === "id" && object.args === "vars" ? name : null;
}

export function callOf(node: ASTNode): { name: string; args: readonly ASTNode[] } | null {
  return node.op === "call" ? { name: node.args[0], args: node.args[1] } : null;
}

/** Operands of an operator; of a leaf or a call none. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === "!_" || node.op === "-_") return [node.args];
  if (!OPERATORS.has(node.op) || !Array.isArray(node.args)) return [];
  return node.args.flatMap((child) => (typeof child === "object" && "op" in child ? [child] : []));
}

const isSilence = (node: ASTNode): boolean => callOf(node)?.name === "silent_for";
const isText = (node: ASTNode): node is ASTNode & { op: "value"; args: string } =>
  node.op === "value" && typeof node.args === "string";
const isOneOf = (name: string, names: readonly string[]): boolean => names.includes(name);
const textOf = (node: ASTNode): string => node.input.slice(node.start, node.end);

function describe(node: ASTNode): string {
  if (node.op === "rcall") return `methods such as .${node.args[0]}()`;
  if (node.op === "list" || node.op === "in" || node.op === "[]") return "lists";
  return node.op === "map" ? "maps" : `operator ${node.op}`;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `5m` → 300000; null when it is no duration. */
export function literalMs(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? null : Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? Number.NaN));
}
