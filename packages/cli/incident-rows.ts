/** Incidents as lines of a table. */
import type { components } from "@aislewatch/api";
import { formatAge } from "./age.ts";

type Incident = components["schemas"]["Incident"];

export const HEAD = ["ID", "PRI", "STATE", "AGE", "DUE", "SITE", "DEVICE", "WHAT"];

export const row = (incident: Incident, now: number): string[] => [
  incident.id,
  incident.priority,
  incident.state.replace("_", " "),
  formatAge(now - incident.openedAt),
  dueText(incident, now),
  incident.fleet === null ? incident.subject.site : "(many)",
  subjectOf(incident),
  `${incident.title}${marks(incident)}`,
];

/** Of the clock that is due first: how long it has, or since when it is over. */
export function dueText({ due }: Incident, now: number): string {
  if (due === null) return "–";
  if (due.dueAt === null) return `${due.clock} stands still`;
  return due.dueAt > now
    ? `${due.clock} ${formatAge(due.dueAt - now)}`
    : `${due.clock} over ${formatAge(now - due.dueAt)}`;
}

export const subjectOf = ({ subject, fleet }: Incident): string =>
  subject.device === null
    ? fleet === null
      ? "(whole site)"
      : `(${fleet.sites} sites and more)`
    : `${subject.device}${subject.component === null ? "" : `#${subject.component}`}`;

export function marks({ recoveredAt, suppressedBy, stale, retroactive, recurrences, ...more }: Incident): string {
  const { flapping, inactiveHours, maintenance, review, mergedInto, parent, children, holdReason } = more;
  const words = [
    ...(holdReason !== null && holdReason !== "unlisted" ? [holdReason.replaceAll("_", " ")] : []),
    ...(mergedInto !== null ? [`merged into ${mergedInto}`] : []),
    ...(parent !== null ? [`below ${parent}`] : []),
    ...(children > 0 ? [`${children} below it`] : []),
    ...(review !== null ? [`for review: cured itself ${review.times}×`] : []),
    ...(recoveredAt !== null ? ["recovered"] : []),
    ...(suppressedBy !== null ? [`behind ${suppressedBy}`] : []),
    ...(flapping ? ["flapping"] : []),
    ...(maintenance !== null ? [`maintenance: ${maintenance}`] : []),
    ...(inactiveHours ? ["outside its hours"] : []),
    ...(stale ? ["state unknown"] : []),
    ...(retroactive ? ["found afterwards"] : []),
    ...(recurrences > 0 ? [`came back ${recurrences}×`] : []),
  ];
  return words.length > 0 ? ` (${words.join(", ")})` : "";
}
