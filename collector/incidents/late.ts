/**
 * What late readings do to incidents. An agent that was cut off brings what it had kept; the late evaluator finds the
 * spells in it: one spell is one time that a fault stood, from firing to recovery. All of it is written with its true
 * times, marked as found afterwards, and nobody is called for it.
 *
 * - A spell that came and went becomes a *retroactive* incident, resolved at once: it is there to be found, and is no
 *   work. Soon after an earlier incident of its key it is a recurrence of that one, as it would have been live.
 * - A spell that still stands has its incident in the live lane already: that one began earlier than was known.
 * - An incident that stood when the agent went away gets its true recovery, and what came back meanwhile.
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
 * The spells since the agent went away of a fault that stood then, the first of them without its beginning. `stands`:
 * the live evaluator has it standing now. An incident that has gone on since (it recovered and fired again live) is
 * left alone; the spells between are incidents of their own then.
 */
export function fromStanding(
  incident: Incident | null,
  spells: readonly Spell[],
  stands: boolean,
  context: { readonly rule: Rule | null; readonly awayAt: number } & TransitionContext,
): readonly LateOutcome[] {
  const own = (some: readonly Spell[]): LateOutcome[] =>
    some.map((spell) => fromSpell(incident, spell, context.rule, context));
  if (incident === null || isEnded(incident)) return own(spells);
  const [first, ...more] = spells;
  if (first?.over == null) return [];
  const earlier: Dated = { at: first.over.at, body: { type: "recovered_earlier", onset: first.over.since } };
  if (incident.onset > context.awayAt) {
    // It recovered and fired again live since: that stays the end of its log.
    return [{ append: [earlier], open: [] }, ...own(more)];
  }
  if (more.length === 0 && (stands || (incident.recoveredAt ?? 0) <= first.over.at)) return [];
  const events = [
    incident.recoveredAt === null ? recovered(first.over) : earlier,
    ...more.flatMap((spell) => recurrence(incident, spell)),
  ];
  return [{ append: closing(events, incident, stands), open: [] }];
}

/** The log ends as things are: standing, or with the recovery that the live lane saw. */
function closing(events: readonly Dated[], incident: Incident, stands: boolean): readonly Dated[] {
  const last = events.at(-1);
  const isOver = last?.body.type === "recovered" || last?.body.type === "recovered_earlier";
  if (stands) return isOver ? events.slice(0, -1) : events;
  if (isOver || incident.recoveredAt === null) return events;
  return [...events, { at: incident.recoveredAt, body: { type: "recovered", values: incident.values } }];
}

/** A spell that still stands, or stood until the live lane saw it end: that one's incident knew another onset of it. */
export function fromEarlierOnset(
  incident: Incident,
  { onset, at, was }: { readonly onset: number; readonly at: number; readonly was: number },
): readonly Dated[] {
  return isEnded(incident) || onset >= was ? [] : [{ at, body: { type: "began_earlier", onset, was } }];
}
