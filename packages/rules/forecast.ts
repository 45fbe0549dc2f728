/**
 * `eta(metric, target, "6h")`: seconds until the metric reaches the target, if it goes on as it did in the window. A
 * line by least squares through the readings in event time (of the digest: through the means of its spans).
 *
 * Jumps are taken out, and what was before is moved by them, so that the pace goes on through a refilled roll, an
 * emptied disk, a restarted counter. Of a level, a step is a jump when it is more than half of the window's range and
 * four times the mean of the other steps; so a window should be long enough for the level to move by some steps. Of a
 * counter, each fall is one.
 */
import { DIGEST_SPANS_MAX, emptySpan } from "./digest.ts";
import { type RecentReadings, WINDOW_READINGS_MAX } from "./window.ts";
import { isCovered, type WindowFunction } from "./window-functions.ts";

/** Fewer readings make no trend. */
export const ETA_READINGS_MIN = 5;
/** The line explains at least this share of how the values differ; else they only waver. */
export const ETA_FIT_MIN = 0.5;
/** What does not approach its target: a year, which no window of a week can tell from never. */
export const ETA_NEVER_SECONDS = 365 * 86_400;

const JUMP_RANGE_SHARE = 0.5;
const JUMP_STEPS = 4;

const POINTS_MAX = DIGEST_SPANS_MAX + WINDOW_READINGS_MAX;
const column = (): Float64Array => new Float64Array(POINTS_MAX);
/** The window's points, filled anew for each question: nothing is allocated while judging. */
const points = {
  count: 0,
  readings: 0,
  /** Seconds before the end of the window, negative. */
  time: column(),
  value: column(),
  weight: column(),
  /** From the point before to the first value of this one; 0 for the first. */
  step: column(),
  /** Of a span in the digest: from its first value to its last, its lowest and highest, what its counter grew by. */
  inner: column(),
  low: column(),
  high: column(),
  grown: column(),
  resets: column(),
};
const span = emptySpan();

/**
 * 0: just there. ETA_NEVER_SECONDS: not within a year at this pace, be it that the values go the other way, stand
 * still, waver without a trend, or are past the target; that is an answer, so that a fault can clear. Unknown while the
 * window is covered too little or has fewer than ETA_READINGS_MIN readings.
 */
export function etaOf(target: number, isCounter: boolean): WindowFunction {
  return (readings, nowMs, spanMs) => {
    if (!isCovered(readings, nowMs, spanMs)) return Number.NaN;
    const last = readings.value(readings.size - 1);
    fillPoints(readings, nowMs, spanMs);
    if (points.readings < ETA_READINGS_MIN) return Number.NaN;
    if (last === target) return 0;
    takeJumpsOut(isCounter);
    const { slope, now, fit } = lineThrough();
    const isRising = target > last;
    if (!(fit >= ETA_FIT_MIN) || slope === 0 || slope > 0 !== isRising) return ETA_NEVER_SECONDS;
    return Math.min(Math.max(0, (target - now) / slope), ETA_NEVER_SECONDS);
  };
}

function fillPoints(readings: RecentReadings, nowMs: number, spanMs: number): void {
  const end = Math.max(nowMs, readings.at(readings.size - 1));
  const start = end - spanMs;
  const first = readings.firstAfter(start);
  points.count = 0;
  points.readings = 0;
  let before = Number.NaN;
  const { digest } = readings;
  for (let i = digest?.firstAfter(start) ?? 0; digest !== null && first === 0 && i < digest.size; i++) {
    digest.read(i, span);
    const p = addPoint((span.meanAt - end) / 1000, span.sum / span.count, span.count);
    const step = Number.isNaN(before) ? 0 : span.first - before;
    points.step[p] = step;
    points.inner[p] = span.last - span.first;
    points.low[p] = span.min;
    points.high[p] = span.max;
    // The digest counts the step that leads into the span, too.
    points.grown[p] = span.grown - Math.max(0, step);
    points.resets[p] = span.resets - (step < 0 ? 1 : 0);
    before = span.last;
  }
  for (let i = first; i < readings.size; i++) {
    const value = readings.value(i);
    const p = addPoint((readings.at(i) - end) / 1000, value, 1);
    points.step[p] = Number.isNaN(before) ? 0 : value - before;
    points.inner[p] = 0;
    points.low[p] = value;
    points.high[p] = value;
    points.grown[p] = 0;
    points.resets[p] = 0;
    before = value;
  }
}

function addPoint(time: number, value: number, weight: number): number {
  const p = Math.min(points.count, POINTS_MAX - 1);
  points.time[p] = time;
  points.value[p] = value;
  points.weight[p] = weight;
  points.count = p + 1;
  points.readings += weight;
  return p;
}

const of = (values: Float64Array, p: number): number => values[p] ?? 0;

/** Moves what was before a jump by it. A span with a jump inside has no mean worth the name and loses its weight. */
function takeJumpsOut(isCounter: boolean): void {
  const isJump = isCounter ? (step: number): boolean => step < 0 : jumpTest();
  let shift = 0;
  for (let p = points.count - 1; p >= 0; p--) {
    points.value[p] = of(points.value, p) + shift;
    const inner = of(points.inner, p);
    if (isCounter ? of(points.resets, p) > 0 : isJump(of(points.high, p) - of(points.low, p))) {
      points.weight[p] = 0;
      shift += isCounter ? inner - of(points.grown, p) : inner;
    }
    if (isJump(of(points.step, p))) shift += of(points.step, p);
  }
}

function jumpTest(): (step: number) => boolean {
  let [movement, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let p = 0; p < points.count; p++) {
    movement += Math.abs(of(points.step, p)) + Math.abs(of(points.inner, p));
    low = Math.min(low, of(points.low, p));
    high = Math.max(high, of(points.high, p));
  }
  const others = Math.max(1, points.readings - 2);
  return (step) => {
    const size = Math.abs(step);
    return size > (high - low) * JUMP_RANGE_SHARE && size > (JUMP_STEPS * Math.max(0, movement - size)) / others;
  };
}

/** Slope per second, the line's value at the end of the window, and the share of the variance that it explains. */
function lineThrough(): { slope: number; now: number; fit: number } {
  let [weight, time, value] = [0, 0, 0];
  for (let p = 0; p < points.count; p++) {
    const w = of(points.weight, p);
    weight += w;
    time += w * of(points.time, p);
    value += w * of(points.value, p);
  }
  const [meanTime, meanValue] = [time / weight, value / weight];
  let [tt, tv, vv] = [0, 0, 0];
  for (let p = 0; p < points.count; p++) {
    const w = of(points.weight, p);
    const t = of(points.time, p) - meanTime;
    const v = of(points.value, p) - meanValue;
    tt += w * t * t;
    tv += w * t * v;
    vv += w * v * v;
  }
  const slope = tt === 0 ? 0 : tv / tt;
  return { slope, now: meanValue - slope * meanTime, fit: vv === 0 || tt === 0 ? 0 : (tv * tv) / (tt * vv) };
}
