import { err, ok, type Result } from "@aislewatch/base";
import { SYSTEM_CODES } from "./lifecycle.ts";
import { isEnded, isOpenState } from "./log.ts";
import type { Assessment } from "./priority.ts";
import type { Refusal } from "./refusal.ts";
import { reassessed } from "./transition.ts";
import type {
  Actor,
  CancelCode,
  HoldReason,
  Incident,
  IncidentEventBody,
  IncidentState,
  Priority,
  ResolutionCode,
  SlaClock,
  Tier,
} from "./types.ts";

export type { Refusal } from "./refusal.ts";

/** What a person asks for, of one incident. `version`, when given, is the incident's as the person saw it. */
export type IncidentAction = { readonly version?: number | undefined } & (
  | { readonly action: "acknowledge" | "start" | "resume" | "close" }
  | {
      readonly action: "assign";
      readonly to: string | null;
      /** Not named: as it was. */
      readonly group?: string | null | undefined;
      readonly tier?: Tier | undefined;
    }
  | { readonly action: "hold"; readonly reason: HoldReason; readonly text: string | null }
  | { readonly action: "note"; readonly text: string }
  | { readonly action: "check"; readonly item: string; readonly done: boolean }
  | { readonly action: "vendor"; readonly vendor: string; readonly ref: string }
  | {
      readonly action: "resolve";
      readonly code: ResolutionCode;
      readonly text: string | null;
      readonly tier?: Tier | undefined;
      readonly followUp?: string | undefined;
    }
  | { readonly action: "reopen"; readonly why: string }
  | { readonly action: "cancel"; readonly code: CancelCode; readonly text: string | null }
  | { readonly action: "review"; readonly text: string | null }
  | {
      readonly action: "claim_pause";
      /** Not given: all clocks that stand still for this reason. */
      readonly clock?: SlaClock | undefined;
      readonly from: number;
      readonly to: number;
      readonly reason: HoldReason;
      readonly text: string;
    }
  | { readonly action: "set_priority"; readonly priority: Priority | null; readonly why: string }
  | { readonly action: "correct_onset"; readonly onset: number; readonly why: string }
  | { readonly action: "correct_resolution"; readonly code: ResolutionCode; readonly why: string }
);

export type DecideContext = {
  readonly actor: Actor;
  readonly nowMs: number;
  /** Does the engine say that the fault stands now, or one that is merged into this one? */
  readonly stillFiring: boolean;
  /** What the collector itself finds of its priority now. */
  readonly priority: Assessment;
};

/** What began earlier than that is a slip (seconds instead of milliseconds lead to 1970), and would spoil every mean. */
const ONSET_BEFORE_MS_MAX = 366 * 86_400_000;

type Decision = Result<IncidentEventBody[], Refusal>;

const WORDS: Readonly<Record<IncidentState, string>> = {
  new: "new",
  acknowledged: "acknowledged",
  in_progress: "in progress",
  on_hold: "on hold",
  resolved: "resolved",
  closed: "closed",
  cancelled: "cancelled",
  merged: "merged into another",
};

/**
 * The events that an action by a person gives, or why it is not done. An action that changes nothing (assigning to
 * whom it is assigned) gives none. Acting on a new incident acknowledges it as well: the response clock stops when
 * somebody takes it in hand, whatever button that was.
 */
export function decideAction(incident: Incident, action: IncidentAction, context: DecideContext): Decision {
  const stale = versionRefusal(incident, action.version);
  if (stale !== null) return err(stale);
  if (isEnded(incident)) {
    return refuse(`${incident.id} is ${WORDS[incident.state]} and stays as it is; a new fault opens a new incident.`);
  }
  if (incident.state === "merged" && action.action !== "note") {
    return refuse(`${incident.id} is merged into ${incident.merged?.into}: act on that one, or split it off.`);
  }
  switch (action.action) {
    case "acknowledge":
      return acknowledge(incident, context);
    case "assign":
      return assign(incident, action);
    case "start":
      return from(incident, ["new", "acknowledged"], action.action, [...takenInHand(incident), { type: "started" }]);
    case "hold":
      return from(incident, ["new", "acknowledged", "in_progress"], action.action, [
        ...takenInHand(incident),
        { type: "held", reason: action.reason, text: said(action.text) },
      ]);
    case "resume":
      return from(incident, ["on_hold"], action.action, [{ type: "resumed" }]);
    case "reopen":
      return from(incident, ["resolved"], action.action, [{ type: "reopened", why: action.why }]);
    case "close":
      if (context.stillFiring) return refuse(`The fault of ${incident.id} still stands; closing would hide it.`);
      return from(incident, ["resolved"], action.action, [{ type: "closed" }]);
    case "resolve":
      return resolve(incident, action, context);
    case "cancel":
      return cancel(incident, action, context);
    default:
      return decideRecord(incident, action, context);
  }
}

/** Null: the person saw the incident as it is, or did not say what they saw. */
export function versionRefusal({ id, version: is }: Incident, version: number | undefined): Refusal | null {
  if (version === undefined || version === is) return null;
  return { code: "conflict", message: `${id} has changed since (version ${is}, not ${version}).` };
}

type RecordAction = Extract<
  IncidentAction,
  {
    action:
      | "note"
      | "check"
      | "vendor"
      | "review"
      | "claim_pause"
      | "set_priority"
      | "correct_onset"
      | "correct_resolution";
  }
>;

/** What is only written down: the state stays. */
function decideRecord(incident: Incident, action: RecordAction, context: DecideContext): Decision {
  switch (action.action) {
    case "note":
      return ok([{ type: "note", text: action.text }]);
    case "check": {
      const { item, done } = action;
      return ok(incident.checked.includes(item) === done ? [] : [{ type: "checked", item, done }]);
    }
    case "vendor": {
      const { vendor, ref } = action;
      const isKnown = incident.vendor?.vendor === vendor && incident.vendor.ref === ref;
      return ok(isKnown ? [] : [{ type: "vendor_ref", vendor, ref }]);
    }
    case "review":
      if (incident.review === null) return refuse(`${incident.id} is not for review.`);
      return ok([{ type: "reviewed", text: said(action.text) }]);
    case "claim_pause": {
      const { clock, from: fromMs, to, reason, text } = action;
      if (fromMs >= to || to > context.nowMs || fromMs < incident.openedAt)
        return refuse("A pause lies between the opening of the incident and now, and ends after it began.");
      return ok([{ type: "pause_claimed", ...(clock !== undefined && { clock }), from: fromMs, to, reason, text }]);
    }
    case "set_priority":
      return setPriority(incident, action, context);
    case "correct_onset":
      if (action.onset > (incident.recoveredAt ?? context.nowMs)) {
        return refuse("A fault can't have begun after it was over, nor in the future.");
      }
      if (action.onset < incident.openedAt - ONSET_BEFORE_MS_MAX) {
        return refuse("A fault can't have begun more than a year before it was found; times are in milliseconds.");
      }
      return ok([{ type: "restated", what: "onset", onset: action.onset, why: action.why }]);
    case "correct_resolution":
      if (SYSTEM_CODES.includes(action.code)) return ownCode(action.code);
      return from(incident, ["resolved"], "correct the resolution of", [
        { type: "restated", what: "resolution", code: action.code, why: action.why },
      ]);
    default:
      return action satisfies never;
  }
}

function acknowledge(incident: Incident, { actor }: DecideContext): Decision {
  // Whoever has it may say so again, so that it does not run out.
  const isTheirs = incident.state === "acknowledged" && incident.acknowledgedBy === actor;
  return isTheirs ? ok([{ type: "acknowledged" }]) : from(incident, ["new"], "acknowledge", [{ type: "acknowledged" }]);
}

function assign(incident: Incident, action: Extract<IncidentAction, { action: "assign" }>): Decision {
  if (!isOpenState(incident.state)) return wrongState(incident, "assign");
  const { to, group = incident.group, tier = incident.tier } = action;
  if (to === incident.assignee && group === incident.group && tier === incident.tier) return ok([]);
  const more = {
    ...(group !== incident.group && { group }),
    ...(tier !== incident.tier && { tier }),
  };
  return ok([{ type: "assigned", to, ...more }]);
}

function resolve(
  incident: Incident,
  { code, text, tier, followUp }: Extract<IncidentAction, { action: "resolve" }>,
  { stillFiring }: DecideContext,
): Decision {
  if (!isOpenState(incident.state)) return wrongState(incident, "resolve");
  if (SYSTEM_CODES.includes(code)) return ownCode(code);
  if (stillFiring && code === "self_recovered")
    return refuse("The fault still stands, so it has not recovered by itself.");
  if (stillFiring && said(text) === null) {
    return err({ code: "text_needed", message: "The fault still stands: say why it is resolved all the same." });
  }
  const later = said(followUp ?? null);
  const more = { ...(tier !== undefined && { tier }), ...(later !== null && { followUp: later }) };
  return ok([...takenInHand(incident), { type: "resolved", code, text: said(text), ...more }]);
}

/** There was nothing to solve. A fault that still stands is then silent until it is over, or gets worse. */
function cancel(
  incident: Incident,
  { code, text }: Extract<IncidentAction, { action: "cancel" }>,
  { stillFiring }: DecideContext,
): Decision {
  if (!isOpenState(incident.state)) return wrongState(incident, "cancel");
  if (incident.absorbed.length > 0) {
    return refuse(`Others are merged into ${incident.id} (${incident.absorbed.join(", ")}): split them off first.`);
  }
  if (stillFiring && said(text) === null) {
    return err({ code: "text_needed", message: "The fault still stands: say why it is none." });
  }
  return ok([{ type: "cancelled", code, text: said(text) }]);
}

function setPriority(
  incident: Incident,
  { priority, why }: Extract<IncidentAction, { action: "set_priority" }>,
  context: DecideContext,
): Decision {
  if (!isOpenState(incident.state)) return wrongState(incident, "set the priority of");
  if (priority === null) {
    if (!incident.isPriorityPinned) return ok([]);
    const found = reassessed({ ...incident, isPriorityPinned: false }, context.priority);
    return ok([{ type: "restated", what: "priority", priority: null, why }, ...found]);
  }
  const isSo = incident.isPriorityPinned && incident.priority === priority;
  return ok(isSo ? [] : [{ type: "restated", what: "priority", priority, why }]);
}

const takenInHand = (incident: Incident): IncidentEventBody[] =>
  incident.state === "new" ? [{ type: "acknowledged" }] : [];

const said = (text: string | null): string | null => (text === null || text.trim() === "" ? null : text.trim());

function from(
  incident: Incident,
  states: readonly IncidentState[],
  action: string,
  bodies: IncidentEventBody[],
): Decision {
  return states.includes(incident.state) ? ok(bodies) : wrongState(incident, action);
}

const wrongState = (incident: Incident, action: string): Decision =>
  refuse(`One cannot ${action} ${incident.id}: it is ${WORDS[incident.state]}.`);

const ownCode = (code: ResolutionCode): Decision =>
  refuse(`${code} is found by the collector itself; choose another code.`);

const refuse = (message: string): Decision => err({ code: "not_allowed", message });
