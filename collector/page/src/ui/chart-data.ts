/** Points of a series as the columns that uPlot draws, with its silences left open. */
import type { Series } from "../api/types.ts";

type Points = Series["points"];
type Column = (number | null)[];

/** Seconds, then mean, least and greatest value of each step. */
export type Columns = [number[], Column, Column, Column];

/** A step this many times the usual one is a silence: joining over it would invent readings. */
const GAP_STEPS = 3.5;

export function toColumns(points: Points): Columns {
  const columns: Columns = [[], [], [], []];
  const usualMs = usualStepMs(points);
  let before: number | null = null;
  for (const { at, mean, min, max } of points) {
    if (before !== null && usualMs > 0 && at - before > usualMs * GAP_STEPS) push(columns, (before + at) / 2, null);
    push(columns, at, { mean, min, max });
    before = at;
  }
  return columns;
}

function push(columns: Columns, atMs: number, values: { mean: number; min: number; max: number } | null): void {
  columns[0].push(atMs / 1000);
  columns[1].push(values?.mean ?? null);
  columns[2].push(values?.min ?? null);
  columns[3].push(values?.max ?? null);
}

/** The median distance between neighbours, in ms; 0 for fewer than three points. */
function usualStepMs(points: Points): number {
  const steps: number[] = [];
  for (const [index, point] of points.entries()) {
    const before = points[index - 1];
    if (before !== undefined) steps.push(point.at - before.at);
  }
  if (steps.length < 2) return 0;
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

/** Air before the first reading, as a share of what is shown. */
const LEAD_SHARE = 0.03;
/** One reading alone still gets a time axis. */
const SPAN_MS_MIN = 60_000;

/** Where the chart begins: at the first reading, when there was none for most of the range, and never after `until`. */
export function shownFrom(points: Points, range: { from: number; to: number; until?: number }): number {
  const first = points[0];
  if (first === undefined) return range.from;
  const begin = Math.min(first.at, range.until ?? first.at);
  const shown = begin - Math.max(SPAN_MS_MIN - (range.to - begin), (range.to - begin) * LEAD_SHARE);
  return shown - range.from > (range.to - range.from) / 4 ? shown : range.from;
}

/** The vertical range: all values and the threshold, with a little air, and never without height. */
export function valueRange(
  { points, unit, type }: Pick<Series, "points" | "unit" | "type">,
  threshold: number | null,
): [number, number] {
  if (type === "boolean") return [-0.15, 1.15];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { min, max } of points) {
    low = Math.min(low, min);
    high = Math.max(high, max);
  }
  if (threshold !== null) {
    low = Math.min(low, threshold);
    high = Math.max(high, threshold);
  }
  if (low > high) return [0, 1];
  const air = (high - low) * 0.12 || Math.max(1, Math.abs(high) * 0.1);
  const floor = low >= 0 ? Math.max(0, low - air) : low - air;
  // A share above its whole would only raise questions.
  const ceiling = unit === "%" && high <= 100 ? Math.min(103, high + air) : high + air;
  return [floor, ceiling];
}
