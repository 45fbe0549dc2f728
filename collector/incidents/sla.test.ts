import { describe, expect, it } from "vitest";
import {
  ack,
  firedAgain,
  held,
  min,
  opened,
  priority,
  recovered,
  reopened,
  resolved,
  resumed,
  type Step,
  T0,
} from "./sample-log.ts";
import { brief, clock, read } from "./sample-reading.ts";

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
