/** The part of `discover` that looks at USB devices, by sysfs: none is opened. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { AgentConfig } from "../config.ts";
import type { SerialPort } from "../core/serial-proposal.ts";
import { readUsbDevice, type UsbDevice } from "../core/usb-device.ts";
import { usbMatchOf, usbMatchSchema, usbMatchText } from "../core/usb-match.ts";
import type { ConfiguredUsb, UsbEvidence } from "../core/usb-proposal.ts";
import { readUsbEvidence } from "../discover/usb-evidence.ts";
import { PAYMENT_VENDORS } from "../transport/serial-access.ts";
import { SysfsUsb } from "../transport/sysfs-usb.ts";
import { counted } from "./discover-network.ts";
import { lineOf } from "./line-advice.ts";
import type { Terminal } from "./terminal.ts";

export type UsbFound = {
  readonly devices: readonly UsbDevice[];
  readonly evidence: ReadonlyMap<string, UsbEvidence>;
  /** sysfs was read. */
  readonly whole: boolean;
};

const SYSFS = "/sys";

export const NO_USB: UsbFound = { devices: [], evidence: new Map(), whole: false };
export const PAYMENT: ReadonlySet<string> = new Set(Object.keys(PAYMENT_VENDORS));

const rootOf = ({ systemRoot = "/" }: Terminal): string => systemRoot;

export async function searchUsb(terminal: Terminal): Promise<UsbFound> {
  const sysfs = join(rootOf(terminal), SYSFS);
  const scanned = await new SysfsUsb(sysfs).scan();
  if (!scanned.ok) {
    const { detail, hint } = scanned.error;
    terminal.error(`USB devices can't be listed: ${detail}\n  ${hint}\n`);
    return NO_USB;
  }
  const devices = scanned.value.map(readUsbDevice).filter((device) => device !== null);
  terminal.error(`${counted(devices.filter(({ isHub }) => !isHub).length, "USB device")}\n`);
  return { devices, evidence: await readUsbEvidence(devices, sysfs), whole: true };
}

/** What has a serial port and is listed with the serial ports is not listed twice. */
export function beside(devices: readonly UsbDevice[], ports: readonly SerialPort[]): readonly UsbDevice[] {
  const places = new Set(ports.map(({ place }) => place));
  return devices.filter(({ port }) => !places.has(`usb-${port}`));
}

/** What the configuration tells by USB on this system, and what it names by a device file. */
export function configuredUsb(config: AgentConfig, terminal: Terminal): readonly ConfiguredUsb[] {
  const root = rootOf(terminal);
  const nodeAt = (path: string): string => {
    try {
      return realpathSync(join(root, path)).slice(join(root, "dev/").length);
    } catch {
      return "";
    }
  };
  return config.devices.map((device) => configuredOne(device, nodeAt)).filter((one) => one !== null);
}

function configuredOne(device: AgentConfig["devices"][number], nodeAt: (path: string) => string): ConfiguredUsb | null {
  const { id, driver, driverConfig } = device;
  const line = lineOf(device);
  if (line?.kind === "usblp") {
    return { id, at: usbMatchText(line.usblp), match: usbMatchOf(line.usblp, nodeAt), isUsb: true };
  }
  // Each driver's own schema made it; those that tell a device by USB have these keys.
  const { match, sysfs = SYSFS } = (driverConfig ?? {}) as { match?: unknown; sysfs?: unknown };
  const read = usbMatchSchema.safeParse(match);
  if (read.success) {
    const of = { id, at: usbMatchText(read.data), match: usbMatchOf(read.data, nodeAt), isUsb: true };
    return sysfs === SYSFS ? of : null;
  }
  const at = driver.address(driverConfig);
  const node = at.startsWith("/dev/") ? nodeAt(at) : "";
  // An address that leads to no device file is the serial ports' business.
  if (node === "") return null;
  return { id, at, match: { vendorId: null, productId: null, serial: null, port: null, node }, isUsb: false };
}
