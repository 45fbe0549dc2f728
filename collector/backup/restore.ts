/**
 * `aislewatch restore`: a backup in the place of a data folder, or in a new one. Everything is unpacked and compared with
 * its manifest before anything of the old is touched (restore-places.ts says how they change places).
 */
import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@aislewatch/base";
import { lockFolder, sizeText } from "@aislewatch/runtime";
import { RESTORED_DOCUMENT, type Restored } from "../restored.ts";
import { lastIncidentIn, lookAtCopy, prepareRestored } from "../store/state/copy.ts";
import { BackupError, goOn, type OnProgress, readArchive } from "./archive.ts";
import { backupsIn, syncFolder } from "./create.ts";
import { contentBytes, type Manifest } from "./manifest.ts";
import {
  CONFIG_FOLDER,
  contentOf,
  freshFolder,
  giveToOwner,
  KEPT_PREFIX,
  RESTORE_FOLDER,
  STATE_FILE,
  storesIn,
} from "./places.ts";
import { decideRestore, finishRestore } from "./restore-places.ts";

const ROOM_LEFT_BYTES = 64 * 2 ** 20;

export type RestoreOrder = {
  readonly file: string;
  /** The data folder to be. */
  readonly to: string;
  /** Instead of what is there, which is kept aside. */
  readonly force: boolean;
  /** A data folder that may say how far incidents went since, beside `to`; null: none is known. */
  readonly old: string | null;
  /** Given to an incident after the backup, as far as somebody knows; null: nobody does. */
  readonly lastIncident: number | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
};

export type RestoreDone = {
  readonly file: string;
  readonly to: string;
  readonly manifest: Manifest;
  /** Where what was there lies now. */
  readonly kept: string | null;
  /** Where the configuration of the backup lies, to be compared. */
  readonly config: string | null;
  /** Incidents go on after this number. */
  readonly lastIncident: number;
  /** False: incidents after the backup may have had the next numbers as well. */
  readonly areNumbersKnown: boolean;
};

/** The newest backup of a folder, or the file itself. */
export function backupFileOf(path: string): string {
  if (!existsSync(path)) throw new BackupError(`${path} is not there`);
  if (!statSync(path).isDirectory()) return path;
  const newest = backupsIn(path, true).at(-1);
  if (newest === undefined) throw new BackupError(`no backup in ${path}`);
  return join(path, newest);
}

/** Throws BackupError, StoreError, or what the disk says; what was there is then as it was. */
export async function restoreBackup(order: RestoreOrder): Promise<RestoreDone> {
  const { to } = order;
  const lock = lockFolder(to);
  if (!lock.ok) throw new BackupError(lock.error.detail);
  try {
    finishRestore(to);
    return await replace(order);
  } finally {
    lock.value.release();
  }
}

async function replace(order: RestoreOrder): Promise<RestoreDone> {
  const { file, to, force, clock, signal, onProgress } = order;
  const before = storesIn(to);
  const content = contentOf(to);
  if (content.length > 0 && !force) {
    throw new BackupError(
      `${to} is not empty (${content.slice(0, 3).join(", ")}): with --force its stores are kept aside, in ${to}/${KEPT_PREFIX}…`,
    );
  }
  const unpacked = join(to, RESTORE_FOLDER);
  freshFolder(unpacked);
  try {
    const manifest = await readArchive(file, unpacked, {
      ...{ signal, onProgress },
      onManifest: (found) => needRoom(to, contentBytes(found)),
    });
    const state = join(unpacked, "data", STATE_FILE);
    const { lastIncident } = lookAtCopy(state);
    const said = [to, order.old].map((one) => (one === null ? null : lastIncidentIn(join(one, STATE_FILE))));
    const known = [order.lastIncident, ...said].filter((one) => one !== null);
    const last = Math.max(lastIncident, ...known);
    const now = clock.now();
    const restored: Restored = { backupAt: manifest.at, restoredAt: now };
    const detail = `from the backup of ${new Date(manifest.at).toISOString()}; incidents go on after ${last}`;
    const note = {
      document: { name: RESTORED_DOCUMENT, text: JSON.stringify(restored) },
      audit: { at: now, actor: "cli", action: "restored", detail },
    };
    prepareRestored(state, note, last);
    giveToOwner(unpacked, to);
    syncBelow(unpacked);
    goOn(signal);
    const keptAs = before.length > 0 ? `${KEPT_PREFIX}${new Date(now).toISOString().replaceAll(/[-:]/g, "")}` : null;
    decideRestore(to, keptAs);
    syncFolder(to);
    finishRestore(to);
    syncFolder(to);
    const config = join(to, CONFIG_FOLDER);
    return {
      ...{ file, to, manifest, kept: keptAs === null ? null : join(to, keptAs) },
      config: existsSync(config) ? config : null,
      lastIncident: last,
      areNumbersKnown: known.length > 0,
    };
  } catch (thrown) {
    // Before the decision this removes what was unpacked; after it, it finishes.
    finishRestore(to);
    throw thrown;
  }
}

function needRoom(folder: string, bytes: number): void {
  const { bsize, bavail } = statfsSync(folder);
  if (bsize * bavail < bytes + ROOM_LEFT_BYTES)
    throw new BackupError(
      `${folder} has ${sizeText(bsize * bavail)} left, and ${sizeText(bytes + ROOM_LEFT_BYTES)} are needed`,
    );
}

/** Folders with what was made in them; the files were synced as they were written. */
function syncBelow(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) syncFolder(join(entry.parentPath, entry.name));
  syncFolder(folder);
}
