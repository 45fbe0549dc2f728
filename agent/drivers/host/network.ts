/** The radio links of this system and the addresses that are lent to it, by whatever tells of them here. */

import {
  dhclientLifetimes,
  networkdLifetime,
  type PortAddress,
  parseAddresses,
  parseIwLink,
  parseNetshWlan,
  parseWindowsAddresses,
  parseWireless,
  stepLeases,
} from "./network-text.ts";
import { type Evidence, type HostSystem, SystemFiles, TOOL_MS_MAX } from "./system-files.ts";
import { wholeNumber } from "./system-text.ts";
import type { Lease, Radio } from "./types.ts";

const PORTS_MAX = 64;
/** A host has one radio, seldom two; each is a process. */
const RADIOS_MAX = 4;
const LEASE_FILES_MAX = 16;
/** PowerShell takes a second to start on a small machine, and more while it is busy. */
const POWERSHELL_MS_MAX = 20_000;
const DHCP = "DHCP lease";
const RADIO = "radio link";

export class HostNetwork {
  readonly #system: HostSystem;
  readonly #files: SystemFiles;
  readonly #evidence: Evidence;
  #leases: readonly Lease[] = [];

  constructor(system: HostSystem, evidence: Evidence) {
    this.#system = system;
    this.#files = new SystemFiles(system);
    this.#evidence = evidence;
  }

  /** Null: this host has no radio, or it can't be asked. */
  async radios(): Promise<readonly Radio[] | null> {
    if (this.#system.platform === "win32") return await this.#windowsRadios();
    const ports = (await this.#files.names("sys/class/net")).slice(0, PORTS_MAX);
    const listed = await Promise.all(
      ports.map(async (name) => ((await this.#files.names(`sys/class/net/${name}/phy80211`)).length > 0 ? [name] : [])),
    );
    const names = listed.flat();
    if (names.length === 0) return null;
    const text = await this.#files.text("proc/net/wireless");
    if (text !== null) {
      this.#evidence.used(RADIO, "/proc/net/wireless");
      return parseWireless(text).slice(0, PORTS_MAX);
    }
    // Kernels without the old wireless extensions, and radios of Wi-Fi 7, which have none.
    const links = await Promise.all(
      names.slice(0, RADIOS_MAX).map(async (name) => ({
        name,
        end: await this.#system.run("iw", ["dev", name, "link"], TOOL_MS_MAX),
      })),
    );
    if (links.some(({ end }) => end.isMissing)) {
      this.#evidence.absent(
        RADIO,
        "this kernel has no /proc/net/wireless, and iw is not installed",
        "apt-get install iw",
      );
      return null;
    }
    this.#evidence.used(RADIO, "iw");
    return links.flatMap(({ name, end }) => parseIwLink(end.out, name));
  }

  async #windowsRadios(): Promise<readonly Radio[] | null> {
    const { code, out } = await this.#system.run("netsh", ["wlan", "show", "interfaces"], TOOL_MS_MAX);
    // It fails where there is no radio.
    if (code !== 0) return null;
    this.#evidence.used(RADIO, "netsh wlan");
    return parseNetshWlan(out);
  }

  /** Null: it can't be asked. */
  async leases(): Promise<readonly Lease[] | null> {
    const isWindows = this.#system.platform === "win32";
    const ports = isWindows ? await this.#windowsAddresses() : await this.#addresses();
    if (ports === null) return null;
    const lent = ports.some(({ leftSeconds }) => leftSeconds !== null);
    this.#leases = stepLeases(this.#leases, ports, lent && !isWindows ? await this.#lifetimes() : new Map());
    return this.#leases;
  }

  async #addresses(): Promise<readonly PortAddress[] | null> {
    const { code, out, isMissing } = await this.#system.run("ip", ["-json", "-4", "address", "show"], TOOL_MS_MAX);
    if (code !== 0) {
      const detail = isMissing ? "ip is not installed" : "ip does not tell addresses as JSON here";
      this.#evidence.absent(DHCP, detail, "apt-get install iproute2");
      return null;
    }
    this.#evidence.used(DHCP, "the lifetime of the address, by ip");
    return parseAddresses(out);
  }

  async #windowsAddresses(): Promise<readonly PortAddress[] | null> {
    const ask =
      "Get-NetIPAddress -AddressFamily IPv4 -PrefixOrigin Dhcp | " +
      "Select-Object @{n='name';e={$_.InterfaceAlias}},@{n='left';e={$_.ValidLifetime.TotalSeconds}} | " +
      "ConvertTo-Json -Compress";
    const args = ["-NoProfile", "-NonInteractive", "-Command", ask];
    const { code, out } = await this.#system.run("powershell.exe", args, POWERSHELL_MS_MAX);
    // It fails where no address is lent.
    if (code !== 0) return null;
    this.#evidence.used(DHCP, "Get-NetIPAddress");
    return parseWindowsAddresses(out);
  }

  /** What was given, for clients that keep it where everybody may read it; of others it is learned. */
  async #lifetimes(): Promise<ReadonlyMap<string, number>> {
    const [networkd, dhclient] = await Promise.all([this.#networkdLifetimes(), this.#dhclientLifetimes()]);
    return new Map([...dhclient, ...networkd]);
  }

  async #networkdLifetimes(): Promise<ReadonlyMap<string, number>> {
    const folder = "run/systemd/netif/leases";
    const indexes = new Set((await this.#files.names(folder)).slice(0, PORTS_MAX));
    if (indexes.size === 0) return new Map();
    const ports = (await this.#files.names("sys/class/net")).slice(0, PORTS_MAX);
    const found = await Promise.all(
      ports.map(async (name): Promise<(readonly [string, number])[]> => {
        const index = wholeNumber((await this.#files.text(`sys/class/net/${name}/ifindex`)) ?? "");
        if (index === null || !indexes.has(String(index))) return [];
        const lifetime = networkdLifetime((await this.#files.text(`${folder}/${index}`)) ?? "");
        return lifetime === null ? [] : [[name, lifetime]];
      }),
    );
    return new Map(found.flat());
  }

  async #dhclientLifetimes(): Promise<ReadonlyMap<string, number>> {
    const folder = "var/lib/dhcp";
    const names = (await this.#files.names(folder)).filter((name) => /^dhclient.*[.]leases$/.test(name));
    const texts = await Promise.all(
      names.slice(0, LEASE_FILES_MAX).map((name) => this.#files.text(`${folder}/${name}`)),
    );
    return new Map(texts.flatMap((text) => [...dhclientLifetimes(text ?? "")]));
  }
}
