/**
 * Keeps the tree of incidents: hangs consequences below what they are consequences of, and lets go of those that outlive
 * it. Where one belongs the pure folder incidents/ decides (correlation.ts, fleet.ts); this shell knows whom a change
 * concerns, and writes.
 *
 * - Nothing is looked at all the time: an incident is looked at when something is written about it, its cause or its
 *   parent, and when its settle time is over (a heap). What one event costs does not grow with how many are open.
 * - `parent_set` in one log and `child_added` or `child_removed` in the other are written in one turn, so one commit has
 *   both. All else is found again from the open incidents: a restart at any point goes on with the same tree.
 * - What joins others at many sites is told of its parent in the same breath in which it opens (`joining`), so that nobody
 *   is called for it first.
 */
import type { Clock } from "@aislewatch/base";
import { DueHeap, type Rule, type Transition } from "@aislewatch/rules";
import type { IncidentBook } from "./incident-book.ts";
import { causeKeys, isStanding, isTopOfCircle, linkBelow, namesOf, overAt, placeOf } from "./incidents/correlation.ts";
import { type FleetRule, fleetGroupOf, sitesNeeded } from "./incidents/correlation-policy.ts";
import {
  type Candidate,
  createFleetGroups,
  fleetTitle,
  matterOf,
  mostSevere,
  mostUrgent,
  newTally,
  type Tally,
  tallyUp,
  worstPriority,
  worstSeverity,
} from "./incidents/fleet.ts";
import type { LifecyclePolicy } from "./incidents/lifecycle.ts";
import { isEnded, isOpenState } from "./incidents/log.ts";
import type { Assessment } from "./incidents/priority.ts";
import { fromTransition, type OpenedBody, reassessed } from "./incidents/transition.ts";
import type { Incident, IncidentEventBody } from "./incidents/types.ts";

/** Looked at in one turn; the rest waits for the next second. A dead distribution centre has some thousand. */
const LOOKS_MAX = 5_000;

export type DeviceTraits = {
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly firmware: string | null;
};

export type CorrelatorDeps = {
  readonly clock: Clock;
  readonly book: IncidentBook;
  readonly lifecycle: () => LifecyclePolicy;
  /** Ids of rules that say that a device does not answer, the worst first. */
  readonly downRules: () => readonly string[];
  readonly ruleOf: (id: string) => Rule | null;
  readonly traitsOf: (subject: Incident["subject"]) => DeviceTraits;
  /** How many sites there are. */
  readonly siteCount: () => number;
  readonly runbookTitle: (ref: string) => string | null;
  /** Where incidents of the whole fleet are kept; no store. */
  readonly fleetSite: string;
};

export type Correlator = {
  /** After a start, and when rules, sites or policies changed: everything is found again from what is open. */
  restore(): void;
  /**
   * For a fault that fires now, before its incident is written: the event to write with it, when the same stands at many
   * sites. Opens the incident of the fleet, when this is the one that makes them many.
   */
  joining(opened: OpenedBody): readonly IncidentEventBody[];
  /** Puts right what was written since. Call when a turn of writing is over, and about once a second; true when it wrote. */
  settle(): boolean;
  /** Of an incident of the fleet: its priority, by what stands below it; null for all others. */
  assess(incident: Incident): Assessment | null;
  /** Do incidents below this one of the fleet stand? */
  stands(incident: Incident): boolean;
};

type Link = { readonly child: string; readonly from: string | null; readonly to: string | null; readonly why: string };
type Found = { readonly group: string; readonly rule: FleetRule; readonly candidate: Candidate };

export function createCorrelator(deps: CorrelatorDeps): Correlator {
  const { clock, book, lifecycle, downRules, ruleOf, traitsOf, siteCount, runbookTitle, fleetSite } = deps;
  /** Not ended: by what suppresses them, and by their parent. */
  const waiting = new Map<string, Set<string>>();
  const below = new Map<string, Set<string>>();
  const groups = createFleetGroups();
  /** Of incidents of the fleet that are not ended. */
  const tallies = new Map<string, Tally>();
  const dirty = new Set<string>();
  const dirtyFleets = new Set<string>();
  /** Written of a child, and not yet of its parents. */
  let links: Link[] = [];
  let due = new DueHeap<string>();
  /** Those that wait in it, until when. */
  const settling = new Map<string, number>();

  book.onWritten(({ before, incident, events }) => {
    index(before, incident);
    if ((before?.parent ?? null) !== incident.parent) {
      const why = events.findLast((event) => event.type === "parent_set")?.why ?? "";
      links.push({ child: incident.id, from: before?.parent ?? null, to: incident.parent, why });
    }
    if (before === null || signOf(before) !== signOf(incident)) dirty.add(incident.id);
    if (before === null || causeSignOf(before) !== causeSignOf(incident)) {
      for (const name of namesOf(incident, downRules())) for (const other of waiting.get(name) ?? []) dirty.add(other);
    }
    if (before !== null && parentSignOf(before) !== parentSignOf(incident)) {
      for (const child of below.get(incident.id) ?? []) dirty.add(child);
    }
  });

  const policy = () => lifecycle().correlation;

  /** Not ended. */
  function openOne(id: string): Incident | null {
    const key = book.keyOf(id);
    return key === null ? null : book.ofKey(key);
  }

  // ── what is known

  function index(before: Incident | null, incident: Incident): void {
    const was = before !== null && !isEnded(before) ? before : null;
    const now = isEnded(incident) ? null : incident;
    const { id } = incident;
    move(waiting, id, was?.suppressedBy ?? null, now?.suppressedBy ?? null);
    move(below, id, was?.parent ?? null, now?.parent ?? null);
    if (incident.fleet !== undefined) {
      if (now === null) tallies.delete(id);
      else if (!tallies.has(id)) tallies.set(id, newTally());
    }
    count(was, -1);
    count(now, 1);
    const found = now === null ? null : candidateOf(now);
    if (found === null) groups.remove(id);
    else groups.put(found.group, found.candidate);
  }

  function count(child: Incident | null, by: 1 | -1): void {
    const { parent = null } = child ?? {};
    const tally = parent === null ? undefined : tallies.get(parent);
    if (child === null || parent === null || tally === undefined) return;
    dirtyFleets.add(parent);
    tallyUp(tally, child, { by, isOpen: isOpenState(child.state), isStanding: isStanding(child) });
  }

  /** Null: it is no candidate, for it is hidden, expected, over, or below another one. */
  function candidateOf(incident: Incident): Found | null {
    const { suppressedBy, parent, fleet, retroactive = false } = incident;
    if (!isStanding(incident) || suppressedBy !== null || parent !== null || fleet !== undefined || retroactive)
      return null;
    return foundOf(incident);
  }

  type Seen = Pick<Incident, "subject" | "rule" | "category" | "severity" | "onset" | "priority"> &
    Pick<Incident, "inactiveHours"> & { readonly id: string; readonly maintenance?: string | null };

  function foundOf(seen: Seen): Found | null {
    const { id, subject, rule, category, severity, onset, priority, inactiveHours, maintenance } = seen;
    if (subject.site === fleetSite || inactiveHours === true || (maintenance ?? null) !== null) return null;
    const traits = { rule, category, severity, ...traitsOf(subject) };
    const group = fleetGroupOf(policy(), traits);
    if (group === null) return null;
    return { group: group.key, rule: group.rule, candidate: { ...traits, id, site: subject.site, onset, priority } };
  }

  /** The open incident of what suppresses it; the one that people work on when that was merged. */
  function causeOf({ suppressedBy }: Incident): Incident | null {
    if (suppressedBy === null) return null;
    const found = causeKeys(suppressedBy, downRules()).flatMap((key) => book.ofKey(key) ?? []);
    const cause = found.find(isStanding) ?? found[0] ?? null;
    return cause?.merged == null ? cause : openOne(cause.merged.into);
  }

  const parentOf = ({ parent }: Incident): Incident | null => (parent === null ? null : openOne(parent));

  // ── the tree

  function look(id: string, now: number): boolean {
    const one = openOne(id);
    if (one === null) return false;
    const cause = causeOf(one);
    const isTop = cause !== null && isTopOfCircle(one, causeOf);
    const parent = one.parent === null ? null : book.incident(one.parent);
    const place = placeOf(one, { cause: isTop ? null : cause, parent }, policy().settleMs, now);
    switch (place.is) {
      case "below":
        return hang(one, place.parent, place.why, now);
      case "by_itself":
        set(one, null, place.why, now);
        return joinOthers(id, now) || true;
      case "until":
        if (settling.get(id) !== place.at) due.push(place.at, id);
        settling.set(id, place.at);
        return false;
      case "as_it_is":
        return joinOthers(id, now);
      default:
        return place satisfies never;
    }
  }

  function hang(one: Incident, parent: string, why: string, now: number): boolean {
    const above = openOne(parent);
    const link = above === null ? null : linkBelow(one, above, parentOf);
    // What it was the cause of is the cause of it now, and can't be below it.
    if (link !== null) set(link, null, `${one.id} is a consequence of it now`, now);
    set(one, parent, why, now);
    return true;
  }

  function set({ id }: Incident, incident: string | null, why: string, at: number): void {
    const [key, one] = [book.keyOf(id), openOne(id)];
    if (key === null || one === null) return;
    book.write(key, one, [{ type: "parent_set", incident, why }], { at, actor: "system" });
  }

  /** In both logs or in neither: in the turn in which it was written of the children. */
  function tellParents(now: number): void {
    const told = new Map<string, IncidentEventBody[]>();
    const tell = (parent: string | null, body: IncidentEventBody): void => {
      if (parent !== null) told.set(parent, [...(told.get(parent) ?? []), body]);
    };
    for (const { child: incident, from, to, why } of links) {
      tell(from, { type: "child_removed", incident, why });
      tell(to, { type: "child_added", incident });
    }
    links = [];
    for (const [id, bodies] of told) {
      const [key, parent] = [book.keyOf(id), openOne(id)];
      // What has ended says no more.
      if (key !== null && parent !== null) book.write(key, parent, bodies, { at: now, actor: "system" });
    }
  }

  // ── the fleet

  function joinOthers(id: string, now: number): boolean {
    const one = openOne(id);
    const found = one === null ? null : candidateOf(one);
    const fleet = found === null ? null : join(found, now);
    if (one === null || fleet === null) return false;
    set(one, fleet.id, whyJoined(fleet), now);
    return true;
  }

  /** The incident of the fleet that it belongs below, if it does. */
  function join({ group, rule, candidate }: Found, now: number): Incident | null {
    const known = book.ofKey(group);
    if (known !== null && isStanding(known)) {
      const { firstOnset, lastOnset } = tallies.get(known.id) ?? newTally();
      const { onset } = candidate;
      return onset >= firstOnset - rule.withinMs && onset <= lastOnset + rule.withinMs ? known : null;
    }
    if (known?.state === "merged") return null;
    const { sites, withinMs } = rule;
    // Nearly always there are too few, which costs no look at anything else.
    if (groups.together(group, candidate, { sites, withinMs, afterMs: 0 }) === null) return null;
    const last = known ?? book.lastOf(group);
    const afterMs = last === null ? 0 : overAt(last);
    const near = groups.together(group, candidate, { sites: sitesNeeded(rule, siteCount()), withinMs, afterMs });
    return near === null ? null : openFleet(group, known, [...near, candidate], { rule, now });
  }

  function openFleet(
    group: string,
    known: Incident | null,
    members: readonly Candidate[],
    { rule: { withinMs }, now }: { readonly rule: FleetRule; readonly now: number },
  ): Incident | null {
    const rule = ruleOf(members[0]?.rule ?? "");
    if (rule === null) return null;
    const matter = matterOf(members, withinMs);
    const what = (rule.runbook === null ? null : runbookTitle(rule.runbook)) ?? rule.id;
    const onsets = members.map(({ onset }) => onset);
    const transition: Transition = {
      ...{ rule: rule.id, ruleVersion: rule.version, subject: { site: fleetSite, device: null, component: null } },
      ...{ at: now, from: "inactive", to: "firing", severity: mostSevere(members.map(({ severity }) => severity)) },
      ...{
        flags: NO_FLAGS,
        title: fleetTitle(what, matter),
        since: Math.min(...onsets),
        values: {},
        reason: "condition",
      },
    };
    const priority = {
      priority: mostUrgent(members.map((one) => one.priority)),
      why: `the most urgent of ${members.length} incidents at ${matter.sites} sites`,
    };
    const outcome = fromTransition(known, transition, rule, { priority, lifecycle: lifecycle() });
    const how = { at: now, actor: "system" };
    if (known !== null && outcome.events.length > 0) book.write(group, known, outcome.events, how);
    if (outcome.open !== null) book.write(group, null, [{ ...outcome.open, fleet: matter }], how);
    const fleet = book.ofKey(group);
    if (fleet === null || !isStanding(fleet)) return null;
    const tally = tallies.get(fleet.id);
    if (tally !== undefined) {
      tally.firstOnset = Math.min(...onsets);
      tally.lastOnset = Math.max(...onsets);
    }
    for (const { id } of members) dirty.add(id);
    return fleet;
  }

  /** What became of those below it. */
  function settleFleet(id: string, now: number): boolean {
    const tally = tallies.get(id);
    const before = openOne(id);
    const key = book.keyOf(id);
    if (tally === undefined || before === null || key === null || before.state === "merged") return false;
    const put = (bodies: readonly IncidentEventBody[]): void => {
      const one = openOne(id);
      if (one !== null && bodies.length > 0) book.write(key, one, bodies, { at: now, actor: "system" });
    };
    put(movedFleet(before, tally, now));
    const after = openOne(id);
    if (after !== null) put(reassessed(after, assessmentOf(after, tally)));
    return openOne(id)?.version !== before.version;
  }

  /** What its fault does: that of those below it. */
  function movedFleet(fleet: Incident, tally: Tally, now: number): readonly IncidentEventBody[] {
    if (tally.standing === 0 && fleet.recoveredAt === null) return [{ type: "recovered", values: {} }];
    const isUntouched = fleet.state === "new" || fleet.state === "acknowledged";
    if (fleet.recoveredAt !== null && tally.open === 0 && isUntouched) {
      return [{ type: "resolved", code: "self_recovered", text: "All that hung below it are resolved." }];
    }
    const severity = worstSeverity(tally);
    if (!isStanding(fleet) || severity === null) return [];
    const { rule, ruleVersion, subject, title, onset, values } = fleet;
    const transition: Transition = {
      ...{ rule, ruleVersion, subject, at: now, from: "firing", to: "firing", severity },
      ...{ flags: NO_FLAGS, title, since: onset, values, reason: "level" },
    };
    const context = { priority: assessmentOf(fleet, tally), lifecycle: lifecycle() };
    return fromTransition(fleet, transition, ruleOf(rule), context).events;
  }

  function assessmentOf(fleet: Incident, tally: Tally): Assessment {
    const priority = worstPriority(tally);
    if (priority === null) return { priority: fleet.priority, why: fleet.priorityWhy };
    return { priority, why: `the most urgent of ${tally.standing} incidents below it` };
  }

  // ── turns

  function takeDue(now: number): void {
    while (due.nextAt <= now) {
      const at = due.nextAt;
      const id = due.pop();
      if (id === undefined || settling.get(id) !== at) continue;
      settling.delete(id);
      dirty.add(id);
    }
  }

  return {
    restore() {
      waiting.clear();
      below.clear();
      groups.clear();
      tallies.clear();
      settling.clear();
      due = new DueHeap();
      const all = [...book.all()];
      // Those below them are counted in them.
      for (const one of [...all.filter(isOfFleet), ...all.filter((other) => !isOfFleet(other))]) {
        index(null, one);
        dirty.add(one.id);
        if (isOfFleet(one)) dirtyFleets.add(one.id);
      }
    },

    joining(opened) {
      const { suppressedBy, retroactive = false } = opened;
      if (suppressedBy !== null || retroactive) return [];
      const found = foundOf({ ...opened, id: "" });
      const fleet = found === null ? null : join(found, clock.now());
      return fleet === null ? [] : [{ type: "parent_set", incident: fleet.id, why: whyJoined(fleet) }];
    },

    settle() {
      const now = clock.now();
      let isWritten = false;
      let looks = 0;
      takeDue(now);
      while ((dirty.size > 0 || dirtyFleets.size > 0) && looks < LOOKS_MAX) {
        for (const id of dirty) {
          if (looks++ >= LOOKS_MAX) break;
          dirty.delete(id);
          if (look(id, now)) isWritten = true;
        }
        if (dirty.size > 0) break;
        for (const id of dirtyFleets) {
          dirtyFleets.delete(id);
          if (settleFleet(id, now)) isWritten = true;
        }
      }
      if (links.length > 0) tellParents(now);
      return isWritten;
    },

    assess(incident) {
      const tally = incident.fleet === undefined ? undefined : tallies.get(incident.id);
      if (incident.fleet === undefined) return null;
      return assessmentOf(incident, tally ?? newTally());
    },

    stands: ({ id }) => (tallies.get(id)?.standing ?? 0) > 0,
  };
}

const NO_FLAGS = { stale: false, suppressedBy: null } as const;

const isOfFleet = ({ fleet }: Incident): boolean => fleet !== undefined;

const whyJoined = ({ fleet }: Incident): string => `the same fault stands at ${fleet?.sites ?? 0} sites and more`;

/** What decides where it belongs; also of what makes it a candidate. */
function signOf(incident: Incident): string {
  const { suppressedBy, parent, severity, onset, maintenance, inactiveHours, merged } = incident;
  return [isStanding(incident), suppressedBy, parent, severity, onset, maintenance, inactiveHours, merged?.into].join(
    " ",
  );
}

/** What decides who hangs below it as their cause, and (parent) who stays there. */
const causeSignOf = (one: Incident): string => `${isEnded(one)} ${one.recoveredAt === null} ${one.merged?.into}`;
const parentSignOf = (one: Incident): string => `${isEnded(one)} ${one.fleet !== undefined && isStanding(one)}`;

function move(index: Map<string, Set<string>>, id: string, from: string | null, to: string | null): void {
  if (from === to) return;
  if (from !== null) {
    const old = index.get(from);
    old?.delete(id);
    if (old?.size === 0) index.delete(from);
  }
  if (to === null) return;
  const set = index.get(to);
  if (set === undefined) index.set(to, new Set([id]));
  else set.add(id);
}
