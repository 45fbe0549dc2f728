/** The comparison of law 4 itself: what it lets pass, and what not. */
import { describe, expect, it } from "vitest";
import { compare, type SentTimes, wasContradictedLate } from "./laws.ts";
import type { Episode, Poll } from "./undisturbed.ts";

const T0 = 1_700_000_000_000;
const at = (ms: number): number => T0 + ms;
const open = (onset: number, end: number | null, rule = "guard-open"): Episode => ({
  rule,
  onset: at(onset),
  end: end === null ? null : at(end),
});

/** Differences, shortened to what they begin with. */
function found(expected: readonly Episode[], actual: readonly Episode[], offMs = 0, isForeseen = false): string[] {
  const how = { toleranceOf: () => offMs, isForeseen: () => isForeseen, cameAs: () => [] };
  return compare({ expected, actual, ...how }).differences.map((text) => text.split(" ").slice(0, 3).join(" "));
}

describe("faults of a run and of an undisturbed one", () => {
  it.each([
    { name: "the same are the same", expected: [open(0, 5)], actual: [open(0, 5)], is: [] },
    { name: "one that is missing is found", expected: [open(0, 5)], actual: [], is: ["no incident says"] },
    { name: "one that never was is found", expected: [], actual: [open(0, 5)], is: ["an incident says"] },
    {
      name: "one that was told as two is found",
      expected: [open(0, 9)],
      actual: [open(0, 4), open(5, 9)],
      is: ["no incident says", "an incident says", "an incident says"],
    },
    {
      name: "one that stands does not do for one that ended",
      expected: [open(0, 5)],
      actual: [open(0, null)],
      is: ["no incident says", "an incident says"],
    },
    {
      name: "one of another rule does not do",
      expected: [open(0, 5)],
      actual: [open(0, 5, "tripped")],
      is: ["no incident says", "an incident says"],
    },
  ])("$name", ({ expected, actual, is }) => expect(found(expected, actual)).toEqual(is));

  it("may be off by as much as is allowed, and no more", () => {
    expect(found([open(0, 50)], [open(10, 40)], 10)).toEqual([]);
    expect(found([open(0, 50)], [open(11, 40)], 10)).toHaveLength(2);
  });

  it("take each other once: two that are alike need two", () => {
    expect(found([open(0, 50), open(2, 52)], [open(1, 51)], 10)).toEqual(["no incident says"]);
  });

  it("may have one more when it was rightly told", () => {
    expect(found([], [open(0, 5)], 0, true)).toEqual([]);
  });
});

describe("faults around readings that were sent and are stored nowhere", () => {
  type Case = { name: string; expected: Episode[]; actual: Episode[]; heard: Episode[]; isNear?: boolean; is: number };
  const cases: Case[] = [
    { name: "may be those with them", expected: [open(0, 50)], actual: [open(0, 5)], heard: [open(0, 5)], is: 0 },
    { name: "may be one more with them", expected: [], actual: [open(0, 5)], heard: [open(0, 5)], is: 0 },
    { name: "are not others", expected: [], actual: [open(0, 5)], heard: [open(20, 25)], is: 1 },
    {
      name: "are not missing when they are there with them",
      expected: [open(0, 5)],
      actual: [],
      heard: [open(0, 5)],
      is: 1,
    },
    {
      name: "are not excused by those far away",
      expected: [],
      actual: [open(0, 5)],
      heard: [open(0, 5)],
      isNear: false,
      is: 1,
    },
  ];

  it.each(cases)("$name", ({ expected, actual, heard, isNear = true, is }) => {
    const how = { toleranceOf: () => 0, isForeseen: () => false, cameAs: () => [] };
    const compared = compare({ expected, actual, ...how, heard: { episodes: heard, isNear: () => isNear } });
    expect(compared.differences).toHaveLength(is);
  });
});

describe("a fault that was told and was none", () => {
  /** Open for three polls, then closed; the poll that says so was sent at this time. */
  const polls: Poll[] = [0, 250, 500, 750].map((ms) => ({ at: at(ms), tripped: false, guardOpen: ms < 750 }));
  const sentAt = (closed: number): SentTimes =>
    new Map(
      polls.map((poll, i) => {
        const time = i < 3 ? poll.at : at(closed);
        return [poll.at, { epoch: "e", lane: "live", seq: i + 1, firstSentAt: time, sentAt: time }];
      }),
    );

  it.each([
    { name: "was on the way when its `for` ran out", closed: 20_000, told: open(0, 1_000), is: true },
    { name: "stood on long after what contradicts it", closed: 20_000, told: open(0, 60_000), is: false },
    { name: "never ended", closed: 20_000, told: open(0, null), is: false },
    { name: "did not stand at its onset", closed: 20_000, told: open(100, 1_000), is: false },
    { name: "has no `for`", closed: 20_000, told: open(0, 1_000, "tripped"), is: false },
  ])("is excused or not when it $name", ({ closed, told, is }) =>
    expect(wasContradictedLate(polls, sentAt(closed), told)).toBe(is),
  );

  it("is not excused when what contradicts it had long been there", () => {
    const early: Poll[] = [0, 250].map((ms) => ({ at: at(ms - 60_000), tripped: false, guardOpen: ms === 0 }));
    const sent: SentTimes = new Map(
      early.map((poll, i) => [
        poll.at,
        { epoch: "e", lane: "live", seq: i + 1, firstSentAt: poll.at - 10_000, sentAt: poll.at - 10_000 },
      ]),
    );
    const told = { rule: "guard-open", onset: at(-60_000), end: at(-59_000) };
    expect(wasContradictedLate(early, sent, told)).toBe(false);
  });
});
