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

/** A whole BER sequence that begins with a version that SNMP has; anything else is some other program's answer. */
export function isSnmpMessage(message: Uint8Array): boolean {
  const [tag, length = 0] = message;
  const octets = length < 0x80 ? 0 : length & 0x7f;
  const at = 2 + octets;
  return (
    tag === SEQUENCE && octets <= 4 && message[at] === INTEGER && message[at + 1] === 1 && isVersion(message[at + 2])
  );
}

const isVersion = (octet: number | undefined): boolean => octet === 0 || octet === 1 || octet === 3;

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
