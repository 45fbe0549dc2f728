import type { IncidentEvent } from "./types.ts";

/** One or two sentences for the timeline, without who and when: those stand beside it. */
export function describeEvent(event: IncidentEvent): string {
  const text = describe(event);
  return event.late ? `${text} Found afterwards, in readings that the agent had kept.` : text;
}

function describe(event: IncidentEvent): string {
  switch (event.type) {
    case "opened": {
      const hidden = event.suppressedBy === null ? "" : `; nobody is called while ${event.suppressedBy} is down`;
      return `Opened as ${event.priority} (${event.why}): ${event.title}${hidden}.`;
    }
    case "level_changed":
      return `Now ${event.severity}: ${event.title}.`;
    case "priority_changed":
      return `Priority is now ${event.priority} (${event.why}).`;
    case "suppressed":
      return `Nobody is called while ${event.by} is down.`;
    case "unsuppressed":
      return "What it depends on is up again; it counts by itself.";
    case "stale":
      return "The values are too old to tell; what was last known stands.";
    case "fresh":
      return "Fresh values are here again.";
    case "recovered":
      return "The fault cured itself.";
    case "fired_again":
      return `The fault came back (${event.severity}): ${event.title}.`;
    case "began_earlier":
      return "The fault is older than was known.";
    case "recovered_earlier":
      return "The fault had cured itself before that was known.";
    default:
      return describeWork(event);
  }
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
