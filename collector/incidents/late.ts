/**
 * What late readings do to incidents. An agent that was cut off brings what it had kept; the late evaluator finds the
 * spells in it: one spell is one time that a fault stood, from firing to recovery. All of it is written with its true
 * times, marked as found afterwards, and nobody is called for it.
 *
 * - A spell that came and went becomes a *retroactive* incident, resolved at once: it is there to be found, and is no
 *   work. Soon after an earlier incident of its key it is a recurrence of that one, as it would have been live.
 * - A spell that still stands has its incident in the live lane already: that one began earlier than was known.
 * - An incident whose fault ended before that was seen gets its true recovery, and what came back meanwhile.
 *
 * A closed incident is never changed; what would change it becomes an incident of its own.
 */
import type { Rule, Transition } from "@aislewatch/rules";
import { isEnded } from "./log.ts";
import { comesBackSoon, type OpenedBody, openedBy, type TransitionContext } from "./transition.ts";
import type { Incident, IncidentEventBody } from "./types.ts";

export type Spell = {
  /** The transition that fired; null: it stood already when the agent went away. */
  readonly opened: Transition | null;
  /** Changes of its level, the newest LEVELS_MAX of them. */
  readonly levels: readonly Transition[];
  /** Null: it stands. */
  readonly over: Transition | null;
};

/** A fault that changes its level more often says nothing new by it. */
export const LEVELS_MAX = 16;

export type Dated = { readonly at: number; readonly body: IncidentEventBody };

/** A spell as the live evaluator told it; `over` null: it stands. */
export type Told = { readonly onset: number; readonly over: number | null };

/** What nobody was told of a fault, or not as it was. Onsets name spells as the log has them then. */
export type Found =
  | { readonly is: "spell"; readonly spell: WholeSpell }
  | { readonly is: "began_earlier"; readonly onset: number; readonly at: number; readonly was: number }
  | { readonly is: "ended_earlier"; readonly onset: number; readonly over: Transition }
  /** It was told as one that stands; it ended at `over`, and the last of `after` stands. */
  | { readonly is: "came_back"; readonly onset: number; readonly over: Transition; readonly after: readonly Spell[] };

export type LateOutcome = {
  /** To the incident that was given. */
  readonly append: readonly Dated[];
  /** Of a new incident, the first is `opened`. */
  readonly open: readonly Dated[];
};

const NOTHING: LateOutcome = { append: [], open: [] };

/** Spells of one fault that its transitions make, one after the other. */
export function stepSpell(spell: Spell | null, transition: Transition): Spell | null {
  const { from, to } = transition;
  if (to === "inactive") return spell === null ? null : { ...spell, over: transition };
  if (to !== "firing" && to !== "recovering") return spell;
  if (spell === null) return from === "firing" || from === "recovering" ? null : freshSpell(transition);
  if (transition.reason !== "level") return spell;
  return { ...spell, levels: [...spell.levels, transition].slice(-LEVELS_MAX) };
}

const freshSpell = (opened: Transition): Spell => ({ opened, levels: [], over: null });

export const STANDING: Spell = { opened: null, levels: [], over: null };

/** It came, and it went. */
export type WholeSpell = Spell & { readonly opened: Transition; readonly over: Transition };
export const isWhole = (spell: Spell): spell is WholeSpell => spell.opened !== null && spell.over !== null;

/**
 * A spell that came and went. `incident` is the one of its key that is not ended, or null. A spell that the incident
 * has already changes nothing.
 */
export function fromSpell(
  incident: Incident | null,
  spell: Spell,
  rule: Rule | null,
  context: TransitionContext,
): LateOutcome {
  const { opened, over } = spell;
  if (opened === null || over === null || rule === null || rule.mode === "shadow") return NOTHING;
  const isKnown = incident !== null && incident.onset === opened.since;
  if (isKnown) return NOTHING;
  if (incident !== null && isFreeFor(incident, opened) && comesBackSoon(incident, opened, context)) {
    return { append: recurrence(incident, spell), open: [] };
  }
  const first = openedBy(opened, rule, context);
  if (first === null) return NOTHING;
  return { append: [], open: retroactive(first, spell, incident !== null && !isEnded(incident)) };
}

/** Nothing of it lies after the spell's beginning, so the spell can be put at its end. */
const isFreeFor = (incident: Incident, opened: Transition): boolean =>
  !isEnded(incident) && incident.recoveredAt !== null && incident.recoveredAt <= opened.at;

function recurrence({ severity: before }: Incident, { opened, levels, over }: Spell): Dated[] {
  if (opened === null) return [];
  const { since: onset, severity, title, values } = opened;
  const body: IncidentEventBody = { type: "fired_again", onset, severity: severity ?? before, title, values };
  return [{ at: opened.at, body }, ...levels.flatMap(levelChanged), ...(over === null ? [] : [recovered(over)])];
}

const CAME_AND_WENT = "It came and went while the agent could not be reached.";

/** `isTaken`: its key belongs to an incident that is not ended, so this one ends at once. */
function retroactive(opened: OpenedBody, { opened: fired, levels, over }: Spell, isTaken: boolean): Dated[] {
  if (fired === null || over === null) return [];
  const at = over.at;
  const resolved: Dated = { at, body: { type: "resolved", code: "self_recovered", text: CAME_AND_WENT } };
  return [
    { at: fired.at, body: { ...opened, retroactive: true } },
    ...levels.flatMap(levelChanged),
    recovered(over),
    resolved,
    ...(isTaken ? [{ at, body: { type: "closed" } } satisfies Dated] : []),
  ];
}

const recovered = ({ at, values }: Transition): Dated => ({ at, body: { type: "recovered", values } });

function levelChanged({ at, severity, title, values }: Transition): Dated[] {
  return severity === null ? [] : [{ at, body: { type: "level_changed", severity, title, values } }];
}

/**
 * What was told of a fault differs from what was true, each in order of time: what has to be written about it. Both begin
 * with the fault as it stood then, if it did (`STANDING`), and reach as far. A spell that was told is the true one that it
 * overlaps; a true one that was told as nobody's is told now. What was told and was not true (a `for` that ran out before
 * the reading came that would have stopped it) stays: people have seen it.
 */
export function reconcile(truth: readonly Spell[], told: readonly Told[]): Found[] {
  const left = [...told];
  const found: Found[] = [];
  for (const [i, spell] of truth.entries()) {
    const index = left.findIndex((one) => overlaps(spell, one));
    const [known] = index < 0 ? [] : left.splice(index, 1);
    if (known === undefined) {
      if (isWhole(spell)) found.push({ is: "spell", spell });
      continue;
    }
    const { opened, over } = spell;
    const onset = Math.min(known.onset, opened?.since ?? known.onset);
    if (opened !== null && onset < known.onset)
      found.push({ is: "began_earlier", onset, at: opened.at, was: known.onset });
    if (over === null) continue;
    const after = truth.slice(i + 1);
    // To the live lane it stands all the while; in truth it ended, and came back.
    if (known.over === null && after.at(-1)?.over === null) return [...found, { is: "came_back", onset, over, after }];
    if (known.over === null || known.over > over.at) found.push({ is: "ended_earlier", onset, over });
  }
  return found;
}

function overlaps({ opened, over }: Spell, told: Told): boolean {
  const [from, to] = [opened?.since ?? Number.NEGATIVE_INFINITY, over?.at ?? Number.POSITIVE_INFINITY];
  return from === told.onset || (from < (told.over ?? Number.POSITIVE_INFINITY) && told.onset < to);
}

/** What is written to the incident of its key about a spell that was told otherwise than it was. */
export function fromFound(incident: Incident, found: Exclude<Found, { is: "spell" }>): readonly Dated[] {
  if (isEnded(incident)) return [];
  if (found.is === "began_earlier") {
    const { onset, at, was } = found;
    return [{ at, body: { type: "began_earlier", onset, was } }];
  }
  if (found.is === "ended_earlier") return fromEarlierEnd(incident, found);
  const { onset, over, after } = found;
  // It has gone on since: that stays the end of its log.
  if (incident.onset !== onset || incident.recoveredAt !== null) return [];
  return [recovered(over), ...after.flatMap((spell) => recurrence(incident, spell))];
}

/** A spell was over before the live lane saw it end. */
function fromEarlierEnd(
  incident: Incident,
  { onset, over }: { readonly onset: number; readonly over: Transition },
): readonly Dated[] {
  if (incident.onset !== onset) {
    // It recovered and fired again since; an incident that never did knows nothing of another onset.
    return incident.recurrences === 0 ? [] : [{ at: over.at, body: { type: "recovered_earlier", onset } }];
  }
  if (incident.recoveredAt === null) return [recovered(over)];
  return incident.recoveredAt <= over.at ? [] : [{ at: over.at, body: { type: "recovered_earlier", onset } }];
}
