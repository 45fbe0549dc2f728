/**
 * The rows of an outbox file: a batch each, in a lane, under a seq. What is read, written, numbered and deleted here is
 * within the transaction of whoever asks (outbox-file.ts), which keeps the sums.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Lane } from "@aislewatch/contract";
import { type Body, withSeq } from "./core/batch.ts";
import { type BodyCodec, textOrNull } from "./outbox-codec.ts";
import { bytesOf, LANE_NUMBER, ROW_COLUMNS, type Row, TIER } from "./outbox-thinning.ts";

export type StoredBatch = { readonly lane: Lane; readonly seq: number; readonly bytes: number; readonly body: string };

/** A batch as it moves from one outbox to another: under a new seq, for nobody has heard of the old one. */
export type MovedBatch = {
  readonly lane: Lane;
  readonly tier: number;
  readonly samples: number;
  readonly fromAt: number;
  readonly toAt: number;
  readonly text: string;
};

export type ReadLimit = { readonly batchesMax: number; readonly bytesMax: number };

const LANES = ["live", "history"] as const;
/** What the codec needs of a row. */
const PACKED = "body, packed, dictionary";

export class BatchRows {
  readonly #db: DatabaseSync;
  readonly #codec: BodyCodec;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;

  constructor(db: DatabaseSync, codec: BodyCodec) {
    this.#db = db;
    this.#codec = codec;
    this.#insert = db.prepare(
      `INSERT INTO batch (lane, seq, from_seq, tier, samples, from_at, to_at, elapsed_ms, bytes, body, packed, dictionary)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`,
    );
    this.#select = db.prepare(`SELECT id, seq, ${PACKED} FROM batch WHERE lane = ? AND seq > ? ORDER BY seq`);
  }

  /** Reads every row. */
  get sums(): { readonly batches: number; readonly bytes: number } {
    const sums = this.#get("SELECT count(*) AS batches, ifnull(sum(bytes), 0) AS bytes FROM batch");
    return { batches: Number(sums["batches"]), bytes: Number(sums["bytes"]) };
  }

  /** Samples that wait; reads every row. */
  get samples(): number {
    return Number(this.#get(`SELECT ifnull(sum(samples), 0) AS n FROM batch WHERE tier <> ${TIER.dropped}`)["n"]);
  }

  /** Of the oldest reading that waits, Unix ms; null when none does. */
  get oldestAt(): number | null {
    const at = this.#get("SELECT from_at AS at FROM batch ORDER BY id LIMIT 1")["at"];
    return typeof at === "number" ? at : null;
  }

  /** For how long agents had run on this file when the newest row was written. */
  get elapsedMs(): number {
    return Number(this.#get("SELECT elapsed_ms AS ms FROM batch ORDER BY id DESC LIMIT 1")["ms"] ?? 0);
  }

  /** The oldest seq of a lane that a row after this one stands for; null when there is none. */
  oldestSeq(lane: Lane, afterSeq: number): number | null {
    const sql = "SELECT from_seq FROM batch WHERE lane = ? AND seq > ? ORDER BY seq LIMIT 1";
    const [oldest] = this.#all(sql, LANE_NUMBER[lane], afterSeq);
    return oldest === undefined ? null : Number(oldest["from_seq"]);
  }

  /** Up to the first batch, if there is one, that the disk has turned into something else: its id. */
  after(lane: Lane, afterSeq: number, limit: ReadLimit): { found: StoredBatch[]; damaged: number | null } {
    const found: StoredBatch[] = [];
    let bytesLeft = limit.bytesMax;
    for (const row of this.#select.iterate(LANE_NUMBER[lane], afterSeq)) {
      const body = textOrNull(this.#codec, row);
      if (body === null) return { found, damaged: Number(row["id"]) };
      const bytes = Buffer.byteLength(body);
      if (found.length >= limit.batchesMax || (found.length > 0 && bytes > bytesLeft)) break;
      bytesLeft -= bytes;
      found.push({ lane, seq: Number(row["seq"]), bytes, body });
    }
    return { found, damaged: null };
  }

  /** All that waits, in order of writing. */
  contents(): MovedBatch[] {
    return this.#all(`SELECT lane, tier, samples, from_at, to_at, ${PACKED} FROM batch ORDER BY id`).map((row) => ({
      lane: LANES[Number(row["lane"])] ?? "live",
      tier: Number(row["tier"]),
      samples: Number(row["samples"]),
      fromAt: Number(row["from_at"]),
      toAt: Number(row["to_at"]),
      text: this.#codec.unpack(row),
    }));
  }

  /** Writes a batch under this seq; what it takes, in bytes. */
  insert(
    body: Body,
    { lane, seq, tier, elapsedMs }: { lane: Lane; seq: number; tier: number; elapsedMs: number },
  ): number {
    const { packed, dictionary } = this.#codec.pack(body.text);
    const bytes = bytesOf(packed);
    const { samples, fromAt, toAt } = body;
    this.#insert.run(
      ...[LANE_NUMBER[lane], seq, seq, tier, samples, fromAt, toAt, elapsedMs, bytes],
      ...[packed, dictionary],
    );
    return bytes;
  }

  /** What is gone then. */
  deleteUpTo(lane: Lane, seq: number): { readonly batches: number; readonly bytes: number } {
    const gone = this.#all("DELETE FROM batch WHERE lane = ? AND seq <= ? RETURNING bytes", LANE_NUMBER[lane], seq);
    return { batches: gone.length, bytes: gone.reduce((sum, row) => sum + Number(row["bytes"]), 0) };
  }

  /** From 1 on, in order; the last seq that was given. */
  renumber(lane: Lane): number {
    const rows = this.#all(`SELECT ${ROW_COLUMNS} FROM batch WHERE lane = ? ORDER BY seq`, LANE_NUMBER[lane]);
    let seq = 0;
    // Ascending, and never above the old seq: UNIQUE (lane, seq) holds at every step.
    for (const row of rows) this.#renumberOne(row as Row, ++seq);
    return seq;
  }

  #renumberOne(row: Row, seq: number): void {
    const text = this.#codec.unpack(this.#get(`SELECT ${PACKED} FROM batch WHERE id = ?`, row.id));
    const { packed, dictionary } = this.#codec.pack(withSeq(text, seq));
    this.#db
      .prepare("UPDATE batch SET seq = ?, from_seq = ?, body = '', packed = ?, dictionary = ? WHERE id = ?")
      .run(seq, seq, packed, dictionary, row.id);
  }

  #get(sql: string, ...values: number[]): Record<string, unknown> {
    return this.#db.prepare(sql).get(...values) ?? {};
  }

  #all(sql: string, ...values: number[]): Record<string, unknown>[] {
    return this.#db.prepare(sql).all(...values);
  }
}
