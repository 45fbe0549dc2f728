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

describe("a repeat", () => {
  it("is not forgotten for what came before it", () => {
    const recent = new Recent(1_000, 2);
    for (const [text, ms] of [
      ["x", 0],
      ["y", 500],
      ["x", 1_000],
      ["z", 1_000],
    ] as const)
      recent.again(text, ms);
    expect(["x", "y"].map((text) => recent.again(text, 1_100))).toEqual([true, false]);
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

  it.each([
    { name: "exactly at the window's end", seconds: 200 + 1_000 - 150, want: true },
    { name: "a second before that", seconds: 200 + 1_000 - 151, want: false },
  ])("goes on from when it was heard, whenever that was: $name", ({ seconds, want }) => {
    const times = new EngineTimes();
    times.isTimely("e", { boots: 1, seconds: 200 }, 7_000_000);
    expect(times.isTimely("e", { boots: 1, seconds }, 8_000_000)).toBe(want);
  });

  it("goes on from the newest message", () => {
    const times = new EngineTimes();
    const at = (boots: number, seconds: number, nowMs: number) => times.isTimely("e", { boots, seconds }, nowMs);
    expect([at(1, 200, 0), at(1, 9_000, 1_000), at(1, 8_800, 2_000)]).toEqual([true, true, false]);
    expect([at(2, 5, 3_000), at(2, 500, 4_000), at(2, 300, 5_000)]).toEqual([true, true, false]);
  });

  it("of the engine that was heard longest ago is forgotten first", () => {
    const times = new EngineTimes(2);
    for (const [id, seconds] of [
      ["a", 1],
      ["b", 1],
      ["a", 2],
      ["c", 1],
    ] as const) {
      times.isTimely(id, { boots: 9, seconds }, 0);
    }
    expect(["a", "b"].map((id) => times.isTimely(id, { boots: 1, seconds: 0 }, 0))).toEqual([false, true]);
  });

  it("is kept for a bounded number of engines", () => {
    const times = new EngineTimes(2);
    for (const id of ["a", "b", "c"]) times.isTimely(id, { boots: 9, seconds: 0 }, 0);
    expect(["c", "a"].map((id) => times.isTimely(id, { boots: 1, seconds: 0 }, 0))).toEqual([false, true]);
    expect(TRAP_LIMITS.enginesMax).toBeGreaterThan(0);
  });
});
