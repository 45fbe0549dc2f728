/**
 * What leaves the outbox unsent, and in which order: when it is full or a batch too old. Each step loses less than the
 * next one would:
 *
 * 1. telemetry in which nothing turned;
 * 2. the numbers inside batches with changed states, which keep their booleans, failures and events;
 * 3. what is left of those.
 *
 * Always the oldest first, and what is on its way (the collector may have it already) after all else. What goes is
 * told exactly: a batch that is dropped whole becomes a row that says so at the last seq it stands for, and takes in
 * its neighbours that say the same; a batch that lost its numbers says how many. A report that was sent never changes.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Lane } from "@aislewatch/contract";
import { droppedBody, isOfReason, samplesLost, withoutNumbers } from "./core/batch.ts";
import { type BodyCodec, textOrNull } from "./outbox-codec.ts";

/** What a row is worth; rows of `dropped` only say what is gone. */
export const TIER = { telemetry: 0, state: 1, dropped: 2, thinnedState: 3 } as const;
export const LANE_NUMBER = { live: 0, history: 1 } as const satisfies Record<Lane, number>;
export const ROW_COLUMNS = "id, lane, seq, from_seq, samples, from_at, to_at, elapsed_ms, bytes";

/** What is said of rows that the disk has turned into something else, or that are on pages which can't be read. */
export const DAMAGED = "damaged on the agent's disk";

/** What a row costs beside its body: columns, two index entries, page overhead. */
const ROW_BYTES = 160;
/** Rows looked at in one step while dropping. */
const DROP_STEP = 64;

export type Row = {
  readonly id: number;
  readonly lane: number;
  readonly seq: number;
  readonly from_seq: number;
  readonly samples: number;
  readonly from_at: number;
  readonly to_at: number;
  readonly elapsed_ms: number;
  readonly bytes: number;
};

/** Counters of a transaction that is under way. */
export type Tally = { bytes: number; batches: number; droppedSamples: number; readonly lastSeq: Record<Lane, number> };

type Seqs = Readonly<Record<Lane, number>>;

export const bytesOf = (body: string | Uint8Array): number => Buffer.byteLength(body) + ROW_BYTES;

export class Thinning {
  readonly #db: DatabaseSync;
  readonly #codec: BodyCodec;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, codec: BodyCodec) {
    this.#db = db;
    this.#codec = codec;
  }

  /** Frees bytes until the outbox holds `bytesTarget`; `inFlight`: up to where each lane was sent on this connection. */
  drop(tally: Tally, { bytesTarget, inFlight }: { bytesTarget: number; inFlight: Seqs }, reason: string): void {
    const isEnough = (): boolean => tally.bytes <= bytesTarget;
    const drop = (row: Row): void => this.#dropRow(tally, row, { inFlight, reason });
    const thin = (row: Row): void => this.#thinRow(tally, row, { inFlight, reason });
    const waiting = "NOT (lane = 0 AND seq <= ?) AND NOT (lane = 1 AND seq <= ?)";
    const sent = [inFlight.live, inFlight.history];
    this.#each({ tier: TIER.telemetry, condition: waiting, values: sent, isEnough }, drop);
    this.#each({ tier: TIER.state, condition: waiting, values: sent, isEnough }, thin);
    this.#each({ tier: TIER.thinnedState, condition: waiting, values: sent, isEnough }, drop);
    for (const tier of [TIER.telemetry, TIER.state, TIER.thinnedState]) {
      this.#each({ tier, condition: "TRUE", values: [], isEnough }, drop);
    }
  }

  /** Drops what was written before the agents on this file had run for so long. */
  expire(tally: Tally, { beforeElapsedMs, inFlight }: { beforeElapsedMs: number; inFlight: Seqs }): void {
    const reason = "older than the outbox keeps";
    for (const tier of [TIER.telemetry, TIER.state, TIER.thinnedState]) {
      // In order of writing, so the first that is young enough ends the search.
      let isEnough = false;
      this.#each({ tier, condition: "TRUE", values: [], isEnough: () => isEnough }, (row) => {
        isEnough = row.elapsed_ms >= beforeElapsedMs;
        if (!isEnough) this.#dropRow(tally, row, { inFlight, reason });
      });
    }
  }

  /** This row can't be read any more: it becomes what is said of it. */
  damaged(tally: Tally, id: number, inFlight: Seqs): void {
    const row = this.#prepared(`SELECT ${ROW_COLUMNS} FROM batch WHERE id = ?`).get(id) as Row | undefined;
    if (row !== undefined) this.#dropRow(tally, row, { inFlight, reason: DAMAGED });
  }

  /**
   * Where a damaged file had its oldest rows nobody can tell what was acked and what was lost, so what is said of them
   * begins at 1 until the collector has said how far it is.
   */
  trimDamaged(tally: Tally, lane: number, acked: number): void {
    const sql = `SELECT ${ROW_COLUMNS} FROM batch WHERE lane = ? AND seq > ? AND from_seq <= ? AND tier = ? ORDER BY seq LIMIT 1`;
    const [row] = this.#prepared(sql).all(lane, acked, acked, TIER.dropped) as Row[];
    const text = row === undefined ? null : this.#textOf(row);
    if (row === undefined || text === null || !isOfReason(text, DAMAGED)) return;
    const { seq: toSeq, from_at: fromAt, to_at: toAt } = row;
    const samples = toSeq - acked;
    const body = droppedBody({ fromSeq: acked + 1, toSeq, fromAt, toAt, samples, reason: DAMAGED });
    const bytes = bytesOf(body.text);
    this.#prepared("UPDATE batch SET from_seq = ?, samples = ?, bytes = ?, body = ? WHERE id = ?").run(
      ...[acked + 1, samples, bytes, body.text, row.id],
    );
    tally.bytes += bytes - row.bytes;
  }

  /** Rows of a tier, oldest first. Each visit takes the row out of its tier, or says that it is enough, so that the loop ends. */
  #each(
    of: { tier: number; condition: string; values: readonly number[]; isEnough: () => boolean },
    visit: (row: Row) => void,
  ): void {
    const sql = `SELECT ${ROW_COLUMNS} FROM batch WHERE tier = ? AND ${of.condition} ORDER BY id LIMIT ${DROP_STEP}`;
    while (!of.isEnough()) {
      const rows = this.#prepared(sql).all(of.tier, ...of.values) as Row[];
      if (rows.length === 0) return;
      for (const row of rows) {
        if (of.isEnough()) return;
        visit(row);
      }
    }
  }

  /** The row keeps its seq and what turned in it, and says how many numbers it lost. */
  #thinRow(tally: Tally, row: Row, { inFlight, reason }: { inFlight: Seqs; reason: string }): void {
    const text = this.#textOf(row);
    if (text === null) {
      this.damaged(tally, row.id, inFlight);
      return;
    }
    const thinned = withoutNumbers(text, { seq: row.seq, fromAt: row.from_at, toAt: row.to_at, reason });
    const { packed, dictionary } = this.#codec.pack(thinned?.text ?? text);
    const bytes = bytesOf(packed);
    const samples = thinned?.samples ?? row.samples;
    this.#prepared(
      "UPDATE batch SET tier = ?, samples = ?, bytes = ?, body = '', packed = ?, dictionary = ? WHERE id = ?",
    ).run(TIER.thinnedState, samples, bytes, packed, dictionary, row.id);
    tally.bytes += bytes - row.bytes;
    tally.droppedSamples += row.samples - samples;
  }

  /** The row becomes what is said of it, and takes in the same of its neighbours that were not sent yet. */
  #dropRow(tally: Tally, row: Row, { inFlight, reason }: { inFlight: Seqs; reason: string }): void {
    // What it lost before, inside, is told with the rest.
    let span: Row = { ...row, samples: row.samples + this.#lostInside(row) };
    for (const neighbour of this.#toldNeighbours(row, inFlight)) {
      span = {
        ...span,
        from_seq: Math.min(span.from_seq, neighbour.from_seq),
        seq: Math.max(span.seq, neighbour.seq),
        from_at: Math.min(span.from_at, neighbour.from_at),
        to_at: Math.max(span.to_at, neighbour.to_at),
        samples: span.samples + neighbour.samples,
      };
      this.#prepared("DELETE FROM batch WHERE id = ?").run(neighbour.id);
      tally.bytes -= neighbour.bytes;
      tally.batches--;
    }
    const { from_seq: fromSeq, seq: toSeq, from_at: fromAt, to_at: toAt, samples } = span;
    const body = droppedBody({ fromSeq, toSeq, fromAt, toAt, samples, reason });
    const bytes = bytesOf(body.text);
    this.#prepared(
      `UPDATE batch SET seq = ?, from_seq = ?, tier = ?, samples = ?, from_at = ?, to_at = ?, bytes = ?, body = ?,
         packed = NULL, dictionary = NULL
       WHERE id = ?`,
    ).run(toSeq, fromSeq, TIER.dropped, samples, fromAt, toAt, bytes, body.text, row.id);
    tally.bytes += bytes - row.bytes;
    tally.droppedSamples += row.samples;
  }

  /** Rows right before and after that say what is gone and were not sent; two look-ups by seq, however many rows wait. */
  #toldNeighbours(row: Row, inFlight: Seqs): Row[] {
    const sentSeq = row.lane === LANE_NUMBER.live ? inFlight.live : inFlight.history;
    const before = `SELECT ${ROW_COLUMNS} FROM batch WHERE lane = ? AND seq = ? AND seq > ? AND +tier = ${TIER.dropped}`;
    // The next row, whatever it is: what it stands for ends at its seq, and begins right behind ours if it is of a kind.
    const after = `SELECT ${ROW_COLUMNS}, tier FROM batch WHERE lane = ? AND seq > ? ORDER BY seq LIMIT 1`;
    const next = this.#prepared(after).all(row.lane, row.seq) as (Row & { readonly tier: number })[];
    return [
      ...(this.#prepared(before).all(row.lane, row.from_seq - 1, sentSeq) as Row[]),
      ...next.filter(
        ({ tier, seq, from_seq: fromSeq }) => tier === TIER.dropped && seq > sentSeq && fromSeq === row.seq + 1,
      ),
    ];
  }

  #lostInside(row: Row): number {
    const [thinned] = this.#prepared("SELECT id FROM batch WHERE id = ? AND tier = ?").all(row.id, TIER.thinnedState);
    const text = thinned === undefined ? null : this.#textOf(row);
    return text === null ? 0 : samplesLost(text);
  }

  /** Null when the disk has turned it into something else. */
  #textOf({ id }: Row): string | null {
    const row = this.#prepared("SELECT body, packed, dictionary FROM batch WHERE id = ?").get(id);
    return row === undefined ? null : textOrNull(this.#codec, row);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}
