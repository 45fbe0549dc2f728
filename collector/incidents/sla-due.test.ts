import { describe, expect, it } from "vitest";
import {
  ack,
  held,
  MINUTE_MS,
  min,
  opened,
  priority,
  recovered,
  reopened,
  resolved,
  type Step,
  T0,
} from "./sample-log.ts";
import { clock, read, shipped, type Where } from "./sample-reading.ts";
import { dueOfClocks, penaltyOf } from "./sla.ts";
import type { SlaTerms } from "./sla-policy.ts";
import type { IncidentEventBody, SlaClock } from "./types.ts";

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
