/**
 * Card data of nobody's card: three numbers in every form in which a device may say them, and what must then be found
 * nowhere. Shared by the tests of what takes card data out.
 */
import fc from "fast-check";

/** Of an issuer's range each, with digits whose pieces are unlikely to stand anywhere by chance. */
const VISA = withCheckDigit("492973180645827");
const MASTERCARD = withCheckDigit("222304719285366");
const AMEX = withCheckDigit("37801492058194");
export const NUMBERS = [VISA, MASTERCARD, AMEX];
/** Those that the networks publish for tests. */
export const PUBLISHED = [
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
export const NAME = "SPECIMEN/ANNEKE";
/** What a bank puts on a track behind expiry and service code. */
export const DISCRETIONARY = "9073165824";
const EXPIRY_AND_SERVICE = "27121011";

function withCheckDigit(digits: string): string {
  const luhn = (number: string): number =>
    [...number].reverse().reduce((sum, one, at) => {
      const doubled = at % 2 === 0 ? Number(one) : Number(one) * 2;
      return sum + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
  return [..."0123456789"].map((last) => digits + last).find((number) => luhn(number) % 10 === 0) ?? "";
}

const latin1 = (...bytes: number[]): string => String.fromCharCode(...bytes);
export const hexOf = (bytes: string): string => Buffer.from(bytes, "latin1").toString("hex");
export const packed = (digits: string): string =>
  Buffer.from(digits.length % 2 === 0 ? digits : `${digits}f`, "hex").toString("latin1");
export const wide = (number: string, order: "little" | "big"): string =>
  Array.from(number, (one) => (order === "little" ? `${one}\0` : `\0${one}`)).join("");
export const ebcdic = (digits: string): string => Array.from(digits, (one) => latin1(0xf0 + Number(one))).join("");
/** As a keyboard reports them: a key down, all keys up. */
export const typed = (digits: string): string =>
  Array.from(digits, (one) => `\0\0${latin1(one === "0" ? 0x27 : 0x1d + Number(one))}${"\0".repeat(13)}`).join("");
export const grouped = (number: string, between: string): string => (number.match(/.{1,4}/g) ?? []).join(between);
const spaced = (hex: string): string => hex.replaceAll(/..(?=.)/g, "$& ");

/** All that a device may say with a number in it. */
const pours = (number: string): readonly string[] => {
  const rest = `${EXPIRY_AND_SERVICE}${DISCRETIONARY}`;
  const track2 = `;${number}=${rest}?`;
  const track1 = `%B${number}^${NAME}^${rest}?`;
  const chipTrack = packed(`${number}d${rest}`);
  return [
    number,
    grouped(number, " "),
    grouped(number, "-"),
    grouped(number, "."),
    grouped(number, "\u00a0"),
    track2,
    track1,
    `\u00f6${number}\u00b4${rest}_`,
    `Z${latin1(Math.ceil(number.length / 2))}${packed(number)}_ ${latin1(NAME.length)}${NAME}`,
    `W${latin1(chipTrack.length)}${chipTrack}`,
    hexOf(track2),
    spaced(hexOf(number)),
    Buffer.from(track1).toString("base64"),
    wide(track2, "little"),
    wide(number, "big"),
    ebcdic(number),
    typed(number),
    `\u0002${packed(number)}\u0003`,
  ];
};
/** 54: eighteen forms of three numbers. */
export const POURS: readonly string[] = NUMBERS.flatMap(pours);

/** More than that many digits of a number in a row are never kept, in whatever form. */
export const DIGITS_KEPT_MAX = 7;

const windows = (text: string, length: number, step = 1): readonly string[] =>
  Array.from({ length: Math.max(0, Math.floor((text.length - length) / step) + 1) }, (_, at) =>
    text.slice(at * step, at * step + length),
  );

/** What base64 makes of it wherever in a group of three it begins, as far as what stands beside it has no part in that. */
const inBase64 = (secret: string): readonly string[] =>
  [0, 1, 2].map((before) => {
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + secret.length) * 8) / 6);
    return btoa("x".repeat(before) + secret).slice(from, to);
  });

const inEveryForm = (digits: string): readonly string[] => [
  digits,
  hexOf(digits),
  hexOf(digits).toUpperCase(),
  spaced(hexOf(digits)),
  wide(digits, "little").slice(0, -1),
  ebcdic(digits),
  typed(digits).slice(2, -13),
  ...inBase64(digits),
];

const KEPT_TOO_MANY = DIGITS_KEPT_MAX + 1;
/** Every piece of a number, or of what stands beside it on a track, that is too long to be kept. */
const PIECES: readonly string[] = [
  ...new Set(
    [...NUMBERS, `${EXPIRY_AND_SERVICE}${DISCRETIONARY}`].flatMap((digits) => [
      ...windows(digits, KEPT_TOO_MANY).flatMap(inEveryForm),
      ...[" ", "-", ".", "\u00a0"].flatMap((between) =>
        // Eight digits of a number in groups of four have one separator between them, or two.
        [1, 2].flatMap((gaps) =>
          windows(grouped(digits, between), KEPT_TOO_MANY + gaps).filter(
            (one) => one.replaceAll(/\D/g, "").length > DIGITS_KEPT_MAX,
          ),
        ),
      ),
      ...windows(packed(digits.slice(0, digits.length - (digits.length % 2))), KEPT_TOO_MANY / 2),
      // In track 2 of a chip an odd number, or the D behind an even one, moves the rest by half a byte.
      ...windows(packed(`${digits}d${EXPIRY_AND_SERVICE}${DISCRETIONARY}`), KEPT_TOO_MANY / 2 + 1),
    ]),
  ),
];

/** The pieces of eight digits and more that stand in a text of bytes. */
export const piecesIn = (text: string): readonly string[] => PIECES.filter((piece) => text.includes(piece));

/**
 * What one form makes of a conversation in which it is cut at one to four places: each element what came in one read. A
 * piece is a read of its own, or ends or begins one that holds something ordinary as well; ordinary reads stand between.
 */
export const cutConversations = (ordinary: readonly string[]): fc.Arbitrary<readonly string[]> => {
  const said = fc.constantFrom(...ordinary);
  const beside = fc.record({ said, place: fc.constantFrom("before", "after", "none"), next: fc.option(said) });
  return fc.constantFrom(...POURS).chain((form) =>
    fc
      .tuple(
        fc.uniqueArray(fc.integer({ min: 1, max: form.length - 1 }), { minLength: 1, maxLength: 4 }),
        fc.array(beside, { minLength: 5, maxLength: 5 }),
      )
      .map(([cuts, besides]) =>
        piecesOf(form, cuts).flatMap((piece, n) => {
          const { said: words = "", place, next = null } = besides[n] ?? {};
          const read = place === "before" ? words + piece : place === "after" ? piece + words : piece;
          return next === null ? [read] : [read, next];
        }),
      ),
  );
};

function piecesOf(form: string, cuts: readonly number[]): readonly string[] {
  const at = [0, ...cuts.toSorted((a, b) => a - b), form.length];
  return at.slice(1).map((to, n) => form.slice(at[n], to));
}
