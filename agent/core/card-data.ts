/**
 * Card data must not leave the process, not even inside a device's error text, and not stay in it: PCI DSS 3.5.1 counts
 * logs as storage, and a monitor has no business with a card. What comes off a line goes through here before anything
 * else sees it, and once more where free text leaves (details, names, recordings).
 *
 * Found are card numbers (Luhn, issuer ranges and lengths of ISO/IEC 7812), track data, EMV data objects and card
 * holders' names in them, in the forms in which they cross such lines: digits, grouped or not; UTF-16; EBCDIC; hex text;
 * base64; key codes of a keyboard (HID page 7). Neither issuer nor last digits are kept: a mark says what stood there.
 *
 * One in ten random runs of 15 and more digits passes the Luhn check, so some long numbers in free text are lost: the
 * safer mistake. Binary registers must not go through here.
 */
const DIGITS_MIN = 12;
const DIGITS_MAX = 19;
/** An object of a card holder's name; every number is longer. */
const TEXT_MIN = 5;
/** At this length a number is taken for a card's whatever its issuer: fuel, gift and private cards. */
const ANY_ISSUER_MIN = 15;
/** Longer texts are cut: nothing that we read is as long, and the search must stay short. */
const TEXT_MAX = 1_048_576;
/** From this length on a run may hold a number and what stands beside it without a separator. */
const JOINED_MIN = 17;
/** Digits at the very edge of a read that may be the rest of a number, or its beginning. */
const CUT_DIGITS_MIN = 5;

/** Removes card data from a whole text of characters or of bytes (latin1). Redacting twice changes nothing. */
export function redact(text: string): string {
  if (text.length < TEXT_MIN || !MAY_HOLD.test(text)) return text;
  return STEPS.reduce((safe, step) => step(safe), text.slice(0, TEXT_MAX));
}

/** What every form of a card number has twelve of, within what may stand between two of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
const MAY_HOLD = /\d|[\u00f0-\u00f9]{12}|[\u001e-\u0027]|[\u0059-\u0062]|[A-Za-z0-9+/]{16}|[\u005a\u0057]|\u005f\u0020/;

/**
 * The same over the reads of one line, among which a number may be split. Digits that touch the edge of a read are
 * masked when there are enough of them, with those of the read before counted in.
 */
export class LineRedactor {
  /** How many digits stand at the end of what was read so far. */
  #open = 0;

  redact(read: string): string {
    const leading = LEADING.exec(read)?.[0] ?? "";
    const trailing = TRAILING.exec(read)?.[0] ?? "";
    const isOneRun = leading.length === read.length && read.length > 0;
    const before = this.#open;
    const [first, last] = [digitsIn(leading), digitsIn(trailing)];
    this.#open = isOneRun ? Math.min(before + first, DIGITS_MAX) : last;
    if (isOneRun) return before + first >= CUT_DIGITS_MIN ? cutMark(first) : read;
    const from = first > 0 && before + first >= CUT_DIGITS_MIN && before > 0 ? leading.length : 0;
    const to = last >= CUT_DIGITS_MIN ? read.length - trailing.length : read.length;
    const head = from > 0 ? cutMark(first) : "";
    const tail = to < read.length ? cutMark(last) : "";
    return `${head}${redact(read.slice(from, to))}${tail}`;
  }
}

/** With the rest of a track behind it, or its separator. */
const LEADING = /^[=\u00b4D]?(?:\d[ \-.\u00a0\0]{0,2})*(?:[=\u00b4D]\d*[?_]?)?/;
const TRAILING = /\d(?:[ \-.\u00a0\0]{0,2}\d)*[ \-.\u00a0\0]{0,2}[=\u00b4D]?$/;
const cutMark = (digits: number): string => `[digits:${digits}]`;
const digitsIn = (text: string): number => text.replace(/\D/g, "").length;

const panMark = (length: number): string => `[PAN:luhn:len${length}]`;
const TRACK_MARK = "[track]";
const EMV_MARK = "[EMV]";

/**
 * Tracks 1 and 2 with their sentinels, or with what a foreign keyboard layout makes of them: a number, a separator,
 * expiry, service code. Track 2 of a chip has D as its separator.
 */
const TRACK_1 = /[%&\u00a7]?B\d{12,19}[\^&][^^&?_]{2,26}[\^&]\d{4,}[^?_\r\n]{0,60}[?_]?/g;
const TRACK_2 = /[;\u00f6]?(\d{12,19})[=\u00b4D]\d{7,}[?_]?/g;

/**
 * Digits with at most two separators between two of them. A dot counts only between groups of three and more, or every
 * OID in an error text would be a candidate. NUL: UTF-16.
 */
const RUN = /\d(?:[ \-\u00a0\0]{0,2}\d|(?<=\d{3})\.(?=\d{3})\d)+/g;

/** Two hex digits a byte of `0` to `9`, at least twelve of them, with or without something between. */
const HEX_OF_TEXT = /(?<![0-9A-Fa-f])(?:3\d[ :-]?){12,}(?![0-9A-Fa-f])/g;

const EBCDIC = /[\u00f0-\u00f9]{12,}/g;

/** Keys 1 to 0 of the main block and of the keypad, in reports with the other keys up. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
const KEY_CODES = /(?:[\u001e-\u0027\u0059-\u0062][\0-\u0002]{1,16}){12,}/g;

const BASE64 = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,1024}={0,2}(?![A-Za-z0-9+/=])/g;

/** EMV book 3: 5A number, 57 and 9F6B track 2, 56 track 1, 5F20 name; a tag, a length of one byte, the value. */
const EMV_TAGS = ["\u005a", "\u0057", "\u0056", "\u009f\u006b", "\u005f\u0020"];

const STEPS: readonly ((text: string) => string)[] = [
  emv,
  (text) => text.replace(TRACK_1, TRACK_MARK),
  (text) =>
    text.replace(TRACK_2, (track, digits: string) =>
      isCardNumber(digits) || holdsJoined(digits) ? TRACK_MARK : track,
    ),
  (text) => text.replace(HEX_OF_TEXT, (hex) => decoded(hex, hexDigits(hex))),
  (text) => text.replace(RUN, digitRun),
  (text) => text.replace(EBCDIC, (run) => decoded(run, shifted(run, 0xf0))),
  (text) => text.replace(KEY_CODES, (run) => decoded(run, keysTyped(run))),
  (text) => text.replace(BASE64, inBase64),
];

function digitRun(run: string): string {
  const groups = run.split(/\D+/);
  // A number and what the text says before or after it can look like one run: try every row of neighbouring groups.
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (const group of groups.slice(first, first + DIGITS_MAX)) {
      digits += group;
      if (digits.length > DIGITS_MAX) break;
      if (isCardNumber(digits)) return panMark(digits.length);
    }
  }
  return groups.some(holdsJoined) ? panMark(DIGITS_MAX) : run;
}

const decoded = (written: string, digits: string): string =>
  isCardNumber(digits) || holdsJoined(digits) ? panMark(digits.length) : written;

/** Track data without its separators, or a length before the number: it is somewhere in a longer run. */
function holdsJoined(digits: string): boolean {
  if (digits.length < JOINED_MIN) return false;
  for (let start = 0; start + DIGITS_MIN <= digits.length; start++) {
    for (let length = DIGITS_MIN; length <= DIGITS_MAX && start + length <= digits.length; length++) {
      if (isIssued(digits, start, length) && passesLuhn(digits.slice(start, start + length))) return true;
    }
  }
  return false;
}

function isCardNumber(digits: string): boolean {
  const { length } = digits;
  if (length < DIGITS_MIN || length > DIGITS_MAX || !passesLuhn(digits)) return false;
  return length >= ANY_ISSUER_MIN || isIssued(digits, 0, length);
}

type Range = readonly [from: number, to: number, lengthMin: number, lengthMax: number];

/** Issuer ranges by their first four digits, and the lengths that their numbers have. */
const ISSUERS: readonly Range[] = [
  [2200, 2204, 16, 19], // Mir
  [2221, 2720, 16, 16], // Mastercard
  [3000, 3059, 14, 19], // Diners Club
  [3095, 3095, 14, 19],
  [3400, 3499, 15, 15], // American Express
  [3528, 3589, 16, 19], // JCB
  [3600, 3699, 14, 19], // Diners Club
  [3700, 3799, 15, 15], // American Express
  [3800, 3999, 14, 19], // Diners Club
  [4000, 4999, 13, 19], // Visa
  [5000, 5099, 12, 19], // Maestro and national schemes
  [5100, 5599, 16, 16], // Mastercard
  [5600, 5899, 12, 19], // Maestro
  [6000, 6999, 12, 19], // Discover, Maestro, UnionPay, RuPay
  [8100, 8299, 16, 19], // UnionPay, RuPay
];

function isIssued(digits: string, start: number, length: number): boolean {
  const issuer = Number(digits.slice(start, start + 4));
  return ISSUERS.some(([from, to, min, max]) => issuer >= from && issuer <= to && length >= min && length <= max);
}

/** ISO/IEC 7812-1 annex B: from the right, every second digit doubled and its digits summed; the sum ends in 0. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  // All zeros pass the sum and are nobody's card: counters and padding look like that.
  return sum > 0 && sum % 10 === 0;
}

const hexDigits = (hex: string): string => hex.replaceAll(/[^0-9A-Fa-f]/g, "").replaceAll(/3(\d)/g, "$1");

const shifted = (run: string, zero: number): string =>
  Array.from(run, (character) => String(character.charCodeAt(0) - zero)).join("");

/** HID usage tables, page 7: 1E is 1 … 26 is 9, 27 is 0; 59 is keypad 1 … 61 is 9, 62 is 0. */
function keysTyped(run: string): string {
  return Array.from(run, (character) => {
    const code = character.charCodeAt(0);
    const key = code >= 0x59 ? code - 0x59 : code - 0x1e;
    return key >= 0 && key <= 9 ? String((key + 1) % 10) : "";
  }).join("");
}

function inBase64(token: string): string {
  let bytes: string;
  try {
    bytes = atob(token);
  } catch {
    return token;
  }
  const found = [...bytes.matchAll(RUN)].some(([run]) => digitRun(run) !== run) || emv(bytes) !== bytes;
  return found ? `[base64 with ${panMark(DIGITS_MAX).slice(1)}` : token;
}

/** Data objects in plain bytes. A value is one only when it is as a number or a track is, or bytes would be lost. */
function emv(text: string): string {
  let safe = text;
  for (const tag of EMV_TAGS) {
    for (let at = safe.indexOf(tag); at >= 0; at = safe.indexOf(tag, at + 1)) {
      const from = at + tag.length + 1;
      const length = safe.charCodeAt(from - 1);
      const value = safe.slice(from, from + length);
      if (value.length !== length || !isCardObject(tag, value)) continue;
      safe = `${safe.slice(0, from)}${EMV_MARK}${safe.slice(from + length)}`;
    }
  }
  return safe;
}

function isCardObject(tag: string, value: string): boolean {
  if (tag === "\u005f\u0020") return value.length >= 2 && value.length <= 26 && /^[A-Z .'-]+\/[A-Z .'-]*$/.test(value);
  if (tag === "\u0056") return /^B?\d{12,19}\^/.test(value);
  const nibbles = Array.from(value, (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const number = /^(\d{12,19})(?:d\d*)?f?$/.exec(nibbles)?.[1];
  return number !== undefined && isCardNumber(number);
}
