/**
 * Rows in which people stand, for privacy (collector/privacy): found by a name or by age, given to whoever knows what a
 * record says, and written back, all in one transaction. What a row is about stays as it is: keys, order and columns
 * that queries sort by hold no names; the words that the incident list searches are made anew.
 *
 * What waits to be sent, and commands that wait for their answer, are held in memory by the collector and would be
 * written again as they were: they are left out and counted, until they are done.
 */
import { type CompiledQuery, type Kysely, type RawBuilder, sql } from "kysely";
import type { Incident } from "../../incidents/types.ts";
import type { Tables } from "./schema.ts";
import type { SqliteFile } from "./sqlite-file.ts";
import { asSqlValue } from "./template.ts";

export const PLACES = [
  "incident",
  "event",
  "notification",
  "attempt",
  "command",
  "audit",
  "gap_note",
  "token",
  "maintenance",
] as const;
export type Place = (typeof PLACES)[number];

/** One row: `record` has its texts by name; those that are JSON are parsed. */
export type PersonRow = {
  readonly place: Place;
  /** Of an event its incident and seq. */
  readonly key: readonly (string | number)[];
  readonly record: Readonly<Record<string, unknown>>;
  /** When it was written, Unix ms; null where a place has no time. */
  readonly at: number | null;
};

/** What is to be written instead, or null for nothing. */
export type Rewrite = (row: PersonRow) => Readonly<Record<string, unknown>> | null;

/**
 * Rows in which one of these names stands, whatever its case; those of one incident; or those of a place that were
 * written before `until`, in the order of writing, after the one with the number `after`.
 */
export type Selection =
  | { readonly names: readonly string[] }
  | { readonly incident: string }
  | { readonly place: Place; readonly until: number; readonly after: number; readonly limit: number };

/** `last`: the number of the last old row, to go on after; null when there was none. */
export type Rewritten = { readonly seen: number; readonly changed: number; readonly last: number | null };

type Source = {
  readonly table: keyof Tables;
  readonly key: readonly string[];
  /** Columns of text; `body` is JSON. */
  readonly texts: readonly string[];
  /** Rows that memory has, too. */
  readonly done?: RawBuilder<unknown>;
  /** Of places that are walked by age: the column of a number that grows with time. */
  readonly number?: string;
  /** The column of the time, or where it is in the body. */
  readonly at?: { readonly column: string } | { readonly field: string };
};

const SOURCES: Readonly<Record<Place, Source>> = {
  incident: { table: "incidents", key: ["id"], texts: ["body"], at: { field: "openedAt" } },
  event: { table: "incident_events", key: ["incident", "seq"], texts: ["body"], at: { field: "at" } },
  notification: {
    table: "notifications",
    key: ["id"],
    texts: ["body"],
    done: sql`state != 'waiting'`,
    number: "id",
    at: { field: "createdAt" },
  },
  attempt: { table: "notification_attempts", key: ["id"], texts: ["body"], number: "id", at: { field: "at" } },
  command: {
    table: "commands",
    key: ["id"],
    texts: ["body"],
    done: sql`state != 'sent'`,
    number: "issued_at",
    at: { column: "issued_at" },
  },
  audit: { table: "audit", key: ["id"], texts: ["actor", "action", "detail"], number: "id", at: { column: "at" } },
  gap_note: { table: "gap_notes", key: ["id"], texts: ["by_whom", "text"], number: "id", at: { column: "at" } },
  token: { table: "tokens", key: ["token_hash"], texts: ["name"], at: { column: "created_at" } },
  maintenance: { table: "documents", key: ["name"], texts: ["body"], done: sql`name = 'maintenance'` },
};

type Row = Readonly<Record<string, string | number | null>>;

/** Within a transaction of the caller's. */
export function rewriteRows(
  file: SqliteFile,
  db: Kysely<Tables>,
  selection: Selection,
  rewrite: Rewrite,
  wordsOf: (incident: Incident) => string,
): Rewritten {
  let seen = 0;
  let changed = 0;
  let last: number | null = null;
  for (const place of placesOf(selection)) {
    const source = SOURCES[place];
    for (const row of rowsOf<Row>(file, selectionQuery(source, selection).compile(db))) {
      const record = Object.fromEntries(source.texts.map((name) => [name, parsed(name, row[name])]));
      const at = timeOf(source, row, record);
      if ("until" in selection && at !== null && at >= selection.until) break;
      seen++;
      if (source.number !== undefined) last = Number(row[source.number]);
      const next = rewrite({ place, key: source.key.map((name) => row[name] ?? ""), record, at });
      if (next === null) continue;
      changed++;
      const written = Object.fromEntries(Object.entries(next).map(([name, value]) => [name, asText(name, value)]));
      // The edge: an incident's body came from there, and a rewrite keeps a record's shape.
      if (place === "incident") written["words"] = wordsOf(next["body"] as Incident);
      runQuery(file, updateQuery(source, row, written).compile(db));
    }
  }
  return { seen, changed, last };
}

/** Those whose names were taken out, or the others; after this one. */
export type EndedPage = {
  readonly areNamesOut: boolean;
  readonly after: { readonly openedAt: number; readonly id: string } | null;
  readonly limit: number;
};

export function endedQuery(
  db: Kysely<Tables>,
  { areNamesOut, after, limit }: EndedPage,
): CompiledQuery<{ body: string }> {
  const ofSort = db.selectFrom("incidents").where("names_out", "=", areNamesOut ? 1 : 0);
  let rows = ofSort.select("body").where("is_open", "=", 0);
  if (after !== null) {
    rows = rows
      .where("opened_at", ">=", after.openedAt)
      .where((eb) => eb.or([eb("opened_at", ">", after.openedAt), eb("id", ">", after.id)]));
  }
  return rows.orderBy("opened_at").orderBy("id").limit(limit).compile();
}

/** Within a transaction of the caller's, as is the next. */
export function markNamesOut(file: SqliteFile, db: Kysely<Tables>, incident: string): void {
  runQuery(file, db.updateTable("incidents").set({ names_out: 1 }).where("id", "=", incident).compile());
}

export function removeIncident(file: SqliteFile, db: Kysely<Tables>, incident: string): void {
  runQuery(file, db.deleteFrom("incident_events").where("incident", "=", incident).compile());
  runQuery(file, db.deleteFrom("notification_attempts").where("incident", "=", incident).compile());
  const sent = db.deleteFrom("notifications").where("incident", "=", incident).where("state", "!=", "waiting");
  runQuery(file, sent.compile());
  runQuery(file, db.deleteFrom("incidents").where("id", "=", incident).compile());
}

function placesOf(selection: Selection): readonly Place[] {
  if ("names" in selection) return PLACES;
  return "incident" in selection ? ["incident", "event"] : [selection.place];
}

function timeOf({ at }: Source, row: Row, { body }: Readonly<Record<string, unknown>>): number | null {
  if (at === undefined) return null;
  if ("column" in at) return Number(row[at.column]);
  const time =
    typeof body === "object" && body !== null ? Object.entries(body).find(([name]) => name === at.field) : null;
  return typeof time?.[1] === "number" ? time[1] : null;
}

function selectionQuery({ table, key, texts, done, number, at }: Source, selection: Selection): RawBuilder<unknown> {
  const times = at !== undefined && "column" in at ? [at.column] : [];
  const columns = [...new Set([...key, ...texts, ...times, ...(number === undefined ? [] : [number])])];
  const head = sql`select ${sql.join(columns.map((name) => sql.ref(name)))} from ${sql.table(table)}`;
  const free = done ?? sql`1 = 1`;
  if ("names" in selection) return sql`${head} where ${free} and (${mentions(texts, selection.names)})`;
  if ("incident" in selection) {
    return sql`${head} where ${sql.ref(table === "incidents" ? "id" : "incident")} = ${selection.incident}`;
  }
  if (number === undefined) throw new Error(`${table} is not walked by age`);
  const place = sql.ref(number);
  return sql`${head} where ${free} and ${place} > ${selection.after} order by ${place} limit ${selection.limit}`;
}

const mentions = (columns: readonly string[], names: readonly string[]): RawBuilder<unknown> =>
  sql.join(
    columns.flatMap((column) => names.map((name) => sql`${sql.ref(column)} like ${likeOf(name)}`)),
    sql` or `,
  );

/**
 * A pattern that finds the name however its letters are written: LIKE knows the case of ASCII only, and JSON escapes
 * some characters, so any other one stands for whatever is there. It may find too much; who looks at the record knows.
 */
function likeOf(name: string): string {
  const letters = Array.from(name, (letter) => (/[a-zA-Z0-9 .@-]/.test(letter) ? letter : "%"));
  return `%${letters.join("").replace(/%+/g, "%")}%`;
}

function updateQuery(source: Source, row: Row, written: Readonly<Record<string, string>>): RawBuilder<unknown> {
  const sets = Object.entries(written).map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  const which = source.key.map((name) => sql`${sql.ref(name)} = ${row[name]}`);
  return sql`update ${sql.table(source.table)} set ${sql.join(sets)} where ${sql.join(which, sql` and `)}`;
}

const parsed = (name: string, value: string | number | null | undefined): unknown =>
  name === "body" && typeof value === "string" ? JSON.parse(value) : value;
const asText = (name: string, value: unknown): string => (name === "body" ? JSON.stringify(value) : String(value));

const rowsOf = <T>(file: SqliteFile, { sql: text, parameters }: CompiledQuery): T[] =>
  file.rows<T>(text, parameters.map(asSqlValue));
const runQuery = (file: SqliteFile, { sql: text, parameters }: CompiledQuery): void => {
  file.rows(text, parameters.map(asSqlValue));
};
