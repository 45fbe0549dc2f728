/**
 * Ctrl-C and SIGTERM while a command works that has something to show for the time until then. The first asks it to
 * come to an end; one that nothing waits for ends the process as if nobody had listened. What comes within half a
 * second of another is the same request: a terminal and `timeout` send it to the whole group, and the launcher, which
 * is of the group, sends it on. A launcher that is gone can't send it: then its channel closes.
 */
import type { Clock } from "@aislewatch/base";

/** What of `process` is needed; a test passes its own. */
export type InterruptedProcess = {
  readonly pid: number;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  kill(pid: number, signal: NodeJS.Signals): unknown;
};

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const SAME_REQUEST_MS = 500;

export class Interrupts {
  readonly #process: InterruptedProcess;
  readonly #clock: Clock;
  #listening = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | null = null;

  constructor(process: InterruptedProcess, clock: Clock) {
    this.#process = process;
    this.#clock = clock;
  }

  /** Calls `stop` at the next request, once; until the returned function is called. One at a time. */
  on(stop: () => void): () => void {
    this.#stop = stop;
    this.#listen();
    return () => {
      if (this.#stop === stop) this.#stop = null;
    };
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    const requests = SIGNALS.map((signal) => ({ signal, listener: (): void => request(signal) }));
    const request = (signal: NodeJS.Signals): void => {
      const nowMs = this.#clock.monotonic();
      if (nowMs - this.#lastMs < SAME_REQUEST_MS) return;
      this.#lastMs = nowMs;
      const stop = this.#stop;
      this.#stop = null;
      if (stop !== null) {
        stop();
        return;
      }
      for (const one of requests) this.#process.off(one.signal, one.listener);
      this.#process.kill(this.#process.pid, signal);
    };
    for (const { signal, listener } of requests) this.#process.on(signal, listener);
    this.#process.on("disconnect", () => request("SIGTERM"));
  }
}
