import type { components } from "@aislewatch/api";
import { describe, expect, it } from "vitest";
import { reportQuery, reportText } from "./report.ts";

type IncidentReport = components["schemas"]["IncidentReport"];
type Figures = IncidentReport["all"];

const NOW = Date.UTC(2026, 10, 20, 9);
const DAY_MS = 86_400_000;
const nothing = { n: 0, meanMs: null, medianMs: null, p90Ms: null };
const ofNone = { n: 0, of: 0, share: null };
const neither = { met: 0, breached: 0, share: null };
const none: Figures = {
  incidents: { opened: 0, open: 0, resolved: 0, cancelled: 0, merged: 0 },
  ...{ detect: nothing, acknowledge: nothing, restore: nothing, resolve: nothing, resolveUnpaused: nothing },
  unacknowledged: { open: 0, over: 0 },
  betweenFailures: {
    ...{ failures: 0, measured: 0, exposureMs: null, meanMs: null, deviceMs: null, rate: null, gaps: nothing },
  },
  ...{ firstLine: ofNone, selfRecovered: ofNone, reopened: ofNone },
  backlog: { total: 0, byAge: [] },
  sla: { response: neither, restore: neither, vendor: neither },
  penalties: [],
  noise: { fires: 0, calls: 0, falsePositives: ofNone, life: nothing },
};
const some: Figures = {
  ...none,
  incidents: { opened: 9, open: 2, resolved: 6, cancelled: 1, merged: 0 },
  acknowledge: { n: 4, meanMs: 1, medianMs: 150_000, p90Ms: 3_660_000 },
  detect: { n: 9, meanMs: 0, medianMs: 0, p90Ms: 400 },
  unacknowledged: { open: 1, over: 3 },
  firstLine: { n: 3, of: 4, share: 0.75 },
  sla: { response: neither, restore: { met: 5, breached: 1, share: 5 / 6 }, vendor: neither },
  backlog: {
    total: 3,
    byAge: [
      { upTo: "4h", byPriority: { P1: 1, P2: 1, P3: 0, P4: 0, P5: 0 } },
      { upTo: "1d", byPriority: { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 } },
      { upTo: "older", byPriority: { P1: 0, P2: 0, P3: 0, P4: 1, P5: 0 } },
    ],
  },
  penalties: [{ currency: "EUR", amount: 1_200, incidents: 1 }],
};
const given = (more: Partial<IncidentReport>): IncidentReport => ({
  ...{ from: NOW - 30 * DAY_MS, to: NOW, by: "none", all: none, groups: [], groupsLeftOut: 0, hours: [] },
  ...{ before: null, tables: [], course: null, coverage: { n: 7, of: 9, share: 7 / 9 }, remaking: null },
  ...more,
});

/** The cells of the line that begins with it. */
const cells = (text: string, first: string): string[] | undefined =>
  text
    .split("\n")
    .find((line) => line.startsWith(first))
    ?.split(/\s{2,}/)
    .slice(1);

describe("report", () => {
  it("shows how many, median and p90 of each time, and shares", () => {
    const text = reportText(given({ all: some }));
    expect(text).toContain(": 9 opened; of these 2 open, 6 resolved, 1 cancelled, 0 merged.");
    expect(cells(text, "TIME TO")).toEqual(["N", "MEDIAN", "P90", "BEFORE"]);
    expect(cells(text, "acknowledge")).toEqual(["4", "2 min 30 s", "1 h 1 min", "–"]);
    expect(cells(text, "detect")).toEqual(["9", "0 s", "0 s", "–"]);
    expect(cells(text, "solved in the first line")).toEqual(["3", "4", "3 of 4", "–"]);
    expect(cells(text, "restore in time")).toEqual(["5", "6", "83.3 %", "–"]);
    expect(text).toContain("Not acknowledged: 1 open, 3 over. Open at the end: 3 (2 up to 4h, 1 older).");
    expect(text).toContain("Penalties: EUR 1200.00, of 1 of the incidents.");
  });

  it("has a dash where nothing is known", () => {
    const text = reportText(given({}));
    expect(cells(text, "restore")).toEqual(["0", "–", "–", "–"]);
    expect(cells(text, "vendor in time")).toEqual(["0", "0", "–", "–"]);
    expect(text).toContain("Open at the end: none.");
    expect(text).not.toContain("NaN");
    expect(text).not.toContain("Penalties");
  });

  it("has a line for each group, and says how many more there are", () => {
    const groups = Array.from({ length: 60 }, (_, n) => ({ key: n === 0 ? null : `store-${n}`, figures: some }));
    const text = reportText(given({ by: "site", all: some, groups, groupsLeftOut: 7 }));
    expect(cells(text, "SITE")?.slice(0, 3)).toEqual(["OPENED", "OPEN", "ACKNOWLEDGE"]);
    expect(cells(text, "store-49 ")).toEqual([
      "9",
      "2",
      "2 min 30 s",
      "1 h 1 min",
      "–",
      "–",
      "–",
      "–",
      "83.3 %",
      "3 of 4",
      "EUR 1200.00",
    ]);
    expect(cells(text, "–")?.[0]).toBe("9");
    expect(text).toContain("… 17 more: --csv\n");
  });

  it("shows a device's words on one line, and none that steer the terminal", () => {
    const groups = [{ key: "ZD\u001b[2J\n421", figures: some }];
    expect(reportText(given({ by: "model", groups }))).toContain("\nZD [2J 421  ");
  });

  it("names hours of the week, all of them", () => {
    const groups = Array.from({ length: 168 }, (_, key) => ({ key, figures: some }));
    const text = reportText(given({ by: "hour", groups }));
    expect(cells(text, "Sun 23:00")).toHaveLength(10);
    expect(text).not.toContain("more:");
  });

  it("has the median and the share of the time before beside each", () => {
    const before = { ...some, acknowledge: { n: 1, meanMs: 1, medianMs: 60_000, p90Ms: 60_000 } };
    const text = reportText(given({ all: some, before }));
    expect(text).toContain("In the time before, which is as long: 9 opened.");
    expect(cells(text, "acknowledge")?.at(-1)).toBe("1 min");
    expect(cells(text, "restore in time")?.at(-1)).toBe("83.3 %");
  });

  const broke = (value: number | null, measured: number): Figures => ({
    ...some,
    betweenFailures: {
      ...{ failures: measured + 1, measured, exposureMs: DAY_MS, meanMs: 3_600_000, deviceMs: 50 * DAY_MS },
      ...{ rate: value === null ? null : { value, low: value / 2, high: value * 2 }, gaps: nothing },
    },
    noise: { fires: 12, calls: 3, falsePositives: { n: 1, of: 9, share: 1 / 9 }, life: nothing },
  });

  it("measures failures by the time in which devices were there", () => {
    expect(reportText(given({ all: broke(100, 5) }))).toContain(
      "Failures: 6. Between failures: 1 h of trading hours; 5 in 50 device-days, in 1,000 of these 100.0 (50.0–200.0).",
    );
    expect(reportText(given({}))).toContain("Between failures: not known");
  });

  it("names what stands out: models by their rate, slots that come again, rules by their noise", () => {
    const one = (key: string, figures: Figures) => ({ key, figures });
    const once = { ...some, incidents: { ...some.incidents, opened: 1 } };
    const tables: IncidentReport["tables"] = [
      {
        by: "model",
        groups: [one("ZD421", broke(20, 5)), one("ZT411", broke(90, 9)), one("new", broke(null, 0))],
        leftOut: 0,
      },
      { by: "slot", groups: [one("s1/lane-1/printer", some), one("s1/lane-2/printer", once)], leftOut: 3 },
      { by: "rule", groups: [one("media-out", broke(null, 0))], leftOut: 0 },
    ];
    const text = reportText(given({ tables }));
    expect(cells(text, "ZT411")).toEqual(["9", "9", "50", "90.0 (45.0–180.0)", "1 h", "–"]);
    expect(text.indexOf("ZT411")).toBeLessThan(text.indexOf("ZD421"));
    expect(text).not.toContain("lane-2");
    expect(text).toContain("… all of them: --by slot");
    expect(cells(text, "media-out")).toEqual(["9", "12", "3", "11.1 %", "–", "–"]);
  });

  it("says when the past is still counted", () => {
    expect(reportText(given({ remaking: { done: 400 } }))).toContain("counted anew, 400 incidents so far");
  });

  it.each([
    { words: {}, query: {} },
    { words: { from: "7d", to: "12h" }, query: { from: NOW - 7 * DAY_MS, to: NOW - DAY_MS / 2 } },
    { words: { from: "2026-11-01", by: "hour" }, query: { from: Date.UTC(2026, 10, 1), by: "hour" } },
    {
      words: { site: "s1", kind: "scale", priority: "P1,P2" },
      query: { site: "s1", kind: "scale", priority: "P1,P2" },
    },
  ])("asks with $words for $query", ({ words, query }) => expect(reportQuery(words, NOW)).toEqual(query));

  it.each([
    { words: { by: "colour" }, says: '--by takes site, kind, vendor, model, hour, rule, slot, not "colour"' },
    { words: { from: "yesterday" }, says: "--from takes 30m, 12h, 7d or a date" },
    { words: { to: "-5m" }, says: "--to takes" },
  ])("refuses $words", ({ words, says }) => expect(() => reportQuery(words, NOW)).toThrow(says));
});
