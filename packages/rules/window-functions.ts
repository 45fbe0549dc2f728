/**
 * What a condition may ask of a window. A window of a span reaches from `nowMs - spanMs` (excluded) to `nowMs`
 * (included), or to the newest reading if that is later. Every function but `coverage`, `count` and `last` answers NaN,
 * which means unknown, while the window's values are known for less than WINDOW_COVERAGE_MIN of the span: a ten-minute
 * average of one reading is none. All but `last` are unknown, too, while older readings of the window are still on their
 * way from the store (refill.ts).
 *
 * `delta`, `increase`, `rate` and `changes` also look at the last reading before the window, the value it began with.
 * A counter that falls was reset (a reboot, a new device): that step counts neither as growth nor as time. Of a step over
 * a gap in which the window began only the window's share counts, as if it had grown evenly: what a night without
 * readings brought is not what the last ten minutes did.
 */
import { type DigestSpan, emptySpan } from "./digest.ts";
import { type RecentReadings, WINDOW_READINGS_MAX } from "./window.ts";

/** Share of the span for which a value must be known. A rule that wants more says `coverage(m, "1h") >= 0.9 && …`. */
export const WINDOW_COVERAGE_MIN = 0.5;

export type WindowFunction = (readings: RecentReadings, nowMs: number, spanMs: number) => number;

/** What a window holds. One is filled again and again, for nothing is allocated while judging. */
type Sums = {
  count: number;
  sum: number;
  min: number;
  max: number;
  /** The value it began with: the last one before it, else its first. */
  began: number;
  grown: number;
  grownMs: number;
  changes: number;
  coveredMs: number;
};

const sums: Sums = {
  ...{ count: 0, sum: 0, min: 0, max: 0, began: 0 },
  ...{ grown: 0, grownMs: 0, changes: 0, coveredMs: 0 },
};
const span: DigestSpan = emptySpan();

/** The step from the reading before, which the first of all readings does not have. */
const NO_READING = Number.NEGATIVE_INFINITY;

function sumUp(readings: RecentReadings, nowMs: number, spanMs: number): Sums {
  const { size, holdMs } = readings;
  const newestAt = size === 0 ? NO_READING : readings.at(size - 1);
  const end = Math.max(nowMs, newestAt);
  const start = end - spanMs;
  const first = readings.firstAfter(start);
  clear(sums);
  let beforeAt = NO_READING;
  let before = Number.NaN;
  if (first > 0) {
    beforeAt = readings.at(first - 1);
    before = readings.value(first - 1);
    sums.began = before;
  } else if (readings.digest !== null) {
    addDigest(readings, start, holdMs);
    beforeAt = readings.digest.end;
    before = readings.digest.last;
  }
  if (first < size) {
    addFirst({ at: readings.at(first), value: readings.value(first), beforeAt, before }, start, holdMs);
    addRest(readings, first);
    beforeAt = newestAt;
  }
  const until = Math.min(end, beforeAt + holdMs);
  if (until > Math.max(beforeAt, start)) sums.coveredMs += until - Math.max(beforeAt, start);
  sums.coveredMs = Math.min(sums.coveredMs, spanMs);
  return sums;
}

/** The first single reading of the window, and the step to it from the one before, which may lie before the window. */
function addFirst(
  { at, value, beforeAt, before }: { at: number; value: number; beforeAt: number; before: number },
  start: number,
  holdMs: number,
): void {
  sums.count++;
  sums.sum += value;
  sums.min = Math.min(sums.min, value);
  sums.max = Math.max(sums.max, value);
  if (beforeAt === NO_READING) {
    sums.began = value;
    return;
  }
  const share = shareOf(beforeAt, at, start, holdMs);
  const step = value - before;
  if (step !== 0) sums.changes++;
  if (step >= 0) {
    sums.grown += step * share;
    sums.grownMs += (at - beforeAt) * share;
  }
  sums.coveredMs += Math.max(0, Math.min(at, beforeAt + holdMs) - Math.max(beforeAt, start));
}

/** Those after the first: with their steps they lie in the window. In locals, for this is what windows cost. */
function addRest(readings: RecentReadings, first: number): void {
  const { size, holdMs } = readings;
  let { sum, min, max, grown, grownMs, changes, coveredMs } = sums;
  let beforeAt = readings.at(first);
  let before = readings.value(first);
  for (let i = first + 1; i < size; i++) {
    const at = readings.at(i);
    const value = readings.value(i);
    const gapMs = at - beforeAt;
    coveredMs += gapMs < holdMs ? gapMs : holdMs;
    if (value !== before) changes++;
    if (value >= before) {
      grown += value - before;
      grownMs += gapMs;
    }
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
    beforeAt = at;
    before = value;
  }
  sums.count += size - first - 1;
  sums.sum = sum;
  sums.min = min;
  sums.max = max;
  sums.grown = grown;
  sums.grownMs = grownMs;
  sums.changes = changes;
  sums.coveredMs = coveredMs;
}

function clear(into: Sums): void {
  into.count = 0;
  into.sum = 0;
  into.min = Number.POSITIVE_INFINITY;
  into.max = Number.NEGATIVE_INFINITY;
  into.began = Number.NaN;
  into.grown = 0;
  into.grownMs = 0;
  into.changes = 0;
  into.coveredMs = 0;
}

/** How much of a step lies in the window: all of it, but of a gap that began before the window. */
const shareOf = (beforeAt: number, at: number, start: number, holdMs: number): number =>
  beforeAt < start && at - beforeAt > holdMs ? Math.max(0, at - start) / (at - beforeAt) : 1;

function addDigest({ digest }: RecentReadings, start: number, holdMs: number): void {
  if (digest === null) return;
  const first = digest.firstAfter(start);
  if (first > 0) {
    const { last, end } = digest.read(first - 1, span);
    sums.began = last;
    // The step into the first span is summed up in it, with what its gap had before the window.
    if (first < digest.size && digest.read(first, span).first >= last) {
      const before = 1 - shareOf(end, span.start, start, holdMs);
      sums.grown -= (span.first - last) * before;
      sums.grownMs -= (span.start - end) * before;
    }
  }
  for (let i = first; i < digest.size; i++) {
    digest.read(i, span);
    if (i === first && first === 0) sums.began = span.first;
    sums.count += span.count;
    sums.sum += span.sum;
    sums.min = Math.min(sums.min, span.min);
    sums.max = Math.max(sums.max, span.max);
    sums.grown += span.grown;
    sums.grownMs += span.grownMs;
    sums.changes += span.changes;
    sums.coveredMs += span.coveredMs;
  }
}

/** Is all that was read in the span at hand? */
const isWhole = (readings: RecentReadings, nowMs: number, spanMs: number): boolean =>
  Math.max(nowMs, readings.at(readings.size - 1)) - spanMs >= readings.wholeFrom;

/** Of what is covered well enough. */
const demanding =
  (of: (sums: Sums, readings: RecentReadings) => number): WindowFunction =>
  (readings, nowMs, spanMs) => {
    if (readings.size === 0 || !isWhole(readings, nowMs, spanMs)) return Number.NaN;
    const summed = sumUp(readings, nowMs, spanMs);
    return summed.coveredMs < spanMs * WINDOW_COVERAGE_MIN ? Number.NaN : of(summed, readings);
  };

const ofSome =
  (of: (sums: Sums) => number) =>
  (summed: Sums): number =>
    summed.count === 0 ? Number.NaN : of(summed);

export const WINDOW_FUNCTIONS: Readonly<Record<string, WindowFunction>> = {
  avg: demanding(ofSome(({ sum, count }) => sum / count)),
  min: demanding(ofSome(({ min }) => min)),
  max: demanding(ofSome(({ max }) => max)),
  sum: demanding(({ sum }) => sum),
  /** How many readings there are; zero is an answer, too. */
  count: (readings, nowMs, spanMs) =>
    readings.size === 0 || !isWhole(readings, nowMs, spanMs) ? Number.NaN : sumUp(readings, nowMs, spanMs).count,
  /** The share of the span, 0 to 1, for which a value is known; zero is an answer, too. */
  coverage: (readings, nowMs, spanMs) =>
    readings.size === 0 || !isWhole(readings, nowMs, spanMs)
      ? Number.NaN
      : sumUp(readings, nowMs, spanMs).coveredMs / spanMs,
  increase: demanding(({ grown, grownMs }) => (grownMs === 0 ? Number.NaN : grown)),
  rate: demanding(({ grown, grownMs }) => (grownMs === 0 ? Number.NaN : grown / (grownMs / 1000))),
  delta: demanding(({ began, count }, readings) =>
    // One reading alone has not moved.
    count < 2 && readings.size < 2 ? Number.NaN : readings.value(readings.size - 1) - began,
  ),
  changes: demanding(({ changes }) => changes),
  /** The last value, while it lies in the span. */
  last(readings, nowMs, spanMs) {
    const newest = readings.size - 1;
    return newest >= 0 && readings.at(newest) > nowMs - spanMs ? readings.value(newest) : Number.NaN;
  },
};

export const isCovered = (readings: RecentReadings, nowMs: number, spanMs: number): boolean =>
  readings.size > 0 &&
  isWhole(readings, nowMs, spanMs) &&
  sumUp(readings, nowMs, spanMs).coveredMs >= spanMs * WINDOW_COVERAGE_MIN;

const sorted = new Float64Array(WINDOW_READINGS_MAX);

/**
 * The value below which the share `q` (0 to 1) of the readings lies, interpolated between two as NumPy and Prometheus
 * do. Readings of the digest count with the mean of their span, so the answer lies between the quantile of the spans'
 * minima and that of their maxima. Costs a sort of what is kept.
 */
export function quantileOf(q: number): WindowFunction {
  return (readings, nowMs, spanMs) => {
    if (!isCovered(readings, nowMs, spanMs)) return Number.NaN;
    const start = Math.max(nowMs, readings.at(readings.size - 1)) - spanMs;
    const first = readings.firstAfter(start);
    const digest = first === 0 ? readings.digest : null;
    if (digest !== null && digest.firstAfter(start) < digest.size) return weightedQuantile(readings, start, q);
    const count = readings.size - first;
    if (count === 0) return Number.NaN;
    for (let i = 0; i < count; i++) sorted[i] = readings.value(first + i);
    const values = sorted.subarray(0, count).sort();
    const rank = q * (count - 1);
    const low = values[Math.floor(rank)] ?? Number.NaN;
    return low + ((values[Math.ceil(rank)] ?? Number.NaN) - low) * (rank - Math.floor(rank));
  };
}

function weightedQuantile(readings: RecentReadings, start: number, q: number): number {
  const points: { value: number; count: number }[] = [];
  const { digest, size } = readings;
  for (let i = digest?.firstAfter(start) ?? 0; digest !== null && i < digest.size; i++) {
    const { sum, count } = digest.read(i, span);
    points.push({ value: sum / count, count });
  }
  for (let i = 0; i < size; i++) points.push({ value: readings.value(i), count: 1 });
  points.sort((a, b) => a.value - b.value);
  const rank = q * (points.reduce((sum, { count }) => sum + count, 0) - 1);
  const low = atRank(points, Math.floor(rank));
  return low + (atRank(points, Math.ceil(rank)) - low) * (rank - Math.floor(rank));
}

function atRank(points: readonly { value: number; count: number }[], rank: number): number {
  let passed = 0;
  for (const { value, count } of points) {
    passed += count;
    if (passed > rank) return value;
  }
  return points.at(-1)?.value ?? Number.NaN;
}
