/**
 * One outbox file: every reading is written down here before it is sent, and stays until the collector's ack. An SQLite
 * file, `outbox.db`, in the agent's data folder, in WAL mode with a sync at every commit, so that what `append`
 * returned survives a yanked power cord. The same in memory (`openMemoryOutbox`) is what outbox.ts falls back on.
 *
 * Invariants
 * - Lane and seq are given at commit and never change; per lane, seqs count from 1 without a hole, over restarts.
 * - The epoch is made with the file and changes only when the file is lost (or found to be an old copy: `renew`).
 * - A batch leaves by an ack, or by being dropped when the outbox is full or the batch too old. What was dropped
 *   becomes a batch of its own at the last seq it stands for (`dropped: from, to, samples`), so acks have no holes.
 * - What goes first when there is too much says outbox-thinning.ts.
 *
 * A damaged file is replaced by one of the same epoch with every row that can still be read (outbox-salvage.ts) and, for
 * those that can't, reports of which they were. Where that can't be done either, a new epoch begins, and what is known of
 * the old one goes on in it (outbox-former.ts).
 *
 * Age counts the time that agents ran on this file, not the wall clock, which somebody may set to next year.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import { type FormerOutbox, type Lane, LIMITS, type Reading } from "@aislewatch/contract";
import { type Body, packReadings, withSeq } from "./core/batch.ts";
import { BodyCodec } from "./outbox-codec.ts";
import { isStorageError, type OutboxError, toError } from "./outbox-error.ts";
import { formerOutboxes, parseFormer, withRenumbered } from "./outbox-former.ts";
import { giveReserveBack, keepReserve } from "./outbox-reserve.ts";
import { BatchRows, type MovedBatch, type ReadLimit, type StoredBatch } from "./outbox-rows.ts";
import { restoreHead, restoreHoles, rowWriter, type SavedOutbox, savedOf } from "./outbox-salvage.ts";
import { boundFile, closeClean, Meta, openDatabase, prepareDatabase } from "./outbox-schema.ts";
import { bytesOf, LANE_NUMBER, type Tally, Thinning, TIER } from "./outbox-thinning.ts";
import { Unheard } from "./outbox-unheard.ts";

export type { OutboxError } from "./outbox-error.ts";
export type { MovedBatch, StoredBatch } from "./outbox-rows.ts";

export type Seqs = Readonly<Record<Lane, number>>;

export type OutboxFigures = {
  readonly batches: number;
  readonly bytes: number;
  /** Unix ms of the oldest reading that waits; null when none does. */
  readonly oldestAt: number | null;
  readonly droppedSamples: number;
};

export type OutboxFileOptions = {
  readonly folder: string;
  readonly bytesMax: number;
  readonly ageMsMax: number;
  /** What the file may grow to, come what may; by default twice `bytesMax` and 16 MiB. */
  readonly fileBytesMax?: number;
  readonly clock: Clock;
  /** `[a-z0-9-]`, random: made once with the file. */
  readonly newEpoch: () => string;
  /** What is another after each start of the machine; null where nothing is. By default what Linux says. */
  readonly boot?: () => string | null;
  /** Called when a file that SQLite can't read was set aside. */
  readonly onSetAside?: (file: string, detail: string, saved: SavedCounts | null) => void;
  /** What is known of the outbox that there was in this folder last, from elsewhere than its file; asked when a file begins. */
  readonly lastKnown?: () => FormerOutbox | null;
  /** Called when a file begins although there was one, which nobody set aside: it was deleted, or emptied. */
  readonly onGone?: (before: FormerOutbox) => void;
};

/**
 * Of a damaged file: batches that were saved, and those of which it is only known that they were. Null where a new epoch
 * had to be begun.
 */
export type SavedCounts = { readonly batches: number; readonly lost: number };

/** When full, this much is freed at once, so that not every commit has to. */
const FREED_SHARE = 0.05;
/** On a full disk a few rows are not enough: only whole pages become free. */
const FREED_BYTES_MIN = 64 * 1024;
/** How often batches' ages are looked at. */
const AGE_CHECK_MS = 60_000;

/** A batch of full size, so that a disk with room for one number is not taken for one that works. */
const PROBE_BYTES = 64 * 1024;

/** Of rows that are saved, so many go into one commit: each is a sync, and nothing else is done meanwhile. */
const SAVED_AT_ONCE = 250;

const LANES = ["live", "history"] as const;

/** Null where there is no file. */
const inodeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.ino ?? null;

export class OutboxFile {
  #options: OutboxFileOptions;
  readonly #db: DatabaseSync;
  readonly #meta: Meta;
  readonly #codec: BodyCodec;
  readonly #rows: BatchRows;
  readonly #thinning: Thinning;
  readonly #isInMemory: boolean;
  readonly #elapsedBaseMs: number;
  /** Null in memory. */
  readonly #inode: number | null;
  readonly #openedMs: number;
  #epoch: string;
  #former: readonly FormerOutbox[];
  #lastSeq: Record<Lane, number>;
  #acked: Record<Lane, number> = { live: 0, history: 0 };
  #inFlight: Seqs = { live: 0, history: 0 };
  #bytes: number;
  #batches: number;
  #droppedSamples = 0;
  #ageCheckedMs: number;
  readonly #unheard: Unheard;
  #isGreeted: boolean;

  constructor(path: string, options: OutboxFileOptions) {
    this.#options = options;
    this.#isInMemory = path === ":memory:";
    this.#db = openDatabase(path);
    try {
      const begin = (meta: Meta): void => this.#begin(meta);
      const { isNew } = prepareDatabase(this.#db, { fileBytesMax: fileBytesMaxOf(options), begin });
      this.#meta = new Meta(this.#db);
      this.#codec = new BodyCodec(this.#db);
      this.#rows = new BatchRows(this.#db, this.#codec);
      this.#thinning = new Thinning(this.#db, this.#codec);
      this.#epoch = String(this.#meta.get("epoch"));
      this.#former = parseFormer(this.#meta.get("former"));
      this.#lastSeq = { live: Number(this.#meta.get("last_live")), history: Number(this.#meta.get("last_history")) };
      ({ batches: this.#batches, bytes: this.#bytes } = this.#rows.sums);
      const noted = this.#isInMemory || isNew ? null : path;
      this.#unheard = new Unheard(this.#meta, { path: noted, lastSeq: this.#lastSeq, boot: options.boot });
      this.#elapsedBaseMs = this.#rows.elapsedMs;
      this.#isGreeted = isNew;
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
    this.#inode = this.#isInMemory ? null : inodeOf(path);
    this.#openedMs = options.clock.monotonic();
    this.#ageCheckedMs = this.#openedMs;
    this.#keepReserve();
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Files that were set aside before this one, and epochs that it left, of which the collector may not know yet. */
  get former(): readonly FormerOutbox[] {
    return this.#former;
  }

  /** The newest seq of each lane. */
  get lastSeq(): Seqs {
    return { ...this.#lastSeq };
  }

  /** Up to where each lane was acked since this outbox was opened. */
  get acked(): Seqs {
    return { ...this.#acked };
  }

  /** Samples that were dropped since this outbox was opened. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** Samples that wait; reads every row. */
  get waitingSamples(): number {
    return this.#rows.samples;
  }

  get figures(): OutboxFigures {
    const [batches, bytes, droppedSamples] = [this.#batches, this.#bytes, this.#droppedSamples];
    return { batches, bytes, oldestAt: this.#rows.oldestAt, droppedSamples };
  }

  /** Of each lane the oldest seq that still waits (`last` + 1 when none does), and the newest ever given. */
  get lanes(): Readonly<Record<Lane, { readonly first: number; readonly last: number }>> {
    return { live: this.#laneSpan("live"), history: this.#laneSpan("history") };
  }

  /**
   * Writes readings down in this lane, as one transaction; on return they are on the disk. `keep`: there are events or
   * changed states among them, so drop them last.
   */
  append(
    readings: readonly Reading[],
    { lane, keep }: { lane: Lane; keep: boolean },
  ): Result<{ batches: number }, OutboxError> {
    const bodies = packReadings(readings);
    return this.#commit((tally) => {
      this.#expire(tally);
      this.#fit(
        tally,
        bodies.reduce((sum, { text }) => sum + bytesOf(text), 0),
      );
      for (const body of bodies) this.#write(tally, { lane, tier: keep ? TIER.state : TIER.telemetry }, body);
      return { batches: bodies.length };
    });
  }

  /** All that waits here, in order of writing, to be written down in another outbox. */
  contents(): MovedBatch[] {
    return this.#rows.contents();
  }

  /** Takes in what waited in another outbox that nobody has heard of, as one transaction. */
  adopt(moved: readonly MovedBatch[]): Result<void, OutboxError> {
    return this.#commit((tally) => {
      for (const batch of moved) {
        const text = withSeq(batch.text, tally.lastSeq[batch.lane] + 1);
        this.#write(tally, batch, { ...batch, text });
      }
      // Afterwards: only now is known how small they pack.
      this.#fit(tally, 0);
    });
  }

  /**
   * Takes in what was saved of a damaged file, into this new one of the same epoch, a commit at each step. A number that
   * the lane has given and that stands in no row was in one that can't be read: it becomes a report that says so. How many
   * samples those had nobody knows; one each is told.
   */
  *restore(saved: SavedOutbox): Generator<void, Result<SavedCounts, OutboxError>, void> {
    const rows = saved.rows();
    const write = rowWriter(this.#db);
    let batches = 0;
    let isOver = false;
    for (let isFirst = true; !isOver; isFirst = false) {
      const taken = this.#commit((tally) => {
        if (isFirst) restoreHead(this.#db, saved, this.#former);
        for (let count = 0; count < SAVED_AT_ONCE; count++) {
          const { value, done } = rows.next();
          isOver = done === true;
          if (done === true || value === null) return count;
          write(tally, value);
        }
        return SAVED_AT_ONCE;
      });
      if (!taken.ok) return taken;
      batches += taken.value;
      yield;
    }
    return this.#commit((tally) => {
      // For what stands in a lane of which nothing is left.
      const now = this.#options.clock.now();
      const lost = LANES.reduce((sum, lane) => sum + restoreHoles(this.#db, tally, { lane, saved, now }), 0);
      tally.lastSeq.live = saved.lastSeq.live;
      tally.lastSeq.history = saved.lastSeq.history;
      return { batches, lost };
    });
  }

  /** Can a batch be written? Costs a sync and leaves nothing behind. */
  probe(): Result<void, OutboxError> {
    return this.#commit(() => {
      this.#db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', zeroblob(?))").run(PROBE_BYTES);
      this.#meta.delete("probe");
    });
  }

  /** Batches after `afterSeq` in order, as many as fit into `bytesMax` and `batchesMax`; at least one, if there is one. */
  unacked(lane: Lane, afterSeq: number, limit: ReadLimit): StoredBatch[] {
    for (;;) {
      const { found, damaged } = this.#rows.after(lane, Math.max(afterSeq, this.#acked[lane]), limit);
      if (damaged === null || found.length > 0) return found;
      // It becomes a batch that says that it is lost, so this ends with the last row.
      const sent = { ...this.#inFlight, [lane]: Math.max(this.#inFlight[lane], afterSeq) };
      const told = this.#commit((tally) => this.#thinning.damaged(tally, damaged, sent));
      if (!told.ok) return found;
    }
  }

  /** Other bounds, from the next commit on; the file shrinks as batches leave. */
  setLimits({ bytesMax, ageMsMax }: Pick<OutboxFileOptions, "bytesMax" | "ageMsMax">): void {
    this.#options = { ...this.#options, bytesMax, ageMsMax };
    boundFile(this.#db, fileBytesMaxOf(this.#options));
  }

  /** What the uplink has sent on this connection: dropped only when nothing else is left. */
  markInFlight(upTo: Seqs): void {
    this.#inFlight = { ...upTo };
    if (!this.#isGreeted && LANES.some((lane) => upTo[lane] > this.#acked[lane])) this.#greeted(() => {});
  }

  /**
   * False until the collector's first word about a file that was there before. Until then nothing should be sent, so
   * that an old copy of the file (a restored disk image, a log that lost its tail) is known by what the collector has
   * beyond it, and not taken for what was just sent.
   */
  get isGreeted(): boolean {
    return this.#isGreeted;
  }

  /**
   * The collector has everything up to these seqs. `stranger`: of another epoch; `ahead`: of seqs that this file never
   * gave, so the file is an old copy (see `renew`). On a full disk the rows stay until the next ack; they are not sent
   * again.
   */
  ack(epoch: string, upTo: Seqs): "taken" | "stranger" | "ahead" {
    if (epoch !== this.#epoch) return "stranger";
    const given = this.#isGreeted ? this.#lastSeq : this.#unheard.openedSeq;
    if (LANES.some((lane) => upTo[lane] > given[lane])) {
      // An old copy: what it held when it was opened is what the collector means by these numbers, and safe.
      if (!this.#isGreeted) for (const lane of LANES) this.#acked[lane] = Math.min(upTo[lane], given[lane]);
      return "ahead";
    }
    if (!this.#isGreeted) {
      this.#greeted((tally) => this.#trimDamaged(tally, upTo));
    }
    if (LANES.every((lane) => upTo[lane] <= this.#acked[lane])) return "taken";
    for (const lane of LANES) this.#acked[lane] = Math.max(this.#acked[lane], upTo[lane]);
    // No sync: a deletion that a power cut undoes is one resend, which the collector recognises.
    this.#db.exec("PRAGMA synchronous = NORMAL");
    // On a disk that refuses, the rows stay and are not sent again.
    const deleted = this.#commit((tally) => {
      this.#deleteAcked(tally);
      this.#unheard.forget();
      if (this.#former.length > 0) this.#meta.delete("former");
    });
    if (deleted.ok) {
      this.#former = [];
      this.#unheard.forgotten();
    }
    this.#db.exec("PRAGMA synchronous = FULL");
    return "taken";
  }

  /** From here on the collector may have what this process writes. */
  #greeted(work: (tally: Tally) => void): void {
    this.#isGreeted = true;
    const heard = (): boolean =>
      this.#commit((tally) => {
        this.#unheard.forget();
        work(tally);
      }).ok;
    if (!heard()) {
      // A full disk: with the reserve there is room for this. Else it goes with the next ack.
      this.#giveReserveBack();
      if (!heard()) return;
    }
    this.#unheard.forgotten();
  }

  /** By now it is known what was acked of what a damaged file held. */
  #trimDamaged(tally: Tally, upTo: Seqs): void {
    for (const lane of LANES) {
      if (upTo[lane] > this.#inFlight[lane]) this.#thinning.trimDamaged(tally, LANE_NUMBER[lane], upTo[lane]);
    }
  }

  /**
   * A new epoch, with what is unacked numbered from 1 again: for a file that turned out to be an old copy (a restored
   * disk image), whose next seqs the collector would take for repeats and throw away. The collector is told, for another
   * copy that was made before this has the same rows, which would be delivered twice.
   */
  renew(): Result<void, OutboxError> {
    const epoch = this.#options.newEpoch();
    const former = withRenumbered(this.#former, { epoch: this.#epoch, lastSeq: this.#lastSeq });
    const renewed = this.#commit((tally) => {
      this.#deleteAcked(tally);
      for (const lane of LANES) tally.lastSeq[lane] = this.#rows.renumber(lane);
      this.#meta.set("epoch", epoch);
      this.#meta.set("former", JSON.stringify(former));
      this.#unheard.forget();
    });
    if (!renewed.ok) return renewed;
    this.#former = former;
    this.#unheard.forgotten();
    this.#epoch = epoch;
    this.#isGreeted = true;
    this.#acked = { live: 0, history: 0 };
    this.#inFlight = { live: 0, history: 0 };
    return ok(undefined);
  }

  /** The disk is full: gives the reserve back and drops the oldest, at least so many bytes of it, for the newest. */
  makeRoom(bytesMin = 0): Result<void, OutboxError> {
    this.#giveReserveBack();
    return this.#commit((tally) => {
      this.#deleteAcked(tally);
      const freed = Math.max(tally.bytes * FREED_SHARE, FREED_BYTES_MIN, bytesMin);
      this.#drop(tally, tally.bytes - freed, "the disk was full");
    });
  }

  /** Somebody deleted the file, or put another in its place: what is written here is gone at the next start. */
  get isGone(): boolean {
    if (this.#isInMemory) return false;
    return inodeOf(join(this.#options.folder, "outbox.db")) !== this.#inode;
  }

  /** All that is in the file, for one that takes its place; readable as long as this one is open. */
  get saved(): SavedOutbox | null {
    return savedOf(this.#db, { epoch: this.#epoch, lastSeq: this.#lastSeq });
  }

  /** Lets go of a file that failed, which the next to open it has to check. */
  abandon(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  close(): void {
    if (this.#db.isOpen) closeClean(this.#db);
  }

  /** What a new file says of itself. */
  #begin(meta: Meta): void {
    const epoch = this.#options.newEpoch();
    meta.set("epoch", epoch);
    for (const lane of LANES) meta.set(`last_${lane}`, 0);
    const former = this.#isInMemory ? [] : this.#before(epoch);
    if (former.length > 0) meta.set("former", JSON.stringify(former));
  }

  /** What there was before this file: what lies aside, and what is neither there nor here. */
  #before(epoch: string): readonly FormerOutbox[] {
    const aside = formerOutboxes(this.#options.folder);
    const last = this.#options.lastKnown?.() ?? null;
    if (last === null || last.epoch === epoch || aside.some((one) => one.epoch === last.epoch)) return aside;
    this.#options.onGone?.(last);
    return [...aside, last].slice(-LIMITS.formerOutboxesMax);
  }

  /** Counters change with the transaction or not at all. */
  #commit<T>(work: (tally: Tally) => T): Result<T, OutboxError> {
    const tally: Tally = {
      bytes: this.#bytes,
      batches: this.#batches,
      droppedSamples: this.#droppedSamples,
      lastSeq: { ...this.#lastSeq },
    };
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const value = work(tally);
      for (const lane of LANES) {
        if (tally.lastSeq[lane] !== this.#lastSeq[lane]) this.#meta.set(`last_${lane}`, tally.lastSeq[lane]);
      }
      this.#db.exec("COMMIT");
      this.#codec.committed();
      this.#bytes = tally.bytes;
      this.#batches = tally.batches;
      this.#droppedSamples = tally.droppedSamples;
      this.#lastSeq = tally.lastSeq;
      return ok(value);
    } catch (thrown) {
      // On a full disk SQLite has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      if (!isStorageError(thrown)) throw thrown;
      this.#codec.rolledBack();
      return err(toError(thrown));
    }
  }

  #laneSpan(lane: Lane): { first: number; last: number } {
    const last = this.#lastSeq[lane];
    const oldest = this.#rows.oldestSeq(lane, this.#acked[lane]);
    return { first: oldest === null ? last + 1 : Math.max(oldest, this.#acked[lane] + 1), last };
  }

  #write(tally: Tally, { lane, tier }: { lane: Lane; tier: number }, body: Body): void {
    const seq = ++tally.lastSeq[lane];
    tally.bytes += this.#rows.insert(body, { lane, seq, tier, elapsedMs: Math.round(this.#elapsedMs()) });
    tally.batches++;
  }

  #deleteAcked(tally: Tally): void {
    for (const lane of LANES) {
      const { batches, bytes } = this.#rows.deleteUpTo(lane, this.#acked[lane]);
      tally.batches -= batches;
      tally.bytes -= bytes;
    }
    // What an outage filled is given back to the file system a little at a time.
    this.#db.exec("PRAGMA incremental_vacuum(64)");
  }

  #expire(tally: Tally): void {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#ageCheckedMs < AGE_CHECK_MS) return;
    this.#ageCheckedMs = nowMs;
    this.#keepReserve();
    const beforeElapsedMs = Math.round(this.#elapsedMs() - this.#options.ageMsMax);
    this.#thinning.expire(tally, { beforeElapsedMs, inFlight: this.#inFlight });
  }

  /** Room for so many bytes more. */
  #fit(tally: Tally, bytes: number): void {
    if (tally.bytes + bytes <= this.#options.bytesMax) return;
    this.#drop(tally, this.#options.bytesMax * (1 - FREED_SHARE) - bytes, "the outbox was full");
  }

  #drop(tally: Tally, bytesTarget: number, reason: string): void {
    this.#thinning.drop(tally, { bytesTarget, inFlight: this.#inFlight }, reason);
  }

  #elapsedMs(): number {
    return this.#elapsedBaseMs + this.#options.clock.monotonic() - this.#openedMs;
  }

  #keepReserve(): void {
    if (!this.#isInMemory) keepReserve(this.#options.folder);
  }

  #giveReserveBack(): void {
    if (!this.#isInMemory) giveReserveBack(this.#options.folder);
  }
}

const fileBytesMaxOf = ({ fileBytesMax, bytesMax }: OutboxFileOptions): number =>
  fileBytesMax ?? 2 * bytesMax + 16 * 2 ** 20;
