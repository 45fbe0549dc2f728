/**
 * From incidents to the rows of the board. What is a consequence of another one does not compete for attention: it is
 * folded into one row below that, however deep it hangs. So is what is suppressed and hangs below nothing that is listed:
 * below the incident of the device that is down, or at the end.
 */
import type { Incident, Priority } from "../api/types.ts";
import { type Filters, matching } from "./filters.ts";

export type Row =
  | { readonly type: "incident"; readonly key: string; readonly incident: Incident; readonly nested: boolean }
  | {
      readonly type: "group";
      readonly key: string;
      /** The incident, one row up, that they are consequences of; null when what hides them is no incident of the list. */
      readonly parent: string | null;
      /** The device that is down, as its site calls it: `network/switch-1`; with a parent, that one's id. */
      readonly behind: string;
      readonly siteName: string;
      readonly count: number;
      /** Of these, those that did not recover. */
      readonly standing: number;
      readonly worst: Priority;
      readonly unfolded: boolean;
    };

/** `incidents` come in the order of the board (order.ts), and so do what is folded and the folds themselves. */
export function arrange(incidents: Iterable<Incident>, filters: Filters): Row[] {
  const isWanted = matching(filters);
  const groups = new Map<string, Incident[]>();
  const plain: Incident[] = [];
  const wanted: Incident[] = [];
  for (const incident of incidents) if (isWanted(incident)) wanted.push(incident);
  const known = new Map(wanted.map((incident) => [incident.id, incident]));
  for (const incident of wanted) {
    const top = topOf(incident, known);
    // One that is folded itself, behind what is not listed, takes those below it with it.
    const key = groupKey(top ?? incident) ?? (top === null ? null : belowKey(top.id));
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
    const children = groups.get(belowKey(incident.id));
    if (children !== undefined) {
      groups.delete(belowKey(incident.id));
      rows.push(...groupRows(belowKey(incident.id), children, filters, incident.id));
    }
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

/** A tree is a handful deep. */
const DEPTH_MAX = 16;

/** The topmost of those on the list that it is a consequence of; null: of none. */
function topOf(incident: Incident, known: ReadonlyMap<string, Incident>): Incident | null {
  let top: Incident | null = null;
  for (let depth = 0, at = incident; at.parent !== null && depth < DEPTH_MAX; depth++) {
    const above = known.get(at.parent);
    if (above === undefined || above === incident) break;
    top = above;
    at = above;
  }
  return top;
}

/** Of the row that folds what hangs below an incident. */
const belowKey = (incident: string): string => `${incident}/below`;

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

function groupRows(key: string, members: readonly Incident[], filters: Filters, parent: string | null = null): Row[] {
  const [first] = members;
  if (first === undefined) return [];
  // A search shows what it found, folded or not.
  const unfolded = filters.unfolded.includes(key) || filters.text.trim() !== "";
  const head: Row = {
    type: "group",
    key,
    parent,
    behind: parent ?? suppressor(first) ?? key,
    siteName: siteNameOf(members),
    count: members.length,
    standing: members.filter(({ recoveredAt }) => recoveredAt === null).length,
    worst: first.priority,
    unfolded,
  };
  if (!unfolded) return [head];
  return [head, ...members.map((incident): Row => ({ type: "incident", key: incident.id, incident, nested: true }))];
}

function siteNameOf(members: readonly Incident[]): string {
  const sites = new Set(members.map(({ subject }) => subject.site)).size;
  return sites > 1 ? `${sites} sites` : (members[0]?.siteName ?? "");
}

/** The fold that a row stands for, carries or lies in; null: none. */
export function foldAt(rows: readonly Row[], index: number): Extract<Row, { type: "group" }> | null {
  const row = rows[index];
  if (row === undefined || row.type === "group") return row ?? null;
  if (!row.nested) {
    const next = rows[index + 1];
    return next?.type === "group" && next.parent === row.incident.id ? next : null;
  }
  const above = rows.slice(0, index).findLast(({ type }) => type === "group");
  return above?.type === "group" ? above : null;
}

export type Tally = {
  readonly priorities: Readonly<Record<Priority, number>>;
  readonly unacknowledged: number;
  readonly suppressed: number;
};

/** What the tiles count: open incidents that ask for attention, and beside them what is suppressed or below another one. */
export function tally(open: readonly Incident[]): Tally {
  const ids = new Set(open.map(({ id }) => id));
  const priorities: Record<Priority, number> = { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 };
  let unacknowledged = 0;
  let suppressed = 0;
  for (const incident of open) {
    if (incident.suppressedBy !== null || (incident.parent !== null && ids.has(incident.parent))) {
      suppressed += 1;
      continue;
    }
    priorities[incident.priority] += 1;
    if (incident.state === "new") unacknowledged += 1;
  }
  return { priorities, unacknowledged, suppressed };
}
