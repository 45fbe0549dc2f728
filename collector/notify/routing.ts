/**
 * Who is told of what happened to an incident: notifications.yaml as values, and the decisions that it makes. Pure.
 *
 * Nobody is called for what people can't or need not act on: what is suppressed, in maintenance, outside its rule's
 * hours, a consequence of another incident, merged, or found afterwards. It is told when that ends and it still stands.
 * That something is over is told only to those who were told that it began.
 */
import type { Category, Severity } from "@aislewatch/devices";
import { firstOpen } from "../incidents/business-time.ts";
import { isOpenState } from "../incidents/log.ts";
import { calendarOf, type SiteHours } from "../incidents/sla-policy.ts";
import type { Incident, IncidentEvent, Priority } from "../incidents/types.ts";
import type { RateLimit } from "./channel.ts";
import type { EmailConfig } from "./email.ts";
import type { Grouping } from "./grouping.ts";
import type { ToldEvent } from "./message.ts";
import type { WebhookConfig } from "./webhook.ts";

export type RouteSelect = {
  readonly priority?: readonly Priority[];
  readonly severity?: readonly Severity[];
  readonly category?: readonly Category[];
  readonly kind?: readonly string[];
  readonly rule?: readonly string[];
  readonly site?: readonly string[];
  readonly format?: readonly string[];
  readonly region?: readonly string[];
  /** Of the site: each that is named has one of these values. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
};

/** All routes that fit are taken; a channel is told once. */
export type Route = {
  readonly where: RouteSelect;
  readonly on: readonly ToldEvent[];
  readonly to: readonly string[];
  /** Without, each notification goes by itself. */
  readonly grouping?: Grouping;
};

/** Outside these hours, by the clock of the site, nothing is sent but of these priorities. */
export type QuietHours = { readonly outside: string; readonly except: readonly Priority[] };

export type ChannelConfig = {
  readonly name: string;
  readonly timeoutMs: number;
  /** What could not be delivered for so long is given up. */
  readonly giveUpAfterMs: number;
  readonly rate: RateLimit | null;
  /** Null: it is told at all hours. */
  readonly quiet: QuietHours | null;
} & (WebhookConfig | EmailConfig);

export type NotificationPolicy = {
  /** Where people reach the page; null: messages have no links. */
  readonly page: string | null;
  readonly channels: readonly ChannelConfig[];
  /** The channels of each name that escalation.yaml tells. */
  readonly people: ReadonlyMap<string, readonly string[]>;
  /** Of a tier that a person escalates to by hand and that no chain leads to. */
  readonly tiers: ReadonlyMap<number, readonly string[]>;
  readonly routes: readonly Route[];
};

export const NO_NOTIFICATIONS: NotificationPolicy = {
  page: null,
  channels: [],
  people: new Map(),
  tiers: new Map(),
  routes: [],
};

/** What of an incident and its site a route looks at. */
export type RouteSubject = {
  readonly incident: Incident;
  readonly kind: string | null;
  readonly site: {
    readonly id: string;
    readonly format: string;
    readonly region: string | null;
    readonly labels: Readonly<Record<string, string>>;
  };
};

export const channelsFor = (policy: NotificationPolicy, subject: RouteSubject, event: ToldEvent): string[] => [
  ...targetsFor(policy, subject, event).keys(),
];

/** Of the device that the collector is itself, as components. */
export const CHANNEL_COMPONENT = "channel-";
const CHANNEL_RULE = "channel-down";
/** Of a channel that does not work; the clocks of its incident are for those who work on it. */
const TELL_ANYWAY: ReadonlySet<ToldEvent> = new Set(["opened", "reopened", "recovered", "resolved", "cancelled"]);

/** The channel that an incident says does not work; null when it is about something else. */
const failedChannel = ({ rule, subject: { component } }: Incident): string | null =>
  rule === CHANNEL_RULE && component?.startsWith(CHANNEL_COMPONENT) ? component.slice(CHANNEL_COMPONENT.length) : null;

/**
 * The channels that are told of an incident. That a channel does not work is told by others: by those that the routes name,
 * and by all when they name none.
 */
export function targetsOfIncident(
  policy: NotificationPolicy,
  subject: RouteSubject,
  event: ToldEvent,
): ReadonlyMap<string, Grouping | null> {
  const failed = failedChannel(subject.incident);
  const targets = targetsFor(policy, subject, event);
  if (failed === null) return targets;
  const others = new Map([...targets].filter(([channel]) => channel !== failed));
  if (others.size > 0 || !TELL_ANYWAY.has(event)) return others;
  return new Map(policy.channels.flatMap(({ name }) => (name === failed ? [] : [[name, null] as const])));
}

/**
 * The channels that are told, and in which groups. One that any route tells without grouping is told at once; of several
 * groupings the first counts.
 */
export function targetsFor(
  { routes }: NotificationPolicy,
  subject: RouteSubject,
  event: ToldEvent,
): ReadonlyMap<string, Grouping | null> {
  const targets = new Map<string, Grouping | null>();
  for (const { on, where, to, grouping = null } of routes) {
    if (!on.includes(event) || !selects(where, subject)) continue;
    for (const channel of to) if (grouping === null || !targets.has(channel)) targets.set(channel, grouping);
  }
  return targets;
}

const selects = (where: RouteSelect, subject: RouteSubject): boolean => mismatchesOf(where, subject).length === 0;

/** What of a route does not fit; empty when it does. */
export function mismatchesOf(
  where: RouteSelect,
  { incident, kind, site }: RouteSubject,
): { readonly key: string; readonly wanted: readonly string[]; readonly is: string | null }[] {
  const { priority, severity, category, rule } = incident;
  const asked: readonly (readonly [string, readonly string[] | undefined, string | null])[] = [
    ["priority", where.priority, priority],
    ["severity", where.severity, severity],
    ["category", where.category, category],
    ["rule", where.rule, rule],
    ["kind", where.kind, kind],
    ["site", where.site, site.id],
    ["format", where.format, site.format],
    ["region", where.region, site.region],
    ...Object.entries(where.labels ?? {}).map(([key, wanted]) => [key, wanted, site.labels[key] ?? null] as const),
  ];
  return asked.flatMap(([key, wanted, is]) =>
    wanted === undefined || (is !== null && wanted.includes(is)) ? [] : [{ key, wanted, is }],
  );
}

/** When a channel may be told of something at this site: now, or when its quiet hours end. */
export function tellAt(
  quiet: QuietHours | null,
  { site, priority }: { readonly site: SiteHours; readonly priority: Priority },
  nowMs: number,
): number {
  if (quiet === null || quiet.except.includes(priority)) return nowMs;
  // Hours that never come hold nothing back.
  return firstOpen(calendarOf(site, quiet.outside), nowMs) ?? nowMs;
}

/** Nobody is called for it as it is. */
export const isQuiet = ({ suppressedBy, maintenance, inactiveHours, retroactive, parent, state }: Incident): boolean =>
  suppressedBy !== null ||
  (maintenance ?? null) !== null ||
  inactiveHours === true ||
  retroactive === true ||
  parent !== null ||
  state === "merged";

/**
 * Something to tell. `untold`: those who were not called since it was last over; `told`: those who were called at all;
 * `all`: whoever the routes name.
 */
export type Call = {
  readonly event: Exclude<ToldEvent, "escalated">;
  readonly audience: "all" | "untold" | "told";
  readonly seq: number;
  readonly at: number;
  readonly why: string | null;
};

/** After these it may be that somebody is to be called who was not. */
const MAY_CALL: ReadonlySet<IncidentEvent["type"]> = new Set([
  ...(["opened", "unsuppressed", "maintenance", "hours", "parent_set", "split"] as const),
  ...(["priority_changed", "level_changed", "restated"] as const),
]);

/** What is to be told of events that were just written, in their order. Escalations the desk tells itself. */
export function callsOf(before: Incident | null, incident: Incident, events: readonly IncidentEvent[]): Call[] {
  const isCalling = !isQuiet(incident) && isOpenState(incident.state) && incident.recoveredAt === null;
  const wasOver = before !== null && (before.recoveredAt !== null || before.state === "resolved");
  return events.flatMap((event): Call[] => {
    const { seq, at, type } = event;
    const call = (told: Call["event"], audience: Call["audience"], why: string | null = null): Call[] => [
      { event: told, audience, seq, at, why },
    ];
    if (type === "recovered" || type === "recovered_earlier")
      return incident.recoveredAt === null ? [] : call("recovered", "told");
    if (type === "resolved") return call("resolved", "told", event.text);
    if (type === "cancelled") return call("cancelled", "told", event.text);
    if (!isCalling || event.late === true) return [];
    if (type === "sla_warned") return call(type, "all", `${event.percent} % of the time to ${event.clock} is used up`);
    if (type === "sla_breached") return call(type, "all", `the time to ${event.clock} is over`);
    if (type === "reopened") return call("reopened", "all", event.why);
    if (type === "fired_again" && wasOver) return call("reopened", "all", "the fault came back");
    // It outlived its cause: whoever is called should know why only now.
    return MAY_CALL.has(type) ? call("opened", "untold", type === "parent_set" ? event.why : null) : [];
  });
}

const OVER: ReadonlySet<string> = new Set(["recovered", "resolved", "cancelled"]);

/** One that reached its channel, or still will; oldest first. */
export type Told = { readonly channel: string; readonly event: string };

/** Of these channels, the ones that the call is for. */
export function audienceOf(channels: readonly string[], told: readonly Told[], audience: Call["audience"]): string[] {
  if (audience === "all") return [...channels];
  return channels.filter((channel) => {
    const own = told.filter((one) => one.channel === channel);
    if (audience === "told") return own.some(({ event }) => !OVER.has(event));
    const last = own.at(-1);
    return last === undefined || OVER.has(last.event);
  });
}
