import { describe, expect, it } from "vitest";
import type { Figures } from "../api/types.ts";
import { backlogBars, barsOf, headlinesOf, keyText, league, rateText, shareText } from "./figures.ts";

const spread = { n: 0, meanMs: null, medianMs: null, p90Ms: null };
const none = { n: 0, of: 0, share: null };
const clock = { met: 0, breached: 0, share: null };
const between = { failures: 0, measured: 0, exposureMs: null, meanMs: null, deviceMs: null, rate: null, gaps: spread };
const figures = (more: Partial<Figures> = {}): Figures => ({
  incidents: { opened: 0, open: 0, resolved: 0, cancelled: 0, merged: 0 },
  ...{ detect: spread, acknowledge: spread, restore: spread, resolve: spread, resolveUnpaused: spread },
  ...{ unacknowledged: { open: 0, over: 0 }, betweenFailures: between },
  ...{ firstLine: none, selfRecovered: none, reopened: none, penalties: [] },
  backlog: { total: 0, byAge: [] },
  sla: { response: clock, restore: clock, vendor: clock },
  noise: { fires: 0, calls: 0, falsePositives: none, life: spread },
  ...more,
});
const opened = (n: number): Figures =>
  figures({ incidents: { opened: n, open: 0, resolved: n, cancelled: 0, merged: 0 } });
const headline = (now: Figures, before: Figures | null, name: string) =>
  headlinesOf(now, before).find((one) => one.name === name);

describe("a headline", () => {
  it.each([
    { name: "fewer incidents are better", now: 5, before: 9, is: { value: "5", was: "9", turn: "better" } },
    { name: "more incidents are worse", now: 9, before: 5, is: { value: "9", was: "5", turn: "worse" } },
    { name: "as many are neither", now: 5, before: 5, is: { value: "5", was: "5", turn: null } },
    { name: "with no history there is nothing to compare", now: 5, before: 0, is: { was: null, turn: null } },
  ])("$name", ({ now, before, is }) => {
    expect(headline(opened(now), opened(before), "Opened")).toMatchObject(is);
  });

  it.each([
    { name: "nothing known is a dash", restore: spread, value: "–" },
    { name: "0 is known", restore: { n: 1, meanMs: 0, medianMs: 0, p90Ms: 0 }, value: "under 1 s" },
    { name: "a duration", restore: { n: 1, meanMs: 0, medianMs: 3_900_000, p90Ms: 0 }, value: "1 h 05 min" },
  ])("$name", ({ restore, value }) => {
    expect(headline(figures({ restore }), null, "Time to restore")?.value).toBe(value);
  });
});

describe("of few", () => {
  it.each([
    { share: { n: 0, of: 0 }, text: "–" },
    { share: { n: 2, of: 4 }, text: "2 of 4" },
    { share: { n: 2, of: 5 }, text: "40.0 %" },
  ])("$share is $text", ({ share, text }) => {
    expect(shareText(share)).toBe(text);
  });

  it("there is no rate, and models without one stand below those that have one", () => {
    const model = (key: string, measured: number, value: number | null) => ({
      key,
      figures: figures({
        betweenFailures: { ...between, measured, rate: value === null ? null : { value, low: 0, high: value * 2 } },
      }),
    });
    const models = [model("few", 3, null), model("good", 9, 1), model("bad", 9, 5), model("fine", 0, null)];
    expect(league(models).map(({ key }) => key)).toEqual(["bad", "good", "few"]);
    expect(league(models).map(({ figures: { betweenFailures } }) => rateText(betweenFailures.rate))).toEqual([
      ...["5.0 (0.0 to 10.0)", "1.0 (0.0 to 2.0)", "–"],
    ]);
  });
});

describe("bars", () => {
  const day = (text: string, P1: number) => ({ day: text, byPriority: { P1, P2: 0, P3: 0, P4: 0, P5: 0 } });

  it.each([
    { name: "of nothing are none", days: [], per: "day", bars: [] },
    {
      name: "stand for each day, also one without incidents",
      days: [day("2026-11-01", 2), day("2026-11-03", 1)],
      per: "day",
      bars: [
        ["2026-11-01", 2],
        ["2026-11-02", 0],
        ["2026-11-03", 1],
      ],
    },
    {
      name: "stand for weeks when days would be hairs",
      days: [day("2026-06-01", 2), day("2026-06-07", 1), day("2026-11-01", 3)],
      per: "week",
      bars: [
        ["2026-06-01", 3],
        ["2026-10-26", 3],
      ],
    },
    {
      name: "stand for months when weeks would be",
      days: [day("2023-06-01", 2), day("2023-06-30", 1), day("2026-11-01", 3)],
      per: "month",
      bars: [
        ["2023-06", 3],
        ["2026-11", 3],
      ],
    },
  ])("$name", ({ days, per, bars }) => {
    const made = barsOf(days);
    const shown = made.bars.map(({ label, total }) => [label, total]);
    expect(made.per).toBe(per);
    expect(made.bars.length > 9 ? [shown[0], shown.at(-1)] : shown).toEqual(bars);
  });

  it("of the backlog are its ages", () => {
    const byAge = [{ upTo: "4h", byPriority: { P1: 1, P2: 2, P3: 0, P4: 0, P5: 0 } }];
    expect(backlogBars({ total: 3, byAge })).toMatchObject([{ label: "to 4 h", total: 3 }]);
  });
});

it.each([
  [null, "not known"],
  ["scale", "scale"],
  [104, "Fri 08:00"],
])("the group %s is called %s", (key, text) => {
  expect(keyText(key)).toBe(text);
});
