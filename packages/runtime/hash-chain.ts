/**
 * Lines of JSON of which each vouches for all before it: `{"n":1,"record":…,"hash":"…"}`, where the hash is the SHA-256
 * (hex) of the hash before it and of the line's own bytes up to the comma before `"hash"`; before the first line stand 64
 * zeros. So a line that is changed, left out, put in or moved breaks the chain there. The last line's record is
 * `{"kind":"manifest",…}`: without it the end is missing.
 *
 * Who can write the whole file can make a new chain: the hash of the last line has to be kept somewhere else, too.
 */
import { createHash } from "node:crypto";

const START = "0".repeat(64);
const LINE = /^(\{"n":(\d{1,15}),"record":(.*)),"hash":"([0-9a-f]{64})"\}$/su;
/** A longer line is none of ours: the longest record is a command's reply of 48 KiB. */
export const CHAIN_LINE_CHARS_MAX = 4 * 1024 * 1024;

export type HashChain = {
  /** The record's line, with its end. */
  line(record: object): string;
  readonly count: number;
  /** Of the last line. */
  readonly hash: string;
};

export function createHashChain(): HashChain {
  let hash = START;
  let count = 0;
  return {
    line(record) {
      count++;
      const body = `{"n":${count},"record":${JSON.stringify(record)}`;
      hash = hashOf(hash, body);
      return `${body},"hash":"${hash}"}\n`;
    },
    get count() {
      return count;
    },
    get hash() {
      return hash;
    },
  };
}

export type ChainFault = { readonly line: number; readonly why: string };

export type ChainCheck = {
  /** The next line, without its end; a fault ends the check. */
  take(text: string): ChainFault | null;
  /** After the last line. */
  end(): ChainFault | null;
  readonly count: number;
  readonly hash: string;
  /** The record of the last line. */
  readonly manifest: Readonly<Record<string, unknown>> | null;
};

export function checkHashChain(): ChainCheck {
  let hash = START;
  let count = 0;
  let manifest: Readonly<Record<string, unknown>> | null = null;
  const fault = (why: string): ChainFault => ({ line: count, why });
  return {
    take(text) {
      count++;
      const [, body, n, record, written] = (text.length <= CHAIN_LINE_CHARS_MAX && LINE.exec(text)) || [];
      if (body === undefined || record === undefined || written === undefined) return fault("is no line of an export");
      if (manifest !== null) return fault("comes after the end");
      if (Number(n) !== count) return fault(`is numbered ${n}: a line is missing, doubled or moved`);
      hash = hashOf(hash, body);
      if (hash !== written) return fault("or one before it was changed: its hash does not fit");
      manifest = manifestIn(record);
      return null;
    },
    end() {
      if (manifest !== null) return null;
      count++;
      return fault("is missing: the file has no end");
    },
    get count() {
      return count;
    },
    get hash() {
      return hash;
    },
    get manifest() {
      return manifest;
    },
  };
}

function manifestIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record !== "object" || record === null || !("kind" in record)) return null;
    return record.kind === "manifest" ? { ...record } : null;
  } catch {
    return null; // Its hash fits, so it was written like that; it is no manifest.
  }
}

const hashOf = (before: string, body: string): string => createHash("sha256").update(before).update(body).digest("hex");
