import { err, ok, type Result } from "@aislewatch/base";
import { isEnded, isOpenState } from "./log.ts";
import type { Actor, HoldReason, Incident, IncidentEventBody, IncidentState, ResolutionCode } from "./types.ts";

/** What a person asks for. `version`, when given, is the incident's as the person saw it. */
export type IncidentAction = { readonly version?: number | undefined } & (
  | { readonly action: "acknowledge" }
  | { readonly action: "assign"; readonly to: string | null }
  | { readonly action: "start" }
  | { readonly action: "hold"; readonly reason: HoldReason; readonly text: string | null }
  | { readonly action: "resume" }
  | { readonly action: "note"; readonly text: string }
  | { readonly action: "resolve"; readonly code: ResolutionCode; readonly text: string | null }
  | { readonly action: "reopen"; readonly why: string }
  | { readonly action: "close" }
);

/**
 * Why an action is not done. `conflict`: somebody else acted first, fetch the incident again. `not_allowed`: its state
 * does not allow it. `text_needed`: say why, and it will be done.
 */
export type Refusal = { readonly code: "conflict" | "not_allowed" | "text_needed"; readonly message: string };

export type DecideContext = {
  readonly actor: Actor;
  readonly nowMs: number;
  /** Does the engine say that the fault stands now? */
  readonly stillFiring: boolean;
};

type Decision = Result<IncidentEventBody[], Refusal>;

/** Resolutions that only the collector itself finds. */
const SYSTEM_CODES: readonly ResolutionCode[] = ["rule_changed", "rule_removed", "device_removed"];

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
  if (action.version !== undefined && action.version !== incident.version) {
    return err({
      code: "conflict",
      message: `${incident.id} has changed since (version ${incident.version}, not ${action.version}).`,
    });
  }
  if (isEnded(incident)) {
    return refuse(`${incident.id} is ${WORDS[incident.state]} and stays as it is; a new fault opens a new incident.`);
  }
  switch (action.action) {
    case "acknowledge":
      return from(incident, ["new"], action.action, [{ type: "acknowledged" }]);
    case "assign":
      if (!isOpenState(incident.state)) return wrongState(incident, "assign");
      return ok(action.to === incident.assignee ? [] : [{ type: "assigned", to: action.to }]);
    case "start":
      return from(incident, ["new", "acknowledged"], action.action, [...takenInHand(incident), { type: "started" }]);
    case "hold":
      return from(incident, ["new", "acknowledged", "in_progress"], action.action, [
        ...takenInHand(incident),
        { type: "held", reason: action.reason, text: action.text },
      ]);
    case "resume":
      return from(incident, ["on_hold"], action.action, [{ type: "resumed" }]);
    case "note":
      return ok([{ type: "note", text: action.text }]);
    case "resolve":
      return resolve(incident, action, context);
    case "reopen":
      return from(incident, ["resolved"], action.action, [{ type: "reopened", why: action.why }]);
    case "close":
      if (context.stillFiring) return refuse(`The fault of ${incident.id} still stands; closing would hide it.`);
      return from(incident, ["resolved"], action.action, [{ type: "closed" }]);
    default:
      return action satisfies never;
  }
}

function resolve(
  incident: Incident,
  { code, text }: { code: ResolutionCode; text: string | null },
  { stillFiring }: DecideContext,
): Decision {
  if (!isOpenState(incident.state)) return wrongState(incident, "resolve");
  if (SYSTEM_CODES.includes(code)) return refuse(`${code} is found by the collector itself; choose another code.`);
  if (stillFiring && code === "self_recovered")
    return refuse("The fault still stands, so it has not recovered by itself.");
  const said = text === null || text.trim() === "" ? null : text.trim();
  if (stillFiring && said === null) {
    return err({ code: "text_needed", message: "The fault still stands: say why it is resolved all the same." });
  }
  return ok([...takenInHand(incident), { type: "resolved", code, text: said }]);
}

const takenInHand = (incident: Incident): IncidentEventBody[] =>
  incident.state === "new" ? [{ type: "acknowledged" }] : [];

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

const refuse = (message: string): Decision => err({ code: "not_allowed", message });
