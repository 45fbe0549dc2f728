/**
 * Long lists, a page at a time, each after a place in an order that writes do not move: what is new comes before the
 * first page of a list of the newest, and after the last of a walk from the oldest, so nothing is met twice or passed over.
 */
import { type CompiledQuery, type Kysely, sql } from "kysely";
import { type StoredEvent, upcastEvent } from "../../incidents/upcast.ts";
import type { Tables } from "./schema.ts";
import type { SqliteFile } from "./sqlite-file.ts";
import type { AuditRecord, CommandRecord, Pages } from "./store.ts";
import { asSqlValue } from "./template.ts";

const LIMIT_MAX = 2_000;

export function createPages(file: SqliteFile, db: Kysely<Tables>): Pages {
  const rows = <T>({ sql: text, parameters }: CompiledQuery<T>): T[] => file.rows<T>(text, parameters.map(asSqlValue));
  const bounded = (limit: number): number => Math.min(LIMIT_MAX, Math.max(0, Math.floor(limit)));
  const audit = () => db.selectFrom("audit").select(["id", "at", "actor", "action", "detail"]);
  const placedAudit = ({ id, ...record }: AuditRecord & { id: number }) => ({ place: id, record });
  return {
    audit(before, limit) {
      const from = before === null ? audit() : audit().where("id", "<", before);
      return rows(from.orderBy("id", "desc").limit(bounded(limit)).compile()).map(placedAudit);
    },
    auditAfter(after, limit) {
      return rows(audit().where("id", ">", after).orderBy("id").limit(bounded(limit)).compile()).map(placedAudit);
    },
    commands(of, before, limit) {
      let some = db.selectFrom("commands").select(["issued_at", "id", "body"]);
      if (of !== null) some = some.where("site", "=", of.site).where("agent", "=", of.agent);
      if (before !== null) some = some.where(sql<boolean>`(issued_at, id) < (${before[0]}, ${before[1]})`);
      const found = rows(some.orderBy("issued_at", "desc").orderBy("id", "desc").limit(bounded(limit)).compile());
      return found.map(({ issued_at, id, body }) => ({
        place: [issued_at, id],
        record: JSON.parse(body) as CommandRecord,
      }));
    },
    deviceEvents({ site, device }, before, limit) {
      let some = db.selectFrom("device_events").selectAll().where("site", "=", site);
      if (device !== null) some = some.where("device", "=", device);
      if (before !== null) some = some.where(sql<boolean>`(at, id) < (${before[0]}, ${before[1]})`);
      const found = rows(some.orderBy("at", "desc").orderBy("id", "desc").limit(bounded(limit)).compile());
      return found.map(({ id, recorded_at: recordedAt, ...row }) => ({
        place: [row.at, id],
        record: { ...row, recordedAt },
      }));
    },
    incidentEvents([incident, seq], limit) {
      const some = db
        .selectFrom("incident_events")
        .select(["incident", "body"])
        .where(sql<boolean>`(incident, seq) > (${incident}, ${seq})`)
        .orderBy("incident")
        .orderBy("seq")
        .limit(bounded(limit));
      return rows(some.compile()).map((row) => ({
        incident: row.incident,
        event: upcastEvent(JSON.parse(row.body) as StoredEvent),
      }));
    },
  };
}
