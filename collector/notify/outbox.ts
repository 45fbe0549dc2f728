/**
 * What is to be told, from the turn in which the events are written until it was delivered or given up. The state store
 * has it, in the same commit as the events; this is what memory holds beside it.
 *
 * - Nothing is sent before it is on disk, so that whoever was told finds the incident, whatever is killed in between.
 * - What was sent stays `waiting` on disk until the commit that says so: a kill sends it again, with the same id and words.
 * - Records of one incident go to a channel one after another, in the order of writing.
 */
import type { Clock } from "@aislewatch/base";
import type { Written } from "../incident-book.ts";
import type { Incident } from "../incidents/types.ts";
import { type Notice, type Notifier, noticeId, type StormItem } from "../notifier.ts";
import type { StateStore } from "../store/state/store.ts";
import {
  escalationOf,
  incidentMessage,
  type Message,
  summaryMessage,
  type ToldItem,
  type Whereabouts,
} from "./message.ts";
import type { AttemptRecord, NotificationRecord } from "./record.ts";
import { audienceOf, callsOf, channelsFor, type NotificationPolicy, type Told, tellAt } from "./routing.ts";

/** For one channel; a day of a chain of 1,000 stores has some thousand. Beyond it, what is new is given up, and logged. */
export const WAITING_MAX = 20_000;
/** Attempts that wait for a state store that can't be written; beyond it the oldest are not logged. */
const ATTEMPTS_MAX = 10_000;
/** Of one incident that are looked at to know who was told; one that flaps for a week has fewer. */
const TOLD_MAX = 500;

export type OutboxDeps = {
  readonly clock: Clock;
  readonly state: Pick<StateStore, "waitingNotifications" | "notificationsOf">;
  readonly policy: () => NotificationPolicy;
  readonly whereabouts: (incident: Incident) => Omit<Whereabouts, "page">;
};

/** What no limit holds back. */
export const isUrgentRecord = ({ message: { incident, items } }: NotificationRecord): boolean =>
  items.length === 0 && incident?.priority === "P1";

/** These stand for many already. */
const ALONE: ReadonlySet<string> = new Set(["storm", "summary"]);
/** In one summary; what is more gets another one. */
const SUMMARY_ITEMS_MAX = 500;

/** One that waits. */
export type Waiting = { readonly record: NotificationRecord };

export type OutboxPending = {
  readonly notifications: readonly NotificationRecord[];
  readonly attempts: readonly AttemptRecord[];
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
  /** Takes the next one that may be tried now; `settle` gives it back. Null: none is due. */
  take(channel: string, nowMs: number, isUrgent?: boolean): Waiting | null;
  /** How many are due that may stand in a summary. */
  dueCount(channel: string, nowMs: number): number;
  /** Makes one summary of them, which is sent once it is on disk; false when there are not two. */
  bundle(channel: string, nowMs: number): boolean;
  /** What became of an attempt. `dueAt`: it is tried again then. */
  settle(one: Waiting, attempt: AttemptRecord, dueAt: number | null): void;
  /** A test is logged like everything, and waits for nothing. */
  log(attempt: AttemptRecord): void;
};

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
  event === "summary" ? [...new Set(items.map((item) => item.incident))] : [incident];

export function createOutbox({ clock, state, policy, whereabouts }: OutboxDeps): Outbox {
  /** By channel, then incident; oldest first. */
  const queues = new Map<string, Map<string, Entry[]>>();
  const counts = new Map<string, number>();
  const entries = new Map<string, Entry>();
  /** Not on disk yet, in the order of writing, which is that of the lines after a restart; and by incident, then key. */
  const written = new Map<string, NotificationRecord>();
  const pending = new Map<string, Map<string, NotificationRecord>>();
  let attempts: AttemptRecord[] = [];
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
  }

  function dequeue(entry: Entry): void {
    const { channel } = entry.record;
    entries.delete(keyOf(entry.record));
    const queue = queues.get(channel);
    for (const incident of entry.lines) {
      const rest = (queue?.get(incident) ?? []).filter((other) => other !== entry);
      if (rest.length > 0) queue?.set(incident, rest);
      else queue?.delete(incident);
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
      is === "failed" ? [] : [{ channel, event }],
    );

  /** Not before, and not in the quiet hours of the channel. */
  function dueOf(incident: Incident, channel: string, notBefore: number): number {
    const quiet = policy().channels.find(({ name }) => name === channel)?.quiet ?? null;
    const { site } = whereabouts(incident);
    return tellAt(quiet, { site, priority: incident.priority }, notBefore);
  }

  function put(
    message: Message,
    about: Incident,
    { channel, notBefore }: { readonly channel: string; readonly notBefore: number },
  ): void {
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
    const record: NotificationRecord = {
      ...{ id: message.id, channel, incident, state: "waiting", createdAt: now },
      ...{ notBefore, firstDueAt: dueAt, dueAt, attempts: 0, doneAt: null, message },
    };
    if ((counts.get(channel) ?? 0) < WAITING_MAX) {
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
    !isTaken && isCommitted && record.attempts === 0 && record.dueAt <= nowMs && !ALONE.has(record.message.event);

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
      write({ ...member.record, state: "covered" });
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

  function routesOf(incident: Incident, event: Parameters<typeof channelsFor>[2]): string[] {
    return channelsFor(policy(), { incident, ...whereabouts(incident) }, event);
  }

  function channelsOf(names: readonly string[], tier: number | null): string[] {
    const { people, tiers } = policy();
    if (names.length === 0 && tier !== null) return [...(tiers.get(tier) ?? [])];
    return names.flatMap((name) => people.get(name) ?? []);
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
        message: { ...message, id: stands, event: "escalated", why: `told in ${id}`, items: [] },
      });
    }
  }

  return {
    restore() {
      for (const record of state.waitingNotifications()) enqueue(record, true);
    },

    observe({ before, incident, events }) {
      if (policy().channels.length === 0) return;
      for (const { type, seq } of events) {
        if (type === "escalated") routed.set(noticeId(incident.id, seq), routesOf(incident, type));
      }
      if (before !== null && before.priority !== incident.priority) reconsider(incident);
      for (const { event, audience, seq, at, why } of callsOf(before, incident, events)) {
        const channels = routesOf(incident, event);
        if (channels.length === 0) continue;
        const told = before === null ? [] : toldOf(incident.id);
        const said = { id: noticeId(incident.id, seq), event, at, ...(why !== null && { why }) };
        const message = incidentMessage(said, incident, placeOf(incident));
        for (const channel of audienceOf(channels, told, audience))
          put(message, incident, { channel, notBefore: clock.now() });
      }
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
      written.clear();
      pending.clear();
      routed.clear();
      attempts = [];
      return {
        notifications: taken,
        attempts: tried,
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
        },
      };
    },

    channels: () => [...queues.keys()],
    waitingCount: (channel) => counts.get(channel) ?? 0,

    bundle,
    dueCount: (channel, nowMs) => dueOfChannel(channel, nowMs).length,

    take(channel, nowMs, isUrgent = false) {
      const queue = queues.get(channel);
      for (const [head] of queue?.values() ?? []) {
        if (head === undefined || head.isTaken || !head.isCommitted || head.record.dueAt > nowMs) continue;
        if (isUrgent && !isUrgentRecord(head.record)) continue;
        // A summary may be due for one of its incidents, and behind something else of another.
        if (!head.lines.every((incident) => queue?.get(incident)?.[0] === head)) continue;
        head.isTaken = true;
        return head;
      }
      return null;
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
