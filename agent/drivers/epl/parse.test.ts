import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { about, isWholeReport, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);

const metricsOf = (errors: string | null): Readonly<Record<string, unknown>> | "nothing" => {
  const parsed = parse({ errors });
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : "nothing";
};
const FINE = Object.fromEntries(METRICS.map((metric) => [metric, false]));
const noise = fc.string({ unit: "binary", maxLength: 100 });
const endless = noise.map((text) => text.replaceAll("\n", ""));

describe("parse", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.each([
    { code: "07", metric: "media_out" },
    { code: "11", metric: "head_open" },
    { code: "12", metric: "paused" },
    { code: "62", metric: "head_over_temperature" },
    { code: "81", metric: "cutter_fault" },
    { code: "89", metric: "diagnostics_mode" },
    { code: "92", metric: "paused" },
    { code: "99", metric: "recoverable_error" },
    { code: "43", metric: "recoverable_error" },
  ])("$code is $metric, and says nothing of other errors", ({ code, metric }) => {
    expect(metricsOf(`${code}\r\n`)).toEqual({ [metric]: true });
  });

  it.each(["00", "01", "02", "03", "04", "05", "06", "08", "09", "10", "50", "51"])(
    "%s is no fault of the printer",
    (code) => expect(metricsOf(`${code}\r\n`)).toEqual(FINE),
  );

  it("hears all that a printer lists", () => {
    expect(metricsOf("01,07,11\r\n")).toEqual({ media_out: true, head_open: true });
    expect(about({ errors: "01,11,43\r\n" })).toEqual([
      ["error report", "01 syntax error, 11 print head open, 43 error of its own kind"],
    ]);
    expect(about({ errors: null })).toEqual([]);
  });

  it.each([
    { name: "nothing", said: "" },
    { name: "the echo of the question", said: "^ee\r\n" },
    { name: "one digit", said: "7\r\n" },
    { name: "three digits", said: "007\r\n" },
    { name: "no end", said: "00" },
    { name: "an announcement with the labels that remain", said: "\u001507P003\u0013" },
  ])("refuses $name", ({ said }) => {
    expect(metricsOf(said)).toBe("nothing");
    expect(isWholeReport(said)).toBe(false);
  });

  it("never throws, and takes no noise for a report, whatever bytes come", () => {
    fc.assert(
      fc.property(noise, endless, (any, cut) => {
        parse({ errors: any });
        about({ errors: any });
        expect(metricsOf(cut)).toBe("nothing");
      }),
    );
  });

  it("finds the next good report after noise and after one that was cut short, and takes the newest", () => {
    const out = "07,11\r\n";
    fc.assert(
      fc.property(noise, fc.nat(out.length - 1), endless, (before, cut, after) => {
        expect(isWholeReport(out.slice(0, cut))).toBe(false);
        expect(metricsOf(`${before}${out.slice(0, cut)}\r\n00\r\n${after}`)).toEqual(FINE);
      }),
    );
    expect(metricsOf(`00\r\n${out}`)).toEqual({ media_out: true, head_open: true });
    expect(isWholeReport(out)).toBe(true);
  });
});
