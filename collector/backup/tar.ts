/**
 * Tar as backups use it: the ustar headers of POSIX.1-1988 (pax(1), "ustar Interchange Format"), regular files only, names
 * of at most 100 bytes, and GNU's base-256 sizes beyond 8 GiB. GNU tar, bsdtar and 7-Zip read it. Pure.
 */
import { err, ok, type Result } from "@aislewatch/base";

export const BLOCK_BYTES = 512;
export const NAME_BYTES_MAX = 100;
/** Two blocks of zeros end an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

const OCTAL_SIZE_MAX = 0o77777777777;
const FIELD = { name: 0, mode: 100, owner: 108, group: 116, size: 124, time: 136, sum: 148, type: 156, magic: 257 };

export type TarEntry = { readonly name: string; readonly bytes: number };

/** What follows an entry's bytes up to a whole block. */
export const paddingOf = (bytes: number): number => (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;

/** Throws when the name does not fit: names are ours. */
export function tarHeader({ name, bytes }: TarEntry, atMs: number): Buffer {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw new Error(`too long a name for an archive: ${name}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  };
  block.write(name, FIELD.name, "utf8");
  octal(0o600, FIELD.mode, 8);
  octal(0, FIELD.owner, 8);
  octal(0, FIELD.group, 8);
  if (bytes <= OCTAL_SIZE_MAX) octal(bytes, FIELD.size, 12);
  else {
    block[FIELD.size] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), FIELD.size + 4);
  }
  octal(Math.floor(atMs / 1_000), FIELD.time, 12);
  block.write("0", FIELD.type, "latin1");
  block.write("ustar\0" + "00", FIELD.magic, "latin1");
  block.fill(" ", FIELD.sum, FIELD.sum + 8);
  octal(sumOf(block), FIELD.sum, 7);
  return block;
}

/** Null: the end. */
export function readTarHeader(block: Buffer): Result<TarEntry | null, string> {
  if (block.every((byte) => byte === 0)) return ok(null);
  const written = Number.parseInt(textAt(block, FIELD.sum, 8), 8);
  const plain = Buffer.from(block);
  plain.fill(" ", FIELD.sum, FIELD.sum + 8);
  if (written !== sumOf(plain)) return err("the head of an entry is damaged");
  if (textAt(block, FIELD.type, 1) !== "0") return err("an entry is no plain file");
  const bytes =
    block[FIELD.size] === 0x80
      ? Number(block.readBigUInt64BE(FIELD.size + 4))
      : Number.parseInt(textAt(block, FIELD.size, 12), 8);
  if (!Number.isSafeInteger(bytes) || bytes < 0) return err("the size of an entry can't be read");
  return ok({ name: textAt(block, FIELD.name, NAME_BYTES_MAX), bytes });
}

function textAt(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? length : end).trim();
}

const sumOf = (block: Buffer): number => block.reduce((sum, byte) => sum + byte, 0);
