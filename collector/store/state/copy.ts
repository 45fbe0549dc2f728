/**
 * The state store's file as a backup takes it and a restore gives it back. The copy is made beside a running collector:
 * a reader's transaction holds one instant while SQLite copies pages, and writers go on in the log (150 MB take 0.4 s).
 * Without that transaction each commit of theirs would begin the copy anew.
 */
import { existsSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { errorText } from "@aislewatch/base";
import { StoreError } from "../error.ts";
import { addressOf, lookAtState } from "./look.ts";
import { migrations } from "./migrations.ts";

const BUSY_MS = 5_000;
/** 8 MB at a time: some milliseconds of a thread that is not the collector's main one. */
const PAGES_AT_ONCE = 2_000;

/** Throws a StoreError; `closed`: the signal stopped it. What is half is the caller's to delete. */
export async function copyState(file: string, target: string, signal: AbortSignal): Promise<void> {
  await asStoreErrors(file, async () => {
    const source = new DatabaseSync(addressOf(file), { readOnly: true, timeout: BUSY_MS });
    try {
      source.exec("begin");
      source.prepare("select count(*) from sqlite_master").get();
      const progress = (): void => {
        if (signal.aborted) throw new StoreError("closed", "the copy was stopped");
      };
      progress();
      await backup(source, target, { rate: PAGES_AT_ONCE, progress });
    } finally {
      source.close();
    }
  });
}

export type CopyLook = { readonly schema: number; readonly bytes: number; readonly lastIncident: number };

/** What a copy that nobody has open holds. Throws a StoreError when it is damaged, or newer than this program. */
export function lookAtCopy(file: string): CopyLook {
  const found = lookAtState(file);
  if (found === null || typeof found === "string") throw new StoreError("corrupt", `${file} can't be read: ${found}`);
  const { schema, damage, bytes } = found;
  if (damage !== null && damage !== "none") throw new StoreError("corrupt", `${file} is damaged: ${damage}`);
  if (schema.found > schema.known) {
    const message = `${file} has schema version ${schema.found}; this program knows ${schema.known}: install the version that wrote it`;
    throw new StoreError("newer_schema", message);
  }
  return { schema: schema.found, bytes, lastIncident: lastIncidentIn(file) ?? 0 };
}

export const newestSchema = (): number => migrations.at(-1)?.version ?? 0;

/** The number that was given to an incident last; null when the file is not there, or can't be read. */
export function lastIncidentIn(file: string): number | null {
  if (!existsSync(file)) return null;
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(addressOf(file), { readOnly: true, timeout: BUSY_MS });
    const row = database.prepare("select value from counters where name = 'incident'").get();
    return Number(row?.["value"] ?? 0);
  } catch {
    return null;
  } finally {
    database?.close();
  }
}

export type Note = {
  readonly document: { readonly name: string; readonly text: string };
  readonly audit: { readonly at: number; readonly actor: string; readonly action: string; readonly detail: string };
};

/** A document and what the audit log says of it, beside whoever has the file open. Throws a StoreError. */
export function noteInState(file: string, { document, audit }: Note): void {
  change(file, (database) => {
    putDocument(database, document);
    putAudit(database, audit);
  });
}

/**
 * Makes a copy ready for a collector to go on with: says in it that it was restored, lets incidents go on after
 * `lastIncident`, and ends all sessions and links, for people may have signed out since. Throws a StoreError.
 */
export function prepareRestored(file: string, note: Note, lastIncident: number): void {
  change(file, (database) => {
    putDocument(database, note.document);
    putAudit(database, note.audit);
    database
      .prepare(
        `insert into counters (name, value) values ('incident', ?)
         on conflict (name) do update set value = max(value, excluded.value)`,
      )
      .run(lastIncident);
    database.exec("delete from sessions; delete from login_links");
  });
}

function putDocument(database: DatabaseSync, { name, text }: Note["document"]): void {
  database
    .prepare("insert into documents (name, body) values (?, ?) on conflict (name) do update set body = excluded.body")
    .run(name, text);
}

function putAudit(database: DatabaseSync, { at, actor, action, detail }: Note["audit"]): void {
  database.prepare("insert into audit (at, actor, action, detail) values (?, ?, ?, ?)").run(at, actor, action, detail);
}

function change(file: string, work: (database: DatabaseSync) => void): void {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { timeout: BUSY_MS });
    database.exec("pragma synchronous = full; pragma secure_delete = on; begin immediate");
    work(database);
    database.exec("commit");
  } catch (thrown) {
    throw new StoreError("failed", `${file}: ${errorText(thrown)}`, { cause: thrown });
  } finally {
    // Rolls back what was not committed; the last to close brings the log into the file.
    database?.close();
  }
}

async function asStoreErrors(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof StoreError) throw thrown;
    throw new StoreError("failed", `${file}: ${errorText(thrown)}`, { cause: thrown });
  }
}
