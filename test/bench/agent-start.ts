/** How an agent starts, and what Node takes before it does anything. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onCleanUp, tempFolder } from "../rig/rig.ts";
import { type AgentProgram, endAgent, forkAgent } from "./agent-process.ts";
import { pssBytesOf } from "./process-cost.ts";
import { pause, quantile } from "./punctuality.ts";

/** A first reading that is not there by then is not going to come. */
const READING_MS_MAX = 20_000;
const LOOK_EVERY_MS = 5;
/** A Node that was just started has done all that it does. */
const SETTLED_MS = 1_000;

/**
 * From the start of the process to the commit of its first reading, ms: the median of so many starts, each in a folder
 * of its own. Nobody listens at its collector's address, so that what was committed stays where it can be seen.
 */
export async function firstReadingMs(program: AgentProgram, device: string, starts: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < starts; i++) {
    const folder = tempFolder();
    const config = join(folder, "agent.yaml");
    const head = `site: bench\nagent: start\ncollector: { url: "mqtt://127.0.0.1:9" }\ndata: ./data\n`;
    writeFileSync(config, `${head}devices:\n  - ${device}\n`);
    const startedAt = performance.now();
    const agent = forkAgent(program, config);
    await firstBatch(join(folder, "data", "outbox.db"));
    took.push(performance.now() - startedAt);
    await endAgent(agent);
  }
  return quantile(took, 0.5);
}

async function firstBatch(file: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < READING_MS_MAX; waitedMs += LOOK_EVERY_MS) {
    if (hasBatch(file)) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`no reading within ${READING_MS_MAX / 1_000} s of the start`);
}

function hasBatch(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    const outbox = new DatabaseSync(file, { readOnly: true });
    try {
      return outbox.prepare("SELECT 1 FROM batch WHERE samples > 0").get() !== undefined;
    } finally {
      outbox.close();
    }
  } catch {
    // Being made just now: without its table, or locked.
    return false;
  }
}

/** PSS of a Node that only waits, from a binary that nobody else runs. */
export async function bareNodeMb(node: string): Promise<number> {
  const waiting: ChildProcess = spawn(node, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  onCleanUp(() => void waiting.kill("SIGKILL"));
  await pause(SETTLED_MS);
  const bytes = pssBytesOf(waiting.pid ?? 0);
  waiting.kill("SIGKILL");
  return bytes / 1e6;
}
