/**
 * Pieces of a number whose rest is not there: it was cut between two reads, came before anybody listened, or stands behind
 * something else. A piece has no check digit and no issuer, so only its form tells it: eight digits of some codes look
 * like nothing that a device says. Plain digits look like a serial number; those are masked where a read ends
 * (card-line.ts).
 *
 * Pieces are looked for from six digits on, so that what a cut leaves at either side of what is found is shorter than
 * half a number. Patterns match in linear time, like those of card-forms.ts.
 */

/** `digit` matches once for each digit, or pair of them, that is masked. */
type Piece = { readonly pattern: RegExp; readonly digit: RegExp; readonly digits: 1 | 3 };

const CODED: readonly Piece[] = [
  // Each in two bytes, in either order, with what stands between the fields of a track.
  { pattern: /\0?(?:\d\0(?:[=D^?;\- .\u00a0]\0){0,2}){5,}\d?/g, digit: /\d/g, digits: 1 },
  // Reports of a keyboard: a key's code and what is zero around it, or the number of the report.
  {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
    pattern: /(?:[\x1e-\x27\x59-\x62]\0[\0-\x05]{1,23}){5,}[\x1e-\x27\x59-\x62]?/g,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: key codes are such bytes.
    digit: /[\x1e-\x27\x59-\x62]/g,
    digits: 1,
  },
  // EBCDIC.
  { pattern: /[\u00f0-\u00f9](?:[@`K~\u00c4]{0,2}[\u00f0-\u00f9]){5,}/g, digit: /[\u00f0-\u00f9]/g, digits: 1 },
  // Seven bits and parity, which half of the digits have set: two of six at least.
  {
    pattern: /(?=[\d\u00b0-\u00b9]{6})(?:\d{0,19}[\u00b0-\u00b9]){2,}\d{0,19}/g,
    digit: /[\d\u00b0-\u00b9]/g,
    digits: 1,
  },
  // Digits written as the hex of their codes: twelve hex digits, every second one a 3.
  { pattern: /(?:3\d[ :,-]{0,2}(?:0x|\\x)?){5,}3\d?/g, digit: /3\d?/g, digits: 1 },
  // Base64 of three digits, twice: four places with three, four, ten and ten of 64 signs each.
  {
    pattern: /(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){2,}[A-Za-z0-9+/_-]{0,3}/g,
    digit: /[MNO][DTjz][AEIMQUYcgk][w-z0-5]/g,
    digits: 3,
  },
];

/** The same text with pieces masked that are no text as they stand; for codes as well as for text. */
export const withoutCoded = (text: string): string =>
  CODED.reduce(
    (left, { pattern, digit, digits }) =>
      left.replace(pattern, (piece) => digitsMark(digits * (piece.match(digit) ?? []).length)),
    text,
  );

export const digitsMark = (digits: number): string => `[digits:${digits}]`;

/**
 * Two digits a byte, or a chip's D and a digit; not from within a letter of UTF-8 on. STX and ETX are left out: they begin
 * and end what a device says.
 */
const PACKED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: packed digits are any bytes.
  /(?:(?![\x80-\xbf])|(?<![\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2}))(?:[\0\x01\x04-\x08\x10-\x19 -)0-9@-IP-Y`-ip-y\x80-\x89\x90-\x99]|[\xd0-\xd9](?![\x80-\xbf])){2,}/g;
/** No device says these in a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are.
const NO_TEXT = /[\x07\x08\x12\x14\x16\x18\x19\x80-\x89\x90-\x99\xd0-\xd9]/;
/** These it does: that it has understood, or not; what begins and ends a line's protocol; flow control. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are.
const BESIDE_TEXT = /[\0\x01\x04-\x06\x10\x11\x13\x15\x17]/;
/** Between two texts, these of them only in packed digits. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are.
const WITHIN_NO_TEXT = /[^\0-\x06\x10-\x19][\0\x01\x04\x10\x17]+[^\0-\x06\x10-\x19]/;
/** Half a number, at two digits a byte. */
const HALF_BYTES = 4;

/**
 * What is no text within a row of packed digits in a read of text, from the first such byte to the last: at a read's edge
 * of one byte on, for a read begins and ends wherever the line was cut. What is text at either side of it stays; a device
 * may have begun its answer there.
 */
export const withoutPacked = (read: string): string =>
  read.replace(PACKED, (run, at: number) => {
    const isBinary = Array.from(run, (byte) => NO_TEXT.test(byte) || BESIDE_TEXT.test(byte));
    const [first, last] = [isBinary.indexOf(true), isBinary.lastIndexOf(true)];
    const isHead = isFraming(read.slice(0, at));
    const isAtEdge = isHead || isFraming(read.slice(at + run.length));
    // A line that is opened begins with such a byte now and then.
    if (first < 0 || (isHead && last === 0) || !isPiece(run, last - first, isAtEdge)) return run;
    return `${run.slice(0, first)}${digitsMark(2 * (last - first + 1))}${run.slice(last + 1)}`;
  });

function isPiece(run: string, between: number, isAtEdge: boolean): boolean {
  if (between > 0) return NO_TEXT.test(run) || (isAtEdge && WITHIN_NO_TEXT.test(run));
  return isAtEdge && run.length >= HALF_BYTES && (NO_TEXT.test(run) || WITHIN_NO_TEXT.test(run));
}

const isFraming = (text: string): boolean => ["", "\u0002", "\u0003"].includes(text);
