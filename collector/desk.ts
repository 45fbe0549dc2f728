/**
 * What falls due by the time alone in the life of incidents: acknowledgements that run out, faults that cure themselves
 * so often that somebody should look, closes. What is due, and what it means, the pure folder incidents/ decides; this
 * shell looks now and then, and writes it into the book.
 */
import type { Clock } from "@aislewatch/base";
import type { Rule } from "@aislewatch/rules";
import type { IncidentBook } from "./incident-book.ts";
import { dueAcknowledgement, dueReview, type LifecyclePolicy } from "./incidents/lifecycle.ts";
import { dueCloses } from "./incidents/transition.ts";
import type { Incident, IncidentEventBody } from "./incidents/types.ts";

const LOOK_INTERVAL_MS = 60_000;
/** For what costs little when nothing is due. */
const GLANCE_INTERVAL_MS = 5_000;
/** Keys whose past is asked for at one glance: each is a query. The rest waits for the next. */
const REVIEWS_MAX = 200;
/** Earlier incidents of a key that may lie within the time of a review. */
const EARLIER_MAX = 32;

export type DeskDeps = {
  readonly clock: Clock;
  readonly book: IncidentBook;
  /** The rules as they are now, by id. */
  readonly rules: () => ReadonlyMap<string, Rule>;
  readonly lifecycle: () => LifecyclePolicy;
};

export type Desk = {
  /** After a start: what recovered while nobody counted. */
  restore(): void;
  /** Call about once a second; true when something fell due that people should know of. */
  tick(): boolean;
};

export function createDesk({ clock, book, rules, lifecycle }: DeskDeps): Desk {
  let lastLookMs = Number.NEGATIVE_INFINITY;
  let lastGlanceMs = Number.NEGATIVE_INFINITY;
  /** Ids of incidents that cured themselves since they were last looked at. */
  const cured = new Set<string>();
  book.onWritten(({ incident, before }) => {
    if (incident.selfRecoveries.length > (before?.selfRecoveries.length ?? 0)) cured.add(incident.id);
    // The list of a long life is full, and its last one new.
    else if (incident.selfRecoveries.at(-1) !== before?.selfRecoveries.at(-1)) cured.add(incident.id);
  });

  function write(incident: Incident, bodies: readonly IncidentEventBody[], now: number): boolean {
    const key = book.keyOf(incident.id);
    // Several things may fall due at once: the first changes what the others would be about.
    if (key === null || bodies.length === 0 || book.ofKey(key)?.version !== incident.version) return false;
    book.write(key, incident, bodies, { at: now, actor: "system" });
    return true;
  }

  function closes(now: number): boolean {
    const find = (id: string): Incident | null => (book.keyOf(id) === null ? null : book.incident(id));
    const due = dueCloses([...book.all()], { rules: rules(), lifecycle: lifecycle(), find }, now);
    return due.filter(({ incident, events }) => write(incident, events, now)).length > 0;
  }

  function acknowledgements(now: number): boolean {
    const waiting = book.open().filter(({ state }) => state === "acknowledged");
    return waiting.filter((one) => write(one, dueAcknowledgement(one, lifecycle(), now), now)).length > 0;
  }

  function reviews(now: number): boolean {
    let isAny = false;
    for (const id of [...cured].slice(0, REVIEWS_MAX)) {
      cured.delete(id);
      const incident = book.incident(id);
      if (incident === null) continue;
      const earlier = incident.review === null ? book.others(incident, EARLIER_MAX) : [];
      if (write(incident, dueReview(incident, earlier, lifecycle(), now), now)) isAny = true;
    }
    return isAny;
  }

  return {
    restore() {
      for (const { id, recoveredAt } of book.open()) if (recoveredAt !== null) cured.add(id);
    },
    tick() {
      const now = clock.now();
      const at = clock.monotonic();
      let isAny = false;
      if (at - lastGlanceMs >= GLANCE_INTERVAL_MS) {
        lastGlanceMs = at;
        isAny = acknowledgements(now);
        // Before the closes: what is for review stays open.
        isAny = reviews(now) || isAny;
      }
      if (at - lastLookMs >= LOOK_INTERVAL_MS) {
        lastLookMs = at;
        isAny = closes(now) || isAny;
      }
      return isAny;
    },
  };
}
