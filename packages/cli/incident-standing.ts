/** How the clocks of an incident stand and who is asked next, in lines. */
import type { components } from "@aislewatch/api";
import { formatAge } from "./age.ts";

type Detail = Pick<components["schemas"]["IncidentDetail"], "clocks" | "contract" | "escalation" | "penalty">;
type Clock = components["schemas"]["SlaClock"];
type Line = [name: string, text: string];

/** Of a reopened incident the response clock of now stands for those before it. */
export function standingLines({ clocks, contract, penalty, escalation }: Detail, now: number): Line[] {
  const latest = clocks.filter((one) => !clocks.some(({ clock, cycle }) => clock === one.clock && cycle > one.cycle));
  return [
    ...latest.map((clock): Line => [capital(clock.clock), clockText(clock, now)]),
    ...(contract === null ? [] : [["Contract", contract] satisfies Line]),
    ...(penalty === null || penalty.amount === 0
      ? []
      : [["Penalty", `${penalty.amount.toFixed(2)} ${penalty.currency}`] satisfies Line]),
    ...(escalation === null ? [] : [["Chain", chainText(escalation, now)] satisfies Line]),
  ];
}

export function clockText(clock: Clock, now: number): string {
  const { state, standsStill, withinMs, calendar, businessMs, dueAt, stoppedAt, breachedAt } = clock;
  const promise = `${openHours(withinMs, calendar)}${calendar === "always" ? "" : ` of ${spoken(calendar)}`}`;
  switch (state) {
    case "met":
      return `in time: ${openHours(businessMs, calendar)} of ${promise}`;
    case "cancelled":
      return `cancelled (${promise})`;
    case "paused":
      return `stands still (${spoken(standsStill ?? "")}), ${openHours(Math.max(0, withinMs - businessMs), calendar)} left of ${promise}`;
    case "running":
      return `${dueAt === null ? "–" : `${formatAge(dueAt - now)} left`} of ${promise} (${Math.floor(clock.percent)} %)`;
    case "breached": {
      const since = breachedAt === null ? "" : ` since ${new Date(breachedAt).toLocaleString()}`;
      return stoppedAt === null
        ? `breached${since}, ${promise}`
        : `breached: ${openHours(businessMs, calendar)} of ${promise}`;
    }
    default:
      return state satisfies never;
  }
}

function chainText({ chain, steps, next, nextByHand }: NonNullable<Detail["escalation"]>, now: number): string {
  const done = steps.filter(({ taken }) => taken > 0).length;
  const what = (index: number): string => {
    const step = steps[index];
    if (step === undefined) return "";
    const whom = step.run ?? [step.tier === null ? null : `tier ${step.tier}`, ...step.tell].filter(Boolean).join(", ");
    return `${whom} ${step.when}`;
  };
  const then =
    next !== null
      ? `; in ${formatAge(next.at - now)}: ${what(next.step)}`
      : nextByHand !== null
        ? `; next by hand: ${what(nextByHand)}`
        : "";
  return `${chain}, ${done} of ${steps.length} steps taken${then}`;
}

/** Open hours are no part of a day: `40 h`, not `1 d 16 h`. */
const openHours = (ms: number, calendar: string): string =>
  calendar === "always" || ms < 86_400_000 ? formatAge(ms) : `${Math.round(ms / 3_600_000)} h`;

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const spoken = (word: string): string => word.replaceAll("_", " ");
