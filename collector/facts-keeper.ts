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
import { COMEBACK_MS, FACTS_VERSION, type FactsContext, factsOf, isComeback } from "./incidents/figure-facts.ts";
import type { IncidentFacts } from "./incidents/figures.ts";
import type { SlaPolicy } from "./incidents/sla-policy.ts";
import { type Incident, type IncidentEvent, incidentKey } from "./incidents/types.ts";
import type { Site } from "./sites.ts";
import { StoreError } from "./store/error.ts";
import type { IncidentChange, StateStore } from "./store/state/store.ts";

/** Made again in one tick: about 20 ms of a second. A million incidents take an hour and a half. */
const REMADE_MAX = 200;
const DOCUMENT = "facts";
/** A bug may be in all logs: so many are remembered as told, then the oldest of them may be told again. */
const TOLD_MAX = 10_000;
const DETAIL_CHARS_MAX = 512;

/** Of one key, those next to an incident that are looked at: between two that count there are few that were a mistake. */
const COMEBACKS_MAX = 5;
/** What turns an incident that came back into one that was none, or the other way round. */
const DECISIVE: readonly IncidentEvent["type"][] = ["resolved", "reopened", "cancelled", "merged"];

type Known = { readonly incident: Incident; readonly key: string; readonly log: readonly IncidentEvent[] };

export type FactsKeeperDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly contextOf: (incident: Incident) => Omit<FactsContext, "nowMs" | "cameBackAt">;
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

  /** None or one. Throws what the store throws, and nothing else. `others`: as they are, before they are in the store. */
  function make(id: string, read: () => Known | null, others: readonly IncidentChange[] = []): IncidentFacts[] {
    try {
      const known = read();
      if (known === null) return [];
      const { incident, key, log } = known;
      const cameBackAt = comebackOf(incident, key, others);
      return [factsOf(id, log, { ...contextOf(incident), nowMs: clock.now(), cameBackAt })];
    } catch (thrown) {
      if (thrown instanceof StoreError) throw thrown;
      tell(id, thrown);
      return [];
    }
  }

  /** When its fault came back as another incident, soon after this one was resolved. */
  function comebackOf({ id, openedAt, resolvedAt }: Incident, key: string, others: readonly IncidentChange[]) {
    if (resolvedAt === null) return null;
    const changed = others.filter((other) => other.key === key).map(({ incident }) => incident);
    const stored = state.incidentsOfKeyAfter(key, openedAt, COMEBACKS_MAX);
    const known = stored.filter((one) => !changed.some((other) => other.id === one.id));
    const later = [...changed, ...known].filter(
      (one) => one.id !== id && one.openedAt > openedAt && one.openedAt <= resolvedAt + COMEBACK_MS && isComeback(one),
    );
    return later.length === 0 ? null : Math.min(...later.map((one) => one.openedAt));
  }

  /** The one before an incident that came, or turned out to be none: whether it was solved hangs on that. */
  function before({ key, incident, events }: IncidentChange, changes: readonly IncidentChange[]): IncidentFacts[] {
    if (!events.some(({ seq, type }) => seq === 1 || DECISIVE.includes(type))) return [];
    const [last] = state
      .incidentsOfKey(key, COMEBACKS_MAX)
      .filter((one) => one.id !== incident.id && one.openedAt < incident.openedAt);
    if (last?.resolvedAt == null || incident.openedAt - last.resolvedAt > COMEBACK_MS) return [];
    if (changes.some((one) => one.incident.id === last.id)) return [];
    return make(last.id, () => ({ incident: last, key, log: state.incidentEvents(last.id) }), changes);
  }

  function remakeSome({ done, after }: Remaking): Remaking | null {
    const ids = state.incidentIds(after, REMADE_MAX);
    const facts = ids.flatMap((id) =>
      make(id, () => {
        const incident = state.incident(id);
        if (incident === null) return null;
        return { incident, key: incidentKey(incident.rule, incident.subject), log: state.incidentEvents(id) };
      }),
    );
    if (facts.length > 0) state.commit({ facts });
    const last = ids.at(-1);
    return last === undefined ? null : { done: done + ids.length, after: last };
  }

  return {
    of: (changes) =>
      changes.flatMap((change) => {
        const { key, incident, events } = change;
        const log = () => (events[0]?.seq === 1 ? events : [...state.incidentEvents(incident.id), ...events]);
        return [...make(incident.id, () => ({ incident, key, log: log() }), changes), ...before(change, changes)];
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
