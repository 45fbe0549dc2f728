/**
 * What may be kept of one conversation on a line, in which a card's number may be cut anywhere: between reads, between the
 * answers to two questions, by what was read and thrown away, or by the moment at which somebody began to listen or ended.
 *
 * Two things hold, whatever was cut where:
 *
 * - Of each reply, what is whole card data is taken out, and so is what may be a piece of it: in a code that no device
 *   speaks, anywhere (card-pieces.ts); of plain digits, and of packed digits in text, where they touch the read's edge,
 *   with those of the read before counted in.
 * - All that came is looked at once more as one text, in the order in which it came. When that holds card data which the
 *   reads by themselves do not, a piece may have been taken for something else by chance, so nothing may be kept.
 *
 * What passes: seven digits in a row and fewer, and packed digits that are text as they stand.
 */
import { redact, redactAcross, redactCodes } from "./card-data.ts";
import { DIGITS_MAX } from "./card-number.ts";
import { digitsMark, withoutCoded, withoutPacked } from "./card-pieces.ts";

/** A poll of fifty questions whose answers are as long as a line lets them be. More is no conversation. */
const CAME_CHARS_MAX = 262_144;

/** Digits at the very edge of a read that may be the rest of a number, or its beginning. */
const CUT_DIGITS_MIN = 5;
/** The rest of a number or track whose beginning came before anybody listened: long, or with a track's signs. */
const UNSEEN_DIGITS_MIN = 8;
const UNSEEN = /[=\u00b4D^][ \-.\u00a0\0]{0,2}\d{4}|\d[?_]$/;

export class LineRedactor {
  readonly #replies: "text" | "codes";
  readonly #came: string[] = [];
  #cameChars = 0;
  /** How many digits stand at the end of what was read so far. */
  #open = 0;

  /** In `codes` a byte that looks like a digit is a row of bits, so that a few in a row are no piece of a number. */
  constructor(replies: "text" | "codes" = "text") {
    this.#replies = replies;
  }

  /** What may be kept of a reply, of a character a byte. */
  redact(read: string): string {
    this.dropped(read);
    return this.#replies === "codes" ? this.#ofCodes(read) : this.#ofText(read);
  }

  /** It came and is in no reply, but may be half of what the next reply begins with. */
  dropped(read: string): void {
    this.#cameChars += read.length;
    if (read.length > 0 && this.#cameChars <= CAME_CHARS_MAX) this.#came.push(read);
  }

  /** Is there card data in all that came which is cut, or more than can be looked at? Then none of it may be kept. */
  get holdsCut(): boolean {
    if (this.#cameChars > CAME_CHARS_MAX) return true;
    const clean = this.#replies === "codes" ? redactCodes : redactAcross;
    return this.#came.length > 1 && clean(this.#came.join("")) !== this.#came.map(clean).join("");
  }

  #ofCodes(read: string): string {
    const isLong = (digits: number): boolean => digits >= UNSEEN_DIGITS_MIN;
    return withoutEdges(withoutCoded(redactCodes(read)), { isRest: isLong, isBeginning: isLong });
  }

  #ofText(read: string): string {
    const before = this.#open;
    const leading = leadingDigits(read);
    const digits = digitsIn(leading);
    const isOneRun = leading.length === read.length && read.length > 0;
    this.#open = isOneRun ? Math.min(before + digits, DIGITS_MAX) : digitsIn(trailingDigits(read));
    if (isOneRun) return before + digits >= CUT_DIGITS_MIN ? digitsMark(digits) : read;
    const isRest = (first: number, edge: string): boolean =>
      before > 0 ? before + first >= CUT_DIGITS_MIN : first >= UNSEEN_DIGITS_MIN || UNSEEN.test(edge);
    const isBeginning = (last: number): boolean => last >= CUT_DIGITS_MIN;
    return withoutPacked(withoutEdges(withoutCoded(redact(read)), { isRest, isBeginning }));
  }
}

type Edges = {
  /** Are so many digits at the beginning the rest of a number? */
  readonly isRest: (digits: number, edge: string) => boolean;
  /** Are so many at the end the beginning of one? */
  readonly isBeginning: (digits: number) => boolean;
};

function withoutEdges(read: string, { isRest, isBeginning }: Edges): string {
  const leading = leadingDigits(read);
  const first = digitsIn(leading);
  const from = first > 0 && isRest(first, leading) ? leading.length : 0;
  const rest = read.slice(from);
  const trailing = trailingDigits(rest);
  const last = digitsIn(trailing);
  const to = isBeginning(last) ? rest.length - trailing.length : rest.length;
  return `${from > 0 ? digitsMark(first) : ""}${rest.slice(0, to)}${to < rest.length ? digitsMark(last) : ""}`;
}

/**
 * What a number or a track is made of, its beginning and separators and a name between two of them included. Of what
 * stands behind a name that was cut nothing is left here: `redact` knows it anywhere.
 */
const LEADING = /^(?:[%&\u00a7]?B|[;\u00f6])?(?:[\d=\u00b4D?_ \t\-.\u00a0\0]|\^(?:[^^\r\n]{2,26}\^)?)*/;
const NOT_OF_IT = /[^\d?_]+$/;

/** From the beginning of a read to the last digit, or sentinel, of what may be the rest of a number. */
const leadingDigits = (read: string): string => (LEADING.exec(read)?.[0] ?? "").replace(NOT_OF_IT, "");

/** What may end a read within a number or track; longer ends are looked at in part, which masks no less. */
const TRAILING_MAX = 256;
const TRAILING = /\d(?:[ \t\-.\u00a0\0=\u00b4D^]{0,2}\d)*[ \t\-.\u00a0\0]{0,2}[=\u00b4D?_]?$/;
const DIGITS_TO_THE_END = /\d+$/;

function trailingDigits(read: string): string {
  const end = TRAILING.exec(read.slice(-TRAILING_MAX))?.[0] ?? "";
  // All of a long run, too: a part of it would be a number.
  return end.length < TRAILING_MAX ? end : (DIGITS_TO_THE_END.exec(read)?.[0] ?? end);
}

const digitsIn = (text: string): number => text.replace(/\D/g, "").length;
