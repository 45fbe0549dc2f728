/**
 * The outbox: every reading is written down here before it is sent, and stays until the collector's ack. One SQLite
 * file, `outbox.db`, in the agent's data folder, in WAL mode with a sync at every commit, so that what `append`
 * returned survives a yanked power cord.
 *
 * Invariants
 * - Lane and seq are given at commit and never change; per lane, seqs count from 1 without a hole, over restarts.
 * - The epoch is made with the file and changes only when the file is lost (or found to be an old copy: `renew`).
 * - A batch leaves by an ack, or by being dropped when the outbox is full or the batch too old. What was dropped
 *   becomes a batch of its own at the last seq it stands for (`dropped: from, to, samples`), so acks have no holes.
 * - Oldest first: telemetry, then batches with events or changed states. What is on its way is dropped last of all, for
 *   the collector may have it already.
 *
 * Age counts the time that agents ran on this file, not the wall clock, which somebody may set to next year.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import type { Lane, Reading } from "@aislewatch/contract";
import { type Body, droppedBody, packReadings } from "./core/batch.ts";

/** `full`: the disk, not the outbox; keep the readings and try again. */
export type OutboxError = { readonly kind: "full" | "io"; readonly detail: string };

export type StoredBatch = { readonly lane: Lane; readonly seq: number; readonly bytes: number; readonly body: string };

export type Seqs = Readonly<Record<Lane, number>>;

export type OutboxFigures = {
  readonly batches: number;
  readonly bytes: number;
  /** Unix ms of the oldest reading that waits; null when none does. */
  readonly oldestAt: number | null;
  readonly droppedSamples: number;
};

export type OutboxOptions = {
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
/** What a row costs beside its body: columns, two index entries, page overhead. */
const ROW_BYTES = 160;
/** Space that is given back when the disk is full, for deleting needs some as well. */
const RESERVE_BYTES = 1024 * 1024;
/** Broken files kept for a person to look at. */
const SET_ASIDE_MAX = 3;
/** Rows looked at in one step while dropping. */
const DROP_STEP = 64;
/** The write-ahead log is cut back to this after a checkpoint. */
const WAL_BYTES_MAX = 4 * 1024 * 1024;
/** How often batches' ages are looked at. */
const AGE_CHECK_MS = 60_000;

/** SQLite's default. */
const PAGE_BYTES = 4_096;

/** How long another process may hold the file before that is an error. */
const BUSY_MS_MAX = 5_000;

const SCHEMA_VERSION = 1;
const TIER = { telemetry: 0, state: 1, dropped: 2 } as const;
const LANE_NUMBER = { live: 0, history: 1 } as const satisfies Record<Lane, number>;
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
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

type Row = {
  readonly id: number;
  readonly lane: number;
  readonly seq: number;
  readonly from_seq: number;
  readonly samples: number;
  readonly from_at: number;
  readonly to_at: number;
  readonly bytes: number;
};

/** Opens the outbox of a folder; a file that SQLite can't read is set aside as `outbox.corrupt-N` and a new one begun. */
export function openOutbox(options: OutboxOptions): Result<Outbox, OutboxError> {
  const path = join(options.folder, "outbox.db");
  try {
    return ok(new Outbox(path, options));
  } catch (thrown) {
    if (!isBroken(thrown)) return err(toError(thrown));
    const aside = setAside(options.folder, path);
    options.onSetAside?.(aside, errorText(thrown));
  }
  try {
    return ok(new Outbox(path, options));
  } catch (thrown) {
    return err(toError(thrown));
  }
}

export class Outbox {
  #options: OutboxOptions;
  readonly #db: DatabaseSync;
  readonly #reservePath: string;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #elapsedBaseMs: number;
  readonly #openedMs: number;
  #epoch: string;
  #lastSeq: Record<Lane, number>;
  #acked: Record<Lane, number> = { live: 0, history: 0 };
  #inFlight: Seqs = { live: 0, history: 0 };
  #bytes: number;
  #batches: number;
  #droppedSamples = 0;
  #ageCheckedMs: number;

  constructor(path: string, options: OutboxOptions) {
    this.#options = options;
    this.#reservePath = join(options.folder, "outbox.reserve");
    // A backup, or somebody who looks, may hold the file for a moment.
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS_MAX });
    try {
      this.#prepareFile();
      this.#insert = this.#db.prepare(
        `INSERT INTO batch (lane, seq, from_seq, tier, samples, from_at, to_at, elapsed_ms, bytes, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      );
      this.#select = this.#db.prepare("SELECT seq, bytes, body FROM batch WHERE lane = ? AND seq > ? ORDER BY seq");
      this.#epoch = String(this.#meta("epoch"));
      this.#lastSeq = { live: Number(this.#meta("last_live")), history: Number(this.#meta("last_history")) };
      const sums = this.#get("SELECT count(*) AS batches, ifnull(sum(bytes), 0) AS bytes FROM batch");
      this.#batches = Number(sums["batches"]);
      this.#bytes = Number(sums["bytes"]);
      this.#elapsedBaseMs = Number(this.#get("SELECT elapsed_ms AS ms FROM batch ORDER BY id DESC LIMIT 1")["ms"] ?? 0);
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
    this.#openedMs = options.clock.monotonic();
    this.#ageCheckedMs = this.#openedMs;
    this.#keepReserve();
  }

  get epoch(): string {
    return this.#epoch;
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
   * changed states among them, so drop them last. `lost`: samples that never made it to the disk, to be reported.
   */
  append(
    readings: readonly Reading[],
    into: { lane: Lane; keep: boolean; lost?: { samples: number; fromAt: number; toAt: number; reason: string } },
  ): Result<{ batches: number }, OutboxError> {
    const bodies = packReadings(readings);
    const { lane, keep, lost } = into;
    return this.#commit((tally) => {
      this.#expire(tally);
      const bytes = bodies.reduce((sum, body) => sum + bytesOf(body), 0);
      if (tally.bytes + bytes > this.#options.bytesMax) {
        this.#drop(tally, this.#options.bytesMax * (1 - FREED_SHARE) - bytes, "the outbox was full");
      }
      if (lost !== undefined) {
        const seq = tally.lastSeq[lane] + 1;
        this.#write(tally, { lane, tier: TIER.dropped }, droppedBody({ fromSeq: seq, toSeq: seq, ...lost }));
        tally.droppedSamples += lost.samples;
      }
      for (const body of bodies) this.#write(tally, { lane, tier: keep ? TIER.state : TIER.telemetry }, body);
      return { batches: bodies.length };
    });
  }

  /** Batches after `afterSeq` in order, as many as fit into `bytesMax` and `batchesMax`; at least one, if there is one. */
  unacked(lane: Lane, afterSeq: number, limit: { batchesMax: number; bytesMax: number }): StoredBatch[] {
    const found: StoredBatch[] = [];
    let bytesLeft = limit.bytesMax;
    for (const row of this.#select.iterate(LANE_NUMBER[lane], Math.max(afterSeq, this.#acked[lane]))) {
      const bytes = Number(row["bytes"]);
      if (found.length >= limit.batchesMax || (found.length > 0 && bytes > bytesLeft)) break;
      bytesLeft -= bytes;
      found.push({ lane, seq: Number(row["seq"]), bytes, body: String(row["body"]) });
    }
    return found;
  }

  /** Other bounds, from the next commit on; the file shrinks as batches leave. */
  setLimits({ bytesMax, ageMsMax }: Pick<OutboxOptions, "bytesMax" | "ageMsMax">): void {
    this.#options = { ...this.#options, bytesMax, ageMsMax };
    this.#boundFile();
  }

  /** What the uplink has sent on this connection: dropped only when nothing else is left. */
  markInFlight(upTo: Seqs): void {
    this.#inFlight = { ...upTo };
  }

  /**
   * The collector has everything up to these seqs. `stranger`: of another epoch; `ahead`: of seqs that this file never
   * gave, so the file is an old copy (see `renew`). On a full disk the rows stay until the next ack; they are not sent
   * again.
   */
  ack(epoch: string, upTo: Seqs): "taken" | "stranger" | "ahead" {
    if (epoch !== this.#epoch) return "stranger";
    if (LANES.some((lane) => upTo[lane] > this.#lastSeq[lane])) return "ahead";
    if (LANES.every((lane) => upTo[lane] <= this.#acked[lane])) return "taken";
    for (const lane of LANES) this.#acked[lane] = Math.max(this.#acked[lane], upTo[lane]);
    // No sync: a deletion that a power cut undoes is one resend, which the collector recognises.
    this.#db.exec("PRAGMA synchronous = NORMAL");
    this.#commit((tally) => this.#deleteAcked(tally));
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
        const rows = this.#all(`SELECT ${ROW_COLUMNS}, tier FROM batch WHERE lane = ? ORDER BY seq`, LANE_NUMBER[lane]);
        let seq = 0;
        // Ascending, and never above the old seq: UNIQUE (lane, seq) holds at every step.
        for (const row of rows) this.#renumber(row as Row & { tier: number }, ++seq);
        tally.lastSeq[lane] = seq;
      }
      this.#setMeta("epoch", epoch);
    });
    if (!renewed.ok) return renewed;
    this.#epoch = epoch;
    this.#acked = { live: 0, history: 0 };
    this.#inFlight = { live: 0, history: 0 };
    return ok(undefined);
  }

  /** The disk is full: gives the reserve back and drops the oldest, so that the newest finds room. */
  makeRoom(): Result<void, OutboxError> {
    rmSync(this.#reservePath, { force: true });
    return this.#commit((tally) => {
      this.#deleteAcked(tally);
      const freed = Math.max(tally.bytes * FREED_SHARE, FREED_BYTES_MIN);
      this.#drop(tally, tally.bytes - freed, "the disk was full");
    });
  }

  close(): void {
    try {
      this.#setMeta("clean", 1);
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // A full disk: the file is whole all the same, the next start only checks it longer.
    }
    this.#db.close();
  }

  #prepareFile(): void {
    this.#db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_BYTES_MAX};`,
    );
    this.#boundFile();
    const version = Number(this.#get("PRAGMA user_version")["user_version"]);
    if (version > SCHEMA_VERSION) throw new Error("the outbox was written by a newer version of the agent");
    if (version === 0) {
      this.#db.exec("BEGIN");
      this.#db.exec(SCHEMA);
      for (const [key, value] of [
        ["epoch", this.#options.newEpoch()],
        ["last_live", 0],
        ["last_history", 0],
      ] as const) {
        this.#setMeta(key, value);
      }
      this.#db.exec("COMMIT");
    } else if (this.#meta("clean") !== 1) {
      // Reads the whole file, so only after a stop that was none.
      const verdict = Object.values(this.#get("PRAGMA quick_check(1)"))[0];
      if (verdict !== "ok") throw new BrokenFile(String(verdict));
    }
    this.#setMeta("clean", 0);
  }

  #boundFile(): void {
    const fileBytesMax = this.#options.fileBytesMax ?? 2 * this.#options.bytesMax + 16 * 2 ** 20;
    this.#db.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / PAGE_BYTES)}`);
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
      this.#bytes = tally.bytes;
      this.#batches = tally.batches;
      this.#droppedSamples = tally.droppedSamples;
      this.#lastSeq = tally.lastSeq;
      return ok(value);
    } catch (thrown) {
      // On a full disk SQLite has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      // A file that broke under us can't be mended here: end, and let the next start set it aside.
      if (isBroken(thrown) || !isSqlite(thrown)) throw thrown;
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

  #renumber(row: Row & { readonly tier: number }, seq: number): void {
    this.#db.prepare("UPDATE batch SET seq = ?, from_seq = ? WHERE id = ?").run(seq, seq, row.id);
    if (row.tier !== TIER.dropped) return;
    const { from_at: fromAt, to_at: toAt, samples } = row;
    const reason = "dropped before the outbox was renewed";
    const body = droppedBody({ fromSeq: seq, toSeq: seq, fromAt, toAt, samples, reason });
    this.#db.prepare("UPDATE batch SET body = ? WHERE id = ?").run(body.text, row.id);
  }

  #write(tally: Tally, { lane, tier }: { lane: Lane; tier: number }, body: Body): void {
    const seq = ++tally.lastSeq[lane];
    const bytes = bytesOf(body);
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
      body.text,
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
    const before = Math.round(this.#elapsedMs() - this.#options.ageMsMax);
    for (const tier of [TIER.telemetry, TIER.state]) {
      for (;;) {
        const sql = `SELECT ${ROW_COLUMNS}, elapsed_ms FROM batch WHERE tier = ? ORDER BY id LIMIT ${DROP_STEP}`;
        // In order of writing, so the first that is young enough ends the search.
        const old = this.#all(sql, tier).filter((row) => Number(row["elapsed_ms"]) < before);
        if (old.length === 0) break;
        for (const row of old) this.#dropRow(tally, row as Row, "older than the outbox keeps");
      }
    }
  }

  /** Drops the oldest of the least worth until the outbox holds `bytesTarget`, what is on its way last. */
  #drop(tally: Tally, bytesTarget: number, reason: string): void {
    const { live, history } = this.#inFlight;
    const waiting = `NOT (lane = 0 AND seq <= ${Number(live)}) AND NOT (lane = 1 AND seq <= ${Number(history)})`;
    for (const condition of [waiting, "TRUE"]) {
      for (const tier of [TIER.telemetry, TIER.state]) {
        while (tally.bytes > bytesTarget) {
          const sql = `SELECT ${ROW_COLUMNS} FROM batch WHERE tier = ? AND ${condition} ORDER BY id LIMIT ${DROP_STEP}`;
          const rows = this.#all(sql, tier);
          if (rows.length === 0) break;
          for (const row of rows) {
            if (tally.bytes <= bytesTarget) return;
            this.#dropRow(tally, row as Row, reason);
          }
        }
      }
    }
  }

  /** The row becomes what is said of it, and takes in the same of its neighbours that were not sent yet. */
  #dropRow(tally: Tally, row: Row, reason: string): void {
    let span = row;
    for (const neighbour of this.#all(
      `SELECT ${ROW_COLUMNS} FROM batch WHERE lane = ? AND tier = ? AND seq > ? AND (seq = ? OR from_seq = ?)`,
      row.lane,
      TIER.dropped,
      row.lane === 0 ? this.#inFlight.live : this.#inFlight.history,
      row.from_seq - 1,
      row.seq + 1,
    ) as Row[]) {
      span = {
        ...span,
        from_seq: Math.min(span.from_seq, neighbour.from_seq),
        seq: Math.max(span.seq, neighbour.seq),
        from_at: Math.min(span.from_at, neighbour.from_at),
        to_at: Math.max(span.to_at, neighbour.to_at),
        samples: span.samples + neighbour.samples,
      };
      this.#db.prepare("DELETE FROM batch WHERE id = ?").run(neighbour.id);
      tally.bytes -= neighbour.bytes;
      tally.batches--;
    }
    const body = droppedBody({
      fromSeq: span.from_seq,
      toSeq: span.seq,
      fromAt: span.from_at,
      toAt: span.to_at,
      samples: span.samples,
      reason,
    });
    const bytes = bytesOf(body);
    this.#db
      .prepare(
        `UPDATE batch SET seq = ?, from_seq = ?, tier = ?, samples = ?, from_at = ?, to_at = ?, bytes = ?, body = ?
         WHERE id = ?`,
      )
      .run(span.seq, span.from_seq, TIER.dropped, span.samples, span.from_at, span.to_at, bytes, body.text, row.id);
    tally.bytes += bytes - row.bytes;
    tally.droppedSamples += row.samples;
  }

  #elapsedMs(): number {
    return this.#elapsedBaseMs + this.#options.clock.monotonic() - this.#openedMs;
  }

  #keepReserve(): void {
    if (existsSync(this.#reservePath)) return;
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

  #get(sql: string): Record<string, unknown> {
    return this.#db.prepare(sql).get() ?? {};
  }

  #all(sql: string, ...values: number[]): Record<string, unknown>[] {
    return this.#db.prepare(sql).all(...values);
  }
}

type Tally = { bytes: number; batches: number; droppedSamples: number; readonly lastSeq: Record<Lane, number> };

const ROW_COLUMNS = "id, lane, seq, from_seq, samples, from_at, to_at, bytes";

const bytesOf = (body: Body): number => Buffer.byteLength(body.text) + ROW_BYTES;

class BrokenFile extends Error {}

const isSqlite = (thrown: unknown): thrown is Error & { errcode: number } =>
  thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number";

/** Extended codes hold the plain one in their low byte. */
const codeOf = (thrown: unknown): number => (isSqlite(thrown) ? thrown.errcode & 0xff : 0);

function isBroken(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return thrown instanceof BrokenFile || code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

function toError(thrown: unknown): OutboxError {
  return { kind: codeOf(thrown) === SQLITE.full ? "full" : "io", detail: errorText(thrown) };
}

/** Moves the database with its log to the first free name; when all are taken, over the last. */
function setAside(folder: string, path: string): string {
  let name = "";
  for (let n = 1; n <= SET_ASIDE_MAX; n++) {
    name = join(folder, `outbox.corrupt-${n}`);
    if (!existsSync(name)) break;
  }
  for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) renameSync(path + suffix, name + suffix);
  rmSync(`${path}-shm`, { force: true });
  return name;
}
