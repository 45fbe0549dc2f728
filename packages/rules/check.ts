/**
 * What is likely a slip in a set of rules that can be read: levels that nobody will see, a hysteresis the wrong way
 * round, a `for` that one poll outlasts, names that lead nowhere. compileRules refuses what can't be run; what is found
 * here runs, but not as its author thought. All findings of all files at once, errors first found included.
 */
import { type Diagnostic, suggest, wholeFile, writeDuration } from "@aislewatch/config";
import { EVENT_CODES, FAULT_CODES, findMetric, SEVERITIES, type Severity } from "@aislewatch/devices";
import type { ASTNode } from "@marcbachmann/cel-js";
import { type Case, casesOf, holdsIn, variablesOf, writeCase } from "./cases.ts";
import { checkOverrides } from "./check-overrides.ts";
import { type Condition, checkCondition, childrenOf, constantOf } from "./condition.ts";
import { circlesOf } from "./cycle.ts";
import { RULE_DIAGNOSTICS } from "./diagnostics.ts";
import { type CompiledRules, compileRules, inOrderOf, type PlacedRule } from "./file.ts";
import { type CheckedInventory, INTERVAL_MS_DEFAULT, type InventoryEntry } from "./inventory.ts";
import { checkSelect } from "./select.ts";
import { titleNames } from "./title.ts";
import type { EventTrigger, Rule } from "./types.ts";

export type CheckContext = {
  /** Null when nobody knows. */
  readonly inventory: CheckedInventory | null;
  /** Overrides of these rules, checked with them. */
  readonly overrides?: { readonly file: string; readonly text: string } | null;
  /** `<kind>/<fault>` of every runbook there is; null when nobody knows. */
  readonly runbooks: ReadonlySet<string> | null;
};

export type CheckedRules = { readonly compiled: CompiledRules; readonly findings: readonly Diagnostic[] };

/** Polls that must agree before a fault stands. */
const POLLS_MIN = 2;

/** Never throws. */
export function checkRules(
  files: readonly { file: string; text: string }[],
  { inventory, runbooks, overrides = null }: CheckContext,
): CheckedRules {
  const compiled = compileRules(files);
  const isKnownWrong = compiled.ok ? new Set<Rule>() : brokenRules(compiled);
  const findings = compiled.placed.flatMap((placed) => {
    if (isKnownWrong.has(placed.rule)) return [];
    return [
      ...checkConditions(placed),
      ...checkTimes(placed, inventory),
      ...checkFlap(placed),
      ...checkAbsorbed(placed, compiled.placed),
      ...checkNames(placed, runbooks),
    ];
  });
  findings.push(
    ...checkSelections(
      compiled.placed.filter(({ rule }) => !isKnownWrong.has(rule)),
      inventory,
    ),
  );
  const own = compiled.ok ? compiled.warnings : compiled.diagnostics;
  const sorted = [...own, ...findings].sort(inOrderOf(files.map(({ file }) => file)));
  // Of a set with a mistake an override could be about the very rule that has it.
  const ofOverrides =
    compiled.ok && overrides !== null ? checkOverrides(overrides, compiled.rules.rules, inventory) : [];
  return { compiled, findings: [...sorted, ...ofOverrides, ...checkTree(inventory)] };
}

/** Rules with an error inside them: what else is said of those would be guessed. */
function brokenRules({ diagnostics, placed }: Extract<CompiledRules, { ok: false }>): ReadonlySet<Rule> {
  const isIn = ({ file, path }: Diagnostic, { source, path: [, index] }: PlacedRule): boolean =>
    file === source.file && (path === `rules[${index}]` || path.startsWith(`rules[${index}].`));
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return new Set(placed.filter((each) => errors.some((error) => isIn(error, each))).map(({ rule }) => rule));
}

type Keys = readonly (string | number)[];

function finding(
  { source, path }: PlacedRule,
  keys: Keys,
  what: { code: string; message: string; hint?: string; key?: boolean },
): Diagnostic {
  const severity = RULE_DIAGNOSTICS[what.code]?.severity ?? "warning";
  return source.diagnostic([...path, ...keys], { ...what, severity });
}

type Step = { readonly name: string; readonly condition: Condition; readonly forMs: number; readonly keys: Keys };

/** The levels from the least severe to the most, with where each stands. */
function stepsOf({ rule, written }: PlacedRule): Step[] {
  return rule.raise.flatMap(({ severity, when, forMs }): Step[] => {
    const condition = conditionOf(rule, when);
    const keys = written.raise === undefined ? ["when"] : ["raise", severity, "when"];
    return condition === null ? [] : [{ name: severity, condition, forMs, keys }];
  });
}

function conditionOf(rule: Rule, text: string): Condition | null {
  const selected = checkSelect(rule.select);
  const kinds = selected.ok ? selected.value.kinds : null;
  const checked = checkCondition(text, { scope: rule.scope, kinds, vars: rule.vars });
  return checked.ok ? checked.value : null;
}

function checkConditions(placed: PlacedRule): Diagnostic[] {
  if (placed.rule.on !== null) return checkEvent(placed, placed.rule.on);
  const steps = stepsOf(placed);
  const { rule } = placed;
  const clear = rule.clear === null ? null : conditionOf(rule, rule.clear.when);
  const named = clear === null ? [] : [{ name: "clear", condition: clear, keys: ["clear", "when"] }];
  const constant = [...steps, ...named].flatMap((each) => checkConstant(placed, each));
  // A level that is never or always true would be found again below.
  if (constant.length > 0) return constant;
  const unreachable = steps.flatMap((step, i) => checkReachable(placed, step, steps.slice(i + 1)));
  return [...unreachable, ...(clear === null ? [] : checkClear(placed, steps, clear))];
}

/** Event codes are those of faults, with `_cleared` behind them or not, and a few more. */
function checkEvent(placed: PlacedRule, { codes }: EventTrigger): Diagnostic[] {
  const ofFaults = Object.keys(FAULT_CODES).flatMap((code) => [code, `${code}_cleared`]);
  const known = [...ofFaults, ...Object.keys(EVENT_CODES)];
  return codes.flatMap((code) => {
    if (known.includes(code)) return [];
    const near = suggest(code, known);
    const hint = near === null ? "docs/metrics.md lists them" : `did you mean "${near}"?`;
    const message = `"${code}" is no fault code: no event has it`;
    return [finding(placed, ["code"], { code: "RULE_UNKNOWN_CODE", message, hint })];
  });
}

function checkConstant(placed: PlacedRule, { condition, keys }: Pick<Step, "condition" | "keys">): Diagnostic[] {
  const { vars } = placed.rule;
  if (dividesByZero(condition.tree, vars)) {
    return [
      finding(placed, keys, { code: "RULE_CONSTANT", message: "a division by zero is unknown, whatever is read" }),
    ];
  }
  const cases = casesOf([condition], vars);
  if (cases === null || !cases.isExact) return [];
  const count = cases.all.filter((given) => holdsIn(condition, vars, given)).length;
  if (count > 0 && count < cases.all.length) return [];
  const message = `this is ${count === 0 ? "never" : "always"} true, whatever is read`;
  return [finding(placed, keys, { code: "RULE_CONSTANT", message })];
}

function dividesByZero(node: ASTNode, vars: Rule["vars"]): boolean {
  const parts = childrenOf(node);
  const by = node.op === "/" || node.op === "%" ? parts[1] : undefined;
  return (by !== undefined && constantOf(by, vars) === 0) || parts.some((part) => dividesByZero(part, vars));
}

/** Nobody sees a level when each time it is reached a more severe one is, after no longer a wait. */
function checkReachable(placed: PlacedRule, step: Step, above: readonly Step[]): Diagnostic[] {
  const { vars } = placed.rule;
  for (const other of above) {
    if (other.forMs > step.forMs) continue;
    const cases = casesOf([step.condition, other.condition], vars);
    if (cases === null || !cases.isExact) continue;
    const reached = cases.all.filter((given) => holdsIn(step.condition, vars, given));
    if (reached.some((given) => !holdsIn(other.condition, vars, given))) continue;
    const isSame = !cases.all.some((given) => holdsIn(other.condition, vars, given) && !reached.includes(given));
    const wait = step.forMs === other.forMs ? `as long (${writeDuration(step.forMs)})` : "less";
    const message = isSame
      ? `${step.name} is never seen: ${other.name} has the same condition and waits ${wait}`
      : `${step.name} is never seen: whenever this holds, ${other.name} does as well and waits ${wait}`;
    return [finding(placed, step.keys, { code: "RULE_UNREACHABLE", message })];
  }
  return [];
}

/**
 * A raised level outranks the clear condition, so a fault that is both stays; but the distance between raising and
 * clearing, for which the clear condition is there, is gone. Only what the conditions have in common counts: to clear
 * on something else as well is no slip.
 */
function checkClear(placed: PlacedRule, steps: readonly Step[], clear: Condition): Diagnostic[] {
  const { vars } = placed.rule;
  const ofClear = variablesOf(clear, vars);
  for (const { name, condition } of steps) {
    const ofStep = variablesOf(condition, vars);
    const shared = new Set([...ofStep].filter((variable) => ofClear.has(variable)));
    const cases = shared.size === 0 ? null : casesOf([condition, clear], vars);
    if (cases === null) continue;
    const overlap = overlapOf(cases.all, { condition, clear, vars, shared });
    if (overlap === null) continue;
    const message = `with ${writeCase(overlap, shared)} this holds, and ${name} is raised as well`;
    const hint = "a raised level outranks the clear condition; clear on the far side of the limit";
    return [finding(placed, ["clear", "when"], { code: "RULE_CLEAR_OVERLAP", message, hint })];
  }
  return [];
}

type Pair = {
  readonly condition: Condition;
  readonly clear: Condition;
  readonly vars: Rule["vars"];
  readonly shared: ReadonlySet<string>;
};

/** A case in which both hold, the clear condition by what they share alone. */
function overlapOf(all: readonly Case[], { condition, clear, vars, shared }: Pair): Case | null {
  const groups = Map.groupBy(all, (given) => writeCase(given, shared));
  for (const group of groups.values()) {
    if (!group.every((given) => holdsIn(clear, vars, given))) continue;
    const both = group.find((given) => holdsIn(condition, vars, given));
    if (both !== undefined) return both;
  }
  return null;
}

function checkTimes(placed: PlacedRule, inventory: CheckContext["inventory"]): Diagnostic[] {
  const { rule, written } = placed;
  if (rule.on !== null) return [];
  const interval = intervalOf(placed, inventory);
  return rule.raise.flatMap(({ severity, when, forMs }) => {
    if (forMs === 0 || forMs >= POLLS_MIN * interval.ms || looksBack(conditionOf(rule, when))) return [];
    const keys = written.raise === undefined ? ["for"] : ["raise", severity, "for"];
    const message = `${writeDuration(forMs)} is shorter than two polls; ${interval.said} ${writeDuration(interval.ms)}`;
    return [finding(placed, keys, { code: "RULE_SHORT_FOR", message })];
  });
}

/** From one firing to the next a fault has to recover and to be raised again; a `missing` of its own is another way. */
function checkFlap(placed: PlacedRule): Diagnostic[] {
  const { flap, clear, keepMs, raise, missing } = placed.rule;
  if (flap === null || missing.then !== "hold") return [];
  const apartMs = Math.max(clear?.forMs ?? 0, keepMs) + Math.min(...raise.map(({ forMs }) => forMs));
  const leastMs = apartMs * (flap.enter - 1);
  if (leastMs < flap.withinMs) return [];
  const message = `never happens: to fire ${flap.enter} times takes ${writeDuration(leastMs)}, within is ${writeDuration(flap.withinMs)}`;
  return [finding(placed, ["flap"], { code: "RULE_FLAP", message, key: true })];
}

/**
 * What is absorbed calls nobody: a fault may hide behind one that is as bad, not behind one that hardly matters. A ladder
 * that begins low may: its wider fault can be over by the time it gets worse.
 */
function checkAbsorbed(placed: PlacedRule, all: readonly PlacedRule[]): Diagnostic[] {
  const own = levelsOf(placed.rule).at(-1) ?? "info";
  return placed.rule.absorbs.flatMap((id, i) => {
    const narrow = all.find(({ rule }) => rule.id === id)?.rule;
    const [least = own] = narrow === undefined ? [] : levelsOf(narrow);
    if (SEVERITIES.indexOf(least) <= SEVERITIES.indexOf(own)) return [];
    const message = `calls nobody for ${id}, which is ${least} at least, while this is ${own} at most`;
    return [finding(placed, ["absorbs", i], { code: "RULE_ABSORBS_WORSE", message })];
  });
}

/** The least severe first. */
const levelsOf = ({ raise }: Rule): readonly Severity[] =>
  SEVERITIES.filter((level) => raise.some(({ severity }) => severity === level));

/** A window, a streak or a silence is made of several polls already. */
const looksBack = (condition: Condition | null): boolean =>
  condition?.uses.some(({ of }) => of === "window" || of === "silence") ?? false;

/**
 * How often the devices of a rule are polled: the slowest of the inventory; without one what an agent does by default, or
 * the rule's own tests where they poll faster (a test may take long steps only to be short).
 */
function intervalOf({ rule, written }: PlacedRule, inventory: CheckContext["inventory"]): { ms: number; said: string } {
  const slowest = selectedBy(rule, inventory).toSorted((a, b) => b.device.intervalMs - a.device.intervalMs)[0];
  if (slowest !== undefined) {
    const { site, device } = slowest;
    return { ms: device.intervalMs, said: `${site}/${device.id} is polled every` };
  }
  const fastest = Math.min(...written.tests.map(({ step }) => step));
  if (fastest < INTERVAL_MS_DEFAULT) return { ms: fastest, said: "the rule's tests poll every" };
  return { ms: INTERVAL_MS_DEFAULT, said: "by default an agent polls every" };
}

function selectedBy(rule: Rule, inventory: CheckContext["inventory"]): readonly InventoryEntry[] {
  const selected = checkSelect(rule.select);
  if (!selected.ok || inventory === null) return [];
  return inventory.devices.filter(({ site, device }) => selected.value.matches(site, device));
}

/**
 * Rules that look at nothing: each where its own `select` stands, those that go by their file's once for all of them.
 * It is a remark where the inventory has no device of such a kind at all, which a shared set of rules is full of.
 */
function checkSelections(placed: readonly PlacedRule[], inventory: CheckContext["inventory"]): Diagnostic[] {
  if (inventory === null) return [];
  const idle = placed.filter(({ rule }) => isIdle(rule, inventory));
  const byFile = Map.groupBy(
    idle.filter(({ written }) => written.select === undefined),
    ({ source }) => source,
  );
  const ofFiles = [...byFile].flatMap(([source, [first, ...rest]]) => {
    if (first === undefined) return [];
    const { severity, message } = idleness(first.rule, inventory);
    const whole = rest.length === 0 ? "" : `; ${rest.length + 1} rules here go by it`;
    return [source.diagnostic(["select"], { code: "RULE_SELECTS_NOTHING", message: `${message}${whole}`, severity })];
  });
  const own = idle
    .filter(({ written }) => written.select !== undefined)
    .map(({ rule, source, path }) =>
      source.diagnostic([...path, "select"], { code: "RULE_SELECTS_NOTHING", ...idleness(rule, inventory) }),
    );
  return [...ofFiles, ...own];
}

/** Of one agent's inventory only its own kinds can be missed; what watches itself is listed by nobody. */
function isIdle(rule: Rule, inventory: CheckedInventory): boolean {
  const kinds = kindsOf(rule);
  if (
    selectedBy(rule, inventory).length > 0 ||
    (kinds !== null && [...kinds].every((kind) => WATCHES_ITSELF.has(kind)))
  )
    return false;
  return inventory.isWhole || hasKindOf(rule, inventory);
}

const WATCHES_ITSELF: ReadonlySet<string> = new Set(["agent", "collector"]);

function idleness(rule: Rule, inventory: CheckedInventory): { severity: Diagnostic["severity"]; message: string } {
  const { name, devices } = inventory;
  if (!hasKindOf(rule, inventory)) {
    return {
      severity: "info",
      message: `nothing is selected: ${name} has no ${[...(kindsOf(rule) ?? [])].join(" or ")}`,
    };
  }
  const message = `none of the ${devices.length} devices of ${name} is selected: ${rule.select}`;
  return { severity: "warning", message };
}

const hasKindOf = (rule: Rule, { devices }: CheckedInventory): boolean =>
  devices.some(({ device }) => kindsOf(rule)?.has(device.kind) ?? true);

function kindsOf({ select }: Rule): ReadonlySet<string> | null {
  const selected = checkSelect(select);
  return selected.ok ? selected.value.kinds : null;
}

function checkNames(placed: PlacedRule, runbooks: CheckContext["runbooks"]): Diagnostic[] {
  const { written } = placed;
  const noTests = finding(placed, ["id"], { code: "RULE_NO_TESTS", message: `${written.id} has no tests` });
  return [
    ...checkRunbook(placed, runbooks),
    ...checkTitle(placed),
    ...checkVars(placed),
    ...checkHours(placed),
    ...(written.tests.length === 0 ? [noTests] : []),
  ];
}

function checkRunbook(placed: PlacedRule, runbooks: CheckContext["runbooks"]): Diagnostic[] {
  const { runbook } = placed.rule;
  const code = "RULE_RUNBOOK";
  if (runbook === null) {
    return [
      finding(placed, ["id"], { code, message: "expected a runbook: whoever is paged would have no first step" }),
    ];
  }
  if (runbooks === null || runbooks.has(runbook)) return [];
  const near = suggest(runbook, runbooks);
  const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
  return [finding(placed, ["runbook"], { code, message: `there is no runbook ${runbook}.md`, ...hint })];
}

/** Values that are put into a title are metrics of the subject, or calls that a condition has in the same words. */
function checkTitle(placed: PlacedRule): Diagnostic[] {
  const { rule, source, path } = placed;
  const conditions = [...rule.raise.map(({ when }) => when), ...(rule.clear === null ? [] : [rule.clear.when])];
  const uses = conditions.flatMap((text) => conditionOf(rule, text)?.uses ?? []);
  const known = new Set(uses.map(({ text }) => text));
  return titleNames(rule.title).flatMap(({ name, start, end }) => {
    if (rule.on !== null && EVENT_FIELDS.has(name)) return [];
    if (known.has(name) || isOfSubject(name, rule)) return [];
    const near = suggest(name, known);
    const all = [...known].join(", ");
    const hint = near === null ? `the rule's conditions read: ${all}` : `did you mean "${near}"?`;
    const message = `the rule does not have ${name}: people would read "?" there`;
    const found = finding(placed, ["title"], { code: "RULE_TITLE_UNREAD", message, hint });
    return [{ ...found, ...source.offsetIn([...path, "title"], start, end) }];
  });
}

/** What an event brings along. */
const EVENT_FIELDS: ReadonlySet<string> = new Set(["code", "detail"]);

/** Read of the subject itself, whatever the conditions look at: its name, a var, or a metric of it or of its device. */
function isOfSubject(name: string, { scope }: Rule): boolean {
  if (name.endsWith(")")) return false;
  const metric = findMetric(name);
  if (metric === undefined) return true; // compileRules let it pass: a name of the subject, or a var.
  return metric.component === null ? scope !== "site" : scope === "component";
}

function checkVars(placed: PlacedRule): Diagnostic[] {
  const { rule } = placed;
  const texts = [...rule.raise.map(({ when }) => when), rule.clear?.when ?? "", rule.title];
  return Object.keys(rule.vars).flatMap((name) => {
    const isRead = texts.some((text) => new RegExp(`\\bvars\\.${name}\\b`).test(text));
    const what = { code: "RULE_UNUSED_VAR", message: `nothing reads vars.${name}`, key: true };
    return isRead ? [] : [finding(placed, ["vars", name], what)];
  });
}

/** A calendar is the sites file's to have; one that is nearly a word of the language is a slip without that, too. */
function checkHours(placed: PlacedRule): Diagnostic[] {
  const { activeIn } = placed.rule;
  const near = HOURS.includes(activeIn) ? null : suggest(activeIn, HOURS);
  if (near === null) return [];
  const message = `"${activeIn}" is a calendar of the sites file, if that has one`;
  const what = { code: "RULE_UNKNOWN_CALENDAR", message, hint: `did you mean "${near}"?` };
  return [{ ...finding(placed, ["active_in"], what), severity: "warning" }];
}

const HOURS: readonly string[] = ["always", "trading_hours"];

/** Devices that depend on each other in a circle: which of them is the cause nobody could say. */
function checkTree(inventory: CheckContext["inventory"]): Diagnostic[] {
  if (inventory === null) return [];
  const sites = Map.groupBy(inventory.devices, ({ site }) => site);
  return [...sites].flatMap(([site, entries]) => {
    const edges = new Map(entries.map(({ device }) => [device.id, device.dependsOn]));
    return circlesOf(edges).map((circle): Diagnostic => {
      const way = [...circle, circle[0]].join(" → ");
      const message = `devices of ${site} depend on each other in a circle: ${way}`;
      return { ...wholeFile(inventory.name, "RULE_CYCLE", message), severity: "warning" };
    });
  });
}
