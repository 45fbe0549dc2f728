import { describe, expect, it } from "vitest";
import { expectedText, warrantyText } from "./words.ts";

describe("a warranty", () => {
  it.each([
    { until: "2027-02-28", state: "valid", days: 98, says: "until 2027-02-28" },
    { until: "2026-12-01", state: "ending", days: 11, says: "ends in 11 days, 2026-12-01" },
    { until: "2026-12-01", state: "ending", days: 1, says: "ends in 1 day, 2026-12-01" },
    { until: "2026-12-01", state: "ending", days: 0, says: "ends today, 2026-12-01" },
    { until: "2026-11-01", state: "over", days: -19, says: "over since 2026-11-01" },
  ] as const)("$says", ({ says, ...warranty }) => expect(warrantyText(warranty)).toBe(says));
});

describe("what others had", () => {
  it.each([
    [0, "none"],
    [0.04, "less than 0.1 each"],
    [0.84, "0.8 each"],
    [12.4, "12 each"],
  ])("%d is %s", (expected, says) => expect(expectedText(expected)).toBe(says));
});
