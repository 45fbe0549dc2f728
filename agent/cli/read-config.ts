import { formatDiagnostics } from "@aislewatch/config";
import { type AgentConfig, loadConfig } from "../config.ts";
import { DRIVERS } from "../drivers/index.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Reads the configuration and shows what is wrong with it; null when it can't be used. */
export function readConfig({ config: path }: Pick<Flags, "config">, terminal: Terminal): AgentConfig | null {
  const { diagnostics, text, config } = loadConfig(path, DRIVERS, terminal.env);
  if (diagnostics.length > 0) {
    const texts = new Map(text === null ? [] : [[path, text]]);
    terminal.error(`${formatDiagnostics(diagnostics, texts, { color: terminal.errorIsTerminal })}\n`);
  }
  return config;
}
