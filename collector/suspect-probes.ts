/**
 * Suspected parents are polled at once: when several devices below one fell silent, whether that one is the cause is
 * known seconds later and not at its next poll, before anybody is called for its children. An agent obeys only what its
 * own file allows; one that refuses is not asked again for a while.
 */
import type { Clock } from "@aislewatch/base";
import type { CommandRequest } from "./commands.ts";
import type { CommandRecord } from "./store/state/store.ts";

/** Of one device; its own polls go on meanwhile. */
const AGAIN_MS = 60_000;
/** After an agent refused. */
const REFUSED_MS = 3_600_000;
/** In any ten seconds, of all agents: when whole regions go dark, the network is the cause and not asked. */
const BURST_MS = 10_000;
const BURST_MAX = 20;
/** Devices whose last question is remembered. */
const REMEMBERED_MAX = 10_000;
const BY = "system";

export type SuspectProbes = {
  suspect(parents: readonly { readonly site: string; readonly agent: string; readonly device: string }[]): void;
  /** What became of a command, ours or not. */
  answered(command: Pick<CommandRecord, "site" | "agent" | "by" | "state">): void;
};

export function createSuspectProbes(
  clock: Pick<Clock, "monotonic">,
  issue: (request: CommandRequest) => { readonly ok: boolean },
): SuspectProbes {
  const askedAt = new Map<string, number>();
  const refusedAt = new Map<string, number>();
  let burst: number[] = [];

  return {
    suspect(parents) {
      const now = clock.monotonic();
      burst = burst.filter((at) => now - at < BURST_MS);
      for (const { site, agent, device } of parents) {
        const key = `${site}/${device}`;
        const isRecent = now - (askedAt.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS;
        const isRefused = now - (refusedAt.get(`${site}/${agent}`) ?? Number.NEGATIVE_INFINITY) < REFUSED_MS;
        if (isRecent || isRefused || burst.length >= BURST_MAX) continue;
        if (!issue({ site, agent, kind: "probe_now", device, by: BY }).ok) continue;
        burst.push(now);
        if (askedAt.size >= REMEMBERED_MAX) askedAt.clear();
        askedAt.set(key, now);
      }
    },

    answered({ site, agent, by, state }) {
      if (by !== BY || state !== "refused") return;
      if (refusedAt.size >= REMEMBERED_MAX) refusedAt.clear();
      refusedAt.set(`${site}/${agent}`, clock.monotonic());
    },
  };
}
