/**
 * How long incidents wait for people: when an acknowledgement is over, when a fault that comes back is the same incident,
 * when what is done closes, and when a fault that cures itself again and again is for review. All of it is data,
 * incidents.yaml; the default is shipped here.
 */
import { type CorrelationPolicy, DEFAULT_CORRELATION } from "./correlation-policy.ts";
import { isOpenState } from "./log.ts";
import type { AckExpiry, Incident, IncidentEventBody, Priority, ResolutionCode } from "./types.ts";

export type LifecyclePolicy = {
  readonly acknowledgement: {
    /** It is over when nobody did anything for so long after it; null: never. */
    readonly expiresMs: Readonly<Record<Priority, number | null>>;
    /** And at once, when the fault gets worse, or more hangs on it. */
    readonly endsOn: readonly Exclude<AckExpiry, "timeout">[];
  };
  /** A fault that comes back so soon after it recovered, or after a person resolved it, is the same incident. */
  readonly reopen: {
    readonly recoveredMs: Readonly<Record<Priority, number>>;
    readonly resolvedMs: Readonly<Record<Priority, number>>;
  };
  /** What a person resolved may be reopened by hand for so long, then it closes. At least as long as it reopens by itself. */
  readonly closeAfterMs: number;
  /** For review when it cured itself so often within this time; null: never. */
  readonly review: { readonly times: number; readonly withinMs: number } | null;
  /** When incidents hang below one, and for how long. */
  readonly correlation: CorrelationPolicy;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ofAll = <T>(value: T): Record<Priority, T> => ({ P1: value, P2: value, P3: value, P4: value, P5: value });

/** Three days until it closes is ITIL practice; a day until a repair counts as held is that of the field. */
export const DEFAULT_LIFECYCLE: LifecyclePolicy = {
  acknowledgement: {
    expiresMs: { P1: 15 * MINUTE, P2: 30 * MINUTE, P3: 2 * HOUR, P4: 8 * HOUR, P5: null },
    endsOn: ["severity", "scope"],
  },
  reopen: { recoveredMs: ofAll(30 * MINUTE), resolvedMs: ofAll(DAY) },
  closeAfterMs: 3 * DAY,
  review: { times: 4, withinMs: 7 * DAY },
  correlation: DEFAULT_CORRELATION,
};

/** Resolutions that say that there is no fault any more, though none recovered. Only the collector finds them. */
export const SYSTEM_CODES: readonly ResolutionCode[] = ["rule_changed", "rule_removed", "device_removed"];

/** Nobody worked on it, or there is nothing left that was worked on. */
export const isResolvedByItself = ({ resolutionCode }: Incident): boolean =>
  resolutionCode === "self_recovered" || (resolutionCode !== null && SYSTEM_CODES.includes(resolutionCode));

/** Until when a fault that comes back is this incident again; of one that never ended, 0. */
export function reopensUntil(incident: Incident, { reopen }: LifecyclePolicy): number {
  const { priority, recoveredAt, resolvedAt } = incident;
  const recovered = recoveredAt === null ? 0 : recoveredAt + reopen.recoveredMs[priority];
  if (resolvedAt === null) return recovered;
  const windows = isResolvedByItself(incident) ? reopen.recoveredMs : reopen.resolvedMs;
  return Math.max(recovered, resolvedAt + windows[priority]);
}

/** When what is resolved closes, provided that the fault is gone. */
export function closesAt(incident: Incident, policy: LifecyclePolicy): number {
  const done = Math.max(incident.resolvedAt ?? 0, incident.recoveredAt ?? 0);
  const byItself = isResolvedByItself(incident);
  const waitMs = byItself ? policy.reopen.recoveredMs[incident.priority] : policy.closeAfterMs;
  return Math.max(done + waitMs, byItself ? 0 : reopensUntil(incident, policy));
}

/** The event, when somebody has it in hand who did not begin to work; nothing when nobody would be called anyway. */
export function acknowledgementEnds(
  { state }: Incident,
  why: Exclude<AckExpiry, "timeout">,
  { acknowledgement }: LifecyclePolicy,
): IncidentEventBody[] {
  return state === "acknowledged" && acknowledgement.endsOn.includes(why) ? [{ type: "ack_expired", why }] : [];
}

/** When the acknowledgement runs out, unless somebody does something; null when it does not. */
export function acknowledgementExpiresAt(incident: Incident, { acknowledgement }: LifecyclePolicy): number | null {
  const { state, acknowledgedAt, workedAt, recoveredAt, suppressedBy, priority } = incident;
  const lastsMs = acknowledgement.expiresMs[priority];
  const isWaiting = state === "acknowledged" && recoveredAt === null && suppressedBy === null;
  if (!isWaiting || acknowledgedAt === null || lastsMs === null) return null;
  return Math.max(acknowledgedAt, workedAt ?? 0) + lastsMs;
}

export function dueAcknowledgement(incident: Incident, policy: LifecyclePolicy, nowMs: number): IncidentEventBody[] {
  const at = acknowledgementExpiresAt(incident, policy);
  return at !== null && nowMs >= at ? [{ type: "ack_expired", why: "timeout" }] : [];
}

/**
 * The event, when a fault that cured itself did so too often. `earlier` are other incidents of its key, as many as may
 * lie in the policy's time.
 */
export function dueReview(
  incident: Incident,
  earlier: readonly Incident[],
  { review }: LifecyclePolicy,
  nowMs: number,
): IncidentEventBody[] {
  if (review === null || incident.review !== null || incident.recoveredAt === null) return [];
  if (!isOpenState(incident.state)) return [];
  const { withinMs } = review;
  const cures = [incident, ...earlier].flatMap(({ selfRecoveries }) => selfRecoveries);
  const times = cures.filter((at) => at > nowMs - withinMs).length;
  return times >= review.times ? [{ type: "review_due", times, withinMs }] : [];
}
