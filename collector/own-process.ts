/** What the collector's process and data folder cost, as the system counts it. */
import { readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";

/** Shorter pauses are nobody's concern, and a finer sampler would itself cost. */
const LOOP_SAMPLE_MS = 20;

export type ProcessCost = {
  readonly memoryBytes: number;
  /** Since the last look, of one core; all threads. */
  readonly cpuPercent: number;
  /** The longest since the last look. */
  readonly loopDelaySeconds: number;
  readonly loopBusyPercent: number;
};

export type FolderSize = {
  readonly totalBytes: number;
  /** That this user may have. */
  readonly freeBytes: number;
  /** Null where the file system has no fixed number of them. */
  readonly inodesUsedPercent: number | null;
};

export class OwnProcess {
  #delay: ReturnType<typeof monitorEventLoopDelay> | null = null;
  #cpu = process.cpuUsage();
  #loop: EventLoopUtilization = performance.eventLoopUtilization();
  #atMs = performance.now();

  start(): void {
    this.#delay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
    this.#delay.enable();
  }

  stop(): void {
    this.#delay?.disable();
  }

  /** Since the last call, or the start. */
  measure(): ProcessCost {
    const nowMs = performance.now();
    const loop = performance.eventLoopUtilization();
    const { user, system } = process.cpuUsage(this.#cpu);
    const tookMs = Math.max(1, nowMs - this.#atMs);
    const cost = {
      memoryBytes: process.memoryUsage.rss(),
      cpuPercent: ((user + system) / 1_000 / tookMs) * 100,
      // The histogram holds the time between two samples, so a loop without a pause shows its own resolution.
      loopDelaySeconds: Math.max(0, (this.#delay?.max ?? 0) / 1e9 - LOOP_SAMPLE_MS / 1_000),
      loopBusyPercent: performance.eventLoopUtilization(loop, this.#loop).utilization * 100,
    };
    this.#delay?.reset();
    this.#cpu = process.cpuUsage();
    this.#loop = loop;
    this.#atMs = nowMs;
    return cost;
  }
}

/** Null when the file system does not tell. */
export function folderSize(folder: string): FolderSize | null {
  try {
    const { bsize, blocks, bavail, files, ffree } = statfsSync(folder);
    if (blocks === 0) return null;
    return {
      totalBytes: bsize * blocks,
      freeBytes: bsize * bavail,
      inodesUsedPercent: files > 0 ? ((files - ffree) / files) * 100 : null,
    };
  } catch {
    return null; // A folder that is gone is the stores' to report.
  }
}

/** Bytes of the files whose names begin so: a store and its log. Null when there is none. */
export function storeBytes(folder: string, name: string): number | null {
  try {
    const files = readdirSync(folder).filter((file) => file.startsWith(name));
    if (files.length === 0) return null;
    return files.reduce((sum, file) => sum + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch {
    return null;
  }
}
