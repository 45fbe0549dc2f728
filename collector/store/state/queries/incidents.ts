/** Faults, incidents and their events; the incident list is built per call, because its filters differ. */
import { type CompiledQuery, type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from "kysely";
import type { ListOrder, ListPlace } from "../list-place.ts";
import type { Tables } from "../schema.ts";
import type { IncidentFilter } from "../store.ts";
import { slots, template } from "../template.ts";
import { byId, none } from "./slots.ts";

/** Of these states some or all are at their end. */
const ENDED_STATES: ReadonlySet<string> = new Set(["closed", "cancelled", "merged"]);

/** Words of a search that are looked at; a person types fewer. */
const SEARCH_WORDS_MAX = 8;

export function incidentQueries(db: Kysely<Tables>) {
  const faultKey = slots<Omit<Tables["faults"], "body">>("site", "device", "component", "rule");
  const fault = slots<Tables["faults"]>("site", "device", "component", "rule", "body");
  const incident = slots<Omit<Tables["incidents"], "kind" | "names_out">>(
    "id",
    "key",
    "site",
    "device",
    "state",
    "is_open",
    "recovered",
    "priority",
    "opened_at",
    "for_review",
    "parent",
    "words",
    "body",
  );
  const ofKey = slots<{ key: string; limit: number }>("key", "limit");
  const ofKeyAfter = slots<{ key: string; after: number; limit: number }>("key", "after", "limit");
  const event = slots<Tables["incident_events"]>("incident", "seq", "at", "type", "body");
  const eventOfType = slots<{ incident: string; type: string }>("incident", "type");
  const idsAfter = slots<{ after: string; limit: number }>("after", "limit");
  const kindOfDevice = slots<{ site: string; device: string; kind: string }>("site", "device", "kind");

  return {
    putFault: template(
      fault,
      db
        .insertInto("faults")
        .values(fault)
        .onConflict((conflict) =>
          conflict
            .columns(["site", "device", "component", "rule"])
            .doUpdateSet((eb) => ({ body: eb.ref("excluded.body") })),
        ),
    ),
    removeFault: template(
      faultKey,
      db
        .deleteFrom("faults")
        .where("site", "=", faultKey.site)
        .where("device", "=", faultKey.device)
        .where("component", "=", faultKey.component)
        .where("rule", "=", faultKey.rule),
    ),
    faults: template(none, db.selectFrom("faults").select("body").orderBy("site").orderBy("device").orderBy("rule")),
    putIncident: template(
      incident,
      db
        .insertInto("incidents")
        .values((eb) => ({
          ...incident,
          kind: eb
            .selectFrom("devices")
            .select("kind")
            .where("site", "=", incident.site)
            .where("id", "=", incident.device ?? ""),
        }))
        .onConflict((conflict) =>
          conflict.column("id").doUpdateSet((eb) => ({
            key: eb.ref("excluded.key"),
            site: eb.ref("excluded.site"),
            device: eb.ref("excluded.device"),
            kind: eb.fn.coalesce("incidents.kind", "excluded.kind"),
            state: eb.ref("excluded.state"),
            is_open: eb.ref("excluded.is_open"),
            recovered: eb.ref("excluded.recovered"),
            priority: eb.ref("excluded.priority"),
            opened_at: eb.ref("excluded.opened_at"),
            for_review: eb.ref("excluded.for_review"),
            parent: eb.ref("excluded.parent"),
            words: eb.ref("excluded.words"),
            body: eb.ref("excluded.body"),
          })),
        ),
    ),
    addEvent: template(event, db.insertInto("incident_events").values(event)),
    incident: template(byId, db.selectFrom("incidents").select("body").where("id", "=", byId.id)),
    incidentsOfKey: template(
      ofKey,
      db
        .selectFrom("incidents")
        .select("body")
        .where("key", "=", ofKey.key)
        .orderBy("opened_at", "desc")
        .orderBy("id", "desc")
        .limit(ofKey.limit),
    ),
    incidentsOfKeyAfter: template(
      ofKeyAfter,
      db
        .selectFrom("incidents")
        .select("body")
        .where("key", "=", ofKeyAfter.key)
        .where("opened_at", ">", ofKeyAfter.after)
        .orderBy("opened_at")
        .orderBy("id")
        .limit(ofKeyAfter.limit),
    ),
    incidentEvents: template(
      byId,
      db.selectFrom("incident_events").select("body").where("incident", "=", byId.id).orderBy("seq"),
    ),
    lastEventOfType: template(
      eventOfType,
      db
        .selectFrom("incident_events")
        .select("body")
        .where("incident", "=", eventOfType.incident)
        .where("type", "=", eventOfType.type)
        .orderBy("seq", "desc")
        .limit(sql<number>`1`),
    ),
    incidentIds: template(
      idsAfter,
      db.selectFrom("incidents").select("id").where("id", ">", idsAfter.after).orderBy("id").limit(idsAfter.limit),
    ),
    openIncidents: template(
      none,
      db.selectFrom("incidents").select(["key", "body"]).where("is_open", "=", 1).orderBy("id"),
    ),
    fillKind: template(
      kindOfDevice,
      db
        .updateTable("incidents")
        .set({ kind: kindOfDevice.kind })
        .where("site", "=", kindOfDevice.site)
        .where("device", "=", kindOfDevice.device)
        .where("kind", "is", null),
    ),
  };
}

/** One page of the list, one row more than asked to tell whether another page follows, and how many match in all. */
export function incidentList(
  db: Kysely<Tables>,
  filter: IncidentFilter,
  page: { readonly limit: number; readonly after: ListPlace | null; readonly order: ListOrder },
): { rows: CompiledQuery<{ body: string }>; total: CompiledQuery<{ total: number }> } {
  const matches = (eb: ExpressionBuilder<Tables, "incidents">): Expression<SqlBool> => eb.and(conditions(eb, filter));
  let rows = db.selectFrom("incidents").select("body").where(matches);
  const { after, order } = page;
  const isById = order === "id";
  if (after !== null && isById) rows = rows.where("id", ">", after.id);
  else if (after !== null) {
    // Without the plain bound on priority SQLite would not walk the index.
    rows = rows
      .where("priority", ">=", after.priority)
      .where((eb) =>
        eb.or([
          eb("priority", ">", after.priority),
          eb.and([eb("priority", "=", after.priority), eb("opened_at", "<", after.openedAt)]),
          eb.and([eb("priority", "=", after.priority), eb("opened_at", "=", after.openedAt), eb("id", ">", after.id)]),
        ]),
      );
  }
  return {
    rows: (isById ? rows : rows.orderBy("priority").orderBy("opened_at", "desc"))
      .orderBy("id")
      .limit(page.limit + 1)
      .compile(),
    total: db
      .selectFrom("incidents")
      .select((eb) => eb.fn.countAll<number>().as("total"))
      .where(matches)
      .compile(),
  };
}

function conditions(eb: ExpressionBuilder<Tables, "incidents">, filter: IncidentFilter): Expression<SqlBool>[] {
  const { states, priorities, site, device, kind, search, unrecovered, forReview, parent } = filter;
  const found: Expression<SqlBool>[] = [];
  if (states !== undefined) {
    // Says the same again in the index's words where it can.
    if (states.every((state) => !ENDED_STATES.has(state))) found.push(eb("is_open", "=", 1));
    found.push(states.length === 0 ? sql<SqlBool>`1 = 0` : eb("state", "in", [...states]));
  }
  if (priorities !== undefined) {
    found.push(priorities.length === 0 ? sql<SqlBool>`1 = 0` : eb("priority", "in", [...priorities]));
  }
  if (site !== undefined) found.push(eb("site", "=", site));
  if (device !== undefined) found.push(eb("device", "=", device));
  if (kind !== undefined) found.push(eb("kind", "=", kind));
  if (unrecovered === true) found.push(eb("recovered", "=", 0));
  if (forReview === true) found.push(eb("for_review", "=", 1));
  if (parent !== undefined) found.push(parent === null ? eb("parent", "is", null) : eb("parent", "=", parent));
  for (const word of searchWords(search ?? "")) {
    found.push(sql<SqlBool>`${eb.ref("words")} like ${`%${word.replace(/[\\%_]/g, "\\$&")}%`} escape '\\'`);
  }
  return found;
}

const searchWords = (search: string): string[] =>
  search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(0, SEARCH_WORDS_MAX);
