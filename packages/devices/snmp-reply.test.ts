import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareOids, isWithin, octetsOf, octetsValue } from "./index.ts";

describe("replies", () => {
  it("keep every octet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        expect(Buffer.from(octetsOf(octetsValue(octets)) ?? [])).toEqual(Buffer.from(octets));
      }),
    );
  });

  it.each([
    { a: "1.3.6.1.2", b: "1.3.6.1.10", want: -1 },
    { a: "1.3.6.1", b: "1.3.6.1.1", want: -1 },
    { a: "1.3.6.1.2", b: "1.3.6.1.2", want: 0 },
    { a: "1.3.6.1.2.1", b: "1.3.6.1.2", want: 1 },
  ])("order $a and $b as a walk does", ({ a, b, want }) => {
    expect(compareOids(a, b)).toBe(want);
    expect(isWithin(a, b)).toBe(a !== b && a.startsWith(`${b}.`));
  });
});
