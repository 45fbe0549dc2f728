/**
 * What backups and restores put into a data folder beside the stores. Each is whole or of no use: whoever comes next
 * removes it, or finishes it.
 */
import { chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export const STATE_FILE = "state.sqlite";
/** Of a backup under way: its lock, its request to the collector, and the copies of the stores. */
export const BACKUP_FOLDER = "backup-work";
/** What a restore unpacks, and puts into place once it is whole (restore-places.ts). */
export const RESTORE_FOLDER = "restoring";
export const RESTORE_JOURNAL = "restore.json";
/** Folders with what a restore with --force replaced. */
export const KEPT_PREFIX = "before-restore-";
/** The configuration that came with a backup, for a person to compare. */
export const CONFIG_FOLDER = "config-of-backup";

/** Is this no part of the stores? */
const isOurs = (name: string): boolean =>
  name === "lock" ||
  name.startsWith("lock.") ||
  [BACKUP_FOLDER, RESTORE_FOLDER, RESTORE_JOURNAL].includes(name) ||
  name.startsWith(`${RESTORE_JOURNAL}.`) ||
  name.startsWith(KEPT_PREFIX);

/** Everything that a collector makes in its data folder. */
const STORES = /^(?:state\.sqlite|timeseries\.duckdb|(?:timeseries|last-good|config-of-backup)$)/;

/** A name in a data folder. */
export const isStore = (name: string): boolean => STORES.test(name);

/** What stands in a data folder of stores; nothing when there is no such folder. */
export const storesIn = (folder: string): string[] => namesIn(folder).filter(isStore);

/** The same and everything else that is there; a file system's own folder is nobody's. */
export const contentOf = (folder: string): string[] =>
  namesIn(folder).filter((name) => !isOurs(name) && name !== "lost+found");

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whole, or as it was before. */
export function writeWhole(file: string, text: string): void {
  const draft = join(dirname(file), `${basename(file)}.new`);
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, file);
}

export function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** A fresh folder that the owner of the one above may write: root works for the collector's user here. */
export function freshFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  giveToOwner(folder, dirname(folder));
}

/** Root's files below `path` become those of whom `of` belongs to; anybody else's are their own already. */
export function giveToOwner(path: string, of: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(of);
  const all = statSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: "utf8" }) : [];
  for (const each of [path, ...all.map((name) => join(path, name))]) chownSync(each, uid, gid);
}

/** Of a file, or of all in and below a folder; 0 when it is not there. */
export function bytesOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true ? bytesBelow(path) : (found?.size ?? 0);
}

/** Bytes of the files in and below it. */
export function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => {
        return sum + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0);
      }, 0);
  } catch {
    return 0;
  }
}
