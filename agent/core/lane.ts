import type { Lane } from "@aislewatch/contract";

/** A shorter break is a hiccup: what was read meanwhile is still the present. */
const HICCUP_MS = 10_000;

/**
 * The lane of a batch that is written now: `live` while the uplink is up or has just gone, `history` once it has been
 * down for more than ten seconds. `downSinceMs` is null while it is up; both times are of a monotonic clock.
 */
export function laneFor(downSinceMs: number | null, nowMs: number): Lane {
  return downSinceMs === null || nowMs - downSinceMs <= HICCUP_MS ? "live" : "history";
}
