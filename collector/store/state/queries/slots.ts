/** The placeholders that queries of several topics take, and what keeps a numbered table within its bound. */
import { type Kysely, sql } from "kysely";
import type { Tables } from "../schema.ts";
import { slots } from "../template.ts";

/** A row before it has its number. */
export type Row<Table extends keyof Tables> = Omit<Tables[Table], "id">;

/** Their `id` keeps the order of writing. */
type Numbered =
  | ("gaps" | "thinned" | "gap_notes" | "poison" | "audit")
  | ("notifications" | "notification_attempts" | "device_spans");

export const lane = ["site", "agent", "epoch", "lane"] as const;
export const none = slots<Record<never, never>>();
export const byId = slots<{ id: string }>("id");
export const ofAgent = slots<{ site: string; agent: string }>("site", "agent");
export const limit = slots<{ limit: number }>("limit");
export const keepNewest = slots<{ kept: number }>("kept");

/** The greatest number that is not among the `kept` newest. */
export const newest = (db: Kysely<Tables>, table: Numbered) =>
  db.selectFrom(table).select((eb) => sql<number>`${eb.fn.max("id")} - ${keepNewest.kept}`.as("last"));
