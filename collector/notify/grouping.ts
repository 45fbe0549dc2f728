/**
 * Notifications of one route that belong together are told as one: what a group is, when its next message may go, and
 * when it is closed. Pure; the outbox keeps groups in the commit of what joins them.
 *
 * - The first of a group waits `waitMs` for others. After a message the next one comes `intervalMs` later at the earliest,
 *   and what comes after a longer rest waits `waitMs` again.
 * - A message has all that was to be told since the last, in order, and says of which incidents the group is.
 * - The message after which none of its incidents stands any more closes the group: what comes then begins another one.
 */
import type { Incident } from "../incidents/types.ts";
import type { ToldGroup } from "./message.ts";

/** What can be the same of all incidents of a group. */
export const GROUP_KEYS = ["site", "region", "rule", "kind", "category", "priority", "parent"] as const;
export type GroupKey = (typeof GROUP_KEYS)[number];

/** Of a route. */
export type Grouping = {
  /** Empty: all that the route tells a channel is one group. */
  readonly by: readonly GroupKey[];
  readonly waitMs: number;
  readonly intervalMs: number;
};

export type GroupMember = {
  readonly incident: string;
  readonly title: string;
  readonly site: string;
  readonly priority: string;
  /** Its fault recovered, or people are done with it. */
  readonly isOver: boolean;
};

export type GroupRecord = {
  /** `group/tickets/INC-000001/1`: after its channel and the first notification in it. */
  readonly id: string;
  readonly channel: string;
  /** The same for all that belongs together. */
  readonly key: string;
  readonly by: Readonly<Partial<Record<GroupKey, string>>>;
  readonly waitMs: number;
  readonly intervalMs: number;
  /** Before that there is no further message. */
  readonly nextAt: number;
  /** How many there were. */
  readonly messages: number;
  /** Those that stand, and those that were over since the last message. */
  readonly members: readonly GroupMember[];
  readonly isClosed: boolean;
};

/** In one group; what is more makes another one of the same key. */
export const GROUP_MEMBERS_MAX = 500;

/** What the incidents of a group have in common; `before`: what an incident hung below until just now. */
export function valuesOf(
  by: readonly GroupKey[],
  { incident, kind, region, before }: GroupSubject,
): Partial<Record<GroupKey, string>> {
  const all: Record<GroupKey, string> = {
    site: incident.subject.site,
    region: region ?? "",
    rule: incident.rule,
    kind: kind ?? "",
    category: incident.category,
    priority: incident.priority,
    parent: incident.parent ?? before?.parent ?? incident.id,
  };
  return Object.fromEntries(by.map((key) => [key, all[key]]));
}

export type GroupSubject = {
  readonly incident: Incident;
  readonly before: Incident | null;
  readonly kind: string | null;
  readonly region: string | null;
};

export const keyOfValues = (values: Readonly<Partial<Record<GroupKey, string>>>): string =>
  JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The group that a notification begins. */
export function begun(
  notification: string,
  channel: string,
  { by, waitMs, intervalMs }: { readonly by: GroupRecord["by"]; readonly waitMs: number; readonly intervalMs: number },
  nowMs: number,
): GroupRecord {
  const timing = { waitMs, intervalMs, nextAt: nowMs + waitMs, messages: 0 };
  return {
    id: `group/${channel}/${notification}`,
    channel,
    key: keyOfValues(by),
    by,
    ...timing,
    members: [],
    isClosed: false,
  };
}

/** With one more to tell of this incident. `isResting`: nothing else waits to be told. */
export function joined(group: GroupRecord, member: GroupMember, isResting: boolean, nowMs: number): GroupRecord {
  const nextAt = isResting ? Math.max(group.nextAt, nowMs + group.waitMs) : group.nextAt;
  return { ...withMember(group, member), nextAt };
}

/** An incident of the group as it is now; the group itself when that changes nothing. */
export function marked(group: GroupRecord, incident: string, isOver: boolean): GroupRecord {
  const known = group.members.find((one) => one.incident === incident);
  return known === undefined || known.isOver === isOver ? group : withMember(group, { ...known, isOver });
}

function withMember(group: GroupRecord, member: GroupMember): GroupRecord {
  const at = group.members.findIndex(({ incident }) => incident === member.incident);
  const members = at < 0 ? [...group.members, member] : group.members.with(at, member);
  return { ...group, members };
}

export const hasRoom = ({ members }: GroupRecord): boolean => members.length < GROUP_MEMBERS_MAX;

/**
 * After a message: what is over was told, and need not be kept, unless more of it is still to be told (`waits`). Closed
 * when nothing is left.
 */
export function told(group: GroupRecord, waits: (incident: string) => boolean, nowMs: number): GroupRecord {
  return settled({ ...group, nextAt: nowMs + group.intervalMs, messages: group.messages + 1 }, waits);
}

/** Without those that are over and of which nothing is to be told any more. */
export function settled(group: GroupRecord, waits: (incident: string) => boolean): GroupRecord {
  const members = group.members.filter(({ incident, isOver }) => !isOver || waits(incident));
  return { ...group, members, isClosed: members.length === 0 };
}

/** What a message says of its group; `after`: the group as it is then. */
export function toldGroup({ id, by, members, messages }: GroupRecord, after: GroupRecord): ToldGroup {
  const standing = members.filter(({ isOver }) => !isOver).length;
  return { id, by, number: messages + 1, standing, isOver: after.isClosed, incidents: members };
}
