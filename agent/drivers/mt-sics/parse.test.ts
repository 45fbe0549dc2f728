import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { isWholeIdentity, isWholeWeight, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const OPTIONS = { zero_window_kilograms: 0.02 };

describe("parse", () => {
  itReadsEachOf(CASES, (answers, options) => parse(answers, { ...OPTIONS, ...options }), METRICS);

  it.each([
    { name: "nothing", said: "" },
    { name: "a weight without its end", said: "S S     100.00 g" },
    { name: "a weight without its beginning", said: "S     100.00 g\r\n" },
    { name: "an answer to another question", said: 'I4 A "0123456789"\r\n' },
    { name: "a display without a number", said: "S S     ------ g\r\n" },
  ])("refuses $name", ({ said }) => {
    expect([isWholeWeight(said), parse({ weight: said }, OPTIONS).ok]).toEqual([false, false]);
  });

  it("says that the scale refused the question, and does not wait for more", () => {
    expect(isWholeWeight("ES\r\n")).toBe(true);
    expect(parse({ weight: "ES\r\n" }, OPTIONS)).toEqual({ ok: false, error: { detail: "SI refused: ES" } });
  });

  it.each([
    { said: 'I4 A "0123"\r\n', whole: true },
    { said: 'I4 A "0123', whole: false },
    { said: "I4 I\r\n", whole: true },
    { said: "ES\r\n", whole: true },
    { said: 'I3 A "1.0"\r\n', whole: false },
  ])("waits for I4 itself: $said", ({ said, whole }) => {
    expect(isWholeIdentity("I4")(said)).toBe(whole);
  });
});
