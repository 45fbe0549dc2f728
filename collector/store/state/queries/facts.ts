/** What is known of incidents of the past in figures: triage asks for it by likeness, reports (reports.ts) add it up. */
import { type Kysely, type SqlBool, sql } from "kysely";
import type { Tables } from "../schema.ts";
import { slots, template } from "../template.ts";
import { none } from "./slots.ts";

/** The key first. */
const FACTS_COLUMNS = [
  "opened_at",
  "incident",
  "done_at",
  "site",
  "slot",
  "kind",
  "vendor",
  "model",
  "rule",
  "code",
  "marks",
  "restored_at",
  "detect_ms",
  "acknowledge_ms",
  "restore_ms",
  "resolve_ms",
  "resolve_unpaused_ms",
  "penalty_cents",
  "currency",
  "signals",
  "life_ms",
  "category",
  "component",
  "serial",
] as const satisfies (keyof Tables["incident_facts"])[];

/** What an incident is of stays as it was opened; SQLite would write the indexes on it anew, whether it changed or not. */
const FACTS_CHANGING = FACTS_COLUMNS.slice(2).filter((name) => name !== "site" && name !== "slot" && name !== "rule");

/** What triage looks at of an incident of the past; facts-row.ts reads it. */
const PAST_COLUMNS = [
  "incident",
  "opened_at",
  "done_at",
  "site",
  "slot",
  "component",
  "vendor",
  "model",
  "serial",
  "rule",
  "category",
  "code",
  "marks",
] as const satisfies (keyof Tables["incident_facts"])[];

export function factQueries(db: Kysely<Tables>) {
  const facts = slots<Omit<Tables["incident_facts"], "slot_no">>(...FACTS_COLUMNS);
  const factSlot = slots<{ slot: string }>("slot");
  const slotNumber = db.selectFrom("fact_slots").select("id").where(sql<SqlBool>`slot = ${facts.slot}`);
  const pastUntil = { until: 0, limit: 0 };
  const pastOfSlot = slots<{ slot: string } & typeof pastUntil>("slot", "until", "limit");
  const pastOfSerial = slots<{ serial: string } & typeof pastUntil>("serial", "until", "limit");
  const pastOfModel = slots<{ model: string; rule: string } & typeof pastUntil>("model", "rule", "until", "limit");
  const pastOfSite = slots<{ site: string; rule: string } & typeof pastUntil>("site", "rule", "until", "limit");
  const pastAt = slots<{ site: string; from: number } & typeof pastUntil>("site", "from", "until", "limit");
  const past = db.selectFrom("incident_facts").select(PAST_COLUMNS);
  const newestFirst = (query: typeof past, { until, limit: most }: typeof pastUntil): typeof past =>
    query.where("opened_at", "<=", until).orderBy("opened_at", "desc").orderBy("incident", "desc").limit(most);

  return {
    putFacts: template(
      facts,
      db
        .insertInto("incident_facts")
        .values({ ...facts, slot_no: slotNumber })
        .onConflict((conflict) =>
          conflict
            .columns(["opened_at", "incident"])
            .doUpdateSet((eb) =>
              Object.fromEntries(
                [...FACTS_CHANGING, "slot_no" as const].map((name) => [name, eb.ref(`excluded.${name}`)]),
              ),
            ),
        ),
    ),
    /** Before putFacts, which takes its number. */
    noteSlot: template(
      factSlot,
      db
        .insertInto("fact_slots")
        .values(factSlot)
        .onConflict((conflict) => conflict.column("slot").doNothing()),
    ),
    pastOfSlot: template(pastOfSlot, newestFirst(past.where("slot", "=", pastOfSlot.slot), pastOfSlot)),
    pastOfSerial: template(pastOfSerial, newestFirst(past.where("serial", "=", pastOfSerial.serial), pastOfSerial)),
    pastOfModel: template(
      pastOfModel,
      newestFirst(past.where("model", "=", pastOfModel.model).where("rule", "=", pastOfModel.rule), pastOfModel),
    ),
    pastOfSite: template(
      pastOfSite,
      newestFirst(past.where("site", "=", pastOfSite.site).where("rule", "=", pastOfSite.rule), pastOfSite),
    ),
    /** Along the rows themselves, a few minutes of all sites: an expression keeps the planner from the whole past of one. */
    pastAt: template(
      pastAt,
      newestFirst(
        past.where("opened_at", ">=", pastAt.from).where(sql<string>`${sql.ref("site")} || ''`, "=", pastAt.site),
        pastAt,
      ),
    ),
    firstOpened: template(
      none,
      db.selectFrom("incident_facts").select("opened_at").orderBy("opened_at").limit(sql<number>`1`),
    ),
  };
}
