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
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { type FormerOutbox, type Lane, LIMITS, type Reading } from "@aislewatch/contract";
import { type Body, packReadings, withSeq } from "./core/batch.ts";
import { BodyCodec, BrokenBody, textOrNull } from "./outbox-codec.ts";
import { formerOutboxes, parseFormer, withRenumbered } from "./outbox-former.ts";
import { restoreHead, restoreHoles, rowWriter, type SavedOutbox, savedOf } from "./outbox-salvage.ts";
import { bytesOf, LANE_NUMBER, ROW_COLUMNS, type Row, type Tally, Thinning, TIER } from "./outbox-thinning.ts";
import { heldBefore, unheardText } from "./outbox-unheard.ts";

/** `full`: the disk, not the outbox. `broken`: this file will never do again; set it aside. */
export type OutboxError = { readonly kind: "full" | "io" | "broken"; readonly detail: string };

export type StoredBatch = { readonly lane: Lane; readonly seq: number; readonly bytes: number; readonly body: string };

export type Seqs = Readonly<Record<Lane, number>>;

export type OutboxFigures = {
  readonly batches: number;
  readonly bytes: number;
  /** Unix ms of the oldest reading that waits; null when none does. */
  readonly oldestAt: number | null;
  readonly droppedSamples: number;
};

/** A batch as it moves from one outbox to another: under a new seq, for nobody has heard of the old one. */
export type MovedBatch = {
  readonly lane: Lane;
  readonly tier: number;
  readonly samples: number;
  readonly fromAt: number;
  readonly toAt: number;
  readonly text: string;
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
/** Of `reserveOf`. */
const RESERVE_BYTES = 1024 * 1024;
/** The write-ahead log is cut back to this after a checkpoint. */
const WAL_BYTES_MAX = 4 * 1024 * 1024;
/** How often batches' ages are looked at. */
const AGE_CHECK_MS = 60_000;

/** A batch of full size, so that a disk with room for one number is not taken for one that works. */
const PROBE_BYTES = 64 * 1024;

/**
 * A commit writes whole pages to the log, four of which change with each batch and four more with its ack: a quarter of
 * SQLite's default writes a third as much to the disk. A file that was made with others keeps them.
 */
const PAGE_BYTES = 1_024;

/** SQLite would keep 2 MB of pages in memory, which an agent that writes and deletes at the two ends never looks at. */
const CACHE_KIB = 256;

/** How long another process may hold the file before that is an error. */
const BUSY_MS_MAX = 5_000;

/** A file up to this size is looked through at each start, which takes 20 ms; a larger one only after a stop that was none. */
const CHECKED_BYTES_MAX = 16 * 1024 * 1024;
/** Of rows that are saved, so many go into one commit: each is a sync, and the log must stay small. */
const SAVED_AT_ONCE = 500;

/** In `meta`: what the file held when it was opened, until the collector has said what it has (outbox-unheard.ts). */
const UNHEARD = "unheard";

export const SCHEMA_VERSION = 2;
const LANES = ["live", "history"] as const;
/** SQLite's result codes (https://sqlite.org/rescode.html). */
const SQLITE = { corrupt: 11, full: 13, notADatabase: 26 } as const;

const SCHEMA = `
  PRAGMA auto_vacuum = INCREMENTAL;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (lane, seq)
  ) STRICT;
  CREATE INDEX batch_by_worth ON batch (tier, id, bytes);
`;

/** From version 1 on: bodies are packed, with a dictionary or without; `body` is empty then (outbox-codec.ts). */
const SCHEMA_2 = `
  ALTER TABLE batch ADD COLUMN packed BLOB;
  ALTER TABLE batch ADD COLUMN dictionary INTEGER;
  CREATE TABLE dictionary (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Space that is given back when the disk is full, for deleting needs some as well. */
export const reserveOf = (folder: string): string => join(folder, "outbox.reserve");

/** Null where there is no file. */
const inodeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.ino ?? null;

export class OutboxFile {
  #options: OutboxFileOptions;
  readonly #db: DatabaseSync;
  readonly #thinning: Thinning;
  readonly #codec: BodyCodec;
  /** Null in memory. */
  readonly #reservePath: string | null;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #elapsedBaseMs: number;
  /** Null in memory. */
  readonly #inode: number | null;
  readonly #openedMs: number;
  #epoch: string;
  #isNew = false;
  #former: readonly FormerOutbox[];
  #lastSeq: Record<Lane, number>;
  #acked: Record<Lane, number> = { live: 0, history: 0 };
  #inFlight: Seqs = { live: 0, history: 0 };
  #bytes: number;
  #batches: number;
  #droppedSamples = 0;
  #ageCheckedMs: number;
  /**
   * The newest seqs when this file was opened, by this process or by one before it that heard nothing of the collector, and
   * so sent nothing; beyond them the collector can't have anything of this file.
   */
  readonly #openedSeq: Seqs;
  /** Does `meta` say what that was? */
  #isUnheard = false;
  #isGreeted: boolean;

  constructor(path: string, options: OutboxFileOptions) {
    this.#options = options;
    this.#reservePath = path === ":memory:" ? null : reserveOf(options.folder);
    // A backup, or somebody who looks, may hold the file for a moment.
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
    try {
      this.#prepareFile();
      this.#codec = new BodyCodec(this.#db);
      this.#thinning = new Thinning(this.#db, this.#codec);
      this.#insert = this.#db.prepare(
        `INSERT INTO batch (lane, seq, from_seq, tier, samples, from_at, to_at, elapsed_ms, bytes, body, packed, dictionary)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`,
      );
      this.#select = this.#db.prepare(`SELECT id, seq, ${PACKED} FROM batch WHERE lane = ? AND seq > ? ORDER BY seq`);
      this.#epoch = String(this.#meta("epoch"));
      this.#former = parseFormer(this.#meta("former"));
      this.#lastSeq = { live: Number(this.#meta("last_live")), history: Number(this.#meta("last_history")) };
      const sums = this.#get("SELECT count(*) AS batches, ifnull(sum(bytes), 0) AS bytes FROM batch");
      this.#batches = Number(sums["batches"]);
      this.#bytes = Number(sums["bytes"]);
      this.#openedSeq = path === ":memory:" || this.#isNew ? this.#lastSeq : this.#noteUnheard(path);
      this.#elapsedBaseMs = Number(this.#get("SELECT elapsed_ms AS ms FROM batch ORDER BY id DESC LIMIT 1")["ms"] ?? 0);
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
    this.#inode = path === ":memory:" ? null : inodeOf(path);
    this.#isGreeted = this.#isNew;
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
    const sum = this.#get(`SELECT ifnull(sum(samples), 0) AS samples FROM batch WHERE tier <> ${TIER.dropped}`);
    return Number(sum["samples"]);
  }

  get figures(): OutboxFigures {
    const oldest = this.#get("SELECT from_at AS at FROM batch ORDER BY id LIMIT 1")["at"];
    return {
      batches: this.#batches,
      bytes: this.#bytes,
      oldestAt: typeof oldest === "number" ? oldest : null,
      droppedSamples: this.#droppedSamples,
    };
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
    const sql = `SELECT lane, tier, samples, from_at, to_at, ${PACKED} FROM batch ORDER BY id`;
    return this.#all(sql).map((row) => ({
      lane: LANES[Number(row["lane"])] ?? "live",
      tier: Number(row["tier"]),
      samples: Number(row["samples"]),
      fromAt: Number(row["from_at"]),
      toAt: Number(row["to_at"]),
      text: this.#codec.unpack(row),
    }));
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
   * Takes in what was saved of a damaged file, into this new one of the same epoch. A number that the lane has given and
   * that stands in no row was in one that can't be read: it becomes a report that says so. How many samples those had
   * nobody knows; one each is told.
   */
  restore(saved: SavedOutbox): Result<SavedCounts, OutboxError> {
    const rows = saved.rows();
    const write = rowWriter(this.#db);
    let batches = 0;
    for (let isMore = true; isMore; ) {
      const taken = this.#commit((tally) => {
        if (batches === 0) restoreHead(this.#db, saved, this.#former);
        let count = 0;
        for (; count < SAVED_AT_ONCE; count++) {
          const { value, done } = rows.next();
          if (done === true) break;
          write(tally, value);
        }
        return count;
      });
      if (!taken.ok) return taken;
      batches += taken.value;
      isMore = taken.value === SAVED_AT_ONCE;
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
      this.#db.exec("DELETE FROM meta WHERE key = 'probe'");
    });
  }

  /** Batches after `afterSeq` in order, as many as fit into `bytesMax` and `batchesMax`; at least one, if there is one. */
  unacked(lane: Lane, afterSeq: number, limit: { batchesMax: number; bytesMax: number }): StoredBatch[] {
    for (;;) {
      const { found, damaged } = this.#readUnacked(lane, afterSeq, limit);
      if (damaged === null || found.length > 0) return found;
      // It becomes a batch that says that it is lost, so this ends with the last row.
      const sent = { ...this.#inFlight, [lane]: Math.max(this.#inFlight[lane], afterSeq) };
      const told = this.#commit((tally) => this.#thinning.damaged(tally, damaged, sent));
      if (!told.ok) return found;
    }
  }

  /** Up to the first batch, if there is one, that the disk has turned into something else: its id. */
  #readUnacked(
    lane: Lane,
    afterSeq: number,
    limit: { batchesMax: number; bytesMax: number },
  ): { found: StoredBatch[]; damaged: number | null } {
    const found: StoredBatch[] = [];
    let bytesLeft = limit.bytesMax;
    for (const row of this.#select.iterate(LANE_NUMBER[lane], Math.max(afterSeq, this.#acked[lane]))) {
      const body = textOrNull(this.#codec, row);
      if (body === null) return { found, damaged: Number(row["id"]) };
      const bytes = Buffer.byteLength(body);
      if (found.length >= limit.batchesMax || (found.length > 0 && bytes > bytesLeft)) break;
      bytesLeft -= bytes;
      found.push({ lane, seq: Number(row["seq"]), bytes, body });
    }
    return { found, damaged: null };
  }

  /** Other bounds, from the next commit on; the file shrinks as batches leave. */
  setLimits({ bytesMax, ageMsMax }: Pick<OutboxFileOptions, "bytesMax" | "ageMsMax">): void {
    this.#options = { ...this.#options, bytesMax, ageMsMax };
    this.#boundFile();
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
    const given = this.#isGreeted ? this.#lastSeq : this.#openedSeq;
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
      this.#deleteUnheard();
      if (this.#former.length > 0) this.#db.exec("DELETE FROM meta WHERE key = 'former'");
    });
    if (deleted.ok) [this.#former, this.#isUnheard] = [[], false];
    this.#db.exec("PRAGMA synchronous = FULL");
    return "taken";
  }

  /** From here on the collector may have what this process writes. */
  #greeted(work: (tally: Tally) => void): void {
    this.#isGreeted = true;
    const heard = (): boolean =>
      this.#commit((tally) => {
        this.#deleteUnheard();
        work(tally);
      }).ok;
    if (!heard()) {
      // A full disk: with the reserve there is room for this. Else it goes with the next ack.
      if (this.#reservePath !== null) rmSync(this.#reservePath, { force: true });
      if (!heard()) return;
    }
    this.#isUnheard = false;
  }

  #deleteUnheard(): void {
    if (this.#isUnheard) this.#db.prepare("DELETE FROM meta WHERE key = ?").run(UNHEARD);
  }

  /** What this very file held when it was opened first without a word since; from now on it says so itself. */
  #noteUnheard(path: string): Seqs {
    const boot = this.#options.boot;
    const held = heldBefore(this.#meta(UNHEARD), path, boot);
    const text = unheardText(held ?? this.#lastSeq, path, boot);
    if (text === null) this.#db.prepare("DELETE FROM meta WHERE key = ?").run(UNHEARD);
    else if (held === null) this.#setMeta(UNHEARD, text);
    this.#isUnheard = text !== null;
    return held ?? this.#lastSeq;
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
      for (const lane of LANES) {
        const rows = this.#all(`SELECT ${ROW_COLUMNS} FROM batch WHERE lane = ? ORDER BY seq`, LANE_NUMBER[lane]);
        let seq = 0;
        // Ascending, and never above the old seq: UNIQUE (lane, seq) holds at every step.
        for (const row of rows) this.#renumber(row as Row, ++seq);
        tally.lastSeq[lane] = seq;
      }
      this.#setMeta("epoch", epoch);
      this.#setMeta("former", JSON.stringify(former));
      this.#deleteUnheard();
    });
    if (!renewed.ok) return renewed;
    this.#former = former;
    this.#isUnheard = false;
    this.#epoch = epoch;
    this.#isGreeted = true;
    this.#acked = { live: 0, history: 0 };
    this.#inFlight = { live: 0, history: 0 };
    return ok(undefined);
  }

  /** The disk is full: gives the reserve back and drops the oldest, at least so many bytes of it, for the newest. */
  makeRoom(bytesMin = 0): Result<void, OutboxError> {
    if (this.#reservePath !== null) rmSync(this.#reservePath, { force: true });
    return this.#commit((tally) => {
      this.#deleteAcked(tally);
      const freed = Math.max(tally.bytes * FREED_SHARE, FREED_BYTES_MIN, bytesMin);
      this.#drop(tally, tally.bytes - freed, "the disk was full");
    });
  }

  /** Somebody deleted the file, or put another in its place: what is written here is gone at the next start. */
  get isGone(): boolean {
    if (this.#reservePath === null) return false;
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
    if (!this.#db.isOpen) return;
    try {
      this.#setMeta("clean", 1);
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // A full disk: the file is whole all the same, the next start only checks it longer.
    }
    this.#db.close();
  }

  #prepareFile(): void {
    // The size of pages is that of the file once it has one, and log mode gives it one.
    this.#db.exec(
      `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_BYTES_MAX};`,
    );
    this.#db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    this.#boundFile();
    const version = Number(this.#get("PRAGMA user_version")["user_version"]);
    if (version > SCHEMA_VERSION) throw new Error("the outbox was written by a newer version of the agent");
    if (version === 0) {
      this.#isNew = true;
      this.#db.exec("BEGIN");
      this.#db.exec(SCHEMA);
      this.#db.exec(SCHEMA_2);
      for (const [key, value] of [
        ["epoch", this.#options.newEpoch()],
        ["last_live", 0],
        ["last_history", 0],
      ] as const) {
        this.#setMeta(key, value);
      }
      const former = this.#reservePath === null ? [] : this.#before();
      if (former.length > 0) this.#setMeta("former", JSON.stringify(former));
      this.#db.exec("COMMIT");
    } else if (this.#meta("clean") !== 1 || this.#isSmall) {
      // Reads the whole file, so of a large one only after a stop that was none.
      const verdict = Object.values(this.#get("PRAGMA quick_check(1)"))[0];
      if (verdict !== "ok") throw new BrokenFile(String(verdict));
    }
    if (version === 1) this.#db.exec(`BEGIN; ${SCHEMA_2} COMMIT`);
    this.#setMeta("clean", 0);
  }

  /** What there was before this file: what lies aside, and what is neither there nor here. */
  #before(): readonly FormerOutbox[] {
    const aside = formerOutboxes(this.#options.folder);
    const last = this.#options.lastKnown?.() ?? null;
    if (last === null || last.epoch === this.#meta("epoch") || aside.some(({ epoch }) => epoch === last.epoch))
      return aside;
    this.#options.onGone?.(last);
    return [...aside, last].slice(-LIMITS.formerOutboxesMax);
  }

  get #isSmall(): boolean {
    const { pages, size } = { pages: this.#get("PRAGMA page_count"), size: this.#get("PRAGMA page_size") };
    return Number(pages["page_count"]) * Number(size["page_size"]) <= CHECKED_BYTES_MAX;
  }

  #boundFile(): void {
    const fileBytesMax = this.#options.fileBytesMax ?? 2 * this.#options.bytesMax + 16 * 2 ** 20;
    const pageBytes = Number(this.#get("PRAGMA page_size")["page_size"]);
    this.#db.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / pageBytes)}`);
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
        if (tally.lastSeq[lane] !== this.#lastSeq[lane]) this.#setMeta(`last_${lane}`, tally.lastSeq[lane]);
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
    const sql = "SELECT from_seq FROM batch WHERE lane = ? AND seq > ? ORDER BY seq LIMIT 1";
    const [oldest] = this.#all(sql, LANE_NUMBER[lane], this.#acked[lane]);
    const first = oldest === undefined ? last + 1 : Math.max(Number(oldest["from_seq"]), this.#acked[lane] + 1);
    return { first, last };
  }

  #renumber(row: Row, seq: number): void {
    const text = this.#codec.unpack(this.#get(`SELECT ${PACKED} FROM batch WHERE id = ?`, row.id));
    const { packed, dictionary } = this.#codec.pack(withSeq(text, seq));
    this.#db
      .prepare("UPDATE batch SET seq = ?, from_seq = ?, body = '', packed = ?, dictionary = ? WHERE id = ?")
      .run(seq, seq, packed, dictionary, row.id);
  }

  #write(tally: Tally, { lane, tier }: { lane: Lane; tier: number }, body: Body): void {
    const seq = ++tally.lastSeq[lane];
    const { packed, dictionary } = this.#codec.pack(body.text);
    const bytes = bytesOf(packed);
    const elapsedMs = Math.round(this.#elapsedMs());
    this.#insert.run(
      LANE_NUMBER[lane],
      seq,
      seq,
      tier,
      body.samples,
      body.fromAt,
      body.toAt,
      elapsedMs,
      bytes,
      packed,
      dictionary,
    );
    tally.bytes += bytes;
    tally.batches++;
  }

  #deleteAcked(tally: Tally): void {
    for (const lane of LANES) {
      const upTo = this.#acked[lane];
      const gone = this.#all("DELETE FROM batch WHERE lane = ? AND seq <= ? RETURNING bytes", LANE_NUMBER[lane], upTo);
      tally.batches -= gone.length;
      for (const row of gone) tally.bytes -= Number(row["bytes"]);
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
    if (this.#reservePath === null || existsSync(this.#reservePath)) return;
    try {
      writeFileSync(this.#reservePath, Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
    } catch {
      // No room for it: that is what it would have been for. Tried again in a minute.
      rmSync(this.#reservePath, { force: true });
    }
  }

  #meta(key: string): unknown {
    return this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  }

  #setMeta(key: string, value: string | number): void {
    this.#db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
  }

  #get(sql: string, ...values: number[]): Record<string, unknown> {
    return this.#db.prepare(sql).get(...values) ?? {};
  }

  #all(sql: string, ...values: number[]): Record<string, unknown>[] {
    return this.#db.prepare(sql).all(...values);
  }
}

/** What the codec needs of a row. */
const PACKED = "body, packed, dictionary";

export class BrokenFile extends Error {}

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

/** From SQLite, or about the file as a whole; anything else is a bug. */
export const isStorageError = (thrown: unknown): boolean =>
  isSqlite(thrown) || thrown instanceof BrokenFile || thrown instanceof BrokenBody;

export function toError(thrown: unknown): OutboxError {
  const kind = isBroken(thrown) ? "broken" : codeOf(thrown) === SQLITE.full ? "full" : "io";
  return { kind, detail: errorText(thrown) };
}
