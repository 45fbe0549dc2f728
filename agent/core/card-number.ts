/** Which digits are a card's number: Luhn's check, and issuer ranges and lengths of ISO/IEC 7812. */
export const DIGITS_MIN = 12;
export const DIGITS_MAX = 19;
/** At this length a number is taken for a card's whatever its issuer: fuel, gift and private cards. */
const ANY_ISSUER_MIN = 15;
/** From this length on a run may hold a number and what stands beside it without a separator. */
const JOINED_MIN = 17;

export function isCardNumber(digits: string): boolean {
  const { length } = digits;
  if (length < DIGITS_MIN || length > DIGITS_MAX || !passesLuhn(digits)) return false;
  return length >= ANY_ISSUER_MIN || isIssued(digits, 0, length);
}

/** A number of a known issuer alone: for texts that are numbers by nature, such as a serial number. */
export const isIssuedNumber = (digits: string): boolean =>
  isIssued(digits, 0, digits.length) && /^\d+$/.test(digits) && passesLuhn(digits);

/** Track data without its separators, or a length before the number: it is somewhere in a longer run. */
export function holdsJoined(digits: string): boolean {
  if (digits.length < JOINED_MIN) return false;
  for (let start = 0; start + DIGITS_MIN <= digits.length; start++) {
    for (let length = DIGITS_MIN; length <= DIGITS_MAX && start + length <= digits.length; length++) {
      if (isIssued(digits, start, length) && passesLuhn(digits.slice(start, start + length))) return true;
    }
  }
  return false;
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
