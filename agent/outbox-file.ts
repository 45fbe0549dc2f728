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
 * What is known of a file that could not be read any more goes on in the next one (outbox-former.ts).
 *
 * Age counts the time that agents ran on this file, not the wall clock, which somebody may set to next year.
 */
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import type { FormerOutbox, Lane, Reading } from "@aislewatch/contract";
import { type Body, packReadings, withSeq } from "./core/batch.ts";
import { BodyCodec, BrokenBody, textOrNull } from "./outbox-codec.ts";
import { asideName, formerOutboxes, parseFormer, SET_ASIDE_MAX } from "./outbox-former.ts";
import { bytesOf, LANE_NUMBER, ROW_COLUMNS, type Row, type Tally, Thinning, TIER } from "./outbox-thinning.ts";

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
  /** Called when a file that SQLite can't read was set aside. */
  readonly onSetAside?: (file: string, detail: string) => void;
};

/** When full, this much is freed at once, so that not every commit has to. */
const FREED_SHARE = 0.05;
/** On a full disk a few rows are not enough: only whole pages become free. */
const FREED_BYTES_MIN = 64 * 1024;
/** Space that is given back when the disk is full, for deleting needs some as well. */
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

const SCHEMA_VERSION = 2;
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

/** Opens the outbox of a folder; a file that SQLite can't read is set aside as `outbox.corrupt-N` and a new one begun. */
export function openOutboxFile(options: OutboxFileOptions): Result<OutboxFile, OutboxError> {
  const path = join(options.folder, "outbox.db");
  const tries = [
    (_error: OutboxError): boolean => true,
    (error: OutboxError): boolean => giveWay(options, path, error),
    (error: OutboxError): boolean => giveWay(options, path, error),
  ];
  let error: OutboxError = { kind: "io", detail: "not tried" };
  for (const prepare of tries) {
    try {
      if (!prepare(error)) break;
      if (existsSync(path) && !statSync(path).isFile()) throw new BrokenFile("outbox.db is no file");
      return ok(new OutboxFile(path, options));
    } catch (thrown) {
      error = toError(thrown);
    }
  }
  return err(error);
}

/** An outbox that is gone with the process. */
export function openMemoryOutbox(options: Omit<OutboxFileOptions, "folder">): OutboxFile {
  return new OutboxFile(":memory:", { ...options, folder: "" });
}

/** What may help another try: a full disk gets the reserve back, a broken file is moved away. */
function giveWay({ folder, onSetAside }: OutboxFileOptions, path: string, error: OutboxError): boolean {
  if (error.kind === "full" && existsSync(reserveOf(folder))) {
    rmSync(reserveOf(folder), { force: true });
    return true;
  }
  if (error.kind !== "broken") return false;
  // Not as an argument: without anybody to tell it would never be evaluated, and the file stay where it is.
  const file = setAside(folder, path);
  onSetAside?.(file, error.detail);
  return true;
}

const reserveOf = (folder: string): string => join(folder, "outbox.reserve");

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
  /** The newest seqs when this file was opened; beyond them the collector can't have anything that we did not send. */
  readonly #openedSeq: Seqs;
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
      this.#elapsedBaseMs = Number(this.#get("SELECT elapsed_ms AS ms FROM batch ORDER BY id DESC LIMIT 1")["ms"] ?? 0);
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
    this.#openedSeq = this.#lastSeq;
    this.#isGreeted = this.#isNew;
    this.#openedMs = options.clock.monotonic();
    this.#ageCheckedMs = this.#openedMs;
    this.#keepReserve();
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Files that were set aside before this one, of which the collector may not know yet. */
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
    this.#isGreeted ||= LANES.some((lane) => upTo[lane] > this.#acked[lane]);
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
    this.#isGreeted = true;
    if (LANES.every((lane) => upTo[lane] <= this.#acked[lane])) return "taken";
    for (const lane of LANES) this.#acked[lane] = Math.max(this.#acked[lane], upTo[lane]);
    // No sync: a deletion that a power cut undoes is one resend, which the collector recognises.
    this.#db.exec("PRAGMA synchronous = NORMAL");
    // On a disk that refuses, the rows stay and are not sent again.
    const deleted = this.#commit((tally) => {
      this.#deleteAcked(tally);
      if (this.#former.length > 0) this.#db.exec("DELETE FROM meta WHERE key = 'former'");
    });
    if (deleted.ok) this.#former = [];
    this.#db.exec("PRAGMA synchronous = FULL");
    return "taken";
  }

  /**
   * A new epoch, with what is unacked numbered from 1 again: for a file that turned out to be an old copy (a restored
   * disk image), whose next seqs the collector would take for repeats and throw away.
   */
  renew(): Result<void, OutboxError> {
    const epoch = this.#options.newEpoch();
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
    });
    if (!renewed.ok) return renewed;
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
      const former = this.#reservePath === null ? [] : formerOutboxes(this.#options.folder);
      if (former.length > 0) this.#setMeta("former", JSON.stringify(former));
      this.#db.exec("COMMIT");
    } else if (this.#meta("clean") !== 1) {
      // Reads the whole file, so only after a stop that was none.
      const verdict = Object.values(this.#get("PRAGMA quick_check(1)"))[0];
      if (verdict !== "ok") throw new BrokenFile(String(verdict));
    }
    if (version === 1) this.#db.exec(`BEGIN; ${SCHEMA_2} COMMIT`);
    this.#setMeta("clean", 0);
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

class BrokenFile extends Error {}

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

/** Moves the database with its log to the first free name; when all are taken, over the last. */
function setAside(folder: string, path: string): string {
  let name = "";
  for (let n = 1; n <= SET_ASIDE_MAX; n++) {
    name = asideName(folder, n);
    if (!existsSync(name)) break;
  }
  // With its log, which SQLite would take for that of the file that gets its name.
  for (const suffix of ["", "-wal"]) rmSync(name + suffix, { recursive: true, force: true });
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) renameSync(path + suffix, name + suffix);
  rmSync(`${path}-shm`, { force: true });
  return name;
}
