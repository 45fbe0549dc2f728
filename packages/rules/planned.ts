/**
 * What is planned decides whom a fault calls: the hours of its rule (`active_in`) and maintenance windows. Neither
 * touches the state of a fault. A schedule is asked once for a stretch of time, not for each reading.
 */
import { holds, holdsUntil, type Schedule } from "./calendar.ts";
import { concerns, type MaintenanceWindow, mayConcern, scheduleOf } from "./maintenance.ts";
import type { Active, DeviceUnit, Hours, SiteUnit } from "./subjects.ts";
import type { Rule } from "./types.ts";

type Owner = DeviceUnit | SiteUnit;

const siteOf = (owner: Owner): SiteUnit => (owner.is === "device" ? owner.site : owner);

export class Planned {
  /** Calendars that a rule goes by; no other is watched. */
  #calendars: readonly string[] = [];
  #windows: readonly MaintenanceWindow[] = [];

  useRules(rules: readonly Rule[]): void {
    this.#calendars = [...new Set(rules.map(({ activeIn }) => activeIn))].filter((name) => name !== "always");
  }

  useMaintenance(windows: readonly MaintenanceWindow[]): void {
    this.#windows = windows;
  }

  /** As another engine plans: for its fork. */
  useOf(other: Planned): void {
    this.#calendars = other.#calendars;
    this.#windows = other.#windows;
  }

  /** After rules, sites or maintenance changed: the schedules that count at this site. */
  arrange(site: SiteUnit, at: number): void {
    const { info } = site;
    site.hours.clear();
    for (const name of this.#calendars) {
      const calendar = name === "trading_hours" ? info?.tradingHours : info?.calendars?.get(name);
      if (calendar !== undefined) site.hours.set(name, hoursAt(calendar, at));
    }
    site.windows = this.#windows
      .filter((window) => mayConcern(window, site.id))
      .map((window) => ({ window, hours: hoursAt(scheduleOf(window, info?.timeZone ?? "UTC"), at) }));
    site.hoursDue = nextDue(site);
  }

  /** Asks again what may say otherwise by now. */
  run(site: SiteUnit, at: number): void {
    for (const [name, hours] of site.hours) {
      if (hours.untilMs <= at) site.hours.set(name, hoursAt(hours.schedule, at));
    }
    for (const each of site.windows) if (each.hours.untilMs <= at) each.hours = hoursAt(each.hours.schedule, at);
    site.hoursDue = nextDue(site);
  }

  /** Does a fault of this rule call people at this time, as far as its hours go? */
  isActiveAt(owner: Owner, { activeIn }: Pick<Rule, "activeIn">, at: number): boolean {
    if (activeIn === "always") return true;
    const hours = siteOf(owner).hours.get(activeIn);
    // A site that has no such calendar is watched rather than not.
    return hours === undefined || isWithin(hours, at);
  }

  /** Id of the first window that concerns the device, or the whole site, at this time. */
  maintenanceOf(owner: Owner, at: number): string | null {
    const { windows } = siteOf(owner);
    if (windows.length === 0) return null;
    const device = owner.is === "device" ? owner.device : null;
    return windows.find(({ window, hours }) => isWithin(hours, at) && concerns(window, device))?.window.id ?? null;
  }

  /** Was it flagged when other hours were? */
  isOutdated({ subject, local, fault, flags }: Active, at: number): boolean {
    const rule = subject.shape.bindings[local]?.compiled.rule;
    if (rule === undefined || fault.state === "inactive") return false;
    const { owner } = subject;
    const isInactive = !this.isActiveAt(owner, rule, at);
    return (
      (flags.inactiveHours === true) !== isInactive || (flags.maintenance ?? null) !== this.maintenanceOf(owner, at)
    );
  }
}

function hoursAt(schedule: Schedule, at: number): Hours {
  return { schedule, isOpen: holds(schedule, at), fromMs: at, untilMs: holdsUntil(schedule, at) };
}

/** Of another time than the site's: a device may be behind or ahead of it. */
const isWithin = ({ schedule, isOpen, fromMs, untilMs }: Hours, at: number): boolean =>
  at >= fromMs && at < untilMs ? isOpen : holds(schedule, at);

function nextDue({ hours, windows }: SiteUnit): number {
  let due = Number.POSITIVE_INFINITY;
  for (const { untilMs } of hours.values()) due = Math.min(due, untilMs);
  for (const each of windows) due = Math.min(due, each.hours.untilMs);
  return due;
}
