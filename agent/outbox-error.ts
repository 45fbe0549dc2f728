/** What a disk does to an outbox file, as values: from SQLite, or about the file as a whole. Anything else is a bug. */
import { errorText } from "@aislewatch/base";
import { BrokenBody } from "./outbox-codec.ts";

/** `full`: the disk, not the outbox. `broken`: this file will never do again; set it aside. */
export type OutboxError = { readonly kind: "full" | "io" | "broken"; readonly detail: string };

/** The file is none of ours, or not what was written. */
export class BrokenFile extends Error {}

/** SQLite's result codes (https://sqlite.org/rescode.html). */
const SQLITE = { corrupt: 11, full: 13, notADatabase: 26 } as const;

const isSqlite = (thrown: unknown): thrown is Error & { errcode: number } =>
  thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number";

/** Extended codes hold the plain one in their low byte. */
const codeOf = (thrown: unknown): number => (isSqlite(thrown) ? thrown.errcode & 0xff : 0);

function isBroken(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return (
    thrown instanceof BrokenFile ||
    thrown instanceof BrokenBody ||
    code === SQLITE.corrupt ||
    code === SQLITE.notADatabase
  );
}

export const isStorageError = (thrown: unknown): boolean =>
  isSqlite(thrown) || thrown instanceof BrokenFile || thrown instanceof BrokenBody;

export function toError(thrown: unknown): OutboxError {
  const kind = isBroken(thrown) ? "broken" : codeOf(thrown) === SQLITE.full ? "full" : "io";
  return { kind, detail: errorText(thrown) };
}
