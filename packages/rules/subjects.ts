/**
 * What is judged: devices with their components, and sites. Types of the engine's memory, and the questions about the
 * dependency tree that need no more than it.
 */
import { Agenda, NO_PLACE } from "@aislewatch/base";
import type { InventoryDevice } from "@aislewatch/contract";
import type { Schedule } from "./calendar.ts";
import type { Tally } from "./compile.ts";
import type { Fault } from "./fault.ts";
import type { Layout } from "./layout.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import { NO_SHAPE, type Shape } from "./plan.ts";
import type { FaultFlags, SiteInfo, Subject } from "./types.ts";

/** A fault that is not plainly inactive. */
export type Active = {
  readonly subject: JudgedSubject;
  /** Its place in the subject's shape. */
  local: number;
  fault: Fault;
  dueAt: number;
  flags: FaultFlags;
  /** Of a rule over events: the last one, for the title. Not known after a restart. */
  event: { readonly code: string; readonly detail: string } | null;
};

/** What is not so is left out, so that a record says only what is. */
export function flagsOf(flags: {
  stale: boolean;
  suppressedBy: string | null;
  flapping: boolean;
  inactiveHours: boolean;
  maintenance: string | null;
}): FaultFlags {
  const { stale, suppressedBy, flapping, inactiveHours, maintenance } = flags;
  return {
    stale,
    suppressedBy,
    ...(flapping && { flapping }),
    ...(inactiveHours && { inactiveHours }),
    ...(maintenance !== null && { maintenance }),
  };
}

export const sameFlags = (a: FaultFlags, b: FaultFlags): boolean =>
  a.stale === b.stale &&
  a.suppressedBy === b.suppressedBy &&
  a.flapping === b.flapping &&
  a.inactiveHours === b.inactiveHours &&
  a.maintenance === b.maintenance;

const NEVER = Number.POSITIVE_INFINITY;

/** What owns timers: a device (its components included) or a site. */
class Owner {
  /** Its own. */
  readonly id: string;
  /** In an order of their own (`inPlace`), whichever began first and whichever was kept first over a restart. */
  active: Active[] = [];
  /** When time alone changes something; Infinity for never. */
  dueAt = NEVER;
  /** In the agenda of its agent; a site is in none. */
  place = NO_PLACE;
  /** Time never runs backwards for an owner: a late row is judged at this time at the earliest. */
  judgedAt = 0;

  constructor(id: string) {
    this.id = id;
  }
}

/** A row of readings that came live, by its subject's layout. */
export type TailRow = { readonly subject: JudgedSubject; readonly at: number; readonly cells: readonly TailCell[] };
export type TailCell = { readonly offset: number; readonly value: number };

/** What a device lacks. */
export class Want {
  /** Series of windows, each with how far back, ms. */
  readonly windows = new Map<JudgedSubject, Map<number, number>>();
  /** Rules whose timers are to be found anew, and rules of which only spells are. */
  readonly judged = new Map<JudgedSubject, Set<string>>();
  readonly timed = new Map<JudgedSubject, Set<string>>();
  /** Since somebody reads what is stored; null while nobody does. */
  tail: TailRow[] | null = null;
  /** Time of the first reading that came live since. */
  firstAt = Number.POSITIVE_INFINITY;
  /** Faults that changed since, by rule, as they were before. */
  readonly before = new Map<JudgedSubject, Map<string, Fault>>();
  /** Another number: what is being read is not all that is wanted any more. */
  turn = 0;
}

/** A schedule is asked once for a stretch of time: `isOpen` from `fromMs` until `untilMs`. */
export type Hours = {
  readonly schedule: Schedule;
  readonly isOpen: boolean;
  readonly fromMs: number;
  readonly untilMs: number;
};

export class SiteUnit extends Owner {
  readonly is = "site";
  readonly self: JudgedSubject;
  readonly devices = new Map<string, DeviceUnit>();
  /** Devices and components by `device` or `device#component`. */
  readonly subjects = new Map<string, JudgedSubject>();
  readonly agents = new Map<string, AgentUnit>();
  tallies = new Map<string, Tally>();
  /** Of sites.yaml; null while it is not listed. */
  info: SiteInfo | null = null;
  /** What each calendar that a rule goes by says now. */
  readonly hours = new Map<string, Hours>();
  /** Maintenance that may concern something here, in the order in which it was given. */
  windows: readonly { readonly window: MaintenanceWindow; hours: Hours }[] = [];
  /** When the first of all these may say otherwise. */
  hoursDue = NEVER;
  /** Up to where readings of any of its devices have let timers run; ticks let those of all sites. */
  ranTo = 0;
  /** No timer of the site or of a device there is due before. */
  nextDue = NEVER;

  constructor(id: string) {
    super(id);
    this.self = new JudgedSubject(this, { component: null, partClass: null, layout: null, base: 0 });
  }
}

export class AgentUnit {
  readonly is = "agent";
  readonly id: string;
  isOnline = true;
  /** What it has read is on its way, so time must not pass for its devices before that. */
  isBehind = false;
  /** Its devices, by when time alone changes something; time passes for all of them or for none. */
  readonly agenda = new Agenda<DeviceUnit>();

  constructor(id: string) {
    this.id = id;
  }
}

export type DeviceStatus = "unknown" | "working" | "failed";

export class DeviceUnit extends Owner {
  readonly is = "device";
  readonly site: SiteUnit;
  readonly agent: AgentUnit;
  readonly self: JudgedSubject;
  readonly parts = new Map<string, JudgedSubject>();
  /** Where the metrics of each component begin, by class. */
  readonly partBases = new Map<string, number[]>();
  device: InventoryDevice;
  /** Tells a changed entry of the inventory from a repeated one. */
  signature = "";
  staleAfterMs = 0;
  /** When the oldest value turns stale, at the earliest. */
  staleDue = NEVER;
  /** The last reading that was an answer; while there was none, when the device became known. */
  answeredAt = 0;
  /** The newest that a kept fault knows of, for a device of which no values are kept. */
  keptAnswerAt = 0;
  /** No answer yet, in this process or a kept one. */
  isUnheard = true;
  /** Until then silence proves nothing: the agent has just come back. */
  quietUntil = 0;
  silenceDue = NEVER;
  silenceMs: readonly number[] = [];
  /** Silence made a condition true or unknown, so the next answer must be judged. */
  isSilent = false;
  /** The last `up` was false. */
  isDown = false;
  /** Since when, of one that is down. */
  downSince = 0;
  /** Everything above it, nearest first. */
  ancestors: readonly DeviceUnit[] = [];
  /** Everything that has it above. */
  descendants: readonly DeviceUnit[] = [];
  /** Devices of the same kind and role at the site, itself among them. */
  neighbours: readonly JudgedSubject[] = [];
  /** What is down above it; while `awaitingSince` is set, what was. */
  blockedBy: DeviceUnit | AgentUnit | null = null;
  /** The parent came back then; the child's own reading is still awaited. */
  awaitingSince: number | null = null;
  /** Everything is judged at the next reading, changed or not. */
  isUnjudged = true;
  status: DeviceStatus = "unknown";
  /** What was read of it before this engine, or a rule, was there, and is not known yet. */
  want: Want | null = null;

  constructor(site: SiteUnit, agent: AgentUnit, device: InventoryDevice, memory: { layout: Layout; base: number }) {
    super(device.id);
    this.site = site;
    this.agent = agent;
    this.device = device;
    this.self = new JudgedSubject(this, { component: null, partClass: null, ...memory });
  }
}

/** A device, a component of one, or a site, with what its rules said last. */
export class JudgedSubject {
  readonly owner: DeviceUnit | SiteUnit;
  readonly component: string | null;
  readonly partClass: string | null;
  readonly layout: Layout | null;
  /** Where its metrics begin in memory. */
  readonly base: number;
  shape: Shape = NO_SHAPE;
  /** What each binding's conditions said last. */
  codes: number[] = [];
  faults: (Active | null)[] = [];
  /** Of a device: do its components' rules look at each reading of it? */
  isReadByParts = false;
  /** The last round in which a binding was touched. */
  marks: number[] = [];

  constructor(
    owner: DeviceUnit | SiteUnit,
    what: { component: string | null; partClass: string | null; layout: Layout | null; base: number },
  ) {
    this.owner = owner;
    this.component = what.component;
    this.partClass = what.partClass;
    this.layout = what.layout;
    this.base = what.base;
  }
}

/** By component, then as the rules stand: what falls due at one moment is told of in this order. */
export const inPlace = (a: Active, b: Active): number => {
  const [mine, other] = [a.subject.component ?? "", b.subject.component ?? ""];
  return mine === other ? a.local - b.local : mine < other ? -1 : 1;
};

/** Takes its place among the faults of its owner. */
export function enter(active: Active): void {
  const { active: others } = active.subject.owner;
  const place = others.findLastIndex((other) => inPlace(other, active) < 0) + 1;
  others.splice(place, 0, active);
}

export function subjectOf({ owner, component }: JudgedSubject): Subject {
  if (owner.is === "site") return { site: owner.id, device: null, component: null };
  return { site: owner.site.id, device: owner.device.id, component };
}

/** A dependency chain is a handful long; more is a mistake in somebody's inventory. */
const ANCESTORS_MAX = 64;

/** All devices above this one at its site, nearest first; a circle ends where it began. */
export function ancestorsOf(unit: DeviceUnit): DeviceUnit[] {
  const found: DeviceUnit[] = [];
  let level: readonly DeviceUnit[] = [unit];
  while (level.length > 0 && found.length < ANCESTORS_MAX) {
    const above: DeviceUnit[] = [];
    for (const { device } of level) {
      for (const id of device.dependsOn) {
        const parent = unit.site.devices.get(id);
        if (parent === undefined || parent === unit || found.includes(parent) || above.includes(parent)) continue;
        above.push(parent);
      }
    }
    found.push(...above);
    level = above;
  }
  return found;
}

/** The topmost device that is down above this one: the cause, not the next victim in the chain. */
export function blockerOf(unit: DeviceUnit, dependsOn: readonly string[]): DeviceUnit | null {
  for (let i = unit.ancestors.length - 1; i >= 0; i--) {
    const ancestor = unit.ancestors[i];
    if (ancestor?.isDown && concerns(dependsOn, ancestor)) return ancestor;
  }
  return null;
}

/** As many children that fell silent together look like a parent that did. */
const SUSPECT_CHILDREN = 2;
/** What was heard this shortly before is not worth another question. */
const SUSPECT_AGE_MS = 2_000;

/**
 * Those above a device that has just gone down which may be the cause, and not have been polled since: several below
 * them went down after their own last answer. `heardAt` is the time of a device's last poll, answered or not.
 */
export function suspectsAbove(unit: DeviceUnit, at: number, heardAt: (unit: DeviceUnit) => number): DeviceUnit[] {
  return unit.ancestors.filter((above) => {
    const lastHeard = heardAt(above);
    if (above.isDown || !above.agent.isOnline || at - lastHeard < SUSPECT_AGE_MS) return false;
    let silent = 0;
    for (const below of above.descendants) {
      if (below.isDown && below.downSince > lastHeard) silent++;
      if (silent >= SUSPECT_CHILDREN) return true;
    }
    return false;
  });
}

/** `*` is any kind: the whole dependency tree counts. */
const concerns = (dependsOn: readonly string[], { device }: DeviceUnit): boolean =>
  dependsOn.includes("*") || dependsOn.includes(device.kind);

/** What keeps a fault of this device from paging: `site/device`, `agent:site/agent`, or nothing. */
export function suppressorOf(unit: DeviceUnit, dependsOn: readonly string[]): string | null {
  if (!unit.agent.isOnline) return suppressorName(unit.agent, unit.site);
  const blocker = blockerOf(unit, dependsOn);
  if (blocker !== null) return suppressorName(blocker, unit.site);
  const awaited = unit.awaitingSince === null ? null : unit.blockedBy;
  if (awaited === null || (awaited.is === "device" && !concerns(dependsOn, awaited))) return null;
  return suppressorName(awaited, unit.site);
}

export const suppressorName = (blocker: DeviceUnit | AgentUnit, site: SiteUnit): string =>
  blocker.is === "agent" ? `agent:${site.id}/${blocker.id}` : `${site.id}/${blocker.device.id}`;

/** The label `role`; without one, the kind and where it stands. */
export function roleOf({ kind, labels }: InventoryDevice): string {
  const role = labels["role"];
  const zone = labels["zone"];
  return role ?? (zone === undefined ? kind : `${kind}@${zone}`);
}

/** All that a site is watched for, in a count; not those who watch it. */
export const ALL_DEVICES = "*";

/** What a count in a site rule may call it. */
export const isInGroup = (device: InventoryDevice, group: string): boolean =>
  group === ALL_DEVICES
    ? device.kind !== "agent" && device.kind !== "collector"
    : device.kind === group || device.labels["role"] === group || roleOf(device) === group;
