import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PollEnd, Schedule, type Slot } from "./schedule.ts";

const slot = (id: string, over: Partial<Slot> = {}): Slot => ({ id, lineKey: id, intervalMs: 10_000, ...over });

/** A schedule driven for `untilMs` in steps of 50 ms; `poll` says how long a poll takes and whether it is answered. */
function drive(
  slots: readonly Slot[],
  untilMs: number,
  poll: (id: string, atMs: number) => { tookMs: number; answered: boolean | "busy" },
  options: { random?: () => number; inFlightMax?: number } = {},
) {
  const schedule = new Schedule(slots, 0, options.random ?? (() => 0), options.inFlightMax);
  const starts: { id: string; atMs: number; skipped: number }[] = [];
  const running: { id: string; endMs: number; end: PollEnd }[] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 50) {
    for (const done of running.filter((candidate) => candidate.endMs <= nowMs)) {
      running.splice(running.indexOf(done), 1);
      schedule.finish(done.id, done.end);
    }
    for (const { id, skipped } of schedule.take(nowMs).turns) {
      const { tookMs, answered } = poll(id, nowMs);
      starts.push({ id, atMs: nowMs, skipped });
      const end = answered === "busy" ? "busy" : answered ? "answered" : "failed";
      running.push({ id, endMs: nowMs + tookMs, end });
    }
  }
  return starts;
}

const quick = () => ({ tookMs: 50, answered: true });
/** "a" and others. */
const crowd = (devices: number, more: Partial<Slot> = {}): Slot[] =>
  Array.from({ length: devices }, (_, n) => slot(n === 0 ? "a" : `a${n}`, more));
const timesOf = (starts: { id: string; atMs: number }[], id = "a") =>
  starts.filter((start) => start.id === id).map((start) => start.atMs);

describe("Schedule", () => {
  it("polls soon after the start and then once an interval", () => {
    expect(timesOf(drive([slot("a")], 40_000, quick))).toEqual([0, 10_000, 20_000, 30_000, 40_000]);
  });

  it("leaves at least half an interval between a device's first poll and its place on the grid", () => {
    const random = [0.25, 0.9].values();
    // Phase 2.5 s falls on the grid at 2 s; the first poll at 1.8 s is too near to it.
    const starts = drive(crowd(10), 30_000, quick, { random: () => random.next().value ?? 0 });
    expect(timesOf(starts)).toEqual([1_800, 12_000, 22_000]);
  });

  it.each([
    { intervalMs: 60_000, phaseMs: 22_000 },
    { intervalMs: 10_000, phaseMs: 3_000 },
    { intervalMs: 2_000, phaseMs: 600 },
    { intervalMs: 200, phaseMs: 50 },
  ])(
    "has the polls of an interval of $intervalMs ms on a grid, this device's at $phaseMs ms",
    ({ intervalMs, phaseMs }) => {
      const random = [0.37, 0].values();
      const options = { random: () => random.next().value ?? 0 };
      const times = timesOf(drive([slot("a", { intervalMs })], 4 * intervalMs, quick, options));
      expect(new Set(times.slice(1).map((atMs) => atMs % intervalMs))).toEqual(new Set([phaseMs]));
    },
  );

  it.each([
    { name: "too near", phase: 0.4, secondMs: 14_000 },
    { name: "half an interval away", phase: 0.5, secondMs: 5_000 },
    { name: "farther", phase: 0.6, secondMs: 6_000 },
  ])("has its second poll at its next place on the grid, or the one after that: $name", ({ phase, secondMs }) => {
    const random = [phase, 0].values();
    const starts = drive([slot("a")], 20_000, quick, { random: () => random.next().value ?? 0 });
    expect(timesOf(starts).slice(0, 2)).toEqual([0, secondMs]);
  });

  it.each([
    { name: "over two seconds", devices: 10, intervalMs: 10_000, firstMs: 1_950 },
    { name: "over an interval that is shorter", devices: 10, intervalMs: 1_000, firstMs: 950 },
    { name: "over less when there are few", devices: 2, intervalMs: 10_000, firstMs: 350 },
  ])("spreads first polls $name", ({ devices, intervalMs, firstMs }) => {
    expect(timesOf(drive(crowd(devices, { intervalMs }), 2_000, quick, { random: () => 0.99 }))[0]).toBe(firstMs);
  });

  it("polls first what was due first, of devices that were never polled", () => {
    const random = [0, 0.8, 0, 0.4].values();
    const slots = [slot("a", { lineKey: "tty" }), slot("b", { lineKey: "tty" })];
    const schedule = new Schedule(slots, 0, () => random.next().value ?? 0);
    expect(schedule.take(2_000).turns.map(({ id }) => id)).toEqual(["b"]);
  });

  it("has 64 polls in flight at most, where nobody says another number", () => {
    const slots = Array.from({ length: 70 }, (_, n) => slot(`d${n}`));
    expect(new Schedule(slots, 0, () => 0).take(0).turns).toHaveLength(64);
  });

  it("wakes up a few times an interval for many devices, for bursts are cheaper", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const slots = Array.from({ length: 200 }, (_, n) => slot(`d${n}`));
    const starts = drive(slots, 60_000, quick, { random });
    const steady = starts.filter(({ atMs }) => atMs >= 20_000 && atMs < 30_000);
    expect(steady).toHaveLength(200);
    expect(new Set(steady.map(({ atMs }) => atMs)).size).toBeLessThanOrEqual(10);
  });

  it("counts the turns that a slow poll made its device skip", () => {
    const starts = drive([slot("a")], 60_000, (_, atMs) => ({ tookMs: atMs === 0 ? 35_000 : 50, answered: true }));
    expect(starts.slice(0, 3)).toEqual([
      { id: "a", atMs: 0, skipped: 0 },
      { id: "a", atMs: 35_000, skipped: 2 },
      { id: "a", atMs: 40_000, skipped: 0 },
    ]);
  });

  it("gives each device of an overloaded line its turn", () => {
    const slots = [slot("a", { lineKey: "tty", intervalMs: 200 }), slot("b", { lineKey: "tty", intervalMs: 200 })];
    const starts = drive(slots, 10_000, () => ({ tookMs: 1_000, answered: true }));
    expect(starts.map(({ id }) => id).join("")).toBe("abababababa");
  });

  it("polls one device of a line at a time, the longest overdue first", () => {
    const slots = [slot("a", { lineKey: "tty" }), slot("b", { lineKey: "tty" }), slot("c")];
    const starts = drive(slots, 5_000, () => ({ tookMs: 1_000, answered: true }));
    expect(starts.map(({ id, atMs }) => `${id}${atMs}`)).toEqual(["a0", "c0", "b1000"]);
  });

  it("keeps the number of polls in flight under its limit", () => {
    const slots = Array.from({ length: 5 }, (_, n) => slot(`d${n}`));
    const starts = drive(slots, 3_000, () => ({ tookMs: 1_000, answered: true }), { inFlightMax: 2 });
    expect(starts.map(({ atMs }) => atMs)).toEqual([0, 0, 1_000, 1_000, 2_000]);
  });

  it.each([
    { name: "to twice its interval", intervalMs: 5_000, gaps: [5, 10, 10, 10] },
    { name: "but to no more than a minute", intervalMs: 40_000, gaps: [40, 40, 40] },
    { name: "not at all when its interval is a minute or more", intervalMs: 90_000, gaps: [90, 90, 90] },
  ])("asks a silent device less often, $name", ({ intervalMs, gaps }) => {
    const untilMs = gaps.reduce((sum, gap) => sum + gap * 1000, 0);
    const times = timesOf(drive([slot("a", { intervalMs })], untilMs, () => ({ tookMs: 50, answered: false })));
    expect(times.slice(1).map((atMs, n) => (atMs - (times[n] ?? 0)) / 1000)).toEqual(gaps);
  });

  it("goes back to a device's own pace as soon as it answers", () => {
    const times = timesOf(drive([slot("a")], 130_000, (_, atMs) => ({ tookMs: 50, answered: atMs >= 60_000 })));
    expect(times).toEqual([0, 10_000, 30_000, 50_000, 70_000, 80_000, 90_000, 100_000, 110_000, 120_000, 130_000]);
  });

  it.each([
    { name: "twice as long each time, up to five minutes", intervalMs: 30_000, gaps: [60, 120, 240, 300, 300] },
    { name: "in whole intervals, and never longer than those five minutes", intervalMs: 70_000, gaps: [140, 280, 280] },
    { name: "no longer than its own interval when that is longer", intervalMs: 400_000, gaps: [400, 400] },
  ])("leaves a line alone at once that somebody else has, $name", ({ intervalMs, gaps }) => {
    const untilMs = gaps.reduce((sum, gap) => sum + gap * 1000, 0);
    const poll = () => ({ tookMs: 50, answered: "busy" }) as const;
    const times = timesOf(drive([slot("a", { intervalMs })], untilMs, poll));
    expect(times.slice(1).map((atMs, n) => (atMs - (times[n] ?? 0)) / 1000)).toEqual(gaps);
  });

  it("is back at the pace of a device as soon as its line is free, and starts anew when it is taken again", () => {
    const busy = (atMs: number) => atMs < 60_000 || (atMs >= 100_000 && atMs < 110_000);
    const poll = (_: string, atMs: number) => ({ tookMs: 50, answered: busy(atMs) ? ("busy" as const) : true });
    expect(timesOf(drive([slot("a")], 150_000, poll))).toEqual([
      0, 20_000, 60_000, 70_000, 80_000, 90_000, 100_000, 120_000, 130_000, 140_000, 150_000,
    ]);
  });

  it("keeps a busy line's pause when its device speaks up and the line is still taken", () => {
    const schedule = new Schedule([slot("a")], 0, () => 0);
    schedule.take(0);
    schedule.finish("a", "busy");
    expect(schedule.take(10_000).turns).toEqual([]);
    schedule.soon("a", 12_000);
    expect(schedule.take(12_000).turns).toHaveLength(1);
    schedule.finish("a", "busy");
    expect(schedule.take(20_000).turns).toEqual([]);
  });

  it("says when to ask again, and nothing when there is nothing to watch", () => {
    const schedule = new Schedule([slot("a"), slot("b", { intervalMs: 60_000 })], 0, () => 0);
    expect(schedule.take(0).wakeMs).toBe(10_000);
    expect(schedule.take(10_500).wakeMs).toBe(20_000);
    expect(new Schedule([], 0, () => 0).take(0)).toEqual({ turns: [], wakeMs: null });
  });

  it("ignores the end of a poll that it did not start", () => {
    const schedule = new Schedule([slot("a")], 0, () => 0);
    schedule.finish("a", "answered");
    schedule.finish("stranger", "answered");
    expect(schedule.take(0).turns).toHaveLength(1);
  });

  it("never runs two polls of a line, never loses a turn without counting it, whatever polls cost", () => {
    const slots = fc.array(
      fc.record({ line: fc.integer({ min: 0, max: 2 }), intervalMs: fc.constantFrom(200, 1_000, 5_000) }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(slots, fc.array(fc.integer({ min: 50, max: 7_000 }), { minLength: 1 }), (lines, costs) => {
        const devices = lines.map(({ line, intervalMs }, n) => slot(`d${n}`, { lineKey: `line-${line}`, intervalMs }));
        let asked = 0;
        const ends = new Map<string, number>();
        const starts = drive(devices, 40_000, (id, atMs) => {
          const { lineKey } = devices.find((device) => device.id === id) ?? slot("");
          expect(ends.get(lineKey) ?? 0).toBeLessThanOrEqual(atMs);
          const tookMs = costs[asked++ % costs.length] ?? 50;
          ends.set(lineKey, atMs + tookMs);
          return { tookMs, answered: true };
        });
        for (const { id, intervalMs } of devices) {
          const mine = starts.filter((start) => start.id === id);
          const last = mine.at(-1)?.atMs ?? 0;
          const turns = mine.length + mine.reduce((sum, { skipped }) => sum + skipped, 0);
          // The first turn is off the grid, and the last may be late: two more or less than the time holds.
          expect(Math.abs(turns - last / intervalMs - 1)).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("polls a device that speaks up at once, before others that are due, and keeps its place on the grid", () => {
    const schedule = new Schedule([slot("a"), slot("b")], 0, () => 0, 1);
    const ids = (nowMs: number) => schedule.take(nowMs).turns.map(({ id }) => id);
    expect(ids(0)).toEqual(["a"]);
    schedule.finish("a", "answered");
    expect(ids(100)).toEqual(["b"]);
    schedule.finish("b", "answered");
    expect([schedule.soon("b", 5_000), schedule.soon("b", 5_001), schedule.soon("nobody", 5_000)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(schedule.take(5_000)).toEqual({ turns: [{ id: "b", skipped: 0 }], wakeMs: 10_000 });
    schedule.finish("b", "answered");
    schedule.soon("b", 10_000);
    expect(ids(10_000)).toEqual(["b"]);
    schedule.finish("b", "answered");
    expect(ids(10_050)).toEqual(["a"]);
    schedule.finish("a", "answered");
    expect(schedule.take(10_100).wakeMs).toBe(20_000);
  });

  it("has a device that spoke up polled in turn all the same, and where it was", () => {
    const schedule = new Schedule([slot("a")], 0, () => 0);
    schedule.take(0);
    schedule.finish("a", "answered");
    schedule.soon("a", 5_000);
    expect(schedule.take(5_000)).toEqual({ turns: [{ id: "a", skipped: 0 }], wakeMs: 10_000 });
    schedule.finish("a", "answered");
    expect(schedule.take(10_000)).toEqual({ turns: [{ id: "a", skipped: 0 }], wakeMs: 20_000 });
  });

  it("takes a poll out of turn for the first one, of a device that was not polled yet", () => {
    const schedule = new Schedule([slot("a")], 0, () => 0.9);
    schedule.soon("a", 100);
    schedule.take(100);
    schedule.finish("a", "answered");
    expect(schedule.take(1_800).turns).toEqual([]);
    expect(schedule.take(1_800).wakeMs).toBe(9_000);
  });

  it("polls a device that keeps speaking up every two seconds and no more", () => {
    const schedule = new Schedule([slot("a", { intervalMs: 60_000 })], 0, () => 0);
    const starts: number[] = [];
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 10) {
      schedule.soon("a", nowMs);
      for (const { id } of schedule.take(nowMs).turns) {
        starts.push(nowMs);
        schedule.finish(id, "answered");
      }
    }
    expect(starts).toEqual(Array.from({ length: 11 }, (_, n) => 2_000 * n));
  });

  it("wakes up for a device that spoke up a moment after its poll, and waits for a poll that runs", () => {
    const schedule = new Schedule([slot("a")], 0, () => 0);
    schedule.take(0);
    schedule.soon("a", 100);
    expect(schedule.take(100)).toEqual({ turns: [], wakeMs: 2_000 });
    expect(schedule.take(2_000).turns).toEqual([]);
    schedule.finish("a", "answered");
    expect(schedule.take(2_100).turns).toEqual([{ id: "a", skipped: 0 }]);
  });

  it("polls before its first turn a device that speaks up", () => {
    const schedule = new Schedule([slot("a")], 0, () => 0.9);
    expect(schedule.take(100).turns).toEqual([]);
    schedule.soon("a", 100);
    expect(schedule.take(100).turns).toEqual([{ id: "a", skipped: 0 }]);
  });

  it("gives a silent device its pace back when it speaks up and answers, and not when it stays silent", () => {
    for (const answered of [true, false]) {
      const schedule = new Schedule([slot("a")], 0, () => 0);
      let nowMs = 0;
      for (let polls = 0; polls < 6; polls++) {
        nowMs = schedule.take(nowMs).turns.length > 0 ? nowMs : (schedule.take(nowMs).wakeMs ?? 0);
        schedule.take(nowMs);
        schedule.finish("a", "failed");
        nowMs = schedule.take(nowMs).wakeMs ?? 0;
      }
      const spokeMs = nowMs - 15_000;
      schedule.soon("a", spokeMs);
      expect(schedule.take(spokeMs).turns).toHaveLength(1);
      schedule.finish("a", answered ? "answered" : "failed");
      const nextMs = schedule.take(spokeMs).wakeMs ?? 0;
      expect(nextMs - spokeMs <= 10_000).toBe(answered);
    }
  });

  it("keeps most polls in flight for devices that answer, however many do not", () => {
    const slots = Array.from({ length: 60 }, (_, n) => slot(n < 40 ? `dead-${n}` : `well-${n}`));
    const dead = (id: string) => id.startsWith("dead");
    const poll = (id: string) => ({ tookMs: dead(id) ? 5_000 : 50, answered: !dead(id) });
    const starts = drive(slots, 240_000, poll, { inFlightMax: 8 });
    const ofWell = starts.filter(({ id, atMs }) => !dead(id) && atMs >= 60_000);
    expect(ofWell.every(({ skipped }) => skipped === 0)).toBe(true);
    for (const { id } of slots) {
      if (dead(id)) expect(timesOf(starts, id).length).toBeGreaterThan(1);
      else expect(timesOf(ofWell, id).length).toBeGreaterThanOrEqual(6);
    }
  });

  it.each([
    { inFlightMax: 8, ofThem: 2 },
    { inFlightMax: 11, ofThem: 2 },
    { inFlightMax: 2, ofThem: 1 },
  ])("has $ofThem of $inFlightMax polls in flight for devices that did not answer", ({ inFlightMax, ofThem }) => {
    const schedule = new Schedule(
      Array.from({ length: 20 }, (_, n) => slot(`d${n}`)),
      0,
      () => 0,
      inFlightMax,
    );
    for (let left = 20; left > 0; ) {
      const { turns } = schedule.take(0);
      for (const { id } of turns) schedule.finish(id, "failed");
      left -= turns.length;
    }
    expect(schedule.take(10_000).turns).toHaveLength(ofThem);
    expect(schedule.take(10_000).turns).toEqual([]);
  });

  describe("another set of devices", () => {
    /** What is polled at each time, all of it answered. */
    const polled = (schedule: Schedule, ...times: number[]): string[] =>
      times.map((nowMs) => {
        const { turns } = schedule.take(nowMs);
        for (const { id } of turns) schedule.finish(id, "answered");
        return turns.map(({ id }) => id).join(" ");
      });
    const known = () => {
      const schedule = new Schedule([slot("a"), slot("b")], 0, () => 0);
      expect(polled(schedule, 0)).toEqual(["a b"]);
      return schedule;
    };

    it("leaves what stays where it was, polls what is new, and what is gone no more", () => {
      const schedule = known();
      schedule.replace([slot("b"), slot("c")], new Set(), 4_000);
      expect(polled(schedule, 4_000, 10_000)).toEqual(["c", "b c"]);
      expect(schedule.soon("a", 12_000)).toBe(false);
    });

    it("begins anew with what has changed", () => {
      const schedule = known();
      schedule.replace([slot("a"), slot("b")], new Set(["b"]), 4_000);
      expect(polled(schedule, 4_000, 10_000)).toEqual(["b", "a b"]);
    });

    it("keeps the pace of a device that does not answer, and does not lose the end of its poll", () => {
      const schedule = new Schedule([slot("a")], 0, () => 0);
      for (const nowMs of [0, 10_000]) {
        schedule.take(nowMs);
        if (nowMs > 0) schedule.replace([slot("a")], new Set(), nowMs);
        schedule.finish("a", "failed");
      }
      expect(schedule.take(20_000).turns).toEqual([]);
      expect(schedule.take(30_000).turns).toHaveLength(1);
    });
  });
});
