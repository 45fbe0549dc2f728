/**
 * From polls to the outbox: gathers what the polls of a burst bring and commits it as one transaction, so that a small
 * disk syncs a few times a second at most. A reading counts as taken when its commit is done.
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
/** So many readings are committed without waiting for more: half a MiB at the 1 KiB of an average reading. */
const COMMIT_AT = 512;

export type IntakeOptions = {
  readonly outbox: Outbox;
  readonly lane: () => Lane;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each commit, when there is something to send. */
  readonly onCommitted: () => void;
};

export class Intake {
  readonly #options: IntakeOptions;
  readonly #changes = new StateChanges();
  #waiting: Reading[] = [];
  #keep = false;
  #cancel: (() => void) | null = null;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(reading: Reading): void {
    this.#waiting.push(reading);
    const changed = this.#changes.see(reading);
    this.#keep ||= changed;
    if (this.#waiting.length >= COMMIT_AT) this.commit();
    else this.#commitWithin(changed ? LINGER_CHANGED_MS : LINGER_MS);
  }

  /** Commits now what waits. */
  commit(): void {
    const { outbox, lane, log, onCommitted } = this.#options;
    this.#cancel?.();
    this.#cancel = null;
    this.#dueMs = Number.POSITIVE_INFINITY;
    const [readings, keep] = [this.#waiting, this.#keep];
    if (readings.length === 0) return;
    this.#waiting = [];
    this.#keep = false;
    const droppedBefore = outbox.droppedSamples;
    outbox.append(readings, { lane: lane(), keep });
    const droppedSamples = outbox.droppedSamples - droppedBefore;
    if (droppedSamples > 0) log.emit(agentEvents.outboxOverflowed, { droppedSamples });
    onCommitted();
  }

  stop(): void {
    this.commit();
  }

  #commitWithin(delayMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#cancel?.();
    this.#dueMs = dueMs;
    this.#cancel = clock.after(delayMs, () => this.commit());
  }
}
