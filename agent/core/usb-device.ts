/**
 * What Linux's sysfs says of a USB device, understood: pure. Names and files are those of the kernel's
 * Documentation/ABI/{stable,testing}/sysfs-bus-usb. The texts in them are the device's own (its descriptors): any
 * length, any characters, and often not what their names promise.
 *
 * **Who is it?** Vendor, product and serial number, when the serial number is one. It often is none: absent (Star
 * TSP143), the same in every unit (many clones), a firmware version, or a serial number with a firmware version beside
 * it (Symbol's `S/N:… Rev:…`). Then the port is all there is to tell two units apart.
 */

/** A device folder as it was read: texts trimmed and bounded by the reader (transport/sysfs-usb.ts). */
export type SysfsDevice = {
  /** The kernel's name of the place: bus, hyphen, the chain of hub ports: `2-1.6.1.2`. */
  readonly port: string;
  /** The files of UsbAttribute that could be read. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly interfaces: readonly SysfsInterface[];
};

export type SysfsInterface = {
  /** `2-1.5:1.0`: port, configuration, interface. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The kernel's driver that has it; null for none, as while CUPS has the printer. */
  readonly driver: string | null;
  /** Device files that the driver made: `usb/lp0`, `hidraw6`, `ttyACM0`. */
  readonly nodes: readonly string[];
};

/** Read when a device number is new: they need the device's lock, for which a device in trouble makes readers wait. */
export const DEVICE_ATTRIBUTES = [
  "devnum",
  "idVendor",
  "idProduct",
  "bcdDevice",
  "manufacturer",
  "product",
  "serial",
  "speed",
  "bMaxPower",
  "bmAttributes",
  "bDeviceClass",
  "bConfigurationValue",
  "authorized",
] as const;
export const INTERFACE_ATTRIBUTES = ["bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"] as const;

/** A device's place: bus, then up to six hub ports (USB 2.0, 4.1.1: five hubs in a row, and the root's). */
export const PORT_PATTERN = /^\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,6}$/;

export type UsbInterface = {
  readonly name: string;
  /** Class codes of usb.org: 3 HID, 7 printer, 2 and 10 communications, 255 the vendor's own. */
  readonly class: number | null;
  readonly subClass: number | null;
  readonly protocol: number | null;
  readonly driver: string | null;
  readonly nodes: readonly string[];
};

export type UsbDevice = {
  readonly port: string;
  /** Given anew at each enumeration: another number in the same place is a device that was away. */
  readonly devnum: number;
  /** Four lower-case hex digits each. */
  readonly vendorId: string;
  readonly productId: string;
  /** The device's release as its descriptor has it (bcdDevice): `9.04`. */
  readonly release: string | null;
  readonly manufacturer: string | null;
  readonly product: string | null;
  /** As the device says it, whatever it is; see `readSerial`. */
  readonly serial: string | null;
  readonly speedBitsPerSecond: number | null;
  /** What its configuration may draw from the bus. */
  readonly maxCurrentMilliamperes: number | null;
  readonly selfPowered: boolean | null;
  readonly isHub: boolean;
  /** False: no configuration was chosen, so that nothing of it works (too little power on the bus, or blocked). */
  readonly configured: boolean;
  /** False: an administrator's policy keeps it out (usbguard, `authorized_default`). */
  readonly authorized: boolean;
  readonly interfaces: readonly UsbInterface[];
};

const HUB_CLASS = 9;
/** Bit 6 of a configuration's bmAttributes (USB 2.0, table 9-10). */
const SELF_POWERED = 0x40;

/** Null when the folder is none of a device, or the device went while it was read. */
export function readUsbDevice({ port, attributes, interfaces }: SysfsDevice): UsbDevice | null {
  const vendorId = hexId(attributes["idVendor"]);
  const productId = hexId(attributes["idProduct"]);
  const devnum = decimal(attributes["devnum"]);
  if (!PORT_PATTERN.test(port) || vendorId === null || productId === null || devnum === null) return null;
  const power = hex(attributes["bmAttributes"]);
  const megabits = decimal(attributes["speed"]);
  return {
    port,
    devnum,
    vendorId,
    productId,
    release: readRelease(attributes["bcdDevice"]),
    manufacturer: ownText(attributes["manufacturer"]),
    product: ownText(attributes["product"]),
    serial: ownText(attributes["serial"]),
    speedBitsPerSecond: megabits === null ? null : Math.round(megabits * 1_000_000),
    maxCurrentMilliamperes: decimal(attributes["bMaxPower"]?.replace(/mA$/, "")),
    selfPowered: power === null ? null : (power & SELF_POWERED) !== 0,
    isHub: hex(attributes["bDeviceClass"]) === HUB_CLASS,
    configured: (decimal(attributes["bConfigurationValue"]) ?? 0) > 0,
    authorized: attributes["authorized"] !== "0",
    interfaces: interfaces.map(readInterface),
  };
}

function readInterface({ name, attributes, driver, nodes }: SysfsInterface): UsbInterface {
  return {
    name,
    class: hex(attributes["bInterfaceClass"]),
    subClass: hex(attributes["bInterfaceSubClass"]),
    protocol: hex(attributes["bInterfaceProtocol"]),
    driver,
    nodes,
  };
}

export type ReadSerial = {
  /** A serial number that can tell one unit from another, as far as one device shows. */
  readonly serial: string | null;
  /** What stood in its place or beside it, when it is a firmware version. */
  readonly firmware: string | null;
};

/** Symbol and Zebra scanners: `S/N:63FC61BF9E8E2247B78E81D22AF2F5E7 Rev:NBRPPAAP1`. */
const LABELLED = /^S\/?N\s*[:=]\s*(\S*)(?:\s+(?:Rev|FW|Ver)\w*\s*[:=.]?\s*(\S+))?$/i;
const FIRMWARE = /^(?:(?:Rev|FW|Firmware|Ver|Version)\w*\s*[:=. ]\s*\S.*|V?\d{1,2}\.\d{1,3}(?:\.\d{1,5}){0,2})$/i;
/** What makers leave in: nothing, placeholders, one digit over and over, counting. */
const PLACEHOLDERS =
  /^(?:(.)\1*|(?:0*1?2345678(?:9(?:0|a(?:b(?:c(?:d(?:ef?)?)?)?)?)?)?)|abcdef(?:g|gh)?|none|n\/?a|null|default|serial(?:\s?number)?|sn|usb|test|string\d?|demo|printer|to be filled.*)$/i;

export function readSerial(text: string | null): ReadSerial {
  if (text === null) return { serial: null, firmware: null };
  const labelled = LABELLED.exec(text);
  const serial = labelled === null ? text : (labelled[1] ?? "");
  const firmware = labelled?.[2] ?? null;
  if (labelled === null && FIRMWARE.test(text)) return { serial: null, firmware: text };
  return { serial: serial.length < 2 || PLACEHOLDERS.test(serial) ? null : serial, firmware };
}

export type Identity = {
  /** One piece of hardware, as well as it can be told; equal for the same one. */
  readonly key: string;
  /** False: it hangs on the port, and a unit of the same model in this port would be taken for it. */
  readonly certain: boolean;
  /** Why a serial number does not count. */
  readonly doubt: "missing" | "no_serial_number" | "repeated" | null;
};

/** Among the devices that are attached: a serial number that two of a model have identifies neither. */
export function identityOf(device: UsbDevice, attached: readonly UsbDevice[]): Identity {
  const { serial } = readSerial(device.serial);
  const same = attached.filter((other) => isSameModel(other, device) && readSerial(other.serial).serial === serial);
  const doubt =
    device.serial === null ? "missing" : serial === null ? "no_serial_number" : same.length > 1 ? "repeated" : null;
  const model = `${device.vendorId}:${device.productId}`;
  return doubt === null
    ? { key: `${model}:${serial}`, certain: true, doubt }
    : { key: `${model}@${device.port}`, certain: false, doubt };
}

/** Of one vendor and product. A unit in another interface mode has another product id, and is asked for by `slot.ts`. */
const isSameModel = (a: UsbDevice, b: UsbDevice): boolean => a.vendorId === b.vendorId && a.productId === b.productId;

/** The hub that a port belongs to: `2-1.6.1.2` -> `2-1.6.1`; null for a port of the machine itself. */
export function hubOf(port: string): string | null {
  const dot = port.lastIndexOf(".");
  return dot === -1 ? null : port.slice(0, dot);
}

/** The folder of a hub's port, below `bus/usb/devices`, that holds `over_current_count`. */
export function portFolder(port: string): string | null {
  if (!PORT_PATTERN.test(port)) return null;
  const hub = hubOf(port);
  if (hub !== null) return `${hub}/${hub}:1.0/${hub}-port${port.slice(hub.length + 1)}`;
  const [bus, number] = port.split("-");
  return `usb${bus}/${bus}-0:1.0/usb${bus}-port${number}`;
}

function hexId(text: string | undefined): string | null {
  return text !== undefined && /^[0-9a-f]{4}$/i.test(text) ? text.toLowerCase() : null;
}

/** `0904` is 9.04; a digit that is none of decimal stands as it is. */
function readRelease(text: string | undefined): string | null {
  if (text === undefined || !/^[0-9a-f]{4}$/i.test(text)) return null;
  return `${text.slice(0, 2).replace(/^0/, "")}.${text.slice(2)}`;
}

function decimal(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}(?:\.\d{1,3})?$/.test(text) ? Number(text) : null;
}

function hex(text: string | undefined): number | null {
  return text !== undefined && /^[0-9a-f]{1,2}$/i.test(text) ? Number.parseInt(text, 16) : null;
}

/** Control characters and what could not be decoded say nothing and harm terminals. */
function ownText(text: string | undefined): string | null {
  const clean = (text ?? "")
    .replaceAll(/[\p{Cc}\p{Cf}\uFFFD]/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return clean === "" ? null : clean;
}
