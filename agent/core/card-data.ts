/**
 * Card data must not leave the process, not even inside a device's error text, and not stay in it: PCI DSS 3.5.1 counts
 * logs as storage, and a monitor has no business with a card. What comes off a line goes through here before anything
 * else sees it, and once more where free text leaves (details, names, recordings, logs).
 *
 * Found are card numbers (Luhn, issuer ranges and lengths of ISO/IEC 7812), track data, EMV data objects and card
 * holders' names in them, in the forms in which they cross such lines: digits, grouped or not; packed digits; and, as
 * card-forms.ts has them, UTF-16, EBCDIC, hex text, base64, and what a keyboard's reports type. Neither issuer nor last
 * digits are kept: a mark says what stood there.
 *
 * One in ten random runs of 15 and more digits passes the Luhn check, so some long numbers in free text are lost: the
 * safer mistake. Binary registers must not go through here.
 */
import { FORMS } from "./card-forms.ts";
import { DIGITS_MAX, DIGITS_MIN, holdsJoined, isCardNumber, isIssuedNumber } from "./card-number.ts";

/** An object of a card holder's name; every number is longer. */
const TEXT_MIN = 5;
/** Longer texts are cut: nothing that we read is as long, and the search must stay short. */
const TEXT_MAX = 1_048_576;

/** Removes card data from a whole text of characters or of bytes (latin1). Redacting twice changes nothing. */
export const redact = (text: string): string => packed(redactCodes(text));

/** The same over the reads of one conversation put together, in which frames meet that look like packed digits. */
export const redactAcross = (text: string): string => packed(redactCodes(text), FRAMES);

/** The same for bytes that are codes: packed digits are not looked for, for any row of small codes looks like them. */
export function redactCodes(text: string): string {
  if (text.length < TEXT_MIN) return text;
  return plain(FORMS.reduce(inForm, text.slice(0, TEXT_MAX)));
}

/** A text that is a number by nature: of digits alone only what an issuer's range has, too. */
export function redactSerial(text: string): string {
  if (!/^\d+$/.test(text)) return redact(text);
  return isIssuedNumber(text) ? panMark(text.length) : text;
}

/** A text of a reply that may be bytes as hex: of a row of hex digits it is what they say that counts. */
export function redactField(text: string): string {
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(text)) return redactCodes(text);
  const safe = redactHex(text);
  return safe === text && /^\d+$/.test(text) ? redactSerial(text) : safe;
}

/** Longer than a hardware address, which may be packed digits by chance. */
const OCTETS_MIN = 7;

/** Octets of SNMP, as latin1: text in any form, a number, or bits. */
export function redactOctets(octets: string): string {
  if (octets.length < OCTETS_MIN) return octets;
  return /^\d+$/.test(octets) ? redactSerial(octets) : redact(octets);
}

/** Bytes as hex, which are not digits: what they say counts, and not how they are written. */
export function redactHex(hex: string): string {
  const bytes = (hex.match(/../g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16))).join("");
  const safe = redactCodes(bytes);
  return safe === bytes ? hex : (safe.match(MARKS) ?? []).join("");
}

const panMark = (length: number): string => `[PAN:luhn:len${length}]`;
const TRACK_MARK = "[track]";
const EMV_MARK = "[EMV]";
const MARKS = /\[(?:PAN:luhn:len\d+|track|EMV)\]/g;

function inForm(text: string, { pattern, readings }: (typeof FORMS)[number]): string {
  return text.replace(pattern, (region) => {
    for (const reading of readings(region)) {
      const safe = plain(reading);
      if (safe !== reading) return (safe.match(MARKS) ?? []).join("");
    }
    return region;
  });
}

const plain = (text: string): string => dotted(runs(tracks(emv(text))));

/**
 * Track 1 with its sentinels, or with what a foreign keyboard layout makes of them: a number, a name, expiry, service
 * code. Without a name as well.
 */
const TRACK_1 = /[%&\u00a7]?B\d{12,19}[\^&][^^&?_]{0,26}[\^&]\d{4,}[^?_\r\n]{0,80}[?_]?/g;
/** The same when it is cut: from within the number or the name on, or up to there. */
const TRACK_1_BEGINNING = /(?:[%&\u00a7]?B)?\d{5,19}\^[A-Za-z .'/-]{0,26}(?:\^[^?_\r\n]{0,80}[?_]?)?/g;
const TRACK_1_REST = /(?:\d{1,19}\^)?[A-Za-z .'/-]{0,26}\^\d{7,}[^?_\r\n]{0,80}[?_]?/g;
/** Track 2 of a chip has D as its separator, a German keyboard an accent. */
const TRACK_2 = /([;\u00f6]?)(\d{12,19})([=\u00b4D])(\d*)[?_]?/g;
/** Expiry and service code: with these behind it and a separator that is none of a number's, it is a track in any case. */
const TRACK_REST_MIN = 7;

function tracks(text: string): string {
  return text
    .replace(TRACK_1, TRACK_MARK)
    .replace(TRACK_1_BEGINNING, TRACK_MARK)
    .replace(TRACK_1_REST, TRACK_MARK)
    .replace(TRACK_2, (track, start: string, digits: string, separator: string, rest: string) => {
      const isTrack = rest.length >= TRACK_REST_MIN && (start !== "" || separator !== "D");
      return isTrack || isCardNumber(digits) || holdsJoined(digits) ? TRACK_MARK : track;
    });
}

/**
 * Digits with at most two separators between two of them, each with the NUL of UTF-16 around it. A dot counts only
 * between groups of three and more, or every OID in an error text would be a candidate. Â: a no-break space in UTF-8.
 */
const RUN = /\d(?:\0?(?:[ \t\-\u00a0\u00c2\u2007\u2009\u2010-\u2013\u202f]\0?){0,2}\d|(?<=\d{3})\.(?=\d{3})\d)+/g;

const runs = (text: string): string => text.replace(RUN, digitRun);

function digitRun(run: string): string {
  const groups = run.split(/\D+/);
  // A number and what the text says before or after it can look like one run: try every row of neighbouring groups.
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (const group of groups.slice(first, first + DIGITS_MAX)) {
      digits += group;
      if (digits.length > DIGITS_MAX) break;
      if (isIssuedNumber(digits)) return panMark(digits.length);
    }
  }
  // Groups of other lengths, of no issuer, are a device's counters and words of status.
  if (groups.length === 1 || groups.slice(0, -1).every(({ length }) => length === GROUP_DIGITS)) {
    const digits = groups.join("");
    if (isCardNumber(digits)) return panMark(digits.length);
  }
  const single = groups.find((group) => isCardNumber(group) || holdsJoined(group));
  return single === undefined ? run : panMark(Math.min(single.length, DIGITS_MAX));
}

/** As numbers are grouped on cards. */
const GROUP_DIGITS = 4;

/** One digit or two between dots, as nobody writes a version, an address or an OID of this length. */
const DOTTED = /(?<![\d.])\d{1,2}(?:\.\d{1,2}){5,18}(?![\d.])/g;

function dotted(text: string): string {
  return text.replace(DOTTED, (run) => {
    const groups = run.split(".");
    const isEven = groups.slice(0, -1).every(({ length }) => length === groups[0]?.length);
    const digits = groups.join("");
    return isEven && isIssuedNumber(digits) ? panMark(digits.length) : run;
  });
}

/** Two digits a byte, the last one padded with F or followed by a track's D. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: packed digits are any bytes.
const PACKED = /[\0-\x09\x10-\x19 -)0-9@-IP-Y`-ip-y\x80-\x89\x90-\x99]{6,}[\s\S]?/g;
const PACKED_NIBBLES_MAX = DIGITS_MAX + 1;
/** Text is packed digits by chance, and numbers have most of their bytes outside of it. */
const NO_TEXT_MIN = 3;

/** STX and ETX. */
const FRAMES: readonly number[] = [0x02, 0x03];

/** `known`: bytes of no text that are none of a number's either. */
function packed(text: string, known: readonly number[] = []): string {
  return text.replace(PACKED, (run) => {
    if (textless(run, known) < NO_TEXT_MIN) return run;
    const digits = nibbles(run);
    for (let from = 0; from + DIGITS_MIN <= digits.length; from += 2) {
      for (let length = DIGITS_MIN; length < PACKED_NIBBLES_MAX && from + length <= digits.length; length++) {
        const isPadded = length % 2 === 0 || /[df]/.test(digits.charAt(from + length));
        if (!isPadded || !isIssuedNumber(digits.slice(from, from + length))) continue;
        if (textless(run.slice(from / 2, (from + length) / 2), known) >= NO_TEXT_MIN) return panMark(length);
      }
    }
    return run;
  });
}

function textless(bytes: string, known: readonly number[]): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes.charCodeAt(at);
    if (known.includes(code)) continue;
    if (code < 0x20 ? code !== 9 && code !== 10 && code !== 13 : code >= 0x80) count++;
  }
  return count;
}

const nibbles = (bytes: string): string =>
  Array.from(bytes, (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");

/**
 * EMV book 3: 5A number, 57 and 9F6B track 2, 56 track 1, 5F20 name, 9F1F and 9F20 what issuers keep on the tracks
 * beside them. A tag, a length of BER (one byte, or 81 and one), the value.
 */
const EMV_TAGS = ["\u005a", "\u0057", "\u0056", "\u009f\u006b", "\u005f\u0020", "\u009f\u001f", "\u009f\u0020"];
const EMV_BYTES_MAX = 127;
/** Of track 2, and of what is beside a number there (EMV book 3, annex A). */
const PACKED_TRACK_BYTES_MAX = 19;

/** Data objects in plain bytes. A value is one only when it is as a number or a track is, or bytes would be lost. */
function emv(text: string): string {
  let safe = "";
  let copied = 0;
  for (const { index } of text.matchAll(EMV_BEGIN)) {
    const object = index < copied ? null : objectAt(text, index);
    if (object === null) continue;
    safe += `${text.slice(copied, object.from)}${EMV_MARK}`;
    copied = object.to;
  }
  return copied === 0 ? text : safe + text.slice(copied);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: tags are bytes.
const EMV_BEGIN = /[ZWV]|\u009f[k\u001f\u0020]|_\u0020/g;

function objectAt(text: string, at: number): { readonly from: number; readonly to: number } | null {
  const tag = EMV_TAGS.find((one) => text.startsWith(one, at));
  if (tag === undefined) return null;
  const lengthAt = at + tag.length;
  const isLong = text.charCodeAt(lengthAt) === 0x81;
  const from = lengthAt + (isLong ? 2 : 1);
  const length = text.charCodeAt(from - 1);
  if (!(length > 0 && length <= EMV_BYTES_MAX)) return null;
  const value = text.slice(from, from + length);
  return value.length === length && isCardObject(tag, value) ? { from, to: from + length } : null;
}

function isCardObject(tag: string, value: string): boolean {
  if (tag === "\u005f\u0020") return /^[A-Z][A-Z .'-]*\/[A-Z .'-]*$/.test(value) && value.length <= 26;
  if (tag === "\u0056") return /^B?\d{12,19}\^/.test(value);
  if (tag === "\u009f\u001f") return /^[\d ]{5,}$/.test(value);
  if (value.length > PACKED_TRACK_BYTES_MAX) return false;
  const digits = nibbles(value);
  if (tag === "\u009f\u0020") return /^\d{9,}f?$/.test(digits);
  const [, number = "", rest = ""] = /^(\d{12,19})(d\d*)?f*$/.exec(digits) ?? [];
  return rest.length > TRACK_REST_MIN || isCardNumber(number);
}
