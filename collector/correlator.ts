/**
 * Keeps the tree of incidents: hangs consequences below what they are consequences of, and lets go of those that outlive
 * it. Where one belongs the pure folder incidents/ decides (correlation.ts, fleet.ts); this shell knows whom a change
 * concerns, and writes.
 *
 * - Nothing is looked at all the time: an incident is looked at when something is written about it, its cause or its
 *   parent, and when its settle time is over (a heap). What one event costs does not grow with how many are open.
 * - `parent_set` in one log and `child_added` or `child_removed` in the other are written in one turn, so one commit has
 *   both. All else is found again from the open incidents: a restart at any point goes on with the same tree.
 * - What joins others at many sites is told of its parent in the same breath in which it opens (`joining`), so that nobody
 *   is called for it first.
 */
import { Agenda, type Clock, type Due, NO_PLACE } from "@aislewatch/base";
import { createFleetIncidents, type FleetDeps, whyJoined } from "./fleet-incidents.ts";
import type { IncidentBook } from "./incident-book.ts";
import { causeKeys, isStanding, isTopOfCircle, linkBelow, namesOf, placeOf } from "./incidents/correlation.ts";
import { isEnded } from "./incidents/log.ts";
import type { Assessment } from "./incidents/priority.ts";
import type { OpenedBody } from "./incidents/transition.ts";
import type { Incident, IncidentEventBody } from "./incidents/types.ts";

/** Looked at in one turn; the rest waits for the next second. A dead distribution centre has some thousand. */
const LOOKS_MAX = 5_000;

export type CorrelatorDeps = FleetDeps & {
  readonly clock: Clock;
  readonly book: IncidentBook;
  /** Ids of rules that say that a device does not answer, the worst first. */
  readonly downRules: () => readonly string[];
};

export type Correlator = {
  /** After a start, and when rules, sites or policies changed: everything is found again from what is open. */
  restore(): void;
  /**
   * For a fault that fires now, before its incident is written: the event to write with it, when the same stands at many
   * sites. Opens the incident of the fleet, when this is the one that makes them many.
   */
  joining(opened: OpenedBody): readonly IncidentEventBody[];
  /** Puts right what was written since. Call when a turn of writing is over, and about once a second; true when it wrote. */
  settle(): boolean;
  /** Of an incident of the fleet: its priority, by what stands below it; null for all others. */
  assess(incident: Incident): Assessment | null;
  /** Do incidents below this one of the fleet stand? */
  stands(incident: Incident): boolean;
};

type Link = { readonly child: string; readonly from: string | null; readonly to: string | null; readonly why: string };

export function createCorrelator(deps: CorrelatorDeps): Correlator {
  const { clock, book, lifecycle, downRules } = deps;
  const fleet = createFleetIncidents(deps);
  /** Not ended: by what suppresses them, and by their parent. */
  const waiting = new Map<string, Set<string>>();
  const below = new Map<string, Set<string>>();
  const dirty = new Set<string>();
  /** Written of a child, and not yet of its parents. */
  let links: Link[] = [];
  /** Those that wait until their cause is over for long enough. */
  let agenda = new Agenda<Due>();
  const settling = new Map<string, Due>();

  book.onWritten(({ before, incident, events }) => {
    index(before, incident);
    if ((before?.parent ?? null) !== incident.parent) {
      const why = events.findLast((event) => event.type === "parent_set")?.why ?? "";
      links.push({ child: incident.id, from: before?.parent ?? null, to: incident.parent, why });
    }
    if (before === null || signOf(before) !== signOf(incident)) dirty.add(incident.id);
    if (before === null || causeSignOf(before) !== causeSignOf(incident)) {
      for (const name of namesOf(incident, downRules())) for (const other of waiting.get(name) ?? []) dirty.add(other);
    }
    if (before !== null && parentSignOf(before) !== parentSignOf(incident)) {
      for (const child of below.get(incident.id) ?? []) dirty.add(child);
    }
  });

  /** Not ended. */
  function openOne(id: string): Incident | null {
    const key = book.keyOf(id);
    return key === null ? null : book.ofKey(key);
  }

  // ── what is known

  function index(before: Incident | null, incident: Incident): void {
    const was = before !== null && !isEnded(before) ? before : null;
    const now = isEnded(incident) ? null : incident;
    const { id } = incident;
    move(waiting, id, was?.suppressedBy ?? null, now?.suppressedBy ?? null);
    move(below, id, was?.parent ?? null, now?.parent ?? null);
    fleet.learn(before, incident);
  }

  /** The open incident of what suppresses it; the one that people work on when that was merged. */
  function causeOf({ suppressedBy }: Incident): Incident | null {
    if (suppressedBy === null) return null;
    const found = causeKeys(suppressedBy, downRules()).flatMap((key) => book.ofKey(key) ?? []);
    const cause = found.find(isStanding) ?? found[0] ?? null;
    return cause?.merged == null ? cause : openOne(cause.merged.into);
  }

  const parentOf = ({ parent }: Incident): Incident | null => (parent === null ? null : openOne(parent));

  // ── the tree

  function look(id: string, now: number): boolean {
    const one = openOne(id);
    if (one === null) return false;
    const cause = causeOf(one);
    const isTop = cause !== null && isTopOfCircle(one, causeOf);
    const parent = one.parent === null ? null : book.incident(one.parent);
    const place = placeOf(one, { cause: isTop ? null : cause, parent }, lifecycle().correlation.settleMs, now);
    switch (place.is) {
      case "below":
        return hang(one, place.parent, place.why, now);
      case "by_itself":
        set(one, null, place.why, now);
        return joinOthers(id, now) || true;
      case "until":
        settleAt(id, place.at);
        return false;
      case "as_it_is":
        return joinOthers(id, now);
      default:
        return place satisfies never;
    }
  }

  function hang(one: Incident, parent: string, why: string, now: number): boolean {
    const above = openOne(parent);
    const link = above === null ? null : linkBelow(one, above, parentOf);
    // What it was the cause of is the cause of it now, and can't be below it.
    if (link !== null) set(link, null, `${one.id} is a consequence of it now`, now);
    set(one, parent, why, now);
    return true;
  }

  function set({ id }: Incident, incident: string | null, why: string, at: number): void {
    const [key, one] = [book.keyOf(id), openOne(id)];
    if (key === null || one === null) return;
    book.write(key, one, [{ type: "parent_set", incident, why }], { at, actor: "system" });
  }

  function joinOthers(id: string, now: number): boolean {
    const one = openOne(id);
    const parent = one === null ? null : fleet.joinedBy(one, now);
    if (one === null || parent === null) return false;
    set(one, parent.id, whyJoined(parent), now);
    for (const member of fleet.takeMembers()) dirty.add(member);
    return true;
  }

  /** In both logs or in neither: in the turn in which it was written of the children. */
  function tellParents(now: number): void {
    const told = new Map<string, IncidentEventBody[]>();
    const tell = (parent: string | null, body: IncidentEventBody): void => {
      if (parent === null) return;
      const bodies = told.get(parent);
      if (bodies === undefined) told.set(parent, [body]);
      else bodies.push(body);
    };
    for (const { child: incident, from, to, why } of links) {
      tell(from, { type: "child_removed", incident, why });
      tell(to, { type: "child_added", incident });
    }
    links = [];
    for (const [id, bodies] of told) {
      const [key, parent] = [book.keyOf(id), openOne(id)];
      // What has ended says no more.
      if (key !== null && parent !== null) book.write(key, parent, bodies, { at: now, actor: "system" });
    }
  }

  // ── turns

  function settleAt(id: string, at: number): void {
    letGo(id);
    const waits: Due = { id, dueAt: at, place: NO_PLACE };
    settling.set(id, waits);
    agenda.arrange(waits);
  }

  function letGo(id: string): void {
    const waits = settling.get(id);
    if (waits !== undefined) agenda.remove(waits);
    settling.delete(id);
  }

  function takeDue(now: number): void {
    for (let { first } = agenda; first !== null && first.dueAt <= now; first = agenda.first) {
      letGo(first.id);
      dirty.add(first.id);
    }
  }

  return {
    restore() {
      waiting.clear();
      below.clear();
      fleet.clear();
      settling.clear();
      agenda = new Agenda();
      const all = [...book.all()];
      // Those below them are counted in them.
      for (const one of [...all.filter(isOfFleet), ...all.filter((other) => !isOfFleet(other))]) {
        index(null, one);
        dirty.add(one.id);
      }
    },

    joining(opened) {
      const parent = fleet.joinedByOpening(opened, clock.now());
      for (const member of fleet.takeMembers()) dirty.add(member);
      return parent === null ? [] : [{ type: "parent_set", incident: parent.id, why: whyJoined(parent) }];
    },

    settle() {
      const now = clock.now();
      let isWritten = false;
      let looks = 0;
      takeDue(now);
      while ((dirty.size > 0 || fleet.isMoved) && looks++ < LOOKS_MAX) {
        for (const id of dirty) {
          if (looks++ >= LOOKS_MAX) break;
          dirty.delete(id);
          if (look(id, now)) isWritten = true;
        }
        if (dirty.size === 0 && fleet.settle(now)) isWritten = true;
      }
      if (links.length > 0) tellParents(now);
      return isWritten;
    },

    assess: fleet.assess,
    stands: fleet.stands,
  };
}

const isOfFleet = (incident: Incident): boolean => incident.fleet !== undefined;

/** What decides where it belongs; also of what makes it a candidate. */
function signOf(incident: Incident): string {
  const { suppressedBy, parent, severity, onset, maintenance, inactiveHours, merged } = incident;
  return [isStanding(incident), suppressedBy, parent, severity, onset, maintenance, inactiveHours, merged?.into].join(
    " ",
  );
}

/** What decides who hangs below it as their cause, and (parent) who stays there. */
const causeSignOf = (one: Incident): string => `${isEnded(one)} ${one.recoveredAt === null} ${one.merged?.into}`;
const parentSignOf = (one: Incident): string => `${isEnded(one)} ${one.fleet !== undefined && isStanding(one)}`;

function move(index: Map<string, Set<string>>, id: string, from: string | null, to: string | null): void {
  if (from === to) return;
  if (from !== null) {
    const old = index.get(from);
    old?.delete(id);
    if (old?.size === 0) index.delete(from);
  }
  if (to === null) return;
  const set = index.get(to);
  if (set === undefined) index.set(to, new Set([id]));
  else set.add(id);
}
