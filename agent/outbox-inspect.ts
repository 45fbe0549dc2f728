/** The outbox file of an agent that does not run, as `doctor` looks at it: what waits in it, and whether it is sound. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "@aislewatch/base";
import { asideName, SET_ASIDE_MAX, withReadOnly } from "./outbox-former.ts";
import { SCHEMA_VERSION } from "./outbox-schema.ts";

export type OutboxLook = {
  readonly bytes: number;
  readonly batches: number;
  /** Of the oldest reading in it, Unix ms. */
  readonly oldestAt: number | null;
  /** `unchecked`: larger than what is read in the time that somebody waits. */
  readonly verdict: "sound" | "unchecked" | { readonly damage: string } | { readonly newerSchema: number };
};

/** A file of this size is read in about a second. */
const CHECKED_BYTES_MAX = 512 * 2 ** 20;

/** Null when there is none yet. Only under the folder's lock: it takes away SQLite's files beside it. Never throws. */
export function lookAtOutbox(folder: string): OutboxLook | null {
  const file = join(folder, "outbox.db");
  if (!existsSync(file)) return null;
  const { size: bytes } = statSync(file);
  const nothing = { bytes, batches: 0, oldestAt: null };
  try {
    return withReadOnly(file, (db) => {
      const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
      if (version > SCHEMA_VERSION) return { ...nothing, verdict: { newerSchema: version } };
      const row = db.prepare("SELECT count(*) AS batches, min(from_at) AS oldest FROM batch").get();
      const oldest = row?.["oldest"];
      const held = { bytes, batches: Number(row?.["batches"]), oldestAt: typeof oldest === "number" ? oldest : null };
      if (bytes > CHECKED_BYTES_MAX) return { ...held, verdict: "unchecked" };
      const checked = String(Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0]);
      return { ...held, verdict: checked === "ok" ? "sound" : { damage: checked } };
    });
  } catch (thrown) {
    return { ...nothing, verdict: { damage: errorText(thrown) } };
  }
}

/** Damaged files that were set aside and still lie there. */
export const filesAside = (folder: string): string[] =>
  Array.from({ length: SET_ASIDE_MAX }, (_, n) => asideName(folder, n + 1)).filter((file) => existsSync(file));
