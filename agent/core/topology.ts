/** What a device says of who is around it: LLDP (IEEE 802.1AB), BRIDGE-MIB (RFC 4188), Q-BRIDGE-MIB (RFC 4363), ARP. */
import { isWithin, octetsOf, type SnmpReply, type SnmpValue, textOf } from "@aislewatch/devices";
import type { Seen } from "./dependencies.ts";

const LLDP = "1.0.8802.1.1.2.1";
const MIB2 = "1.3.6.1.2.1";
const LOCAL_PORT_ID = `${LLDP}.3.7.1.3`;
const LOCAL_PORT_DESCR = `${LLDP}.3.7.1.4`;
const REMOTE_CHASSIS = `${LLDP}.4.1.1.5`;
const REMOTE_NAME = `${LLDP}.4.1.1.9`;
const REMOTE_ADDRESS = `${LLDP}.4.2.1.3`;
const BRIDGE_PORT_IF = `${MIB2}.17.1.4.1.2`;
const FORWARDING = `${MIB2}.17.4.3.1.2`;
const FORWARDING_VLAN = `${MIB2}.17.7.1.2.2.1.2`;
const ARP = `${MIB2}.4.22.1.2`;
const IF_MAC = `${MIB2}.2.2.1.6`;
const IF_DESCR = `${MIB2}.2.2.1.2`;
const IF_NAME = `${MIB2}.31.1.1.1.1`;

/** With the most rows worth asking for: interfaces of a stack, addresses of a store's network. */
export const OWN_COLUMNS = [
  { oid: IF_MAC, rowsMax: 512 },
  { oid: ARP, rowsMax: 1_024 },
];
/** Of switches, routers and access points only. */
export const CARRIER_COLUMNS = [
  { oid: LOCAL_PORT_ID, rowsMax: 512 },
  { oid: LOCAL_PORT_DESCR, rowsMax: 512 },
  { oid: REMOTE_CHASSIS, rowsMax: 512 },
  { oid: REMOTE_NAME, rowsMax: 512 },
  { oid: REMOTE_ADDRESS, rowsMax: 512 },
  { oid: BRIDGE_PORT_IF, rowsMax: 512 },
  { oid: FORWARDING, rowsMax: 2_048 },
  { oid: FORWARDING_VLAN, rowsMax: 2_048 },
  { oid: IF_NAME, rowsMax: 512 },
  { oid: IF_DESCR, rowsMax: 512 },
];

export type Topology = Pick<Seen, "macs" | "neighbours" | "forwarding" | "arp">;
type Varbinds = SnmpReply["varbinds"];

export function topologyOf(varbinds: Varbinds): Topology {
  const macs = column(varbinds, IF_MAC).flatMap(({ value }) => macOf(value) ?? []);
  const arp = column(varbinds, ARP).flatMap(({ index, value }) => {
    const mac = macOf(value);
    return mac === null ? [] : [{ address: index.slice(-4).join("."), mac }];
  });
  return { macs: [...new Set(macs)], arp, neighbours: neighboursOf(varbinds), forwarding: forwardingOf(varbinds) };
}

type Row = { readonly index: readonly string[]; readonly value: SnmpValue };

function column(varbinds: Varbinds, root: string): Row[] {
  return Object.entries(varbinds)
    .filter(([oid]) => isWithin(oid, root))
    .map(([oid, value]) => ({ index: oid.slice(root.length + 1).split("."), value }));
}

/** A row of the remote table is time mark, local port number, a running number. */
function neighboursOf(varbinds: Varbinds): Topology["neighbours"] {
  const ids = new Map(
    [...column(varbinds, REMOTE_CHASSIS), ...column(varbinds, REMOTE_NAME)].map(({ index }) => [
      index.join("."),
      index,
    ]),
  );
  const addresses = new Map(
    column(varbinds, REMOTE_ADDRESS).flatMap(({ index }): [string, string][] => {
      const [time, port, number, kind, length, ...address] = index;
      // IANA's address family 1 is IPv4.
      return kind === "1" && length === "4" ? [[[time, port, number].join("."), address.slice(0, 4).join(".")]] : [];
    }),
  );
  return [...ids].map(([id, index]) => {
    const chassis = varbinds[`${REMOTE_CHASSIS}.${id}`];
    const name = varbinds[`${REMOTE_NAME}.${id}`];
    const mac = chassis === undefined ? null : macOf(chassis);
    const sysName = name === undefined ? "" : textOf(name);
    return { port: lldpPort(varbinds, index[1] ?? ""), mac, sysName, address: addresses.get(id) ?? null };
  });
}

function lldpPort(varbinds: Varbinds, port: string): string {
  const id = varbinds[`${LOCAL_PORT_ID}.${port}`];
  const descr = varbinds[`${LOCAL_PORT_DESCR}.${port}`];
  const text = id?.type === "text" ? textOf(id) : "";
  return text || (descr === undefined ? "" : textOf(descr)) || port;
}

function forwardingOf(varbinds: Varbinds): Topology["forwarding"] {
  const rows = [...column(varbinds, FORWARDING), ...column(varbinds, FORWARDING_VLAN)];
  const seen = new Map<string, { port: string; mac: string }>();
  for (const { index, value } of rows) {
    const mac = index
      .slice(-6)
      .map((arc) => Number(arc).toString(16).padStart(2, "0"))
      .join("");
    // Port 0 is "learnt, but where is not known".
    if (mac.length !== 12 || value.type !== "integer" || value.value <= 0) continue;
    seen.set(`${mac} ${value.value}`, { port: bridgePort(varbinds, value.value), mac });
  }
  return [...seen.values()];
}

function bridgePort(varbinds: Varbinds, port: number): string {
  const index = varbinds[`${BRIDGE_PORT_IF}.${port}`]?.value ?? port;
  const name = varbinds[`${IF_NAME}.${index}`] ?? varbinds[`${IF_DESCR}.${index}`];
  return (name === undefined ? "" : textOf(name)) || String(port);
}

function macOf(value: SnmpValue): string | null {
  const octets = octetsOf(value);
  if (octets?.length !== 6) return null;
  const hex = [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return /^(?:0{12}|f{12})$/.test(hex) ? null : hex;
}
