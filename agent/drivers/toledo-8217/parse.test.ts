import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { isWhole, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const OPTIONS = { zero_window_kilograms: 0.02, unit: "kg" } as const;

describe("parse", () => {
  itReadsEachOf(CASES, (answers, options) => parse(answers, { ...OPTIONS, ...options }), METRICS);

  it.each([
    { name: "nothing", said: "" },
    { name: "a weight without its end", said: "\u000201.485" },
    { name: "a weight without its beginning", said: "01.485\r" },
    { name: "a status without its fixed bit", said: "\u0002?!\r" },
    { name: "letters for a weight", said: "\u0002ab.cde\r" },
    { name: "the answer of an NCI scale", said: "\n01.485KG\r\n0p0\r\u0003" },
  ])("refuses $name", ({ said }) => {
    expect([isWhole(said), parse({ weight: said }, OPTIONS).ok]).toEqual([false, false]);
  });

  it.each([
    { bit: 0, metrics: { weight_stable: false } },
    { bit: 1, metrics: { over_capacity: true } },
    { bit: 2, metrics: { under_zero: true } },
    { bit: 3, metrics: { zero_required: true } },
    { bit: 4, metrics: { weight_at_zero: true } },
  ])("knows status bit $bit", ({ bit, metrics }) => {
    const weight = `\u0002?${String.fromCharCode(0x40 | (1 << bit))}\r`;
    expect(parse({ weight }, OPTIONS)).toMatchObject({ value: { samples: [{ metrics }] } });
  });
});
