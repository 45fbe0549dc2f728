/** What a report walks over: incidents in figures, the time that devices stood, and the names of slots. Built per call. */
import { type CompiledQuery, type Kysely, type SqlBool, sql } from "kysely";
import { beginOf } from "../../../incidents/report.ts";
import { PRIORITIES } from "../../../incidents/types.ts";
import { type NamedBy, PRIORITY_BITS } from "../facts-row.ts";
import type { Tables } from "../schema.ts";
import type { ReportQuery } from "../store.ts";

const NAMED: readonly NamedBy[] = ["site", "kind", "vendor", "model", "rule"];

/**
 * What a report adds up, in the order in which factsReader (facts-row.ts) takes it. Those that were open at its end may be as old as
 * they like, so all rows until then are walked; the others are passed over.
 */
export function reportRows(
  db: Kysely<Tables>,
  query: ReportQuery,
): { readonly rows: CompiledQuery; readonly named: readonly NamedBy[] } {
  const { to, groupBy, tables = [], site, kind, priorities } = query;
  const from = beginOf(query);
  const named = NAMED.filter((by) => by === groupBy || tables.includes(by));
  let rows = db
    .selectFrom("incident_facts")
    .select(["opened_at", "done_at", "slot_no", "marks", "restored_at", "detect_ms", "acknowledge_ms"])
    .select(["restore_ms", "resolve_ms", "resolve_unpaused_ms", "penalty_cents", "currency", "signals", "life_ms"])
    .select([...named])
    .where("opened_at", "<", to)
    .where((eb) =>
      eb.or([
        eb("opened_at", ">=", from),
        eb("done_at", "is", null),
        eb("done_at", ">=", query.withBefore === true ? query.from : to),
      ]),
    );
  if (site !== undefined) rows = rows.where("site", "=", site);
  if (kind !== undefined) rows = rows.where("kind", "=", kind);
  if (priorities !== undefined) {
    const { shift, mask } = PRIORITY_BITS;
    const isOne = priorities.map(
      (one) => sql<SqlBool>`((${sql.ref("marks")} >> ${shift}) & ${mask}) = ${PRIORITIES.indexOf(one)}`,
    );
    rows = rows.where((eb) => eb.or(isOne));
  }
  return { rows: rows.compile(), named };
}

/** The spans of devices that lie in the time of a report, site by site; exposuresOf (incidents/exposure.ts) takes them. */
export function reportSpans(db: Kysely<Tables>, query: ReportQuery): CompiledQuery {
  const { to, site, kind } = query;
  let spans = db
    .selectFrom("device_spans")
    .leftJoin("fact_slots", (join) => join.on(sql<SqlBool>`fact_slots.slot = site || '/' || device`))
    .select(["site", "device", "since", "until", "kind", "vendor", "model", "fact_slots.id"])
    .where("since", "<", to)
    .where((eb) => eb.or([eb("until", "is", null), eb("until", ">", beginOf(query))]))
    .orderBy("site");
  if (site !== undefined) spans = spans.where("site", "=", site);
  if (kind !== undefined) spans = spans.where("kind", "=", kind);
  return spans.compile();
}

/** Names of slots, which rows have as numbers: as text in a million rows they would be a second of a report. */
export const reportSlots = (db: Kysely<Tables>, { groupBy, tables = [] }: ReportQuery): CompiledQuery | null =>
  groupBy === "slot" || tables.includes("slot") ? db.selectFrom("fact_slots").select(["id", "slot"]).compile() : null;
