/**
 * ESC/POS real-time status (`DLE EOT n`), from Epson's and Citizen's command manuals (TM-L60II pages 1215 and 1234,
 * TM-U220A page 54, CBM1000 appendix 3). Each answer is one byte:
 *
 *   n  bit 2                     bit 3                bit 5             bit 6
 *   1  drawer contact high       off-line             waits for host    FEED pressed
 *   2  cover open                fed by the button    stopped: no paper stopped: error
 *   3  recoverable, mechanical   cutter               unrecoverable     ends by itself (head hot)
 *   4  2 and 3: near the end     –                    5 and 6: paper end
 *
 * One byte has no checksum and does not say which question it answers. What there is against mistakes:
 *
 * - Bits 0, 1, 4 and 7 are fixed (0, 1, 1, 0), so that a status is never XON, XOFF or a byte of an automatic status,
 *   which a printer puts in between when its application switched that on (`GS a`, four bytes, `0xx1xx00 0xx0xxxx …`).
 * - Among more than NOISE_BYTES_MAX bytes of no known kind nothing is believed, and nothing that stands in text.
 * - The first question is asked once more at the end. An old answer that came late would have moved all answers by one:
 *   then the two differ.
 * - After a question that is not answered nothing more is asked in a poll (`anonymous`), and nothing that followed in a
 *   recording counts: it may be the late answer. A clone that does not know a question is soon no longer asked
 *   (core/conversation.ts), and its other answers count again.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { type Witness, weigh } from "../witness.ts";

/** In the order in which they are asked. */
export const QUESTIONS = ["printer", "offlineCause", "errorCause", "paper", "printerAgain"] as const;
type Question = (typeof QUESTIONS)[number];
/** `GS r 1` and `GS r 2`, by choice: bits 4 and 7 of their answers are 0, so that neither passes for the other kind. */
export const QUEUED = ["queuedPaper", "queuedDrawer"] as const;

export const METRICS = [
  "offline",
  "cover_open",
  "media_out",
  "media_low",
  "cutter_fault",
  "hardware_fault",
  "head_over_temperature",
  "recoverable_error",
  "drawer_contact",
] as const;

export type Options = {
  /** At which level of its contact the drawer is open; how it is wired differs from store to store. */
  readonly drawer_open_is?: "high" | "low" | undefined;
};

/** Glitches as a port is opened, and what is left of an automatic status whose beginning was lost. */
const NOISE_BYTES_MAX = 4;
const AUTOMATIC_STATUS_BYTES = 4;
const XON = 0x11;
const XOFF = 0x13;
/** A healthy, idle printer's answer to each question: nothing but the fixed bits. */
const NOTHING_SET = 0x12;

const isStatus = (byte: number): boolean => (byte & 0x93) === 0x12;
const isFlowControl = (byte: number): boolean => byte === XON || byte === XOFF;
const isAutomaticHead = (byte: number): boolean => (byte & 0x93) === 0x10;
const isAutomaticRest = (byte: number): boolean => (byte & 0x90) === 0;
const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;

/** A byte that is of no automatic status: paper 0 and 1 near the end, 2 and 3 end; drawer 0 contact high. */
export const hasQueuedStatus = (said: string): boolean => read(said).queued !== null;

export function isOnline(reply: DialectReply): boolean {
  const { status } = read(reply["printer"] ?? "");
  return status !== null && !isSet(status, 3);
}

/** What `parse` reads of an answer and nothing else: what stands around it is nobody's answer. */
export function keepStatus(said: string): string {
  const { status, automatic, queued } = read(said);
  const bytes = [...(automatic ?? []), ...[status, queued].filter((byte) => byte !== null)];
  return String.fromCharCode(...bytes);
}

export const hasStatus = (said: string): boolean => read(said).status !== null;

export function parse(reply: DialectReply, options: Options): Result<Parsed, ParseError> {
  const read = answersOf(reply);
  if (!read.ok) return read;
  const { answers, automatic } = read.value;
  const [paper, drawerByte] = QUEUED.map((question) => queuedOf(reply[question]));
  if (answers.size === 0 && automatic === null && paper === null && drawerByte === null) {
    const bytes = [...QUESTIONS, ...QUEUED].reduce((sum, question) => sum + (reply[question]?.length ?? 0), 0);
    return err({ detail: `no status of a printer in ${bytes} bytes` });
  }
  const { metrics, evidence } = weigh([...witnessesOf(answers, automatic), ...queuedWitness(paper ?? null)]);
  const contact = contactOf(answers.get("printer") ?? automatic?.[0]) ?? contactOfQueued(drawerByte ?? null);
  return ok({ samples: [{ component: null, metrics: { ...metrics, ...drawer(contact, options) } }], evidence });
}

type Answers = {
  readonly answers: ReadonlyMap<Question, number>;
  /** The newest automatic status, wherever it came in between. */
  readonly automatic: readonly number[] | null;
};

function answersOf(reply: DialectReply): Result<Answers, ParseError> {
  const answers = new Map<Question, number>();
  let automatic: readonly number[] | null = null;
  let inStep = true;
  for (const question of QUESTIONS) {
    const said = reply[question];
    if (said === undefined) continue;
    const { status, automatic: newer } = read(said ?? "");
    automatic = newer ?? automatic;
    if (status === null) inStep = false;
    else if (inStep) answers.set(question, status);
  }
  const [first, again] = [answers.get("printer"), answers.get("printerAgain")];
  if (first !== undefined && again !== undefined && first !== again) {
    return err({ detail: `two answers to one question differ (${hex(first)}, ${hex(again)}): answers out of step` });
  }
  return ok({ answers: repeatsItself(answers) ? new Map([["printer", first ?? NOTHING_SET]]) : answers, automatic });
}

/**
 * Some clones answer every question with one constant byte. When bits are set in it, it can't be right for all: it is
 * taken for an answer to the first question only. A constant 0x12 can't be told from a healthy printer.
 */
function repeatsItself(answers: ReadonlyMap<Question, number>): boolean {
  const values = new Set(answers.values());
  return answers.size === QUESTIONS.length && values.size === 1 && !values.has(NOTHING_SET);
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

type Read = {
  readonly status: number | null;
  readonly automatic: readonly number[] | null;
  /** The byte that could answer `GS r`, when it is the only one: another may be what is left of an automatic status. */
  readonly queued: number | null;
};

const queuedOf = (said: string | null | undefined): number | null => read(said ?? "").queued;

function queuedWitness(byte: number | null): Witness[] {
  if (byte === null) return [];
  return [{ name: "GS r 1", says: { ...pair("media_low", byte, 0x03), ...pair("media_out", byte, 0x0c) } }];
}

const contactOfQueued = (byte: number | null): boolean | undefined => (byte === null ? undefined : isSet(byte, 0));

/** The newest status byte and the newest automatic status in what came. */
function read(said: string): Read {
  const bytes = [...said].map((character) => character.charCodeAt(0)).filter((byte) => !isFlowControl(byte));
  const loose: number[] = [];
  let automatic: readonly number[] | null = null;
  for (let at = 0; at < bytes.length; ) {
    const block = bytes.slice(at, at + AUTOMATIC_STATUS_BYTES);
    if (isAutomatic(block)) automatic = block;
    else loose.push(...block.slice(0, 1));
    at += isAutomatic(block) ? AUTOMATIC_STATUS_BYTES : 1;
  }
  const noise = loose.filter((byte) => !isStatus(byte));
  if (noise.length > NOISE_BYTES_MAX || isText(loose)) return { status: null, automatic: null, queued: null };
  const [queued = null, ...others] = loose.filter(isAutomaticRest);
  return { status: loose.findLast(isStatus) ?? null, automatic, queued: others.length === 0 ? queued : null };
}

/** Four printable characters can be built like one: then nearly all that can be wrong would be wrong at once. */
function isAutomatic(block: readonly number[]): boolean {
  const [head = 0, ...rest] = block;
  const isBuiltSo = isAutomaticHead(head) && rest.length === AUTOMATIC_STATUS_BYTES - 1 && rest.every(isAutomaticRest);
  return isBuiltSo && !block.every(isPrintable);
}

/** Another device's words, in which some characters (2, 6, R, V, Z, r …) are built like a status. */
function isText(bytes: readonly number[]): boolean {
  const printable = bytes.filter(isPrintable);
  return printable.length > 1 && !printable.every(isStatus);
}

type Verdicts = Readonly<Record<string, boolean>>;

/** Each answer says what it knows, and so does an automatic status that came along. */
function witnessesOf(answers: Answers["answers"], automatic: Answers["automatic"]): Witness[] {
  const offlineCause = answers.get("offlineCause");
  const coverOpen = offlineCause === undefined ? undefined : isSet(offlineCause, 2);
  const says: Partial<Record<Question, (byte: number) => Verdicts>> = {
    printer: (byte) => ({ offline: isSet(byte, 3) }),
    offlineCause: (byte) => ({ cover_open: isSet(byte, 2), media_out: isSet(byte, 5) }),
    errorCause: (byte) => errors(byte, coverOpen),
    paper: (byte) => ({ ...pair("media_low", byte, 0x0c), ...pair("media_out", byte, 0x60) }),
  };
  const witnesses = QUESTIONS.flatMap((question, index): Witness[] => {
    const byte = answers.get(question);
    const verdicts = byte === undefined ? undefined : says[question]?.(byte);
    return verdicts === undefined ? [] : [{ name: `DLE EOT ${index + 1}`, says: verdicts }];
  });
  return automatic === null ? witnesses : [...witnesses, { name: "automatic status", says: fromAutomatic(automatic) }];
}

function fromAutomatic([printer = 0, error = 0, sensors = 0]: readonly number[]): Verdicts {
  const coverOpen = isSet(printer, 5);
  return {
    offline: isSet(printer, 3),
    cover_open: coverOpen,
    ...errors(error, coverOpen),
    ...pair("media_low", sensors, 0x03),
    ...pair("media_out", sensors, 0x0c),
  };
}

function errors(byte: number, coverOpen: boolean | undefined): Verdicts {
  const endsByItself = isSet(byte, 6);
  return {
    cutter_fault: isSet(byte, 3),
    hardware_fault: isSet(byte, 5),
    recoverable_error: isSet(byte, 2) || endsByItself,
    // Models that call an open cover an error that ends by itself leave open which of the two it is.
    ...(!(endsByItself && coverOpen === true) && { head_over_temperature: endsByItself }),
  };
}

/** Both bits of a sensor are one; a clone that sets one of them means something else. */
function pair(metric: string, byte: number, mask: number): Verdicts {
  const bits = byte & mask;
  return bits === mask || bits === 0 ? { [metric]: bits === mask } : {};
}

/** The contact's bit is the same in the first answer and in the first byte of an automatic status. */
const contactOf = (byte: number | undefined): boolean | undefined => (byte === undefined ? undefined : isSet(byte, 2));

function drawer(contact: boolean | undefined, { drawer_open_is: openIs }: Options): Record<string, Value> {
  if (contact === undefined) return {};
  return { drawer_contact: contact, ...(openIs !== undefined && { drawer_open: contact === (openIs === "high") }) };
}

const isSet = (byte: number, bit: number): boolean => ((byte >> bit) & 1) === 1;
