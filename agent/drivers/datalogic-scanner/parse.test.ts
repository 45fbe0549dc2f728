import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { about, isWholeFrame, keepHealth, keepIdentity, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const framed = (...items: string[]): string => `\u0001\u0002${items.join("\r")}\u0003\u0004`;
const HEALTHY = framed("mOK", "hOK");
const FAILED = framed("mOK", "hFAIL");
const SCANS = ["F5901234123457\r", "A036000291452\r", "MILK-1234\r", "S12345\r", "R40112345678901231\r", "OK\r"];

const faultOf = (said: string): unknown => {
  const parsed = parse({ health: keepHealth(said) });
  return parsed.ok ? parsed.value.samples[0]?.metrics["hardware_fault"] : "nothing";
};

describe("parse", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.each([
    { name: "all well", said: HEALTHY, fault: false },
    { name: "a laser failed", said: FAILED, fault: true },
    { name: "nothing is known", said: framed("mNA", "hNA"), fault: undefined },
    { name: "lines of an older model", said: "mOK\rhFAIL\r", fault: true },
    { name: "the newest of two frames", said: FAILED + HEALTHY, fault: false },
    { name: "noise", said: "hello\r\n", fault: "nothing" },
    { name: "an answer to something else", said: framed("MX", "SY"), fault: "nothing" },
  ])("takes for a fault: $name", ({ said, fault }) => expect(faultOf(said)).toBe(fault));

  it("says which part it is", () => {
    expect(about({ health: FAILED })).toEqual([
      ["motor", "OK"],
      ["horizontal laser", "FAIL"],
    ]);
  });
});

describe("keep", () => {
  it.each(SCANS)("drops the scan %j from an answer with a frame", (scan) => {
    expect(keepHealth(`${scan}${HEALTHY}${scan}`)).toBe(HEALTHY);
    const identity = framed("M9400i", "SE1", "RDR1");
    expect(keepIdentity(`${scan}${identity}${scan}`)).toBe(identity);
  });

  it.each(SCANS)("drops the scan %j from an answer without one, or what could be either", (scan) => {
    expect(keepHealth(`mOK\r${scan}hOK\r`)).toBe(HEALTHY);
    const kept = keepIdentity(`M9400i\r${scan}SE1\rRDR1\r`);
    expect(kept).not.toContain(scan.trim());
  });

  it("gives up a letter that came twice: a scan may be one of them", () => {
    expect(keepIdentity("M9400i\rSE1\rS4006381333931\r")).toBe(framed("M9400i"));
  });

  it("finds the next good frame after noise and after one that was cut short", () => {
    const noise = fc.string({ unit: "binary", maxLength: 100 });
    fc.assert(
      fc.property(noise, fc.nat(FAILED.length - 1), (before, cut) => {
        expect(isWholeFrame(before + HEALTHY)).toBe(true);
        expect(faultOf(before + FAILED.slice(0, cut) + HEALTHY)).toBe(false);
      }),
    );
  });

  it("never throws, and keeps no more than it knows", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (said) => {
        void parse({ health: said, identity: said });
        expect(keepHealth(said).length).toBeLessThanOrEqual(said.length + 4);
      }),
    );
  });
});
