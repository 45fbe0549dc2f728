/** What the machine makes of an incident, in lines. */
import type { components } from "@aislewatch/api";
import { formatAge } from "./age.ts";

type Triage = components["schemas"]["Triage"];
type Line = [name: string, text: string];

const EVIDENCE_SHOWN = 2;
const SIMILAR_SHOWN = 5;
const DAY_MS = 86_400_000;

export function triageLines(
  { classification, causes, hardware, recurrence, usual, resolved, similar }: Triage,
  now: number,
): Line[] {
  const { tag, warranty, service, replacedBy } = hardware;
  const books = [
    ...(tag === null ? [] : [`tag ${tag}`]),
    ...(warranty === null ? [] : [`warranty ${warrantyText(warranty)}`]),
    ...(replacedBy === null ? [] : [`serial ${clean(replacedBy)} is in the slot now`]),
  ];
  const contact = service === null ? [] : [service.name, service.phone, service.email, service.portal];
  return [
    ["Kind", `${spoken(classification.is)}: ${clean(classification.why)}`],
    ...causes.map((one): Line => ["Cause", causeText(one)]),
    ...(books.length === 0 ? [] : [["Books", books.join(", ")] satisfies Line]),
    ...(service === null
      ? []
      : [
          [
            "Service",
            [...contact, service.contract && `contract ${service.contract}`].filter(Boolean).join(", "),
          ] satisfies Line,
        ]),
    ["Before", countsText(recurrence)],
    ...(usual === null ? [] : [["Usual", usualText(usual)] satisfies Line]),
    ...resolved.map((one): Line => ["Helped", one.text]),
    ...similar.slice(0, SIMILAR_SHOWN).map((one): Line => ["Similar", similarText(one, now)]),
  ];
}

/** What devices say of themselves must not steer the terminal. */
const clean = (text: string): string => text.replaceAll(/\p{Cc}/gu, " ");
const spoken = (word: string): string => word.replaceAll("_", " ");

function causeText({ text, strength, evidence }: Triage["causes"][number]): string {
  const said = evidence
    .slice(0, EVIDENCE_SHOWN)
    .map((one) => `${clean(one.text)}${one.incident === null ? "" : ` [${one.incident}]`}`);
  return `${text} (${strength}). ${said.join(" ")}`;
}

function warrantyText({ until, state, days }: NonNullable<Triage["hardware"]["warranty"]>): string {
  if (state === "over") return `OVER since ${until}`;
  return state === "ending" ? `ends ${until}, in ${days} d` : `until ${until}`;
}

/** `slot 0/2/5, model 9/31/80+ in 7/30/90 days`. */
function countsText(recurrence: Triage["recurrence"]): string {
  const counts = recurrence
    .filter(({ times }) => (times.at(-1) ?? 0) > 0)
    .map(({ of, times, isMore }) => `${of} ${times.join("/")}${isMore ? "+" : ""}`);
  return counts.length === 0 ? "not once in 90 days" : `${counts.join(", ")} in 7/30/90 days`;
}

function usualText({ times, days, expected, devices, verdict }: NonNullable<Triage["usual"]>): string {
  const others = expected === 0 ? "none" : `${expected >= 10 ? Math.round(expected) : expected.toFixed(1)} each`;
  return `${verdict === "more_often" ? "more often than usual" : "as often as usual"}: ${times} in ${days} days, the ${devices - 1} others of its model had ${others}`;
}

function similarText(
  { incident, by, openedAt, site, slot, title, code, resolvedBy, isOpen, tookMs }: Triage["similar"][number],
  now: number,
): string {
  const when = now - openedAt < DAY_MS ? formatAge(now - openedAt) : `${Math.round((now - openedAt) / DAY_MS)} d`;
  const end = isOpen
    ? "still open"
    : `${spoken(code ?? "ended")}${resolvedBy === null ? "" : ` by ${name(resolvedBy)}`}`;
  const took = tookMs === null ? "" : `, took ${formatAge(tookMs)}`;
  return `${incident} (${by}) ${when} ago, ${slot ?? site}, ${clean(title)}: ${end}${took}`;
}

const name = (actor: string): string => actor.slice(actor.indexOf(":") + 1);
