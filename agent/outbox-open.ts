/**
 * Which file is the outbox of a folder. Normally `outbox.db` as it is. One that SQLite can't read is set aside as
 * `outbox.corrupt-N`, after what can be saved of it was written beside it: `outbox.saved.part` while that is going on,
 * `outbox.saved` when it is whole. At a kill between any two steps the next start finds one of these, and never both for one.
 */
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import { BrokenFile, isStorageError, type OutboxError, toError } from "./outbox-error.ts";
import { OutboxFile, type OutboxFileOptions, type SavedCounts } from "./outbox-file.ts";
import { asideName, SET_ASIDE_MAX } from "./outbox-former.ts";
import { reserveOf } from "./outbox-reserve.ts";
import { type KnownOutbox, type SavedOutbox, withSaved } from "./outbox-salvage.ts";

const LOGS = ["-wal", "-shm"] as const;
/** As it is, with the reserve given back, and with a damaged file out of the way. */
const TRIES_MAX = 3;

/**
 * What is left to do until there is a file, in steps of some ten milliseconds: of a damaged one that held a week a minute of
 * them. Who lets go of it before its end calls `return`, and finds at the next start what there was.
 */
export type Opening = Generator<void, Result<OutboxFile, OutboxError>, void>;

/** All steps at once. */
export function openOutboxFile(options: OutboxFileOptions): Result<OutboxFile, OutboxError> {
  const steps = opening(options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Opens the outbox of a folder; a file that SQLite can't read is set aside as `outbox.corrupt-N`, and one begun that has
 * what could be saved of it. `known`: of the file that this process had open just now.
 */
export function* opening(options: OutboxFileOptions, known: KnownOutbox | null = null): Opening {
  const path = pathOf(options.folder);
  let error: OutboxError = { kind: "io", detail: "not tried" };
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    try {
      if (tries > 0 && !(yield* giveWay(options, path, { error, known }))) break;
      finishSaving(options.folder, path);
      if (existsSync(path) && !statSync(path).isFile()) throw new BrokenFile("outbox.db is no file");
      // One that was set aside is told of as such, and not as deleted.
      return ok(new OutboxFile(path, tries === 0 ? options : { ...options, onGone: () => {} }));
    } catch (thrown) {
      error = toError(thrown);
    }
  }
  return err(error);
}

/** An outbox that is gone with the process. */
export function openMemoryOutbox(options: Omit<OutboxFileOptions, "folder">): OutboxFile {
  return new OutboxFile(":memory:", { ...options, folder: "" });
}

/** What may help another try: a full disk gets the reserve back, a broken file is moved away. */
function* giveWay(
  options: OutboxFileOptions,
  path: string,
  { error, known }: { readonly error: OutboxError; readonly known: KnownOutbox | null },
): Generator<void, boolean, void> {
  const { folder, onSetAside } = options;
  if (error.kind === "full" && existsSync(reserveOf(folder))) {
    rmSync(reserveOf(folder), { force: true });
    return true;
  }
  if (error.kind !== "broken") return false;
  const saved = yield* rebuild(options, (take) => withSaved(path, known, take));
  // Not as an argument: without anybody to tell it would never be evaluated, and the file stay where it is.
  const file = setAside(folder, path);
  onSetAside?.(file, error.detail, saved);
  return true;
}

type Saving = Generator<void, SavedCounts | null, void>;

/** A file beside the damaged one, of the same epoch; `outbox.saved` once it is whole. Null when there is nothing to save. */
function* rebuild(options: OutboxFileOptions, from: (take: (saved: SavedOutbox) => Saving) => Saving): Saving {
  const { lastKnown: _lastKnown, ...same } = options;
  const [whole, part] = [savedPath(options.folder), `${savedPath(options.folder)}.part`];
  try {
    for (const file of [whole, part]) remove(file);
    const counts = yield* from(function* (saved) {
      const { epoch } = saved;
      const beside = new OutboxFile(part, { ...same, newEpoch: () => epoch });
      try {
        const restored = yield* beside.restore(saved);
        return restored.ok ? restored.value : null;
      } finally {
        beside.close();
      }
    });
    if (counts !== null) renameSync(part, whole);
    return counts;
  } catch (thrown) {
    // A disk without room for both, or that takes no writes: the file is set aside as it is.
    if (!isStorageError(thrown) && !isFileError(thrown)) throw thrown;
    return null;
  } finally {
    remove(part);
  }
}

/**
 * Writes all that an open file holds into a new one, which takes the place of what is there now: nothing, or another file.
 * False when that can't be. The one that is open is to be let go of then.
 */
export function* saveAnew(file: OutboxFile, options: OutboxFileOptions): Generator<void, boolean, void> {
  const counts = yield* rebuild(options, function* (take) {
    const { saved } = file;
    return saved === null ? null : yield* take(saved);
  });
  const path = pathOf(options.folder);
  if (counts !== null && existsSync(path)) setAside(options.folder, path);
  return counts !== null;
}

/** What was saved takes the damaged file's place; after a kill between the two, at the next start. */
function finishSaving(folder: string, path: string): void {
  if (!existsSync(savedPath(folder))) return;
  if (existsSync(path)) {
    // Killed before the damaged one was out of the way: it will be found damaged again.
    rmSync(savedPath(folder));
    return;
  }
  // The log of the file that was there, which SQLite would take for this one's.
  for (const suffix of LOGS) rmSync(path + suffix, { force: true });
  renameSync(savedPath(folder), path);
}

const savedPath = (folder: string): string => join(folder, "outbox.saved");

const pathOf = (folder: string): string => join(folder, "outbox.db");

/** A database with its log. */
function remove(file: string): void {
  for (const suffix of ["", ...LOGS]) rmSync(file + suffix, { force: true });
}

/** Of the file system: its codes are words. */
const isFileError = (thrown: unknown): boolean =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" && "syscall" in thrown;

/** Moves the database with its log to the first free name; when all are taken, over the last. */
function setAside(folder: string, path: string): string {
  let name = "";
  for (let n = 1; n <= SET_ASIDE_MAX; n++) {
    name = asideName(folder, n);
    if (!existsSync(name)) break;
  }
  // With its log, which SQLite would take for that of the file that gets its name.
  for (const suffix of ["", "-wal"]) rmSync(name + suffix, { recursive: true, force: true });
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) renameSync(path + suffix, name + suffix);
  rmSync(`${path}-shm`, { force: true });
  return name;
}
