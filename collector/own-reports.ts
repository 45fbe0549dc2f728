/**
 * What the collector itself reports (of its agents, and of itself) goes through the same door as everybody's readings:
 * batches of a lane of its own at each site, judged, stored and charted. Nobody sends them again, so no ledger is kept.
 */
import type { Clock } from "@aislewatch/base";
import { encodeTelemetry, type Reading } from "@aislewatch/contract";
import type { LaneKey, TelemetryBatch } from "./store/timeseries/store.ts";

/** The id under which the collector reports; no agent may have it. */
export const COLLECTOR_AGENT = "collector";
/** Where the collector is a device itself; no store may be called so. */
export const OWN_SITE = "aislewatch";
export const OWN_SITE_NAME = "Aislewatch itself";
/** How people read the site of an incident of the whole fleet, which is kept there, too. */
export const MANY_SITES = "Many sites";
/** Devices below it stand for agents; no agent may name one. */
export const AGENT_DEVICE_PREFIX = "agent/";
/** The file system that a data folder lies on, as a component. */
export const DATA_DISK = "disk-data";
/** How often it looks at its agents and at itself. */
export const OWN_INTERVAL_MS = 10_000;
/** One for ever: each start counts on where the stores stand, so that their lists of lanes do not grow with starts. */
const EPOCH = "watch";

export type OwnReportsDeps = {
  readonly clock: Clock;
  accept(batch: TelemetryBatch): void;
  /** The last seq that a store has of this lane; what was not stored before a crash is looked at again, not sent again. */
  lastSeq(lane: LaneKey): number;
};

/** Reports readings, all of now, as devices of a site. */
export type OwnReports = (site: string, readings: readonly Reading[]) => void;

export function createOwnReports({ clock, accept, lastSeq }: OwnReportsDeps): OwnReports {
  const seqs = new Map<string, number>();
  return (site, readings) => {
    const lane = { site, agent: COLLECTOR_AGENT, epoch: EPOCH, lane: "live" } as const;
    const seq = (seqs.get(site) ?? lastSeq(lane)) + 1;
    seqs.set(site, seq);
    const message = encodeTelemetry({ epoch: EPOCH, lane: "live", seq, sentAt: clock.now() }, readings);
    accept({ ...lane, seq, message, skewMs: 0 });
  };
}
