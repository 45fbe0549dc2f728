/**
 * Batches on their way into the time-series store. They wait in memory, in order, bounded by their size on the wire, and
 * are appended in steps that end; while the store can't be written, the same step is tried again. Nothing here is judged
 * or acked: who is told what, and what becomes of a batch for which there is no room, the owner knows.
 */
import { type Clock, errorText } from "@aislewatch/base";
import type { TelemetryBatch, TimeSeriesStore } from "./store/timeseries/store.ts";

/** Batches that wait for the time-series store, by their size on the wire. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** One append takes about this much, so that a long queue is written in steps that end. */
const APPEND_BYTES_MAX = 8 * 1024 * 1024;
/** After the store failed to write. */
const RETRY_MS = 1_000;

export type SeriesQueueDeps = {
  readonly clock: Clock;
  readonly timeseries: Pick<TimeSeriesStore, "append">;
  readonly bytesMax?: number;
  /** Called when the store has taken batches or failed, and every `tellEveryMs` while it takes its time. */
  tell(): void;
  readonly tellEveryMs: number;
  /** These are committed there, in order; `tell` follows. */
  onStored(batches: readonly TelemetryBatch[]): void;
  /** An append failed; the first since the last that did not, or one more of a row. */
  onFailed(failure: { readonly detail: string; readonly isFirst: boolean }): void;
  onRecovered(): void;
};

export type SeriesQueue = {
  /** Takes a batch of so many bytes, or says that it has no room. */
  offer(batch: TelemetryBatch, bytes: number): boolean;
  bytes(): number;
  /** How much of its room is taken, 0 to 1. */
  share(): number;
  /** How long the oldest batch has waited, ms; 0 when none waits. */
  waitedMs(): number;
  /** Why the store can't be written to, or null. */
  failure(): string | null;
  /** Nothing waits, and nothing is being written. */
  isIdle(): boolean;
  /** What is being written is the last. */
  stop(): void;
};

export function createSeriesQueue(deps: SeriesQueueDeps): SeriesQueue {
  const { clock, timeseries, bytesMax = QUEUE_BYTES_MAX } = deps;
  let queue: { batch: TelemetryBatch; bytes: number; atMs: number }[] = [];
  let queuedBytes = 0;
  let appending = false;
  let failed: string | null = null;
  let stopped = false;

  async function drain(): Promise<void> {
    if (appending) return;
    appending = true;
    // Let the batches of this turn of the event loop come together.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0 && !stopped) {
      let bytes = 0;
      let take = 0;
      while (take < queue.length && (take === 0 || bytes < APPEND_BYTES_MAX)) bytes += queue[take++]?.bytes ?? 0;
      const batches = queue.slice(0, take).map(({ batch }) => batch);
      try {
        await slowly(timeseries.append(batches));
      } catch (thrown) {
        const detail = errorText(thrown);
        deps.onFailed({ detail, isFirst: failed === null });
        failed = detail;
        deps.tell();
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
        continue;
      }
      queue = queue.slice(take);
      queuedBytes -= bytes;
      deps.onStored(batches);
      if (failed !== null) {
        failed = null;
        deps.onRecovered();
      }
      deps.tell();
    }
    appending = false;
  }

  /** While the store takes its time, agents are told what was heard. */
  async function slowly(append: Promise<void>): Promise<void> {
    let cancel: () => void = () => {};
    const again = (): void => {
      cancel = clock.after(deps.tellEveryMs, () => {
        deps.tell();
        again();
      });
    };
    again();
    try {
      await append;
    } finally {
      cancel();
    }
  }

  return {
    offer(batch, bytes) {
      if (queuedBytes + bytes > bytesMax) return false;
      queue.push({ batch, bytes, atMs: clock.monotonic() });
      queuedBytes += bytes;
      void drain();
      return true;
    },
    bytes: () => queuedBytes,
    share: () => queuedBytes / bytesMax,
    waitedMs: () => clock.monotonic() - (queue[0]?.atMs ?? clock.monotonic()),
    failure: () => failed,
    isIdle: () => queue.length === 0 && !appending,
    stop() {
      stopped = true;
    },
  };
}
