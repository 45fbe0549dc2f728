/** What processes cost over a while, for those that hardly cost anything. */
import { childCpuSecondsOf, fineCpuSecondsOf, pssBytesOf } from "./process-cost.ts";
import { pause, quantile } from "./punctuality.ts";

const MEMORY_EVERY_MS = 2_000;

/** CPU time and median PSS of these processes together; the time with that of the tools that they ran. */
export async function spent(pids: () => readonly number[], measuredMs: number) {
  const sum = (of: (pid: number) => number): number => pids().reduce((total, pid) => total + of(pid), 0);
  const startedAt = performance.now();
  const cpu = (): number => sum(fineCpuSecondsOf) + sum(childCpuSecondsOf);
  const cpuBefore = cpu();
  const pss: number[] = [];
  for (let at = 0; at < measuredMs; at += MEMORY_EVERY_MS) {
    await pause(MEMORY_EVERY_MS);
    pss.push(sum(pssBytesOf));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { cpuSeconds: cpu() - cpuBefore, seconds, pssMb: quantile(pss, 0.5) / 1e6 };
}
