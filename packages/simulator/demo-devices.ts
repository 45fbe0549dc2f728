/**
 * How each planned device of the demo store is opened: a model brought to life behind the line that such a device has in
 * a store, here on loopback. What hangs on a serial port is served as a terminal server serves it: raw TCP. So the demo
 * needs no pseudo-terminals, and runs wherever Node does.
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { Kind } from "@aislewatch/devices";
import { type ByteDevice, type Dialogue, startTcpDevice } from "./byte-device.ts";
import { type Conduct, NORMAL, SILENT } from "./conduct.ts";
import { type DemoLife, type PlannedUsb, plugIn } from "./demo-usb.ts";
import { escposDialogue } from "./escpos-device.ts";
import type { ListenError } from "./free-port.ts";
import { bringToLife, type LiveDevice } from "./live-device.ts";
import { conveyorUnit, driveUnit, type ModbusUnit, modbusDialogue } from "./modbus-device.ts";
import { conveyorZone } from "./models/conveyor-zone.ts";
import { drive } from "./models/drive.ts";
import { labelPrinter } from "./models/label-printer.ts";
import { networkSwitch } from "./models/network-switch.ts";
import { officePrinter } from "./models/office-printer.ts";
import { posTerminal } from "./models/pos-terminal.ts";
import { receiptPrinter } from "./models/receipt-printer.ts";
import { scale } from "./models/scale.ts";
import { scanner } from "./models/scanner.ts";
import { ups } from "./models/ups.ts";
import type { Random } from "./random.ts";
import { sicsDialogue, toledoDialogue } from "./scale-device.ts";
import { datalogicDialogue, honeywellDialogue, ssiDialogue } from "./scanner-device.ts";
import { type SnmpV3User, startSnmpDevice } from "./snmp-device.ts";
import { DEMO_SITE, LOOSE_PORT, type Planned, SWITCH_PORTS } from "./store-plan.ts";
import type { UsbTree } from "./usb-tree.ts";
import { zplDialogue } from "./zpl-device.ts";

export type DemoDriver =
  | "snmp"
  | "zpl"
  | "escpos"
  | "toledo_8217"
  | "mt_sics"
  | "honeywell_scanner"
  | "datalogic_scanner"
  | "zebra_ssi"
  | "modbus"
  | "usb";

export type DemoDevice = {
  readonly id: string;
  readonly kind: Kind;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly dependsOn: readonly string[];
  readonly driver: DemoDriver;
  /** The driver's own keys of agent.yaml. */
  readonly agentConfig: Readonly<Record<string, unknown>>;
  /** What can be done to it, with its meaning. */
  readonly faults: Readonly<Record<string, string>>;
};

/** SNMPv3 credentials, and how agent.yaml names the two secrets. */
export type DemoCredentials = {
  readonly authPassword: string;
  readonly privPassword: string;
  readonly authPasswordRef: string;
  readonly privPasswordRef: string;
};

export type DemoStoreOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly credentials: DemoCredentials;
  /** Ports of an earlier run by device id; a new or taken one is replaced by a free one. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Where the tree of USB devices is kept; null: the store has none (where sysfs is none of the system's words). */
  readonly usbFolder: string | null;
};

export type Served = {
  readonly info: DemoDevice;
  readonly life: DemoLife;
  /** Null: it has no socket. */
  readonly port: number | null;
  setConduct(conduct: Conduct): Promise<void> | void;
  stop(): Promise<void>;
};

/** The buses that are open, by name; the first unit of one opens it. */
export type Buses = Map<string, Bus>;
type Bus = {
  readonly units: Map<number, ModbusUnit>;
  /** Ids of the units that say nothing: a bus on which nobody is left has no socket. */
  readonly silent: Set<string>;
  readonly line: ByteDevice;
};

/** What devices share. */
export type DemoPlaces = { readonly buses: Buses; readonly usb: UsbTree | null };

const LOOPBACK = "127.0.0.1";
/** What the SNMP driver takes where agent.yaml names none. */
const COMMUNITY = "public";
export const DEMO_V3_USER = "aislewatch";

export async function openDevice(
  planned: Planned,
  options: DemoStoreOptions,
  { buses, usb }: DemoPlaces,
): Promise<Result<Served, ListenError>> {
  const { clock, random } = options;
  switch (planned.model) {
    case "receipt": {
      const device = bringToLife(receiptPrinter(), clock, random);
      const keys = { driver: "escpos", config: { drawer_open_is: "high" } } as const;
      return openLine({ planned, device, ...keys, dialogue: escposDialogue({ device }) }, options);
    }
    case "scale": {
      const device = bringToLife(scale(), clock, random);
      const dialogue =
        planned.line === "mt_sics" ? sicsDialogue({ device, identity: planned.identity }) : toledoDialogue({ device });
      return openLine({ planned, device, driver: planned.line, config: {}, dialogue }, options);
    }
    case "scanner": {
      const device = bringToLife(scanner(), clock, random);
      const dialogue = SCANNERS[planned.line]({ device, identity: planned.identity });
      return openLine({ planned, device, driver: planned.line, config: {}, dialogue }, options);
    }
    case "drive":
    case "conveyor":
      return openUnit(planned, options, buses);
    case "usb":
      return usb === null
        ? err({ kind: "listen", detail: "there is no tree of USB devices" })
        : ok(openUsb(planned, usb, options.clock));
    case "label": {
      if (planned.line === "snmp") return openSnmp(planned, options);
      const { identity } = planned;
      const device = bringToLife(labelPrinter(identity), clock, random);
      const dialogue = zplDialogue({ identity, device });
      return openLine({ planned, device, driver: "zpl", config: {}, dialogue }, options);
    }
    default:
      return openSnmp(planned, options);
  }
}

const SCANNERS = {
  honeywell_scanner: honeywellDialogue,
  datalogic_scanner: datalogicDialogue,
  zebra_ssi: ssiDialogue,
} as const;

function openUsb(planned: Planned & PlannedUsb, tree: UsbTree, clock: Clock): Served {
  const life = plugIn(planned, tree, clock);
  const { unit, port } = planned;
  const match = { id: `${unit.vendorId}:${unit.productId}`, ...(unit.serial === undefined && { port }) };
  const info = describe(planned, life, "usb", { match, sysfs: tree.folder, kernel_log: tree.kernelLog });
  return { info, life, port: null, setConduct: () => {}, stop: async () => life.stop() };
}

type OnLine = {
  readonly planned: Planned;
  readonly device: LiveDevice;
  readonly driver: DemoDriver;
  /** The driver's keys beside `line`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly dialogue: () => Dialogue;
};

async function openLine(
  { planned, device, driver, config, dialogue }: OnLine,
  { clock, random, ports }: DemoStoreOptions,
): Promise<Result<Served, ListenError>> {
  const port = ports?.[planned.id] ?? 0;
  const started = await startTcpDevice({ dialogue, clock, random, address: LOOPBACK, port });
  if (!started.ok) return started;
  const { line, setConduct, stop } = started.value;
  const info = describe(planned, device, driver, { line: { tcp: `${LOOPBACK}:${line}` }, ...config });
  return ok({ info, life: device, port: Number(line), setConduct, stop });
}

type PlannedUnit = Extract<Planned, { readonly model: "drive" | "conveyor" }>;

/** Clients of a Modbus gateway that are served at once: the agent, and who probes beside it. */
const BUS_CLIENTS_MAX = 4;

async function openUnit(
  planned: PlannedUnit,
  { clock, random, ports }: DemoStoreOptions,
  buses: Buses,
): Promise<Result<Served, ListenError>> {
  const { id, unit } = planned;
  let bus = buses.get(planned.bus);
  if (bus === undefined) {
    const units = new Map<number, ModbusUnit>();
    const dialogue = modbusDialogue({ units, framing: "tcp", random });
    const at = { address: LOOPBACK, port: ports?.[id] ?? 0, connectionsMax: BUS_CLIENTS_MAX };
    const started = await startTcpDevice({ dialogue, clock, random, ...at });
    if (!started.ok) return started;
    bus = { units, silent: new Set(), line: started.value };
    buses.set(planned.bus, bus);
  }
  const { units, silent, line } = bus;
  const { life, served } = unitOf(planned, clock, random);
  units.set(unit, { ...served, mood: () => (silent.has(id) ? "mute" : served.mood()) });
  const map = planned.model === "drive" ? "siemens-v20" : "conveyor-zone";
  const info = describe(planned, life, "modbus", { line: { tcp: `${LOOPBACK}:${line.line}` }, map, unit });
  return ok({
    info,
    life,
    port: Number(line.line),
    setConduct(conduct) {
      if (conduct.kind === "silent") silent.add(id);
      else silent.delete(id);
      return line.setConduct(silent.size === units.size ? SILENT : NORMAL);
    },
    stop: () => line.stop(),
  });
}

function unitOf(planned: PlannedUnit, clock: Clock, random: Random): { life: LiveDevice; served: ModbusUnit } {
  if (planned.model === "drive") {
    const life = bringToLife(drive(), clock, random);
    return { life, served: driveUnit(life, planned.identity) };
  }
  const life = bringToLife(conveyorZone(), clock, random);
  return { life, served: conveyorUnit(life) };
}

type PlannedSnmp = Exclude<Planned, { readonly model: "receipt" | "scale" | "scanner" | "drive" | "conveyor" | "usb" }>;

async function openSnmp(planned: PlannedSnmp, options: DemoStoreOptions): Promise<Result<Served, ListenError>> {
  const { clock, random, credentials } = options;
  const life = snmpModel(planned, options);
  const secure = planned.model === "pos" && planned.version === "3";
  const user: SnmpV3User = {
    name: DEMO_V3_USER,
    authProtocol: "sha256",
    authPassword: credentials.authPassword,
    privProtocol: "aes",
    privPassword: credentials.privPassword,
  };
  const started = await startSnmpDevice({
    address: LOOPBACK,
    port: options.ports?.[planned.id] ?? 0,
    community: secure ? null : COMMUNITY,
    users: secure ? [user] : [],
    engineId: engineIdOf(planned.id),
    view: () => life.tree(),
    clock,
    random,
  });
  if (!started.ok) return started;
  const { port, setConduct, stop } = started.value;
  const address = `${LOOPBACK}:${port}`;
  const info = describe(planned, life, "snmp", {
    address,
    ...(secure ? v3Config(credentials) : { version: "2c" }),
  });
  return ok({ info, life, port, setConduct, stop });
}

const v3Config = ({ authPasswordRef, privPasswordRef }: DemoCredentials): Readonly<Record<string, unknown>> => ({
  version: "3",
  user: {
    name: DEMO_V3_USER,
    auth: { protocol: "sha256", password: authPasswordRef },
    privacy: { protocol: "aes", password: privPasswordRef },
  },
});

/** RFC 3411 SnmpEngineID: enterprise 47491 (net-snmp for Node), format 4 (text), then at most 27 octets of a name. */
const engineIdOf = (id: string): Buffer =>
  Buffer.concat([Buffer.from("8000b98304", "hex"), Buffer.from(`${DEMO_SITE.id}/${id}`).subarray(-27)]);

/**
 * What a model can have and its dialect or register map has no words for: as a fault of the demo it would be one that
 * nobody ever sees. A belt that nobody tells to run is no fault at all, Modbus TCP has no bad cable, and a scanner is
 * asked for its charge every quarter of an hour only.
 */
const UNTOLD: Readonly<Record<string, readonly string[]>> = {
  "toledo_8217/scale": ["calibration-lost", "memory-error"],
  "mt_sics/scale": ["zero-failed"],
  "honeywell_scanner/scanner": ["motor-failed", "laser-failed", "battery-low"],
  "datalogic_scanner/scanner": ["battery-low"],
  "zebra_ssi/scanner": ["motor-failed", "laser-failed", "battery-low"],
  "modbus/drive": ["stopped", "noise"],
  "modbus/conveyor": ["over-current", "stopped", "noise"],
};

function describe(
  planned: Planned,
  life: DemoLife,
  driver: DemoDriver,
  agentConfig: DemoDevice["agentConfig"],
): DemoDevice {
  const { id, name, labels, dependsOn } = planned;
  const told = Object.entries(life.faults).filter(([fault]) => !UNTOLD[`${driver}/${planned.model}`]?.includes(fault));
  return { id, kind: life.kind, name, labels, dependsOn, driver, agentConfig, faults: Object.fromEntries(told) };
}

function snmpModel(planned: PlannedSnmp, { clock, random }: DemoStoreOptions): LiveDevice {
  const location = `${DEMO_SITE.name}, ${planned.labels["zone"] ?? ""}`;
  const name = planned.id.replace("/", "-");
  switch (planned.model) {
    case "switch": {
      const { serial } = planned;
      const identity = { name, location, serial, model: "CBS250-24T-4G", firmware: "3.4.0.17" };
      return bringToLife(networkSwitch({ ...identity, plugged: SWITCH_PORTS, loosePort: LOOSE_PORT }), clock, random);
    }
    case "pos":
      return bringToLife(posTerminal({ name, location, serial: planned.serial, os: planned.os }), clock, random);
    case "label":
      return bringToLife(labelPrinter(planned.identity), clock, random);
    case "office":
      return bringToLife(
        officePrinter({ name, location, serial: planned.serial, model: "HP Color LaserJet M480" }),
        clock,
        random,
      );
    case "ups":
      return bringToLife(ups(planned.identity), clock, random);
  }
}
