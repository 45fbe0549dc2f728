/**
 * The forms in which text crosses a line other than as itself: where each may begin and end, and what it says when it is
 * read. Whether that is card data is not decided here (card-data.ts). Patterns match in linear time: each repeats one
 * piece whose beginning tells it from what may stand after it.
 */

/** `readings`: what a region may say, by each way to read it. */
export type Form = { readonly pattern: RegExp; readonly readings: (region: string) => readonly string[] };

const bytesOf = (hex: string): string =>
  (hex.match(/../g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16))).join("");

/** Characters that are bytes, or the halves of UTF-16, in either order. */
const UTF16: Form = {
  pattern: /\0?(?:[\x20-\x7e\u00a0]\0){12,}[\x20-\x7e]?/g,
  readings: (region) => [region.replaceAll("\0", "")],
};

/** Two hex digits a byte, with or without something between; it may begin at either half of a byte. */
const HEX: Form = {
  pattern: /[0-9A-Fa-f](?:(?:[ :,-]{1,2}(?:0x|\\x)?|0x|\\x)(?=[0-9A-Fa-f])|[0-9A-Fa-f]){13,}/g,
  readings: (region) => {
    const hex = region.replaceAll(/0x|\\x|[^0-9A-Fa-f]/g, "");
    return [bytesOf(hex), bytesOf(hex.slice(1))];
  },
};

/** Shorter, they hold no number; longer, they are cut into pieces that are read each. */
const BASE64: Form = {
  pattern: /[A-Za-z0-9+/_-]{16,}={0,2}/g,
  // Text may stand before it without anything between: try each of the four places of a group.
  readings: (region) => [0, 1, 2, 3].map((from) => fromBase64(region.replace(/=*$/, "").slice(from))),
};

function fromBase64(token: string): string {
  const whole = token.slice(0, token.length - (token.length % 4 === 1 ? 1 : 0));
  try {
    return atob(whole.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "";
  }
}

/** IBM's code of mainframes and of some controllers: digits F0 to F9, and what may stand among them. */
const EBCDIC_SIGNS: Readonly<Record<string, string>> = {
  "\u0040": " ",
  "\u0060": "-",
  "\u004b": ".",
  "\u007e": "=",
  "\u005e": ";",
  "\u00c4": "D",
};
const EBCDIC: Form = {
  pattern: /[\u00f0-\u00f9](?:[@`K]{0,2}[\u00f0-\u00f9]){11,}(?:[~\u00c4][\u00f0-\u00f9]*)?/g,
  readings: (region) => [
    Array.from(
      region,
      (character) => EBCDIC_SIGNS[character] ?? String.fromCharCode(character.charCodeAt(0) & 0x3f),
    ).join(""),
  ],
};

/** An accent alone (b4) is a German keyboard's separator in a track. */
const WITH_PARITY = /[\u00b0-\u00b3\u00b5-\u00b9]|(?:\u00b4[^\u00b4]*){3}/;

/** Seven bits and parity, as a port that is set to eight bits hands them on: half of the digits have bit 7 set. */
const PARITY: Form = {
  pattern: /[\x20-\x7e\u00a0-\u00fe]{12,}/g,
  readings: (region) =>
    WITH_PARITY.test(region)
      ? [Array.from(region, (character) => String.fromCharCode(character.charCodeAt(0) & 0x7f)).join("")]
      : [],
};

/** Keys of page 7 (HID Usage Tables, section 10) that stand in card data, without and with shift; US layout. */
const KEY_ENTER = 0x28;
const SIGNS: Readonly<Record<number, readonly [plain: string, shifted: string]>> = {
  [KEY_ENTER]: ["\n", "\n"],
  44: [" ", " "],
  45: ["-", "_"],
  46: ["=", "+"],
  51: [";", ":"],
  55: [".", ">"],
  56: ["/", "?"],
  84: ["/", "/"],
  86: ["-", "-"],
  99: [".", "."],
  103: ["=", "="],
};
const SHIFTED_DIGITS = "!@#$%^&*()";
const SHIFT = 0x22;

function keyOf(code: number, shifted: boolean): string {
  if (code >= 0x04 && code <= 0x1d) return String.fromCharCode(code - 0x04 + 0x41);
  if (code >= 0x1e && code <= 0x27) return shifted ? SHIFTED_DIGITS.charAt(code - 0x1e) : String((code - 0x1d) % 10);
  if (code >= 0x59 && code <= 0x62) return String((code - 0x58) % 10);
  return SIGNS[code]?.[shifted ? 1 : 0] ?? "";
}

/** Boot reports of a keyboard: modifiers, 0, the key and those that are still down. */
const KEY_REPORTS: Form = {
  pattern: /(?:[\0-\x23]\0[\0-\x67][\0-\x67]\0{4}){12,}/g,
  readings: (region) => typed(region, 8),
};
/** The same with the report's number before it. */
const NUMBERED_KEY_REPORTS: Form = {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
  pattern: /(?:[\x01-\x05][\0-\x23]\0[\0-\x67][\0-\x67]\0{4}){12,}/g,
  readings: (region) => typed(region, 9),
};

function typed(region: string, reportBytes: number): readonly string[] {
  const keys: string[] = [];
  const changes: string[] = [];
  let held = "";
  for (let at = 0; at + reportBytes <= region.length; at += reportBytes) {
    const report = region.slice(at, at + reportBytes).slice(-8);
    const key = keyOf(report.charCodeAt(2), (report.charCodeAt(0) & SHIFT) !== 0);
    keys.push(key);
    // A key that is held is reported again and again; one that is let go is a report without keys.
    if (report !== held) changes.push(key);
    held = report;
  }
  return [keys.join(""), changes.join("")];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
const KEYS_ALONE = /[\0-\x02\x1e\x1f]/;

/** The same with other lengths of report, a report's number before each, or the codes alone. */
const KEY_CODES: Form = {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
  pattern: /(?:[\x1e-\x27\x59-\x62][\0-\x02]{0,24}){12,}/g,
  // Spaces, lines and other rows of one sign are codes of keys, too: those of 1 and 2, or what is no text, tell them.
  readings: (region) =>
    KEYS_ALONE.test(region) ? [Array.from(region, (one) => keyOf(one.charCodeAt(0), false)).join("")] : [],
};

export const FORMS: readonly Form[] = [
  UTF16,
  NUMBERED_KEY_REPORTS,
  KEY_REPORTS,
  KEY_CODES,
  EBCDIC,
  PARITY,
  HEX,
  BASE64,
];
