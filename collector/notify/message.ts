/**
 * What a notification says, the same for every channel: the body of the webhook as it is (docs/notifications.md has the
 * table), and what other channels make their text of. It is fixed when it is written down, so a repeat has the same words
 * as the first attempt. Version 1 may gain fields; one that goes, or means something else, makes version 2. Pure.
 */
import type { Incident } from "../incidents/types.ts";
import type { NoticeBody, StormItem } from "../notifier.ts";
import type { Site } from "../sites.ts";

export const MESSAGE_VERSION = 1;

/**
 * What people can be told of an incident; `storm` stands for many escalations, `summary` for anything, `group` for what
 * belongs together, `test` for nothing.
 */
export const TOLD_EVENTS = [
  "opened",
  "reopened",
  "escalated",
  "sla_warned",
  "sla_breached",
  "recovered",
  "resolved",
  "cancelled",
] as const;
export type ToldEvent = (typeof TOLD_EVENTS)[number];

/** What a message in the name of several incidents says of them all, as they are then. */
export type ToldGroup = {
  /** The same in all messages of the group. */
  readonly id: string;
  /** What its incidents have in common: by the names of `group_by`. */
  readonly by: Readonly<Record<string, string>>;
  /** Of its messages, from 1. */
  readonly number: number;
  /** How many of its incidents are not over; none of them: then this is the last message of the group. */
  readonly standing: number;
  readonly isOver: boolean;
  readonly incidents: readonly {
    readonly incident: string;
    readonly title: string;
    readonly site: string;
    readonly priority: string;
    readonly isOver: boolean;
  }[];
};

export type Message = {
  readonly version: typeof MESSAGE_VERSION;
  readonly id: string;
  readonly event: ToldEvent | "storm" | "summary" | "group" | "test";
  /** Unix ms. */
  readonly at: number;
  /** One line: what a phone shows. */
  readonly summary: string;
  /** Why it is told, beyond the event's name: which step of a chain, which clock. */
  readonly why: string | null;
  /** Names of those who are meant, where the escalation named any. */
  readonly to: readonly string[];
  /** Null in a test. */
  readonly incident: ToldIncident | null;
  readonly escalation: { readonly chain: string | null; readonly step: number | null; readonly tier: number } | null;
  /** Of a storm, a summary or a group: all that it stands for, in order. */
  readonly items: readonly ToldItem[];
  /** Of a group's message only. */
  readonly group?: ToldGroup;
};

export type ToldItem = Omit<StormItem, "stands" | "tier"> & {
  /** The id that it would have had by itself. */
  readonly notification: string;
  readonly event: ToldEvent;
};

export type ToldIncident = {
  readonly id: string;
  /** Where people work on it; null when notifications.yaml does not say where the page is. */
  readonly url: string | null;
  readonly title: string;
  readonly state: string;
  readonly priority: string;
  readonly priorityWhy: string;
  readonly severity: string;
  readonly category: string;
  readonly rule: string;
  readonly site: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly device: string | null;
  readonly component: string | null;
  readonly kind: string | null;
  readonly tier: number;
  readonly assignee: string | null;
  /** Unix ms; `onsetLocal` by the clock of the site. */
  readonly onset: number;
  readonly onsetLocal: string;
  readonly openedAt: number;
  readonly recoveredAt: number | null;
  readonly values: Readonly<Record<string, number | boolean>>;
  /** `<kind>/<fault>`, and the steps below its `Do first`. */
  readonly runbook: string | null;
  readonly firstSteps: readonly string[];
};

/** Where an incident is, as far as it is known. */
export type Whereabouts = {
  readonly site: Site;
  readonly kind: string | null;
  readonly page: string | null;
  /** Of its runbook. */
  readonly firstSteps: readonly string[];
};

type Said = {
  readonly id: string;
  readonly event: Message["event"];
  readonly at: number;
  readonly why?: string;
  readonly to?: readonly string[];
  readonly escalation?: Message["escalation"];
  readonly items?: Message["items"];
};

export function incidentMessage(said: Said, incident: Incident, where: Whereabouts): Message {
  const { id, event, at, why = null, to = [], escalation = null, items = [] } = said;
  const told = toldIncident(incident, where);
  const summary =
    event === "storm"
      ? `${items.length} incidents escalated at once, the first: ${told.priority} ${told.title} (${told.site.name})`
      : `${told.priority} ${WORDS[event]}: ${told.title} (${told.site.name})`;
  return { version: MESSAGE_VERSION, id, event, at, summary, why, to, incident: told, escalation, items };
}

/** One message in place of several that a channel has to take at once; all of them are about incidents. */
export function summaryMessage(id: string, at: number, members: readonly Message[]): Message | null {
  const [first] = members;
  if (first === undefined) return null;
  const items = itemsOf(members);
  const summary = `${items.length} notifications at once, the first: ${first.summary}`;
  return { ...together(first, members), id, event: "summary", at, summary, items };
}

/** What is new in a group of incidents, in one message. */
export function groupMessage(id: string, at: number, members: readonly Message[], group: ToldGroup): Message | null {
  const [first] = members;
  if (first === undefined) return null;
  const items = itemsOf(members);
  const place = Object.values(group.by).filter((value) => value !== "");
  const where = place.length === 0 ? "" : ` (${place.join(", ")})`;
  const priority = group.incidents.map((one) => one.priority).sort()[0] ?? first.incident?.priority ?? "";
  const [only] = group.incidents;
  const summary =
    group.incidents.length === 1 && items.length === 1 && only !== undefined
      ? first.summary
      : group.isOver
        ? `${priority} all over${where}: ${counted(group.incidents.length)}, the first: ${first.incident?.title ?? ""}`
        : `${priority} ${counted(group.standing)}${where}, new in this: ${first.summary}${items.length > 1 ? ` and ${items.length - 1} more` : ""}`;
  return { ...together(first, members), id, event: "group", at, summary, items, group };
}

const counted = (incidents: number): string => `${incidents} ${incidents === 1 ? "incident" : "incidents"}`;

const together = (first: Message, members: readonly Message[]): Message => ({
  ...first,
  why: null,
  to: [...new Set(members.flatMap((member) => member.to))],
  escalation: null,
});

function itemsOf(members: readonly Message[]): ToldItem[] {
  return members.flatMap(({ id: notification, event, incident, why }): ToldItem[] => {
    if (incident === null || !isToldEvent(event)) return [];
    const { id: of, title, site, priority, priorityWhy } = incident;
    return [{ notification, event, incident: of, title, site: site.id, priority, why: why ?? priorityWhy }];
  });
}

export const isToldEvent = (event: Message["event"]): event is ToldEvent =>
  (TOLD_EVENTS as readonly string[]).includes(event);

export const testMessage = (id: string, at: number, by: string): Message => ({
  version: MESSAGE_VERSION,
  id,
  event: "test",
  at,
  summary: `A test of this channel by ${by}: nothing is wrong.`,
  why: null,
  to: [],
  incident: null,
  escalation: null,
  items: [],
});

const WORDS: Readonly<Record<ToldEvent | "summary" | "group" | "test", string>> = {
  opened: "opened",
  reopened: "is back",
  escalated: "escalated",
  sla_warned: "nears the end of its time",
  sla_breached: "is over its time",
  recovered: "recovered",
  resolved: "resolved",
  cancelled: "cancelled",
  summary: "summary",
  group: "group",
  test: "test",
};

/** Why a step of a chain is told, and of whom, as the desk's notice has it. */
export function escalationOf(notice: NoticeBody): Message["escalation"] {
  return notice.about === "escalated" ? { chain: notice.chain, step: notice.step, tier: notice.tier } : null;
}

function toldIncident(incident: Incident, { site, kind, page, firstSteps }: Whereabouts): ToldIncident {
  const { id, subject, title, state, priority, priorityWhy, severity, category, rule, tier, assignee } = incident;
  const onset = incident.restatedOnset ?? incident.onset;
  return {
    id,
    url: page === null ? null : `${page}/incidents/${encodeURIComponent(id)}`,
    ...{ title, state, priority, priorityWhy, severity, category, rule },
    site: { id: site.id, name: site.name, timeZone: site.timeZone },
    device: subject.device,
    component: subject.component,
    ...{ kind, tier, assignee, onset },
    onsetLocal: localTime(onset, site.timeZone),
    openedAt: incident.openedAt,
    recoveredAt: incident.recoveredAt,
    values: incident.values,
    runbook: incident.runbook,
    firstSteps,
  };
}

/** `2026-11-20 10:04`, by the clock of the site. */
function localTime(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
  return format.format(ms);
}
