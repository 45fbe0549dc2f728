/**
 * The log of an incident and its fold. `applyEvent` is the only place where a state comes from, for the judge, for
 * people's actions and for a replay alike.
 *
 * What holds for every log that the deciders write (log.test.ts):
 * - the first event is `opened`, and only the first; seqs run from 1 without holes, and the last is the version;
 * - closed and cancelled are the end: nothing follows them. A merged one is not at its end: its fault still writes into
 *   it, it can be split off again, and with the one that it was merged into it closes (`closedAt`), still as `merged`;
 * - `holdReason` stands only while on hold, `merged` only while merged, `cancelCode` only when cancelled, `resolvedAt`
 *   and `resolutionCode` only when resolved or closed, and an incident in progress or on hold has been acknowledged.
 */
import type { Actor, Incident, IncidentEvent, IncidentEventBody, IncidentState, Planned } from "./types.ts";
import { changeByWork } from "./work-log.ts";

/** Waits for somebody: what the board shows. */
export const OPEN_STATES = ["new", "acknowledged", "in_progress", "on_hold"] as const satisfies IncidentState[];
export const isOpenState = (state: IncidentState): boolean => (OPEN_STATES as readonly IncidentState[]).includes(state);

/** No event changes it any more; its dedupe key is free. */
export const isEnded = ({ state, closedAt }: Pick<Incident, "state" | "closedAt">): boolean =>
  state === "closed" || state === "cancelled" || (state === "merged" && closedAt !== null);

export const incidentId = (number: number): string => `INC-${String(number).padStart(6, "0")}`;

/** When it happened (event time), when it is written down, who did it, and whether it was found afterwards. */
export type Stamp = {
  readonly at: number;
  readonly recordedAt: number;
  readonly actor: Actor;
  readonly late?: true;
};

/**
 * Appends bodies to an incident (null: the first body opens it) and folds them in. Throws on a log that no decider
 * writes, for example when the first body is not `opened`: that is a bug, not an input.
 */
export function append(
  id: string,
  incident: Incident | null,
  bodies: readonly IncidentEventBody[],
  stamp: Stamp,
): { readonly incident: Incident; readonly events: readonly IncidentEvent[] } {
  const events: IncidentEvent[] = [];
  let next = incident;
  for (const body of bodies) {
    const event = stampEvent(next, body, stamp);
    next = applyEvent(id, next, event);
    events.push(event);
  }
  if (next === null) throw new Error(`${id}: nothing to append`);
  return { incident: next, events };
}

/** The next event of this incident's log (of a new one, when null). */
export function stampEvent(incident: Incident | null, body: IncidentEventBody, stamp: Stamp): IncidentEvent {
  return { seq: (incident?.version ?? 0) + 1, ...stamp, ...body };
}

/** The state that a log leads to. Throws on a log that no decider writes. */
export function foldIncident(id: string, events: readonly IncidentEvent[]): Incident {
  let incident: Incident | null = null;
  for (const event of events) incident = applyEvent(id, incident, event);
  if (incident === null) throw new Error(`${id}: an empty log`);
  return incident;
}

export function applyEvent(id: string, before: Incident | null, event: IncidentEvent): Incident {
  if (event.seq !== (before?.version ?? 0) + 1)
    throw new Error(`${id}: event ${event.seq} after ${before?.version ?? 0}`);
  if (before === null) return open(id, event);
  if (isEnded(before)) throw new Error(`${id}: ${event.type} after it was ${before.state}`);
  const workedAt = event.actor === "system" ? before.workedAt : event.at;
  return { ...before, ...change(before, event), workedAt, version: event.seq, updatedAt: event.recordedAt };
}

/** What an incident has before anything is said of it. Records of before a field existed are read with these. */
export const UNSAID = {
  acknowledgedAt: null,
  resolvedAt: null,
  closedAt: null,
  recoveredAt: null,
  assignee: null,
  acknowledgedBy: null,
  holdReason: null,
  holdText: null,
  resolutionCode: null,
  resolvedTier: null,
  followUp: null,
  cancelCode: null,
  group: null,
  tier: 1,
  escalation: null,
  merged: null,
  absorbed: [],
  parent: null,
  parentWhy: null,
  children: 0,
  sla: {},
  vendor: null,
  checked: [],
  ackExpired: null,
  workedAt: null,
  selfRecoveries: [],
  review: null,
  isPriorityPinned: false,
  restatedOnset: null,
  recurrences: 0,
  stale: false,
} as const satisfies Partial<Incident>;

function open(id: string, event: IncidentEvent): Incident {
  if (event.type !== "opened") throw new Error(`${id}: the log begins with ${event.type}`);
  const { subject, rule, ruleVersion, title, severity, category, runbook, onset, values, priority, suppressedBy } =
    event;
  return {
    ...UNSAID,
    ...(event.tier !== undefined && { tier: event.tier }),
    id,
    version: event.seq,
    state: "new",
    subject,
    rule,
    ruleVersion,
    title,
    severity,
    category,
    runbook,
    priority,
    priorityWhy: event.why,
    onset,
    openedAt: event.at,
    suppressedBy,
    cause: suppressedBy === null ? null : { by: suppressedBy, since: event.at, until: null },
    ...(event.retroactive && { retroactive: true }),
    ...(event.fleet !== undefined && { fleet: event.fleet }),
    ...(event.asset !== undefined && { asset: event.asset }),
    ...planned(event),
    updatedAt: event.recordedAt,
    values,
  };
}

/**
 * Since when it hangs behind something without a break: when a switch is back before the till behind it, what hung behind
 * both is put down to the till, and came no later for that. Null: it did not, or behind a silent agent, which breaks
 * nothing.
 */
function hiddenSince({ suppressedBy, cause }: Incident): number | null {
  return suppressedBy === null || suppressedBy.startsWith("agent:") ? null : (cause?.since ?? null);
}

/** What one event changes. Exhaustive: a new event type does not compile until it says what it does. */
function change(before: Incident, event: IncidentEvent): Partial<Incident> {
  switch (event.type) {
    case "opened":
      throw new Error(`${before.id}: opened twice`);
    case "level_changed":
      return { severity: event.severity, title: event.title, values: event.values };
    case "priority_changed":
      return { priority: event.priority, priorityWhy: event.why };
    case "suppressed":
      return { suppressedBy: event.by, cause: { by: event.by, since: hiddenSince(before) ?? event.at, until: null } };
    case "unsuppressed":
      return { suppressedBy: null, cause: before.cause === null ? null : { ...before.cause, until: event.at } };
    case "stale":
      return { stale: true };
    case "fresh":
      return { stale: false };
    case "recovered":
      return {
        recoveredAt: event.at,
        values: event.values,
        ...{ flapping: false, inactiveHours: false, maintenance: null },
        ...(isSelfCure(before) && { selfRecoveries: [...before.selfRecoveries, event.at].slice(-SELF_RECOVERIES_MAX) }),
      };
    case "fired_again":
      return {
        recoveredAt: null,
        onset: event.onset,
        severity: event.severity,
        title: event.title,
        values: event.values,
        restatedOnset: null,
        recurrences: before.recurrences + 1,
        ...planned(event),
        // What was only found afterwards stands now.
        ...(before.retroactive && event.late !== true && { retroactive: false }),
      };
    case "flapping":
      return { flapping: true };
    case "maintenance":
      return stillUnheard(before, { maintenance: event.window });
    case "hours":
      return stillUnheard(before, { inactiveHours: !event.active });
    case "recovered_earlier":
      return event.onset === before.onset && before.recoveredAt !== null ? { recoveredAt: event.at } : {};
    case "began_earlier":
      return event.was === before.onset ? { onset: event.onset } : {};
    default:
      return changeByWork(before, event);
  }
}

/** Of a fault that fires: what is planned then. What is not so need not be said. */
function planned(event: Planned): Partial<Incident> {
  const maintenance = event.maintenance ?? null;
  const inactiveHours = event.inactiveHours === true;
  const flapping = event.flapping === true;
  return { maintenance, inactiveHours, flapping, unheard: maintenance !== null || inactiveHours };
}

function stillUnheard(
  before: Incident,
  now: { readonly maintenance?: string | null; readonly inactiveHours?: boolean },
): Partial<Incident> {
  const { maintenance = null, inactiveHours = false, unheard = false } = { ...before, ...now };
  return { ...now, unheard: unheard && (maintenance !== null || inactiveHours) };
}

/** A review asks for a handful of them in a week or so. */
export const SELF_RECOVERIES_MAX = 16;

/** Nobody was at work on it, nothing else explains it, and it was not planned. */
const isSelfCure = ({ state, suppressedBy, unheard }: Incident): boolean =>
  (state === "new" || state === "acknowledged") && suppressedBy === null && unheard !== true;
