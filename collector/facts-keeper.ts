/**
 * Keeps the facts of incidents, which reports are made of, beside their logs. They are written in the commit that writes
 * the log, so one never goes without the other.
 *
 * What the facts say depends on more than the log: on the terms and hours that hold, and on what this program makes of
 * them. A mark in the store says by which of these all facts were made, or are being made; when it is another one, all
 * incidents that there ever were are gone through again in the order of their ids, some of them a second, beside all
 * other work. A kill in between loses nothing: how far it has come is written after the facts, and it goes on there.
 * Vendor, model and kind are those of the device in the slot when the facts are made.
 */
import { createHash } from "node:crypto";
import type { Clock } from "@aislewatch/base";
import { FACTS_VERSION, type FactsContext, factsOf } from "./incidents/figure-facts.ts";
import type { IncidentFacts } from "./incidents/figures.ts";
import type { SlaPolicy } from "./incidents/sla-policy.ts";
import type { Incident } from "./incidents/types.ts";
import type { Site } from "./sites.ts";
import { StoreError } from "./store/error.ts";
import type { IncidentChange, StateStore } from "./store/state/store.ts";

/** Made again in one tick: about 20 ms of a second. A million incidents take an hour and a half. */
const REMADE_MAX = 200;
const DOCUMENT = "facts";

export type FactsKeeperDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly contextOf: (incident: Incident) => Omit<FactsContext, "nowMs">;
};

/** How far the facts of the past have come that are made again; null: all facts are as they should be. */
export type Remaking = { readonly done: number; readonly after: string };

export type FactsKeeper = {
  /** For the commit that these changes are in. Throws a StoreError when a log can't be read. */
  of(changes: readonly IncidentChange[]): readonly IncidentFacts[];
  /** What holds from now on. */
  use(sla: SlaPolicy, sites: readonly Site[]): void;
  /** Call about once a second. */
  tick(): void;
  readonly remaking: Remaking | null;
};

export function createFactsKeeper({ clock, state, contextOf }: FactsKeeperDeps): FactsKeeper {
  let basis: string | null = null;
  let remaking: Remaking | null = null;

  /** When the store can't be read or written, as ingest says, the next tick tries again what this one did. */
  function tried(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown;
    }
  }

  const save = (next: Remaking | null): void => state.putDocument(DOCUMENT, JSON.stringify({ basis, remaking: next }));

  function remakeSome({ done, after }: Remaking): Remaking | null {
    const ids = state.incidentIds(after, REMADE_MAX);
    const facts = ids.flatMap((id) => {
      const [incident, log] = [state.incident(id), state.incidentEvents(id)];
      return incident === null ? [] : [factsOf(id, log, { ...contextOf(incident), nowMs: clock.now() })];
    });
    if (facts.length > 0) state.commit({ facts });
    const last = ids.at(-1);
    return last === undefined ? null : { done: done + ids.length, after: last };
  }

  return {
    of: (changes) =>
      changes.map(({ incident, events }) => {
        const log = events[0]?.seq === 1 ? events : [...state.incidentEvents(incident.id), ...events];
        return factsOf(incident.id, log, { ...contextOf(incident), nowMs: clock.now() });
      }),

    use(sla, sites) {
      const next = basisOf(sla, sites);
      if (next === basis) return;
      const saved = basis === null ? savedIn(state.document(DOCUMENT)) : null;
      basis = next;
      if (saved?.basis === next) {
        remaking = saved.remaking;
        return;
      }
      const first = { done: 0, after: "" };
      remaking = first;
      tried(() => save(first));
    },

    tick() {
      const current = remaking;
      if (current === null) return;
      tried(() => {
        const next = remakeSome(current);
        save(next);
        remaking = next;
      });
    },

    get remaking() {
      return remaking;
    },
  };
}

/** All that facts depend on beside their logs. */
function basisOf(sla: SlaPolicy, sites: readonly Site[]): string {
  const hours = sites.map(({ id, timeZone, hours: open, closedDays, calendars, contract }) => [
    ...[id, timeZone, open, closedDays, [...calendars], contract],
  ]);
  const text = JSON.stringify([FACTS_VERSION, sla.standard, [...sla.contracts], hours]);
  return createHash("sha256").update(text).digest("base64url");
}

type Saved = { readonly basis: string; readonly remaking: Remaking | null };

/** The edge: only `save` above writes it. */
const savedIn = (document: string | null): Saved | null => (document === null ? null : (JSON.parse(document) as Saved));
