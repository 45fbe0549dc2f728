/** A small chart as points of an SVG: on paper there is nothing to hover, and a canvas prints badly. Pure. */
import type { HandOver } from "../api/types.ts";

type Chart = NonNullable<HandOver["chart"]>;

export const SPARK = { width: 600, height: 120, padding: 6 } as const;

export type Spark = {
  /** Of a polyline; as many as there are stretches without a gap. */
  readonly lines: readonly string[];
  readonly thresholdY: number | null;
  readonly low: number;
  readonly high: number;
  x(at: number): number;
};

/** A hole of more than so many buckets is one in which nothing was heard. */
const GAP_BUCKETS = 3;

/** Null when there is nothing to draw. */
export function sparkOf({ points, threshold, from, to, isBoolean }: Chart): Spark | null {
  const known = points.filter(({ at }) => at >= from && at <= to);
  if (known.length === 0 || to <= from) return null;
  const values = [...known.flatMap(({ min, max }) => [min, max]), ...(threshold === null ? [] : [threshold])];
  const [low, high] = isBoolean ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const { width, height, padding } = SPARK;
  const x = (at: number): number => round(((at - from) / (to - from)) * width);
  const y = (value: number): number =>
    round(high === low ? height / 2 : height - padding - ((value - low) / (high - low)) * (height - 2 * padding));
  const gapMs = GAP_BUCKETS * ((to - from) / Math.max(points.length, GAP_BUCKETS));
  const lines: string[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, mean } of known) {
    if (at - last > gapMs || lines.length === 0) lines.push([]);
    const line = lines.at(-1);
    // A switch does not pass through the values between.
    if (isBoolean && line !== undefined && line.length > 0) line.push(`${x(at)},${line.at(-1)?.split(",")[1] ?? ""}`);
    line?.push(`${x(at)},${y(mean)}`);
    last = at;
  }
  // A line of one point can't be seen.
  const drawn = lines.map((line) =>
    line.length === 1 ? [...line, `${Number(line[0]?.split(",")[0]) + 3},${line[0]?.split(",")[1]}`] : line,
  );
  return {
    lines: drawn.map((line) => line.join(" ")),
    thresholdY: threshold === null ? null : y(threshold),
    low,
    high,
    x,
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
