/**
 * From a USB device that is meant to the file of the kernel's driver through which it is reached (/dev/usb/lpN,
 * /dev/hidrawN), as it is now: numbers change with every plug. Payment hardware has no file here, whatever is asked.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import { identityOf, readUsbDevice, type UsbDevice, type UsbInterface } from "../core/usb-device.ts";
import { fitsUsbMatch, type UsbMatchConfig, usbMatchOf } from "../core/usb-match.ts";
import type { LineError } from "./line.ts";
import { PAYMENT_VENDORS } from "./serial-access.ts";
import { readStart } from "./sysfs-usb.ts";
import { type UsbPlaces, UsbWatch } from "./sysfs-watch.ts";

/** One watch for all who look at one sysfs; it watches while somebody listens. */
const watches = new Map<string, UsbWatch>();

export function usbWatch(places: UsbPlaces, clock: Clock): UsbWatch {
  const key = JSON.stringify(places);
  const watch = watches.get(key) ?? new UsbWatch(places, clock);
  watches.set(key, watch);
  return watch;
}

/** The kernel's class of device files: printers, HID. */
export type NodeClass = "usblp" | "hidraw";
const NODES: Readonly<Record<NodeClass, RegExp>> = { usblp: /^usb\/lp\d{1,3}$/, hidraw: /^hidraw\d{1,4}$/ };
/** Class codes of usb.org. Epson has printers of class 255 that usblp knows: those have a file, or nothing to go by. */
const CLASSES: Readonly<Record<NodeClass, number>> = { usblp: 7, hidraw: 3 };

/** Attributes of sysfs are a page at most. */
const BYTES_MAX = 4_096;

export type UsbNode = {
  readonly device: UsbDevice;
  /** Its serial number tells it from every other device that is attached. */
  readonly certain: boolean;
  /** Interfaces of the class, in order: a scanner may have one that types and one that does not. */
  readonly interfaces: readonly UsbInterface[];
};

/** Null: nothing that fits is attached. */
export async function findUsbNode(
  watch: UsbWatch,
  match: UsbMatchConfig,
  nodeClass: NodeClass,
): Promise<Result<UsbNode | null, LineError>> {
  const scanned = await watch.scanNow();
  if (!scanned.ok) return scanned;
  const devices = scanned.value.devices.map(readUsbDevice).filter((device) => device !== null);
  const wanted = usbMatchOf(match, nodeAt);
  const [device, ...others] = devices.filter((one) => fitsUsbMatch(one, wanted));
  if (device === undefined) return ok(null);
  if (others.length > 0) {
    const ports = [device, ...others].map(({ port }) => port);
    const detail = `${ports.length} devices fit: at the ports ${ports.slice(0, 8).join(", ")}`;
    return err({ kind: "config", detail, hint: "name the one that is meant by its port: or serial:" });
  }
  const maker = PAYMENT_VENDORS[device.vendorId];
  if (maker !== undefined) {
    const detail = `${device.vendorId}:${device.productId} is a device of ${maker}: payment hardware is never opened`;
    return err({ kind: "config", detail, hint: "watch it with the driver usb" });
  }
  const interfaces = device.interfaces.filter(
    (one) => one.class === CLASSES[nodeClass] || nodeOf(one, nodeClass) !== null,
  );
  return ok({ device, certain: identityOf(device, devices).certain, interfaces });
}

/** The device file's path; null while the kernel's driver has not got the interface. */
export function nodeOf({ nodes }: UsbInterface, nodeClass: NodeClass): string | null {
  const node = nodes.find((name) => NODES[nodeClass].test(name));
  return node === undefined ? null : `/dev/${node}`;
}

/** Somebody took the interface past the kernel's driver: CUPS while it prints, a POS application with libusb. */
export const takenFromKernel = ({ driver }: UsbInterface): boolean => driver === null || driver === "usbfs";

/** A file of an interface's folder in sysfs, such as `ieee1284_id`; null when it is not there. */
export async function interfaceFile(sysfs: string, { name }: UsbInterface, file: string): Promise<Uint8Array | null> {
  return await readStart(join(sysfs, "bus/usb/devices", name, file), BYTES_MAX);
}

/** `report_descriptor` of a HID device, by the name of its device file: read from sysfs, nothing is opened. */
export async function reportDescriptor(sysfs: string, node: string): Promise<Uint8Array | null> {
  return await readStart(
    join(sysfs, "class/hidraw", node.slice("/dev/".length), "device/report_descriptor"),
    BYTES_MAX,
  );
}

/** A memory file system answers at once; "" when the link leads nowhere, as while its device is away. */
function nodeAt(path: string): string {
  try {
    return realpathSync(path).replace(/^\/dev\//, "");
  } catch {
    return "";
  }
}
