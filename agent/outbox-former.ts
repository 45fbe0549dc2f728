/**
 * What can still be said of outbox files that were set aside. Their batches are lost, but the collector must hear which
 * numbers those were: what was written while it was away it never heard of, and would take for nothing. So the file that
 * is begun instead keeps, in `meta`, which epochs ended with a damaged file and how far their lanes went, and every status
 * says so (`outbox.former`), until the first ack of a batch of the new file: the collector commits what a status told
 * before any batch that came after it.
 *
 * It is read from all files that lie aside whenever a new file begins, and not handed over by whom set them aside, so that
 * a kill between the two loses nothing. The collector only ever raises what it knows, so that a repeat changes nothing.
 */
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type FormerOutbox, formerOutboxesSchema, isId, type Lane, LIMITS } from "@aislewatch/contract";
import { LANE_NUMBER } from "./outbox-thinning.ts";

/** Broken files kept for a person to look at. */
export const SET_ASIDE_MAX = 3;

export const asideName = (folder: string, n: number): string => join(folder, `outbox.corrupt-${n}`);

/** What all files that lie aside tell, each epoch once, the newest last; those beyond the bound of a status are left out. */
export function formerOutboxes(folder: string): readonly FormerOutbox[] {
  const found = new Map<string, FormerOutbox>();
  for (let n = 1; n <= SET_ASIDE_MAX; n++) {
    const file = asideName(folder, n);
    if (!existsSync(file)) continue;
    for (const one of readAside(file)) found.set(one.epoch, one);
  }
  return [...found.values()].slice(-LIMITS.formerOutboxesMax);
}

/** As `meta` holds them; none for what is not that. */
export function parseFormer(text: unknown): readonly FormerOutbox[] {
  if (typeof text !== "string") return [];
  try {
    const parsed = formerOutboxesSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

/** With an epoch that the file has left: what waits in it goes on under other numbers. */
export function withRenumbered(
  former: readonly FormerOutbox[],
  { epoch, lastSeq }: { readonly epoch: string; readonly lastSeq: Readonly<Record<Lane, number>> },
): readonly FormerOutbox[] {
  const end = (last: number): { first: number; last: number } => ({ first: last + 1, last });
  const lanes = { live: end(lastSeq.live), history: end(lastSeq.history) };
  const others = former.filter((one) => one.epoch !== epoch);
  return [...others, { epoch, lanes, renumbered: true as const }].slice(-LIMITS.formerOutboxesMax);
}

/** The file's own epoch, after those that it had still to tell of itself. */
function readAside(file: string): readonly FormerOutbox[] {
  try {
    return withReadOnly(file, (db) => readDamaged(db) ?? [unknown(file)]);
  } catch {
    return [unknown(file)];
  }
}

/** Reads in a file that may be damaged, and leaves nothing behind; throws what SQLite throws. */
export function withReadOnly<T>(file: string, read: (db: DatabaseSync) => T): T {
  // biome-ignore lint/correctness/useYield: there is but one step.
  const { value } = readOnlyInSteps(file, function* (db): Generator<never, T> {
    return read(db);
  }).next();
  return value as T;
}

/** The same, a step at a time. */
export function* readOnlyInSteps<T>(
  file: string,
  read: (db: DatabaseSync) => Generator<void, T, void>,
): Generator<void, T, void> {
  const hadLog = existsSync(`${file}-wal`);
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    return yield* read(db);
  } finally {
    db?.close();
    // Who only reads leaves behind what it made to read.
    rmSync(`${file}-shm`, { force: true });
    if (!hadLog) rmSync(`${file}-wal`, { force: true });
  }
}

/** Null when what matters can't be read. */
function readDamaged(db: DatabaseSync): readonly FormerOutbox[] | null {
  const meta = (key: string): unknown =>
    tryRead(() => db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"]);
  const epoch = meta("epoch");
  if (typeof epoch !== "string" || !isId(epoch)) return null;
  const span = (lane: Lane): { first: number; last: number } | null => {
    const of = (column: string, order: string): unknown =>
      tryRead(() => {
        const sql = `SELECT ${column} AS n FROM batch WHERE lane = ? ORDER BY seq ${order} LIMIT 1`;
        return db.prepare(sql).get(LANE_NUMBER[lane])?.["n"];
      });
    const lasts = [meta(`last_${lane}`), of("seq", "DESC")].filter(isSeq);
    if (lasts.length === 0) return null;
    const last = Math.max(...lasts);
    const waiting = of("from_seq", "ASC");
    // Only a collector that knows nothing of the epoch begins there.
    return { first: isSeq(waiting) ? Math.max(1, Math.min(waiting, last + 1)) : 1, last };
  };
  const [live, history] = [span("live"), span("history")];
  if (live === null || history === null) return null;
  return [...parseFormer(meta("former")), { epoch, lanes: { live, history } }];
}

/** A name of its own, and the same whenever the file is read again. */
function unknown(file: string): FormerOutbox {
  const { mtimeMs, size } = statSync(file);
  return { epoch: `unreadable-${Math.floor(mtimeMs).toString(36)}-${size.toString(36)}` };
}

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Of a damaged file one page may be readable and the next not. */
function tryRead(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
