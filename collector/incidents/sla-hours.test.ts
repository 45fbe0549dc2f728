import { describe, expect, it } from "vitest";
import { ack, HOUR_MS, log, opened, type Step, shop, site } from "./sample-log.ts";
import { brief, clock, shipped } from "./sample-reading.ts";
import { readClocks } from "./sla.ts";
import { slaFacts } from "./sla-facts.ts";

describe("in the hours of the site", () => {
  it.each([
    {
      name: "four hours from noon are the same day",
      zone: shop,
      from: "2026-11-20T12:00+01:00",
      due: "2026-11-20T16:00+01:00",
    },
    {
      name: "over a night and a Sunday they are on Monday",
      zone: shop,
      from: "2026-11-21T18:00+01:00",
      due: "2026-11-23T10:00+01:00",
    },
    {
      name: "over the start of summer time",
      zone: shop,
      from: "2026-03-28T18:00+01:00",
      due: "2026-03-30T10:00+02:00",
    },
    { name: "over its end", zone: shop, from: "2026-10-24T18:00+02:00", due: "2026-10-26T10:00+01:00" },
    {
      name: "a night shift gains the hour that comes twice",
      zone: site("America/New_York", () => [{ from: 1_320, to: 360 }]),
      from: "2026-10-31T23:00-04:00",
      due: "2026-11-01T02:00-05:00",
    },
    {
      name: "and loses the one that is left out",
      zone: site("America/New_York", () => [{ from: 1_320, to: 360 }]),
      from: "2026-03-07T23:00-05:00",
      due: "2026-03-08T04:00-04:00",
    },
    {
      name: "half an hour on Lord Howe",
      zone: site("Australia/Lord_Howe", () => [{ from: 0, to: 1_440 }]),
      from: "2026-10-04T00:00+10:30",
      due: "2026-10-04T04:30+11:00",
    },
  ])("$name", ({ zone, from, due }) => {
    const at = Date.parse(from);
    const events = log([[0, opened("P2")]]).map((event) => ({ ...event, at, recordedAt: at }));
    const [, restore] = readClocks(slaFacts(events), { terms: shipped, site: zone }, at);
    expect(restore?.dueAt).toBe(Date.parse(due));
  });

  it("a calendar that is corrected changes the past", () => {
    const steps: Step[] = [
      [0, opened("P2")],
      [9, ack],
    ];
    expect(brief(clock(steps, "restore", 300, { site: shop }))).toMatchObject({ state: "breached", breached: 240 });
    const holiday = { ...shop, closedDays: ["2026-11-20"] };
    expect(brief(clock(steps, "restore", 300, { site: holiday }))).toMatchObject({ state: "running", ran: 0 });
  });

  it("and so do terms that are", () => {
    const steps: Step[] = [
      [0, opened("P1")],
      [9, ack],
    ];
    const { P2 } = shipped.targets;
    const terms = { ...shipped, targets: { ...shipped.targets, P1: P2 } };
    expect(brief(clock(steps, "response", 30))).toMatchObject({ state: "breached" });
    expect(brief(clock(steps, "response", 30, { terms }))).toMatchObject({ state: "met" });
  });

  it("named calendars are the site's own", () => {
    const calendars = new Map([["nights", { ...shop, hours: site("UTC", () => [{ from: 1_320, to: 360 }]).hours }]]);
    const restore = { withinMs: HOUR_MS, calendar: "nights" };
    const terms = { ...shipped, targets: { ...shipped.targets, P1: { response: null, restore, vendor: null } } };
    const due = clock([[0, opened("P1")]], "restore", 0, { terms, site: { ...shop, calendars } })?.dueAt;
    expect(due).toBe(Date.parse("2026-11-20T23:00+01:00"));
  });
});
