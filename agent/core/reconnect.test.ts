import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LOST_SPREAD_MS, REFUSED_ATTEMPT, reconnectWaitMs, WAIT_MS_MAX } from "./reconnect.ts";

const AGENTS = 2_000;

/** When each agent finds the broker that went away at 0 and is back after `outageMs`. */
function returnsAfter(outageMs: number, random: () => number): number[] {
  return Array.from({ length: AGENTS }, () => {
    let atMs = reconnectWaitMs({ attempt: 0, lost: true }, random());
    for (let attempt = 1; atMs < outageMs; attempt++) atMs += reconnectWaitMs({ attempt, lost: false }, random());
    return atMs;
  });
}

/** The most that come within any such time. */
function mostWithin(windowMs: number, times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  let from = 0;
  let most = 0;
  sorted.forEach((time, at) => {
    while ((sorted[from] ?? time) < time - windowMs) from++;
    most = Math.max(most, at - from + 1);
  });
  return most;
}

function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("2,000 agents whose broker goes away", () => {
  it.each([
    { name: "and is back at once", outageMs: 0, share: 0.4, overMs: 2_800 },
    { name: "for a second", outageMs: 1_000, share: 0.65, overMs: 1_900 },
    { name: "for ten seconds", outageMs: 10_000, share: 0.4, overMs: 6_000 },
    { name: "for a minute", outageMs: 60_000, share: 0.12, overMs: 25_000 },
    { name: "for an hour", outageMs: 3_600_000, share: 0.12, overMs: 25_000 },
  ])("come back spread, when it goes $name", ({ outageMs, share, overMs }) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const times = returnsAfter(outageMs, randomFrom(seed));
        expect(mostWithin(1_000, times)).toBeLessThanOrEqual(AGENTS * share);
        expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(overMs);
      }),
      { numRuns: 10 },
    );
  });

  it("are all back within the longest wait", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 4_000_000 }), (seed, outageMs) => {
        const last = Math.max(...returnsAfter(outageMs, randomFrom(seed)));
        expect(last - outageMs).toBeLessThanOrEqual(Math.max(WAIT_MS_MAX, LOST_SPREAD_MS));
      }),
      { numRuns: 10 },
    );
  });
});

it("waits its longest from the start when it was refused", () => {
  expect(reconnectWaitMs({ attempt: REFUSED_ATTEMPT, lost: false }, 0.999)).toBeGreaterThan(29_000);
});
