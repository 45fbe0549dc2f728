/**
 * Recordings of a driver's reply: one poll, as a JSON file of at most 1 MiB. Of a dialect, with every question:
 *
 *     {"recording":1,
 *      "driver":"zpl","kind":"label_printer","at":1782086400000,"redacted":true,
 *      "options":{"variables":"auto"},
 *      "exchanges":[
 *       {"ask":"hostStatus","sent":"~HS","hex":"02303330…","ms":48},
 *       {"ask":"errorStatus","sent":"~HQES","hex":null,"ms":1502}
 *      ],
 *      "answers":{"hostStatus":"\u0002030,0,…","errorStatus":null}}
 *
 * `answers` is what the driver's `parse` takes, so that the file is a test case as it is: of a dialect the answer to each
 * question, of other drivers (usb, hid, ipp, host, …) their reply, with no exchanges. `hex` is what came, byte by byte (of
 * a dialect of texts: the same answer once more, and a file in which the two differ is refused, for one of them was
 * edited and may hide less than it seems; `hex` may be left away). `options` is the device's part of the configuration
 * that `parse` needs; addresses and secrets are not in it.
 *
 * Files come from strangers: nothing here throws, and everything has a limit.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { isKind, type Kind } from "@aislewatch/devices";
import { bytesOfHex, hexOf } from "./byte-text.ts";
import { RECORDING_VERSION } from "./recording.ts";

export const REPLY_RECORDING_LIMITS = {
  /** A poll is some kilobytes; a Modbus map of a hundred blocks some ten. */
  charsMax: 1_048_576,
  exchangesMax: 512,
  /** Of one answer; no dialect reads more of a line. */
  answerBytesMax: 65_536,
  optionsMax: 32,
  textCharsMax: 256,
  /** Levels of `answers`: a host's reply has four. What walks through a reply calls itself once a level. */
  depthMax: 16,
} as const;

/** What a Date can hold (ECMA-262, 21.4.1.1). */
const TIME_MS_MAX = 8.64e15;

export type RecordedExchange = {
  readonly ask: string;
  readonly sent: string;
  /** Null: no whole answer came. */
  readonly hex: string | null;
  readonly ms: number;
};

export type ReplyRecording = {
  readonly driver: string;
  readonly kind: Kind;
  /** Unix ms at the start of the poll. */
  readonly at: number;
  readonly redacted: boolean;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly exchanges: readonly RecordedExchange[];
  /** Of a dialect by the name of the question; null: asked, and no answer. Else the driver's own object. */
  readonly answers: Readonly<Record<string, unknown>>;
};

/** Is this file of this kind, right or wrong? Then it names a driver, which recordings of SNMP don't. */
export function isReplyRecording(text: string): boolean {
  if (text.length > REPLY_RECORDING_LIMITS.charsMax || !/^\s*\{/.test(text)) return false;
  const value = fromJson(text);
  return isRecord(value) && Object.hasOwn(value, "driver");
}

/** What is wrong is said with the place where it stands. */
export function parseReplyRecording(text: string): Result<ReplyRecording, string> {
  const { charsMax } = REPLY_RECORDING_LIMITS;
  if (text.length > charsMax) return err(`expected at most ${charsMax} characters; received ${text.length}`);
  const value = fromJson(text);
  if (!isRecord(value)) return err("expected JSON of `record`; the text ends early or is no JSON");
  const version = value["recording"];
  if (version !== RECORDING_VERSION) {
    return err(`expected a recording of version ${RECORDING_VERSION}; received ${shown(version)}`);
  }
  const { driver, kind, at, options = {}, exchanges = [], answers } = value;
  if (typeof driver !== "string") return err(`driver: expected a driver's name; received ${shown(driver)}`);
  if (typeof kind !== "string" || !isKind(kind)) return err(`kind: expected a kind of device; received ${shown(kind)}`);
  if (typeof at !== "number" || !(Math.abs(at) <= TIME_MS_MAX)) {
    return err(`at: expected a time in Unix ms; received ${shown(at)}`);
  }
  const readOptions = optionsOf(options);
  if (!readOptions.ok) return readOptions;
  const readExchanges = exchangesOf(exchanges);
  if (!readExchanges.ok) return readExchanges;
  const readAnswers = answersOf(answers, readExchanges.value);
  if (!readAnswers.ok) return readAnswers;
  const redacted = value["redacted"] === true;
  return ok({
    driver,
    kind,
    at,
    redacted,
    options: readOptions.value,
    exchanges: readExchanges.value,
    answers: readAnswers.value,
  });
}

/** One exchange a line, in plain ASCII, so that a diff can be read and a terminal is safe. Ends with a newline. */
export function writeReplyRecording(recording: ReplyRecording): string {
  const { driver, kind, at, redacted, options, exchanges, answers } = recording;
  const head = ascii({ driver, kind, at, redacted }).slice(1, -1);
  const rows = exchanges.map(({ ask, sent, hex, ms }) => ` ${ascii({ ask, sent, hex, ms: Math.round(ms) })}`);
  const said = Object.entries(answers).map(([name, answer]) => ` ${ascii(name)}:${ascii(answer)}`);
  return [
    `{"recording":${RECORDING_VERSION},`,
    `${head},`,
    `"options":${ascii(options)},`,
    `"exchanges":[\n${rows.join(",\n")}\n],`,
    `"answers":{\n${said.join(",\n")}\n}}`,
    "",
  ].join("\n");
}

const ascii = (value: unknown): string =>
  (JSON.stringify(value) ?? "null").replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The answers of a dialect of texts; null when these are of another form. */
export function textAnswers(answers: ReplyRecording["answers"]): Readonly<Record<string, string | null>> | null {
  const isFlat = Object.values(answers).every((answer) => answer === null || typeof answer === "string");
  return isFlat ? (answers as Record<string, string | null>) : null;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function optionsOf(raw: unknown): Result<ReplyRecording["options"], string> {
  if (!isRecord(raw)) return err(`options: expected an object; received ${shown(raw)}`);
  const { optionsMax, textCharsMax } = REPLY_RECORDING_LIMITS;
  const entries = Object.entries(raw);
  if (entries.length > optionsMax) return err(`options: expected at most ${optionsMax}; received ${entries.length}`);
  const options: [string, string | number | boolean][] = [];
  for (const [name, value] of entries) {
    const isPlain = typeof value === "number" || typeof value === "boolean";
    if (isPlain || (typeof value === "string" && value.length <= textCharsMax)) options.push([name, value]);
    else return err(`options.${cut(name)}: expected a text, a number, true or false; received ${shown(value)}`);
  }
  return ok(Object.fromEntries(options));
}

function exchangesOf(raw: unknown): Result<readonly RecordedExchange[], string> {
  const { exchangesMax, textCharsMax, answerBytesMax } = REPLY_RECORDING_LIMITS;
  if (!Array.isArray(raw)) return err(`exchanges: expected a list; received ${shown(raw)}`);
  if (raw.length > exchangesMax) return err(`exchanges: expected at most ${exchangesMax}; received ${raw.length}`);
  const exchanges: RecordedExchange[] = [];
  for (const [n, one] of (raw as unknown[]).entries()) {
    const at = `exchanges[${n}]`;
    if (!isRecord(one)) return err(`${at}: expected an object; received ${shown(one)}`);
    const { ask, sent = "", hex = null, ms = 0 } = one;
    if (typeof ask !== "string" || ask.length > textCharsMax) {
      return err(`${at}.ask: expected the name of a question; received ${shown(ask)}`);
    }
    if (typeof sent !== "string" || sent.length > textCharsMax) {
      return err(`${at}.sent: expected a text of at most ${textCharsMax} characters; received ${shown(sent)}`);
    }
    const isHex = typeof hex === "string" && hex.length <= 2 * answerBytesMax && bytesOfHex(hex) !== null;
    if (hex !== null && !isHex) return err(`${at}.hex: expected hex or null; received ${shown(hex)}`);
    if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0)
      return err(`${at}.ms: expected a time; received ${shown(ms)}`);
    exchanges.push({ ask, sent, hex: hex === null ? null : String(hex), ms });
  }
  return ok(exchanges);
}

function answersOf(
  raw: unknown,
  exchanges: readonly RecordedExchange[],
): Result<Readonly<Record<string, unknown>>, string> {
  if (!isRecord(raw)) return err(`answers: expected an object; received ${shown(raw)}`);
  const entries = Object.entries(raw);
  const { exchangesMax, answerBytesMax, depthMax } = REPLY_RECORDING_LIMITS;
  if (entries.length > exchangesMax)
    return err(`answers: expected at most ${exchangesMax}; received ${entries.length}`);
  for (const [name, answer] of entries) {
    if (isDeeper(answer, depthMax - 1)) return err(`answers.${cut(name)}: expected at most ${depthMax} levels`);
    if (typeof answer !== "string") continue;
    if (answer.length > answerBytesMax) return err(`answers.${cut(name)}: expected at most ${answerBytesMax} bytes`);
    if (/[^\0-\xff]/.test(answer)) return err(`answers.${cut(name)}: expected bytes, as characters up to \\u00ff`);
    const came = exchanges.findLast(({ ask, hex }) => ask === name && hex !== null);
    if (came !== undefined && came.hex?.toLowerCase() !== hexOf(answer)) {
      return err(`answers.${cut(name)} is not what exchanges has as hex; correct one of them, or take the hex out`);
    }
  }
  return ok(Object.fromEntries(entries));
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1)));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const SHOWN_CHARS_MAX = 60;
const cut = (text: string): string => ascii(text.slice(0, SHOWN_CHARS_MAX)).slice(1, -1);
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = ascii(value);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
