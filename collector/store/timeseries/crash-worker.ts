/** DuckDB's thread in a process that kills itself at the n-th time that its keeper passes a step (crash-sealer.ts). */
import { parentPort, workerData } from "node:worker_threads";
import type { KeepingStep } from "./duckdb-keeping.ts";
import type { WorkerOptions } from "./duckdb-protocol.ts";
import { serve } from "./duckdb-serve.ts";

export type CrashAt = { readonly step: KeepingStep; readonly nth: number };
const { options, at } = workerData as { options: WorkerOptions; at: CrashAt };
let passed = 0;
if (parentPort !== null)
  serve(parentPort, options, {
    onStep(step) {
      if (step === at.step && ++passed === at.nth) process.kill(process.pid, "SIGKILL");
    },
  });
