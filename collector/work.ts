/**
 * What people do to incidents, one or many of them at a time, and what follows from it for those that are merged. What
 * may be done, and what it means, the pure folder incidents/ decides; this shell writes it into the book.
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { ActionRequest, ActRefusal } from "./api/deps.ts";
import type { IncidentBook, Written } from "./incident-book.ts";
import { decideAction, versionRefusal } from "./incidents/decide.ts";
import { type ChainState, decideEscalation } from "./incidents/escalation.ts";
import { isEnded } from "./incidents/log.ts";
import { decideMerge, decideSplit, endsWithWinner, reachesWinner } from "./incidents/merge.ts";
import type { Assessment } from "./incidents/priority.ts";
import type { Actor, Incident, IncidentEventBody } from "./incidents/types.ts";

export type WorkDeps = {
  readonly clock: Clock;
  readonly book: IncidentBook;
  /** Does its fault stand now, by the engine? */
  readonly isFiring: (incident: Incident) => boolean;
  /** What the collector finds of its priority now. */
  readonly assess: (incident: Incident) => Assessment;
  /** Who is asked next; null where no chain fits. */
  readonly chainOf: (incident: Incident) => ChainState | null;
};

export type Acted = Result<Incident, ActRefusal>;

export type Work = {
  act(id: string, action: ActionRequest, actor: Actor): Acted;
};

type EscalateRequest = Extract<ActionRequest, { action: "escalate" }>;
type MergeRequest = Extract<ActionRequest, { action: "merge" }>;

export function createWork({ clock, book, isFiring, assess, chainOf }: WorkDeps): Work {
  book.onWritten(({ before, incident, events }: Written) => {
    if (incident.merged !== null) tellWinner({ before, incident, events });
    if (isEnded(incident) && before !== null) endAbsorbed(incident);
  });

  function tellWinner(loser: Pick<Written, "before" | "incident" | "events">): void {
    const winner = openOne(loser.incident.merged?.into ?? "");
    if (winner !== null) write(winner, reachesWinner(winner, loser), "system");
  }

  function endAbsorbed({ absorbed }: Incident): void {
    for (const id of absorbed) {
      const loser = openOne(id);
      if (loser !== null) write(loser, endsWithWinner(loser), "system");
    }
  }

  /** Not ended. */
  function openOne(id: string): Incident | null {
    const key = book.keyOf(id);
    return key === null ? null : book.ofKey(key);
  }

  function write(incident: Incident, bodies: readonly IncidentEventBody[], actor: Actor): Incident {
    const key = book.keyOf(incident.id);
    if (key === null || bodies.length === 0) return incident;
    return book.write(key, incident, bodies, { at: clock.now(), actor });
  }

  const stillFiring = (incident: Incident): boolean =>
    [incident, ...incident.absorbed.flatMap((id) => openOne(id) ?? [])].some(
      (one) => one.recoveredAt === null && isFiring(one),
    );

  function merge(loser: Incident, { into, version, intoVersion }: MergeRequest, actor: Actor): Acted {
    const winner = book.incident(into);
    if (winner === null) return err(missing(into));
    for (const [one, seen] of [
      [loser, version],
      [winner, intoVersion],
    ] as const) {
      const stale = versionRefusal(one, seen);
      if (stale !== null) return err({ ...stale, incident: one });
    }
    const decided = decideMerge(loser, winner);
    if (!decided.ok) return err({ ...decided.error, incident: loser });
    // The winner first: from then on what the loser's fault does has somewhere to go.
    write(winner, decided.value.winner, actor);
    return ok(write(loser, decided.value.loser, actor));
  }

  function split(loser: Incident, version: number | undefined, actor: Actor): Acted {
    const stale = versionRefusal(loser, version);
    if (stale !== null) return err({ ...stale, incident: loser });
    const winner = book.incident(loser.merged?.into ?? loser.id) ?? loser;
    const decided = decideSplit(loser, winner);
    if (!decided.ok) return err({ ...decided.error, incident: loser });
    write(winner, decided.value.winner, actor);
    return ok(write(loser, decided.value.loser, actor));
  }

  function escalate(incident: Incident, { tier, why, version }: EscalateRequest, actor: Actor): Acted {
    const stale = versionRefusal(incident, version);
    if (stale !== null) return err({ ...stale, incident });
    const decided = decideEscalation(incident, { tier: tier ?? null, why }, chainOf(incident));
    return decided.ok ? ok(write(incident, [decided.value], actor)) : err({ ...decided.error, incident });
  }

  return {
    act(id, action, actor) {
      const incident = book.incident(id);
      if (incident === null) return err(missing(id));
      if (action.action === "merge") return merge(incident, action, actor);
      if (action.action === "split") return split(incident, action.version, actor);
      if (action.action === "escalate") return escalate(incident, action, actor);
      const decided = decideAction(incident, action, {
        actor,
        nowMs: clock.now(),
        stillFiring: stillFiring(incident),
        priority: assess(incident),
      });
      return decided.ok ? ok(write(incident, decided.value, actor)) : err({ ...decided.error, incident });
    },
  };
}

const missing = (id: string): ActRefusal => ({ code: "not_found", message: `There is no incident ${id}.` });
