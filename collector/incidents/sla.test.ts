import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ack,
  always,
  firedAgain,
  HOUR_MS,
  held,
  log,
  MINUTE_MS,
  min,
  opened,
  priority,
  recovered,
  reopened,
  resolved,
  resumed,
  type Step,
  shop,
  site,
  T0,
} from "./sample-log.ts";
import { type ClockReading, currentClock, dueOfClocks, penaltyOf, readClocks } from "./sla.ts";
import { foldSla, type SlaFacts, slaFacts } from "./sla-facts.ts";
import { DEFAULT_SLA_POLICY, type SiteHours, type SlaTerms } from "./sla-policy.ts";
import type { IncidentEventBody, Priority, SlaClock } from "./types.ts";

const { standard: shipped } = DEFAULT_SLA_POLICY;

type Where = { readonly terms?: SlaTerms; readonly site?: SiteHours };
const read = (steps: readonly Step[], minute: number, where: Where = {}): ClockReading[] =>
  readClocks(slaFacts(log(steps)), { terms: shipped, site: always, ...where }, min(minute));
const clock = (steps: readonly Step[], name: SlaClock, minute: number, where: Where = {}): ClockReading | null =>
  currentClock(read(steps, minute, where), name);

/** Minutes after T0 in place of Unix ms, and only what the case is about. */
function brief(reading: ClockReading | null) {
  if (reading === null) return null;
  const minute = (at: number | null) => (at === null ? null : (at - T0) / MINUTE_MS);
  const { state, standsStill, dueAt, stoppedAt, breachedAt, businessMs, pausedMs, percent } = reading;
  return {
    state,
    ...(standsStill !== null && { standsStill }),
    due: minute(dueAt),
    ...(stoppedAt !== null && { stopped: minute(stoppedAt) }),
    ...(breachedAt !== null && { breached: minute(breachedAt) }),
    ran: businessMs / MINUTE_MS,
    ...(pausedMs > 0 && { paused: pausedMs / MINUTE_MS }),
    percent: Math.round(percent),
  };
}

describe("the response clock", () => {
  const P2 = opened("P2"); // 15 minutes
  it.each<{ name: string; log: Step[]; now: number; expected: object }>([
    {
      name: "runs from the opening",
      log: [[0, P2]],
      now: 6,
      expected: { state: "running", due: 15, ran: 6, percent: 40 },
    },
    {
      name: "is met by the first acknowledgement",
      log: [
        [0, P2],
        [9, ack],
        [60, { type: "started" }],
      ],
      now: 90,
      expected: { state: "met", due: 15, stopped: 9, ran: 9, percent: 60 },
    },
    {
      name: "an acknowledgement in the last millisecond is in time",
      log: [
        [0, P2],
        [15, ack],
      ],
      now: 90,
      expected: { state: "met", due: 15, stopped: 15, ran: 15, percent: 100 },
    },
    {
      name: "is breached when it falls due",
      log: [[0, P2]],
      now: 15,
      expected: { state: "breached", due: 15, breached: 15, ran: 15, percent: 100 },
    },
    {
      name: "stays breached when somebody comes late",
      log: [
        [0, P2],
        [20, ack],
      ],
      now: 90,
      expected: { state: "breached", due: 15, stopped: 20, breached: 15, ran: 20, percent: 133 },
    },
    {
      name: "an acknowledgement that expires does not start it again",
      log: [
        [0, P2],
        [9, ack],
        [40, { type: "ack_expired", why: "timeout" }],
      ],
      now: 90,
      expected: { state: "met", due: 15, stopped: 9, ran: 9, percent: 60 },
    },
    {
      name: "a hold does not stop it, for no reason is listed for it",
      log: [
        [0, P2],
        [2, held("awaiting_vendor")],
      ],
      now: 10,
      expected: { state: "running", due: 15, ran: 10, percent: 67 },
    },
    {
      name: "stands still while the fault is gone and nobody has looked at it",
      log: [
        [0, P2],
        [5, recovered],
      ],
      now: 60,
      expected: { state: "paused", standsStill: "recovered", due: null, ran: 5, paused: 55, percent: 33 },
    },
    {
      name: "is cancelled when the fault cured itself and nobody had to look",
      log: [
        [0, P2],
        [5, recovered],
        [35, resolved("self_recovered")],
      ],
      now: 60,
      expected: { state: "cancelled", due: 15, stopped: 35, ran: 5, paused: 30, percent: 33 },
    },
    {
      name: "but not when it was breached before",
      log: [
        [0, P2],
        [20, recovered],
        [50, resolved("self_recovered")],
      ],
      now: 60,
      expected: { state: "breached", due: 15, stopped: 50, breached: 15, ran: 20, paused: 30, percent: 133 },
    },
    {
      name: "goes on when the fault comes back",
      log: [
        [0, P2],
        [5, recovered],
        [15, firedAgain(14)],
      ],
      now: 17,
      expected: { state: "running", due: 25, ran: 7, paused: 10, percent: 47 },
    },
    {
      name: "stands still in maintenance",
      log: [
        [0, opened("P2", { maintenance: "updates" })],
        [30, { type: "maintenance", window: null }],
      ],
      now: 36,
      expected: { state: "running", due: 45, ran: 6, paused: 30, percent: 40 },
    },
    {
      name: "stands still behind a cause",
      log: [
        [0, P2],
        [5, { type: "suppressed", by: "switch-1" }],
      ],
      now: 36,
      expected: { state: "paused", standsStill: "suppressed", due: null, ran: 5, paused: 31, percent: 33 },
    },
    {
      name: "stands still below a parent, and goes on when it stands for itself again",
      log: [
        [0, P2],
        [5, { type: "parent_set", incident: "INC-000007", why: "switch" }],
        [25, { type: "parent_set", incident: null, why: "outlived it" }],
      ],
      now: 26,
      expected: { state: "running", due: 35, ran: 6, paused: 20, percent: 40 },
    },
    {
      name: "stands still outside the hours of its rule",
      log: [
        [0, opened("P2", { inactiveHours: true })],
        [600, { type: "hours", active: true }],
      ],
      now: 603,
      expected: { state: "running", due: 615, ran: 3, paused: 600, percent: 20 },
    },
    {
      name: "stands still while it is merged into another",
      log: [
        [0, P2],
        [5, { type: "merged", into: "INC-000007" }],
        [25, { type: "split", from: "INC-000007" }],
      ],
      now: 26,
      expected: { state: "running", due: 35, ran: 6, paused: 20, percent: 40 },
    },
    {
      name: "is cancelled with the incident",
      log: [
        [0, P2],
        [5, { type: "cancelled", code: "test", text: null }],
      ],
      now: 60,
      expected: { state: "cancelled" },
    },
    {
      name: "of what was found late and stands begins when it was found",
      log: [[0, P2, { recorded: 120, late: true }]],
      now: 126,
      expected: { state: "running", due: 135, ran: 6, percent: 40 },
    },
  ])("$name", ({ log: steps, now, expected }) => expect(brief(clock(steps, "response", now))).toMatchObject(expected));

  it("runs anew after a reopening, and each is counted", () => {
    const steps: Step[] = [
      [0, P2],
      [9, ack],
      [30, recovered],
      [40, resolved("cleaned")],
      [50, firedAgain(49)],
      [50, reopened],
    ];
    const readings = read(steps, 56).filter((one) => one.clock === "response");
    expect(readings.map(({ cycle, state, startedAt, percent }) => [cycle, state, startedAt, percent])).toEqual([
      [1, "met", T0, 60],
      [2, "running", min(50), 40],
    ]);
  });

  it("is none of what came and went while its agent could not be reached, until it fires again", () => {
    const steps: Step[] = [
      [0, opened("P2", { retroactive: true }), { recorded: 60, late: true }],
      [10, recovered, { recorded: 60, late: true }],
      [10, resolved("self_recovered"), { recorded: 60, late: true }],
    ];
    expect(clock(steps, "response", 70)).toBeNull();
    const again: Step[] = [...steps, [70, firedAgain(69)], [70, reopened]];
    expect(brief(clock(again, "response", 76))).toMatchObject({ state: "running", due: 85, ran: 6 });
  });

  it("is none where nothing is promised", () => expect(read([[0, opened("P5")]], 600)).toEqual([]));
});

describe("the restore clock", () => {
  const P1 = opened("P1"); // 60 minutes, always
  it.each<{ name: string; log: Step[]; now: number; expected: object }>([
    {
      name: "ends when the fault recovers, whenever somebody writes that it is resolved",
      log: [
        [0, P1],
        [9, ack],
        [40, recovered],
        [200, resolved("restarted")],
      ],
      now: 300,
      expected: { state: "met", due: 60, stopped: 40, ran: 40, percent: 67 },
    },
    {
      name: "does not end when it is resolved while the fault fires",
      log: [
        [0, P1],
        [9, ack],
        [20, resolved("restarted")],
      ],
      now: 30,
      expected: { state: "running", due: 60, ran: 30, percent: 50 },
    },
    {
      name: "but when it recovers after that",
      log: [
        [0, P1],
        [9, ack],
        [20, resolved("restarted")],
        [25, recovered],
      ],
      now: 90,
      expected: { state: "met", due: 60, stopped: 25, ran: 25, percent: 42 },
    },
    {
      name: "ends with a resolution that says that there is nothing to restore",
      log: [
        [0, P1],
        [9, ack],
        [20, resolved("false_positive")],
      ],
      now: 90,
      expected: { state: "met", due: 60, stopped: 20, ran: 20, percent: 33 },
    },
    {
      name: "goes on when such a resolution was none",
      log: [
        [0, P1],
        [9, ack],
        [20, resolved("false_positive")],
        [50, { type: "restated", what: "resolution", code: "restarted", why: "no" }],
      ],
      now: 55,
      expected: { state: "running", due: 60, ran: 55 },
    },
    {
      name: "goes on where it stood when the fault comes back",
      log: [
        [0, P1],
        [40, recovered],
        [50, firedAgain(49)],
      ],
      now: 60,
      expected: { state: "running", due: 70, ran: 50, percent: 83 },
    },
    {
      name: "goes on when a person says that it is not restored",
      log: [
        [0, P1],
        [9, ack],
        [40, recovered],
        [45, resolved("cleaned")],
        [50, reopened],
      ],
      now: 60,
      expected: { state: "running", due: 70, ran: 50 },
    },
    {
      name: "ends then with the next resolution",
      log: [
        [0, P1],
        [9, ack],
        [40, recovered],
        [45, resolved("cleaned")],
        [50, reopened],
        [58, resolved("swapped")],
      ],
      now: 90,
      expected: { state: "met", stopped: 58, ran: 48 },
    },
    {
      name: "stands still on hold for a listed reason",
      log: [
        [0, P1],
        [10, held("awaiting_vendor")],
      ],
      now: 200,
      expected: { state: "paused", standsStill: "awaiting_vendor", due: null, ran: 10, paused: 190, percent: 17 },
    },
    {
      name: "goes on when the hold ends",
      log: [
        [0, P1],
        [10, held("awaiting_vendor")],
        [100, resumed],
      ],
      now: 120,
      expected: { state: "running", due: 150, ran: 30, paused: 90 },
    },
    {
      name: "runs on hold for a reason that nobody listed",
      log: [
        [0, P1],
        [10, held("unlisted")],
      ],
      now: 30,
      expected: { state: "running", due: 60, ran: 30 },
    },
    {
      name: "did stand still where a pause is claimed afterwards",
      log: [
        [0, P1],
        [58, { type: "pause_claimed", from: min(10), to: min(40), reason: "awaiting_site_access", text: "locked" }],
      ],
      now: 70,
      expected: { state: "running", due: 90, ran: 40, paused: 30 },
    },
    {
      name: "a claim and a hold over the same time count once",
      log: [
        [0, P1],
        [20, held("awaiting_vendor")],
        [40, resumed],
        [58, { type: "pause_claimed", from: min(10), to: min(30), reason: "awaiting_part", text: "ordered" }],
      ],
      now: 70,
      expected: { state: "running", due: 90, ran: 40, paused: 30 },
    },
    {
      name: "a claim for another clock is not for this one",
      log: [
        [0, P1],
        [
          58,
          {
            type: "pause_claimed",
            clock: "vendor",
            from: min(10),
            to: min(40),
            reason: "awaiting_site_access",
            text: "x",
          },
        ],
      ],
      now: 59,
      expected: { state: "running", due: 60, ran: 59 },
    },
    {
      name: "is measured from the start when the priority rises, and may be long breached then",
      log: [
        [0, opened("P2")],
        [100, priority("P1")],
      ],
      now: 101,
      expected: { state: "breached", due: 60, breached: 100, ran: 101 },
    },
    {
      name: "has more time when the priority falls",
      log: [
        [0, P1],
        [30, priority("P2")],
      ],
      now: 90,
      expected: { state: "running", due: 240, ran: 90, percent: 38 },
    },
    {
      name: "what fell due while a priority stood stays breached when a lower one follows",
      log: [
        [0, P1],
        [61, priority("P4")],
      ],
      now: 90,
      expected: { state: "breached", due: 60, breached: 60, ran: 90 },
    },
    {
      name: "is as if it had always been so when a priority is restated",
      log: [
        [0, P1],
        [61, { type: "restated", what: "priority", priority: "P2", why: "a test till" }],
      ],
      now: 90,
      expected: { state: "running", due: 240, ran: 90 },
    },
    {
      name: "a change of priority after its end changes nothing",
      log: [
        [0, opened("P2")],
        [100, recovered],
        [120, priority("P1")],
      ],
      now: 200,
      expected: { state: "met", due: 240, stopped: 100, ran: 100 },
    },
    {
      name: "ended earlier when the recovery is found to have been earlier",
      log: [
        [0, P1],
        [90, recovered],
        [20, { type: "recovered_earlier", onset: T0 }, { recorded: 100, late: true }],
      ],
      now: 200,
      expected: { state: "met", due: 60, stopped: 20, ran: 20 },
    },
    {
      name: "did not run in a gap that is found afterwards",
      log: [
        [0, P1],
        [20, recovered, { recorded: 50, late: true }],
        [45, firedAgain(44), { recorded: 50, late: true }],
      ],
      now: 55,
      expected: { state: "running", due: 85, ran: 30 },
    },
  ])("$name", ({ log: steps, now, expected }) => expect(brief(clock(steps, "restore", now))).toMatchObject(expected));
});

describe("the vendor's clock", () => {
  const P1 = opened("P1"); // four hours
  it.each<{ name: string; log: Step[]; now: number; expected: object | null }>([
    { name: "is none before the vendor has it", log: [[0, P1]], now: 30, expected: null },
    {
      name: "runs while the vendor has it",
      log: [
        [0, P1],
        [30, held("awaiting_vendor")],
      ],
      now: 90,
      expected: { state: "running", due: 270, ran: 60, percent: 25 },
    },
    {
      name: "stands still while it does not",
      log: [
        [0, P1],
        [30, held("awaiting_vendor")],
        [90, resumed],
      ],
      now: 100,
      expected: { state: "paused", standsStill: "with_us", due: null, ran: 60, paused: 10 },
    },
    {
      name: "goes on with the next hold",
      log: [
        [0, P1],
        [30, held("awaiting_vendor")],
        [90, resumed],
        [100, held("awaiting_vendor")],
      ],
      now: 110,
      expected: { state: "running", due: 280, ran: 70, paused: 10 },
    },
    {
      name: "ends when the fault recovers",
      log: [
        [0, P1],
        [30, held("awaiting_vendor")],
        [90, recovered],
      ],
      now: 400,
      expected: { state: "met", stopped: 90, ran: 60 },
    },
    {
      name: "begins with a hold that is claimed afterwards",
      log: [
        [0, P1],
        [58, { type: "pause_claimed", from: min(10), to: min(40), reason: "awaiting_vendor", text: "phoned" }],
      ],
      now: 60,
      expected: { state: "paused", standsStill: "with_us", ran: 30, paused: 20 },
    },
  ])("$name", ({ log: steps, now, expected }) => {
    const reading = brief(clock(steps, "vendor", now));
    if (expected === null) expect(reading).toBeNull();
    else expect(reading).toMatchObject(expected);
  });
});

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

describe("what is written down", () => {
  const due = (steps: readonly Step[], minute: number, where: Where = {}) => {
    const { events, nextAt } = dueOfClocks(read(steps, minute, where), where.terms ?? shipped, min(minute));
    return {
      events: events.map(({ at, body }) => [
        (at - T0) / MINUTE_MS,
        body.type === "sla_warned" ? `${body.clock} ${body.percent}%` : `${body.clock} breached`,
      ]),
      next: nextAt === null ? null : (nextAt - T0) / MINUTE_MS,
    };
  };
  const P1 = opened("P1");
  const warned = (name: SlaClock, percent: number): IncidentEventBody => ({ type: "sla_warned", clock: name, percent });
  const breached = (name: SlaClock): IncidentEventBody => ({ type: "sla_breached", clock: name, dueAt: 0 });

  it.each<{ name: string; log: Step[]; now: number; events: unknown[]; next: number | null }>([
    {
      name: "nothing before the first warning",
      log: [
        [0, P1],
        [1, ack],
      ],
      now: 44,
      events: [],
      next: 45,
    },
    {
      name: "the warning when it is due",
      log: [
        [0, P1],
        [1, ack],
      ],
      now: 45,
      events: [[45, "restore 75%"]],
      next: 60,
    },
    {
      name: "each once",
      log: [
        [0, P1],
        [1, ack],
        [45, warned("restore", 75)],
      ],
      now: 45,
      events: [],
      next: 54,
    },
    {
      name: "the higher one alone when both are due",
      log: [
        [0, P1],
        [1, ack],
      ],
      now: 55,
      events: [[55, "restore 90%"]],
      next: 60,
    },
    {
      name: "none that a higher one stands for",
      log: [
        [0, P1],
        [1, ack],
        [55, warned("restore", 90)],
      ],
      now: 56,
      events: [],
      next: 60,
    },
    {
      name: "the breach at its own time, also when it is seen late",
      log: [
        [0, P1],
        [1, ack],
      ],
      now: 75,
      events: [[60, "restore breached"]],
      next: null,
    },
    {
      name: "a breach once",
      log: [
        [0, P1],
        [1, ack],
        [60, breached("restore")],
      ],
      now: 75,
      events: [],
      next: null,
    },
    {
      name: "a breach of a clock that ended since",
      log: [
        [0, P1],
        [1, ack],
        [70, recovered],
      ],
      now: 75,
      events: [[60, "restore breached"]],
      next: null,
    },
    {
      name: "no warning of a clock that ended",
      log: [
        [0, P1],
        [1, ack],
        [50, recovered],
      ],
      now: 55,
      events: [],
      next: null,
    },
    {
      name: "by time alone nothing while it stands still",
      log: [
        [0, P1],
        [1, ack],
        [5, held("awaiting_caller")],
      ],
      now: 55,
      events: [],
      next: null,
    },
    {
      name: "past warnings are not repeated when the priority rises",
      log: [
        [0, opened("P2")],
        [1, ack],
        [50, warned("restore", 75)],
        [50, priority("P1")],
      ],
      now: 51,
      events: [],
      next: 54,
    },
    {
      name: "both clocks in the order in which they fell due",
      log: [[0, P1]],
      now: 61,
      events: [
        [5, "response breached"],
        [60, "restore breached"],
      ],
      next: null,
    },
  ])("$name", ({ log: steps, now, events, next }) => expect(due(steps, now)).toEqual({ events, next }));

  it("a reopened incident is warned of again, for its response clock is another", () => {
    const steps: Step[] = [
      [0, P1],
      [5, breached("response")],
      [6, ack],
      [8, recovered],
      [9, resolved("cleaned")],
      [20, reopened],
    ];
    expect(due(steps, 24)).toEqual({ events: [[24, "response 75%"]], next: 25 });
    expect(due([...steps, [24, warned("response", 75)]], 25).events).toEqual([[25, "response breached"]]);
  });
});

describe("a breach of a cycle that is over", () => {
  it("is not told of the next, where nothing is promised any more", () => {
    const P2 = opened("P2");
    const steps: Step[] = [
      [0, P2],
      [20, ack],
      [30, recovered],
      [31, resolved("cleaned")],
      [40, reopened],
      [40, priority("P5")],
    ];
    const { events } = dueOfClocks(read(steps, 50), shipped, min(50));
    expect(events).toEqual([]);
    expect(clock(steps, "response", 50)).toMatchObject({ cycle: 1, state: "breached", isLatest: false });
  });
});

describe("penalties", () => {
  const none = { perBreach: 0, perHour: 0 };
  const terms = (cap: number | null): SlaTerms => ({
    ...shipped,
    penalties: {
      currency: "EUR",
      cap,
      clocks: { response: none, restore: { perBreach: 200, perHour: 99.99 }, vendor: none },
    },
  });
  it.each([
    { name: "none while it is not breached", minutes: 59, cap: null, amount: 0 },
    { name: "that of the breach at once", minutes: 60, cap: null, amount: 200 },
    { name: "and of each hour that has begun", minutes: 121, cap: null, amount: 399.98 },
    { name: "up to the cap", minutes: 6_000, cap: 1_000, amount: 1_000 },
  ])("$name", ({ minutes, cap, amount }) => {
    const readings = read(
      [
        [0, opened("P1")],
        [1, ack],
      ],
      minutes,
    );
    expect(penaltyOf(readings, terms(cap))).toEqual({ amount, currency: "EUR" });
  });

  it("are none without a contract that has them", () =>
    expect(penaltyOf(read([[0, opened("P1")]], 600), shipped)).toBeNull());
});

// ── laws

const bodies = fc.oneof(
  fc.constantFrom<IncidentEventBody>(
    ack,
    recovered,
    resumed,
    reopened,
    { type: "unsuppressed" },
    { type: "suppressed", by: "x" },
    { type: "started" },
    { type: "maintenance", window: "w" },
    { type: "maintenance", window: null },
    held("awaiting_vendor"),
    held("awaiting_caller"),
    held("unlisted"),
    resolved("restarted"),
    resolved("false_positive"),
  ),
  fc.constantFrom<Priority>("P1", "P2", "P3", "P4", "P5").map(priority),
  fc.nat(3_000).map(firedAgain),
);
const logs = fc.array(fc.tuple(fc.nat(120), bodies), { maxLength: 14 }).map((steps): Step[] => {
  let minute = 0;
  const after = steps.map(([wait, body]): Step => {
    minute += wait;
    return [minute, body];
  });
  return [[0, opened("P2")], ...after];
});

describe("laws", () => {
  it("facts taken on event by event are those of the whole log", () => {
    fc.assert(
      fc.property(logs, (steps) => {
        const events = log(steps);
        let facts: SlaFacts | null = null;
        for (const event of events) facts = foldSla(facts, event);
        expect(facts).toEqual(slaFacts(events));
      }),
    );
  });

  it("a clock never runs backwards, is breached at most once and not before it is due, and time is ran or paused", () => {
    fc.assert(
      fc.property(logs, fc.constantFrom(always, shop), (steps, where) => {
        const facts = slaFacts(log(steps));
        const last = steps.at(-1)?.[0] ?? 0;
        const seen = new Map<string, ClockReading>();
        for (let minute = last; minute < last + 900; minute += 90) {
          for (const one of readClocks(facts, { terms: shipped, site: where }, min(minute))) {
            const key = `${one.clock} ${one.cycle}`;
            const before = seen.get(key);
            seen.set(key, one);
            const until = Math.max(one.startedAt, Math.min(min(minute), one.stoppedAt ?? Number.POSITIVE_INFINITY));
            if (one.clock === "response") expect(one.elapsedMs + one.pausedMs).toBe(until - one.startedAt);
            expect(one.businessMs).toBeLessThanOrEqual(one.elapsedMs);
            expect(one.businessMs).toBeGreaterThanOrEqual(0);
            if (one.breachedAt !== null) expect(one.dueAt ?? Number.NaN).toBeLessThanOrEqual(one.breachedAt);
            if (before?.breachedAt != null) expect(one.breachedAt).toBe(before.breachedAt);
            else if (before !== undefined) expect(one.elapsedMs).toBeGreaterThanOrEqual(before.elapsedMs);
            if (one.state === "running") expect(one.dueAt).not.toBeNull();
          }
        }
      }),
    );
  });

  it("looking only when it says so finds what looking every minute finds", () => {
    fc.assert(
      fc.property(logs, (steps) => {
        const context = { terms: shipped, site: shop };
        const last = steps.at(-1)?.[0] ?? 0;
        const run = (times: (next: number | null, now: number) => number) => {
          let facts = slaFacts(log(steps));
          const told: string[] = [];
          for (let now = min(last); now < min(last + 1_500); ) {
            const { events, nextAt } = dueOfClocks(readClocks(facts, context, now), shipped, now);
            for (const { at, body } of events) {
              told.push(`${Math.ceil((at - T0) / MINUTE_MS)} ${JSON.stringify({ ...body, dueAt: 0 })}`);
              facts = foldSla(facts, { seq: 0, at, recordedAt: now, actor: "system", ...body });
            }
            const again =
              events.length > 0 ? dueOfClocks(readClocks(facts, context, now), shipped, now).nextAt : nextAt;
            now = times(again, now);
          }
          return told;
        };
        const onTime = run((next) => next ?? Number.POSITIVE_INFINITY);
        const everyMinute = run((_, now) => now + MINUTE_MS);
        // Within a minute a warning may be overtaken by a higher one or the breach.
        expect(onTime).toEqual(expect.arrayContaining(everyMinute));
        const breaches = (told: readonly string[]) => told.filter((line) => line.includes("sla_breached"));
        expect(breaches(onTime)).toEqual(breaches(everyMinute));
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it("is cheap also for a long log", () => {
    const steps: Step[] = [[0, opened("P3")]];
    for (let n = 1; n <= 400; n++) steps.push([n * 100, n % 2 === 0 ? held("awaiting_caller") : resumed]);
    const facts = slaFacts(log(steps));
    const context = { terms: shipped, site: shop };
    readClocks(facts, context, min(40_100));
    const before = performance.now();
    for (let n = 0; n < 20; n++) readClocks(facts, context, min(40_100));
    expect((performance.now() - before) / 20).toBeLessThan(25);
  });
});
