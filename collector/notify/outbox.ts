/**
 * What is to be told, from the turn in which the events are written until it was delivered or given up. The state store
 * has it, in the same commit as the events; this is what memory holds beside it.
 *
 * - Nothing is sent before it is on disk, so that whoever was told finds the incident, whatever is killed in between.
 * - What was sent stays `waiting` on disk until the commit that says so: a kill sends it again, with the same id and words.
 * - Records of one incident go to a channel one after another, in the order of writing.
 * - What a route groups waits in the line of its incident, is never sent by itself, and makes room for the message of its
 *   group in one commit. Nothing is written behind it in that line: what can't wait takes its group along.
 */
import type { Clock } from "@aislewatch/base";
import type { Written } from "../incident-book.ts";
import { isOpenState } from "../incidents/log.ts";
import type { Incident } from "../incidents/types.ts";
import { type Notice, type Notifier, noticeId, type StormItem } from "../notifier.ts";
import type { StateStore } from "../store/state/store.ts";
import {
  told as afterMessage,
  begun,
  type Grouping,
  type GroupMember,
  type GroupRecord,
  type GroupSubject,
  hasRoom,
  joined,
  keyOfValues,
  marked,
  settled,
  toldGroup,
  valuesOf,
} from "./grouping.ts";
import {
  escalationOf,
  groupMessage,
  incidentMessage,
  type Message,
  summaryMessage,
  type ToldEvent,
  type ToldItem,
  type Whereabouts,
} from "./message.ts";
import type { AttemptRecord, NotificationRecord } from "./record.ts";
import { audienceOf, callsOf, type NotificationPolicy, type Told, targetsOfIncident, tellAt } from "./routing.ts";

/** For one channel; a day of a chain of 1,000 stores has some thousand. Beyond it, what is new is given up, and logged. */
export const WAITING_MAX = 20_000;
/** Attempts that wait for a state store that can't be written; beyond it the oldest are not logged. */
const ATTEMPTS_MAX = 10_000;
/** Of one incident that are looked at to know who was told; one that flaps for a week has fewer. */
const TOLD_MAX = 500;

export type OutboxDeps = {
  readonly clock: Clock;
  readonly state: Pick<StateStore, "waitingNotifications" | "notificationsOf" | "notificationGroups">;
  readonly policy: () => NotificationPolicy;
  readonly whereabouts: (incident: Incident) => Omit<Whereabouts, "page">;
};

/** What no limit holds back. */
export const isUrgentRecord = ({ message: { event, incident, items } }: NotificationRecord): boolean =>
  event === "group"
    ? items.some(({ priority }) => priority === "P1")
    : items.length === 0 && incident?.priority === "P1";

/** These stand for many already. */
const ALONE: ReadonlySet<string> = new Set(["storm", "summary", "group"]);
/** Their parts have records of their own. */
const IN_PARTS: ReadonlySet<string> = new Set(["summary", "group"]);
/** In one summary, or one message of a group; what is more gets another one. */
const SUMMARY_ITEMS_MAX = 500;
/** Of all channels that are not closed; beyond it, what would begin another one goes by itself. */
const GROUPS_MAX = 5_000;

/** One that waits. */
export type Waiting = { readonly record: NotificationRecord };

export type OutboxPending = {
  readonly notifications: readonly NotificationRecord[];
  readonly attempts: readonly AttemptRecord[];
  readonly groups: readonly GroupRecord[];
  /** They are on disk. */
  committed(): void;
  putBack(): void;
};

export type Outbox = Notifier & {
  /** Takes what the store has that was not delivered. */
  restore(): void;
  /** What was written to an incident; before the commit that has it. */
  observe(written: Written): void;
  takePending(): OutboxPending;
  /** Names of channels for which something waits, also of such that are in no file any more. */
  channels(): string[];
  waitingCount(channel: string): number;
  /** When the oldest that should have gone was to go, and the oldest that was tried in vain; null: there is none. */
  oldest(channel: string, nowMs: number): { readonly due: number | null; readonly tried: number | null };
  /** When the next message of a group may go; null when there is no such group. */
  groupAt(id: string): number | null;
  /** Of an incident, oldest first, as they are now. */
  recordsOf(incident: string): readonly NotificationRecord[];
  /** Makes the messages of groups whose time has come; they are sent once they are on disk. True when there is one. */
  gather(channel: string, nowMs: number): boolean;
  /** Takes the next one that may be tried now; `settle` gives it back. Null: none is due. */
  take(channel: string, nowMs: number, isUrgent?: boolean): Waiting | null;
  /** How many are due that may stand in a summary. */
  dueCount(channel: string, nowMs: number): number;
  /** Makes one summary of them, which is sent once it is on disk; false when there are not two. */
  bundle(channel: string, nowMs: number): boolean;
  /** All that failed before is tried again now. */
  hurry(channel: string, nowMs: number): void;
  /** What became of an attempt. `dueAt`: it is tried again then. */
  settle(one: Waiting, attempt: AttemptRecord, dueAt: number | null): void;
  /** A test is logged like everything, and waits for nothing. */
  log(attempt: AttemptRecord): void;
};

type PutHow = { readonly channel: string; readonly notBefore: number; readonly joining?: Joining | null };
/** How a route groups, and what. */
type Joining = { readonly grouping: Grouping; readonly subject: GroupSubject };

type Entry = {
  record: NotificationRecord;
  isCommitted: boolean;
  isTaken: boolean;
  /** Incidents whose later records wait for this one. */
  readonly lines: readonly string[];
};

const toldItem = ({ stands, tier: _, ...item }: StormItem): ToldItem => ({
  ...item,
  notification: stands,
  event: "escalated",
});

const linesOf = ({ incident, message: { event, items } }: NotificationRecord): string[] =>
  IN_PARTS.has(event) ? [...new Set(items.map((item) => item.incident))] : [incident];

const memberOf = ({ id, title, subject, priority, recoveredAt, state }: Incident): GroupMember => ({
  ...{ incident: id, title, site: subject.site, priority },
  isOver: recoveredAt !== null || !isOpenState(state),
});

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([value]));
  else known.add(value);
}

function dropFrom(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key);
  known?.delete(value);
  if (known?.size === 0) sets.delete(key);
}

export function createOutbox({ clock, state, policy, whereabouts }: OutboxDeps): Outbox {
  /** By channel, then incident; oldest first. */
  const queues = new Map<string, Map<string, Entry[]>>();
  const counts = new Map<string, number>();
  const entries = new Map<string, Entry>();
  /** Not on disk yet, in the order of writing, which is that of the lines after a restart; and by incident, then key. */
  const written = new Map<string, NotificationRecord>();
  const pending = new Map<string, Map<string, NotificationRecord>>();
  let attempts: AttemptRecord[] = [];
  /** Not closed, by id; by channel; by what they have in common, in order; by who is in them. */
  const groups = new Map<string, GroupRecord>();
  const groupsOfChannel = new Map<string, Set<string>>();
  const groupsOfKey = new Map<string, Set<string>>();
  const groupsOfIncident = new Map<string, Set<string>>();
  /** Incidents of which something waits to be told in a group. */
  const news = new Map<string, Set<string>>();
  const pendingGroups = new Map<string, GroupRecord>();
  /** Whom the routes name for an escalation, until the desk tells it: alone, or in a summary. */
  const routed = new Map<string, readonly string[]>();

  const keyOf = ({ id, channel }: Pick<NotificationRecord, "id" | "channel">): string => `${channel}\n${id}`;

  function enqueue(record: NotificationRecord, isCommitted: boolean): void {
    const { channel } = record;
    const entry: Entry = { record, isCommitted, isTaken: false, lines: linesOf(record) };
    const queue = queues.get(channel) ?? new Map<string, Entry[]>();
    queues.set(channel, queue);
    for (const incident of entry.lines) {
      const line = queue.get(incident);
      if (line === undefined) queue.set(incident, [entry]);
      else line.push(entry);
    }
    entries.set(keyOf(record), entry);
    counts.set(channel, (counts.get(channel) ?? 0) + 1);
    if (record.group !== undefined) news.set(record.group, (news.get(record.group) ?? new Set()).add(record.incident));
  }

  function dequeue(entry: Entry): void {
    const { channel } = entry.record;
    entries.delete(keyOf(entry.record));
    const queue = queues.get(channel);
    for (const incident of entry.lines) {
      const rest = (queue?.get(incident) ?? []).filter((other) => other !== entry);
      if (rest.length > 0) queue?.set(incident, rest);
      else queue?.delete(incident);
      const { group } = entry.record;
      if (group !== undefined && !rest.some(({ record }) => record.group === group)) news.get(group)?.delete(incident);
    }
    counts.set(channel, (counts.get(channel) ?? 1) - 1);
    if (queue?.size !== 0) return;
    queues.delete(channel);
    counts.delete(channel);
  }

  function write(record: NotificationRecord): void {
    const own = pending.get(record.incident) ?? new Map<string, NotificationRecord>();
    own.set(keyOf(record), record);
    pending.set(record.incident, own);
    written.set(keyOf(record), record);
  }

  /** All records of an incident as they are now, oldest first. */
  function recordsOf(incident: string): NotificationRecord[] {
    const kept = new Map(
      state
        .notificationsOf(incident, TOLD_MAX)
        .reverse()
        .map((record) => [keyOf(record), record]),
    );
    for (const [key, record] of pending.get(incident) ?? []) kept.set(key, record);
    return [...kept.values()];
  }

  const toldOf = (incident: string): Told[] =>
    recordsOf(incident).flatMap(({ channel, state: is, message: { event } }) =>
      is === "failed" || IN_PARTS.has(event) ? [] : [{ channel, event }],
    );

  /** Not before, and not in the quiet hours of the channel. */
  function dueOf(incident: Incident, channel: string, notBefore: number): number {
    const quiet = policy().channels.find(({ name }) => name === channel)?.quiet ?? null;
    const { site } = whereabouts(incident);
    return tellAt(quiet, { site, priority: incident.priority }, notBefore);
  }

  function put(message: Message, about: Incident, { channel, notBefore, joining = null }: PutHow): void {
    const { id: incident } = about;
    const dueAt = dueOf(about, channel, notBefore);
    const key = keyOf({ id: message.id, channel });
    const waiting = entries.get(key);
    if (waiting !== undefined) {
      // Once it was tried the receiver may have it, and must not see other words under its id.
      if (waiting.isTaken || waiting.record.attempts > 0) return;
      waiting.record = { ...waiting.record, message, notBefore, firstDueAt: dueAt, dueAt };
      waiting.isCommitted = false;
      write(waiting.record);
      return;
    }
    if (recordsOf(incident).some((record) => keyOf(record) === key)) return;
    const now = clock.now();
    const isTaken = (counts.get(channel) ?? 0) < WAITING_MAX;
    const group = isTaken && joining !== null ? join(joining, { message, channel }) : null;
    if (group === null) takeAlong(incident, channel, now);
    const record: NotificationRecord = {
      ...{ id: message.id, channel, incident, state: "waiting", createdAt: now },
      ...{ notBefore, firstDueAt: dueAt, dueAt, attempts: 0, doneAt: null, message },
      ...(group !== null && { group }),
    };
    if (isTaken) {
      enqueue(record, false);
      write(record);
      return;
    }
    write({ ...record, state: "failed", doneAt: now });
    const detail = `${WAITING_MAX} others wait for this channel`;
    log({
      ...{ notification: record.id, channel, incident, at: now, durationMs: 0 },
      ...{ outcome: "failed", status: null, detail },
    });
  }

  const placeOfGroup = ({ channel, key }: Pick<GroupRecord, "channel" | "key">): string => `${channel}\n${key}`;

  function holdGroup(group: GroupRecord): void {
    const { id, channel, members } = group;
    groups.set(id, group);
    addTo(groupsOfChannel, channel, id);
    addTo(groupsOfKey, placeOfGroup(group), id);
    for (const { incident } of members) addTo(groupsOfIncident, incident, id);
  }

  /** As it is now, also on disk with the next commit. */
  function keepGroup(group: GroupRecord): void {
    const { id, channel, members, isClosed } = group;
    const before = groups.get(id)?.members ?? [];
    pendingGroups.set(id, group);
    if (members.length < before.length) {
      const kept = new Set(members.map(({ incident }) => incident));
      for (const { incident } of before) if (!kept.has(incident)) dropFrom(groupsOfIncident, incident, id);
    }
    if (!isClosed) {
      // One that joins is the last; the others are known.
      holdGroup(before.length === 0 ? group : { ...group, members: members.slice(-1) });
      groups.set(id, group);
      return;
    }
    groups.delete(id);
    news.delete(id);
    dropFrom(groupsOfChannel, channel, id);
    dropFrom(groupsOfKey, placeOfGroup(group), id);
  }

  /** The group of its channel that an incident is in, else the one that is open to it, else a new one; null: there are too many. */
  function join({ grouping, subject }: Joining, { message, channel }: { message: Message; channel: string }) {
    const now = clock.now();
    const { incident } = subject;
    const by = valuesOf(grouping.by, subject);
    const key = keyOfValues(by);
    const own = [...(groupsOfIncident.get(incident.id) ?? [])].flatMap((id) => groups.get(id) ?? []);
    const known =
      own.find((group) => group.channel === channel) ??
      [...(groupsOfKey.get(placeOfGroup({ channel, key })) ?? [])].flatMap((id) => groups.get(id) ?? []).find(hasRoom);
    if (known === undefined && groups.size >= GROUPS_MAX) return null;
    const group = known ?? begun(message.id, channel, { ...grouping, by }, now);
    const isResting = (news.get(group.id)?.size ?? 0) === 0;
    keepGroup(joined(group, memberOf(incident), isResting, now));
    return group.id;
  }

  const waitsIn =
    (group: string) =>
    (incident: string): boolean =>
      news.get(group)?.has(incident) ?? false;

  /** What became of an incident, in the groups that it is in. */
  function markGroups(incident: Incident): void {
    const { isOver } = memberOf(incident);
    for (const id of [...(groupsOfIncident.get(incident.id) ?? [])]) {
      const group = groups.get(id);
      if (group === undefined) continue;
      const now = marked(group, incident.id, isOver);
      if (now !== group) keepGroup(settled(now, waitsIn(id)));
    }
  }

  /** Something of this incident goes by itself: what is to be told of it in a group goes before. */
  function takeAlong(incident: string, channel: string, nowMs: number): void {
    const line = queues.get(channel)?.get(incident) ?? [];
    const id = line.find(({ record }) => record.group !== undefined)?.record.group;
    const group = id === undefined ? undefined : groups.get(id);
    if (group !== undefined) tellGroup(group, nowMs, incident);
  }

  /** All of a line, when none of it waits for something else. */
  function ownLine(group: GroupRecord, incident: string): Entry[] {
    const line = queues.get(group.channel)?.get(incident) ?? [];
    const from = line.findIndex(({ record }) => record.group === group.id);
    return from < 0 ? [] : line.slice(from);
  }

  /** Puts the message of a group in place of what waits for it; `incident` goes with it although it is not due. */
  function tellGroup(group: GroupRecord, nowMs: number, incident?: string): boolean {
    const { id, channel } = group;
    const members: Entry[] = incident === undefined ? [] : ownLine(group, incident);
    for (const one of news.get(id) ?? []) {
      if (one === incident) continue;
      const line = ownLine(group, one);
      if (members.length > 0 && members.length + line.length > SUMMARY_ITEMS_MAX) break;
      const isFirst = queues.get(channel)?.get(one)?.[0] === line[0];
      if (isFirst && line.some(({ record }) => record.dueAt <= nowMs)) members.push(...line);
    }
    members.sort((a, b) => a.record.createdAt - b.record.createdAt);
    const [first] = members;
    if (first === undefined) return false;
    for (const member of members) dequeue(member);
    const after = afterMessage(group, waitsIn(id), nowMs);
    const said = toldGroup(group, after);
    const within = `${id}/${said.number}`;
    for (const { record } of members) write({ ...record, state: "covered", within });
    const messages = members.map(({ record }) => record.message);
    const message = groupMessage(within, nowMs, messages, said);
    if (message === null) return false;
    const dueAt = Math.max(nowMs, Math.min(...members.map(({ record }) => record.dueAt)));
    const record: NotificationRecord = {
      ...{ id: message.id, channel, incident: first.record.incident, state: "waiting", createdAt: nowMs },
      ...{ notBefore: nowMs, firstDueAt: dueAt, dueAt, attempts: 0, doneAt: null, message },
    };
    enqueue(record, false);
    write(record);
    keepGroup(after);
    return true;
  }

  /** One message of a group at a time: what comes while it waits is told in the next. */
  const isTelling = ({ id, channel, messages }: GroupRecord): boolean =>
    entries.has(keyOf({ id: `${id}/${messages}`, channel }));

  function gather(channel: string, nowMs: number): boolean {
    let isAny = false;
    for (const id of [...(groupsOfChannel.get(channel) ?? [])]) {
      const group = groups.get(id);
      if (group === undefined || group.nextAt > nowMs || isTelling(group)) continue;
      if ((news.get(id)?.size ?? 0) > 0 && tellGroup(group, nowMs)) isAny = true;
    }
    return isAny;
  }

  /** What quiet hours hold back of it is due at once when it became one that they do not hold back. */
  function reconsider(incident: Incident): void {
    for (const queue of queues.values()) {
      for (const entry of queue.get(incident.id) ?? []) {
        const { record } = entry;
        if (entry.isTaken || record.attempts > 0) continue;
        const dueAt = dueOf(incident, record.channel, Math.max(record.notBefore, clock.now()));
        if (dueAt >= record.dueAt) continue;
        entry.record = { ...record, firstDueAt: dueAt, dueAt };
        write(entry.record);
      }
    }
  }

  const mayBundle = ({ record, isTaken, isCommitted }: Entry, nowMs: number): boolean =>
    !isTaken &&
    isCommitted &&
    record.attempts === 0 &&
    record.dueAt <= nowMs &&
    record.group === undefined &&
    !ALONE.has(record.message.event);

  /** All that is due, of incidents of which nothing else waits: what waits longer must not be overtaken. */
  function dueOfChannel(channel: string, nowMs: number): Entry[] {
    const due: Entry[] = [];
    for (const line of queues.get(channel)?.values() ?? []) {
      if (due.length + line.length > SUMMARY_ITEMS_MAX) break;
      if (line.every((entry) => mayBundle(entry, nowMs))) due.push(...line);
    }
    return due;
  }

  function bundle(channel: string, nowMs: number): boolean {
    const due = dueOfChannel(channel, nowMs);
    const [first] = due;
    if (first === undefined || due.length < 2) return false;
    const { id: firstId, incident } = first.record;
    const id = `summary/${firstId}`;
    const message = summaryMessage(
      id,
      nowMs,
      due.map(({ record }) => record.message),
    );
    if (message === null) return false;
    for (const member of due) {
      dequeue(member);
      write({ ...member.record, state: "covered", within: id });
    }
    const record: NotificationRecord = {
      ...{ id, channel, incident, state: "waiting", createdAt: nowMs, notBefore: nowMs },
      ...{ firstDueAt: nowMs, dueAt: nowMs, attempts: 0, doneAt: null, message },
    };
    enqueue(record, false);
    write(record);
    return true;
  }

  function log(attempt: AttemptRecord): void {
    attempts.push(attempt);
    if (attempts.length > ATTEMPTS_MAX) attempts = attempts.slice(-ATTEMPTS_MAX);
  }

  const placeOf = (incident: Incident): Whereabouts => ({ ...whereabouts(incident), page: policy().page });

  const targetsOf = (incident: Incident, event: ToldEvent) =>
    targetsOfIncident(policy(), { incident, ...whereabouts(incident) }, event);

  function channelsOf(names: readonly string[], tier: number | null): string[] {
    const { people, tiers } = policy();
    if (names.length === 0 && tier !== null) return [...(tiers.get(tier) ?? [])];
    return names.flatMap((name) => people.get(name) ?? []);
  }

  /** Whoever the routes name is told of what was written. */
  function call({ before, incident, events }: Omit<Written, "key">): void {
    for (const { type, seq } of events) {
      if (type === "escalated") routed.set(noticeId(incident.id, seq), [...targetsOf(incident, type).keys()]);
    }
    if (before !== null && before.priority !== incident.priority) reconsider(incident);
    for (const { event, audience, seq, at, why } of callsOf(before, incident, events)) {
      const targets = targetsOf(incident, event);
      if (targets.size === 0) continue;
      const told = before === null ? [] : toldOf(incident.id);
      const said = { id: noticeId(incident.id, seq), event, at, ...(why !== null && { why }) };
      const place = placeOf(incident);
      const message = incidentMessage(said, incident, place);
      const subject = { incident, before, kind: place.kind, region: place.site.region };
      for (const channel of audienceOf([...targets.keys()], told, audience)) {
        const grouping = targets.get(channel) ?? null;
        const joining = grouping === null ? null : { grouping, subject };
        put(message, incident, { channel, notBefore: clock.now(), joining });
      }
    }
  }

  /** Whom a notice goes to. */
  function receiversOf(notice: Notice): string[] {
    if (notice.about === "over") {
      const follows = new Set(notice.follows);
      const told = recordsOf(notice.incident.id).filter(({ id, state: is }) => is !== "failed" && follows.has(id));
      return told.map(({ channel }) => channel);
    }
    if (notice.about === "storm") {
      const byRoute = notice.items.flatMap(({ stands }) => routed.get(stands) ?? []);
      const before = [...queues.keys()].filter((channel) => entries.has(keyOf({ id: notice.id, channel })));
      return [...channelsOf(notice.to, null), ...byRoute, ...before];
    }
    return [...channelsOf(notice.to, notice.tier), ...(routed.get(notice.id) ?? [])];
  }

  function messageOf(notice: Notice): Message {
    const { id, to, incident } = notice;
    const event = notice.about === "over" ? notice.how : notice.about;
    const items = notice.about === "storm" ? notice.items.map(toldItem) : [];
    const why = notice.about === "escalated" ? { why: notice.why } : {};
    const escalation = escalationOf(notice);
    return incidentMessage({ id, event, at: clock.now(), to, escalation, items, ...why }, incident, placeOf(incident));
  }

  /** Those who are told of an incident by a summary were told of it. */
  function cover({ id, items }: Extract<Notice, { about: "storm" }>, message: Message, channel: string): void {
    for (const { stands, incident } of items) {
      if (pending.get(incident)?.has(keyOf({ id: stands, channel }))) continue;
      const now = clock.now();
      write({
        ...{ id: stands, channel, incident, state: "covered", createdAt: now, notBefore: now },
        ...{ firstDueAt: now, dueAt: now, attempts: 0, doneAt: null },
        within: id,
        message: { ...message, id: stands, event: "escalated", why: `told in ${id}`, items: [] },
      });
    }
  }

  return {
    restore() {
      for (const group of state.notificationGroups()) holdGroup(group);
      for (const record of state.waitingNotifications()) enqueue(record, true);
    },

    observe({ before, incident, events }) {
      if (policy().channels.length > 0) call({ before, incident, events });
      markGroups(incident);
    },

    tell(notice) {
      const receivers = new Set(receiversOf(notice));
      if (receivers.size === 0) return;
      const message = messageOf(notice);
      for (const channel of receivers) {
        put(message, notice.incident, { channel, notBefore: notice.notBefore });
        if (notice.about === "storm") cover(notice, message, channel);
      }
    },

    takePending() {
      const taken = [...written.values()];
      const tried = attempts;
      const grouped = [...pendingGroups.values()];
      written.clear();
      pendingGroups.clear();
      pending.clear();
      routed.clear();
      attempts = [];
      return {
        notifications: taken,
        attempts: tried,
        groups: grouped,
        committed() {
          for (const record of taken) {
            const entry = entries.get(keyOf(record));
            if (entry?.record === record) entry.isCommitted = true;
          }
        },
        putBack() {
          const newer = [...written.values()];
          written.clear();
          for (const record of [...taken, ...newer]) write(record);
          attempts = [...tried, ...attempts].slice(-ATTEMPTS_MAX);
          for (const group of grouped) if (!pendingGroups.has(group.id)) pendingGroups.set(group.id, group);
        },
      };
    },

    channels: () => [...queues.keys()],
    waitingCount: (channel) => counts.get(channel) ?? 0,

    oldest(channel, nowMs) {
      let due: number | null = null;
      let tried: number | null = null;
      for (const line of queues.get(channel)?.values() ?? []) {
        for (const { record } of line) {
          if (record.group !== undefined || record.firstDueAt > nowMs) continue;
          due = Math.min(due ?? nowMs, record.firstDueAt);
          if (record.attempts > 0) tried = Math.min(tried ?? nowMs, record.firstDueAt);
        }
      }
      return { due, tried };
    },

    groupAt: (id) => groups.get(id)?.nextAt ?? null,
    recordsOf,
    gather,
    bundle,
    dueCount: (channel, nowMs) => dueOfChannel(channel, nowMs).length,

    take(channel, nowMs, isUrgent = false) {
      const queue = queues.get(channel);
      for (const [head] of queue?.values() ?? []) {
        if (head === undefined || head.isTaken || !head.isCommitted || head.record.dueAt > nowMs) continue;
        if (head.record.group !== undefined) continue;
        if (isUrgent && !isUrgentRecord(head.record)) continue;
        // A summary may be due for one of its incidents, and behind something else of another.
        if (!head.lines.every((incident) => queue?.get(incident)?.[0] === head)) continue;
        head.isTaken = true;
        return head;
      }
      return null;
    },

    hurry(channel, nowMs) {
      for (const line of queues.get(channel)?.values() ?? []) {
        for (const entry of line) {
          const { record, isTaken } = entry;
          if (isTaken || record.attempts === 0 || record.dueAt <= nowMs) continue;
          entry.record = { ...record, dueAt: nowMs };
          write(entry.record);
        }
      }
    },

    settle(one, attempt, dueAt) {
      const entry = entries.get(keyOf(one.record));
      if (entry === undefined) return;
      const { record } = entry;
      const tried = { ...record, attempts: record.attempts + 1 };
      log(attempt);
      entry.isTaken = false;
      if (dueAt === null) {
        dequeue(entry);
        const done = { state: attempt.outcome === "delivered" ? "delivered" : "failed", doneAt: clock.now() } as const;
        write({ ...tried, ...done });
      } else {
        entry.record = { ...tried, dueAt };
        write(entry.record);
      }
    },

    log,
  };
}
