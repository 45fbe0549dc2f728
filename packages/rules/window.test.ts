import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecentReadings, WINDOW_FUNCTIONS, WINDOW_READINGS_MAX } from "./window.ts";

const MINUTE = 60_000;

/** One reading a minute from zero. */
function minutes(values: readonly number[], keepMs = 60 * MINUTE): RecentReadings {
  const readings = new RecentReadings(keepMs);
  for (const [i, value] of values.entries()) readings.push(i * MINUTE, value);
  return readings;
}

describe("window functions", () => {
  it.each([
    { name: "avg of the last three", call: "avg", values: [9, 9, 1, 2, 6], span: 3, want: 3 },
    { name: "min", call: "min", values: [0, 9, 4, 2, 6], span: 3, want: 2 },
    { name: "max", call: "max", values: [0, 99, 4, 2, 6], span: 3, want: 6 },
    { name: "sum", call: "sum", values: [0, 99, 4, 2, 6], span: 3, want: 12 },
    { name: "count", call: "count", values: [0, 99, 4, 2, 6], span: 3, want: 3 },
    { name: "last", call: "last", values: [1, 2, 3], span: 2, want: 3 },
    {
      name: "delta looks at the value the window began with",
      call: "delta",
      values: [50, 40, 30, 20],
      span: 2,
      want: -20,
    },
    { name: "increase", call: "increase", values: [10, 11, 13, 16], span: 2, want: 5 },
    { name: "increase skips a reset", call: "increase", values: [100, 110, 3, 7], span: 3, want: 14 },
    { name: "rate is per second of time that counts", call: "rate", values: [0, 60, 5, 65], span: 3, want: 1 },
    { name: "changes counts the step into the window", call: "changes", values: [1, 1, 0, 0, 1], span: 3, want: 2 },
    { name: "half of the span is enough", call: "avg", values: [4, 6], span: 2, want: 5 },
    { name: "less is unknown", call: "avg", values: [4, 6], span: 3, want: Number.NaN },
    { name: "no reading is unknown", call: "avg", values: [], span: 3, want: Number.NaN },
    { name: "a counter that was only reset is unknown", call: "rate", values: [9, 8, 7], span: 2, want: Number.NaN },
  ])("$name", ({ call, values, span, want }) => {
    const now = Math.max(0, values.length - 1) * MINUTE;
    expect(WINDOW_FUNCTIONS[call]?.(minutes(values), now, span * MINUTE)).toEqual(want);
  });

  it("forgets what no window reaches, but for the value that the window began with", () => {
    const readings = minutes(
      Array.from({ length: 100 }, (_, i) => i),
      10 * MINUTE,
    );
    expect(readings.size).toBe(11);
    expect(readings.value(0)).toBe(89);
  });

  it("keeps at most WINDOW_READINGS_MAX", () => {
    const readings = new RecentReadings(24 * 60 * MINUTE);
    for (let i = 0; i < WINDOW_READINGS_MAX * 2; i++) readings.push(i * 1_000, i);
    expect(readings.size).toBeLessThanOrEqual(WINDOW_READINGS_MAX);
    expect(readings.value(readings.size - 1)).toBe(WINDOW_READINGS_MAX * 2 - 1);
  });

  it("leaves out what comes late, and takes the second of one instant", () => {
    const readings = minutes([1, 2, 3]);
    readings.push(MINUTE, 99);
    readings.push(2 * MINUTE, 7);
    expect(Array.from({ length: readings.size }, (_, i) => readings.value(i))).toEqual([1, 2, 7]);
  });

  it("says the same as a plain list", () => {
    const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 5 }), value: fc.integer({ min: 0, max: 9 }) }));
    fc.assert(
      fc.property(steps, fc.integer({ min: 2, max: 20 }), (list, span) => {
        const readings = new RecentReadings(20);
        let at = 0;
        const plain = list.map(({ gap, value }) => {
          at += gap;
          return { at, value };
        });
        for (const reading of plain) readings.push(reading.at, reading.value);
        const inside = plain.filter((reading) => reading.at > at - span);
        const isCovered = plain.some((reading) => reading.at <= at - span / 2);
        const want = isCovered ? Math.max(...inside.map(({ value }) => value)) : Number.NaN;
        expect(WINDOW_FUNCTIONS["max"]?.(readings, at, span)).toEqual(want);
      }),
    );
  });
});
