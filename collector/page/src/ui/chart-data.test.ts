import { describe, expect, it } from "vitest";
import { isTwoValued, toColumns, valueRange } from "./chart-data.ts";

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

it.each([
  { name: "zeros and ones without a unit", values: [0, 1, 0], unit: "", two: true },
  { name: "zeros and ones with a unit", values: [0, 1], unit: "%", two: false },
  { name: "other numbers", values: [0, 1, 2], unit: "", two: false },
  { name: "nothing", values: [], unit: "", two: false },
])("takes $name for a boolean: $two", ({ values, unit, two }) => {
  expect(
    isTwoValued(
      values.map((value, index) => flat(index, value)),
      unit,
    ),
  ).toBe(two);
});

describe("the vertical range", () => {
  it.each([
    { name: "holds the threshold", values: [40, 50], threshold: 5, unit: "%" },
    { name: "has height for a constant", values: [7], threshold: null, unit: "" },
    { name: "has height for zero", values: [0], threshold: null, unit: "" },
    { name: "has height for nothing at all", values: [], threshold: null, unit: "" },
  ])("$name", ({ values, threshold, unit }) => {
    const points = values.map((value, index) => flat(index, value));
    const [low, high] = valueRange(points, { threshold, unit });
    expect(high).toBeGreaterThan(low);
    for (const value of threshold === null ? values : [...values, threshold]) {
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
    }
  });

  it("does not go below zero for what can't, nor far above a whole for a share", () => {
    const [low, high] = valueRange([flat(0, 1), flat(1, 100)], { threshold: null, unit: "%" });
    expect(low).toBe(0);
    expect(high).toBeLessThanOrEqual(103);
  });
});
