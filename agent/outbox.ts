/**
 * The outbox as the agent uses it: readings go in, batches come out in order until they are acked, and nothing that the
 * disk does ends the agent. Normally it is one file (outbox-file.ts). While that file can't be had or written (a full
 * or read-only disk, a disk that was pulled, wrong permissions, a file of a newer version), readings are kept in memory,
 * bounded and thinned like on the disk, and sent from there: a store whose disk died is still watched. The trouble is
 * told in the log, in `status.json` and in the status that the collector gets.
 *
 * The memory is an outbox of its own epoch, for its numbers can't outlive the process: under the file's epoch they would
 * be given twice. A connection serves one epoch, so a change of the one served means connecting anew:
 *
 * - The file fails: what it has on its way gets a moment to be acked, then the memory is served.
 * - The file is back: new readings go to it at once. What the memory holds moves into it, if nobody has heard of that
 *   epoch; else the memory is served until it is empty.
 *
 * What the file held is safe in it meanwhile and goes on when the file is served again. What only the memory holds is
 * lost when the process ends; a file that is damaged is set aside, and what can still be read of it goes on in a new one,
 * which says what that is not. The collector knows by the numbers that it was told (docs/operate.md, the ledger) what
 * never came.
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { FormerOutbox, Lane, Reading } from "@aislewatch/contract";
import { isStorageError, type OutboxError, toError } from "./outbox-error.ts";
import type { OutboxFigures, OutboxFile, OutboxFileOptions, Seqs } from "./outbox-file.ts";
import { type Opening, opening, openMemoryOutbox, saveAnew } from "./outbox-open.ts";
import type { ReadLimit, StoredBatch } from "./outbox-rows.ts";

export type { OutboxFigures } from "./outbox-file.ts";
export type { StoredBatch } from "./outbox-rows.ts";

export type OutboxOptions = OutboxFileOptions & {
  /** What may wait in memory while the file can't be written; 16 MiB by default. */
  readonly memoryBytesMax?: number;
  /** The file can't be had; also called when the reason becomes another. */
  readonly onTrouble?: (detail: string) => void;
  /** The file is written again; so many batches moved from memory into it. */
  readonly onMended?: (moved: number) => void;
  /** Another epoch is to be served: connect anew. */
  readonly onExchange?: () => void;
};

/** Why readings are in memory, and since when, Unix ms. */
export type OutboxTrouble = { readonly since: number; readonly detail: string };

/** Most of a day of forty devices at 10 s (`npm run bench -- outbox`), and a quarter of what an agent may use. */
const MEMORY_BYTES_MAX = 16 * 1024 * 1024;
/** How often a file that failed is tried again. */
const MEND_EVERY_MS = 10_000;
/** How often it is looked whether the file is still there. */
const LOOK_EVERY_MS = 5_000;
/** What the failed file had on its way may still be acked for so long before the memory is served. */
const FAREWELL_MS = 10_000;
/** A damaged file may be worked at for so long before what is read meanwhile goes to memory: one of some megabytes is done. */
const OPENING_MS_MAX = 250;
/** After that a step of some ten milliseconds at a time, and polling goes on in between. */
const OPENING_PAUSE_MS = 10;
/** On a full disk old batches are given up only when this much of the memory is used: the disk may be freed before. */
const MAKE_ROOM_SHARE = 0.5;

const LANES = ["live", "history"] as const;

const BEING_SAVED: OutboxError = {
  kind: "io",
  detail: "what can be read of a damaged or deleted outbox file is being saved",
};

/** Opens the outbox of a folder; when its file can't be had, it begins in memory. */
export const openOutbox = (options: OutboxOptions): Outbox => new Outbox(options);

export class Outbox {
  #options: OutboxOptions;
  readonly #clock: Clock;
  #file: OutboxFile | null = null;
  #memory: OutboxFile | null = null;
  /** What this connection is about; null when that is gone. */
  #served: OutboxFile | null;
  /** The collector knows the memory's epoch: its batches can't change their numbers any more. */
  #isMemoryKnown = false;
  /** The epoch that the connection was begun for, or is about. */
  #offered: string | null = null;
  #trouble: (OutboxTrouble & { readonly sinceMs: number }) | null = null;
  /** A file that is being saved, beside polling. */
  #opening: Opening | null = null;
  #cancelOpening: () => void = () => {};
  #nextMendMs = 0;
  #nextLookMs = 0;
  #lastTroubleAt = 0;
  /** Of files and memories that were let go. */
  #droppedBefore = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#clock = options.clock;
    const opened = this.#open(opening(options));
    if (opened.ok) this.#file = opened.value;
    else this.#shelter(opened.error);
    this.#served = this.#file ?? this.#openMemory();
  }

  /** Null while readings are written to the disk. */
  get trouble(): OutboxTrouble | null {
    return this.#trouble === null ? null : { since: this.#trouble.since, detail: this.#trouble.detail };
  }

  /**
   * Why, and since when, what is sent or written lies in memory: while the disk is in trouble, and as long as what
   * waited there goes first. The collector must know it of the memory's epoch, for the file's will follow.
   */
  get inMemory(): OutboxTrouble | null {
    if (this.#trouble !== null) return this.trouble;
    const isServed = this.#memory !== null && this.#served === this.#memory;
    return isServed
      ? { since: this.#lastTroubleAt, detail: "the file is well again; what was kept in memory goes first" }
      : null;
  }

  get epoch(): string {
    return this.#present.epoch;
  }

  /** See `OutboxFile.former`; also told while the memory is served. */
  get former(): readonly FormerOutbox[] {
    return this.#file?.former ?? [];
  }

  /** The newest seq of each lane of the epoch that is served. */
  get lastSeq(): Seqs {
    return this.#present.lastSeq;
  }

  /** Up to where each lane of the epoch that is served was acked. */
  get acked(): Seqs {
    return this.#present.acked;
  }

  /** See `OutboxFile.isGreeted`. */
  get isGreeted(): boolean {
    return this.#present.isGreeted;
  }

  get lanes(): OutboxFile["lanes"] {
    const { live, history } = this.#present.lastSeq;
    const none = { live: { first: live + 1, last: live }, history: { first: history + 1, last: history } };
    return this.#read(none, (served) => served.lanes);
  }

  /** Samples that were dropped since the start. */
  get droppedSamples(): number {
    return this.#droppedBefore + (this.#file?.droppedSamples ?? 0) + (this.#memory?.droppedSamples ?? 0);
  }

  /** Of file and memory together. */
  get figures(): OutboxFigures {
    const all = [this.#file, this.#memory].flatMap((one) => {
      try {
        return one === null ? [] : [one.figures];
      } catch (thrown) {
        this.#caught(thrown);
        return [];
      }
    });
    const times = all.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]));
    return {
      batches: all.reduce((sum, { batches }) => sum + batches, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
      oldestAt: times.length === 0 ? null : Math.min(...times),
      droppedSamples: this.droppedSamples,
    };
  }

  /**
   * Takes readings in this lane: on return they are on the disk, or in memory while the disk is in trouble. `keep`:
   * there are events or changed states among them, so drop them last.
   */
  append(readings: readonly Reading[], into: { lane: Lane; keep: boolean }): { batches: number } {
    if (this.#trouble === null && this.#clock.monotonic() >= this.#nextLookMs) this.#replaceGone();
    const written = this.#appendToFile(readings, into);
    const kept = written ?? this.#appendToMemory(readings, into);
    this.#settle();
    return kept;
  }

  /**
   * Tries a file that failed also while there is nothing to append: what waits in it is owed; and begins one anew that
   * somebody deleted, with all that was in it. To be called now and then.
   */
  tend(): void {
    if (this.#trouble === null) {
      this.#replaceGone();
      return;
    }
    this.#mend();
    this.#settle();
  }

  /** Batches of the epoch that is served: see `OutboxFile.unacked`. */
  unacked(lane: Lane, afterSeq: number, limit: ReadLimit): StoredBatch[] {
    return this.#read<StoredBatch[]>([], (served) => served.unacked(lane, afterSeq, limit));
  }

  markInFlight(upTo: Seqs): void {
    this.#read(undefined, (served) => served.markInFlight(upTo));
  }

  ack(epoch: string, upTo: Seqs): "taken" | "stranger" | "ahead" {
    const verdict = this.#read<"taken" | "stranger" | "ahead">("stranger", (served) => served.ack(epoch, upTo));
    if (verdict === "taken") this.#settle();
    return verdict;
  }

  /** See `OutboxFile.renew`. */
  renew(): Result<void, OutboxError> {
    return this.#read<Result<void, OutboxError>>(err({ kind: "io", detail: "the outbox can't be read" }), (served) =>
      served.renew(),
    );
  }

  /** A connection begins: which epoch it serves. The memory goes first, for it is lost with the process. */
  connecting(): void {
    const memory = this.#file === null ? this.#openMemory() : this.#memory;
    const isMemory = memory !== null && (this.#file === null || !isDrained(memory));
    this.#served = isMemory ? memory : this.#file;
    this.#offered = this.#present.epoch;
  }

  /**
   * The connection stands, and the collector hears of what it serves. Until then nobody has: what the memory took while no
   * line was up goes to the file as soon as that is well again, and does not wait in memory for a line. False when that has
   * happened since `connecting`: connect anew.
   */
  connected(): boolean {
    if (this.#present.epoch !== this.#offered) return false;
    this.#isMemoryKnown ||= this.#memory !== null && this.#served === this.#memory;
    return true;
  }

  /** Other bounds of the file, from the next commit on. */
  setLimits(limits: Pick<OutboxOptions, "bytesMax" | "ageMsMax">): void {
    this.#options = { ...this.#options, ...limits };
    try {
      this.#file?.setLimits(limits);
    } catch (thrown) {
      this.#caught(thrown);
    }
  }

  /** Closes; returns how many samples only the memory held. A file that takes them by now gets what nobody has heard of. */
  close(): number {
    if (this.#trouble !== null) {
      this.#nextMendMs = 0;
      this.#mend();
    }
    this.#cancelOpening();
    // What was saved until now is done again at the next start.
    this.#opening?.return(err(BEING_SAVED));
    this.#opening = null;
    const lost = this.#memory === null ? 0 : this.#memory.waitingSamples;
    this.#memory?.close();
    this.#file?.close();
    [this.#memory, this.#file, this.#served, this.#trouble] = [null, null, null, null];
    return lost;
  }

  /** What is served, or will be at the next connection. */
  get #present(): OutboxFile {
    return this.#served ?? this.#file ?? this.#openMemory();
  }

  #openMemory(): OutboxFile {
    this.#memory ??= openMemoryOutbox({
      ...this.#options,
      bytesMax: this.#options.memoryBytesMax ?? MEMORY_BYTES_MAX,
    });
    return this.#memory;
  }

  /** Null when the file does not take them. */
  #appendToFile(readings: readonly Reading[], into: { lane: Lane; keep: boolean }): { batches: number } | null {
    if (this.#trouble !== null) this.#mend();
    if (this.#trouble !== null) return null;
    // Twice: a file that turns out to be damaged is set aside, and the new one asked.
    for (let tries = 0; tries < 2 && this.#file !== null; tries++) {
      const written = this.#file.append(readings, into);
      if (written.ok) return written.value;
      if (written.error.kind !== "broken" || !this.#replaceBroken()) {
        this.#shelter(written.error);
        break;
      }
    }
    return null;
  }

  #appendToMemory(readings: readonly Reading[], into: { lane: Lane; keep: boolean }): { batches: number } {
    const kept = this.#openMemory().append(readings, into);
    if (!kept.ok) throw new Error(`the outbox in memory: ${kept.error.detail}`);
    return kept.value;
  }

  /** From now on readings go to memory. */
  #shelter({ detail }: OutboxError): void {
    const isNews = this.#trouble?.detail !== detail;
    this.#trouble = {
      since: this.#trouble?.since ?? this.#clock.now(),
      sinceMs: this.#trouble?.sinceMs ?? this.#clock.monotonic(),
      detail,
    };
    this.#lastTroubleAt = this.#trouble.since;
    this.#nextMendMs = this.#clock.monotonic() + MEND_EVERY_MS;
    if (isNews) this.#options.onTrouble?.(detail);
  }

  /** Tries the file again, when it is time to; a file that works again takes what the memory may give it. */
  #mend(): void {
    if (this.#clock.monotonic() < this.#nextMendMs) return;
    const mended = this.#tryFile();
    if (!mended.ok) {
      this.#shelter(mended.error);
      return;
    }
    this.#trouble = null;
    this.#options.onMended?.(mended.value);
  }

  /** Is the file written again? If so: how many batches moved into it. */
  #tryFile(): Result<number, OutboxError> {
    const taken = this.#takeBack();
    if (taken.ok || taken.error.kind !== "full" || !this.#isMemoryFilling) return taken;
    // What the memory will move into the file needs room as well.
    const room = this.#file?.makeRoom(this.#isMemoryKnown ? 0 : 2 * (this.#memory?.figures.bytes ?? 0));
    return room?.ok ? this.#takeBack() : taken;
  }

  #takeBack(): Result<number, OutboxError> {
    const probed = this.#probe();
    if (!probed.ok) return probed;
    const [file, memory] = [this.#file, this.#memory];
    if (file === null || memory === null || this.#isMemoryKnown) return ok(0);
    const moved = memory.contents();
    const adopted = file.adopt(moved);
    if (!adopted.ok) return adopted;
    this.#droppedBefore += memory.droppedSamples;
    memory.close();
    this.#memory = null;
    if (this.#served === memory) this.#served = file;
    return ok(moved.length);
  }

  #probe(): Result<void, OutboxError> {
    if (this.#opening !== null) return err(BEING_SAVED);
    const probed = this.#file?.probe();
    if (probed?.ok || probed?.error.kind === "full") return probed;
    // What was opened before the disk was pulled or mounted anew stays broken: only a new handle can tell.
    const opened = this.#open(opening(this.#options));
    if (!opened.ok) return opened;
    this.#letGo();
    this.#file = opened.value;
    return ok(undefined);
  }

  get #isMemoryFilling(): boolean {
    const bytesMax = this.#options.memoryBytesMax ?? MEMORY_BYTES_MAX;
    return (this.#memory?.figures.bytes ?? 0) > bytesMax * MAKE_ROOM_SHARE;
  }

  /** Goes through the steps; those for which there is no time go on beside polling, and until then there is no file. */
  #open(steps: Opening): Result<OutboxFile, OutboxError> {
    const untilMs = this.#clock.monotonic() + OPENING_MS_MAX;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (this.#clock.monotonic() < untilMs);
    this.#opening = steps;
    this.#cancelOpening = this.#clock.after(OPENING_PAUSE_MS, () => this.#openOn(steps));
    return err(BEING_SAVED);
  }

  #openOn(steps: Opening): void {
    const { done, value } = steps.next();
    if (done !== true) {
      this.#cancelOpening = this.#clock.after(OPENING_PAUSE_MS, () => this.#openOn(steps));
      return;
    }
    this.#opening = null;
    if (!value.ok) {
      this.#shelter(value.error);
      return;
    }
    this.#letGo();
    this.#file = value.value;
    this.#nextMendMs = 0;
    this.#mend();
    this.#settle();
  }

  /** Sets a damaged file aside; false while no new one can be had. */
  #replaceBroken(): boolean {
    const known = this.#file === null ? null : { epoch: this.#file.epoch, lastSeq: this.#file.lastSeq };
    this.#letGo();
    const opened = this.#open(opening(this.#options, known));
    if (opened.ok) this.#file = opened.value;
    return opened.ok;
  }

  #replaceGone(): void {
    const file = this.#file;
    this.#nextLookMs = this.#clock.monotonic() + LOOK_EVERY_MS;
    try {
      if (file === null || !file.isGone) return;
      const known = { epoch: file.epoch, lanes: file.lanes };
      this.#detach(file);
      const opened = this.#open(openedAnew(file, known, this.#options));
      if (opened.ok) this.#file = opened.value;
      else this.#shelter(opened.error);
    } catch (thrown) {
      this.#caught(thrown);
    }
  }

  #letGo(): void {
    const file = this.#file;
    if (file === null) return;
    this.#detach(file);
    letGo(file);
  }

  /** Nothing is read from it or written to it any more by those who serve. */
  #detach(file: OutboxFile): void {
    this.#file = null;
    if (this.#served === file) {
      this.#served = null;
      this.#options.onExchange?.();
    }
    this.#droppedBefore += file.droppedSamples;
  }

  /** Serves the other one when the one served has nothing more to say. */
  #settle(): void {
    const memory = this.#memory;
    if (memory === null) return;
    const isWaiting = !isDrained(memory);
    if (this.#served === memory) {
      if (this.#trouble === null && !isWaiting) this.#options.onExchange?.();
      return;
    }
    if (this.#trouble === null || !isWaiting) return;
    const isOver = this.#clock.monotonic() - this.#trouble.sinceMs >= FAREWELL_MS;
    if (isOver || this.#file === null || this.#read(true, isDrained)) this.#options.onExchange?.();
  }

  /** What is read from the one served; a file that can't be read is in trouble, and has nothing to say. */
  #read<T>(otherwise: T, read: (served: OutboxFile) => T): T {
    try {
      return this.#served === null ? otherwise : read(this.#served);
    } catch (thrown) {
      this.#caught(thrown);
      return otherwise;
    }
  }

  /** An error of the disk is trouble; any other is a bug. */
  #caught(thrown: unknown): void {
    if (!isStorageError(thrown)) throw thrown;
    const error = toError(thrown);
    if (error.kind !== "broken" || !this.#replaceBroken()) this.#shelter(error);
  }
}

function letGo(file: OutboxFile): void {
  try {
    file.abandon();
  } catch {
    // It failed before, and nothing of it is needed any more.
  }
}

/** What is in a deleted file can be read as long as it is open. */
function* openedAnew(file: OutboxFile, known: FormerOutbox, options: OutboxOptions): Opening {
  let isSaved = false;
  try {
    isSaved = yield* saveAnew(file, options);
  } finally {
    letGo(file);
  }
  const opened = yield* opening({ ...options, ...(!isSaved && { lastKnown: () => known }) });
  if (opened.ok && isSaved) options.onGone?.(known);
  return opened;
}

/** Nothing waits in it that was not acked, whether or not the rows could be deleted. */
function isDrained(outbox: OutboxFile): boolean {
  const { lanes } = outbox;
  return LANES.every((lane) => lanes[lane].first > lanes[lane].last);
}
