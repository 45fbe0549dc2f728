import { createLog, EXIT, realClock, runProgram } from "@aislewatch/runtime";
import { createAgent } from "../app.ts";
import { redact } from "../core/card-data.ts";
import { agentEvents } from "../events.ts";
import { readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Watches until stopped. */
export async function run(flags: Flags, terminal: Terminal, version: string): Promise<number> {
  const config = readConfig(flags, terminal);
  if (config === null) return EXIT.config;
  const { logLevel: level, logFormat: format } = flags;
  const log = createLog({ program: "agent", level, format, clock: realClock, clean: redact });
  const { site, agent, devices, collector } = config;
  log.emit(agentEvents.agentConfigured, { site, agent, devices: devices.length, collector: collector.url });
  const app = createAgent({ config, version, clock: realClock, random: Math.random, log });
  // A parent that started us with a channel wants to know when we are up.
  const onStarted = (): void => void process.send?.({ ready: { site, agent } });
  return runProgram({ lifecycle: app.lifecycle, log, version, onStarted });
}
