/**
 * A backup is one file, `*.tar.zst`: a manifest, then the files that it names, with their SHA-256. One file can be copied
 * off-site, looked at with `tar --zstd -tf` and checked as a whole; a folder can lose a part without anybody noticing.
 * zstd adds a check sum of its own, and a file that was cut short does not read to its end.
 *
 * It is written under another name and takes its own once it is on disk. What is read is bounded by the manifest: an
 * entry that is not the next one of it, or is not what it says, ends the reading.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { errorText } from "@aislewatch/base";
import { contentBytes, MANIFEST_BYTES_MAX, MANIFEST_NAME, type Manifest, readManifest } from "./manifest.ts";
import { BLOCK_BYTES, paddingOf, readTarHeader, TAR_END, tarHeader } from "./tar.ts";

/** Samples are packed already, incidents are not: a higher level costs much and gains little. */
const ZSTD_LEVEL = 3;
const CHUNK_BYTES = 1 << 20;

/** What a person has to hear. */
export class BackupError extends Error {}

export type Source = { readonly name: string; readonly path: string };
/** `share`: 0 to 1. */
export type OnProgress = (step: string, share: number) => void;
export type Reading = {
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Before anything is written; may throw. */
  readonly onManifest?: (manifest: Manifest) => void;
};

/** Throws BackupError when the signal stops it. */
export function goOn(signal: AbortSignal): void {
  if (signal.aborted) throw new BackupError("stopped");
}

/** Sizes and check sums of files, in their order. */
export async function describe(
  sources: readonly (Source & { readonly bytes: number })[],
  { signal, onProgress }: Reading,
): Promise<Manifest["files"]> {
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
  const files: Manifest["files"] = [];
  let done = 0;
  for (const { name, path } of sources) {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of chunksOf(path)) {
      goOn(signal);
      hash.update(chunk);
      bytes += chunk.length;
      onProgress("check sums", (done + bytes) / Math.max(1, total));
    }
    done += bytes;
    files.push({ name, bytes, sha256: hash.digest("hex") });
  }
  return files;
}

/** Writes the archive to `file`, which must not exist, synced. Throws. */
export async function writeArchive(
  file: string,
  content: { readonly manifest: Manifest; readonly sources: readonly Source[] },
  { signal, onProgress }: Reading,
): Promise<void> {
  const { manifest, sources } = content;
  const total = contentBytes(manifest);
  async function* entries(): AsyncGenerator<Buffer> {
    const head = Buffer.from(JSON.stringify(manifest, null, 1));
    if (head.length > MANIFEST_BYTES_MAX) throw new BackupError(`more than a backup's manifest can name: ${total}`);
    yield tarHeader({ name: MANIFEST_NAME, bytes: head.length }, manifest.at);
    yield head;
    yield Buffer.alloc(paddingOf(head.length));
    let done = 0;
    for (const [place, { name, bytes }] of manifest.files.entries()) {
      yield tarHeader({ name, bytes }, manifest.at);
      let given = 0;
      for await (const chunk of chunksOf(sources[place]?.path ?? "")) {
        goOn(signal);
        given += chunk.length;
        if (given > bytes) break;
        yield chunk;
        onProgress("packing", (done + given) / Math.max(1, total));
      }
      if (given !== bytes) throw new BackupError(`${name} changed while it was read`);
      done += bytes;
      yield Buffer.alloc(paddingOf(bytes));
    }
    yield TAR_END;
  }
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 };
  await pipeline(
    Readable.from(entries(), { objectMode: false }),
    createZstdCompress({ params }),
    createWriteStream(file, { flags: "wx", mode: 0o600, flush: true }),
  );
}

/**
 * Reads a backup to its end and compares everything with its manifest; with `into` (an empty folder) it is written there as
 * well, synced. Throws BackupError when it is not whole, or is none.
 */
export async function readArchive(file: string, into: string | null, reading: Reading): Promise<Manifest> {
  if (!existsSync(file)) throw new BackupError(`${file} is not there`);
  const opened = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const plain = createZstdDecompress();
  const packed = pipeline(opened, plain);
  packed.catch(() => undefined);
  try {
    const manifest = await readEntries(new Blocks(plain), into, reading);
    await packed;
    return manifest;
  } catch (thrown) {
    opened.destroy();
    plain.destroy();
    if (thrown instanceof BackupError && !(thrown instanceof CutShort))
      throw new BackupError(`${file}: ${thrown.message}`);
    const cause = await packed.then(
      () => thrown,
      (failure: unknown) => (isZstd(failure) ? failure : thrown),
    );
    if (isNoRoom(cause)) throw cause;
    throw new BackupError(`${file} is damaged or no backup: ${errorText(cause)}`);
  }
}

class CutShort extends BackupError {}

const codeOf = (thrown: unknown): string => (thrown instanceof Error && "code" in thrown ? String(thrown.code) : "");
const isZstd = (thrown: unknown): boolean => codeOf(thrown).startsWith("ZSTD");
/** Of the target, and no fault of the file's. */
const isNoRoom = (thrown: unknown): boolean => ["ENOSPC", "EDQUOT", "EACCES", "EROFS"].includes(codeOf(thrown));

async function readEntries(blocks: Blocks, into: string | null, reading: Reading): Promise<Manifest> {
  const first = await nextEntry(blocks);
  if (first?.name !== MANIFEST_NAME || first.bytes > MANIFEST_BYTES_MAX)
    throw new BackupError("no backup of Aislewatch");
  const manifest = readManifest((await blocks.read(first.bytes)).toString("utf8"));
  if (manifest === null) throw new BackupError("no backup that this version can read");
  await blocks.read(paddingOf(first.bytes));
  reading.onManifest?.(manifest);
  const total = contentBytes(manifest);
  let done = 0;
  for (const expected of manifest.files) {
    const entry = await nextEntry(blocks);
    if (entry?.name !== expected.name || entry.bytes !== expected.bytes)
      throw new BackupError(`${expected.name} is missing in it`);
    const hash = createHash("sha256");
    const content = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of blocks.stream(entry.bytes)) {
        goOn(reading.signal);
        hash.update(chunk);
        done += chunk.length;
        reading.onProgress(into === null ? "verifying" : "unpacking", done / Math.max(1, total));
        yield chunk;
      }
    };
    if (into === null) for await (const _ of content());
    else {
      const target = join(into, expected.name);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await pipeline(
        Readable.from(content(), { objectMode: false }),
        createWriteStream(target, { flags: "wx", mode: 0o600, flush: true }),
      );
    }
    if (hash.digest("hex") !== expected.sha256) throw new BackupError(`${expected.name} is not what was written`);
    await blocks.read(paddingOf(entry.bytes));
  }
  if ((await nextEntry(blocks)) !== null) throw new BackupError("it holds more than its manifest names");
  await blocks.end();
  return manifest;
}

async function nextEntry(blocks: Blocks) {
  const entry = readTarHeader(await blocks.read(BLOCK_BYTES));
  if (!entry.ok) throw new BackupError(entry.error);
  return entry.value;
}

/** A stream in pieces of the size that is asked for; it holds one chunk more than that. */
class Blocks {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.stream(bytes)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *stream(bytes: number): AsyncGenerator<Buffer> {
    let left = bytes;
    while (left > 0) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** Zstd compares its check sum at the end, which has to be read, too. */
  async end(): Promise<void> {
    for (let chunk = await this.#chunks.next(); chunk.done !== true; chunk = await this.#chunks.next());
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#chunks.next();
    if (done === true) throw new CutShort("it ends too early");
    return value;
  }
}

const chunksOf = (path: string): AsyncIterable<Buffer> => createReadStream(path, { highWaterMark: CHUNK_BYTES });
