/**
 * Who was told of an incident, and why nobody was: what people ask first when somebody says that they did not know. Pure,
 * over what was written down and the policy as it is now.
 */
import { isOpenState } from "../incidents/log.ts";
import type { Incident } from "../incidents/types.ts";
import type { Message } from "./message.ts";
import type { AttemptRecord, NotificationRecord } from "./record.ts";
import { isQuiet, mismatchesOf, type NotificationPolicy, type RouteSubject, targetsOfIncident } from "./routing.ts";

/**
 * Why it was not sent yet: quiet hours, the limit of its channel, its group or a storm that gathers others, an earlier one of
 * the incident that does not get through, the time until it is tried again, or only its turn.
 */
export const WAITS = ["quiet_hours", "limit", "gathering", "earlier", "retry", "channel_down", "turn"] as const;
export type Wait = (typeof WAITS)[number];

/** One notification to one channel. */
export type Told = {
  readonly notification: string;
  readonly channel: string;
  readonly event: Message["event"];
  /** Names of people whom an escalation meant. */
  readonly people: readonly string[];
  readonly why: string | null;
  readonly state: "waiting" | "delivered" | "failed";
  readonly createdAt: number;
  readonly doneAt: number | null;
  readonly attempts: number;
  readonly waits: Wait | null;
  /** When it is sent at the earliest; null: it was sent, or nobody can say. */
  readonly nextAt: number | null;
  /** The summary, storm or group in whose message it was told. */
  readonly within: string | null;
  /** What the last attempt was answered. */
  readonly answer: string | null;
};

export type ToldDeps = {
  /** Of the incident, oldest first. */
  readonly records: readonly NotificationRecord[];
  /** Newest first. */
  readonly attempts: readonly AttemptRecord[];
  /** Of one that tells of others; null when it is not kept any more. */
  readonly whole: (id: string, channel: string) => NotificationRecord | null;
  /** When the next message of a group may go; null when there is no such group. */
  readonly groupAt: (id: string) => number | null;
  readonly isLimited: (channel: string) => boolean;
  readonly isDown: (channel: string) => boolean;
  readonly now: number;
};

/** They stand for others, which are shown instead. */
const IN_PARTS: ReadonlySet<string> = new Set(["summary", "group"]);

export function toldOf(deps: ToldDeps): Told[] {
  const { records, attempts, whole } = deps;
  const parts = records.filter(({ message: { event } }) => !IN_PARTS.has(event));
  return parts.map((record): Told => {
    const { id: notification, channel, createdAt, message } = record;
    const within = record.within ?? null;
    // One whose summary is not kept any more was done long ago.
    const sent = within === null ? record : whole(within, channel);
    const last = attempts.find((one) => one.channel === channel && one.notification === (within ?? notification));
    const isWaiting = sent?.state === "waiting";
    const [waits, nextAt] = sent !== null && isWaiting ? waitOf(sent, parts, deps) : [null, null];
    return {
      ...{ notification, channel, event: message.event, people: message.to, why: message.why },
      state: isWaiting ? "waiting" : sent?.state === "failed" ? "failed" : "delivered",
      ...{ createdAt, doneAt: sent?.doneAt ?? null, attempts: sent?.attempts ?? 0 },
      ...{ waits, nextAt, within, answer: last?.detail ?? null },
    };
  });
}

function waitOf(
  record: NotificationRecord,
  all: readonly NotificationRecord[],
  { groupAt, isLimited, isDown, now }: ToldDeps,
): readonly [Wait, number | null] {
  const { channel, group, attempts, dueAt, notBefore } = record;
  if (group !== undefined) {
    const at = groupAt(group);
    return dueAt > Math.max(at ?? 0, now) ? ["quiet_hours", dueAt] : ["gathering", at];
  }
  const before = all.find((one) => one.channel === channel && one.state === "waiting");
  if (attempts > 0) return dueAt > now ? ["retry", dueAt] : [isDown(channel) ? "channel_down" : "turn", null];
  if (before !== undefined && before.createdAt < record.createdAt && before.attempts > 0) return ["earlier", null];
  if (dueAt > now) return dueAt > notBefore ? ["quiet_hours", dueAt] : ["gathering", dueAt];
  if (isDown(channel)) return ["channel_down", null];
  return [isLimited(channel) ? "limit" : "turn", null];
}

/** Routes whose mismatch is named; beyond that it is enough to say how many there are. */
const ROUTES_NAMED_MAX = 5;

/** Why nobody is told of it as it is now, a sentence each; empty when somebody is, or would be. */
export function whyUntold(policy: NotificationPolicy, subject: RouteSubject): string[] {
  const { incident } = subject;
  const quiet = quietReasons(incident);
  if (quiet.length > 0) return quiet;
  if (policy.channels.length === 0) return ["No channel is set up: there is no notifications.yaml, or it names none."];
  if (targetsOfIncident(policy, subject, "opened").size > 0) return [];
  const routes = policy.routes.filter(({ on }) => on.includes("opened"));
  if (routes.length === 0) return ["No route of notifications.yaml tells of incidents that open."];
  const mismatches = routes.map(({ where }) => mismatchesOf(where, subject));
  const named = mismatches.slice(0, ROUTES_NAMED_MAX).map((found, index) => {
    const to = routes[index]?.to.join(", ") ?? "";
    return `The route to ${to} is for ${found.map(({ key, wanted, is }) => `${key} ${wanted.join(" or ")}, not ${is ?? "none"}`).join("; ")}.`;
  });
  const more = mismatches.length - named.length;
  return ["No route of notifications.yaml fits it.", ...named, ...(more > 0 ? [`Nor do ${more} more.`] : [])];
}

function quietReasons(incident: Incident): string[] {
  if (!isQuiet(incident)) {
    if (isOpenState(incident.state) && incident.recoveredAt !== null)
      return ["It was over before anybody was to be told."];
    return [];
  }
  const { suppressedBy, maintenance, inactiveHours, retroactive, parent, state } = incident;
  return [
    ...(suppressedBy === null
      ? []
      : [`It hangs behind ${suppressedBy}, which is down: nobody is called until that is back.`]),
    ...(parent === null ? [] : [`It is a consequence of ${parent}, which is told instead.`]),
    ...(maintenance == null ? [] : [`It lies in the maintenance window ${maintenance}.`]),
    ...(inactiveHours === true ? ["It lies outside the hours of its rule: nobody is called until they begin."] : []),
    ...(retroactive === true ? ["It was found afterwards, in what an agent had kept while it was away."] : []),
    ...(state === "merged" ? ["It was merged: the other one is told."] : []),
  ];
}
