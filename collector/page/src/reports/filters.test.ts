import { describe, expect, it } from "vitest";
import { csvHref, formatReportFilters, parseReportFilters, queryOf, rangeOf } from "./filters.ts";

const DAY_MS = 86_400_000;
const NOW = new Date(2026, 10, 22, 10, 30).getTime();
const here = (year: number, month: number, day: number): number => new Date(year, month - 1, day).getTime();

describe("the address of a report", () => {
  it.each([
    "",
    "period=7d",
    "period=custom&from=2026-11-01&to=2026-11-14",
    "period=last-month&site=store-1&kind=scale&priority=P1%2CP2&by=model",
  ])("%j is kept as it is", (search) => {
    expect(formatReportFilters(parseReportFilters(search))).toBe(search);
  });

  it.each([
    { search: "period=year&by=colour&priority=P9", is: "" },
    { search: "from=2026-11-01&to=2026-11-14", is: "" },
    { search: "period=custom&from=yesterday&to=2026-13-45", is: "period=custom" },
    { search: "priority=P3,P1", is: "priority=P1%2CP3" },
    { search: `site=${"x".repeat(900)}`, is: `site=${"x".repeat(64)}` },
  ])("$search is taken for $is", ({ search, is }) => {
    expect(formatReportFilters(parseReportFilters(search))).toBe(is);
  });
});

describe("the time of a report", () => {
  it.each([
    { name: "seven days until now", search: "period=7d", range: { from: NOW - 7 * DAY_MS, to: NOW } },
    { name: "thirty, when nothing is said", search: "", range: { from: NOW - 30 * DAY_MS, to: NOW } },
    { name: "this month until now", search: "period=month", range: { from: here(2026, 11, 1), to: NOW } },
    {
      name: "last month as a whole",
      search: "period=last-month",
      range: { from: here(2026, 10, 1), to: here(2026, 11, 1) },
    },
    {
      name: "days of one's own, both in it",
      search: "period=custom&from=2026-11-01&to=2026-11-02",
      range: { from: here(2026, 11, 1), to: here(2026, 11, 3) },
    },
    {
      name: "days of one's own, until now at most",
      search: "period=custom&from=2026-11-22&to=2026-12-31",
      range: { from: here(2026, 11, 22), to: NOW },
    },
    { name: "none without days", search: "period=custom&from=2026-11-01", range: null },
    { name: "none that ends before it begins", search: "period=custom&from=2026-11-09&to=2026-11-01", range: null },
  ])("is $name", ({ search, range }) => {
    expect(rangeOf(parseReportFilters(search), NOW)).toEqual(range);
  });

  it("goes with the filters to the page and to CSV alike", () => {
    const filters = parseReportFilters("site=store-1&priority=P1&by=kind");
    const range = { from: 1, to: 2 };
    expect(queryOf(filters, range)).toMatchObject({ ...range, site: "store-1", priority: "P1", by: "kind" });
    expect(csvHref(filters, range)).toBe("/api/v1/report?from=1&to=2&by=kind&format=csv&site=store-1&priority=P1");
  });
});
