/**
 * One USB slot from scan to scan: which of the attached devices fills it, and what happened to it since it was looked at
 * last. Pure; the driver keeps the state.
 *
 * - Another device number is a device that was away, also when no scan saw it away. The same number with another kernel
 *   driver is the print spooler at work, and is nothing.
 * - The same asset in another port is a move. Another product id of the same vendor in the same place is a scanner that
 *   was set to another interface mode (classically by a label that resets it): it is there, and does not work for the
 *   POS application.
 */
import { identityOf, readSerial, type UsbDevice } from "../../core/usb-device.ts";
import { fitsUsbMatch, hasSerial, type UsbMatch } from "../../core/usb-match.ts";
import type { KernelLine, PrinterLine, PrinterWord } from "./kernel-lines.ts";

export type UsbEvent = { readonly code: string; readonly detail: string };

export type SlotState = {
  /** The device that was there last; it stays when it goes. */
  readonly seen: UsbDevice | null;
  readonly attached: boolean;
  /** Product as configured, or as first seen of this vendor: another vendor's is no interface mode of it. */
  readonly productId: string | null;
  /** Whether the serial number told it from others, when it was seen last. */
  readonly certain: boolean;
  /** Since the agent started. */
  readonly disconnects: number;
  readonly resets: number;
  readonly errors: number;
  /** What the hub of the slot's port counts; null until it was asked, or when it does not count. */
  readonly hubCount: number | null;
  /** Of the slot, since the agent started; null: its hub does not count. */
  readonly overCurrents: number | null;
  /** What the kernel said last of the printer in it, and when that was told; of this stay in its port. */
  readonly printer: { readonly says: PrinterWord; readonly toldAtSeconds: number | null } | null;
};

export const EMPTY_SLOT: SlotState = {
  seen: null,
  attached: false,
  productId: null,
  certain: false,
  disconnects: 0,
  resets: 0,
  errors: 0,
  hubCount: null,
  overCurrents: null,
  printer: null,
};

export type Found =
  | { readonly kind: "one"; readonly device: UsbDevice; readonly certain: boolean }
  /** `elsewhere`: the port that the slot's asset is in, when the slot is another one. */
  | { readonly kind: "none"; readonly elsewhere: string | null }
  | { readonly kind: "several"; readonly ports: readonly string[] };

export function findDevice(devices: readonly UsbDevice[], match: UsbMatch, state: SlotState): Found {
  const fitting = devices.filter((device) => fitsUsbMatch(device, match));
  // Two of a model, and no port to choose by: the one that it was, if it is among them.
  const chosen = fitting.length > 1 ? fitting.filter((device) => wasIt(device, state.seen)) : fitting;
  const [device, another] = chosen.length === 0 ? fitting : chosen;
  if (device !== undefined && another === undefined) return one(device, devices);
  if (fitting.length > 1) return { kind: "several", ports: fitting.map(({ port }) => port) };
  const otherMode = devices.find((candidate) => isOtherMode(candidate, match, state));
  if (otherMode !== undefined) return one(otherMode, devices);
  const { seen } = state;
  const moved = seen !== null && state.certain && devices.find((candidate) => isSameAsset(candidate, seen));
  return { kind: "none", elsewhere: moved ? moved.port : null };
}

const one = (device: UsbDevice, devices: readonly UsbDevice[]): Found => ({
  kind: "one",
  device,
  certain: identityOf(device, devices).certain,
});

const wasIt = (device: UsbDevice, seen: UsbDevice | null): boolean =>
  seen !== null && device.port === seen.port && device.vendorId === seen.vendorId;

/** Same vendor, and the same place or serial number, as another product than was configured. */
function isOtherMode(device: UsbDevice, match: UsbMatch, { seen }: SlotState): boolean {
  if (match.productId === null || device.isHub) return false;
  if (!fitsUsbMatch(device, { ...match, productId: null, serial: null })) return false;
  if (match.serial !== null && hasSerial(device, match.serial)) return true;
  // In some modes a scanner says no serial number; another number is another scanner.
  if (match.serial !== null && readSerial(device.serial).serial !== null) return false;
  const place = match.port ?? seen?.port ?? null;
  return place === device.port && device.vendorId === (match.vendorId ?? seen?.vendorId);
}

/** Whatever its interface mode. */
function isSameAsset(device: UsbDevice, seen: UsbDevice): boolean {
  const { serial } = readSerial(device.serial);
  return device.vendorId === seen.vendorId && serial !== null && serial === readSerial(seen.serial).serial;
}

export type Step = { readonly next: SlotState; readonly events: readonly UsbEvent[] };

/** A scan's result for this slot. What is found several times is no news: the state stays. */
export function stepSlot(state: SlotState, found: Found): Step {
  if (found.kind === "several") return { next: state, events: [] };
  if (found.kind === "none") return gone(state, found.elsewhere);
  const { device, certain } = found;
  const { seen } = state;
  const next: SlotState = {
    ...state,
    seen: device,
    attached: true,
    certain,
    productId:
      seen !== null && seen.vendorId !== device.vendorId ? device.productId : (state.productId ?? device.productId),
    // Another port has a count of its own, with a past that is not this device's.
    hubCount: seen === null || seen.port === device.port ? state.hubCount : null,
  };
  if (seen === null) return { next, events: [] };
  const wasAway = !state.attached || seen.devnum !== device.devnum || seen.port !== device.port;
  if (!wasAway) return { next, events: [] };
  const unseen = state.attached ? 1 : 0;
  return {
    next: { ...next, printer: null, disconnects: state.disconnects + unseen },
    events: comeBack(seen, device, state.attached),
  };
}

function gone(state: SlotState, elsewhere: string | null): Step {
  const { seen } = state;
  if (!state.attached || seen === null) return { next: state, events: [] };
  const now = elsewhere === null ? "" : `; it is at port ${elsewhere} now`;
  const next = { ...state, attached: false, disconnects: state.disconnects + 1 };
  return { next, events: [{ code: "detached", detail: `${nameOf(seen)} left port ${seen.port}${now}` }] };
}

/** What is different about it; when nothing is, that it was away. */
function comeBack(seen: UsbDevice, device: UsbDevice, unseen: boolean): UsbEvent[] {
  const events: UsbEvent[] = [];
  const serials = [readSerial(seen.serial).serial, readSerial(device.serial).serial];
  const swapped = seen.vendorId !== device.vendorId || (serials.every((s) => s !== null) && serials[0] !== serials[1]);
  if (swapped) {
    events.push({ code: "asset_changed", detail: `${nameOf(seen)} was replaced by ${nameOf(device)}` });
  } else if (seen.productId !== device.productId) {
    const from = `${seen.vendorId}:${seen.productId}`;
    const to = `${device.vendorId}:${device.productId}`;
    events.push({ code: "usb_mode_changed", detail: `${from} answers as ${to}: it was set to another interface` });
  }
  if (seen.port !== device.port) {
    events.push({
      code: "usb_port_changed",
      detail: `${nameOf(device)} moved from port ${seen.port} to ${device.port}`,
    });
  }
  if (events.length > 0) return events;
  const numbers = `device number ${seen.devnum} -> ${device.devnum}`;
  return unseen
    ? [{ code: "usb_reconnected", detail: `${nameOf(device)} was away from port ${device.port} (${numbers})` }]
    : [{ code: "detached_cleared", detail: `${nameOf(device)} is back at port ${device.port} (${numbers})` }];
}

/** What the kernel said of the slot's port. Disconnects are not counted here: device numbers tell them anyway. */
export function stepKernel(state: SlotState, port: string, lines: readonly KernelLine[]): Step {
  const own = lines.filter((line) => line.port === port);
  const refused = own.some(({ kind }) => kind === "power_refused");
  const errors = own.filter(({ kind }) => kind === "error" || kind === "power_refused").length;
  const resets = own.filter(({ kind }) => kind === "reset").length;
  const next = { ...state, errors: state.errors + errors, resets: state.resets + resets };
  const detail = `the system refused what is in port ${port}: too little power on its bus`;
  return { next, events: refused ? [{ code: "usb_power_refused", detail }] : [] };
}

/** A program that tries a printer again and again is told of once in so long. */
const PRINTER_REPEAT_SECONDS = 600;

const PRINTER_CODES: Readonly<Record<Exclude<PrinterWord, "ok">, string>> = {
  "out of paper": "media_out",
  "off-line": "offline",
  // The kernel's old joke for a printer that denies to be without an error.
  "on fire": "hardware_fault",
};

/** What the kernel said of the printer in this slot, by the device file that it has now. */
export function stepPrinter(state: SlotState, lines: readonly PrinterLine[]): Step {
  const nodes = state.attached ? (state.seen?.interfaces.flatMap((one) => one.nodes) ?? []) : [];
  const events: UsbEvent[] = [];
  let printer = state.printer;
  for (const { node, says, atSeconds } of lines) {
    if (!nodes.includes(node)) continue;
    const isRepeat = printer?.says === says && !isLater(printer.toldAtSeconds, atSeconds);
    if (isRepeat || (says === "ok" && printer === null)) continue;
    const about = says === "ok" ? (printer?.says ?? says) : says;
    printer = says === "ok" ? null : { says, toldAtSeconds: atSeconds };
    if (about === "ok") continue;
    const code = says === "ok" ? `${PRINTER_CODES[about]}_cleared` : PRINTER_CODES[about];
    events.push({ code, detail: `a program that prints was kept waiting; the kernel: ${says}` });
  }
  return { next: { ...state, printer }, events };
}

const isLater = (told: number | null, now: number | null): boolean =>
  told !== null && now !== null && now - told >= PRINTER_REPEAT_SECONDS;

/**
 * What the hub of the slot's port counts now, since the hub is there: what it counted before the agent came is no news, so
 * the slot counts for itself.
 */
export function stepOverCurrent(state: SlotState, port: string, count: number | null): Step {
  const { hubCount: before, overCurrents } = state;
  if (count === null) return { next: { ...state, hubCount: null }, events: [] };
  // A hub that was plugged in again begins at nothing.
  const more = before === null || count < before ? 0 : count - before;
  const next = { ...state, hubCount: count, overCurrents: (overCurrents ?? 0) + more };
  const detail = `port ${port} was switched off by its hub: more current than it may carry`;
  return { next, events: more === 0 ? [] : [{ code: "usb_over_current", detail }] };
}

/** For a person: a device's own words are cut where the reading is made. */
function nameOf({ manufacturer, product, vendorId, productId, serial }: UsbDevice): string {
  const own = [manufacturer, product].filter((text) => text !== null).join(" ");
  const number = readSerial(serial).serial;
  return `${own === "" ? "USB device" : own} (${vendorId}:${productId}${number === null ? "" : `, ${number}`})`;
}
