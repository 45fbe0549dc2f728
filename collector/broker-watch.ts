/**
 * What an external broker makes uncertain about agents. Its connection to an agent says nothing of ours to it: while ours is
 * gone, or while what comes waited there, nobody knows how any agent is, and that is one incident of the collector and none
 * of a thousand agents. And a broker that died does not say who died with it: an agent that says nothing for four of its
 * heartbeats is offline, whatever was said of it last.
 */
import type { Clock } from "@aislewatch/base";
import type { ExternalBroker } from "./broker/external.ts";
import { RETURN_MS } from "./judge.ts";

/** Four heartbeats (docs/wire.md). */
export const SILENT_AGENT_MS = 120_000;

export type SeenAgent = {
  readonly site: string;
  readonly agent: string;
  readonly online: boolean;
  readonly isHeard: boolean;
  readonly lastSeenAt: number;
};

export type BrokerWatchDeps = {
  readonly clock: Clock;
  /** The place that an external broker takes; null until it is made. */
  readonly broker: () => Pick<ExternalBroker, "heardForMs" | "isPrompt"> | null;
  readonly agents: () => readonly SeenAgent[];
  /** Offline, unless it is heard within this time. */
  readonly doubt: (site: string, agent: string, withinMs: number) => void;
};

export type BrokerWatch = {
  /** About once a second. */
  tick(): void;
  /** Can anybody say whether this agent is there? */
  isKnown(agent: Pick<SeenAgent, "online" | "isHeard">): boolean;
};

export function createBrokerWatch({ clock, broker, agents, doubt }: BrokerWatchDeps): BrokerWatch {
  let wasHeard = false;
  const standing = () => ({ heardForMs: broker()?.heardForMs() ?? null, isPrompt: broker()?.isPrompt() ?? false });

  const doubtAll = (): void => {
    for (const { site, agent, online } of agents()) if (online) doubt(site, agent, RETURN_MS);
  };

  return {
    tick() {
      const { heardForMs, isPrompt } = standing();
      // Lost, or there again: as after a start, each gets the time that it takes to come back. That messages wait is no
      // reason: agents were there then.
      if ((heardForMs !== null) !== wasHeard) doubtAll();
      wasHeard = heardForMs !== null;
      if (heardForMs === null || heardForMs < SILENT_AGENT_MS || !isPrompt) return;
      const silentBefore = clock.now() - SILENT_AGENT_MS;
      for (const { site, agent, online, isHeard, lastSeenAt } of agents()) {
        if (online && isHeard && lastSeenAt < silentBefore) doubt(site, agent, 0);
      }
    },
    isKnown({ online, isHeard }) {
      const { heardForMs, isPrompt } = standing();
      return isHeard && heardForMs !== null && isPrompt && (online || heardForMs >= RETURN_MS);
    },
  };
}
