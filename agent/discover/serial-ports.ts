/**
 * The serial ports of this system, by what the kernel says of them: no port is opened. Linux: ports with hardware behind
 * them in /sys/class/tty, their names in /dev/serial, their USB devices, and who has them open.
 */
import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import type { SerialPort, UsbDevice } from "../core/serial-proposal.ts";
import { holdersOf, PAYMENT_VENDORS, type System } from "../transport/serial-access.ts";

/** A terminal server card has 32, a large host a few of them. */
const PORTS_MAX = 256;
/** Levels of sysfs between a tty and its USB device. */
const LEVELS_MAX = 8;
/** USB strings have at most 126 characters (USB 2.0, 9.6.7). */
const TEXT_BYTES_MAX = 512;
/** As a `line:` takes it. */
const PATH_CHARS_MAX = 256;

export async function listSerialPorts(
  system: System,
  platform: NodeJS.Platform = process.platform,
): Promise<Result<readonly SerialPort[], string>> {
  if (platform !== "linux") {
    const where =
      platform === "win32" ? "the device manager names them: --ask COM3" : "they are in /dev: --ask /dev/cu.…";
    return err(`serial ports can't be listed on this system; ${where}`);
  }
  const { root } = system;
  const links = await namesIn(root);
  const consoles = (await textOf(join(root, "sys/class/tty/console/active"))).split(/\s+/);
  const ttys = (await list(join(root, "sys/class/tty"))).slice(0, 16 * PORTS_MAX);
  const ports: SerialPort[] = [];
  for (const tty of ttys.sort()) {
    if (ports.length >= PORTS_MAX) break;
    const port = await portOf(tty, { system, links, isConsole: consoles.includes(tty) });
    if (port !== null) ports.push(port);
  }
  return ok(ports);
}

/** The port of this name, listed or not: a pseudo-terminal and a link of one's own are ports, too. */
export async function serialPortAt(path: string, system: System): Promise<Result<SerialPort, string>> {
  if (path === "" || path.length > PATH_CHARS_MAX) return err("expected a port such as /dev/ttyUSB0");
  const listed = await listSerialPorts(system);
  const target = await realpath(join(system.root, path)).catch(() => null);
  if (target === null && process.platform !== "win32") return err(`${path} is not there: is the adapter plugged in?`);
  const known = listed.ok
    ? listed.value.find(({ names, tty }) => names.includes(path) || tty === basename(target ?? ""))
    : undefined;
  if (known !== undefined) return ok({ ...known, path });
  if (target !== null && !(await isDevice(target))) return err(`${path} is no serial port`);
  const place = path.replace(/^.*\//, "");
  return ok({
    path,
    names: [path],
    tty: target ?? path,
    place,
    usb: null,
    isConsole: false,
    users: [],
    isPayment: false,
  });
}

const isDevice = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isCharacterDevice(),
    () => false,
  );

/** Is a path of the configuration there now? */
export const isThere = (path: string, { root }: System): Promise<boolean> =>
  stat(join(root, path)).then(
    () => true,
    () => false,
  );

type Links = ReadonlyMap<string, { readonly byId: string[]; readonly byPath: string[] }>;

/** By tty: its names in /dev/serial. */
async function namesIn(root: string): Promise<Links> {
  const links = new Map<string, { byId: string[]; byPath: string[] }>();
  for (const [folder, key] of [
    ["by-id", "byId"],
    ["by-path", "byPath"],
  ] as const) {
    for (const name of (await list(join(root, "dev/serial", folder))).sort().slice(0, PORTS_MAX)) {
      const target = await readlink(join(root, "dev/serial", folder, name)).catch(() => null);
      if (target === null) continue;
      const tty = basename(target);
      const names = links.get(tty) ?? { byId: [], byPath: [] };
      names[key].push(`/dev/serial/${folder}/${name}`);
      links.set(tty, names);
    }
  }
  return links;
}

/** Null when no hardware is behind it: virtual consoles, pseudo-terminals, and the ports that a driver merely reserves. */
async function portOf(
  tty: string,
  { system, links, isConsole }: { system: System; links: Links; isConsole: boolean },
): Promise<SerialPort | null> {
  const { root } = system;
  const folder = join(root, "sys/class/tty", tty);
  const device = await realpath(join(folder, "device")).catch(() => null);
  if (device === null) return null;
  // 8250 reserves ttyS0 to ttyS31: type 0 is a port without a chip (linux/serial_core.h, PORT_UNKNOWN).
  if ((await textOf(join(folder, "type"))) === "0") return null;
  const { usb, place } = await usbOf(device);
  const { byId = [], byPath = [] } = links.get(tty) ?? {};
  const plain = `/dev/${tty}`;
  // A name without a serial number in it is that of any adapter of this make: its place tells more.
  const stable = usb !== null && usb.serial === "" ? [...byPath, ...byId] : [...byId, ...byPath];
  const holders = await holdersOf(plain, system);
  return {
    path: stable[0] ?? plain,
    names: [...byId, ...byPath, plain],
    tty,
    place: place === null ? tty : `usb-${place}`,
    usb,
    isConsole,
    users: [...new Set(holders.map(({ name }) => name || "another program"))].slice(0, 3),
    isPayment: usb !== null && Object.hasOwn(PAYMENT_VENDORS, usb.vendor),
  };
}

async function usbOf(device: string): Promise<{ usb: UsbDevice | null; place: string | null }> {
  let folder = device;
  for (let level = 0; level < LEVELS_MAX; level++) {
    const vendor = (await textOf(join(folder, "idVendor"))).toLowerCase();
    if (/^[0-9a-f]{4}$/.test(vendor)) {
      const product = (await textOf(join(folder, "idProduct"))).toLowerCase();
      const [maker, name, serial] = await Promise.all(
        ["manufacturer", "product", "serial"].map((file) => textOf(join(folder, file))),
      );
      const usb = { vendor, product, maker: maker ?? "", name: name ?? "", serial: realSerial(serial ?? "") };
      return { usb, place: basename(folder) };
    }
    folder = dirname(folder);
  }
  return { usb: null, place: null };
}

/** Some devices have a placeholder where a serial number should be. */
const realSerial = (serial: string): string => (/^[0.]*$|^0*123456789|^none$/i.test(serial) ? "" : serial);

async function list(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

async function textOf(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.slice(0, TEXT_BYTES_MAX).trim();
}
