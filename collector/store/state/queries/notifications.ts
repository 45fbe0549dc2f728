/** Who is to be told, who was, and every attempt; the log of attempts is built per call, because its filters differ. */
import type { CompiledQuery, Kysely } from "kysely";
import type { Tables } from "../schema.ts";
import type { AttemptFilter } from "../store.ts";
import { slots, template } from "../template.ts";
import { byId, keepNewest, limit, newest, none, type Row } from "./slots.ts";

export function notificationQueries(db: Kysely<Tables>) {
  const notification = slots<Row<"notifications">>("notification", "channel", "incident", "state", "body");
  const attempt = slots<Row<"notification_attempts">>("notification", "channel", "incident", "outcome", "body");
  const group = slots<Tables["notification_groups"]>("id", "body");
  const ofIncident = slots<{ incident: string; limit: number }>("incident", "limit");
  const named = slots<{ notification: string; channel: string }>("notification", "channel");
  const ofChannel = slots<{ channel: string; limit: number }>("channel", "limit");

  return {
    putNotification: template(
      notification,
      db
        .insertInto("notifications")
        .values(notification)
        .onConflict((conflict) =>
          conflict
            .columns(["notification", "channel"])
            .doUpdateSet((eb) => ({ state: eb.ref("excluded.state"), body: eb.ref("excluded.body") })),
        ),
    ),
    /** What is still to be sent stays, however old. */
    trimNotifications: template(
      keepNewest,
      db.deleteFrom("notifications").where("state", "!=", "waiting").where("id", "<=", newest(db, "notifications")),
    ),
    waitingNotifications: template(
      none,
      db.selectFrom("notifications").select("body").where("state", "=", "waiting").orderBy("id"),
    ),
    notification: template(
      named,
      db
        .selectFrom("notifications")
        .select("body")
        .where("notification", "=", named.notification)
        .where("channel", "=", named.channel),
    ),
    notificationsOf: template(
      ofIncident,
      db
        .selectFrom("notifications")
        .select("body")
        .where("incident", "=", ofIncident.incident)
        .orderBy("id", "desc")
        .limit(ofIncident.limit),
    ),
    putNotificationGroup: template(
      group,
      db
        .insertInto("notification_groups")
        .values(group)
        .onConflict((conflict) => conflict.column("id").doUpdateSet((eb) => ({ body: eb.ref("excluded.body") }))),
    ),
    removeNotificationGroup: template(byId, db.deleteFrom("notification_groups").where("id", "=", byId.id)),
    notificationGroups: template(none, db.selectFrom("notification_groups").select("body").orderBy("id")),
    addAttempt: template(attempt, db.insertInto("notification_attempts").values(attempt)),
    trimAttempts: template(
      keepNewest,
      db.deleteFrom("notification_attempts").where("id", "<=", newest(db, "notification_attempts")),
    ),
    attempts: template(
      limit,
      db.selectFrom("notification_attempts").select("body").orderBy("id", "desc").limit(limit.limit),
    ),
    attemptsOfIncident: template(
      ofIncident,
      db
        .selectFrom("notification_attempts")
        .select("body")
        .where("incident", "=", ofIncident.incident)
        .orderBy("id", "desc")
        .limit(ofIncident.limit),
    ),
    attemptsOfChannel: template(
      ofChannel,
      db
        .selectFrom("notification_attempts")
        .select("body")
        .where("channel", "=", ofChannel.channel)
        .orderBy("id", "desc")
        .limit(ofChannel.limit),
    ),
  };
}

/** Attempts to deliver, newest first, after the one with the number `before`; one more than asked for, so that the end is known. */
export function attemptList(
  db: Kysely<Tables>,
  { incident, channel, outcome }: AttemptFilter,
  page: { readonly limit: number; readonly before: number | null },
): CompiledQuery<{ id: number; body: string }> {
  let rows = db.selectFrom("notification_attempts").select(["id", "body"]);
  if (incident !== undefined) rows = rows.where("incident", "=", incident);
  if (channel !== undefined) rows = rows.where("channel", "=", channel);
  if (outcome !== undefined) rows = rows.where("outcome", "=", outcome);
  if (page.before !== null) rows = rows.where("id", "<", page.before);
  return rows
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .compile();
}
