import { describe, expect, it } from "vitest";
import { MIN, NOW, SLA_CLOCK } from "../../test/rig/sla-clock.ts";
import { clockText, standingLines } from "./incident-standing.ts";

type Clock = Parameters<typeof clockText>[0];
const clock = (more: Partial<Clock>): Clock => ({ ...SLA_CLOCK, ...more });

describe("a clock", () => {
  it.each([
    { name: "that runs says what is left", of: {}, says: "3 h left of 4 h of trading hours (25 %)" },
    {
      name: "that stands still says why",
      of: { state: "paused", standsStill: "awaiting_vendor", dueAt: null },
      says: "stands still (awaiting vendor), 3 h left of 4 h of trading hours",
    },
    { name: "that ended in time", of: { state: "met", calendar: "always" }, says: "in time: 1 h of 4 h" },
    { name: "that was cancelled", of: { state: "cancelled" }, says: "cancelled (4 h of trading hours)" },
    {
      name: "that ended too late",
      of: { state: "breached", stoppedAt: NOW, businessMs: 300 * MIN },
      says: "breached: 5 h of 4 h of trading hours",
    },
  ] as { name: string; of: Partial<Clock>; says: string }[])("$name", ({ of, says }) => {
    expect(clockText(clock(of), NOW)).toBe(says);
  });

  it("that is over and goes on says since when", () => {
    expect(clockText(clock({ state: "breached", breachedAt: NOW }), NOW)).toMatch(/^breached since .*, 4 h of trading/);
  });
});

describe("the lines of an incident", () => {
  const step = { when: "at once", tier: null, tell: ["noc"], run: null, calendar: "always", repeats: 0, taken: 1 };
  const escalation = {
    chain: "urgent",
    steps: [step, { ...step, when: "at 75 % of the time to restore it", tier: 2, tell: ["field"], taken: 0 }],
    next: { step: 1, at: NOW + 5 * MIN },
    nextByHand: 1,
  };

  it("have the response clock of now, the contract, what it costs and who is next", () => {
    const detail = {
      clocks: [clock({ clock: "response" }), clock({ clock: "response", cycle: 2, state: "met" }), clock({})],
      contract: "flagship",
      penalty: { amount: 200, currency: "EUR" },
      escalation,
    };
    expect(standingLines(detail, NOW)).toEqual([
      ["Response", "in time: 1 h of 4 h of trading hours"],
      ["Restore", "3 h left of 4 h of trading hours (25 %)"],
      ["Contract", "flagship"],
      ["Penalty", "200.00 EUR"],
      ["Chain", "urgent, 1 of 2 steps taken; in 5 min: tier 2, field at 75 % of the time to restore it"],
    ]);
  });

  it("are none where nothing is promised and nobody asked", () => {
    expect(standingLines({ clocks: [], contract: null, penalty: null, escalation: null }, NOW)).toEqual([]);
    const idle = { ...escalation, next: null };
    expect(standingLines({ clocks: [], contract: null, penalty: null, escalation: idle }, NOW)).toEqual([
      ["Chain", "urgent, 1 of 2 steps taken; next by hand: tier 2, field at 75 % of the time to restore it"],
    ]);
    expect(
      standingLines({ clocks: [], contract: null, penalty: null, escalation: { ...idle, nextByHand: null } }, NOW),
    ).toEqual([["Chain", "urgent, 1 of 2 steps taken"]]);
  });
});
