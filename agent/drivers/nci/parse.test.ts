import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { isWhole, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const OPTIONS = { zero_window_kilograms: 0.02 };

describe("parse", () => {
  itReadsEachOf(CASES, (answers, options) => parse(answers, { ...OPTIONS, ...options }), METRICS);

  it.each([
    { name: "nothing", said: "" },
    { name: "a weight alone", said: "\n00.000KG\r" },
    { name: "one byte of status", said: "\n0\r\u0003" },
    { name: "a status without its fixed bits", said: "\nab\r\u0003" },
    { name: "a status without its end", said: "\n0p0\r" },
  ])("refuses $name", ({ said }) => {
    expect([isWhole(said), parse({ weight: said }, OPTIONS).ok]).toEqual([false, false]);
  });

  it.each([
    { name: "the status that came with the weight", weight: "\n00.000KG\r\n1p0\r\u0003", stable: false },
    { name: "the status alone where the weight had none", weight: "\n00.000KG\r", stable: true },
    { name: "the status alone where the weight is not known", weight: "\n?\r\u0003", stable: true },
  ])("believes $name", ({ weight, stable }) => {
    const parsed = parse({ weight, status: "\n0p0\r\u0003" }, OPTIONS);
    expect(parsed).toMatchObject({ value: { samples: [{ metrics: { weight_stable: stable } }] } });
  });

  it.each([
    { name: "text before it", shown: "x00.005KG" },
    { name: "text behind it", shown: "00.005KG x" },
    { name: "more than a display shows", shown: "00000000000000.005KG" },
  ])("takes no weight from what has $name", ({ shown }) => {
    const parsed = parse({ weight: `\n${shown}\r\n0p0\r\u0003` }, OPTIONS);
    expect(parsed.ok && parsed.value.samples[0]?.metrics).not.toHaveProperty("zero_drift_kilograms");
  });

  it("says how much came when there is no status in it", () => {
    expect(parse({ weight: "\n?\r", status: "12" }, OPTIONS)).toEqual({
      ok: false,
      error: { detail: "no status in 5 bytes" },
    });
  });

  it.each([
    { status: "1p0", metrics: { weight_stable: false } },
    { status: "2p0", metrics: { weight_at_zero: true } },
    { status: "4p0", metrics: { hardware_fault: true } },
    { status: "8p0", metrics: { hardware_fault: true } },
    { status: "0q0", metrics: { under_zero: true } },
    { status: "0r0", metrics: { over_capacity: true } },
    { status: "0t0", metrics: { hardware_fault: true } },
    { status: "0x0", metrics: { calibration_required: true } },
    { status: "0p8", metrics: { zero_required: true } },
  ])("knows the status $status", ({ status, metrics }) => {
    expect(parse({ weight: `\n${status}\r\u0003` }, OPTIONS)).toMatchObject({ value: { samples: [{ metrics }] } });
  });
});
