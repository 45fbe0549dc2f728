/**
 * What conditions say of each other, found by trying cases. Each thing that a condition looks at (a metric, a window, a
 * count) is a variable; each number gets the constants that it is compared with, what lies between them, and something
 * on either side. Between two neighbouring constants no comparison changes, so for comparisons with constants trying
 * these cases is a proof. For others (`a < b`) a case that was found is still one, but that none was found says nothing:
 * `isExact` tells them apart.
 *
 * Bounded: CASES_MAX; conditions with more are not looked at.
 */
import type { Value } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import type { ASTNode } from "@marcbachmann/cel-js";
import { type Condition, callOf, childrenOf, constantOf, type Vars } from "./condition.ts";

/** About 20 ms; the widest of the shipped rules has some 2,000. */
const CASES_MAX = 50_000;

/** Values of what the conditions look at, by how they write it. */
export type Case = ReadonlyMap<string, Value>;

export type Cases = {
  readonly all: readonly Case[];
  readonly isExact: boolean;
};

/** Null when there are too many to try. */
export function casesOf(conditions: readonly Condition[], vars: Vars): Cases | null {
  const search = new Search(vars);
  for (const { tree } of conditions) search.visit(tree);
  const choices = [...search.variables].map(([name, variable]) => [name, valuesOf(variable)] as const);
  const count = choices.reduce((product, [, values]) => product * values.length, 1);
  if (count > CASES_MAX) return null;
  let all: Map<string, Value>[] = [new Map()];
  for (const [name, values] of choices) {
    all = all.flatMap((before) => values.map((value) => new Map(before).set(name, value)));
  }
  return { all, isExact: search.isExact };
}

/** What a condition looks at, by how it writes it. */
export function variablesOf({ tree }: Condition, vars: Vars): ReadonlySet<string> {
  const search = new Search(vars);
  search.visit(tree);
  return new Set(search.variables.keys());
}

/** Is the condition true in this case? Everything is known in a case. */
export function holdsIn({ tree }: Condition, vars: Vars, given: Case): boolean {
  return evaluate(tree, vars, given) === true;
}

/** `media_remaining_percent = 7, paused = true`, for people; only of what `names` has. */
export function writeCase(given: Case, names: ReadonlySet<string>): string {
  return [...given].flatMap(([name, value]) => (names.has(name) ? [`${name} = ${value}`] : [])).join(", ");
}

type Variable = { readonly is: "number" | "boolean"; readonly isWhole: boolean; readonly constants: Set<number> };

class Search {
  readonly variables = new Map<string, Variable>();
  isExact = true;
  readonly #vars: Vars;

  constructor(vars: Vars) {
    this.#vars = vars;
  }

  visit(node: ASTNode): void {
    if (constantOf(node, this.#vars) !== null) return;
    const leaf = leafOf(node);
    if (leaf !== null) {
      this.#variable(leaf, node);
      return;
    }
    const children = childrenOf(node);
    const [left, right] = children;
    if (left !== undefined && right !== undefined && COMPARISONS.has(node.op)) this.#comparison(left, right);
    else if (ARITHMETIC.has(node.op) || (node.op === "?:" && !isTruth(node))) this.isExact = false;
    for (const child of children) this.visit(child);
  }

  #comparison(left: ASTNode, right: ASTNode): void {
    const [a, b] = [folded(left, this.#vars), folded(right, this.#vars)];
    const [leftLeaf, rightLeaf] = [leafOf(left), leafOf(right)];
    if (leftLeaf !== null && typeof b === "number") this.#variable(leftLeaf, left).constants.add(b);
    else if (rightLeaf !== null && typeof a === "number") this.#variable(rightLeaf, right).constants.add(a);
    else if (!(isTruth(left) && isTruth(right)) && !(a !== null && b !== null)) this.isExact = false;
  }

  #variable(name: string, node: ASTNode): Variable {
    let variable = this.variables.get(name);
    if (variable === undefined) {
      variable = { is: isTruth(node) ? "boolean" : "number", isWhole: isWhole(node), constants: new Set() };
      this.variables.set(name, variable);
    }
    return variable;
  }
}

const COMPARISONS: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "==", "!="]);
const LOGIC: ReadonlySet<string> = new Set([...COMPARISONS, "&&", "||", "!_"]);
const ARITHMETIC: ReadonlySet<string> = new Set(["+", "-", "*", "/", "%", "-_"]);

/** A metric or a call, as it is written; null for what is made of others. */
function leafOf(node: ASTNode): string | null {
  return node.op === "id" || node.op === "call" ? node.input.slice(node.start, node.end) : null;
}

const TRUTH_CALLS: ReadonlySet<string> = new Set(["known", "any_of", "all_of"]);
/** Of a flag it is a flag. */
const SAME_TYPE_CALLS: ReadonlySet<string> = new Set(["last"]);

function isTruth(node: ASTNode): boolean {
  if (LOGIC.has(node.op)) return true;
  if (node.op === "value") return typeof node.args === "boolean";
  if (node.op === "id") return findMetric(node.args)?.type === "boolean";
  if (node.op === "?:") return childrenOf(node).slice(1).every(isTruth);
  const call = callOf(node);
  if (call === null) return false;
  const [first] = call.args;
  return TRUTH_CALLS.has(call.name) || (SAME_TYPE_CALLS.has(call.name) && first !== undefined && isTruth(first));
}

/** Numbers that are counted: nothing lies between 2 and 3. */
const COUNTS: ReadonlySet<string> = new Set([
  "count",
  "changes",
  "streak",
  "count_of",
  "working",
  "failed",
  "unknown",
  "expected",
]);

function isWhole(node: ASTNode): boolean {
  return COUNTS.has(callOf(node)?.name ?? "");
}

/** The value of something without variables: `vars.limit - 1`. */
function folded(node: ASTNode, vars: Vars): Value | null {
  const search = new Search(vars);
  search.visit(node);
  return search.variables.size === 0 ? evaluate(node, vars, new Map()) : null;
}

function valuesOf({ is, isWhole: whole, constants }: Variable): readonly Value[] {
  if (is === "boolean") return [false, true];
  const sorted = [...constants].sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  const found = sorted.flatMap((constant, i) => {
    const next = sorted[i + 1];
    return next === undefined ? [constant] : [constant, (constant + next) / 2];
  });
  const values = [first - 1, ...found, ...(sorted.length === 0 ? [first] : []), last + 1];
  if (!whole) return values;
  const around = sorted.flatMap((constant) => [Math.floor(constant), Math.ceil(constant)]);
  return [...new Set([first - 1, ...around.flatMap((n) => [n - 1, n, n + 1])].map(Math.floor))].filter((n) => n >= 0);
}

function evaluate(node: ASTNode, vars: Vars, given: Case): Value | null {
  const constant = constantOf(node, vars);
  if (constant !== null) return constant;
  const leaf = leafOf(node);
  if (leaf !== null) return given.get(leaf) ?? null;
  const [first, second, third] = childrenOf(node);
  if (first === undefined) return null;
  const a = evaluate(first, vars, given);
  if (node.op === "!_") return a !== true;
  if (node.op === "-_") return typeof a === "number" ? -a : null;
  if (second === undefined) return null;
  if (node.op === "?:") return third === undefined ? null : evaluate(a === true ? second : third, vars, given);
  return binary(node.op, a, evaluate(second, vars, given));
}

function binary(op: string, a: Value | null, b: Value | null): Value | null {
  if (op === "&&") return a === true && b === true;
  if (op === "||") return a === true || b === true;
  if (op === "==") return Number(a) === Number(b);
  if (op === "!=") return Number(a) !== Number(b);
  return typeof a === "number" && typeof b === "number" ? (OF_NUMBERS[op]?.(a, b) ?? null) : null;
}

const OF_NUMBERS: Readonly<Record<string, (a: number, b: number) => Value>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
};
