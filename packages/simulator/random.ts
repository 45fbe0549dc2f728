/** Chance as an argument: a number from 0 up to, not including, 1. The real one is Math.random. */
export type Random = () => number;

/** A repeatable sequence for tests and benchmarks (mulberry32: 32 bits of state, good enough for weather). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Wander = {
  /** Where the value is drawn to. */
  readonly home: number;
  /** Seconds until two thirds of a distance from home are gone. */
  readonly settleSeconds: number;
  /** Size of the noise per square root of a second. */
  readonly noise: number;
  readonly min: number;
  readonly max: number;
};

/** A value that drifts around its home as temperatures and loads do (Ornstein-Uhlenbeck), always within min and max. */
export function wander(value: number, by: Wander, elapsedMs: number, random: Random): number {
  const seconds = elapsedMs / 1000;
  const keep = Math.exp(-seconds / by.settleSeconds);
  const noise = by.noise * Math.sqrt(Math.min(seconds, by.settleSeconds)) * (random() * 2 - 1);
  return clamp(by.home + (value - by.home) * keep + noise, by.min, by.max);
}

export const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
