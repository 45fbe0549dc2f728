/**
 * The desk's clocks: warns when much of what was promised is used up, writes down that it was not kept, and asks the next
 * one in the chain. What is due the pure folder incidents/ decides, from the log alone; this shell keeps what clocks go by
 * beside each incident, knows which of them is due next, and writes.
 *
 * - Nothing is looked at all the time: an incident is looked at when something is written about it, when the policies
 *   change, and when the earliest of its instants comes (an agenda). Ten thousand open incidents cost a look at the top.
 * - What is written is in the log, and what is in the log is not due any more: a restart repeats nothing and, because the
 *   first look after it is at everything, loses nothing. Notices are put in the same turn as their events, so one commit
 *   has both.
 */
import { Agenda, type Clock, NO_PLACE } from "@aislewatch/base";
import type { IncidentBook, Written } from "./incident-book.ts";
import {
  type ChainState,
  chainState,
  type DueStep,
  type EscalationFacts,
  foldEscalation,
} from "./incidents/escalation.ts";
import type { ChainSubject, EscalationPolicy, Remedy, Storm } from "./incidents/escalation-policy.ts";
import { isEnded, isOpenState } from "./incidents/log.ts";
import {
  type Amount,
  type ClockReading,
  dueOfClocks,
  penaltyOf,
  readClocks,
  type SlaContext,
} from "./incidents/sla.ts";
import { foldSla, type SlaFacts } from "./incidents/sla-facts.ts";
import { type SlaPolicy, termsOf } from "./incidents/sla-policy.ts";
import type { Incident, IncidentEvent } from "./incidents/types.ts";
import { type Notifier, noticeId } from "./notifier.ts";
import type { Site } from "./sites.ts";
import { createStorms } from "./storms.ts";

/** Looked at in one turn; the rest waits for the next second. A start with 10,000 open incidents takes ten turns. */
const LOOKS_MAX = 1_000;

export type DutiesDeps = {
  readonly clock: Clock;
  readonly book: IncidentBook;
  /** The whole log of an incident, as it is on disk. */
  readonly eventsOf: (id: string) => readonly IncidentEvent[];
  readonly siteOf: (id: string) => Site;
  /** Kind of the device that it is about; null for a site, or a device that is not known any more. */
  readonly kindOf: (incident: Incident) => string | null;
  readonly policies: () => { readonly sla: SlaPolicy; readonly escalation: EscalationPolicy };
  readonly notifier: Notifier;
  /** Tier 0: asks the agent; what comes of it is written as a note later. */
  readonly onRemedy: (incident: Incident, remedy: Remedy) => void;
};

export type Standing = {
  readonly clocks: readonly ClockReading[];
  /** Whose terms hold; null: the standard ones. */
  readonly contract: string | null;
  /** What its breaches cost so far; null where the contract has no penalties. */
  readonly penalty: Amount | null;
  readonly chain: ChainState | null;
};

export type Duties = {
  /** The policies, sites or calendars changed: everything is looked at again. */
  reconsider(): void;
  /** Call about once a second; true when something was written. */
  tick(): boolean;
  /** Of an incident that is not ended, or of one with its log: how its clocks stand now, and what is next. */
  standing(incident: Incident, events?: readonly IncidentEvent[]): Standing;
  /** For lists, computed once a version. Null: no clock of it runs or stands still any more. */
  nextDue(incident: Incident): NextDue | null;
};

/** The clock that is due first of those that are not over, or was due longest ago. */
export type NextDue = {
  readonly clock: ClockReading["clock"];
  readonly state: "running" | "paused" | "breached";
  readonly dueAt: number | null;
};

type Awaited = { readonly id: string; dueAt: number; place: number };

type Facts = { readonly seq: number; readonly sla: SlaFacts; readonly escalation: EscalationFacts };

export function createDuties(deps: DutiesDeps): Duties {
  const { clock, book, eventsOf, siteOf, kindOf, policies, notifier, onRemedy } = deps;
  const facts = new Map<string, Facts>();
  const shown = new Map<string, { readonly version: number; readonly next: NextDue | null }>();
  /** Those of which something comes by time alone. */
  const agenda = new Agenda<Awaited>();
  const awaited = new Map<string, Awaited>();
  /** To be looked at in the next turn. */
  const dirty = new Set<string>();
  let isStarted = false;
  const storms = createStorms(notifier);

  book.onWritten(({ incident, before, events }: Written) => {
    const { id } = incident;
    const known = factsOf(incident, events);
    tellOver(before, incident, known, events);
    for (const event of events) if (event.type === "escalated" && event.by === "hand") tellByHand(incident, event);
    if (isEnded(incident)) {
      facts.delete(id);
      shown.delete(id);
      waitFor(id, null);
      dirty.delete(id);
      return;
    }
    facts.set(id, known);
    dirty.add(id);
  });

  /** What is known of it, taken on by these events; from the disk when it is seen for the first time. */
  function factsOf({ id }: Incident, news: readonly IncidentEvent[]): Facts {
    let known = facts.get(id) ?? null;
    if (known === null && news[0]?.seq !== 1) {
      known = fold(null, eventsOf(id));
      for (const { policy, at, tier } of known?.escalation.taken ?? []) {
        // Of what only the agent was asked nobody was told.
        if (policy !== null && tier !== 0) storms.remember(policy, at);
      }
    }
    const more = fold(known, news);
    if (more === null) throw new Error(`${id} has no log`);
    return more;
  }

  const contextOf = ({ subject }: Incident): SlaContext => {
    const site = siteOf(subject.site);
    return { terms: termsOf(policies().sla, site.contract), site };
  };

  function subjectOf(incident: Incident): ChainSubject {
    const { priority, category, rule, subject } = incident;
    const { id: site, format, contract, region, labels } = siteOf(subject.site);
    return { priority, category, kind: kindOf(incident), rule, site, format, contract, region, labels };
  }

  function chainOf(incident: Incident, known: Facts, now: number): ChainState | null {
    if (!isOpenState(incident.state) || incident.retroactive === true) return null;
    const { sla, escalation } = known;
    const policy = policies().escalation;
    return chainState(
      { policy, subject: subjectOf(incident), sla, facts: escalation, context: contextOf(incident) },
      now,
    );
  }

  /** Writes what is due of one incident, and says when to look again. */
  function look(id: string, now: number): boolean {
    const incident = book.keyOf(id) === null ? null : book.incident(id);
    if (incident === null) return false;
    const known = factsOf(incident, []);
    facts.set(id, known);
    let isWritten = false;
    // Nobody is called for what is over and was found afterwards.
    if (incident.retroactive !== true) isWritten = writeClocks(id, now);
    if (writeSteps(id, now)) isWritten = true;
    plan(id, now);
    dirty.delete(id);
    return isWritten;
  }

  function writeClocks(id: string, now: number): boolean {
    let isWritten = false;
    const incident = book.incident(id);
    const known = facts.get(id);
    if (incident === null || known === undefined) return false;
    const context = contextOf(incident);
    for (const { at, body } of dueOfClocks(readClocks(known.sla, context, now), context.terms, now).events) {
      const [key, current] = [book.keyOf(id), book.incident(id)];
      if (key === null || current === null) break;
      book.write(key, current, [body], { at, actor: "system" });
      isWritten = true;
    }
    return isWritten;
  }

  function writeSteps(id: string, now: number): boolean {
    const incident = book.incident(id);
    const known = facts.get(id);
    if (incident === null || known === undefined) return false;
    const state = chainOf(incident, known, now);
    for (const step of state?.due ?? []) takeStep(id, step, state?.chain.storm, now);
    return (state?.due.length ?? 0) > 0;
  }

  function takeStep(id: string, { step, body }: DueStep, storm: Storm | undefined, now: number): void {
    const [key, before] = [book.keyOf(id), book.incident(id)];
    if (key === null || before === null || storm === undefined) return;
    // An earlier step of this turn may have brought it there already.
    const isThere = body.kind === "functional" && body.tier <= before.tier;
    const written = isThere ? { ...body, kind: "hierarchical" as const, tier: before.tier } : body;
    const incident = book.write(key, before, [written], { at: now, actor: "system" });
    if (step.run !== null) onRemedy(incident, step.run);
    else storms.tell({ incident, body: written, to: step.tell, storm }, now);
  }

  /** A person does not wait for a storm to pass. Nobody named: whoever the tier is, as the notifications are routed. */
  function tellByHand(incident: Incident, event: Extract<IncidentEvent, { type: "escalated" }>): void {
    const { seq, at, policy: chain, step, tier, kind, why } = event;
    const to = toldBy([event]);
    const id = noticeId(incident.id, seq);
    notifier.tell({ id, notBefore: at, to, about: "escalated", incident, chain, step, tier, kind, why });
  }

  /** Whoever was asked hears that it is over, once, by the chain that asked. */
  function tellOver(before: Incident | null, incident: Incident, known: Facts, events: readonly IncidentEvent[]): void {
    if (before === null) return;
    const ending = events.findLast(({ type }) => type === "recovered" || type === "resolved" || type === "cancelled");
    if (ending === undefined) return;
    // What recovered before was told then.
    if (ending.type !== "recovered" && before.recoveredAt !== null) return;
    const taken = known.escalation.taken.filter(({ seq }) => seq < ending.seq);
    if (taken.length === 0) return;
    const how = ending.type === "recovered" ? "recovered" : ending.type === "cancelled" ? "cancelled" : "resolved";
    notifier.tell({
      id: noticeId(incident.id, ending.seq),
      notBefore: ending.recordedAt,
      to: toldBy(taken),
      about: "over",
      incident,
      how,
      follows: taken.map(({ seq }) => noticeId(incident.id, seq)),
    });
  }

  /** Whom these steps tell, by the policy as it is. */
  function toldBy(taken: readonly { readonly policy: string | null; readonly step: number | null }[]): string[] {
    const { chains } = policies().escalation;
    const names = taken.flatMap(({ policy, step }) =>
      step === null ? [] : (chains.find(({ name }) => name === policy)?.steps[step]?.tell ?? []),
    );
    return [...new Set(names)];
  }

  function plan(id: string, now: number): void {
    const incident = book.incident(id);
    const known = facts.get(id);
    if (incident === null || known === undefined) return;
    const context = contextOf(incident);
    const readings = readClocks(known.sla, context, now);
    const instants = [
      incident.retroactive === true ? null : dueOfClocks(readings, context.terms, now).nextAt,
      chainOf(incident, known, now)?.next?.at ?? null,
    ].filter((at) => at !== null);
    waitFor(id, instants.length === 0 ? null : Math.min(...instants));
  }

  /** Null: nothing comes by time alone. */
  function waitFor(id: string, at: number | null): void {
    const known = awaited.get(id);
    if (at === null) {
      if (known !== undefined) agenda.remove(known);
      awaited.delete(id);
      return;
    }
    const next = known ?? { id, dueAt: at, place: NO_PLACE };
    awaited.set(id, next);
    next.dueAt = at;
    agenda.arrange(next);
  }

  function takeDue(now: number): void {
    for (let first = agenda.first; first !== null && first.dueAt <= now; first = agenda.first) {
      waitFor(first.id, null);
      dirty.add(first.id);
    }
  }

  return {
    reconsider() {
      shown.clear();
      for (const { id } of book.all()) dirty.add(id);
    },

    tick() {
      const now = clock.now();
      if (!isStarted) {
        isStarted = true;
        for (const { id } of book.all()) dirty.add(id);
      }
      let isWritten = false;
      let looks = 0;
      takeDue(now);
      for (const id of dirty) {
        if (looks++ >= LOOKS_MAX) break;
        dirty.delete(id);
        if (look(id, now)) isWritten = true;
      }
      return isWritten;
    },

    standing(incident, events) {
      const now = clock.now();
      const known = events === undefined ? (facts.get(incident.id) ?? factsOf(incident, [])) : fold(null, events);
      const context = contextOf(incident);
      const { terms } = context;
      const clocks = known === null ? [] : readClocks(known.sla, context, now);
      const chain = known === null ? null : chainOf(incident, known, now);
      return { clocks, contract: terms.contract, penalty: penaltyOf(clocks, terms), chain };
    },

    nextDue(incident) {
      const { id, version } = incident;
      if (isEnded(incident)) return null;
      const kept = shown.get(id);
      if (kept?.version === version) return kept.next;
      const known = factsOf(incident, []);
      facts.set(id, known);
      const next = nextOf(readClocks(known.sla, contextOf(incident), clock.now()));
      shown.set(id, { version, next });
      return next;
    },
  };
}

function fold(before: Facts | null, events: readonly IncidentEvent[]): Facts | null {
  let known = before;
  for (const event of events) {
    if (event.seq <= (known?.seq ?? 0)) continue;
    known = {
      seq: event.seq,
      sla: foldSla(known?.sla ?? null, event),
      escalation: foldEscalation(known?.escalation ?? null, event),
    };
  }
  return known;
}

/** What a list shows: of the clocks that are not over the one that is due first, or was; else one that stands still. */
function nextOf(readings: readonly ClockReading[]): NextDue | null {
  const live = readings.filter(
    ({ isLatest, stoppedAt, state }) => isLatest && stoppedAt === null && state !== "cancelled",
  );
  const rank = ({ dueAt }: ClockReading): number => dueAt ?? Number.MAX_SAFE_INTEGER;
  const [first] = live.toSorted((a, b) => rank(a) - rank(b));
  if (first === undefined) return null;
  const { clock, state, dueAt } = first;
  return { clock, state: state === "breached" || state === "paused" ? state : "running", dueAt };
}
