import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Buckets, EngineTimes, Recent, TRAP_LIMITS } from "./trap-gate.ts";

describe("a bucket of tokens", () => {
  it("lets a burst through, then as many as come back with time", () => {
    const buckets = new Buckets({ burst: 3, perSecond: 2 }, 8);
    const taken = [0, 0, 0, 0, 400, 500, 600, 10_000, 10_000, 10_000, 10_000].map((ms) => buckets.take("ups", ms));
    expect(taken).toEqual([true, true, true, false, false, true, false, true, true, true, false]);
  });

  it("is a sender's own", () => {
    const buckets = new Buckets({ burst: 1, perSecond: 1 }, 8);
    expect([buckets.take("a", 0), buckets.take("a", 0), buckets.take("b", 0)]).toEqual([true, false, true]);
  });

  it("never passes more than its burst and its rate, in whatever order time comes, for a bounded number of names", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.integer({ min: 0, max: 900 })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (asked) => {
        const buckets = new Buckets({ burst: 5, perSecond: 2 }, 8);
        const passed = new Map<string, number>();
        let nowMs = 0;
        for (const [name, waitMs] of asked) {
          nowMs += waitMs;
          if (buckets.take(name, nowMs)) passed.set(name, (passed.get(name) ?? 0) + 1);
        }
        for (const count of passed.values()) expect(count).toBeLessThanOrEqual(5 + (nowMs / 1_000) * 2);
        expect(buckets.names).toBeLessThanOrEqual(8);
      }),
    );
  });

  it("forgets the sender that was heard longest ago", () => {
    const buckets = new Buckets({ burst: 1, perSecond: 0 }, 2);
    for (const name of ["a", "b", "a", "c"]) buckets.take(name, 0);
    expect([buckets.names, buckets.take("a", 0), buckets.take("b", 0)]).toEqual([2, false, true]);
  });
});

describe("what was seen a moment ago", () => {
  it("is a repeat until its time is over", () => {
    const recent = new Recent(1_000, 8);
    expect([0, 500, 999, 1_000, 1_500].map((ms) => recent.again("x", ms))).toEqual([false, true, true, false, true]);
  });

  it("is forgotten when too much came since", () => {
    const recent = new Recent(1_000, 2);
    expect(["x", "y", "z", "x"].map((text) => recent.again(text, 0))).toEqual([false, false, false, false]);
  });
});

describe("the time of an engine", () => {
  it.each([
    { name: "goes on", boots: 3, seconds: 160, want: true },
    { name: "is a little behind, as traps that overtook one another are", boots: 3, seconds: 10, want: true },
    { name: "is too far behind", boots: 3, seconds: 9, want: false },
    { name: "is ahead", boots: 3, seconds: 9_000, want: true },
    { name: "begins again with a restart", boots: 4, seconds: 0, want: true },
    { name: "is from before the last restart", boots: 2, seconds: 900_000, want: false },
    { name: "has come to the end of its restarts", boots: 2 ** 31 - 1, seconds: 0, want: false },
  ])("$name", ({ boots, seconds, want }) => {
    const times = new EngineTimes();
    times.isTimely("e", { boots: 3, seconds: 100 }, 0);
    expect(times.isTimely("e", { boots, seconds }, 60_000)).toBe(want);
    expect(times.isTimely("another", { boots: 1, seconds: 1 }, 60_000)).toBe(true);
  });

  it("is not set back by a message that was late", () => {
    const times = new EngineTimes();
    const at = (seconds: number, nowMs: number) => times.isTimely("e", { boots: 1, seconds }, nowMs);
    expect([at(200, 0), at(100, 0), at(100, 60_000)]).toEqual([true, true, false]);
  });

  it("is kept for a bounded number of engines", () => {
    const times = new EngineTimes(2);
    for (const id of ["a", "b", "c"]) times.isTimely(id, { boots: 9, seconds: 0 }, 0);
    expect(["c", "a"].map((id) => times.isTimely(id, { boots: 1, seconds: 0 }, 0))).toEqual([false, true]);
    expect(TRAP_LIMITS.enginesMax).toBeGreaterThan(0);
  });
});
