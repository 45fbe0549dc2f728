/**
 * HID report descriptors (USB HID 1.11, 6.2.2): which bits of a report mean what. Pure. A descriptor is the device's own
 * program: at most 4096 bytes by Linux's limit, and any nonsense in them. What contradicts itself ends in an error value;
 * limits keep a small descriptor from describing millions of fields.
 *
 * A field is a run of bits of one report with its usages. A variable has one usage each; an array's values choose among
 * its usages, counted from its logical minimum: Weighing devices tell state and unit so.
 */
import { err, ok, type Result } from "@aislewatch/base";

/** `page << 16 | id`, as the standard writes extended usages. */
export type Usage = number;

export type ReportType = "input" | "output" | "feature";

export type HidField = {
  readonly report: ReportType;
  /** 0: the device's reports have no ids, and no byte for one. */
  readonly reportId: number;
  /** From the report's first byte behind its id. */
  readonly bitOffset: number;
  readonly bitSize: number;
  /** One for each value of a variable; the choices of an array. The last one stands for those that follow. */
  readonly usages: readonly Usage[];
  readonly count: number;
  readonly isArray: boolean;
  /** Padding: says nothing. */
  readonly isConstant: boolean;
  readonly logicalMin: number;
  readonly logicalMax: number;
  readonly physicalMin: number;
  readonly physicalMax: number;
  readonly unit: number;
  /** Ten to this power, -8 to 7. */
  readonly unitExponent: number;
  /** Usages of the collections around it, outermost first. */
  readonly collections: readonly Usage[];
};

export type HidDescriptor = {
  readonly fields: readonly HidField[];
  /** Usages of the outermost collections: what the device is. */
  readonly applications: readonly Usage[];
  /** Every usage that the descriptor names, choices and collections included. */
  readonly usages: ReadonlySet<Usage>;
  readonly hasReportIds: boolean;
};

export const HID_LIMITS = {
  /** HID_MAX_DESCRIPTOR_SIZE of Linux. */
  bytesMax: 4_096,
  fieldsMax: 512,
  /** Of one main item; a keyboard's array has 256. */
  usagesMax: 1_024,
  depthMax: 32,
  /** HID_GLOBAL_STACK_SIZE of Linux is 4. */
  stackMax: 8,
  /** Linux's reports hold up to 16 KB; nothing that tells a state is longer than this. */
  reportBitsMax: 65_536,
} as const;

type Globals = {
  readonly page: number;
  readonly logicalMin: number;
  readonly logicalMax: number;
  /** As unsigned: which one holds depends on the minimum. */
  readonly logicalMaxUnsigned: number;
  readonly physicalMin: number;
  readonly physicalMax: number;
  readonly unit: number;
  readonly unitExponent: number;
  readonly reportSize: number;
  readonly reportCount: number;
  readonly reportId: number;
};

const NO_GLOBALS: Globals = {
  page: 0,
  logicalMin: 0,
  logicalMax: 0,
  logicalMaxUnsigned: 0,
  physicalMin: 0,
  physicalMax: 0,
  unit: 0,
  unitExponent: 0,
  reportSize: 0,
  reportCount: 0,
  reportId: 0,
};

type Item = { readonly tag: number; readonly signed: number; readonly unsigned: number; readonly size: number };

const LONG_ITEM = 0xfe;
/** Tag and type, without the size (6.2.2.4 to 6.2.2.8). */
const TAG = {
  input: 0x80,
  output: 0x90,
  collection: 0xa0,
  feature: 0xb0,
  endCollection: 0xc0,
  usagePage: 0x04,
  logicalMin: 0x14,
  logicalMax: 0x24,
  physicalMin: 0x34,
  physicalMax: 0x44,
  unitExponent: 0x54,
  unit: 0x64,
  reportSize: 0x74,
  reportId: 0x84,
  reportCount: 0x94,
  push: 0xa4,
  pop: 0xb4,
  usage: 0x08,
  usageMin: 0x18,
  usageMax: 0x28,
} as const;
const REPORTS: Readonly<Record<number, ReportType>> = {
  [TAG.input]: "input",
  [TAG.output]: "output",
  [TAG.feature]: "feature",
};

export function parseHidDescriptor(bytes: Uint8Array): Result<HidDescriptor, { readonly detail: string }> {
  if (bytes.byteLength > HID_LIMITS.bytesMax) return err({ detail: `more than ${HID_LIMITS.bytesMax} bytes` });
  const items = readItems(bytes);
  if (items === null) return err({ detail: "it ends within an item" });
  const reader = new Reader();
  for (const item of items) {
    const complaint = reader.take(item);
    if (complaint !== null) return err({ detail: complaint });
  }
  return reader.finish();
}

function readItems(bytes: Uint8Array): Item[] | null {
  const items: Item[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const prefix = bytes[at] ?? 0;
    if (prefix === LONG_ITEM) {
      // Reserved, and used by nobody: its second byte is how much to skip.
      at += 3 + (bytes[at + 1] ?? 0);
      continue;
    }
    const size = [0, 1, 2, 4][prefix & 0b11] ?? 0;
    if (at + 1 + size > bytes.byteLength) return null;
    let unsigned = 0;
    for (let byte = size - 1; byte >= 0; byte--) unsigned = unsigned * 256 + (bytes[at + 1 + byte] ?? 0);
    items.push({ tag: prefix & 0xfc, size, unsigned, signed: toSigned(unsigned, size * 8) });
    at += 1 + size;
  }
  return at === bytes.byteLength ? items : null;
}

class Reader {
  #globals = NO_GLOBALS;
  readonly #stack: Globals[] = [];
  #usages: Usage[] = [];
  #usageMin: Usage | null = null;
  readonly #collections: Usage[] = [];
  readonly #fields: HidField[] = [];
  readonly #applications: Usage[] = [];
  readonly #named = new Set<Usage>();
  readonly #bits = new Map<string, number>();
  #hasReportIds = false;

  /** What is wrong with the item; null when nothing is. */
  take(item: Item): string | null {
    const report = REPORTS[item.tag];
    if (report !== undefined) return this.#main(report, item);
    switch (item.tag) {
      case TAG.collection:
        return this.#collection();
      case TAG.endCollection:
        this.#clearLocals();
        return this.#collections.pop() === undefined ? "a collection ends that did not begin" : null;
      case TAG.usage:
        return this.#addUsage(this.#extended(item));
      case TAG.usageMin:
        this.#usageMin = this.#extended(item);
        return null;
      case TAG.usageMax:
        return this.#addRange(this.#extended(item));
      case TAG.push:
        return this.#stack.push(this.#globals) > HID_LIMITS.stackMax ? "too much is pushed" : null;
      case TAG.pop:
        return this.#pop();
      default:
        return this.#global(item);
    }
  }

  finish(): Result<HidDescriptor, { readonly detail: string }> {
    if (this.#collections.length > 0) return err({ detail: "a collection does not end" });
    return ok({
      fields: this.#fields,
      applications: this.#applications,
      usages: this.#named,
      hasReportIds: this.#hasReportIds,
    });
  }

  #pop(): string | null {
    const before = this.#stack.pop();
    if (before === undefined) return "more is popped than was pushed";
    this.#globals = before;
    return null;
  }

  #global(item: Item): string | null {
    const { signed, unsigned } = item;
    const changed = changedGlobals(item);
    if (changed === null) return null;
    this.#globals = { ...this.#globals, ...changed };
    if (item.tag !== TAG.reportId) return null;
    this.#hasReportIds = true;
    return unsigned === 0 || unsigned > 255 ? `a report id of ${signed}` : null;
  }

  /** A usage of four bytes brings its page; others are of the page that holds (6.2.2.8). */
  #extended({ unsigned, size }: Item): Usage {
    return size === 4 ? unsigned : this.#globals.page * 0x10000 + unsigned;
  }

  #addUsage(usage: Usage): string | null {
    if (this.#usages.length >= HID_LIMITS.usagesMax) return "too many usages of one item";
    this.#usages.push(usage);
    this.#named.add(usage);
    return null;
  }

  #addRange(last: Usage): string | null {
    const first = this.#usageMin;
    this.#usageMin = null;
    if (first === null || last < first) return "a range of usages without a beginning";
    if (last - first >= HID_LIMITS.usagesMax) return "too many usages of one item";
    for (let usage = first; usage <= last; usage++) {
      const complaint = this.#addUsage(usage);
      if (complaint !== null) return complaint;
    }
    return null;
  }

  #collection(): string | null {
    const usage = this.#usages[0] ?? 0;
    if (this.#collections.length === 0) this.#applications.push(usage);
    this.#clearLocals();
    return this.#collections.push(usage) > HID_LIMITS.depthMax ? "collections within collections without end" : null;
  }

  #main(report: ReportType, { unsigned: flags }: Item): string | null {
    const { reportSize: bitSize, reportCount: count, reportId } = this.#globals;
    const key = `${report} ${reportId}`;
    const bitOffset = this.#bits.get(key) ?? 0;
    const end = bitOffset + bitSize * count;
    if (end > HID_LIMITS.reportBitsMax) return "a report that is longer than any";
    if (this.#fields.length >= HID_LIMITS.fieldsMax) return "too many fields";
    this.#bits.set(key, end);
    const { logicalMin, logicalMax, logicalMaxUnsigned, physicalMin, physicalMax, unit, unitExponent } = this.#globals;
    this.#fields.push({
      report,
      reportId,
      bitOffset,
      bitSize,
      count,
      usages: this.#usages,
      isArray: (flags & 0b10) === 0,
      isConstant: (flags & 0b1) !== 0,
      logicalMin,
      // Many descriptors write 255 as one byte, which the standard reads as -1.
      logicalMax: logicalMin >= 0 && logicalMax < logicalMin ? logicalMaxUnsigned : logicalMax,
      physicalMin,
      physicalMax,
      unit,
      unitExponent,
      collections: [...this.#collections],
    });
    this.#clearLocals();
    return null;
  }

  #clearLocals(): void {
    this.#usages = [];
    this.#usageMin = null;
  }
}

function changedGlobals({ tag, signed, unsigned }: Item): Partial<Globals> | null {
  switch (tag) {
    case TAG.usagePage:
      return { page: unsigned & 0xffff };
    case TAG.logicalMin:
      return { logicalMin: signed };
    case TAG.logicalMax:
      return { logicalMax: signed, logicalMaxUnsigned: unsigned };
    case TAG.physicalMin:
      return { physicalMin: signed };
    case TAG.physicalMax:
      return { physicalMax: signed };
    case TAG.unitExponent:
      // A nibble with a sign (6.2.2.7), or, in many descriptors, a byte with one.
      return { unitExponent: signed > 7 && signed <= 15 ? signed - 16 : signed };
    case TAG.unit:
      return { unit: unsigned };
    case TAG.reportSize:
      return { reportSize: unsigned };
    case TAG.reportId:
      return { reportId: unsigned };
    case TAG.reportCount:
      return { reportCount: unsigned };
    default:
      // Strings, designators, delimiters and what is reserved change no bit's place.
      return null;
  }
}

/** Of one type and id, in bytes, with the byte for the id. */
export function reportBytes({ fields, hasReportIds }: HidDescriptor, report: ReportType, reportId: number): number {
  let bits = 0;
  for (const field of fields) {
    if (field.report !== report || field.reportId !== reportId) continue;
    bits = Math.max(bits, field.bitOffset + field.bitSize * field.count);
  }
  return Math.ceil(bits / 8) + (hasReportIds ? 1 : 0);
}

export type HidValue = { readonly usage: Usage; readonly value: number; readonly field: HidField };

/**
 * What a report says: of a variable its value as it stands, of an array a 1 for each usage that is chosen. Values outside
 * of their logical range are "no value" (6.2.2.5), and so is what lies beyond a report that was cut short.
 */
export function readReport(descriptor: HidDescriptor, report: ReportType, bytes: Uint8Array): HidValue[] {
  const reportId = descriptor.hasReportIds ? (bytes[0] ?? 0) : 0;
  const data = descriptor.hasReportIds ? bytes.subarray(1) : bytes;
  const values: HidValue[] = [];
  for (const field of descriptor.fields) {
    if (field.report === report && field.reportId === reportId && !field.isConstant) readField(field, data, values);
  }
  return values;
}

/** Numbers beyond this are no measurements. */
const BITS_MAX = 32;
/** A field of more values is a buffer of text. */
const COUNT_MAX = 256;

function readField(field: HidField, data: Uint8Array, values: HidValue[]): void {
  const { bitOffset, bitSize, count, usages, isArray, logicalMin, logicalMax } = field;
  if (bitSize === 0 || bitSize > BITS_MAX || count > COUNT_MAX) return;
  for (let n = 0; n < count; n++) {
    const at = bitOffset + n * bitSize;
    if (at + bitSize > data.byteLength * 8) return;
    const unsigned = readBits(data, at, bitSize);
    const value = logicalMin < 0 ? toSigned(unsigned, bitSize) : unsigned;
    const inRange = logicalMin >= logicalMax || (value >= logicalMin && value <= logicalMax);
    const usage = isArray ? usages[value - logicalMin] : (usages[n] ?? usages.at(-1));
    if (inRange && usage !== undefined) values.push({ usage, value: isArray ? 1 : value, field });
  }
}

/** Reports are little-endian, from each byte's lowest bit. */
function readBits(data: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let bit = size - 1; bit >= 0; bit--) {
    const at = offset + bit;
    value = value * 2 + (((data[at >> 3] ?? 0) >> (at & 7)) & 1);
  }
  return value;
}

const toSigned = (unsigned: number, bits: number): number =>
  bits > 0 && unsigned >= 2 ** (bits - 1) ? unsigned - 2 ** bits : unsigned;
