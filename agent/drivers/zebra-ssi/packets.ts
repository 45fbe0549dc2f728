/**
 * Packets of the Simple Serial Interface (SSI Programmer's Guide 72E-40451, chapter 2; SE-923 integration guide, chapter
 * 6):
 *
 *   length  opcode  source  status  data …  checksum (two bytes, high one first)
 *
 * The length counts all but the checksum, which is the two's complement of the sum of the others. Source 0 is the
 * scanner, 4 the host. A packet whose checksum is right is passed over as a whole, so that nothing within what was
 * scanned can be taken for an answer; after a wrong one the search goes on one byte later.
 */
export const OPCODE = { revisionRequest: 0xa3, revision: 0xa4, nak: 0xd1, management: 0x80 } as const;

/** Of the management protocol: what is read, by its number. */
export const ATTRIBUTES = {
  model: 533,
  serial: 534,
  firmware: 20_004,
  /** Of cordless models. */
  charge: 30_018,
} as const;

const SOURCE_SCANNER = 0;
const SOURCE_HOST = 4;
const HEADER_BYTES = 4;
const CHECKSUM_BYTES = 2;

export type Packet = {
  readonly opcode: number;
  readonly data: string;
  /** As it came, with its checksum. */
  readonly whole: string;
};

/** Every whole packet of the scanner, in the order in which they came. */
export function packetsOf(said: string): readonly Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < said.length; ) {
    const packet = packetAt(said, at);
    if (packet?.source === SOURCE_SCANNER) packets.push(packet);
    at += packet?.whole.length ?? 1;
  }
  return packets;
}

function packetAt(said: string, at: number): (Packet & { readonly source: number }) | null {
  const length = said.charCodeAt(at);
  const end = at + length + CHECKSUM_BYTES;
  const source = said.charCodeAt(at + 2);
  // Before the sum, which would cost noise 255 bytes of work for each of its own.
  if (length < HEADER_BYTES || end > said.length || (source !== SOURCE_SCANNER && source !== SOURCE_HOST)) return null;
  const body = said.slice(at, at + length);
  if (checksum(body) !== said.slice(at + length, end)) return null;
  return { opcode: body.charCodeAt(1), source, data: body.slice(HEADER_BYTES), whole: said.slice(at, end) };
}

function checksum(body: string): string {
  let sum = 0;
  for (let at = 0; at < body.length; at++) sum += body.charCodeAt(at);
  const complement = -sum & 0xffff;
  return String.fromCharCode(complement >> 8, complement & 0xff);
}

export function hostPacket(opcode: number, data = ""): string {
  const body = `${String.fromCharCode(HEADER_BYTES + data.length, opcode, SOURCE_HOST, 0)}${data}`;
  return `${body}${checksum(body)}`;
}

/** "Attribute get" of the management protocol within SSI: its own length, the command, the attribute. */
const ATTRIBUTE_GET = 2;
export const attributeGet = (attribute: number): string =>
  String.fromCharCode(0, 6, ATTRIBUTE_GET, 0, attribute >> 8, attribute & 0xff);

export type Attribute = { readonly id: number; readonly value: string | number };

/** As long as the header before the attributes. */
const RSM_HEADER_BYTES = 4;
const NO_MORE = 0xffff;
const NUMBER_BYTES: Readonly<Record<string, number>> = { B: 1, F: 1, W: 2, D: 4 };

/**
 * Attributes of an answer: number (16 bits), type, properties, value. Texts (S) and arrays (A) have a length and an
 * offset before the value, numbers (B, F, W, D) are as long as their type. What has another type ends the search.
 */
export function attributesOf({ opcode, data }: Packet): readonly Attribute[] {
  if (opcode !== OPCODE.management || !isAnswer(data)) return [];
  const attributes: Attribute[] = [];
  for (let at = RSM_HEADER_BYTES; at + 4 <= data.length; ) {
    const id = word(data, at);
    const type = data.charAt(at + 2);
    if (id === NO_MORE) break;
    const from = at + 4;
    const size = NUMBER_BYTES[type];
    if (size !== undefined && from + size <= data.length) {
      attributes.push({ id, value: number(data.slice(from, from + size)) });
      at = from + size;
      continue;
    }
    const list = type === "A" ? 1 : 0;
    const start = from + list + 4;
    const end = start + word(data, from + list);
    if ((type !== "S" && type !== "A") || end > data.length) break;
    if (type === "S")
      attributes.push({
        id,
        value: data
          .slice(start, end)
          .replace(/\0[\s\S]*$/, "")
          .trim(),
      });
    at = end;
  }
  return attributes;
}

const isAnswer = (data: string): boolean => word(data, 0) === data.length && data.charCodeAt(2) === ATTRIBUTE_GET;
const word = (bytes: string, at: number): number => bytes.charCodeAt(at) * 256 + bytes.charCodeAt(at + 1);
const number = (bytes: string): number =>
  Array.from(bytes).reduce((value, character) => value * 256 + character.charCodeAt(0), 0);
