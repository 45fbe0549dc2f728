import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Truth } from "./fault.ts";
import { SPELLS_MAX, Spells } from "./spells.ts";

const MINUTE = 60_000;

/** One letter a minute: 1 true, 0 false, _ unknown. */
function told(letters: string, spanMs = 60 * MINUTE): Spells {
  const spells = new Spells(spanMs);
  for (const [i, letter] of [...letters].entries()) {
    spells.note(i * MINUTE, letter === "_" ? 2 : letter === "1" ? 1 : 0);
  }
  return spells;
}

describe("time_where", () => {
  it.each([
    { name: "while it holds, time passes", letters: "1111111111", span: 10, want: 9 },
    { name: "what was before the window is not in it", letters: "1111111111", span: 4, want: 4 },
    { name: "what ended counts as far as it is in it", letters: "1111100000", span: 6, want: 2 },
    { name: "of some spells the sum", letters: "0110110100", span: 9, want: 5 },
    { name: "a gap is neither", letters: "11__110000", span: 9, want: 4 },
    { name: "unknown for half of the window is unknown", letters: "1____10", span: 6, want: Number.NaN },
    { name: "unknown now is unknown", letters: "111111111_", span: 6, want: Number.NaN },
    { name: "too short a past is unknown", letters: "111", span: 6, want: Number.NaN },
    { name: "never noted is unknown", letters: "", span: 6, want: Number.NaN },
  ])("$name", ({ letters, span, want }) => {
    const seconds = told(letters).seconds(Math.max(0, letters.length - 1) * MINUTE, span * MINUTE);
    expect(seconds).toEqual(want * 60);
  });

  it("time goes on between readings", () => {
    expect(told("0001").seconds(5 * MINUTE, 5 * MINUTE)).toBe(120);
  });

  it("of one instant the last counts, and what comes late does not", () => {
    const spells = told("0001");
    spells.note(3 * MINUTE, 0);
    spells.note(MINUTE, 1);
    expect(spells.seconds(6 * MINUTE, 6 * MINUTE)).toBe(0);
  });

  const truths = fc.array(
    fc.record({ gapMs: fc.integer({ min: 1, max: 60_000 }), truth: fc.constantFrom<Truth>(0, 1, 2) }),
    { minLength: 1, maxLength: 1_000, size: "max" },
  );

  it("says the same as a plain list: exactly up to SPELLS_MAX changes, and to a tenth of the window beyond", () => {
    fc.assert(
      fc.property(truths, fc.integer({ min: 1_000, max: 20_000_000 }), (list, spanMs) => {
        const spells = new Spells(20_000_000);
        let at = 0;
        const runs = list.map(({ gapMs, truth }) => {
          at += gapMs;
          spells.note(at, truth);
          return { at, truth };
        });
        const start = at - spanMs;
        let [trueMs, knownMs] = [0, 0];
        for (const [i, run] of runs.entries()) {
          const width = Math.max(0, (runs[i + 1]?.at ?? at) - Math.max(run.at, start));
          if (run.truth === 1) trueMs += width;
          if (run.truth !== 2) knownMs += width;
        }
        const got = spells.seconds(at, spanMs);
        const isExact = runs.filter((run, i) => i > 0 && run.truth !== runs[i - 1]?.truth).length < SPELLS_MAX;
        const slackMs = isExact ? 1e-6 : spanMs / 10;
        const isUnknown = runs.at(-1)?.truth === 2 || knownMs < spanMs / 2;
        if (!Number.isNaN(got)) expect(Math.abs(got * 1000 - trueMs)).toBeLessThanOrEqual(slackMs);
        if (isExact || runs.at(-1)?.truth === 2) expect(Number.isNaN(got)).toBe(isUnknown);
        const copy = new Spells(20_000_000);
        copy.resume(spells.kept());
        expect(copy.seconds(at, spanMs)).toEqual(got);
        expect(spells.bytes).toBeLessThanOrEqual(SPELLS_MAX * 24);
      }),
    );
  });
});
