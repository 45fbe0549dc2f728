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
    expect(host.pending).toBe(0);
    clock.tell(NOW);
    expect(told).toEqual([]);
  });

  it("is looked for with one timer, for as long as anybody waits", () => {
    const host = new ManualClock(0);
    const clock = new KnownClock(host);
    const told: string[] = [];
    const giveUp = clock.whenKnown(() => told.push("gave up"));
    clock.whenKnown((by) => told.push(by));
    expect(host.pending).toBe(1);
    giveUp();
    expect(host.pending).toBe(1);
    host.advance(999);
    host.jump(NOW);
    host.advance(1);
    expect([told, host.pending]).toEqual([["host"], 0]);
  });

  it("is told with no timer left behind", () => {
    const host = new ManualClock(0);
    const clock = new KnownClock(host);
    wait(clock);
    clock.tell(NOW);
    expect(host.pending).toBe(0);
  });

  it.each([
    { name: "the host's own from 2024 on", startMs: 1_704_067_200_000, known: true },
    { name: "not known a moment before", startMs: 1_704_067_199_999, known: false },
  ])("is $name", ({ startMs, known }) => {
    const host = new ManualClock(startMs);
    const clock = new KnownClock(host);
    expect([clock.isKnown, clock.now()]).toEqual([known, startMs]);
    const told = new KnownClock(new ManualClock(0));
    told.tell(startMs);
    expect(told.isKnown).toBe(known);
  });

  it("of a collector that does not know it either is not believed", () => {
    const clock = new KnownClock(new ManualClock(0));
    clock.tell(1_000_000_000_000);
    expect(clock.isKnown).toBe(false);
  });
});
