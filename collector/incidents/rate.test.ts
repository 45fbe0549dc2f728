import { describe, expect, it } from "vitest";
import { rateOf } from "./rate.ts";

describe("a rate", () => {
  // The exact limits are those of Garwood (1936), as tables of the Poisson distribution have them.
  it.each([
    { count: 0, low: 0, high: 3.689 },
    { count: 1, low: 0.0253, high: 5.572 },
    { count: 5, low: 1.6235, high: 11.668 },
    { count: 10, low: 4.7954, high: 18.39 },
    { count: 100, low: 81.364, high: 121.63 },
  ])("of $count has a range near the exact one", ({ count, low, high }) => {
    const rate = rateOf(count, 1);
    expect(rate.value).toBe(count);
    expect(Math.abs(rate.low - low)).toBeLessThan(0.03);
    expect(Math.abs(rate.high - high)).toBeLessThan(0.06);
  });

  it("is for each unit of exposure", () => {
    const [one, two] = [rateOf(9, 1), rateOf(9, 2)];
    expect([two.value, two.low, two.high]).toEqual([one.value / 2, one.low / 2, one.high / 2]);
  });
});
