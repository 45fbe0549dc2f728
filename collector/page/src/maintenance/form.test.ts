import { describe, expect, it } from "vitest";
import type { MaintenanceWindow } from "../api/types.ts";
import { ALL_SITES, EMPTY_FORM, type Form, formOf, localText, mistakesOf, previewOf, requestOf } from "./form.ts";

const HOUR = 3_600_000;
const NOW = new Date("2026-11-20T09:00").getTime();
const KNOWN = { nowMs: NOW, devices: ["switch-1"] };

const now: Form = { ...EMPTY_FORM, site: "s1", reason: " swap ", hours: 0.5 };
const once: Form = { ...now, mode: "once", from: "2026-11-30T22:00", to: "2026-12-01T02:00" };
const weekly: Form = { ...now, mode: "weekly", days: ["sun", "mon"], begins: "02:00", ends: "04:00" };

describe("what is wrong stands at its field", () => {
  it.each([
    { name: "nothing is filled in", form: EMPTY_FORM, fields: ["reason", "site"] },
    { name: "a device that the site does not have", form: { ...now, device: "swich-1" }, fields: ["device"] },
    { name: "a device of all sites", form: { ...now, site: ALL_SITES, device: "switch-1" }, fields: ["device"] },
    { name: "everything there is", form: { ...now, site: ALL_SITES }, fields: ["kind"] },
    { name: "no times", form: { ...once, from: "", to: "" }, fields: ["from", "to"] },
    { name: "an end before it begins", form: { ...once, to: "2026-11-30T21:00" }, fields: ["to"] },
    { name: "over already", form: { ...once, from: "2026-11-20T07:00", to: "2026-11-20T08:00" }, fields: ["to"] },
    { name: "a year", form: { ...once, to: "2027-11-30T22:00" }, fields: ["to"] },
    {
      name: "no day and no hours",
      form: { ...weekly, days: [], begins: "", ends: "" },
      fields: ["begins", "days", "ends"],
    },
    { name: "an end that is its begin", form: { ...weekly, ends: "02:00" }, fields: ["ends"] },
    { name: "no time zone of this earth", form: { ...weekly, zone: "Europe/Berlni" }, fields: ["zone"] },
  ])("$name", ({ form, fields }) => expect(Object.keys(mistakesOf(form, KNOWN)).sort()).toEqual(fields));

  it.each([
    { name: "from now on", form: now },
    {
      name: "a device that nobody has listed yet",
      form: { ...now, device: "other" },
      known: { ...KNOWN, devices: null },
    },
    { name: "a kind at all sites", form: { ...weekly, site: ALL_SITES, kind: "pos_terminal" as const } },
    { name: "once", form: once },
    { name: "over midnight, by one clock", form: { ...weekly, begins: "22:00", ends: "01:00", zone: "Europe/Berlin" } },
    {
      name: "places that the form can't show",
      form: { ...weekly, site: "", kept: { site: ["s1", "s2"], device: null, kind: null, labels: {} } },
    },
  ])("nothing: $name", ({ form, known }) => expect(mistakesOf(form, known ?? KNOWN)).toEqual({}));
});

describe("the request", () => {
  it("is from now on, for so long", () => {
    expect(requestOf({ ...now, device: " switch-1 " }, NOW)).toEqual({
      reason: "swap",
      where: { site: ["s1"], device: ["switch-1"] },
      from: NOW,
      to: NOW + HOUR / 2,
    });
  });

  it("is once, by the clock of whoever plans it", () => {
    const { from, to } = requestOf(once, NOW);
    expect([localText(from ?? 0), (to ?? 0) - (from ?? 0)]).toEqual([once.from, 4 * HOUR]);
  });

  it("is of every week, the days in their order, the zone only when it is named", () => {
    const asked = { days: ["mon", "sun"], from: "02:00", to: "04:00" };
    expect(requestOf(weekly, NOW)).toMatchObject({ weekly: asked });
    expect(requestOf(weekly, NOW).weekly).not.toHaveProperty("timeZone");
    expect(requestOf({ ...weekly, zone: "Europe/Berlin" }, NOW).weekly?.timeZone).toBe("Europe/Berlin");
  });

  it("is of every site when that is chosen", () => {
    expect(requestOf({ ...weekly, site: ALL_SITES, kind: "ups" }, NOW).where).toEqual({ kind: ["ups"] });
  });
});

describe("the preview", () => {
  it("has the times as soon as they make sense", () => {
    expect(previewOf({ ...weekly, begins: "" }, NOW)).toBeNull();
    expect(previewOf({ ...once, to: "" }, NOW)).toBeNull();
    expect(previewOf(weekly, NOW)).toMatchObject({ from: null, weekly: [{ day: "mon" }, { day: "sun" }] });
    expect(previewOf({ ...now, reason: "" }, NOW)).toMatchObject({ from: NOW });
  });
});

describe("a window in the form", () => {
  const window: MaintenanceWindow = {
    ...{ id: "m-1", reason: "swap", by: "user:kim", state: "planned" as const },
    where: { site: ["s1"], device: ["switch-1"], kind: null, labels: {} },
    ...{ from: NOW, to: NOW + HOUR, weekly: [], timeZone: null },
  };
  const sundays = [
    { day: "sat" as const, from: "02:00", to: "04:00" },
    { day: "sun" as const, from: "02:00", to: "04:00" },
  ];

  it.each([
    { name: "once", window },
    { name: "weekly", window: { ...window, from: null, to: null, weekly: sundays, timeZone: "UTC" } },
    {
      name: "of a kind everywhere",
      window: { ...window, where: { site: null, device: null, kind: ["ups"], labels: {} } },
    },
    {
      name: "of places that the form can't show",
      window: { ...window, where: { site: ["s1", "s2"], device: null, kind: ["ups"], labels: { zone: ["dock"] } } },
    },
  ])("comes out as it went in: $name", ({ window: given }) => {
    const form = formOf(given);
    expect(form).not.toBeNull();
    if (form === null) return;
    const { reason, where, from, to, weekly: hours } = requestOf(form, NOW);
    expect([reason, from ?? null, to ?? null]).toEqual([given.reason, given.from, given.to]);
    expect({ site: null, device: null, kind: null, labels: {}, ...where }).toEqual(given.where);
    expect(hours === undefined ? [] : hours.days.map((day) => ({ day, from: hours.from, to: hours.to }))).toEqual(
      given.weekly,
    );
    expect(hours?.timeZone ?? null).toBe(given.timeZone);
  });

  it("is none when its hours differ from day to day", () => {
    const [first] = sundays;
    const mixed = [...(first === undefined ? [] : [first]), { day: "sun" as const, from: "05:00", to: "06:00" }];
    expect(formOf({ ...window, from: null, to: null, weekly: mixed })).toBeNull();
  });
});
