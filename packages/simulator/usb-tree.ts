/**
 * USB devices that are none: a folder of the shape of Linux's sysfs, for agents that are told to look there
 * (`sysfs:` of the driver `usb`). A device comes and goes as a whole, as in the real one, and with a new device number
 * each time. The numbers of over-currents stay with the hub's port.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export type UsbUnitInterface = {
  /** Codes of usb.org: 3 HID, 7 printer, 9 hub, 255 the vendor's own. */
  readonly class: number;
  readonly subClass?: number;
  readonly protocol?: number;
  /** The kernel's driver, and the device file that it makes: `usblp` and `usb/lp0`. */
  readonly driver?: string;
  readonly node?: string;
};

export type UsbUnit = {
  /** Four hex digits each. */
  readonly vendorId: string;
  readonly productId: string;
  /** As in bcdDevice: `0904`. */
  readonly release?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serial?: string;
  /** In Mbit/s, as sysfs has it: 1.5, 12, 480, 5000. */
  readonly speed?: string;
  readonly currentMilliamperes?: number;
  readonly selfPowered?: boolean;
  readonly authorized?: boolean;
  /** False: the system took up no configuration, as when its port lacks the power. */
  readonly configured?: boolean;
  readonly isHub?: boolean;
  readonly interfaces?: readonly UsbUnitInterface[];
};

/** The root hub of each bus has the first number. */
const FIRST_DEVNUM = 2;
const DEVNUM_MAX = 127;

export class UsbTree {
  /** For `sysfs:`. */
  readonly folder: string;
  /** For `kernel_log:`. */
  readonly kernelLog: string;
  readonly #devices: string;
  readonly #units = new Map<string, UsbUnit>();
  readonly #devnums = new Map<string, number>();
  /** The last number given, by bus. */
  readonly #last = new Map<string, number>();
  #builds = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.#devices = join(folder, "bus/usb/devices");
    this.kernelLog = join(folder, "kernel.log");
    mkdirSync(this.#devices, { recursive: true });
    // The folder itself stays: an agent may watch it.
    for (const name of readdirSync(this.#devices)) rmSync(join(this.#devices, name), { recursive: true, force: true });
    writeFileSync(this.kernelLog, "");
  }

  /** Puts a device into a port (`1-4`, `2-1.6`), in the place of what is there. Returns its device number. */
  plug(port: string, unit: UsbUnit): number {
    this.unplug(port);
    const bus = port.split("-")[0] ?? "1";
    const last = this.#last.get(bus) ?? FIRST_DEVNUM - 1;
    const devnum = last >= DEVNUM_MAX ? FIRST_DEVNUM : last + 1;
    this.#last.set(bus, devnum);
    const made = join(this.folder, `.made-${++this.#builds}`);
    writeUnit(made, { port, devnum, unit });
    renameSync(made, join(this.#devices, port));
    this.#units.set(port, unit);
    this.#devnums.set(port, devnum);
    this.#countOverCurrents(port, 0);
    return devnum;
  }

  unplug(port: string): void {
    const away = join(this.folder, `.gone-${++this.#builds}`);
    if (!existsSync(join(this.#devices, port))) return;
    renameSync(join(this.#devices, port), away);
    rmSync(away, { recursive: true, force: true });
    this.#units.delete(port);
    this.#devnums.delete(port);
  }

  /** A bad contact: away and back, under the next number, faster than anybody looks. */
  drop(port: string): number {
    return this.plug(port, this.#unit(port));
  }

  move(from: string, to: string): number {
    const unit = this.#unit(from);
    this.unplug(from);
    return this.plug(to, unit);
  }

  /** The print spooler takes the printer from the kernel's driver (null), or gives it back. The number stays. */
  bind(port: string, driver: string | null): void {
    const link = join(this.#devices, port, `${port}:1.0`, "driver");
    rmSync(link, { force: true });
    if (driver !== null) symlinkSync(`../../../drivers/${driver}`, link);
  }

  /** The hub switches the port off, and on again: what hangs on it comes back. */
  overCurrent(port: string): void {
    this.#countOverCurrents(port, 1);
    if (this.#units.has(port)) this.drop(port);
  }

  /** A line of the kernel's log. */
  say(line: string): void {
    appendFileSync(this.kernelLog, `${line}\n`);
  }

  devnum(port: string): number | null {
    return this.#devnums.get(port) ?? null;
  }

  #unit(port: string): UsbUnit {
    const unit = this.#units.get(port);
    if (unit === undefined) throw new Error(`nothing is plugged into ${port}`);
    return unit;
  }

  #countOverCurrents(port: string, more: number): void {
    const file = join(this.#devices, portFolder(port), "over_current_count");
    const before = existsSync(file) ? Number(readFileSync(file, "latin1")) : 0;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${before + more}\n`);
  }
}

/** As the kernel lays it out: below the hub's first interface. */
function portFolder(port: string): string {
  const dot = port.lastIndexOf(".");
  if (dot !== -1) {
    const hub = port.slice(0, dot);
    return `${hub}/${hub}:1.0/${hub}-port${port.slice(dot + 1)}`;
  }
  const [bus, number] = port.split("-");
  return `usb${bus}/${bus}-0:1.0/usb${bus}-port${number}`;
}

function writeUnit(folder: string, { port, devnum, unit }: { port: string; devnum: number; unit: UsbUnit }): void {
  const files: Readonly<Record<string, string | undefined>> = {
    busnum: port.split("-")[0],
    devnum: String(devnum),
    devpath: port.slice(port.indexOf("-") + 1),
    idVendor: unit.vendorId,
    idProduct: unit.productId,
    bcdDevice: unit.release ?? "0100",
    manufacturer: unit.manufacturer,
    product: unit.product,
    serial: unit.serial,
    speed: unit.speed ?? "12",
    bMaxPower: `${unit.currentMilliamperes ?? 100}mA`,
    bmAttributes: unit.selfPowered === true ? "e0" : "80",
    bDeviceClass: unit.isHub === true ? "09" : "00",
    bConfigurationValue: unit.authorized === false || unit.configured === false ? "" : "1",
    authorized: unit.authorized === false ? "0" : "1",
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) writeFileSync(join(folder, name), `${text}\n`);
  }
  const interfaces: readonly UsbUnitInterface[] =
    unit.isHub === true ? [{ class: 9, driver: "hub" }] : (unit.interfaces ?? []);
  for (const [number, one] of interfaces.entries()) writeInterface(join(folder, `${port}:1.${number}`), one, unit);
}

function writeInterface(folder: string, one: UsbUnitInterface, unit: UsbUnit): void {
  mkdirSync(folder, { recursive: true });
  const code = (value: number | undefined): string => `${(value ?? 0).toString(16).padStart(2, "0")}\n`;
  writeFileSync(join(folder, "bInterfaceClass"), code(one.class));
  writeFileSync(join(folder, "bInterfaceSubClass"), code(one.subClass));
  writeFileSync(join(folder, "bInterfaceProtocol"), code(one.protocol));
  if (one.driver !== undefined) symlinkSync(`../../../drivers/${one.driver}`, join(folder, "driver"));
  if (one.node !== undefined) mkdirSync(join(folder, nodeFolder(one.node, unit)), { recursive: true });
}

function nodeFolder(node: string, { vendorId, productId }: UsbUnit): string {
  if (node.startsWith("usb/")) return node.replace("usb/", "usbmisc/");
  if (node.startsWith("hidraw")) return `${`0003:${vendorId}:${productId}.0001`.toUpperCase()}/hidraw/${node}`;
  return node.startsWith("ttyACM") ? `tty/${node}` : node;
}
