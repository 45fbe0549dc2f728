import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineRedactor, redact } from "./card-data.ts";

/** Numbers that the networks publish for tests. */
const NUMBERS = [
  "4111111111111111",
  "5555555555554444",
  "378282246310005",
  "6011111111111117",
  "3566002020360505",
  "6205500000000000004",
  "30569309025904",
  "4222222222222",
  "2223003122003222",
];
const VISA = "4111111111111111";

const bytesOf = (digits: string, zero: number): string =>
  Array.from(digits, (digit) => String.fromCharCode(zero + Number(digit))).join("");
const packed = (hex: string): string =>
  (hex.match(/../g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16))).join("");
/** As a keyboard sends them: a report with the key down, one with it up. */
const typed = (digits: string): string =>
  Array.from(
    digits,
    (digit) => `\0\0${String.fromCharCode(digit === "0" ? 0x27 : 0x1d + Number(digit))}\0\0\0\0\0${"\0".repeat(8)}`,
  ).join("");

describe("redact", () => {
  it.each([
    { text: "read 4111111111111111 from the line", want: "read [PAN:luhn:len16] from the line" },
    { text: "4111 1111 1111 1111", want: "[PAN:luhn:len16]" },
    { text: "5555-5555-5555-4444", want: "[PAN:luhn:len16]" },
    { text: "3782 822463 10005", want: "[PAN:luhn:len15]" },
    { text: "6205.5000.0000.0000.004", want: "[PAN:luhn:len19]" },
    { text: "3566\u00a00020\u00a02036\u00a00505", want: "[PAN:luhn:len16]" },
    { text: "lane 12 4111 1111 1111 1111 ok", want: "lane [PAN:luhn:len16] ok" },
    { text: ";4111111111111111=25121011000012300000?", want: "[track]" },
    { text: "\u00f64111111111111111\u00b425121011000012300000_", want: "[track]" },
    { text: "%B4111111111111111^DOE/JANE^2512101100000?;4111111111111111=2512101?", want: "[track][track]" },
    { text: "4111111111111111D25121011000012300000F", want: "[track]F" },
    { text: "4111111111111111251210110000123", want: "[PAN:luhn:len19]" },
    { text: "41111111111111112222222222222", want: "[PAN:luhn:len19]" },
    { text: "5A084111111111111111", want: "5A[PAN:luhn:len19]" },
    { text: Array.from(VISA).join("\0"), want: "[PAN:luhn:len16]" },
    { text: "34 31 31 31 31 31 31 31 31 31 31 31 31 31 31 31", want: "[PAN:luhn:len16]" },
    { text: `{"data":"${btoa(`;${VISA}=2512101`)}"}`, want: '{"data":"[base64 with PAN:luhn:len19]"}' },
    { text: bytesOf(VISA, 0xf0), want: "[PAN:luhn:len16]" },
    { text: `x\x5a\x08${packed(VISA)}y`, want: "x\x5a\x08[EMV]y" },
    { text: `\x57\x13${packed(`${VISA}d25121011000012300000f`)}`, want: "\x57\x13[EMV]" },
    { text: `\x5f\x20\x08DOE/JANE`, want: "\x5f\x20\x08[EMV]" },
  ])("takes out $text", ({ text, want }) => expect(redact(text)).toBe(want));

  it("takes out what a keyboard types", () => expect(redact(typed(VISA))).toMatch(/^\0*\[PAN:luhn:len16\]\0*$/));

  it.each([
    { name: "an OID", text: "OID 1.3.6.1.2.1.43.11.1.1.9.1.1" },
    { name: "a number that fails the check", text: "4111111111111112" },
    { name: "zeros", text: "0000000000000000" },
    { name: "ones", text: "11111111111111111111111111111" },
    { name: "an address and a time", text: "10.11.12.13:9100: ECONNREFUSED after 5000 ms" },
    {
      name: "a host status",
      text: "\x02030,0,0,1225,000,0,0,0,000,0,0,0\x03\r\n\x02001,0,0,0,1,2,6,0,00000003,1,000\x03\r\n",
    },
    { name: "an error status", text: "ERRORS: 1 00000000 00010003 WARNINGS: 0 00000000 00000000" },
    { name: "a serial number", text: '"D8J194201234"' },
    { name: "an odometer", text: '"313247 INCHES, 795649 CENTIMETERS"' },
    { name: "a weight", text: "S S     100.00 g\r\n" },
    { name: "a base64 of something else", text: btoa("nothing of interest here") },
    { name: "nothing", text: "" },
  ])("leaves $name alone", ({ text }) => expect(redact(text)).toBe(text));

  it("finds a card number wherever it stands, and leaves the rest alone", () => {
    const around = fc.string().filter((text) => !/[\d\u00a0 .=D\0B;%&^+/-]/.test(text));
    fc.assert(
      fc.property(around, fc.constantFrom(...NUMBERS), around, (before, number, after) => {
        expect(redact(`${before}${number}${after}`)).toBe(`${before}[PAN:luhn:len${number.length}]${after}`);
      }),
    );
  });

  it("never lets a card number through, whatever stands around it and between its digits", () => {
    const separator = fc.constantFrom("", " ", "-", "\u00a0", "\0");
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom(...NUMBERS),
        fc.array(separator, { minLength: 19, maxLength: 19 }),
        fc.string({ unit: "binary" }),
        (before, number, between, after) => {
          const written = Array.from(number, (digit, n) => `${n === 0 ? "" : between[n]}${digit}`).join("");
          expect(redact(`${before}${written}${after}`)).not.toContain(written);
        },
      ),
    );
  });

  it("changes nothing the second time", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(...NUMBERS),
      fc.string({ unit: fc.constantFrom(..."0123456789 -.=?;") }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const once = redact(pieces.join(""));
        expect(redact(once)).toBe(once);
      }),
    );
  });

  it("needs no long time for a megabyte of digits", () => {
    expect(redact("4".repeat(200_000)).length).toBeLessThanOrEqual(200_000);
  });
});

describe("LineRedactor", () => {
  const track = `;${VISA}=25121011000012300000?`;

  it.each(NUMBERS)("lets no more than four digits of %s through, wherever two reads or three cut it", (number) => {
    for (let one = 1; one < number.length; one++) {
      for (let two = one; two < number.length; two++) {
        const line = new LineRedactor();
        const reads = [number.slice(0, one), number.slice(one, two), number.slice(two)].map((read) =>
          line.redact(read),
        );
        const digits = reads
          .join("")
          .replaceAll(/\[[^\]]*\]/g, "")
          .replaceAll(/\D/g, "");
        expect(digits.length, `${one} ${two}`).toBeLessThanOrEqual(4);
      }
    }
  });

  it("lets no number through of a track that is cut anywhere", () => {
    for (let at = 1; at < track.length; at++) {
      const line = new LineRedactor();
      const safe = `${line.redact(track.slice(0, at))}${line.redact(track.slice(at))}`;
      expect(safe, String(at)).not.toMatch(/\d{13}/);
      expect(safe, String(at)).not.toContain(VISA.slice(0, 8));
    }
  });

  it("passes replies with a frame as they are", () => {
    const line = new LineRedactor();
    const reply = "\x02030,0,0,1225,000,0,0,0,000,0,0,0\x03\r\n";
    for (let n = 0; n < 3; n++) expect(line.redact(reply)).toBe(reply);
    expect(line.redact('"313247"')).toBe('"313247"');
  });
});
