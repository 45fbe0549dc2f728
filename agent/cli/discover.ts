/**
 * `discover`: devices of subnets that somebody named, serial ports, USB devices and print queues of this host, as an
 * agent.yaml that runs as it is; with a configuration, what is new, gone or another device than the one it was written
 * for. Asks questions only, and those slowly; to a serial port nothing is sent unless somebody names it (`--ask`).
 */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, relative } from "node:path";
import { EXIT } from "@aislewatch/runtime";
import type { AgentConfig } from "../config.ts";
import { dependenciesOf } from "../core/dependencies.ts";
import {
  type Comparison,
  type Configured,
  compareWith,
  type Proposal,
  proposeIds,
  writeAgentYaml,
  writeDevice,
} from "../core/proposal.ts";
import { compareQueues, type KnownPrinter, type QueueComparison } from "../core/queue-proposal.ts";
import { type ConfiguredPort, compareSerial, type SerialComparison } from "../core/serial-proposal.ts";
import { plainestAddress } from "../core/subnet.ts";
import { compareUsb, type UsbComparison } from "../core/usb-proposal.ts";
import { ownMacs } from "../discover/identify.ts";
import { isThere } from "../discover/serial-ports.ts";
import type { SnmpConfig } from "../drivers/snmp/index.ts";
import { type AgentStatusFile, STATUS_FILE } from "../status-file.ts";
import { entriesOf, type Found, proposeLocal, shownLocal } from "./discover-local.ts";
import { type NetworkFound, type NetworkPlan, networkPlanOf, searchNetwork } from "./discover-network.ts";
import { configuredPrinters, configuredQueues, searchQueues } from "./discover-queues.ts";
import { type SerialPlan, searchPorts, serialPlanOf, systemOf } from "./discover-serial.ts";
import { configuredUsb, NO_USB, searchUsb } from "./discover-usb.ts";
import { lineOf } from "./line-advice.ts";
import { readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";
import { isFree, profilesOf, writeOut } from "./written-option.ts";

const NOTHING_TO_LOOK_AT =
  "discover needs --subnet, such as --subnet 10.42.0.0/24, --serial, --usb or --spoolers: it never looks around by itself\n";
const NO_NETWORK: NetworkFound = { found: [], silent: [], ports: new Map(), whole: false };

type Plan = {
  readonly network: NetworkPlan | null;
  readonly serial: SerialPlan;
  readonly usb: boolean;
  readonly spoolers: boolean;
};

export async function discover(flags: Flags, terminal: Terminal): Promise<number> {
  const plan = planOf(flags, terminal);
  if (plan === null || !isFree(flags, terminal)) return EXIT.config;
  const config = flags.configNamed ? await readConfig(flags, terminal) : null;
  if (flags.configNamed && config === null) return EXIT.config;
  const profiles = profilesOf(flags, terminal, config);
  if (profiles === null) return EXIT.config;
  const serial = await searchPorts(plan.serial, terminal);
  if (serial === null) return EXIT.config;
  const network =
    plan.network === null
      ? NO_NETWORK
      : await searchNetwork(plan.network, { profiles, inUse: hostsInUse(config) }, terminal);
  const usb = plan.usb ? await searchUsb(terminal) : NO_USB;
  const found = {
    network,
    serial,
    usb,
    queues: await searchQueues({ local: plan.spoolers, ports: network.ports }, terminal),
  };
  const text =
    config === null
      ? proposal(found, flags)
      : difference(found, await compare(config, found, { plan, terminal }), { flags, config });
  return writeOut(text, flags, terminal) && !serial.stopped ? EXIT.asked : EXIT.crashed;
}

/** Everything that can be wrong with the command line; null after a complaint. */
function planOf(flags: Flags, terminal: Terminal): Plan | null {
  const serial = serialPlanOf(flags, terminal);
  if (serial === null) return null;
  const here = { usb: flags.usb, spoolers: flags.spoolers };
  if (flags.subnets.length > 0) {
    const network = networkPlanOf(flags, terminal);
    return network === null ? null : { network, serial, ...here };
  }
  const lost = (["credentials", "rate", "timeout", "port"] as const).find((one) => flags.written[one] !== undefined);
  if (flags.ports || lost !== undefined) {
    terminal.error(`--${lost ?? "ports"} goes with --subnet\n`);
    return null;
  }
  if (serial.list || serial.ask !== null || here.usb || here.spoolers) return { network: null, serial, ...here };
  terminal.error(NOTHING_TO_LOOK_AT);
  return null;
}

/** Hosts of lines that the agent polls: many of them serve one client at a time, and that is the agent. */
function hostsInUse(config: AgentConfig | null): ReadonlySet<string> {
  const lines = (config?.devices ?? []).map((device) => lineOf(device));
  return new Set(
    lines
      .flatMap((line) => (line?.kind === "tcp" || line?.kind === "rfc2217" ? [hostOf(line)] : []))
      .map(plainestAddress),
  );
}

const hostOf = (
  line: { kind: "tcp"; tcp: { host: string } } | { kind: "rfc2217"; rfc2217: { host: string } },
): string => (line.kind === "tcp" ? line.tcp.host : line.rfc2217.host);

type Named = { readonly ids: ReadonlyMap<string, string>; readonly proposals: readonly Proposal[] };

/** Ids and dependencies; a device that is configured already keeps its id, so that new ones can depend on it. */
function propose(
  { found, ports }: NetworkFound,
  configured: ReadonlyMap<string, string>,
  taken: ReadonlySet<string>,
): Named {
  const fresh = found.filter((one) => !configured.has(one.found.address)).map((one) => one.found);
  // Of all, for a name that a configured device has as well is no name: whoever looks first or again proposes the same.
  const all = found.map((one) => one.found);
  const ids = new Map([...proposeIds(all, taken), ...configured]);
  const seen = found.map(({ found: device, topology }) => ({
    ...device,
    ...topology,
    id: ids.get(device.address) ?? "",
  }));
  const behind = dependenciesOf(seen, ownMacs());
  const proposals = fresh.map((device) => {
    const id = ids.get(device.address) ?? "";
    const open = ports.get(device.address);
    return { ...device, id, behind: behind.get(id) ?? null, ...(open !== undefined && { openPorts: open }) };
  });
  return { ids, proposals };
}

function proposal(found: Found, flags: Flags): string {
  const { network, serial, usb, queues } = found;
  const { proposals, ids } = propose(network, new Map(), new Set());
  const fresh = { ports: serial.ports, usb: usb.devices, queues: queues.queues };
  const local = proposeLocal(found, fresh, { ids, taken: new Set(), watched: [] });
  if (flags.json) {
    const devices = proposals.map(shown);
    return json({ devices, silent: network.silent, ...shownLocal(found, local) });
  }
  const looked = [
    ...flags.subnets.map((subnet) => `--subnet ${subnet}`),
    ...(["ports", "serial", "usb", "spoolers"] as const).flatMap((flag) => (flags[flag] ? [`--${flag}`] : [])),
    ...(flags.written.ask === undefined ? [] : [`--ask ${flags.written.ask}`]),
  ];
  const origin = `aislewatch-agent discover ${looked.join(" ")}`;
  const { profiles: own, out } = flags.written;
  const profiles = own === undefined ? null : relative(out === undefined ? "." : dirname(out), own) || ".";
  const agent = hostname()
    .toLowerCase()
    .replace(/\..*$/, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const top = { site: "my-store", agent: agent.slice(0, 48) || "pc", origin, profiles };
  return writeAgentYaml(proposals, top, entriesOf(local));
}

type Compared = {
  readonly network: Comparison;
  readonly serial: SerialComparison;
  readonly usb: UsbComparison;
  readonly queues: QueueComparison;
  /** Printers of the configuration, for queues to lead to. */
  readonly watched: readonly KnownPrinter[];
};

async function compare(
  config: AgentConfig,
  { network, serial, usb, queues }: Found,
  { plan, terminal }: { plan: Plan; terminal: Terminal },
): Promise<Compared> {
  const { subnets, port } = plan.network ?? { subnets: [], port: 0 };
  const looked = { subnets, port, whole: network.whole, silent: network.silent };
  const found = network.found.map((one) => one.found);
  return {
    network: compareWith(await configuredOf(config), found, looked),
    serial: compareSerial(await configuredPorts(config, terminal), serial.ports, serial.whole),
    usb: compareUsb(configuredUsb(config, terminal), usb.devices, usb.whole),
    queues: compareQueues(await configuredQueues(config), queues.queues, queues.whole),
    watched: configuredPrinters(config, usb, terminal),
  };
}

/** Paths of serial ports that the configuration names, by whatever driver. */
async function configuredPorts(config: AgentConfig, terminal: Terminal): Promise<ConfiguredPort[]> {
  const system = systemOf(terminal);
  const named = config.devices.flatMap(({ id, driver, driverConfig }) => {
    const path = driver.address(driverConfig);
    return path.startsWith("/") ? [{ id, path }] : [];
  });
  return Promise.all(named.map(async (one) => ({ ...one, isThere: await isThere(one.path, system) })));
}

/** What the configuration has of SNMP, with what the agent last saw there. */
async function configuredOf(config: AgentConfig): Promise<Configured[]> {
  const states = lastSeen(config);
  const devices = config.devices.filter(({ driver }) => driver.name === "snmp");
  return Promise.all(
    devices.map(async ({ id, kind, driverConfig }) => {
      // The driver's own schema made it.
      const { address, profile: pinned } = driverConfig as SnmpConfig;
      const resolved = await lookup(address.host, { all: true }).catch(() => []);
      const addresses = [...new Set([address.host, ...resolved.map((one) => one.address)].map(plainestAddress))];
      const seen = states.get(id);
      return {
        id,
        kind,
        addresses,
        port: address.port,
        profile: pinned ?? seen?.profile ?? null,
        asset: seen?.asset ?? null,
      };
    }),
  );
}

type LastSeen = Pick<AgentStatusFile["devices"][number], "asset" | "profile">;

function lastSeen({ dataFolder }: AgentConfig): ReadonlyMap<string, LastSeen> {
  try {
    // Our own program wrote it, whole: see StatusFile.
    const seen = JSON.parse(readFileSync(join(dataFolder, STATUS_FILE), "utf8")) as AgentStatusFile;
    return new Map(seen.devices.map(({ id, asset, profile }) => [id, { asset, profile }]));
  } catch {
    // An agent that has not run yet has seen nothing: what the configuration says is compared alone.
    return new Map();
  }
}

function difference(
  found: Found,
  { network: { fresh, known, gone, changed, moved, same }, serial, usb, queues, watched }: Compared,
  { flags, config }: { flags: Flags; config: AgentConfig },
): string {
  const configured = new Map(known.map(({ id, address }) => [address, id]));
  const taken = new Set(config.devices.map(({ id }) => id));
  const { proposals, ids } = propose(found.network, configured, taken);
  const freshHere = { ports: serial.fresh, usb: usb.fresh, queues: queues.fresh };
  const local = proposeLocal(found, freshHere, { ids, taken, watched });
  const goneHere = [...serial.gone.map(({ id, path }) => ({ id, at: path })), ...usb.gone, ...queues.gone];
  const asBefore = same + serial.same + usb.same + queues.same;
  if (flags.json) {
    return json({
      new: proposals.map(shown),
      gone: [
        ...gone.map(({ id, addresses }) => ({ id, addresses })),
        ...goneHere.map(({ id, at }) => ({ id, addresses: [at] })),
      ],
      changed,
      moved,
      same: asBefore,
      silent: found.network.silent,
      ...shownLocal(found, local),
    });
  }
  const fewer = gone.length + goneHere.length;
  const more = fresh.length + local.atPorts.length + local.attached.length + local.queues.length;
  const counts = `${more} new, ${fewer} gone, ${changed.length} changed, ${asBefore} as before`;
  const entries = [
    ...proposals.map((device) => ({ text: writeDevice(device), isComment: false })),
    ...entriesOf(local),
  ];
  const lines = [
    `# Beside ${flags.config}: ${counts}.`,
    ...gone.map(({ id, addresses }) => `# gone: ${id} at ${addresses[0] ?? ""}`),
    ...goneHere.map(({ id, at }) => `# gone: ${id} at ${at}`),
    ...moved.map(({ id, from, to }) => `# moved: ${id} from ${from} to ${to}`),
    ...changed.map(({ id, address, was, is }) => `# changed: ${id} at ${address} was ${was}, is ${is}`),
    ...(entries.some(({ isComment }) => !isComment) ? ["devices:"] : []),
    ...entries.map(({ text }) => text),
  ];
  return `${lines.join("\n")}\n`;
}

function shown({ keys: _, behind, openPorts, ...device }: Proposal): object {
  return {
    ...device,
    depends_on: behind === null ? [] : [behind.on],
    port_at_switch: behind?.port ?? null,
    ...(openPorts !== undefined && { open_ports: openPorts }),
  };
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
