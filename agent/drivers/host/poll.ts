/**
 * Asks this machine, through systeminformation (loaded at the first poll; the only file that knows it). What costs a
 * process or a walk through /proc is asked once a minute and remembered in between; a question that hangs (`df` on a
 * dead network mount) is not asked a second time before the first one ends, and its old answer is used until it is stale.
 */
import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { cpus, loadavg, platform, totalmem, uptime } from "node:os";
import { promisify } from "node:util";
import { type Clock, ok, type Result } from "@aislewatch/base";
import type { PollContext, PollError, Source } from "../driver.ts";
import { type Restarts, stepRestarts } from "./restarts.ts";
import { HostHealth } from "./system.ts";
import { type HostSystem, thisSystem } from "./system-files.ts";
import type { Battery, Disk, HostReply, NamedProcess, Port, Unit } from "./types.ts";

export type NamedMatch = { readonly name: string; readonly match: string };

type SystemInformation = typeof import("systeminformation");

/** How long an expensive answer serves. */
const FRESH_MS = 60_000;
/** Health of a disk moves in days, and asking takes the disk's own time. */
const DRIVES_FRESH_MS = 10 * 60_000;
/** A lease moves in hours; on Windows asking for it starts a PowerShell. */
const LEASES_FRESH_MS_WINDOWS = 10 * 60_000;
/** After this an old answer is no answer: silence must show. */
const STALE_MS = 5 * 60_000;
/** Share of a poll's time to wait for expensive answers; the next poll takes what comes later. */
const WAIT_SHARE = 0.7;
/** timedatectl asks a service, which may be starting. */
const COMMAND_MS_MAX = 3_000;

export type Watched = { readonly processes: readonly NamedMatch[]; readonly units: readonly string[] };

export type HostPoll = {
  readonly poll: (context: PollContext) => Promise<Result<HostReply, PollError>>;
  /** What is known from where, and what is not, with the command that grants it; of the last poll. */
  readonly sources: () => readonly Source[];
};

export function createPoll({ processes, units }: Watched, clock: Clock, system: HostSystem = thisSystem): HostPoll {
  const own = new HostHealth(system, units);
  const restarts = new Map<string, Restarts>();
  // On Windows each of these starts a PowerShell.
  const cheapMs = platform() === "win32" ? FRESH_MS : 0;
  const memory = remember(clock, cheapMs, askMemory);
  const isWindows = system.platform === "win32";
  const isLinux = system.platform === "linux";
  const load = remember(clock, cheapMs, async (si) =>
    isLinux ? own.cpuUsedPercent() : (await si.currentLoad()).currentLoad,
  );
  const ports = remember(clock, cheapMs, isLinux ? () => own.ports() : askPorts);
  const disks = remember(clock, FRESH_MS, askDisks);
  const temperature = remember(clock, FRESH_MS, async (si) => (await si.cpuTemperature()).main);
  // A list of all processes costs as much as all other questions together.
  const running = remember(clock, FRESH_MS, async (si) =>
    isLinux && processes.length === 0
      ? { count: await own.processCount(), named: [] }
      : askProcesses(si, processes, restarts),
  );
  const clockState = remember(clock, FRESH_MS, askClock);
  const identity = remember(clock, Number.POSITIVE_INFINITY, askIdentity);
  const battery = remember(clock, FRESH_MS, askBattery);
  const health = remember(clock, FRESH_MS, async (si) => {
    const looked = await own.look();
    return system.platform === "win32" && units.length > 0
      ? { ...looked, units: await askServices(si, units) }
      : looked;
  });
  const leases = remember(clock, isWindows ? LEASES_FRESH_MS_WINDOWS : FRESH_MS, () => own.leases());
  const drives = remember(clock, DRIVES_FRESH_MS, () => own.askDrives());

  const poll = async ({ signal, timeoutMs }: PollContext): Promise<Result<HostReply, PollError>> => {
    const si = await import("systeminformation");
    const patience = until(clock, signal, timeoutMs * WAIT_SHARE);
    const [cheap, costly] = await Promise.all([
      Promise.all([load(si, patience.over), memory(si, patience.over), ports(si, patience.over)]),
      Promise.all([
        disks(si, patience.over),
        temperature(si, patience.over),
        running(si, patience.over),
        clockState(si, patience.over),
        identity(si, patience.over),
        battery(si, patience.over),
        health(si, patience.over),
        drives(si, patience.over),
        leases(si, patience.over),
      ]),
    ]);
    patience.end();
    const [cpuUsedPercent, memoryNow, portsNow] = cheap;
    const [disksNow, celsius, found, synchronized, who, batteryNow, healthNow, drivesNow, leasesNow] = costly;
    const [oneMinute = 0, fiveMinutes = 0] = loadavg();
    return ok({
      cpuUsedPercent,
      // Windows has no load average and answers zeros.
      load: platform() === "win32" ? null : { oneMinute, fiveMinutes },
      memory: memoryNow,
      uptimeSeconds: uptime(),
      disks: disksNow,
      ports: portsNow,
      cpuTemperatureCelsius: celsius,
      processCount: found?.count ?? null,
      processes: found?.named ?? null,
      clockSynchronized: synchronized,
      identity: who,
      battery: batteryNow,
      health: healthNow,
      drives: drivesNow,
      leases: leasesNow,
    });
  };
  return { poll, sources: () => own.sources() };
}

type Ask<T> = (si: SystemInformation) => Promise<T | null>;
type Remembered<T> = (si: SystemInformation, patience: Promise<void>) => Promise<T | null>;

/** Asks at most every `freshMs` and never twice at a time; a question that fails has no answer. */
function remember<T>(clock: Clock, freshMs: number, ask: Ask<T>): Remembered<T> {
  let answer: { readonly value: T | null; readonly atMs: number } | null = null;
  let pending: Promise<void> | null = null;
  return async (si, patience) => {
    if (answer === null || clock.monotonic() - answer.atMs >= freshMs) {
      pending ??= ask(si)
        .catch(() => null)
        .then((value) => {
          answer = { value, atMs: clock.monotonic() };
          pending = null;
        });
      await Promise.race([pending, patience]);
    }
    if (answer === null || clock.monotonic() - answer.atMs > Math.max(freshMs, STALE_MS)) return null;
    return answer.value;
  };
}

function until(clock: Clock, signal: AbortSignal, waitMs: number): { over: Promise<void>; end: () => void } {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(waitMs, resolve);
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    over,
    end() {
      cancel();
      signal.removeEventListener("abort", onAbort);
    },
  };
}

async function askMemory(si: SystemInformation): Promise<HostReply["memory"]> {
  const { available, swaptotal, swapused } = await si.mem();
  return { totalBytes: totalmem(), availableBytes: available, swapTotalBytes: swaptotal, swapUsedBytes: swapused };
}

async function askPorts(si: SystemInformation): Promise<Port[]> {
  return (await si.networkStats("*")).map((port) => ({
    name: port.iface,
    state: port.operstate,
    receivedBytes: port.rx_bytes,
    sentBytes: port.tx_bytes,
    receiveErrors: port.rx_errors,
    sendErrors: port.tx_errors,
    receiveDiscards: port.rx_dropped,
    sendDiscards: port.tx_dropped,
    linkLosses: null,
  }));
}

async function askDisks(si: SystemInformation): Promise<Disk[]> {
  const disks = await si.fsSize();
  return Promise.all(
    disks.map(async ({ mount, type, size, used, available }) => {
      const { inodes, inodesFree } = await askInodes(mount);
      return { mount, type, sizeBytes: size, usedBytes: used, availableBytes: available, inodes, inodesFree };
    }),
  );
}

async function askInodes(mount: string): Promise<{ inodes: number | null; inodesFree: number | null }> {
  if (platform() === "win32") return { inodes: null, inodesFree: null };
  try {
    const { files, ffree } = await statfs(mount);
    return { inodes: files, inodesFree: ffree };
  } catch {
    // Unmounted since df saw it, or not ours to look at.
    return { inodes: null, inodesFree: null };
  }
}

/** Counts what the configuration names and forgets the rest: command lines hold what is nobody's business. */
async function askProcesses(
  si: SystemInformation,
  matches: readonly NamedMatch[],
  restarts: Map<string, Restarts>,
): Promise<{ count: number; named: NamedProcess[] }> {
  const { all, list } = await si.processes();
  const lines = list.map((process) => ({ process, line: `${process.name} ${process.command} ${process.params}` }));
  const named = matches.map(({ name, match }) => {
    const found = lines.filter(({ process, line }) => line.includes(match) && process.state !== "zombie");
    const seen = stepRestarts(
      restarts.get(name) ?? null,
      found.map(({ process }) => process.pid),
    );
    restarts.set(name, seen);
    return {
      name,
      instances: found.length,
      memoryBytes: found.reduce((sum, { process }) => sum + process.memRss * 1024, 0),
      cpuPercent: found.reduce((sum, { process }) => sum + process.cpu, 0),
      cores: cpus().length,
      restarts: seen.count,
    };
  });
  return { count: all, named };
}

/** systemd's view of the kernel's clock discipline, whatever program does it (ntpd, chrony, timesyncd). */
async function askClock(): Promise<boolean | null> {
  if (platform() !== "linux") return null;
  const args = ["show", "--property=NTPSynchronized", "--value"];
  const { stdout } = await promisify(execFile)("timedatectl", args, { timeout: COMMAND_MS_MAX });
  const answer = stdout.trim();
  return answer === "yes" ? true : answer === "no" ? false : null;
}

/** Of a tablet or a mobile terminal; null where there is none. */
async function askBattery(si: SystemInformation): Promise<Battery | null> {
  const { hasBattery, percent, acConnected, cycleCount, maxCapacity, designedCapacity } = await si.battery();
  if (!hasBattery) return null;
  return {
    chargePercent: percent,
    isOnMains: acConnected,
    cycles: cycleCount > 0 ? cycleCount : null,
    healthPercent: designedCapacity > 0 && maxCapacity > 0 ? (100 * maxCapacity) / designedCapacity : null,
  };
}

/** Windows services, by their names. */
async function askServices(si: SystemInformation, names: readonly string[]): Promise<Unit[]> {
  const services = await si.services(names.join(","));
  return names.map((name) => ({
    name,
    isActive: services.some((one) => one.name.toLowerCase() === name.toLowerCase() && one.running),
    restarts: null,
  }));
}

async function askIdentity(si: SystemInformation): Promise<HostReply["identity"]> {
  const [system, os] = await Promise.all([si.system(), si.osInfo()]);
  return {
    vendor: system.manufacturer,
    model: system.model,
    serial: system.serial,
    system: `${os.distro} ${os.release}, ${os.kernel}`,
  };
}
