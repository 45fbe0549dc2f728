/**
 * The time on a host whose clock was never set: small machines without a battery start in 1970 until a time server is
 * reached. A reading with such a time can't be put right later, so nothing is polled until the time is known: by the
 * host's own clock, or by what the collector's acks say. A clock that is set, though wrongly, is left as it is: the
 * collector measures by how much it is off and shifts its readings.
 */
import type { Clock } from "@aislewatch/base";

/** This program is younger than a clock that says less. 2024-01-01. */
const SET_MS_MIN = 1_704_067_200_000;
/** How often the host's clock is looked at while it is not set. */
const LOOK_MS = 1_000;

export class KnownClock implements Clock {
  readonly #host: Clock;
  /** The collector's time minus our monotonic time; null before its first word. */
  #toldMs: number | null = null;
  #waiting: ((by: "host" | "collector") => void)[] = [];
  #cancelLook: (() => void) | null = null;

  constructor(host: Clock) {
    this.#host = host;
  }

  get isKnown(): boolean {
    return this.#isSet || this.#toldMs !== null;
  }

  get #isSet(): boolean {
    return this.#host.now() >= SET_MS_MIN;
  }

  now(): number {
    if (this.#toldMs === null || this.#isSet) return this.#host.now();
    return Math.round(this.#toldMs + this.#host.monotonic());
  }

  monotonic(): number {
    return this.#host.monotonic();
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#host.after(delayMs, run);
  }

  /** The collector's time, Unix ms: counts only while the host's clock is not set. */
  tell(atMs: number): void {
    if (this.#isSet || atMs < SET_MS_MIN) return;
    this.#toldMs = atMs - this.#host.monotonic();
    this.#announce("collector");
  }

  /** Calls `run` once, as soon as the time is known: at once when it is. The returned function gives up waiting. */
  whenKnown(run: (by: "host" | "collector") => void): () => void {
    if (this.isKnown) {
      run("host");
      return () => {};
    }
    this.#waiting.push(run);
    this.#look();
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== run);
      if (this.#waiting.length === 0) this.#stopLooking();
    };
  }

  #look(): void {
    this.#stopLooking();
    this.#cancelLook = this.#host.after(LOOK_MS, () => {
      if (this.#isSet) this.#announce("host");
      else this.#look();
    });
  }

  #stopLooking(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
  }

  #announce(by: "host" | "collector"): void {
    this.#stopLooking();
    for (const run of this.#waiting.splice(0)) run(by);
  }
}
