/**
 * The datagrams that ask "does anything here speak SNMP?": a GET of sysObjectID by v1 and by v2c for each community,
 * and the empty v3 message that every v3 engine answers with a Report, whatever its users (RFC 3414 §4). A few bytes to
 * a host that is not there cost nothing, which a session with its retries would.
 */

const INTEGER = 0x02;
const OCTETS = 0x04;
const NULL = 0x05;
const OID = 0x06;
const SEQUENCE = 0x30;
const GET = 0xa0;
const RESPONSE = 0xa2;

/** 1.3.6.1.2.1.1.2.0 */
const SYS_OBJECT_ID = [0x2b, 6, 1, 2, 1, 1, 2, 0];
/** A reply of one scalar is far below; every engine must take at least 484 octets (RFC 3412 §6.3). */
const MESSAGE_OCTETS_MAX = 1_472;
const USM = 3;
const REPORTABLE = 4;

/** v1 and v2c say their version as 0 and 1. */
export const helloCommunity = (version: "1" | "2c", community: string, id: number): Uint8Array =>
  Uint8Array.from(
    tagged(SEQUENCE, [
      ...integer(version === "1" ? 0 : 1),
      ...tagged(OCTETS, [...new TextEncoder().encode(community)]),
      ...get(id, tagged(SEQUENCE, [...tagged(OID, SYS_OBJECT_ID), ...tagged(NULL, [])])),
    ]),
  );

export function helloV3(id: number): Uint8Array {
  const empty = tagged(OCTETS, []);
  const header = [...integer(id), ...integer(MESSAGE_OCTETS_MAX), ...tagged(OCTETS, [REPORTABLE]), ...integer(USM)];
  const security = [...empty, ...integer(0), ...integer(0), ...empty, ...empty, ...empty];
  return Uint8Array.from(
    tagged(SEQUENCE, [
      ...integer(3),
      ...tagged(SEQUENCE, header),
      ...tagged(OCTETS, tagged(SEQUENCE, security)),
      ...tagged(SEQUENCE, [...empty, ...empty, ...get(id, [])]),
    ]),
  );
}

/**
 * The id of the hello that a message answers, of any version; null for what is no SNMP. Reads only as far as the id: a
 * message is a sequence of version, community and PDU, or of version and a header that begins with the id.
 */
export function answeredHello(message: Uint8Array): number | null {
  const whole = element(message, 0);
  if (whole?.tag !== SEQUENCE) return null;
  const version = element(message, whole.from);
  if (version?.tag !== INTEGER || version.to - version.from !== 1) return null;
  const second = element(message, version.to);
  if (second === null) return null;
  if (message[version.from] === 3) return second.tag === SEQUENCE ? integerAt(message, second.from) : null;
  const pdu = second.tag === OCTETS ? element(message, second.to) : null;
  return pdu?.tag === RESPONSE ? integerAt(message, pdu.from) : null;
}

/** Where the content of a BER element is; null when it is not all there. */
function element(message: Uint8Array, at: number): { tag: number; from: number; to: number } | null {
  const [tag, length] = message.subarray(at, at + 2);
  if (tag === undefined || length === undefined) return null;
  const octets = length < 0x80 ? 0 : length & 0x7f;
  if (octets > 3) return null;
  const from = at + 2 + octets;
  const size = octets === 0 ? length : message.subarray(at + 2, from).reduce((sum, octet) => sum * 256 + octet, 0);
  return from + size <= message.length ? { tag, from, to: from + size } : null;
}

function integerAt(message: Uint8Array, at: number): number | null {
  const found = element(message, at);
  if (found?.tag !== INTEGER || found.to - found.from > 4) return null;
  return message.subarray(found.from, found.to).reduce((sum, octet) => sum * 256 + octet, 0);
}

const get = (id: number, varbinds: readonly number[]): number[] =>
  tagged(GET, [...integer(id), ...integer(0), ...integer(0), ...tagged(SEQUENCE, varbinds)]);

/** Non-negative, at most 31 bits. */
function integer(value: number): number[] {
  const octets = [];
  for (let left = value; left > 0 || octets.length === 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  if ((octets[0] ?? 0) >= 0x80) octets.unshift(0);
  return tagged(INTEGER, octets);
}

function tagged(tag: number, content: readonly number[]): number[] {
  const { length } = content;
  if (length < 0x80) return [tag, length, ...content];
  return length < 0x100 ? [tag, 0x81, length, ...content] : [tag, 0x82, length >> 8, length & 0xff, ...content];
}
