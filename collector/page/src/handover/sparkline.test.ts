import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SPARK, sparkOf } from "./sparkline.ts";

type Chart = Parameters<typeof sparkOf>[0];
const point = (at: number, mean: number) => ({ at, mean, min: mean, max: mean });
const chart = (points: Chart["points"], given: Partial<Chart> = {}): Chart => ({
  ...{ metric: "m", unit: "%", isBoolean: false, threshold: null, from: 0, to: 600 },
  points,
  ...given,
});
const steady = (count: number, value: (n: number) => number) =>
  Array.from({ length: count }, (_, n) => point((n * 600) / count, value(n)));

describe("a chart on paper", () => {
  it("is one line from the least to the greatest value", () => {
    const spark = sparkOf(chart([point(0, 0), point(300, 5), point(600, 10)]));
    expect(spark).toMatchObject({ lines: ["0,114 300,60 600,6"], low: 0, high: 10, thresholdY: null });
  });

  it("breaks where nothing was heard", () => {
    const points = steady(60, () => 1).filter((_, n) => n < 20 || n > 40);
    expect(sparkOf(chart(points))?.lines).toHaveLength(2);
  });

  it("has its threshold within it", () => {
    expect(sparkOf(chart([point(0, 0), point(300, 5)], { threshold: 10 }))).toMatchObject({ thresholdY: 6, high: 10 });
  });

  it("steps where it is yes or no", () => {
    const spark = sparkOf(chart([point(0, 0), point(150, 1)], { isBoolean: true }));
    expect(spark?.lines).toEqual(["0,114 150,114 150,6"]);
  });

  it("shows a single value", () => {
    expect(sparkOf(chart([point(300, 7)]))).toMatchObject({ lines: ["300,60 303,60"], low: 7, high: 7 });
  });

  it.each([
    { name: "no points", given: chart([]) },
    { name: "points of another time", given: chart([point(-1, 1), point(601, 1)]) },
    { name: "no time", given: chart([point(0, 1)], { to: 0 }) },
  ])("is none of $name", ({ given }) => expect(sparkOf(given)).toBeNull());

  it("stays within its frame", () => {
    const value = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    const points = fc.array(fc.tuple(fc.integer({ min: -100, max: 700 }), value), { maxLength: 60 });
    fc.assert(
      fc.property(points, fc.option(value), fc.boolean(), (some, threshold, isBoolean) => {
        const sorted = some
          .map(([at, mean]) => point(at, isBoolean ? Number(mean > 0) : mean))
          .sort((a, b) => a.at - b.at);
        const spark = sparkOf(chart(sorted, { threshold: isBoolean ? null : threshold, isBoolean }));
        for (const pair of spark?.lines.flatMap((line) => line.split(" ")) ?? []) {
          const [x = Number.NaN, y = Number.NaN] = pair.split(",").map(Number);
          expect(x >= 0 && x <= SPARK.width + 3 && y >= 0 && y <= SPARK.height).toBe(true);
        }
      }),
    );
  });
});
