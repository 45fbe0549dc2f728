/**
 * What figures count of one incident: a flat record, folded from its log with the terms and the hours of its site. Reports
 * add these up (figures.ts) and never look into a log. A record goes out of date with the log, with the policy, with the
 * sites file and with FACTS_VERSION: then it is made again.
 *
 * A clock that runs is read at `nowMs`. What it costs to be late grows with every hour; of an incident that is open the
 * record has what it was when something was last written about it.
 */
import { localTime, WEEKDAYS } from "@aislewatch/rules";
import type { FactsDevice, IncidentFacts, Outcome } from "./figures.ts";
import { foldIncident } from "./log.ts";
import { heldMs, penaltyOf, readClocks, type SlaContext, stood } from "./sla.ts";
import { slaFacts } from "./sla-facts.ts";
import { isOfItsCause } from "./transition.ts";
import type { Incident, IncidentEvent, ResolutionCode } from "./types.ts";

/** Raised with every change of what this file makes of a log: records of another version are made again. */
export const FACTS_VERSION = 4;

export type FactsContext = SlaContext & {
  /** In the slot now. */
  readonly device: FactsDevice & { readonly serial: string | null };
  readonly nowMs: number;
  /** When its fault came back as another incident (isComeback); null: it did not. */
  readonly cameBackAt: number | null;
};

/** What comes back within this after people resolved it was not solved (docs/reports.md). */
export const COMEBACK_MS = 7 * 86_400_000;

/** Throws on a log that no decider writes: that is a bug, not an input. */
export function factsOf(id: string, log: readonly IncidentEvent[], context: FactsContext): IncidentFacts {
  const incident = foldIncident(id, log);
  const sla = slaFacts(log);
  const { subject, rule, category, priority, openedAt, resolutionCode, cancelCode } = incident;
  const { site, terms, cameBackAt } = context;
  const code = resolutionCode ?? cancelCode;
  const outcome = outcomeOf(incident);
  const isResolved = outcome === "resolved" && incident.resolvedAt !== null;
  const resolvedAt = isResolved ? Math.max(incident.resolvedAt ?? 0, sla.startMs) : null;
  const isByPeople = isResolved && resolutionCode !== null && !BY_ITSELF.includes(resolutionCode);
  const isLasting = cameBackAt === null || resolvedAt === null || cameBackAt - resolvedAt > COMEBACK_MS;
  const isReopened = log.some(({ type }) => type === "reopened");
  const isConsequence = isBelow(incident, log, incident.recoveredAt ?? incident.resolvedAt ?? context.nowMs);
  const isFailure = (outcome === "open" || outcome === "resolved") && !isConsequence && !isMistake(incident);
  const over = isFailure && resolutionCode !== "device_removed" ? stood(sla) : null;
  const acknowledged = log.find(({ type }) => type === "acknowledged");
  const worked = outcome === "cancelled" || outcome === "merged" ? null : acknowledged;
  return {
    ...{ incident: id, site: subject.site, component: subject.component, rule, category, priority, outcome, openedAt },
    ...deviceOf(incident, context.device),
    slot: subject.device === null ? null : `${subject.site}/${subject.device}`,
    code,
    hourOfWeek: hourOfWeek(site.timeZone, openedAt),
    restoredAt: over?.untilMs ?? null,
    doneAt: resolvedAt ?? (outcome === "open" ? null : (incident.closedAt ?? lastOf(log, "merged"))),
    detectMs: isFailure ? detectMs(log) : null,
    acknowledgeMs: worked == null ? null : Math.max(0, worked.at - sla.startMs),
    restoreMs: over?.forMs ?? null,
    resolveMs: resolvedAt === null ? null : resolvedAt - sla.startMs,
    resolveUnpausedMs:
      resolvedAt === null
        ? null
        : resolvedAt - sla.startMs - heldMs(sla, { fromMs: sla.startMs, untilMs: resolvedAt }, terms.pauses.restore),
    isCalled: isCalled(incident, outcome) && !isConsequence,
    isFailure,
    isByPeople,
    isFirstLine: isByPeople && isLasting && !isReopened && (incident.resolvedTier ?? incident.tier) <= FIRST_TIER,
    isSelfRecovered: isResolved && resolutionCode === "self_recovered",
    isReopened,
    isMistaken: code === "false_positive" || code === "no_fault_found",
    fires: 1 + log.filter(({ type }) => type === "fired_again").length,
    calls: log.filter(({ type }) => type === "escalated").length,
    lifeMs: stood(sla)?.forMs ?? null,
    ...clocksOf(outcome, readClocks(sla, context, context.nowMs), context),
  };
}

/** What is in the slot now may be another one: what the log says of it stands, where it says enough to tell them apart. */
function deviceOf({ asset }: Incident, now: FactsContext["device"]): FactsContext["device"] {
  if (asset === undefined || (asset.model === undefined && asset.serial === undefined)) return now;
  const { vendor = null, model = null, serial = null } = asset;
  return { kind: now.kind, vendor, model, serial };
}

/** The collector itself and the NOC: nobody else was needed. */
const FIRST_TIER = 1;

function outcomeOf({ state }: Incident): Outcome {
  if (state === "cancelled" || state === "merged") return state;
  return state === "resolved" || state === "closed" ? "resolved" : "open";
}

/**
 * It came from something else, which has an incident of its own. What stood before that, outlived it, or was called for
 * because it outlived it, is a fault by itself, though it hung behind something for a while.
 */
function isBelow(incident: Incident, log: readonly IncidentEvent[], at: number): boolean {
  if (incident.parent !== null) return true;
  if (!isOfItsCause(incident, at)) return false;
  const parted = log.findLastIndex((event) => event.type === "parent_set" && event.incident === null);
  return parted <= log.findLastIndex(({ type }) => type === "suppressed" || type === "unsuppressed");
}

/** That an incident of the same key was opened after another one says that the other one was not solved. */
export const isComeback = (incident: Incident): boolean =>
  incident.state !== "cancelled" && incident.state !== "merged" && !isMistake(incident);

const MISTAKES: readonly ResolutionCode[] = [
  "false_positive",
  "duplicate",
  "no_fault_found",
  "rule_changed",
  "rule_removed",
];
const isMistake = ({ resolutionCode }: Incident): boolean =>
  resolutionCode !== null && MISTAKES.includes(resolutionCode);

const BY_ITSELF: readonly ResolutionCode[] = ["self_recovered", "rule_changed", "rule_removed", "device_removed"];

const isCalled = (incident: Incident, outcome: Outcome): boolean =>
  (outcome === "open" || outcome === "resolved") && incident.retroactive !== true && incident.unheard !== true;

function hourOfWeek(timeZone: string, at: number): number {
  const { weekday, minute } = localTime(timeZone, at);
  return WEEKDAYS.indexOf(weekday) * 24 + Math.floor(minute / 60);
}

const lastOf = (log: readonly IncidentEvent[], type: IncidentEvent["type"]): number | null =>
  log.findLast((event) => event.type === type)?.at ?? null;

/** Of the first spell, with all that was found out about its onset since. */
function detectMs(log: readonly IncidentEvent[]): number | null {
  const [opened] = log;
  if (opened?.type !== "opened") return null;
  let { onset } = opened;
  let said: number | null = null;
  let isFirst = true;
  for (const event of log) {
    if (event.type === "fired_again") isFirst = false;
    else if (event.type === "began_earlier" && event.was === onset) onset = event.onset;
    else if (event.type === "restated" && event.what === "onset" && isFirst) said = event.onset;
  }
  return Math.max(0, opened.recordedAt - (said ?? onset));
}

type Clocks = Pick<
  IncidentFacts,
  | "responseMet"
  | "responseBreached"
  | "restoreMet"
  | "restoreBreached"
  | "vendorMet"
  | "vendorBreached"
  | "penaltyCents"
  | "currency"
>;

/** Clocks of what was cancelled count for nothing, nor do those of a merged one: the other one has them. */
function clocksOf(outcome: Outcome, all: ReturnType<typeof readClocks>, { terms }: SlaContext): Clocks {
  const readings = outcome === "open" || outcome === "resolved" ? all : [];
  const count = (clock: string, state: string): number =>
    readings.filter((one) => one.clock === clock && one.state === state).length;
  const penalty = penaltyOf(readings, terms);
  return {
    responseMet: count("response", "met"),
    responseBreached: count("response", "breached"),
    restoreMet: count("restore", "met"),
    restoreBreached: count("restore", "breached"),
    vendorMet: count("vendor", "met"),
    vendorBreached: count("vendor", "breached"),
    penaltyCents: penalty === null ? null : Math.round(penalty.amount * 100),
    currency: penalty?.currency ?? null,
  };
}
