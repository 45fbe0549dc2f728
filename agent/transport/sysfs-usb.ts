/**
 * Reads the USB devices of a machine from sysfs: files only, no device is opened, woken or asked. A device's own texts
 * are read once for each device number, since they need the device's lock; at each later scan there is one small file
 * and two folders a device. One read at a time: a device that makes its readers wait takes one thread and no more.
 */
import { constants, open, readdir, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import {
  DEVICE_ATTRIBUTES,
  INTERFACE_ATTRIBUTES,
  PORT_PATTERN,
  portFolder,
  type SysfsDevice,
  type SysfsInterface,
} from "../core/usb-device.ts";

export type SysfsError = { readonly kind: "config"; readonly detail: string; readonly hint: string };

/** 127 devices a bus is the standard's limit; a POS machine has a dozen in all. */
const DEVICES_MAX = 256;
/** The standard allows 32 a configuration; what has more invents them. */
const INTERFACES_MAX = 32;
/** A string descriptor holds 126 characters; up to three bytes each. */
const TEXT_BYTES_MAX = 512;
/** Device files of an interface, and levels below it to look for them (HID: interface, HID device, hidraw, name). */
const NODES_MAX = 16;
/** Classes of device files below an interface. `tty` holds ttyACM*; ttyUSB* stands beside it; `input` has a level more. */
const NODE_CLASSES = new Set(["usbmisc", "tty", "hidraw"]);

export class SysfsUsb {
  /** The root of sysfs: `/sys`, or a folder of the same shape. */
  readonly root: string;
  readonly #devices: string;
  #known = new Map<string, SysfsDevice>();

  constructor(root: string) {
    this.root = root;
    this.#devices = join(root, "bus/usb/devices");
  }

  async scan(): Promise<Result<readonly SysfsDevice[], SysfsError>> {
    let names: string[];
    try {
      names = await readdir(this.#devices);
    } catch {
      const hint = "a Linux kernel with USB shows its devices there; in a container, sysfs has to be passed in";
      return err({ kind: "config", detail: `${this.#devices} can't be read`, hint });
    }
    const ports = names.filter((name) => PORT_PATTERN.test(name)).sort();
    const found: SysfsDevice[] = [];
    for (const port of ports.slice(0, DEVICES_MAX)) {
      const device = await this.#read(port);
      if (device !== null) found.push(device);
    }
    this.#known = new Map(found.map((device) => [device.port, device]));
    return ok(found);
  }

  /** How often the hub switched the port off because of over-current, since the hub is there; null: it does not tell. */
  async overCurrentCount(port: string): Promise<number | null> {
    const folder = portFolder(port);
    const text = folder === null ? null : await textOf(join(this.#devices, folder, "over_current_count"));
    return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
  }

  async #read(port: string): Promise<SysfsDevice | null> {
    const folder = join(this.#devices, port);
    const devnum = await textOf(join(folder, "devnum"));
    if (devnum === null) return null;
    const known = this.#known.get(port);
    const same = known !== undefined && known.attributes["devnum"] === devnum ? known : null;
    const authorized = (await textOf(join(folder, "authorized"))) ?? "";
    const names = (await entries(folder)).filter((name) => name.startsWith(`${port}:`)).slice(0, INTERFACES_MAX);
    // Another policy or other interfaces: a configuration was chosen since.
    const unchanged = same?.attributes["authorized"] === authorized && sameNames(same.interfaces, names) ? same : null;
    const attributes = unchanged?.attributes ?? {
      ...(await textsOf(folder, DEVICE_ATTRIBUTES)),
      devnum,
      authorized,
    };
    const interfaces: SysfsInterface[] = [];
    for (const name of names) {
      const before = unchanged?.interfaces.find((one) => one.name === name) ?? null;
      interfaces.push(await readInterface(join(folder, name), name, before));
    }
    return { port, attributes, interfaces };
  }
}

const sameNames = (interfaces: readonly SysfsInterface[], names: readonly string[]): boolean =>
  interfaces.length === names.length && interfaces.every(({ name }) => names.includes(name));

async function readInterface(folder: string, name: string, before: SysfsInterface | null): Promise<SysfsInterface> {
  const driver = await linkName(join(folder, "driver"));
  if (before !== null && before.driver === driver && (driver === null || before.nodes.length > 0)) return before;
  const attributes = before?.attributes ?? (await textsOf(folder, INTERFACE_ATTRIBUTES));
  return { name, attributes, driver, nodes: driver === null ? [] : await nodesBelow(folder, 2) };
}

/** Names of device files as below /dev. */
async function nodesBelow(folder: string, levels: number): Promise<string[]> {
  const nodes: string[] = [];
  for (const name of await entries(folder)) {
    if (nodes.length >= NODES_MAX) break;
    if (NODE_CLASSES.has(name)) {
      for (const node of await entries(join(folder, name))) nodes.push(name === "usbmisc" ? `usb/${node}` : node);
    } else if (/^ttyUSB\d{1,4}$/.test(name)) {
      nodes.push(name);
    } else if (name === "input") {
      nodes.push(...(await inputNodes(join(folder, name))));
    } else if (levels > 1 && /^[0-9A-F]{4}:[0-9A-F]{4}:/.test(name)) {
      nodes.push(...(await nodesBelow(join(folder, name), levels - 1)));
    }
  }
  return nodes.slice(0, NODES_MAX);
}

/** `input/input5/event3`. */
async function inputNodes(folder: string): Promise<string[]> {
  const nodes: string[] = [];
  for (const input of (await entries(folder)).slice(0, NODES_MAX)) {
    const events = (await entries(join(folder, input))).filter((name) => /^event\d{1,4}$/.test(name));
    nodes.push(...events.map((name) => `input/${name}`));
  }
  return nodes;
}

async function textsOf(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const name of names) {
    const text = await textOf(join(folder, name));
    if (text !== null) texts[name] = text;
  }
  return texts;
}

async function textOf(path: string): Promise<string | null> {
  const bytes = await readStart(path, TEXT_BYTES_MAX);
  return bytes === null ? null : Buffer.from(bytes).toString("utf8").trim();
}

/**
 * Of a file as long as it may be, no more than is wanted; null: not of every device, or the device went meanwhile. A
 * folder that only looks like sysfs may hold anything: a pipe there is no file to wait for.
 */
export async function readStart(path: string, bytesMax: number): Promise<Uint8Array | null> {
  try {
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(bytesMax), 0, bytesMax, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

async function linkName(path: string): Promise<string | null> {
  try {
    return basename(await readlink(path));
  } catch {
    return null;
  }
}
