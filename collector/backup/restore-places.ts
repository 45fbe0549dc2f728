/**
 * How a restored folder takes the place of what was there. A data folder may be a mount, or one that its user may not
 * rename, so its content is exchanged by renames within it; they can't be one step, so they follow a journal:
 *
 *   1. all is unpacked, verified and synced in `restoring/`; until here a killed restore leaves the old as it was
 *   2. `restore.json` is renamed into place: from now on the new counts, and whoever comes next finishes
 *   3. `out`: the old is moved to `before-restore-…/`     4. `in`: the new is moved up
 *   5. the journal goes
 *
 * Every step may be done again, so a start after a kill (or a power cut) at any line ends in the same.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CONFIG_FOLDER, RESTORE_FOLDER, RESTORE_JOURNAL, readOrNull, storesIn, writeWhole } from "./places.ts";

const journalSchema = z.object({
  step: z.enum(["out", "in"]),
  /** Where what was there goes; null: there was nothing. */
  keptAs: z
    .string()
    .regex(/^before-restore-[\dTZ.]+$/)
    .nullable(),
});
type Journal = z.infer<typeof journalSchema>;

/** One was decided and killed: what is in the folder is neither the old nor the new. Only looks. */
export const isRestoreUnfinished = (folder: string): boolean => existsSync(join(folder, RESTORE_JOURNAL));

export type Finished = "nothing" | "removed" | "finished";

/** From here on the unpacked folder counts. Synced by the caller before and after. */
export function decideRestore(folder: string, keptAs: string | null): void {
  writeWhole(join(folder, RESTORE_JOURNAL), JSON.stringify({ step: "out", keptAs } satisfies Journal));
}

/**
 * Finishes a restore that was decided, removes one that was not. For whoever holds the folder's lock, before anything in
 * it is opened. `onStep` is called before each change, for tests that end there.
 */
export function finishRestore(folder: string, onStep: () => void = () => undefined): Finished {
  const journal = readJournal(folder);
  const unpacked = join(folder, RESTORE_FOLDER);
  if (journal === null) {
    if (!existsSync(unpacked)) return "nothing";
    onStep();
    rmSync(unpacked, { recursive: true, force: true });
    return "removed";
  }
  if (journal.step === "out") {
    if (journal.keptAs !== null) moveOut(folder, journal.keptAs, onStep);
    onStep();
    writeWhole(join(folder, RESTORE_JOURNAL), JSON.stringify({ ...journal, step: "in" } satisfies Journal));
  }
  for (const name of entriesOf(join(unpacked, "data"))) {
    onStep();
    rename(join(unpacked, "data", name), join(folder, name));
  }
  const config = join(unpacked, "config");
  if (existsSync(config)) {
    onStep();
    rename(config, join(folder, CONFIG_FOLDER));
  }
  onStep();
  rmSync(unpacked, { recursive: true, force: true });
  onStep();
  rmSync(join(folder, RESTORE_JOURNAL), { force: true });
  return "finished";
}

function moveOut(folder: string, keptAs: string, onStep: () => void): void {
  const kept = join(folder, keptAs);
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  for (const name of storesIn(folder)) {
    onStep();
    // Made by somebody between a kill and this: what was there before is what has to be kept.
    const isTaken = existsSync(join(kept, name));
    rename(join(folder, name), join(kept, isTaken ? `${name}.later` : name));
  }
}

/** Over what is there. */
function rename(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}

function readJournal(folder: string): Journal | null {
  const text = readOrNull(join(folder, RESTORE_JOURNAL));
  if (text === null) return null;
  // Written whole or not at all: what can't be read is not ours, and nothing is moved because of it.
  return journalSchema.parse(JSON.parse(text));
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
