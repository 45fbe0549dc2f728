import { describe, expect, it } from "vitest";
import { backoffMs, ManualClock } from "./index.ts";

describe("ManualClock", () => {
  it("runs due timers in order of their time, also those that timers schedule", () => {
    const clock = new ManualClock(1_000_000);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b${clock.now()}`));
    clock.after(10, () => {
      seen.push(`a${clock.now()}`);
      clock.after(5, () => seen.push(`c${clock.now()}`));
    });
    const cancel = clock.after(12, () => seen.push("never"));
    cancel();
    clock.advance(30);
    expect(seen).toEqual(["a1000010", "c1000015", "b1000020"]);
    expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1_000_030, 30, 0]);
  });

  it("keeps durations right when the wall clock jumps", () => {
    const clock = new ManualClock(1_000_000);
    clock.jump(-500_000);
    clock.advance(7);
    expect([clock.now(), clock.monotonic()]).toEqual([500_007, 7]);
  });
});

describe("backoffMs", () => {
  it.each([
    { attempt: 0, random: 0, want: 50 },
    { attempt: 0, random: 0.999, want: 100 },
    { attempt: 3, random: 0, want: 400 },
    { attempt: 40, random: 0.5, want: 750 },
  ])("attempt $attempt with random $random waits $want ms", ({ attempt, random, want }) => {
    expect(backoffMs(attempt, { baseMs: 100, maxMs: 1000 }, random)).toBe(want);
  });
});
