/**
 * The incidents that are not ended, in memory, and what was written to them since the last commit. Whoever changes an
 * incident (the judge, the desk, people) appends events here and nowhere else, so the log in memory and the one that
 * the next commit puts on disk are the same, in the same order.
 *
 * Nothing here decides: which events to append is for the pure folder incidents/ to say.
 */
import type { Clock } from "@aislewatch/base";
import type { Asset } from "@aislewatch/contract";
import type { Subject } from "@aislewatch/rules";
import { append, incidentId, isEnded, isOpenState } from "./incidents/log.ts";
import {
  type Actor,
  type Incident,
  type IncidentEvent,
  type IncidentEventBody,
  incidentKey,
} from "./incidents/types.ts";
import type { IncidentChange, StateStore } from "./store/state/store.ts";

/** When it happened and who did it; when it is written down, the book knows. */
export type How = { readonly at: number; readonly actor: Actor; readonly late?: true };

/** `before` is null when it was opened. */
export type Written = {
  readonly key: string;
  readonly before: Incident | null;
  readonly incident: Incident;
  readonly events: readonly IncidentEvent[];
};

export type IncidentBook = {
  /** Takes what the store has that is not ended. */
  restore(): void;
  /** The one of this dedupe key that is not ended. */
  ofKey(key: string): Incident | null;
  /** Also one that ended: then it is as the store has it. */
  incident(id: string): Incident | null;
  /** Of this key, the last that ended, if any has. */
  lastOf(key: string): Incident | null;
  /** Other incidents of its key, newest first, ended or not. */
  others(incident: Incident, limit: number): readonly Incident[];
  /** Null once it ended. */
  keyOf(id: string): string | null;
  /** Not ended. */
  all(): Iterable<Incident>;
  /** Not ended, of one site, with their keys; as of now, so writing meanwhile changes nothing in it. */
  at(site: string): readonly { readonly key: string; readonly incident: Incident }[];
  /** Those that wait for somebody. */
  open(): Incident[];
  /** Appends events, at least one; null opens a new incident of this key. */
  write(key: string, incident: Incident | null, bodies: readonly IncidentEventBody[], how: How): Incident;
  /** Gives a key (back) to an incident that is not ended. */
  hold(key: string, incident: Incident): void;
  /**
   * Called in the order of writing, before it is on disk. A listener may write to other incidents, not to the one that it
   * is told of: whoever wrote that goes on with what `write` gave them.
   */
  onWritten(listener: (written: Written) => void): () => void;
  /** What was written since the last call; `putBack` when it could not be committed. */
  takePending(): { readonly changes: readonly IncidentChange[]; putBack(): void };
  readonly hasPending: boolean;
  /** What is held gets the names that people have on disk now (privacy/privacy.ts); nothing else of it may change. */
  rename(change: <T>(record: T) => T): void;
};

export type IncidentBookDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  /** What stands in a slot now; written down with each incident that is opened there. */
  readonly assetOf?: (subject: Subject) => Asset | null;
};

export function createIncidentBook({ clock, state, assetOf }: IncidentBookDeps): IncidentBook {
  /** Not ended, by dedupe key, and by id. */
  const incidents = new Map<string, Incident>();
  const keys = new Map<string, string>();
  /** What a change at one site may touch. */
  const keysAt = new Map<string, Set<string>>();
  const pending = new Map<string, IncidentChange>();
  /** Of those that are pending, the last that ended of its key. */
  const ended = new Map<string, Incident>();
  const listeners = new Set<(written: Written) => void>();

  function hold(key: string, incident: Incident): void {
    const { site } = incident.subject;
    incidents.set(key, incident);
    keys.set(incident.id, key);
    const there = keysAt.get(site);
    if (there === undefined) keysAt.set(site, new Set([key]));
    else there.add(key);
  }

  function letGo(key: string, { id, subject }: Incident): void {
    incidents.delete(key);
    keys.delete(id);
    keysAt.get(subject.site)?.delete(key);
  }

  const ofKey = (key: string): Incident | null => incidents.get(key) ?? null;

  function withAsset(body: IncidentEventBody): IncidentEventBody {
    if (body.type !== "opened") return body;
    const asset = assetOf?.(body.subject) ?? {};
    return Object.keys(asset).length === 0 ? body : { ...body, asset };
  }

  return {
    restore() {
      for (const { incident, key } of state.openIncidents()) hold(key, incident);
    },
    ofKey,
    incident(id) {
      const key = keys.get(id);
      return key === undefined ? (pending.get(id)?.incident ?? state.incident(id)) : ofKey(key);
    },
    lastOf(key) {
      return ended.get(key) ?? state.incidentsOfKey(key, 1)[0] ?? null;
    },
    others(incident, limit) {
      const key = keys.get(incident.id) ?? incidentKey(incident.rule, incident.subject);
      const some = state
        .incidentsOfKey(key, limit + 1)
        .map(({ id, ...rest }) => pending.get(id)?.incident ?? { id, ...rest });
      return some.filter(({ id }) => id !== incident.id).slice(0, limit);
    },
    keyOf: (id) => keys.get(id) ?? null,
    all: () => incidents.values(),
    at: (site) =>
      [...(keysAt.get(site) ?? [])].flatMap((key) => {
        const incident = incidents.get(key);
        return incident === undefined ? [] : [{ key, incident }];
      }),
    open: () => [...incidents.values()].filter(({ state: now }) => isOpenState(now)),

    write(key, before, bodies, how) {
      const id = before?.id ?? incidentId(state.nextIncidentNumber());
      const known = before === null ? bodies.map(withAsset) : bodies;
      const { incident, events } = append(id, before, known, { ...how, recordedAt: clock.now() });
      if (isEnded(incident)) {
        letGo(key, incident);
        ended.set(key, incident);
      } else hold(key, incident);
      pending.set(id, { incident, key, events: [...(pending.get(id)?.events ?? []), ...events] });
      for (const listener of listeners) listener({ key, before, incident, events });
      return incident;
    },
    hold,

    onWritten(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    takePending() {
      const changes = [...pending.values()];
      pending.clear();
      ended.clear();
      return {
        changes,
        putBack() {
          for (const change of changes) {
            const since = pending.get(change.incident.id);
            const whole = since === undefined ? change : { ...since, events: [...change.events, ...since.events] };
            pending.set(change.incident.id, whole);
            if (isEnded(whole.incident) && !ended.has(change.key)) ended.set(change.key, whole.incident);
          }
        },
      };
    },
    get hasPending() {
      return pending.size > 0;
    },
    rename(change) {
      for (const [key, incident] of incidents) incidents.set(key, change(incident));
      for (const [key, incident] of ended) ended.set(key, change(incident));
      for (const [id, { incident, key, events }] of pending)
        pending.set(id, { key, incident: change(incident), events: events.map((event) => change(event)) });
    },
  };
}
