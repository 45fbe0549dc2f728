/**
 * What an outbox file held when it was opened, kept in it until the collector's first word. Of a process that heard nothing
 * the collector has nothing, for nothing is sent before that word; when the file turns out to be an old copy, what the
 * process wrote is new, although the collector has other batches under its numbers.
 *
 * The note is about one file on a machine that runs on. A copy carries it along, made perhaps from a file whose process did
 * hear the collector afterwards and delivered the same rows: of the file that it lies in nothing shows which of the two it
 * is. So it says which file it was written to, and in which boot: a file that was copied back is another file, and a disk
 * image is restored under a machine that starts anew. Where either differs, it says nothing.
 */
import { readFileSync, statSync } from "node:fs";
import type { Lane } from "@aislewatch/contract";
import type { Meta } from "./outbox-schema.ts";

type Seqs = Readonly<Record<Lane, number>>;
/** What is another after each start of the machine; null where nothing is. */
type Boot = () => string | null;

/** In `meta`. */
const UNHEARD = "unheard";

/** See random(4): made once with each boot. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/** Of seqs, which are safe integers. */
const NOTE = /^(?<live>\d{1,15}) (?<history>\d{1,15}) (?<place>.{1,200})$/;

/** The note of one file that is open: what the file held, and whether the note is still to be taken out. */
export class Unheard {
  readonly #meta: Meta;
  /**
   * The newest seqs when the file was opened, by this process or by one before it that heard nothing of the collector, and
   * so sent nothing; beyond them the collector can't have anything of this file.
   */
  readonly openedSeq: Seqs;
  #isNoted = false;

  /** `path` null: there is nothing to note, for the file is new, or in memory. */
  constructor(meta: Meta, { path, lastSeq, boot }: { path: string | null; lastSeq: Seqs; boot: Boot | undefined }) {
    this.#meta = meta;
    this.openedSeq = path === null ? lastSeq : this.#note(path, lastSeq, boot);
  }

  /** Within a transaction; `forgotten` says that it was committed. */
  forget(): void {
    if (this.#isNoted) this.#meta.delete(UNHEARD);
  }

  forgotten(): void {
    this.#isNoted = false;
  }

  /** What this very file held when it was opened first without a word since; from now on it says so itself. */
  #note(path: string, lastSeq: Seqs, boot: Boot | undefined): Seqs {
    const held = heldBefore(this.#meta.get(UNHEARD), path, boot);
    const text = unheardText(held ?? lastSeq, path, boot);
    if (text === null) this.#meta.delete(UNHEARD);
    else if (held === null) this.#meta.set(UNHEARD, text);
    this.#isNoted = text !== null;
    return held ?? lastSeq;
  }
}

/** What the note in this file says; null where there is none, or it is about another file or another boot. */
function heldBefore(note: unknown, path: string, boot = bootOfLinux): Seqs | null {
  const { live, history, place } = (typeof note === "string" ? NOTE.exec(note)?.groups : undefined) ?? {};
  if (place === undefined || place !== placeOf(path, boot)) return null;
  return { live: Number(live), history: Number(history) };
}

/** The note; null where nothing says which boot this is. */
function unheardText({ live, history }: Seqs, path: string, boot = bootOfLinux): string | null {
  const place = placeOf(path, boot);
  return place === null ? null : `${live} ${history} ${place}`;
}

/** The number of a file is given again once it is deleted, so when it was made belongs to it. */
function placeOf(path: string, boot: () => string | null): string | null {
  const id = boot();
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return id === null || file === undefined ? null : `${id} ${file.dev} ${file.ino} ${file.birthtimeNs}`;
}

function bootOfLinux(): string | null {
  try {
    return readFileSync(BOOT_ID, "utf8").trim().slice(0, 64) || null;
  } catch {
    return null;
  }
}
