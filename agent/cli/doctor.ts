/**
 * `aislewatch-agent doctor`: what is wrong on this host and what to do about it. Looks only: nothing is published, no setting
 * changed. What a running agent has for itself (its outbox, its lines, its place at the broker) is read from the file that
 * it writes, as `status` does; without one it is looked at here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDuration } from "@aislewatch/config";
import {
  type Finding,
  findingsExit,
  findingsJson,
  findingsText,
  inspectEndpoint,
  inspectFolder,
  inspectProcess,
  inspectSecrets,
  lockFolder,
  lockOwner,
  realClock,
  sizeText,
} from "@aislewatch/runtime";
import type { AgentConfig } from "../config.ts";
import { filesAside, lookAtOutbox, type OutboxLook } from "../outbox-inspect.ts";
import { type AgentStatusFile, STATUS_EVERY_MS, STATUS_FILE } from "../status-file.ts";
import { trySignIn } from "../uplink-try.ts";
import { askDevices, devicesOf } from "./doctor-devices.ts";
import { readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";

const CONNECT_MS_MAX = 5_000;
/** The rules of packs/agent.yaml take it for wrong from there on. */
const CLOCK_OFF_MS = 60_000;
/** 2024-01-01: this program is younger than a clock that says less. */
const CLOCK_SET_MS_MIN = 1_704_067_200_000;
const AGE_WARN_MS = 15 * 60_000;
const FILLING_MIN = 0.5;
/** An installed agent with 200 devices (docs/benchmarks.md). */
const MEMORY_BYTES = 64 * 2 ** 20;
/** Files of the agent itself, and of each device its line. */
const FILES_OWN = 64;

export async function doctor(flags: Flags, terminal: Terminal, version: string): Promise<number> {
  const stop = new AbortController();
  const release = terminal.onInterrupt?.(() => stop.abort());
  try {
    const findings = await diagnose(flags, terminal, { version, stop: stop.signal });
    terminal.out(flags.json ? findingsJson(findings) : findingsText(findings));
    return findingsExit(findings);
  } finally {
    release?.();
  }
}

type Around = { readonly version: string; readonly stop: AbortSignal };

async function diagnose(flags: Flags, terminal: Terminal, { version, stop }: Around): Promise<Finding[]> {
  const config = await readConfig(flags, terminal);
  const count = config?.devices.length ?? 0;
  const host = inspectProcess({ memoryBytes: MEMORY_BYTES, openFiles: FILES_OWN + 2 * count });
  if (config === null) {
    const todo = `mend what stands above; aislewatch-agent check --config ${flags.config} says it again`;
    return [{ group: "configuration", level: "fail", what: `${flags.config} can't be used`, todo }, ...host];
  }
  const folder = config.dataFolder;
  const disk = inspectFolder("outbox", folder);
  // Who may not look into it can't know whether an agent runs, and must take neither its lines nor its place at the broker.
  if (disk.some(({ what, level }) => level === "fail" && !what.endsWith(" free"))) return [...host, ...disk];
  const pid = lockOwner(folder);
  const seen = pid === null ? null : statusOf(folder, pid);
  const [collector, devices] = await Promise.all([
    lookAtCollector(config, seen, pid),
    // An agent that has just started has not written yet, and has the lines.
    pid === null ? askDevices(config.devices, stop) : seen === null ? [] : devicesOf(seen),
  ]);
  return [
    { group: "configuration", level: "ok", what: `${flags.config}: ${count} devices of site ${config.site}` },
    ...inspectSecrets("configuration", [flags.config]),
    ...host,
    ...runs({ pid, seen, version, folder }),
    ...clockFindings(seen),
    ...disk,
    ...(seen === null ? lookAtFile(config, pid) : outboxFindings(config, fromStatus(seen))),
    ...collector,
    ...devices,
  ];
}

/** What the running agent wrote of itself; null when that is not of this process, or too old to say how it is. */
function statusOf(folder: string, pid: number): AgentStatusFile | null {
  try {
    // Our own program wrote it, whole: see StatusFile.
    const seen = JSON.parse(readFileSync(join(folder, STATUS_FILE), "utf8")) as AgentStatusFile;
    const isFresh = realClock.now() - seen.writtenAt < 3 * STATUS_EVERY_MS;
    return seen.pid === pid && seen.state === "running" && isFresh ? seen : null;
  } catch {
    return null;
  }
}

type Running = { pid: number | null; seen: AgentStatusFile | null; version: string; folder: string };

function runs({ pid, seen, version, folder }: Running): Finding[] {
  const group = "agent";
  if (pid === null) {
    const todo = "start it: systemctl start aislewatch-agent, or aislewatch-agent run";
    return [{ group, level: "warn", what: `no agent runs on ${folder}`, todo }];
  }
  if (seen === null) {
    const what = `process ${pid} has ${folder}, and has not said lately how it is`;
    return [
      { group, level: "warn", what, todo: `it starts or hangs: look again in a minute, then end process ${pid}` },
    ];
  }
  if (seen.version !== version) {
    const what = `process ${pid} runs version ${seen.version}, installed is ${version}`;
    return [{ group, level: "warn", what, todo: "restart the agent" }];
  }
  return [{ group, level: "ok", what: `process ${pid} runs, version ${version}; a second one is refused` }];
}

function clockFindings(seen: AgentStatusFile | null): Finding[] {
  const group = "host";
  const todo = "set the clock by a time server: timedatectl set-ntp true";
  const nowMs = realClock.now();
  if (nowMs < CLOCK_SET_MS_MIN)
    return [{ group, level: "fail", what: `the clock says ${new Date(nowMs).toISOString()}`, todo }];
  const offsetMs = seen?.collector.clockOffsetMs ?? null;
  if (offsetMs === null)
    return [{ group, level: "ok", what: "the clock is set; only a connected agent can compare it" }];
  const off = `${writeDuration(Math.round(Math.abs(offsetMs) / 1000) * 1000)} ${offsetMs > 0 ? "behind" : "ahead of"}`;
  return Math.abs(offsetMs) < CLOCK_OFF_MS
    ? [{ group, level: "ok", what: "the clock is right by the collector's" }]
    : [{ group, level: "warn", what: `the clock is ${off} the collector's`, todo }];
}

const fromStatus = ({ outbox }: AgentStatusFile): OutboxLook & { inMemory: string | null } => ({
  ...{ bytes: outbox.bytes, batches: outbox.batches, oldestAt: outbox.oldestAt, verdict: "sound" },
  inMemory: outbox.inMemory === null ? null : JSON.stringify(outbox.inMemory),
});

/** Under the lock, so that no agent begins to write meanwhile; an agent that starts in this moment is told to try again. */
function lookAtFile(config: AgentConfig, pid: number | null): Finding[] {
  if (pid !== null) return [];
  const known = inspectFolder("outbox", config.dataFolder).some(({ level }) => level === "fail");
  // There is nothing yet, or nothing that may be touched; locking would make the folder.
  if (known || lookAtNothing(config.dataFolder)) return [];
  const lock = lockFolder(config.dataFolder);
  if (!lock.ok) return [{ group: "outbox", level: "warn", what: lock.error.detail, todo: "look again in a minute" }];
  try {
    const look = lookAtOutbox(config.dataFolder);
    return look === null ? [] : outboxFindings(config, { ...look, inMemory: null });
  } finally {
    lock.value.release();
  }
}

const lookAtNothing = (folder: string): boolean =>
  inspectFolder("outbox", folder).some(({ what }) => what.endsWith("is not there"));

function outboxFindings(config: AgentConfig, look: OutboxLook & { readonly inMemory: string | null }): Finding[] {
  const group = "outbox";
  const { bytes, batches, oldestAt, verdict, inMemory } = look;
  const share = bytes / config.outbox.bytesMax;
  const ageMs = oldestAt === null ? 0 : Math.max(0, realClock.now() - oldestAt);
  const isFilling = share >= FILLING_MIN;
  const isOld = ageMs >= AGE_WARN_MS;
  const age = batches === 0 ? "" : `, the oldest reading ${writeDuration(Math.round(ageMs / 1000) * 1000)} old`;
  const waits = `${batches} batches wait, ${sizeText(bytes)} of ${sizeText(config.outbox.bytesMax)}${age}`;
  return [
    ...damage(config.dataFolder, verdict),
    ...(inMemory === null
      ? []
      : [
          {
            ...{
              group,
              level: "fail" as const,
              what: `it can't be written, and readings are in memory only: ${inMemory}`,
            },
            todo: "make room on the disk, or look at its permissions: the agent goes back to the file by itself",
          },
        ]),
    {
      ...{ group, level: isFilling || isOld ? "warn" : "ok", what: waits },
      ...((isFilling || isOld) && {
        todo: "see below whether the collector can be reached; when the outbox is full the oldest readings are thinned",
      }),
    },
    ...filesAside(config.dataFolder).map((file) => ({
      ...{ group, level: "warn" as const, what: `${file} was damaged and set aside` },
      todo: "look at the disk's health; what it held is in the ledger: remove the file once nobody needs it",
    })),
  ];
}

function damage(folder: string, verdict: OutboxLook["verdict"]): Finding[] {
  const group = "outbox";
  if (verdict === "sound") return [];
  if (verdict === "unchecked")
    return [{ group, level: "ok", what: "too large to be read through while somebody waits" }];
  if ("newerSchema" in verdict) {
    const what = `outbox.db was written by a newer version of the agent (schema ${verdict.newerSchema})`;
    return [{ group, level: "fail", what, todo: "install that version again" }];
  }
  const todo = `nothing, but look at the disk's health: the next start saves what can be read, and sets it aside in ${folder}`;
  return [{ group, level: "fail", what: `outbox.db is damaged: ${verdict.damage}`, todo }];
}

async function lookAtCollector(
  config: AgentConfig,
  seen: AgentStatusFile | null,
  pid: number | null,
): Promise<Finding[]> {
  const group = "collector";
  const url = new URL(config.collector.url);
  const isTls = url.protocol === "mqtts:";
  const found = await inspectEndpoint(
    {
      ...{ group, host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port || (isTls ? 8883 : 1883)) },
      tls: isTls ? { ca: config.collector.ca ?? null, serverName: null } : null,
      timeoutMs: CONNECT_MS_MAX,
    },
    realClock.now(),
  );
  if (seen !== null) {
    const { connected, lastError } = seen.collector;
    if (connected) return [...found, { group, level: "ok", what: "the agent is connected, and the collector answers" }];
    const todo = found.some(({ level }) => level === "fail")
      ? "see the line above"
      : "look at the collector: aislewatch doctor on its host";
    return [...found, { group, level: "fail", what: `the agent is not connected: ${lastError ?? "not yet"}`, todo }];
  }
  // A broker inside a collector would end the running agent's connection for ours.
  if (pid !== null || found.some(({ level }) => level === "fail")) return found;
  return [...found, await signInFinding(config)];
}

async function signInFinding(config: AgentConfig): Promise<Finding> {
  const group = "collector";
  const who = config.collector.username;
  const tried = await trySignIn(config, CONNECT_MS_MAX);
  switch (tried.kind) {
    case "taken":
      return { group, level: "ok", what: `${who} may sign in and read its acks` };
    case "sign-in refused": {
      const todo = `on the collector's host: aislewatch agents add ${config.site}/${config.agent}, and bring the password here`;
      return { group, level: "fail", what: `${who} may not sign in: ${tried.detail}`, todo };
    }
    case "no leave to read": {
      const todo =
        "the broker's access list must let it: aislewatch broker-config mosquitto --print shows one that does";
      return { group, level: "fail", what: `${who} may not read ${tried.detail}`, todo };
    }
    case "no MQTT":
      return {
        group,
        level: "fail",
        what: `no MQTT there: ${tried.detail}`,
        todo: "look at the port in collector.url",
      };
  }
}
