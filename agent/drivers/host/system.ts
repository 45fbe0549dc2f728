/**
 * The system's own files and tools, as far as this user may read them. What is not there is null and is said once to
 * whoever asks (`lacks`), with what would grant it: a POS terminal without smartctl is a normal one. Nothing here writes.
 */
import { execFile } from "node:child_process";
import { open, readdir, readFile, realpath } from "node:fs/promises";
import { arch, platform } from "node:os";
import { basename, join } from "node:path";
import { endedInOrder, type RecordBytes, sessionCount } from "./login-records.ts";
import { parseEmmc, parseScan, parseSmart } from "./smart.ts";
import {
  chronyOffset,
  eventTime,
  failedUnits,
  parseMounts,
  parsePressure,
  parseUnits,
  timesyncOffset,
  vmCounter,
  w32tmOffset,
  wholeNumber,
} from "./system-text.ts";
import type { Drive, Health, Link, Mount, Unit } from "./types.ts";

/** One end of a command; `code` null: it did not start, or was ended by us. */
export type CommandEnd = { readonly code: number | null; readonly out: string; readonly isMissing: boolean };

export type HostSystem = {
  /** Where the files are; `/` but in tests. */
  readonly root: string;
  readonly platform: NodeJS.Platform;
  readonly recordBytes: RecordBytes;
  readonly run: (program: string, args: readonly string[], timeoutMs: number) => Promise<CommandEnd>;
};

/** A tool asks a service that may be starting; a disk that is dying answers slowly. */
const TOOL_MS_MAX = 3_000;
const DISK_MS_MAX = 10_000;
const OUTPUT_BYTES_MAX = 256 * 1024;
/** A month of a busy host's sign-ins is some 100 KB. */
const RECORDS_BYTES_MAX = 256 * 1024;
const FILE_BYTES_MAX = 256 * 1024;
const DRIVES_MAX = 8;
const LINKS_MAX = 64;
const CORES_MAX = 256;
const MOUNTS_MAX = 256;
/** Windows writes both events of a start while it comes up. */
const SAME_START_MS = 5 * 60_000;

/** Root's tools are not on every service's path. */
const ENVIRONMENT =
  platform() === "win32"
    ? process.env
    : { ...process.env, LC_ALL: "C", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };

export const thisSystem: HostSystem = {
  root: "/",
  platform: platform(),
  recordBytes: arch() === "arm64" ? 400 : 384,
  run: (program, args, timeoutMs) =>
    new Promise((resolve) => {
      const options = {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: OUTPUT_BYTES_MAX,
        windowsHide: true,
        env: ENVIRONMENT,
      } as const;
      execFile(program, args, options, (error, stdout) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ code, out: String(stdout), isMissing: error?.code === "ENOENT" });
      });
    }),
};

export class HostHealth {
  readonly #system: HostSystem;
  readonly #units: readonly string[];
  readonly #lacks = new Map<string, string>();
  readonly #writable = new Set<string>();
  readonly #drives = new Map<string, Drive>();
  /** Of the last shutdown: it does not change while this system runs. */
  #orderly: boolean | null = null;

  constructor(system: HostSystem, units: readonly string[]) {
    this.#system = system;
    this.#units = units;
  }

  /** Evidence that is not to be had here, and what would grant it; of the last look. */
  lacks(): readonly (readonly [evidence: string, why: string])[] {
    return [...this.#lacks];
  }

  /** What costs next to nothing, or a short process: asked once a minute. */
  async look(): Promise<Health> {
    const isWindows = this.#system.platform === "win32";
    const [mounts, pressure, vmstat, offset, orderly, users, reboot, throttled, links, failed, units] =
      await Promise.all([
        this.#mounts(),
        this.#text("proc/pressure/memory"),
        this.#text("proc/vmstat"),
        isWindows ? this.#windowsOffset() : this.#offset(),
        this.#orderly ?? (isWindows ? this.#windowsShutdown() : this.#shutdown()),
        this.#users(),
        this.#rebootRequired(),
        this.#throttled(),
        this.#links(),
        this.#failedUnits(),
        this.#unitStates(),
      ]);
    this.#orderly = orderly;
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
      unitsFailed: failed,
      units,
    };
  }

  /** Asks the disks themselves, one after another; one that sleeps is not woken and says what it said last. */
  async askDrives(): Promise<Drive[]> {
    const asked = await this.#smart();
    return [...asked, ...(await this.#emmc())].slice(0, DRIVES_MAX);
  }

  async #smart(): Promise<Drive[]> {
    const scanned = await this.#system.run("smartctl", ["--scan", "--json"], DISK_MS_MAX);
    if (scanned.isMissing) {
      this.#lack("disk health", "smartctl is not installed (Debian: apt-get install smartmontools)");
      return [];
    }
    const drives: Drive[] = [];
    let forbidden = "";
    for (const { name, type } of parseScan(scanned.out).slice(0, DRIVES_MAX)) {
      const args = ["--json", "-i", "-H", "-A", "-n", "standby", "-d", type, name];
      const { out } = await this.#system.run("smartctl", args, DISK_MS_MAX);
      const answer = parseSmart(out, basename(name));
      if (answer.kind === "forbidden") forbidden = name;
      const drive =
        answer.kind === "standby" ? this.#drives.get(name) : answer.kind === "drive" ? answer.drive : undefined;
      if (drive === undefined) continue;
      this.#drives.set(name, drive);
      drives.push(drive);
    }
    this.#lack(
      "disk health",
      forbidden === ""
        ? null
        : `this user may not ask ${forbidden}; as root: setcap cap_sys_rawio,cap_sys_admin,cap_dac_override+ep /usr/sbin/smartctl`,
    );
    return drives;
  }

  async #emmc(): Promise<Drive[]> {
    const names = (await this.#names("sys/block")).filter((name) => /^mmcblk\d+$/.test(name));
    const drives = await Promise.all(
      names.slice(0, DRIVES_MAX).map(async (name) => {
        const at = `sys/block/${name}/device`;
        const [life, preEol] = await Promise.all([this.#text(`${at}/life_time`), this.#text(`${at}/pre_eol_info`)]);
        return parseEmmc(name, life ?? "", preEol ?? "");
      }),
    );
    return drives.filter((drive) => drive !== null);
  }

  /** `df` tells no options, and systeminformation says "read-only" of what it does not find: the kernel's own table. */
  async #mounts(): Promise<Mount[] | null> {
    const text = await this.#text("proc/self/mounts");
    if (text === null) return null;
    const meant = new Map(parseMounts((await this.#text("etc/fstab")) ?? "").map((one) => [one.mount, one.readOnly]));
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
    const text = await this.#text(`sys/fs/ext4/${name}/errors_count`);
    return text === null ? null : wholeNumber(text);
  }

  async #offset(): Promise<number | null> {
    const chrony = await this.#system.run("chronyc", ["-n", "-c", "tracking"], TOOL_MS_MAX);
    if (chrony.code === 0) return this.#found("time offset", chronyOffset(chrony.out));
    const timesync = await this.#system.run("timedatectl", ["timesync-status"], TOOL_MS_MAX);
    if (timesync.code === 0) return this.#found("time offset", timesyncOffset(timesync.out));
    this.#lack("time offset", "neither chrony nor systemd-timesyncd answers here (Debian: apt-get install chrony)");
    return null;
  }

  async #windowsOffset(): Promise<number | null> {
    const { code, out } = await this.#system.run("w32tm", ["/query", "/status", "/verbose"], TOOL_MS_MAX);
    if (code === 0) return this.#found("time offset", w32tmOffset(out));
    this.#lack("time offset", "the Windows time service does not run; as administrator: sc start w32time");
    return null;
  }

  #found<T>(evidence: string, value: T | null): T | null {
    this.#lack(evidence, null);
    return value;
  }

  async #shutdown(): Promise<boolean | null> {
    const bytes = await this.#tail("var/log/wtmp");
    if (bytes === null) this.#lack("orderly shutdown", "there is no /var/log/wtmp that this user may read");
    return bytes === null ? null : endedInOrder(bytes, this.#system.recordBytes);
  }

  /** Event 6008, "the previous shutdown was unexpected", is written right after the start that follows. */
  async #windowsShutdown(): Promise<boolean | null> {
    const newest = async (id: number): Promise<number | null | undefined> => {
      const query = `*[System[Provider[@Name='EventLog'] and (EventID=${id})]]`;
      const args = ["qe", "System", `/q:${query}`, "/c:1", "/rd:true", "/f:xml"];
      const { code, out } = await this.#system.run("wevtutil", args, TOOL_MS_MAX);
      return code === 0 ? eventTime(out) : undefined;
    };
    // 6005: the event log was started, which is the start of the system.
    const [unexpected, started] = [await newest(6008), await newest(6005)];
    if (unexpected === undefined || started === undefined) {
      this.#lack("orderly shutdown", "the System event log may not be read; add the user to Event Log Readers");
      return null;
    }
    if (started === null) return null;
    return unexpected === null || Math.abs(started - unexpected) > SAME_START_MS;
  }

  async #users(): Promise<number | null> {
    const bytes = await this.#tail("run/utmp");
    return bytes === null ? null : sessionCount(bytes, this.#system.recordBytes);
  }

  async #rebootRequired(): Promise<boolean | null> {
    if (this.#system.platform === "win32") {
      const key = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired";
      const { code } = await this.#system.run("reg", ["query", key], TOOL_MS_MAX);
      return code === null ? null : code === 0;
    }
    // Debian and Ubuntu leave this file; where there is no such custom its absence says nothing.
    const names = await this.#names("run");
    if (names.includes("reboot-required")) return true;
    return (await this.#text("etc/debian_version")) === null ? null : false;
  }

  async #throttled(): Promise<number | null> {
    const cores = (await this.#names("sys/devices/system/cpu")).filter((name) => /^cpu\d+$/.test(name));
    const counts = await Promise.all(
      cores
        .slice(0, CORES_MAX)
        .map((name) => this.#text(`sys/devices/system/cpu/${name}/thermal_throttle/core_throttle_count`)),
    );
    const known = counts.flatMap((text) => (text === null ? [] : [wholeNumber(text) ?? 0]));
    return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0);
  }

  async #links(): Promise<Link[] | null> {
    if (this.#system.platform !== "linux") return null;
    const names = (await this.#names("sys/class/net")).slice(0, LINKS_MAX);
    return Promise.all(
      names.map(async (name) => {
        // A port without a link refuses both, and a virtual one says -1.
        const [speed, duplex] = await Promise.all([
          this.#text(`sys/class/net/${name}/speed`),
          this.#text(`sys/class/net/${name}/duplex`),
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
    this.#lack("services", code === 0 ? null : "systemd does not run this system, or does not answer");
    return code === 0 ? failedUnits(out) : null;
  }

  async #unitStates(): Promise<Unit[] | null> {
    if (this.#units.length === 0 || this.#system.platform !== "linux") return null;
    const args = ["show", "--property=LoadState,ActiveState,NRestarts", "--", ...this.#units];
    const { code, out } = await this.#system.run("systemctl", args, TOOL_MS_MAX);
    if (code !== 0) return null;
    const states = parseUnits(out, this.#units);
    const unknown = states.filter(({ isKnown }) => !isKnown).map(({ name }) => name);
    this.#lack("units", unknown.length === 0 ? null : `systemd knows no ${unknown.join(", ")}`);
    return states.map(({ name, isActive, restarts }) => ({ name, isActive, restarts }));
  }

  #lack(evidence: string, why: string | null): void {
    if (why === null) this.#lacks.delete(evidence);
    else this.#lacks.set(evidence, why);
  }

  async #text(path: string): Promise<string | null> {
    if (this.#system.platform === "win32") return null;
    try {
      return (await readFile(join(this.#system.root, path), "utf8")).slice(0, FILE_BYTES_MAX);
    } catch {
      return null;
    }
  }

  async #names(folder: string): Promise<string[]> {
    if (this.#system.platform === "win32") return [];
    try {
      return (await readdir(join(this.#system.root, folder))).sort();
    } catch {
      return [];
    }
  }

  async #tail(path: string): Promise<Uint8Array | null> {
    if (this.#system.platform !== "linux") return null;
    try {
      const file = await open(join(this.#system.root, path), "r");
      try {
        const { size } = await file.stat();
        const length = Math.min(size, RECORDS_BYTES_MAX);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch {
      return null;
    }
  }
}
