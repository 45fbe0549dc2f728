/** The demo store as data: what stands where, what it depends on, and which model plays it. */
import type { PlannedUsb } from "./demo-usb.ts";
import type { DriveIdentity } from "./models/drive.ts";
import type { LabelIdentity } from "./models/label-state.ts";
import type { UpsIdentity } from "./models/ups.ts";
import type { SicsIdentity } from "./scale-device.ts";
import type { ScannerIdentity } from "./scanner-device.ts";

export const DEMO_SITE = { id: "store-0042", name: "Riverside Market", timeZone: "Europe/Berlin" } as const;
/** The agent that watches the store, on its back-office PC. */
export const DEMO_AGENT = "back-office";

type Slot = {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
};

/** Units with the same bus stand behind one socket. */
type OnBus = { readonly bus: string; readonly unit: number };

type ScannerOf = {
  readonly line: "honeywell_scanner" | "datalogic_scanner" | "zebra_ssi";
  readonly identity: ScannerIdentity;
};

export type Planned = Slot &
  (
    | { readonly model: "switch"; readonly serial: string }
    | { readonly model: "pos"; readonly os: "linux" | "windows"; readonly serial: string; readonly version: "2c" | "3" }
    | { readonly model: "label"; readonly line: "snmp" | "zpl"; readonly identity: LabelIdentity }
    | { readonly model: "receipt" }
    | { readonly model: "scale"; readonly line: "toledo_8217" }
    | { readonly model: "scale"; readonly line: "mt_sics"; readonly identity: SicsIdentity }
    | (ScannerOf & { readonly model: "scanner" })
    | (OnBus & { readonly model: "drive"; readonly identity: DriveIdentity })
    | (OnBus & { readonly model: "conveyor" })
    | { readonly model: "office"; readonly serial: string }
    | { readonly model: "ups"; readonly identity: UpsIdentity }
    | (PlannedUsb & { readonly model: "usb" })
  );

const SWITCH = "network/switch-1";
const behindSwitch = [SWITCH];

type Lane = {
  readonly number: number;
  readonly os: "linux" | "windows";
  readonly version: "2c" | "3";
  readonly scanner: ScannerOf;
  readonly scale: { readonly line: "toledo_8217" } | { readonly line: "mt_sics"; readonly identity: SicsIdentity };
};

/**
 * A checkout: the receipt printer is on the network, with the cash drawer on its kick-out connector; scale
 * and scanner hang on serial ports of the POS terminal, which hands them out as raw TCP ports, so they go when it goes.
 */
function lane({ number, os, version, scale, scanner }: Lane): readonly Planned[] {
  const pos = `lane-${number}/pos`;
  const labels = { lane: String(number), zone: "front" };
  return [
    {
      id: pos,
      name: `POS terminal, lane ${number}`,
      labels: { ...labels, role: "pos" },
      dependsOn: behindSwitch,
      model: "pos",
      os,
      serial: `NL7-0042-${1100 + number * 7}`,
      version,
    },
    {
      id: `lane-${number}/receipt-printer`,
      name: `Receipt printer, lane ${number}`,
      labels: { ...labels, role: "receipts" },
      dependsOn: behindSwitch,
      model: "receipt",
    },
    {
      id: `lane-${number}/scale`,
      name: `Scale, lane ${number}`,
      labels: { ...labels, role: "weighing" },
      dependsOn: [pos],
      model: "scale",
      ...scale,
    },
    {
      id: `lane-${number}/scanner`,
      name: `Barcode scanner, lane ${number}`,
      labels: { ...labels, role: "scanning" },
      dependsOn: [pos],
      model: "scanner",
      ...scanner,
    },
  ];
}

const toledo = { line: "toledo_8217" } as const;
const sics = (serial: string) =>
  ({ line: "mt_sics", identity: { model: "Ariva-S-15", firmware: "2.10", serial } }) as const;
const honeywell = (serial: string): ScannerOf => ({
  line: "honeywell_scanner",
  identity: { model: "Xenon 1900", firmware: "CB000064ABA", serial },
});
const datalogic: ScannerOf = {
  line: "datalogic_scanner",
  identity: { model: "MAGELLAN 9800i", firmware: "DR9801655", serial: "E19C42007" },
};
/** Cordless, so it has a battery to tell of. */
const zebra: ScannerOf = {
  line: "zebra_ssi",
  identity: { model: "DS8178-SR7U2100PFW", firmware: "PAABLS00-005-R03", serial: "18042010500417" },
};
/** One gateway of the conveyor's control cabinet. */
const CONVEYOR_BUS = "receiving";

export const DEMO_PLAN: readonly Planned[] = [
  {
    id: SWITCH,
    name: "Access switch, back office",
    labels: { zone: "back-office", role: "switch" },
    dependsOn: [],
    model: "switch",
    serial: "RMK2642X0AB",
  },
  ...lane({ number: 1, os: "linux", version: "2c", scale: toledo, scanner: honeywell("16042B4711") }),
  ...lane({ number: 2, os: "windows", version: "2c", scale: toledo, scanner: honeywell("16042B4726") }),
  ...lane({ number: 3, os: "linux", version: "2c", scale: sics("B042003117"), scanner: datalogic }),
  // One device that speaks SNMPv3 with authentication and privacy, as a tidy network asks of all.
  ...lane({ number: 4, os: "linux", version: "3", scale: sics("B042003124"), scanner: zebra }),
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
    id: "receiving/conveyor",
    name: "Conveyor, receiving dock",
    labels: { zone: "receiving", role: "conveyor" },
    dependsOn: behindSwitch,
    model: "conveyor",
    bus: CONVEYOR_BUS,
    unit: 1,
  },
  {
    id: "receiving/incline-drive",
    name: "Incline belt drive, receiving",
    labels: { zone: "receiving", role: "incline" },
    dependsOn: behindSwitch,
    model: "drive",
    bus: CONVEYOR_BUS,
    unit: 2,
    identity: { name: "incline-drive", vendor: "Siemens", model: "6SL3210-5BB21-5UV1", firmware: "1.05" },
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
  // Plugged into the computer that the agent runs on: no network between them.
  {
    id: "service-desk/receipt-printer",
    name: "Receipt printer, service desk",
    labels: { zone: "service-desk", role: "returns" },
    dependsOn: [],
    model: "usb",
    kind: "receipt_printer",
    port: "1-2",
    unit: {
      vendorId: "04b8",
      productId: "0e15",
      release: "0100",
      manufacturer: "EPSON",
      product: "TM-T20II",
      serial: "4D4635503042017",
      selfPowered: true,
      interfaces: [{ class: 7, subClass: 1, protocol: 2, driver: "usblp", node: "usb/lp0" }],
    },
    otherMode: null,
  },
  {
    id: "service-desk/scanner",
    name: "Barcode scanner, service desk",
    labels: { zone: "service-desk", role: "returns" },
    dependsOn: [],
    model: "usb",
    kind: "barcode_scanner",
    port: "1-3",
    // No serial number, as with many scanners: it is told by its port.
    unit: {
      vendorId: "05f9",
      productId: "2206",
      release: "0100",
      manufacturer: "Datalogic ADC, Inc.",
      product: "Handheld Barcode Scanner",
      currentMilliamperes: 400,
      interfaces: [{ class: 3, subClass: 1, protocol: 1, driver: "usbhid", node: "hidraw0" }],
    },
    otherMode: { productId: "4204", interfaces: [{ class: 2, subClass: 2, driver: "cdc_acm", node: "ttyACM0" }] },
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
  13: "lane-1/receipt-printer",
  14: "lane-2/receipt-printer",
  15: "lane-3/receipt-printer",
  16: "lane-4/receipt-printer",
  17: "conveyor cabinet, receiving",
  24: "uplink router",
};
export const LOOSE_PORT = 11;
