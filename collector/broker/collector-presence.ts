/**
 * Who is the collector at an external broker. Two that read the same agents (a host that was cloned, a collector.yaml that
 * was copied) would throw each other out for ever where they have one client id, and both ack where they have two. So a
 * collector says that it is there, retained and every ten seconds, on a topic that no agent has, and listens to it:
 *
 * - another that says so while this one holds the place, or that has said more whenever this one comes back from being
 *   thrown out, is a second one. What a broker has kept of a dead one, or brings back from an old file, says no more;
 * - of two, the one that was started first stays. The other leaves and stands by, says so on the same topic, and comes when
 *   nobody has held the place for ten minutes: longer than a restart, so that a copy does not take over whenever the right
 *   one is restarted.
 *
 * What comes back of its own also tells that the broker delivers, and how long that takes: until the first has come back,
 * what comes was kept for us before. Pure but for its memory; times are milliseconds of a monotonic clock, unless named
 * startedAt, which is Unix milliseconds and compared between hosts as it is written.
 */
import { LIMITS } from "@aislewatch/contract";
import { z } from "zod";

/** How often it is said. */
export const BEAT_MS = 10_000;
/** What has not come back after this time means that messages wait at the broker. */
const PROMPT_MS = 5_000;
/** A place that nobody has held for so long is free. */
export const VACANT_MS = 600_000;
/** For so long after its last word a second collector is told of. */
const SHARED_MS = 60_000;
/** Beats that have not come back; more are as good as these. */
const BEATS_MAX = 64;

const presenceSchema = z.object({
  v: z.literal(1),
  state: z.enum(["online", "standby", "offline"]),
  instance: z.string().min(1).max(64),
  startedAt: z.int().min(0).max(LIMITS.timeMsMax),
  host: z.string().max(255),
  beat: z.int().min(0),
});
export type Presence = z.infer<typeof presenceSchema>;
export type Self = Pick<Presence, "instance" | "startedAt" | "host">;

export function readPresence(payload: Uint8Array): Presence | null {
  if (payload.byteLength > 1_024) return null;
  try {
    const parsed = presenceSchema.safeParse(JSON.parse(Buffer.from(payload).toString("utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export class CollectorPresence {
  readonly #self: Self;
  #beat = 0;
  /** Beats of this connection that have not come back, with when they were sent. */
  readonly #waiting = new Map<number, number>();
  #hasComeBack = false;
  #delayMs = 0;
  /** When another was heard last, and who it is. */
  #shared: { readonly other: Presence; readonly atMs: number } | null = null;
  /** The broker's copy of another's last word, as it was seen last. */
  #sighting: Pick<Presence, "instance" | "beat"> | null = null;
  /** Of the one to which the place was left, when it was heard last. */
  #otherHeardMs = Number.NEGATIVE_INFINITY;

  constructor(self: Self) {
    this.#self = self;
  }

  connected(): void {
    this.#waiting.clear();
    this.#hasComeBack = false;
  }

  /** What to say now, retained. */
  beat(nowMs: number): Presence {
    const beat = ++this.#beat;
    this.#waiting.set(beat, nowMs);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > BEATS_MAX && oldest !== undefined) this.#waiting.delete(oldest);
    return this.#said("online");
  }

  /** What to say while it stands by, not retained. */
  standby(): Presence {
    return this.#said("standby");
  }

  /** The will, and the last word of one that ends. */
  farewell(): Presence {
    return this.#said("offline");
  }

  /**
   * Somebody said this. The other, when the place is to be left to it; `isRetained`: it is the broker's copy of the last.
   */
  heard(presence: Presence, { isRetained, nowMs }: { isRetained: boolean; nowMs: number }): Presence | null {
    if (presence.instance === this.#self.instance) {
      if (!isRetained) this.#cameBack(presence.beat, nowMs);
      return null;
    }
    // Thrown out by the other, each leaves its will: that one has gone on is seen by that, too.
    if (presence.state === "offline" && !isRetained) return null;
    const isNow = isRetained ? this.#hasGoneOn(presence) : this.#hasComeBack;
    if (!isNow) return null;
    this.#shared = { other: presence, atMs: nowMs };
    if (presence.state === "standby" || !isBefore(presence, this.#self)) return null;
    this.#otherHeardMs = nowMs;
    return presence;
  }

  /** While it stands by: somebody said this. Is the place free? Asked with null from time to time. */
  isVacant(presence: Presence | null, { isRetained, nowMs }: { isRetained: boolean; nowMs: number }): boolean {
    if (presence?.state === "online" && presence.instance !== this.#self.instance && !isRetained) {
      this.#otherHeardMs = nowMs;
      this.#shared = { other: presence, atMs: nowMs };
    }
    return nowMs - this.#otherHeardMs >= VACANT_MS;
  }

  /** What comes now was sent now, as far as anybody can tell. */
  isPrompt(nowMs: number): boolean {
    return this.#hasComeBack && nowMs - this.#oldestMs(nowMs) < PROMPT_MS;
  }

  /** How long a message takes through the broker, or has taken already. */
  delayMs(nowMs: number): number {
    return Math.max(this.#delayMs, nowMs - this.#oldestMs(nowMs));
  }

  /** Since when nothing has come back. */
  waitsMs(nowMs: number): number {
    return nowMs - this.#oldestMs(nowMs);
  }

  get hasComeBack(): boolean {
    return this.#hasComeBack;
  }

  /** The other of two, while it is there. */
  other(nowMs: number): Presence | null {
    return this.#shared !== null && nowMs - this.#shared.atMs < SHARED_MS ? this.#shared.other : null;
  }

  /** It has said more than when it was seen before, so it lives. */
  #hasGoneOn({ instance, beat }: Presence): boolean {
    const before = this.#sighting;
    this.#sighting = { instance, beat };
    return before !== null && before.instance === instance && before.beat !== beat;
  }

  #oldestMs(nowMs: number): number {
    const [oldest = nowMs] = this.#waiting.values();
    return oldest;
  }

  #cameBack(beat: number, nowMs: number): void {
    const sentMs = this.#waiting.get(beat);
    // Of an earlier connection: it was kept for us.
    if (sentMs === undefined) return;
    this.#delayMs = nowMs - sentMs;
    this.#hasComeBack = true;
    for (const earlier of this.#waiting.keys()) if (earlier <= beat) this.#waiting.delete(earlier);
  }

  #said(state: Presence["state"]): Presence {
    return { v: 1, state, ...this.#self, beat: this.#beat };
  }
}

/** The same for both: earlier, or, should two have been started in one millisecond, by name. */
const isBefore = (one: Self, other: Self): boolean =>
  one.startedAt < other.startedAt || (one.startedAt === other.startedAt && one.instance < other.instance);
