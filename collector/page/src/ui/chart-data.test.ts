import { describe, expect, it } from "vitest";
import { shownFrom, toColumns, valueRange } from "./chart-data.ts";

const flat = (at: number, value: number) => ({ at, mean: value, min: value, max: value });

describe("columns of a series", () => {
  it("are seconds, mean, least and greatest", () => {
    expect(toColumns([{ at: 1_000, mean: 2, min: 1, max: 3 }])).toEqual([[1], [2], [1], [3]]);
  });

  it("stay open where readings are missing", () => {
    const points = [0, 10_000, 20_000, 30_000, 90_000].map((at) => flat(at, 5));
    expect(toColumns(points)[0]).toEqual([0, 10, 20, 30, 60, 90]);
    expect(toColumns(points)[1]).toEqual([5, 5, 5, 5, null, 5]);
  });

  it("do not break at the jitter of polls", () => {
    const points = [0, 10_000, 29_000, 40_000].map((at) => flat(at, 5));
    expect(toColumns(points)[1]).toEqual([5, 5, 5, 5]);
  });
});

describe("the time that a chart shows", () => {
  const range = { from: 0, to: 3_600_000 };
  it.each([
    { name: "is the whole range when readings fill it", first: 10_000, until: undefined, want: 0 },
    {
      name: "begins shortly before the first reading of a young device",
      first: 3_000_000,
      until: undefined,
      want: 2_982_000,
    },
    {
      name: "keeps the onset that comes before the first reading",
      first: 3_000_000,
      until: 2_600_000,
      want: 2_570_000,
    },
    { name: "has room for a single reading", first: 3_599_000, until: undefined, want: 3_540_000 },
    { name: "is the whole range when there is no reading at all", first: null, until: undefined, want: 0 },
  ])("$name", ({ first, until, want }) => {
    const points = first === null ? [] : [flat(first, 1)];
    expect(shownFrom(points, { ...range, ...(until !== undefined && { until }) })).toBe(want);
  });
});

describe("the vertical range", () => {
  it.each([
    { name: "holds the threshold", values: [40, 50], threshold: 5, unit: "%" },
    { name: "has height for a constant", values: [7], threshold: null, unit: "" },
    { name: "has height for zero", values: [0], threshold: null, unit: "" },
    { name: "has height for nothing at all", values: [], threshold: null, unit: "" },
  ])("$name", ({ values, threshold, unit }) => {
    const points = values.map((value, index) => flat(index, value));
    const [low, high] = valueRange({ points, unit, type: "number" }, threshold);
    expect(high).toBeGreaterThan(low);
    for (const value of threshold === null ? values : [...values, threshold]) {
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
    }
  });

  it("does not go below zero for what can't, nor far above a whole for a share", () => {
    const [low, high] = valueRange({ points: [flat(0, 1), flat(1, 100)], unit: "%", type: "number" }, null);
    expect(low).toBe(0);
    expect(high).toBeLessThanOrEqual(103);
  });

  it("of a boolean is from no to yes, of a number between zero and one it is not", () => {
    const points = [flat(0, 0), flat(1, 1)];
    expect(valueRange({ points, unit: "", type: "boolean" }, null)).toEqual([-0.15, 1.15]);
    expect(valueRange({ points: [flat(0, 1)], unit: "", type: "number" }, null)).toEqual([0, 2]);
  });
});
