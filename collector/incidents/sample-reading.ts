/** For tests: how the clocks of a log in minutes stand at a minute, and what of it a case is about. */
import { always, log, MINUTE_MS, min, type Step, T0 } from "./sample-log.ts";
import { type ClockReading, currentClock, readClocks } from "./sla.ts";
import { slaFacts } from "./sla-facts.ts";
import { DEFAULT_SLA_POLICY, type SiteHours, type SlaTerms } from "./sla-policy.ts";
import type { SlaClock } from "./types.ts";

export const { standard: shipped } = DEFAULT_SLA_POLICY;

export type Where = { readonly terms?: SlaTerms; readonly site?: SiteHours };
export const read = (steps: readonly Step[], minute: number, where: Where = {}): ClockReading[] =>
  readClocks(slaFacts(log(steps)), { terms: shipped, site: always, ...where }, min(minute));
export const clock = (steps: readonly Step[], name: SlaClock, minute: number, where: Where = {}): ClockReading | null =>
  currentClock(read(steps, minute, where), name);

/** Minutes after T0 in place of Unix ms, and only what the case is about. */
export function brief(reading: ClockReading | null) {
  if (reading === null) return null;
  const minute = (at: number | null) => (at === null ? null : (at - T0) / MINUTE_MS);
  const { state, standsStill, dueAt, stoppedAt, breachedAt, businessMs, pausedMs, percent } = reading;
  return {
    state,
    ...(standsStill !== null && { standsStill }),
    due: minute(dueAt),
    ...(stoppedAt !== null && { stopped: minute(stoppedAt) }),
    ...(breachedAt !== null && { breached: minute(breachedAt) }),
    ran: businessMs / MINUTE_MS,
    ...(pausedMs > 0 && { paused: pausedMs / MINUTE_MS }),
    percent: Math.round(percent),
  };
}
