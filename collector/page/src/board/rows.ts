/**
 * From incidents to the rows of the board. What is suppressed does not compete for attention: it is folded into one row
 * below the incident of the device that is down, or at the end when that one is not listed.
 */
import type { Incident, Priority } from "../api/types.ts";
import { type Filters, matching } from "./filters.ts";

export type Row =
  | { readonly type: "incident"; readonly key: string; readonly incident: Incident; readonly nested: boolean }
  | {
      readonly type: "group";
      readonly key: string;
      /** The device that is down, as its site calls it: `network/switch-1`. */
      readonly behind: string;
      readonly siteName: string;
      readonly count: number;
      readonly worst: Priority;
      readonly unfolded: boolean;
    };

/** `incidents` come in the order of the board (order.ts), and so do what is folded and the folds themselves. */
export function arrange(incidents: Iterable<Incident>, filters: Filters): Row[] {
  const isWanted = matching(filters);
  const groups = new Map<string, Incident[]>();
  const plain: Incident[] = [];
  for (const incident of incidents) {
    if (!isWanted(incident)) continue;
    const key = groupKey(incident);
    if (key === null) {
      plain.push(incident);
      continue;
    }
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [incident]);
    else members.push(incident);
  }
  const rows: Row[] = [];
  for (const incident of plain) {
    rows.push({ type: "incident", key: incident.id, incident, nested: false });
    const key = `${incident.subject.site}/${incident.subject.device ?? ""}`;
    const members = groups.get(key);
    if (members === undefined) continue;
    // Only the first incident of a device that is down carries what hangs behind it.
    groups.delete(key);
    rows.push(...groupRows(key, members, filters));
  }
  for (const [key, members] of groups) rows.push(...groupRows(key, members, filters));
  return rows;
}

/** `suppressedBy` names a wider fault as `rule:<id>@<what>`, or a device as `site/device`; the site is added where it is missing. */
function groupKey(incident: Incident): string | null {
  const by = incident.suppressedBy;
  if (by === null || by.startsWith("rule:")) return by;
  return by.startsWith(`${incident.subject.site}/`) ? by : `${incident.subject.site}/${by}`;
}

/** `store-7/network/switch-1` → `network/switch-1`, for a reader who sees the site beside it. */
export function suppressor(incident: Incident): string | null {
  const key = groupKey(incident);
  // `rule:few-lanes@store-7`: a wider fault, by its rule.
  if (key?.startsWith("rule:")) return key.slice("rule:".length, key.indexOf("@"));
  return key?.slice(incident.subject.site.length + 1) ?? null;
}

function groupRows(key: string, members: readonly Incident[], filters: Filters): Row[] {
  const [first] = members;
  if (first === undefined) return [];
  // A search shows what it found, folded or not.
  const unfolded = filters.unfolded.includes(key) || filters.text.trim() !== "";
  const head: Row = {
    type: "group",
    key,
    behind: suppressor(first) ?? key,
    siteName: first.siteName,
    count: members.length,
    worst: first.priority,
    unfolded,
  };
  if (!unfolded) return [head];
  return [head, ...members.map((incident): Row => ({ type: "incident", key: incident.id, incident, nested: true }))];
}

export type Tally = {
  readonly priorities: Readonly<Record<Priority, number>>;
  readonly unacknowledged: number;
  readonly suppressed: number;
};

/** What the tiles count: open incidents that ask for attention, and beside them what is suppressed. */
export function tally(open: Iterable<Incident>): Tally {
  const priorities: Record<Priority, number> = { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 };
  let unacknowledged = 0;
  let suppressed = 0;
  for (const incident of open) {
    if (incident.suppressedBy !== null) {
      suppressed += 1;
      continue;
    }
    priorities[incident.priority] += 1;
    if (incident.state === "new") unacknowledged += 1;
  }
  return { priorities, unacknowledged, suppressed };
}
