import { describe, expect, it } from "vitest";
import { MIN, NOW, SLA_CLOCK } from "../../../../test/rig/sla-clock.ts";
import { clockText, dueTone, latestClocks, leftText, type SlaClock, targetText } from "./due.ts";

const clock = (more: Partial<SlaClock>): SlaClock => ({ ...SLA_CLOCK, ...more });

describe("a clock in words", () => {
  it.each([
    { of: {}, says: "3 h 00 min left" },
    { of: { state: "paused", standsStill: "awaiting_part" }, says: "stands still: waits for a part, 3 h 00 min left" },
    { of: { state: "paused", standsStill: "something_newer" }, says: "stands still: something_newer, 3 h 00 min left" },
    { of: { state: "met", stoppedAt: NOW }, says: "in time, after 1 h 00 min" },
    { of: { state: "cancelled" }, says: "cancelled" },
    { of: { state: "breached", stoppedAt: NOW, businessMs: 300 * MIN }, says: "breached, after 5 h 00 min" },
    { of: { state: "breached", breachedAt: NOW - 5 * MIN }, says: "breached 5 min ago" },
  ] as { of: Partial<SlaClock>; says: string }[])("$says", ({ of, says }) => {
    expect(clockText(clock(of), NOW)).toBe(says);
  });

  it("says what was promised, in whose hours", () => {
    const week = { withinMs: 2_400 * MIN };
    expect(
      [clock({}), clock({ calendar: "always" }), clock(week), clock({ ...week, calendar: "always" })].map(targetText),
    ).toEqual(["4 h 00 min of trading hours", "4 h 00 min", "40 h of trading hours", "1 d 16 h"]);
  });

  it("counts on below zero, and shows when little is left", () => {
    expect([leftText(90_000), leftText(-90_000), leftText(0)]).toEqual(["1 min", "−1 min", "−0 s"]);
    expect([dueTone(60 * MIN), dueTone(MIN), dueTone(0)]).toEqual(["time", "soon", "over"]);
  });
});

it("a reopened incident has the response clock of now", () => {
  const clocks = [clock({ clock: "response" }), clock({ clock: "response", cycle: 2 }), clock({})];
  expect(latestClocks(clocks).map((one) => [one.clock, one.cycle])).toEqual([
    ["response", 2],
    ["restore", 1],
  ]);
});
