/**
 * What a system says of its radio links and of the addresses that are lent to it. Pure. Sources: /proc/net/wireless
 * (proc_net(5)), iw(8), `netsh wlan`, `ip -json address` (ip-address(8)), /run/systemd/netif/leases,
 * dhclient.leases(5), `Get-NetIPAddress`. Names of networks and addresses are passed over.
 *
 * A line begins with blanks, never with `\s`: that takes line ends as well, and a file of nothing else is looked through
 * once for each of its lines.
 */
import type { Lease, Radio } from "./types.ts";

/** More than a host has. */
const PORTS_MAX = 64;
const LINES_MAX = 4_096;
/** Below is noise, and what drivers write that know no level: 0, -256. */
const SIGNAL_DBM_MIN = -120;
/** An address that is nobody's to take back: what the kernel has for "for ever". */
const FOR_EVER_SECONDS = 0xffff_ffff;

/** A line for each radio port: its state, then quality, level and noise; a figure that is new ends in a dot. */
export function parseWireless(text: string): Radio[] {
  return lines(text).flatMap((line) => {
    const [, name = "", level = ""] = /^\s*(\S{1,32}): +[0-9a-f]{4} +-?\d{1,4}[.]? +(-?\d{1,4})[.]? /.exec(line) ?? [];
    return radio(name, Number(level));
  });
}

/** `iw dev wlan0 link`. */
export function parseIwLink(text: string, name: string): Radio[] {
  return radio(name, Number(/^[ \t]*signal: (-\d{1,3}) dBm/m.exec(text)?.[1] ?? Number.NaN));
}

/**
 * `netsh wlan show interfaces`, in any language: a block for each port, which begins with its name and has one line that
 * ends in percent, the signal. Percent are half decibels above -100 dBm (WLAN_ASSOCIATION_ATTRIBUTES, wlanSignalQuality).
 */
export function parseNetshWlan(text: string): Radio[] {
  return text.split(/\r?\n\s*\r?\n/, PORTS_MAX * 4).flatMap((block) => {
    const name = /^[ \t]+\S[^:\r\n]{0,40}?[ \t]*: (\S.{0,60}?)[ \t]*$/m.exec(block)?.[1];
    const percent = /:\s*(\d{1,3})\s?%\s*$/m.exec(block)?.[1];
    return name === undefined || percent === undefined ? [] : radio(name, Math.min(100, Number(percent)) / 2 - 100);
  });
}

function radio(name: string, signalDbm: number): Radio[] {
  return name !== "" && signalDbm < 0 && signalDbm >= SIGNAL_DBM_MIN ? [{ name, signalDbm }] : [];
}

/** What a port has of IPv4 addresses: one that is lent, and for how long still; or one of its own; or a link and none. */
export type PortAddress = {
  readonly name: string;
  readonly hasLink: boolean;
  /** Null: none is lent to it. */
  readonly leftSeconds: number | null;
  readonly hasOwn: boolean;
};

/** `ip -json -4 address show`: the kernel counts down what a DHCP client told it, whichever that is. */
export function parseAddresses(text: string): PortAddress[] {
  return objects(text).flatMap(({ ifname, operstate, addr_info: given }) => {
    if (typeof ifname !== "string") return [];
    const addresses = (Array.isArray(given) ? given : []).filter(isObject).filter(({ scope }) => scope === "global");
    const lent = addresses.flatMap(({ dynamic, valid_life_time: left }) =>
      dynamic === true && typeof left === "number" && left >= 0 && left < FOR_EVER_SECONDS ? [left] : [],
    );
    const hasOwn = addresses.some(({ dynamic }) => dynamic !== true);
    const leftSeconds = lent.length === 0 ? null : Math.max(...lent);
    return [{ name: ifname, hasLink: operstate === "UP", leftSeconds, hasOwn }];
  });
}

/** `Get-NetIPAddress -PrefixOrigin Dhcp` as JSON; of one port, PowerShell makes an object and no list. */
export function parseWindowsAddresses(text: string): PortAddress[] {
  return objects(text).flatMap(({ name, left }) =>
    typeof name === "string" && typeof left === "number" && left >= 0 && left < FOR_EVER_SECONDS
      ? [{ name, hasLink: true, leftSeconds: Math.floor(left), hasOwn: false }]
      : [],
  );
}

/** A lease as systemd-networkd keeps it: `LIFETIME=` in seconds. */
export const networkdLifetime = (text: string): number | null => seconds(/^LIFETIME=(\d{1,10})\s*$/m.exec(text)?.[1]);

/** The last lease of dhclient's file is the one that counts. */
export function dhclientLifetimes(text: string): ReadonlyMap<string, number> {
  const lifetimes = new Map<string, number>();
  for (const lease of text.split(/^lease /m).slice(-PORTS_MAX)) {
    const name = /^[ \t]*interface "([^"\n]{1,32})";/m.exec(lease)?.[1];
    const lifetime = seconds(/^[ \t]*option dhcp-lease-time (\d{1,10});/m.exec(lease)?.[1]);
    if (name !== undefined && lifetime !== null) lifetimes.set(name, lifetime);
  }
  return lifetimes;
}

function seconds(digits: string | undefined): number | null {
  const value = Number(digits ?? Number.NaN);
  return value > 0 && value < FOR_EVER_SECONDS ? value : null;
}

/**
 * Leases from look to look. Pure. The kernel tells what is left and not what was given: without a client's own file that is
 * learned when it is renewed, which is when more is left than before. A port that had a lease, has its link, and now has no
 * address at all has lost it: nothing is left, and that is said until it has one again.
 */
export function stepLeases(
  before: readonly Lease[],
  ports: readonly PortAddress[],
  lifetimes: ReadonlyMap<string, number>,
): Lease[] {
  return ports.slice(0, PORTS_MAX).flatMap(({ name, leftSeconds, hasLink, hasOwn }) => {
    const known = before.find((lease) => lease.name === name);
    const told = lifetimes.get(name);
    if (leftSeconds !== null) {
      const isRenewed = known !== undefined && leftSeconds > known.leftSeconds;
      const learned = isRenewed ? leftSeconds : (known?.lifetimeSeconds ?? null);
      // A server may give less the next time, and never less than what is left.
      const lifetimeSeconds = told ?? (learned === null ? null : Math.max(learned, leftSeconds));
      return [{ name, leftSeconds, lifetimeSeconds }];
    }
    const isLost = known !== undefined && hasLink && !hasOwn;
    return isLost ? [{ ...known, leftSeconds: 0 }] : [];
  });
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function objects(text: string): readonly Fields[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return (Array.isArray(parsed) ? parsed : [parsed]).slice(0, PORTS_MAX).filter(isObject);
  } catch {
    return [];
  }
}

const lines = (text: string): string[] => text.split(/\r?\n/, LINES_MAX);
