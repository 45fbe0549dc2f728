/**
 * Modbus frames. RTU (Modbus over Serial Line V1.02, 2.5.1): unit, function, data, CRC-16 with its low byte first, at
 * most 256 bytes, with nothing in front that says "here it begins". TCP (Messaging Implementation Guide V1.0b, 3.1.3):
 * transaction, protocol 0, length, unit, function, data; no CRC.
 *
 * **Read-only by construction.** A frame is made from a `Question`, and a question can be one of six: the reads 1 to 4,
 * "report server ID" (17) and "read device identification" (43/14). No other function code can be written with it.
 *
 * A reply is looked for by what was asked, byte by byte, so that noise, an echo of our own question (adapters on two
 * wires hear themselves) and late replies to others (another transaction, another unit) stand in nobody's way, and the
 * next good frame is found one byte on after a bad one. The newest whole one counts.
 */
import type { ModbusTable } from "@aislewatch/devices";

export const FRAMINGS = ["rtu", "tcp"] as const;
export type Framing = (typeof FRAMINGS)[number];

export type Question =
  | { readonly kind: "read"; readonly table: ModbusTable; readonly address: number; readonly count: number }
  | { readonly kind: "device_id" }
  | { readonly kind: "server_id" };

export const READ_FUNCTIONS: Readonly<Record<ModbusTable, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };
export const REPORT_SERVER_ID = 17;
export const DEVICE_ID = 43;
/** Of function 43, the one interface that reads: MEI type 14. Type 13 is CANopen, which could write. */
export const MEI_DEVICE_ID = 14;
/** "Basic" objects as a stream: vendor, product code, revision (6.21). */
const BASIC_STREAM = 1;
const EXCEPTION = 0x80;

/** 253 bytes of function and data, a unit, a CRC (RTU); or seven bytes of header (TCP). */
export const RTU_BYTES_MAX = 256;
export const TCP_BYTES_MAX = 260;
const MBAP_BYTES = 7;

/** Function and data of a question. */
export function questionPdu(question: Question): number[] {
  switch (question.kind) {
    case "read": {
      const { table, address, count } = question;
      return [READ_FUNCTIONS[table], ...word(address), ...word(count)];
    }
    case "device_id":
      return [DEVICE_ID, MEI_DEVICE_ID, BASIC_STREAM, 0];
    case "server_id":
      return [REPORT_SERVER_ID];
  }
}

const word = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];

/** Who is asked, in which frame; the transaction is of TCP only. */
export type Envelope = { readonly framing: Framing; readonly unit: number; readonly transaction: number };

export function frameOf(pdu: readonly number[], { framing, unit, transaction }: Envelope): Uint8Array {
  if (framing === "tcp") return Uint8Array.from([...word(transaction), 0, 0, ...word(pdu.length + 1), unit, ...pdu]);
  const body = [unit, ...pdu];
  const crc = crc16(body);
  return Uint8Array.from([...body, crc & 0xff, crc >> 8]);
}

/** V1.02, 6.2.2: polynomial 0xA001, initial 0xFFFF. */
export function crc16(bytes: ArrayLike<number>, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) {
    crc ^= bytes[i] ?? 0;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

export const hasCrc = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start >= 4 && crc16(bytes, start, end - 2) === ((bytes[end - 2] ?? 0) | ((bytes[end - 1] ?? 0) << 8));

export type Found =
  /** Function and data of the reply, an exception's too. */
  | { readonly kind: "reply"; readonly pdu: Uint8Array }
  /** A whole frame of a dialect that counts bytes in 16 bits, as some drives do in a mode of their own. */
  | { readonly kind: "wide_count" }
  /** Bytes came and there is no whole reply in them. */
  | { readonly kind: "damaged" }
  | { readonly kind: "nothing" };

/** What is there of the reply to `question`; total, and linear in the bytes but for the CRCs. */
export function findReply(bytes: Uint8Array, question: Question, envelope: Envelope): Found {
  const sent = frameOf(questionPdu(question), envelope);
  const match = envelope.framing === "tcp" ? tcpReplyAt : rtuReplyAt;
  let found: Found | null = null;
  let unexplained = 0;
  for (let at = 0; at < bytes.length; ) {
    if (envelope.framing === "rtu" && startsWith(bytes, at, sent)) {
      at += sent.length;
      continue;
    }
    const here = match(bytes, at, question, envelope);
    if (here === null) {
      at++;
      unexplained++;
    } else {
      found = here.found;
      at += here.length;
    }
  }
  return found ?? { kind: unexplained === 0 ? "nothing" : "damaged" };
}

type Here = { readonly found: Found; readonly length: number };

const startsWith = (bytes: Uint8Array, at: number, sent: Uint8Array): boolean =>
  at + sent.length <= bytes.length && sent.every((byte, i) => bytes[at + i] === byte);

function rtuReplyAt(bytes: Uint8Array, at: number, question: Question, { unit }: Envelope): Here | null {
  if (bytes[at] !== unit) return null;
  const length = pduLength(bytes, at + 1, question);
  if (length !== null && hasCrc(bytes, at, at + 1 + length + 2) && at + 3 + length <= bytes.length) {
    return { found: { kind: "reply", pdu: bytes.slice(at + 1, at + 1 + length) }, length: length + 3 };
  }
  const wide = wideCountLength(bytes, at, question);
  return wide === null ? null : { found: { kind: "wide_count" }, length: wide };
}

function tcpReplyAt(bytes: Uint8Array, at: number, question: Question, envelope: Envelope): Here | null {
  const { transaction, unit } = envelope;
  const is = wordAt(bytes, at) === transaction && wordAt(bytes, at + 2) === 0 && bytes[at + 6] === unit;
  if (!is) return null;
  const length = pduLength(bytes, at + MBAP_BYTES, question);
  if (length === null || wordAt(bytes, at + 4) !== length + 1 || at + MBAP_BYTES + length > bytes.length) return null;
  const start = at + MBAP_BYTES;
  return { found: { kind: "reply", pdu: bytes.slice(start, start + length) }, length: MBAP_BYTES + length };
}

const wordAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** How long function and data of the reply to this question are, when they begin here; null when they don't. */
export function pduLength(bytes: Uint8Array, at: number, question: Question): number | null {
  const [asked = 0] = questionPdu(question);
  const code = bytes[at];
  if (code === (asked | EXCEPTION)) return 2;
  if (code !== asked) return null;
  switch (question.kind) {
    case "read": {
      const octets = octetsOfRead(question);
      return bytes[at + 1] === octets ? 2 + octets : null;
    }
    case "server_id":
      return (bytes[at + 1] ?? 0) > 0 ? 2 + (bytes[at + 1] ?? 0) : null;
    case "device_id":
      return deviceIdLength(bytes, at);
  }
}

export const octetsOfRead = ({ table, count }: { table: ModbusTable; count: number }): number =>
  table === "coil" || table === "discrete" ? Math.ceil(count / 8) : 2 * count;

/** 43, 14, read code, conformity, more, next, number of objects, then number, length and text of each. */
function deviceIdLength(bytes: Uint8Array, at: number): number | null {
  if (bytes[at + 1] !== MEI_DEVICE_ID) return null;
  let length = 7;
  for (let object = bytes[at + 6] ?? 0; object > 0; object--) {
    if (at + length + 1 >= bytes.length || length > RTU_BYTES_MAX) return null;
    length += 2 + (bytes[at + length + 1] ?? 0);
  }
  return length <= RTU_BYTES_MAX - 3 ? length : null;
}

/** The frame's length where a read is answered with a count of two bytes; null where it is not. */
export function wideCountLength(bytes: Uint8Array, at: number, question: Question): number | null {
  if (question.kind !== "read" || bytes[at + 1] !== READ_FUNCTIONS[question.table]) return null;
  const octets = octetsOfRead(question);
  const length = 4 + octets + 2;
  const is = wordAt(bytes, at + 2) === octets && at + length <= bytes.length && hasCrc(bytes, at, at + length);
  return is ? length : null;
}

/** V1.1b3, chapter 7, and what a person does about it. */
export const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: "illegal function",
  2: "illegal data address",
  3: "illegal data value",
  4: "device failure",
  5: "acknowledged, it takes longer",
  6: "busy",
  8: "memory parity error",
  10: "the gateway has no path to it",
  11: "the gateway got no reply from it",
};

/** Busy, or still at it: the same question may be answered a moment later. */
export const isPassing = (code: number): boolean => code === 5 || code === 6;
/** A gateway answers for a unit that does not. */
export const isAbsence = (code: number): boolean => code === 10 || code === 11;

/** The code of an exception; null for any other function and data. */
export const exceptionOf = (pdu: ArrayLike<number>): number | null =>
  ((pdu[0] ?? 0) & EXCEPTION) !== 0 ? (pdu[1] ?? 0) : null;

/** The values of a read's reply: registers, or bits, the first in the least significant place. Null when it is none. */
export function valuesOf(pdu: Uint8Array, read: { table: ModbusTable; count: number }): number[] | null {
  const octets = octetsOfRead(read);
  if (pdu[0] !== READ_FUNCTIONS[read.table] || pdu[1] !== octets || pdu.length !== 2 + octets) return null;
  return Array.from({ length: read.count }, (_, i) =>
    read.table === "coil" || read.table === "discrete"
      ? ((pdu[2 + (i >> 3)] ?? 0) >> (i & 7)) & 1
      : wordAt(pdu, 2 + 2 * i),
  );
}
