/**
 * `select`: CEL over the inventory, so that a device which never reported is judged, too. It runs when the inventory or
 * the rules change, never per reading, so cel-js evaluates it itself. A label that a device lacks selects nothing.
 */
import { errorText } from "@aislewatch/base";
import { suggest } from "@aislewatch/config";
import type { InventoryDevice } from "@aislewatch/contract";
import { isKind, KINDS, type Kind } from "@aislewatch/devices";
import { type ASTNode, Environment, ParseError, TypeError as TypeMistake } from "@marcbachmann/cel-js";
import { childrenOf, type Problem, syntaxHint } from "./condition.ts";
import { patternProblems } from "./pattern.ts";

export type Selector = {
  /** The kinds that can match at all, where the text says so; null is any. */
  readonly kinds: ReadonlySet<Kind> | null;
  matches(site: string, device: InventoryDevice): boolean;
};

const TEXT_FIELDS = ["kind", "site", "device", "name", "driver", "profile", "vendor", "model", "firmware"] as const;

const ENVIRONMENT = TEXT_FIELDS.reduce(
  (environment, field) => environment.registerVariable(field, "string"),
  new Environment({ limits: { maxDepth: 32 } }).registerVariable("labels", "map<string, string>"),
);

export type CheckedSelect =
  | { readonly ok: true; readonly value: Selector }
  | { readonly ok: false; readonly error: readonly Problem[] };

/** Never throws. */
export function checkSelect(text: string): CheckedSelect {
  try {
    const parsed = ENVIRONMENT.parse(text);
    const wrongKinds = kindLiterals(parsed.ast).filter(({ kind }) => !isKind(kind));
    if (wrongKinds.length > 0) return { ok: false, error: wrongKinds.map(wrongKind) };
    const patterns = patternProblems(parsed.ast, "RULE_SELECT");
    if (patterns.length > 0) return { ok: false, error: patterns };
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, error: [problemOf(text, checked.error)] };
    if (checked.type !== "bool") {
      return { ok: false, error: [whole(text, `expected true or false; this is a ${checked.type}`)] };
    }
    const kinds = kindsOf(parsed.ast);
    return { ok: true, value: { kinds, matches: (site, device) => selects(parsed, kinds, site, device) } };
  } catch (thrown) {
    return { ok: false, error: [problemOf(text, thrown)] };
  }
}

/** Does a rule with this `select` look at the device (or at its components, or count it)? */
export const selectsDevice = (select: string, site: string, device: InventoryDevice): boolean =>
  selectorOf(select)(site, device);

/** The same for many devices: the text is parsed once. */
export function selectorOf(select: string): (site: string, device: InventoryDevice) => boolean {
  const checked = checkSelect(select);
  return checked.ok ? (site, device) => checked.value.matches(site, device) : () => false;
}

type Evaluator = (context: Record<string, unknown>) => unknown;

function selects(evaluate: Evaluator, kinds: ReadonlySet<Kind> | null, site: string, device: InventoryDevice): boolean {
  const { kind, id, driver, labels, asset } = device;
  if (kinds !== null && !(isKind(kind) && kinds.has(kind))) return false;
  const { vendor = "", model = "", firmware = "" } = asset;
  const { name = "", profile = "" } = device;
  try {
    return evaluate({ kind, site, device: id, name, driver, profile, labels, vendor, model, firmware }) === true;
  } catch {
    // CEL throws for a label that is not there.
    return false;
  }
}

/** Which kinds can make the tree true; null when that can't be told. */
function kindsOf(node: ASTNode): ReadonlySet<Kind> | null {
  const named = namedKinds(node);
  if (named !== null) return new Set(named.map(({ kind }) => kind).filter(isKind));
  const [left, right] = childrenOf(node);
  if (left === undefined || right === undefined) return null;
  const [a, b] = [kindsOf(left), kindsOf(right)];
  if (node.op === "&&") return a === null ? b : b === null ? a : new Set([...a].filter((kind) => b.has(kind)));
  return node.op === "||" && a !== null && b !== null ? new Set([...a, ...b]) : null;
}

type KindLiteral = { readonly kind: string; readonly node: ASTNode };

/** `kind == "ups"`, `"ups" == kind` and `kind in ["ups", "pdu"]`. */
function namedKinds(node: ASTNode): KindLiteral[] | null {
  if (node.op !== "==" && node.op !== "in") return null;
  const [left, right] = node.args;
  const literals = isKindField(left) ? right : node.op === "==" && isKindField(right) ? left : null;
  if (literals === null) return null;
  const nodes = literals.op === "list" ? literals.args : [literals];
  const kinds = nodes.flatMap((each) => (each.op === "value" ? [{ kind: String(each.args), node: each }] : []));
  return kinds.length === nodes.length ? kinds : null;
}

const isKindField = (node: ASTNode): boolean => node.op === "id" && node.args === "kind";

function kindLiterals(node: ASTNode): KindLiteral[] {
  if (node.op === "!=" && node.args.some(isKindField)) {
    return node.args.flatMap((each) => (each.op === "value" ? [{ kind: String(each.args), node: each }] : []));
  }
  return namedKinds(node) ?? childrenOf(node).flatMap(kindLiterals);
}

function wrongKind({ kind, node }: KindLiteral): Problem {
  const near = suggest(kind, KINDS);
  return {
    start: node.start,
    end: node.end,
    code: "RULE_UNKNOWN_KIND",
    message: `expected a kind of device; received "${kind}"`,
    hint: near === null ? `kinds: ${KINDS.join(", ")}` : `did you mean "${near}"?`,
  };
}

const whole = (text: string, message: string): Problem => ({
  start: 0,
  end: Math.max(1, text.length),
  code: "RULE_SELECT",
  message,
});

function problemOf(text: string, thrown: unknown): Problem {
  const isCel = thrown instanceof ParseError || thrown instanceof TypeMistake;
  const said = isCel ? thrown.summary : errorText(thrown);
  const problem = whole(text, `expected a selection in CEL; ${said.charAt(0).toLowerCase()}${said.slice(1)}`);
  const range = isCel ? thrown.range : undefined;
  const unknown = /^Unknown variable: (\w+)/.exec(said)?.[1];
  const near = unknown === undefined ? null : suggest(unknown, [...TEXT_FIELDS, "labels"]);
  const fields = `fields: ${TEXT_FIELDS.join(", ")}, labels.x`;
  const words = thrown instanceof ParseError ? syntaxHint(text) : undefined;
  const hint = near !== null ? `did you mean "${near}"?` : unknown !== undefined ? fields : words;
  const place = range === undefined ? {} : { start: range.start, end: Math.max(range.start + 1, range.end) };
  return { ...problem, ...place, ...(hint !== undefined && { hint }) };
}
