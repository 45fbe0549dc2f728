/**
 * Notifications as the rest of the collector knows them: the outbox, the channels of notifications.yaml as it is now,
 * and the delivery between them.
 */
import type { Clock, Result } from "@aislewatch/base";
import type { Written } from "../incident-book.ts";
import type { Incident } from "../incidents/types.ts";
import type { Notifier } from "../notifier.ts";
import type { StateStore } from "../store/state/store.ts";
import type { Channel } from "./channel.ts";
import { type ChannelState, createDelivery } from "./delivery.ts";
import { createEmail } from "./email.ts";
import type { Whereabouts } from "./message.ts";
import { createOutbox, type OutboxPending } from "./outbox.ts";
import {
  type Draft,
  type DraftMistake,
  madeUpIncident,
  madeUpPlace,
  type Preview,
  type PreviewEvent,
  previewOf,
  sampleMessage,
} from "./preview.ts";
import type { AttemptRecord } from "./record.ts";
import { type ChannelConfig, NO_NOTIFICATIONS, type NotificationPolicy } from "./routing.ts";
import { type Told, toldOf, whyUntold } from "./told.ts";
import { createWebhook } from "./webhook.ts";

const PUMP_INTERVAL_MS = 1_000;
/** Of one incident that are shown. */
const TOLD_MAX = 200;
const ATTEMPTS_LOOKED_AT = 1_000;

export type NotificationsDeps = {
  readonly clock: Clock;
  readonly state: Pick<
    StateStore,
    "waitingNotifications" | "notificationsOf" | "notificationGroups" | "notification" | "attempts" | "attemptPage"
  >;
  /** At least 0, below 1. */
  readonly random: () => number;
  readonly whereabouts: (incident: Incident) => Omit<Whereabouts, "page">;
  readonly commitSoon: (urgent: boolean) => void;
  onGivenUp(attempt: AttemptRecord): void;
};

export type ChannelView = ChannelState & {
  readonly name: string;
  readonly kind: Channel["kind"];
  /** Where it leads, without secrets. */
  readonly target: string;
};

/** The judge's side: what is told is written in the commit that has what it is about. */
export type NotificationWriter = Notifier & {
  observe(written: Written): void;
  takePending(): OutboxPending;
};

export type Notifications = {
  readonly writer: NotificationWriter;
  use(policy: NotificationPolicy): void;
  /** Once the store is open, before anything is observed. */
  restore(): void;
  start(): void;
  stop(): void;
  channels(): ChannelView[];
  /** Attempts, newest first; `next` is the `before` of the next page. */
  log(...query: Parameters<StateStore["attemptPage"]>): ReturnType<StateStore["attemptPage"]>;
  /** Who was told of an incident, and why nobody was. */
  told(incident: Incident): { readonly told: readonly Told[]; readonly untold: readonly string[] };
  /**
   * What a channel would be sent of an event of this incident, or (null) of one made up. Null: there is no such channel.
   */
  preview(
    channel: string,
    event: PreviewEvent,
    of: { readonly incident: Incident | null; readonly draft: Draft },
  ): Result<Preview, readonly DraftMistake[]> | null;
  /** Null: there is no such channel. */
  test(channel: string, message: { readonly id: string; readonly by: string }): Promise<AttemptRecord | null>;
};

const makeChannel = (config: ChannelConfig, clock: Clock): Channel =>
  config.kind === "webhook" ? createWebhook(config, clock) : createEmail(config);

export function createNotifications(deps: NotificationsDeps): Notifications {
  const { clock, state, random, whereabouts, commitSoon, onGivenUp } = deps;
  let policy = NO_NOTIFICATIONS;
  let channels: ReadonlyMap<string, Channel> = new Map();
  let cancel: (() => void) | null = null;

  const outbox = createOutbox({ clock, state, policy: () => policy, whereabouts });
  const delivery = createDelivery({
    ...{ clock, outbox, random, commitSoon, onGivenUp },
    channels: () => channels,
    logOf: (channel, limit) => state.attempts({ channel }, limit),
  });

  function loop(): void {
    delivery.pump();
    cancel = clock.after(PUMP_INTERVAL_MS, loop);
  }

  return {
    writer: {
      tell: outbox.tell,
      observe: outbox.observe,
      takePending() {
        const pending = outbox.takePending();
        return {
          ...pending,
          committed() {
            pending.committed();
            if (cancel !== null && pending.notifications.length > 0) delivery.pump();
          },
        };
      },
    },

    use(next) {
      policy = next;
      channels = new Map(next.channels.map((config) => [config.name, makeChannel(config, clock)]));
    },

    restore: outbox.restore,
    start: loop,

    stop() {
      cancel?.();
      cancel = null;
      delivery.stop();
    },

    channels: () => [...channels].map(([name, { kind, target }]) => ({ name, kind, target, ...delivery.state(name) })),
    log: (filter, page) => state.attemptPage(filter, page),

    told(incident) {
      const told = toldOf({
        records: outbox.recordsOf(incident.id).slice(-TOLD_MAX),
        attempts: state.attempts({ incident: incident.id }, ATTEMPTS_LOOKED_AT),
        whole: (id, channel) => state.notification(id, channel),
        groupAt: outbox.groupAt,
        isLimited: (name) => delivery.state(name).isLimited,
        isDown: (name) => delivery.state(name).isDown,
        now: clock.now(),
      });
      const untold = told.length > 0 ? [] : whyUntold(policy, { incident, ...whereabouts(incident) });
      return { told, untold };
    },

    preview(name, event, { incident, draft }) {
      const config = policy.channels.find((one) => one.name === name);
      if (config === undefined) return null;
      const now = clock.now();
      const { page } = policy;
      const where = incident === null ? madeUpPlace(page) : { ...whereabouts(incident), page };
      return previewOf(config, sampleMessage(event, incident ?? madeUpIncident(now), where, now), draft);
    },
    test: (channel, message) => delivery.test(channel, message),
  };
}
