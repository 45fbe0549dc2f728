/**
 * The world's time as an argument. Pure code takes `nowMs`; a shell that must wait takes a Clock, so that its tests
 * decide when time passes. The real one is in packages/runtime.
 */
export type Clock = {
  /** Unix milliseconds; may jump when somebody sets the clock. */
  now(): number;
  /** Milliseconds that only grow; for durations and deadlines. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void;
};

type Timer = { readonly dueMs: number; readonly order: number; readonly run: () => void };

/** A clock that stands still until `advance`; due timers run in order of their time. */
export class ManualClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on by `byMs`, running what falls due on the way, including what that schedules in turn. */
  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs;
    for (;;) {
      const due = this.#timers
        .filter((timer) => timer.dueMs <= endMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs += due.dueMs - this.#elapsedMs;
      this.#elapsedMs = due.dueMs;
      due.run();
    }
    this.#nowMs += endMs - this.#elapsedMs;
    this.#elapsedMs = endMs;
  }

  /** How many timers wait; a component that stopped leaves none. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Sets the wall clock without time passing, as an administrator or NTP does. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }
}
