/**
 * What falls due by the time alone in the life of incidents. What is due, and what it means, the pure folder incidents/
 * decides; this shell looks once a minute, and writes it into the book.
 */
import type { Clock } from "@aislewatch/base";
import type { Rule } from "@aislewatch/rules";
import type { IncidentBook } from "./incident-book.ts";
import { dueCloses } from "./incidents/transition.ts";

const LOOK_INTERVAL_MS = 60_000;

export type DeskDeps = {
  readonly clock: Clock;
  readonly book: IncidentBook;
  /** The rules as they are now, by id. */
  readonly rules: () => ReadonlyMap<string, Rule>;
};

export type Desk = {
  /** Call about once a second; true when something fell due that people should know of. */
  tick(): boolean;
};

export function createDesk({ clock, book, rules }: DeskDeps): Desk {
  let lastLookMs = Number.NEGATIVE_INFINITY;

  function closes(now: number): boolean {
    let isAny = false;
    for (const { incident, events } of dueCloses([...book.all()], rules(), now)) {
      const key = book.keyOf(incident.id);
      if (key === null) continue;
      // Both may fall due at once: the first changes what the second would be about.
      const current = book.ofKey(key);
      if (current?.version === incident.version) book.write(key, current, events, { at: now, actor: "system" });
      isAny = true;
    }
    return isAny;
  }

  return {
    tick() {
      if (clock.monotonic() - lastLookMs < LOOK_INTERVAL_MS) return false;
      lastLookMs = clock.monotonic();
      return closes(clock.now());
    },
  };
}
