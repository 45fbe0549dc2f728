/**
 * Which addresses a webhook may lead to. The URL comes from a file that only operators write, but the name in it is
 * answered by a DNS that may be anybody's: without `private: true` nothing inside the own network is reached through it,
 * and the addresses at which clouds hand out credentials (link-local) never are. Pure.
 */
import { BlockList, isIP } from "node:net";

const never = new BlockList();
never.addSubnet("0.0.0.0", 8);
never.addSubnet("169.254.0.0", 16);
never.addSubnet("224.0.0.0", 3);
never.addAddress("::", "ipv6");
never.addSubnet("fe80::", 10, "ipv6");
never.addSubnet("ff00::", 8, "ipv6");
never.addAddress("fd00:ec2::254", "ipv6");

const inside = new BlockList();
inside.addSubnet("127.0.0.0", 8);
inside.addSubnet("10.0.0.0", 8);
inside.addSubnet("172.16.0.0", 12);
inside.addSubnet("192.168.0.0", 16);
inside.addSubnet("100.64.0.0", 10);
inside.addAddress("::1", "ipv6");
inside.addSubnet("fc00::", 7, "ipv6");
/** NAT64: what is behind it is an IPv4 address that nobody looked at. */
inside.addSubnet("64:ff9b::", 96, "ipv6");

/** Why this address is not connected to; null: it may be. */
export function addressRefusal(address: string, isPrivate: boolean): string | null {
  const family = isIP(address);
  if (family === 0) return `${address} is no address`;
  const type = family === 6 ? "ipv6" : "ipv4";
  if (never.check(address, type)) return `${address} is link-local, multicast or no host's`;
  if (!isPrivate && inside.check(address, type))
    return `${address} is in a private network: allow it with private: true`;
  return null;
}
