import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Figures, figuresOf, GROUPINGS, type IncidentFacts, type ReportOptions } from "./figures.ts";
import { PRIORITIES } from "./types.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 10, 16);

const fact = (more: Partial<IncidentFacts> = {}): IncidentFacts => ({
  ...{ incident: "INC-000001", site: "berlin-01", slot: "lane-1/printer", rule: "media-out", priority: "P3" },
  ...{ kind: "label_printer", vendor: "Zebra", model: "ZD421", outcome: "open", code: null },
  ...{ openedAt: T0, hourOfWeek: 0, restoredAt: null, doneAt: null, detectMs: null, acknowledgeMs: null },
  ...{ restoreMs: null, resolveMs: null, resolveUnpausedMs: null, isCalled: true, isFailure: true },
  ...{ isByPeople: false, isFirstLine: false, isSelfRecovered: false, isReopened: false },
  ...{ responseMet: 0, responseBreached: 0, restoreMet: 0, restoreBreached: 0, vendorMet: 0, vendorBreached: 0 },
  ...{ penaltyCents: null, currency: null, category: null, component: null, serial: null },
  ...more,
});
const week: ReportOptions = { from: T0, to: T0 + 7 * DAY, groupBy: null };
const over = (facts: readonly Partial<IncidentFacts>[], options: Partial<ReportOptions> = {}): Figures =>
  figuresOf(facts.map(fact), { ...week, ...options }).all;

describe("a spread", () => {
  it.each<{ name: string; ms: (number | null)[]; is: object }>([
    { name: "of nothing is nothing, and not 0", ms: [], is: { n: 0, meanMs: null, medianMs: null, p90Ms: null } },
    { name: "what is not known is left out", ms: [null, 5], is: { n: 1, meanMs: 5, medianMs: 5, p90Ms: 5 } },
    { name: "0 is known", ms: [0], is: { n: 1, meanMs: 0, medianMs: 0, p90Ms: 0 } },
    {
      name: "median and p90 are durations that there were",
      ms: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
      is: { n: 10, meanMs: 5.5, medianMs: 5, p90Ms: 9 },
    },
    { name: "by size, not by digits", ms: [9, 100, 10], is: { n: 3, meanMs: 119 / 3, medianMs: 10, p90Ms: 100 } },
  ])("$name", ({ ms, is }) => {
    expect(over(ms.map((acknowledgeMs) => ({ acknowledgeMs }))).acknowledge).toEqual(is);
  });
});

describe("figures", () => {
  it("of no incident are null wherever nothing is known", () => {
    const { firstLine, selfRecovered, reopened, sla, penalties, betweenFailures, backlog } = over([]);
    expect([firstLine, selfRecovered, reopened].map(({ share }) => share)).toEqual([null, null, null]);
    expect(sla.restore).toEqual({ met: 0, breached: 0, share: null });
    expect(betweenFailures).toMatchObject({ failures: 0, exposureMs: null, meanMs: null });
    expect([penalties, backlog.total]).toEqual([[], 0]);
  });

  it("those that nobody acknowledged stand beside the time it takes, open ones and others apart", () => {
    const facts: Partial<IncidentFacts>[] = [
      { acknowledgeMs: 60_000 },
      {},
      { isCalled: false },
      { outcome: "resolved", isSelfRecovered: true, doneAt: T0 + HOUR },
    ];
    expect(over(facts)).toMatchObject({ acknowledge: { n: 1 }, unacknowledged: { open: 1, over: 1 } });
  });

  it("cancelled and merged ones are counted and are in nothing else", () => {
    const more = { detectMs: 5, acknowledgeMs: 5, responseBreached: 1, penaltyCents: 5, currency: "EUR", doneAt: T0 };
    const { incidents, ...others } = over([
      { outcome: "cancelled", ...more },
      { outcome: "merged", ...more },
    ]);
    const { incidents: _, ...nothing } = over([]);
    expect(incidents).toMatchObject({ opened: 2, cancelled: 1, merged: 1 });
    expect(others).toEqual(nothing);
  });

  it("shares say of how many", () => {
    const resolved = { outcome: "resolved" as const, doneAt: T0 + HOUR, acknowledgeMs: 1 };
    const figures = over([
      { ...resolved, isByPeople: true, isFirstLine: true },
      { ...resolved, isByPeople: true, isReopened: true },
      { ...resolved, isSelfRecovered: true },
      { isReopened: true },
      {},
    ]);
    expect(figures.firstLine).toEqual({ n: 1, of: 2, share: 0.5 });
    expect(figures.selfRecovered).toEqual({ n: 1, of: 3, share: 1 / 3 });
    expect(figures.reopened).toEqual({ n: 2, of: 4, share: 0.5 });
  });

  it("penalties add up to the cent, each currency for itself", () => {
    const figures = over([
      { penaltyCents: 1_010, currency: "EUR" },
      { penaltyCents: 20, currency: "EUR" },
      { penaltyCents: 0, currency: "EUR" },
      { penaltyCents: 500, currency: "CHF" },
    ]);
    expect(figures.penalties).toEqual([
      { currency: "CHF", amount: 5, incidents: 1 },
      { currency: "EUR", amount: 10.3, incidents: 2 },
    ]);
  });

  it("an incident is in the report of when it was opened: from that instant on, and not the other", () => {
    expect(over([{ openedAt: T0 - 1 }, { openedAt: T0 }, { openedAt: T0 + 7 * DAY }]).incidents.opened).toBe(1);
  });

  it("the backlog is what was open at the end, however old, by age and priority", () => {
    const { backlog } = over([
      { openedAt: T0 - 90 * DAY, priority: "P5" },
      { openedAt: T0 + 7 * DAY - HOUR, priority: "P1" },
      { openedAt: T0 + 7 * DAY - 4 * HOUR, priority: "P1" },
      { openedAt: T0 + 6 * DAY, outcome: "resolved", doneAt: T0 + 8 * DAY },
      { openedAt: T0 + 6 * DAY, outcome: "resolved", doneAt: T0 + 6 * DAY + 1 },
      { openedAt: T0 + 7 * DAY },
    ]);
    expect(backlog.total).toBe(4);
    expect(backlog.byAge.map(({ upTo, byPriority }) => [upTo, byPriority.P1, byPriority.P3, byPriority.P5])).toEqual([
      ["4h", 2, 0, 0],
      ["1d", 0, 1, 0],
      ["3d", 0, 0, 0],
      ["7d", 0, 0, 0],
      ["30d", 0, 0, 0],
      ["older", 0, 0, 1],
    ]);
  });

  it("between failures lies the time in which devices were to work, and what lay between two of one slot", () => {
    const device = { site: "berlin-01", kind: "label_printer", vendor: "Zebra", model: "ZD421" };
    const { all, groups } = figuresOf(
      [
        fact({ openedAt: T0 + 5 * HOUR, restoredAt: T0 + 6 * HOUR }),
        fact({ openedAt: T0, restoredAt: T0 + HOUR }),
        fact({ openedAt: T0 + 2 * HOUR, slot: "lane-2/printer" }),
        fact({ openedAt: T0 + 3 * HOUR, isFailure: false }),
        fact({ openedAt: T0 + 3 * HOUR, slot: null }),
      ],
      {
        ...{ ...week, groupBy: "kind" },
        exposure: [
          { ...device, ms: 60 * HOUR },
          { ...device, ms: 30 * HOUR },
          { ...device, kind: "scale", ms: 10 * HOUR },
        ],
      },
    );
    expect(all.betweenFailures).toEqual({
      ...{ failures: 3, exposureMs: 100 * HOUR, meanMs: (100 * HOUR) / 3 },
      gaps: { n: 1, meanMs: 4 * HOUR, medianMs: 4 * HOUR, p90Ms: 4 * HOUR },
    });
    expect(groups.map(({ key, figures }) => [key, figures.betweenFailures.meanMs])).toEqual([
      ["label_printer", 30 * HOUR],
    ]);
  });

  it("the hours of the week are by the clock in the store", () => {
    const { hours, groups } = figuresOf([fact({ hourOfWeek: 167 }), fact({ hourOfWeek: 3 }), fact({ hourOfWeek: 3 })], {
      ...week,
      groupBy: "hour",
    });
    expect([hours.length, hours[3], hours[167], hours[0]]).toEqual([168, 2, 1, 0]);
    expect(groups.map(({ key }) => key)).toEqual([3, 167]);
  });
});

const duration = fc.option(fc.integer({ min: 0, max: 40 * DAY }), { nil: null });
const count = fc.integer({ min: 0, max: 2 });
const anyFact: fc.Arbitrary<IncidentFacts> = fc
  .record({
    site: fc.constantFrom("berlin-01", "lyon-02", "oslo-03"),
    slot: fc.constantFrom("lane-1/printer", "lane-2/printer", null),
    kind: fc.constantFrom("label_printer", "scale", null),
    vendor: fc.constantFrom("Zebra", "Bizerba", null),
    model: fc.constantFrom("ZD421", "KH II", null),
    priority: fc.constantFrom(...PRIORITIES),
    outcome: fc.constantFrom("open", "resolved", "cancelled", "merged"),
    openedAt: fc.integer({ min: T0 - 10 * DAY, max: T0 + 10 * DAY }),
    hourOfWeek: fc.integer({ min: 0, max: 167 }),
    detectMs: duration,
    acknowledgeMs: duration,
    restoreMs: duration,
    resolveMs: duration,
    resolveUnpausedMs: duration,
    restoredAt: fc.option(fc.integer({ min: T0 - 10 * DAY, max: T0 + 20 * DAY }), { nil: null }),
    doneAt: fc.option(fc.integer({ min: T0 - 10 * DAY, max: T0 + 20 * DAY }), { nil: null }),
    isCalled: fc.boolean(),
    isFailure: fc.boolean(),
    isByPeople: fc.boolean(),
    isFirstLine: fc.boolean(),
    isSelfRecovered: fc.boolean(),
    isReopened: fc.boolean(),
    responseMet: count,
    responseBreached: count,
    restoreBreached: count,
    penaltyCents: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: null }),
    currency: fc.constantFrom("EUR", "CHF", null),
  })
  .map(fact);
const someFacts = fc.array(anyFact, { maxLength: 40 });

/** All that adds up over groups of incidents. */
function counted(figures: Figures): number[] {
  const { incidents, unacknowledged, firstLine, selfRecovered, reopened, backlog, sla, betweenFailures } = figures;
  const { detect, acknowledge, restore, resolve, resolveUnpaused } = figures;
  return [
    ...Object.values(incidents),
    ...Object.values(unacknowledged),
    ...[detect, acknowledge, restore, resolve, resolveUnpaused].flatMap(({ n, meanMs }) => [n, n * (meanMs ?? 0)]),
    ...[firstLine, selfRecovered, reopened].flatMap(({ n, of }) => [n, of]),
    ...[sla.response, sla.restore, sla.vendor].flatMap(({ met, breached }) => [met, breached]),
    ...backlog.byAge.flatMap(({ byPriority }) => Object.values(byPriority)),
    betweenFailures.failures,
    ...["EUR", "CHF"].flatMap((code) => {
      const found = figures.penalties.find(({ currency }) => currency === code);
      return [Math.round((found?.amount ?? 0) * 100), found?.incidents ?? 0];
    }),
  ].map(Math.round);
}

describe("laws of figures", () => {
  it("what groups count is what the whole counts", () => {
    fc.assert(
      fc.property(someFacts, fc.constantFrom(...GROUPINGS), (facts, groupBy) => {
        const { all, groups, hours } = figuresOf(facts, { ...week, groupBy });
        const sums = groups
          .map(({ figures }) => counted(figures))
          .reduce((sum, one) => sum.map((value, index) => value + (one[index] ?? 0)), counted(over([])));
        expect(sums).toEqual(counted(all));
        expect(hours.reduce((sum, one) => sum + one, 0)).toBe(all.incidents.opened);
      }),
    );
  });

  it("the order of incidents changes nothing", () => {
    const shuffled = someFacts.chain((facts) =>
      fc.tuple(
        fc.constant(facts),
        fc.shuffledSubarray(facts, { minLength: facts.length, maxLength: facts.length }),
        fc.constantFrom(...GROUPINGS, null),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([facts, others, groupBy]) => {
        expect(figuresOf(others, { ...week, groupBy })).toEqual(figuresOf(facts, { ...week, groupBy }));
      }),
    );
  });

  it("of durations there were, the median is not above p90, and both are among them", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 30 }), (ms) => {
        const { medianMs, p90Ms, n } = over(ms.map((detectMs) => ({ detectMs }))).detect;
        expect(n).toBe(ms.length);
        expect(medianMs).not.toBeNull();
        expect(ms).toContain(medianMs);
        expect(ms).toContain(p90Ms);
        expect(medianMs).toBeLessThanOrEqual(p90Ms ?? -1);
      }),
    );
  });
});
