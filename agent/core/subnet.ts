/** Subnets to look for devices in, as people write them: `10.42.0.0/24`, `10.42.0.7`, or one IPv6 address. */
import { err, ok, type Result } from "@aislewatch/base";

export const SUBNET_LIMITS = {
  /** 65,534 addresses: at the default rate ten minutes. More is somebody's mistake, or somebody else's network. */
  shortestPrefix: 16,
  subnetsMax: 64,
} as const;

export type Subnet = { readonly text: string; readonly family: 4 | 6; readonly first: number; readonly count: number };

const OCTET = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const IPV4 = new RegExp(`^(${OCTET}(?:\\.${OCTET}){3})(?:/(\\d{1,3}))?$`);
/** What is no IPv6 address after all, the resolver refuses. */
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]{2,45}(?:\/(\d{1,3}))?$/i;

export function parseSubnet(written: string): Result<Subnet, string> {
  const expected = "expected a subnet such as 10.42.0.0/24, or one address";
  const six = IPV6.exec(written);
  if (six !== null) {
    const [, prefix = "128"] = six;
    const text = written.replace(/\/.*$/, "").toLowerCase();
    if (prefix === "128") return ok({ text, family: 6, first: 0, count: 1 });
    return err(`expected one IPv6 address at a time, for a subnet has more than can be asked; received "${written}"`);
  }
  const four = IPV4.exec(written);
  if (four === null) return err(`${expected}; received "${written}"`);
  const prefix = Number(four[2] ?? "32");
  if (prefix > 32) return err(`${expected}; received a prefix of ${prefix} bits`);
  if (prefix < SUBNET_LIMITS.shortestPrefix) {
    return err(
      `expected at most a /${SUBNET_LIMITS.shortestPrefix} (65,534 addresses); received "${written}". Name the parts that have devices`,
    );
  }
  const size = 2 ** (32 - prefix);
  const address = numberOf(four[1] ?? "");
  const start = address - (address % size);
  // The first address of a subnet is its name, the last one reaches everybody (RFC 3021: not so in a /31).
  return ok(
    size > 2
      ? { text: `${textOf(start)}/${prefix}`, family: 4, first: start + 1, count: size - 2 }
      : { text: written, family: 4, first: start, count: size },
  );
}

/** Each address once, however the subnets overlap, in their order. */
export function addressesOf(subnets: readonly Subnet[]): string[] {
  const addresses = subnets.flatMap(({ text, family, first, count }) =>
    family === 6 ? [text] : Array.from({ length: count }, (_, n) => textOf(first + n)),
  );
  return [...new Set(addresses)];
}

export function isInSubnets(address: string, subnets: readonly Subnet[]): boolean {
  const number = IPV4.test(address) ? numberOf(address) : null;
  return subnets.some(({ text, family, first, count }) =>
    family === 6 ? text === address.toLowerCase() : number !== null && number >= first && number < first + count,
  );
}

const numberOf = (address: string): number =>
  address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
const textOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

/** By number, IPv4 before IPv6: the order in which people look for a device. */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [a, b].map((address) => (IPV4.test(address) ? numberOf(address) : Number.POSITIVE_INFINITY));
  if (left !== right) return (left ?? 0) < (right ?? 0) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
