/**
 * Conditions to closures. cel-js evaluates in about 130 ns and throws for a missing variable; a tree of closures that
 * reads typed arrays takes some 10 ns and knows *unknown*: NaN among numbers, 2 among truths.
 *
 * Three-valued logic is Kleene's: unknown is absorbed where the other side decides (`false && unknown` is false), a
 * comparison with unknown is unknown, and so is what arithmetic can't tell (a division by zero).
 *
 * Nothing is allocated while judging. A closure is compiled for one layout, so offsets are constants in it.
 */
import { findMetric } from "@aislewatch/devices";
import type { ASTNode } from "@marcbachmann/cel-js";
import { callOf, childrenOf, constantOf, literalMs, PART_FUNCTIONS, spellKey, type Vars } from "./condition.ts";
import type { Truth } from "./fault.ts";
import { etaOf } from "./forecast.ts";
import type { Layout } from "./layout.ts";
import type { SpellsBySubject } from "./spells.ts";
import type { RecentReadings } from "./window.ts";
import { quantileOf, WINDOW_FUNCTIONS, type WindowFunction } from "./window-functions.ts";

/** How many devices of a kind or role a site has, and how they are. */
export type Tally = { expected: number; working: number; failed: number };

/** What closures look at. The engine keeps one and points it at the subject in turn. */
export type Frame = {
  /** The present value of each slot: booleans as 0 and 1, NaN for never seen or too old. */
  values: Float64Array;
  /** Event time of each slot's last reading; 0 for never. */
  times: Float64Array;
  /** Where the subject's own metrics begin, and where its device's. */
  base: number;
  deviceBase: number;
  /** Where the metrics of each component of the device begin, by class. */
  parts: ReadonlyMap<string, readonly number[]>;
  readonly windows: Map<number, RecentReadings>;
  /** For how long conditions of time_where() held, by the subject's base and the condition's key. */
  readonly spells: SpellsBySubject;
  nowMs: number;
  /** Seconds since the device answered; NaN while nobody can know. */
  silentSeconds: number;
  tallies: ReadonlyMap<string, Tally>;
  /** Devices of the same kind and role at the site, the judged one among them. */
  neighbours: readonly Neighbour[];
};

/** Where the metrics of a device begin; those of one kind lie in the same order. */
export type Neighbour = { readonly base: number };

/** A hall of hand-helds; beyond, those that the inventory lists first stand for all. */
export const NEIGHBOURS_MAX = 256;

export type NumberTerm = (frame: Frame) => number;
export type TruthTerm = (frame: Frame) => Truth;
export type Term =
  | { readonly is: "number"; readonly run: NumberTerm }
  | { readonly is: "truth"; readonly run: TruthTerm };

/** For which subjects a condition is compiled. */
export type Target = {
  readonly device: Layout | null;
  readonly component: Layout | null;
  readonly partLayout: (componentClass: string) => Layout | null;
  readonly vars: Vars;
};

/** The tree must have passed checkCondition. */
export function compileTruth(tree: ASTNode, target: Target): TruthTerm {
  return truth(term(tree, target));
}

/** A value as evidence for people: a metric, a window, a count. */
export function compileEvidence(tree: ASTNode, target: Target): NumberTerm {
  const compiled = term(tree, target);
  return compiled.is === "number" ? compiled.run : (frame) => toNumber(compiled.run(frame));
}

/** Any part of a condition. */
export const compileTerm = (node: ASTNode, target: Target): Term => term(node, target);

const number = (run: NumberTerm): Term => ({ is: "number", run });
const truthful = (run: TruthTerm): Term => ({ is: "truth", run });

const truth = (compiled: Term): TruthTerm =>
  compiled.is === "truth" ? compiled.run : (frame) => toTruth(compiled.run(frame));
const toNumber = (value: Truth): number => (value === 2 ? Number.NaN : value);
const toTruth = (value: number): Truth => (Number.isNaN(value) ? 2 : value === 0 ? 0 : 1);

function term(node: ASTNode, target: Target): Term {
  const constant = constantOf(node, target.vars);
  if (typeof constant === "number") return number(() => constant);
  if (typeof constant === "boolean") return truthful(() => (constant ? 1 : 0));
  if (node.op === "id") return metricTerm(node.args, target);
  const call = callOf(node);
  if (call !== null) return callTerm(call.name, call.args, target);
  const ofParts = partsComparison(node, target);
  if (ofParts !== null) return truthful(ofParts);
  const children = childrenOf(node);
  const terms = children.map((child) => term(child, target));
  const [first, second, third] = terms;
  if (node.op === "!_" && first !== undefined) return truthful(not(truth(first)));
  if (node.op === "-_" && first?.is === "number")
    return number(
      (
        (run) => (frame: Frame) =>
          -run(frame)
      )(first.run),
    );
  if (node.op === "?:" && first && second && third) return choice(truth(first), second, third);
  if (first !== undefined && second !== undefined) return binary(node.op, first, second);
  throw new Error(`a condition passed the check but can't be compiled: ${node.input}`);
}

function metricTerm(name: string, target: Target): Term {
  const own = (target.component ?? target.device)?.offsetOf.get(name);
  const offset = own ?? target.device?.offsetOf.get(name);
  const layout = own === undefined ? target.device : (target.component ?? target.device);
  const metric = layout?.metrics[offset ?? -1];
  // A kind that lacks the metric never learns it; a rule over several kinds may still select it.
  if (offset === undefined || metric === undefined) return truthful(() => 2);
  const isOwn = own !== undefined;
  if (metric.type === "number") {
    return number(
      isOwn
        ? (frame) => frame.values[frame.base + offset] ?? Number.NaN
        : (frame) => frame.values[frame.deviceBase + offset] ?? Number.NaN,
    );
  }
  return truthful(
    isOwn
      ? (frame) => toTruth(frame.values[frame.base + offset] ?? Number.NaN)
      : (frame) => toTruth(frame.values[frame.deviceBase + offset] ?? Number.NaN),
  );
}

function callTerm(name: string, args: readonly ASTNode[], target: Target): Term {
  if (name === "silent_for") return number((frame) => frame.silentSeconds);
  const [first, second] = args;
  if (name === "known" && first !== undefined)
    return truthful(partsKnown(first, target) ?? isKnown(term(first, target)));
  if (name === "neighbours" && first !== undefined) return neighboursTerm(first, target);
  if (name === "time_where" && first !== undefined) return spellTerm(first, spanOf(second), target);
  const argument = first?.op === "id" || first?.op === "value" ? String(first.args) : "";
  const fold = windowFunction(name, args, target.vars);
  if (fold !== null) return windowTerm(name, argument, { fold, spanMs: spanOf(args.at(-1)) }, target);
  if (name === "working") return number((frame) => frame.tallies.get(argument)?.working ?? 0);
  if (name === "failed") return number((frame) => frame.tallies.get(argument)?.failed ?? 0);
  if (name === "expected") return number((frame) => frame.tallies.get(argument)?.expected ?? 0);
  if (name === "unknown") return number((frame) => unknownOf(frame.tallies.get(argument)));
  return partsTerm(name, argument, target);
}

const streakOf = (readings: RecentReadings): number => readings.streak;

const isKnown = (compiled: Term): TruthTerm => {
  if (compiled.is === "number")
    return (
      (run) => (frame: Frame) =>
        Number.isNaN(run(frame)) ? 0 : 1
    )(compiled.run);
  return (
    (run) => (frame: Frame) =>
      run(frame) === 2 ? 0 : 1
  )(compiled.run);
};

const unknownOf = (tally: Tally | undefined): number =>
  tally === undefined ? 0 : tally.expected - tally.working - tally.failed;

const spanOf = (node: ASTNode | undefined): number => (node?.op === "value" ? (literalMs(String(node.args)) ?? 0) : 0);

/** Null when it is none. */
function windowFunction(name: string, args: readonly ASTNode[], vars: Vars): WindowFunction | null {
  if (name === "streak") return streakOf;
  const second = args[1] === undefined ? null : constantOf(args[1], vars);
  if (name === "quantile" && typeof second === "number") return quantileOf(second);
  if (name === "eta" && typeof second === "number") {
    return etaOf(second, args[0]?.op === "id" && (findMetric(args[0].args)?.counter ?? false));
  }
  return Object.hasOwn(WINDOW_FUNCTIONS, name) ? (WINDOW_FUNCTIONS[name] ?? null) : null;
}

/** How many of the others a condition holds for. One of which nobody knows does not count. */
function neighboursTerm(condition: ASTNode, target: Target): Term {
  const holds = compileTruth(condition, target);
  return number((frame) => {
    const { base, deviceBase, neighbours } = frame;
    const size = Math.min(neighbours.length, NEIGHBOURS_MAX);
    let count = 0;
    for (let i = 0; i < size; i++) {
      const other = neighbours[i]?.base ?? deviceBase;
      if (other === deviceBase) continue;
      frame.base = other;
      frame.deviceBase = other;
      if (holds(frame) === 1) count++;
    }
    frame.base = base;
    frame.deviceBase = deviceBase;
    return count;
  });
}

/** Whoever judges notes what the condition says at each reading; a closure only looks. */
function spellTerm(condition: ASTNode, spanMs: number, { vars }: Target): Term {
  const key = spellKey(condition, vars);
  return number(({ spells, base, nowMs }) => spells.get(base)?.get(key)?.seconds(nowMs, spanMs) ?? Number.NaN);
}

function windowTerm(
  name: string,
  metric: string,
  { fold, spanMs }: { fold: WindowFunction; spanMs: number },
  target: Target,
): Term {
  const own = (target.component ?? target.device)?.offsetOf.get(metric);
  const offset = own ?? target.device?.offsetOf.get(metric);
  if (offset === undefined) return number(() => Number.NaN);
  const isOwn = own !== undefined;
  const isOfThePast = name === "count" || name === "coverage";
  const run = (frame: Frame): number => {
    const slot = (isOwn ? frame.base : frame.deviceBase) + offset;
    // A series that went stale has no present, whatever its past was; how much there is of that can be told.
    if (!isOfThePast && Number.isNaN(frame.values[slot])) return Number.NaN;
    const readings = frame.windows.get(slot);
    return readings === undefined ? Number.NaN : fold(readings, frame.nowMs, spanMs);
  };
  const layout = isOwn ? (target.component ?? target.device) : target.device;
  const isFlag = name === "last" && layout?.metrics[offset]?.type === "boolean";
  return isFlag ? truthful((frame) => toTruth(run(frame))) : number(run);
}

/**
 * Over the components of the device. One that never reported the metric takes no part (a supply whose level the
 * printer does not know); one that did and fell silent makes the answer unknown, unless the others decide it.
 */
function partsTerm(name: string, metric: string, target: Target): Term {
  const place = partsPlace(metric, target);
  if (place === null) return truthful(() => 2);
  const { componentClass, offset } = place;
  const fold = (start: number, decided: number, step: (so: number, value: number) => number): NumberTerm => {
    return (frame) => {
      const bases = frame.parts.get(componentClass);
      let known = 0;
      let isUnknown = false;
      let so = start;
      for (let i = 0; bases !== undefined && i < bases.length; i++) {
        const slot = (bases[i] ?? 0) + offset;
        const value = frame.values[slot] ?? Number.NaN;
        if (!Number.isNaN(value)) {
          so = step(so, value);
          known++;
        } else if (frame.times[slot] !== 0) isUnknown = true;
      }
      if (known === 0) return Number.NaN;
      return isUnknown && so !== decided ? Number.NaN : so;
    };
  };
  const never = Number.NaN;
  if (name === "any_of") return truthful(flagOf(fold(0, 1, (so, value) => (value === 0 ? so : 1))));
  if (name === "all_of") return truthful(flagOf(fold(1, 0, (so, value) => (value === 0 ? 0 : so))));
  if (name === "count_of") return number(fold(0, never, (so, value) => so + (value === 0 ? 0 : 1)));
  if (name === "min_of") return number(fold(Number.POSITIVE_INFINITY, never, Math.min));
  return number(fold(Number.NEGATIVE_INFINITY, never, Math.max));
}

function partsPlace(metric: string, target: Target): { componentClass: string; offset: number } | null {
  const componentClass = findMetric(metric)?.component ?? null;
  const offset = componentClass === null ? undefined : target.partLayout(componentClass)?.offsetOf.get(metric);
  return componentClass === null || offset === undefined ? null : { componentClass, offset };
}

/** Of parts something is known as soon as one has a value; null for anything but parts. */
function partsKnown(node: ASTNode, target: Target): TruthTerm | null {
  const call = callOf(node);
  const metric = call?.args[0];
  const place = metric?.op === "id" ? partsPlace(metric.args, target) : null;
  if (call === null || place === null || !isPartFunction(call.name)) return null;
  const { componentClass, offset } = place;
  return ({ parts, values }) => {
    for (const base of parts.get(componentClass) ?? []) if (!Number.isNaN(values[base + offset])) return 1;
    return 0;
  };
}

const isPartFunction = (name: string): boolean => (PART_FUNCTIONS as readonly string[]).includes(name);

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const MIRRORED: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

/**
 * `min_of(level) < 10` is true as soon as one part's level is, and `min_of(level) > 15` false, whatever a part that fell
 * silent would say: such comparisons are judged part by part. Null for anything else.
 */
function partsComparison(node: ASTNode, target: Target): TruthTerm | null {
  const [left, right] = childrenOf(node);
  if (left === undefined || right === undefined || !Object.hasOwn(COMPARE, node.op)) return null;
  const isMirrored = callOf(left) === null;
  const [parts, limit, op] = isMirrored ? [right, left, MIRRORED[node.op] ?? ""] : [left, right, node.op];
  const call = callOf(parts);
  const test = COMPARE[op];
  if (call === null || test === undefined || (call.name !== "min_of" && call.name !== "max_of")) return null;
  const [metric] = call.args;
  const place = metric?.op === "id" ? partsPlace(metric.args, target) : null;
  if (place === null) return () => 2;
  const limitOf = numeric(term(limit, target));
  return partByPart(place, { test, limitOf, isAny: (call.name === "min_of") === op.startsWith("<") });
}

type PartTest = {
  readonly test: (a: number, b: number) => boolean;
  readonly limitOf: NumberTerm;
  /** One part decides for true; else one part decides for false. */
  readonly isAny: boolean;
};

function partByPart(
  { componentClass, offset }: { componentClass: string; offset: number },
  { test, limitOf, isAny }: PartTest,
): TruthTerm {
  return (frame) => {
    const bases = frame.parts.get(componentClass);
    const limit = limitOf(frame);
    if (bases === undefined || Number.isNaN(limit)) return 2;
    let known = 0;
    let isUnknown = false;
    for (const base of bases) {
      const value = frame.values[base + offset] ?? Number.NaN;
      if (!Number.isNaN(value)) {
        if (test(value, limit) === isAny) return isAny ? 1 : 0;
        known++;
      } else if (frame.times[base + offset] !== 0) isUnknown = true;
    }
    return known === 0 || isUnknown ? 2 : isAny ? 0 : 1;
  };
}

const flagOf =
  (run: NumberTerm): TruthTerm =>
  (frame) =>
    toTruth(run(frame));

const not =
  (run: TruthTerm): TruthTerm =>
  (frame) => {
    const value = run(frame);
    return value === 2 ? 2 : value === 1 ? 0 : 1;
  };

function choice(test: TruthTerm, then: Term, otherwise: Term): Term {
  if (then.is === "number" && otherwise.is === "number") {
    const [yes, no] = [then.run, otherwise.run];
    return number((frame) => {
      const value = test(frame);
      return value === 2 ? Number.NaN : value === 1 ? yes(frame) : no(frame);
    });
  }
  const [yes, no] = [truth(then), truth(otherwise)];
  return truthful((frame) => {
    const value = test(frame);
    return value === 2 ? 2 : value === 1 ? yes(frame) : no(frame);
  });
}

function binary(op: string, left: Term, right: Term): Term {
  if (op === "&&") return truthful(and(truth(left), truth(right)));
  if (op === "||") return truthful(or(truth(left), truth(right)));
  if (left.is === "truth" && right.is === "truth") return truthful(sameTruth(left.run, right.run, op === "!="));
  const [a, b] = [numeric(left), numeric(right)];
  const compared = compare(op, a, b);
  return compared === null ? number(arithmetic(op, a, b)) : truthful(compared);
}

const numeric = (compiled: Term): NumberTerm =>
  compiled.is === "number" ? compiled.run : (frame) => toNumber(compiled.run(frame));

const and =
  (left: TruthTerm, right: TruthTerm): TruthTerm =>
  (frame) => {
    const a = left(frame);
    if (a === 0) return 0;
    const b = right(frame);
    if (b === 0) return 0;
    return a === 1 && b === 1 ? 1 : 2;
  };

const or =
  (left: TruthTerm, right: TruthTerm): TruthTerm =>
  (frame) => {
    const a = left(frame);
    if (a === 1) return 1;
    const b = right(frame);
    if (b === 1) return 1;
    return a === 0 && b === 0 ? 0 : 2;
  };

const sameTruth =
  (left: TruthTerm, right: TruthTerm, isInverse: boolean): TruthTerm =>
  (frame) => {
    const a = left(frame);
    const b = right(frame);
    if (a === 2 || b === 2) return 2;
    return (a === b) === isInverse ? 0 : 1;
  };

function compare(op: string, left: NumberTerm, right: NumberTerm): TruthTerm | null {
  const judge = (test: (a: number, b: number) => boolean): TruthTerm => {
    return (frame) => {
      const a = left(frame);
      const b = right(frame);
      return Number.isNaN(a) || Number.isNaN(b) ? 2 : test(a, b) ? 1 : 0;
    };
  };
  if (op === "<") return judge((a, b) => a < b);
  if (op === "<=") return judge((a, b) => a <= b);
  if (op === ">") return judge((a, b) => a > b);
  if (op === ">=") return judge((a, b) => a >= b);
  if (op === "==") return judge((a, b) => a === b);
  return op === "!=" ? judge((a, b) => a !== b) : null;
}

function arithmetic(op: string, left: NumberTerm, right: NumberTerm): NumberTerm {
  if (op === "+") return (frame) => left(frame) + right(frame);
  if (op === "-") return (frame) => left(frame) - right(frame);
  if (op === "*") return (frame) => left(frame) * right(frame);
  const divide = (apply: (a: number, b: number) => number): NumberTerm => {
    return (frame) => {
      const b = right(frame);
      return b === 0 ? Number.NaN : apply(left(frame), b);
    };
  };
  return op === "/" ? divide((a, b) => a / b) : divide((a, b) => a % b);
}
