/** How late polls begin, and what is needed to say so. */

/**
 * By how much each began after its time. Due times lie on a grid whose origin only the agent knows; seen from outside it
 * is where polls begin again after the longest pause between bursts.
 */
export function latenessOf(begun: readonly number[], gridMs: number): number[] {
  const offsets = begun.map((at) => at % gridMs).sort((a, b) => a - b);
  let origin = offsets[0] ?? 0;
  let longest = origin + gridMs - (offsets.at(-1) ?? 0);
  for (const [i, offset] of offsets.entries()) {
    const gap = offset - (offsets[i - 1] ?? offset);
    if (gap > longest) [longest, origin] = [gap, offset];
  }
  return offsets.map((offset) => (offset - origin + gridMs) % gridMs);
}

export const quantilesOf = (values: readonly number[]): { readonly p50: number; readonly p99: number } => ({
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
});

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
