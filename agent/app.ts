/**
 * The agent's composition root: builds everything, opens nothing. Parts stop in reverse: polls end, what they brought
 * is committed, the uplink drains and says goodbye, the outbox closes, the folder is free again.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { type Clock, err, errorText, type Result } from "@aislewatch/base";
import { loadBuiltinProfiles, TrapTable } from "@aislewatch/devices";
import {
  createLifecycle,
  type FolderLock,
  type Lifecycle,
  type Log,
  letterId,
  lockFolder,
  type Part,
} from "@aislewatch/runtime";
import { Commands, type Outcome } from "./commands.ts";
import type { AgentConfig } from "./config.ts";
import { diagnosticsText } from "./diagnostics.ts";
import { serial } from "./drivers/line-config.ts";
import { agentEvents } from "./events.ts";
import { Intake } from "./intake.ts";
import { KnownClock } from "./known-clock.ts";
import { type Outbox, openOutbox } from "./outbox.ts";
import { ownCost } from "./own-cost.ts";
import { Poller } from "./poller.ts";
import { lastKnownOutbox, StatusFile } from "./status-file.ts";
import { Traps } from "./traps.ts";
import { Uplink } from "./uplink.ts";

export type AgentOptions = {
  readonly config: AgentConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Reads agent.yaml again; the error is text for a person. Without it a reload is refused. */
  readonly reread?: () => Promise<Result<AgentConfig, string>>;
};

export type AgentApp = {
  readonly lifecycle: Lifecycle;
  /** What is open now; for tests and for the status file. Null before the start. */
  readonly outbox: () => Outbox | null;
  /** Reads the file again; a faulty one is refused, and the last good one stays in use. */
  readonly reload: () => Promise<Outcome>;
};

/** The drain (2 s) and the farewell (0.4 s) of the uplink. */
const UPLINK_STOP_MS_MAX = 2_400;
/** Drivers end with their signal; with the uplink's time this is the three seconds that a stop may take. */
const POLLER_STOP_MS_MAX = 600;
/** A check of a large outbox after a crash. */
const OUTBOX_START_MS_MAX = 60_000;

/** The reply to a reload goes over the uplink that it replaces. */
const UPLINK_EXCHANGE_MS = 1_000;

export function createAgent(given: AgentOptions): AgentApp {
  const time = new KnownClock(given.clock);
  const options = { ...given, clock: time };
  let running: Running | null = null;
  const folder = folderPart(options);
  const outbox: Part & { outbox: Outbox | null } = {
    name: "outbox",
    outbox: null,
    startMsMax: OUTBOX_START_MS_MAX,
    start() {
      this.outbox = open(options, () => running?.exchangeOutbox());
      running = assemble(options, this.outbox, time);
    },
    stop() {
      const samples = this.outbox?.close() ?? 0;
      if (samples > 0) options.log.emit(agentEvents.readingsLost, { samples });
      this.outbox = null;
    },
  };
  const parts: Part[] = [
    folder,
    outbox,
    {
      name: "uplink",
      start: () => running?.startUplink(),
      stop: () => running?.stopUplink(),
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
      start: () => running?.startPolling(),
      stop: () => running?.stopPolling(),
      stopMsMax: POLLER_STOP_MS_MAX,
    },
    { name: "traps", start: () => running?.startTraps(), stop: () => running?.stopTraps() },
    { name: "status", start: () => running?.status.start(), stop: () => running?.status.stop() },
  ];
  return {
    lifecycle: createLifecycle(parts, options),
    outbox: () => outbox.outbox,
    reload: async () => (await running?.reload()) ?? { outcome: "refused", detail: "the agent is not running" },
  };
}

type Running = {
  readonly intake: Intake;
  readonly status: StatusFile;
  /** The outbox has another epoch to serve. */
  exchangeOutbox(): void;
  startUplink(): void;
  stopUplink(): Promise<void>;
  startPolling(): void;
  stopPolling(): Promise<void>;
  startTraps(): void;
  stopTraps(): void | Promise<void>;
  reload(): Promise<Outcome>;
};

function assemble(options: AgentOptions, outbox: Outbox, time: KnownClock): Running {
  const { version, clock, random, log } = options;
  let { config } = options;
  const poller: Poller = new Poller({
    devices: config.devices,
    clock,
    random,
    log,
    onReading: (reading) => intake.add(reading),
    onInventory: () => uplink.inventoryChanged(),
  });
  const commands = new Commands({
    folder: config.dataFolder,
    clock,
    log,
    allowed: () => config.commands,
    actions: {
      probe_now: ({ device }) => probeNow(poller, device),
      reload: () => reload(),
      send_diagnostics: () => ({
        outcome: "done",
        detail: diagnosticsText(status.status("running"), config.dataFolder),
      }),
    },
    reply: (reply) => uplink.reply(reply),
  });
  const cost = ownCost(clock, config.dataFolder);
  const makeUplink = (): Uplink =>
    new Uplink({
      ...config.collector,
      site: config.site,
      agent: config.agent,
      version,
      outbox,
      inventory: () => poller.inventory(),
      clock,
      random,
      log,
      own: () => ({ ...cost(), outboxBytesMax: config.outbox.bytesMax }),
      onCommand: (command) => commands.take(command),
      onCollectorTime(atMs) {
        time.tell(atMs);
        commands.collectorTime(atMs);
      },
    });
  let uplink = makeUplink();
  const intake = new Intake({
    outbox,
    lane: () => uplink.lane(),
    clock,
    log,
    onCommitted: () => uplink.kick(),
  });
  const makeTraps = (): Traps | null =>
    config.traps === null
      ? null
      : new Traps({
          config: config.traps,
          name: `${config.site}/${config.agent}`,
          devices: config.devices,
          table: new TrapTable(config.profiles ?? loadBuiltinProfiles()),
          clock,
          log,
          pollNow: (device, events) => poller.pollNow(device, events),
        });
  let traps = makeTraps();
  const statusOptions = () => ({ config, version, clock, log, outbox, uplink, poller, intake, traps });
  const status = new StatusFile(statusOptions());
  let forgetClock = (): void => {};
  let cancelExchange = (): void => {};
  let reloading: Promise<unknown> = Promise.resolve();
  let isStopping = false;

  async function apply(): Promise<Outcome> {
    const read = (await options.reread?.()) ?? err("this agent was started without a file");
    const refusal = read.ok ? needsRestart(config, read.value) : read.error;
    if (!read.ok || refusal !== null) {
      log.emit(agentEvents.configRefused, { diagnostics: refusal ?? "" });
      return { outcome: "refused", detail: `the last good file stays in use\n${refusal}` };
    }
    const before = config;
    config = read.value;
    outbox.setLimits(config.outbox);
    const changes = await poller.reconfigure(config.devices);
    await traps?.stop();
    traps = isStopping ? null : makeTraps();
    traps?.start();
    if (!isSameCollector(before, config)) cancelExchange = clock.after(UPLINK_EXCHANGE_MS, () => void exchangeUplink());
    status.replace(statusOptions());
    log.emit(agentEvents.configReloaded, changes);
    const { added, removed, changed, unchanged } = changes;
    return {
      outcome: "done",
      detail: `devices: ${added} added, ${removed} removed, ${changed} changed, ${unchanged} as before`,
    };
  }

  /** The outbox is the same, so nothing is lost between the two. */
  async function exchangeUplink(): Promise<void> {
    const old = uplink;
    uplink = makeUplink();
    status.replace(statusOptions());
    await old.stop();
    if (!isStopping) uplink.start();
  }

  /** One after the other: what is read last counts. */
  function reload(): Promise<Outcome> {
    const applied = reloading.then(apply);
    reloading = applied.catch(() => {});
    return applied;
  }

  return {
    intake,
    status,
    exchangeOutbox: () => uplink.exchangeOutbox(),
    startUplink() {
      commands.start();
      uplink.start();
    },
    async stopUplink() {
      cancelExchange();
      commands.stop();
      await uplink.stop();
    },
    startPolling() {
      if (!time.isKnown) log.emit(agentEvents.clockNotSet, { year: new Date(clock.now()).getUTCFullYear() });
      const wasKnown = time.isKnown;
      forgetClock = time.whenKnown((by) => {
        if (!wasKnown) log.emit(agentEvents.clockKnown, { by });
        uplink.statusChanged();
        poller.start();
      });
    },
    async stopPolling() {
      isStopping = true;
      forgetClock();
      await poller.stop();
    },
    startTraps: () => traps?.start(),
    stopTraps() {
      isStopping = true;
      return traps?.stop();
    },
    reload,
  };
}

async function probeNow(poller: Poller, device: string | undefined): Promise<Outcome> {
  if (device === undefined) {
    const ids = poller.deviceIds;
    for (const id of ids) poller.pollNow(id);
    return {
      outcome: "done",
      detail: ids.length === 1 ? "1 device is polled now" : `${ids.length} devices are polled now`,
    };
  }
  const probed = await poller.probe(device);
  if (probed === null) return { outcome: "refused", detail: `this agent has no device ${device}` };
  const { failure, samples, tookMs } = probed;
  const seconds = (tookMs / 1_000).toFixed(3);
  return failure === null
    ? { outcome: "done", detail: `answered in ${seconds} s: ${samples} values` }
    : { outcome: "failed", detail: `no answer after ${seconds} s: ${failure}` };
}

/** What can't change under a running agent: whose data this is, and where it lies. Null when nothing of it did. */
function needsRestart(before: AgentConfig, after: AgentConfig): string | null {
  const fixed = ["site", "agent", "dataFolder"] as const;
  const changed = fixed.filter((key) => before[key] !== after[key]);
  return changed.length === 0 ? null : `${changed.join(", ")} changed: restart the agent`;
}

const isSameCollector = (a: AgentConfig, b: AgentConfig): boolean =>
  JSON.stringify(a.collector) === JSON.stringify(b.collector);

function open({ config, clock, log }: AgentOptions, onExchange: () => void): Outbox {
  const outbox = openOutbox({
    folder: config.dataFolder,
    ...config.outbox,
    clock,
    newEpoch: letterId,
    onSetAside(file, detail, saved) {
      log.emit(agentEvents.outboxSetAside, { file, detail });
      if (saved !== null) log.emit(agentEvents.outboxSaved, saved);
    },
    lastKnown: () => lastKnownOutbox(config.dataFolder),
    onGone: ({ epoch }) => log.emit(agentEvents.outboxGone, { epoch }),
    onTrouble: (detail) => log.emit(agentEvents.outboxWriteFailed, { detail }),
    onMended: (batches) => log.emit(agentEvents.outboxWriteRecovered, { batches }),
    onExchange,
  });
  const { batches, bytes } = outbox.figures;
  log.emit(agentEvents.outboxOpened, { epoch: outbox.epoch, batches, bytes });
  return outbox;
}

/** A folder that can't be written is no reason to leave a store unwatched: see outbox.ts. One that is taken is. */
function folderPart({ config, log }: AgentOptions): Part {
  let lock: FolderLock | null = null;
  return {
    name: "data folder",
    start() {
      try {
        mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 });
        chmodSync(config.dataFolder, 0o700);
      } catch (thrown) {
        log.emit(agentEvents.dataFolderRefused, { detail: errorText(thrown) });
      }
      const locked = lockFolder(config.dataFolder);
      if (locked.ok) lock = locked.value;
      else if (locked.error.kind === "held") throw new Error(locked.error.detail);
      else log.emit(agentEvents.dataFolderRefused, { detail: locked.error.detail });
    },
    stop() {
      lock?.release();
      lock = null;
    },
  };
}
