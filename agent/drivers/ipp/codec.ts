/**
 * IPP messages as RFC 8010 encodes them: version, operation or status, request id, then groups of attributes, each
 * value a tag, a name and octets; a value without a name belongs to the attribute before it. Three requests can be made,
 * Get-Printer-Attributes and Get-Jobs (RFC 8011 4.2.5, 4.2.6), and CUPS-Get-Printers (CUPS Implementation of IPP), which
 * lists a spooler's queues: there is no code here that could print, cancel or change.
 *
 * Only attributes that were asked for by name are kept of a reply: some printers send all that they have, which is the
 * names of documents and of the people who print them. Collections and values of other kinds are passed over.
 */
import { err, ok, type Result } from "@aislewatch/base";

export type IppValue = number | boolean | string;
/** Attributes of one group, by name; a value of a kind that is not kept leaves its place in the list empty (null). */
export type IppGroup = {
  readonly tag: number;
  readonly attributes: Readonly<Record<string, readonly (IppValue | null)[]>>;
};
export type IppReply = { readonly version: string; readonly status: number; readonly groups: readonly IppGroup[] };
export type IppVersion = "1.1" | "2.0";

export const IPP_OPERATIONS = { getJobs: 0x000a, getPrinterAttributes: 0x000b, cupsGetPrinters: 0x4002 } as const;
export const IPP_GROUPS = { operation: 1, job: 2, end: 3, printer: 4 } as const;

export const IPP_LIMITS = {
  /** An office printer that answers with everything sends some 20 KB; a hundred jobs with everything, 150 KB. */
  replyBytesMax: 512 * 1024,
  attributesMax: 20_000,
  groupsMax: 600,
  valuesMax: 64,
  textBytesMax: 1_023,
} as const;

const TAGS = {
  integer: 0x21,
  boolean: 0x22,
  enum: 0x23,
  collectionBegin: 0x34,
  collectionEnd: 0x37,
  textWithLanguage: 0x35,
  nameWithLanguage: 0x36,
  textFirst: 0x41,
  uri: 0x45,
  charset: 0x47,
  language: 0x48,
  textLast: 0x49,
  keyword: 0x44,
} as const;

export type IppQuestion = {
  readonly operation: keyof typeof IPP_OPERATIONS;
  readonly version: IppVersion;
  readonly requestId: number;
  /** Null: the question is to the spooler, not to a printer. */
  readonly printerUri: string | null;
  /** Names of attributes to send, and to keep of the reply. */
  readonly attributes: readonly string[];
  /** Of jobs or printers. */
  readonly limit?: number;
};

export function encodeQuestion(question: IppQuestion): Uint8Array {
  const { operation, version, requestId, printerUri, attributes, limit } = question;
  const bytes: number[] = [version === "2.0" ? 2 : 1, version === "2.0" ? 0 : 1];
  bytes.push(...be(IPP_OPERATIONS[operation], 2), ...be(requestId, 4), IPP_GROUPS.operation);
  // RFC 8010 3.1.4.1: these two first, in this order.
  bytes.push(...attribute(TAGS.charset, "attributes-charset", latin("utf-8")));
  bytes.push(...attribute(TAGS.language, "attributes-natural-language", latin("en")));
  if (printerUri !== null) bytes.push(...attribute(TAGS.uri, "printer-uri", latin(printerUri)));
  if (limit !== undefined) bytes.push(...attribute(TAGS.integer, "limit", be(limit, 4)));
  if (operation === "getJobs") bytes.push(...attribute(TAGS.keyword, "which-jobs", latin("not-completed")));
  for (const [n, name] of attributes.entries()) {
    bytes.push(...attribute(TAGS.keyword, n === 0 ? "requested-attributes" : "", latin(name)));
  }
  bytes.push(IPP_GROUPS.end);
  return Uint8Array.from(bytes);
}

const attribute = (tag: number, name: string, value: readonly number[]): number[] => [
  tag,
  ...be(name.length, 2),
  ...latin(name),
  ...be(value.length, 2),
  ...value,
];
const be = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, n) => (value >>> (8 * (bytes - 1 - n))) & 0xff);
/** Names, keywords and URIs of ours are ASCII. */
const latin = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0) & 0x7f);

/** `wanted`: names of attributes to keep; the rest is read over. */
export function decodeReply(
  bytes: Uint8Array,
  wanted: ReadonlySet<string>,
): Result<IppReply, { readonly detail: string }> {
  if (bytes.length < 9) return err({ detail: "an IPP reply of less than nine bytes" });
  const reader = new Reader(bytes, 8);
  const groups: IppGroup[] = [];
  for (let tag = reader.byte(); tag !== IPP_GROUPS.end; tag = reader.byte()) {
    if (tag === null) return err({ detail: "an IPP reply that ends before its end" });
    if (tag > 0x0f) return err({ detail: "an IPP reply whose attributes belong to no group" });
    if (groups.length >= IPP_LIMITS.groupsMax) return err({ detail: "an IPP reply of too many groups" });
    const attributes = readGroup(reader, wanted);
    if (attributes === null) return err({ detail: "an IPP reply with an attribute that does not fit in it" });
    groups.push({ tag, attributes });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ok({ version: `${bytes[0]}.${bytes[1]}`, status: view.getUint16(2), groups });
}

/** Up to the next group's tag, which is left unread; null when the bytes end within it or there are too many. */
function readGroup(reader: Reader, wanted: ReadonlySet<string>): IppGroup["attributes"] | null {
  const kept = new Map<string, (IppValue | null)[]>();
  let values: (IppValue | null)[] | null = null;
  let depth = 0;
  while (reader.peek() > 0x0f) {
    const raw = reader.attribute();
    if (raw === null) return null;
    const { tag, name, value } = raw;
    if (depth === 0 && name !== "") {
      values = wanted.has(name) ? [] : null;
      if (values !== null) kept.set(name, values);
    }
    if (tag === TAGS.collectionEnd) depth = Math.max(0, depth - 1);
    else if (depth === 0 && values !== null && values.length < IPP_LIMITS.valuesMax) values.push(ippValue(tag, value));
    // The members of a collection carry no name of their own; they are no values of the attribute.
    if (tag === TAGS.collectionBegin) depth++;
  }
  return Object.fromEntries(kept);
}

function ippValue(tag: number, bytes: Uint8Array): IppValue | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (tag === TAGS.integer || tag === TAGS.enum) return bytes.length === 4 ? view.getInt32(0) : null;
  if (tag === TAGS.boolean) return bytes.length === 1 ? bytes[0] === 1 : null;
  if (tag >= TAGS.textFirst && tag <= TAGS.textLast) return textOf(bytes);
  // Language and text, each with its length before it.
  if (tag === TAGS.textWithLanguage || tag === TAGS.nameWithLanguage) {
    const start = bytes.length >= 2 ? 2 + view.getUint16(0) + 2 : bytes.length + 1;
    return start <= bytes.length ? textOf(bytes.subarray(start)) : null;
  }
  return null;
}

const utf8 = new TextDecoder();
const textOf = (bytes: Uint8Array): string => utf8.decode(bytes.subarray(0, IPP_LIMITS.textBytesMax)).trim();

type RawAttribute = { readonly tag: number; readonly name: string; readonly value: Uint8Array };

class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  #attributes = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number | null {
    return this.#bytes[this.#at++] ?? null;
  }

  /** The next tag, or 0 at the end of the bytes. */
  peek(): number {
    return this.#bytes[this.#at] ?? 0;
  }

  attribute(): RawAttribute | null {
    const tag = this.byte();
    const name = this.#octets();
    const value = this.#octets();
    if (tag === null || name === null || value === null || ++this.#attributes > IPP_LIMITS.attributesMax) return null;
    return { tag, name: utf8.decode(name.subarray(0, 255)), value };
  }

  #octets(): Uint8Array | null {
    const [high, low] = [this.byte(), this.byte()];
    if (high === null || low === null) return null;
    const end = this.#at + high * 256 + low;
    if (end > this.#bytes.length) return null;
    const octets = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return octets;
  }
}
