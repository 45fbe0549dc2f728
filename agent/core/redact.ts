/**
 * Card numbers must not leave the process, not even inside a device's error text (PCI DSS 3.5.1 counts logs as
 * storage). Only free text can hold one: failure details, event details, asset names.
 *
 * A run of 13 to 19 digits, grouped or not, that passes the Luhn check is replaced with what hangs on to it. One in ten
 * random runs passes, so some long serial numbers in free text are lost: the safer mistake.
 */
const DIGITS_MIN = 13;
const DIGITS_MAX = 19;
const MARK = "[redacted]";

/**
 * Digits with at most one separator between two of them. A dot counts as a separator only between groups of three and
 * more, or every OID in an error text would be a candidate. The tail is track 2: separator, expiry, service code.
 */
const RUN = /\d(?:[ \-\u00a0]?\d|(?<=\d{3})\.(?=\d{3})\d)+(?:[=D]\d+)?/g;

export function redact(text: string): string {
  return text.replace(RUN, (run) => (holdsCardNumber(run.replace(/[=D].*/, "")) ? MARK : run));
}

function holdsCardNumber(run: string): boolean {
  const groups = run.split(/\D/);
  // A number and what the text says before or after it can look like one run: try every row of neighbouring groups.
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (const group of groups.slice(first)) {
      digits += group;
      if (digits.length > DIGITS_MAX) break;
      if (digits.length >= DIGITS_MIN && passesLuhn(digits)) return true;
    }
  }
  return groups.some((group) => group.length > DIGITS_MAX && hidesCardNumber(group));
}

/** Track data without its separators: the number is somewhere in a longer run. */
function hidesCardNumber(digits: string): boolean {
  for (let start = 0; start + DIGITS_MIN <= digits.length; start++) {
    for (let length = DIGITS_MIN; length <= DIGITS_MAX; length++) {
      if (start + length <= digits.length && passesLuhn(digits.slice(start, start + length))) return true;
    }
  }
  return false;
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
