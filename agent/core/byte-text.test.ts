import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOfHex, escaped, harmless, hexDump, hexOf } from "./byte-text.ts";

const bytes = fc.uint8Array({ maxLength: 200 }).map((some) => String.fromCharCode(...some));

describe("bytes of a line", () => {
  it.each([
    { name: "a frame", text: "\u0002030,0\u0003\r\n", want: "\\x02030,0\\x03\\r\\n" },
    { name: "a terminal's orders", text: "\u001b]0;x\u0007\u009b2J", want: "\\x1b]0;x\\x07\\x9b2J" },
    { name: "a backslash", text: "a\\x02", want: "a\\\\x02" },
    { name: "high bytes", text: "\u00e4\u00ff", want: "\\xe4\\xff" },
  ])("are shown as text: $name", ({ text, want }) => {
    expect(escaped(text)).toBe(want);
  });

  it("reach a terminal as printed ASCII only, and two that differ look different", () => {
    fc.assert(
      fc.property(bytes, bytes, (one, two) => {
        expect(escaped(one)).toMatch(/^[\x20-\x7e]*$/);
        expect(escaped(one) === escaped(two)).toBe(one === two);
        for (const line of hexDump(one)) expect(line).toMatch(/^[\x20-\x7e]{1,80}$/);
      }),
    );
  });

  it("come back from hex", () => {
    fc.assert(
      fc.property(bytes, (some) => {
        expect(bytesOfHex(hexOf(some))).toBe(some);
      }),
    );
    expect([bytesOfHex("0"), bytesOfHex("0g"), bytesOfHex("")]).toEqual([null, null, ""]);
  });
});

it("leaves letters of a device's text and nothing that moves a cursor or turns the direction of reading", () => {
  expect(harmless("Bäckerei\u001b[2J \u202eevil\u2028x\ud800")).toBe(
    "Bäckerei\\x1b[2J \\u{202e}evil\\u{2028}x\\u{d800}",
  );
});
