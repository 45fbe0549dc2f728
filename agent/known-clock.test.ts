import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { KnownClock } from "./known-clock.ts";

const NOW = 1_790_000_000_000;
const wait = (clock: KnownClock): string[] => {
  const told: string[] = [];
  clock.whenKnown((by) => told.push(by));
  return told;
};

describe("the time of a host", () => {
  it("is its own clock's when that is set, right or wrong", () => {
    const host = new ManualClock(NOW);
    const clock = new KnownClock(host);
    expect(wait(clock)).toEqual(["host"]);
    clock.tell(NOW + 3_600_000);
    expect(clock.now()).toBe(NOW);
  });

  it("is not known before 2024, until the collector tells it", () => {
    const host = new ManualClock(12_000);
    const clock = new KnownClock(host);
    const told = wait(clock);
    host.advance(5_000);
    expect([clock.isKnown, told]).toEqual([false, []]);
    clock.tell(NOW);
    expect([clock.isKnown, told, clock.now()]).toEqual([true, ["collector"], NOW]);
    host.advance(2_500);
    expect(clock.now()).toBe(NOW + 2_500);
  });

  it("is the host's again as soon as that is set", () => {
    let hostMs = 0;
    const timers = new ManualClock(0);
    const clock = new KnownClock({
      now: () => hostMs,
      monotonic: () => timers.monotonic(),
      after: (delayMs, run) => timers.after(delayMs, run),
    });
    const told = wait(clock);
    timers.advance(3_000);
    hostMs = NOW;
    timers.advance(1_000);
    expect(told).toEqual(["host"]);
    clock.tell(NOW + 99_000);
    expect(clock.now()).toBe(NOW);
  });

  it("is not waited for by who gave up, and leaves no timer behind", () => {
    const host = new ManualClock(0);
    const clock = new KnownClock(host);
    const told: string[] = [];
    clock.whenKnown((by) => told.push(by))();
    clock.tell(NOW);
    expect(told).toEqual([]);
  });

  it("of a collector that does not know it either is not believed", () => {
    const clock = new KnownClock(new ManualClock(0));
    clock.tell(1_000_000_000_000);
    expect(clock.isKnown).toBe(false);
  });
});
