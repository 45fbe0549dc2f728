import type { Clock } from "@aislewatch/base";

/** setTimeout takes 31 bits; a longer delay would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The world's clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
};
