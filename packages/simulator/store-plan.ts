/** The demo store as data: what stands where, what it depends on, and which model plays it. */
import type { LabelIdentity } from "./models/label-state.ts";
import type { UpsIdentity } from "./models/ups.ts";

export const DEMO_SITE = { id: "store-0042", name: "Riverside Market", timeZone: "Europe/Berlin" } as const;
/** The agent that watches the store, on its back-office PC. */
export const DEMO_AGENT = "back-office";

type Slot = {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
};

export type Planned = Slot &
  (
    | { readonly model: "switch"; readonly serial: string }
    | { readonly model: "pos"; readonly os: "linux" | "windows"; readonly serial: string; readonly version: "2c" | "3" }
    | { readonly model: "label"; readonly line: "snmp" | "zpl"; readonly identity: LabelIdentity }
    | { readonly model: "office"; readonly serial: string }
    | { readonly model: "ups"; readonly identity: UpsIdentity }
  );

const SWITCH = "network/switch-1";
const behindSwitch = [SWITCH];

const lane = (number: number, os: "linux" | "windows", version: "2c" | "3"): Planned => ({
  id: `lane-${number}/pos`,
  name: `POS terminal, lane ${number}`,
  labels: { lane: String(number), zone: "front", role: "pos" },
  dependsOn: behindSwitch,
  model: "pos",
  os,
  serial: `NL7-0042-${1100 + number * 7}`,
  version,
});

export const DEMO_PLAN: readonly Planned[] = [
  {
    id: SWITCH,
    name: "Access switch, back office",
    labels: { zone: "back-office", role: "switch" },
    dependsOn: [],
    model: "switch",
    serial: "RMK2642X0AB",
  },
  lane(1, "linux", "2c"),
  lane(2, "windows", "2c"),
  lane(3, "linux", "2c"),
  // One device that speaks SNMPv3 with authentication and privacy, as a tidy network asks of all.
  lane(4, "linux", "3"),
  {
    id: "receiving/label-printer",
    name: "Label printer, receiving dock",
    labels: { zone: "receiving", role: "labels" },
    dependsOn: behindSwitch,
    model: "label",
    line: "snmp",
    identity: {
      name: "receiving-labels",
      model: "ZT411",
      serial: "18J0042R017",
      firmware: "V92.21.39Z",
      location: "Receiving dock",
    },
  },
  {
    id: "bakery/label-printer",
    name: "Label printer, bakery",
    labels: { zone: "bakery", role: "labels" },
    dependsOn: behindSwitch,
    model: "label",
    line: "zpl",
    identity: {
      name: "bakery-labels",
      model: "ZD421",
      serial: "D8J0042B004",
      firmware: "V93.21.07Z",
      location: "Bakery counter",
    },
  },
  {
    id: "back-office/printer",
    name: "Office printer",
    labels: { zone: "back-office", role: "office" },
    dependsOn: behindSwitch,
    model: "office",
    serial: "VNB0042K31",
  },
  {
    id: "back-office/ups",
    name: "UPS of the network cabinet",
    labels: { zone: "back-office", role: "power" },
    dependsOn: [],
    model: "ups",
    identity: {
      name: "ups-cabinet",
      manufacturer: "Voltgard",
      model: "VG 1500 RT",
      serial: "VG15-0042-771",
      location: "Network cabinet",
    },
  },
];

/** What is plugged into the switch; port 11 is the loose cable of `port-down`, with nothing of the demo behind it. */
export const SWITCH_PORTS: Readonly<Record<number, string>> = {
  1: "lane-1/pos",
  2: "lane-2/pos",
  3: "lane-3/pos",
  4: "lane-4/pos",
  5: "receiving/label-printer",
  6: "bakery/label-printer",
  7: "back-office/printer",
  8: "access point 1",
  11: "price checker, aisle 6",
  24: "uplink router",
};
export const LOOSE_PORT = 11;
