import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDetail, writeDetail } from "./record.ts";
import type { FaultRecord } from "./types.ts";

const recordOf = (detail: Readonly<Record<string, unknown>>): FaultRecord => ({
  ...{ v: 1, rule: "r", ruleVersion: "1", state: "firing", severity: "major", detail },
  subject: { site: "s", device: "d", component: null },
});

const hold = { since: 1, gatheredMs: 0, frozenAt: null };
const WHOLE = {
  ...{
    conditions: "abc",
    level: 0,
    onset: 1,
    steps: [hold, { ...hold, since: null }],
    clear: hold,
    unknownSince: null,
  },
  ...{ recent: [1, 2], isFlapping: false, isUnproved: true, code: 5, stale: false, suppressedBy: null },
  ...{ inactiveHours: false, maintenance: null, answeredAt: 7, streaks: [] },
};

describe("what was kept of a fault", () => {
  it("is read as it is", () => expect(readDetail(recordOf(WHOLE))).toEqual(WHOLE));

  it("has the keys that it lacked in an earlier version", () => {
    const { recent: _recent, maintenance: _maintenance, isFlapping: _isFlapping, ...earlier } = WHOLE;
    expect(readDetail(recordOf(earlier))).toEqual({ ...WHOLE, recent: [] });
  });

  it("leaves out what is as usual, and has it when it is read", () => {
    const usual = { ...WHOLE, clear: { since: null, gatheredMs: 0, frozenAt: null }, recent: [], isUnproved: false };
    const written = writeDetail(usual);
    expect(Object.keys(written).sort()).toEqual(["answeredAt", "code", "conditions", "level", "onset", "steps"]);
    for (const detail of [usual, WHOLE]) {
      expect(readDetail(recordOf(JSON.parse(JSON.stringify(writeDetail(detail)))))).toEqual(detail);
    }
  });

  it("has its streaks", () => {
    const streaks = [{ metric: "up", at: 1, value: 0, streak: 3 }];
    expect(readDetail(recordOf({ ...WHOLE, streaks }))).toEqual({ ...WHOLE, streaks });
  });

  const odd = fc.oneof(
    fc.constantFrom(null, undefined, -1, 1.5, 4, Number.NaN, Number.POSITIVE_INFINITY, "", "x", true, [], {}, [null]),
    fc.constantFrom([hold, hold, hold, hold, hold], { ...hold, more: 1 }, { ...hold, gatheredMs: -1 }, [
      { ...hold, since: "" },
    ]),
    fc.constantFrom(
      Array.from({ length: 101 }, () => 1),
      [{ metric: "up" }],
      ["1"],
      2 ** 60,
    ),
  );

  it("is refused when one key is what it can't be, and never read as something else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(WHOLE)), odd, (name, value) => {
        const record = recordOf({ ...WHOLE, [name]: value });
        // With a streak it is not plainly whole, so the schema is asked.
        const bySchema = readDetail(recordOf({ ...record.detail, streaks: name === "streaks" ? value : [PROBE] }));
        const read = readDetail(record);
        if (read === null || name === "streaks") expect(bySchema).toEqual(read);
        else expect(bySchema).toEqual({ ...read, streaks: [PROBE] });
      }),
      { numRuns: 2_000 },
    );
  });
});

const PROBE = { metric: "up", at: 1, value: 0, streak: 3 };
