/**
 * How a device's polls went, for `aislewatch-agent status` and for the log's state changes. A fold over poll
 * outcomes: no clock, no I/O.
 */
import type { PollFailureKind } from "@aislewatch/contract";

export type PollOutcome = {
  /** Unix ms at which the poll ended. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly samples: number;
  readonly skipped: number;
  readonly failure: { readonly kind: PollFailureKind; readonly detail: string } | null;
};

export type Health = {
  /** `busy` is no state of the device: another program had its line. */
  readonly state: "unknown" | "up" | "down";
  readonly polls: number;
  readonly failures: number;
  readonly consecutiveFailures: number;
  readonly skippedTurns: number;
  readonly samples: number;
  /** Moving average of what a poll costs. */
  readonly costMs: number;
  readonly lastAnswerAtMs: number | null;
  readonly lastFailure: { readonly atMs: number; readonly kind: PollFailureKind; readonly detail: string } | null;
};

export type HealthChange = "went_down" | "came_up" | null;

export const NEW_HEALTH: Health = {
  state: "unknown",
  polls: 0,
  failures: 0,
  consecutiveFailures: 0,
  skippedTurns: 0,
  samples: 0,
  costMs: 0,
  lastAnswerAtMs: null,
  lastFailure: null,
};

/** Weight of the newest poll: the average follows within about ten polls. */
const COST_WEIGHT = 0.2;

export function stepHealth(health: Health, outcome: PollOutcome): { next: Health; change: HealthChange } {
  const { failure, atMs } = outcome;
  const state = failure === null ? "up" : failure.kind === "busy" ? health.state : "down";
  const next: Health = {
    state,
    polls: health.polls + 1,
    failures: health.failures + (failure === null ? 0 : 1),
    consecutiveFailures: failure === null ? 0 : health.consecutiveFailures + 1,
    skippedTurns: health.skippedTurns + outcome.skipped,
    samples: outcome.samples,
    costMs: health.polls === 0 ? outcome.tookMs : health.costMs + COST_WEIGHT * (outcome.tookMs - health.costMs),
    lastAnswerAtMs: failure === null ? atMs : health.lastAnswerAtMs,
    lastFailure: failure === null ? health.lastFailure : { atMs, ...failure },
  };
  return { next, change: state === health.state ? null : state === "down" ? "went_down" : "came_up" };
}
