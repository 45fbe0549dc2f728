/** Which incidents are marked for one action on all of them. Pure. */
import type { Incident } from "../api/types.ts";
import type { Row } from "./rows.ts";

/** What the collector takes in one request, and what a person can still mean. */
export const MARKED_MAX = 500;

export type Marks = ReadonlySet<string>;
export const NO_MARKS: Marks = new Set();

/** Marks it, or takes its mark away; when there are as many as there may be, nothing more is marked. */
export function toggled(marks: Marks, id: string): Marks {
  const next = new Set(marks);
  if (!next.delete(id) && next.size < MARKED_MAX) next.add(id);
  return next;
}

/** All that the rows show, from the top; or none, when all of them are marked. */
export function toggledAll(marks: Marks, rows: readonly Row[]): Marks {
  const shown = rows.flatMap((row) => (row.type === "incident" ? [row.key] : [])).slice(0, MARKED_MAX);
  return shown.length > 0 && shown.every((id) => marks.has(id)) ? NO_MARKS : new Set(shown);
}

/** Those that are marked and still listed, in the order of the board: nobody acts on what they don't see. */
export function markedOf(marks: Marks, rows: readonly Row[]): Incident[] {
  if (marks.size === 0) return [];
  return rows.flatMap((row) => (row.type === "incident" && marks.has(row.key) ? [row.incident] : []));
}
