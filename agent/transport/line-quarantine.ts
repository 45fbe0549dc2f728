/**
 * Lines that misbehave are left alone for growing pauses, so that a port that floods or hangs costs its own device only.
 * Pure: the time is an argument.
 *
 * - `punish`: it did it, for sure. Closed for a pause; after that one try is let through (half-open). What fails again is
 *   left alone for twice as long.
 * - `praise`: a whole exchange. All is forgiven.
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { Line, LineError, OpenLine } from "./line.ts";

export const QUARANTINE = {
  /** About the usual interval: the next poll or the one after it tries again. */
  firstMs: 30_000,
  /** Long enough to cost nothing, short enough that a mended cable is seen before somebody calls. */
  maxMs: 15 * 60_000,
  /** Lines remembered; an agent has one a device at most, and few of them misbehave. */
  linesMax: 4_096,
} as const;

type Held = { readonly level: number; readonly untilMs: number; readonly why: LineError };

export class LineQuarantine {
  readonly #lines = new Map<string, Held>();

  /** May this line be opened? */
  admit(key: string, nowMs: number): Result<void, LineError> {
    const held = this.#lines.get(key);
    if (held === undefined || nowMs >= held.untilMs) return ok(undefined);
    const { kind, detail, hint } = held.why;
    const pause = `left alone for up to ${Math.round(pauseMs(held.level) / 1000)} s after: ${detail}`;
    return err({ kind, detail: pause, ...(hint !== undefined && { hint }) });
  }

  punish(key: string, why: LineError, nowMs: number): void {
    const level = (this.#lines.get(key)?.level ?? 0) + 1;
    this.#set(key, { level, untilMs: nowMs + pauseMs(level), why });
  }

  praise(key: string): void {
    this.#lines.delete(key);
  }

  /** Opens the line when it may be opened, and sees how it behaves. */
  guard(key: string, open: OpenLine, clock: Clock): OpenLine {
    const judge = <T>(result: Result<T, LineError>): Result<T, LineError> => {
      if (!result.ok && result.error.misbehaved) this.punish(key, result.error, clock.monotonic());
      return result;
    };
    return async (signal, timeoutMs) => {
      const admitted = this.admit(key, clock.monotonic());
      if (!admitted.ok) return admitted;
      const opened = judge(await open(signal, timeoutMs));
      if (!opened.ok) return opened;
      const line = opened.value;
      const guarded: Line = {
        exchange: async (exchange, asking) => {
          const said = judge(await line.exchange(exchange, asking));
          if (said.ok) this.praise(key);
          return said;
        },
        leftOver: () => line.leftOver(),
        close: () => line.close(),
      };
      return ok(guarded);
    };
  }

  /** Lines that are left alone now. */
  held(nowMs: number): readonly string[] {
    return [...this.#lines].flatMap(([key, { untilMs }]) => (nowMs < untilMs ? [key] : []));
  }

  #set(key: string, held: Held): void {
    this.#lines.delete(key);
    this.#lines.set(key, held);
    const oldest = this.#lines.keys().next();
    if (this.#lines.size > QUARANTINE.linesMax && oldest.done !== true) this.#lines.delete(oldest.value);
  }
}

const pauseMs = (level: number): number =>
  Math.min(QUARANTINE.maxMs, QUARANTINE.firstMs * 2 ** Math.min(level - 1, 20));
