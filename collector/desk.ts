/**
 * What falls due by the time alone in the life of incidents: acknowledgements that run out, faults that cure themselves
 * so often that somebody should look, priorities of sites that open or close, closes. What is due, and what it means, the pure folder incidents/ decides; this
 * shell looks now and then, and writes it into the book.
 */
import type { Clock } from "@aislewatch/base";
import type { Rule } from "@aislewatch/rules";
import type { IncidentBook } from "./incident-book.ts";
import { acknowledgementEnds, dueAcknowledgement, dueReview, type LifecyclePolicy } from "./incidents/lifecycle.ts";
import type { Assessment } from "./incidents/priority.ts";
import { dueCloses, reassessed } from "./incidents/transition.ts";
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
  /** Are customers there now? */
  readonly isOpenAt: (site: string) => boolean;
  /** What the collector finds of its priority now. */
  readonly assess: (incident: Incident) => Assessment;
};

export type Desk = {
  /** After a start: what recovered while nobody counted. */
  restore(): void;
  /** Hours or priorities were edited: every priority is found again. */
  reconsider(): void;
  /** Call about once a second; true when something fell due that people should know of. */
  tick(): boolean;
};

export function createDesk({ clock, book, rules, lifecycle, isOpenAt, assess }: DeskDeps): Desk {
  /** Sites that have incidents: as their hours were at the last look. */
  let hours = new Map<string, boolean>();
  let isEdited = false;
  let lastLookMs = Number.NEGATIVE_INFINITY;
  let lastGlanceMs = Number.NEGATIVE_INFINITY;
  /** Ids of incidents that cured themselves since they were last looked at. */
  const cured = new Set<string>();
  /** Of incidents below which others were hung since the last tick: which. */
  const grown = new Map<string, string[]>();
  book.onWritten(({ incident, before, events }) => {
    // What comes within the settle time after it began, whoever took it could expect.
    const fromMs = beganAt(incident) + lifecycle().correlation.settleMs;
    for (const event of events) {
      if (event.type !== "child_added" || event.late === true || event.at <= fromMs) continue;
      grown.set(incident.id, [...(grown.get(incident.id) ?? []), event.incident]);
    }
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

  /** What began before somebody acknowledged is no more than that, though it hung below something else meanwhile. */
  function isMore({ acknowledgedAt }: Incident, below: string): boolean {
    const child = book.incident(below);
    return child === null || acknowledgedAt === null || beganAt(child) > acknowledgedAt;
  }

  function growth(now: number): boolean {
    const some = [...grown].flatMap(([id, below]) => {
      const incident = book.incident(id);
      return incident !== null && below.some((one) => isMore(incident, one)) ? [incident] : [];
    });
    grown.clear();
    return some.filter((one) => write(one, acknowledgementEnds(one, "scope", lifecycle()), now)).length > 0;
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

  /**
   * A site that opens or closes makes what is wrong there more urgent, or less. What is not heard of keeps the priority
   * that it had when it was: nobody knows what is left there.
   */
  function priorities(now: number): boolean {
    const known = hours;
    hours = new Map();
    let isAny = false;
    for (const incident of book.open()) {
      const { subject, recoveredAt, stale, suppressedBy } = incident;
      const isOpen = hours.get(subject.site) ?? isOpenAt(subject.site);
      hours.set(subject.site, isOpen);
      const isMoved = isEdited || (known.get(subject.site) ?? isOpen) !== isOpen;
      if (!isMoved || recoveredAt !== null || stale || suppressedBy !== null) continue;
      if (write(incident, reassessed(incident, assess(incident)), now)) isAny = true;
    }
    isEdited = false;
    return isAny;
  }

  return {
    reconsider() {
      isEdited = true;
      // Whoever edits looks at what comes of it.
      lastLookMs = Number.NEGATIVE_INFINITY;
    },
    restore() {
      // Nobody was heard yet: what is left of a role can't be said now.
      isEdited = false;
      for (const { id, recoveredAt } of book.open()) if (recoveredAt !== null) cured.add(id);
    },
    tick() {
      const now = clock.now();
      const at = clock.monotonic();
      let isAny = growth(now);
      if (at - lastGlanceMs >= GLANCE_INTERVAL_MS) {
        lastGlanceMs = at;
        isAny = acknowledgements(now) || isAny;
        // Before the closes: what is for review stays open.
        isAny = reviews(now) || isAny;
      }
      if (at - lastLookMs >= LOOK_INTERVAL_MS) {
        lastLookMs = at;
        isAny = priorities(now) || isAny;
        isAny = closes(now) || isAny;
      }
      return isAny;
    },
  };
}

/** When it was known to stand, this time. */
const beganAt = ({ openedAt, reopenedAt, onset }: Incident): number => Math.max(openedAt, reopenedAt ?? 0, onset);
