/** What the agent takes of its host: said in each status, so that an agent that grows heavy is a fault of its own. */
import { statfsSync } from "node:fs";
import type { Clock } from "@aislewatch/base";
import type { AgentStatus } from "@aislewatch/contract";

/** Two statuses may follow at once (a connection, a clock that is set); so little time says nothing of processor time. */
const LOOK_MS_MIN = 5_000;

/** Each call says what was taken since the one before; `folder` is where the outbox lies. */
export function ownCost(clock: Clock, folder: string): () => Pick<AgentStatus, "cost" | "disk"> {
  let cpu = process.cpuUsage();
  let atMs = clock.monotonic();
  let cpuPercent: number | null = null;
  return () => {
    const tookMs = Math.max(1, clock.monotonic() - atMs);
    if (cpuPercent === null || tookMs >= LOOK_MS_MIN) {
      const { user, system } = process.cpuUsage(cpu);
      cpuPercent = ((user + system) / 1_000 / tookMs) * 100;
      cpu = process.cpuUsage();
      atMs = clock.monotonic();
    }
    const disk = diskOf(folder);
    return { cost: { memoryBytes: process.memoryUsage.rss(), cpuPercent }, ...(disk !== null && { disk }) };
  };
}

/** Null when the file system does not tell, or is gone. */
export function diskOf(folder: string): { totalBytes: number; freeBytes: number } | null {
  try {
    const { bsize, blocks, bavail } = statfsSync(folder);
    return blocks > 0 ? { totalBytes: bsize * blocks, freeBytes: bsize * bavail } : null;
  } catch {
    return null;
  }
}
