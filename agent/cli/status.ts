import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "@aislewatch/base";
import { writeDuration } from "@aislewatch/config";
import { alignedTable, EXIT, realClock } from "@aislewatch/runtime";
import { type AgentStatusFile, STATUS_EVERY_MS, STATUS_FILE } from "../status-file.ts";
import { readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Shows what the agent of this configuration last wrote of itself. */
export async function status(flags: Flags, terminal: Terminal): Promise<number> {
  const config = await readConfig(flags, terminal);
  if (config === null) return EXIT.config;
  const path = join(config.dataFolder, STATUS_FILE);
  let text: string;
  let seen: AgentStatusFile;
  try {
    text = readFileSync(path, "utf8");
    // Our own program wrote it, whole: see StatusFile.
    seen = JSON.parse(text) as AgentStatusFile;
  } catch (thrown) {
    terminal.error(`no agent has run with this data folder yet (${errorText(thrown)})\n`);
    return EXIT.crashed;
  }
  terminal.out(flags.json ? text : describe(seen, realClock.now()));
  return isFresh(seen, realClock.now()) ? EXIT.asked : EXIT.crashed;
}

const isFresh = ({ state, writtenAt }: AgentStatusFile, nowMs: number): boolean =>
  state === "running" && nowMs - writtenAt < 3 * STATUS_EVERY_MS;

export function describe(seen: AgentStatusFile, nowMs: number): string {
  const { collector, outbox, devices } = seen;
  const state = isFresh(seen, nowMs) ? "running" : `not running since ${ago(seen.writtenAt, nowMs)}`;
  const error = collector.connected || collector.lastError === null ? "" : ` (${collector.lastError})`;
  const waiting =
    outbox.oldestAt === null ? "empty" : `${outbox.batches} batches, oldest ${ago(outbox.oldestAt, nowMs)}`;
  const facts = [
    ["agent", `${seen.site}/${seen.agent}, ${state}, pid ${seen.pid}, version ${seen.version}`],
    ["collector", `${collector.url}, ${collector.connected ? "connected" : "not connected"}${error}`],
    ["outbox", `${waiting}${outbox.droppedSamples > 0 ? `; ${outbox.droppedSamples} samples dropped` : ""}`],
    ...describeTraps(seen.traps, nowMs),
    ...describePolls(devices),
  ];
  const rows = devices.map(({ id, health, asset }) => [
    id,
    health.state,
    health.lastAnswerAtMs === null ? "never" : ago(health.lastAnswerAtMs, nowMs),
    `${Math.round(health.costMs)} ms`,
    String(health.failures),
    String(health.skippedTurns),
    shortened(asset.model ?? ""),
    lastError(health, nowMs),
  ]);
  const head = ["DEVICE", "STATE", "ANSWERED", "COST", "FAILURES", "SKIPPED", "MODEL", "LAST ERROR"];
  return `${alignedTable(facts)}\n${alignedTable([head, ...rows], [3, 4, 5])}${describeSources(devices)}`;
}

/** What devices' drivers learn from, each source once, and below it the command for what this agent may not use. */
function describeSources(devices: AgentStatusFile["devices"]): string {
  const rows = new Map<string, { of: string[]; row: string[] }>();
  for (const { id, sources } of devices) {
    for (const { name, state, detail, grant } of sources) {
      const row = [name, state, grant === undefined ? detail : `${detail}; to allow it: ${grant}`];
      const key = row.join("\n");
      rows.set(key, { of: [...(rows.get(key)?.of ?? []), id], row });
    }
  }
  if (rows.size === 0) return "";
  const table = [...rows.values()].map(({ of, row }) => [row[0] ?? "", row[1] ?? "", idsText(of), row[2] ?? ""]);
  return `\n${alignedTable([["EVIDENCE", "STATE", "DEVICES", "DETAIL"], ...table])}`;
}

const IDS_MAX = 3;
const idsText = (ids: readonly string[]): string =>
  `${ids.slice(0, IDS_MAX).join(", ")}${ids.length > IDS_MAX ? ` and ${ids.length - IDS_MAX} more` : ""}`;

/** A device's own words must not push the last error off the screen. */
const MODEL_CHARS_MAX = 32;
const shortened = (text: string): string =>
  text.length <= MODEL_CHARS_MAX ? text : `${text.slice(0, MODEL_CHARS_MAX - 1)}…`;

/** How devices do, and which one costs most: a slow device must have a name. */
function describePolls(devices: AgentStatusFile["devices"]): string[][] {
  const polled = devices.filter(({ health }) => health.polls > 0);
  const slowest = polled.toSorted((a, b) => b.health.costMs - a.health.costMs)[0];
  if (slowest === undefined) return [];
  const down = polled.filter(({ health }) => health.state === "down").length;
  const skipped = devices.reduce((sum, { health }) => sum + health.skippedTurns, 0);
  const facts = [`${devices.length} devices`, `${down} down`, `${skipped} turns skipped`];
  const { id, health } = slowest;
  return [["polls", `${facts.join(", ")}; slowest ${id}, ${Math.round(health.costMs)} ms a poll`]];
}

/** Of a device that is up again, too, with its age. */
function lastError({ state, lastFailure }: AgentStatusFile["devices"][number]["health"], nowMs: number): string {
  if (lastFailure === null) return "";
  return state === "down" ? lastFailure.detail : `${ago(lastFailure.atMs, nowMs)}: ${lastFailure.detail}`;
}

function describeTraps(traps: AgentStatusFile["traps"], nowMs: number): string[][] {
  if (traps === null) return [];
  const where = traps.listening ?? `not listening${traps.lastError === null ? "" : ` (${traps.lastError})`}`;
  const last = traps.lastTrap;
  const lastTrap = last === null ? "" : `; last ${last.code} from ${last.device} ${ago(last.atMs, nowMs)}`;
  const rows = [["traps", `${where}, ${traps.taken} taken of ${traps.received}${lastTrap}`]];
  const dropped = Object.entries(traps.dropped).filter(([, count]) => count > 0);
  if (dropped.length > 0 && traps.lastDrop !== null) {
    const { from, reason, atMs } = traps.lastDrop;
    const counts = dropped.map(([name, count]) => `${count} ${name}`).join(", ");
    rows.push(["dropped traps", `${counts}; last ${reason} from ${from} ${ago(atMs, nowMs)}`]);
  }
  return rows;
}

/** "12s ago"; a writer whose clock is ahead of ours wrote just now. */
function ago(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000));
  const step = seconds < 120 ? 1 : seconds < 7_200 ? 60 : seconds < 172_800 ? 3_600 : 86_400;
  return `${writeDuration(Math.round(seconds / step) * step * 1000)} ago`;
}
