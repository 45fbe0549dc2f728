/**
 * Who is judged by what: sites, agents, devices and their components as the inventory has them, and the rules bound to
 * each. An edit of either rebinds; faults of rules that stay keep their state.
 */
import { type InventoryDevice, joinSubject, splitSubject } from "@aislewatch/contract";
import type { Tally } from "./compile.ts";
import { isOpen, newFault } from "./fault.ts";
import type { Judge } from "./judge.ts";
import { createLayouts, type Layout, type Layouts } from "./layout.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import { type EffectiveVar, effectiveVars } from "./overrides.ts";
import { bindingOf, type CompiledRule, compileRule, dueOf, NO_SHAPE, type Shape, shapeOf, variantOf } from "./plan.ts";
import { dropSpells } from "./spells.ts";
import {
  type Active,
  AgentUnit,
  ancestorsOf,
  DeviceUnit,
  inPlace,
  JudgedSubject,
  roleOf,
  SiteUnit,
} from "./subjects.ts";
import type { Override, Rule, RuleSet, SiteInfo } from "./types.ts";
import { wantJudged, wantNothing, wantSpells, wantWindow } from "./want.ts";
import { RecentReadings } from "./window.ts";

/** A value is stale after this many polls that did not bring it, and some seconds for a slow one. */
const STALE_POLLS = 3;
const STALE_SLACK_MS = 5_000;
/** Components of a device that appear by themselves; a switch has 500 ports at most. */
const PARTS_MAX = 1_024;

export class Roster {
  #layouts: Layouts = createLayouts();
  readonly sites = new Map<string, SiteUnit>();
  rules: readonly CompiledRule[] = [];
  /** By the rule that they are for. */
  #overrides: ReadonlyMap<string, readonly Override[]> = new Map();
  #shapes = new Map<string, Shape>();
  #ruleNumbers = new Map<CompiledRule, number>();
  readonly #judge: Judge;
  /** A rule meets a subject for the first time: is there a fault kept from before, and is it taken up? */
  readonly #takeUpKept: (subject: JudgedSubject, compiled: CompiledRule) => boolean;

  constructor(judge: Judge, takeUpKept: (subject: JudgedSubject, compiled: CompiledRule) => boolean) {
    this.#judge = judge;
    this.#takeUpKept = takeUpKept;
  }

  replaceRules(rules: RuleSet, at: number): void {
    const known = new Map(this.rules.map((compiled) => [compiled.rule.version, compiled]));
    this.rules = rules.rules.map((rule) => known.get(rule.version) ?? compileRule(rule));
    this.#overrides = Map.groupBy(rules.overrides ?? [], ({ rule }) => rule);
    this.#shapes = new Map();
    this.#ruleNumbers = new Map();
    for (const { variants } of this.rules) variants.clear();
    this.#judge.useRules(this.rules.map(({ rule }) => rule));
    for (const site of this.sites.values()) {
      for (const unit of site.devices.values()) this.#bindDevice(unit, at, true);
      this.#bindSite(site, at);
      for (const unit of site.devices.values()) this.#judge.judgeAll(unit, at);
      this.#judge.setSchedules(site, at);
    }
  }

  setMaintenance(windows: readonly MaintenanceWindow[], at: number): void {
    this.#judge.planned.useMaintenance(windows);
    for (const site of this.sites.values()) this.#judge.setSchedules(site, at);
  }

  /** What is known of the sites: formats decide what is overridden, so a site with another one is bound anew. */
  setSites(sites: readonly SiteInfo[], at: number): void {
    const listed = new Map(sites.map((info) => [info.id, info]));
    for (const info of sites) this.site(info.id);
    for (const site of this.sites.values()) {
      const before = site.info;
      site.info = listed.get(site.id) ?? null;
      this.#judge.setSchedules(site, at);
      if (this.#overrides.size === 0 || before?.format === site.info?.format) continue;
      for (const unit of site.devices.values()) this.#bindDevice(unit, at, true);
      this.#bindSite(site, at);
      for (const unit of site.devices.values()) this.#judge.judgeAll(unit, at);
    }
  }

  /** For a fork, which begins at `at`: what is known of its site, and what is planned there. */
  planAs(other: Roster, siteId: string, at: number): void {
    const site = this.site(siteId);
    site.info = other.sites.get(siteId)?.info ?? null;
    this.#judge.planned.useOf(other.#judge.planned);
    this.#judge.absorbers.useOf(other.#judge.absorbers);
    this.#judge.setSchedules(site, at);
  }

  /** For a fork that judges one agent's devices: rules over a whole site would count those of others as missing. */
  shareRulesOf(other: Roster, only: ReadonlySet<string> | null = null): void {
    this.#layouts = other.#layouts;
    this.#shapes = other.#shapes;
    this.#ruleNumbers = other.#ruleNumbers;
    this.#overrides = other.#overrides;
    this.rules = other.rules.filter(({ rule }) => rule.scope !== "site" && only?.has(rule.id) !== false);
  }

  /** Where the metrics of a class of components lie in memory; null when the kind has none such. */
  partLayout(kind: string, partClass: string): Layout | null {
    return this.#layouts.component(kind, partClass);
  }

  site(id: string): SiteUnit {
    const known = this.sites.get(id);
    if (known !== undefined) return known;
    const site = new SiteUnit(id);
    this.sites.set(id, site);
    this.#judge.setSchedules(site, 0);
    return site;
  }

  agent(site: SiteUnit, id: string): AgentUnit {
    let agent = site.agents.get(id);
    if (agent === undefined) {
      agent = new AgentUnit(id);
      site.agents.set(id, agent);
    }
    return agent;
  }

  addDevice(site: SiteUnit, agent: AgentUnit, device: InventoryDevice, at: number): void {
    const layout = this.#layouts.device(device.kind);
    const unit = new DeviceUnit(site, agent, device, { layout, base: this.#allocate(layout) });
    unit.signature = JSON.stringify(device);
    unit.staleAfterMs = staleAfterMs(device);
    unit.answeredAt = at;
    site.devices.set(device.id, unit);
    site.subjects.set(device.id, unit.self);
    this.#judge.counts.devices++;
    this.#judge.counts.subjects++;
    for (const component of device.components) this.#addPart(unit, component);
    this.#bindDevice(unit, at);
  }

  updateDevice(unit: DeviceUnit, device: InventoryDevice, at: number): void {
    unit.device = device;
    unit.signature = JSON.stringify(device);
    unit.staleAfterMs = staleAfterMs(device);
    for (const [component, part] of unit.parts) {
      if (!device.components.includes(component)) this.#removePart(unit, part, at);
    }
    for (const component of device.components) this.#addPart(unit, component);
    this.#bindDevice(unit, at);
    this.#judge.judgeAll(unit, at);
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
    this.#judge.counts.subjects++;
    return part;
  }

  #removePart(unit: DeviceUnit, part: JudgedSubject, at: number): void {
    this.#judge.resolveAll(part, at, "device_removed");
    unit.parts.delete(part.component ?? "");
    unit.site.subjects.delete(joinSubject(unit.device.id, part.component));
    const bases = unit.partBases.get(part.partClass ?? "") ?? [];
    unit.partBases.set(
      part.partClass ?? "",
      bases.filter((base) => base !== part.base),
    );
    this.#release(part);
  }

  removeDevice(unit: DeviceUnit, at: number): void {
    for (const part of [...unit.parts.values()]) this.#removePart(unit, part, at);
    this.#judge.resolveAll(unit.self, at, "device_removed");
    this.#judge.awaitReading(unit, null);
    wantNothing(this.#judge, unit);
    unit.site.devices.delete(unit.device.id);
    unit.site.subjects.delete(unit.device.id);
    unit.agent.agenda.remove(unit);
    unit.dueAt = Number.POSITIVE_INFINITY;
    this.#judge.counts.devices--;
    this.#release(unit.self);
  }

  #release(subject: JudgedSubject): void {
    const size = subject.layout?.metrics.length ?? 0;
    for (let offset = 0; offset < size; offset++) this.#judge.frame.windows.delete(subject.base + offset);
    this.#judge.frame.spells.delete(subject.base);
    this.#judge.memory.release(subject.base, size);
    this.#judge.counts.subjects--;
    this.#judge.counts.instances -= subject.codes.length;
  }

  #allocate(layout: Layout): number {
    const base = this.#judge.memory.allocate(layout.metrics.length);
    this.#judge.frame.values = this.#judge.memory.values;
    this.#judge.frame.times = this.#judge.memory.times;
    return base;
  }

  /** After the inventory of a site changed: who depends on whom, and how many there are. */
  arrange(site: SiteUnit, at: number): void {
    const units = [...site.devices.values()];
    for (const unit of units) unit.ancestors = ancestorsOf(unit);
    const below = new Map<DeviceUnit, DeviceUnit[]>(units.map((unit) => [unit, []]));
    for (const unit of units) for (const ancestor of unit.ancestors) below.get(ancestor)?.push(unit);
    for (const unit of units) unit.descendants = below.get(unit) ?? [];
    const likeOf = (unit: DeviceUnit): string => `${unit.device.kind} ${roleOf(unit.device)}`;
    const alike = Map.groupBy(units, likeOf);
    const subjects = new Map([...alike].map(([like, group]) => [like, group.map(({ self }) => self)]));
    for (const unit of units) unit.neighbours = subjects.get(likeOf(unit)) ?? [];
    for (const unit of site.devices.values()) this.#judge.reblock(unit, at);
    this.#bindSite(site, at);
  }

  /** `isEdit`: the rules are others now, not what is known of the device. */
  #bindDevice(unit: DeviceUnit, at: number, isEdit = false): void {
    const { device, site, self } = unit;
    const selected = this.rules
      .filter(({ rule, selector }) => rule.scope !== "site" && selector.matches(site.id, device))
      .map((compiled) => this.#asOverridden(compiled, site, device));
    const context = { kind: device.kind, layouts: this.#layouts };
    const ofDevice = selected.filter(({ rule }) => rule.scope === "device");
    this.#bind(self, ofDevice, { to: { device: self.layout, component: null }, context, at, isEdit });
    for (const part of unit.parts.values()) {
      const ofPart = selected.filter(
        ({ rule, partClass }) => rule.scope === "component" && (rule.on !== null || partClass === part.partClass),
      );
      this.#bind(part, ofPart, { to: { device: self.layout, component: part.layout }, context, at, isEdit });
    }
    unit.silenceMs = [self, ...unit.parts.values()].flatMap(({ shape }) => shape.silenceMs);
    this.#judge.setSilenceDue(unit, at);
  }

  #bindSite(site: SiteUnit, at: number): void {
    const devices = [...site.devices.values()];
    const rules = this.rules
      .filter(
        ({ rule, selector }) =>
          rule.scope === "site" && devices.some(({ device }) => selector.matches(site.id, device)),
      )
      .map((compiled) => this.#asOverridden(compiled, site, null));
    const context = { kind: "", layouts: this.#layouts };
    this.#bind(site.self, rules, { to: { device: null, component: null }, context, at, isEdit: false });
    site.tallies = new Map(rules.flatMap(({ groups }) => groups.map((group) => [group, newTally()])));
    if (rules.length > 0) this.#judge.dirtySites.add(site);
  }

  /** The vars of a rule as they are for this device, or for the site, each with what gave it. */
  varsOf(rule: Rule, site: SiteUnit, device: InventoryDevice | null): ReadonlyMap<string, EffectiveVar> {
    const format = site.info?.format ?? "store";
    return effectiveVars(rule, this.#overrides.get(rule.id) ?? [], { site: site.id, format, device });
  }

  /** The rule with the vars that hold for this device, or for the site. */
  #asOverridden(compiled: CompiledRule, site: SiteUnit, device: InventoryDevice | null): CompiledRule {
    if (!this.#overrides.has(compiled.rule.id)) return compiled;
    const vars = this.varsOf(compiled.rule, site, device);
    return variantOf(compiled, Object.fromEntries([...vars].map(([name, { value }]) => [name, value])));
  }

  #numberOf(compiled: CompiledRule): number {
    const known = this.#ruleNumbers.get(compiled);
    if (known !== undefined) return known;
    this.#ruleNumbers.set(compiled, this.#ruleNumbers.size);
    return this.#ruleNumbers.size - 1;
  }

  /** Gives a subject its bindings; faults of rules that stay keep their state, others resolve. */
  #bind(
    subject: JudgedSubject,
    rules: readonly CompiledRule[],
    how: {
      to: { device: Layout | null; component: Layout | null };
      context: { kind: string; layouts: Layouts };
      at: number;
      isEdit: boolean;
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
      if (active !== null && !stays.has(id)) this.#judge.resolve(active, compiled, how.at, "rule_removed");
    }
    this.#judge.counts.instances += rules.length - subject.codes.length;
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
      if (old?.active) this.#carry(old.active, { subject, local, isSame, was: old.compiled.rule, at: how.at });
      else this.#greet(subject, local, how.at);
      if (how.isEdit && !isSame) wantJudged(this.#judge, subject, binding.compiled);
    }
    subject.owner.active.sort(inPlace);
    this.#openWindows(subject);
  }

  /** A fault moves to the new shape. With another condition it keeps firing until that says otherwise. */
  #carry(active: Active, to: { subject: JudgedSubject; local: number; isSame: boolean; was: Rule; at: number }): void {
    const { subject, local, isSame, was, at } = to;
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    active.local = local;
    subject.faults[local] = active;
    if (isSame) {
      active.dueAt = dueOf(active.fault, compiled);
      this.#judge.markChanged(subject, compiled.rule, active);
      this.#judge.regrade(active, was, at);
      return;
    }
    const { fault } = active;
    const fresh = newFault(compiled.rule.raise.length);
    const level = Math.min(fault.level, compiled.rule.raise.length - 1);
    // A code that no condition gives: whatever comes is news.
    subject.codes[local] = -1;
    if (!isOpen(fault)) {
      this.#judge.put({ subject, local, next: fresh, at, reason: "rule_changed" });
      return;
    }
    active.fault = { ...fresh, state: "firing", level, onset: fault.onset, isUnproved: true };
    active.dueAt = dueOf(active.fault, compiled);
    this.#judge.markChanged(subject, compiled.rule, active);
    this.#judge.regrade(active, was, at);
  }

  /** A subject that a rule meets for the first time: a fault that was kept, or the clock of `missing: raise`. */
  #greet(subject: JudgedSubject, local: number, at: number): void {
    const compiled = subject.shape.bindings[local]?.compiled;
    if (compiled === undefined) return;
    if (this.#takeUpKept(subject, compiled)) return;
    if (compiled.spec.missing.then === "raise") this.#judge.step(subject, local, at);
  }

  #shape(
    layout: Layout | null,
    rules: readonly CompiledRule[],
    how: { to: { device: Layout | null; component: Layout | null }; context: { kind: string; layouts: Layouts } },
  ): Shape {
    const key = `${layout?.name ?? ""}|${rules.map((compiled) => this.#numberOf(compiled)).join(",")}`;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = rules.length === 0 ? NO_SHAPE : shapeOf(rules.map((rule) => bindingOf(rule, how.to, how.context)));
      this.#shapes.set(key, shape);
    }
    return shape;
  }

  #openWindows(subject: JudgedSubject): void {
    const { owner: unit, shape } = subject;
    if (unit.is !== "device") return;
    if (subject === unit.self) subject.isReadByParts = false;
    else if (shape.isDeviceEach) unit.self.isReadByParts = true;
    dropSpells(this.#judge.frame.spells, subject.base, shape.spellKeys);
    const timed = this.#judge.frame.spells.get(subject.base);
    for (const { compiled, spells } of shape.bindings) {
      if (spells.some(({ key }) => timed?.has(key) !== true)) wantSpells(this.#judge, subject, compiled);
    }
    for (const { whose, offset, windowMs } of subject.shape.windows) {
      if (windowMs === null) continue;
      const holder = whose === "device" ? unit.self : subject;
      const known = this.#judge.frame.windows.get(holder.base + offset);
      const window = known ?? new RecentReadings(windowMs, unit.staleAfterMs);
      if (known === undefined) this.#judge.frame.windows.set(holder.base + offset, window);
      if (known === undefined || known.keepMs < windowMs) {
        wantWindow(this.#judge, holder, { offset, windowMs, window });
      }
      window.keepAtLeast(windowMs);
      window.holdMs = unit.staleAfterMs;
    }
  }

  /** A kept value of a component that the inventory does not list: taken up while it is fresh, else it is gone. */
  adoptKept(site: SiteUnit, name: string, at: number): JudgedSubject | null {
    const unit = site.devices.get(splitSubject(name).device);
    if (unit === undefined || at + unit.staleAfterMs < unit.answeredAt) return null;
    return this.adopt(site, name, { agent: unit.agent.id, at: unit.answeredAt });
  }

  /** A component that the inventory did not list yet: a file system was mounted, a tray pushed in. */
  adopt(site: SiteUnit, name: string, from: { agent: string; at: number }): JudgedSubject | null {
    const { device, component } = splitSubject(name);
    const unit = site.devices.get(device);
    if (unit === undefined || component === null || unit.agent.id !== from.agent) return null;
    const part = this.#addPart(unit, component);
    if (part !== null) this.#bindDevice(unit, from.at);
    return part;
  }
}

const staleAfterMs = ({ intervalMs }: InventoryDevice): number => STALE_POLLS * intervalMs + STALE_SLACK_MS;

const newTally = (): Tally => ({ expected: 0, working: 0, failed: 0 });
