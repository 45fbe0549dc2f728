/**
 * How fast agents may send what they had kept. After an outage thousands come back with an hour of history each; the
 * present must not wait for it. So there is one budget for all, it shrinks as soon as the live lane is late, and it is
 * given to a few agents at a time: each is through soon, and its late evaluator (late.ts) is in memory only meanwhile.
 *
 * - The budget is whole while nothing lags, falls in a straight line as lag grows, and ends at a floor: a collector
 *   that is always busy still drains, slowly.
 * - At most TURNS_MAX agents share it. The others are granted nothing and wait in line; a turn ends when the agent owes
 *   nothing, is gone, or has had it for TURN_MS_MAX while others wait, so that one that does not send blocks nobody.
 *
 * Times are milliseconds of a monotonic clock.
 */

/**
 * About 370,000 samples a second at 5.6 bytes: a third of what ingest takes on two cores (docs/benchmarks.md), so that an
 * hour of 2,000 agents with 40 devices is in within a quarter of an hour.
 */
export const HISTORY_BYTES_PER_SECOND = 2 * 1024 * 1024;
/** The least that all together get, and the most that one gets. */
const FLOOR_BYTES_PER_SECOND = 32 * 1024;
const AGENT_BYTES_PER_SECOND_MAX = 1024 * 1024;
/** Agents that drain at the same time. */
export const TURNS_MAX = 64;
const TURN_MS_MAX = 20_000;

/** How late the live lane is. */
export type Pressure = {
  /** Filled part of the queue to the time-series store, 0 to 1. */
  readonly queueShare: number;
  /** How long the oldest batch has waited for that store, and the oldest for a commit of the state store. */
  readonly queueMs: number;
  readonly commitMs: number;
  /** How late a timer of the process came. */
  readonly loopMs: number;
};

/** No lag up to here, and nothing but the floor from there on. */
const EASE: Readonly<Record<keyof Pressure, readonly [fine: number, full: number]>> = {
  queueShare: [0.1, 0.5],
  queueMs: [500, 5_000],
  commitMs: [100, 1_000],
  loopMs: [50, 500],
};

/** What all agents together may send now; `most` when nothing lags. */
export function historyBudget(pressure: Pressure, most: number): number {
  let ease = 1;
  for (const name of Object.keys(EASE) as (keyof Pressure)[]) {
    const [fine, full] = EASE[name];
    ease = Math.min(ease, (full - pressure[name]) / (full - fine));
  }
  return Math.max(Math.min(FLOOR_BYTES_PER_SECOND, most), Math.floor(most * Math.max(0, Math.min(1, ease))));
}

export type HistoryPace = {
  /** This agent has history to send; said again it changes nothing. */
  owes(agent: string): void;
  /** It owes nothing any more, or is gone. */
  settled(agent: string): void;
  /** Gives the budget out anew; whose grant is another now. */
  step(nowMs: number, pressure: Pressure): readonly string[];
  /** Bytes a second; 0 while it waits. */
  grantOf(agent: string): number;
  figures(): { readonly budget: number; readonly draining: number; readonly waiting: number };
};

export function createHistoryPace(bytesPerSecond = HISTORY_BYTES_PER_SECOND, turnsMax = TURNS_MAX): HistoryPace {
  const waiting = new Set<string>();
  /** Since when each has its turn, the first first. */
  const turns = new Map<string, number>();
  let budget = bytesPerSecond;
  let share = 0;

  return {
    owes(agent) {
      if (!turns.has(agent)) waiting.add(agent);
    },
    settled(agent) {
      waiting.delete(agent);
      turns.delete(agent);
    },
    step(nowMs, pressure) {
      const changed = new Set<string>();
      budget = historyBudget(pressure, bytesPerSecond);
      const tired = [...turns].filter(([, sinceMs]) => nowMs - sinceMs >= TURN_MS_MAX).map(([agent]) => agent);
      for (const agent of tired.slice(0, Math.max(0, waiting.size - (turnsMax - turns.size)))) {
        turns.delete(agent);
        waiting.add(agent);
        changed.add(agent);
      }
      for (const agent of waiting) {
        if (turns.size >= turnsMax) break;
        waiting.delete(agent);
        turns.set(agent, nowMs);
        changed.add(agent);
      }
      const before = share;
      share = Math.min(AGENT_BYTES_PER_SECOND_MAX, Math.floor(budget / Math.max(1, turns.size)));
      // A little more or less is not worth a message; the next ack says it anyway.
      if (share < before / 2 || share > before * 2) for (const agent of turns.keys()) changed.add(agent);
      return [...changed];
    },
    grantOf: (agent) => (turns.has(agent) ? share : 0),
    figures: () => ({ budget, draining: turns.size, waiting: waiting.size }),
  };
}
