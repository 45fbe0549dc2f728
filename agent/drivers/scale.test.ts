/** What holds for every dialect of scales, and for what they share. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import * as sics from "./mt-sics/parse.ts";
import * as nci from "./nci/parse.ts";
import { kilogramsOf, scaleMetrics, scaleOptions, sevenBitReadings } from "./scale.ts";
import * as sma from "./sma/parse.ts";
import * as toledo from "./toledo-8217/parse.ts";
import * as lines from "./weight-lines/parse.ts";

const OPTIONS = { zero_window_kilograms: 0.02, unit: "kg" } as const;

type Dialect = {
  readonly name: string;
  readonly understand: (said: string) => ReturnType<typeof toledo.parse>;
  readonly isWhole: (said: string) => boolean;
  readonly still: string;
  readonly moving: string;
};
const DIALECTS: readonly Dialect[] = [
  {
    name: "toledo_8217",
    understand: (weight) => toledo.parse({ weight }, OPTIONS),
    isWhole: toledo.isWhole,
    still: "\u000204.235\r",
    moving: "\u0002?A\r",
  },
  {
    name: "mt_sics",
    understand: (weight) => sics.parse({ weight }, OPTIONS),
    isWhole: sics.isWholeWeight,
    still: "S S      4.235 kg\r\n",
    moving: "S D      4.235 kg\r\n",
  },
  {
    name: "nci",
    understand: (weight) => nci.parse({ weight }, OPTIONS),
    isWhole: nci.isWhole,
    still: "\n04.235KG\r\n0p0\r\u0003",
    moving: "\n04.235KG\r\n1p0\r\u0003",
  },
  {
    name: "sma",
    understand: (weight) => sma.parse({ weight }, OPTIONS),
    isWhole: sma.isWholeWeight,
    still: "\n 1G       4.235kg \r",
    moving: "\n 1GM      4.235kg \r",
  },
  {
    name: "weight_lines",
    understand: (said) => lines.parse({ lines: said }, OPTIONS),
    isWhole: lines.isEnough,
    still: "+04235.0 G S\r\n",
    moving: "+04235.0 G U\r\n",
  },
];

const noise = fc.string({ unit: fc.constantFrom("\u0000", "\u0007", "~", "#", "\u007f", "x"), maxLength: 80 });

describe.each(DIALECTS)("$name", ({ understand, isWhole, still, moving }) => {
  const stable = (said: string): unknown => {
    const parsed = understand(said);
    return parsed.ok ? parsed.value.samples[0]?.metrics["weight_stable"] : "nothing";
  };

  it("takes the newest of several answers", () => {
    expect([stable(still + moving), stable(moving + still)]).toEqual([false, true]);
  });

  it("finds the next good answer after noise and after one that was cut short", () => {
    fc.assert(
      fc.property(noise, fc.nat(moving.length - 3), noise, (before, cut, after) => {
        // A line end parts what was lost from what comes: without it two answers are one that neither scale sent.
        expect(stable(`${before}${moving.slice(0, cut)}\r\n${still}${after}`)).toBe(true);
      }),
    );
  });

  it("says nothing that the scale did not send, wherever the bytes are cut", () => {
    for (let at = 0; at <= still.length; at++) {
      expect(["nothing", true]).toContain(stable(still.slice(0, at)));
      expect(["nothing", true]).toContain(stable(still.slice(at)));
    }
  });

  it("is whole at its end and not before, in whatever pieces it comes", () => {
    for (let end = 0; end < still.length - 1; end++) expect(isWhole(still.slice(0, end))).toBe(false);
    expect(isWhole(still)).toBe(true);
  });

  it("is read through a port that hands the parity bits on", () => {
    for (const parity of [0, 1])
      expect([stable(withParity(still, parity)), stable(withParity(moving, parity))]).toEqual([true, false]);
  });

  it("never throws, whatever bytes come, and never tells the weight", () => {
    const pieces = fc.oneof(
      fc.constantFrom(still, moving, "\u0002", "\r\n", "S S ", "\n"),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (texts) => {
        const parsed = understand(texts.join(""));
        isWhole(texts.join(""));
        const metrics = parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : {};
        for (const [name, value] of Object.entries(metrics)) {
          if (typeof value === "number")
            expect([name, Math.abs(value) <= 0.02]).toEqual(["zero_drift_kilograms", true]);
        }
      }),
    );
  });

  it("takes a kilobyte of one character in a moment", () => {
    const all = (): void => {
      for (const character of [" ", "\r", "\n", "0", "S", "\u0002"]) understand(character.repeat(1_024));
    };
    expect(spent(all).cpuMs).toBeLessThan(500);
  });
});

describe("an empty pan", () => {
  const at = (grossKilograms: number | null, stable = true) =>
    scaleMetrics({ stable, grossKilograms }, OPTIONS)["zero_drift_kilograms"];

  it.each([
    { kilograms: 0, drift: 0 },
    { kilograms: -0, drift: 0 },
    { kilograms: 0.005, drift: 0.005 },
    { kilograms: -0.02, drift: -0.02 },
    { kilograms: 0.0200001, drift: undefined },
    { kilograms: 1.2, drift: undefined },
    { kilograms: null, drift: undefined },
  ])("that shows $kilograms kg has drifted by $drift", ({ kilograms, drift }) => {
    expect(at(kilograms)).toBe(drift);
  });

  it("is none while it moves", () => {
    expect(at(0.005, false)).toBeUndefined();
  });
});

describe("the window around zero", () => {
  it.each([
    { written: undefined, read: 0.02 },
    { written: 0, read: 0 },
    { written: 1, read: 1 },
    { written: -0.001, read: null },
    { written: 1.001, read: null },
  ])("written as $written is $read kg", ({ written, read }) => {
    const parsed = scaleOptions.zero_window_kilograms.safeParse(written);
    expect(parsed.success ? parsed.data : null).toBe(read);
  });
});

describe("kilogramsOf", () => {
  it.each([
    { shown: "1.5", unit: "kg", kilograms: 1.5 },
    { shown: "-  450", unit: "g", kilograms: -0.45 },
    { shown: "1", unit: "LB", kilograms: 0.45359237 },
    { shown: "10.30", unit: "GN", kilograms: 0.000667428 },
    { shown: "2500000", unit: "mg", kilograms: 2.5 },
    { shown: "0.0125", unit: "t", kilograms: 12.5 },
    { shown: "16", unit: "oz", kilograms: 0.45359237 },
    { shown: "5000", unit: "ct", kilograms: 1 },
    { shown: "1.5", unit: " kg ", kilograms: 1.5 },
    { shown: "1234567890", unit: "g", kilograms: null },
    { shown: "12", unit: "PC", kilograms: null },
    { shown: "------", unit: "kg", kilograms: null },
    { shown: "1.2.3", unit: "kg", kilograms: null },
  ])("reads $shown $unit", ({ shown, unit, kilograms }) => {
    const read = kilogramsOf(shown, unit);
    if (kilograms === null) expect(read).toBeNull();
    else expect(read).toBeCloseTo(kilograms, 8);
  });
});

describe("seven bits with parity", () => {
  it("are read with even and with odd parity, and a damaged character is none", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)) }),
        (text) => {
          for (const parity of [0, 1]) expect(sevenBitReadings(withParity(text, parity))).toContain(text);
        },
      ),
    );
    // "4" with a wrong bit, "2" with the right one.
    expect(sevenBitReadings("\u0034\u00b2")[1]).toBe("\u00ff2");
  });
});

function withParity(text: string, parity: number): string {
  return [...text]
    .map((character) => {
      const code = character.charCodeAt(0);
      const ones = code.toString(2).replaceAll("0", "").length;
      return String.fromCharCode(ones % 2 === parity ? code : code | 0x80);
    })
    .join("");
}
