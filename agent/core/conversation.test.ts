import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Conversation, type Question, ROLES } from "./conversation.ts";

const STATUS: Question = { name: "status", role: "state" };
const ERRORS: Question = { name: "errors", role: "state" };
const MODEL: Question = { name: "model", role: "identity" };
const METERS: Question = { name: "meters", role: "wear" };
const TABLE = [STATUS, ERRORS, MODEL, METERS];

const HOUR_MS = 3_600_000;
const names = (questions: readonly Question[]): string[] => questions.map(({ name }) => name);

describe("Conversation", () => {
  it("asks all at first, and then the state alone until the counters are due", () => {
    const talk = new Conversation();
    expect(names(talk.questions(TABLE, 0))).toEqual(["status", "errors", "model", "meters"]);
    for (const question of TABLE) talk.answered(question, 0);
    expect(names(talk.questions(TABLE, 60_000))).toEqual(["status", "errors"]);
    expect(names(talk.questions(TABLE, HOUR_MS))).toEqual(["status", "errors", "meters"]);
  });

  it("leaves alone what the device does not know, and tries again after hours", () => {
    const talk = new Conversation();
    for (let n = 0; n < 3; n++) {
      talk.answered(STATUS, n);
      for (const question of [ERRORS, MODEL, METERS]) talk.silent(question, n);
    }
    expect(names(talk.questions(TABLE, 10))).toEqual(["status"]);
    expect(names(talk.questions(TABLE, 7 * HOUR_MS))).toEqual(["status", "errors", "model", "meters"]);
  });

  const MINUTE_MS = 60_000;
  it.each([
    { name: "counters before a quarter of an hour is over", askedMs: 15 * MINUTE_MS - 1, asks: false },
    { name: "counters when it is over", askedMs: 15 * MINUTE_MS, asks: true },
  ])("asks for $name: $asks", ({ askedMs, asks }) => {
    const talk = new Conversation();
    for (const question of TABLE) talk.answered(question, HOUR_MS);
    expect(names(talk.questions(TABLE, HOUR_MS + askedMs)).includes("meters")).toBe(asks);
  });

  it.each([
    { name: "not at all for almost six hours", afterMs: 6 * HOUR_MS - 1, asks: false },
    { name: "once six hours are over", afterMs: 6 * HOUR_MS, asks: true },
  ])("tries what the device does not know: $name", ({ afterMs, asks }) => {
    const talk = new Conversation();
    talk.answered(STATUS, HOUR_MS);
    for (let n = 0; n < 3; n++) talk.silent(ERRORS, HOUR_MS);
    expect(names(talk.questions(TABLE, HOUR_MS + afterMs)).includes("errors")).toBe(asks);
  });

  it("takes three silences in a row for not knowing, and no fewer", () => {
    const talk = new Conversation();
    const asks = (): boolean => names(talk.questions(TABLE, 1)).includes("errors");
    talk.answered(STATUS, 0);
    for (let n = 0; n < 2; n++) talk.silent(ERRORS, 0);
    expect(asks()).toBe(true);
    talk.answered(ERRORS, 0);
    for (let n = 0; n < 2; n++) talk.silent(ERRORS, 0);
    expect(asks()).toBe(true);
    talk.silent(ERRORS, 0);
    expect(asks()).toBe(false);
  });

  it("remembers who the device is through a silence", () => {
    const talk = new Conversation();
    for (const question of TABLE) talk.answered(question, 0);
    talk.silent(MODEL, 1);
    expect(names(talk.questions(TABLE, 2))).not.toContain("model");
  });

  it("asks for the state of a device that knows no such question any more, and for nothing else that it knows", () => {
    const talk = new Conversation();
    talk.answered(MODEL, 0);
    for (let n = 0; n < 3; n++) for (const question of [STATUS, ERRORS]) talk.silent(question, 0);
    expect(names(talk.questions(TABLE, 1))).toEqual(["status", "errors", "meters"]);
  });

  it("keeps asking for what a device in trouble does not say", () => {
    const table: Question[] = [{ ...STATUS, keepAsking: true }, ERRORS];
    const talk = new Conversation();
    for (let n = 0; n < 10; n++) for (const question of table) talk.silent(question, n);
    talk.answered(ERRORS, 10);
    expect(names(talk.questions(table, 11))).toEqual(["status", "errors"]);
  });

  it("asks who it is again once the device was away", () => {
    const talk = new Conversation();
    for (const question of TABLE) talk.answered(question, 0);
    talk.away();
    expect(names(talk.questions(TABLE, 1))).toContain("model");
  });

  it("always has a question about the state, whatever was heard", () => {
    const step = fc.record({
      question: fc.constantFrom(...TABLE),
      answered: fc.boolean(),
      passedMs: fc.nat(HOUR_MS),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const talk = new Conversation();
        let nowMs = 0;
        for (const { question, answered, passedMs } of steps) {
          nowMs += passedMs;
          if (answered) talk.answered(question, nowMs);
          else talk.silent(question, nowMs);
          const asked = talk.questions(TABLE, nowMs);
          expect(asked.some(({ role }) => role === "state")).toBe(true);
          expect(names(asked)).toEqual(names(TABLE).filter((name) => names(asked).includes(name)));
        }
      }),
    );
  });

  it("knows each role", () => {
    expect(ROLES).toEqual(["state", "identity", "wear"]);
  });
});
