/**
 * What became of incidents since the start, for whoever watches the collector (Prometheus): counted as it is written. What
 * was found afterwards is counted like everything; reports tell the two apart.
 */
import type { Written } from "./incident-book.ts";
import { PRIORITIES, type Priority, SLA_CLOCKS, type SlaClock, TIERS, type Tier } from "./incidents/types.ts";

export type IncidentFigures = {
  readonly opened: ReadonlyMap<Priority, number>;
  /** By the priority that each had then. */
  readonly resolved: ReadonlyMap<Priority, number>;
  /** By the tier that was asked; an agent (0) is no one's phone. */
  readonly escalated: ReadonlyMap<Tier, number>;
  readonly warned: ReadonlyMap<SlaClock, number>;
  readonly breached: ReadonlyMap<SlaClock, number>;
};

export type IncidentCounts = {
  readonly figures: IncidentFigures;
  observe(written: Pick<Written, "incident" | "events">): void;
};

export function createIncidentCounts(): IncidentCounts {
  const opened = zeros(PRIORITIES);
  const resolved = zeros(PRIORITIES);
  const escalated = zeros(TIERS);
  const warned = zeros(SLA_CLOCKS);
  const breached = zeros(SLA_CLOCKS);
  return {
    figures: { opened, resolved, escalated, warned, breached },
    observe({ incident: { priority }, events }) {
      for (const event of events) {
        if (event.type === "opened") more(opened, event.priority);
        else if (event.type === "resolved") more(resolved, priority);
        else if (event.type === "escalated") more(escalated, event.tier);
        else if (event.type === "sla_warned") more(warned, event.clock);
        else if (event.type === "sla_breached") more(breached, event.clock);
      }
    },
  };
}

const zeros = <T>(keys: readonly T[]): Map<T, number> => new Map(keys.map((key) => [key, 0]));
const more = <T>(counts: Map<T, number>, key: T): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
