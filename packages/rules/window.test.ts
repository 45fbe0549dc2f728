import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DIGEST_ERROR, DIGEST_SPANS_MAX } from "./digest.ts";
import {
  RecentReadings,
  WINDOW_BYTES_MAX,
  WINDOW_FOLDED,
  WINDOW_LATE_MAX_MS,
  WINDOW_READINGS_MAX,
  WINDOW_SPAN_MAX_MS,
} from "./window.ts";
import { quantileOf, WINDOW_COVERAGE_MIN, WINDOW_FUNCTIONS } from "./window-functions.ts";

const MINUTE = 60_000;
const HOLD = 3 * MINUTE + 5_000;

type Reading = { readonly at: number; readonly value: number };

function readingsOf(list: readonly Reading[], keepMs = WINDOW_SPAN_MAX_MS, holdMs = HOLD): RecentReadings {
  const readings = new RecentReadings(keepMs, holdMs);
  for (const { at, value } of list) readings.push(at, value);
  return readings;
}

/** One reading a minute from zero; null is none. */
const minutes = (values: readonly (number | null)[]): Reading[] =>
  values.flatMap((value, i) => (value === null ? [] : [{ at: i * MINUTE, value }]));

const ask = (call: string, readings: RecentReadings, nowMs: number, spanMs: number): number =>
  WINDOW_FUNCTIONS[call]?.(readings, nowMs, spanMs) ?? Number.NaN;

describe("window functions", () => {
  const _ = null;
  it.each([
    { name: "avg of the last three", call: "avg", values: [9, 9, 1, 2, 6], span: 3, want: 3 },
    { name: "min", call: "min", values: [0, 9, 4, 2, 6], span: 3, want: 2 },
    { name: "max", call: "max", values: [0, 99, 4, 2, 6], span: 3, want: 6 },
    { name: "sum", call: "sum", values: [0, 99, 4, 2, 6], span: 3, want: 12 },
    { name: "count", call: "count", values: [0, 99, 4, 2, 6], span: 3, want: 3 },
    { name: "last", call: "last", values: [1, 2, 3], span: 2, want: 3 },
    { name: "delta begins with the value before", call: "delta", values: [50, 40, 30, 20], span: 2, want: -20 },
    { name: "increase", call: "increase", values: [10, 11, 13, 16], span: 2, want: 5 },
    { name: "increase skips a reset", call: "increase", values: [100, 110, 3, 7], span: 3, want: 14 },
    { name: "rate is per second of time that counts", call: "rate", values: [0, 60, 5, 65], span: 3, want: 1 },
    {
      name: "of a gap in which the window began, increase takes the window's share",
      call: "increase",
      values: [0, _, _, _, _, _, _, _, _, 90, 90, 91, 91],
      span: 6,
      want: 31,
    },
    {
      name: "and rate does",
      call: "rate",
      values: [0, _, _, _, _, _, _, _, _, 540, 600, 660, 720],
      span: 6,
      want: 1,
    },
    { name: "changes counts the step into the window", call: "changes", values: [1, 1, 0, 0, 1], span: 3, want: 2 },
    { name: "half of the span is enough", call: "avg", values: [4, 6], span: 2, want: 5 },
    { name: "less is unknown", call: "avg", values: [4, 6], span: 3, want: Number.NaN },
    { name: "no reading is unknown", call: "avg", values: [], span: 3, want: Number.NaN },
    { name: "a counter that was only reset is unknown", call: "rate", values: [9, 8, 7], span: 2, want: Number.NaN },
    { name: "a short gap is bridged", call: "coverage", values: [1, _, _, 1, 1], span: 4, want: 1 },
    {
      name: "a gap counts as known while the value is fresh",
      call: "coverage",
      values: [1, _, _, _, _, _, _, _, 1],
      span: 8,
      want: HOLD / (8 * MINUTE),
    },
    {
      name: "a gap in the middle is missed",
      call: "avg",
      values: [1, _, _, _, _, _, _, _, 1],
      span: 8,
      want: Number.NaN,
    },
    { name: "coverage of a beginning", call: "coverage", values: [1, 1], span: 4, want: 0.25 },
    { name: "count is known however little there is", call: "count", values: [1, 1], span: 60, want: 2 },
    { name: "count of nothing at all is unknown", call: "count", values: [], span: 60, want: Number.NaN },
  ])("$name", ({ call, values, span, want }) => {
    const now = Math.max(0, values.length - 1) * MINUTE;
    expect(ask(call, readingsOf(minutes(values)), now, span * MINUTE)).toEqual(want);
  });

  it.each([
    { name: "the middle one", q: 0.5, values: [9, 1, 5], want: 5 },
    { name: "between two", q: 0.5, values: [1, 2, 4, 9], want: 3 },
    { name: "the largest", q: 1, values: [3, 7, 5], want: 7 },
    { name: "the smallest", q: 0, values: [3, 7, 5], want: 3 },
    { name: "near the top", q: 0.9, values: [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], want: 90 },
  ])("quantile: $name", ({ q, values, want }) => {
    const now = (values.length - 1) * MINUTE;
    expect(quantileOf(q)(readingsOf(minutes(values)), now, (values.length + 1) * MINUTE)).toBeCloseTo(want, 9);
  });
});

describe("what is kept", () => {
  it("forgets what no window reaches, but for the value that the window began with", () => {
    const readings = readingsOf(minutes(Array.from({ length: 100 }, (_, i) => i)), 10 * MINUTE);
    expect(readings.size).toBe(11);
    expect(readings.value(0)).toBe(89);
  });

  it("takes no more memory than WINDOW_BYTES_MAX, whatever comes", () => {
    for (const everyMs of [1, 50, 1_000, 10_000]) {
      const readings = new RecentReadings(WINDOW_SPAN_MAX_MS, HOLD);
      for (let i = 0; i < 100_000; i++) readings.push(i * everyMs, i);
      expect(readings.size).toBeLessThanOrEqual(WINDOW_READINGS_MAX);
      expect(readings.digest?.size).toBeLessThanOrEqual(DIGEST_SPANS_MAX);
      expect(readings.bytes).toBeLessThanOrEqual(WINDOW_BYTES_MAX);
    }
  });

  it("takes what the comment at its head says", () => {
    const bytesOf = (keepMs: number): number => {
      const readings = new RecentReadings(keepMs, HOLD);
      for (let at = 0; at < 2 * keepMs + 10 * MINUTE; at += 10_000) readings.push(at, at);
      return readings.bytes;
    };
    expect(bytesOf(0)).toBe(128);
    expect(bytesOf(10 * MINUTE)).toBe(1_024);
    expect(bytesOf(60 * MINUTE)).toBe(8 * 1_024);
    expect(bytesOf(24 * 60 * MINUTE)).toBe(29 * 1_024);
    expect(bytesOf(7 * 24 * 60 * MINUTE)).toBeLessThan(35 * 1_024);
  });

  it("counts a streak that is longer than what is kept", () => {
    const readings = readingsOf(minutes(Array.from({ length: 50 }, () => 1)), 5 * MINUTE);
    expect(readings.streak).toBe(50);
    const copy = new RecentReadings(5 * MINUTE, HOLD);
    copy.resumeAll(readings.kept());
    expect(copy.streak).toBe(50);
    copy.push(49.5 * MINUTE, 1);
    expect(copy.streak).toBe(51);
    copy.push(49.2 * MINUTE, 0);
    expect(copy.streak).toBe(1);
  });

  it("resumes a streak from its last reading alone", () => {
    const readings = new RecentReadings(0, HOLD);
    readings.resume({ at: MINUTE, value: 0, streak: 7 });
    readings.push(2 * MINUTE, 0);
    expect(readings.streak).toBe(8);
  });
});

const steps = fc.array(
  fc.record({ gapMs: fc.integer({ min: 1, max: 20_000 }), value: fc.integer({ min: -9, max: 9 }) }),
  { minLength: 1, maxLength: 1_200, size: "max" },
);

const listed = (gaps: readonly { gapMs: number; value: number }[]): Reading[] => {
  let at = 0;
  return gaps.map(({ gapMs, value }) => {
    at += gapMs;
    return { at, value };
  });
};

/** What the words say, from the whole list. */
function naive(list: readonly Reading[], startMs: number, spanMs: number, holdMs: number) {
  const end = list.at(-1)?.at ?? 0;
  const inside = list.filter(({ at }) => at > startMs);
  const values = inside.map(({ value }) => value);
  const before = list.filter(({ at }) => at <= startMs).at(-1);
  const chain = before === undefined ? inside : [before, ...inside];
  let [grown, grownMs, changes, covered] = [0, 0, 0, 0];
  for (const [i, { at, value }] of chain.entries()) {
    const next = chain[i + 1];
    const until = Math.min(next?.at ?? end, at + holdMs);
    covered += Math.max(0, until - Math.max(at, startMs));
    if (next === undefined) continue;
    if (next.value !== value) changes++;
    if (next.value < value) continue;
    const gap = next.at - at;
    const share = at < startMs && gap > holdMs ? (next.at - startMs) / gap : 1;
    grown += (next.value - value) * share;
    grownMs += gap * share;
  }
  const last = list.at(-1)?.value ?? Number.NaN;
  const answers = {
    avg: values.reduce((sum, value) => sum + value, 0) / values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    sum: values.reduce((sum, value) => sum + value, 0),
    increase: grownMs === 0 ? Number.NaN : grown,
    rate: grownMs === 0 ? Number.NaN : (grown / grownMs) * 1000,
    delta: chain.length < 2 ? Number.NaN : last - (chain[0]?.value ?? Number.NaN),
    changes,
  };
  return { answers, covered: Math.min(covered, spanMs), count: inside.length, values };
}

describe("laws", () => {
  it("says the same as a plain list while the window is among single readings", () => {
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1_000, max: 300_000 }),
        fc.integer({ min: 500, max: 30_000 }),
        (gaps, spanMs, holdMs) => {
          const list = listed(gaps);
          const now = list.at(-1)?.at ?? 0;
          const readings = readingsOf(list, spanMs, holdMs);
          const oldest = readings.digest === null ? Number.NEGATIVE_INFINITY : readings.at(0);
          fc.pre(now - spanMs >= oldest);
          const { answers, covered, count } = naive(list, now - spanMs, spanMs, holdMs);
          expect(ask("coverage", readings, now, spanMs)).toBeCloseTo(covered / spanMs, 9);
          expect(ask("count", readings, now, spanMs)).toBe(count);
          for (const [call, want] of Object.entries(answers)) {
            const isCovered = covered >= spanMs * WINDOW_COVERAGE_MIN;
            const got = ask(call, readings, now, spanMs);
            if (isCovered && !Number.isNaN(want)) expect(got, call).toBeCloseTo(want, 9);
            else expect(got, call).toBeNaN();
          }
        },
      ),
    );
  });

  it("says of a long window what the list says of one that is longer by a sixteenth at most", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1_000_000, max: 30_000_000 }), (gaps, spanMs) => {
        const list = listed([...gaps, ...gaps, ...gaps]);
        const now = list.at(-1)?.at ?? 0;
        const readings = readingsOf(list, WINDOW_SPAN_MAX_MS, 60_000);
        const startMs = now - spanMs;
        const index = readings.digest?.firstAfter(startMs) ?? 0;
        const isInside = readings.digest !== null && index < readings.digest.size && readings.at(0) > startMs;
        fc.pre(isInside);
        const count = ask("count", readings, now, spanMs);
        const first = list[list.length - count];
        if (first === undefined) throw new Error("more readings than there are");
        // It takes all readings that it should, and none that is older than it may.
        expect(first.at).toBeLessThanOrEqual(list.find(({ at }) => at > startMs)?.at ?? 0);
        expect(first.at).toBeGreaterThan(startMs - Math.max(1_000, spanMs * DIGEST_ERROR));
        const { answers, covered, values } = naive(list, Math.min(startMs, first.at - 1), spanMs, 60_000);
        fc.pre(covered >= spanMs * WINDOW_COVERAGE_MIN);
        for (const [call, want] of Object.entries(answers)) {
          if (!Number.isNaN(want)) expect(ask(call, readings, now, spanMs), call).toBeCloseTo(want, 6);
        }
        const middle = quantileOf(0.5)(readings, now, spanMs);
        expect(middle).toBeGreaterThanOrEqual(Math.min(...values));
        expect(middle).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  it("takes of a gap the window's share, also when that is long past and folded away", () => {
    // A night without readings, in which the counter went on; then one every ten seconds.
    const nightMs = 10 * 3_600_000;
    const since = Array.from({ length: 2_000 }, (_, i) => ({ at: nightMs + i * 10_000, value: 1_000 + i }));
    const readings = readingsOf([{ at: 0, value: 0 }, ...since]);
    const now = since.at(-1)?.at ?? 0;
    expect(readings.digest?.size).toBeGreaterThan(1);
    const spanMs = now - nightMs + 3_600_000;
    expect(ask("increase", readings, now, spanMs)).toBeCloseTo(100 + 1_999, 6);
    expect(ask("rate", readings, now, spanMs)).toBeCloseTo(0.1 * (2_099 / 2_359), 3);
  });

  it("answers with the quantile of values that rise, to the width of a span", () => {
    const list = Array.from({ length: 5_000 }, (_, i) => ({ at: i * 10_000, value: i }));
    const readings = readingsOf(list);
    const now = 49_990_000;
    for (const q of [0.05, 0.5, 0.95]) {
      const got = quantileOf(q)(readings, now, 5_000 * 10_000);
      expect(Math.abs(got - q * 4_999)).toBeLessThan(5_000 * DIGEST_ERROR);
    }
  });

  it("is the same in whatever order readings come within WINDOW_LATE_MAX_MS, and however often", () => {
    const late = fc.array(fc.integer({ min: 0, max: WINDOW_LATE_MAX_MS }), { minLength: 1, maxLength: 50 });
    const often = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 50 });
    const slow = fc.array(
      fc.record({ gapMs: fc.integer({ min: 900, max: 20_000 }), value: fc.integer({ min: -9, max: 9 }) }),
      { minLength: 1, maxLength: 1_200, size: "max" },
    );
    fc.assert(
      fc.property(slow, late, often, fc.integer({ min: 1_000, max: 4_000_000 }), (gaps, delays, times, keepMs) => {
        const list = listed(gaps);
        const arrival = list
          .flatMap((reading, i) =>
            Array.from({ length: times[i % times.length] ?? 1 }, (_, n) => ({
              ...reading,
              arrivesAt: reading.at + (delays[(i + n) % delays.length] ?? 0),
            })),
          )
          .sort((a, b) => a.arrivesAt - b.arrivesAt);
        const kept = readingsOf(list, keepMs).kept();
        expect(readingsOf(arrival, keepMs).kept()).toEqual(kept);
        const resumed = new RecentReadings(keepMs, HOLD);
        resumed.resumeAll(kept);
        expect(resumed.kept()).toEqual(kept);
      }),
    );
  });

  it("leaves out what is later than that, and of one instant keeps the larger", () => {
    const readings = readingsOf(minutes([1, 2, 3]));
    expect(readings.push(MINUTE - 1, 99)).toBe(false);
    expect(readings.push(2 * MINUTE, 1)).toBe(false);
    expect(readings.push(2 * MINUTE, 7)).toBe(true);
    expect(readings.push(1.5 * MINUTE, 4)).toBe(true);
    expect(Array.from({ length: readings.size }, (_, i) => readings.value(i))).toEqual([1, 2, 4, 7]);
  });

  it("folds only what is older than WINDOW_READINGS_MAX - WINDOW_FOLDED readings", () => {
    const readings = readingsOf(Array.from({ length: 10_000 }, (_, i) => ({ at: i * 10_000, value: i })));
    expect(readings.size).toBeGreaterThanOrEqual(WINDOW_READINGS_MAX - WINDOW_FOLDED);
  });
});
