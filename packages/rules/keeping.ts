/** Faults and last values across a restart: what the state store is told, and what it gives back. */
import { joinSubject, type Value } from "@aislewatch/contract";
import { type Fault, isOpen, newFault, stepFault } from "./fault.ts";
import { faultKey, type Judge, severityOf } from "./judge.ts";
import { type CompiledRule, dueOf, unpack } from "./plan.ts";
import { type FaultDetail, faultOf, isWait, readDetail, readWait, waitRecord, writeDetail } from "./record.ts";
import type { Roster } from "./roster.ts";
import {
  type Active,
  blockerOf,
  type DeviceUnit,
  enter,
  flagsOf,
  type JudgedSubject,
  type SiteUnit,
  subjectOf,
  suppressorName,
} from "./subjects.ts";
import type { FaultRecord, Transition } from "./types.ts";
import { wantJudged } from "./want.ts";

/** What an agent says of a poll, answered or not. */
const POLLERS_OWN: ReadonlySet<string> = new Set(["poll_duration_seconds", "polls_skipped_total"]);

export class Keeping {
  /** Kept faults whose device is not known yet. */
  readonly #waiting = new Map<string, FaultRecord>();
  /** Waits for a fresh reading of devices, or after parents, that are not known yet: by site, then device. */
  readonly #waits = new Map<string, Map<string, FaultRecord>>();
  /** Kept faults whose rule is gone; the next tick says so. */
  readonly #orphans: FaultRecord[] = [];
  readonly #judge: Judge;
  readonly #roster: Roster;

  constructor(judge: Judge, roster: Roster) {
    this.#judge = judge;
    this.#roster = roster;
  }

  /** A kept fault whose rule is gone since: nobody would ever resolve it. */
  #emitOrphan({ rule, ruleVersion, subject, state }: FaultRecord, at: number): void {
    this.#judge.changed.set(faultKey(rule, subject), { rule, ruleVersion, subject, active: null });
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
    this.#judge.out.push({ transition, depth: 0 });
  }

  /** Takes up what was kept for a subject that was not known when the store gave it back. */
  takeUp(subject: JudgedSubject, { rule }: CompiledRule): boolean {
    if (this.#waiting.size === 0) return false;
    const record = this.#waiting.get(faultKey(rule.id, subjectOf(subject)));
    if (record !== undefined) this.#restoreFault(record);
    return record !== undefined;
  }

  /** Faults that wait for their device, and whose rule went away meanwhile. */
  dropWithoutRule(at: number): void {
    for (const [key, record] of this.#waiting) {
      if (this.#roster.rules.some(({ rule }) => rule.id === record.rule)) continue;
      this.#waiting.delete(key);
      this.#emitOrphan(record, at);
    }
  }

  emitOrphans(at: number): void {
    for (const record of this.#orphans.splice(0)) this.#emitOrphan(record, at);
  }

  takeChangedFaults(): FaultRecord[] {
    const records = [...this.#judge.changed.values()].map(({ rule, ruleVersion, subject, active }): FaultRecord => {
      const head = { v: 1, rule, ruleVersion, subject } as const;
      const compiled = active?.subject.shape.bindings[active.local]?.compiled;
      if (active === null || compiled === undefined) return { ...head, state: "inactive", severity: null, detail: {} };
      return this.#record(active, compiled, head.ruleVersion);
    });
    this.#judge.changed.clear();
    const waits = [...this.#judge.changedWaits].map(waitOf);
    this.#judge.changedWaits.clear();
    return [...records, ...waits];
  }

  /** Of the device, when it waits for a fresh reading. */
  waitOf(unit: DeviceUnit): FaultRecord[] {
    return unit.awaitingSince === null ? [] : [waitOf(unit)];
  }

  /** A fault as it is now; null when its rule is gone. */
  recordOf(active: Active): FaultRecord | null {
    const compiled = active.subject.shape.bindings[active.local]?.compiled;
    return compiled === undefined ? null : this.#record(active, compiled, compiled.rule.version);
  }

  #record(active: Active, compiled: CompiledRule, ruleVersion: string): FaultRecord {
    return {
      v: 1,
      rule: compiled.rule.id,
      ruleVersion,
      subject: subjectOf(active.subject),
      state: active.fault.state,
      severity: severityOf(compiled.rule, active.fault),
      detail: writeDetail(detailOf(active, compiled, this.#streaksOf(active.subject, compiled))),
    };
  }

  #streaksOf(subject: JudgedSubject, compiled: CompiledRule): FaultDetail["streaks"] {
    return compiled.streakMetrics.flatMap((metric) => {
      const slot = this.#judge.slotOf(subject, metric);
      const window = slot === null ? undefined : this.#judge.frame.windows.get(slot);
      if (window === undefined || window.size === 0) return [];
      const newest = window.size - 1;
      return [{ metric, at: window.at(newest), value: window.value(newest), streak: window.streak }];
    });
  }

  restoreFaults(records: readonly FaultRecord[]): void {
    this.restoreAll(records);
  }

  restoreAll(records: readonly FaultRecord[]): void {
    for (const record of records) {
      if (isWait(record)) this.#restoreWait(record);
      else this.#restoreFault(record);
    }
    for (const site of this.#roster.sites.values()) {
      for (const unit of site.devices.values()) this.#judge.restate(unit);
      this.#judge.replanSoon(site);
    }
  }

  /** A record without its rule or device waits for them: the inventory of another agent may come later. */
  #restoreFault(record: FaultRecord): void {
    const found = this.#locate(record);
    const detail = readDetail(record);
    if (detail === null) return;
    if (found === null) {
      if (this.#roster.rules.some(({ rule }) => rule.id === record.rule))
        this.#waiting.set(faultKey(record.rule, record.subject), record);
      else this.#orphans.push(record);
      return;
    }
    if (this.#waiting.size > 0) this.#waiting.delete(faultKey(record.rule, record.subject));
    const { subject, local, compiled } = found;
    const { owner } = subject;
    const isSame = detail.conditions === compiled.conditionHash && detail.steps.length === compiled.rule.raise.length;
    const kept = faultOf(record, detail);
    const isKept = isSame || isOpen(kept);
    if (!isSame) wantJudged(this.#judge, subject, compiled);
    if (!isKept) return;
    const fault: Fault = isSame
      ? kept
      : { ...newFault(compiled.rule.raise.length), state: "firing", level: 0, onset: kept.onset, isUnproved: true };
    subject.codes[local] = isSame ? detail.code : -1;
    const { stale, suppressedBy, inactiveHours, maintenance } = detail;
    const flags = flagsOf({ stale, suppressedBy, inactiveHours, maintenance, flapping: fault.isFlapping });
    const active: Active = { subject, local, fault, dueAt: dueOf(fault, compiled), flags, event: null };
    const before = subject.faults[local];
    if (before) this.#judge.drop(before);
    subject.faults[local] = active;
    enter(active);
    if (owner.is === "device") {
      // A fault that stands for long was written long before the last answer, which its values tell better.
      owner.keptAnswerAt = Math.max(owner.keptAnswerAt, detail.answeredAt);
      if (owner.isUnheard) owner.answeredAt = owner.keptAnswerAt;
      this.#judge.setSilenceDue(owner, owner.judgedAt);
    }
    for (const { metric, ...kept } of detail.streaks) {
      const slot = this.#judge.slotOf(subject, metric);
      if (slot !== null) this.#judge.frame.windows.get(slot)?.resume(kept);
    }
    this.#judge.setDue(owner);
  }

  /** Faults as another evaluator of the same readings has them; one that it does not list is none. */
  takeOver(units: readonly DeviceUnit[], records: readonly FaultRecord[], at: number): void {
    const known = new Map(records.map((record) => [faultKey(record.rule, record.subject), record]));
    for (const unit of units) {
      for (const subject of [unit.self, ...unit.parts.values()]) {
        for (const [local, { compiled }] of subject.shape.bindings.entries()) {
          const record = known.get(faultKey(compiled.rule.id, subjectOf(subject))) ?? null;
          this.#takeOverOne({ subject, local, compiled }, record, at);
        }
      }
    }
  }

  #takeOverOne(
    { subject, local, compiled }: { subject: JudgedSubject; local: number; compiled: CompiledRule },
    record: FaultRecord | null,
    at: number,
  ): void {
    const detail = record === null ? null : readDetail(record);
    if (record !== null && detail?.conditions !== compiled.conditionHash) return;
    const was = subject.faults[local]?.fault ?? compiled.untouched;
    const found = record === null || detail === null ? compiled.untouched : faultOf(record, detail);
    const judgedAt = Math.max(at, subject.owner.judgedAt);
    const before = subject.codes[local];
    const code = this.#judge.judgeNow(subject, local, judgedAt);
    // Nearly all of a healthy store: no fault on either side, and nothing new known.
    if (found === was && code === before) return;
    // An event is over when it is told; conditions go on with what is known here.
    const next =
      compiled.rule.on === null ? stepFault(found, unpack(code, compiled), judgedAt, compiled.spec).next : found;
    if (isSameFault(was, next)) return;
    // Nothing recovers that was not told to fire.
    if (next.state === "recovering" && !isOpen(was)) {
      const firing: Fault = { ...next, state: "firing" };
      this.#judge.put({ subject, local, next: firing, at: judgedAt, reason: "condition" });
    }
    this.#judge.put({ subject, local, next, at: judgedAt, reason: isOpen(next) ? "condition" : "clear" });
  }

  #restoreWait(record: FaultRecord): void {
    const { site: siteId, device } = record.subject;
    const site = this.#roster.sites.get(siteId);
    const unit = site?.devices.get(device ?? "");
    const wait = readWait(record);
    if (wait === null || device === null) return;
    const candidates = site === undefined ? [] : [...site.devices.values(), ...site.agents.values()];
    const awaited = candidates.find((each) => site && suppressorName(each, site) === wait.parent);
    if (unit === undefined || awaited === undefined) {
      const waiting = this.#waits.get(siteId) ?? new Map<string, FaultRecord>();
      this.#waits.set(siteId, waiting.set(device, record));
      return;
    }
    // What is down again meanwhile hides it anyway.
    if (!unit.agent.isOnline || blockerOf(unit, ["*"]) !== null) return;
    unit.awaitingSince = wait.since;
    unit.blockedBy = awaited;
  }

  /** After the inventory of a site changed: the waits of devices that came with it. */
  takeUpWaits({ id }: SiteUnit): void {
    const waiting = this.#waits.get(id);
    this.#waits.delete(id);
    for (const record of waiting?.values() ?? []) this.#restoreWait(record);
  }

  #locate({ rule, subject }: FaultRecord): { subject: JudgedSubject; local: number; compiled: CompiledRule } | null {
    const site = this.#roster.sites.get(subject.site);
    const judged =
      subject.device === null ? site?.self : site?.subjects.get(joinSubject(subject.device, subject.component));
    const local = judged?.shape.bindings.findIndex(({ compiled }) => compiled.rule.id === rule) ?? -1;
    const compiled = judged?.shape.bindings[local]?.compiled;
    return judged === undefined || compiled === undefined ? null : { subject: judged, local, compiled };
  }

  restoreValues(values: readonly { site: string; subject: string; metric: string; at: number; value: Value }[]): void {
    const touched = new Set<DeviceUnit>();
    for (const { site, subject, metric, at, value } of [...values].sort((a, b) => a.at - b.at)) {
      const siteUnit = this.#roster.sites.get(site);
      const judged =
        siteUnit?.subjects.get(subject) ?? (siteUnit ? this.#roster.adoptKept(siteUnit, subject, at) : null);
      const offset = judged?.layout?.offsetOf.get(metric);
      if (!judged || offset === undefined || judged.owner.is !== "device") continue;
      const slot = judged.base + offset;
      if (at < (this.#judge.memory.times[slot] ?? 0)) continue;
      this.#judge.memory.values[slot] = Number(value);
      this.#judge.memory.last[slot] = Number(value);
      this.#judge.memory.times[slot] = at;
      this.#judge.frame.windows.get(slot)?.push(at, Number(value));
      this.#restoreLife(judged.owner, { metric, at, value });
      touched.add(judged.owner);
    }
    this.restoreTrees([...touched]);
  }

  /** After the values of these devices came back: who is down, and whom that hides. */
  restoreTrees(units: readonly DeviceUnit[]): void {
    for (const unit of units) this.#restoreTree(unit);
    for (const site of new Set(units.map((unit) => unit.site))) {
      for (const unit of site.devices.values()) this.#restoreBlock(unit);
    }
  }

  #restoreLife(unit: DeviceUnit, { metric, at, value }: { metric: string; at: number; value: Value }): void {
    unit.staleDue = Math.min(unit.staleDue, at + unit.staleAfterMs);
    // A failed poll reports these and is no answer.
    const isAnswer = metric === "up" ? value !== false : !POLLERS_OWN.has(metric);
    if (isAnswer && (unit.isUnheard || at > unit.answeredAt)) {
      unit.answeredAt = at;
      unit.isUnheard = false;
    }
  }

  #restoreTree(unit: DeviceUnit): void {
    unit.isUnjudged = true;
    unit.isDown = this.#judge.memory.last[unit.self.base + (unit.self.layout?.up ?? 0)] === 0;
    this.#judge.setSilenceDue(unit, unit.judgedAt);
  }

  #restoreBlock(unit: DeviceUnit): void {
    const blocker = unit.agent.isOnline ? blockerOf(unit, ["*"]) : unit.agent;
    if (blocker !== null) {
      unit.blockedBy = blocker;
      this.#judge.awaitReading(unit, null);
    }
    this.#judge.restate(unit);
  }
}

/** Both are plain data, made by one state machine: their fields stand in one order. */
const isSameFault = (a: Fault, b: Fault): boolean => JSON.stringify(a) === JSON.stringify(b);

function waitOf(unit: DeviceUnit): FaultRecord {
  const { awaitingSince: since, blockedBy, site, device } = unit;
  const isOver = since === null || blockedBy === null || site.devices.get(device.id) !== unit;
  return waitRecord(site.id, device.id, isOver ? null : { since, parent: suppressorName(blockedBy, site) });
}

function detailOf(
  { subject, local, fault, flags }: Active,
  compiled: CompiledRule,
  streaks: FaultDetail["streaks"],
): FaultDetail {
  const { level, onset, steps, clear, unknownSince, recent, isFlapping, isUnproved } = fault;
  const { owner } = subject;
  return {
    conditions: compiled.conditionHash,
    level,
    onset,
    steps: [...steps],
    clear,
    unknownSince,
    recent: [...recent],
    isFlapping,
    isUnproved,
    code: subject.codes[local] ?? 0,
    stale: flags.stale,
    suppressedBy: flags.suppressedBy,
    inactiveHours: flags.inactiveHours === true,
    maintenance: flags.maintenance ?? null,
    answeredAt: owner.is === "device" ? owner.answeredAt : 0,
    streaks,
  };
}
