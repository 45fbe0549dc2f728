/**
 * Keeps the facts of incidents, which reports are made of, beside their logs. They are written in the commit that writes
 * the log, so one never goes without the other.
 *
 * What the facts say depends on more than the log: on the terms and hours that hold, and on what this program makes of
 * them. A mark in the store says by which of these all facts were made, or are being made; when it is another one, all
 * incidents that there ever were are gone through again in the order of their ids, some of them a second, beside all
 * other work. A kill in between loses nothing: how far it has come is written after the facts, and it goes on there.
 * The kind is that of the device in the slot when the facts are made; so are vendor, model and serial number of incidents
 * whose log does not say what stood there.
 *
 * A log of which no facts can be made is a bug, but a report's: the incident stays without (or with those of before), and
 * its log is committed all the same. Else one incident would hold up all ingest, for a failed commit is tried again.
 */
import { createHash } from "node:crypto";
import { type Clock, errorText } from "@aislewatch/base";
import { FACTS_VERSION, type FactsContext, factsOf } from "./incidents/figure-facts.ts";
import type { IncidentFacts } from "./incidents/figures.ts";
import type { SlaPolicy } from "./incidents/sla-policy.ts";
import type { Incident, IncidentEvent } from "./incidents/types.ts";
import type { Site } from "./sites.ts";
import { StoreError } from "./store/error.ts";
import type { IncidentChange, StateStore } from "./store/state/store.ts";

/** Made again in one tick: about 20 ms of a second. A million incidents take an hour and a half. */
const REMADE_MAX = 200;
const DOCUMENT = "facts";
/** A bug may be in all logs: so many are remembered as told, then the oldest of them may be told again. */
const TOLD_MAX = 10_000;
const DETAIL_CHARS_MAX = 512;

export type FactsKeeperDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly contextOf: (incident: Incident) => Omit<FactsContext, "nowMs">;
  /** Of this incident no facts can be made; once for each until the next start. */
  readonly onFailed: (failure: FactsFailure) => void;
};

export type FactsFailure = { readonly incident: string; readonly detail: string };

/** How far the facts of the past have come that are made again; null: all facts are as they should be. */
export type Remaking = { readonly done: number; readonly after: string };

export type FactsKeeper = {
  /** For the commit that these changes are in. Throws a StoreError when the store can't be read, and nothing else. */
  of(changes: readonly IncidentChange[]): readonly IncidentFacts[];
  /** What holds from now on. */
  use(sla: SlaPolicy, sites: readonly Site[]): void;
  /** Call about once a second. */
  tick(): void;
  readonly remaking: Remaking | null;
};

export function createFactsKeeper({ clock, state, contextOf, onFailed }: FactsKeeperDeps): FactsKeeper {
  let basis: string | null = null;
  let remaking: Remaking | null = null;
  const told = new Set<string>();

  /** When the store can't be read or written, as ingest says, the next tick tries again what this one did. */
  function tried(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown;
    }
  }

  const save = (next: Remaking | null): void => state.putDocument(DOCUMENT, JSON.stringify({ basis, remaking: next }));

  function tell(incident: string, thrown: unknown): void {
    if (told.has(incident)) return;
    const [oldest] = told;
    if (told.size >= TOLD_MAX && oldest !== undefined) told.delete(oldest);
    told.add(incident);
    onFailed({ incident, detail: errorText(thrown).slice(0, DETAIL_CHARS_MAX) });
  }

  /** None or one. Throws what the store throws, and nothing else. */
  function make(id: string, read: () => { incident: Incident; log: readonly IncidentEvent[] } | null): IncidentFacts[] {
    try {
      const known = read();
      if (known === null) return [];
      return [factsOf(id, known.log, { ...contextOf(known.incident), nowMs: clock.now() })];
    } catch (thrown) {
      if (thrown instanceof StoreError) throw thrown;
      tell(id, thrown);
      return [];
    }
  }

  function remakeSome({ done, after }: Remaking): Remaking | null {
    const ids = state.incidentIds(after, REMADE_MAX);
    const facts = ids.flatMap((id) =>
      make(id, () => {
        const incident = state.incident(id);
        return incident === null ? null : { incident, log: state.incidentEvents(id) };
      }),
    );
    if (facts.length > 0) state.commit({ facts });
    const last = ids.at(-1);
    return last === undefined ? null : { done: done + ids.length, after: last };
  }

  return {
    of: (changes) =>
      changes.flatMap(({ incident, events }) =>
        make(incident.id, () => ({
          incident,
          log: events[0]?.seq === 1 ? events : [...state.incidentEvents(incident.id), ...events],
        })),
      ),

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
