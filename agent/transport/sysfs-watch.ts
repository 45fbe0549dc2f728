/**
 * The USB devices of one sysfs, watched for everyone who wants to know: one scan serves all.
 *
 * Hot-plug is seen at once without a process or a socket: the kernel makes a file /dev/bus/usb/BUS/NUMBER for each
 * device in devtmpfs, where inotify works (in sysfs it does not; netlink's uevents need a socket that Node has not).
 * That a device came back under another number within a second shows as two changes. Where the files are not there (a
 * container), and beside inotify, a slow scan compares the numbers: nothing that happened is missed, it is only late.
 */
import { type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock, Result } from "@aislewatch/base";
import type { SysfsDevice } from "../core/usb-device.ts";
import { KernelLog } from "./kernel-log.ts";
import { type SysfsError, SysfsUsb } from "./sysfs-usb.ts";

export type UsbPlaces = {
  /** The root of sysfs. */
  readonly sysfs: string;
  /** Where the kernel keeps a file for each device, for inotify; null: sysfs is a plain folder, which says itself. */
  readonly deviceFiles: string | null;
  readonly kernelLog: string | null;
};

export type UsbScan = {
  readonly devices: readonly SysfsDevice[];
  /** What the kernel said since the scan before. */
  readonly kernelLines: readonly string[];
};

/** A device comes as one file and goes as one; its interfaces and drivers follow within this time. */
const SETTLE_MS = 100;
/** Drivers that load a module, and a printer's long start, are seen at the second look. */
const SECOND_LOOK_MS = 1_500;
/** The safety net. Without inotify it is the net itself (PROTOCOLS 7.1: every 2 to 5 s). */
const SLOW_MS = 60_000;
const SLOW_MS_BLIND = 5_000;
/**
 * How long a scan serves polls while changes are told at once: a dozen devices are looked at together then, and not a dozen
 * times. What is told nobody (a policy, a driver that lets go) is seen as much later.
 */
const FRESH_MS = 3_000;
/** Buses of a machine; a large one has a dozen. */
const BUSES_MAX = 64;

export class UsbWatch {
  readonly #sysfs: SysfsUsb;
  readonly #places: UsbPlaces;
  readonly #clock: Clock;
  readonly #log: KernelLog | null;
  readonly #listeners = new Set<(scan: UsbScan) => void>();
  readonly #watchers = new Map<string, FSWatcher>();
  #scanning: Promise<Result<UsbScan, SysfsError>> | null = null;
  /** Changes that were told so far. */
  #changes = 0;
  #last: { readonly scan: UsbScan; readonly atMs: number; readonly changes: number } | null = null;
  #cancelSoon: (() => void) | null = null;
  #cancelSecond: (() => void) | null = null;
  #cancelSlow: (() => void) | null = null;

  constructor(places: UsbPlaces, clock: Clock) {
    this.#places = places;
    this.#clock = clock;
    this.#sysfs = new SysfsUsb(places.sysfs);
    this.#log = places.kernelLog === null ? null : new KernelLog(places.kernelLog);
  }

  /** How it is now, or was within FRESH_MS and is still, for all that was told. */
  async scan(): Promise<Result<UsbScan, SysfsError>> {
    const last = this.#last;
    const isFresh = last?.changes === this.#changes && this.#clock.monotonic() - last.atMs < FRESH_MS;
    if (!isFresh || !this.isWatching) return await this.scanNow();
    // The kernel's log tells nobody that it has grown.
    const kernelLines = this.#newLines();
    return { ok: true, value: kernelLines.length === 0 ? last.scan : this.#tell({ ...last.scan, kernelLines }) };
  }

  /** For whoever opens a device after it. Who asks while a scan runs gets that one's answer; every listener hears of each. */
  scanNow(): Promise<Result<UsbScan, SysfsError>> {
    this.#scanning ??= this.#scanOnce().finally(() => {
      this.#scanning = null;
    });
    return this.#scanning;
  }

  overCurrentCount(port: string): Promise<number | null> {
    return this.#sysfs.overCurrentCount(port);
  }

  /** Begins to watch with the first listener, and ends with the last. */
  listen(listener: (scan: UsbScan) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      // What the log holds so far is old.
      this.#log?.read();
      this.#lookAround();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  get isListened(): boolean {
    return this.#listeners.size > 0;
  }

  /** True while changes are told at once. */
  get isWatching(): boolean {
    return this.#watchers.size > 0;
  }

  get readsKernelLog(): boolean {
    return this.#log?.isOpen ?? false;
  }

  async #scanOnce(): Promise<Result<UsbScan, SysfsError>> {
    const kernelLines = this.#newLines();
    const [atMs, changes] = [this.#clock.monotonic(), this.#changes];
    const found = await this.#sysfs.scan();
    if (!found.ok) return found;
    const scan = this.#tell({ devices: found.value, kernelLines });
    this.#last = { scan: { ...scan, kernelLines: [] }, atMs, changes };
    return { ok: true, value: scan };
  }

  #newLines(): readonly string[] {
    return this.#listeners.size > 0 ? (this.#log?.read() ?? []) : [];
  }

  #tell(scan: UsbScan): UsbScan {
    for (const listener of [...this.#listeners]) listener(scan);
    return scan;
  }

  /** Sees to the watchers and scans, now and every so often. */
  #lookAround(): void {
    void this.#arm().then(() => {
      if (this.#listeners.size === 0) return;
      void this.scanNow();
      this.#cancelSlow?.();
      const slowMs = this.isWatching ? SLOW_MS : SLOW_MS_BLIND;
      this.#cancelSlow = this.#clock.after(slowMs, () => this.#lookAround());
    });
  }

  #stop(): void {
    for (const cancel of [this.#cancelSoon, this.#cancelSecond, this.#cancelSlow]) cancel?.();
    this.#cancelSoon = this.#cancelSecond = this.#cancelSlow = null;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#log?.close();
  }

  /** A watcher for each folder that is there; a bus comes and goes with its controller. */
  async #arm(): Promise<void> {
    const folders = new Set(await this.#folders());
    if (this.#listeners.size === 0) return;
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  async #folders(): Promise<readonly string[]> {
    const { sysfs, deviceFiles } = this.#places;
    if (deviceFiles === null) return [join(sysfs, "bus/usb/devices")];
    try {
      const buses = (await readdir(deviceFiles)).filter((name) => /^\d{3}$/.test(name)).slice(0, BUSES_MAX);
      return [deviceFiles, ...buses.map((bus) => join(deviceFiles, bus))];
    } catch {
      return [];
    }
  }

  #watch(folder: string): void {
    const drop = (): void => {
      this.#watchers.get(folder)?.close();
      this.#watchers.delete(folder);
    };
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // So inotify says that the folder itself went; if it is there again, it is another one, which nobody watches. A file of
        // this name, as a bus 1 has of its root hub, is watched on by a new watcher: nothing is lost.
        const isItself = name === basename(folder);
        if (isItself) drop();
        this.#changed(folder, isItself);
      });
      watcher.on("error", drop);
      this.#watchers.set(folder, watcher);
    } catch {
      // Not there, or no inotify watch left: the slow scan is what remains.
    }
  }

  /** However fast things change: one scan each SETTLE_MS, and one after the last change. */
  #changed(folder: string, isGone: boolean): void {
    if (this.#listeners.size === 0) return;
    this.#changes++;
    // Without a folder to watch the net is drawn closer.
    if (isGone) this.#lookAround();
    else if (folder === this.#places.deviceFiles) void this.#arm();
    this.#cancelSoon ??= this.#clock.after(SETTLE_MS, () => {
      this.#cancelSoon = null;
      void this.#scanAfresh();
    });
    this.#cancelSecond?.();
    this.#cancelSecond = this.#clock.after(SECOND_LOOK_MS, () => {
      this.#cancelSecond = null;
      void this.scanNow();
    });
  }

  /** A scan that began before the change may have passed over it. */
  async #scanAfresh(): Promise<void> {
    await this.#scanning;
    await this.scanNow();
  }
}
