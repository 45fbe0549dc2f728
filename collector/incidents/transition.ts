/**
 * From what the engine says of a fault to what is written in an incident's log. One incident per key (rule and subject)
 * is not ended at a time; a fault that comes back soon is the same incident, later it is a new one.
 */
import type { Rule, Transition } from "@aislewatch/rules";
import {
  acknowledgementEnds,
  closesAt,
  DEFAULT_LIFECYCLE,
  type LifecyclePolicy,
  reopensUntil,
  SYSTEM_CODES,
} from "./lifecycle.ts";
import { isEnded, isOpenState } from "./log.ts";
import type { Assessment } from "./priority.ts";
import { type Incident, type IncidentEventBody, type Planned, TIERS } from "./types.ts";

export type TransitionContext = {
  /** As things stand with this transition applied. */
  readonly priority: Assessment;
  /** The shipped one, when it is not given. */
  readonly lifecycle?: LifecyclePolicy;
};

export type OpenedBody = Extract<IncidentEventBody, { type: "opened" }>;

export type Outcome = {
  /** Appended to the incident that was given; empty when nothing in its log changes. */
  readonly events: readonly IncidentEventBody[];
  /** The first event of a new incident of the same key, or null. */
  readonly open: OpenedBody | null;
};

const NOTHING: Outcome = { events: [], open: null };

/**
 * `incident` is the one of the transition's key that is not ended, or the latest ended one, or null. `rule` is null when
 * it was removed. The same transition given again changes nothing: a repeat of an onset is known by its time, and a
 * recovery from before the present onset is out of date.
 */
export function fromTransition(
  incident: Incident | null,
  transition: Transition,
  rule: Rule | null,
  context: TransitionContext,
): Outcome {
  const { reason, to } = transition;
  if (reason === "rule_removed" || reason === "device_removed") return removed(incident, reason);
  if (reason === "rule_changed" && to === "inactive") return removed(incident, reason);
  if (to === "firing" || to === "recovering") return firing(incident, transition, rule, context);
  if (to === "inactive" && incident !== null) return cleared(incident, transition);
  return NOTHING;
}

/** The fault is gone because what it was about is gone, or is no fault any more: nobody cured it, nothing recovered. */
function removed(incident: Incident | null, code: "rule_changed" | "rule_removed" | "device_removed"): Outcome {
  // A merged one has nothing left that could come back.
  if (incident?.state === "merged" && !isEnded(incident)) return { events: [{ type: "closed" }], open: null };
  if (incident === null || !isOpenState(incident.state)) return NOTHING;
  return { events: [{ type: "resolved", code, text: null }], open: null };
}

function cleared(incident: Incident, transition: Transition): Outcome {
  const stands = incident.recoveredAt === null && !isEnded(incident);
  if (!stands || transition.at < incident.onset) return NOTHING;
  const events: IncidentEventBody[] = [{ type: "recovered", values: transition.values }];
  if (incident.suppressedBy !== null) events.push({ type: "unsuppressed" });
  if (incident.stale) events.push({ type: "fresh" });
  const cause = causeOfRecovery(incident, transition.at);
  const text = cause === null ? unheardText(incident) : `It came back together with ${cause.replace(/^rule:/, "")}.`;
  // What somebody waits for, it may not need any more: they are to look.
  if (incident.state === "on_hold") events.push({ type: "resumed" });
  if (text !== null) events.push({ type: "resolved", code: "self_recovered", text });
  return { events, open: null };
}

/** Nobody was called, and nobody has it in hand: there is nothing to review in what was planned. */
function unheardText({ state, unheard, maintenance }: Incident): string | null {
  if (state !== "new" || unheard !== true) return null;
  return maintenance == null
    ? "It came and went outside the hours of its rule."
    : `It came and went in maintenance (${maintenance}).`;
}

/** A child may fire this long before what it hangs on is known to be down. */
const CAUSE_SETTLE_MS = 60_000;
/** And come back this long after it. */
const CAUSE_ECHO_MS = 2 * 60_000;

/**
 * The cause that an incident came and went with, when nobody took it in hand: there is nothing to review in it, for the
 * cause has an incident of its own. A fault that stood before its cause, or outlived it, is one by itself.
 */
function causeOfRecovery(incident: Incident, at: number): string | null {
  const { state, cause } = incident;
  // A silent agent hides its devices and breaks none of them: what fired behind it fired for a reason of its own.
  if (state !== "new" || cause === null || cause.by.startsWith("agent:")) return null;
  return isOfItsCause(incident, at) ? cause.by : null;
}

/** Did it come with what it hung behind, and was it gone with it, or not for long after it, at this time? */
export function isOfItsCause({ cause, openedAt, reopenedAt = openedAt }: Incident, at: number): boolean {
  if (cause === null || cause.since - reopenedAt > CAUSE_SETTLE_MS) return false;
  return cause.until === null || at - cause.until <= CAUSE_ECHO_MS;
}

function firing(
  incident: Incident | null,
  transition: Transition,
  rule: Rule | null,
  context: TransitionContext,
): Outcome {
  if (incident === null) return { events: [], open: openedBy(transition, rule, context) };
  const known = incident.onset === transition.since;
  if (isEnded(incident)) {
    const isDoneWith = incident.state === "cancelled" ? isStillCancelled(incident, transition) : known;
    return isDoneWith ? NOTHING : { events: [], open: openedBy(transition, rule, context) };
  }
  if (!isOver(incident)) return { events: stillFiring(incident, transition, context), open: null };
  // What the log knows already: this onset and all before it have recovered. Event times of an agent do not go back by
  // more than a minute, for a clock that is off is corrected before the engine sees them.
  const echo = incident.recoveredAt !== null && (known || transition.at <= incident.onset);
  if (echo || transition.to === "recovering" || rule === null || rule.mode === "shadow") return NOTHING;
  if (comesBackSoon(incident, transition, context)) {
    return { events: firedAgain(incident, transition, context), open: null };
  }
  return { events: finish(incident), open: openedBy(transition, rule, context) };
}

/**
 * Somebody said that this is no fault, and it has stood ever since: until it is over, or gets worse than what they saw,
 * it calls nobody again.
 */
const isStillCancelled = ({ closedAt, severity: seen }: Incident, { since, severity }: Transition): boolean =>
  closedAt !== null && since <= closedAt && (severity === null || RANK[severity] <= RANK[seen]);

/** The first event of a new incident; null for rules that open none. */
export function openedBy(
  transition: Transition,
  rule: Rule | null,
  { priority }: TransitionContext,
): OpenedBody | null {
  if (rule === null || rule.mode === "shadow" || transition.severity === null) return null;
  return {
    type: "opened",
    subject: transition.subject,
    rule: transition.rule,
    ruleVersion: transition.ruleVersion,
    title: transition.title,
    severity: transition.severity,
    category: rule.category,
    runbook: rule.runbook,
    onset: transition.since,
    values: transition.values,
    priority: priority.priority,
    why: priority.why,
    suppressedBy: transition.flags.suppressedBy,
    tier: TIERS.find((tier) => tier === rule.tier) ?? 1,
    ...plannedOf(transition),
  };
}

function plannedOf({ flags: { maintenance, inactiveHours, flapping } }: Transition): Planned {
  return {
    ...(maintenance !== undefined && { maintenance }),
    ...(inactiveHours && { inactiveHours }),
    ...(flapping && { flapping }),
  };
}

/** The fault stood before and stands now: its level or a flag changed. */
function stillFiring(incident: Incident, transition: Transition, context: TransitionContext): IncidentEventBody[] {
  const events: IncidentEventBody[] = flags(incident, transition);
  const { severity, title, values } = transition;
  if (severity === null || severity === incident.severity) {
    // While it was not heard of, or called nobody, the site may have opened or closed.
    const isKnownAgain = events.some(({ type }) => type === "unsuppressed" || type === "fresh");
    const { suppressedBy, stale } = transition.flags;
    return isKnownAgain && suppressedBy === null && !stale
      ? [...events, ...reassessed(incident, context.priority)]
      : events;
  }
  const byEdit = transition.reason === "rule_changed";
  events.push({ type: "level_changed", severity, title, values, ...(byEdit && { byEdit }) });
  // A person accepted the fault as it was when they resolved it, not one that got worse.
  if (RANK[severity] > RANK[incident.severity]) {
    if (incident.state === "resolved") {
      events.push({ type: "reopened", why: `The fault became ${severity} after it was resolved.` });
    }
    events.push(...acknowledgementEnds(incident, "severity", context.lifecycle ?? DEFAULT_LIFECYCLE));
  }
  return [...events, ...reassessed(incident, context.priority)];
}

const RANK = { info: 0, minor: 1, major: 2, critical: 3 } as const;

function firedAgain(incident: Incident, transition: Transition, context: TransitionContext): IncidentEventBody[] {
  const { since, title, values } = transition;
  const severity = transition.severity ?? incident.severity;
  const events: IncidentEventBody[] = [
    { type: "fired_again", onset: since, severity, title, values, ...plannedOf(transition) },
  ];
  if (incident.state === "resolved") events.push({ type: "reopened", why: "The fault came back." });
  // What is planned is in the event; what stood before is over.
  const { flapping, inactiveHours, maintenance } = plannedOf(transition);
  const before = { ...incident, flapping: flapping === true, inactiveHours: inactiveHours === true };
  const fresh = { ...before, maintenance: maintenance ?? null };
  return [...events, ...flags(fresh, transition), ...reassessed(incident, context.priority)];
}

/** Is a fault that fires at this time the same incident again? */
export function comesBackSoon(
  incident: Incident,
  { at }: Transition,
  { lifecycle = DEFAULT_LIFECYCLE }: TransitionContext,
): boolean {
  // Whoever has it in hand learns that it came back, however late; a second incident would go to somebody else.
  // Neither may what is merged, or has others merged into it, come apart by itself.
  if (incident.state === "merged" || incident.absorbed.length > 0 || incident.review !== null) return true;
  if (isOpenState(incident.state) && incident.state !== "new") return true;
  return at <= reopensUntil(incident, lifecycle);
}

/** Ends a recovered incident so that a new one may take its key. */
function finish(incident: Incident): IncidentEventBody[] {
  const text = "Nobody looked at it before the fault came back, long after: see the incident opened then.";
  return incident.state === "resolved"
    ? [{ type: "closed" }]
    : [{ type: "resolved", code: "self_recovered", text }, { type: "closed" }];
}

function flags(incident: Incident, { flags: now }: Transition): IncidentEventBody[] {
  const { suppressedBy, stale, flapping = false, inactiveHours = false, maintenance = null } = now;
  const events: IncidentEventBody[] = [];
  if (flapping && incident.flapping !== true) events.push({ type: "flapping" });
  if (maintenance !== (incident.maintenance ?? null)) events.push({ type: "maintenance", window: maintenance });
  if (inactiveHours !== (incident.inactiveHours ?? false)) events.push({ type: "hours", active: !inactiveHours });
  if (suppressedBy !== incident.suppressedBy) {
    events.push(suppressedBy === null ? { type: "unsuppressed" } : { type: "suppressed", by: suppressedBy });
  }
  if (stale !== incident.stale) events.push({ type: stale ? "stale" : "fresh" });
  return events;
}

/** For the judge, when what is left of a role changed: the event, if the priority did. */
export function reassessed(incident: Incident, { priority, why }: Assessment): IncidentEventBody[] {
  return priority === incident.priority || incident.isPriorityPinned
    ? []
    : [{ type: "priority_changed", priority, why }];
}

export type DueClose = { readonly incident: Incident; readonly events: readonly IncidentEventBody[] };

export type DueContext = {
  readonly rules: ReadonlyMap<string, Pick<Rule, "autoCloseMs">>;
  readonly lifecycle: LifecyclePolicy;
  /** Of an id, one that has not ended. */
  readonly find: (id: string) => Incident | null;
};

/**
 * What falls due by the clock: recovered incidents whose rule lets them resolve by themselves (`auto_close`), and
 * resolved ones that may close because nobody can reopen them any more. What is for review waits for it.
 */
export function dueCloses(incidents: Iterable<Incident>, context: DueContext, nowMs: number): DueClose[] {
  const due: DueClose[] = [];
  for (const incident of incidents) {
    const { state, recoveredAt, review } = incident;
    const autoCloseMs = context.rules.get(incident.rule)?.autoCloseMs ?? null;
    const isQuiet = isOpenState(state) && recoveredAt !== null && review === null && isAllOver(incident, context);
    if (isQuiet && autoCloseMs !== null && nowMs >= recoveredAt + autoCloseMs) {
      due.push({ incident, events: [{ type: "resolved", code: "self_recovered", text: null }] });
    }
    if (state !== "resolved" || !isAllOver(incident, context)) continue;
    if (nowMs >= closesAt(incident, context.lifecycle)) due.push({ incident, events: [{ type: "closed" }] });
  }
  return due;
}

/** Neither its own fault stands any more nor one of those that are merged into it. */
const isAllOver = (incident: Incident, { find }: DueContext): boolean =>
  isOver(incident) && incident.absorbed.every((id) => find(id)?.recoveredAt !== null);

/** The fault does not stand any more. Resolved while it still fires, an incident stays until it recovers. */
const isOver = ({ recoveredAt, resolutionCode }: Incident): boolean =>
  recoveredAt !== null || (resolutionCode !== null && SYSTEM_CODES.includes(resolutionCode));
