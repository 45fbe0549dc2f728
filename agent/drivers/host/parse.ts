/** What a host's numbers mean: which file systems and ports count, and under which names. */
import { ok, type Result } from "@aislewatch/base";
import type { Asset, SampleSet, Value } from "@aislewatch/contract";
import { componentName } from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import type { Disk, HostReply, NamedProcess, Port } from "./types.ts";

export const METRICS = [
  "cpu_used_percent",
  "load_1m",
  "load_5m",
  "memory_used_percent",
  "memory_total_bytes",
  "swap_used_percent",
  "uptime_seconds",
  "cpu_temperature_celsius",
  "process_count",
  "clock_synchronized",
  "disk_used_percent",
  "disk_free_bytes",
  "disk_total_bytes",
  "inodes_used_percent",
  "port_up",
  "port_received_bytes_total",
  "port_sent_bytes_total",
  "port_receive_errors_total",
  "port_send_errors_total",
  "port_receive_discards_total",
  "port_send_discards_total",
] as const;

export const PROCESS_METRICS = [
  "process_running",
  "process_instances",
  "process_memory_bytes",
  "process_cpu_percent",
] as const;

/** File systems that hold data on a disk; the rest is memory, a view of another one, or another machine's. */
const REAL_FILE_SYSTEMS =
  /^(?:ext[234]|xfs|btrfs|f2fs|zfs|jfs|reiserfs|bcachefs|vfat|msdos|exfat|ntfs3?|fuseblk|refs|fat(?:32)?|apfs|hfs)$/i;

/** Loopback, and the host's ends of containers' cables, which come and go with the containers. */
const NOT_A_PORT = /^(?:lo\d*|veth.*|docker\d+|br-[0-9a-f]{12}|Loopback.*)$/;

/** More than a host has; what a container host invents beyond that is left out. */
const DISKS_MAX = 64;
const PORTS_MAX = 64;

export function parse(reply: HostReply): Result<Parsed, ParseError> {
  const samples: SampleSet[] = [
    { component: null, metrics: ownMetrics(reply) },
    ...(reply.disks ?? []).filter(isReal).slice(0, DISKS_MAX).map(diskSamples),
    ...(reply.ports ?? [])
      .filter(({ name }) => !NOT_A_PORT.test(name))
      .slice(0, PORTS_MAX)
      .map(portSamples),
    ...(reply.processes ?? []).map(processSamples),
  ];
  const asset = assetOf(reply);
  return ok({ samples, ...(asset !== null && { asset }) });
}

function ownMetrics(reply: HostReply): Record<string, Value> {
  const { load, memory } = reply;
  return present({
    cpu_used_percent: percent(reply.cpuUsedPercent, 100),
    load_1m: load && hundredths(load.oneMinute),
    load_5m: load && hundredths(load.fiveMinutes),
    memory_used_percent: memory && percent(memory.totalBytes - memory.availableBytes, memory.totalBytes),
    memory_total_bytes: memory?.totalBytes ?? null,
    swap_used_percent: memory && percent(memory.swapUsedBytes, memory.swapTotalBytes),
    uptime_seconds: Math.floor(reply.uptimeSeconds),
    cpu_temperature_celsius: reply.cpuTemperatureCelsius,
    process_count: reply.processCount,
    clock_synchronized: reply.clockSynchronized,
  });
}

const isReal = ({ type, sizeBytes }: Disk): boolean => REAL_FILE_SYSTEMS.test(type) && sizeBytes > 0;

function diskSamples(disk: Disk): SampleSet {
  const { mount, sizeBytes, usedBytes, availableBytes, inodes, inodesFree } = disk;
  return {
    component: componentName("disk", mount === "/" ? "root" : mount),
    metrics: present({
      // Of what users may fill, as df counts: the reserve of root is neither used nor free.
      disk_used_percent: percent(usedBytes, usedBytes + availableBytes),
      disk_free_bytes: availableBytes,
      disk_total_bytes: sizeBytes,
      inodes_used_percent: inodes === null || inodesFree === null ? null : percent(inodes - inodesFree, inodes),
    }),
  };
}

function portSamples(port: Port): SampleSet {
  return {
    component: componentName("port", port.name),
    metrics: present({
      // Tunnels and bridges know no link: unknown is not down.
      port_up: port.state === "up" ? true : port.state === "down" ? false : null,
      port_received_bytes_total: port.receivedBytes,
      port_sent_bytes_total: port.sentBytes,
      port_receive_errors_total: port.receiveErrors,
      port_send_errors_total: port.sendErrors,
      port_receive_discards_total: port.receiveDiscards,
      port_send_discards_total: port.sendDiscards,
    }),
  };
}

function processSamples(process: NamedProcess): SampleSet {
  return {
    component: componentName("process", process.name),
    metrics: {
      process_running: process.instances > 0,
      process_instances: process.instances,
      process_memory_bytes: process.memoryBytes,
      process_cpu_percent: hundredths(process.cpuPercent * process.cores),
    },
  };
}

function assetOf({ identity }: HostReply): Asset | null {
  if (identity === null) return null;
  const told = (text: string): string => (/^(?:-|to be filled.*|default string|none)$/i.test(text) ? "" : text);
  return {
    vendor: told(identity.vendor),
    model: told(identity.model),
    serial: told(identity.serial),
    firmware: identity.system,
  };
}

/** A share in percent to a tenth; null when the whole is nothing, or the part is unknown. */
function percent(part: number | null, whole: number): number | null {
  if (part === null || !(whole > 0)) return null;
  return Math.round((Math.min(Math.max(part, 0), whole) / whole) * 1000) / 10;
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;

function present(metrics: Readonly<Record<string, Value | null>>): Record<string, Value> {
  const known: Record<string, Value> = {};
  for (const [name, value] of Object.entries(metrics)) {
    if (value !== null && (typeof value === "boolean" || Number.isFinite(value))) known[name] = value;
  }
  return known;
}
