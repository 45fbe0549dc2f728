/** What a host's numbers mean: which file systems and ports count, and under which names. */
import { ok, type Result } from "@aislewatch/base";
import type { Asset, SampleSet, Value } from "@aislewatch/contract";
import { componentName } from "@aislewatch/devices";
import type { Parsed, ParseError } from "../driver.ts";
import type { Battery, Disk, Drive, Health, HostReply, Lease, Mount, NamedProcess, Port, Unit } from "./types.ts";

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
  "port_link_losses_total",
  "port_speed_bits_per_second",
  "port_half_duplex",
  "wifi_signal_dbm",
  "dhcp_lease_remaining_seconds",
  "dhcp_lease_remaining_percent",
  "file_system_read_only",
  "file_system_errors_total",
  "disk_fault",
  "disk_wear_percent",
  "disk_spare_percent",
  "disk_reallocated_sectors",
  "disk_pending_sectors",
  "disk_uncorrectable_sectors",
  "disk_uncorrectable_errors_total",
  "disk_timeouts_total",
  "disk_cable_errors_total",
  "disk_unsafe_shutdowns_total",
  "disk_powered_hours_total",
  "disk_temperature_celsius",
  "memory_pressure_percent",
  "memory_stalled_percent",
  "out_of_memory_kills_total",
  "time_server_offset_seconds",
  "unclean_shutdown",
  "user_count",
  "reboot_required",
  "cpu_throttled_total",
  "units_failed",
  "battery_charge_percent",
  "battery_cycles_total",
  "battery_health_percent",
  "on_battery",
] as const;

export const PROCESS_METRICS = [
  "process_running",
  "process_instances",
  "process_memory_bytes",
  "process_cpu_percent",
  "process_restarts_total",
] as const;

export const UNIT_METRICS = ["unit_active", "unit_restarts_total"] as const;

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
    ...(reply.disks ?? [])
      .filter(isReal)
      .slice(0, DISKS_MAX)
      .map((disk) =>
        diskSamples(
          disk,
          reply.health?.mounts?.find(({ mount }) => mount === disk.mount),
        ),
      ),
    ...(reply.drives ?? []).map(driveSamples),
    ...(reply.ports ?? [])
      .filter(({ name }) => !NOT_A_PORT.test(name))
      .slice(0, PORTS_MAX)
      .map((port) => portSamples(port, reply)),
    ...(reply.processes ?? []).map(processSamples),
    ...(reply.health?.units ?? []).map(unitSamples),
  ].filter(({ metrics }) => Object.keys(metrics).length > 0);
  const asset = assetOf(reply);
  return ok({ samples: namesApart(samples), ...(asset !== null && { asset }) });
}

/** `/mnt/a-b` and `/mnt/a/b` come out as one name, and each would speak for the other: the second one gets a number. */
function namesApart(samples: readonly SampleSet[]): SampleSet[] {
  const taken = new Set<string>();
  return samples.map(({ component, metrics }) => {
    if (component === null) return { component, metrics };
    let name = component;
    for (let n = 2; taken.has(name); n++) name = `${component}-${n}`;
    taken.add(name);
    return { component: name, metrics };
  });
}

/** A mount of letters that no component may have (`/数据`) is told by its prefix alone. */
const nameOf = (prefix: string, text: string): string => componentName(prefix, text) || prefix;

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
    ...healthMetrics(reply.health),
    ...batteryMetrics(reply.battery),
  });
}

function healthMetrics(health: Health | null): Record<string, Value | null> {
  if (health === null) return {};
  const { memoryPressure: pressure, timeOffsetSeconds: offset, shutdownWasOrderly: orderly } = health;
  return {
    memory_pressure_percent: pressure && percent(pressure.somePercent, 100),
    memory_stalled_percent: pressure && percent(pressure.fullPercent, 100),
    out_of_memory_kills_total: health.outOfMemoryKills,
    // A time server is no better than this, and each digit costs the store.
    time_server_offset_seconds: offset === null ? null : Math.round(offset * 10_000) / 10_000,
    unclean_shutdown: orderly === null ? null : !orderly,
    user_count: health.userCount,
    reboot_required: health.rebootRequired,
    cpu_throttled_total: health.throttledCount,
    units_failed: health.unitsFailed,
  };
}

function batteryMetrics(battery: Battery | null): Record<string, Value | null> {
  if (battery === null) return {};
  return {
    battery_charge_percent: percent(battery.chargePercent, 100),
    battery_cycles_total: battery.cycles,
    battery_health_percent: battery.healthPercent === null ? null : percent(battery.healthPercent, 100),
    on_battery: !battery.isOnMains,
  };
}

const isReal = ({ type, sizeBytes }: Disk): boolean => REAL_FILE_SYSTEMS.test(type) && sizeBytes > 0;

function diskSamples(disk: Disk, mounted: Mount | undefined): SampleSet {
  const { mount, sizeBytes, usedBytes, availableBytes, inodes, inodesFree } = disk;
  return {
    component: nameOf("disk", mount === "/" ? "root" : mount),
    metrics: present({
      // Of what users may fill, as df counts: the reserve of root is neither used nor free.
      disk_used_percent: percent(usedBytes, usedBytes + availableBytes),
      disk_free_bytes: availableBytes,
      disk_total_bytes: sizeBytes,
      inodes_used_percent: inodes === null || inodesFree === null ? null : percent(inodes - inodesFree, inodes),
      file_system_read_only: mounted === undefined ? null : isReadOnlyByFault(mounted),
      file_system_errors_total: mounted?.errors ?? null,
    }),
  };
}

/**
 * A file system that finds itself damaged makes itself read-only (`errors=remount-ro`). A kiosk's root may be read-only
 * on purpose: the table of file systems says so, or nobody has seen it writable.
 */
function isReadOnlyByFault({ readOnly, meantReadOnly, wasWritable }: Mount): boolean {
  if (!readOnly || meantReadOnly === true) return false;
  return meantReadOnly === false || wasWritable;
}

function driveSamples(drive: Drive): SampleSet {
  return {
    component: nameOf("disk", drive.name),
    metrics: present({
      disk_fault: drive.isFailing,
      disk_wear_percent: drive.wearPercent,
      disk_spare_percent: drive.sparePercent,
      disk_reallocated_sectors: drive.reallocatedSectors,
      disk_pending_sectors: drive.pendingSectors,
      disk_uncorrectable_sectors: drive.uncorrectableSectors,
      disk_uncorrectable_errors_total: drive.uncorrectableErrors,
      disk_timeouts_total: drive.timeouts,
      disk_cable_errors_total: drive.cableErrors,
      disk_unsafe_shutdowns_total: drive.unsafeShutdowns,
      disk_powered_hours_total: drive.poweredHours,
      disk_temperature_celsius: drive.celsius,
    }),
  };
}

/** `pos` and `pos.service` are one to systemctl. */
export const unitComponent = (name: string): string => nameOf("unit", name.replace(/[.]service$/, ""));
export const processComponent = (name: string): string => nameOf("process", name);

function unitSamples({ name, isActive, restarts }: Unit): SampleSet {
  return {
    component: unitComponent(name),
    metrics: present({ unit_active: isActive, unit_restarts_total: restarts }),
  };
}

function portSamples(port: Port, { health, leases }: HostReply): SampleSet {
  const isThis = ({ name }: { readonly name: string }): boolean => name === port.name;
  const link = health?.links?.find(isThis);
  return {
    component: nameOf("port", port.name),
    metrics: present({
      // Tunnels and bridges know no link: unknown is not down.
      port_up: port.state === "up" ? true : port.state === "down" ? false : null,
      port_received_bytes_total: port.receivedBytes,
      port_sent_bytes_total: port.sentBytes,
      port_receive_errors_total: port.receiveErrors,
      port_send_errors_total: port.sendErrors,
      port_receive_discards_total: port.receiveDiscards,
      port_send_discards_total: port.sendDiscards,
      port_link_losses_total: port.linkLosses,
      port_speed_bits_per_second: link?.megabitsPerSecond ? link.megabitsPerSecond * 1_000_000 : null,
      port_half_duplex: link?.duplex ? link.duplex === "half" : null,
      wifi_signal_dbm: health?.radios?.find(isThis)?.signalDbm ?? null,
      ...leaseMetrics(leases?.find(isThis)),
    }),
  };
}

function leaseMetrics(lease: Lease | undefined): Record<string, Value | null> {
  if (lease === undefined) return {};
  const { leftSeconds, lifetimeSeconds } = lease;
  return {
    dhcp_lease_remaining_seconds: leftSeconds,
    dhcp_lease_remaining_percent: lifetimeSeconds === null ? null : percent(leftSeconds, lifetimeSeconds),
  };
}

function processSamples(process: NamedProcess): SampleSet {
  return {
    component: processComponent(process.name),
    metrics: {
      process_running: process.instances > 0,
      process_instances: process.instances,
      process_memory_bytes: process.memoryBytes,
      process_cpu_percent: hundredths(process.cpuPercent * process.cores),
      process_restarts_total: process.restarts,
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
