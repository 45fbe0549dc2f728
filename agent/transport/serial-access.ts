/**
 * What is looked at before a serial port is opened: which port a path stands for now, whether it may be opened at all,
 * and who has it. All of it reads files of the system (Linux) and touches no port.
 *
 * - A path under /dev/serial/by-id is resolved at each opening: a replugged adapter may be another ttyUSB.
 * - **Payment hardware is never opened**, whatever the configuration says: by the USB vendor in sysfs (PROTOCOLS 10.1).
 * - The port belongs to the POS application. Its lock may be one that the binding's own (flock) does not see: a lock
 *   file (UUCP's, as ser2net and RXTX write it), or none at all. So the open files of other processes are looked at,
 *   as far as this user may see them.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import type { LineError } from "./line.ts";

/** USB vendors of PIN pads and magnetic stripe readers. */
export const PAYMENT_VENDORS: Readonly<Record<string, string>> = {
  "11ca": "VeriFone",
  "0b00": "Ingenico",
  "0801": "MagTek",
  "0acd": "ID TECH",
};

export type Holder = { readonly pid: number; readonly name: string };

export type System = { readonly root: string; readonly ownPids: ReadonlySet<number> };

/** Levels of sysfs between a tty and its USB device: tty, interface, device, and some for hubs' quirks. */
const LEVELS_MAX = 8;
/** A POS machine runs a few hundred processes; one holds a few dozen files, a database thousands. */
const PROCESSES_MAX = 4_096;
const FILES_MAX = 1_024;
/** Processes looked at before others have a turn. */
const SLICE = 32;

/** The device file behind a path: `unreachable` when there is none. */
export async function resolvePort(path: string): Promise<Result<string, LineError>> {
  try {
    return ok(await realpath(path));
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
    if (code === "EACCES") return err(permissionDenied(path));
    return err({
      kind: "unreachable",
      detail: `${path} is not there`,
      hint: "is the cable or the USB adapter plugged in?",
    });
  }
}

/**
 * Refuses what is no serial port: a file or a folder, and the kernel's own character devices. A question that is
 * written to a console would be read by whoever is logged in there. `port` is a resolved path.
 */
export async function isPort(port: string): Promise<Result<void, LineError>> {
  // Gone since: opening it says so.
  const found = await stat(port).catch(() => null);
  if (found === null || (found.isCharacterDevice() && !isOfKernel(found.rdev))) return ok(undefined);
  return err({
    kind: "config",
    detail: `${port} is no serial port`,
    hint: "ports are named such as /dev/ttyS0, /dev/ttyUSB0 or /dev/serial/by-id/…",
  });
}

/** Linux (devices.txt): 1 memory and null; 4 below 64 virtual consoles; 5 tty, console and ptmx. */
function isOfKernel(device: number): boolean {
  if (platform() !== "linux") return false;
  const [major, minor] = [(device >> 8) & 0xfff, device & 0xff];
  return major === 1 || major === 5 || (major === 4 && minor < FIRST_SERIAL_MINOR);
}

/** Of major 4: ttyS0. */
const FIRST_SERIAL_MINOR = 64;

export const permissionDenied = (path: string): LineError => ({
  kind: "config",
  detail: `${path}: permission denied`,
  hint: "let the agent's user read and write the port (on Debian: the group dialout)",
});

/** Refuses payment hardware. `port` is a resolved path. */
export async function mayOpen(port: string, system: System): Promise<Result<void, LineError>> {
  const vendor = await usbVendor(port, system);
  const maker = vendor === null ? undefined : PAYMENT_VENDORS[vendor];
  if (maker === undefined) return ok(undefined);
  return err({
    kind: "config",
    detail: `${port} is a device of ${maker} (USB vendor ${vendor}): payment hardware is never opened`,
    hint: "watch it with the driver presence",
  });
}

/** Four lower-case hex digits; null when the port hangs on no USB device, or the system does not tell. */
export async function usbVendor(port: string, { root }: System): Promise<string | null> {
  try {
    let folder = await realpath(join(root, "sys/class/tty", basename(port), "device"));
    for (let level = 0; level < LEVELS_MAX; level++) {
      const vendor = await readFile(join(folder, "idVendor"), "latin1").catch(() => null);
      if (vendor !== null) return vendor.trim().toLowerCase();
      folder = dirname(folder);
    }
  } catch {
    // A pseudo-terminal, a container without sysfs, another system.
  }
  return null;
}

/** Other programs that have the port open, or a lock file on it. */
export async function holdersOf(port: string, system: System): Promise<readonly Holder[]> {
  const open = (await openPorts(system)).get(port) ?? [];
  if (open.length > 0) return open;
  const locked = lockFileOf(port, system);
  return locked === null ? [] : [locked];
}

type OpenPorts = ReadonlyMap<string, readonly Holder[]>;

/** One look at the processes serves all ports for so long. */
const FRESH_MS = 2_000;
let looked: { readonly root: string; readonly atMs: number; readonly found: Promise<OpenPorts> } | null = null;

async function openPorts(system: System): Promise<OpenPorts> {
  const nowMs = performance.now();
  if (looked === null || looked.root !== system.root || nowMs - looked.atMs >= FRESH_MS) {
    looked = { root: system.root, atMs: nowMs, found: lookAtProcesses(system) };
  }
  return await looked.found;
}

async function lookAtProcesses({ root, ownPids }: System): Promise<OpenPorts> {
  const found = new Map<string, Holder[]>();
  const pids = list(join(root, "proc"))
    .filter((name) => /^\d{1,10}$/.test(name))
    .slice(0, PROCESSES_MAX);
  for (const [n, pid] of pids.entries()) {
    if (n % SLICE === SLICE - 1) await new Promise(setImmediate);
    if (ownPids.has(Number(pid))) continue;
    const folder = join(root, "proc", pid, "fd");
    for (const file of list(folder).slice(0, FILES_MAX)) {
      const target = linkOf(join(folder, file));
      if (target === null || !target.startsWith("/dev/")) continue;
      const holders = found.get(target) ?? [];
      if (holders.some((holder) => holder.pid === Number(pid))) continue;
      found.set(target, [...holders, { pid: Number(pid), name: nameOf(root, pid) }]);
    }
  }
  return found;
}

/** UUCP lock files hold the pid as text of ten characters; a stale one counts for nothing. */
function lockFileOf(port: string, { root, ownPids }: System): Holder | null {
  for (const folder of ["run/lock", "var/lock"]) {
    const pid = Number.parseInt(textOf(join(root, folder, `LCK..${basename(port)}`)) ?? "", 10);
    if (!(pid > 0) || ownPids.has(pid)) continue;
    const name = nameOf(root, String(pid));
    if (name !== "") return { pid, name };
  }
  return null;
}

export const holderText = (holders: readonly Holder[]): string =>
  holders
    .slice(0, 3)
    .map(({ pid, name }) => `${name} (pid ${pid})`)
    .join(", ");

/** What a program calls itself is text of anybody: sixteen characters at most, printed ones. */
const nameOf = (root: string, pid: string): string =>
  (textOf(join(root, "proc", pid, "comm")) ?? "").trim().replaceAll(/[^\x20-\x7e]/g, "?");

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Gone meanwhile, or another user's.
    return [];
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "latin1").slice(0, 64);
  } catch {
    return null;
  }
}
