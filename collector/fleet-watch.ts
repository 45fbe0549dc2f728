/**
 * Who watches the watchers: each agent is a device of its site, `agent/<id>` of kind `agent`, whose readings the
 * collector itself takes (is its session up, how much waits in its outbox, how far off is its clock) and puts through
 * the same door as everybody's. So a silent agent is one incident by an ordinary rule, with a chart and a runbook.
 */
import type { Clock } from "@aislewatch/base";
import type { AgentStatus, InventoryDevice, Reading } from "@aislewatch/contract";
import type { LiveAgent } from "./api/deps.ts";
import type { AgentDelivery } from "./ledger.ts";
import { AGENT_DEVICE_PREFIX, COLLECTOR_AGENT, DATA_DISK, OWN_INTERVAL_MS, type OwnReports } from "./own-reports.ts";
import { diskMetrics, isOwnClockOff } from "./self-watch.ts";

export type WatchedAgent = LiveAgent & {
  /** Its last words; null or absent where it never said. */
  readonly outbox: AgentStatus["outbox"] | null;
  readonly cost: AgentStatus["cost"] | null;
  readonly disk: AgentStatus["disk"] | null;
  /** What is added to its times. */
  readonly skewMs: number;
  /** Its clock minus ours, as it is; null while nothing was heard of it. */
  readonly offsetMs: number | null;
  readonly delivery: AgentDelivery;
  readonly refusedClaims: number;
  /** More than one process signs in as this agent. */
  readonly isNameShared: boolean;
  /** False: nothing of it since the collector's start, and it had no time to come back yet, so nobody knows. */
  readonly isHeard: boolean;
};

export type FleetWatchDeps = {
  readonly clock: Clock;
  agents(): readonly WatchedAgent[];
  /** A site's set of agents changed. */
  setInventory(site: string, devices: readonly InventoryDevice[]): void;
  readonly report: OwnReports;
};

export type FleetWatch = { start(): void; look(): void; stop(): void };

export function createFleetWatch({ clock, agents, setInventory, report }: FleetWatchDeps): FleetWatch {
  const known = new Map<string, string>();
  let cancel: (() => void) | null = null;

  function look(): void {
    const all = agents().filter(({ id }) => id !== COLLECTOR_AGENT);
    const sites = Map.groupBy(all, ({ site }) => site);
    // When it is the collector's clock that is off, that is one incident of its own and not one of each agent.
    const isClockKnown = !isOwnClockOff(all);
    const nowMs = clock.now();
    for (const site of known.keys()) {
      if (sites.has(site)) continue;
      // Its last agent was taken out.
      known.delete(site);
      setInventory(site, []);
    }
    for (const [site, members] of sites) {
      const devices = members.map(deviceOf);
      const listed = JSON.stringify(devices);
      if (known.get(site) !== listed) {
        known.set(site, listed);
        setInventory(site, devices);
      }
      const heard = members.filter(({ isHeard }) => isHeard);
      const readings = heard.map((agent) => readingOf(agent, { nowMs, isClockKnown }));
      if (readings.length > 0) report(site, readings);
    }
  }

  function loop(): void {
    look();
    cancel = clock.after(OWN_INTERVAL_MS, loop);
  }

  return {
    start: loop,
    look,
    stop() {
      cancel?.();
    },
  };
}

const METRICS = [
  "up",
  "outbox_batches",
  "outbox_bytes",
  "outbox_used_percent",
  "outbox_in_memory",
  "outbox_age_seconds",
  "clock_offset_seconds",
  "batches_missing",
  "batches_owed",
  "samples_thinned_total",
  "claims_refused",
  "name_shared",
  "own_memory_bytes",
  "own_cpu_percent",
  "disk_total_bytes",
  "disk_free_bytes",
  "disk_used_percent",
];

const deviceOf = ({ id, version }: WatchedAgent): InventoryDevice => ({
  id: `${AGENT_DEVICE_PREFIX}${id}`,
  kind: "agent",
  name: `Agent ${id}`,
  driver: "collector",
  labels: {},
  dependsOn: [],
  intervalMs: OWN_INTERVAL_MS,
  asset: { vendor: "Aislewatch", model: "agent", ...(version !== null && { firmware: version }) },
  components: [DATA_DISK],
  metrics: METRICS,
});

function readingOf(agent: WatchedAgent, look: { nowMs: number; isClockKnown: boolean }): Reading {
  const { id, online, outbox, cost, disk, skewMs, offsetMs, delivery, refusedClaims, isNameShared } = agent;
  const { nowMs, isClockKnown } = look;
  const own = {
    component: null,
    metrics: {
      up: online,
      // The ledger's, so they stand whether the agent is there or not.
      batches_missing: delivery.missing,
      batches_owed: delivery.owed.live + delivery.owed.history,
      samples_thinned_total: delivery.thinnedSamples,
      claims_refused: refusedClaims,
      name_shared: isNameShared,
      ...(online && outbox && outboxMetrics(outbox, nowMs - skewMs)),
      ...(online && cost && { own_memory_bytes: cost.memoryBytes, own_cpu_percent: cost.cpuPercent }),
      ...(online && isClockKnown && offsetMs !== null && { clock_offset_seconds: offsetMs / 1_000 }),
    },
  };
  return {
    device: `${AGENT_DEVICE_PREFIX}${id}`,
    at: nowMs,
    samples: online && disk ? [own, { component: DATA_DISK, metrics: diskMetrics(disk) }] : [own],
  };
}

/** `nowMs` by the agent's own clock. */
const outboxMetrics = (said: NonNullable<AgentStatus["outbox"]>, nowMs: number) => ({
  outbox_batches: said.batches,
  outbox_bytes: said.bytes,
  outbox_in_memory: said.inMemory !== undefined,
  outbox_age_seconds: said.oldestAt === null ? 0 : Math.max(0, (nowMs - said.oldestAt) / 1_000),
  ...(said.bytesMax !== undefined && { outbox_used_percent: (said.bytes / said.bytesMax) * 100 }),
});
