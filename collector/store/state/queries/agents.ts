/** Agents, what they sign in with, the commands they were given, and messages of theirs that could not be read. */
import { type Kysely, sql } from "kysely";
import type { Tables } from "../schema.ts";
import { slots, template } from "../template.ts";
import { byId, keepNewest, limit, newest, none, ofAgent, type Row } from "./slots.ts";

export function agentQueries(db: Kysely<Tables>) {
  const agent = slots<Tables["agents"]>("site", "agent", "online", "status", "last_seen_at", "judged_until");
  const command = slots<Tables["commands"]>("id", "issued_at", "site", "agent", "state", "body");
  const commandsOf = slots<{ site: string; agent: string; limit: number }>("site", "agent", "limit");
  const poison = slots<Row<"poison">>("site", "agent", "topic", "at", "reason", "bytes");
  const credential = slots<Tables["agent_credentials"]>("site", "agent", "password_hash");

  return {
    putAgent: template(
      agent,
      db
        .insertInto("agents")
        .values(agent)
        .onConflict((conflict) =>
          conflict.columns(["site", "agent"]).doUpdateSet((eb) => ({
            online: eb.ref("excluded.online"),
            status: eb.ref("excluded.status"),
            last_seen_at: eb.ref("excluded.last_seen_at"),
            judged_until: eb.ref("excluded.judged_until"),
          })),
        ),
    ),
    agents: template(none, db.selectFrom("agents").selectAll().orderBy("site").orderBy("agent")),
    removeAgent: template(
      ofAgent,
      db.deleteFrom("agents").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
    putCommand: template(
      command,
      db
        .insertInto("commands")
        .values(command)
        .onConflict((conflict) =>
          conflict
            .column("id")
            .doUpdateSet((eb) => ({ state: eb.ref("excluded.state"), body: eb.ref("excluded.body") })),
        ),
    ),
    /** All but the `limit` newest. */
    trimCommands: template(
      limit,
      db
        .deleteFrom("commands")
        .where("id", "not in", (eb) =>
          eb.selectFrom("commands").select("id").orderBy("issued_at", "desc").orderBy("id", "desc").limit(limit.limit),
        ),
    ),
    command: template(byId, db.selectFrom("commands").select("body").where("id", "=", byId.id)),
    commands: template(
      limit,
      db.selectFrom("commands").select("body").orderBy("issued_at", "desc").orderBy("id", "desc").limit(limit.limit),
    ),
    commandsOfAgent: template(
      commandsOf,
      db
        .selectFrom("commands")
        .select("body")
        .where("site", "=", commandsOf.site)
        .where("agent", "=", commandsOf.agent)
        .orderBy("issued_at", "desc")
        .orderBy("id", "desc")
        .limit(commandsOf.limit),
    ),
    addPoison: template(poison, db.insertInto("poison").values(poison)),
    trimPoison: template(keepNewest, db.deleteFrom("poison").where("id", "<=", newest(db, "poison"))),
    // Numbers are never used twice, so the greatest says how many there ever were.
    poisonCount: template(
      none,
      db.selectFrom("poison").select((eb) => eb.fn.coalesce(eb.fn.max("id"), sql<number>`0`).as("count")),
    ),
    putCredential: template(
      credential,
      db
        .insertInto("agent_credentials")
        .values(credential)
        .onConflict((conflict) =>
          conflict
            .columns(["site", "agent"])
            .doUpdateSet((eb) => ({ password_hash: eb.ref("excluded.password_hash") })),
        ),
    ),
    credentials: template(none, db.selectFrom("agent_credentials").selectAll().orderBy("site").orderBy("agent")),
    credential: template(
      ofAgent,
      db
        .selectFrom("agent_credentials")
        .selectAll()
        .where("site", "=", ofAgent.site)
        .where("agent", "=", ofAgent.agent),
    ),
    removeCredential: template(
      ofAgent,
      db.deleteFrom("agent_credentials").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
  };
}
