/** Varbinds as net-snmp decodes them, as values of a reply. */
import { octetsValue, type SnmpValue } from "@aislewatch/devices";
import { redactOctets } from "../core/card-data.ts";

export type RawVarbind = { readonly oid: string; readonly type: number; readonly value: unknown };

const END_OF_MIB_VIEW = 130;
/** Stands for the end of a MIB that SNMPv1 tells by an error. */
export const END: RawVarbind = { oid: "0.0", type: END_OF_MIB_VIEW, value: null };

export const varbindsOf = (value: unknown): RawVarbind[] => (Array.isArray(value) ? value.filter(isRawVarbind) : []);

function isRawVarbind(value: unknown): value is RawVarbind {
  return (
    typeof value === "object" && value !== null && "oid" in value && typeof value.oid === "string" && "type" in value
  );
}

/** noSuchObject, noSuchInstance, endOfMibView: not data. */
export const isException = ({ type }: RawVarbind): boolean => type >= 128 && type <= END_OF_MIB_VIEW;

export function valueOfVarbind(varbind: RawVarbind): SnmpValue | null {
  const { type, value } = varbind;
  if (value instanceof Uint8Array)
    return type === 70 ? counter64(value) : type === 68 ? opaque(value) : safeOctets(value);
  if (typeof value === "string") {
    if (type === 6) return { type: "oid", value };
    return type === 64 ? { type: "ip", value } : { type: "text", value };
  }
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  switch (type) {
    case 2:
      return { type: "integer", value };
    case 65:
      return { type: "counter", value };
    case 66:
      return { type: "gauge", value };
    case 67:
      return { type: "ticks", value };
    default:
      return null;
  }
}

/** Card data is looked for in the bytes: of what is no UTF-8 a text keeps too little to know it by, and enough to harm. */
function safeOctets(octets: Uint8Array): SnmpValue {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
  const safe = redactOctets(bytes);
  return safe === bytes ? octetsValue(octets) : octetsValue(Buffer.from(safe, "latin1"));
}

function counter64(octets: Uint8Array): SnmpValue {
  let value = 0n;
  for (const octet of octets.subarray(-8)) value = value * 256n + BigInt(octet);
  return { type: "counter64", value: value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString() };
}

/** net-snmp (the C one) wraps floats: 9f 78 04 and four octets. */
function opaque(octets: Uint8Array): SnmpValue {
  if (octets.length !== 7 || octets[0] !== 0x9f || octets[1] !== 0x78 || octets[2] !== 4) return safeOctets(octets);
  const value = new DataView(octets.buffer, octets.byteOffset + 3, 4).getFloat32(0);
  return Number.isFinite(value) ? { type: "float", value } : octetsValue(octets);
}
