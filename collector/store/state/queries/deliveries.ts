/** What came of every lane of every epoch: watermarks, the ledger, what is missing and why, what came late. */
import type { Kysely } from "kysely";
import type { Tables } from "../schema.ts";
import { slots, template } from "../template.ts";
import { keepNewest, lane, newest, none, ofAgent, type Row } from "./slots.ts";

const LEDGER_FIGURES = [
  "first_seq",
  "seq",
  "announced",
  "batches",
  "late",
  "samples",
  "repeats",
  "thinned_batches",
  "thinned_samples",
  "lost_batches",
  "last_at",
] as const;

export function deliveryQueries(db: Kysely<Tables>) {
  const watermark = slots<Tables["watermarks"]>(...lane, "seq");
  const gap = slots<Row<"gaps">>(...lane, "from_seq", "to_seq", "at", "reason");
  const latePart = slots<{ site: string; agent: string; part: string }>("site", "agent", "part");
  const late = slots<Tables["late"]>("site", "agent", "part", "body");
  const ledger = slots<Tables["ledger"]>(...lane, ...LEDGER_FIGURES);
  const thinned = slots<Row<"thinned">>(...lane, "from_seq", "to_seq", "from_at", "to_at", "samples", "reason", "at");
  const gapNote = slots<Row<"gap_notes">>(...lane, "from_seq", "to_seq", "at", "by_whom", "text");
  const folded = slots<Tables["folded_epochs"]>("site", "agent", "epoch", "at");
  const ofEpoch = slots<{ site: string; agent: string; epoch: string }>("site", "agent", "epoch");

  return {
    putWatermark: template(
      watermark,
      db
        .insertInto("watermarks")
        .values(watermark)
        .onConflict((conflict) =>
          conflict
            .columns([...lane])
            .doUpdateSet((eb) => ({ seq: eb.ref("excluded.seq") }))
            .whereRef("excluded.seq", ">", "watermarks.seq"),
        ),
    ),
    watermarks: template(none, db.selectFrom("watermarks").selectAll().orderBy("site").orderBy("agent")),
    dropWatermarks: template(
      ofEpoch,
      db
        .deleteFrom("watermarks")
        .where("site", "=", ofEpoch.site)
        .where("agent", "=", ofEpoch.agent)
        .where("epoch", "=", ofEpoch.epoch),
    ),
    addGap: template(
      gap,
      db
        .insertInto("gaps")
        .values(gap)
        .onConflict((conflict) => conflict.columns([...lane, "from_seq", "to_seq"]).doNothing()),
    ),
    trimGaps: template(keepNewest, db.deleteFrom("gaps").where("id", "<=", newest(db, "gaps"))),
    gaps: template(none, db.selectFrom("gaps").selectAll().orderBy("id")),
    putLedger: template(
      ledger,
      db
        .insertInto("ledger")
        .values(ledger)
        .onConflict((conflict) =>
          conflict
            .columns([...lane])
            .doUpdateSet((eb) => Object.fromEntries(LEDGER_FIGURES.map((name) => [name, eb.ref(`excluded.${name}`)]))),
        ),
    ),
    dropLedger: template(
      ofEpoch,
      db
        .deleteFrom("ledger")
        .where("site", "=", ofEpoch.site)
        .where("agent", "=", ofEpoch.agent)
        .where("epoch", "=", ofEpoch.epoch),
    ),
    ledger: template(none, db.selectFrom("ledger").selectAll().orderBy("site").orderBy("agent")),
    putFolded: template(
      folded,
      db
        .insertInto("folded_epochs")
        .values(folded)
        .onConflict((conflict) => conflict.columns(["site", "agent", "epoch"]).doUpdateSet({ at: folded.at })),
    ),
    dropFolded: template(
      ofEpoch,
      db
        .deleteFrom("folded_epochs")
        .where("site", "=", ofEpoch.site)
        .where("agent", "=", ofEpoch.agent)
        .where("epoch", "=", ofEpoch.epoch),
    ),
    foldedEpochs: template(
      none,
      db.selectFrom("folded_epochs").select(["site", "agent", "epoch"]).orderBy("at").orderBy("epoch"),
    ),
    addThinned: template(thinned, db.insertInto("thinned").values(thinned)),
    trimThinned: template(keepNewest, db.deleteFrom("thinned").where("id", "<=", newest(db, "thinned"))),
    thinned: template(none, db.selectFrom("thinned").selectAll().orderBy("id")),
    addGapNote: template(gapNote, db.insertInto("gap_notes").values(gapNote)),
    trimGapNotes: template(keepNewest, db.deleteFrom("gap_notes").where("id", "<=", newest(db, "gap_notes"))),
    gapNotes: template(none, db.selectFrom("gap_notes").selectAll().orderBy("id")),
    putLate: template(
      late,
      db
        .insertInto("late")
        .values(late)
        .onConflict((conflict) =>
          conflict.columns(["site", "agent", "part"]).doUpdateSet((eb) => ({ body: eb.ref("excluded.body") })),
        ),
    ),
    removeLatePart: template(
      latePart,
      db
        .deleteFrom("late")
        .where("site", "=", latePart.site)
        .where("agent", "=", latePart.agent)
        .where("part", "=", latePart.part),
    ),
    removeLate: template(
      ofAgent,
      db.deleteFrom("late").where("site", "=", ofAgent.site).where("agent", "=", ofAgent.agent),
    ),
    late: template(none, db.selectFrom("late").selectAll().orderBy("site").orderBy("agent").orderBy("part")),
  };
}
