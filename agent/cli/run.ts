import { err, ok, type Result } from "@aislewatch/base";
import { formatDiagnostics } from "@aislewatch/config";
import { createLog, EXIT, realClock, runProgram } from "@aislewatch/runtime";
import { createAgent } from "../app.ts";
import type { AgentConfig } from "../config.ts";
import { redact } from "../core/card-data.ts";
import { agentEvents } from "../events.ts";
import { loadConfigFile, readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Watches until stopped. */
export async function run(flags: Flags, terminal: Terminal, version: string): Promise<number> {
  const config = await readConfig(flags, terminal);
  if (config === null) return EXIT.config;
  const { logLevel: level, logFormat: format } = flags;
  const log = createLog({ program: "agent", level, format, clock: realClock, clean: redact });
  const { site, agent, devices, collector } = config;
  log.emit(agentEvents.agentConfigured, { site, agent, devices: devices.length, collector: collector.url });
  const reread = async (): Promise<Result<AgentConfig, string>> => {
    const { diagnostics, text, config: next } = await loadConfigFile(flags.config, terminal.env);
    const texts = new Map(text === null ? [] : [[flags.config, text]]);
    return next === null ? err(formatDiagnostics(diagnostics, texts)) : ok(next);
  };
  const app = createAgent({ config, version, clock: realClock, random: Math.random, log, reread });
  // A parent that started us with a channel wants to know when we are up.
  const onStarted = (): void => void process.send?.({ ready: { site, agent } });
  // In a terminal, and on Windows, it says that the window closed, which is no wish to reload.
  const isService = !terminal.outIsTerminal && process.platform !== "win32";
  const onHangup = (): void => void app.reload();
  return runProgram({ lifecycle: app.lifecycle, log, version, onStarted, ...(isService && { onHangup }) });
}
