import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import { PUBLISHED } from "../../test/rig/specimen-cards.ts";
import { redact, redactHex, redactOctets, redactSerial } from "./card-data.ts";
import { LineRedactor } from "./card-line.ts";

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

const TRACK_2 = `;${VISA}=25121011000012300000?`;
const TRACK_1 = `%B${VISA}^DOE/JANE^25121011000012300000?`;
const hexOf = (bytes: string): string =>
  Array.from(bytes, (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const little = (text: string): string => Array.from(text, (one) => `${one}\0`).join("");
const big = (text: string): string => Array.from(text, (one) => `\0${one}`).join("");
const EBCDIC: Readonly<Record<string, number>> = { ";": 0x5e, "=": 0x7e, "?": 0x6f, " ": 0x40, "-": 0x60 };
const ebcdic = (text: string): string =>
  Array.from(text, (one) => String.fromCharCode(EBCDIC[one] ?? 0xf0 + Number(one))).join("");

/** Seven bits and even (0) or odd (1) parity. */
const withParity = (text: string, parity: 0 | 1): string =>
  Array.from(text, (one) => {
    const ones = one.charCodeAt(0).toString(2).replaceAll("0", "").length;
    return String.fromCharCode(one.charCodeAt(0) | (ones % 2 === parity ? 0 : 0x80));
  }).join("");

/** As a reader that is a keyboard types it, with shift where a US layout has it. */
const KEYS = "1234567890";
function typedText(text: string, { shift = 2, prefix = "" } = {}): string {
  return Array.from(text, (one) => {
    const signs: Readonly<Record<string, readonly [modifier: number, key: number]>> = {
      ";": [0, 0x33],
      "=": [0, 0x2e],
      "?": [shift, 0x38],
      "%": [shift, 0x22],
      "^": [shift, 0x23],
      "/": [0, 0x38],
    };
    const letter: readonly [number, number] = [shift, one.charCodeAt(0) - 0x41 + 4];
    const [modifier, key] = KEYS.includes(one) ? [0, 0x1e + KEYS.indexOf(one)] : (signs[one] ?? letter);
    const down = `${prefix}${String.fromCharCode(modifier, 0, key)}${"\0".repeat(5)}`;
    return `${down}${prefix}${"\0".repeat(8)}`;
  }).join("");
}

/** No eight digits in a row of what was hidden are left, in whatever of these forms. */
function leftOf(safe: string, secret: string): string[] {
  const forms = [
    secret,
    hexOf(secret),
    big(secret),
    little(secret),
    ebcdic(secret),
    typedText(secret),
    packed(secret),
    withParity(secret, 0),
    withParity(secret, 1),
  ];
  return forms.filter(
    (form) => safe.includes(form.slice(0, form.length / 2)) || safe.includes(form.slice(form.length / 2)),
  );
}

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
    { text: "5A084111111111111111", want: "[EMV]" },
    { text: Array.from(VISA).join("\0"), want: "[PAN:luhn:len16]" },
    { text: "34 31 31 31 31 31 31 31 31 31 31 31 31 31 31 31", want: "[PAN:luhn:len16]" },
    { text: `{"data":"${btoa(`;${VISA}=2512101`)}"}`, want: '{"data":"[track]"}' },
    { text: bytesOf(VISA, 0xf0), want: "[PAN:luhn:len16]" },
    { text: `x\x5a\x08${packed(VISA)}y`, want: "x\x5a\x08[EMV]y" },
    { text: `\x57\x13${packed(`${VISA}d25121011000012300000f`)}`, want: "\x57\x13[EMV]" },
    { text: `\x5f\x20\x08DOE/JANE`, want: "\x5f\x20\x08[EMV]" },
  ])("takes out $text", ({ text, want }) => expect(redact(text)).toBe(want));

  it.each([
    { name: "track 1 and 2", text: `${TRACK_1}${TRACK_2}` },
    { name: "a track without its sentinels", text: `${VISA}=25121011000012300000` },
    { name: "a track whose number fails the check", text: ";4111111111111112=25121011000012300000?" },
    { name: "a track of UTF-16", text: little(TRACK_2) },
    { name: "a track of UTF-16, big end first", text: big(TRACK_2) },
    { name: "a grouped number of UTF-16", text: little("4111 1111 1111 1111") },
    { name: "a number with no-break spaces of UTF-8", text: "4111\u00c2\u00a01111\u00c2\u00a01111\u00c2\u00a01111" },
    { name: "a number with en dashes", text: "4111\u20131111\u20131111\u20131111" },
    { name: "a number with tabs", text: "4111\t1111\t1111\t1111" },
    { name: "digits with a dot between any two", text: "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1" },
    { name: "pairs of digits with dots", text: "41.11.11.11.11.11.11.11" },
    { name: "hex of a track", text: hexOf(TRACK_2) },
    { name: "hex of a track, at the other half of a byte", text: `a${hexOf(TRACK_2)}` },
    { name: "hex with colons", text: (hexOf(TRACK_2).match(/../g) ?? []).join(":") },
    { name: "hex with 0x and commas", text: (hexOf(VISA).match(/../g) ?? []).map((pair) => `0x${pair}`).join(",") },
    { name: "hex with \\x", text: (hexOf(VISA).match(/../g) ?? []).map((pair) => `\\x${pair}`).join("") },
    { name: "hex of UTF-16", text: hexOf(little(VISA)) },
    { name: "hex of EMV objects", text: `5A08${VISA}5F24032512315713${VISA}D25121011000012300000F` },
    { name: "EBCDIC", text: ebcdic(`;${VISA}=2512101`) },
    { name: "even parity", text: withParity(`;${VISA}=2512101`, 0) },
    { name: "odd parity", text: withParity("5555 5555 5555 4444", 1) },
    { name: "EBCDIC in groups", text: ebcdic("4111 1111 1111 1111") },
    { name: "base64", text: btoa(TRACK_1) },
    { name: "base64 for URLs, without padding", text: btoa(`x${TRACK_2}`).replaceAll("=", "").replaceAll("/", "_") },
    { name: "base64 behind other text", text: `data:a${btoa(VISA)}` },
    { name: "a track that a keyboard types", text: typedText(TRACK_2) },
    { name: "a track that a keyboard types, right shift", text: typedText(TRACK_1, { shift: 0x20 }) },
    { name: "a track in reports with a number", text: typedText(TRACK_2, { prefix: "\u0001" }) },
    { name: "packed digits", text: `\u0002x${packed(VISA)}\u0003` },
    { name: "packed digits with a pad", text: packed("378282246310005f") },
    { name: "an EMV object with a long length", text: `\u0057\u0081\u0013${packed(`${VISA}d25121011000012300000f`)}` },
    { name: "EMV objects in a template", text: `\u0070\u000a\u005a\u0008${packed(VISA)}` },
    { name: "what the issuer keeps on track 1", text: "\u009f\u001f\u00081100001230" },
  ])("leaves nothing of $name", ({ text }) => {
    const safe = redact(`before ${text} after`);
    expect(leftOf(safe, VISA)).toEqual([]);
    expect(safe).not.toContain("11000012");
    expect(safe).not.toContain("DOE");
    expect(safe).toMatch(/\[(?:PAN:luhn:len\d+|track|EMV)\]/);
  });

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
      fc.property(around, fc.constantFrom(...PUBLISHED), around, (before, number, after) => {
        expect(redact(`${before}${number}${after}`)).toBe(`${before}[PAN:luhn:len${number.length}]${after}`);
      }),
    );
  });

  it("never lets a card number through, whatever stands around it and between its digits", () => {
    const separator = fc.constantFrom("", " ", "-", "\u00a0", "\0");
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom(...PUBLISHED),
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
      fc.constantFrom(...PUBLISHED),
      fc.string({ unit: fc.constantFrom(..."0123456789 -.=?;") }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const once = redact(pieces.join(""));
        expect(redact(once)).toBe(once);
      }),
    );
  });

  it.each([
    "4",
    "4 ",
    "411.",
    "%B4111111111111111^",
    "B4111111111111111^AB",
    "4111111111111111=123456",
    "31",
    "34-",
    "\u00f4",
    "\u001e\0\0\0",
    "\u001e",
    "\0",
    "QUJD",
    "Z",
    "\u0057\u0013\u0041",
    "\u005a\u0008AAAAAAAA",
    "\u005f\u0020\u001aAAAAAAAAAA",
    "1\u00a0\u00a0",
    "A",
    " ",
    "3",
    "\u00b1",
    "12345^",
    "A^",
    "a\u0082",
    "\u0006a",
    "NDk0",
  ])("needs time in proportion to the length of %j again and again", (piece) => {
    // A megabyte; what grows with the square of the length would take minutes.
    const text = `${piece.repeat(1_000_000 / piece.length)}A`;
    const both = (): void => {
      redact(text);
      new LineRedactor().redact(text);
    };
    expect(spent(both).cpuMs).toBeLessThan(20_000);
  });
});

describe("redactOctets", () => {
  it.each([
    { name: "a hardware address of packed digits", octets: packed("501234567898"), safe: true },
    { name: "a date", octets: "\u0007\u00ea\u000b\u0016\u0001\u0010\u0000\u0000+\0\0", safe: true },
    { name: "a list of ports", octets: `\u00ff\u00c0${"\0".repeat(30)}`, safe: true },
    { name: "a serial number of fifteen digits", octets: "356938035643809", safe: true },
    { name: "a card's number", octets: VISA, safe: false },
    { name: "packed digits", octets: packed(VISA), safe: false },
    { name: "a track", octets: `port ${TRACK_2}`, safe: false },
  ])("takes $name as it is: $safe", ({ octets, safe }) => expect(redactOctets(octets) === octets).toBe(safe));
});

describe("redactSerial", () => {
  it.each([
    { serial: "99J204500217", want: "99J204500217" },
    { serial: "356938035643809", want: "356938035643809" },
    { serial: "000000000000000", want: "000000000000000" },
    { serial: VISA, want: "[PAN:luhn:len16]" },
    { serial: "4111 1111 1111 1111", want: "[PAN:luhn:len16]" },
    { serial: `SN ${VISA}`, want: "SN [PAN:luhn:len16]" },
  ])("makes $want of $serial", ({ serial, want }) => expect(redactSerial(serial)).toBe(want));
});

describe("redactHex", () => {
  it.each([
    { hex: "010304526657077566", want: "010304526657077566" },
    { hex: hexOf(VISA), want: "[PAN:luhn:len16]" },
    { hex: hexOf(little(TRACK_2)), want: "[track]" },
  ])("makes $want of $hex", ({ hex, want }) => expect(redactHex(hex)).toBe(want));
});

/** Is it seen that something is cut between these reads? */
function isSeenCut(reads: readonly string[]): boolean {
  const line = new LineRedactor();
  for (const read of reads) line.redact(read);
  return line.holdsCut;
}

describe("a number that is cut", () => {
  it.each([
    { name: "digits", text: VISA },
    { name: "a track", text: TRACK_2 },
    { name: "hex", text: hexOf(VISA) },
    { name: "UTF-16", text: little(VISA) },
    { name: "EBCDIC", text: ebcdic(VISA) },
    { name: "even parity", text: withParity(VISA, 0) },
    { name: "base64", text: btoa(VISA) },
    { name: "key codes", text: typedText(VISA) },
  ])("is seen wherever: $name", ({ text }) => {
    for (let cut = 1; cut < text.length; cut++) {
      const pieces = [text.slice(0, cut), text.slice(cut)];
      const left = isSeenCut(pieces) ? [] : leftOf(pieces.map(redact).join(""), VISA);
      expect(left, String(cut)).toEqual([]);
    }
  });

  it("is not seen in replies that belong to nobody's card", () => {
    expect(isSeenCut(["\u0002030,0,0\u0003\r\n", "S S     100.00 g\r\n", '"313247 INCHES"'])).toBe(false);
  });
});
