/**
 * The same fault at many sites at once: who is a candidate, whether there are enough of them, and what their one incident
 * is about. Onsets of a group stand in order, so one more looks at its neighbours in time and at no others.
 */
import { SEVERITIES, type Severity } from "@aislewatch/devices";
import type { FleetSubject } from "./correlation-policy.ts";
import { type FleetMatter, PRIORITIES, type Priority } from "./types.ts";

export type Candidate = FleetSubject & {
  readonly id: string;
  readonly site: string;
  readonly onset: number;
  readonly priority: Priority;
};

export type FleetGroups = {
  /** Takes its place, or another one. */
  put(group: string, candidate: Candidate): void;
  remove(id: string): void;
  /**
   * Those that began within `withinMs` of this one, itself not among them, when there are enough: a time of that length
   * somewhere about it in which it began at `sites` sites. Only those that began after `afterMs` count.
   */
  together(group: string, one: Candidate, need: Need): readonly Candidate[] | null;
  clear(): void;
};

export type Need = { readonly sites: number; readonly withinMs: number; readonly afterMs: number };

type Group = { readonly members: Candidate[]; readonly sites: Map<string, number> };

export function createFleetGroups(): FleetGroups {
  /** Members by onset, and how many there are of each site. */
  const groups = new Map<string, Group>();
  const placed = new Map<string, { readonly group: string; readonly onset: number }>();

  function remove(id: string): void {
    const known = placed.get(id);
    const group = groups.get(known?.group ?? "");
    if (known === undefined || group === undefined) return;
    placed.delete(id);
    const { members, sites } = group;
    let index = placeOf(members, known.onset - 1);
    while (index < members.length && members[index]?.id !== id) index++;
    const [gone] = members.splice(index, 1);
    if (gone !== undefined) countSite(sites, gone.site, -1);
    if (members.length === 0) groups.delete(known.group);
  }

  return {
    put(name, candidate) {
      remove(candidate.id);
      placed.set(candidate.id, { group: name, onset: candidate.onset });
      const group = groups.get(name) ?? { members: [], sites: new Map() };
      groups.set(name, group);
      group.members.splice(placeOf(group.members, candidate.onset), 0, candidate);
      countSite(group.sites, candidate.site, 1);
    },
    remove,

    together(name, one, { sites, withinMs, afterMs }) {
      const group = groups.get(name);
      // At nearly all times there are too few sites, however many incidents there are at one.
      if (group === undefined || one.onset <= afterMs || group.sites.size + 1 < sites) return null;
      const { members } = group;
      const from = placeOf(members, Math.max(one.onset - withinMs - 1, afterMs));
      const until = placeOf(members, one.onset + withinMs);
      const there = new Set([one.site]);
      for (let index = from; index < until; index++) there.add(members[index]?.site ?? one.site);
      if (there.size < sites) return null;
      const near = members.slice(from, until).filter(({ id }) => id !== one.id);
      const all = near.toSpliced(placeOf(near, one.onset), 0, one);
      return mostSites(all, withinMs) < sites ? null : near;
    },

    clear() {
      groups.clear();
      placed.clear();
    },
  };
}

function countSite(counts: Map<string, number>, site: string, by: 1 | -1): void {
  const count = (counts.get(site) ?? 0) + by;
  if (count === 0) counts.delete(site);
  else counts.set(site, count);
}

/** The first that began later. */
function placeOf(members: readonly Candidate[], onset: number): number {
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((members[middle]?.onset ?? 0) <= onset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** At how many sites at most it began within a time of this length. */
function mostSites(byOnset: readonly Candidate[], withinMs: number): number {
  const counts = new Map<string, number>();
  let [most, left] = [0, 0];
  for (const { site, onset } of byOnset) {
    countSite(counts, site, 1);
    for (let oldest = byOnset[left]; oldest !== undefined && onset - oldest.onset > withinMs; oldest = byOnset[left]) {
      countSite(counts, oldest.site, -1);
      left++;
    }
    most = Math.max(most, counts.size);
  }
  return most;
}

/** What all of them are, as far as they are the same. */
export function matterOf(members: readonly Candidate[], withinMs: number): FleetMatter {
  const shared = (of: (one: Candidate) => string | null): string | null => {
    const [first = null, ...others] = new Set(members.map(of));
    return others.length === 0 ? first : null;
  };
  const model = shared((one) => one.model);
  return {
    kind: shared(({ kind }) => kind),
    vendor: shared(({ vendor }) => vendor),
    model,
    // A number of firmware means something only beside its model.
    firmware: model === null ? null : shared(({ firmware }) => firmware),
    sites: new Set(members.map(({ site }) => site)).size,
    withinMs,
  };
}

/** `what` is the title of the runbook, or the rule's id. */
export function fleetTitle(what: string, { vendor, model, firmware, sites }: FleetMatter): string {
  const hardware = [model === null ? null : (vendor ?? null), model, firmware === null ? null : `firmware ${firmware}`];
  const words = hardware.filter((word) => word !== null).join(" ");
  return `${what}: at ${sites} sites at once${words === "" ? "" : `, ${words}`}`;
}

/** How many incidents below one are so; the first index with any is the worst. */
export type Tally = {
  /** Still worked on, recovered or not. */
  open: number;
  /** Of these, those whose fault stands. */
  standing: number;
  readonly priorities: number[];
  readonly severities: number[];
  /** Between these their onsets lie. */
  firstOnset: number;
  lastOnset: number;
};

export const newTally = (): Tally => ({
  ...{ open: 0, standing: 0, firstOnset: Number.POSITIVE_INFINITY, lastOnset: Number.NEGATIVE_INFINITY },
  priorities: PRIORITIES.map(() => 0),
  severities: SEVERITIES.map(() => 0),
});

/** Takes an incident into the count, or out of it. */
export function tallyUp(
  tally: Tally,
  { priority, severity, onset }: Pick<Candidate, "priority" | "severity" | "onset">,
  { by, isOpen, isStanding }: { readonly by: 1 | -1; readonly isOpen: boolean; readonly isStanding: boolean },
): void {
  tally.firstOnset = Math.min(tally.firstOnset, onset);
  tally.lastOnset = Math.max(tally.lastOnset, onset);
  if (isOpen) tally.open += by;
  if (!isStanding) return;
  tally.standing += by;
  const [p, s] = [PRIORITIES.indexOf(priority), SEVERITIES.indexOf(severity)];
  tally.priorities[p] = (tally.priorities[p] ?? 0) + by;
  tally.severities[s] = (tally.severities[s] ?? 0) + by;
}

export const worstPriority = ({ priorities }: Tally): Priority | null =>
  PRIORITIES[priorities.findIndex((count) => count > 0)] ?? null;

/** `SEVERITIES` go from the least on. */
export const worstSeverity = ({ severities }: Tally): Severity | null =>
  SEVERITIES[severities.findLastIndex((count) => count > 0)] ?? null;

/** Of several, the one that is most urgent. */
export const mostUrgent = (priorities: readonly Priority[]): Priority =>
  PRIORITIES.find((one) => priorities.includes(one)) ?? "P5";

export const mostSevere = (severities: readonly Severity[]): Severity =>
  SEVERITIES.findLast((one) => severities.includes(one)) ?? "info";
