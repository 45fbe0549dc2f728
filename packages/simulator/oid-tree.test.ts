import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { counter32, counter64, gauge, integer, OidTree, row, scalars, text, ticks } from "./oid-tree.ts";

const arcs = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 6 });
const oidText = arcs.map((list) => `1.3.${list.join(".")}`);

describe("OidTree", () => {
  it("orders by number, not by text, and a parent before its children", () => {
    const tree = new OidTree(["1.3.10", "1.3.9", "1.3.9.1", "1.3.100"].map((oid) => ({ oid, value: integer(1) })));
    const walked: string[] = [];
    for (let at = tree.next("1.3"); at !== null; at = tree.next(at.oid)) walked.push(at.oid);
    expect(walked).toEqual(["1.3.9", "1.3.9.1", "1.3.10", "1.3.100"]);
  });

  it("walks every entry once, from anywhere, and ends", () => {
    fc.assert(
      fc.property(fc.uniqueArray(oidText, { maxLength: 40 }), oidText, (oids, from) => {
        const tree = new OidTree(oids.map((oid) => ({ oid, value: integer(1) })));
        const walked: string[] = [];
        for (let at = tree.next("1.2"); at !== null; at = tree.next(at.oid)) walked.push(at.oid);
        expect(new Set(walked)).toEqual(new Set(oids));
        expect(walked).toHaveLength(oids.length);
        expect(tree.next(from)?.oid).not.toBe(from);
        expect(tree.get(from)?.oid ?? null).toBe(oids.includes(from) ? from : null);
      }),
    );
  });

  it("tells a column without that row from an object that is not there", () => {
    const tree = new OidTree(row("1.3.6.1.2.1.2.2.1", 7, { 1: integer(7), 2: text("eth0") }));
    expect([tree.hasBelow("1.3.6.1.2.1.2.2.1.2"), tree.hasBelow("1.3.6.1.2.1.2.2.1.9")]).toEqual([true, false]);
  });
});

describe("values", () => {
  it.each([
    { name: "an integer sticks at 2^31 - 1", value: integer(1e12), want: 2_147_483_647 },
    { name: "an integer sticks at -2^31", value: integer(-1e12), want: -2_147_483_648 },
    { name: "a Counter32 wraps", value: counter32(2 ** 32 + 5), want: 5 },
    { name: "a Gauge32 sticks", value: gauge(2 ** 33), want: 4_294_967_295 },
    { name: "a gauge is not negative", value: gauge(-4), want: 0 },
    { name: "TimeTicks are hundredths of a second and wrap after 497 days", value: ticks(2 ** 32 * 10 + 90), want: 9 },
    { name: "a Counter64 holds what a Counter32 can't", value: counter64(6e12), want: 6_000_000_000_000n },
  ])("$name", ({ value, want }) => expect(value.value).toBe(want));

  it("puts scalars at instance 0 and columns before the index", () => {
    expect(scalars("1.3.6", { 1: integer(4) })[0]?.oid).toBe("1.3.6.1.0");
    expect(row("1.3.6", "2.9", { 5: integer(4) })[0]?.oid).toBe("1.3.6.5.2.9");
  });
});
