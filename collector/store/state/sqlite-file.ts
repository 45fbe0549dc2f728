/**
 * One SQLite file as a store uses it: in WAL mode with `synchronous = FULL`, so that what `transaction` returned from
 * survives a power cut; with `secure_delete`, so that what was taken out is not there to be found; at the newest schema and checked once it is open; statements kept prepared; every error named
 * by what can be done about it. All calls are synchronous.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { errorText } from "@aislewatch/base";
import { StoreError, type StoreFailure } from "../error.ts";
import { migrations, schemaVersionTable } from "./migrations.ts";
import { compilerFor, type SqlValue, type Template } from "./template.ts";

export const SQLITE = compilerFor("sqlite");

const LIMITS = {
  /** Another process (a backup, `sqlite3` on the command line) may hold the file this long. */
  busyMs: 5_000,
  /** Statements kept prepared: all templates and the usual filters of the list. */
  statementsMax: 256,
  /** The write-ahead log is cut back to this after a checkpoint. */
  logBytesMax: 64 * 1024 * 1024,
  /** Copying a file of this size takes some seconds, in which nothing is committed. */
  compactBytesMax: 1024 * 1024 * 1024,
  /** Checking a file of this size at start takes about a second; a greater one is checked by hand. */
  checkedBytesMax: 512 * 1024 * 1024,
} as const;

export class SqliteFile {
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync | null = null;

  /** Its folder must exist. SQLite keeps `<path>-wal` and `<path>-shm` beside it. */
  constructor(path: string) {
    this.#path = path;
  }

  /** `restore` reads what the owner keeps in memory; when that fails, the file is closed again. */
  open(restore: () => void): void {
    if (this.#database !== null) throw new StoreError("closed", "this store is open already");
    try {
      const database = new DatabaseSync(this.#path, { timeout: LIMITS.busyMs, enableForeignKeyConstraints: true });
      this.#database = database;
      database.exec(`
        pragma journal_mode = wal;
        pragma synchronous = full;
        pragma secure_delete = on;
        pragma journal_size_limit = ${LIMITS.logBytesMax};
      `);
      this.#migrate(database);
      this.#check(database);
      restore();
    } catch (thrown) {
      this.#release();
      throw this.#named(thrown);
    }
  }

  close(): void {
    if (this.#database === null) return;
    try {
      this.#database.exec("pragma wal_checkpoint(truncate)");
    } catch (thrown) {
      // The log stays and is read at the next start; only a full disk or a reader elsewhere gets here.
      if (this.#named(thrown).kind === "failed") throw this.#named(thrown);
    } finally {
      this.#release();
    }
  }

  /** All of it or nothing. */
  transaction<T>(work: () => T): T {
    const database = this.#opened();
    try {
      database.exec("begin immediate");
      const result = work();
      database.exec("commit");
      return result;
    } catch (thrown) {
      // A full disk has already rolled back by itself.
      if (database.isTransaction) database.exec("rollback");
      throw this.#named(thrown);
    }
  }

  /** How many rows it changed. */
  run<Params>(query: Template<Params, unknown>, params: Params): number {
    try {
      return Number(this.#statement(query.sql).run(...query.values(params)).changes);
    } catch (thrown) {
      throw this.#named(thrown);
    }
  }

  one<Params, Row>(query: Template<Params, Row>, params: Params): Row | null {
    return this.all(query, params)[0] ?? null;
  }

  all<Params, Row>(query: Template<Params, Row>, params: Params): Row[] {
    return this.rows<Row>(query.sql, query.values(params));
  }

  /** The edge: rows are what the query's types say because the tables are ours and checked at start. */
  rows<Row>(sql: string, values: readonly SqlValue[]): Row[] {
    try {
      return this.#statement(sql).all(...values) as Row[];
    } catch (thrown) {
      throw this.#named(thrown);
    }
  }

  /**
   * Copies the file without what was overwritten or deleted in it, and cuts the log back to nothing. With secure_delete
   * nothing of that kind is left by this program, but other versions wrote the file as well. False when a reader holds
   * it, or when it is too big to be copied while everything else waits.
   */
  compact(): boolean {
    const database = this.#opened();
    if (statSync(this.#path).size > LIMITS.compactBytesMax) return false;
    try {
      this.#statements.clear();
      database.exec("vacuum");
      const [row] = database.prepare("pragma wal_checkpoint(truncate)").all();
      return row?.["busy"] === 0;
    } catch (thrown) {
      const named = this.#named(thrown);
      if (named.kind === "locked" || named.kind === "disk_full") return false;
      throw named;
    }
  }

  #migrate(database: DatabaseSync): void {
    database.exec(schemaVersionTable(SQLITE).sql);
    const versionNow = (): number => {
      const [row] = this.rows<{ version: number | null }>("select max(version) as version from schema_version", []);
      return row?.version ?? 0;
    };
    const version = versionNow();
    const newest = migrations.at(-1)?.version ?? 0;
    if (version > newest) {
      throw new StoreError(
        "newer_schema",
        `${this.#path} has schema version ${version}; this program knows ${newest}. Start the version that wrote it, or restore a backup from before`,
      );
    }
    for (const migration of migrations) {
      if (migration.version <= version) continue;
      this.transaction(() => {
        // Somebody else took this step meanwhile: `agents add` while a collector starts for the first time.
        if (migration.version <= versionNow()) return;
        for (const { sql } of migration.statements(SQLITE, "sqlite")) database.exec(sql);
        database.exec(`insert into schema_version (version) values (${migration.version})`);
      });
    }
  }

  /** A damaged file is refused at start, not met in the middle of a commit. */
  #check(database: DatabaseSync): void {
    if (statSync(this.#path).size > LIMITS.checkedBytesMax) return;
    const [row] = database.prepare("pragma quick_check(1)").all();
    const verdict = row?.["quick_check"];
    if (verdict !== "ok") throw new StoreError("corrupt", `${this.#path} is damaged: ${String(verdict)}`);
  }

  #statement(sql: string): StatementSync {
    const database = this.#opened();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= LIMITS.statementsMax) this.#statements.clear();
      statement = database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #opened(): DatabaseSync {
    if (this.#database === null) throw new StoreError("closed", "the state store is not open");
    return this.#database;
  }

  #release(): void {
    this.#statements.clear();
    if (this.#database?.isOpen) this.#database.close();
    this.#database = null;
  }

  #named(thrown: unknown): StoreError {
    if (thrown instanceof StoreError) return thrown;
    const kind = kindOf(thrown);
    const advice = kind === "corrupt" ? "; the file is left as it is: restore a backup, or move it away" : "";
    return new StoreError(kind, `${this.#path}: ${errorText(thrown)}${advice}`, { cause: thrown });
  }
}

/** SQLite's result codes (sqlite.org/rescode.html): the low byte is the class, the whole is the extended code. */
const KINDS: ReadonlyMap<number, StoreFailure> = new Map([
  [5, "locked"], // SQLITE_BUSY
  [6, "locked"], // SQLITE_LOCKED
  [8, "io"], // SQLITE_READONLY
  [10, "io"], // SQLITE_IOERR
  [11, "corrupt"], // SQLITE_CORRUPT
  [13, "disk_full"], // SQLITE_FULL
  [14, "io"], // SQLITE_CANTOPEN
  [26, "corrupt"], // SQLITE_NOTADB
  [1555, "conflict"], // SQLITE_CONSTRAINT_PRIMARYKEY
  [2067, "conflict"], // SQLITE_CONSTRAINT_UNIQUE
]);

function kindOf(thrown: unknown): StoreFailure {
  const code = thrown instanceof Error && "errcode" in thrown ? Number(thrown.errcode) : 0;
  return KINDS.get(code) ?? KINDS.get(code & 0xff) ?? "failed";
}
