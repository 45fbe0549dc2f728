/**
 * The database of an outbox file: its tables, its versions, how it lies on the disk, and whether it is sound when it is
 * opened. `batch` has a row for each batch that waits, `dictionary` what their bodies are packed with (outbox-codec.ts),
 * and `meta` the few facts about the file itself.
 */
import { DatabaseSync } from "node:sqlite";
import { BrokenFile } from "./outbox-error.ts";

/**
 * A commit writes whole pages to the log, four of which change with each batch and four more with its ack: a quarter of
 * SQLite's default writes a third as much to the disk. A file that was made with others keeps them.
 */
const PAGE_BYTES = 1_024;

/** SQLite would keep 2 MB of pages in memory, which an agent that writes and deletes at the two ends never looks at. */
const CACHE_KIB = 256;

/** The write-ahead log is cut back to this after a checkpoint. */
const WAL_BYTES_MAX = 4 * 1024 * 1024;

/** How long another process may hold the file before that is an error: a backup, or somebody who looks. */
const BUSY_MS_MAX = 5_000;

/** A file up to this size is looked through at each start, which takes 20 ms; a larger one only after a stop that was none. */
const CHECKED_BYTES_MAX = 16 * 1024 * 1024;

export const SCHEMA_VERSION = 2;

const SCHEMA = `
  PRAGMA auto_vacuum = INCREMENTAL;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (lane, seq)
  ) STRICT;
  CREATE INDEX batch_by_worth ON batch (tier, id, bytes);
`;

/** From version 1 on: bodies are packed, with a dictionary or without; `body` is empty then (outbox-codec.ts). */
const SCHEMA_2 = `
  ALTER TABLE batch ADD COLUMN packed BLOB;
  ALTER TABLE batch ADD COLUMN dictionary INTEGER;
  CREATE TABLE dictionary (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Facts about the file, by name. */
export class Meta {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(key: string): unknown {
    return this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  }

  set(key: string, value: string | number): void {
    this.#db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
  }

  delete(key: string): void {
    this.#db.prepare("DELETE FROM meta WHERE key = ?").run(key);
  }
}

export const openDatabase = (path: string): DatabaseSync => new DatabaseSync(path, { timeout: BUSY_MS_MAX });

/**
 * Makes the tables of a file that has none, takes over one of an earlier version, and looks whether what is there can be
 * read; throws what SQLite throws, and `BrokenFile`. `begin` writes the facts that a new file begins with.
 */
export function prepareDatabase(
  db: DatabaseSync,
  { fileBytesMax, begin }: { readonly fileBytesMax: number; readonly begin: (meta: Meta) => void },
): { readonly isNew: boolean } {
  const meta = new Meta(db);
  // The size of pages is that of the file once it has one, and log mode gives it one.
  db.exec(
    `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_BYTES_MAX};`,
  );
  db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  boundFile(db, fileBytesMax);
  const version = pragma(db, "user_version");
  if (version > SCHEMA_VERSION) throw new Error("the outbox was written by a newer version of the agent");
  const isNew = version === 0;
  if (isNew) {
    db.exec("BEGIN");
    db.exec(SCHEMA);
    db.exec(SCHEMA_2);
    begin(meta);
    db.exec("COMMIT");
  } else if (meta.get("clean") !== 1 || isSmall(db)) {
    // Reads the whole file, so of a large one only after a stop that was none.
    const verdict = Object.values(db.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
    if (verdict !== "ok") throw new BrokenFile(String(verdict));
  }
  if (version === 1) db.exec(`BEGIN; ${SCHEMA_2} COMMIT`);
  meta.set("clean", 0);
  return { isNew };
}

/** What the file may grow to, come what may. */
export function boundFile(db: DatabaseSync, fileBytesMax: number): void {
  db.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / pragma(db, "page_size"))}`);
}

/** A stop that was one: the next start need not look through a large file. */
export function closeClean(db: DatabaseSync): void {
  try {
    new Meta(db).set("clean", 1);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // A full disk: the file is whole all the same, the next start only checks it longer.
  }
  db.close();
}

const isSmall = (db: DatabaseSync): boolean => pragma(db, "page_count") * pragma(db, "page_size") <= CHECKED_BYTES_MAX;

const pragma = (db: DatabaseSync, name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
