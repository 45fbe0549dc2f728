import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { isWholeAbout, isWholeWeight, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const OPTIONS = { zero_window_kilograms: 0.02 };

describe("parse", () => {
  itReadsEachOf(CASES, (answers, options) => parse(answers, { ...OPTIONS, ...options }), METRICS);

  it.each([
    { name: "nothing", said: "" },
    { name: "a weight without its end", said: "\nZ1G       0.000kg " },
    { name: "a weight that lost a character", said: "\nZ1G      0.000kg \r" },
    { name: "an unknown status", said: "\nX1G       0.000kg \r" },
    { name: "a line about the scale", said: "\nMFG:Avery Weigh-Tronix\r" },
  ])("refuses $name", ({ said }) => {
    expect([isWholeWeight(said), parse({ weight: said }, OPTIONS).ok]).toEqual([false, false]);
  });

  it.each([
    { name: "gross", mode: "G", drift: { zero_drift_kilograms: 0.005 } },
    { name: "gross in high resolution", mode: "g", drift: { zero_drift_kilograms: 0.005 } },
    { name: "net: no zero of the pan", mode: "N", drift: {} },
    { name: "net in high resolution", mode: "n", drift: {} },
  ])("reads a weight that is $name", ({ mode, drift }) => {
    const parsed = parse({ weight: `\n 1${mode}       0.005kg \r` }, OPTIONS);
    const sound = { under_zero: false, over_capacity: false, zero_required: false };
    const metrics = { weight_stable: true, weight_at_zero: false, ...sound, ...drift };
    expect(parsed).toEqual({ ok: true, value: { samples: [{ component: null, metrics }] } });
  });

  it("tells who the scale is by what its lines say, without the blanks around it", () => {
    const weight = "\nZ1G       0.000kg \r";
    const reply = { weight, about: "\nMFG: Avery \r", aboutMaker: "\nMOD:  \r", aboutModel: "\nXYZ:1\r" };
    expect(parse(reply, OPTIONS)).toMatchObject({ value: { asset: { vendor: "Avery" } } });
    expect(parse({ weight }, OPTIONS)).not.toHaveProperty("value.asset");
  });

  it("says how much came when it was no weight", () => {
    expect(parse({ weight: "\nhello\r" }, OPTIONS)).toEqual({ ok: false, error: { detail: "no weight in 7 bytes" } });
  });

  it("says that the scale refused the question, and does not wait for more", () => {
    expect(isWholeWeight("\n?\r")).toBe(true);
    expect(parse({ weight: "\n?\r" }, OPTIONS)).toEqual({ ok: false, error: { detail: "W refused" } });
  });

  it("takes a refusal for a whole answer to a question about itself", () => {
    expect(["\nSMA:2/1.0\r", "\n?\r", "\nSMA:2/1.0"].map(isWholeAbout)).toEqual([true, true, false]);
  });
});
