/**
 * The incidents that stand for the same fault at many sites: opens one when there are enough of them, says who belongs
 * below it, and does with it what becomes of those. When there are enough the pure fleet.ts says; an incident of the fleet
 * is one of a fault that fires while one below it stands, by the same decisions as any other (transition.ts).
 */
import type { Rule, Transition } from "@aislewatch/rules";
import type { IncidentBook } from "./incident-book.ts";
import { isStanding, overAt } from "./incidents/correlation.ts";
import { type CorrelationPolicy, type FleetRule, fleetGroupOf, sitesNeeded } from "./incidents/correlation-policy.ts";
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

export type DeviceTraits = {
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly firmware: string | null;
};

export type FleetDeps = {
  readonly book: IncidentBook;
  readonly lifecycle: () => LifecyclePolicy;
  readonly ruleOf: (id: string) => Rule | null;
  readonly traitsOf: (subject: Incident["subject"]) => DeviceTraits;
  /** How many sites there are. */
  readonly siteCount: () => number;
  readonly runbookTitle: (ref: string) => string | null;
  /** Where incidents of the whole fleet are kept; no store. */
  readonly fleetSite: string;
};

export type FleetIncidents = {
  clear(): void;
  /** An incident as it was (null: not known yet) and as it is. Those of the fleet first, for they count the others. */
  learn(before: Incident | null, incident: Incident): void;
  /** The incident of the fleet that this one belongs below, opened when it is the one that makes them many. */
  joinedBy(incident: Incident, now: number): Incident | null;
  /** The same of one that is being opened. */
  joinedByOpening(opened: OpenedBody, now: number): Incident | null;
  /** Those that an incident of the fleet was just opened for; a look at each hangs it below that. */
  takeMembers(): readonly string[];
  readonly isMoved: boolean;
  /** Does with incidents of the fleet what became of those below them; true when it wrote. */
  settle(now: number): boolean;
  assess(incident: Incident): Assessment | null;
  stands(incident: Incident): boolean;
};

type Found = { readonly group: string; readonly rule: FleetRule; readonly candidate: Candidate };
type Seen = Pick<Incident, "subject" | "rule" | "category" | "severity" | "onset" | "priority"> &
  Pick<Incident, "inactiveHours"> & { readonly id: string; readonly maintenance?: string | null };

export function createFleetIncidents(deps: FleetDeps): FleetIncidents {
  const { book, lifecycle, ruleOf, traitsOf, siteCount, runbookTitle, fleetSite } = deps;
  const groups = createFleetGroups();
  /** Of incidents of the fleet that are not ended. */
  const tallies = new Map<string, Tally>();
  /** Those below which something changed. */
  const moved = new Set<string>();
  let members: string[] = [];

  const policy = (): CorrelationPolicy => lifecycle().correlation;

  /** Not ended. */
  function openOne(id: string): Incident | null {
    const key = book.keyOf(id);
    return key === null ? null : book.ofKey(key);
  }

  function count(child: Incident | null, by: 1 | -1): void {
    const { parent = null } = child ?? {};
    const tally = parent === null ? undefined : tallies.get(parent);
    if (child === null || parent === null || tally === undefined) return;
    moved.add(parent);
    tallyUp(tally, child, { by, isOpen: isOpenState(child.state), isStanding: isStanding(child) });
  }

  /** Null: it is no candidate, for it is hidden, expected, over, or below another one. */
  function candidateOf(incident: Incident): Found | null {
    const { suppressedBy, parent, fleet, retroactive = false } = incident;
    if (!isStanding(incident) || suppressedBy !== null || parent !== null || fleet !== undefined || retroactive)
      return null;
    return foundOf(incident);
  }

  function foundOf(seen: Seen): Found | null {
    const { id, subject, rule, category, severity, onset, priority, inactiveHours, maintenance } = seen;
    if (subject.site === fleetSite || inactiveHours === true || (maintenance ?? null) !== null) return null;
    const traits = { rule, category, severity, ...traitsOf(subject) };
    const group = fleetGroupOf(policy(), traits);
    if (group === null) return null;
    return { group: group.key, rule: group.rule, candidate: { ...traits, id, site: subject.site, onset, priority } };
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
    together: readonly Candidate[],
    { rule: { withinMs }, now }: { readonly rule: FleetRule; readonly now: number },
  ): Incident | null {
    const rule = ruleOf(together[0]?.rule ?? "");
    if (rule === null) return null;
    const matter = matterOf(together, withinMs);
    const what = (rule.runbook === null ? null : runbookTitle(rule.runbook)) ?? rule.id;
    const onsets = together.map(({ onset }) => onset).sort((a, b) => a - b);
    const [firstOnset = now, lastOnset = now] = [onsets[0], onsets.at(-1)];
    const transition: Transition = {
      ...{ rule: rule.id, ruleVersion: rule.version, subject: { site: fleetSite, device: null, component: null } },
      ...{ at: now, from: "inactive", to: "firing", severity: mostSevere(together.map(({ severity }) => severity)) },
      ...{
        flags: NO_FLAGS,
        title: fleetTitle(what, matter),
        since: firstOnset,
        values: {},
        reason: "condition",
      },
    };
    const priority = {
      priority: mostUrgent(together.map((one) => one.priority)),
      why: `the most urgent of ${together.length} incidents at ${matter.sites} sites`,
    };
    const outcome = fromTransition(known, transition, rule, { priority, lifecycle: lifecycle() });
    const how = { at: now, actor: "system" };
    if (known !== null && outcome.events.length > 0) book.write(group, known, outcome.events, how);
    if (outcome.open !== null) book.write(group, null, [{ ...outcome.open, fleet: matter }], how);
    const fleet = book.ofKey(group);
    if (fleet === null || !isStanding(fleet)) return null;
    const tally = tallies.get(fleet.id);
    if (tally !== undefined) {
      tally.firstOnset = firstOnset;
      tally.lastOnset = lastOnset;
    }
    members = members.concat(together.map(({ id }) => id));
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

  return {
    clear() {
      groups.clear();
      tallies.clear();
      moved.clear();
      members = [];
    },

    learn(before, incident) {
      const was = before !== null && !isEnded(before) ? before : null;
      const now = isEnded(incident) ? null : incident;
      const { id, fleet } = incident;
      if (fleet !== undefined) {
        if (now === null) tallies.delete(id);
        else if (!tallies.has(id)) tallies.set(id, newTally());
        moved.add(id);
      }
      count(was, -1);
      count(now, 1);
      const found = now === null ? null : candidateOf(now);
      if (found === null) groups.remove(id);
      else groups.put(found.group, found.candidate);
    },

    joinedBy(incident, now) {
      const found = candidateOf(incident);
      return found === null ? null : join(found, now);
    },

    joinedByOpening(opened, now) {
      if (opened.suppressedBy !== null || opened.retroactive === true) return null;
      const found = foundOf({ ...opened, id: "" });
      return found === null ? null : join(found, now);
    },

    takeMembers: () => members.splice(0),

    get isMoved() {
      return moved.size > 0;
    },

    settle(now) {
      const ids = [...moved];
      moved.clear();
      return ids.filter((id) => settleFleet(id, now)).length > 0;
    },

    assess(incident) {
      if (incident.fleet === undefined) return null;
      return assessmentOf(incident, tallies.get(incident.id) ?? newTally());
    },

    stands: ({ id }) => (tallies.get(id)?.standing ?? 0) > 0,
  };
}

const NO_FLAGS = { stale: false, suppressedBy: null } as const;

/** In the words of the child's log. */
export const whyJoined = ({ fleet }: Incident): string =>
  `the same fault stands at ${fleet?.sites ?? 0} sites and more`;
