/** Which incident is a consequence of which, as lines of a terminal. */
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { row, subjectOf } from "./incident-rows.ts";

type Incident = components["schemas"]["Incident"];
type Detail = Pick<components["schemas"]["IncidentDetail"], "children" | "incident" | "parent">;
type Line = [name: string, text: string];

/** Circles can't be; a list that comes in pages may still name one twice. */
const DEPTH_MAX = 16;

/** In the given order, but each below the one that it is a consequence of, when that is among them. */
export function treeOf<T extends Pick<Incident, "id" | "parent">>(
  incidents: readonly T[],
): { readonly incident: T; readonly depth: number }[] {
  const ids = new Set(incidents.map(({ id }) => id));
  const below = Map.groupBy(incidents, ({ parent }) => (parent !== null && ids.has(parent) ? parent : null));
  const walk = (parent: string | null, depth: number): { readonly incident: T; readonly depth: number }[] =>
    depth > DEPTH_MAX
      ? []
      : (below.get(parent) ?? []).flatMap((incident) => [{ incident, depth }, ...walk(incident.id, depth + 1)]);
  return walk(null, 0);
}

/** A row of the list; what is a consequence is set in below its cause, and need not say whose. */
export function treeRow(
  { incident, depth }: { readonly incident: Incident; readonly depth: number },
  now: number,
): string[] {
  if (depth === 0) return row(incident, now);
  const [id = "", ...rest] = row({ ...incident, parent: null }, now);
  return [`${"  ".repeat(depth - 1)}└ ${id}`, ...rest];
}

/** What of the tree stands on the page of one incident. */
export function treeLines({ incident, parent, children }: Detail): Line[] {
  const { total, standing } = children;
  return [
    ...(parent === null ? [] : [["Below", `${parent.id} ${parent.title}: ${incident.parentWhy ?? ""}`] satisfies Line]),
    ...(total === 0 ? [] : [["Below it", `${total} incidents, ${standing} of them stand`] satisfies Line]),
  ];
}

/** Those below it, the ones that stand first, each with why it is there. */
export function childrenTable({ incident: { id }, children: { items, total } }: Detail): string {
  const rows = items.map((child) => [
    child.id,
    child.priority,
    `${child.state.replace("_", " ")}${child.recoveredAt === null ? "" : ", recovered"}`,
    child.subject.site,
    subjectOf(child),
    child.parentWhy ?? "",
  ]);
  const more =
    total > items.length
      ? `… ${total - items.length} more: aislewatch incidents list --state all --parent ${id}\n`
      : "";
  return `${alignedTable([["BELOW IT", "PRI", "STATE", "SITE", "DEVICE", "WHY"], ...rows])}${more}`;
}
