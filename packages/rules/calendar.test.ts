import { describe, expect, it } from "vitest";
import { isOpen, isTimeZone, localTime, type OpenSpan, type SiteCalendar, WEEKDAYS } from "./calendar.ts";

const span = (from: string, to: string): OpenSpan => ({ from: minutes(from), to: minutes(to) });
const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
const daily = (...spans: OpenSpan[]) =>
  Object.fromEntries(WEEKDAYS.map((day) => [day, spans])) as unknown as NonNullable<SiteCalendar["hours"]>;
const at = (iso: string): number => Date.parse(iso);

const berlin: SiteCalendar = {
  timeZone: "Europe/Berlin",
  hours: { ...daily(span("08:00", "20:00")), sun: [] },
  closedDays: ["2026-12-25"],
};

describe("isOpen", () => {
  it.each([
    { name: "opens at the minute", when: "2026-11-20T08:00:00+01:00", open: true },
    { name: "is closed the second before", when: "2026-11-20T07:59:59+01:00", open: false },
    { name: "closes at the minute", when: "2026-11-20T20:00:00+01:00", open: false },
    { name: "is closed on a weekday without hours", when: "2026-11-22T12:00:00+01:00", open: false },
    { name: "is closed on a closed day", when: "2026-12-25T12:00:00+01:00", open: false },
    { name: "goes by the wall clock the day before summer time", when: "2026-03-28T07:30:00Z", open: true },
    { name: "goes by the wall clock in summer", when: "2026-03-30T06:30:00Z", open: true },
    { name: "an hour of UTC earlier it is closed in winter", when: "2026-03-28T06:30:00Z", open: false },
    { name: "goes by the wall clock after summer time ends", when: "2026-10-26T06:30:00Z", open: false },
  ])("$name", ({ when, open }) => expect(isOpen(berlin, at(when))).toBe(open));

  const night: SiteCalendar = {
    timeZone: "America/New_York",
    hours: { ...daily(), sat: [span("22:00", "06:00")] },
    closedDays: [],
  };
  it.each([
    { name: "has begun in the evening", when: "2026-10-31T23:00:00-04:00", open: true },
    { name: "runs through the hour that comes twice, the first time", when: "2026-11-01T01:30:00-04:00", open: true },
    { name: "and the second time", when: "2026-11-01T01:30:00-05:00", open: true },
    { name: "ends by the clock on the wall", when: "2026-11-01T06:00:00-05:00", open: false },
    { name: "has not begun the night before", when: "2026-10-31T01:00:00-04:00", open: false },
  ])("a span over midnight $name", ({ when, open }) => expect(isOpen(night, at(when))).toBe(open));

  it("a span over midnight of a closed day does not begin, and one of the day before still ends on it", () => {
    const closed = { ...night, closedDays: ["2026-10-31"] };
    expect(isOpen(closed, at("2026-11-01T01:00:00-04:00"))).toBe(false);
    expect(isOpen({ ...night, closedDays: ["2026-11-01"] }, at("2026-11-01T01:00:00-04:00"))).toBe(true);
  });

  it("an opening time that the clock skips means the first minute that exists", () => {
    const early: SiteCalendar = { ...berlin, hours: daily(span("02:30", "10:00")), closedDays: [] };
    expect(isOpen(early, at("2026-03-29T01:59:59+01:00"))).toBe(false);
    expect(isOpen(early, at("2026-03-29T03:00:00+02:00"))).toBe(true);
  });

  it("00:00-24:00 is the whole day, and no hours at all are around the clock", () => {
    const whole = { ...berlin, hours: daily({ from: 0, to: 1440 }), closedDays: [] };
    for (const when of ["2026-03-29T00:00:00Z", "2026-03-29T21:59:59Z", "2026-10-25T01:30:00Z"]) {
      expect([isOpen(whole, at(when)), isOpen({ ...whole, hours: null }, at(when))]).toEqual([true, true]);
    }
  });

  it("takes a pause at noon", () => {
    const pause = { ...berlin, hours: daily(span("08:00", "12:00"), span("14:00", "18:00")) };
    expect(isOpen(pause, at("2026-11-20T13:00:00+01:00"))).toBe(false);
    expect(isOpen(pause, at("2026-11-20T14:00:00+01:00"))).toBe(true);
  });
});

describe("localTime", () => {
  it.each([
    { zone: "Pacific/Kiritimati", local: { date: "2026-11-22", weekday: "sun", minute: 90 } },
    { zone: "Asia/Kathmandu", local: { date: "2026-11-21", weekday: "sat", minute: 17 * 60 + 15 } },
    { zone: "America/St_Johns", local: { date: "2026-11-21", weekday: "sat", minute: 8 * 60 } },
  ])("knows the wall clock in $zone", ({ zone, local }) => {
    expect(localTime(zone, at("2026-11-21T11:30:00Z"))).toEqual(local);
  });

  it("knows which names are time zones", () => {
    expect(["Europe/Berlin", "UTC", "Mars/Olympus", ""].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});
