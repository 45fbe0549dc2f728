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
import { isBefore } from "@aislewatch/base";
import { type InventoryDevice, splitSubject, type Table, type Telemetry, type Value } from "@aislewatch/contract";
import { explainFault } from "./explain.ts";
import { asValue, Judge, severityOf } from "./judge.ts";
import { Keeping } from "./keeping.ts";
import type { Layout } from "./layout.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import { type Replay, takeRefills } from "./refill.ts";
import { Roster } from "./roster.ts";
import { RowOrder } from "./rows.ts";
import { applySnapshot, takeOverSnapshot, takeSnapshot } from "./snapshot.ts";
import { type AgentUnit, type DeviceUnit, type JudgedSubject, roleOf, type SiteUnit, subjectOf } from "./subjects.ts";
import type {
  AgentSnapshot,
  Engine,
  Explanation,
  FaultRecord,
  FaultView,
  ForkedAgent,
  NoExplanation,
  Refill,
  RuleSet,
  SiteInfo,
  Subject,
  Transition,
} from "./types.ts";
import { noteTail, wantJudged } from "./want.ts";
import { WINDOW_LATE_MAX_MS } from "./window.ts";

/** Distinct metric lists whose slots are remembered; beyond, the cache starts anew. */
const COLUMN_CACHE_MAX = 4_096;
/** A child that fails within this time after its parent came back may still be waiting for the network. */
const SETTLE_MS = 5_000;

export type EngineOptions = {
  /** How long after a parent's recovery a failed poll of a child is still put down to it; 5 s. */
  readonly settleMs?: number;
  /**
   * Readings are stored, and somebody serves `takeRefills`: until then windows that begin empty have no answer. Without
   * it they begin with what is read from now on.
   */
  readonly isStored?: boolean;
};

export function createEngine(options: EngineOptions = {}): Engine {
  return new RuleEngine(options, null);
}

/** What an engine and its forks have in common: compiled rules, and room that is used only while a call lasts. */
type Shared = { readonly roster: Roster; readonly rows: RowOrder; readonly only?: ReadonlySet<string> };

type Happened = {
  readonly unit: DeviceUnit;
  readonly component: string | null;
  readonly at: number;
  readonly code: string;
  readonly detail: string;
};

const NO_OFFSETS = new Int32Array(0);

/**
 * Who is due first at a site: it goes before its devices. Time does not pass for those of an agent that is behind, unless
 * it is the one that reports what time it is.
 */
function firstDue(site: SiteUnit, reporting: AgentUnit | null): DeviceUnit | SiteUnit {
  let first: DeviceUnit | null = null;
  for (const agent of site.agents.values()) {
    const unit = agent.isBehind && agent !== reporting ? null : agent.agenda.first;
    if (unit !== null && (first === null || isBefore(unit, first))) first = unit;
  }
  return first !== null && first.dueAt < site.dueAt ? first : site;
}

const NEVER = Number.POSITIVE_INFINITY;

class RuleEngine implements Engine {
  readonly #settleMs: number;
  readonly #rows: RowOrder;
  readonly #columns = new Map<Layout, Map<string, Int32Array>>();
  #columnCount = 0;
  readonly #judge = new Judge();
  readonly #roster: Roster = new Roster(this.#judge, (subject, compiled) => this.#keeping.takeUp(subject, compiled));
  readonly #keeping = new Keeping(this.#judge, this.#roster);
  readonly counts = this.#judge.counts;

  constructor(options: EngineOptions, shared: Shared | null) {
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    this.#rows = shared?.rows ?? new RowOrder();
    this.#judge.isStored = options.isStored ?? false;
    if (shared !== null) this.#roster.shareRulesOf(shared.roster, shared.only ?? null);
  }

  snapshot(site: string, agent: string): AgentSnapshot {
    const units = [...(this.#roster.sites.get(site)?.devices.values() ?? [])];
    const own = units.filter((unit) => unit.agent.id === agent);
    return takeSnapshot({ judge: this.#judge, keeping: this.#keeping }, own);
  }

  fork({ site, agent, devices, snapshot, atMs }: ForkedAgent): Engine {
    const forked = new RuleEngine({ settleMs: this.#settleMs }, { roster: this.#roster, rows: this.#rows });
    forked.#roster.planAs(this.#roster, site, atMs);
    forked.setInventory(site, agent, devices, atMs);
    const siteUnit = forked.#roster.site(site);
    const into = { judge: forked.#judge, keeping: forked.#keeping, roster: forked.#roster };
    const whole = applySnapshot(into, siteUnit, snapshot);
    // Nobody fills them here, but the past is stored: half of it must not be taken for all there was.
    if (this.#judge.isStored)
      for (const window of forked.#judge.frame.windows.values()) if (!whole.has(window)) window.awaitPast();
    forked.#judge.changed.clear();
    forked.#judge.changedWaits.clear();
    return forked;
  }

  takeOver(site: string, agent: string, snapshot: AgentSnapshot, atMs: number): Transition[] {
    this.#judge.begin();
    const parts = { judge: this.#judge, keeping: this.#keeping, roster: this.#roster };
    takeOverSnapshot(parts, { site: this.#roster.site(site), agent, at: atMs }, snapshot);
    this.#judge.settle(atMs);
    return this.#judge.inOrder();
  }

  takeRefills(most: number): Refill[] {
    const replay = (unit: DeviceUnit, only: ReadonlySet<string>, atMs: number): Replay | null =>
      this.#replayOf(unit, only, atMs);
    return takeRefills({ judge: this.#judge, replay }, most);
  }

  /** A second engine of some rules that knows one device, and nothing of what it read. */
  #replayOf({ site, agent, device, parts }: DeviceUnit, only: ReadonlySet<string>, atMs: number): Replay | null {
    const engine = new RuleEngine({ settleMs: this.#settleMs }, { roster: this.#roster, rows: this.#rows, only });
    engine.#roster.planAs(this.#roster, site.id, atMs);
    const components = [...new Set([...device.components, ...parts.keys()])];
    engine.setInventory(site.id, agent.id, [{ ...device, components }], atMs);
    const unit = engine.#roster.site(site.id).devices.get(device.id);
    return unit === undefined ? null : { engine, judge: engine.#judge, unit };
  }

  setRules(rules: RuleSet, atMs: number): Transition[] {
    this.#judge.begin();
    this.#passUntil(atMs - 1);
    this.#roster.replaceRules(rules, atMs);
    this.#keeping.dropWithoutRule(atMs);
    this.#judge.settle(atMs);
    return this.#judge.inOrder();
  }

  setSites(sites: readonly SiteInfo[], atMs: number): Transition[] {
    this.#judge.begin();
    this.#passUntil(atMs - 1);
    this.#roster.setSites(sites, atMs);
    this.#judge.settle(atMs);
    return this.#judge.inOrder();
  }

  setMaintenance(windows: readonly MaintenanceWindow[], atMs: number): Transition[] {
    this.#judge.begin();
    this.#passUntil(atMs - 1);
    this.#roster.setMaintenance(windows, atMs);
    this.#judge.settle(atMs);
    return this.#judge.inOrder();
  }

  setInventory(site: string, agent: string, devices: readonly InventoryDevice[], atMs: number): Transition[] {
    this.#judge.begin();
    const siteUnit = this.#roster.site(site);
    const agentUnit = this.#roster.agent(siteUnit, agent);
    const listed = new Map(devices.map((device) => [device.id, device]));
    for (const unit of [...siteUnit.devices.values()]) {
      const device = listed.get(unit.device.id);
      if (unit.agent === agentUnit && device?.kind !== unit.device.kind) this.#roster.removeDevice(unit, atMs);
    }
    for (const device of listed.values()) {
      const unit = siteUnit.devices.get(device.id);
      // A device belongs to the agent that named it first; the collector opens an incident for a second claim.
      if (unit !== undefined && unit.agent !== agentUnit) continue;
      if (unit === undefined) this.#roster.addDevice(siteUnit, agentUnit, device, atMs);
      else if (unit.signature !== JSON.stringify(device)) this.#roster.updateDevice(unit, device, atMs);
    }
    this.#roster.arrange(siteUnit, atMs);
    this.#keeping.takeUpWaits(siteUnit);
    this.#judge.settle(atMs);
    return this.#judge.inOrder();
  }

  setAgentOnline(site: string, agent: string, online: boolean, atMs: number): Transition[] {
    this.#judge.begin();
    const siteUnit = this.#roster.site(site);
    const agentUnit = this.#roster.agent(siteUnit, agent);
    if (agentUnit.isOnline === online) return this.#judge.inOrder();
    const units = [...siteUnit.devices.values()].filter((unit) => unit.agent === agentUnit);
    for (const unit of units) this.#judge.runDue(unit, atMs);
    agentUnit.isOnline = online;
    if (!online) agentUnit.isBehind = false;
    this.#judge.round++;
    for (const unit of units) {
      if (online) unit.quietUntil = atMs + unit.staleAfterMs;
      else this.#judge.expire(unit, atMs, NEVER);
      this.#judge.touchSilence(unit);
      this.#judge.setSilenceDue(unit, atMs);
      this.#judge.reblock(unit, atMs);
    }
    this.#judge.settle(atMs);
    return this.#judge.inOrder();
  }

  interrupt(site: string, agent: string): Transition[] {
    this.#judge.begin();
    const units = [...(this.#roster.sites.get(site)?.devices.values() ?? [])];
    for (const unit of units) if (unit.agent.id === agent) this.#judge.interrupt(unit);
    return this.#judge.inOrder();
  }

  setAgentBehind(site: string, agent: string, isBehind: boolean, atMs: number): void {
    const siteUnit = this.#roster.site(site);
    this.#roster.agent(siteUnit, agent).isBehind = isBehind;
    if (isBehind) return;
    for (const unit of siteUnit.devices.values()) {
      if (unit.agent.id !== agent) continue;
      unit.quietUntil = atMs + unit.staleAfterMs;
      this.#judge.setSilenceDue(unit, atMs);
    }
  }

  observe(site: string, agent: string, message: Telemetry, skewMs: number): Transition[] {
    this.#judge.begin();
    this.#judge.counts.unknownRows += this.#rows.load(message);
    const subjects = this.#resolve(site, agent, message, message.base + skewMs);
    const rows = this.#rows;
    const columns: { layout: Layout | null; offsets: Int32Array }[] = [];
    const events = this.#eventsOf(site, agent, message, skewMs);
    for (let from = 0; from < rows.size; ) {
      const delta = rows.delta(from);
      const at = message.base + delta + skewMs;
      if (events.length > 0) this.#applyEvents(events, at - 1);
      let end = from;
      for (; end < rows.size && rows.delta(end) === delta; end++) {
        const owner = subjects[rows.subject(end, message)]?.owner;
        if (owner?.is === "device") this.#catchUp(owner, at - 1);
      }
      this.#judge.round++;
      for (let i = from; i < end; i++) {
        const number = rows.number(i);
        const t = rows.table(number);
        const table = message.tables[t];
        const row = rows.row(number, t);
        const subject = subjects[table?.subject[row] ?? -1];
        if (table === undefined || subject === undefined || subject === null) {
          this.#judge.counts.unknownRows++;
          continue;
        }
        let column = columns[t];
        if (column === undefined || column.layout !== subject.layout) {
          column = { layout: subject.layout, offsets: this.#columnsOf(table, subject.layout) };
          columns[t] = column;
        }
        this.#applyRow(subject, table, { row, offsets: column.offsets, at });
      }
      this.#judge.settle(at);
      from = end;
    }
    this.#applyEvents(events, NEVER);
    return this.#judge.inOrder();
  }

  /** Events that the message has of devices of this agent, in order of time. */
  #eventsOf(site: string, agent: string, { events = [] }: Telemetry, skewMs: number): Happened[] {
    const known = this.#roster.sites.get(site);
    const found = events.flatMap(({ subject, at, code, detail }): Happened[] => {
      const { device, component } = splitSubject(subject);
      const unit = known?.devices.get(device);
      if (unit?.agent.id === agent) return [{ unit, component, at: at + skewMs, code, detail }];
      this.#judge.counts.unknownRows++;
      return [];
    });
    // Of one moment in an order of their own: what a site counts must not hang on the order in a message.
    const order = ({ unit, component, code }: Happened): string => `${unit.device.id} ${component ?? ""} ${code}`;
    return found.sort((a, b) => a.at - b.at || (order(a) < order(b) ? -1 : 1));
  }

  /** Takes the events up to `limit` out of the list, and judges them: after the readings of their moment. */
  #applyEvents(events: Happened[], limit: number): void {
    const later = events.findIndex(({ at }) => at > limit);
    for (const { unit, component, at, code, detail } of events.splice(0, later < 0 ? events.length : later)) {
      this.#catchUp(unit, at - 1);
      this.#judge.round++;
      const facts = { code, detail, device: unit.device.id, component: component ?? "" };
      this.#judge.event(unit.self, facts, at);
      const part = component === null ? undefined : unit.parts.get(component);
      if (part !== undefined) this.#judge.event(part, facts, at);
      this.#judge.settle(at);
    }
  }

  /**
   * What was due at the site before a reading happens before it, in order of time: a rule over the site counts it.
   * Hardly ever is there anything, for ticks are ahead of readings.
   */
  #catchUp({ site, agent }: DeviceUnit, limit: number): void {
    if (limit > site.ranTo) site.ranTo = limit;
    if (site.nextDue <= limit) this.#runSite(site, limit, agent);
  }

  /** What was due before happens before, in order of time, so that nobody is judged by what a neighbour read long ago. */
  #passUntil(limit: number): void {
    for (const site of this.#roster.sites.values()) if (site.nextDue <= limit) this.#runSite(site, limit, null);
  }

  /** Everything at the site that falls due up to `limit`, in order of time. */
  #runSite(site: SiteUnit, limit: number, reporting: AgentUnit | null): void {
    for (let owner = firstDue(site, reporting); owner.dueAt <= limit; owner = firstDue(site, reporting)) {
      this.#judge.runDue(owner, owner.dueAt);
    }
    site.nextDue = site.dueAt;
    for (const { agenda } of site.agents.values()) {
      site.nextDue = Math.min(site.nextDue, agenda.first?.dueAt ?? NEVER);
    }
  }

  tick(nowMs: number): Transition[] {
    this.#judge.begin();
    this.#judge.tickedTo = Math.max(this.#judge.tickedTo, nowMs);
    this.#keeping.emitOrphans(nowMs);
    this.#judge.replan(nowMs);
    this.#judge.settle(nowMs);
    this.#passUntil(nowMs);
    return this.#judge.inOrder();
  }

  #applyRow(subject: JudgedSubject, table: Table, place: { row: number; offsets: Int32Array; at: number }): void {
    const unit = subject.owner;
    if (unit.is !== "device") return;
    const { row, offsets, at } = place;
    const { values, last, times } = this.#judge.memory;
    const { base, shape } = subject;
    const { values: columns } = table;
    const up = subject.component === null ? (subject.layout?.up ?? -1) : -1;
    const isWindowed = shape.isOwnEach || subject.isReadByParts;
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
      if (at <= readAt && (at < readAt || value <= (last[slot] ?? 0))) {
        if (isWindowed && at < readAt) this.#rememberLate(subject, { offset, at, value, readAt });
        if (at < readAt && at >= readAt - WINDOW_LATE_MAX_MS) this.#judgeLate(subject, offset);
        continue;
      }
      times[slot] = at;
      if (isWindowed) this.#remember(subject, { offset, at, value });
      if (values[slot] === value) continue;
      values[slot] = value;
      last[slot] = value;
      // Time has run past it already: what was due meanwhile happened without it.
      if (at < unit.judgedAt && at >= unit.judgedAt - WINDOW_LATE_MAX_MS) this.#judgeLate(subject, offset);
      this.#judge.touchReaders(subject, offset);
      if (offset === up) this.#judge.moved.add(unit);
    }
    this.#reported(unit, at, isAnswer);
    if (unit.want === null) return;
    unit.want.firstAt = Math.min(unit.want.firstAt, at);
    if (unit.want.tail !== null) this.#noteTail(subject, table, { row, offsets, at });
  }

  #noteTail(subject: JudgedSubject, { values }: Table, place: { row: number; offsets: Int32Array; at: number }): void {
    const { row, offsets, at } = place;
    const cells = [...offsets].flatMap((offset, m) => {
      const read = values[m]?.[row];
      return offset < 0 || read === null || read === undefined ? [] : [{ offset, value: Number(read) }];
    });
    if (subject.owner.is === "device") noteTail(this.#judge, subject.owner, { subject, at, cells });
  }

  /** A reading that is older than the one known, or a repetition: what is stored tells what it means to timers. */
  #judgeLate(subject: JudgedSubject, offset: number): void {
    const { owner, shape, partClass } = subject;
    if (!this.#judge.isStored || owner.is !== "device") return;
    const again = (whose: JudgedSubject, locals: readonly number[] | undefined): void => {
      for (const local of locals ?? []) {
        const compiled = whose.shape.bindings[local]?.compiled;
        if (compiled !== undefined) wantJudged(this.#judge, whose, compiled);
      }
    };
    again(subject, shape.onChange[offset]);
    if (partClass !== null) again(owner.self, owner.self.shape.onPartChange.get(partClass)?.[offset]);
    else for (const part of owner.parts.values()) again(part, part.shape.onDeviceChange[offset]);
  }

  /** What any row of a device means beside its values. */
  #reported(unit: DeviceUnit, at: number, isAnswer: boolean): void {
    if (isAnswer && at > unit.answeredAt) {
      unit.answeredAt = at;
      unit.isUnheard = false;
      if (unit.isSilent) {
        unit.isSilent = false;
        this.#judge.touchSilence(unit);
        this.#judge.setSilenceDue(unit, at);
      }
    }
    if (unit.staleDue === NEVER) {
      unit.staleDue = at + unit.staleAfterMs;
      this.#judge.setDue(unit);
    }
    if (unit.isUnjudged) {
      unit.isUnjudged = false;
      this.#judge.touchAll(unit);
      this.#judge.moved.add(unit);
    }
    if (unit.awaitingSince !== null) {
      const isFresh = isAnswer ? at > unit.awaitingSince : at >= unit.awaitingSince + this.#settleMs;
      if (isFresh) {
        this.#judge.awaitReading(unit, null);
        unit.blockedBy = null;
        this.#judge.reflag.add(unit);
      }
    }
    if (unit.dueAt <= at) this.#judge.dueNow.push(unit);
  }

  /** It goes to its place, while the window is not far beyond it; what that changes is known from the newest on. */
  #rememberLate(subject: JudgedSubject, late: { offset: number; at: number; value: number; readAt: number }): void {
    if (!this.#judge.frame.windows.has(subject.base + late.offset)) return;
    subject.owner.judgedAt = Math.max(subject.owner.judgedAt, late.readAt);
    this.#remember(subject, late);
  }

  /** A reading goes into the window over its slot, and those who look at it are judged; not when it is repeated. */
  #remember(subject: JudgedSubject, reading: { offset: number; at: number; value: number }): void {
    const readers = subject.shape.onReading[reading.offset];
    if (readers === undefined && !subject.isReadByParts) return;
    const window = this.#judge.frame.windows.get(subject.base + reading.offset);
    if (window?.push(reading.at, reading.value) === false) return;
    this.#judge.touch(subject, readers);
    if (!subject.isReadByParts || subject.owner.is !== "device") return;
    for (const part of subject.owner.parts.values())
      this.#judge.touch(part, part.shape.onDeviceReading[reading.offset]);
  }

  faults(): FaultView[] {
    const views: FaultView[] = [];
    for (const site of this.#roster.sites.values()) {
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

  explain(rule: string, subject: Subject, nowMs: number): Explanation | NoExplanation {
    return explainFault({ judge: this.#judge, roster: this.#roster }, { rule, subject }, nowMs);
  }

  lastValues(site: string, device: string): { component: string | null; metric: string; at: number; value: Value }[] {
    const unit = this.#roster.sites.get(site)?.devices.get(device);
    if (unit === undefined) return [];
    return [unit.self, ...unit.parts.values()].flatMap(({ component, base, layout }) =>
      (layout?.metrics ?? []).flatMap(({ name, type }, offset) => {
        const value = asValue(this.#judge.memory.last[base + offset] ?? Number.NaN, type === "boolean");
        const at = this.#judge.memory.times[base + offset] ?? 0;
        return value === undefined ? [] : [{ component, metric: name, at, value }];
      }),
    );
  }

  capacity(site: string, device: string): { role: string; expected: number; working: number; failed: number } {
    const unit = this.#roster.sites.get(site)?.devices.get(device);
    if (unit === undefined) return { role: "", expected: 0, working: 0, failed: 0 };
    const role = roleOf(unit.device);
    const peers = [...unit.site.devices.values()].filter((other) => roleOf(other.device) === role);
    const count = (status: DeviceUnit["status"]): number => peers.filter((peer) => peer.status === status).length;
    return { role, expected: peers.length, working: count("working"), failed: count("failed") };
  }

  /** The subjects of a message; null for devices that are not known, or that another agent watches. */
  #resolve(site: string, agent: string, { subjects }: Telemetry, at: number): (JudgedSubject | null)[] {
    const siteUnit = this.#roster.sites.get(site);
    if (siteUnit === undefined) return [];
    return subjects.map((name) => {
      const subject = siteUnit.subjects.get(name);
      if (subject === undefined) return this.#roster.adopt(siteUnit, name, { agent, at });
      return subject.owner.is === "device" && subject.owner.agent.id === agent ? subject : null;
    });
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

  standing(): FaultRecord[] {
    const { sites } = this.#roster;
    const owners = [...sites.values()].flatMap((site) => [site, ...site.devices.values()]);
    return owners.flatMap(({ active }) => active.flatMap((each) => this.#keeping.recordOf(each) ?? []));
  }

  takeSuspects(): { site: string; agent: string; device: string }[] {
    const found = [...this.#judge.suspects].map(({ site, agent, device }) => ({
      site: site.id,
      agent: agent.id,
      device: device.id,
    }));
    this.#judge.suspects.clear();
    return found;
  }

  takeChangedFaults(): FaultRecord[] {
    return this.#keeping.takeChangedFaults();
  }

  restoreFaults(records: readonly FaultRecord[]): void {
    this.#keeping.restoreFaults(records);
  }

  restoreValues(values: Parameters<Engine["restoreValues"]>[0]): void {
    this.#keeping.restoreValues(values);
  }
}
