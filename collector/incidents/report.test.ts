import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Figures, GROUPINGS, type IncidentFacts } from "./figures.ts";
import { rateOf } from "./rate.ts";
import { figuresOf, type ReportOptions } from "./report.ts";
import type { Spread } from "./spread.ts";
import { spreadOf } from "./spread.ts";
import { PRIORITIES } from "./types.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 10, 16);

const fact = (more: Partial<IncidentFacts> = {}): IncidentFacts => ({
  ...{ incident: "INC-000001", site: "berlin-01", slot: "lane-1/printer", rule: "media-out", priority: "P3" },
  ...{ kind: "label_printer", vendor: "Zebra", model: "ZD421", outcome: "open", code: null },
  ...{ openedAt: T0, hourOfWeek: 0, restoredAt: null, doneAt: null, detectMs: null, acknowledgeMs: null },
  ...{ restoreMs: null, resolveMs: null, resolveUnpausedMs: null, isCalled: true, isFailure: true },
  ...{ isByPeople: false, isFirstLine: false, isSelfRecovered: false, isReopened: false, isMistaken: false },
  ...{ fires: 1, calls: 0, lifeMs: null },
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

  it("cancelled and merged ones are counted, and are in nothing else but the noise of their rule", () => {
    const more = { detectMs: 5, acknowledgeMs: 5, responseBreached: 1, penaltyCents: 5, currency: "EUR", doneAt: T0 };
    const { incidents, noise, ...others } = over([
      { outcome: "cancelled", ...more },
      { outcome: "merged", ...more },
    ]);
    const { incidents: _, noise: __, ...nothing } = over([]);
    expect(incidents).toMatchObject({ opened: 2, cancelled: 1, merged: 1 });
    expect(noise).toMatchObject({ fires: 2, falsePositives: { n: 0, of: 1 } });
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
    const device = {
      site: "berlin-01",
      slot: "lane-1/printer",
      kind: "label_printer",
      vendor: "Zebra",
      model: "ZD421",
    };
    const { all, groups } = figuresOf(
      [
        fact({ openedAt: T0 + 5 * HOUR, restoredAt: T0 + 6 * HOUR }),
        fact({ openedAt: T0, restoredAt: T0 + HOUR }),
        fact({ openedAt: T0 + 2 * HOUR, slot: "lane-2/printer" }),
        fact({ openedAt: T0 + 3 * HOUR, isFailure: false }),
        fact({ openedAt: T0 + 3 * HOUR, slot: null }),
      ],
      { ...week, groupBy: "kind" },
      {
        now: [
          { ...device, tradingMs: 60 * HOUR, fromMs: T0, untilMs: T0 + 5 * HOUR },
          { ...device, tradingMs: 30 * HOUR, fromMs: T0 + 5 * HOUR, untilMs: T0 + 6 * HOUR },
          { ...device, slot: "scale", kind: "scale", tradingMs: 10 * HOUR, fromMs: T0, untilMs: T0 + HOUR },
        ],
      },
    );
    expect(all.betweenFailures).toEqual({
      // Of the second lane nobody knew that it was there.
      ...{ failures: 3, measured: 2, exposureMs: 100 * HOUR, meanMs: 50 * HOUR, deviceMs: 7 * HOUR, rate: null },
      gaps: { n: 1, meanMs: 4 * HOUR, medianMs: 4 * HOUR, p90Ms: 4 * HOUR },
    });
    expect(groups.map(({ key, figures }) => [key, figures.betweenFailures.meanMs])).toEqual([
      ["label_printer", 45 * HOUR],
    ]);
  });

  it("a device that never failed was there all the same, and a group without incidents is none", () => {
    const device = { site: "berlin-01", slot: "lane-1/printer", kind: "scale", vendor: null, model: null };
    const now = [{ ...device, tradingMs: HOUR, fromMs: T0, untilMs: T0 + DAY }];
    const { all, groups } = figuresOf([], { ...week, groupBy: "kind" }, { now });
    expect(all.betweenFailures).toMatchObject({ failures: 0, exposureMs: HOUR, meanMs: null, rate: null });
    expect(groups).toEqual([]);
  });

  it.each([
    { name: "of enough failures and days is one", failures: 5, days: 30, rate: rateOf(5, 0.03) },
    { name: "of few failures is none", failures: 4, days: 3_000, rate: null },
    { name: "of few days is none", failures: 9, days: 29, rate: null },
  ])("a rate $name", ({ failures, days, rate }) => {
    const device = { site: "berlin-01", slot: "lane-1/printer", kind: "scale", vendor: null, model: null };
    const now = [{ ...device, tradingMs: 0, fromMs: T0, untilMs: T0 + days * DAY }];
    const facts = Array.from({ length: failures }, () => fact());
    expect(figuresOf(facts, week, { now }).all.betweenFailures.rate).toEqual(rate);
  });

  it("the noise of a rule has what was cancelled, and no share of few", () => {
    const noise = (...facts: Partial<IncidentFacts>[]) => over(facts).noise;
    const wolf = { outcome: "cancelled", isMistaken: true, fires: 2, calls: 3, lifeMs: 60_000 } as const;
    expect(noise(wolf, wolf, { outcome: "resolved" }, { outcome: "open" }, { outcome: "merged" })).toMatchObject({
      ...{ fires: 7, calls: 6, falsePositives: { n: 2, of: 3, share: null }, life: { n: 2, medianMs: 60_000 } },
    });
    expect(noise(wolf, wolf, wolf, wolf, { outcome: "resolved" }).falsePositives).toEqual({ n: 4, of: 5, share: 0.8 });
  });

  it("the period before is as long, ends where this one begins, and has its own backlog", () => {
    const { all, before } = figuresOf(
      [
        fact({ openedAt: T0 - 7 * DAY }),
        fact({ openedAt: T0 - 7 * DAY - 1 }),
        fact({ openedAt: T0 - 1, outcome: "resolved", doneAt: T0 + 1 }),
        fact({ openedAt: T0 }),
      ],
      { ...week, withBefore: true },
    );
    expect([all.incidents.opened, all.backlog.total]).toEqual([1, 3]);
    expect([before?.incidents.opened, before?.backlog.total]).toEqual([2, 3]);
  });

  it.each([
    { name: "the same day as in UTC", at: Date.UTC(2026, 10, 18, 12), hour: 2 * 24 + 12, day: "2026-11-18" },
    { name: "the next day, east of Greenwich", at: Date.UTC(2026, 10, 18, 23), hour: 3 * 24, day: "2026-11-19" },
    { name: "the day before, west of it", at: Date.UTC(2026, 10, 16, 3), hour: 6 * 24 + 22, day: "2026-11-15" },
    { name: "in 1969, nearly", at: 0, hour: 2 * 24 + 23, day: "1969-12-31" },
  ])("a day is by the clock in the store: $name", ({ at, hour, day }) => {
    const options = { ...week, from: 0, to: Date.UTC(2027, 0, 1), withCourse: true };
    const { course } = figuresOf([fact({ openedAt: at, hourOfWeek: hour, priority: "P2", acknowledgeMs: 5 })], options);
    expect(course?.days).toEqual([{ day: Date.parse(day) / DAY, byPriority: { P1: 0, P2: 1, P3: 0, P4: 0, P5: 0 } }]);
    const [monday] = course?.weeks ?? [];
    expect(new Date((monday?.day ?? 0) * DAY).getUTCDay()).toBe(1);
    expect(monday).toMatchObject({ acknowledge: { n: 1, medianMs: 5 }, restore: { n: 0 } });
  });

  it("names so many groups, and says how many there are more", () => {
    const facts = ["a", "b", "b", "c", "c", "c"].map((slot) => fact({ slot }));
    const { groups, groupsLeftOut, tables } = figuresOf(facts, {
      ...week,
      ...{ groupBy: "slot", groupsMax: 2, tables: ["slot", "rule"], tableMax: 1 },
    });
    expect([groups.map(({ key }) => key), groupsLeftOut]).toEqual([["c", "b"], 1]);
    expect(tables.map(({ by, groups: [first], leftOut }) => [by, first?.key, leftOut])).toEqual([
      ["slot", "c", 2],
      ["rule", "media-out", 0],
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
    isMistaken: fc.boolean(),
    fires: fc.integer({ min: 1, max: 9 }),
    calls: fc.integer({ min: 0, max: 9 }),
    lifeMs: duration,
    rule: fc.constantFrom("media-out", "head-open"),
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

/** As docs/reports.md says it, one figure after the other over the list: slow, and plain to see. */
function plainly(
  facts: readonly IncidentFacts[],
  { from, to }: ReportOptions,
): Omit<Figures, "betweenFailures"> & object {
  const opened = facts.filter(({ openedAt }) => openedAt >= from && openedAt < to);
  const outcome = (...outcomes: string[]) => opened.filter((one) => outcomes.includes(one.outcome));
  const work = outcome("open", "resolved");
  const resolved = outcome("resolved");
  const number = (of: readonly IncidentFacts[], is: (one: IncidentFacts) => boolean): number => of.filter(is).length;
  const share = (n: number, of: number, least = 1) => ({ n, of, share: of < least ? null : n / of });
  const sum = (of: readonly IncidentFacts[], value: (one: IncidentFacts) => number): number =>
    of.reduce((total, one) => total + value(one), 0);
  const clock = (met: (one: IncidentFacts) => number, breached: (one: IncidentFacts) => number) => {
    const [made, missed] = [sum(work, met), sum(work, breached)];
    return { met: made, breached: missed, share: share(made, made + missed).share };
  };
  const ended = outcome("resolved", "cancelled");
  const waiting = facts.filter(({ openedAt, doneAt }) => openedAt < to && (doneAt === null || doneAt >= to));
  const ages: [string, number, number][] = [
    ["4h", 0, 4 * HOUR],
    ["1d", 4 * HOUR, DAY],
    ["3d", DAY, 3 * DAY],
    ["7d", 3 * DAY, 7 * DAY],
    ["30d", 7 * DAY, 30 * DAY],
    ["older", 30 * DAY, Number.POSITIVE_INFINITY],
  ];
  return {
    incidents: {
      ...{ opened: opened.length, open: outcome("open").length, resolved: resolved.length },
      ...{ cancelled: outcome("cancelled").length, merged: outcome("merged").length },
    },
    detect: plainSpread(work.map(({ detectMs }) => detectMs)),
    acknowledge: plainSpread(work.map(({ acknowledgeMs }) => acknowledgeMs)),
    restore: plainSpread(work.map(({ restoreMs }) => restoreMs)),
    resolve: plainSpread(work.map(({ resolveMs }) => resolveMs)),
    resolveUnpaused: plainSpread(work.map(({ resolveUnpausedMs }) => resolveUnpausedMs)),
    unacknowledged: {
      open: number(outcome("open"), (one) => one.isCalled && one.acknowledgeMs === null),
      over: number(resolved, (one) => one.isCalled && one.acknowledgeMs === null),
    },
    firstLine: share(
      number(resolved, (one) => one.isFirstLine),
      number(resolved, (one) => one.isByPeople),
    ),
    selfRecovered: share(
      number(resolved, (one) => one.isSelfRecovered),
      resolved.length,
    ),
    reopened: share(
      number(work, (one) => one.isReopened),
      number(work, (one) => one.outcome === "resolved" || one.isReopened),
    ),
    backlog: {
      total: waiting.length,
      byAge: ages.map(([upTo, above, most]) => {
        const aged = waiting.filter(({ openedAt }) => to - openedAt > above && to - openedAt <= most);
        const of = (priority: string): number => number(aged, (one) => one.priority === priority);
        return { upTo, byPriority: { P1: of("P1"), P2: of("P2"), P3: of("P3"), P4: of("P4"), P5: of("P5") } };
      }),
    },
    sla: {
      response: clock(
        (one) => one.responseMet,
        (one) => one.responseBreached,
      ),
      restore: clock(
        (one) => one.restoreMet,
        (one) => one.restoreBreached,
      ),
      vendor: clock(
        (one) => one.vendorMet,
        (one) => one.vendorBreached,
      ),
    },
    penalties: ["CHF", "EUR"].flatMap((currency) => {
      const owed = work.filter((one) => one.currency === currency && one.penaltyCents !== null);
      const amount = sum(owed, (one) => one.penaltyCents ?? 0) / 100;
      return owed.length === 0
        ? []
        : [{ currency, amount, incidents: number(owed, (one) => (one.penaltyCents ?? 0) > 0) }];
    }),
    noise: {
      fires: sum(opened, (one) => one.fires),
      calls: sum(opened, (one) => one.calls),
      falsePositives: share(
        number(ended, (one) => one.isMistaken),
        ended.length,
        5,
      ),
      life: plainSpread(outcome("open", "resolved", "cancelled").map(({ lifeMs }) => lifeMs)),
    },
  };
}

function plainSpread(durations: readonly (number | null)[]): Spread {
  const sorted = durations.filter((ms) => ms !== null).sort((a, b) => a - b);
  const n = sorted.length;
  if (n === 0) return { n, meanMs: null, medianMs: null, p90Ms: null };
  const rank = (share: number): number | null => sorted[Math.ceil(n * share) - 1] ?? null;
  return { n, meanMs: sorted.reduce((sum, ms) => sum + ms, 0) / n, medianMs: rank(0.5), p90Ms: rank(0.9) };
}

describe("a report is what its definitions say", () => {
  it("of all, of the period before, and of each group", () => {
    const groupings = fc.constantFrom(...GROUPINGS);
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 80 }), groupings, groupings, (facts, groupBy, by) => {
        const options = { ...week, groupBy, tables: [by], withBefore: true };
        const { all, before, groups, tables } = figuresOf(facts, options);
        expect(all).toMatchObject(plainly(facts, week));
        expect(before).toMatchObject(plainly(facts, { ...week, from: T0 - 7 * DAY, to: T0 }));
        const isIn = (key: unknown, of: typeof by) => (one: IncidentFacts) =>
          (of === "hour" ? one.hourOfWeek : one[of]) === key;
        for (const { key, figures } of groups)
          expect(figures).toMatchObject(plainly(facts.filter(isIn(key, groupBy)), week));
        for (const { key, figures } of tables[0]?.groups ?? [])
          expect(figures).toMatchObject(plainly(facts.filter(isIn(key, by)), week));
      }),
    );
  });

  it("a selection finds the ranks that a sort does, whatever the durations are", () => {
    const few = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 400 });
    const many = fc.array(fc.double({ noNaN: true, min: 0, max: 1e12 }).map(Math.round), { maxLength: 400 });
    fc.assert(
      fc.property(fc.oneof(few, many), (durations) => {
        expect(spreadOf(Float64Array.from(durations))).toEqual(plainSpread(durations));
      }),
    );
  });
});
