/**
 * When the uplink tries again. A broker that restarts loses all of its agents at the same moment, and a thousand stores
 * that come back in the same moment are its next outage; so each wait has a random share, and the first one after a
 * connection that stood has nothing else.
 */
import { backoffMs } from "@aislewatch/base";

/** A lost connection is made anew within this time: less than what still counts as a hiccup (core/lane.ts). */
export const LOST_SPREAD_MS = 3_000;
/** The longest wait: how long after a broker's return the last agent comes, its handshake apart. */
export const WAIT_MS_MAX = 30_000;
const RETRY = { baseMs: 500, maxMs: WAIT_MS_MAX } as const;
/** From this attempt on the wait is at its longest; where a refused agent starts. */
export const REFUSED_ATTEMPT = 6;

/** `attempt` counts from 0 since the last ack; `lost`: the connection stood, and was not ended by us. 0 ≤ random < 1. */
export function reconnectWaitMs({ attempt, lost }: { attempt: number; lost: boolean }, random: number): number {
  const waitMs = backoffMs(attempt, RETRY, random);
  return lost ? Math.max(attempt === 0 ? 0 : waitMs, Math.round(random * LOST_SPREAD_MS)) : waitMs;
}
