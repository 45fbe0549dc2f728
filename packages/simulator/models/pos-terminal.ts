/**
 * A POS terminal's operating system over SNMP: HOST-RESOURCES-MIB (RFC 2790) as Windows and Linux answer it, and
 * UCD-SNMP-MIB on Linux. The POS program is a process in hrSWRunTable.
 */
import { counter32, gauge, integer, type MibEntry, octets, oid, row, scalars, text, ticks } from "../oid-tree.ts";
import { type Random, wander } from "../random.ts";
import { type BaseState, DAY_MS, dateAndTime, type Model } from "./model.ts";
import { systemGroup } from "./system-group.ts";

export type PosFault = "disk-full" | "cpu-high" | "process-down" | "dead";

export type PosState = BaseState<PosFault> & {
  readonly diskUsedPercent: number;
  readonly memoryUsedPercent: number;
  readonly cpuPercent: number;
  readonly load1m: number;
  readonly load5m: number;
  /** Seconds of one core spent, and spent idle, since the start. */
  readonly cpuBusySeconds: number;
  readonly cpuIdleSeconds: number;
  readonly networkBytes: number;
  /** The POS program's process id: a new one after each start. */
  readonly posPid: number;
};

export type PosIdentity = {
  readonly name: string;
  readonly os: "linux" | "windows";
  readonly serial: string;
  readonly location: string;
};

const CORES = 4;
const MEMORY_KIB = 8_000_000;
const SWAP_KIB = 2_097_148;
const DISK_UNIT_BYTES = 4_096;
const DISK_UNITS = 31_000_000;
const DISK_HOME_PERCENT = 46;
/** A runaway log fills half a disk in a minute, so that a visitor can watch it. */
const FILL_PERCENT_PER_S = 52 / 60;
const FULL_PERCENT = 98.4;
/** Cleaning up takes a quarter of a minute. */
const CLEAN_PERCENT_PER_S = 52 / 15;

/** The process whose absence is the fault `process-down`. */
export const POS_PROCESS = { linux: "pos-client", windows: "PosClient.exe" } as const;

const has = (state: PosState, fault: PosFault): boolean => state.faults.includes(fault);

export function posTerminal(identity: PosIdentity): Model<PosState, PosFault> {
  return {
    kind: "pos_terminal",
    faults: {
      "disk-full": "a runaway log fills the disk within a minute",
      "cpu-high": "a program takes all of the processor",
      "process-down": `the POS program (${POS_PROCESS[identity.os]}) has ended`,
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (0.2 + random() * 12) * DAY_MS,
      faults: [],
      diskUsedPercent: DISK_HOME_PERCENT + random() * 2,
      memoryUsedPercent: 52,
      cpuPercent: 12,
      load1m: 0.4,
      load5m: 0.4,
      cpuBusySeconds: 40_000 + random() * 9_000,
      cpuIdleSeconds: 900_000,
      networkBytes: Math.floor(random() * 5e9),
      posPid: 1_840 + Math.floor(random() * 400),
    }),
    live,
    strike: (state) => state,
    cure: (state, fault) => {
      if (fault === "process-down") return { ...state, posPid: state.posPid + 977 };
      if (fault === "dead") return { ...state, networkBytes: 0, cpuBusySeconds: 0, cpuIdleSeconds: 0 };
      return state;
    },
    mib: (state, nowMs) => mib(identity, state, nowMs),
  };
}

function live(state: PosState, elapsedMs: number, random: Random): PosState {
  const seconds = elapsedMs / 1000;
  const busy = has(state, "cpu-high");
  const cpuHome = busy ? 98 : 12;
  const cpuPercent = wander(
    state.cpuPercent,
    { home: cpuHome, settleSeconds: busy ? 6 : 15, noise: 1.2, min: 1, max: 100 },
    elapsedMs,
    random,
  );
  const runnable = (cpuPercent / 100) * CORES * (busy ? 1.6 : 1);
  const follow = (value: number, minutes: number): number =>
    runnable + (value - runnable) * Math.exp(-seconds / (60 * minutes));
  return {
    ...state,
    diskUsedPercent: disk(state, seconds, random),
    memoryUsedPercent: wander(
      state.memoryUsedPercent,
      { home: has(state, "process-down") ? 38 : 54, settleSeconds: 60, noise: 0.15, min: 20, max: 96 },
      elapsedMs,
      random,
    ),
    cpuPercent,
    load1m: follow(state.load1m, 1),
    load5m: follow(state.load5m, 5),
    cpuBusySeconds: state.cpuBusySeconds + (seconds * CORES * cpuPercent) / 100,
    cpuIdleSeconds: state.cpuIdleSeconds + seconds * CORES * (1 - cpuPercent / 100),
    networkBytes: state.networkBytes + Math.floor(seconds * (2_000 + random() * 20_000)),
  };
}

function disk(state: PosState, seconds: number, random: Random): number {
  const used = state.diskUsedPercent;
  if (has(state, "disk-full")) return Math.min(FULL_PERCENT, used + FILL_PERCENT_PER_S * seconds);
  if (used > DISK_HOME_PERCENT + 3) return Math.max(DISK_HOME_PERCENT, used - CLEAN_PERCENT_PER_S * seconds);
  return wander(
    used,
    { home: DISK_HOME_PERCENT, settleSeconds: 3_600, noise: 0.002, min: DISK_HOME_PERCENT - 2, max: 60 },
    seconds * 1000,
    random,
  );
}

const HR = "1.3.6.1.2.1.25";

function mib(identity: PosIdentity, state: PosState, nowMs: number): MibEntry[] {
  const linux = identity.os === "linux";
  return [
    ...systemGroup({
      description: linux
        ? `Linux ${identity.name} 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22) x86_64`
        : "Hardware: Intel64 Family 6 Model 154 Stepping 4 AT/AT COMPATIBLE - Software: Windows Version 10.0 (Build 19044 Multiprocessor Free)",
      objectId: linux ? "1.3.6.1.4.1.8072.3.2.10" : "1.3.6.1.4.1.311.1.1.3.1.1",
      uptimeMs: state.uptimeMs,
      name: identity.name,
      location: identity.location,
    }),
    ...scalars(`${HR}.1`, {
      1: ticks(state.uptimeMs),
      2: octets(...dateAndTime(nowMs)),
      5: gauge(1),
      6: gauge(linux ? 148 : 96),
      7: integer(0),
    }),
    { oid: `${HR}.2.2.0`, value: integer(MEMORY_KIB) },
    ...storage(identity, state),
    ...processors(identity, state),
    ...processes(identity, state),
    ...networkPort(identity, state),
    // The serial number of a host is not in HOST-RESOURCES; ENTITY-MIB has it where an agent serves it.
    ...row("1.3.6.1.2.1.47.1.1.1.1", 1, {
      2: text("POS terminal"),
      5: integer(3),
      7: text("chassis"),
      11: text(identity.serial),
      12: text("Northlane"),
      13: text("TP-7 touch terminal"),
    }),
    ...(linux ? ucd(state) : []),
  ];
}

type Storage = {
  readonly type: number;
  readonly name: string;
  readonly unit: number;
  readonly size: number;
  readonly used: number;
};

function storage(identity: PosIdentity, state: PosState): MibEntry[] {
  const ram = { type: 2, unit: 1024, size: MEMORY_KIB, used: (MEMORY_KIB * state.memoryUsedPercent) / 100 };
  const disk = { type: 4, unit: DISK_UNIT_BYTES, size: DISK_UNITS, used: (DISK_UNITS * state.diskUsedPercent) / 100 };
  const rows: Readonly<Record<number, Storage>> =
    identity.os === "windows"
      ? {
          1: { ...disk, name: `C:\\ Label:System  Serial Number ${identity.serial.slice(-8).toLowerCase()}` },
          2: { type: 3, name: "Virtual Memory", unit: 65_536, size: 150_000, used: 62_000 },
          3: { ...ram, name: "Physical Memory", unit: 65_536, size: ram.size / 64, used: ram.used / 64 },
        }
      : {
          1: { ...ram, name: "Physical memory" },
          3: { ...ram, type: 3, name: "Virtual memory", size: MEMORY_KIB + SWAP_KIB },
          6: { ...ram, type: 1, name: "Memory buffers", used: 96_000 },
          7: { ...ram, type: 1, name: "Cached memory", size: 1_900_000, used: 1_900_000 },
          10: { type: 3, name: "Swap space", unit: 1024, size: SWAP_KIB, used: 12_000 },
          31: { ...disk, name: "/" },
          35: { type: 4, name: "/run", unit: DISK_UNIT_BYTES, size: 200_000, used: 300 },
          55: { type: 4, name: "/boot/efi", unit: 512, size: 1_046_512, used: 11_800 },
        };
  return Object.entries(rows).flatMap(([index, entry]) =>
    row(`${HR}.2.3.1`, index, {
      1: integer(Number(index)),
      2: oid(`${HR}.2.1.${entry.type}`),
      3: text(entry.name),
      4: integer(entry.unit),
      5: integer(entry.size),
      6: integer(entry.used),
      7: counter32(0),
    }),
  );
}

/** hrDeviceIndex of the first core, as net-snmp numbers them. */
const FIRST_CORE = 196_608;

function processors(identity: PosIdentity, state: PosState): MibEntry[] {
  return Array.from({ length: CORES }, (_, core) => {
    const index = identity.os === "linux" ? FIRST_CORE + core : 10 + core;
    // Cores share the load unevenly, yet their mean is the host's figure.
    const uneven = (core - (CORES - 1) / 2) * 2;
    return [
      ...row(`${HR}.3.2.1`, index, {
        1: integer(index),
        2: oid(`${HR}.3.1.3`),
        3: text("GenuineIntel: Intel(R) Celeron(R) J6412 @ 2.00GHz"),
        4: oid("0.0"),
        5: integer(2),
      }),
      ...row(`${HR}.3.3.1`, index, {
        1: oid("0.0"),
        2: integer(Math.max(0, Math.min(100, state.cpuPercent + uneven))),
      }),
    ];
  }).flat();
}

function processes(identity: PosIdentity, state: PosState): MibEntry[] {
  const others: Readonly<Record<number, string>> =
    identity.os === "linux"
      ? { 1: "systemd", 402: "systemd-journal", 611: "sshd", 640: "snmpd", 702: "scanner-bridge", 733: "cupsd" }
      : { 4: "System", 620: "services.exe", 904: "svchost.exe", 1204: "snmp.exe", 1412: "ScannerBridge.exe" };
  const all: Readonly<Record<number, string>> = has(state, "process-down")
    ? others
    : { ...others, [state.posPid]: POS_PROCESS[identity.os] };
  return Object.entries(all).flatMap(([pid, name]) => [
    ...row(`${HR}.4.2.1`, pid, {
      1: integer(Number(pid)),
      2: text(name),
      4: text(identity.os === "linux" ? `/usr/bin/${name}` : `C:\\Program Files\\${name}`),
      5: text(""),
      6: integer(4),
      7: integer(name === POS_PROCESS[identity.os] ? 1 : 2),
    }),
    ...row(`${HR}.5.1.1`, pid, {
      1: integer((state.cpuBusySeconds * 100) / 8),
      2: integer(name === POS_PROCESS[identity.os] ? 412_000 : 18_000),
    }),
  ]);
}

function networkPort(identity: PosIdentity, state: PosState): MibEntry[] {
  const name = identity.os === "linux" ? "enp2s0" : "Ethernet";
  return [
    { oid: "1.3.6.1.2.1.2.1.0", value: integer(1) },
    ...row("1.3.6.1.2.1.2.2.1", 2, {
      1: integer(2),
      2: text(name),
      3: integer(6),
      4: integer(1_500),
      5: gauge(1e9),
      7: integer(1),
      8: integer(1),
      10: counter32(state.networkBytes),
      13: counter32(0),
      14: counter32(0),
      16: counter32(state.networkBytes * 0.4),
      19: counter32(0),
      20: counter32(0),
    }),
  ];
}

const UCD = "1.3.6.1.4.1.2021";

function ucd(state: PosState): MibEntry[] {
  const used = (MEMORY_KIB * state.memoryUsedPercent) / 100;
  const diskUsed = ((DISK_UNITS * state.diskUsedPercent) / 100) * (DISK_UNIT_BYTES / 1024);
  const diskTotal = DISK_UNITS * (DISK_UNIT_BYTES / 1024);
  const load = (value: number): ReturnType<typeof text> => text(value.toFixed(2));
  const load15m = (state.load1m + 3 * state.load5m) / 4;
  return [
    ...scalars(`${UCD}.4`, {
      3: integer(SWAP_KIB),
      4: integer(SWAP_KIB - 12_000),
      5: integer(MEMORY_KIB),
      6: integer(MEMORY_KIB - used),
      11: integer(MEMORY_KIB - used + SWAP_KIB - 12_000),
      14: integer(96_000),
      15: integer(Math.min(1_900_000, MEMORY_KIB - used)),
    }),
    ...row(`${UCD}.9.1`, 1, {
      1: integer(1),
      2: text("/"),
      3: text("/dev/nvme0n1p2"),
      6: integer(diskTotal),
      7: integer(diskTotal - diskUsed),
      8: integer(diskUsed),
      9: integer(state.diskUsedPercent),
      100: integer(state.diskUsedPercent > 95 ? 1 : 0),
    }),
    // prTable: the processes that snmpd.conf says must run (`proc pos-client`).
    ...row(`${UCD}.2.1`, 1, {
      1: integer(1),
      2: text(POS_PROCESS.linux),
      3: integer(1),
      4: integer(0),
      5: integer(has(state, "process-down") ? 0 : 1),
      100: integer(has(state, "process-down") ? 1 : 0),
      101: text(has(state, "process-down") ? `No ${POS_PROCESS.linux} process running` : ""),
    }),
    ...[state.load1m, state.load5m, load15m].flatMap((value, at) =>
      row(`${UCD}.10.1`, at + 1, {
        1: integer(at + 1),
        2: text(`Load-${[1, 5, 15][at]}`),
        3: load(value),
        5: integer(value * 100),
      }),
    ),
    ...scalars(`${UCD}.11`, {
      50: counter32(state.cpuBusySeconds * 75),
      51: counter32(0),
      52: counter32(state.cpuBusySeconds * 25),
      53: counter32(state.cpuIdleSeconds * 100),
      54: counter32(state.cpuIdleSeconds * 0.05),
    }),
  ];
}
