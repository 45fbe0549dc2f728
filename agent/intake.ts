/**
 * From polls to the outbox: gathers what the polls of a burst bring and commits it as one transaction, so that a small
 * disk syncs a few times a second at most. A reading counts as taken when its commit is done.
 *
 * When the disk is full the readings stay here, bounded, and the commit is tried again; what finds no room in the end
 * is counted and reported with the next batch that does.
 */
import type { Clock } from "@aislewatch/base";
import type { Lane, Reading } from "@aislewatch/contract";
import type { Log } from "@aislewatch/runtime";
import { StateChanges } from "./core/changes.ts";
import { agentEvents } from "./events.ts";
import type { Outbox } from "./outbox.ts";

/** A burst's polls end within this time of each other. */
const LINGER_MS = 200;
/** A changed state waits less: people wait for it. */
const LINGER_CHANGED_MS = 10;
/** Readings waiting for a commit; more come only when the disk is full. 8 MiB at the 1 KiB of an average reading. */
const WAITING_MAX = 8_192;
/** So many readings are committed without waiting for more. */
const COMMIT_AT = 512;
/** How often a commit that found the disk full is tried again. */
const RETRY_MS = 1_000;
/** Each try of a stop on a full disk drops some of the oldest. */
const STOP_TRIES_MAX = 16;
/** From here on old batches are dropped to make room on a full disk. */
const MAKE_ROOM_AT = WAITING_MAX / 2;

export type IntakeOptions = {
  readonly outbox: Outbox;
  readonly lane: () => Lane;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each commit, when there is something to send. */
  readonly onCommitted: () => void;
};

type Lost = { samples: number; fromAt: number; toAt: number; reason: string };

export class Intake {
  readonly #options: IntakeOptions;
  readonly #changes = new StateChanges();
  #waiting: Reading[] = [];
  #keep = false;
  #lost: Lost | null = null;
  #cancel: (() => void) | null = null;
  #dueMs = Number.POSITIVE_INFINITY;
  #failing = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(reading: Reading): void {
    if (this.#waiting.length >= WAITING_MAX) this.#lose(this.#waiting.splice(0, WAITING_MAX / 8));
    this.#waiting.push(reading);
    const changed = this.#changes.see(reading);
    this.#keep ||= changed;
    if (this.#failing) return; // The retry is under way.
    this.#commitWithin(this.#waiting.length >= COMMIT_AT ? 0 : changed ? LINGER_CHANGED_MS : LINGER_MS);
  }

  /** Commits now what waits; false when the disk refuses. */
  commit(): boolean {
    this.#cancel?.();
    this.#cancel = null;
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#waiting.length === 0) return true;
    if (this.#failing && this.#waiting.length >= MAKE_ROOM_AT) this.#options.outbox.makeRoom();
    const before = this.#waiting.length;
    // Piece by piece: on a disk that is nearly full a part may find room where the whole does not.
    while (this.#waiting.length > 0 && this.#commitSome());
    if (this.#waiting.length < before) this.#options.onCommitted();
    return this.#waiting.length === 0;
  }

  /** Commits what waits, on a full disk in place of the oldest. */
  stop(): void {
    const { outbox } = this.#options;
    for (let tries = 0; tries < STOP_TRIES_MAX && !this.commit() && outbox.makeRoom().ok; tries++);
    this.#cancel?.();
    this.#cancel = null;
  }

  #commitSome(): boolean {
    const { outbox, lane, log } = this.#options;
    const readings = this.#waiting.slice(0, COMMIT_AT);
    const droppedBefore = outbox.droppedSamples;
    const into = { lane: lane(), keep: this.#keep, ...(this.#lost !== null && { lost: this.#lost }) };
    const written = outbox.append(readings, into);
    if (!written.ok) {
      log.emit(agentEvents.outboxWriteFailed, { detail: written.error.detail, waiting: this.#waiting.length });
      this.#failing = true;
      this.#commitWithin(RETRY_MS);
      return false;
    }
    this.#waiting = this.#waiting.slice(readings.length);
    const droppedSamples = outbox.droppedSamples - droppedBefore;
    if (droppedSamples > 0) log.emit(agentEvents.outboxOverflowed, { droppedSamples });
    this.#lost = null;
    if (this.#waiting.length > 0) return true;
    if (this.#failing) log.emit(agentEvents.outboxWriteRecovered, { readings: readings.length });
    this.#failing = false;
    this.#keep = false;
    return true;
  }

  #commitWithin(delayMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#cancel?.();
    this.#dueMs = dueMs;
    this.#cancel = clock.after(delayMs, () => this.commit());
  }

  #lose(readings: readonly Reading[]): void {
    const lost = this.#lost ?? { samples: 0, fromAt: Number.POSITIVE_INFINITY, toAt: 0, reason: "the disk was full" };
    for (const { at, samples } of readings) {
      lost.fromAt = Math.min(lost.fromAt, at);
      lost.toAt = Math.max(lost.toAt, at);
      for (const { metrics } of samples) lost.samples += Object.keys(metrics).length;
    }
    this.#lost = lost;
    this.#options.log.emit(agentEvents.readingsLost, { samples: lost.samples });
  }
}
