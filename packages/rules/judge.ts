/**
 * Judging: what was touched is evaluated, what is due falls due, and what changed becomes a transition. One round is
 * the rows of one instant, or one moment of a timer; `settle` ends it, in this order: who is down, conditions, timers
 * of that very instant, flags of what hangs below, and the sites that count it all.
 */
import type { Value } from "@aislewatch/contract";
import { findMetric, SEVERITIES } from "@aislewatch/devices";
import { Absorbers } from "./absorb.ts";
import type { Frame } from "./compile.ts";
import type { EventFacts } from "./event-condition.ts";
import { type EventSeen, stepEvent, stepEventTime } from "./event-fault.ts";
import { type Fault, interrupted, isOpen, isPlain, raisedOf, stepFault, UNKNOWN } from "./fault.ts";
import { SlotMemory } from "./memory.ts";
import { type Binding, type CompiledRule, dueOf, unpack } from "./plan.ts";
import { Planned } from "./planned.ts";
import {
  type Active,
  blockerOf,
  type DeviceUnit,
  enter,
  flagsOf,
  isInGroup,
  type JudgedSubject,
  type SiteUnit,
  sameFlags,
  subjectOf,
  suppressorOf,
  suspectsAbove,
} from "./subjects.ts";
import { renderTitle } from "./title.ts";
import type { EventTrigger, Rule, Subject, Transition } from "./types.ts";
import { noteBefore } from "./want.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** How deep below others the subject stands orders what happens in one instant. */
type Emitted = { readonly transition: Transition; readonly depth: number };
const SITE_DEPTH = 1_000;
/** That nobody has asked about yet; more at once than agents take. */
const SUSPECTS_MAX = 1_000;

/** What the store must hear of: a fault as it is now, or null where there is none any more. */
type Changed = {
  readonly rule: string;
  readonly ruleVersion: string;
  readonly subject: Subject;
  readonly active: Active | null;
};

export class Judge {
  readonly memory = new SlotMemory();
  readonly changed = new Map<string, Changed>();
  /** Devices that began or ended to wait for a fresh reading; removed ones among them. */
  readonly changedWaits = new Set<DeviceUnit>();
  readonly frame: Frame;
  out: Emitted[] = [];
  round = 0;
  readonly #touched: { subject: JudgedSubject; local: number }[] = [];
  readonly moved = new Set<DeviceUnit>();
  reflag = new Set<DeviceUnit | SiteUnit>();
  readonly planned = new Planned();
  readonly absorbers = new Absorbers();
  /** Parents that may be the cause of what has just gone down below them. */
  readonly suspects = new Set<DeviceUnit>();
  /** Sites whose faults were restored: hours may have begun or ended since they were kept. */
  readonly #replan = new Set<SiteUnit>();
  readonly dueNow: DeviceUnit[] = [];
  /** The moment at which some of `dueNow` have still to fall due. */
  #halfwayAt: number | null = null;
  readonly dirtySites = new Set<SiteUnit>();
  /** Somebody has stored readings to ask for; else windows begin with what is read from now on. */
  isStored = false;
  /** Devices that lack something that may be stored. */
  readonly wanted = new Set<DeviceUnit>();
  /** The time that `tick` was told last. */
  tickedTo = 0;
  readonly counts = { devices: 0, subjects: 0, instances: 0, unknownRows: 0, evaluations: 0 };

  constructor() {
    this.frame = {
      values: this.memory.values,
      times: this.memory.times,
      base: 0,
      deviceBase: 0,
      parts: new Map(),
      windows: new Map(),
      spells: new Map(),
      nowMs: 0,
      silentSeconds: Number.NaN,
      tallies: new Map(),
      neighbours: [],
    };
  }

  touchReaders(subject: JudgedSubject, offset: number): void {
    this.touch(subject, subject.shape.onChange[offset]);
    const unit = subject.owner;
    if (unit.is !== "device") return;
    if (subject.partClass !== null) {
      this.touch(unit.self, unit.self.shape.onPartChange.get(subject.partClass)?.[offset]);
    } else if (unit.parts.size > 0) {
      for (const part of unit.parts.values()) this.touch(part, part.shape.onDeviceChange[offset]);
    }
  }

  touch(subject: JudgedSubject, locals: readonly number[] | undefined): void {
    if (locals === undefined) return;
    for (let i = 0; i < locals.length; i++) {
      const local = locals[i] ?? 0;
      if (subject.marks[local] === this.round) continue;
      subject.marks[local] = this.round;
      this.#touched.push({ subject, local });
    }
  }

  touchAll(unit: DeviceUnit): void {
    for (const subject of [unit.self, ...unit.parts.values()]) this.touch(subject, [...subject.codes.keys()]);
  }

  touchSilence(unit: DeviceUnit): void {
    if (unit.silenceMs.length === 0) return;
    for (const subject of [unit.self, ...unit.parts.values()]) this.touch(subject, subject.shape.onSilence);
  }

  judgeAll(unit: DeviceUnit, at: number): void {
    this.round++;
    this.touchAll(unit);
    this.#judgeTouched(at);
  }

  /** Ends a round: what moved is judged, then what hangs below it is flagged, then the sites are. */
  settle(at: number): void {
    if (this.moved.size > 0) for (const unit of this.moved) this.#upChanged(unit, at);
    if (this.#touched.length > 0) this.#judgeTouched(at);
    // Who else falls due at this moment does so before anything is flagged or counted by it.
    if (at === this.#halfwayAt) return;
    if (this.dueNow.length > 0) this.#runDueNow(at);
    this.#reflagAll(at);
    if (this.moved.size > 0) {
      for (const unit of this.moved) this.restate(unit);
      this.moved.clear();
    }
    if (this.dirtySites.size > 0) this.#judgeSites(at);
    // A fault of the site may have taken others in, or let them go.
    this.#reflagAll(at);
  }

  /** Those with a reading of this moment that also fall due at it, in an order of their own: rows may come in any. */
  #runDueNow(at: number): void {
    const units = this.dueNow.splice(0).sort((a, b) => compareText(a.device.id, b.device.id));
    this.#halfwayAt = at;
    for (const unit of units) this.runDue(unit, at);
    this.#halfwayAt = null;
  }

  /** Flags decide no state, so one pass is enough: nothing fires or clears by them. */
  #reflagAll(at: number): void {
    if (this.reflag.size === 0) return;
    const units = this.reflag;
    this.reflag = new Set();
    for (const unit of units) {
      // What was due before happens before: a flag of now is no news of a fault that is about to fire earlier.
      if (unit.dueAt < at) this.runDue(unit, at - 1);
      for (const active of unit.active) this.#reflagged(active, at);
      if (unit.is === "device") this.restate(unit);
    }
  }

  #judgeTouched(at: number): void {
    for (let i = 0; i < this.#touched.length; i++) {
      const touched = this.#touched[i];
      if (touched !== undefined) this.#evaluate(touched.subject, touched.local, at);
    }
    this.#touched.length = 0;
  }

  #judgeSites(at: number): void {
    for (const site of this.dirtySites) {
      this.#tally(site);
      for (let local = 0; local < site.self.codes.length; local++) this.#evaluate(site.self, local, at);
    }
    this.dirtySites.clear();
  }

  /** By event time; within an instant causes before what hangs below them, sites last; in whatever order rows came. */
  inOrder(): Transition[] {
    const out = this.out;
    if (out.length > 1) {
      out.sort(
        (a, b) => a.transition.at - b.transition.at || a.depth - b.depth || compareText(orderKey(a), orderKey(b)),
      );
    }
    return out.map(({ transition }) => transition);
  }

  #evaluate(subject: JudgedSubject, local: number, at: number): void {
    const binding = subject.shape.bindings[local];
    if (binding === undefined) return;
    const code = this.#judge(subject, binding, at);
    if (code === subject.codes[local]) return;
    subject.codes[local] = code;
    this.step(subject, local, at);
  }

  /** What the conditions of a rule say now; they count as judged. */
  judgeNow(subject: JudgedSubject, local: number, at: number): number {
    const binding = subject.shape.bindings[local];
    const code = binding === undefined ? 0 : this.#judge(subject, binding, at);
    subject.codes[local] = code;
    return code;
  }

  #judge(subject: JudgedSubject, binding: Binding, at: number): number {
    this.counts.evaluations++;
    this.#aim(subject, at);
    return binding.judge(this.frame);
  }

  /** Points the frame at a subject. */
  #aim(subject: JudgedSubject, at: number): void {
    const frame = this.frame;
    const { owner } = subject;
    frame.nowMs = at;
    frame.base = subject.base;
    if (owner.is === "site") {
      frame.tallies = owner.tallies;
      return;
    }
    frame.deviceBase = owner.self.base;
    frame.parts = owner.partBases;
    frame.neighbours = owner.neighbours;
    if (owner.silenceMs.length > 0) frame.silentSeconds = silentSeconds(owner, at);
  }

  /** Takes what the conditions say now into the state machine, and reports what changed. */
  step(subject: JudgedSubject, local: number, at: number): void {
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const judgedAt = Math.max(at, subject.owner.judgedAt);
    const active = subject.faults[local] ?? null;
    const before = active?.fault ?? compiled.untouched;
    if (compiled.rule.on !== null) return;
    const seen = { ...unpack(subject.codes[local] ?? 0, compiled), isHidden: isHidden(subject, compiled) };
    const { next, reason } = stepFault(before, seen, judgedAt, compiled.spec);
    if (active === null && isPlain(next, compiled.spec)) return;
    this.put({ subject, local, next, at: judgedAt, reason });
  }

  /** An event of a device or of a component of it, to each rule of the subject that is about it. */
  event(subject: JudgedSubject, event: EventFacts, at: number): void {
    const { shape } = subject;
    for (const local of shape.onEvent) {
      const compiled = shape.bindings[local]?.compiled;
      const trigger = compiled?.rule.on ?? null;
      if (compiled === undefined || trigger === null) continue;
      const seen = seenBy(trigger, event.code);
      if (seen === null || (seen === "happened" && !compiled.isAbout(event))) continue;
      const before = subject.faults[local]?.fault ?? compiled.untouched;
      const { next, reason } = stepEvent(before, seen, at, trigger);
      if (next !== before) this.put({ subject, local, next, at, reason, event });
    }
  }

  put(change: {
    readonly subject: JudgedSubject;
    readonly local: number;
    readonly next: Fault;
    readonly at: number;
    readonly reason: Transition["reason"];
    readonly event?: NonNullable<Active["event"]>;
  }): void {
    const { subject, local, next, reason } = change;
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const { owner } = subject;
    if (owner.is === "device" && owner.want !== null) {
      const was = subject.faults[local]?.fault ?? compiled.untouched;
      noteBefore(owner.want, { subject, rule: compiled.rule.id, was });
    }
    const at = Math.max(change.at, owner.judgedAt);
    const before = subject.faults[local] ?? null;
    const was = before?.fault ?? compiled.untouched;
    // A flag, or a clock that stands still because values grew old, judges nothing: readings that were on their way
    // meanwhile are still taken in their own time.
    if (was.state !== next.state || was.level !== next.level) owner.judgedAt = at;
    const flags = this.flagsOf(subject, compiled, { fault: next, local, at });
    const active: Active = before ?? { subject, local, fault: next, dueAt: NEVER, flags, event: null };
    const isFlagged = !sameFlags(active.flags, flags);
    active.fault = next;
    active.flags = flags;
    active.event = change.event ?? active.event;
    active.dueAt = dueOf(next, compiled);
    if (isPlain(next, compiled.spec)) this.drop(active);
    else if (before === null) {
      subject.faults[local] = active;
      enter(active);
    }
    this.markChanged(subject, compiled.rule, isPlain(next, compiled.spec) ? null : active);
    this.setDue(owner);
    if (was.state !== next.state || was.level !== next.level) {
      this.#emit(subject, compiled, { was, next, at, reason, flags });
    } else if (isFlagged && next.state !== "inactive") {
      this.#emit(subject, compiled, { was, next, at, reason: "flags", flags });
    }
    if (isOpen(was) !== isOpen(next) && compiled.rule.absorbs.length > 0) this.#reflagBelow(owner);
    if (owner.is === "device" && isOpen(was) !== isOpen(next)) this.restate(owner);
    else if (owner.is === "device" && was.level !== next.level) this.restate(owner);
  }

  /** A fault as it is known to have been, without a word to anybody. */
  plant(subject: JudgedSubject, local: number, fault: Fault): void {
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const flags = flagsOf({ ...NO_FLAGS, flapping: fault.isFlapping });
    const active: Active = { subject, local, fault, dueAt: dueOf(fault, compiled), flags, event: null };
    subject.codes[local] = -1;
    subject.faults[local] = active;
    enter(active);
    this.setDue(subject.owner);
  }

  /** A fault whose rule was edited says so where it is as bad as it was not before. */
  regrade({ subject, local, fault, flags }: Active, was: Rule, at: number): void {
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined || severityOf(compiled.rule, fault) === severityOf(was, fault)) return;
    const judgedAt = Math.max(at, subject.owner.judgedAt);
    subject.owner.judgedAt = judgedAt;
    this.#emit(subject, compiled, { was: fault, next: fault, at: judgedAt, reason: "rule_changed", flags });
    if (subject.owner.is === "device") this.restate(subject.owner);
  }

  drop(active: Active): void {
    const { subject, local } = active;
    subject.faults[local] = null;
    subject.owner.active = subject.owner.active.filter((other) => other !== active);
  }

  flagsOf(
    subject: JudgedSubject,
    compiled: CompiledRule,
    { fault, local, at }: { readonly fault: Fault; readonly local: number; readonly at: number },
  ): Active["flags"] {
    const isHere = fault.state !== "inactive";
    const stale = isHere && raisedOf(unpack(subject.codes[local] ?? 0, compiled).steps) === UNKNOWN;
    const { owner } = subject;
    const suppressor = owner.is === "device" ? suppressorOf(owner, compiled.rule.dependsOn) : null;
    return flagsOf({
      stale,
      suppressedBy: suppressor ?? this.absorbers.absorberOf(subject, compiled.rule, this.planned, at),
      flapping: fault.isFlapping,
      inactiveHours: isHere && !this.planned.isActiveAt(owner, compiled.rule, at),
      maintenance: isHere ? this.planned.maintenanceOf(owner, at) : null,
    });
  }

  /** A wider fault began or ended, or its hours did: those that it may take in. */
  #reflagBelow(owner: DeviceUnit | SiteUnit): void {
    this.reflag.add(owner);
    if (owner.is === "device") return;
    for (const unit of owner.devices.values()) if (unit.active.length > 0) this.reflag.add(unit);
  }

  useRules(rules: readonly Rule[]): void {
    this.planned.useRules(rules);
    this.absorbers.useRules(rules);
  }

  /** After rules, sites or maintenance changed. */
  setSchedules(site: SiteUnit, at: number): void {
    this.planned.arrange(site, at);
    this.#planMoved(site, at);
  }

  #planMoved(site: SiteUnit, at: number): void {
    this.setDue(site);
    for (const owner of [site, ...site.devices.values()]) {
      if (owner.active.some((active) => this.planned.isOutdated(active, at))) this.#reflagBelow(owner);
    }
  }

  replanSoon(site: SiteUnit): void {
    this.#replan.add(site);
  }

  /** At `at`, but not before what was read meanwhile: that was flagged by the hours of its own time. */
  replan(at: number): void {
    for (const site of this.#replan) {
      const now = Math.max(at, site.ranTo + 1);
      this.#planMoved(site, now);
      this.settle(now);
    }
    this.#replan.clear();
  }

  #reflagged(active: Active, at: number): void {
    const { subject, local, fault, flags } = active;
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const now = this.flagsOf(subject, compiled, { fault, local, at: Math.max(at, subject.owner.judgedAt) });
    if (sameFlags(now, flags)) return;
    this.put({ subject, local, next: fault, at, reason: "flags" });
  }

  #emit(
    subject: JudgedSubject,
    compiled: CompiledRule,
    change: { was: Fault; next: Fault; at: number; reason: Transition["reason"]; flags: Active["flags"] },
  ): void {
    const { was, next, at, reason, flags } = change;
    const { rule } = compiled;
    this.#aim(subject, at);
    const depth = subject.owner.is === "device" ? subject.owner.ancestors.length : SITE_DEPTH;
    const transition: Transition = {
      rule: rule.id,
      ruleVersion: rule.version,
      subject: subjectOf(subject),
      at,
      from: was.state,
      to: next.state,
      severity: severityOf(rule, next),
      flags,
      title: renderTitle(rule.title, (name) => this.#titleValue(subject, rule, name)),
      since: next.state === "inactive" ? was.onset : next.onset,
      values: this.#evidence(subject, compiled),
      reason,
    };
    this.out.push({ transition, depth });
  }

  #evidence(subject: JudgedSubject, compiled: CompiledRule): Record<string, Value> {
    const binding = subject.shape.bindings.find((each) => each.compiled === compiled);
    const values: Record<string, Value> = {};
    for (const { name, isFlag, read } of binding?.evidence ?? []) {
      const value = this.#lastOf(subject, name) ?? asValue(read(this.frame), isFlag);
      if (value !== undefined) values[name] = value;
    }
    return values;
  }

  #titleValue(subject: JudgedSubject, rule: Rule, name: string): Value | string | undefined {
    const { site, device, component } = subjectOf(subject);
    if (name === "site") return site;
    if (name === "device") return device ?? site;
    if (name === "component") return component ?? "";
    if (rule.on !== null && (name === "code" || name === "detail")) return eventOf(subject, rule)?.[name];
    if (name.startsWith("vars.")) return rule.vars[name.slice("vars.".length)];
    return this.#lastOf(subject, name) ?? this.#calledValue(subject, rule, name);
  }

  /** A call in a title, `failed("pos_terminal")`, must stand in a condition of the rule, too. */
  #calledValue(subject: JudgedSubject, rule: Rule, name: string): Value | undefined {
    const binding = subject.shape.bindings.find(({ compiled }) => compiled.rule === rule);
    const evidence = binding?.evidence.find((each) => each.name === name);
    return evidence === undefined ? undefined : asValue(evidence.read(this.frame), evidence.isFlag);
  }

  /** The last value of a metric of the subject or of its device, however old. */
  #lastOf(subject: JudgedSubject, metric: string): Value | undefined {
    const slot = this.slotOf(subject, metric);
    if (slot === null) return undefined;
    return asValue(this.memory.last[slot] ?? Number.NaN, findMetric(metric)?.type === "boolean");
  }

  slotOf(subject: JudgedSubject, metric: string): number | null {
    const own = subject.layout?.offsetOf.get(metric);
    const holder = own === undefined && subject.owner.is === "device" ? subject.owner.self : subject;
    const offset = holder.layout?.offsetOf.get(metric);
    return offset === undefined ? null : holder.base + offset;
  }

  setDue(owner: DeviceUnit | SiteUnit): void {
    let due = owner.is === "device" ? Math.min(owner.staleDue, owner.silenceDue) : owner.hoursDue;
    for (let i = 0; i < owner.active.length; i++) due = Math.min(due, owner.active[i]?.dueAt ?? NEVER);
    owner.dueAt = due;
    if (owner.is === "device") owner.agent.agenda.arrange(owner);
    const site = owner.is === "device" ? owner.site : owner;
    if (due < site.nextDue) site.nextDue = due;
  }

  /** Everything of this owner that falls due up to `limit`, in order of time. */
  runDue(owner: DeviceUnit | SiteUnit, limit: number): void {
    while (owner.dueAt <= limit) {
      const at = owner.dueAt;
      this.round++;
      if (owner.is === "device" && owner.staleDue <= at) this.expire(owner, at, at - owner.staleAfterMs);
      if (owner.is === "device" && owner.silenceDue <= at) this.#silenceRuns(owner, at);
      if (owner.is === "site" && owner.hoursDue <= at) {
        this.planned.run(owner, at);
        this.#planMoved(owner, at);
      }
      this.settle(at);
      for (const active of [...owner.active]) if (active.dueAt <= at) this.#fallDue(active, at);
      this.setDue(owner);
      this.settle(at);
    }
  }

  #fallDue(active: Active, at: number): void {
    const { subject, local } = active;
    const binding = subject.shape.bindings[local];
    if (binding === undefined || subject.faults[local] !== active) return;
    const trigger = binding.compiled.rule.on;
    if (trigger !== null) {
      const { next, reason } = stepEventTime(active.fault, at, trigger);
      if (next !== active.fault) this.put({ subject, local, next, at, reason });
      return;
    }
    subject.codes[local] = this.#judge(subject, binding, at);
    this.step(subject, local, at);
  }

  /** Values read at `before` or earlier become unknown. */
  expire(unit: DeviceUnit, at: number, before: number): void {
    const { values, times } = this.memory;
    let oldest = NEVER;
    for (const subject of [unit.self, ...unit.parts.values()]) {
      const size = subject.layout?.metrics.length ?? 0;
      for (let offset = 0; offset < size; offset++) {
        const slot = subject.base + offset;
        if (Number.isNaN(values[slot])) continue;
        const readAt = times[slot] ?? 0;
        if (readAt > before) oldest = Math.min(oldest, readAt);
        else {
          values[slot] = Number.NaN;
          this.touchReaders(subject, offset);
          if (subject === unit.self && offset === subject.layout?.up) this.moved.add(unit);
        }
      }
    }
    // Never at or before `at`: a late reading may be older than its own limit.
    unit.staleDue = oldest === NEVER ? NEVER : Math.max(oldest + unit.staleAfterMs, at + 1);
    this.setDue(unit);
  }

  /** Nothing is known from its newest reading on. */
  interrupt(unit: DeviceUnit): void {
    let at = 0;
    for (const { base, layout } of [unit.self, ...unit.parts.values()]) {
      const size = layout?.metrics.length ?? 0;
      for (let offset = 0; offset < size; offset++) at = Math.max(at, this.memory.times[base + offset] ?? 0);
    }
    this.runDue(unit, at);
    for (const { subject, local, fault } of [...unit.active]) {
      const isEvents = subject.shape.bindings[local]?.compiled.rule.on !== null;
      if (!isEvents) this.put({ subject, local, next: interrupted(fault), at, reason: "condition" });
    }
    this.round++;
    this.expire(unit, at, NEVER);
    this.settle(at);
  }

  #silenceRuns(unit: DeviceUnit, at: number): void {
    unit.isSilent = true;
    this.touchSilence(unit);
    this.setSilenceDue(unit, at);
  }

  /** The next moment after `at` at which a comparison with silent_for() may change. */
  setSilenceDue(unit: DeviceUnit, at: number): void {
    unit.silenceDue = NEVER;
    if (!unit.agent.isOnline) unit.isSilent = true;
    else {
      const moments = unit.silenceMs.map((silence) => unit.answeredAt + silence + 1);
      if (unit.silenceMs.length > 0) moments.push(unit.quietUntil);
      for (const moment of moments) if (moment > at) unit.silenceDue = Math.min(unit.silenceDue, moment);
    }
    this.setDue(unit);
  }

  #upChanged(unit: DeviceUnit, at: number): void {
    const up = this.memory.last[unit.self.base + (unit.self.layout?.up ?? 0)];
    const isDown = up === 0;
    if (isDown === unit.isDown) return;
    unit.isDown = isDown;
    if (isDown) this.#suspectAbove(unit, at);
    for (const other of unit.descendants) this.reblock(other, at);
  }

  #suspectAbove(unit: DeviceUnit, at: number): void {
    unit.downSince = at;
    const upSlot = ({ self }: DeviceUnit): number => self.base + (self.layout?.up ?? 0);
    for (const above of suspectsAbove(unit, at, (each) => this.memory.times[upSlot(each)] ?? 0)) {
      if (this.suspects.size < SUSPECTS_MAX) this.suspects.add(above);
    }
  }

  reblock(unit: DeviceUnit, at: number): void {
    const blocker = unit.agent.isOnline ? blockerOf(unit, ["*"]) : unit.agent;
    if (blocker !== null) {
      unit.blockedBy = blocker;
      this.awaitReading(unit, null);
    } else if (unit.blockedBy !== null && unit.awaitingSince === null) this.awaitReading(unit, at);
    this.reflag.add(unit);
  }

  /** Since when a fresh reading is awaited; null: not any more. */
  awaitReading(unit: DeviceUnit, since: number | null): void {
    if (unit.awaitingSince === since) return;
    unit.awaitingSince = since;
    this.changedWaits.add(unit);
  }

  restate(unit: DeviceUnit): void {
    const up = this.memory.values[unit.self.base + (unit.self.layout?.up ?? 0)];
    // A failure from before a restart may have been a parent's that is up again: the next reading tells.
    const isFailed = (up === 0 && !unit.isUnjudged) || unit.active.some(isBad);
    // Behind a dead switch nobody can tell: the fault is counted where it is.
    const status = isFailed ? (unit.blockedBy === null ? "failed" : "unknown") : up === 1 ? "working" : "unknown";
    if (status === unit.status) return;
    unit.status = status;
    if (unit.site.self.codes.length > 0) this.dirtySites.add(unit.site);
  }

  #tally(site: SiteUnit): void {
    for (const tally of site.tallies.values()) Object.assign(tally, { expected: 0, working: 0, failed: 0 });
    for (const { device, status } of site.devices.values()) {
      for (const [group, tally] of site.tallies) {
        if (!isInGroup(device, group)) continue;
        tally.expected++;
        if (status !== "unknown") tally[status]++;
      }
    }
  }

  resolveAll(subject: JudgedSubject, at: number, reason: "rule_removed" | "device_removed"): void {
    for (const [local, active] of subject.faults.entries()) {
      const compiled = subject.shape.bindings[local]?.compiled;
      if (active && compiled) this.resolve(active, compiled, at, reason);
    }
  }

  resolve(active: Active, compiled: CompiledRule, at: number, reason: "rule_removed" | "device_removed"): void {
    const { subject, fault, flags } = active;
    this.drop(active);
    this.markChanged(subject, compiled.rule, null);
    if (fault.state === "inactive") return;
    this.#emit(subject, compiled, { was: fault, next: compiled.untouched, at, reason, flags });
    if (subject.owner.is === "device") this.restate(subject.owner);
  }

  markChanged(judged: JudgedSubject, rule: Rule, active: Active | null): void {
    const subject = subjectOf(judged);
    this.changed.set(faultKey(rule.id, subject), { rule: rule.id, ruleVersion: rule.version, subject, active });
  }

  begin(): void {
    this.out = [];
  }
}

const NO_FLAGS = { stale: false, suppressedBy: null, flapping: false, inactiveHours: false, maintenance: null };

/** Only who may flap is asked: see Seen. */
function isHidden({ owner }: JudgedSubject, { rule }: CompiledRule): boolean {
  return rule.flap !== null && owner.is === "device" && suppressorOf(owner, rule.dependsOn) !== null;
}

function seenBy({ codes, clearCodes }: EventTrigger, code: string): EventSeen | null {
  if (codes.includes(code)) return "happened";
  return clearCodes.includes(code) ? "ended" : null;
}

function eventOf({ shape, faults }: JudgedSubject, rule: Rule): Active["event"] {
  return faults[shape.bindings.findIndex(({ compiled }) => compiled.rule === rule)]?.event ?? null;
}

/** Seconds since the device answered; NaN while nobody can know. */
export function silentSeconds(unit: DeviceUnit, at: number): number {
  if (!unit.agent.isOnline) return Number.NaN;
  // Since the agent came back nothing was heard yet, and there was not time enough to.
  if (at < unit.quietUntil && unit.answeredAt < unit.quietUntil - unit.staleAfterMs) return Number.NaN;
  return (at - unit.answeredAt) / 1000;
}

export const severityOf = (rule: Rule, fault: Fault): Transition["severity"] =>
  fault.state === "inactive" ? null : (rule.raise[Math.max(0, fault.level)]?.severity ?? null);

/** A device with a fault of major or worse does not work. A shadow rule is only tried out. */
function isBad({ subject, local, fault }: Active): boolean {
  const rule = subject.shape.bindings[local]?.compiled.rule;
  if (rule === undefined || rule.mode === "shadow" || !isOpen(fault)) return false;
  const severity = severityOf(rule, fault);
  return severity !== null && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf("major");
}

export const asValue = (value: number, asFlag: boolean): Value | undefined =>
  Number.isNaN(value) ? undefined : asFlag ? value !== 0 : value;

export const faultKey = (rule: string, { site, device, component }: Subject): string =>
  [site, device ?? "", component ?? "", rule].join("|");

const orderKey = ({ transition }: Emitted): string => faultKey(transition.rule, transition.subject);
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
