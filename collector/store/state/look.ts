/**
 * The state store's file as `doctor` looks at it, beside a running collector or without one: nothing is written, no
 * migration run, and no file left beside it.
 */
import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { errorText } from "@aislewatch/base";
import type { AgentStatus } from "@aislewatch/contract";
import { BACKUP_DOCUMENT } from "../../backup/made.ts";
import { migrations } from "./migrations.ts";

export type StateLook = {
  readonly bytes: number;
  /** Of the file, and the newest that this program knows. */
  readonly schema: { readonly found: number; readonly known: number };
  /** Null: too large to be read through while somebody waits. */
  readonly damage: string | null | "none";
  readonly users: readonly { readonly name: string; readonly role: string; readonly hasPassword: boolean }[];
  readonly agents: readonly {
    readonly site: string;
    readonly agent: string;
    readonly online: boolean;
    readonly lastSeenAt: number;
    readonly status: AgentStatus | null;
  }[];
  /** The first word of the audit log, Unix ms; null when there is none. */
  readonly sinceAt: number | null;
  /** As `aislewatch backup` left it. */
  readonly lastBackup: string | null;
};

/** A file of this size is read in about a second. */
const CHECKED_BYTES_MAX = 512 * 2 ** 20;
const BUSY_MS = 2_000;
/** What is told of is told by its number beyond a few. */
const ROWS_MAX = 100_000;

/** Null when there is none yet; a text: why it can't be read. Never throws. */
export function lookAtState(file: string): StateLook | string | null {
  if (!existsSync(file)) return null;
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(addressOf(file), { readOnly: true, timeout: BUSY_MS });
    return look(database, statSync(file).size);
  } catch (thrown) {
    return errorText(thrown);
  } finally {
    database?.close();
  }
}

/** Without a log beside it nobody has it open, and even a reader would make one: then SQLite is told that it stays as it is. */
export function addressOf(file: string): string | URL {
  if (existsSync(`${file}-wal`)) return file;
  const url = pathToFileURL(file);
  url.search = "?immutable=1";
  return url;
}

function look(database: DatabaseSync, bytes: number): StateLook {
  const known = migrations.at(-1)?.version ?? 0;
  const found = Number(database.prepare("select max(version) as version from schema_version").get()?.["version"] ?? 0);
  const damage = bytes > CHECKED_BYTES_MAX ? null : verdictOf(database);
  const head = { bytes, schema: { found, known }, damage };
  // Of another schema the tables may be others.
  if (found !== known) return { ...head, users: [], agents: [], sinceAt: null, lastBackup: null };
  return {
    ...head,
    users: database
      .prepare("select name, role, password_hash is not null as has_password from users order by name limit ?")
      .all(ROWS_MAX)
      .map((row) => ({ name: String(row["name"]), role: String(row["role"]), hasPassword: row["has_password"] === 1 })),
    agents: database
      .prepare("select site, agent, online, last_seen_at, status from agents order by site, agent limit ?")
      .all(ROWS_MAX)
      .map((row) => ({
        ...{ site: String(row["site"]), agent: String(row["agent"]), online: row["online"] === 1 },
        lastSeenAt: Number(row["last_seen_at"]),
        // The store wrote what the contract had read.
        status: row["status"] === null ? null : (JSON.parse(String(row["status"])) as AgentStatus),
      })),
    sinceAt: numberOrNull(database.prepare("select min(at) as at from audit").get()?.["at"]),
    lastBackup: textOrNull(
      database.prepare("select body from documents where name = ?").get(BACKUP_DOCUMENT)?.["body"],
    ),
  };
}

const numberOrNull = (cell: unknown): number | null => (typeof cell === "number" ? cell : null);
const textOrNull = (cell: unknown): string | null => (typeof cell === "string" ? cell : null);

function verdictOf(database: DatabaseSync): string {
  const verdict = database.prepare("pragma quick_check(1)").get()?.["quick_check"];
  return verdict === "ok" ? "none" : String(verdict);
}
