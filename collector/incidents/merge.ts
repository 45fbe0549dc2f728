/**
 * Merging: two incidents that are one piece of work. People work on the one that won; the other keeps its dedupe key and
 * the log of its own fault, so that it can be split off again with nothing lost. What its fault does reaches the winner:
 * coming back reopens it, and it can't close while any of them stands. When the winner ends, the merged ones end too.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { SEVERITIES } from "@aislewatch/devices";
import { isEnded, isOpenState } from "./log.ts";
import type { Refusal } from "./refusal.ts";
import type { Incident, IncidentEvent, IncidentEventBody } from "./types.ts";

/** More than these are a matter of one cause, which correlation hangs below one incident. */
export const ABSORBED_MAX = 100;

export type Both = { readonly loser: readonly IncidentEventBody[]; readonly winner: readonly IncidentEventBody[] };
type Decision = Result<Both, Refusal>;

export function decideMerge(loser: Incident, winner: Incident): Decision {
  if (loser.id === winner.id) return refuse(`${loser.id} can't be merged into itself.`);
  for (const one of [loser, winner]) {
    if (!isOpenState(one.state)) return refuse(`Only open incidents are merged: ${one.id} is ${said(one)}.`);
  }
  if (loser.absorbed.length > 0) {
    return refuse(
      `${loser.absorbed.join(", ")} ${are(loser.absorbed)} merged into ${loser.id}: merge the other way round.`,
    );
  }
  if (loser.children > 0) return refuse(`${loser.id} is what others hang below: merge the other way round.`);
  if (winner.absorbed.length >= ABSORBED_MAX) return refuse(`${winner.id} has ${ABSORBED_MAX} merged into it already.`);
  if (!isOneMatter(loser, winner)) {
    return refuse(`${loser.id} and ${winner.id} are of two sites, and nothing says that they have one cause.`);
  }
  return ok({ loser: [{ type: "merged", into: winner.id }], winner: [{ type: "absorbed", from: loser.id }] });
}

/** `winner` is the one that it was merged into. */
export function decideSplit(loser: Incident, winner: Incident): Decision {
  if (loser.merged === null || isEnded(loser))
    return refuse(`${loser.id} is ${said(loser)}, so there is nothing to split.`);
  return ok({ loser: [{ type: "split", from: winner.id }], winner: [{ type: "split", into: loser.id }] });
}

function isOneMatter(a: Incident, b: Incident): boolean {
  if (a.subject.site === b.subject.site) return true;
  const causes = [a.suppressedBy, a.parent].filter((cause) => cause !== null);
  return causes.some((cause) => [b.suppressedBy, b.parent, b.id].includes(cause)) || b.parent === a.id;
}

/**
 * What the fault of a merged incident did means for the one that it was merged into: whoever resolved that accepted the
 * fault as it was. What is only found afterwards is over.
 */
export function reachesWinner(
  winner: Incident,
  loser: { readonly before: Incident | null; readonly incident: Incident; readonly events: readonly IncidentEvent[] },
): IncidentEventBody[] {
  const { before, incident, events } = loser;
  if (winner.state !== "resolved" || incident.merged?.into !== winner.id) return [];
  const isBack = events.some(({ type, late }) => type === "fired_again" && late !== true);
  const isWorse = before !== null && rank(incident) > rank(before);
  if (!isBack && !isWorse) return [];
  return [
    {
      type: "reopened",
      why: `The fault of ${incident.id}, which is merged into it, ${isBack ? "came back" : "got worse"}.`,
    },
  ];
}

const rank = ({ severity }: Incident): number => SEVERITIES.indexOf(severity);

/** To each merged one when the winner ended. */
export const endsWithWinner = (loser: Incident): IncidentEventBody[] =>
  loser.state === "merged" && !isEnded(loser) ? [{ type: "closed" }] : [];

const said = ({ state }: Incident): string => state.replace("_", " ");
const are = (some: readonly string[]): string => (some.length === 1 ? "is" : "are");
const refuse = (message: string): Decision => err({ code: "not_allowed", message });
