import { isOpen, localTime, type OpenSpan, type SiteCalendar, WEEKDAYS } from "@aislewatch/rules";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import { ALWAYS, businessInstant, businessMsBetween, HORIZON_MS, openIntervals } from "./business-time.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const at = (iso: string): number => Date.parse(iso);
const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
const span = (from: string, to: string): OpenSpan => ({ from: minutes(from), to: minutes(to) });
const week = (of: (day: (typeof WEEKDAYS)[number]) => readonly OpenSpan[]): NonNullable<SiteCalendar["hours"]> => ({
  mon: of("mon"),
  tue: of("tue"),
  wed: of("wed"),
  thu: of("thu"),
  fri: of("fri"),
  sat: of("sat"),
  sun: of("sun"),
});
const daily = (...spans: OpenSpan[]) => week(() => spans);
const calendar = (
  timeZone: string,
  hours: SiteCalendar["hours"],
  closedDays: readonly string[] = [],
): SiteCalendar => ({
  timeZone,
  hours,
  closedDays,
});

const shop = calendar(
  "Europe/Berlin",
  week((day) => (day === "sun" ? [] : [span("08:00", "20:00")])),
  ["2026-12-25", "2026-12-26"],
);

describe("businessMsBetween", () => {
  it.each([
    { name: "within a day all of it", from: "2026-11-20T10:00+01:00", to: "2026-11-20T11:30+01:00", hours: 1.5 },
    { name: "over a night the night not", from: "2026-11-20T19:00+01:00", to: "2026-11-21T09:00+01:00", hours: 2 },
    { name: "over a Sunday nothing of it", from: "2026-11-21T19:00+01:00", to: "2026-11-23T09:00+01:00", hours: 2 },
    { name: "over holidays nothing of them", from: "2026-12-24T19:00+01:00", to: "2026-12-28T09:00+01:00", hours: 2 },
    { name: "in the night nothing", from: "2026-11-20T21:00+01:00", to: "2026-11-21T06:00+01:00", hours: 0 },
    { name: "backwards nothing", from: "2026-11-20T12:00+01:00", to: "2026-11-20T10:00+01:00", hours: 0 },
    {
      name: "a week over the start of summer time",
      from: "2026-03-23T00:00+01:00",
      to: "2026-03-30T00:00+02:00",
      hours: 72,
    },
    { name: "a week over its end", from: "2026-10-19T00:00+02:00", to: "2026-10-26T00:00+01:00", hours: 72 },
  ])("$name", ({ from, to, hours }) => expect(businessMsBetween(shop, at(from), at(to))).toBe(hours * HOUR_MS));

  it.each([
    { name: "an hour that is left out does not count", zone: "Europe/Berlin", from: "2026-03-28T23:00Z", hours: 23 },
    { name: "an hour that comes twice counts twice", zone: "Europe/Berlin", from: "2026-10-24T22:00Z", hours: 25 },
    {
      name: "half an hour is left out on Lord Howe",
      zone: "Australia/Lord_Howe",
      from: "2026-10-03T13:30Z",
      hours: 23.5,
    },
    {
      name: "half an hour comes twice on Lord Howe",
      zone: "Australia/Lord_Howe",
      from: "2026-04-04T13:00Z",
      hours: 24.5,
    },
  ])("$name", ({ zone, from, hours }) => {
    // Open from midnight to midnight of that one day, by the clock on the wall.
    const { date, minute } = localTime(zone, at(from));
    expect(minute).toBe(0);
    const others = [-2, -1, 1, 2].map((days) =>
      new Date(at(`${date}T00:00Z`) + days * DAY_MS).toISOString().slice(0, 10),
    );
    const one = calendar(zone, daily(span("00:00", "24:00")), others);
    expect(businessMsBetween(one, at(from) - 10 * HOUR_MS, at(from) + 40 * HOUR_MS)).toBe(hours * HOUR_MS);
  });

  it("a date that a zone leaves out has no hours", () => {
    const apia = calendar("Pacific/Apia", daily(span("08:00", "18:00")));
    expect(businessMsBetween(apia, at("2011-12-29T00:00-10:00"), at("2012-01-01T00:00+14:00"))).toBe(20 * HOUR_MS);
  });

  it("always is every millisecond", () => {
    expect(businessMsBetween(ALWAYS, at("2026-11-20T10:00Z"), at("2026-11-20T10:00Z") + 17)).toBe(17);
  });

  it("nothing is counted beyond the horizon", () => {
    expect(businessMsBetween(ALWAYS, 0, HORIZON_MS + 1)).toBe(HORIZON_MS);
  });

  it("spans that overlap count once", () => {
    const twice = calendar("UTC", daily(span("08:00", "12:00"), span("10:00", "14:00"), span("22:00", "09:00")));
    expect(businessMsBetween(twice, at("2026-11-20T00:00Z"), at("2026-11-21T00:00Z"))).toBe(16 * HOUR_MS);
  });
});

describe("businessInstant", () => {
  it.each([
    { name: "later the same day", from: "2026-11-20T10:00+01:00", hours: 4, due: "2026-11-20T14:00+01:00" },
    {
      name: "at closing time, not when it opens again",
      from: "2026-11-20T16:00+01:00",
      hours: 4,
      due: "2026-11-20T20:00+01:00",
    },
    { name: "the rest on the next day", from: "2026-11-20T18:00+01:00", hours: 4, due: "2026-11-21T10:00+01:00" },
    { name: "the rest after Sunday", from: "2026-11-21T18:00+01:00", hours: 4, due: "2026-11-23T10:00+01:00" },
    {
      name: "nothing is used up at once, also at night",
      from: "2026-11-20T23:00+01:00",
      hours: 0,
      due: "2026-11-20T23:00+01:00",
    },
    {
      name: "begun at night it runs from the opening",
      from: "2026-11-20T23:00+01:00",
      hours: 1,
      due: "2026-11-21T09:00+01:00",
    },
    { name: "over the start of summer time", from: "2026-03-28T19:00+01:00", hours: 2, due: "2026-03-30T09:00+02:00" },
  ])("$name", ({ from, hours, due }) => expect(businessInstant(shop, at(from), hours * HOUR_MS)).toBe(at(due)));

  it("is null in a calendar that never opens", () => {
    expect(businessInstant(calendar("UTC", daily()), at("2026-11-20T10:00Z"), 1)).toBeNull();
  });
});

const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "Pacific/Apia",
  "Africa/Casablanca",
  "America/Sao_Paulo",
  "UTC",
];
/** Days around which clocks are set in one of the zones, in both directions, and Apia's missing date. */
const BASES = [
  "2011-12-29",
  "2026-03-08",
  "2026-03-29",
  "2026-04-05",
  "2026-10-04",
  "2026-10-25",
  "2026-11-01",
  "2026-12-31",
];

const spans = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 95 }), fc.integer({ min: 0, max: 96 }))
    .map(([a, b]) => ({ from: a * 15, to: b * 15 })),
  { maxLength: 3 },
);
const calendars = fc.record({
  timeZone: fc.constantFrom(...ZONES),
  hours: fc.option(
    fc.array(spans, { minLength: 7, maxLength: 7 }).map((all) => week((day) => all[WEEKDAYS.indexOf(day)] ?? [])),
  ),
  base: fc.constantFrom(...BASES),
  closed: fc.array(fc.integer({ min: -3, max: 4 }), { maxLength: 3 }),
  fromMinutes: fc.integer({ min: -2_880, max: 2_880 }),
  lengthMinutes: fc.integer({ min: 0, max: 4_320 }),
});

describe("against a count of every minute", () => {
  it("the time between two instants is the number of minutes at which isOpen says so", () => {
    fc.assert(
      fc.property(calendars, ({ timeZone, hours, base, closed, fromMinutes, lengthMinutes }) => {
        const day = at(`${base}T00:00Z`);
        const closedDays = closed.map((days) => new Date(day + days * DAY_MS).toISOString().slice(0, 10));
        const one = calendar(timeZone, hours, closedDays);
        const from = day + fromMinutes * MINUTE_MS;
        let open = 0;
        for (let minute = 0; minute < lengthMinutes; minute++) {
          if (isOpen(one, from + minute * MINUTE_MS)) open++;
        }
        expect(businessMsBetween(one, from, from + lengthMinutes * MINUTE_MS)).toBe(open * MINUTE_MS);
      }),
      { numRuns: 150 },
    );
  });

  it("what is used up at an instant has passed until then, and not a millisecond before", () => {
    const parts = fc.tuple(calendars, fc.integer({ min: 1, max: 40 * HOUR_MS }));
    fc.assert(
      fc.property(parts, ([{ timeZone, hours, base, fromMinutes }, durationMs]) => {
        const one = calendar(timeZone, hours);
        const from = at(`${base}T00:00Z`) + fromMinutes * MINUTE_MS + 17;
        const due = businessInstant(one, from, durationMs);
        if (due === null) {
          expect(businessMsBetween(one, from, from + HORIZON_MS)).toBeLessThan(durationMs);
          return;
        }
        expect(businessMsBetween(one, from, due)).toBe(durationMs);
        expect(businessMsBetween(one, from, due - 1)).toBe(durationMs - 1);
      }),
      { numRuns: 300 },
    );
  });

  it("parts add up to the whole, and intervals come in order", () => {
    fc.assert(
      fc.property(calendars, fc.nat(4_320), ({ timeZone, hours, base, fromMinutes, lengthMinutes }, cut) => {
        const one = calendar(timeZone, hours);
        const from = at(`${base}T00:00Z`) + fromMinutes * MINUTE_MS;
        const until = from + lengthMinutes * MINUTE_MS;
        const middle = Math.min(until, from + cut * MINUTE_MS);
        const whole = businessMsBetween(one, from, until);
        expect(businessMsBetween(one, from, middle) + businessMsBetween(one, middle, until)).toBe(whole);
        let last = from;
        for (const open of openIntervals(one, from, until)) {
          expect(open.fromMs).toBeGreaterThanOrEqual(last);
          expect(open.untilMs).toBeGreaterThan(open.fromMs);
          last = open.untilMs;
        }
        expect(last).toBeLessThanOrEqual(until);
      }),
    );
  });
});

it("a year is counted and looked ahead in well under a millisecond", () => {
  const from = at("2026-01-01T00:00Z");
  businessMsBetween(shop, from, from + 366 * DAY_MS); // The zone's year is found once.
  const runs = 200;
  const { cpuMs } = spent(() => {
    for (let n = 0; n < runs; n++) {
      businessMsBetween(shop, from + n, from + 365 * DAY_MS);
      businessInstant(shop, from + n, 3_000 * HOUR_MS);
    }
  });
  expect(cpuMs / runs / 2).toBeLessThan(1);
});
