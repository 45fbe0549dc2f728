import type { AckExpiry, IncidentEvent, NotificationOutcome, Planned, SlaClock, Tier } from "./types.ts";
import type { DutyEvent, WorkEvent } from "./work-log.ts";

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

/** What people do, and what falls due for them. */
function describeWork(event: WorkEvent): string {
  switch (event.type) {
    case "acknowledged":
      return "Acknowledged.";
    case "ack_expired":
      return `The acknowledgement is over: ${EXPIRED[event.why]}.`;
    case "assigned":
      return `Assigned to ${assignedText(event)}.`;
    case "started":
      return "Work started.";
    case "held":
      return `On hold${event.reason === "unlisted" ? "" : `, ${spoken(event.reason)}`}${saying(event.text)}`;
    case "resumed":
      return "Work resumed.";
    case "note":
      return event.text;
    case "checked":
      return event.done ? `Done: ${event.item}.` : `Not done after all: ${event.item}.`;
    case "vendor_ref":
      return `At ${event.vendor} it is ${event.ref}.`;
    case "resolved": {
      const later = event.followUp === undefined ? "" : ` Still to do: ${event.followUp}`;
      return `Resolved (${spoken(event.code)})${saying(event.text)}${later}`;
    }
    case "reopened":
      return `Reopened: ${event.why}`;
    case "closed":
      return "Closed.";
    case "cancelled":
      return `Cancelled (${spoken(event.code)})${saying(event.text)}`;
    default:
      return describeDuty(event);
  }
}

const EXPIRED: Readonly<Record<AckExpiry, string>> = {
  timeout: "nobody began to work in time",
  severity: "the fault got worse",
  scope: "more hangs on it now",
};

/** What hangs on it, and what is due. */
function describeDuty(event: DutyEvent): string {
  switch (event.type) {
    case "merged":
      return `Merged into ${event.into}, where people work on it.`;
    case "absorbed":
      return `${event.from} is merged into this one.`;
    case "split":
      return "into" in event ? `${event.into} stands for itself again.` : `Split off ${event.from} again.`;
    case "parent_set":
      return event.incident === null
        ? `It stands for itself: ${event.why}.`
        : `A consequence of ${event.incident}: ${event.why}.`;
    case "child_added":
      return `${event.incident} is a consequence of this.`;
    case "child_removed":
      return `${event.incident} is no consequence of this any more: ${event.why}.`;
    case "escalated": {
      // The collector's own step: nobody is asked, and the incident stays where it is.
      if (event.tier === 0) return `Tier 0, without anybody being asked: ${event.why}.`;
      const where = event.kind === "functional" ? `to tier ${event.tier} (${TIER_NAMES[event.tier]})` : "upwards";
      return `Escalated ${where}${event.by === "hand" ? " by hand" : ""}: ${event.why}.`;
    }
    case "sla_warned":
      return `${event.percent} % of the time to ${AIMS[event.clock]} is used up.`;
    case "sla_breached":
      return `The time to ${AIMS[event.clock]} is over.`;
    case "pause_claimed": {
      const minutes = Math.round((event.to - event.from) / 60_000);
      return `It had waited for ${minutes} min, ${spoken(event.reason)}${saying(event.text)}`;
    }
    case "notified":
      return `${OUTCOMES[event.outcome]} ${event.to} by ${event.channel}.`;
    case "review_due":
      return `For review: it cured itself ${event.times} times in ${Math.round(event.withinMs / 3_600_000)} h.`;
    case "reviewed":
      return `Reviewed${saying(event.text)}`;
    case "restated":
      return restatedText(event);
    default:
      return event satisfies never;
  }
}

const TIER_NAMES: Readonly<Record<Tier, string>> = {
  0: "the collector itself",
  1: "NOC",
  2: "field support",
  3: "engineering",
  4: "vendor",
};

const AIMS: Readonly<Record<SlaClock, string>> = {
  response: "respond",
  restore: "restore",
  vendor: "be served by the vendor",
};

const OUTCOMES: Readonly<Record<NotificationOutcome, string>> = {
  delivered: "Told",
  failed: "Could not tell",
  withheld: "Did not tell",
};

function restatedText(event: Extract<DutyEvent, { type: "restated" }>): string {
  switch (event.what) {
    case "priority":
      return event.priority === null
        ? `The priority is the collector's to find again: ${event.why}`
        : `The priority is ${event.priority}, whatever the collector finds: ${event.why}`;
    case "onset":
      return `It began at another time than was known: ${event.why}`;
    case "resolution":
      return `What solved it was ${spoken(event.code)}: ${event.why}`;
    default:
      return event satisfies never;
  }
}

function assignedText({ to, group, tier }: Extract<WorkEvent, { type: "assigned" }>): string {
  const whom = [to ?? (group == null ? "nobody" : null), group == null ? null : `group ${group}`];
  const names = whom.filter((name) => name !== null).join(", ");
  return tier === undefined ? names : `${names}, tier ${tier} (${TIER_NAMES[tier]})`;
}

const spoken = (code: string): string => code.replaceAll("_", " ");
const saying = (text: string | null): string => (text === null ? "." : `: ${text}`);
