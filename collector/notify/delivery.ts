/**
 * Takes what waits in the outbox to its channels: a few at a time for each channel, each attempt with an end, what fails
 * again after a growing wait with jitter, what stays undeliverable for too long given up and said so. A channel that
 * does not work costs only itself: it is asked by one attempt at a time, with pauses, until one gets through.
 */
import { backoffMs, type Clock, errorText, type Result } from "@aislewatch/base";
import type { Channel, DeliveryFailure, Receipt } from "./channel.ts";
import { type Message, testMessage } from "./message.ts";
import { isUrgentRecord, type Outbox, type Waiting } from "./outbox.ts";
import type { AttemptRecord } from "./record.ts";

/** Attempts to one channel at the same time. */
const PARALLEL_MAX = 4;
/** After so many failures in a row it is the channel, not a message. */
const FAILING_AFTER = 3;
/** Of one message: 1 to 2 s, then twice that, up to 10 minutes. */
const RETRY = { baseMs: 2_000, maxMs: 600_000 } as const;
/** Of a channel that fails: soon enough that nobody waits long once it works. */
const PAUSE = { baseMs: 1_000, maxMs: 30_000 } as const;
/** What waits for a channel that no file names any more; somebody may put it back. */
const ORPHAN_MS_MAX = 86_400_000;
/** A channel that fails for less is not reported: receivers restart. */
const DOWN_AFTER_MS = 120_000;
/** One message that is tried in vain for so long is reported, although others get through. */
const STUCK_AFTER_MS = 900_000;

/** Attempts of before a start that are looked at to know how a channel is. */
const REMEMBERED_MAX = 50;

export type ChannelState = {
  readonly waiting: number;
  readonly busy: number;
  readonly deliveredAt: number | null;
  /** The last attempt that failed, unless one worked since. */
  readonly failure: { readonly at: number; readonly status: number | null; readonly detail: string } | null;
  /** How attempts ended, since the start. */
  readonly counts: Readonly<Record<AttemptRecord["outcome"], number>>;
  /** Since when it fails without one that worked. */
  readonly failingSince: number | null;
  /** When the oldest that should have gone was to go. */
  readonly oldestAt: number | null;
  /** As many messages were sent as its limit allows: what is due waits for room. */
  readonly isLimited: boolean;
  /** It has failed for a while, or something was given up, or tried in vain for long, and nothing got through since. */
  readonly isDown: boolean;
};

export type DeliveryDeps = {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly random: () => number;
  readonly channels: () => ReadonlyMap<string, Channel>;
  /** The log of a channel from before the start, newest first, at most `limit`. */
  readonly logOf: (channel: string, limit: number) => readonly AttemptRecord[];
  /** There is something to write down. */
  readonly commitSoon: (urgent: boolean) => void;
  onGivenUp(attempt: AttemptRecord): void;
};

export type Delivery = {
  /** Starts what may be tried now. Call after each commit, and about once a second. */
  pump(): void;
  /** One attempt at once, past the queue; null when there is no such channel. */
  test(channel: string, message: { readonly id: string; readonly by: string }): Promise<AttemptRecord | null>;
  state(channel: string): ChannelState;
  /** Ends all attempts; what they were about is due again after a start. */
  stop(): void;
};

type Standing = {
  busy: number;
  failures: number;
  failingSince: number | null;
  pausedUntil: number;
  deliveredAt: number | null;
  failure: ChannelState["failure"];
  hasGivenUp: boolean;
  counts: Record<AttemptRecord["outcome"], number>;
  /** When messages were sent that a limit counts, oldest first; as many as it looks at. */
  sentAt: number[];
};

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { clock, outbox, random, channels, logOf, commitSoon, onGivenUp } = deps;
  const standings = new Map<string, Standing>();
  const stopping = new AbortController();

  function standingOf(name: string): Standing {
    const known = standings.get(name);
    if (known !== undefined) return known;
    const before = logOf(name, REMEMBERED_MAX);
    const worked = before.findIndex(({ outcome }) => outcome === "delivered");
    const failures = worked < 0 ? before : before.slice(0, worked);
    const last = failures[0];
    const standing: Standing = {
      ...{ busy: 0, failures: failures.length, pausedUntil: 0 },
      failingSince: failures.at(-1)?.at ?? null,
      deliveredAt: before[worked]?.at ?? null,
      failure: last === undefined ? null : { at: last.at, status: last.status, detail: last.detail },
      counts: { delivered: 0, retry: 0, failed: 0 },
      hasGivenUp: failures.some(({ outcome, incident }) => outcome === "failed" && incident !== ""),
      sentAt: before.flatMap(({ outcome, at }) => (outcome === "delivered" ? [at] : [])).reverse(),
    };
    standings.set(name, standing);
    return standing;
  }

  /** One attempt, with an end. */
  async function attempt(name: string, channel: Channel, message: Message) {
    const at = clock.now();
    const began = clock.monotonic();
    const deadline = new AbortController();
    const cancel = clock.after(channel.timeoutMs, () => deadline.abort());
    const signal = AbortSignal.any([stopping.signal, deadline.signal]);
    let result: Result<Receipt, DeliveryFailure>;
    try {
      result = await channel.deliver(message, signal);
    } catch (thrown) {
      result = { ok: false, error: { retryable: true, status: null, detail: errorText(thrown) } };
    }
    cancel();
    const { status, detail } = result.ok ? result.value : result.error;
    const incident = message.incident?.id ?? "";
    const durationMs = Math.round(clock.monotonic() - began);
    return { result, record: { notification: message.id, channel: name, incident, at, durationMs, status, detail } };
  }

  function worked(name: string, standing: Standing, at: number): void {
    // What waited because of the channel need not wait any longer.
    if (standing.failures >= FAILING_AFTER) outbox.hurry(name, at);
    standing.failures = 0;
    standing.failingSince = null;
    standing.failure = null;
    standing.hasGivenUp = false;
    standing.pausedUntil = 0;
    standing.deliveredAt = at;
  }

  function failed(standing: Standing, { status, detail, retryAfterMs = 0 }: DeliveryFailure, at: number): void {
    standing.failures++;
    standing.failingSince ??= at;
    standing.failure = { at, status, detail };
    const pauseMs =
      standing.failures >= FAILING_AFTER ? backoffMs(standing.failures - FAILING_AFTER, PAUSE, random()) : 0;
    standing.pausedUntil = Math.max(standing.pausedUntil, clock.now() + Math.max(pauseMs, retryAfterMs));
  }

  async function deliver(name: string, channel: Channel, one: Waiting): Promise<void> {
    const standing = standingOf(name);
    standing.busy++;
    const { result, record } = await attempt(name, channel, one.record.message);
    standing.busy--;
    if (stopping.signal.aborted) return;
    const now = clock.now();
    if (result.ok) {
      worked(name, standing, now);
      standing.counts.delivered++;
      outbox.settle(one, { ...record, outcome: "delivered" }, null);
    } else {
      const { retryable, retryAfterMs = 0 } = result.error;
      // A message that is refused says nothing about the channel's next one.
      if (retryable) failed(standing, result.error, now);
      const dueAt = now + Math.max(retryAfterMs, backoffMs(one.record.attempts, RETRY, random()));
      if (retryable && now - one.record.firstDueAt < channel.giveUpAfterMs) {
        standing.counts.retry++;
        outbox.settle(one, { ...record, outcome: "retry" }, dueAt);
      } else giveUp(name, one, record);
    }
    commitSoon(false);
    pump();
  }

  function giveUp(name: string, one: Waiting, record: Omit<AttemptRecord, "outcome">): void {
    const attempted = { ...record, outcome: "failed" } as const;
    const standing = standingOf(name);
    standing.hasGivenUp = true;
    standing.counts.failed++;
    standing.failure = { at: record.at, status: record.status, detail: record.detail };
    outbox.settle(one, attempted, null);
    onGivenUp(attempted);
  }

  function pumpOne(name: string, channel: Channel): void {
    const standing = standingOf(name);
    const now = clock.now();
    if (now < standing.pausedUntil) return;
    if (outbox.gather(name, now)) commitSoon(true);
    const parallel = standing.failures >= FAILING_AFTER ? 1 : PARALLEL_MAX;
    const { rate } = channel;
    if (rate !== null) {
      standing.sentAt = standing.sentAt.filter((at) => at > now - rate.withinMs).slice(-rate.atMost);
      const free = rate.atMost - standing.sentAt.length;
      if (free > 0 && outbox.dueCount(name, now) > free && outbox.bundle(name, now)) commitSoon(true);
    }
    while (standing.busy < parallel) {
      const isFree = rate === null || standing.sentAt.length < rate.atMost;
      const one = outbox.take(name, now, true) ?? (isFree ? outbox.take(name, now) : null);
      if (one === null) return;
      if (one.record.attempts === 0 && !isUrgentRecord(one.record)) standing.sentAt.push(now);
      void deliver(name, channel, one);
    }
  }

  /** Of channels that no file names. */
  function dropOrphans(name: string): void {
    const now = clock.now();
    if (outbox.gather(name, now)) commitSoon(true);
    // What is too young blocks only what is younger still.
    const one = outbox.take(name, now - ORPHAN_MS_MAX);
    if (one === null) return;
    const { id: notification, incident } = one.record;
    const detail = "notifications.yaml has no such channel any more";
    giveUp(name, one, { notification, channel: name, incident, at: now, durationMs: 0, status: null, detail });
    commitSoon(false);
  }

  function pump(): void {
    if (stopping.signal.aborted) return;
    const known = channels();
    for (const name of outbox.channels()) {
      const channel = known.get(name);
      if (channel === undefined) dropOrphans(name);
      else pumpOne(name, channel);
    }
  }

  return {
    pump,

    async test(name, { id, by }) {
      const channel = channels().get(name);
      if (channel === undefined) return null;
      const { result, record } = await attempt(name, channel, testMessage(id, clock.now(), by));
      const standing = standingOf(name);
      if (result.ok) {
        worked(name, standing, clock.now());
        // Somebody mended it, and looks.
        outbox.hurry(name, clock.now());
      } else failed(standing, result.error, clock.now());
      const tried = { ...record, outcome: result.ok ? "delivered" : "failed" } as const;
      outbox.log(tried);
      commitSoon(false);
      pump();
      return tried;
    },

    state(name) {
      const { busy, deliveredAt, failure, failingSince, hasGivenUp, sentAt, counts } = standingOf(name);
      const now = clock.now();
      const isLong = failingSince !== null && now - failingSince >= DOWN_AFTER_MS;
      const { due, tried } = outbox.oldest(name, now);
      const isStuck = tried !== null && now - tried >= STUCK_AFTER_MS;
      const rate = channels().get(name)?.rate ?? null;
      const isLimited = rate !== null && sentAt.filter((at) => at > now - rate.withinMs).length >= rate.atMost;
      return {
        ...{ waiting: outbox.waitingCount(name), busy, deliveredAt, failure, failingSince, counts: { ...counts } },
        ...{ oldestAt: due, isLimited, isDown: isLong || hasGivenUp || isStuck },
      };
    },

    stop: () => stopping.abort(),
  };
}
