import { describe, expect, it } from "vitest";
import { changeOf, listText, requestOf } from "./maintenance.ts";

const HOUR = 3_600_000;

describe("maintenance add", () => {
  it.each([
    { name: "from now on", given: { reason: "swap", for: "2h" }, body: { where: {}, from: 0, to: 2 * HOUR } },
    {
      name: "between two times",
      given: { reason: "swap", site: ["s1"], from: "1970-01-01T01:00Z", to: "1970-01-01T03:00+01:00" },
      body: { where: { site: ["s1"] }, from: HOUR, to: 2 * HOUR },
    },
    {
      name: "every week",
      given: { reason: "swap", kind: ["ups"], weekly: "sun,mon", at: "03:00-04:00" },
      body: { where: { kind: ["ups"] }, weekly: { days: ["mon", "sun"], from: "03:00", to: "04:00" } },
    },
    {
      name: "for labels, one of several values",
      given: { reason: "swap", label: ["zone=dock", "zone=till", "lane=3"], for: "30m" },
      body: { where: { labels: { zone: ["dock", "till"], lane: ["3"] } }, from: 0, to: HOUR / 2 },
    },
  ])("asks for a window $name", ({ given, body }) => expect(requestOf(given, 0)).toEqual({ reason: "swap", ...body }));

  it.each([
    { name: "no reason", given: { for: "2h" }, says: /--reason/ },
    { name: "no time", given: { reason: "x" }, says: /--for 2h/ },
    { name: "two times", given: { reason: "x", for: "2h", weekly: "sun", at: "03:00-04:00" }, says: /--for 2h/ },
    { name: "a time without a unit", given: { reason: "x", for: "2" }, says: /30m/ },
    { name: "a local time", given: { reason: "x", to: "2026-11-30T22:00" }, says: /with its zone/ },
    { name: "no end", given: { reason: "x", from: "2026-11-30T22:00Z" }, says: /--to/ },
    { name: "a day that is none", given: { reason: "x", weekly: "sunday", at: "03:00-04:00" }, says: /mon,tue/ },
    { name: "no hours", given: { reason: "x", weekly: "sun" }, says: /--at/ },
    { name: "a label without a value", given: { reason: "x", for: "2h", label: ["zone"] }, says: /NAME=VALUE/ },
  ])("is refused with $name", ({ given, says }) => expect(() => requestOf(given, 0)).toThrow(says));
});

describe("maintenance change", () => {
  const window = {
    ...{ id: "m-1", reason: "swap", by: "user:kim", state: "planned" as const, from: null, to: null },
    where: { site: ["s1"], device: null, kind: ["ups"], labels: { zone: ["dock"] } },
    weekly: (["mon", "sun"] as const).map((day) => ({ day, from: "03:00", to: "04:00" })),
    timeZone: "UTC",
  };
  const where = { site: ["s1"], kind: ["ups"], labels: { zone: ["dock"] } };
  const weekly = { days: ["mon", "sun"], from: "03:00", to: "04:00", timeZone: "UTC" };

  it.each([
    { name: "the reason alone", given: { reason: "more" }, body: { reason: "more", where, weekly } },
    { name: "the place alone", given: { site: ["s2"] }, body: { reason: "swap", where: { site: ["s2"] }, weekly } },
    { name: "the time alone", given: { for: "1h" }, body: { reason: "swap", where, from: 0, to: HOUR } },
  ])("changes $name", ({ given, body }) => expect(changeOf(window, given, 0)).toEqual(body));

  it("asks for the hours anew where they differ from day to day", () => {
    const mixed = { ...window, weekly: [...window.weekly, { day: "tue" as const, from: "05:00", to: "06:00" }] };
    expect(() => changeOf(mixed, { reason: "x" }, 0)).toThrow(/--weekly with --at/);
    expect(() => changeOf(window, { at: "05:00-06:00" }, 0)).toThrow(/say when/);
  });
});

it("maintenance list has a line a window", () => {
  const where = { site: ["s1"], device: null, kind: null, labels: { zone: ["dock"] } };
  const window = { id: "m-1", reason: "swap", by: "user:kim", where, from: 0, to: HOUR, weekly: [], timeZone: null };
  expect(listText([{ ...window, state: "running" }])).toMatch(
    /m-1 +running +1970-01-01T00:00Z to 1970-01-01T01:00Z +s1 zone=dock +user:kim +swap/,
  );
});
