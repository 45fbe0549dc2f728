import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ETA_NEVER_SECONDS, ETA_READINGS_MIN, etaOf } from "./forecast.ts";
import { RecentReadings } from "./window.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NEVER = ETA_NEVER_SECONDS;

function readingsOf(valueAt: (i: number) => number | null, count: number, everyMs = MINUTE): RecentReadings {
  const readings = new RecentReadings(24 * HOUR, 3 * everyMs + 5_000);
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    if (value !== null) readings.push(i * everyMs, value);
  }
  return readings;
}

type Case = {
  readonly name: string;
  readonly value: (i: number) => number | null;
  readonly target: number;
  readonly count?: number;
  readonly isCounter?: boolean;
  /** Seconds, and by how much the answer may differ. */
  readonly want: number;
  readonly within?: number;
};

/** A step down every `every`, as of a percentage that is told in whole numbers. */
const whole =
  (from: number, every: number) =>
  (i: number): number =>
    from - Math.floor(i / every);

describe("eta", () => {
  it.each<Case>([
    { name: "a line that rises", value: (i) => 40 + i / 10, target: 95, want: 31 * 600 + 5.05 * 600, within: 3_100 },
    { name: "a line that falls", value: (i) => 100 - i / 10, target: 0, want: (100 - 23.9) * 600 },
    { name: "whole numbers", value: whole(100, 20), target: 0, want: 89 * 1_200, within: 0.05 },
    { name: "what goes the other way never gets there", value: (i) => 40 - i / 10, target: 95, want: NEVER },
    { name: "nor does what stands still", value: () => 40, target: 95, want: NEVER },
    { name: "nor what wavers", value: (i) => 40 + (i % 3), target: 95, want: NEVER },
    { name: "nor what is past it", value: (i) => 96 + i / 10, target: 95, want: NEVER },
    { name: "what is there is there", value: (i) => 95 - (239 - i) / 10, target: 95, want: 0 },
    {
      name: "the line is past it and the last value not yet: any moment",
      value: (i) => (i === 239 ? 94.9 : 71.2 + i / 10),
      target: 95,
      want: 0,
    },
    {
      name: "noise around a line",
      value: (i) => 40 + i / 10 + ((i * 7919) % 11) / 11 - 0.5,
      target: 95,
      want: (55 - 23.9) * 600,
      within: 0.05,
    },
    {
      name: "a new roll in the middle",
      value: (i) => (i < 120 ? 20 - i / 10 : 100 - (i - 120) / 10),
      target: 0,
      want: (100 - 11.9) * 600,
      within: 0.02,
    },
    {
      name: "two new rolls",
      value: (i) => 20 - (i % 80) / 5,
      target: 0,
      want: (20 - 15.8) * 300,
      within: 0.05,
    },
    {
      name: "a disk that was emptied, and fills on",
      value: (i) => (i < 200 ? 60 + i / 10 : 20 + (i - 200) / 10),
      target: 95,
      want: (75 - 3.9) * 600,
      within: 0.02,
    },
    {
      name: "a counter that was reset",
      value: (i) => (i < 100 ? 5_000 + 10 * i : 10 * (i - 100)),
      target: 10_000,
      isCounter: true,
      want: ((10_000 - 1_390) / 10) * 60,
      within: 0.01,
    },
    { name: "one jump is no trend", value: (i) => (i < 100 ? 40 : 80), target: 95, want: NEVER },
    { name: "too few readings are unknown", value: (i) => (i % 60 === 0 ? i : null), target: 900, want: Number.NaN },
    { name: "too short a past is unknown", value: (i) => i, target: 900, count: 100, want: Number.NaN },
  ])("$name", ({ value, target, count = 240, isCounter = false, want, within = 0.001 }) => {
    const readings = readingsOf(value, count);
    const got = etaOf(target, isCounter)(readings, (count - 1) * MINUTE, 4 * HOUR);
    if (Number.isNaN(want)) expect(got).toBeNaN();
    else expect(Math.abs(got - want)).toBeLessThanOrEqual(within < 1 ? Math.max(1, want * within) : within);
  });

  it("says the same of a line whose beginning is in the digest", () => {
    const readings = readingsOf((i) => 10 + i / 1_000, 8_000, 10_000);
    expect(readings.digest?.size).toBeGreaterThan(50);
    const want = (95 - (10 + 7.999)) * 10_000;
    expect(etaOf(95, false)(readings, 7_999 * 10_000, 24 * HOUR) / want).toBeCloseTo(1, 6);
  });

  it("a refill and a reset in the digest are taken out, too", () => {
    const count = 8_000;
    const level = readingsOf((i) => (i < 3_000 ? 40 - i / 100 : 100 - (i - 3_000) / 100), count, 10_000);
    const wanted = (100 - 49.99) * 1_000;
    // The pace of the one span that has the refill in it is lost.
    expect(Math.abs(etaOf(0, false)(level, (count - 1) * 10_000, 24 * HOUR) / wanted - 1)).toBeLessThan(0.08);
    const counter = readingsOf((i) => (i < 3_000 ? 9_000 + i : i - 3_000), count, 10_000);
    const left = (10_000 - 4_999) * 10;
    expect(etaOf(10_000, true)(counter, (count - 1) * 10_000, 24 * HOUR) / left).toBeCloseTo(1, 1);
  });

  it("is a number from 0 to a year or unknown, whatever was read", () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 1_500, size: "max" });
    fc.assert(
      fc.property(
        values,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        (list, target, isCounter) => {
          const readings = readingsOf((i) => list[i] ?? 0, list.length);
          const eta = etaOf(target, isCounter)(readings, (list.length - 1) * MINUTE, 6 * HOUR);
          const isUnknown = Number.isNaN(eta);
          expect(isUnknown || (eta >= 0 && eta <= NEVER)).toBe(true);
          expect(isUnknown).toBe(list.length < 181 || list.length < ETA_READINGS_MIN);
        },
      ),
    );
  });
});
