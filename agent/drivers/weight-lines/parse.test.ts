import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { isEnough, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const json = <T>(url: URL): T => JSON.parse(readFileSync(url, "utf8")) as T;
const RECORDED = ["kern-ew6200", "ascii-gg"].map(
  (name) => new URL(`../../../../shared/devices/captures/scales/${name}.json`, import.meta.url),
);
type Frame = { readonly text: string; readonly unit?: string };
type Recording = {
  readonly frames?: readonly Frame[];
  readonly captures?: readonly { readonly frames: readonly Frame[] }[];
};
const CAPTURES = RECORDED.filter((url) => existsSync(url)).map((url) => json<Recording>(url));
if (CAPTURES.length === 0 && process.env["CI"]) throw new Error("../shared/devices is missing");
if (CAPTURES.length === 0)
  process.stderr.write("weight-lines: skipped the recordings, ../shared/devices is not there\n");

function linesOf({
  frames = [],
  captures = [],
}: Recording): readonly { readonly text: string; readonly unit: string }[] {
  return [...frames, ...captures.flatMap(({ frames: of }) => of)].map(({ text }) => ({
    text,
    unit: /[A-Za-z]{1,2}/.exec(text)?.[0] ?? "",
  }));
}
const OPTIONS = { zero_window_kilograms: 0.02 };

describe("parse", () => {
  itReadsEachOf(CASES, (answers, options) => parse(answers, { ...OPTIONS, ...options }), METRICS);

  it.skipIf(CAPTURES.length === 0)("reads every line of the recordings of real scales", () => {
    for (const { text, unit } of CAPTURES.flatMap(linesOf)) {
      const parsed = parse({ lines: text }, OPTIONS);
      const stable = / ([SU])\r\n$/.exec(text)?.[1];
      const shown = Number(text.replaceAll(/[^\d.]/g, ""));
      const sign = text.startsWith("-") ? -1 : 1;
      const drift =
        stable === "S" && unit === "G" && shown <= 20 ? { zero_drift_kilograms: (sign * shown) / 1_000 + 0 } : {};
      expect(parsed, text).toEqual({
        ok: true,
        value: {
          samples: [
            {
              component: null,
              metrics: {
                ...(stable !== undefined && { weight_stable: stable === "S" }),
                ...(unit !== "PC" && { weight_at_zero: shown === 0 }),
                ...drift,
              },
            },
          ],
        },
      });
    }
  });

  it.each([
    { name: "nothing", said: "" },
    { name: "a line without its end", said: "+0026.90 G S" },
    { name: "the end of a line, whose first digits may be lost", said: "6.90 G S\r\n" },
    { name: "text", said: "OVERLOAD\r\nERROR 4\r\n" },
    { name: "text around a weight", said: " total +0026.90 G S\r\n" },
    { name: "a weight and text", said: "+0026.90 G S of it\r\n" },
    { name: "text around a headed weight", said: "+ST,GS,   1.240,kg\r\n" },
    { name: "a headed weight and text", said: "ST,GS,   1.240,kg each\r\n" },
    { name: "text around a header beyond the range", said: " SOL,\r\n" },
    { name: "a header with a long text behind it", said: `OL,${"-".repeat(33)}\r\n` },
    { name: "more digits than a scale shows", said: "+123456789 G S\r\n" },
  ])("refuses $name", ({ said }) => {
    expect([isEnough(said), parse({ lines: said }, OPTIONS).ok]).toEqual([false, false]);
  });

  const rest = { weight_stable: true, weight_at_zero: false };
  const inRange = { over_capacity: false, under_zero: false };
  it.each([
    { name: "a decimal comma", said: "+0026,90 G S\r\n", metrics: rest },
    { name: "lines that end in LF alone", said: "+0500.00 G S\n", metrics: rest },
    { name: "Ohaus moving", said: "    123.4 g ?   \r\n", metrics: { ...rest, weight_stable: false } },
    {
      name: "Sartorius, net, at zero",
      said: "N     +    0.00 g  \r\n".repeat(2),
      metrics: { ...rest, weight_at_zero: true },
    },
    {
      name: "CAS with its number and lamps",
      said: "US,GS,1\u0084,+  1.240kg\r\n",
      metrics: { ...rest, ...inRange, weight_stable: false },
    },
    { name: "a comma before the unit", said: "ST,GS,   1.240,kg\r\n", metrics: { ...rest, ...inRange } },
    { name: "A&D under zero", said: "OL,-9999999E+19\r\n", metrics: { over_capacity: false, under_zero: true } },
    {
      name: "under zero by its header",
      said: "UL,GS,-------kg\r\n",
      metrics: { over_capacity: false, under_zero: true },
    },
  ])("reads $name", ({ said, metrics }) => {
    expect(parse({ lines: said }, OPTIONS)).toEqual({ ok: true, value: { samples: [{ component: null, metrics }] } });
  });

  it.each([
    { name: "a line with a flag", said: "+0026.90 G S\r\n", enough: true },
    { name: "a line with a header", said: "ST,GS,   1.240,kg\r\n", enough: true },
    { name: "a header beyond the range", said: "OL,-9999999E+19\r\n", enough: true },
    { name: "a line without either", said: "    10.30 GN\r\n", enough: false },
  ])("knows when it has heard enough: $name", ({ said, enough }) => expect(isEnough(said)).toBe(enough));

  it("believes the newest of two lines", () => {
    const [moving, still] = ["+0026.90 G U\r\n", "+0026.90 G S\r\n"];
    const stable = (lines: string): unknown => {
      const parsed = parse({ lines }, OPTIONS);
      return parsed.ok && parsed.value.samples[0]?.metrics["weight_stable"];
    };
    expect([stable(moving + still), stable(still + moving)]).toEqual([true, false]);
  });

  it("waits for a second line when the first has no flag", () => {
    const line = "    10.30 GN\r\n";
    expect([isEnough(line), isEnough(line + line)]).toEqual([false, true]);
  });
});
