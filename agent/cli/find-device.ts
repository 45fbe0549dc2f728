import { suggest } from "@aislewatch/config";
import type { AgentConfig, Device } from "../config.ts";
import type { Terminal } from "./terminal.ts";

const IDS_SHOWN_MAX = 20;

/** The device of this id; null after a complaint that names the one that was meant. */
export function findDevice(config: AgentConfig, id: string, terminal: Terminal): Device | null {
  const device = config.devices.find((candidate) => candidate.id === id);
  if (device !== undefined) return device;
  const ids = config.devices.map((candidate) => candidate.id);
  const near = suggest(id, ids);
  const hint =
    near === null ? `; expected one of: ${ids.slice(0, IDS_SHOWN_MAX).join(", ")}` : `; did you mean "${near}"?`;
  terminal.error(`there is no device "${id}"${hint}\n`);
  return null;
}
