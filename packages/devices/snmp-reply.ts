/**
 * What an SNMP device answered, as plain JSON: varbinds by OID (no leading dot). Exceptions (noSuchObject,
 * noSuchInstance, endOfMibView) are not data and are left out. Octet strings keep every byte: readable UTF-8 stands as
 * `text`, anything else as lower-case `hex`. Counter64 is a number while it is exact, a decimal string beyond 2^53.
 */
export type SnmpValue =
  | { readonly type: "integer" | "counter" | "gauge" | "ticks" | "float"; readonly value: number }
  | { readonly type: "counter64"; readonly value: number | string }
  | { readonly type: "text" | "hex" | "oid" | "ip"; readonly value: string };

export type SnmpReply = {
  /** Unix ms when the reply was taken; clocks are compared with it. */
  readonly at: number;
  readonly varbinds: Readonly<Record<string, SnmpValue>>;
};

/** Octets to JSON and, by `replyOctets`, back again without loss. */
export function octetsValue(octets: Uint8Array): SnmpValue {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(octets);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes with them are data, not text.
  if (!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffd]/.test(text)) return { type: "text", value: text };
  let hex = "";
  for (const octet of octets) hex += octet.toString(16).padStart(2, "0");
  return { type: "hex", value: hex };
}

/** The bytes of an octet string; null for any other type, or for hex that is none. */
export function octetsOf(value: SnmpValue): Uint8Array | null {
  if (value.type === "text") return new TextEncoder().encode(value.value);
  if (value.type !== "hex" || !/^(?:[0-9a-f]{2})*$/i.test(value.value)) return null;
  const octets = new Uint8Array(value.value.length / 2);
  for (let i = 0; i < octets.length; i++) octets[i] = Number.parseInt(value.value.slice(2 * i, 2 * i + 2), 16);
  return octets;
}

/** An octet string as people read it: decoded (Latin-1 where it is not UTF-8), without control characters. */
export function textOf(value: SnmpValue): string {
  if (value.type !== "hex") return clean(String(value.value));
  const octets = octetsOf(value) ?? new Uint8Array();
  const text = new TextDecoder("utf-8").decode(octets);
  return clean(text.includes("\ufffd") ? new TextDecoder("latin1").decode(octets) : text);
}

const TEXT_CHARS_MAX = 256;
const clean = (text: string): string =>
  text
    .slice(0, 4 * TEXT_CHARS_MAX)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL, CR and LF end up in vendors' strings.
    .replace(/[\u0000-\u001f\u007f-\u009f\ufffd]+/g, " ")
    .trim()
    .slice(0, TEXT_CHARS_MAX);

/** -1, 0 or 1: the order of a MIB walk. */
export function compareOids(a: string, b: string): number {
  const left = a.split(".");
  const right = b.split(".");
  const arcs = Math.min(left.length, right.length);
  for (let i = 0; i < arcs; i++) {
    const difference = Number(left[i]) - Number(right[i]);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(left.length - right.length);
}

export const isWithin = (oid: string, root: string): boolean =>
  oid.length > root.length && oid.startsWith(root) && oid[root.length] === ".";
