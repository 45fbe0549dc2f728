/** SNMP devices over UDP that answer as a test wants, by the rules or against them. v1 and v2c. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { onCleanUp } from "./rig.ts";

export type SnmpQuestion = {
  readonly isGet: boolean;
  readonly oids: readonly string[];
  /** An answer to this question with these varbinds, as a whole datagram; to another one when `id` is given. */
  answer(varbinds: readonly { readonly oid: string; readonly value: Buffer }[], id?: number): Buffer;
};
export type SnmpConduct = (question: SnmpQuestion, send: (datagram: Buffer) => void) => void;

export async function startHostileSnmp(conduct: SnmpConduct): Promise<{ readonly port: number }> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  let isOpen = true;
  onCleanUp(() => {
    isOpen = false;
    socket.close();
  });
  socket.on("message", (message, { port, address }) => {
    const question = read(message);
    if (question === null) return;
    conduct(question, (datagram) => {
      if (isOpen) socket.send(datagram, port, address, () => undefined);
    });
  });
  return { port: socket.address().port };
}

const INTEGER = 2;
const OCTETS = 4;
const OID = 6;
const SEQUENCE = 0x30;
const GET = 0xa0;
const RESPONSE = 0xa2;

export const END_OF_MIB = Buffer.from([0x82, 0]);
export const text = (value: string | Buffer): Buffer => tlv(OCTETS, Buffer.from(value));
export function integer(value: number): Buffer {
  const octets = Buffer.alloc(5);
  octets.writeIntBE(value, 0, 5);
  return tlv(INTEGER, octets);
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

type Element = { readonly tag: number; readonly body: Buffer; readonly whole: Buffer };

function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const marker = bytes[at + 1] ?? 0;
    const extra = marker < 0x80 ? 0 : marker & 0x7f;
    const start = at + 2 + extra;
    const end = start + (extra === 0 ? marker : bytes.readUIntBE(at + 2, extra));
    found.push({ tag: bytes[at] ?? 0, body: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

function read(message: Buffer): SnmpQuestion | null {
  const [version, community, pdu] = elements(elements(message)[0]?.body ?? Buffer.alloc(0));
  if (version === undefined || community === undefined || pdu === undefined) return null;
  const [requestId, , , list] = elements(pdu.body);
  if (requestId === undefined || list === undefined) return null;
  return {
    isGet: pdu.tag === GET,
    oids: elements(list.body).map(({ body }) => readOid(elements(body)[0]?.body ?? Buffer.alloc(0))),
    answer(varbinds, id) {
      const rows = varbinds.map(({ oid, value }) => tlv(SEQUENCE, writeOid(oid), value));
      const answered = id === undefined ? requestId.whole : integer(id);
      const body = tlv(RESPONSE, answered, integer(0), integer(0), tlv(SEQUENCE, ...rows));
      return tlv(SEQUENCE, version.whole, community.whole, body);
    },
  };
}

function readOid(octets: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of octets) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet < 0x80) arcs.push(arc);
    if (octet < 0x80) arc = 0;
  }
  const [both = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(both / 40));
  return [first, both - 40 * first, ...rest].join(".");
}

function writeOid(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split(".").map(Number);
  const octets = [40 * first + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80);
    return groups;
  });
  return tlv(OID, Buffer.from(octets));
}
