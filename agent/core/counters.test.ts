import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Counters } from "./counters.ts";

const OID = "1.3.6.1.2.1.2.2.1.10.3";
const WRAP = 2 ** 32;
const run = (values: readonly number[], restartAt = -1): number[] => {
  const counters = new Counters();
  return values.map((value, i) => {
    const carried = counters.follow({ [OID]: { type: "counter", value } }, i === restartAt);
    return value + (carried[OID] ?? 0);
  });
};

describe("a Counter32", () => {
  it.each([
    {
      name: "goes on over its wraps",
      values: [WRAP - 100, 50, WRAP - 7, 3],
      want: [WRAP - 100, WRAP + 50, WRAP - 7 + WRAP, 2 * WRAP + 3],
    },
    { name: "that stands still", values: [WRAP - 1, 5, 5], want: [WRAP - 1, WRAP + 5, WRAP + 5] },
    // Which of the two it was is not to be told: it is taken for the one that makes no traffic up.
    { name: "that fell by half its range was set back", values: [WRAP / 2, 0], want: [WRAP / 2, 0] },
    { name: "that fell by more than that has wrapped", values: [WRAP / 2 + 1, 0], want: [WRAP / 2 + 1, WRAP] },
    { name: "that someone set back is set back", values: [5_000, 10, 20], want: [5_000, 10, 20] },
    {
      name: "that was set back after a wrap begins anew",
      values: [WRAP - 1, 5_000, 10],
      want: [WRAP - 1, WRAP + 5_000, 10],
    },
  ])("$name", ({ values, want }) => {
    expect(run(values)).toEqual(want);
  });

  it("begins anew with a restart, however it looks", () => {
    expect(run([WRAP - 100, 50], 1)).toEqual([WRAP - 100, 50]);
  });

  it("grows by what it grew, whatever the steps, as long as a step is less than half its range", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: WRAP / 2 - 1 }), { maxLength: 50 }), (steps) => {
        let total = 0;
        const totals = steps.map((step) => (total += step));
        const got = run(totals.map((value) => value % WRAP));
        const first = (totals[0] ?? 0) - (got[0] ?? 0);
        expect(got.map((value) => value + first)).toEqual(totals);
      }),
    );
  });

  it("is followed for as many counters as a poll may bring, and no more", () => {
    const counters = new Counters();
    const all = (value: number) =>
      Object.fromEntries(Array.from({ length: 16_385 }, (_, n) => [`1.${n}`, { type: "counter", value }] as const));
    counters.follow(all(WRAP - 1), false);
    const carried = counters.follow(all(1), false);
    expect([Object.keys(carried).length, carried["1.16383"], carried["1.16384"]]).toEqual([16_384, WRAP, undefined]);
  });

  it("is not confused with what does not wrap at 2^32, and is forgotten when it is gone", () => {
    const counters = new Counters();
    const at = (type: "gauge" | "counter64", value: number) => ({ [OID]: { type, value } }) as const;
    counters.follow(at("gauge", WRAP - 1), false);
    expect(counters.follow(at("gauge", 1), false)).toEqual({});
    counters.follow(at("counter64", WRAP - 1), false);
    expect(counters.follow(at("counter64", 1), false)).toEqual({});
    counters.follow({ [OID]: { type: "counter", value: WRAP - 1 } }, false);
    counters.follow({}, false);
    expect(counters.follow({ [OID]: { type: "counter", value: 1 } }, false)).toEqual({});
  });
});
