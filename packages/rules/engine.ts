/**
 * The engine: readings, time and inventory in, transitions of faults out (types.ts says what each call promises). It
 * holds state but takes everything else as an argument, so the same calls always give the same transitions.
 *
 * How a row is judged. Values go into slots (memory.ts); a rule is looked at only when a metric that it reads changed
 * (or was read, for windows); its closures give a few bits, and only other bits than before reach the state machine
 * (fault.ts). Rows of the same instant are applied together before anything is judged, so their order means nothing.
 *
 * Time. Each device lives in the event time of its readings: what was due before a reading happens first, at the time
 * it was due. `tick` does the same for everyone who did not report. A late row (older than the value it would replace)
 * changes nothing: the past belongs to the late evaluator.
 */
import type { InventoryDevice, Table, Telemetry, Value } from "@aislewatch/contract";
import { joinSubject, splitSubject } from "@aislewatch/contract";
import { findMetric, SEVERITIES } from "@aislewatch/devices";
import type { Frame, Tally } from "./compile.ts";
import { DueHeap } from "./due.ts";
import { dueAt, type Fault, isOpen, isPlain, newFault, raisedOf, stepFault, UNKNOWN } from "./fault.ts";
import { createLayouts, type Layout, type Layouts } from "./layout.ts";
import { SlotMemory } from "./memory.ts";
import {
  type Binding,
  bindingOf,
  type CompiledRule,
  compileRule,
  NO_SHAPE,
  type Shape,
  shapeOf,
  unpack,
} from "./plan.ts";
import { type FaultDetail, faultOf, readDetail } from "./record.ts";
import { RowOrder } from "./rows.ts";
import {
  type Active,
  type AgentUnit,
  ancestorsOf,
  blockerOf,
  DeviceUnit,
  isInGroup,
  JudgedSubject,
  roleOf,
  SiteUnit,
  subjectOf,
  suppressorName,
  suppressorOf,
} from "./subjects.ts";
import { renderTitle } from "./title.ts";
import type { Engine, FaultRecord, FaultView, Rule, RuleSet, SiteInfo, Subject, Transition } from "./types.ts";
import { RecentReadings } from "./window.ts";

/** A value is stale after this many polls that did not bring it, and some seconds for a slow one. */
export const STALE_POLLS = 3;
export const STALE_SLACK_MS = 5_000;
/** Components of a device that appear by themselves; a switch has 500 ports at most. */
export const PARTS_MAX = 1_024;
/** Distinct metric lists whose slots are remembered; beyond, the cache starts anew. */
const COLUMN_CACHE_MAX = 4_096;
/** A child that fails within this time after its parent came back may still be waiting for the network. */
const SETTLE_MS = 5_000;

export type EngineOptions = {
  /** How long after a parent's recovery a failed poll of a child is still put down to it; 5 s. */
  readonly settleMs?: number;
};

export function createEngine(options: EngineOptions = {}): Engine {
  return new RuleEngine(options);
}

const NO_OFFSETS = new Int32Array(0);
const NEVER = Number.POSITIVE_INFINITY;

class RuleEngine implements Engine {
  readonly #settleMs: number;
  readonly #layouts: Layouts = createLayouts();
  readonly #memory = new SlotMemory();
  readonly #sites = new Map<string, SiteUnit>();
  readonly #heap = new DueHeap<DeviceUnit | SiteUnit>();
  readonly #rows = new RowOrder();
  readonly #columns = new Map<Layout, Map<string, Int32Array>>();
  #columnCount = 0;
  #rules: readonly CompiledRule[] = [];
  #shapes = new Map<string, Shape>();
  readonly #ruleNumbers = new Map<CompiledRule, number>();
  readonly #changed = new Map<string, { rule: string; ruleVersion: string; subject: Subject; active: Active | null }>();
  /** Kept faults whose device is not known yet. */
  readonly #waiting = new Map<string, FaultRecord>();
  /** Kept faults whose rule is gone; the next tick says so. */
  readonly #orphans: FaultRecord[] = [];
  readonly #frame: Frame;
  #out: Emitted[] = [];

  // One round: the rows of one instant.
  #round = 0;
  readonly #touched: { subject: JudgedSubject; local: number }[] = [];
  readonly #moved = new Set<DeviceUnit>();
  readonly #reflag = new Set<DeviceUnit>();
  readonly #dueNow: DeviceUnit[] = [];
  readonly #dirtySites = new Set<SiteUnit>();

  readonly counts = { devices: 0, subjects: 0, instances: 0, unknownRows: 0, evaluations: 0 };

  constructor(options: EngineOptions) {
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    this.#frame = {
      values: this.#memory.values,
      times: this.#memory.times,
      base: 0,
      deviceBase: 0,
      parts: new Map(),
      windows: new Map(),
      nowMs: 0,
      silentSeconds: Number.NaN,
      tallies: new Map(),
    };
  }

  // ---- Rules, sites, inventory ---------------------------------------------------------------------------------

  setRules(rules: RuleSet, atMs: number): Transition[] {
    this.#begin();
    const known = new Map(this.#rules.map((compiled) => [compiled.rule.version, compiled]));
    this.#rules = rules.rules.map((rule) => known.get(rule.version) ?? compileRule(rule));
    this.#shapes = new Map();
    this.#ruleNumbers.clear();
    for (const [number, compiled] of this.#rules.entries()) this.#ruleNumbers.set(compiled, number);
    for (const site of this.#sites.values()) {
      for (const unit of site.devices.values()) this.#bindDevice(unit, atMs);
      this.#bindSite(site, atMs);
      for (const unit of site.devices.values()) this.#judgeAll(unit, atMs);
    }
    for (const [key, record] of this.#waiting) {
      if (this.#rules.some(({ rule }) => rule.id === record.rule)) continue;
      this.#waiting.delete(key);
      this.#emitOrphan(record, atMs);
    }
    this.#settle(atMs);
    return this.#inOrder();
  }

  setSites(sites: readonly SiteInfo[]): void {
    for (const { id } of sites) this.#site(id);
  }

  setInventory(site: string, agent: string, devices: readonly InventoryDevice[], atMs: number): Transition[] {
    this.#begin();
    const siteUnit = this.#site(site);
    const agentUnit = this.#agent(siteUnit, agent);
    const listed = new Map(devices.map((device) => [device.id, device]));
    for (const unit of [...siteUnit.devices.values()]) {
      const device = listed.get(unit.device.id);
      if (unit.agent === agentUnit && device?.kind !== unit.device.kind) this.#removeDevice(unit, atMs);
    }
    for (const device of listed.values()) {
      const unit = siteUnit.devices.get(device.id);
      // A device belongs to the agent that named it first; the collector opens an incident for a second claim.
      if (unit !== undefined && unit.agent !== agentUnit) continue;
      if (unit === undefined) this.#addDevice(siteUnit, agentUnit, device, atMs);
      else if (unit.signature !== JSON.stringify(device)) this.#updateDevice(unit, device, atMs);
    }
    this.#arrange(siteUnit, atMs);
    this.#settle(atMs);
    return this.#inOrder();
  }

  setAgentOnline(site: string, agent: string, online: boolean, atMs: number): Transition[] {
    this.#begin();
    const siteUnit = this.#site(site);
    const agentUnit = this.#agent(siteUnit, agent);
    if (agentUnit.isOnline === online) return this.#inOrder();
    const units = [...siteUnit.devices.values()].filter((unit) => unit.agent === agentUnit);
    for (const unit of units) this.#runDue(unit, atMs);
    agentUnit.isOnline = online;
    this.#round++;
    for (const unit of units) {
      if (online) unit.quietUntil = atMs + unit.staleAfterMs;
      else this.#expire(unit, atMs, NEVER);
      this.#touchSilence(unit);
      this.#setSilenceDue(unit, atMs);
      this.#reblock(unit, atMs);
    }
    this.#settle(atMs);
    return this.#inOrder();
  }

  // ---- Readings and time ---------------------------------------------------------------------------------------

  observe(site: string, agent: string, message: Telemetry, skewMs: number): Transition[] {
    this.#begin();
    this.counts.unknownRows += this.#rows.load(message);
    const subjects = this.#resolve(site, agent, message);
    const rows = this.#rows;
    const columns: { layout: Layout | null; offsets: Int32Array }[] = [];
    for (let from = 0; from < rows.size; ) {
      const delta = rows.delta(from);
      const at = message.base + delta + skewMs;
      let end = from;
      for (; end < rows.size && rows.delta(end) === delta; end++) {
        const owner = subjects[rows.subject(end, message)]?.owner;
        if (owner?.is === "device") this.#catchUp(owner, at - 1);
      }
      this.#round++;
      for (let i = from; i < end; i++) {
        const number = rows.number(i);
        const t = rows.table(number);
        const table = message.tables[t];
        const row = rows.row(number, t);
        const subject = subjects[table?.subject[row] ?? -1];
        if (table === undefined || subject === undefined || subject === null) {
          this.counts.unknownRows++;
          continue;
        }
        let column = columns[t];
        if (column === undefined || column.layout !== subject.layout) {
          column = { layout: subject.layout, offsets: this.#columnsOf(table, subject.layout) };
          columns[t] = column;
        }
        this.#applyRow(subject, table, { row, offsets: column.offsets, at });
      }
      this.#settle(at);
      from = end;
    }
    return this.#inOrder();
  }

  /** What was due before a reading happens before it; also to those whom the reading may flag. */
  #catchUp(unit: DeviceUnit, limit: number): void {
    if (unit.site.dueAt <= limit) this.#runDue(unit.site, limit);
    if (unit.dueAt <= limit) this.#runDue(unit, limit);
    for (let i = 0; i < unit.descendants.length; i++) {
      const below = unit.descendants[i];
      if (below !== undefined && below.dueAt <= limit) this.#runDue(below, limit);
    }
  }

  tick(nowMs: number): Transition[] {
    this.#begin();
    for (const record of this.#orphans.splice(0)) this.#emitOrphan(record, nowMs);
    while (this.#heap.nextAt <= nowMs) {
      const at = this.#heap.nextAt;
      const owner = this.#heap.pop();
      // An older entry of an owner that was queued again meanwhile.
      if (owner === undefined || owner.queuedAt !== at) continue;
      owner.queuedAt = NEVER;
      this.#runDue(owner, at);
      this.#enqueue(owner);
    }
    return this.#inOrder();
  }

  #applyRow(subject: JudgedSubject, table: Table, place: { row: number; offsets: Int32Array; at: number }): void {
    const unit = subject.owner;
    if (unit.is !== "device") return;
    const { row, offsets, at } = place;
    const { values, last, times } = this.#memory;
    const { base, shape } = subject;
    const { values: columns } = table;
    const up = subject.component === null ? (subject.layout?.up ?? -1) : -1;
    const isWindowed = shape.windows.length > 0 || unit.self.shape.windows.length > 0;
    let isAnswer = true;
    for (let m = 0; m < offsets.length; m++) {
      const offset = offsets[m] ?? -1;
      if (offset < 0) continue;
      const read = columns[m]?.[row];
      if (read === null || read === undefined) continue;
      const value = read === true ? 1 : read === false ? 0 : read;
      if (offset === up && value === 0) isAnswer = false;
      const slot = base + offset;
      const readAt = times[slot] ?? 0;
      // Older than what is known, or a repetition. Should two of one instant differ, the larger stays, in any order.
      if (at <= readAt && (at < readAt || value <= (last[slot] ?? 0))) continue;
      times[slot] = at;
      if (isWindowed) this.#remember(subject, { offset, at, value });
      if (values[slot] === value) continue;
      values[slot] = value;
      last[slot] = value;
      this.#touchReaders(subject, offset);
      if (offset === up) this.#moved.add(unit);
    }
    this.#reported(unit, at, isAnswer);
  }

  /** What any row of a device means beside its values. */
  #reported(unit: DeviceUnit, at: number, isAnswer: boolean): void {
    if (isAnswer && at > unit.answeredAt) {
      unit.answeredAt = at;
      unit.isUnheard = false;
      if (unit.isSilent) this.#touchSilence(unit);
    }
    if (unit.staleDue === NEVER) {
      unit.staleDue = at + unit.staleAfterMs;
      this.#setDue(unit);
    }
    if (unit.isUnjudged) {
      unit.isUnjudged = false;
      this.#touchAll(unit);
      this.#moved.add(unit);
    }
    if (unit.awaitingSince !== null) {
      const isFresh = isAnswer ? at > unit.awaitingSince : at >= unit.awaitingSince + this.#settleMs;
      if (isFresh) {
        unit.awaitingSince = null;
        unit.blockedBy = null;
        this.#reflag.add(unit);
        for (const active of unit.active) this.#remarkChanged(active);
      }
    }
    if (unit.dueAt <= at) this.#dueNow.push(unit);
  }

  /** A reading goes into the windows over its slot, and those who look at the window are judged. */
  #remember(subject: JudgedSubject, reading: { offset: number; at: number; value: number }): void {
    const window = this.#frame.windows.get(subject.base + reading.offset);
    if (window === undefined) return;
    window.push(reading.at, reading.value);
    this.#touch(subject, subject.shape.onReading[reading.offset]);
    if (subject.component !== null || subject.owner.is !== "device") return;
    for (const part of subject.owner.parts.values()) this.#touch(part, part.shape.onDeviceReading[reading.offset]);
  }

  #touchReaders(subject: JudgedSubject, offset: number): void {
    this.#touch(subject, subject.shape.onChange[offset]);
    const unit = subject.owner;
    if (unit.is !== "device") return;
    if (subject.partClass !== null) {
      this.#touch(unit.self, unit.self.shape.onPartChange.get(subject.partClass)?.[offset]);
    } else if (unit.parts.size > 0) {
      for (const part of unit.parts.values()) this.#touch(part, part.shape.onDeviceChange[offset]);
    }
  }

  #touch(subject: JudgedSubject, locals: readonly number[] | undefined): void {
    if (locals === undefined) return;
    for (let i = 0; i < locals.length; i++) {
      const local = locals[i] ?? 0;
      if (subject.marks[local] === this.#round) continue;
      subject.marks[local] = this.#round;
      this.#touched.push({ subject, local });
    }
  }

  #touchAll(unit: DeviceUnit): void {
    for (const subject of [unit.self, ...unit.parts.values()]) this.#touch(subject, [...subject.codes.keys()]);
  }

  #touchSilence(unit: DeviceUnit): void {
    if (unit.silenceMs.length === 0) return;
    for (const subject of [unit.self, ...unit.parts.values()]) this.#touch(subject, subject.shape.onSilence);
  }

  #judgeAll(unit: DeviceUnit, at: number): void {
    this.#round++;
    this.#touchAll(unit);
    this.#judgeTouched(at);
  }

  /** Ends a round: what moved is judged, then what hangs below it is flagged, then the sites are. */
  #settle(at: number): void {
    if (this.#moved.size > 0) for (const unit of this.#moved) this.#upChanged(unit, at);
    if (this.#touched.length > 0) this.#judgeTouched(at);
    if (this.#dueNow.length > 0) {
      for (const unit of this.#dueNow.splice(0)) this.#runDue(unit, at);
    }
    if (this.#reflag.size > 0) {
      for (const unit of this.#reflag) {
        for (const active of unit.active) this.#reflagged(active, at);
        this.#restate(unit);
      }
      this.#reflag.clear();
    }
    if (this.#moved.size > 0) {
      for (const unit of this.#moved) this.#restate(unit);
      this.#moved.clear();
    }
    if (this.#dirtySites.size > 0) this.#judgeSites(at);
  }

  #judgeTouched(at: number): void {
    for (let i = 0; i < this.#touched.length; i++) {
      const touched = this.#touched[i];
      if (touched !== undefined) this.#evaluate(touched.subject, touched.local, at);
    }
    this.#touched.length = 0;
  }

  #judgeSites(at: number): void {
    for (const site of this.#dirtySites) {
      this.#tally(site);
      for (let local = 0; local < site.self.codes.length; local++) this.#evaluate(site.self, local, at);
    }
    this.#dirtySites.clear();
  }

  /** By event time; within an instant causes before what hangs below them, sites last; in whatever order rows came. */
  #inOrder(): Transition[] {
    const out = this.#out;
    if (out.length > 1) {
      out.sort(
        (a, b) => a.transition.at - b.transition.at || a.depth - b.depth || compareText(orderKey(a), orderKey(b)),
      );
    }
    return out.map(({ transition }) => transition);
  }

  // ---- Judging -------------------------------------------------------------------------------------------------

  #evaluate(subject: JudgedSubject, local: number, at: number): void {
    const binding = subject.shape.bindings[local];
    if (binding === undefined) return;
    const code = this.#judge(subject, binding, at);
    if (code === subject.codes[local]) return;
    subject.codes[local] = code;
    this.#step(subject, local, at);
  }

  #judge(subject: JudgedSubject, binding: Binding, at: number): number {
    this.counts.evaluations++;
    this.#aim(subject, at);
    return binding.judge(this.#frame);
  }

  /** Points the frame at a subject. */
  #aim(subject: JudgedSubject, at: number): void {
    const frame = this.#frame;
    const { owner } = subject;
    frame.nowMs = at;
    frame.base = subject.base;
    if (owner.is === "site") {
      frame.tallies = owner.tallies;
      return;
    }
    frame.deviceBase = owner.self.base;
    frame.parts = owner.partBases;
    if (owner.silenceMs.length > 0) frame.silentSeconds = silentSeconds(owner, at);
  }

  /** Takes what the conditions say now into the state machine, and reports what changed. */
  #step(subject: JudgedSubject, local: number, at: number): void {
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const judgedAt = Math.max(at, subject.owner.judgedAt);
    const active = subject.faults[local] ?? null;
    const before = active?.fault ?? compiled.untouched;
    const seen = unpack(subject.codes[local] ?? 0, compiled);
    const { next, reason } = stepFault(before, seen, judgedAt, compiled.spec);
    if (active === null && isPlain(next, compiled.spec)) return;
    this.#put({ subject, local, next, at: judgedAt, reason });
  }

  #put(change: { subject: JudgedSubject; local: number; next: Fault; at: number; reason: Transition["reason"] }): void {
    const { subject, local, next, reason } = change;
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const { owner } = subject;
    const at = Math.max(change.at, owner.judgedAt);
    owner.judgedAt = at;
    const before = subject.faults[local] ?? null;
    const was = before?.fault ?? compiled.untouched;
    const flags = this.#flagsOf(subject, compiled, next, local);
    const active: Active = before ?? { subject, local, fault: next, dueAt: NEVER, flags };
    const isFlagged = active.flags.stale !== flags.stale || active.flags.suppressedBy !== flags.suppressedBy;
    active.fault = next;
    active.flags = flags;
    active.dueAt = dueAt(next, compiled.spec);
    if (isPlain(next, compiled.spec)) this.#drop(active);
    else if (before === null) {
      subject.faults[local] = active;
      owner.active.push(active);
    }
    this.#markChanged(subject, compiled.rule, isPlain(next, compiled.spec) ? null : active);
    this.#setDue(owner);
    if (was.state !== next.state || was.level !== next.level) {
      this.#emit(subject, compiled, { was, next, at, reason, flags });
    } else if (isFlagged && next.state !== "inactive") {
      this.#emit(subject, compiled, { was, next, at, reason: "flags", flags });
    }
    if (owner.is === "device" && isOpen(was) !== isOpen(next)) this.#restate(owner);
    else if (owner.is === "device" && was.level !== next.level) this.#restate(owner);
  }

  #drop(active: Active): void {
    const { subject, local } = active;
    subject.faults[local] = null;
    subject.owner.active = subject.owner.active.filter((other) => other !== active);
  }

  #flagsOf(subject: JudgedSubject, compiled: CompiledRule, fault: Fault, local: number): Active["flags"] {
    const stale = fault.state !== "inactive" && raisedOf(unpack(subject.codes[local] ?? 0, compiled).steps) === UNKNOWN;
    const { owner } = subject;
    return { stale, suppressedBy: owner.is === "device" ? suppressorOf(owner, compiled.rule.dependsOn) : null };
  }

  #reflagged(active: Active, at: number): void {
    const { subject, local, fault, flags } = active;
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const now = this.#flagsOf(subject, compiled, fault, local);
    if (now.stale === flags.stale && now.suppressedBy === flags.suppressedBy) return;
    this.#put({ subject, local, next: fault, at, reason: "flags" });
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
    this.#out.push({ transition, depth });
  }

  #evidence(subject: JudgedSubject, compiled: CompiledRule): Record<string, Value> {
    const binding = subject.shape.bindings.find((each) => each.compiled === compiled);
    const values: Record<string, Value> = {};
    for (const { name, isFlag, read } of binding?.evidence ?? []) {
      const value = this.#lastOf(subject, name) ?? asValue(read(this.#frame), isFlag);
      if (value !== undefined) values[name] = value;
    }
    return values;
  }

  #titleValue(subject: JudgedSubject, rule: Rule, name: string): Value | string | undefined {
    const { site, device, component } = subjectOf(subject);
    if (name === "site") return site;
    if (name === "device") return device ?? site;
    if (name === "component") return component ?? "";
    if (name.startsWith("vars.")) return rule.vars[name.slice("vars.".length)];
    return this.#lastOf(subject, name) ?? this.#calledValue(subject, rule, name);
  }

  /** A call in a title, `failed("pos_terminal")`, must stand in a condition of the rule, too. */
  #calledValue(subject: JudgedSubject, rule: Rule, name: string): Value | undefined {
    const binding = subject.shape.bindings.find(({ compiled }) => compiled.rule === rule);
    const evidence = binding?.evidence.find((each) => each.name === name);
    return evidence === undefined ? undefined : asValue(evidence.read(this.#frame), evidence.isFlag);
  }

  /** The last value of a metric of the subject or of its device, however old. */
  #lastOf(subject: JudgedSubject, metric: string): Value | undefined {
    const slot = this.#slotOf(subject, metric);
    if (slot === null) return undefined;
    return asValue(this.#memory.last[slot] ?? Number.NaN, findMetric(metric)?.type === "boolean");
  }

  #slotOf(subject: JudgedSubject, metric: string): number | null {
    const own = subject.layout?.offsetOf.get(metric);
    const holder = own === undefined && subject.owner.is === "device" ? subject.owner.self : subject;
    const offset = holder.layout?.offsetOf.get(metric);
    return offset === undefined ? null : holder.base + offset;
  }

  // ---- Timers --------------------------------------------------------------------------------------------------

  #setDue(owner: DeviceUnit | SiteUnit): void {
    let due = owner.is === "device" ? Math.min(owner.staleDue, owner.silenceDue) : NEVER;
    for (let i = 0; i < owner.active.length; i++) due = Math.min(due, owner.active[i]?.dueAt ?? NEVER);
    owner.dueAt = due;
    this.#enqueue(owner);
  }

  #enqueue(owner: DeviceUnit | SiteUnit): void {
    if (owner.dueAt >= owner.queuedAt) return;
    owner.queuedAt = owner.dueAt;
    this.#heap.push(owner.dueAt, owner);
  }

  /** Everything of this owner that falls due up to `limit`, in order of time. */
  #runDue(owner: DeviceUnit | SiteUnit, limit: number): void {
    while (owner.dueAt <= limit) {
      const at = owner.dueAt;
      this.#round++;
      if (owner.is === "device" && owner.staleDue <= at) this.#expire(owner, at, at - owner.staleAfterMs);
      if (owner.is === "device" && owner.silenceDue <= at) this.#silenceRuns(owner, at);
      this.#settle(at);
      for (const active of [...owner.active]) if (active.dueAt <= at) this.#fallDue(active, at);
      this.#setDue(owner);
      this.#settle(at);
    }
  }

  #fallDue(active: Active, at: number): void {
    const { subject, local } = active;
    const binding = subject.shape.bindings[local];
    if (binding === undefined || subject.faults[local] !== active) return;
    subject.codes[local] = this.#judge(subject, binding, at);
    this.#step(subject, local, at);
  }

  /** Values read at `before` or earlier become unknown. */
  #expire(unit: DeviceUnit, at: number, before: number): void {
    const { values, times } = this.#memory;
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
          this.#touchReaders(subject, offset);
          if (subject === unit.self && offset === subject.layout?.up) this.#moved.add(unit);
        }
      }
    }
    // Never at or before `at`: a late reading may be older than its own limit.
    unit.staleDue = oldest === NEVER ? NEVER : Math.max(oldest + unit.staleAfterMs, at + 1);
    this.#setDue(unit);
  }

  #silenceRuns(unit: DeviceUnit, at: number): void {
    unit.isSilent = true;
    this.#touchSilence(unit);
    this.#setSilenceDue(unit, at);
  }

  /** The next moment after `at` at which a comparison with silent_for() may change. */
  #setSilenceDue(unit: DeviceUnit, at: number): void {
    unit.silenceDue = NEVER;
    if (!unit.agent.isOnline) unit.isSilent = true;
    else {
      const moments = unit.silenceMs.map((silence) => unit.answeredAt + silence + 1);
      if (unit.silenceMs.length > 0) moments.push(unit.quietUntil);
      for (const moment of moments) if (moment > at) unit.silenceDue = Math.min(unit.silenceDue, moment);
    }
    this.#setDue(unit);
  }

  // ---- The tree above a device ---------------------------------------------------------------------------------

  #upChanged(unit: DeviceUnit, at: number): void {
    const up = this.#memory.last[unit.self.base + (unit.self.layout?.up ?? 0)];
    const isDown = up === 0;
    if (isDown === unit.isDown) return;
    unit.isDown = isDown;
    for (const other of unit.descendants) this.#reblock(other, at);
  }

  #reblock(unit: DeviceUnit, at: number): void {
    const blocker = unit.agent.isOnline ? blockerOf(unit, ["*"]) : unit.agent;
    if (blocker !== null) {
      unit.blockedBy = blocker;
      unit.awaitingSince = null;
    } else if (unit.blockedBy !== null && unit.awaitingSince === null) unit.awaitingSince = at;
    this.#reflag.add(unit);
    // What is awaited is kept with the faults, flags changed or not.
    for (const active of unit.active) this.#remarkChanged(active);
  }

  #restate(unit: DeviceUnit): void {
    const up = this.#memory.values[unit.self.base + (unit.self.layout?.up ?? 0)];
    // A failure from before a restart may have been a parent's that is up again: the next reading tells.
    const isFailed = (up === 0 && !unit.isUnjudged) || unit.active.some(isBad);
    // Behind a dead switch nobody can tell: the fault is counted where it is.
    const status = isFailed ? (unit.blockedBy === null ? "failed" : "unknown") : up === 1 ? "working" : "unknown";
    if (status === unit.status) return;
    unit.status = status;
    if (unit.site.self.codes.length > 0) this.#dirtySites.add(unit.site);
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

  // ---- Who is judged by what -----------------------------------------------------------------------------------

  #site(id: string): SiteUnit {
    const known = this.#sites.get(id);
    if (known !== undefined) return known;
    const site = new SiteUnit(id);
    this.#sites.set(id, site);
    return site;
  }

  #agent(site: SiteUnit, id: string): AgentUnit {
    let agent = site.agents.get(id);
    if (agent === undefined) {
      agent = { is: "agent", id, isOnline: true };
      site.agents.set(id, agent);
    }
    return agent;
  }

  #addDevice(site: SiteUnit, agent: AgentUnit, device: InventoryDevice, at: number): void {
    const layout = this.#layouts.device(device.kind);
    const unit = new DeviceUnit(site, agent, device, { layout, base: this.#allocate(layout) });
    unit.signature = JSON.stringify(device);
    unit.staleAfterMs = staleAfterMs(device);
    unit.answeredAt = at;
    site.devices.set(device.id, unit);
    site.subjects.set(device.id, unit.self);
    this.counts.devices++;
    this.counts.subjects++;
    for (const component of device.components) this.#addPart(unit, component);
    this.#bindDevice(unit, at);
  }

  #updateDevice(unit: DeviceUnit, device: InventoryDevice, at: number): void {
    unit.device = device;
    unit.signature = JSON.stringify(device);
    unit.staleAfterMs = staleAfterMs(device);
    for (const [component, part] of unit.parts) {
      if (!device.components.includes(component)) this.#removePart(unit, part, at);
    }
    for (const component of device.components) this.#addPart(unit, component);
    this.#bindDevice(unit, at);
    this.#judgeAll(unit, at);
  }

  /** Null when the kind has no such components, or the device too many. */
  #addPart(unit: DeviceUnit, component: string): JudgedSubject | null {
    const known = unit.parts.get(component);
    if (known !== undefined) return known;
    const partClass = this.#layouts.classOf(unit.device.kind, component);
    const layout = partClass === null ? null : this.#layouts.component(unit.device.kind, partClass);
    if (partClass === null || layout === null || unit.parts.size >= PARTS_MAX) return null;
    const base = this.#allocate(layout);
    const part = new JudgedSubject(unit, { component, partClass, layout, base });
    unit.parts.set(component, part);
    unit.partBases.set(partClass, [...(unit.partBases.get(partClass) ?? []), base]);
    unit.site.subjects.set(joinSubject(unit.device.id, component), part);
    this.counts.subjects++;
    return part;
  }

  #removePart(unit: DeviceUnit, part: JudgedSubject, at: number): void {
    this.#resolveAll(part, at, "device_removed");
    unit.parts.delete(part.component ?? "");
    unit.site.subjects.delete(joinSubject(unit.device.id, part.component));
    const bases = unit.partBases.get(part.partClass ?? "") ?? [];
    unit.partBases.set(
      part.partClass ?? "",
      bases.filter((base) => base !== part.base),
    );
    this.#release(part);
  }

  #removeDevice(unit: DeviceUnit, at: number): void {
    for (const part of [...unit.parts.values()]) this.#removePart(unit, part, at);
    this.#resolveAll(unit.self, at, "device_removed");
    unit.site.devices.delete(unit.device.id);
    unit.site.subjects.delete(unit.device.id);
    unit.queuedAt = Number.NEGATIVE_INFINITY;
    unit.dueAt = NEVER;
    this.counts.devices--;
    this.#release(unit.self);
  }

  #release(subject: JudgedSubject): void {
    const size = subject.layout?.metrics.length ?? 0;
    for (let offset = 0; offset < size; offset++) this.#frame.windows.delete(subject.base + offset);
    this.#memory.release(subject.base, size);
    this.counts.subjects--;
    this.counts.instances -= subject.codes.length;
  }

  #allocate(layout: Layout): number {
    const base = this.#memory.allocate(layout.metrics.length);
    this.#frame.values = this.#memory.values;
    this.#frame.times = this.#memory.times;
    return base;
  }

  /** After the inventory of a site changed: who depends on whom, and how many there are. */
  #arrange(site: SiteUnit, at: number): void {
    const units = [...site.devices.values()];
    for (const unit of units) unit.ancestors = ancestorsOf(unit);
    const below = new Map<DeviceUnit, DeviceUnit[]>(units.map((unit) => [unit, []]));
    for (const unit of units) for (const ancestor of unit.ancestors) below.get(ancestor)?.push(unit);
    for (const unit of units) unit.descendants = below.get(unit) ?? [];
    for (const unit of site.devices.values()) this.#reblock(unit, at);
    this.#bindSite(site, at);
  }

  #bindDevice(unit: DeviceUnit, at: number): void {
    const { device, site, self } = unit;
    const selected = this.#rules.filter(
      ({ rule, selector }) => rule.scope !== "site" && selector.matches(site.id, device),
    );
    const context = { kind: device.kind, layouts: this.#layouts };
    const ofDevice = selected.filter(({ rule }) => rule.scope === "device");
    this.#bind(self, ofDevice, { to: { device: self.layout, component: null }, context, at });
    for (const part of unit.parts.values()) {
      const ofPart = selected.filter(
        ({ rule, partClass }) => rule.scope === "component" && partClass === part.partClass,
      );
      this.#bind(part, ofPart, { to: { device: self.layout, component: part.layout }, context, at });
    }
    unit.silenceMs = [self, ...unit.parts.values()].flatMap(({ shape }) => shape.silenceMs);
    this.#setSilenceDue(unit, at);
  }

  #bindSite(site: SiteUnit, at: number): void {
    const devices = [...site.devices.values()];
    const rules = this.#rules.filter(
      ({ rule, selector }) => rule.scope === "site" && devices.some(({ device }) => selector.matches(site.id, device)),
    );
    const context = { kind: "", layouts: this.#layouts };
    this.#bind(site.self, rules, { to: { device: null, component: null }, context, at });
    site.tallies = new Map(rules.flatMap(({ groups }) => groups.map((group) => [group, newTally()])));
    if (rules.length > 0) this.#dirtySites.add(site);
  }

  /** Gives a subject its bindings; faults of rules that stay keep their state, others resolve. */
  #bind(
    subject: JudgedSubject,
    rules: readonly CompiledRule[],
    how: {
      to: { device: Layout | null; component: Layout | null };
      context: { kind: string; layouts: Layouts };
      at: number;
    },
  ): void {
    const kept = new Map(
      subject.shape.bindings.map(({ compiled }, local) => [
        compiled.rule.id,
        { compiled, code: subject.codes[local] ?? 0, active: subject.faults[local] ?? null },
      ]),
    );
    const stays = new Set(rules.map(({ rule }) => rule.id));
    for (const [id, { compiled, active }] of kept) {
      if (active !== null && !stays.has(id)) this.#resolve1(active, compiled, how.at, "rule_removed");
    }
    this.counts.instances += rules.length - subject.codes.length;
    subject.shape = this.#shape(subject.layout, rules, how);
    subject.codes = [];
    subject.faults = [];
    subject.marks = [];
    for (const [local, binding] of subject.shape.bindings.entries()) {
      const old = kept.get(binding.compiled.rule.id);
      const isSame = old?.compiled.conditionHash === binding.compiled.conditionHash;
      subject.codes[local] = isSame && old !== undefined ? old.code : binding.unknownCode;
      subject.faults[local] = null;
      subject.marks[local] = 0;
      if (old?.active) this.#carry(old.active, { subject, local, isSame, at: how.at });
      else this.#greet(subject, local, how.at);
    }
    this.#openWindows(subject);
  }

  /** A fault moves to the new shape. With another condition it keeps firing until that says otherwise. */
  #carry(active: Active, to: { subject: JudgedSubject; local: number; isSame: boolean; at: number }): void {
    const { subject, local, isSame, at } = to;
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    active.local = local;
    subject.faults[local] = active;
    if (isSame) {
      active.dueAt = dueAt(active.fault, compiled.spec);
      this.#markChanged(subject, compiled.rule, active);
      return;
    }
    const { fault } = active;
    const fresh = newFault(compiled.steps.length);
    const level = Math.min(fault.level, compiled.steps.length - 1);
    const next: Fault = isOpen(fault) ? { ...fresh, state: "firing", level, onset: fault.onset } : fresh;
    // A code that no condition gives: whatever comes is news.
    subject.codes[local] = -1;
    this.#put({ subject, local, next, at, reason: "condition" });
  }

  /** A subject that a rule meets for the first time: a fault that was kept, or the clock of `missing: raise`. */
  #greet(subject: JudgedSubject, local: number, at: number): void {
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    const record = this.#waiting.get(faultKey(compiled.rule.id, subjectOf(subject)));
    if (record !== undefined) this.#restoreFault(record);
    else if (compiled.spec.missing.then === "raise") this.#step(subject, local, at);
  }

  #shape(
    layout: Layout | null,
    rules: readonly CompiledRule[],
    how: { to: { device: Layout | null; component: Layout | null }; context: { kind: string; layouts: Layouts } },
  ): Shape {
    const key = `${layout?.name ?? ""}|${rules.map((compiled) => this.#ruleNumbers.get(compiled)).join(",")}`;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = rules.length === 0 ? NO_SHAPE : shapeOf(rules.map((rule) => bindingOf(rule, how.to, how.context)));
      this.#shapes.set(key, shape);
    }
    return shape;
  }

  #openWindows(subject: JudgedSubject): void {
    for (const { whose, offset, windowMs } of subject.shape.windows) {
      if (windowMs === null) continue;
      const owner = whose === "device" && subject.owner.is === "device" ? subject.owner.self : subject;
      const slot = owner.base + offset;
      const window = this.#frame.windows.get(slot);
      if (window === undefined) this.#frame.windows.set(slot, new RecentReadings(windowMs));
      else window.keepAtLeast(windowMs);
    }
  }

  // ---- Ends that are not recoveries ----------------------------------------------------------------------------

  #resolveAll(subject: JudgedSubject, at: number, reason: "rule_removed" | "device_removed"): void {
    for (const [local, active] of subject.faults.entries()) {
      const compiled = subject.shape.bindings[local]?.compiled;
      if (active && compiled) this.#resolve1(active, compiled, at, reason);
    }
  }

  #resolve1(active: Active, compiled: CompiledRule, at: number, reason: "rule_removed" | "device_removed"): void {
    const { subject, fault, flags } = active;
    this.#drop(active);
    this.#markChanged(subject, compiled.rule, null);
    if (fault.state === "inactive") return;
    this.#emit(subject, compiled, { was: fault, next: compiled.untouched, at, reason, flags });
    if (subject.owner.is === "device") this.#restate(subject.owner);
  }

  /** A kept fault whose rule is gone since: nobody would ever resolve it. */
  #emitOrphan({ rule, ruleVersion, subject, state }: FaultRecord, at: number): void {
    this.#changed.set(faultKey(rule, subject), { rule, ruleVersion, subject, active: null });
    const transition: Transition = {
      rule,
      ruleVersion,
      subject,
      at,
      from: state,
      to: "inactive",
      severity: null,
      flags: { stale: false, suppressedBy: null },
      title: rule,
      since: at,
      values: {},
      reason: "rule_removed",
    };
    this.#out.push({ transition, depth: 0 });
  }

  #remarkChanged(active: Active): void {
    const rule = active.subject.shape.bindings[active.local]?.compiled.rule;
    if (rule !== undefined) this.#markChanged(active.subject, rule, active);
  }

  #markChanged(judged: JudgedSubject, rule: Rule, active: Active | null): void {
    const subject = subjectOf(judged);
    this.#changed.set(faultKey(rule.id, subject), { rule: rule.id, ruleVersion: rule.version, subject, active });
  }

  // ---- What is kept, and what is shown -------------------------------------------------------------------------

  takeChangedFaults(): FaultRecord[] {
    const records = [...this.#changed.values()].map(({ rule, ruleVersion, subject, active }): FaultRecord => {
      const head = { v: 1, rule, ruleVersion, subject } as const;
      const compiled = active?.subject.shape.bindings[active.local]?.compiled;
      if (active === null || compiled === undefined) return { ...head, state: "inactive", severity: null, detail: {} };
      const { state } = active.fault;
      const detail = detailOf(active, compiled, this.#streaksOf(active.subject, compiled));
      return { ...head, state, severity: severityOf(compiled.rule, active.fault), detail };
    });
    this.#changed.clear();
    return records;
  }

  #streaksOf(subject: JudgedSubject, compiled: CompiledRule): FaultDetail["streaks"] {
    return compiled.streakMetrics.flatMap((metric) => {
      const slot = this.#slotOf(subject, metric);
      const window = slot === null ? undefined : this.#frame.windows.get(slot);
      if (window === undefined || window.size === 0) return [];
      const newest = window.size - 1;
      return [{ metric, at: window.at(newest), value: window.value(newest), streak: window.streak }];
    });
  }

  restoreFaults(records: readonly FaultRecord[]): void {
    for (const record of records) {
      if (record.state !== "inactive") this.#restoreFault(record);
    }
    for (const site of this.#sites.values()) for (const unit of site.devices.values()) this.#restate(unit);
  }

  /** A record without its rule or device waits for them: the inventory of another agent may come later. */
  #restoreFault(record: FaultRecord): void {
    const key = faultKey(record.rule, record.subject);
    const found = this.#locate(record);
    const detail = readDetail(record);
    if (detail === null) return;
    if (found === null) {
      if (this.#rules.some(({ rule }) => rule.id === record.rule)) this.#waiting.set(key, record);
      else this.#orphans.push(record);
      return;
    }
    this.#waiting.delete(key);
    const { subject, local, compiled } = found;
    const { owner } = subject;
    const isSame = detail.conditions === compiled.conditionHash && detail.steps.length === compiled.steps.length;
    const kept = faultOf(record, detail);
    const isKept = isSame || isOpen(kept);
    if (!isKept) return;
    const fault: Fault = isSame
      ? kept
      : { ...newFault(compiled.steps.length), state: "firing", level: 0, onset: kept.onset };
    subject.codes[local] = isSame ? detail.code : -1;
    const flags = { stale: detail.stale, suppressedBy: detail.suppressedBy };
    const active: Active = { subject, local, fault, dueAt: dueAt(fault, compiled.spec), flags };
    const before = subject.faults[local];
    if (before) this.#drop(before);
    subject.faults[local] = active;
    owner.active.push(active);
    if (owner.is === "device") this.#restoreWaits(owner, detail);
    for (const { metric, ...kept } of detail.streaks) {
      const slot = this.#slotOf(subject, metric);
      if (slot !== null) this.#frame.windows.get(slot)?.resume(kept);
    }
    this.#setDue(owner);
  }

  #restoreWaits(unit: DeviceUnit, detail: FaultDetail): void {
    const { awaitingSince, awaitedParent, answeredAt } = detail;
    unit.answeredAt = Math.min(unit.answeredAt, answeredAt);
    this.#setSilenceDue(unit, unit.judgedAt);
    const candidates = [...unit.site.devices.values(), ...unit.site.agents.values()];
    const awaited = candidates.find((each) => suppressorName(each, unit.site) === awaitedParent);
    if (awaitingSince === null || awaited === undefined) return;
    unit.awaitingSince = awaitingSince;
    unit.blockedBy = awaited;
  }

  #locate({ rule, subject }: FaultRecord): { subject: JudgedSubject; local: number; compiled: CompiledRule } | null {
    const site = this.#sites.get(subject.site);
    const judged =
      subject.device === null ? site?.self : site?.subjects.get(joinSubject(subject.device, subject.component));
    const local = judged?.shape.bindings.findIndex(({ compiled }) => compiled.rule.id === rule) ?? -1;
    const compiled = judged?.shape.bindings[local]?.compiled;
    return judged === undefined || compiled === undefined ? null : { subject: judged, local, compiled };
  }

  restoreValues(values: readonly { site: string; subject: string; metric: string; at: number; value: Value }[]): void {
    const touched = new Set<DeviceUnit>();
    for (const { site, subject, metric, at, value } of [...values].sort((a, b) => a.at - b.at)) {
      const siteUnit = this.#sites.get(site);
      const judged = siteUnit?.subjects.get(subject) ?? (siteUnit ? this.#adopt(siteUnit, subject, at) : null);
      const offset = judged?.layout?.offsetOf.get(metric);
      if (!judged || offset === undefined || judged.owner.is !== "device") continue;
      const slot = judged.base + offset;
      if (at < (this.#memory.times[slot] ?? 0)) continue;
      this.#memory.values[slot] = Number(value);
      this.#memory.last[slot] = Number(value);
      this.#memory.times[slot] = at;
      this.#frame.windows.get(slot)?.push(at, Number(value));
      this.#restoreLife(judged.owner, { metric, at, value });
      touched.add(judged.owner);
    }
    for (const unit of touched) this.#restoreTree(unit);
    for (const { site } of touched) for (const unit of site.devices.values()) this.#restoreBlock(unit);
  }

  #restoreLife(unit: DeviceUnit, { metric, at, value }: { metric: string; at: number; value: Value }): void {
    unit.staleDue = Math.min(unit.staleDue, at + unit.staleAfterMs);
    // A failed poll reports these two and is no answer.
    const isAnswer = metric === "up" ? value !== false : metric !== "poll_duration_seconds";
    if (isAnswer && (unit.isUnheard || at > unit.answeredAt)) {
      unit.answeredAt = at;
      unit.isUnheard = false;
    }
  }

  #restoreTree(unit: DeviceUnit): void {
    unit.isUnjudged = true;
    unit.isDown = this.#memory.last[unit.self.base + (unit.self.layout?.up ?? 0)] === 0;
    this.#setSilenceDue(unit, unit.judgedAt);
  }

  #restoreBlock(unit: DeviceUnit): void {
    const blocker = unit.agent.isOnline ? blockerOf(unit, ["*"]) : unit.agent;
    if (blocker !== null) {
      unit.blockedBy = blocker;
      unit.awaitingSince = null;
    }
    this.#restate(unit);
  }

  faults(): FaultView[] {
    const views: FaultView[] = [];
    for (const site of this.#sites.values()) {
      for (const owner of [site, ...site.devices.values()]) {
        for (const { subject, local, fault, flags } of owner.active) {
          const rule = subject.shape.bindings[local]?.compiled.rule;
          if (rule === undefined || fault.state === "inactive") continue;
          const { state, onset } = fault;
          const severity = severityOf(rule, fault);
          views.push({ rule: rule.id, subject: subjectOf(subject), state, severity, flags, since: onset });
        }
      }
    }
    return views;
  }

  lastValues(site: string, device: string): { component: string | null; metric: string; at: number; value: Value }[] {
    const unit = this.#sites.get(site)?.devices.get(device);
    if (unit === undefined) return [];
    return [unit.self, ...unit.parts.values()].flatMap(({ component, base, layout }) =>
      (layout?.metrics ?? []).flatMap(({ name, type }, offset) => {
        const value = asValue(this.#memory.last[base + offset] ?? Number.NaN, type === "boolean");
        const at = this.#memory.times[base + offset] ?? 0;
        return value === undefined ? [] : [{ component, metric: name, at, value }];
      }),
    );
  }

  capacity(site: string, device: string): { role: string; expected: number; working: number; failed: number } {
    const unit = this.#sites.get(site)?.devices.get(device);
    if (unit === undefined) return { role: "", expected: 0, working: 0, failed: 0 };
    const role = roleOf(unit.device);
    const peers = [...unit.site.devices.values()].filter((other) => roleOf(other.device) === role);
    const count = (status: DeviceUnit["status"]): number => peers.filter((peer) => peer.status === status).length;
    return { role, expected: peers.length, working: count("working"), failed: count("failed") };
  }

  // ---- Names to places -----------------------------------------------------------------------------------------

  #begin(): void {
    this.#out = [];
  }

  /** The subjects of a message; null for devices that are not known, or that another agent watches. */
  #resolve(site: string, agent: string, { subjects, base }: Telemetry): (JudgedSubject | null)[] {
    const siteUnit = this.#sites.get(site);
    if (siteUnit === undefined) return [];
    return subjects.map((name) => {
      const subject = siteUnit.subjects.get(name) ?? this.#adopt(siteUnit, name, base);
      return subject?.owner.is === "device" && subject.owner.agent.id === agent ? subject : null;
    });
  }

  /** A component that the inventory did not list yet: a file system was mounted, a tray pushed in. */
  #adopt(site: SiteUnit, name: string, at: number): JudgedSubject | null {
    const { device, component } = splitSubject(name);
    const unit = site.devices.get(device);
    if (unit === undefined || component === null) return null;
    const part = this.#addPart(unit, component);
    if (part !== null) this.#bindDevice(unit, at);
    return part;
  }

  /** Where each column of a table goes in a layout; -1 for metrics that this kind does not have. */
  #columnsOf({ metrics }: Table, layout: Layout | null): Int32Array {
    if (layout === null) return NO_OFFSETS;
    let ofLayout = this.#columns.get(layout);
    if (ofLayout === undefined) {
      ofLayout = new Map();
      this.#columns.set(layout, ofLayout);
    }
    const key = metrics.join(" ");
    let offsets = ofLayout.get(key);
    if (offsets === undefined) {
      if (this.#columnCount++ >= COLUMN_CACHE_MAX) this.#forgetColumns(layout, ofLayout);
      offsets = Int32Array.from(metrics, (name) => layout.offsetOf.get(name) ?? -1);
      ofLayout.set(key, offsets);
    }
    return offsets;
  }

  #forgetColumns(layout: Layout, ofLayout: Map<string, Int32Array>): void {
    this.#columns.clear();
    ofLayout.clear();
    this.#columns.set(layout, ofLayout);
    this.#columnCount = 1;
  }
}

/** How deep below others the subject stands orders what happens in one instant. */
type Emitted = { readonly transition: Transition; readonly depth: number };
const SITE_DEPTH = 1_000;

const staleAfterMs = ({ intervalMs }: InventoryDevice): number => STALE_POLLS * intervalMs + STALE_SLACK_MS;

function silentSeconds(unit: DeviceUnit, at: number): number {
  if (!unit.agent.isOnline) return Number.NaN;
  // Since the agent came back nothing was heard yet, and there was not time enough to.
  if (at < unit.quietUntil && unit.answeredAt < unit.quietUntil - unit.staleAfterMs) return Number.NaN;
  return (at - unit.answeredAt) / 1000;
}

const severityOf = (rule: Rule, fault: Fault): Transition["severity"] =>
  fault.state === "inactive" ? null : (rule.raise[Math.max(0, fault.level)]?.severity ?? null);

/** A device with a fault of major or worse does not work. A shadow rule is only tried out. */
function isBad({ subject, local, fault }: Active): boolean {
  const rule = subject.shape.bindings[local]?.compiled.rule;
  if (rule === undefined || rule.mode === "shadow" || !isOpen(fault)) return false;
  const severity = severityOf(rule, fault);
  return severity !== null && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf("major");
}

function detailOf(
  { subject, local, fault, flags }: Active,
  compiled: CompiledRule,
  streaks: FaultDetail["streaks"],
): FaultDetail {
  const { level, onset, steps, clear, unknownSince } = fault;
  const { owner } = subject;
  const unit = owner.is === "device" ? owner : null;
  const awaited = unit?.awaitingSince == null ? null : unit.blockedBy;
  return {
    conditions: compiled.conditionHash,
    level,
    onset,
    steps: [...steps],
    clear,
    unknownSince,
    code: subject.codes[local] ?? 0,
    stale: flags.stale,
    suppressedBy: flags.suppressedBy,
    answeredAt: unit?.answeredAt ?? 0,
    awaitingSince: unit?.awaitingSince ?? null,
    awaitedParent: awaited === null || unit === null ? null : suppressorName(awaited, unit.site),
    streaks,
  };
}

const asValue = (value: number, asFlag: boolean): Value | undefined =>
  Number.isNaN(value) ? undefined : asFlag ? value !== 0 : value;

const newTally = (): Tally => ({ expected: 0, working: 0, failed: 0 });

const faultKey = (rule: string, { site, device, component }: Subject): string =>
  [site, device ?? "", component ?? "", rule].join("|");

const orderKey = ({ transition }: Emitted): string => faultKey(transition.rule, transition.subject);
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
