/**
 * The incidents that the page knows, by id. Two sources meet here: the stream, which says what just changed, and lists
 * fetched over REST, which were true when they were asked for. Laws: an older version never replaces a newer one; a
 * fetched list never removes what arrived after it was asked for; an open incident that a complete list of the open
 * ones no longer names is gone, for its end was missed while the stream was down.
 */
import { type Incident, isOpen } from "./types.ts";

type Entry = {
  readonly incident: Incident;
  /** Revision at which it was last written: what a list asked for at an earlier revision may not remove. */
  readonly revision: number;
  /** When it came in over the stream as one not known before, so that its row may light up; null when fetched. */
  readonly arrivedAt: number | null;
};

export type Incidents = {
  readonly revision: number;
  readonly entries: ReadonlyMap<string, Entry>;
};

/** Above the 10,000 open incidents that the board is made for; beyond it finished ones are forgotten, oldest first. */
export const KEPT_MAX = 20_000;

export const NO_INCIDENTS: Incidents = { revision: 0, entries: new Map() };

/** Incidents off the stream or back from an action, oldest first. */
export function arrived(state: Incidents, incidents: readonly Incident[], nowMs: number): Incidents {
  const revision = state.revision + 1;
  const entries = new Map(state.entries);
  for (const incident of incidents) {
    const known = entries.get(incident.id);
    if (known && known.incident.version > incident.version) continue;
    entries.set(incident.id, { incident, revision, arrivedAt: known ? known.arrivedAt : nowMs });
  }
  return { revision, entries: bounded(entries) };
}

/**
 * A list that was asked for when the state was at revision `since`. With `complete` it names every open incident, and
 * those it does not name are dropped.
 */
export function fetched(
  state: Incidents,
  list: { readonly items: readonly Incident[]; readonly since: number; readonly complete: boolean },
): Incidents {
  const revision = state.revision + 1;
  const entries = new Map(state.entries);
  const named = new Set<string>();
  for (const incident of list.items) {
    named.add(incident.id);
    const known = entries.get(incident.id);
    if (known && !isNewer(incident, known, list.since)) continue;
    entries.set(incident.id, { incident, revision, arrivedAt: known?.arrivedAt ?? null });
  }
  if (list.complete) {
    for (const [id, entry] of entries) {
      if (isOpen(entry.incident) && !named.has(id) && entry.revision <= list.since) entries.delete(id);
    }
  }
  return { revision, entries: bounded(entries) };
}

/** Of one version what is fetched may still say more: when it is due, or what its site is called, is not in its log. */
function isNewer(incident: Incident, known: Entry, since: number): boolean {
  if (incident.version !== known.incident.version) return incident.version > known.incident.version;
  return known.revision <= since && JSON.stringify(incident) !== JSON.stringify(known.incident);
}

function bounded(entries: Map<string, Entry>): Map<string, Entry> {
  if (entries.size <= KEPT_MAX) return entries;
  const finished = [...entries.values()]
    .filter((entry) => !isOpen(entry.incident))
    .sort((a, b) => a.incident.updatedAt - b.incident.updatedAt)
    .slice(0, entries.size - KEPT_MAX);
  for (const { incident } of finished) entries.delete(incident.id);
  return entries;
}
