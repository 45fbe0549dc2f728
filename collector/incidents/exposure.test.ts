import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALWAYS, businessMsBetween } from "./business-time.ts";
import { type DeviceSpan, exposuresOf } from "./exposure.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 9, 19);
const day = [{ from: 8 * 60, to: 20 * 60 }];
const shop = {
  timeZone: "Europe/Berlin",
  hours: { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: [] },
  closedDays: [],
};
const span = (more: Partial<DeviceSpan> = {}): DeviceSpan => ({
  ...{ site: "berlin-01", slot: "berlin-01/lane-1/printer", fromMs: T0, untilMs: null },
  ...{ kind: "label_printer", vendor: "Zebra", model: "ZD421" },
  ...more,
});

describe("exposure", () => {
  it.each([
    { name: "of one that is there", more: {}, from: T0, until: T0 + 7 * DAY },
    { name: "of one that came", more: { fromMs: T0 + DAY }, from: T0 + DAY, until: T0 + 7 * DAY },
    { name: "of one that went", more: { untilMs: T0 + DAY }, from: T0, until: T0 + DAY },
    { name: "of one from before", more: { fromMs: 0, untilMs: T0 + HOUR }, from: T0, until: T0 + HOUR },
  ])("$name is what lies in the time", ({ more, from, until }) => {
    const time = { fromMs: T0, untilMs: T0 + 7 * DAY };
    const named = { kind: "label_printer", vendor: "Zebra", model: "ZD421" };
    expect(exposuresOf([span(more)], time, () => ALWAYS)).toEqual([
      {
        ...{ site: "berlin-01", slot: "berlin-01/lane-1/printer", ...named },
        ...{ fromMs: from, untilMs: until, tradingMs: until - from },
      },
    ]);
  });

  it.each([{ untilMs: T0 }, { fromMs: T0 + 7 * DAY }])("of one that was not there is none: %j", (more) => {
    expect(exposuresOf([span(more)], { fromMs: T0, untilMs: T0 + 7 * DAY }, () => ALWAYS)).toEqual([]);
  });

  it("is of trading hours what a walk from one end to the other counts, also when clocks change", () => {
    const at = fc.integer({ min: T0 - 5 * DAY, max: T0 + 20 * DAY });
    fc.assert(
      fc.property(at, at, fc.constantFrom(shop, ALWAYS), (one, other, calendar) => {
        const [fromMs, untilMs] = [Math.min(one, other), Math.max(one, other) + 1];
        const time = { fromMs: T0, untilMs: T0 + 14 * DAY };
        const [found] = exposuresOf([span({ fromMs, untilMs })], time, () => calendar);
        const [from, until] = [Math.max(fromMs, time.fromMs), Math.min(untilMs, time.untilMs)];
        expect(found?.tradingMs ?? 0).toBe(businessMsBetween(calendar, from, until));
      }),
    );
  });
});
