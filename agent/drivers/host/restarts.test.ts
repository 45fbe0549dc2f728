import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Restarts, stepRestarts } from "./restarts.ts";

const counted = (looks: readonly (readonly number[])[]): number =>
  looks.reduce<Restarts | null>((state, pids) => stepRestarts(state, pids), null)?.count ?? 0;

describe("restarts", () => {
  it.each([
    { name: "one that runs on", looks: [[1], [1], [1]], want: 0 },
    { name: "started again between two looks", looks: [[1], [2]], want: 1 },
    { name: "away for a while, then back", looks: [[1], [], [], [3]], want: 1 },
    { name: "its first start", looks: [[], [1]], want: 0 },
    { name: "a second instance", looks: [[1], [1, 2]], want: 0 },
    {
      name: "one of two workers replaced",
      looks: [
        [1, 2],
        [1, 3],
      ],
      want: 1,
    },
    {
      name: "both replaced, twice",
      looks: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      want: 4,
    },
    { name: "fewer from now on", looks: [[1, 2], [1]], want: 0 },
  ])("$name", ({ looks, want }) => expect(counted(looks)).toBe(want));

  it("are never more than what went, nor than what came, and never fewer than before", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(6), { maxLength: 4 }), { minLength: 1, maxLength: 12 }), (looks) => {
        let state: Restarts | null = null;
        let before: readonly number[] = [];
        let [went, came] = [0, 0];
        for (const pids of looks) {
          if (state !== null) {
            went += [...new Set(before)].filter((pid) => !pids.includes(pid)).length;
            came += [...new Set(pids)].filter((pid) => !before.includes(pid)).length;
          }
          const next: Restarts = stepRestarts(state, pids);
          expect(next.count).toBeGreaterThanOrEqual(state === null ? 0 : state.count);
          expect(next.count).toBeLessThanOrEqual(Math.min(went, came));
          state = next;
          before = pids;
        }
      }),
    );
  });
});
