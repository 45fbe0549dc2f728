/**
 * How durations are spread. Median and p90 are of the nearest rank (one of the durations that there were), found by
 * selection and not by sorting: of a million that is a tenth of the time, and it decides how long a report takes.
 */

/** Of durations, in ms. Median and p90 are of the nearest rank: durations that there were. */
export type Spread = {
  readonly n: number;
  readonly meanMs: number | null;
  readonly medianMs: number | null;
  readonly p90Ms: number | null;
};

/** Of nothing all is null, and not 0. Puts `values` into another order. */
export function spreadOf(values: Float64Array): Spread {
  const n = values.length;
  if (n === 0) return { n: 0, meanMs: null, medianMs: null, p90Ms: null };
  let sum = 0;
  for (const ms of values) sum += ms;
  const [median, p90] = [rankOf(n, 0.5), rankOf(n, 0.9)];
  select(values, 0, median);
  // What is right of the median now is not smaller: only there has to be looked.
  select(values, median, p90);
  return { n, meanMs: sum / n, medianMs: values[median] ?? null, p90Ms: values[p90] ?? null };
}

const rankOf = (n: number, quantile: number): number => Math.max(0, Math.ceil(n * quantile) - 1);

/** Below this a sort is as fast as a selection. */
const SORTED_BELOW = 32;
/** Halvings after which the rest is sorted: no order of the values makes it quadratic. */
const ROUNDS_MAX = 64;

/** Puts at `rank` what would be there if all from `from` on were sorted; nothing smaller is right of it then (Hoare). */
function select(values: Float64Array, from: number, rank: number): void {
  let low = from;
  let high = values.length - 1;
  for (let round = 0; high - low >= SORTED_BELOW && round < ROUNDS_MAX; round++) {
    const pivot = middleOf(values[low] ?? 0, values[(low + high) >>> 1] ?? 0, values[high] ?? 0);
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] ?? 0) < pivot) left += 1;
      while ((values[right] ?? 0) > pivot) right -= 1;
      if (left > right) break;
      const swapped = values[left] ?? 0;
      values[left++] = values[right] ?? 0;
      values[right--] = swapped;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return;
  }
  values.subarray(low, high + 1).sort();
}

const middleOf = (a: number, b: number, c: number): number => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
