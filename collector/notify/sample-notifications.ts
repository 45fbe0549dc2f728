/**
 * For the tests of this folder: incidents, their book, the outbox and the delivery over a real state store, with
 * channels whose answers the test gives. `crash` is what a kill leaves: the store, and nothing of memory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock, ok, type Result } from "@aislewatch/base";
import { createIncidentBook, type IncidentBook } from "../incident-book.ts";
import { type Incident, type IncidentEventBody, incidentKey } from "../incidents/types.ts";
import { type Site, unlistedSite } from "../sites.ts";
import { createSqliteStore } from "../store/state/sqlite.ts";
import type { StateStore } from "../store/state/store.ts";
import type { Channel, DeliveryFailure, Receipt } from "./channel.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import type { Message } from "./message.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import type { AttemptRecord } from "./record.ts";
import { NO_NOTIFICATIONS, type NotificationPolicy } from "./routing.ts";

export const T0 = 1_700_000_000_000;
export type Answer = Result<Receipt, DeliveryFailure>;
export const TAKEN: Answer = ok({ status: 204, detail: "HTTP 204" });
export const DOWN: Answer = { ok: false, error: { retryable: true, status: 503, detail: "HTTP 503" } };
export const REFUSED: Answer = { ok: false, error: { retryable: false, status: 400, detail: "HTTP 400" } };

export const opened = (title = "Media out", device = "printer"): Extract<IncidentEventBody, { type: "opened" }> => ({
  type: "opened",
  subject: { site: "store-1", device, component: null },
  ...{ rule: "media-out", ruleVersion: "a1", title, severity: "major", category: "consumable", runbook: null },
  ...{ onset: T0, values: {}, priority: "P2", why: "one of two", suppressedBy: null },
});

/** Everything to channel `a`, and what escalates to `noc` to `b`. */
export const POLICY: NotificationPolicy = {
  ...NO_NOTIFICATIONS,
  people: new Map([["noc", ["b"]]]),
  tiers: new Map([[3, ["b"]]]),
  routes: [
    {
      where: {},
      on: ["opened", "reopened", "sla_breached", "recovered", "resolved", "cancelled"],
      to: ["a"],
    },
  ],
  channels: ["a", "b"].map((name) => ({
    ...{ kind: "webhook", name, url: "http://127.0.0.1:1/", key: Buffer.alloc(32), isPrivate: true },
    ...{ timeoutMs: 10_000, giveUpAfterMs: 3_600_000, quiet: null, rate: null },
  })),
};

export type Arrived = { readonly channel: string; readonly message: Message };

/** What receivers answer, and the channels that the file names now. */
export type World = {
  answer: (channel: string, message: Message, signal: AbortSignal) => Answer | Promise<Answer>;
  names: readonly string[];
};

export type Sample = {
  readonly clock: ManualClock;
  readonly state: StateStore;
  book: IncidentBook;
  outbox: Outbox;
  delivery: Delivery;
  /** What receivers got, in order. */
  readonly arrived: Arrived[];
  readonly givenUp: AttemptRecord[];
  readonly world: World;
  write(incident: Incident | null, ...bodies: IncidentEventBody[]): Incident;
  commit(): void;
  /** The disk is full: what was to be written stays to be written. */
  commitInVain(): void;
  /** Lets what is under way come to its end, and time pass by `ms` in seconds' steps. */
  pass(ms: number): Promise<void>;
  crash(): Promise<void>;
  close(): Promise<void>;
};

export async function sampleNotifications(
  policy: NotificationPolicy = POLICY,
  site: Site = unlistedSite("store-1"),
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-notify-"));
  const clock = new ManualClock(T0);
  const state = createSqliteStore({ file: join(folder, "state.sqlite") });
  await state.open();
  const arrived: Arrived[] = [];
  const givenUp: AttemptRecord[] = [];

  const world: World = { names: ["a", "b"], answer: () => TAKEN };

  function build(): Pick<Sample, "book" | "outbox" | "delivery"> {
    const book = createIncidentBook({ clock, state });
    book.restore();
    const outbox = createOutbox({
      ...{ clock, state, policy: () => policy },
      whereabouts: () => ({ site, kind: "label_printer", firstSteps: [] }),
    });
    outbox.restore();
    book.onWritten(outbox.observe);
    const channelOf = (name: string): Channel => ({
      ...{ kind: "webhook", target: name, timeoutMs: 10_000, giveUpAfterMs: 3_600_000 },
      rate: policy.channels.find((one) => one.name === name)?.rate ?? null,
      async deliver(message, signal) {
        arrived.push({ channel: name, message });
        return world.answer(name, message, signal);
      },
    });
    const delivery = createDelivery({
      ...{ clock, outbox, random: () => 0.5, commitSoon: () => undefined },
      channels: () => new Map(world.names.map((name) => [name, channelOf(name)])),
      logOf: (channel, limit) => state.attempts({ channel }, limit),
      onGivenUp: (attempt) => void givenUp.push(attempt),
    });
    return { book, outbox, delivery };
  }

  const sample: Sample = {
    ...{ clock, state, arrived, givenUp, world },
    ...build(),
    write(incident, ...bodies) {
      const [first] = bodies;
      const subject = incident?.subject ?? (first?.type === "opened" ? first.subject : null);
      if (subject === null) throw new Error("an incident begins with opened");
      const key = incidentKey("media-out", subject);
      return sample.book.write(key, incident, bodies, { at: clock.now(), actor: "system" });
    },
    commit() {
      const incidents = sample.book.takePending();
      const notices = sample.outbox.takePending();
      const { notifications, attempts, groups } = notices;
      state.commit({ incidents: incidents.changes, notifications, attempts, groups });
      notices.committed();
    },
    commitInVain() {
      sample.book.takePending().putBack();
      sample.outbox.takePending().putBack();
    },
    async pass(ms) {
      for (let left = ms; left >= 0; left -= 1_000) {
        sample.delivery.pump();
        // Attempts settle in a few turns: nothing here waits for the world.
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        sample.commit();
        if (left > 0) clock.advance(Math.min(1_000, left));
      }
    },
    async crash() {
      sample.delivery.stop();
      await state.close();
      await state.open();
      Object.assign(sample, build());
    },
    async close() {
      sample.delivery.stop();
      await state.close();
      rmSync(folder, { recursive: true });
    },
  };
  return sample;
}
