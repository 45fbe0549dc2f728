/**
 * The little of an SNMP message that must be known before net-snmp is asked: its version, where its PDU begins, and, for
 * v3, whose engine it names (RFC 3412 §6, RFC 3414 §2.4). BER as far as definite lengths go; anything else is null.
 */
export type DatagramHead =
  | { readonly version: 0 | 1; readonly pduAt: number }
  | { readonly version: 3; readonly engineId: string };

/** PDU types (RFC 3416 §3). */
export const PDU = { response: 0xa2, trapV1: 0xa4, inform: 0xa6, trapV2: 0xa7 } as const;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;

export function headOf(datagram: Uint8Array): DatagramHead | null {
  const message = element(datagram, 0, SEQUENCE);
  const version = message && element(datagram, message.from, INTEGER);
  if (!version || version.to - version.from !== 1) return null;
  const number = datagram[version.from];
  if (number === 0 || number === 1) {
    const community = element(datagram, version.to, OCTETS);
    return community && community.to < datagram.length ? { version: number, pduAt: community.to } : null;
  }
  if (number !== 3) return null;
  const header = element(datagram, version.to, SEQUENCE);
  const security = header && element(datagram, header.to, OCTETS);
  const usm = security && element(datagram, security.from, SEQUENCE);
  const engine = usm && element(datagram, usm.from, OCTETS);
  return engine ? { version: 3, engineId: hex(datagram.subarray(engine.from, engine.to)) } : null;
}

/** Where the content of the element at `at` begins and ends; null when it is of another type or not whole. */
function element(bytes: Uint8Array, at: number, tag: number): { from: number; to: number } | null {
  const marker = bytes[at + 1];
  if (bytes[at] !== tag || marker === undefined) return null;
  const lengthOctets = marker < 0x80 ? 0 : marker - 0x80;
  // No message has more octets than three can count; 0x80 alone is the indefinite form, which SNMP does not have.
  if (marker === 0x80 || lengthOctets > 3) return null;
  let length = lengthOctets === 0 ? marker : 0;
  for (const octet of bytes.subarray(at + 2, at + 2 + lengthOctets)) length = length * 256 + octet;
  const from = at + 2 + lengthOctets;
  return from + length <= bytes.length ? { from, to: from + length } : null;
}

function hex(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += octet.toString(16).padStart(2, "0");
  return text;
}
