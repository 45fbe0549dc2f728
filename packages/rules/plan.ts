/**
 * Rules made ready to run. A compiled rule is bound once per layout (a kind of device, a class of components); a shape
 * is the list of bindings of one subject together with the answer to "who reads this metric", shared by all subjects
 * with the same layout and rules.
 */

import type { Frame } from "./compile.ts";
import { compileEvidence, compileTruth, type NumberTerm, type Target, type TruthTerm } from "./compile.ts";
import { type Condition, checkCondition, type Spell, type Use } from "./condition.ts";
import { checkEventCondition, type EventCondition } from "./event-condition.ts";
import { eventDueAt } from "./event-fault.ts";
import { dueAt, type Fault, type FaultSpec, newFault, type Seen, type Truth, UNKNOWN } from "./fault.ts";
import { contentHash } from "./hash.ts";
import type { Layout, Layouts } from "./layout.ts";
import { checkSelect, type Selector } from "./select.ts";
import { spellsOf } from "./spells.ts";
import type { Rule } from "./types.ts";

export type CompiledRule = {
  readonly rule: Rule;
  readonly selector: Selector;
  readonly steps: readonly Condition[];
  readonly clear: Condition | null;
  /** Of a rule over events: which of them concern it. Never called for others. */
  readonly isAbout: EventCondition;
  readonly spec: FaultSpec;
  /** A fault of this rule that never was. */
  readonly untouched: Fault;
  /** What timers depend on: while it stays the same, an edit of the rule keeps them. */
  readonly conditionHash: string;
  /** The class of components judged, with `scope: component`. */
  readonly partClass: string | null;
  /** Kinds and roles that are counted, with `scope: site`. */
  readonly groups: readonly string[];
  /** Metrics whose streak() decides: it must survive a restart. */
  readonly streakMetrics: readonly string[];
  /** Its past can be found in the readings of one device. */
  readonly isOfOneDevice: boolean;
  readonly bindings: Map<string, Binding>;
  /** The same with other vars, by their values: see overrides.ts. At most one a combination of overrides. */
  readonly variants: Map<string, CompiledRule>;
};

/** The rule as it is where these vars hold; itself when they are its own. */
export function variantOf(compiled: CompiledRule, vars: Rule["vars"]): CompiledRule {
  const { rule, variants } = compiled;
  const key = JSON.stringify(Object.entries(vars));
  if (key === JSON.stringify(Object.entries(rule.vars))) return compiled;
  let variant = variants.get(key);
  if (variant === undefined) {
    variant = compileRule({ ...rule, vars, version: contentHash(`${rule.version} ${key}`) });
    variants.set(key, variant);
  }
  return variant;
}

/** Throws for a rule that compileRules did not pass: a set is checked before it gets here. */
export function compileRule(rule: Rule): CompiledRule {
  const selected = checkSelect(rule.select);
  if (!selected.ok) throw new Error(`rule ${rule.id}: select was not checked: ${selected.error[0]?.message}`);
  const place = { scope: rule.scope, kinds: selected.value.kinds, vars: rule.vars };
  const condition = (text: string): Condition => {
    const checked = checkCondition(text, place);
    if (!checked.ok) throw new Error(`rule ${rule.id}: condition was not checked: ${checked.error[0]?.message}`);
    return checked.value;
  };
  // An event is the condition of a rule over events: nothing in memory decides it.
  const steps = rule.on === null ? rule.raise.map(({ when }) => condition(when)) : [];
  const clear = rule.clear === null ? null : condition(rule.clear.when);
  const conditions = clear === null ? steps : [...steps, clear];
  const uses = conditions.flatMap((each) => each.uses);
  return {
    rule,
    selector: selected.value,
    steps,
    clear,
    isAbout: eventConditionOf(rule),
    spec: {
      forMs: rule.raise.map(({ forMs }) => forMs),
      recoverMs: Math.max(rule.clear?.forMs ?? 0, rule.keepMs),
      hasClear: clear !== null,
      missing: rule.missing,
      flap: rule.flap,
    },
    untouched: newFault(rule.raise.length),
    conditionHash: conditionHashOf(rule),
    partClass: rule.scope === "component" ? partClassOf(uses) : null,
    groups: [...new Set(uses.flatMap((use) => (use.of === "count" ? [use.group] : [])))],
    streakMetrics: [
      ...new Set(uses.flatMap((use) => (use.of === "window" && use.spanMs === 0 ? [use.metric.name] : []))),
    ],
    isOfOneDevice:
      rule.on === null && uses.every(({ of }) => of !== "neighbours" && of !== "count") && rule.scope !== "site",
    bindings: new Map(),
    variants: new Map(),
  };
}

/** Not the severities: how bad something is decides no timer. */
function conditionHashOf({ scope, raise, clear, vars, on }: Rule): string {
  const steps = raise.map(({ when }) => when);
  const events = on === null ? [] : [on];
  return contentHash(JSON.stringify([scope, steps, clear?.when ?? null, vars, ...events]));
}

function eventConditionOf({ id, on }: Rule): EventCondition {
  if (on === null || on.when === null) return () => true;
  const checked = checkEventCondition(on.when);
  if (!checked.ok) throw new Error(`rule ${id}: condition was not checked: ${checked.error[0]?.message}`);
  return checked.value;
}

/** When a fault of this rule changes by the mere passing of time; Infinity when it does not. */
export const dueOf = (fault: Fault, { rule, spec }: CompiledRule): number =>
  rule.on === null ? dueAt(fault, spec) : eventDueAt(fault, rule.on);

/** The class of components that a rule with `scope: component` is about; null when it names no metric of one. */
export function partClassOf(uses: readonly Use[]): string | null {
  for (const use of uses) if ("metric" in use && use.metric.component !== null) return use.metric.component;
  return null;
}

export type Binding = {
  readonly compiled: CompiledRule;
  /** Two bits per step from the least severe, then two for the clear condition. */
  readonly judge: (frame: Frame) => number;
  readonly unknownCode: number;
  readonly reads: readonly Read[];
  /** Conditions whose time it takes. */
  readonly spells: readonly Spell[];
  /** Milliseconds of silence at which the answer may change. */
  readonly silenceMs: readonly number[];
  /** What the conditions look at, as they write it: for people. */
  readonly evidence: readonly Evidence[];
};

export type Evidence = { readonly name: string; readonly isFlag: boolean; readonly read: NumberTerm };

/** Which slot a binding looks at. */
export type Read = {
  readonly whose: "own" | "device" | "part";
  readonly partClass: string;
  readonly offset: number;
  /** Is it judged at each reading, or only when the value changes? */
  readonly isEach: boolean;
  /** How far back readings must be remembered; null for the present value alone. */
  readonly windowMs: number | null;
};

export type BoundTo = { readonly device: Layout | null; readonly component: Layout | null };

export function bindingOf(compiled: CompiledRule, to: BoundTo, context: { kind: string; layouts: Layouts }): Binding {
  const key = (to.component ?? to.device)?.name ?? "";
  let binding = compiled.bindings.get(key);
  if (binding === undefined) {
    binding = bind(compiled, to, context);
    compiled.bindings.set(key, binding);
  }
  return binding;
}

function bind(compiled: CompiledRule, to: BoundTo, context: { kind: string; layouts: Layouts }): Binding {
  const { steps, clear, rule } = compiled;
  const partLayout = (partClass: string): Layout | null => context.layouts.component(context.kind, partClass);
  const target: Target = { ...to, partLayout, vars: rule.vars };
  const conditions = clear === null ? steps : [...steps, clear];
  const terms = conditions.map(({ tree }) => compileTruth(tree, target));
  const uses = conditions.flatMap((condition) => condition.uses);
  const spells = uses.flatMap((use) => (use.of === "time_where" ? [use.spell] : []));
  return {
    compiled,
    judge: notingSpells(spells, target, judgeOf(terms)),
    spells,
    unknownCode: packed(terms.map(() => UNKNOWN)),
    reads: uses.flatMap((use) => readsOf(use, target)),
    silenceMs: conditions.flatMap(({ silenceSeconds }) => silenceSeconds.map((seconds) => seconds * 1000)),
    evidence: evidenceOf(uses, target),
  };
}

function judgeOf(terms: readonly TruthTerm[]): (frame: Frame) => number {
  const [first, second] = terms;
  if (first !== undefined && terms.length === 1) return first;
  if (first !== undefined && second !== undefined && terms.length === 2) {
    return (frame) => first(frame) | (second(frame) << 2);
  }
  return (frame) => {
    let code = 0;
    for (let i = 0; i < terms.length; i++) code |= (terms[i]?.(frame) ?? UNKNOWN) << (2 * i);
    return code;
  };
}

/** What time_where() asks for is noted whether or not the rest of the condition lets it be asked. */
function notingSpells(
  spells: readonly Spell[],
  target: Target,
  judge: (frame: Frame) => number,
): (frame: Frame) => number {
  if (spells.length === 0) return judge;
  const noted = spells.map((spell) => ({ ...spell, run: compileTruth(spell.condition, target) }));
  return (frame) => {
    for (const spell of noted) spellsOf(frame.spells, frame.base, spell).note(frame.nowMs, spell.run(frame));
    return judge(frame);
  };
}

const packed = (truths: readonly Truth[]): number =>
  truths.reduce<number>((code, truth, i) => code | (truth << (2 * i)), 0);

export function unpack(code: number, compiled: CompiledRule): Seen {
  const steps = compiled.steps.map((_, i) => truthAt(code, i));
  return { steps, clear: compiled.clear === null ? UNKNOWN : truthAt(code, compiled.steps.length) };
}

function truthAt(code: number, index: number): Truth {
  const bits = (code >> (2 * index)) & 3;
  return bits === 0 ? 0 : bits === 1 ? 1 : UNKNOWN;
}

function readsOf(use: Use, target: Target): Read[] {
  if (use.of === "silence" || use.of === "count") return [];
  // Neighbours change without a change here: each reading looks at them again.
  if (use.of === "time_where" || use.of === "neighbours") {
    return use.metrics.flatMap(({ name }) => readOf(name, target, { isEach: true, windowMs: null }));
  }
  const { name, component: partClass } = use.metric;
  if (use.of !== "parts") {
    const isEach = use.of === "window";
    return readOf(name, target, { isEach, windowMs: isEach ? use.spanMs : null });
  }
  const offset = partClass === null ? undefined : target.partLayout(partClass)?.offsetOf.get(name);
  if (offset === undefined || partClass === null) return [];
  return [{ whose: "part", partClass, offset, isEach: false, windowMs: null }];
}

function readOf(name: string, { device, component }: Target, how: Pick<Read, "isEach" | "windowMs">): Read[] {
  const own = (component ?? device)?.offsetOf.get(name);
  if (own !== undefined) return [{ whose: "own", partClass: "", offset: own, ...how }];
  const offset = device?.offsetOf.get(name);
  return offset === undefined ? [] : [{ whose: "device", partClass: "", offset, ...how }];
}

function evidenceOf(uses: readonly Use[], target: Target): Evidence[] {
  const byName = new Map<string, Evidence>();
  for (const use of uses) {
    const isFlag = use.of === "metric" && use.metric.type === "boolean";
    const isFlagCall = /^(any_of|all_of)\b/.test(use.text) || (/^last\b/.test(use.text) && "metric" in use);
    const read = compileEvidence(use.node, target);
    byName.set(use.text, { name: use.text, isFlag: isFlag || (isFlagCall && isFlagUse(use)), read });
  }
  return [...byName.values()];
}

const isFlagUse = (use: Use): boolean => "metric" in use && use.metric.type === "boolean";

/** Positions in a subject's list of bindings, by the offset that they read. */
export type Readers = readonly (readonly number[] | undefined)[];

export type Shape = {
  readonly bindings: readonly Binding[];
  /** Who looks at a slot of the subject itself: on a change of its value, and on every reading of it. */
  readonly onChange: Readers;
  readonly onReading: Readers;
  /** Of a component's subject: who looks at a slot of its device. */
  readonly onDeviceChange: Readers;
  readonly onDeviceReading: Readers;
  /** Of a device's subject: who looks at a slot of its components, by class. */
  readonly onPartChange: ReadonlyMap<string, Readers>;
  /** Of which slots, its own and its device's, each reading is judged. */
  readonly isOwnEach: boolean;
  readonly isDeviceEach: boolean;
  /** How far back each own slot and each slot of the device must be remembered. */
  readonly windows: readonly Read[];
  readonly spellKeys: ReadonlySet<string>;
  readonly onSilence: readonly number[];
  /** Rules over events. */
  readonly onEvent: readonly number[];
  readonly silenceMs: readonly number[];
};

export function shapeOf(bindings: readonly Binding[]): Shape {
  const table = (): number[][] => [];
  const [onChange, onReading, onDeviceChange, onDeviceReading] = [table(), table(), table(), table()];
  const onPartChange = new Map<string, number[][]>();
  const windows: Read[] = [];
  bindings.forEach((binding, local) => {
    for (const read of binding.reads) {
      if (read.whose === "part") {
        const readers = onPartChange.get(read.partClass) ?? table();
        onPartChange.set(read.partClass, readers);
        addReader(readers, read.offset, local);
        continue;
      }
      // A value that went stale matters to a window, too, and that is a change without a reading.
      addReader(read.whose === "own" ? onChange : onDeviceChange, read.offset, local);
      if (!read.isEach) continue;
      addReader(read.whose === "own" ? onReading : onDeviceReading, read.offset, local);
      if (read.windowMs !== null) windows.push(read);
    }
  });
  const onSilence = bindings.flatMap((binding, local) => (binding.silenceMs.length > 0 ? [local] : []));
  const silenceMs = [...new Set(bindings.flatMap((binding) => binding.silenceMs))].sort((a, b) => a - b);
  return {
    bindings,
    onChange,
    onReading,
    onDeviceChange,
    onDeviceReading,
    onPartChange,
    isOwnEach: onReading.length > 0,
    isDeviceEach: onDeviceReading.length > 0,
    windows,
    spellKeys: new Set(bindings.flatMap(({ spells }) => spells.map(({ key }) => key))),
    onSilence,
    onEvent: bindings.flatMap(({ compiled }, local) => (compiled.rule.on === null ? [] : [local])),
    silenceMs,
  };
}

export const NO_SHAPE: Shape = shapeOf([]);

function addReader(readers: number[][], offset: number, local: number): void {
  let locals = readers[offset];
  if (locals === undefined) {
    locals = [];
    readers[offset] = locals;
  }
  if (!locals.includes(local)) locals.push(local);
}
