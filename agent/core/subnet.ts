/** Subnets to look for devices in, as people write them: `10.42.0.0/24`, `10.42.0.7`, `fd00:42::/120`, `fd00:42::7`. */
import { err, ok, type Result } from "@aislewatch/base";

export const SUBNET_LIMITS = {
  /** 65,536 addresses: at the default rate ten minutes. More is somebody's mistake, or somebody else's network. */
  hostBitsMax: 16,
  subnetsMax: 64,
} as const;

export type Subnet = { readonly family: 4 | 6; readonly first: bigint; readonly count: number };

const BITS = { 4: 32, 6: 128 } as const;
const OCTET = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
/** 39 characters, and the dotted end that some write. */
const IPV6_CHARS_MAX = 45;

export function parseSubnet(written: string): Result<Subnet, string> {
  const expected = "expected a subnet such as 10.42.0.0/24 or fd00:42::/120, or one address";
  const [, text = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(written) ?? [];
  const address = numberOf(text);
  if (address === null) return err(`${expected}; received "${written}"`);
  const { family, number } = address;
  const prefix = Number(bits ?? BITS[family]);
  const hostBits = BITS[family] - prefix;
  if (hostBits < 0) return err(`${expected}; received a prefix of ${prefix} bits`);
  if (hostBits > SUBNET_LIMITS.hostBitsMax) {
    const largest = `a /${BITS[family] - SUBNET_LIMITS.hostBitsMax} (${family === 4 ? "65,534" : "65,536"} addresses)`;
    return err(`expected at most ${largest}; received "${written}". Name the parts that have devices`);
  }
  const size = 2 ** hostBits;
  const start = number - (number % BigInt(size));
  // The first address of an IPv4 subnet is its name, the last one reaches everybody (RFC 3021: not so in a /31).
  return ok(
    family === 4 && size > 2 ? { family, first: start + 1n, count: size - 2 } : { family, first: start, count: size },
  );
}

/** Each address once, however the subnets overlap, in their order. */
export function addressesOf(subnets: readonly Subnet[]): string[] {
  const addresses = subnets.flatMap(({ family, first, count }) =>
    Array.from({ length: count }, (_, n) => textOf({ family, number: first + BigInt(n) })),
  );
  return [...new Set(addresses)];
}

export function isInSubnets(address: string, subnets: readonly Subnet[]): boolean {
  const found = numberOf(address);
  return subnets.some(
    ({ family, first, count }) =>
      family === found?.family && found.number >= first && found.number < first + BigInt(count),
  );
}

/** The one way of writing an address that all its ways of being written have (RFC 5952); other texts stay. */
export function plainestAddress(written: string): string {
  const address = numberOf(written);
  return address === null ? written : textOf(address);
}

/** By number, IPv4 before IPv6: the order in which people look for a device. */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => {
    const address = numberOf(text);
    return address === null ? -1n : address.number + (address.family === 6 ? 1n << 32n : 0n);
  });
  if (left !== right) return (left ?? 0n) < (right ?? 0n) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

type Address = { readonly family: 4 | 6; readonly number: bigint };

function numberOf(text: string): Address | null {
  if (IPV4.test(text)) return { family: 4, number: joined(text.split(".").map(BigInt), 8n) };
  const groups = text.length > IPV6_CHARS_MAX ? null : groupsOf(text);
  return groups === null ? null : { family: 6, number: joined(groups, 16n) };
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2), of which one run of zeros may be `::`. */
function groupsOf(text: string): bigint[] | null {
  const halves = text.split("::").map((half, place, all) => partOf(half, place === all.length - 1));
  const [head, end] = halves;
  if (head === undefined || head === null || end === null || halves.length > 2) return null;
  if (end === undefined) return head.length === 8 ? head : null;
  const zeros = 8 - head.length - end.length;
  return zeros < 1 ? null : [...head, ...Array.from({ length: zeros }, () => 0n), ...end];
}

/** A dotted end is two groups, and stands at the very end. */
function partOf(text: string, isLast: boolean): bigint[] | null {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [place, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(BigInt(`0x${part}`));
    } else if (IPV4.test(part) && isLast && place === parts.length - 1) {
      const number = joined(part.split(".").map(BigInt), 8n);
      groups.push(number >> 16n, number & 0xffffn);
    } else {
      return null;
    }
  }
  return groups;
}

const joined = (parts: readonly bigint[], bits: bigint): bigint =>
  parts.reduce((number, part) => (number << bits) | part, 0n);

/** Of `bits` each, the highest first. */
const split = (number: bigint, count: number, bits: bigint): bigint[] =>
  Array.from({ length: count }, (_, n) => (number >> (bits * BigInt(count - 1 - n))) & ((1n << bits) - 1n));

function textOf({ family, number }: Address): string {
  if (family === 4) return split(number, 4, 8n).join(".");
  const groups = split(number, 8, 16n).map((group) => group.toString(16));
  // The longest run of zeros, and the first of several, is written short; one zero alone is not.
  let run = { from: 0, length: 1 };
  for (let from = 0; from < groups.length; from++) {
    const length = groups.slice(from).findIndex((group) => group !== "0");
    const zeros = length < 0 ? groups.length - from : length;
    if (zeros > run.length) run = { from, length: zeros };
  }
  if (run.length === 1) return groups.join(":");
  return `${groups.slice(0, run.from).join(":")}::${groups.slice(run.from + run.length).join(":")}`;
}
