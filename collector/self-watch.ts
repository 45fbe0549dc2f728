/**
 * The collector is a device, too: `collector` of the site `aislewatch`, which is no store and is counted as none. Every
 * ten seconds it reads itself and reports through the same door as everybody, so that a collector that does not keep up,
 * or a disk that fills, is an ordinary incident with a chart and a runbook (rules/packs/collector.yaml).
 *
 * What it can't tell is that it is dead; `/healthz` is for whoever watches from outside. While its state store can't be
 * written no incident can be opened, for an incident is one when it is on disk: that one opens when the store is back.
 */
import type { Clock } from "@aislewatch/base";
import type { InventoryDevice, Reading, SampleSet } from "@aislewatch/contract";
import { metricsOf } from "@aislewatch/devices";
import type { IngestCounts, IngestLag } from "./ingest.ts";
import { CHANNEL_COMPONENT } from "./notify/routing.ts";
import type { FolderSize, ProcessCost } from "./own-process.ts";
import { DATA_DISK, OWN_INTERVAL_MS, OWN_SITE, type OwnReports } from "./own-reports.ts";

const DEVICE = "collector";

/** An agent with more live batches than its window holds does not get its present through. */
const LIVE_BATCHES_MAX = 32;
/** Between two heartbeats an agent's word is half a minute old. */
const BEHIND_MS = 60_000;
/** With fewer agents nobody can say whose clock is off. */
const CLOCK_VOTES_MIN = 3;
/** The limit for an agent's clock, too (ingest.ts). */
const CLOCK_OFF_SECONDS = 60;

/** An agent as far as the collector's own state shows in it. */
export type SeenAgent = {
  readonly online: boolean;
  readonly isHeard: boolean;
  readonly skewMs: number;
  /** Its clock minus ours; null while nothing was heard of it. */
  readonly offsetMs: number | null;
  readonly outbox: {
    readonly oldestAt: number | null;
    readonly lanes?: { readonly live: { readonly first: number; readonly last: number } } | undefined;
  } | null;
  /** Batches that it says it has and that did not come yet. */
  readonly owed: { readonly live: number; readonly history: number };
};

export type SeenChannel = {
  readonly name: string;
  readonly isDown: boolean;
  readonly waiting: number;
  /** When the oldest that should have gone was to go. */
  readonly oldestAt: number | null;
};

export type SelfFigures = {
  /** Since this process began. */
  readonly upMs: number;
  readonly lag: IngestLag;
  readonly queueBytes: number;
  readonly counts: Pick<IngestCounts, "shed" | "appendFailures" | "commitFailures">;
  readonly agents: readonly SeenAgent[];
  readonly areRulesRefused: boolean;
  /** When the last backup was made, Unix ms; null: none yet. */
  readonly backupAt: number | null;
  /** Null: it was never restored from one. */
  readonly restored: { readonly restoredAt: number; readonly lostBatches: number } | null;
  /** By which people are told. */
  readonly channels: readonly SeenChannel[];
  /** Null while it is the one inside the collector. */
  readonly broker: {
    readonly isConnected: boolean;
    readonly delayMs: number | null;
    readonly isShared: boolean;
  } | null;
  readonly cost: ProcessCost;
  readonly disk: FolderSize | null;
  /** Of sealed days; null where there are no such files. */
  readonly seriesFilesUnreadable: number | null;
  /** Bytes; null when it can't be seen. */
  readonly stores: { readonly state: number | null; readonly series: number | null };
};

type Vote = Pick<SeenAgent, "online" | "isHeard" | "offsetMs">;

/**
 * Our clock minus the agents', in seconds: the median of all that are online, for one agent's clock may be anything. Null
 * with too few of them to outvote one.
 */
export function ownClockOffset(agents: readonly Vote[]): number | null {
  const offsets = agents
    .flatMap(({ online, isHeard, offsetMs }) => (online && isHeard && offsetMs !== null ? [offsetMs] : []))
    .sort((a, b) => a - b);
  if (offsets.length < CLOCK_VOTES_MIN) return null;
  return (0 - (offsets[Math.floor(offsets.length / 2)] ?? 0)) / 1_000;
}

/** Is it the collector's clock that is off, and not each agent's? */
export const isOwnClockOff = (agents: readonly Vote[]): boolean =>
  Math.abs(ownClockOffset(agents) ?? 0) > CLOCK_OFF_SECONDS;

/** Its word may be half a minute old: what came since is no backlog any more, as after each outage that has drained. */
function isBehind({ online, isHeard, outbox, skewMs, owed }: SeenAgent, nowMs: number): boolean {
  if (!online || !isHeard || outbox === null || outbox.oldestAt === null || outbox.lanes === undefined) return false;
  const { first, last } = outbox.lanes.live;
  return Math.min(last - first + 1, owed.live) > LIVE_BATCHES_MAX && nowMs - outbox.oldestAt - skewMs > BEHIND_MS;
}

/** What the collector says of itself. Pure. */
export function selfReading(figures: SelfFigures, nowMs: number): Reading {
  const { upMs, lag, queueBytes, counts, agents, areRulesRefused, channels, cost, disk, stores } = figures;
  const offset = ownClockOffset(agents);
  const count = (is: (agent: SeenAgent) => boolean): number => agents.filter(is).length;
  const metrics: SampleSet["metrics"] = {
    up: true,
    uptime_seconds: upMs / 1_000,
    ingest_delay_seconds: lag.commitMs / 1_000,
    store_queue_bytes: queueBytes,
    store_queue_age_seconds: lag.queueMs / 1_000,
    batches_shed_total: counts.shed,
    agents_shed: lag.shedAgents,
    series_store_failing: lag.failing.timeseries,
    state_store_failing: lag.failing.state,
    series_store_failures_total: counts.appendFailures,
    state_store_failures_total: counts.commitFailures,
    event_loop_delay_seconds: cost.loopDelaySeconds,
    event_loop_busy_percent: cost.loopBusyPercent,
    own_memory_bytes: cost.memoryBytes,
    own_cpu_percent: cost.cpuPercent,
    agents_expected: agents.length,
    agents_connected: count(({ online, isHeard }) => online && isHeard),
    agents_behind: count((agent) => isBehind(agent, nowMs)),
    batches_owed: agents.reduce((sum, { owed }) => sum + owed.live + owed.history, 0),
    rules_refused: areRulesRefused,
    channels_down: channels.filter(({ isDown }) => isDown).length,
    ...backupMetrics(figures, nowMs),
    ...(figures.broker !== null && brokerMetrics(figures.broker)),
    ...(offset !== null && { clock_offset_seconds: offset }),
    ...(stores.state !== null && { state_store_bytes: stores.state }),
    ...(stores.series !== null && { series_store_bytes: stores.series }),
    ...(figures.seriesFilesUnreadable !== null && { series_files_unreadable: figures.seriesFilesUnreadable }),
  };
  const own = { component: null, metrics };
  return {
    device: DEVICE,
    at: nowMs,
    samples: [
      own,
      ...(disk === null ? [] : [{ component: DATA_DISK, metrics: diskMetrics(disk) }]),
      ...channels.map(({ name, isDown, waiting, oldestAt }) => ({
        component: channelComponent(name),
        metrics: {
          channel_down: isDown,
          channel_waiting: waiting,
          channel_overdue_seconds: oldestAt === null ? 0 : Math.max(0, nowMs - oldestAt) / 1_000,
        },
      })),
    ],
  };
}

const backupMetrics = ({ backupAt, restored }: SelfFigures, nowMs: number): SampleSet["metrics"] => ({
  ...(backupAt !== null && { backup_age_seconds: Math.max(0, nowMs - backupAt) / 1_000 }),
  ...(restored !== null && {
    restored_age_seconds: Math.max(0, nowMs - restored.restoredAt) / 1_000,
    restored_batches_lost: restored.lostBatches,
  }),
});

const brokerMetrics = ({ isConnected, delayMs, isShared }: NonNullable<SelfFigures["broker"]>) => ({
  broker_connected: isConnected,
  broker_shared: isShared,
  ...(delayMs !== null && { broker_delay_seconds: delayMs / 1_000 }),
});

/** Of what this user may have: a reserve for root is as good as used. */
export const diskMetrics = ({
  totalBytes,
  freeBytes,
  inodesUsedPercent = null,
}: Pick<FolderSize, "totalBytes" | "freeBytes"> & Partial<FolderSize>): SampleSet["metrics"] => ({
  disk_total_bytes: totalBytes,
  disk_free_bytes: freeBytes,
  disk_used_percent: (1 - freeBytes / totalBytes) * 100,
  ...(inodesUsedPercent !== null && { inodes_used_percent: inodesUsedPercent }),
});

const channelComponent = (name: string): string => `${CHANNEL_COMPONENT}${name}`;

const deviceOf = (version: string, channels: readonly string[]): InventoryDevice => ({
  id: DEVICE,
  kind: "collector",
  name: "Collector",
  driver: "collector",
  labels: {},
  dependsOn: [],
  intervalMs: OWN_INTERVAL_MS,
  asset: { vendor: "Aislewatch", model: "collector", firmware: version },
  components: [DATA_DISK, ...channels.map(channelComponent)],
  metrics: metricsOf("collector").map(({ name }) => name),
});

export type SelfWatchDeps = {
  readonly clock: Clock;
  readonly version: string;
  measure(): SelfFigures;
  setInventory(site: string, devices: readonly InventoryDevice[]): void;
  readonly report: OwnReports;
};

export type SelfWatch = { start(): void; look(): void; stop(): void };

export function createSelfWatch({ clock, version, measure, setInventory, report }: SelfWatchDeps): SelfWatch {
  let cancel: (() => void) | null = null;

  /** Of the inventory as it was told. */
  let told: string | null = null;

  function look(): void {
    const figures = measure();
    const names = figures.channels.map(({ name }) => name);
    // Channels come and go with notifications.yaml.
    if (told !== names.join("\n")) setInventory(OWN_SITE, [deviceOf(version, names)]);
    told = names.join("\n");
    report(OWN_SITE, [selfReading(figures, clock.now())]);
  }

  function loop(): void {
    look();
    cancel = clock.after(OWN_INTERVAL_MS, loop);
  }

  return {
    start() {
      told = null;
      loop();
    },
    look,
    stop: () => cancel?.(),
  };
}
