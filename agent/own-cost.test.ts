import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { diskOf, ownCost } from "./own-cost.ts";

/** Real work of this process, which counts whatever the clock says. */
function work(ms: number): void {
  const until = process.cpuUsage().user + ms * 1_000;
  while (process.cpuUsage().user < until);
}

describe("what the agent takes of its host", () => {
  it("is processor time since the last look, and memory and disk of now", () => {
    const clock = new ManualClock(0);
    const cost = ownCost(clock, import.meta.dirname);
    clock.advance(10_000);
    cost();
    work(100);
    clock.advance(10_000);
    const { cost: taken, disk } = cost();
    expect(taken?.cpuPercent).toBeGreaterThanOrEqual(1);
    expect(taken?.cpuPercent).toBeLessThan(50);
    expect(taken?.memoryBytes).toBeGreaterThan(1e7);
    expect(disk?.totalBytes).toBeGreaterThan(disk?.freeBytes ?? Number.POSITIVE_INFINITY);
  });

  it("is not measured over a moment", () => {
    const clock = new ManualClock(0);
    const cost = ownCost(clock, import.meta.dirname);
    clock.advance(10_000);
    const first = cost().cost?.cpuPercent;
    work(20);
    clock.advance(10);
    expect(cost().cost?.cpuPercent).toBe(first);
  });

  it("leaves out a disk that does not tell", () => {
    expect(diskOf(join(import.meta.dirname, "gone"))).toBeNull();
  });
});
