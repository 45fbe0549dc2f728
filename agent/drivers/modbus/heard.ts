/**
 * A bus where somebody else asks (a PLC is the master, and a segment has room for one): what is heard of its questions
 * and the replies to them. A reply of RTU says neither which registers it holds nor that it is a reply, so it is paired
 * with the question before it, by unit, function and size. Pure: bytes and the time go in, transactions come out.
 *
 * Every frame needs its CRC. Where bytes are no frame, the next one is looked for one byte on; what could still become
 * one waits for its rest until the line is quiet. At most 256 bytes wait. What a master writes is noticed, not read.
 */
import { MODBUS_TABLES, type ModbusTable } from "@aislewatch/devices";
import {
  exceptionOf,
  hasCrc,
  octetsOfRead,
  pduLength,
  type Question,
  READ_FUNCTIONS,
  RTU_BYTES_MAX,
  valuesOf,
  wideCountLength,
} from "./frames.ts";

export type Heard =
  | {
      readonly kind: "read";
      readonly unit: number;
      readonly table: ModbusTable;
      readonly address: number;
      readonly values: readonly number[];
    }
  /** Answered, and of no concern: writes, diagnostics, identifications. */
  | { readonly kind: "other"; readonly unit: number; readonly code: number }
  | { readonly kind: "refused"; readonly unit: number; readonly code: number; readonly exception: number }
  | { readonly kind: "unanswered"; readonly unit: number; readonly code: number }
  /** A reply that counts its bytes in 16 bits: no standard Modbus, and its values are not taken. */
  | { readonly kind: "wide_count"; readonly unit: number }
  /** Bytes that were part of no frame. */
  | { readonly kind: "damaged"; readonly bytes: number };

/** A pause that no frame has inside, and that adapters and terminal servers do not make by themselves. */
const QUIET_MS = 100;
/** A unit that takes longer than this has not answered: what comes then belongs to another question. */
const REPLY_MS_MAX = 5_000;
/** A question that every unit obeys and none answers. */
const BROADCAST = 0;

type Pending = {
  readonly unit: number;
  readonly code: number;
  /** The frame without its CRC. */
  readonly body: Uint8Array;
  /** Null for what is no read. */
  readonly read: Extract<Question, { kind: "read" }> | null;
  readonly atMs: number;
};

type Frame = { readonly length: number; readonly heard: Heard | null; readonly pending: Pending | null };

export class ModbusTap {
  #bytes: Uint8Array = new Uint8Array();
  #pending: Pending | null = null;
  #lastMs = 0;
  #damaged = 0;

  /** The next bytes of the line, and when they came, on a clock that only grows. */
  take(bytes: Uint8Array, nowMs: number): Heard[] {
    const heard = this.settle(nowMs);
    this.#lastMs = nowMs;
    for (let at = 0; at < bytes.length; at += RTU_BYTES_MAX) {
      this.#bytes = Uint8Array.from([...this.#bytes, ...bytes.subarray(at, at + RTU_BYTES_MAX)]);
      heard.push(...this.#read(nowMs, true));
    }
    return heard;
  }

  /** When the line has been quiet, what waits for its rest is no frame; what is behind its first byte may be one. */
  settle(nowMs: number): Heard[] {
    if (nowMs - this.#lastMs < QUIET_MS) return [];
    const heard = this.#read(nowMs, false);
    if (this.#pending !== null && nowMs - this.#pending.atMs >= REPLY_MS_MAX) heard.push(...this.#giveUp());
    return heard;
  }

  #read(nowMs: number, more: boolean): Heard[] {
    const heard: Heard[] = [];
    let at = 0;
    while (at < this.#bytes.length) {
      const rest = this.#bytes.subarray(at);
      const frame = this.#replyIn(rest) ?? this.#questionIn(rest, nowMs) ?? strayReply(rest);
      if (frame === null) {
        if (more && mayBecome(rest, this.#pending)) break;
        this.#damaged++;
        at++;
        continue;
      }
      if (this.#damaged > 0) heard.push({ kind: "damaged", bytes: this.#damaged });
      this.#damaged = 0;
      if (frame.pending !== null && this.#pending !== null) heard.push(...this.#giveUp());
      if (frame.heard !== null || frame.pending !== null) this.#pending = frame.pending;
      if (frame.heard !== null) heard.push(frame.heard);
      at += frame.length;
    }
    this.#bytes = this.#bytes.slice(at);
    if (!more && this.#damaged > 0) {
      heard.push({ kind: "damaged", bytes: this.#damaged });
      this.#damaged = 0;
    }
    return heard;
  }

  #giveUp(): Heard[] {
    const given = this.#pending;
    this.#pending = null;
    return given === null ? [] : [{ kind: "unanswered", unit: given.unit, code: given.code }];
  }

  /** The reply to the question that waits for one. */
  #replyIn(bytes: Uint8Array): Frame | null {
    const pending = this.#pending;
    if (pending === null || bytes[0] !== pending.unit) return null;
    const wide = pending.read === null ? null : wideCountLength(bytes, 0, pending.read);
    if (wide !== null) return { length: wide, heard: { kind: "wide_count", unit: pending.unit }, pending: null };
    const length = replyLength(bytes, pending);
    if (length === null || !isFrame(bytes, length)) return null;
    return { length, heard: heardOf(bytes.subarray(1, length - 2), pending), pending: null };
  }

  #questionIn(bytes: Uint8Array, nowMs: number): Frame | null {
    const length = questionLength(bytes);
    if (length === null || !isFrame(bytes, length)) return null;
    const [unit = 0, code = 0] = bytes;
    if (unit === BROADCAST) return { length, heard: { kind: "other", unit, code }, pending: null };
    const body = bytes.slice(0, length - 2);
    return { length, heard: null, pending: { unit, code, body, read: readOf(body), atMs: nowMs } };
  }
}

const isFrame = (bytes: Uint8Array, length: number): boolean =>
  length <= RTU_BYTES_MAX && length <= bytes.length && hasCrc(bytes, 0, length);

function heardOf(pdu: Uint8Array, { unit, code, read }: Pending): Heard {
  const exception = exceptionOf(pdu);
  if (exception !== null) return { kind: "refused", unit, code, exception };
  const values = read === null ? null : valuesOf(pdu, read);
  if (read === null || values === null) return { kind: "other", unit, code };
  return { kind: "read", unit, table: read.table, address: read.address, values };
}

function readOf(body: Uint8Array): Pending["read"] {
  const table = MODBUS_TABLES.find((one) => READ_FUNCTIONS[one] === body[1]);
  if (table === undefined) return null;
  const word = (at: number): number => ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
  return { kind: "read", table, address: word(2), count: word(4) };
}

/** A reply whose question was not heard, because listening began between them: known, so that it is no noise. */
function strayReply(bytes: Uint8Array): Frame | null {
  const [unit = 0, code = 0, octets = 0] = bytes;
  if (unit === BROADCAST || code < 1 || code > 4) return null;
  const length = 5 + octets;
  return octets > 0 && isFrame(bytes, length) ? { length, heard: null, pending: null } : null;
}

/** Could these bytes, with more behind them, be a frame? */
function mayBecome(bytes: Uint8Array, pending: Pending | null): boolean {
  const [unit = 0, code = 0, octets = 0] = bytes;
  if (bytes.length < 3) return true;
  const lengths = [questionLength(bytes)];
  if (code >= 1 && code <= 4) lengths.push(5 + octets);
  if (pending?.unit === unit) {
    lengths.push(replyLength(bytes, pending), pending.read === null ? null : 6 + octetsOfRead(pending.read));
  }
  return lengths.some((length) => length !== null && length <= RTU_BYTES_MAX && length > bytes.length);
}

/** Functions with requests of one length, CRC and unit included (V1.1b3, chapter 6). */
const QUESTION_LENGTHS: Readonly<Record<number, number>> = {
  1: 8,
  2: 8,
  3: 8,
  4: 8,
  5: 8,
  6: 8,
  7: 4,
  8: 8,
  11: 4,
  12: 4,
  17: 4,
  22: 10,
  24: 6,
  43: 7,
};
/** Those with a count of octets, and where it stands. */
const COUNTED_QUESTIONS: Readonly<Record<number, number>> = { 15: 6, 16: 6, 20: 2, 21: 2, 23: 10 };

/** Null: no standard function. Without the count's byte, as much as there is at least. */
function questionLength(bytes: Uint8Array): number | null {
  const code = bytes[1] ?? 0;
  const counted = COUNTED_QUESTIONS[code];
  if (counted === undefined) return QUESTION_LENGTHS[code] ?? null;
  return counted + 3 + (bytes[counted] ?? 0);
}

/** Replies of one length, and those that repeat the first six bytes of their question. */
const REPLY_LENGTHS: Readonly<Record<number, number>> = { 7: 5, 11: 8, 22: 10 };
const ECHOING: readonly number[] = [5, 6, 15, 16];
const ECHOED_BYTES = 6;

function replyLength(bytes: Uint8Array, { code, body, read }: Pending): number | null {
  if (bytes[1] === (code | 0x80)) return 5;
  if (bytes[1] !== code) return null;
  if (read !== null) return bytes.length < 3 || bytes[2] === octetsOfRead(read) ? 5 + octetsOfRead(read) : null;
  if (ECHOING.includes(code)) return isEcho(bytes, body, ECHOED_BYTES) ? ECHOED_BYTES + 2 : null;
  if (code === 8) return isEcho(bytes, body, 4) ? 8 : null;
  if (code === 24) return 6 + (((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0));
  if (code === 43) return identificationLength(bytes);
  return REPLY_LENGTHS[code] ?? 5 + (bytes[2] ?? 0);
}

const isEcho = (bytes: Uint8Array, body: Uint8Array, length: number): boolean =>
  body.subarray(0, length).every((byte, i) => i >= bytes.length || bytes[i] === byte);

function identificationLength(bytes: Uint8Array): number | null {
  const length = pduLength(bytes, 1, { kind: "device_id" });
  // Its parts carry their own lengths: more of them has to come before the whole is known.
  return length === null ? bytes.length + 1 : length + 3;
}

/**
 * The registers that a map needs of one unit, as they were heard last. What was not heard for a while is not known: the
 * master may have stopped asking for it.
 */
export class HeardRegisters {
  readonly #wanted: ReadonlySet<string>;
  readonly #values = new Map<string, { readonly value: number; readonly atMs: number }>();

  /** `wanted`: table and address on the wire, as in `holding:109`; nothing else is kept. */
  constructor(wanted: Iterable<string>) {
    this.#wanted = new Set(wanted);
  }

  take({ table, address, values }: Extract<Heard, { kind: "read" }>, nowMs: number): void {
    values.forEach((value, i) => {
      const place = `${table}:${address + i}`;
      if (this.#wanted.has(place)) this.#values.set(place, { value, atMs: nowMs });
    });
  }

  since(fromMs: number): Record<string, number> {
    const fresh = [...this.#values].filter(([, { atMs }]) => atMs >= fromMs);
    return Object.fromEntries(fresh.map(([place, { value }]) => [place, value]));
  }
}
