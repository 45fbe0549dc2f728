import { describe, expect, it } from "vitest";
import type { Channel } from "../api/types.ts";
import {
  eventText,
  formatLogFilter,
  healthOf,
  incidentIdOf,
  NO_FILTER,
  parseLogFilter,
  stateText,
  type ToldOne,
} from "./words.ts";

const channel: Channel = {
  ...{ name: "tickets", kind: "webhook", target: "tickets.example.com", waiting: 0, busy: 0, deliveredAt: 1 },
  ...{ failingSince: null, oldestAt: null, isLimited: false, failure: null, isDown: false },
};
const failure = { at: 1, status: 503, detail: "HTTP 503" };
const told: ToldOne = {
  ...{ notification: "INC-000001/1", channel: "tickets", target: null, event: "opened", people: [], why: null },
  ...{
    state: "delivered",
    createdAt: 1,
    doneAt: 2,
    attempts: 1,
    waits: null,
    nextAt: null,
    within: null,
    answer: null,
  },
};

describe("a channel", () => {
  it.each([
    { given: {}, is: "ok" },
    { given: { deliveredAt: null }, is: "unused" },
    { given: { failure }, is: "failing" },
    { given: { failure, isDown: true }, is: "down" },
    { given: { isLimited: true, waiting: 2 }, is: "limited" },
    { given: { isLimited: true }, is: "ok" },
  ] as const)("with $given is $is", ({ given, is }) => expect(healthOf({ ...channel, ...given })).toBe(is));
});

describe("what became of a notification", () => {
  it.each([
    { given: {}, is: "Delivered" },
    { given: { within: "summary/x" }, is: "Delivered together with others" },
    { given: { state: "failed" }, is: "Given up" },
    { given: { state: "waiting", waits: "quiet_hours", nextAt: 5 }, is: "Held by quiet hours, at 5" },
    { given: { state: "waiting", waits: "limit" }, is: "Waits for room in the limit of its channel" },
  ] as const)("$given: $is", ({ given, is }) => expect(stateText({ ...told, ...given }, (ms) => `at ${ms}`)).toBe(is));

  it("is about an event in words", () => {
    expect(["opened", "sla_warned"].map(eventText)).toEqual(["Opened", "SLA warned"]);
  });
});

describe("the log's filter", () => {
  it("stands in the address, and nothing that is none does", () => {
    const filter = { channel: "tickets", outcome: "failed", incident: "INC-000017" } as const;
    expect(parseLogFilter(formatLogFilter(filter))).toEqual(filter);
    expect(formatLogFilter(NO_FILTER)).toBe("");
    expect(parseLogFilter("outcome=lost&x=1")).toEqual(NO_FILTER);
  });

  it.each([
    { written: "17", id: "INC-000017" },
    { written: " inc-000017 ", id: "INC-000017" },
    { written: "INC17", id: "INC-000017" },
    { written: "printer", id: "printer" },
  ])("takes $written for $id", ({ written, id }) => expect(incidentIdOf(written)).toBe(id));
});
