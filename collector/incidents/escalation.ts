/**
 * Which step of its chain an incident is due for. Steps are taken by the time in which people are called for it and can
 * do something: not while it is quiet (maintenance, behind a cause), on hold, or recovered. A step that was taken is not
 * taken again, but for its repetitions, until the incident is reopened; those that wait for an acknowledgement begin
 * anew when one expires. When its priority gives an incident another chain, that one begins then.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { firstOpen } from "./business-time.ts";
import {
  type Chain,
  type ChainSubject,
  chainFor,
  type EscalationPolicy,
  type EscalationStep,
} from "./escalation-policy.ts";
import { isOpenState } from "./log.ts";
import type { Refusal } from "./refusal.ts";
import { instantIn, instantOfPercent, type SlaContext, workableSpans } from "./sla.ts";
import type { SlaFacts } from "./sla-facts.ts";
import { calendarOf } from "./sla-policy.ts";
import type { Incident, IncidentEvent, IncidentEventBody, Tier } from "./types.ts";

export type EscalatedBody = Extract<IncidentEventBody, { type: "escalated" }>;

type Taken = {
  readonly seq: number;
  readonly at: number;
  readonly policy: string | null;
  readonly step: number | null;
  readonly tier: Tier;
};

/** What escalation goes by beside SlaFacts; a fold of the same log. */
export type EscalationFacts = {
  /** When it was known, or last reopened. */
  readonly since: number;
  /** When it last became something that nobody has acknowledged; null while somebody has. */
  readonly unacknowledgedSince: number | null;
  readonly isOpen: boolean;
  readonly tier: Tier;
  /** Escalations since then, in the order of the log. */
  readonly taken: readonly Taken[];
};

/** The facts with one more event of the log; null before the first. */
export function foldEscalation(before: EscalationFacts | null, event: IncidentEvent): EscalationFacts {
  if (before !== null) return { ...before, ...changed(before, event) };
  if (event.type !== "opened") throw new Error(`the log begins with ${event.type}`);
  const { at, recordedAt, late = false, retroactive = false, tier = 1 } = event;
  const since = late && !retroactive ? recordedAt : at;
  return { since, unacknowledgedSince: since, isOpen: true, tier, taken: [] };
}

function changed(before: EscalationFacts, event: IncidentEvent): Partial<EscalationFacts> {
  const { at } = event;
  switch (event.type) {
    case "acknowledged":
      return { unacknowledgedSince: null };
    case "ack_expired":
      return { unacknowledgedSince: at };
    case "resolved":
    case "closed":
    case "cancelled":
      return { isOpen: false, unacknowledgedSince: null };
    case "reopened":
      return { since: at, unacknowledgedSince: at, isOpen: true, taken: [] };
    case "assigned":
      return event.tier === undefined ? {} : { tier: event.tier };
    case "escalated": {
      const { seq, policy, step, kind, tier } = event;
      return { taken: [...before.taken, { seq, at, policy, step, tier }], ...(kind === "functional" && { tier }) };
    }
    default:
      return {};
  }
}

/** Where an incident stands in its chain. */
export type ChainState = {
  readonly chain: Chain;
  /** Due now, in the order of the chain. */
  readonly due: readonly DueStep[];
  /** The next by time, if nothing else happens; null: none. */
  readonly next: { readonly step: number; readonly at: number } | null;
  /** The first that tells somebody and was not taken yet; null: all were, or nobody works on it. */
  readonly nextByHand: number | null;
  /** How often each was taken since it was opened, reopened or passed into this chain. */
  readonly taken: readonly number[];
};
export type DueStep = { readonly step: EscalationStep; readonly body: EscalatedBody };

export type EscalationInput = {
  readonly policy: EscalationPolicy;
  readonly subject: ChainSubject;
  readonly sla: SlaFacts;
  readonly facts: EscalationFacts;
  readonly context: SlaContext;
};

/** Null: no chain fits, and nobody is asked by time. */
export function chainState(input: EscalationInput, now: number): ChainState | null {
  const { policy, subject, facts } = input;
  const chain = chainFor(policy, subject);
  if (chain === null) return null;
  const taken = chain.steps.map(
    (_, index) => facts.taken.filter(({ policy, step }) => policy === chain.name && step === index).length,
  );
  if (!facts.isOpen) return { chain, due: [], next: null, nextByHand: null, taken };
  const since = Math.max(facts.since, chainSince(input, chain));
  const due: DueStep[] = [];
  let next: ChainState["next"] = null;
  for (const [index, step] of chain.steps.entries()) {
    const at = stepAt({ ...input, chain, since }, index, now);
    if (at === null) continue;
    if (at <= now) due.push({ step, body: bodyOf(chain, index, facts.tier) });
    else if (next === null || at < next.at) next = { step: index, at };
  }
  const byHand = chain.steps.findIndex(
    ({ run, tier }, index) => run === null && taken[index] === 0 && (tier === null || tier > facts.tier),
  );
  return { chain, due, next, nextByHand: byHand < 0 ? null : byHand, taken };
}

/** Since when the incident's priority gives it this chain. */
function chainSince({ policy, subject, sla }: EscalationInput, chain: Chain): number {
  const fits = sla.priorities.map(({ priority }) => chainFor(policy, { ...subject, priority }) === chain);
  const lastOther = fits.lastIndexOf(false);
  return sla.priorities[lastOther + 1]?.at ?? sla.startMs;
}

type StepInput = EscalationInput & { readonly chain: Chain; readonly since: number };

/** When a step is due; in the past when it has been for a while, null when it is not by time alone. */
function stepAt(input: StepInput, index: number, now: number): number | null {
  const { chain, context, facts, since, sla } = input;
  const step = chain.steps[index];
  if (step === undefined || (step.tier !== null && step.tier <= facts.tier && step.tell.length === 0)) return null;
  const { trigger, repeat } = step;
  const isUnacknowledged = trigger.is === "unacknowledged";
  if (isUnacknowledged && facts.unacknowledgedSince === null) return null;
  const from = Math.max(since, isUnacknowledged ? (facts.unacknowledgedSince ?? since) : since);
  const times = facts.taken.filter(
    (one) => one.policy === chain.name && one.step === index && (!isUnacknowledged || one.at >= from),
  ).length;
  if (times > (repeat?.times ?? 0)) return null;
  const spans = workableSpans(sla, from);
  const laterMs = times * (repeat?.everyMs ?? 0);
  const first =
    trigger.is === "sla"
      ? instantOfPercent(sla, trigger, context, now)
      : instantIn(spans, trigger.afterMs + laterMs, context.site);
  const again = trigger.is === "sla" && first !== null && laterMs > 0;
  const at = again ? instantIn(workableSpans(sla, Math.max(first, from)), laterMs, context.site) : first;
  if (at === null || !isWorkable(input, now)) return null;
  return firstOpen(calendarOf(context.site, step.calendar), Math.max(at, now));
}

/** Nobody is asked while nobody can do anything. */
const isWorkable = ({ sla }: EscalationInput, now: number): boolean =>
  workableSpans(sla, sla.startMs).some(({ fromMs, untilMs }) => fromMs <= now && now < untilMs);

function bodyOf(chain: Chain, index: number, tierNow: Tier): EscalatedBody {
  const step = chain.steps[index];
  if (step === undefined) throw new Error(`${chain.name} has no step ${index}`);
  const isUp = step.tier !== null && step.tier > tierNow;
  return {
    type: "escalated",
    kind: isUp ? "functional" : "hierarchical",
    tier: step.run === null ? (isUp ? step.tier : tierNow) : 0,
    step: index,
    policy: chain.name,
    by: "timer",
    why: whyOf(step),
  };
}

/** `tier` null: the next step of its chain, now. */
export type EscalateRequest = { readonly tier: Exclude<Tier, 0 | 1> | null; readonly why: string };

/**
 * What a person writes who does not wait for the clock. With a tier it goes there, and whom that tells is for the step of
 * its chain that leads there, if one does; without, the next step that was not taken is taken now, and not again by time.
 */
export function decideEscalation(
  incident: Incident,
  { tier, why }: EscalateRequest,
  state: ChainState | null,
): Result<EscalatedBody, Refusal> {
  const { id } = incident;
  if (!isOpenState(incident.state)) return refuse(`One cannot escalate ${id}: nobody works on it any more.`);
  if (tier !== null && tier <= incident.tier)
    return refuse(`${id} is at tier ${incident.tier} already; assigning it gives it to another tier.`);
  const step = tier === null ? (state?.nextByHand ?? null) : stepTo(state, tier);
  if (tier === null && step === null) {
    return refuse(state === null ? `No chain fits ${id}: name a tier.` : `All of its chain was asked: name a tier.`);
  }
  const to = tier ?? (step === null ? null : (state?.chain.steps[step]?.tier ?? null));
  const isUp = to !== null && to > incident.tier;
  return ok({
    type: "escalated",
    kind: isUp ? "functional" : "hierarchical",
    tier: isUp ? to : incident.tier,
    step,
    policy: step === null ? null : (state?.chain.name ?? null),
    by: "hand",
    why,
  });
}

function stepTo(state: ChainState | null, tier: Tier): number | null {
  const index = state?.chain.steps.findIndex((step) => step.tier === tier) ?? -1;
  return index < 0 ? null : index;
}

const refuse = (message: string): Result<never, Refusal> => err({ code: "not_allowed", message });

/** In the words of a person who reads the log. */
export function whyOf({ trigger }: EscalationStep): string {
  switch (trigger.is) {
    case "unacknowledged":
      return trigger.afterMs === 0 ? "as soon as it was opened" : `nobody took it for ${spell(trigger.afterMs)}`;
    case "unresolved":
      return trigger.afterMs === 0 ? "as soon as it was opened" : `not resolved for ${spell(trigger.afterMs)}`;
    case "sla":
      return trigger.percent >= 100
        ? `the time to ${WORDS[trigger.clock]} is over`
        : `${trigger.percent} % of the time to ${WORDS[trigger.clock]} is used up`;
    default:
      return trigger satisfies never;
  }
}

/** What a step waits for, for people who look at the chain. */
export function whenText({ trigger }: EscalationStep): string {
  switch (trigger.is) {
    case "unacknowledged":
      return trigger.afterMs === 0 ? "at once" : `after ${spell(trigger.afterMs)} that nobody took it`;
    case "unresolved":
      return trigger.afterMs === 0 ? "at once" : `after ${spell(trigger.afterMs)} unresolved`;
    case "sla":
      return `at ${trigger.percent} % of the time to ${WORDS[trigger.clock]}`;
    default:
      return trigger satisfies never;
  }
}

const WORDS = { response: "respond", restore: "restore it", vendor: "hear from the vendor" } as const;

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

function spell(ms: number): string {
  const [word, size] = UNITS.find(([, unit]) => ms >= unit && ms % unit === 0) ?? ["second", 1_000];
  const count = Math.round(ms / size);
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
