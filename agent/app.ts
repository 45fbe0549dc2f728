/**
 * The agent's composition root: builds everything, opens nothing. Parts stop in reverse: polls end, what they brought
 * is committed, the uplink drains and says goodbye, the outbox closes, the folder is free again.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import type { Clock } from "@aislewatch/base";
import { loadBuiltinProfiles, TrapTable } from "@aislewatch/devices";
import { createLifecycle, type FolderLock, type Lifecycle, type Log, lockFolder, type Part } from "@aislewatch/runtime";
import type { AgentConfig } from "./config.ts";
import { serial } from "./drivers/line-config.ts";
import { agentEvents } from "./events.ts";
import { Intake } from "./intake.ts";
import { type Outbox, openOutbox } from "./outbox.ts";
import { Poller } from "./poller.ts";
import { StatusFile } from "./status-file.ts";
import { Traps } from "./traps.ts";
import { Uplink } from "./uplink.ts";

export type AgentOptions = {
  readonly config: AgentConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
};

export type AgentApp = {
  readonly lifecycle: Lifecycle;
  /** What is open now; for tests and for the status file. Null before the start. */
  readonly outbox: () => Outbox | null;
};

/** The drain (2 s) and the farewell (0.4 s) of the uplink. */
const UPLINK_STOP_MS_MAX = 2_400;
/** Drivers end with their signal; with the uplink's time this is the three seconds that a stop may take. */
const POLLER_STOP_MS_MAX = 600;
/** A check of a large outbox after a crash. */
const OUTBOX_START_MS_MAX = 60_000;

export function createAgent(options: AgentOptions): AgentApp {
  let running: Running | null = null;
  const folder = folderPart(options);
  const outbox: Part & { outbox: Outbox | null } = {
    name: "outbox",
    outbox: null,
    startMsMax: OUTBOX_START_MS_MAX,
    start() {
      this.outbox = open(options);
      running = assemble(options, this.outbox);
    },
    stop() {
      this.outbox?.close();
      this.outbox = null;
    },
  };
  const parts: Part[] = [
    folder,
    outbox,
    {
      name: "uplink",
      start: () => running?.uplink.start(),
      stop: () => running?.uplink.stop(),
      stopMsMax: UPLINK_STOP_MS_MAX,
    },
    {
      name: "serial ports",
      start: () => serial.watch((detail) => options.log.emit(agentEvents.serialProcessLost, { detail })),
      stop: () => serial.stop(),
    },
    { name: "intake", start: () => {}, stop: () => running?.intake.stop() },
    {
      name: "poller",
      start: () => running?.poller.start(),
      stop: () => running?.poller.stop(),
      stopMsMax: POLLER_STOP_MS_MAX,
    },
    { name: "traps", start: () => running?.traps?.start(), stop: () => running?.traps?.stop() },
    { name: "status", start: () => running?.status.start(), stop: () => running?.status.stop() },
  ];
  return { lifecycle: createLifecycle(parts, options), outbox: () => outbox.outbox };
}

type Running = {
  readonly uplink: Uplink;
  readonly intake: Intake;
  readonly poller: Poller;
  /** Null when the configuration has no `traps`. */
  readonly traps: Traps | null;
  readonly status: StatusFile;
};

function assemble(options: AgentOptions, outbox: Outbox): Running {
  const { config, version, clock, random, log } = options;
  const { site, agent, collector } = config;
  const poller: Poller = new Poller({
    devices: config.devices,
    clock,
    random,
    log,
    onReading: (reading) => intake.add(reading),
    onInventory: () => uplink.inventoryChanged(),
  });
  const uplink: Uplink = new Uplink({
    ...collector,
    site,
    agent,
    version,
    outbox,
    inventory: () => poller.inventory(),
    clock,
    random,
    log,
  });
  const intake = new Intake({
    outbox,
    lane: () => uplink.lane(),
    clock,
    log,
    onCommitted: () => uplink.kick(),
  });
  const traps =
    config.traps === null
      ? null
      : new Traps({
          config: config.traps,
          name: `${site}/${agent}`,
          devices: config.devices,
          table: new TrapTable(config.profiles ?? loadBuiltinProfiles()),
          clock,
          log,
          pollNow: (device, events) => poller.pollNow(device, events),
        });
  const status = new StatusFile({ config, version, clock, log, outbox, uplink, poller, intake, traps });
  return { uplink, intake, poller, traps, status };
}

function open({ config, clock, log }: AgentOptions): Outbox {
  const opened = openOutbox({
    folder: config.dataFolder,
    ...config.outbox,
    clock,
    newEpoch: randomUUID,
    onSetAside: (file, detail) => log.emit(agentEvents.outboxSetAside, { file, detail }),
  });
  if (!opened.ok) throw new Error(`${config.dataFolder}: ${opened.error.detail}`);
  const { batches, bytes } = opened.value.figures;
  log.emit(agentEvents.outboxOpened, { epoch: opened.value.epoch, batches, bytes });
  return opened.value;
}

function folderPart({ config }: AgentOptions): Part {
  let lock: FolderLock | null = null;
  return {
    name: "data folder",
    start() {
      mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 });
      chmodSync(config.dataFolder, 0o700);
      const locked = lockFolder(config.dataFolder);
      if (!locked.ok) throw new Error(locked.error.detail);
      lock = locked.value;
    },
    stop() {
      lock?.release();
      lock = null;
    },
  };
}
