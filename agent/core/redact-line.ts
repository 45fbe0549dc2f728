/**
 * The answers of a device without what identifies it, its site or its people, fit to be sent to somebody
 * else: serial numbers, hardware and IP addresses, host names, e-mail addresses, passwords and names of print jobs.
 *
 * A replacement has the form of what it stands for, character by character (a digit for a digit, `X` or `x` for a
 * letter), for fields of such replies have fixed widths; the last digits count, so that the same value is the same
 * replacement in every answer and two values stay two. They are counted in the order in which they stand, so redacting
 * once more changes nothing. Card data is gone before an answer gets here (dialect-poll.ts), and looked for once more.
 *
 * What this can't know: a name in the midst of other text. `record` says so.
 */
import { redactCodes, redactField } from "./card-data.ts";

export const LINE_CLASSES = ["serial", "mac", "ip", "name", "password", "document"] as const;
export type LineClass = (typeof LINE_CLASSES)[number];

export type Answers = Readonly<Record<string, string | null>>;

export type RedactedAnswers = {
  readonly answers: Answers;
  /** How many distinct values of each class were replaced. */
  readonly replaced: Readonly<Partial<Record<LineClass, number>>>;
};

type Field = { readonly of: LineClass; readonly pattern: RegExp };

/** Fields by what stands around them, wherever they come; the first group is the value. */
const EVERYWHERE: readonly Field[] = [
  {
    of: "serial",
    pattern: /\b(?:serial(?:[ _-]?n(?:umber|o|r)?)?|s\/n|sn)[\s.:#="]{0,64}([A-Za-z0-9][A-Za-z0-9-]{3,31})\b/gi,
  },
  { of: "mac", pattern: /(?<![0-9a-z:-])([0-9a-f]{2}(?:[:-][0-9a-f]{2}){5})(?![0-9a-z:-])/gi },
  { of: "ip", pattern: /(?<![\w.])((?:\d{1,3}\.){3}\d{1,3})(?![\w.])/g },
  { of: "name", pattern: /(?<![\w.+@-])([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})(?![\w@-])/g },
  {
    of: "name",
    pattern: /(?<![\w.-])((?:[a-z0-9-]{1,63}\.){1,6}(?:local|lan|corp|intra|intranet|internal|localdomain|home))\b/gi,
  },
  {
    of: "password",
    pattern: /\b(?:password|passwd|pwd|passphrase|token|secret)\s{0,3}[:=]\s{0,3}"?([^\s",;]{1,64})/gi,
  },
];

/** Fields that only their dialect's manual knows, by driver and question. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, readonly Field[]>>>> = {
  zpl: {
    // The third string is `xxxx,y`: xxxx is the printer's password (ZPL II Programming Guide, ~HS).
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a string's frame.
    hostStatus: [{ of: "password", pattern: /\x02(\d{4}),[01]\x03/g }],
    serialNumber: [{ of: "serial", pattern: /\n\s{0,8}([A-Za-z0-9-]{4,32})\s{0,64}\r?\n/g }],
    uniqueId: [{ of: "serial", pattern: /"([^"?]{3,64})"/g }],
  },
  sbpl: {
    // Status 4: id (2), status (1), labels left (6), then the name of the job (16).
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the frame.
    status: [{ of: "document", pattern: /\x02[\s\S]{2}[0-4A-EG-KM-QS-Wa-k]\d{6}([\s\S]{16})\x03/g }],
  },
  mt_sics: { I4: [{ of: "serial", pattern: /I4 A "([^"]{2,64})"/g }] },
};

/** Questions of a dialect, or texts of a host's reply with hundreds of file systems; what is beyond is left out. */
const ANSWERS_MAX = 4_096;
const SECRETS_MAX = 256;
/**
 * These are replaced wherever they stand, alone. A password is four digits, and a job's name any word: elsewhere the
 * same characters mean something else.
 */
const ANYWHERE: ReadonlySet<LineClass> = new Set(["serial", "mac", "ip", "name"]);
const ANYWHERE_CHARS_MIN = 4;

/** A text that tells one unit, one site or its people. */
export type Identifying = { readonly of: LineClass; readonly text: string };

type Told = {
  readonly driver: string;
  /** What the driver's `parse` took for the serial number. */
  readonly serial?: string | undefined;
  /** How card data is taken out of a text: as of bytes on a line, unless said otherwise. */
  readonly clean?: (text: string) => string;
  /** What else is known to, wherever it stands. */
  readonly identifying?: readonly Identifying[];
};

/** One field may stand in another (an address behind an `@`), and a replacement complete what looks like a third. */
const PASSES_MAX = 8;

/** A reply that is no list of answers: all of its texts, wherever they stand, as if each were an answer. */
export function redactReply<Reply>(reply: Reply, told: Told): { reply: Reply; replaced: RedactedAnswers["replaced"] } {
  const texts: string[] = [];
  JSON.stringify(reply, (_key, one: unknown) => {
    if (typeof one === "string") texts.push(one);
    return one;
  });
  // Some are bytes as hex, of which the digits mean nothing by themselves.
  const { answers, replaced } = redactAnswers(Object.fromEntries(texts.map((text, n) => [`text ${n}`, text])), {
    ...told,
    clean: redactField,
  });
  let n = 0;
  // In the same order as above, for it is the same walk; the form of the reply stays.
  const put = (_key: string, one: unknown): unknown => (typeof one === "string" ? (answers[`text ${n++}`] ?? "") : one);
  return { reply: JSON.parse(JSON.stringify(reply, put)) as Reply, replaced };
}

/** Until nothing changes any more. */
export function redactAnswers(answers: Answers, told: Told): RedactedAnswers {
  const first = redactOnce(answers, told);
  let made = first.answers;
  for (let pass = 1; pass < PASSES_MAX; pass++) {
    const { answers: again } = redactOnce(made, { ...told, serial: undefined, identifying: [] });
    if (Object.entries(again).every(([name, answer]) => made[name] === answer)) break;
    made = again;
  }
  return { answers: made, replaced: first.replaced };
}

function redactOnce(
  answers: Answers,
  { driver, serial, identifying = [], clean = redactCodes }: Told,
): RedactedAnswers {
  const secrets = new Map<string, LineClass>();
  const learn = (text: string, of: LineClass): void => {
    if (secrets.size < SECRETS_MAX && /[A-Za-z0-9\x80-\xff]/.test(text) && !secrets.has(text)) secrets.set(text, of);
  };
  const fieldsOf = (name: string): readonly Field[] => [...(FIELDS[driver]?.[name] ?? []), ...EVERYWHERE];
  // Card data first: what was a number then is no secret any more.
  const entries = Object.entries(answers)
    .slice(0, ANSWERS_MAX)
    .map(([name, answer]) => ({ name, answer: answer === null ? null : clean(answer), fields: fieldsOf(name) }));
  if (serial !== undefined) learn(serial.trim(), "serial");
  for (const { of, text } of identifying) {
    if (entries.some(({ answer }) => answer?.includes(text.trim()))) learn(text.trim(), of);
  }
  for (const { answer, fields } of entries) {
    for (const { of, pattern } of answer === null ? [] : fields) {
      for (const [, value = ""] of (answer ?? "").matchAll(pattern)) learn(value, of);
    }
  }
  const replacements = numbered([...secrets.keys()]);
  const anywhere = wherever([...secrets].flatMap(([text, of]) => (ANYWHERE.has(of) ? [text] : [])));
  const safe = entries.map(({ name, answer, fields }): [string, string | null] => {
    if (answer === null) return [name, null];
    const inFields = fields.reduce(
      (text, { pattern }) =>
        text.replace(pattern, (match: string, value: string) =>
          match.replace(value, () => replacements.get(value) ?? value),
        ),
      answer,
    );
    const text = anywhere === null ? inFields : inFields.replace(anywhere, (found) => replacements.get(found) ?? found);
    return [name, text];
  });
  return { answers: Object.fromEntries(safe), replaced: counted([...secrets.values()]) };
}

/** Where they stand alone; the longest first, for one may begin another. Null: there is none. */
function wherever(secrets: readonly string[]): RegExp | null {
  const long = secrets.filter(({ length }) => length >= ANYWHERE_CHARS_MIN).sort((a, b) => b.length - a.length);
  if (long.length === 0) return null;
  return new RegExp(`(?<![A-Za-z0-9])(?:${long.map((text) => RegExp.escape(text)).join("|")})(?![A-Za-z0-9])`, "g");
}

/** Counted within each form. */
function numbered(secrets: readonly string[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    secrets.map((secret) => {
      const form = formOf(secret);
      const count = (counts.get(form) ?? 0) + 1;
      counts.set(form, count);
      return [secret, withNumber(form, count)];
    }),
  );
}

/** Of a hardware address every letter is a digit of its own kind; control characters and signs stay. */
const formOf = (text: string): string =>
  (/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(text) ? text.replace(/[a-f]/gi, "0") : text)
    .replace(/\d/g, "0")
    .replace(/[A-Z]/g, "X")
    .replace(/[a-z]/g, "x")
    .replace(/[\x80-\xff]/g, "x");

/** The number goes into the last zeros, as far as there are any. */
function withNumber(form: string, number: number): string {
  const digits = [...String(number)].reverse();
  const chars = [...form].reverse();
  for (const [at, char] of chars.entries()) {
    if (char !== "0") continue;
    chars[at] = digits.shift() ?? "0";
  }
  return chars.reverse().join("");
}

function counted(classes: readonly LineClass[]): RedactedAnswers["replaced"] {
  const counts = LINE_CLASSES.map((of) => [of, classes.filter((one) => one === of).length] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
