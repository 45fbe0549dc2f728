/**
 * Exponential back-off with full jitter: a random wait between half and all of base × 2^attempt, at most `maxMs`.
 * The random number (0 ≤ random < 1) is an argument, so that tests are tables and a fleet does not return in step.
 */
export function backoffMs(attempt: number, limits: { baseMs: number; maxMs: number }, random: number): number {
  const ceilingMs = Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceilingMs * (0.5 + random / 2));
}
