import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { treeOf } from "./incident-tree.ts";

const one = (id: string, parent: string | null = null) => ({ id, parent });
const shown = (incidents: readonly { id: string; parent: string | null }[]) =>
  treeOf(incidents).map(({ incident, depth }) => `${"-".repeat(depth)}${incident.id}`);

describe("the list of incidents as a tree", () => {
  it.each([
    { name: "keeps the order of those that stand for themselves", list: [one("b"), one("a")], tree: ["b", "a"] },
    { name: "sets consequences below their cause", list: [one("c", "a"), one("b"), one("a")], tree: ["b", "a", "-c"] },
    { name: "as deep as they hang", list: [one("a"), one("c", "b"), one("b", "a")], tree: ["a", "-b", "--c"] },
    { name: "leaves those alone whose cause is not in it", list: [one("b", "x"), one("a")], tree: ["b", "a"] },
  ])("$name", ({ list, tree }) => expect(shown(list)).toEqual(tree));

  it("has everything that it was given, once", () => {
    const parents = fc.array(fc.option(fc.nat(20)), { maxLength: 12 });
    fc.assert(
      fc.property(parents, (above) => {
        // Each hangs below an earlier one, if any: then there is no circle.
        const list = above.map((parent, n) => one(`${n}`, parent === null || parent >= n ? null : `${parent}`));
        expect(new Set(treeOf(list).map(({ incident }) => incident.id))).toEqual(new Set(list.map(({ id }) => id)));
      }),
    );
  });
});
