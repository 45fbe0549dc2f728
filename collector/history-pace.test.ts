import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHistoryPace, historyBudget, type Pressure } from "./history-pace.ts";

const CALM: Pressure = { queueShare: 0, queueMs: 0, commitMs: 0, loopMs: 0 };
const MOST = 1_000_000;
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `s/a${n}`);

describe("the budget for history", () => {
  it.each([
    { name: "is whole while nothing lags", pressure: CALM, part: 1 },
    {
      name: "is whole within the usual",
      pressure: { queueShare: 0.1, queueMs: 500, commitMs: 100, loopMs: 50 },
      part: 1,
    },
    {
      name: "is half when the queue is half way to where it counts as full",
      pressure: { ...CALM, queueShare: 0.3 },
      part: 0.5,
    },
    { name: "goes by whatever lags most", pressure: { ...CALM, commitMs: 550, loopMs: 60 }, part: 0.5 },
    { name: "ends at a floor when the event loop is late", pressure: { ...CALM, loopMs: 2_000 }, part: 0.032768 },
    { name: "ends at a floor when the store stands still", pressure: { ...CALM, queueMs: 60_000 }, part: 0.032768 },
  ])("$name", ({ pressure, part }) => {
    expect(historyBudget(pressure, MOST)).toBeCloseTo(part * MOST, -1);
  });

  it("is never above what was given, nor zero", () => {
    const lag = fc.double({ min: 0, max: 1e6, noNaN: true });
    const any = fc.record({ queueShare: lag, queueMs: lag, commitMs: lag, loopMs: lag });
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 1e9 }), (pressure, most) => {
        const budget = historyBudget(pressure, most);
        expect(budget).toBeLessThanOrEqual(most);
        expect(budget).toBeGreaterThan(0);
      }),
    );
  });
});

describe("turns", () => {
  it("are given to a few at a time, who share the budget", () => {
    const pace = createHistoryPace(MOST, 4);
    for (const name of names(10)) pace.owes(name);
    expect(pace.step(0, CALM)).toEqual(names(4));
    expect(names(10).map(pace.grantOf)).toEqual([...Array(4).fill(MOST / 4), ...Array(6).fill(0)]);
    expect(pace.figures()).toEqual({ budget: MOST, draining: 4, waiting: 6 });
  });

  it("go to the next as soon as one owes nothing more", () => {
    const pace = createHistoryPace(MOST, 2);
    for (const name of names(3)) pace.owes(name);
    pace.step(0, CALM);
    pace.settled("s/a0");
    expect(pace.step(250, CALM)).toEqual(["s/a2"]);
    expect(names(3).map(pace.grantOf)).toEqual([0, MOST / 2, MOST / 2]);
  });

  it("end after a while for one that others wait for, and only then", () => {
    const pace = createHistoryPace(MOST, 1);
    pace.owes("s/a0");
    pace.step(0, CALM);
    expect(pace.step(60_000, CALM)).toEqual([]);
    pace.owes("s/a1");
    expect(pace.step(60_250, CALM)).toEqual(["s/a0", "s/a1"]);
    expect(["s/a0", "s/a1"].map(pace.grantOf)).toEqual([0, MOST]);
  });

  it("are told anew when the budget falls or rises a good deal", () => {
    const pace = createHistoryPace(MOST, 2);
    pace.owes("s/a0");
    pace.step(0, CALM);
    expect(pace.step(250, { ...CALM, loopMs: 100 })).toEqual([]);
    expect(pace.step(500, { ...CALM, loopMs: 450 })).toEqual(["s/a0"]);
    expect(pace.step(750, CALM)).toEqual(["s/a0"]);
  });

  it("come to everybody who owes, also if nobody ever finishes, and never add up to more than the budget", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 5 }), (agents, turns) => {
        const pace = createHistoryPace(MOST, turns);
        for (const name of names(agents)) pace.owes(name);
        const served = new Set<string>();
        for (let nowMs = 0; nowMs < agents * 25_000; nowMs += 250) {
          pace.step(nowMs, CALM);
          const grants = names(agents).filter((name) => pace.grantOf(name) > 0);
          for (const name of grants) served.add(name);
          expect(grants.reduce((sum, name) => sum + pace.grantOf(name), 0)).toBeLessThanOrEqual(Math.max(MOST, turns));
        }
        expect(served.size).toBe(agents);
      }),
      { numRuns: 20 },
    );
  });
});
