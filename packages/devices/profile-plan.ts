/** What a profile needs of a device, so that a poll asks for that and for nothing else. */
import type { Expression, Profile, TextSource } from "./profile.ts";

export type ProfileOids = {
  /** Scalars, for GET. */
  readonly gets: readonly string[];
  /** Tables, for GETBULK: the columns of one share their row index. */
  readonly walks: readonly { readonly columns: readonly string[]; readonly maxRows: number }[];
};

export function profileOids(profile: Profile): ProfileOids {
  const gets = new Set<string>();
  for (const expression of Object.values(profile.metrics)) collect(expression, gets);
  for (const table of Object.values(profile.tables)) {
    for (const expression of [...table.where, ...Object.values(table.metrics)]) collect(expression, gets);
  }
  for (const sources of Object.values(profile.identity)) collectText(sources ?? [], gets);
  const walks = Object.values(profile.tables).map(({ columns, max_rows }) => ({
    columns: [...new Set(Object.values(columns))],
    maxRows: max_rows,
  }));
  return { gets: [...gets], walks };
}

function collectText(sources: readonly TextSource[], into: Set<string>): void {
  for (const { oid } of sources) if (oid !== undefined) into.add(oid);
}

function collect(expression: Expression, into: Set<string>): void {
  const { oid, clock, first, any, all, sum, product, difference, percent, not, rows } = expression;
  if (oid !== undefined) into.add(oid);
  if (clock !== undefined) into.add(clock);
  for (const list of [first, any, all, sum, product, difference]) for (const child of list ?? []) collect(child, into);
  if (percent !== undefined) {
    collect(percent.part, into);
    collect(percent.whole, into);
  }
  if (not !== undefined) collect(not, into);
  if (rows !== undefined) for (const child of [rows.of, ...(rows.where ?? [])]) collect(child, into);
}

/** The metrics that a device of this profile may report, its components' included. */
export function profileMetrics(profile: Profile): string[] {
  const tables = Object.values(profile.tables).flatMap(({ metrics }) => Object.keys(metrics));
  return [...new Set([...Object.keys(profile.metrics), ...tables])];
}
