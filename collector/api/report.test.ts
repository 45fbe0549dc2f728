import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IncidentFacts } from "../incidents/figures.ts";
import { figuresOf } from "../incidents/report.ts";
import { someFacts } from "../store/state/contract-data.ts";
import { REPORTS_WAITING_MAX } from "../store/state/store.ts";
import { type SampleCollector, sampleCollector, T0 } from "./sample-collector.ts";

const DAY_MS = 86_400_000;

let collector: SampleCollector;
beforeEach(async () => {
  collector = await sampleCollector();
});
afterEach(() => collector.close());

const get = (query: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  collector.app.inject({
    method: "GET",
    url: "/api/v1/report",
    query,
    headers: { ...collector.program("viewer"), ...headers },
  });

function count(...facts: Partial<IncidentFacts>[]): IncidentFacts[] {
  const made = facts.map((one, n) => someFacts(`INC-00000${n + 1}`, { site: "berlin-01", openedAt: T0 - 1, ...one }));
  collector.state.commit({ facts: made });
  return made;
}

describe("report", () => {
  it("has the figures of the last 30 days when no time is given", async () => {
    const facts = count(
      { outcome: "resolved", acknowledgeMs: 60_000, restoreMs: 120_000, doneAt: T0 - 1, responseMet: 1 },
      { outcome: "resolved", acknowledgeMs: null, penaltyCents: 1_250, currency: "EUR", doneAt: T0 - 1 },
      { openedAt: T0 - 31 * DAY_MS, doneAt: T0 - 31 * DAY_MS },
    );
    const [from, to] = [T0 - 30 * DAY_MS, T0];
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    const { all, hours } = figuresOf(facts, { from, to, groupBy: null });
    const coverage = { n: expect.any(Number), of: expect.any(Number), share: expect.anything() };
    const none = { before: null, tables: [], course: null, groups: [], groupsLeftOut: 0 };
    const rest = { ...none, hours, coverage, remaking: null };
    expect(answer.json()).toEqual({ from, to, by: "none", all, ...rest });
    expect(all).toMatchObject({ incidents: { opened: 2 }, acknowledge: { n: 1 }, restore: { n: 1 } });
  });

  it("has what else is asked for: more groupings, the period before, days and weeks", async () => {
    const facts = count({ rule: "a" }, { rule: "b" }, { rule: "b", slot: null }, { openedAt: T0 - 9 * DAY_MS });
    const asked = { from: String(T0 - 7 * DAY_MS), parts: "before,course", tables: "rule,slot", top: "1" };
    const answer = (await get(asked)).json();
    const made = figuresOf(facts, {
      ...{ from: T0 - 7 * DAY_MS, to: T0, groupBy: null },
      ...{ tables: ["rule", "slot"], tableMax: 1, withBefore: true, withCourse: true },
    });
    expect(answer.tables).toEqual(made.tables);
    expect(answer.tables[0]).toMatchObject({ by: "rule", groups: [{ key: "b" }], leftOut: 2 });
    expect(answer.before).toEqual(made.before);
    expect(answer.before.incidents.opened).toBe(1);
    const [day] = answer.course.days;
    expect(day.day).toMatch(/^2026-\d\d-\d\d$/);
    expect(Date.parse(day.day) / DAY_MS).toBe(made.course?.days[0]?.day);
    expect(answer.course.weeks).toHaveLength(1);
  });

  it("says of how many devices there is word", async () => {
    const { coverage } = (await get()).json();
    expect(coverage.share).toBe(coverage.n / coverage.of);
    expect((await get({ kind: "toaster" })).json().coverage).toEqual({ n: 0, of: 0, share: null });
  });

  it("of nothing says that nothing is known", async () => {
    const { all } = (await get()).json();
    expect(all).toMatchObject({
      acknowledge: { n: 0, meanMs: null, medianMs: null, p90Ms: null },
      firstLine: { n: 0, of: 0, share: null },
      sla: { restore: { met: 0, breached: 0, share: null } },
      penalties: [],
    });
  });

  it.each(["site", "kind", "vendor", "model", "hour", "rule"] as const)("is grouped by %s", async (by) => {
    const facts = count(
      {},
      { kind: "scale", vendor: null, model: "X", hourOfWeek: 9, rule: "x" },
      { site: "berlin-02" },
    );
    const { groups } = figuresOf(facts, { from: T0 - DAY_MS, to: T0, groupBy: by });
    expect((await get({ by, from: String(T0 - DAY_MS) })).json().groups).toEqual(groups);
    expect(groups).toHaveLength(2);
  });

  it.each([
    { query: { site: "berlin-01" }, opened: 2 },
    { query: { kind: "scale" }, opened: 1 },
    { query: { priority: "P1,P2" }, opened: 2 },
    { query: { priority: "P1", site: "berlin-01" }, opened: 1 },
    { query: { priority: "P4" }, opened: 0 },
    { query: { site: "gone-01" }, opened: 1 },
  ])("is of $query only", async ({ query, opened }) => {
    count({ priority: "P1" }, { kind: "scale", priority: "P3" }, { site: "gone-01", priority: "P2" });
    expect((await get(query)).json().all.incidents.opened).toBe(opened);
  });

  it.each([
    { name: "a site that nobody knows", query: { site: "berlin-99" }, status: 404, error: "no_site" },
    { name: "a table that there is not", query: { tables: "site,colour" }, status: 400, error: "invalid" },
    { name: "a part that there is not", query: { parts: "after" }, status: 400, error: "invalid" },
    { name: "a grouping that there is not", query: { by: "colour" }, status: 400, error: "invalid" },
    { name: "a priority that there is not", query: { priority: "P1,P9" }, status: 400, error: "invalid" },
    { name: "a time that is none", query: { from: "yesterday" }, status: 400, error: "invalid" },
    { name: "an end before the start", query: { from: "2000", to: "1000" }, status: 422, error: "range" },
    { name: "a start that is to come", query: { from: String(T0 + 1) }, status: 422, error: "range" },
    { name: "more than ten years", query: { from: String(T0 - 3_654 * DAY_MS) }, status: 422, error: "range" },
    { name: "another format", query: { format: "xlsx" }, status: 400, error: "invalid" },
  ])("refuses $name", async ({ query, status, error }) => {
    const answer = await get(query);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });

  it("ends now, though a later time is asked for", async () => {
    expect((await get({ to: String(T0 + 40 * DAY_MS) })).json()).toMatchObject({ from: T0 - 30 * DAY_MS, to: T0 });
  });

  it("is for whoever is signed in", async () => {
    const { statusCode } = await collector.app.inject({ method: "GET", url: "/api/v1/report" });
    expect(statusCode).toBe(401);
  });

  it("is refused for a moment when too many are asked for at once", async () => {
    const asked = { from: 0, to: T0, groupBy: null };
    const before = Array.from({ length: REPORTS_WAITING_MAX }, () => collector.state.report(asked));
    const answer = await get();
    expect([answer.statusCode, answer.json().error, answer.headers["retry-after"]]).toEqual([503, "busy", "5"]);
    expect(collector.failures).toEqual([]);
    await collector.state.close(); // Ends those that wait.
    await Promise.allSettled(before);
  });
});

describe("report as CSV", () => {
  it.each([
    { name: "by its format", query: { format: "csv" }, accept: "*/*", type: "text/csv" },
    { name: "by Accept", query: {}, accept: "text/csv", type: "text/csv" },
    { name: "not when JSON is as good", query: {}, accept: "application/json, text/csv", type: "application/json" },
    { name: "not for a browser", query: {}, accept: "text/html,*/*;q=0.8", type: "application/json" },
    { name: "not when JSON is asked for", query: { format: "json" }, accept: "text/csv", type: "application/json" },
  ])("is given $name", async ({ query, accept, type }) => {
    expect((await get(query, { accept })).headers["content-type"]).toContain(type);
  });

  it("has a row for all and one for each group, nothing for what is not known, and no formula", async () => {
    const penalty = { penaltyCents: 1_250, currency: "EUR" };
    count({ model: '=cmd|"/c calc"!A1', acknowledgeMs: 61_500, ...penalty }, { model: null }, { model: "ZD421" });
    const answer = await get({ by: "model", format: "csv" });
    expect(answer.headers["content-disposition"]).toBe('attachment; filename="incidents-2026-10-21-2026-11-20.csv"');
    const [head = "", all = "", ...groups] = answer.body.trimEnd().split("\r\n");
    expect(head.startsWith("by,key,opened,open,resolved,cancelled,merged,detect_n,detect_mean_seconds,")).toBe(true);
    expect(head.split(",").every((name) => /^[a-z0-9_]+$/.test(name))).toBe(true);
    const cell = (row: string, name: string) => row.split(",")[head.split(",").indexOf(name)];
    expect(cell(all, "by")).toBe("all");
    expect(cell(all, "acknowledge_median_seconds")).toBe("61.5");
    expect(cell(all, "detect_n")).toBe("0");
    expect(cell(all, "detect_median_seconds")).toBe("");
    expect(cell(all, "penalties")).toBe("EUR 12.50");
    expect(groups.map((row) => row.split(",1,")[0])).toEqual([
      "model,",
      'model,"\'=cmd|""/c calc""!A1"',
      "model,ZD421",
    ]);
  });

  it("names hours of the week", async () => {
    count({ hourOfWeek: 104 });
    expect((await get({ by: "hour", format: "csv" })).body).toContain("\r\nhour,fri 08:00,1,");
  });
});
