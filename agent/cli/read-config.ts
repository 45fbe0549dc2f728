import { formatDiagnostics, readConfigText } from "@aislewatch/config";
import { type AgentConfig, type ConfigResult, loadConfig } from "../config.ts";
import { loadDrivers } from "../drivers/index.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Reads the configuration and shows what is wrong with it; null when it can't be used. */
export async function readConfig(
  { config: path }: Pick<Flags, "config">,
  terminal: Terminal,
): Promise<AgentConfig | null> {
  const { diagnostics, text, config } = await loadConfigFile(path, terminal.env);
  if (diagnostics.length > 0) {
    const texts = new Map(text === null ? [] : [[path, text]]);
    terminal.error(`${formatDiagnostics(diagnostics, texts, { color: terminal.errorIsTerminal })}\n`);
  }
  return config;
}

/**
 * Reads a file against the drivers that it names; one that is wrong, against all that there are, to say what it might
 * have meant. Which it names is guessed from its text: a wrong guess costs time, and changes nothing.
 */
export async function loadConfigFile(path: string, env: Terminal["env"]): Promise<ConfigResult> {
  const written = readConfigText(path);
  const names = written.ok ? [...written.value.matchAll(/\bdriver["']?\s*:\s*["']?([a-z0-9_]+)/g)] : [];
  const named = await loadDrivers(names.map(([, name = ""]) => name));
  const loaded = named.length === 0 ? null : loadConfig(path, named, env);
  return loaded?.config ? loaded : loadConfig(path, await loadDrivers(), env);
}
