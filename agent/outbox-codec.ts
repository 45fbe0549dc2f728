/**
 * Bodies of batches as the outbox file holds them: deflated (RFC 1951), with earlier bodies of the same file as a
 * dictionary. A store says nearly the same every ten seconds, names above all: with a dictionary a body takes a tenth,
 * by itself a third. That is what lets a week wait in half a gigabyte, and the flash memory of small hosts wear slower.
 *
 * In front stands the CRC-32 of the text (four bytes, big-endian), for SQLite has no sum over its pages: what a disk
 * turned is known, and told as lost, and never believed.
 *
 * A dictionary never changes once rows name it. A new one is made when the last no longer fits what is written: other
 * devices, or the first of a file.
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

export type Packed = { readonly packed: Uint8Array; readonly dictionary: number | null };

/** The row holds what this codec never wrote, or not all of it. */
export class BrokenBody extends Error {}

const CRC_BYTES = 4;
/** As far back as deflate can look. */
const DICTIONARY_BYTES = 32 * 1024;
/** Bodies after which it is asked whether the dictionary still fits. */
const LOOK_AT = 256;
/** It fits as long as it makes bodies this much smaller. */
const RATIO_MIN = 6;
/** 4 MiB; beyond it the last one serves. */
export const DICTIONARIES_MAX = 128;
/** Four times what a message may be: a row that inflates to more is none of ours. */
const BODY_BYTES_MAX = 1024 * 1024;

export class BodyCodec {
  readonly #db: DatabaseSync;
  readonly #dictionaries = new Map<number, Uint8Array>();
  #current: number | null;
  /** The newest that a commit wrote. */
  #written: number | null;
  #recent: string[] = [];
  #recentChars = 0;
  #since = { bodies: 0, chars: 0, packedBytes: 0 };

  /** `readOnly`: nothing will be packed, and of a damaged file the rows without a dictionary can be read without them all. */
  constructor(db: DatabaseSync, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#db = db;
    const newest = readOnly ? null : db.prepare("SELECT max(id) AS id FROM dictionary").get()?.["id"];
    this.#current = typeof newest === "number" ? newest : null;
    this.#written = this.#current;
  }

  committed(): void {
    this.#written = this.#current;
  }

  /** A dictionary that was new in this transaction is gone with it. */
  rolledBack(): void {
    if (this.#current !== null && this.#current !== this.#written) this.#dictionaries.delete(this.#current);
    this.#current = this.#written;
  }

  /** Within the transaction that writes the row: a new dictionary is written with the first row that names it. */
  pack(text: string): Packed {
    if (this.#isTimeForAnother) this.#makeDictionary();
    const dictionary = this.#current;
    const deflated = deflateRawSync(text, dictionary === null ? {} : { dictionary: this.#dictionary(dictionary) });
    const packed = Buffer.allocUnsafe(CRC_BYTES + deflated.length);
    packed.writeUInt32BE(crc32(text));
    deflated.copy(packed, CRC_BYTES);
    this.#remember(text, packed.length);
    return { packed, dictionary };
  }

  /** Of a row with `body`, `packed` and `dictionary`; a row of version 1 has only `body`. */
  unpack(row: Readonly<Record<string, unknown>>): string {
    const { body, packed, dictionary } = row;
    if (!(packed instanceof Uint8Array)) return String(body);
    const limit = { maxOutputLength: BODY_BYTES_MAX };
    const given = typeof dictionary === "number" ? { ...limit, dictionary: this.#dictionary(dictionary) } : limit;
    try {
      const text = inflateRawSync(packed.subarray(CRC_BYTES), given);
      if (crc32(text) === Buffer.from(packed).readUInt32BE()) return text.toString("utf8");
    } catch (thrown) {
      throw new BrokenBody("a batch in the outbox file can't be unpacked", { cause: thrown });
    }
    throw new BrokenBody("a batch in the outbox file is not what was written");
  }

  get #isTimeForAnother(): boolean {
    if (this.#recentChars < DICTIONARY_BYTES) return false;
    if (this.#current === null) return true;
    const { bodies, chars, packedBytes } = this.#since;
    if (bodies < LOOK_AT) return false;
    this.#since = { bodies: 0, chars: 0, packedBytes: 0 };
    return chars < packedBytes * RATIO_MIN;
  }

  #makeDictionary(): void {
    const count = Number(this.#db.prepare("SELECT count(*) AS count FROM dictionary").get()?.["count"]);
    if (count >= DICTIONARIES_MAX) return;
    const bytes = Buffer.from(this.#recent.join("")).subarray(-DICTIONARY_BYTES);
    const { lastInsertRowid } = this.#db.prepare("INSERT INTO dictionary (bytes) VALUES (?)").run(bytes);
    this.#current = Number(lastInsertRowid);
    this.#since = { bodies: 0, chars: 0, packedBytes: 0 };
  }

  #remember(text: string, packedBytes: number): void {
    const { bodies, chars } = this.#since;
    this.#since = {
      bodies: bodies + 1,
      chars: chars + text.length,
      packedBytes: this.#since.packedBytes + packedBytes,
    };
    this.#recent.push(text);
    this.#recentChars += text.length;
    while (this.#recentChars - (this.#recent[0]?.length ?? 0) >= DICTIONARY_BYTES) {
      this.#recentChars -= this.#recent.shift()?.length ?? 0;
    }
  }

  #dictionary(id: number): Uint8Array {
    const known = this.#dictionaries.get(id);
    if (known !== undefined) return known;
    const bytes = this.#db.prepare("SELECT bytes FROM dictionary WHERE id = ?").get(id)?.["bytes"];
    if (!(bytes instanceof Uint8Array)) throw new BrokenBody(`dictionary ${id} of the outbox file is missing`);
    this.#dictionaries.set(id, bytes);
    return bytes;
  }
}

/** Null for what `unpack` can't take. */
export function textOrNull(codec: BodyCodec, row: Readonly<Record<string, unknown>>): string | null {
  try {
    return codec.unpack(row);
  } catch (thrown) {
    if (thrown instanceof BrokenBody) return null;
    throw thrown;
  }
}
