/**
 * Which batches may be on their way. Pure: the uplink asks what to send next and tells what happened.
 *
 * A batch is on its way from its publish until the collector's ack, not until the broker's PUBACK. While the collector can
 * judge but not store, it acks nothing and says up to where it has heard: that is not on its way either, or a store that
 * stands still for a minute would keep the agent from telling the present. The window bounds
 * both lanes together; history may have half of it and goes at the pace that the collector grants, so that the present
 * always finds room. A connection begins with nothing on its way: everything unacked goes again, in order.
 *
 * Times are milliseconds of a monotonic clock.
 */
import type { Lane } from "@aislewatch/contract";

export type WindowLimits = {
  readonly batchesMax: number;
  readonly bytesMax: number;
  /** No ack for this long while batches are on their way: the connection is not what it seems. */
  readonly stallMs: number;
};

export const WINDOW_LIMITS: WindowLimits = { batchesMax: 32, bytesMax: 4 * 1024 * 1024, stallMs: 30_000 };

/** Until the collector's first word about the pace: a batch or two a second. */
const GRANT_AT_FIRST_BYTES_PER_SECOND = 64 * 1024;
/** History may catch up on this much of unused pace, so that a burst is no larger than a second's worth. */
const PACE_BURST_MS = 1_000;

type Sent = { readonly lane: Lane; readonly seq: number; readonly bytes: number };

export class SendWindow {
  readonly #limits: WindowLimits;
  #sent: Sent[] = [];
  #lastSeq: Record<Lane, number> = { live: 0, history: 0 };
  #progressMs = 0;
  #bytesPerSecond = GRANT_AT_FIRST_BYTES_PER_SECOND;
  /** May be negative: a batch larger than what is saved up is sent on credit, and the next one waits for it. */
  #historyBytes = 0;
  #pacedMs = 0;

  constructor(limits: WindowLimits = WINDOW_LIMITS) {
    this.#limits = limits;
  }

  /** A new connection: all up to these seqs is safe, the rest goes again. */
  connected(acked: Readonly<Record<Lane, number>>, nowMs: number): void {
    this.#sent = [];
    this.#lastSeq = { ...acked };
    this.#progressMs = nowMs;
    this.#pacedMs = nowMs;
    this.#historyBytes = 0;
  }

  /** Seq of the last batch sent in this lane on this connection; the next to send is the first unacked after it. */
  lastSeq(lane: Lane): number {
    return this.#lastSeq[lane];
  }

  /** How many bytes of this lane may be sent now; 0 for none. One batch may be larger than the rest of the room. */
  room(lane: Lane, nowMs: number): number {
    const share = lane === "live" ? 1 : 0.5;
    const mine = lane === "live" ? this.#sent : this.#sent.filter((sent) => sent.lane === lane);
    if (this.#sent.length >= this.#limits.batchesMax || mine.length >= this.#limits.batchesMax * share) return 0;
    const bytesLeft = Math.min(
      this.#limits.bytesMax - totalBytes(this.#sent),
      this.#limits.bytesMax * share - totalBytes(mine),
    );
    return Math.max(0, lane === "live" ? bytesLeft : Math.min(bytesLeft, this.#paced(nowMs)));
  }

  /** When history may go on, if only its pace holds it; null when something else does. */
  paceWaitMs(nowMs: number): number | null {
    const bytes = this.#paced(nowMs);
    if (bytes > 0 || this.#bytesPerSecond === 0) return null;
    return Math.ceil(((1 - bytes) * 1000) / this.#bytesPerSecond);
  }

  sent(batch: Sent, nowMs: number): void {
    if (this.#sent.length === 0) this.#progressMs = nowMs;
    this.#sent.push(batch);
    this.#lastSeq[batch.lane] = batch.seq;
    if (batch.lane === "history") this.#historyBytes -= batch.bytes;
  }

  /** All up to these seqs is safe, or was at least heard: it is not on its way any more. */
  acked(upTo: Readonly<Record<Lane, number>>, grant: { historyBytesPerSecond: number }, nowMs: number): void {
    this.#paced(nowMs);
    this.#bytesPerSecond = grant.historyBytesPerSecond;
    const left = this.#sent.filter((sent) => sent.seq > upTo[sent.lane]);
    if (left.length < this.#sent.length) this.#progressMs = nowMs;
    this.#sent = left;
  }

  /** Nothing was acked for too long although something is on its way. */
  isStalled(nowMs: number): boolean {
    return this.#sent.length > 0 && nowMs - this.#progressMs >= this.#limits.stallMs;
  }

  get inFlight(): { readonly batches: number; readonly bytes: number } {
    return { batches: this.#sent.length, bytes: totalBytes(this.#sent) };
  }

  #paced(nowMs: number): number {
    const earned = ((nowMs - this.#pacedMs) * this.#bytesPerSecond) / 1000;
    this.#pacedMs = nowMs;
    this.#historyBytes = Math.min(this.#historyBytes + earned, (this.#bytesPerSecond * PACE_BURST_MS) / 1000);
    return this.#historyBytes;
  }
}

const totalBytes = (batches: readonly Sent[]): number => batches.reduce((sum, { bytes }) => sum + bytes, 0);
