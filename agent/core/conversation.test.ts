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
