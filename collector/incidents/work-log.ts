/**
 * The part of the fold that is about work: what people do, and what falls due for them. What the fault itself does is in
 * log.ts.
 */
import type { Incident, IncidentEvent } from "./types.ts";

/** Events that say what a fault does, or what is planned for it. */
export type FaultEventType =
  | "opened"
  | "level_changed"
  | "priority_changed"
  | "suppressed"
  | "unsuppressed"
  | "stale"
  | "fresh"
  | "recovered"
  | "fired_again"
  | "flapping"
  | "maintenance"
  | "hours"
  | "began_earlier"
  | "recovered_earlier";

export type WorkEvent = Exclude<IncidentEvent, { type: FaultEventType }>;

/** What hangs on an incident, and what is due for it. */
export type DutyEvent = RelationEvent | DueEvent | Extract<WorkEvent, { type: "pause_claimed" }>;

type RelationEvent = Extract<
  WorkEvent,
  { type: "merged" | "absorbed" | "split" | "parent_set" | "child_added" | "child_removed" }
>;
type DueEvent = Extract<
  WorkEvent,
  { type: "escalated" | "sla_warned" | "sla_breached" | "notified" | "review_due" | "reviewed" | "restated" }
>;
type FieldEvent = Extract<WorkEvent, { type: "assigned" | "checked" | "vendor_ref" | "note" | "pause_claimed" }>;
type StateEvent = Exclude<WorkEvent, RelationEvent | DueEvent | FieldEvent>;

const NOT_RESOLVED = { resolvedAt: null, resolutionCode: null, resolvedTier: null, followUp: null } as const;
const NOT_HELD = { holdReason: null, holdText: null } as const;
const NOT_ACKNOWLEDGED = { acknowledgedAt: null, acknowledgedBy: null } as const;

/** What one event changes. Exhaustive: a new event type does not compile until it says what it does. */
export function changeByWork(before: Incident, event: WorkEvent): Partial<Incident> {
  switch (event.type) {
    case "merged":
    case "absorbed":
    case "split":
    case "parent_set":
    case "child_added":
    case "child_removed":
      return changeOfRelation(before, event);
    case "escalated":
    case "sla_warned":
    case "sla_breached":
    case "notified":
    case "review_due":
    case "reviewed":
    case "restated":
      return changeOfDuty(before, event);
    case "assigned":
    case "checked":
    case "vendor_ref":
    case "note":
    case "pause_claimed":
      return changeOfField(before, event);
    default:
      return changeOfState(before, event);
  }
}

function changeOfState(before: Incident, event: StateEvent): Partial<Incident> {
  switch (event.type) {
    case "acknowledged":
      return { state: "acknowledged", acknowledgedAt: event.at, acknowledgedBy: event.actor, ackExpired: null };
    case "ack_expired":
      return {
        state: "new",
        ...NOT_ACKNOWLEDGED,
        ackExpired: { at: event.at, by: before.acknowledgedBy, why: event.why },
      };
    case "started":
      return { state: "in_progress" };
    case "held":
      return { state: "on_hold", holdReason: event.reason, holdText: event.text };
    case "resumed":
      return { state: "in_progress", ...NOT_HELD };
    case "resolved":
      return {
        state: "resolved",
        resolvedAt: event.at,
        resolutionCode: event.code,
        resolvedTier: event.tier ?? before.tier,
        followUp: event.followUp ?? null,
        // Whoever says what it was has found out.
        ...(event.code !== "self_recovered" && { review: null, selfRecoveries: [] }),
        ...NOT_HELD,
      };
    case "reopened":
      // Somebody must look again: an acknowledgement of the first time is not one of this time.
      return { state: "new", reopenedAt: event.at, ...NOT_ACKNOWLEDGED, ...NOT_RESOLVED };
    case "closed":
      // A merged one ends with the one it was merged into, and stays what it was.
      return before.state === "merged"
        ? { closedAt: event.at }
        : { state: "closed", closedAt: event.at, resolvedAt: before.resolvedAt ?? event.at };
    case "cancelled":
      return { state: "cancelled", closedAt: event.at, cancelCode: event.code, ...NOT_HELD, ...NOT_RESOLVED };
    default:
      return event satisfies never;
  }
}

function changeOfRelation(before: Incident, event: RelationEvent): Partial<Incident> {
  switch (event.type) {
    case "merged":
      return { state: "merged", merged: { into: event.into, was: before.state }, ...NOT_HELD };
    case "absorbed":
      return { absorbed: [...before.absorbed, event.from] };
    case "split": {
      if ("into" in event) return { absorbed: before.absorbed.filter((id) => id !== event.into) };
      const was = before.merged?.was ?? "new";
      // What it waited for while it was on hold, somebody else has waited for meanwhile, or not.
      return { state: was === "on_hold" ? "in_progress" : was, merged: null };
    }
    case "parent_set":
      return { parent: event.incident, parentWhy: event.incident === null ? null : event.why };
    case "child_added":
      return { children: before.children + 1 };
    case "child_removed":
      return { children: Math.max(0, before.children - 1) };
    default:
      return event satisfies never;
  }
}

function changeOfDuty(before: Incident, event: DueEvent): Partial<Incident> {
  switch (event.type) {
    case "escalated": {
      const { policy, step, at, kind, tier } = event;
      return { escalation: { policy, step, at }, ...(kind === "functional" && { tier }) };
    }
    case "sla_warned": {
      const { warnedPercent = 0, breachedAt = null } = before.sla[event.clock] ?? {};
      return {
        sla: { ...before.sla, [event.clock]: { warnedPercent: Math.max(warnedPercent, event.percent), breachedAt } },
      };
    }
    case "sla_breached": {
      const { warnedPercent = 0, breachedAt = null } = before.sla[event.clock] ?? {};
      return { sla: { ...before.sla, [event.clock]: { warnedPercent, breachedAt: breachedAt ?? event.at } } };
    }
    case "notified":
      return {};
    case "review_due":
      return { review: { since: event.at, times: event.times, withinMs: event.withinMs } };
    case "reviewed":
      // What was looked into does not count again.
      return { review: null, selfRecoveries: [] };
    case "restated":
      return restate(event);
    default:
      return event satisfies never;
  }
}

function restate(event: Extract<DueEvent, { type: "restated" }>): Partial<Incident> {
  switch (event.what) {
    case "priority":
      return event.priority === null
        ? { isPriorityPinned: false }
        : { priority: event.priority, priorityWhy: event.why, isPriorityPinned: true };
    case "onset":
      return { restatedOnset: event.onset };
    case "resolution":
      return { resolutionCode: event.code };
    default:
      return event satisfies never;
  }
}

function changeOfField(before: Incident, event: FieldEvent): Partial<Incident> {
  switch (event.type) {
    case "assigned":
      return {
        assignee: event.to,
        ...(event.group !== undefined && { group: event.group }),
        ...(event.tier !== undefined && { tier: event.tier }),
      };
    case "checked": {
      const others = before.checked.filter((item) => item !== event.item);
      return { checked: event.done ? [...others, event.item] : others };
    }
    case "vendor_ref":
      return { vendor: { vendor: event.vendor, ref: event.ref } };
    case "note":
    case "pause_claimed":
      return {};
    default:
      return event satisfies never;
  }
}
