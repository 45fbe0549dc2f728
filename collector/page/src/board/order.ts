/**
 * The order of the board: priority, then age; or what is due first. It does not depend on what is filtered, and a list
 * of ten thousand of which one changed is not sorted again: what stayed as it was keeps its place.
 */
import type { Incident, Priority } from "../api/types.ts";
import type { Order } from "./filters.ts";

type Known = ReadonlyMap<string, { readonly incident: Incident }>;

/** Beyond this share of changed ones sorting all of them is no slower. */
const PATCHED_SHARE_MAX = 1 / 8;

/** Remembers the list that it made last. The map that it is given must not be changed afterwards. */
export function createOrdering(): (known: Known, order: Order) => readonly Incident[] {
  let last: { known: Known; order: Order; sorted: readonly Incident[] } | null = null;
  return (known, order) => {
    if (last?.known === known && last.order === order) return last.sorted;
    const sorted = (last?.order === order ? patched(last, known) : null) ?? inOrder(incidentsOf(known), order);
    last = { known, order, sorted };
    return sorted;
  };
}

export const inOrder = (incidents: readonly Incident[], order: Order): Incident[] =>
  incidents.toSorted(comparison(order));

const incidentsOf = (known: Known): Incident[] => Array.from(known.values(), ({ incident }) => incident);

/** Null when too much has changed. */
function patched(last: { known: Known; order: Order; sorted: readonly Incident[] }, known: Known): Incident[] | null {
  const changed: Incident[] = [];
  const most = known.size * PATCHED_SHARE_MAX;
  for (const [id, { incident }] of known) {
    if (last.known.get(id)?.incident === incident) continue;
    if (changed.length >= most) return null;
    changed.push(incident);
  }
  const stayed = last.sorted.filter((incident) => known.get(incident.id)?.incident === incident);
  return merged(stayed, changed.sort(comparison(last.order)), comparison(last.order));
}

function merged(
  one: readonly Incident[],
  other: readonly Incident[],
  compare: (a: Incident, b: Incident) => number,
): Incident[] {
  const both: Incident[] = [];
  let next = 0;
  for (const incident of one) {
    for (let late = other[next]; late !== undefined && compare(late, incident) < 0; late = other[next]) {
      both.push(late);
      next += 1;
    }
    both.push(incident);
  }
  return both.concat(other.slice(next));
}

function comparison(order: Order): (a: Incident, b: Incident) => number {
  const sign = order === "newest" ? -1 : 1;
  return (a, b) =>
    (order === "due" ? dueOf(a) - dueOf(b) : 0) ||
    RANKS[a.priority] - RANKS[b.priority] ||
    sign * (a.onset - b.onset) ||
    (a.id < b.id ? -1 : 1);
}

const RANKS: Readonly<Record<Priority, number>> = { P1: 0, P2: 1, P3: 2, P4: 3, P5: 4 };

/** What stands still, or was never promised, is due after all that is. */
const dueOf = ({ due }: Incident): number => due?.dueAt ?? Number.MAX_SAFE_INTEGER;
