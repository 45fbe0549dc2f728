/** What a profile needs of a device, so that a poll asks for that and for nothing else. */

import type { Expression, Profile, TextSource } from "./profile.ts";
import { boundTo } from "./profile-bind.ts";
import { evaluate, scopeOf } from "./profile-evaluate.ts";
import type { SnmpReply } from "./snmp-reply.ts";

export type ProfileOids = {
  /** Scalars, for GET. */
  readonly gets: readonly string[];
  /** Tables, for GETBULK: the columns of one share their row index. Some only say who the device is. */
  readonly walks: readonly TableWalk[];
};

export type TableWalk = {
  readonly table: string;
  readonly columns: readonly string[];
  readonly maxRows: number;
  readonly identityOnly: boolean;
  /** Those of `columns` that stay as they are while the rows are the same. */
  readonly statics: readonly string[];
  /** Columns, of another table, that change when something was entered here; null when nothing tells. */
  readonly gate: readonly string[] | null;
};

/** `sysObjectID` is the device's, for OIDs that are said relative to it. */
export function profileOids(family: Profile, sysObjectID: string): ProfileOids {
  const profile = boundTo(family, sysObjectID);
  const gets = new Set<string>();
  for (const expression of exceptions(profile.quirks)) collect(expression, gets);
  for (const expression of Object.values(profile.metrics)) collect(expression, gets);
  for (const table of Object.values(profile.tables)) {
    for (const expression of [...table.where, ...Object.values(table.metrics)]) collect(expression, gets);
  }
  for (const sources of Object.values(profile.identity)) collectText(sources ?? [], gets);
  const measured = measuredTables(profile);
  const walks = Object.entries(profile.tables).map(([name, table]): TableWalk => {
    const gate = profile.tables[table.gate ?? ""];
    return {
      table: name,
      columns: [...new Set(Object.values(table.columns))],
      maxRows: table.max_rows,
      identityOnly: !measured.has(name),
      statics: table.static.flatMap((column) => table.columns[column] ?? []),
      gate: gate === undefined ? null : Object.values(gate.columns),
    };
  });
  return { gets: [...gets], walks };
}

/** The tables that a metric comes from, its own component's or over all rows. */
function measuredTables({ metrics, tables, quirks }: Profile): Set<string> {
  const own = Object.entries(tables).filter(([, table]) => Object.keys(table.metrics).length > 0);
  const named = new Set(own.map(([name]) => name));
  const expressions = [metrics, ...own.map(([, table]) => table.metrics)].flatMap((some) => Object.values(some));
  for (const expression of [...expressions, ...exceptions(quirks)]) collectTables(expression, named);
  for (const { gate } of Object.values(tables)) if (gate !== undefined) named.add(gate);
  for (const [, table] of own) {
    // What a component is called says nothing new from poll to poll, but the name must be there at every one.
    if (table.component?.row_of !== undefined) named.add(table.component.row_of.table);
  }
  return named;
}

/** What quirks put in the place of a profile's own. Which of them holds is known only once the device is. */
function exceptions(quirks: Profile["quirks"]): Expression[] {
  return quirks
    .flatMap(({ metrics, tables }) => [metrics, ...Object.values(tables).map((table) => table.metrics)])
    .flatMap((metrics) => Object.values(metrics))
    .filter((expression) => expression !== null);
}

function collectTables(expression: Expression, into: Set<string>): void {
  if (expression.rows !== undefined) into.add(expression.rows.table);
  for (const child of childrenOf(expression)) collectTables(child, into);
}

function collectText(sources: readonly TextSource[], into: Set<string>): void {
  for (const { oid } of sources) if (oid !== undefined) into.add(oid);
}

function collect(expression: Expression, into: Set<string>): void {
  const { oid, clock } = expression;
  if (oid !== undefined) into.add(oid);
  if (clock !== undefined) into.add(clock);
  for (const child of childrenOf(expression)) collect(child, into);
}

function childrenOf(expression: Expression): Expression[] {
  const { first, any, all, sum, product, difference, percent, not, rows, any_of, first_of, when } = expression;
  return [
    ...[any_of, first_of].flatMap((witnesses) => Object.values(witnesses ?? {})),
    ...(when === undefined ? [] : [when]),
    ...[first, any, all, sum, product, difference].flatMap((list) => list ?? []),
    ...(percent === undefined ? [] : [percent.part, percent.whole]),
    ...(not === undefined ? [] : [not]),
    ...(rows === undefined ? [] : [rows.of, ...(rows.where ?? [])]),
  ];
}

/**
 * Does a row of this table say that something is wrong? Such a table is asked for again at every poll: devices count
 * what they enter, and not all of them count what they take out.
 */
export function hasFinding(family: Profile, table: string, reply: SnmpReply): boolean {
  const profile = boundTo(family, textAt(reply, "1.3.6.1.2.1.1.2.0"));
  const found = new Set<Expression>();
  const expressions = [profile, ...profile.quirks].flatMap(({ metrics, tables }) => [
    ...Object.values(metrics),
    ...Object.values<{ readonly metrics: Readonly<Record<string, Expression | null>> }>(tables).flatMap((one) =>
      Object.values(one.metrics),
    ),
  ]);
  for (const expression of expressions) if (expression !== null) collectRows(expression, table, found);
  const scope = scopeOf(profile, reply);
  return [...found].some((expression) => evaluate(expression, scope) === true);
}

const textAt = ({ varbinds }: SnmpReply, oid: string): string => String(varbinds[oid]?.value ?? "");

function collectRows(expression: Expression, table: string, into: Set<Expression>): void {
  if (expression.rows?.table === table && expression.rows.take === "any") into.add(expression);
  for (const child of childrenOf(expression)) collectRows(child, table, into);
}

/** The metrics that a device of this profile may report, its components' included. */
export function profileMetrics(profile: Profile): string[] {
  const layers = [profile, ...profile.quirks];
  const tables = layers.flatMap((layer) => Object.values<{ readonly metrics: object }>(layer.tables));
  return [...new Set([...layers, ...tables].flatMap(({ metrics }) => Object.keys(metrics)))];
}
