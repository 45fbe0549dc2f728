import { describe, expect, it } from "vitest";
import { dependenciesOf, type Seen } from "./dependencies.ts";

const seen = (id: string, more: Partial<Seen> = {}): Seen => ({
  id,
  address: `10.0.0.${id.length}`,
  kind: "host",
  sysName: id,
  macs: [],
  neighbours: [],
  forwarding: [],
  arp: [],
  ...more,
});
const bridge = (id: string, more: Partial<Seen>): Seen => seen(id, { kind: "network_switch", ...more });
const near = (port: string, sysName: string) => ({ port, mac: null, sysName, address: null });
const learnt = (port: string, ...macs: string[]) => macs.map((mac) => ({ port, mac }));
const [TILL, PRINTER, US, OTHER] = ["001122334401", "001122334402", "001122334403", "001122334404"];

describe("dependenciesOf", () => {
  it.each<{ name: string; devices: Seen[]; own?: string[]; want: Record<string, string> }>([
    {
      name: "a neighbour over LLDP, by its name",
      devices: [bridge("sw", { neighbours: [near("gi5", "till")] }), seen("till")],
      want: { till: "sw gi5" },
    },
    {
      name: "a neighbour over LLDP, by its hardware address",
      devices: [
        bridge("sw", { neighbours: [{ port: "gi5", mac: TILL, sysName: "x", address: null }] }),
        seen("till", { macs: [TILL] }),
      ],
      want: { till: "sw gi5" },
    },
    {
      name: "a neighbour over LLDP, by its address",
      devices: [
        bridge("sw", { neighbours: [{ port: "gi5", mac: null, sysName: "", address: "10.0.0.4" }] }),
        seen("till"),
      ],
      want: { till: "sw gi5" },
    },
    {
      name: "a name that two devices have says nothing",
      devices: [bridge("sw", { neighbours: [near("gi5", "till")] }), seen("till"), seen("till-b", { sysName: "till" })],
      want: {},
    },
    {
      name: "an address in the forwarding table",
      devices: [bridge("sw", { forwarding: learnt("gi1", TILL) }), seen("till", { macs: [TILL] })],
      want: { till: "sw gi1" },
    },
    {
      name: "a device that hides its hardware address, known from somebody's ARP table",
      devices: [
        bridge("sw", { forwarding: learnt("gi1", PRINTER), arp: [{ address: "10.0.0.7", mac: PRINTER }] }),
        seen("printer"),
      ],
      want: { printer: "sw gi1" },
    },
    {
      name: "of several switches on the way the last one",
      devices: [
        bridge("core", { forwarding: learnt("gi24", TILL, PRINTER, OTHER) }),
        bridge("edge", { forwarding: learnt("gi1", TILL) }),
        seen("till", { macs: [TILL] }),
      ],
      want: { till: "edge gi1" },
    },
    {
      name: "not a switch that sees the device on our own side of it",
      devices: [bridge("sw", { forwarding: learnt("gi24", TILL, US) }), seen("till", { macs: [TILL] })],
      own: [US],
      want: {},
    },
    {
      name: "switches behind each other, from the one that is nearest to us",
      devices: [
        bridge("edge", { neighbours: [near("up", "core")], forwarding: learnt("up", US, OTHER) }),
        bridge("core", { neighbours: [near("gi1", "edge")], forwarding: learnt("gi9", US) }),
      ],
      own: [US],
      want: { edge: "core gi1" },
    },
    {
      name: "switches behind a router, although only they say so",
      devices: [
        bridge("sw", { neighbours: [near("up", "gw")] }),
        seen("gw", { kind: "router", neighbours: [near("lan", "somebody")] }),
      ],
      want: { sw: "gw " },
    },
    {
      name: "an access point behind the switch that names it",
      devices: [bridge("sw", { neighbours: [near("gi3", "ap")] }), seen("ap", { kind: "access_point" })],
      want: { ap: "sw gi3" },
    },
    {
      name: "nothing behind a port where another switch is",
      devices: [
        bridge("core", { neighbours: [near("gi24", "edge")], forwarding: learnt("gi24", TILL) }),
        bridge("edge", { forwarding: learnt("gi1", OTHER) }),
        seen("till", { macs: [TILL] }),
      ],
      want: { edge: "core gi24" },
    },
    { name: "nobody without switches", devices: [seen("till", { macs: [TILL] })], want: {} },
  ])("knows $name", ({ devices, own = [], want }) => {
    for (const order of [devices, [...devices].reverse()]) {
      const found = [...dependenciesOf(order, own)].map(([id, { on, port }]) => [id, `${on} ${port}`]);
      expect(Object.fromEntries(found)).toEqual(want);
    }
  });
});
