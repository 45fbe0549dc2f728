/**
 * The system's own files and tools, as far as this user may read them. What is not there is null and is said to whoever asks
 * (`sources`), with what would grant it: a POS terminal without smartctl is a normal one. Nothing here writes.
 */
import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import type { Source } from "../driver.ts";
import { sessionCount } from "./login-records.ts";
import { HostNetwork } from "./network.ts";
import { wasOrderly } from "./shutdown.ts";
import { parseEmmc, parseScan, parseSmart } from "./smart.ts";
import { Evidence, type HostSystem, SystemFiles, TOOL_MS_MAX } from "./system-files.ts";
import {
  type CpuTicks,
  chronyOffset,
  failedUnits,
  parseCpuTicks,
  parseMounts,
  parsePorts,
  parsePressure,
  parseUnits,
  timesyncOffset,
  usedPercent,
  vmCounter,
  w32tmOffset,
  wholeNumber,
} from "./system-text.ts";
import type { Drive, Health, Lease, Link, Mount, Port, Unit } from "./types.ts";

/** A disk that is dying answers slowly. */
const DISK_MS_MAX = 10_000;
/** Sessions of a host are a handful. */
const SESSIONS_BYTES_MAX = 256 * 1024;
const DRIVES_MAX = 8;
const LINKS_MAX = 64;
const CORES_MAX = 256;
const MOUNTS_MAX = 256;
/** How the system before this one ended does not change any more; a right to know it may come. In looks, one a minute. */
const ORDERLY_EVERY_LOOKS = 60;

export class HostHealth {
  readonly #system: HostSystem;
  readonly #files: SystemFiles;
  readonly #network: HostNetwork;
  readonly #units: readonly string[];
  readonly #evidence = new Evidence();
  readonly #writable = new Set<string>();
  readonly #drives = new Map<string, Drive>();
  /** Of the last shutdown: it does not change while this system runs. */
  #orderly: boolean | null = null;
  #looks = 0;
  #cpu: CpuTicks | null = null;

  constructor(system: HostSystem, units: readonly string[]) {
    this.#system = system;
    this.#files = new SystemFiles(system);
    this.#network = new HostNetwork(system, this.#evidence);
    this.#units = units;
  }

  /** What is known from where, and what is not, with the command that grants it; of the last look. */
  sources(): readonly Source[] {
    return this.#evidence.all;
  }

  /** What costs next to nothing, or a short process: asked once a minute. */
  async look(): Promise<Health> {
    const isWindows = this.#system.platform === "win32";
    const [mounts, pressure, vmstat, offset, orderly, users, reboot, throttled, links, radios, failed, units] =
      await Promise.all([
        this.#mounts(),
        this.#files.text("proc/pressure/memory"),
        this.#files.text("proc/vmstat"),
        isWindows ? this.#windowsOffset() : this.#offset(),
        this.#wasOrderly(),
        this.#users(),
        this.#rebootRequired(),
        this.#throttled(),
        this.#links(),
        this.#network.radios(),
        this.#failedUnits(),
        this.#unitStates(),
      ]);
    return {
      mounts,
      memoryPressure: pressure === null ? null : parsePressure(pressure),
      outOfMemoryKills: vmstat === null ? null : vmCounter(vmstat, "oom_kill"),
      timeOffsetSeconds: offset,
      shutdownWasOrderly: orderly,
      userCount: users,
      rebootRequired: reboot,
      throttledCount: throttled,
      links,
      radios,
      unitsFailed: failed,
      units,
    };
  }

  leases(): Promise<readonly Lease[] | null> {
    return this.#network.leases();
  }

  async #wasOrderly(): Promise<boolean | null> {
    const isTurn = this.#looks++ % ORDERLY_EVERY_LOOKS === 0;
    if (this.#orderly === null && isTurn) this.#orderly = await wasOrderly(this.#system, this.#evidence);
    return this.#orderly;
  }

  /** Of the time since it was asked last; systeminformation starts a shell for the same file. */
  async cpuUsedPercent(): Promise<number | null> {
    const now = parseCpuTicks((await this.#files.text("proc/stat")) ?? "");
    const used = now === null ? null : usedPercent(this.#cpu, now);
    this.#cpu = now;
    return used;
  }

  /**
   * At each poll, from three kinds of files (sysfs-class-net of the kernel's ABI; carrier_down_count since Linux 4.16);
   * systeminformation starts eight processes for each port.
   */
  async ports(): Promise<Port[]> {
    const ports = parsePorts((await this.#files.text("proc/net/dev")) ?? "").slice(0, LINKS_MAX);
    return Promise.all(
      ports.map(async (port) => {
        const folder = `sys/class/net/${port.name}`;
        const [state, losses] = await Promise.all([
          this.#files.text(`${folder}/operstate`),
          this.#files.text(`${folder}/carrier_down_count`),
        ]);
        return { ...port, state: state?.trim() ?? "unknown", linkLosses: wholeNumber(losses ?? "") };
      }),
    );
  }

  async processCount(): Promise<number> {
    return (await this.#files.names("proc")).filter((name) => /^\d+$/.test(name)).length;
  }

  /** Asks the disks themselves, one after another; one that sleeps is not woken and says what it said last. */
  async askDrives(): Promise<Drive[]> {
    const asked = await this.#smart();
    return [...asked, ...(await this.#emmc())].slice(0, DRIVES_MAX);
  }

  async #smart(): Promise<Drive[]> {
    const scanned = await this.#system.run("smartctl", ["--scan", "--json"], DISK_MS_MAX);
    if (scanned.isMissing) {
      this.#evidence.absent("disk health", "smartctl is not installed", "apt-get install smartmontools");
      return [];
    }
    const drives: Drive[] = [];
    let forbidden = "";
    for (const { name, type, called } of parseScan(scanned.out).slice(0, DRIVES_MAX)) {
      const args = ["--json", "-i", "-H", "-A", "-n", "standby", "-d", type, name];
      const { out } = await this.#system.run("smartctl", args, DISK_MS_MAX);
      const answer = parseSmart(out, called);
      if (answer.kind === "forbidden") forbidden = name;
      const drive =
        answer.kind === "standby" ? this.#drives.get(called) : answer.kind === "drive" ? answer.drive : undefined;
      if (drive === undefined) continue;
      this.#drives.set(called, drive);
      drives.push(drive);
    }
    const grant = "setcap cap_sys_rawio,cap_sys_admin,cap_dac_override+ep /usr/sbin/smartctl";
    if (forbidden !== "") this.#evidence.denied("disk health", `this user may not ask ${forbidden}`, grant);
    else if (drives.length > 0) this.#evidence.used("disk health", "smartctl");
    else this.#evidence.absent("disk health", "smartctl finds no disk that tells of its health");
    return drives;
  }

  async #emmc(): Promise<Drive[]> {
    const names = (await this.#files.names("sys/block")).filter((name) => /^mmcblk\d+$/.test(name));
    const drives = await Promise.all(
      names.slice(0, DRIVES_MAX).map(async (name) => {
        const at = `sys/block/${name}/device`;
        const [life, preEol] = await Promise.all([
          this.#files.text(`${at}/life_time`),
          this.#files.text(`${at}/pre_eol_info`),
        ]);
        return parseEmmc(name, life ?? "", preEol ?? "");
      }),
    );
    return drives.filter((drive) => drive !== null);
  }

  /** `df` tells no options, and systeminformation says "read-only" of what it does not find: the kernel's own table. */
  async #mounts(): Promise<Mount[] | null> {
    const text = await this.#files.text("proc/self/mounts");
    if (text === null) return null;
    const meant = new Map(
      parseMounts((await this.#files.text("etc/fstab")) ?? "").map((one) => [one.mount, one.readOnly]),
    );
    const real = parseMounts(text)
      .filter(({ device }) => device.startsWith("/dev/"))
      .slice(0, MOUNTS_MAX);
    return Promise.all(
      real.map(async ({ device, mount, readOnly }) => {
        if (!readOnly && this.#writable.size < MOUNTS_MAX) this.#writable.add(mount);
        return {
          mount,
          readOnly,
          meantReadOnly: meant.get(mount) ?? null,
          wasWritable: this.#writable.has(mount),
          errors: await this.#fileSystemErrors(device),
        };
      }),
    );
  }

  async #fileSystemErrors(device: string): Promise<number | null> {
    // /dev/mapper names are links; sysfs knows dm-0.
    const name = await realpath(device).then(basename, () => basename(device));
    const text = await this.#files.text(`sys/fs/ext4/${name}/errors_count`);
    return text === null ? null : wholeNumber(text);
  }

  async #offset(): Promise<number | null> {
    const chrony = await this.#system.run("chronyc", ["-n", "-c", "tracking"], TOOL_MS_MAX);
    if (chrony.code === 0) return this.#found("chrony", chronyOffset(chrony.out));
    const timesync = await this.#system.run("timedatectl", ["timesync-status"], TOOL_MS_MAX);
    if (timesync.code === 0) return this.#found("systemd-timesyncd", timesyncOffset(timesync.out));
    const detail = "neither chrony nor systemd-timesyncd answers here";
    this.#evidence.absent("time offset", detail, "apt-get install chrony");
    return null;
  }

  async #windowsOffset(): Promise<number | null> {
    const { code, out } = await this.#system.run("w32tm", ["/query", "/status", "/verbose"], TOOL_MS_MAX);
    if (code === 0) return this.#found("w32tm", w32tmOffset(out));
    this.#evidence.absent("time offset", "the Windows time service does not run", "sc start w32time");
    return null;
  }

  #found<T>(from: string, value: T | null): T | null {
    this.#evidence.used("time offset", from);
    return value;
  }

  async #users(): Promise<number | null> {
    const bytes = await this.#files.tail("run/utmp", SESSIONS_BYTES_MAX);
    return bytes === null ? null : sessionCount(bytes, this.#system.recordBytes);
  }

  async #rebootRequired(): Promise<boolean | null> {
    if (this.#system.platform === "win32") {
      const key = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired";
      const { code } = await this.#system.run("reg", ["query", key], TOOL_MS_MAX);
      return code === null ? null : code === 0;
    }
    // Debian and Ubuntu leave this file; where there is no such custom its absence says nothing.
    const names = await this.#files.names("run");
    if (names.includes("reboot-required")) return true;
    return (await this.#files.text("etc/debian_version")) === null ? null : false;
  }

  async #throttled(): Promise<number | null> {
    const cores = (await this.#files.names("sys/devices/system/cpu")).filter((name) => /^cpu\d+$/.test(name));
    const counts = await Promise.all(
      cores
        .slice(0, CORES_MAX)
        .map((name) => this.#files.text(`sys/devices/system/cpu/${name}/thermal_throttle/core_throttle_count`)),
    );
    const known = counts.flatMap((text) => (text === null ? [] : [wholeNumber(text) ?? 0]));
    return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0);
  }

  async #links(): Promise<Link[] | null> {
    if (this.#system.platform !== "linux") return null;
    const names = (await this.#files.names("sys/class/net")).slice(0, LINKS_MAX);
    return Promise.all(
      names.map(async (name) => {
        // A port without a link refuses both, and a virtual one says -1.
        const [speed, duplex] = await Promise.all([
          this.#files.text(`sys/class/net/${name}/speed`),
          this.#files.text(`sys/class/net/${name}/duplex`),
        ]);
        const megabits = speed === null ? null : wholeNumber(speed);
        const known = duplex?.trim() ?? "";
        return { name, megabitsPerSecond: megabits, duplex: known === "full" || known === "half" ? known : null };
      }),
    );
  }

  async #failedUnits(): Promise<number | null> {
    if (this.#system.platform !== "linux") return null;
    const { code, out } = await this.#system.run("systemctl", ["show", "--property=NFailedUnits"], TOOL_MS_MAX);
    if (code === 0) this.#evidence.used("services", "systemd");
    else this.#evidence.absent("services", "systemd does not run this system, or does not answer");
    return code === 0 ? failedUnits(out) : null;
  }

  async #unitStates(): Promise<Unit[] | null> {
    if (this.#units.length === 0 || this.#system.platform !== "linux") return null;
    const args = ["show", "--property=LoadState,ActiveState,NRestarts", "--", ...this.#units];
    const { code, out } = await this.#system.run("systemctl", args, TOOL_MS_MAX);
    const states = code === 0 ? parseUnits(out, this.#units) : [];
    if (states.length === 0) {
      this.#evidence.absent("units", `systemd tells nothing of ${this.#units.join(", ")}`);
      return null;
    }
    const unknown = states.filter(({ isKnown }) => !isKnown).map(({ name }) => name);
    if (unknown.length === 0) this.#evidence.used("units", "systemd");
    else this.#evidence.absent("units", `systemd knows no ${unknown.join(", ")}`);
    return states.map(({ name, isActive, restarts }) => ({ name, isActive, restarts }));
  }
}
