/**
 * The hand-over: all that a field engineer needs of one incident, on one page. What is broken and where, the hardware and
 * whom to call for it, what was measured, what likely caused it, what was tried, what helped before, and what to bring.
 * Every list has a bound, so that it stays one page. It names people only at the site, where they are to be called, and who
 * ticked a step.
 */
import type { Asset } from "@aislewatch/contract";
import { holdsUntil, isOpen, localTime, type SiteCalendar } from "@aislewatch/rules";
import type { AssetRecord, Vendor, Warranty } from "./asset-book.ts";
import type { Classification } from "./fault-class.ts";
import type { Recurrence, Relation, Similar, Usual } from "./likeness.ts";
import type { RunbookStep } from "./runbook-steps.ts";
import { average, bestOfEach, type Cause, onsetOf, resolvedText, type Triage, valueText } from "./triage.ts";
import type { Incident, IncidentEvent, IncidentState, Priority } from "./types.ts";

/** What fits. */
const MAX = {
  contacts: 3,
  values: 6,
  causes: 3,
  evidence: 2,
  tried: 7,
  earlier: 3,
  helped: 2,
  steps: 7,
  bring: 5,
  labels: 4,
  textChars: 180,
} as const;

export type HandOverSite = SiteCalendar & {
  readonly id: string;
  readonly name: string;
  readonly address?: string | undefined;
  readonly contacts: readonly {
    readonly name: string;
    readonly role: string;
    readonly phone: string | null;
    readonly email: string | null;
    readonly hours: SiteCalendar | null;
  }[];
};

/** The hardware that failed, as it says itself and as the books have it. */
export type KnownAsset = {
  readonly asset: Asset;
  readonly record: AssetRecord | null;
  readonly vendor: Vendor | null;
  readonly warranty: Warranty | null;
  /** Serial number of what is in the slot now, when that is another one. */
  readonly replacedBy: string | null;
};

export type HandOverInput = {
  readonly incident: Incident;
  readonly log: readonly IncidentEvent[];
  readonly site: HandOverSite;
  readonly device: {
    readonly name: string;
    readonly kind: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly address: string | null;
  } | null;
  readonly hardware: KnownAsset;
  readonly triage: Triage;
  readonly steps: readonly RunbookStep[];
  readonly bring: readonly string[];
  readonly nowMs: number;
};

export type Tried = {
  readonly at: number;
  readonly is: "step" | "note" | "remedy" | "resolved" | "waited" | "vendor";
  readonly text: string;
  /** Who ticked a step; of nothing else. */
  readonly by: string | null;
};

export type HandOver = {
  readonly id: string;
  readonly title: string;
  /** What is broken, in one sentence. */
  readonly sentence: string;
  readonly state: IncidentState;
  readonly priority: Priority;
  readonly severity: Incident["severity"];
  readonly madeAt: number;
  readonly where: {
    readonly site: string;
    readonly siteName: string;
    readonly address: string | null;
    readonly timeZone: string;
    readonly isOpen: boolean;
    /** `open until 20:00`, by the clock there. */
    readonly hours: string;
    readonly device: string | null;
    readonly deviceName: string | null;
    readonly component: string | null;
    readonly kind: string | null;
    readonly labels: readonly string[];
    readonly networkAddress: string | null;
    readonly contacts: readonly {
      readonly name: string;
      readonly role: string;
      readonly phone: string | null;
      readonly email: string | null;
      readonly reachable: boolean;
    }[];
  };
  readonly hardware: KnownAsset;
  readonly vendorRef: { readonly vendor: string; readonly ref: string } | null;
  readonly since: {
    readonly onset: number;
    readonly openedAt: number;
    readonly recoveredAt: number | null;
    /** By the clock there, `2026-11-20 10:00`. */
    readonly local: string;
  };
  readonly values: readonly { readonly metric: string; readonly text: string }[];
  readonly classification: Classification;
  readonly causes: readonly Cause[];
  readonly tried: readonly Tried[];
  readonly earlier: {
    readonly counts: string;
    readonly usual: string | null;
    readonly helped: readonly string[];
    readonly last: readonly Similar[];
  };
  readonly stepsOpen: readonly string[];
  /** Beyond those that are listed. */
  readonly stepsMore: number;
  readonly stepsDone: number;
  readonly bring: readonly string[];
};

export function handOver(input: HandOverInput): HandOver {
  const { incident, log, site, device, hardware, triage, steps, nowMs } = input;
  const { id, title, state, priority, severity, subject, recoveredAt, openedAt, vendor } = incident;
  const onset = onsetOf(incident);
  const ticked = new Set(incident.checked);
  const open = steps.filter(({ name }) => !ticked.has(name)).map(({ text }) => clip(text));
  return {
    ...{ id, title: clip(title), state, priority, severity, madeAt: nowMs, hardware },
    sentence: sentenceOf(input, onset),
    where: {
      ...{ site: site.id, siteName: site.name, address: site.address ?? null, timeZone: site.timeZone },
      ...{ isOpen: isOpen(site, nowMs), hours: hoursText(site, nowMs) },
      ...{ device: subject.device, deviceName: device?.name ?? null, component: subject.component },
      kind: device?.kind ?? null,
      labels: Object.entries(device?.labels ?? {})
        .slice(0, MAX.labels)
        .map(([name, value]) => clip(`${name} ${value}`)),
      networkAddress: device?.address ?? null,
      contacts: site.contacts.slice(0, MAX.contacts).map(({ name, role, phone, email, hours }) => ({
        ...{ name, role, phone, email, reachable: hours === null || isOpen(hours, nowMs) },
      })),
    },
    vendorRef: vendor,
    since: { onset, openedAt, recoveredAt, local: localText(site.timeZone, onset) },
    values: Object.entries(incident.values)
      .slice(0, MAX.values)
      .map(([metric, value]) => ({ metric, text: valueText(metric, value) })),
    classification: triage.classification,
    causes: triage.causes.slice(0, MAX.causes).map((cause) => ({
      ...cause,
      evidence: cause.evidence.slice(0, MAX.evidence).map((one) => ({ ...one, text: clip(one.text) })),
    })),
    tried: triedOf(log).slice(-MAX.tried),
    earlier: {
      counts: countsText(triage.recurrence),
      usual: triage.usual === null ? null : usualText(triage.usual),
      helped: bestOfEach(triage.resolved).slice(0, MAX.helped).map(resolvedText),
      last: triage.similar.slice(0, MAX.earlier),
    },
    stepsOpen: open.slice(0, MAX.steps),
    stepsMore: Math.max(0, open.length - MAX.steps),
    stepsDone: steps.length - open.length,
    bring: input.bring.slice(0, MAX.bring).map(clip),
  };
}

/** Of what people and devices wrote: one line of it, without what would steer a terminal. */
function clip(text: string): string {
  const clean = [...text.replaceAll(/\p{Cc}+/gu, " ").trim()];
  return clean.length <= MAX.textChars
    ? clean.join("")
    : `${clean
        .slice(0, MAX.textChars - 1)
        .join("")
        .trimEnd()}…`;
}

function sentenceOf({ incident, site, device, nowMs }: HandOverInput, onset: number): string {
  const { title, subject, recoveredAt, state } = incident;
  const what =
    device === null ? "the whole site" : `${device.name}${subject.component === null ? "" : `, ${subject.component}`}`;
  const since = localText(site.timeZone, onset);
  const isOver = recoveredAt !== null || state === "resolved" || state === "closed";
  const stands = isOver
    ? `It began on ${since} and is over since ${localText(site.timeZone, recoveredAt ?? incident.resolvedAt ?? nowMs)}.`
    : `It stands since ${since}.`;
  return clip(`${clip(title).replace(/[.:;]+$/, "")}: ${what} at ${site.name}. ${stands}`);
}

/** `2026-11-20 10:00` by the clock there. */
export function localText(timeZone: string, at: number): string {
  const { date, minute } = localTime(timeZone, at);
  return `${date} ${clockText(minute)}`;
}

const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

function hoursText(site: HandOverSite, nowMs: number): string {
  const now = isOpen(site, nowMs);
  const next = holdsUntil(site, nowMs);
  if (!Number.isFinite(next)) return now ? "open around the clock" : "closed";
  if (isOpen(site, next) === now) return now ? "open all week" : "closed all week";
  const [today, then] = [localTime(site.timeZone, nowMs), localTime(site.timeZone, next)];
  const when =
    today.date === then.date ? clockText(then.minute) : `${then.weekday} ${then.date} ${clockText(then.minute)}`;
  return now ? `open until ${when}` : `closed, opens ${when}`;
}

/** Last said counts: a step that was unticked was not done after all. Oldest first. */
function triedOf(log: readonly IncidentEvent[]): Tried[] {
  const undone = new Set<string>();
  const ticked = new Set<string>();
  const found: Tried[] = [];
  for (const event of log.toReversed()) {
    const one = triedBy(event);
    if (event.type !== "checked") {
      if (one !== null) found.push(one);
      continue;
    }
    const isNewest = !undone.has(event.item) && !ticked.has(event.item);
    (event.done ? ticked : undone).add(event.item);
    if (event.done && isNewest && one !== null) found.push(one);
  }
  return found.reverse();
}

function triedBy(event: IncidentEvent): Tried | null {
  const { at, actor } = event;
  switch (event.type) {
    case "checked":
      return { at, is: "step", text: clip(event.item), by: nameOf(actor) };
    case "note":
      return { at, is: actor === "system" ? "remedy" : "note", text: clip(event.text), by: null };
    case "resolved": {
      if (event.code === "self_recovered") return { at, is: "resolved", text: "It recovered by itself.", by: null };
      const more = event.text === null ? "" : `: ${event.text}`;
      return { at, is: "resolved", text: clip(`Resolved as ${event.code.replaceAll("_", " ")}${more}`), by: null };
    }
    case "held": {
      const more = event.text === null ? "" : `: ${event.text}`;
      return { at, is: "waited", text: clip(`On hold, ${event.reason.replaceAll("_", " ")}${more}`), by: null };
    }
    case "vendor_ref":
      return { at, is: "vendor", text: clip(`At ${event.vendor} it is ${event.ref}.`), by: null };
    default:
      return null;
  }
}

const nameOf = (actor: string): string => (actor === "system" ? "Aislewatch" : actor.slice(actor.indexOf(":") + 1));

const PLACES: Readonly<Record<Relation, string>> = {
  ...{ slot: "this slot", asset: "this asset", model: "its model anywhere", site: "this site" },
};

/** `Before, on this slot, this asset: 1 in 7 days, 2 in 30, 5 in 90; …`; the first time is worth saying, too. */
export function countsText(recurrence: readonly Recurrence[]): string {
  const places = new Map<string, string[]>();
  for (const {
    of,
    times: [week = 0, month = 0, quarter = 0],
    isMore,
  } of recurrence) {
    if (quarter === 0) continue;
    const counts = `${week} in 7 days, ${month} in 30, ${quarter}${isMore ? " or more" : ""} in 90`;
    places.set(counts, [...(places.get(counts) ?? []), PLACES[of]]);
  }
  const parts = [...places].map(([counts, some]) => `${some.join(", ")}: ${counts}`);
  return parts.length === 0 ? "Not once in 90 days before." : `Before, on ${parts.join("; on ")}.`;
}

export function usualText({ times, days, expected, devices, verdict, exposureDays }: Usual): string {
  const others = `the ${devices - 1} others of its model had ${average(expected)}${expected === 0 ? "" : " each"}`;
  const how = verdict === "more_often" ? "More often than usual" : "As often as usual";
  return `${how}: ${times} in ${days} days here; ${others} (${exposureDays} device-days).`;
}
