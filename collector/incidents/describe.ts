import type { IncidentEvent, Planned } from "./types.ts";

/** One or two sentences for the timeline, without who and when: those stand beside it. */
export function describeEvent(event: IncidentEvent): string {
  const text = describe(event);
  return event.late ? `${text} Found afterwards, in readings that the agent had kept.` : text;
}

function describe(event: IncidentEvent): string {
  switch (event.type) {
    case "opened": {
      const hidden = event.suppressedBy === null ? "" : `; nobody is called ${because(event.suppressedBy)}`;
      return `Opened as ${event.priority} (${event.why}): ${event.title}${hidden}${plannedText(event)}.`;
    }
    case "level_changed":
      return `Now ${event.severity}${event.byEdit ? ", for the rule was edited" : ""}: ${event.title}.`;
    case "priority_changed":
      return `Priority is now ${event.priority} (${event.why}).`;
    case "suppressed":
      return `Nobody is called ${because(event.by)}.`;
    case "unsuppressed":
      return "What it was put down to is over; it counts by itself.";
    case "stale":
      return "The values are too old to tell; what was last known stands.";
    case "fresh":
      return "Fresh values are here again.";
    case "recovered":
      return "The fault cured itself.";
    case "fired_again":
      return `The fault came back (${event.severity}): ${event.title}${plannedText(event)}.`;
    case "flapping":
      return "It comes and goes: one fault until it was quiet for a while.";
    case "maintenance":
      return event.window === null
        ? "Maintenance is over, and it still stands."
        : `Nobody is called during maintenance (${event.window}).`;
    case "hours":
      return event.active
        ? "The hours of its rule began, and it stands."
        : "Nobody is called outside its rule's hours.";
    case "began_earlier":
      return "The fault is older than was known.";
    case "recovered_earlier":
      return "The fault had cured itself before that was known.";
    default:
      return describeWork(event);
  }
}

/** `rule:few@store-1` is a wider fault that took it in; anything else is down. */
function because(by: string): string {
  return by.startsWith("rule:") ? `for what is part of ${by.slice("rule:".length)}` : `while ${by} is down`;
}

function plannedText({ maintenance, inactiveHours, flapping }: Planned): string {
  const notes = [
    ...(maintenance === undefined ? [] : [`in maintenance (${maintenance}), nobody is called`]),
    ...(inactiveHours ? ["outside the hours of its rule, nobody is called"] : []),
    ...(flapping ? ["flapping"] : []),
  ];
  return notes.map((note) => `; ${note}`).join("");
}

type WorkEvent = Exclude<
  IncidentEvent,
  {
    type:
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
  }
>;

function describeWork(event: WorkEvent): string {
  switch (event.type) {
    case "acknowledged":
      return "Acknowledged.";
    case "assigned":
      return event.to === null ? "Assigned to nobody." : `Assigned to ${event.to}.`;
    case "started":
      return "Work started.";
    case "held":
      return `On hold: ${event.reason}`;
    case "resumed":
      return "Work resumed.";
    case "note":
      return event.text;
    case "resolved":
      return `Resolved (${event.code.replaceAll("_", " ")})${event.text === null ? "." : `: ${event.text}`}`;
    case "reopened":
      return `Reopened: ${event.why}`;
    case "closed":
      return "Closed.";
    default:
      return event satisfies never;
  }
}
