/**
 * Who watches the watchers: each agent is a device of its site, `agent/<id>` of kind `agent`, whose readings the
 * collector itself takes (is its session up, how much waits in its outbox, how far off is its clock) and puts through
 * the same door as everybody's. So a silent agent is one incident by an ordinary rule, with a chart and a runbook.
 */
import type { Clock } from "@aislewatch/base";
import { encodeTelemetry, type InventoryDevice, type Reading } from "@aislewatch/contract";
import type { LiveAgent } from "./api/deps.ts";
import type { AgentDelivery } from "./ledger.ts";
import type { LaneKey, TelemetryBatch } from "./store/timeseries/store.ts";

/** The id under which the collector reports; no agent may have it. */
export const COLLECTOR_AGENT = "collector";
/** Devices below it stand for agents; no agent may name one. */
export const AGENT_DEVICE_PREFIX = "agent/";
/** One for ever: each start counts on where the stores stand, so that their lists of lanes do not grow with starts. */
const EPOCH = "watch";
const INTERVAL_MS = 10_000;

export type WatchedAgent = LiveAgent & {
  readonly outbox: { readonly batches: number; readonly bytes: number; readonly oldestAt: number | null } | null;
  readonly skewMs: number;
  readonly delivery: AgentDelivery;
  readonly refusedClaims: number;
  /** False: nothing of it since the collector's start, and it had no time to come back yet, so nobody knows. */
  readonly isHeard: boolean;
};

export type FleetWatchDeps = {
  readonly clock: Clock;
  agents(): readonly WatchedAgent[];
  /** A site's set of agents changed. */
  setInventory(site: string, devices: readonly InventoryDevice[]): void;
  accept(batch: TelemetryBatch): void;
  /** The last seq that a store has of this lane; what was not stored before a crash is looked at again, not sent again. */
  lastSeq(lane: LaneKey): number;
};

export type FleetWatch = { start(): void; look(): void; stop(): void };

export function createFleetWatch({ clock, agents, setInventory, accept, lastSeq }: FleetWatchDeps): FleetWatch {
  const seqs = new Map<string, number>();
  const known = new Map<string, string>();
  let cancel: (() => void) | null = null;

  function look(): void {
    const sites = Map.groupBy(
      agents().filter(({ id }) => id !== COLLECTOR_AGENT),
      ({ site }) => site,
    );
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
      if (heard.length > 0) report(site, heard);
    }
  }

  function report(site: string, heard: readonly WatchedAgent[]): void {
    const lane = { site, agent: COLLECTOR_AGENT, epoch: EPOCH, lane: "live" } as const;
    const seq = (seqs.get(site) ?? lastSeq(lane)) + 1;
    seqs.set(site, seq);
    const now = clock.now();
    const message = encodeTelemetry(
      { epoch: EPOCH, lane: "live", seq, sentAt: now },
      heard.map((agent) => readingOf(agent, now)),
    );
    accept({ ...lane, seq, message, skewMs: 0 });
  }

  function loop(): void {
    look();
    cancel = clock.after(INTERVAL_MS, loop);
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
  "outbox_age_seconds",
  "clock_offset_seconds",
  "batches_missing",
  "batches_owed",
  "samples_thinned_total",
  "claims_refused",
];

const deviceOf = ({ id, version }: WatchedAgent): InventoryDevice => ({
  id: `${AGENT_DEVICE_PREFIX}${id}`,
  kind: "agent",
  name: `Agent ${id}`,
  driver: "collector",
  labels: {},
  dependsOn: [],
  intervalMs: INTERVAL_MS,
  asset: { vendor: "Aislewatch", model: "agent", ...(version !== null && { firmware: version }) },
  components: [],
  metrics: METRICS,
});

function readingOf({ id, online, outbox, skewMs, delivery, refusedClaims }: WatchedAgent, now: number): Reading {
  const waiting = outbox !== null && online;
  return {
    device: `${AGENT_DEVICE_PREFIX}${id}`,
    at: now,
    samples: [
      {
        component: null,
        metrics: {
          up: online,
          // The ledger's, so they stand whether the agent is there or not.
          batches_missing: delivery.missing,
          batches_owed: delivery.owed.live + delivery.owed.history,
          samples_thinned_total: delivery.thinnedSamples,
          claims_refused: refusedClaims,
          ...(waiting && {
            outbox_batches: outbox.batches,
            outbox_bytes: outbox.bytes,
            outbox_age_seconds: outbox.oldestAt === null ? 0 : Math.max(0, (now - outbox.oldestAt - skewMs) / 1_000),
          }),
          ...(online && { clock_offset_seconds: (0 - skewMs) / 1_000 }),
        },
      },
    ],
  };
}
