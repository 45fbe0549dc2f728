/**
 * Why a rule fires on a subject, or why it does not: its conditions taken apart, each part with its value and the
 * readings it is from, the timers that run, and what keeps it from paging. The parts are evaluated by the closures that
 * judge, on the memory that they judge from; nothing is changed by asking.
 *
 * Times are Unix ms in event time, spans in ms. A value that is unknown is null. Sizes are bounded by the rule's text
 * (four levels and a clear condition of 2,000 characters each) and by PARTS_SHOWN_MAX.
 */
import { suggest } from "@aislewatch/config";
import { joinSubject, type Value } from "@aislewatch/contract";
import { findMetric, type Severity } from "@aislewatch/devices";
import type { ASTNode } from "@marcbachmann/cel-js";
import { compileTerm, type Frame, type Target } from "./compile.ts";
import { type Condition, callOf, childrenOf, constantOf, literalMs } from "./condition.ts";
import { dueAt, type Fault, type Hold, isOpen } from "./fault.ts";
import { asValue, type Judge, severityOf, silentSeconds } from "./judge.ts";
import type { EffectiveVar } from "./overrides.ts";
import type { CompiledRule } from "./plan.ts";
import type { Roster } from "./roster.ts";
import { writeSpan } from "./span.ts";
import type { DeviceUnit, JudgedSubject, SiteUnit } from "./subjects.ts";
import type {
  EventTrigger,
  ExplainedCondition,
  ExplainedReading,
  ExplainedTerm,
  Explanation,
  FaultFlags,
  NoExplanation,
  Rule,
  Subject,
} from "./types.ts";
import { WINDOW_FUNCTIONS } from "./window-functions.ts";

/** Ports of a switch whose readings are named one by one. */
const PARTS_SHOWN_MAX = 64;

type Engine = { readonly judge: Judge; readonly roster: Roster };

export function explainFault(
  engine: Engine,
  what: { readonly rule: string; readonly subject: Subject },
  nowMs: number,
): Explanation | NoExplanation {
  const compiled = engine.roster.rules.find(({ rule }) => rule.id === what.rule);
  if (compiled === undefined) return unknownRule(engine.roster, what.rule);
  const subject = findSubject(engine.roster, compiled.rule, what.subject);
  if ("refused" in subject) return subject;
  // By its id: where vars are overridden another compiled rule is bound.
  const local = subject.shape.bindings.findIndex(({ compiled: bound }) => bound.rule.id === what.rule);
  const bound = subject.shape.bindings[local]?.compiled;
  if (bound === undefined) return notSelected(compiled.rule, subject);
  const { owner } = subject;
  const vars =
    owner.is === "site"
      ? engine.roster.varsOf(compiled.rule, owner, null)
      : engine.roster.varsOf(compiled.rule, owner.site, owner.device);
  return new Explainer(engine, { subject, local, compiled: bound, own: compiled.rule, vars, nowMs }).explanation();
}

function unknownRule({ rules }: Roster, id: string): NoExplanation {
  const ids = rules.map(({ rule }) => rule.id);
  // People remember the end of an id better than its group: label-media-out.
  const near = suggest(id, ids) ?? ids.find((each) => each.endsWith(`-${id}`)) ?? null;
  const hint = near === null ? "" : ` Did you mean ${near}?`;
  return { refused: "unknown_rule", message: `There is no rule ${id}.${hint}` };
}

function findSubject(roster: Roster, rule: Rule, { site, device, component }: Subject): JudgedSubject | NoExplanation {
  const unit = roster.sites.get(site);
  if (unit === undefined) return unknownSubject(`There is no site ${site}.`, site, roster.sites.keys());
  if (rule.scope === "site") return unit.self;
  if (device === null) {
    return {
      refused: "unknown_subject",
      message: `${rule.id} is judged on a ${rule.scope}: name a device of ${site}.`,
    };
  }
  const known = unit.devices.get(device);
  if (known === undefined) return unknownSubject(`Site ${site} has no device ${device}.`, device, unit.devices.keys());
  if (rule.scope === "device") return known.self;
  // Only those that the rule looks at: a disk's rule has no ports.
  const parts = [...known.parts.values()]
    .filter(({ shape }) => shape.bindings.some(({ compiled }) => compiled.rule.id === rule.id))
    .flatMap((part) => part.component ?? []);
  const found = component === null ? undefined : known.parts.get(component);
  if (found !== undefined) return found;
  const which = parts.length === 0 ? "it has none" : `one of ${parts.slice(0, PARTS_SHOWN_MAX).join(", ")}`;
  const message = `${rule.id} is judged on each component of ${device}: ${which}.`;
  return unknownSubject(message, component ?? "", parts);
}

function unknownSubject(message: string, asked: string, known: Iterable<string>): NoExplanation {
  const near = suggest(asked, known);
  return { refused: "unknown_subject", message: near === null ? message : `${message} Did you mean ${near}?` };
}

function notSelected(rule: Rule, { owner, component, partClass }: JudgedSubject): NoExplanation {
  if (owner.is === "site") {
    return { refused: "not_selected", message: `${rule.id} selects no device of ${owner.id}: ${rule.select}.` };
  }
  const { id, kind, labels } = owner.device;
  const labelled = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const is = [`kind ${kind}`, ...labelled, ...(component === null ? [] : [`component class ${partClass}`])].join(", ");
  const what = component === null ? id : joinSubject(id, component);
  return {
    refused: "not_selected",
    message: `${rule.id} does not look at ${what} (${is}); it selects ${rule.select}.`,
  };
}

type Asked = {
  readonly subject: JudgedSubject;
  readonly local: number;
  readonly compiled: CompiledRule;
  /** The rule as its file has it. */
  readonly own: Rule;
  readonly vars: ReadonlyMap<string, EffectiveVar>;
  readonly nowMs: number;
};

class Explainer {
  readonly #judge: Judge;
  readonly #asked: Asked;
  readonly #frame: Frame;
  readonly #target: Target;
  readonly #fault: Fault;
  readonly #flags: FaultFlags;

  constructor({ judge, roster }: Engine, asked: Asked) {
    const { subject, local, compiled, nowMs } = asked;
    const { owner } = subject;
    const active = subject.faults[local] ?? null;
    this.#judge = judge;
    this.#asked = asked;
    this.#fault = active?.fault ?? compiled.untouched;
    this.#flags = active?.flags ?? judge.flagsOf(subject, compiled, { fault: this.#fault, local, at: nowMs });
    const device = owner.is === "device" ? owner : null;
    this.#frame = {
      ...judge.frame,
      values: judge.memory.values,
      times: judge.memory.times,
      base: subject.base,
      deviceBase: device?.self.base ?? 0,
      parts: device?.partBases ?? new Map(),
      nowMs,
      silentSeconds: device === null ? Number.NaN : silentSeconds(device, nowMs),
      tallies: owner.is === "site" ? owner.tallies : new Map(),
      neighbours: device?.neighbours ?? [],
    };
    const kind = device?.device.kind ?? "";
    this.#target = {
      device: device?.self.layout ?? null,
      component: subject.component === null ? null : subject.layout,
      partLayout: (partClass) => roster.partLayout(kind, partClass),
      vars: compiled.rule.vars,
    };
  }

  explanation(): Explanation {
    const { subject, compiled, nowMs } = this.#asked;
    const { rule } = compiled;
    const { state, onset } = this.#fault;
    const taken = this.#conditions();
    return {
      rule: rule.id,
      ruleVersion: rule.version,
      subject: nameOf(subject),
      at: nowMs,
      summary: this.#summary(taken),
      state,
      severity: severityOf(rule, this.#fault),
      since: state === "inactive" ? null : onset,
      flags: this.#flags,
      conditions: taken.map(({ part, ...condition }) => ({ ...condition, terms: flat(part, 0) })),
      facts: this.#facts(),
    };
  }

  #conditions(): Taken[] {
    const { compiled } = this.#asked;
    const { rule, steps, clear, spec } = compiled;
    if (rule.on !== null) return [];
    const levels = steps.map((condition, i) =>
      this.#condition(condition, {
        severity: rule.raise[i]?.severity ?? null,
        hold: this.#fault.steps[i],
        forMs: spec.forMs[i] ?? 0,
      }),
    );
    const ofClear = { severity: null, hold: this.#fault.clear, forMs: spec.recoverMs };
    return [...levels.reverse(), ...(clear === null ? [] : [this.#condition(clear, ofClear)])];
  }

  #condition(
    { text, tree }: Condition,
    { severity, hold, forMs }: { severity: Severity | null; hold: Hold | undefined; forMs: number },
  ): Taken {
    const { nowMs } = this.#asked;
    const part = this.#part(tree);
    const holds = truthOf(part);
    const since = holds === true ? (hold?.since ?? null) : null;
    const due = since === null ? null : since + Math.max(0, forMs - (hold?.gatheredMs ?? 0));
    return { severity, when: text, holds, since, forMs, dueAt: due === null || due <= nowMs ? null : due, part };
  }

  #part(node: ASTNode): Part {
    const term = compileTerm(node, this.#target);
    const isTruth = term.is === "truth";
    const value = term.is === "number" ? asValue(term.run(this.#frame), false) : FLAG_OF[term.run(this.#frame)];
    const text = node.input.slice(node.start, node.end);
    const known = value ?? null;
    const parts = childrenOf(node).map((child) => this.#part(child));
    const plain = { op: node.op, isTruth, parts, text, value: known, unit: "", readings: [], note: "" };
    if (constantOf(node, this.#asked.compiled.rule.vars) !== null) return { ...plain, op: "value", parts: [] };
    if (node.op === "id") return { ...plain, ...this.#metric(node.args, known) };
    const call = callOf(node);
    return call === null ? plain : { ...plain, ...this.#call(call, known) };
  }

  #metric(name: string, value: Value | null): Pick<ExplainedTerm, "unit" | "readings" | "note"> {
    const unit = findMetric(name)?.unit ?? "";
    const place = this.#slotOf(name);
    if (place === null) return { unit, readings: [], note: "this kind of device does not report it" };
    const reading = this.#reading(name, place);
    if (reading === null) return { unit, readings: [], note: "never reported" };
    return { unit, readings: [reading], note: value === null ? this.#staleNote(reading) : "" };
  }

  #staleNote({ at }: ExplainedReading): string {
    const { nowMs, subject } = this.#asked;
    const { owner } = subject;
    const age = `last read ${writeSpan(nowMs - at)} before`;
    if (owner.is === "device" && !owner.agent.isOnline) return `${age}; the agent is away`;
    return owner.is === "device" ? `${age}; too old after ${writeSpan(owner.staleAfterMs)}` : age;
  }

  #call(
    { name, args }: { name: string; args: readonly ASTNode[] },
    value: Value | null,
  ): Pick<ExplainedTerm, "unit" | "readings" | "note"> {
    const [first] = args;
    const metric = first?.op === "id" ? first.args : null;
    if (name === "time_where") return { unit: "s", readings: [], note: "" };
    if (name === "neighbours") return { unit: "devices", readings: [], note: this.#neighboursNote() };
    if (name === "silent_for") return { unit: "s", readings: [], note: this.#silenceNote(value) };
    if (first?.op === "value") return { unit: "", readings: [], note: this.#tallyNote(String(first.args)) };
    if (metric === null) return { unit: "", readings: [], note: "" };
    const found = findMetric(metric);
    if (found?.component !== null && this.#asked.subject.component === null) return this.#parts(metric);
    // The window stands last, behind a share or a target.
    const last = args.at(-1);
    const spanMs = last?.op === "value" ? literalMs(String(last.args)) : null;
    const unit = name === "eta" ? "s" : SAME_UNIT.has(name) ? (found?.unit ?? "") : "";
    const place = this.#slotOf(metric);
    const reading = place === null ? null : this.#reading(metric, place);
    if (place === null || reading === null) return { unit, readings: [], note: "never reported" };
    return { unit, readings: [reading], note: spanMs === null ? "" : this.#windowNote(place.slot, spanMs, value) };
  }

  #silenceNote(value: Value | null): string {
    const { owner } = this.#asked.subject;
    if (value !== null || owner.is !== "device") return "";
    return owner.agent.isOnline ? "the agent has just come back" : "the agent is away, so nobody can know";
  }

  #neighboursNote(): string {
    const others = Math.max(0, this.#frame.neighbours.length - 1);
    return others === 0 ? "there is no other of its kind and role" : `of ${others} others of its kind and role`;
  }

  #tallyNote(group: string): string {
    const tally = this.#frame.tallies.get(group);
    if (tally === undefined) return `nothing at this site is ${JSON.stringify(group)}`;
    const { expected, working, failed } = tally;
    return `of ${expected} expected ${working} work, ${failed} failed, of ${expected - working - failed} nobody knows`;
  }

  #windowNote(slot: number, spanMs: number, value: Value | null): string {
    const { nowMs } = this.#asked;
    const window = this.#frame.windows.get(slot);
    const count = (window === undefined ? 0 : WINDOW_FUNCTIONS["count"]?.(window, nowMs, spanMs)) || 0;
    const had = `${count} reading${count === 1 ? "" : "s"} in ${writeSpan(spanMs)}`;
    if (value !== null) return had;
    const known = window === undefined ? Number.NaN : WINDOW_FUNCTIONS["coverage"]?.(window, nowMs, spanMs);
    const share = known === undefined || Number.isNaN(known) ? "" : `, known for ${Math.floor(known * 100)} % of it`;
    return `${had}${share}: too little to say`;
  }

  #parts(metric: string): Pick<ExplainedTerm, "unit" | "readings" | "note"> {
    const { owner } = this.#asked.subject;
    const parts = owner.is === "device" ? [...owner.parts.values()] : [];
    const readings = parts.flatMap((part) => {
      const offset = part.layout?.offsetOf.get(metric);
      const reading = offset === undefined ? null : this.#reading(metric, { slot: part.base + offset, part });
      return reading === null ? [] : [reading];
    });
    const note = readings.length === 0 ? "no component has reported it" : moreNote(readings.length);
    return { unit: findMetric(metric)?.unit ?? "", readings: readings.slice(0, PARTS_SHOWN_MAX), note };
  }

  #slotOf(metric: string): Place | null {
    const { subject } = this.#asked;
    const slot = this.#judge.slotOf(subject, metric);
    return slot === null ? null : { slot, part: subject.layout?.offsetOf.has(metric) ? subject : null };
  }

  #reading(metric: string, { slot, part }: Place): ExplainedReading | null {
    const { last, values, times } = this.#judge.memory;
    const value = asValue(last[slot] ?? Number.NaN, findMetric(metric)?.type === "boolean");
    if (value === undefined) return null;
    const isStale = Number.isNaN(values[slot]);
    return { component: part?.component ?? null, metric, value, at: times[slot] ?? 0, isStale };
  }

  // ── in one sentence

  #summary(conditions: readonly Taken[]): string {
    const { state } = this.#fault;
    const said = state === "inactive" ? this.#quiet(conditions) : this.#standing(conditions);
    const silent = this.#whySilent();
    return isOpen(this.#fault) && silent !== null ? `${said} It pages nobody: ${silent}.` : said;
  }

  #quiet(conditions: readonly Taken[]): string {
    const { on } = this.#asked.compiled.rule;
    if (on !== null) return `Does not fire: no event ${on.codes.join(" or ")} stands.`;
    const levels = conditions.filter(({ severity }) => severity !== null);
    const unknown = levels.find(({ holds }) => holds === null);
    if (unknown !== undefined) return `Does not fire: nobody knows whether ${because(unknown)}.`;
    // The least severe level is the nearest to being reached.
    const nearest = levels.at(-1);
    return nearest === undefined ? "Does not fire." : `Does not fire: ${because(nearest)}.`;
  }

  #standing(conditions: readonly Taken[]): string {
    const { nowMs, compiled } = this.#asked;
    const { state, onset } = this.#fault;
    const levels = conditions.filter(({ severity }) => severity !== null);
    const due = dueAt(this.#fault, compiled.spec);
    if (state === "pending") {
      const held = levels.find(({ holds }) => holds === true);
      const unknown = levels.find(({ holds }) => holds === null);
      if (held === undefined && unknown !== undefined)
        return `Does not fire yet, and its clock stands: nobody knows whether ${because(unknown)}.`;
      const left = due - nowMs;
      const then = Number.isFinite(left) && left > 0 ? `it fires in ${writeSpan(left)} if nothing changes` : "";
      if (held === undefined) return `Does not fire yet${then === "" ? "" : `: ${then}`}.`;
      const so = `it has held for ${writeSpan(nowMs - (held.since ?? onset))} of ${writeSpan(held.forMs)}`;
      return `Does not fire yet: ${because(held)}; ${so}${then === "" ? "" : `, ${then}`}.`;
    }
    const severity = severityOf(compiled.rule, this.#fault);
    if (compiled.rule.on !== null) return `Fires (${severity}) since ${writeSpan(nowMs - onset)}, by an event.`;
    if (state === "recovering") {
      const then = Number.isFinite(due) ? `; it is over in ${writeSpan(due - nowMs)} if nothing changes` : "";
      return `Still fires (${severity}), but recovers${then}.`;
    }
    const held = levels.find(({ holds }) => holds === true);
    const since = `Fires (${severity}) since ${writeSpan(nowMs - onset)}`;
    if (held !== undefined) return `${since}: ${because(held)}.`;
    const unknown = levels.find(({ holds }) => holds === null);
    if (unknown !== undefined) return `${since} and goes on: nobody knows whether ${because(unknown)}.`;
    const clear = conditions.find(({ severity: of }) => of === null);
    if (clear === undefined) return `${since}.`;
    return `${since} and goes on until it is cleared: ${because(clear)}.`;
  }

  #whySilent(): string | null {
    const { rule } = this.#asked.compiled;
    if (rule.mode === "shadow") return "the rule is in shadow";
    const { suppressedBy, inactiveHours, maintenance } = this.#flags;
    if (suppressedBy !== null) return suppressedSentence(suppressedBy, this.#asked.subject.owner);
    if (maintenance !== undefined) return `maintenance ${maintenance} is on`;
    if (inactiveHours !== undefined) return `it is outside of ${rule.activeIn}`;
    return severityOf(rule, this.#fault) === "info" ? "its level is info" : null;
  }

  #facts(): Explanation["facts"] {
    const { compiled, subject, nowMs } = this.#asked;
    const { rule } = compiled;
    const { owner } = subject;
    const facts: { name: string; text: string }[] = [{ name: "select", text: rule.select }];
    for (const [name, { value, from }] of this.#asked.vars) {
      const by = from === null ? "" : `, by ${from.file}:${from.line} (the rule has ${this.#ownVar(name)})`;
      facts.push({ name: `vars.${name}`, text: `${value}${by}` });
    }
    if (rule.mode === "shadow") facts.push({ name: "mode", text: "shadow: judged and shown, opens nothing" });
    if (rule.missing.then !== "hold") facts.push({ name: "missing", text: this.#missing() });
    if (rule.activeIn !== "always") {
      const isNow = this.#judge.planned.isActiveAt(owner, rule, nowMs) ? "calls people now" : "calls nobody now";
      facts.push({ name: "active in", text: `${rule.activeIn}: ${isNow}` });
    }
    const maintenance = this.#judge.planned.maintenanceOf(owner, nowMs);
    if (maintenance !== null) facts.push({ name: "maintenance", text: maintenance });
    if (this.#flags.flapping !== undefined) facts.push({ name: "flapping", text: this.#flapping() });
    if (rule.on !== null) facts.push({ name: "on event", text: this.#trigger(rule.on) });
    if (rule.keepMs > 0) facts.push({ name: "keep", text: writeSpan(rule.keepMs) });
    if (this.#flags.suppressedBy !== null)
      facts.push({ name: "suppressed", text: suppressedSentence(this.#flags.suppressedBy, owner) });
    if (owner.is !== "device") return facts;
    const heard = owner.isUnheard ? "none yet" : before(nowMs - owner.answeredAt);
    facts.push({ name: "last answer", text: heard });
    if (owner.ancestors.length > 0) facts.push({ name: "depends on", text: this.#ancestors(owner) });
    return facts;
  }

  #ownVar(name: string): string {
    return String(this.#asked.own.vars[name] ?? "none");
  }

  #flapping(): string {
    const { flap } = this.#asked.compiled.rule;
    return flap === null ? "" : `one fault until it was clear for ${writeSpan(flap.quietMs)}`;
  }

  #trigger({ codes, count, withinMs, clearCodes, clearAfterMs }: EventTrigger): string {
    const times = count > 1 ? `${count} times in ${writeSpan(withinMs)}` : "once";
    const after = clearAfterMs === null ? [] : [`${writeSpan(clearAfterMs)} after the last`];
    return `${codes.join(" or ")}, ${times}; over by ${[...clearCodes, ...after].join(" or ")}`;
  }

  #missing(): string {
    const { missing } = this.#asked.compiled.rule;
    const { unknownSince } = this.#fault;
    const said = `${missing.then} after ${writeSpan(missing.afterMs)}`;
    return unknownSince === null ? said : `${said}; unknown since ${writeSpan(this.#asked.nowMs - unknownSince)}`;
  }

  #ancestors({ ancestors }: DeviceUnit): string {
    const shown = ancestors.slice(0, PARTS_SHOWN_MAX);
    return shown.map(({ device, isDown }) => `${device.id} (${isDown ? "down" : "not down"})`).join(", ");
  }
}

const before = (ageMs: number): string => (ageMs < 1_000 ? "just now" : `${writeSpan(ageMs)} before`);

type Place = { readonly slot: number; readonly part: JudgedSubject | null };

/** Functions whose result is in the metric's unit. */
const SAME_UNIT: ReadonlySet<string> = new Set(["avg", "min", "max", "sum", "last", "delta", "quantile"]);

function nameOf({ owner, component }: JudgedSubject): Subject {
  if (owner.is === "site") return { site: owner.id, device: null, component: null };
  return { site: owner.site.id, device: owner.device.id, component };
}

const moreNote = (count: number): string =>
  count > PARTS_SHOWN_MAX ? `and ${count - PARTS_SHOWN_MAX} components more` : "";

function suppressedSentence(by: string, owner: DeviceUnit | SiteUnit): string {
  if (by.startsWith("rule:")) return `the wider fault ${by.slice("rule:".length)} fires`;
  if (by.startsWith("agent:")) return `its agent ${by.slice("agent:".length)} is away`;
  const isAwaited = owner.is === "device" && owner.awaitingSince !== null;
  return isAwaited ? `${by} has come back, and a fresh reading is awaited` : `${by} is down`;
}

/** A part of a condition while it is taken apart. */
type Part = Omit<ExplainedTerm, "depth"> & {
  readonly op: string;
  readonly isTruth: boolean;
  readonly parts: readonly Part[];
};
type Taken = Omit<ExplainedCondition, "terms"> & { readonly part: Part };

/** By the closures' codes: false, true, unknown. */
const FLAG_OF: readonly (boolean | undefined)[] = [false, true, undefined];

/** In the order of reading; a constant that stands in the text as it is says nothing more. */
function flat({ op, isTruth: _, parts, ...term }: Part, depth: number): ExplainedTerm[] {
  if (op === "value" && !term.text.startsWith("vars.")) return [];
  return [{ depth, ...term }, ...parts.flatMap((part) => flat(part, depth + 1))];
}

const truthOf = ({ value }: Part): boolean | null => (typeof value === "number" ? value !== 0 : value);

/** The parts that decide, each with the values that it is made of. */
const because = ({ part, holds }: Taken): string => decisiveOf(part, holds).map(sayPart).join(" and ");

/**
 * Which parts made the whole what it is. Of `a && b` that is false, the first that is; of one that is unknown, what is
 * unknown; of one that is true, all of them; and the other way round for `||`.
 */
function decisiveOf(part: Part, outcome: boolean | null): readonly Part[] {
  const { op, parts } = part;
  if (op !== "&&" && op !== "||") return [part];
  const same = parts.filter((each) => truthOf(each) === outcome);
  const isOneEnough = outcome === (op === "||");
  return (isOneEnough ? same.slice(0, 1) : same).flatMap((each) => decisiveOf(each, outcome));
}

/** `media_remaining_percent < vars.low is false, with media_remaining_percent 40 %, vars.low 15` */
function sayPart(part: Part): string {
  const truth = truthOf(part);
  const leaves = leavesOf(part);
  const shown = leaves.flatMap((leaf) => (leaf === part ? leaf.note || [] : sayLeaf(leaf)));
  if (truth === null) return shown.length === 0 ? part.text : `${part.text}: ${shown.join(", ")}`;
  const said = part.op === "id" || part.op === "call" || leaves.length > 0 ? `${part.text} is ${truth}` : part.text;
  return shown.length === 0 ? said : `${said}, with ${shown.join(", ")}`;
}

/** What was read for it; literals stand in the text. */
function leavesOf(part: Part): readonly Part[] {
  if (part.op === "value") return part.text.startsWith("vars.") ? [part] : [];
  return part.parts.length === 0 ? [part] : part.parts.flatMap(leavesOf);
}

function sayLeaf({ text, value, unit, note }: Part): string {
  if (value === null) return `${text} is unknown${note === "" ? "" : ` (${note})`}`;
  const written = typeof value === "number" ? String(Math.round(value * 100) / 100) : String(value);
  return `${text} ${written}${unit === "" ? "" : ` ${unit}`}`;
}
