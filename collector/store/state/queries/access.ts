/** People, their sessions, tokens and links, what was done by whom, and the store's documents and counters. */
import type { Kysely } from "kysely";
import type { Tables } from "../schema.ts";
import { slots, template } from "../template.ts";
import { keepNewest, limit, newest, none, type Row } from "./slots.ts";

export function accessQueries(db: Kysely<Tables>) {
  const user = slots<Tables["users"]>("name", "role", "password_hash", "created_at");
  const session = slots<Tables["sessions"]>("id_hash", "user_name", "created_at", "expires_at");
  const token = slots<Tables["tokens"]>("name", "token_hash", "role", "created_at");
  const link = slots<Tables["login_links"]>("token_hash", "user_name", "expires_at");
  const audit = slots<Row<"audit">>("at", "actor", "action", "detail");
  const document = slots<Tables["documents"]>("name", "body");
  const counter = slots<Tables["counters"]>("name", "value");
  const byName = slots<{ name: string }>("name");
  const byHash = slots<{ hash: string }>("hash");
  const byHashNow = slots<{ hash: string; now: number }>("hash", "now");

  return {
    putUser: template(
      user,
      db
        .insertInto("users")
        .values(user)
        .onConflict((conflict) =>
          conflict.column("name").doUpdateSet((eb) => ({
            role: eb.ref("excluded.role"),
            password_hash: eb.ref("excluded.password_hash"),
            created_at: eb.ref("excluded.created_at"),
          })),
        ),
    ),
    removeUser: template(byName, db.deleteFrom("users").where("name", "=", byName.name)),
    users: template(none, db.selectFrom("users").selectAll().orderBy("name")),
    putSession: template(
      session,
      db
        .insertInto("sessions")
        .values(session)
        .onConflict((conflict) =>
          conflict.column("id_hash").doUpdateSet((eb) => ({
            user_name: eb.ref("excluded.user_name"),
            created_at: eb.ref("excluded.created_at"),
            expires_at: eb.ref("excluded.expires_at"),
          })),
        ),
    ),
    /** `now` is when the new session began: what had ended by then goes. */
    removeEndedSessions: template(byHashNow, db.deleteFrom("sessions").where("expires_at", "<=", byHashNow.now)),
    session: template(
      byHashNow,
      db
        .selectFrom("sessions")
        .innerJoin("users", "users.name", "sessions.user_name")
        .select(["sessions.id_hash", "sessions.user_name", "sessions.created_at", "sessions.expires_at", "users.role"])
        .where("id_hash", "=", byHashNow.hash)
        .where("expires_at", ">", byHashNow.now),
    ),
    removeSession: template(byHash, db.deleteFrom("sessions").where("id_hash", "=", byHash.hash)),
    putToken: template(
      token,
      db
        .insertInto("tokens")
        .values(token)
        .onConflict((conflict) =>
          conflict.column("token_hash").doUpdateSet((eb) => ({
            name: eb.ref("excluded.name"),
            role: eb.ref("excluded.role"),
            created_at: eb.ref("excluded.created_at"),
          })),
        ),
    ),
    token: template(byHash, db.selectFrom("tokens").selectAll().where("token_hash", "=", byHash.hash)),
    putLink: template(link, db.insertInto("login_links").values(link)),
    takeLink: template(byHash, db.deleteFrom("login_links").where("token_hash", "=", byHash.hash).returningAll()),
    removeEndedLinks: template(byHashNow, db.deleteFrom("login_links").where("expires_at", "<=", byHashNow.now)),
    addAudit: template(audit, db.insertInto("audit").values(audit)),
    trimAudit: template(keepNewest, db.deleteFrom("audit").where("id", "<=", newest(db, "audit"))),
    audit: template(
      limit,
      db.selectFrom("audit").select(["at", "actor", "action", "detail"]).orderBy("id", "desc").limit(limit.limit),
    ),
    putDocument: template(
      document,
      db
        .insertInto("documents")
        .values(document)
        .onConflict((conflict) => conflict.column("name").doUpdateSet((eb) => ({ body: eb.ref("excluded.body") }))),
    ),
    document: template(byName, db.selectFrom("documents").select("body").where("name", "=", byName.name)),
    putCounter: template(
      counter,
      db
        .insertInto("counters")
        .values(counter)
        .onConflict((conflict) =>
          conflict
            .column("name")
            .doUpdateSet((eb) => ({ value: eb.ref("excluded.value") }))
            .whereRef("excluded.value", ">", "counters.value"),
        ),
    ),
    counter: template(byName, db.selectFrom("counters").select("value").where("name", "=", byName.name)),
  };
}
