/**
 * What the past says of an incident: how often it was before on this slot, asset, model and site, whether that is more
 * than the fleet's normal, what those like it were, and what helped. Made of flat facts (figure-facts.ts), newest first
 * and bounded, so it costs the same however long the past is.
 *
 * Small numbers are said as such. A share comes with what it is of and with the lower end of its interval; below SHARE_OF_MIN
 * it is no evidence. A rate is compared only where enough devices were watched for long enough (EXPOSURE_DAYS_MIN).
 */
import type { Asset } from "@aislewatch/contract";
import type { Category } from "@aislewatch/devices";
import type { Outcome } from "./figures.ts";
import type { CancelCode, Incident, ResolutionCode } from "./types.ts";

/** Of one incident, as the store keeps it in columns. */
export type PastFacts = {
  readonly incident: string;
  readonly openedAt: number;
  readonly doneAt: number | null;
  readonly site: string;
  /** With its site, `berlin-01/lane-1/printer`; null where it is about the whole site. */
  readonly slot: string | null;
  readonly component: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly rule: string;
  /** Null: of before it was kept. */
  readonly category: Category | null;
  readonly code: ResolutionCode | CancelCode | null;
  readonly outcome: Outcome;
  readonly isFailure: boolean;
  readonly isByPeople: boolean;
};

/** What is asked of the past: of a slot and of an asset every rule, of a model and of a site one; or a site in a time. */
export type PastOf =
  | { readonly slot: string }
  | { readonly serial: string }
  | { readonly model: string; readonly rule: string }
  | { readonly site: string; readonly rule: string }
  | { readonly site: string; readonly from: number };

/** From what is most like it to what is least. */
export const RELATIONS = ["slot", "asset", "model", "site"] as const;
export type Relation = (typeof RELATIONS)[number];

/** Newest first; those of the slot and of the asset of every rule. */
export type Past = Readonly<Record<Relation, readonly PastFacts[]>>;

/** Of each relation so many are looked at: more of one fault in a quarter is no longer counted by anybody. */
export const LOOKED_AT_MAX = 300;

const DAY_MS = 86_400_000;
export const RECURRENCE_DAYS = [7, 30, 90] as const;

export type Recurrence = {
  readonly of: Relation;
  /** Times within so many days before it was opened, in the order of RECURRENCE_DAYS; itself is not among them. */
  readonly times: readonly number[];
  /** There were more in the last of them than were looked at. */
  readonly isMore: boolean;
  readonly lastAt: number | null;
};

/** What tells assets apart; a serial number that a maker never wrote is none. */
export function identityOf(asset: Asset | undefined): {
  vendor: string | null;
  model: string | null;
  serial: string | null;
} {
  const said = (text: string | undefined): string | null => {
    const trimmed = text?.trim() ?? "";
    return trimmed === "" ? null : trimmed;
  };
  const serial = said(asset?.serial);
  return {
    vendor: said(asset?.vendor),
    model: said(asset?.model),
    serial: serial !== null && isNoSerial(serial) ? null : serial,
  };
}

/** What firmware says where nobody set one: all digits alike, a run of digits, or words for nothing. */
const isNoSerial = (serial: string): boolean =>
  /^(.)\1*$/.test(serial) ||
  /^0?12345(?:6(?:7(?:8(?:90?)?)?)?)?$/.test(serial) ||
  /^(?:n\/?a|none|null|unknown|default(?: string)?|not (?:available|specified|set)|system serial number|to be filled.*)$/i.test(
    serial,
  );

export type Likeness = {
  /** Only relations that are known: without a serial number there is no asset. */
  readonly recurrence: readonly Recurrence[];
  readonly usual: Usual | null;
  readonly resolved: readonly Resolved[];
  readonly similar: readonly Similar[];
};

export type LikenessInput = {
  readonly incident: Incident;
  readonly past: Past;
  /** Devices of its model that are watched now, itself among them; 0: its model is not known. */
  readonly devicesAlike: number;
  /** Since when incidents are written down; null: this is the first. */
  readonly since: number | null;
};

export function likenessOf(input: LikenessInput): Likeness {
  const { incident } = input;
  const alike = new Map(RELATIONS.map((of) => [of, sameRule(incident, input.past[of], of)]));
  return {
    recurrence: RELATIONS.flatMap((of) => {
      const some = alike.get(of) ?? [];
      return isKnown(incident, of) ? [recurrenceOf(of, incident.openedAt, some, input.past[of].length)] : [];
    }),
    usual: usualOf(input, alike.get("slot") ?? [], alike.get("model") ?? []),
    resolved: resolvedBy(alike),
    similar: similarTo(incident, input.past, alike),
  };
}

function isKnown({ subject, asset }: Incident, of: Relation): boolean {
  if (of === "site") return true;
  if (of === "slot") return subject.device !== null;
  const { serial, model } = identityOf(asset);
  return of === "asset" ? serial !== null : model !== null;
}

/** Itself, cancelled and merged ones are no recurrences; nor is what is of another maker under the same number. */
function others({ id, openedAt, asset }: Incident, some: readonly PastFacts[], of: Relation): PastFacts[] {
  const { vendor } = identityOf(asset);
  const isOther = (one: PastFacts): boolean =>
    (of === "asset" || of === "model") && vendor !== null && one.vendor !== null && one.vendor !== vendor;
  return some.filter(
    (one) =>
      one.incident !== id &&
      one.openedAt <= openedAt &&
      (one.outcome === "open" || one.outcome === "resolved") &&
      !isOther(one),
  );
}

function sameRule(incident: Incident, some: readonly PastFacts[], of: Relation): PastFacts[] {
  const { rule, subject } = incident;
  return others(incident, some, of).filter(
    (one) => one.rule === rule && (of !== "slot" || one.component === subject.component),
  );
}

/** `looked` are all rows that the store gave for it: as many as the bound, and there may be older ones. */
function recurrenceOf(of: Relation, until: number, some: readonly PastFacts[], looked: number): Recurrence {
  const times = RECURRENCE_DAYS.map((days) => some.filter(({ openedAt }) => openedAt >= until - days * DAY_MS).length);
  const [oldest] = some.slice(-1);
  const isMore = looked >= LOOKED_AT_MAX && (oldest?.openedAt ?? 0) >= until - (RECURRENCE_DAYS.at(-1) ?? 0) * DAY_MS;
  return { of, times, isMore, lastAt: some[0]?.openedAt ?? null };
}

/** How often it is here, and how often it would be on any device of its model. */
export type Usual = {
  /** In the last `days` days, this one among them. */
  readonly times: number;
  readonly days: number;
  /** What others of its model had in that time, on the average of a device. */
  readonly expected: number;
  readonly devices: number;
  /** Device-days that this average is of, and the incidents in them. */
  readonly exposureDays: number;
  readonly incidents: number;
  readonly verdict: "more_often" | "as_usual";
};

/** Ten devices for a month: below that the fleet has no normal. */
export const EXPOSURE_DAYS_MIN = 300;
/** As often by chance, on one device in a hundred. */
const CHANCE_MAX = 0.01;
/** Once is no series, and twice may be two halves of one. */
const TIMES_MIN = 3;

/**
 * Against the other devices of its model, as if all that are there now had been there for as long as incidents are written
 * down, 90 days at most. Failures of one device are taken to come at random at its model's rate (Poisson).
 */
function usualOf(
  { incident, devicesAlike, since }: LikenessInput,
  here: readonly PastFacts[],
  ofModel: readonly PastFacts[],
): Usual | null {
  const { device, site } = incident.subject;
  if (device === null || since === null || devicesAlike < 2 || identityOf(incident.asset).model === null) return null;
  const until = incident.openedAt;
  const longest = Math.min(until - since, (RECURRENCE_DAYS.at(-1) ?? 0) * DAY_MS);
  // When the newest of the model fill the bound, they are of a shorter time.
  const oldest = ofModel.length >= LOOKED_AT_MAX ? (ofModel.at(-1)?.openedAt ?? since) : until - longest;
  const spanMs = Math.min(longest, until - oldest);
  const days = spanMs / DAY_MS;
  const exposureDays = (devicesAlike - 1) * days;
  if (exposureDays < EXPOSURE_DAYS_MIN) return null;
  const slot = `${site}/${device}`;
  const incidents = ofModel.filter((one) => one.slot !== slot && one.openedAt >= until - spanMs).length;
  const times = 1 + here.filter((one) => one.openedAt >= until - spanMs).length;
  const expected = (incidents / exposureDays) * days;
  const isMore = times >= TIMES_MIN && chanceOfAtLeast(times, expected) < CHANCE_MAX;
  return {
    ...{ times, days: Math.round(days), expected, devices: devicesAlike, incidents },
    exposureDays: Math.round(exposureDays),
    verdict: isMore ? "more_often" : "as_usual",
  };
}

/** Of a Poisson count with this mean: P(X >= times). */
export function chanceOfAtLeast(times: number, mean: number): number {
  let term = Math.exp(-mean);
  let below = 0;
  for (let k = 0; k < times; k++) {
    below += term;
    term *= mean / (k + 1);
  }
  return Math.min(1, Math.max(0, 1 - below));
}

/** `n` of the `of` like it that people resolved, were resolved by `code`. */
export type Resolved = {
  readonly on: Relation;
  readonly code: ResolutionCode;
  readonly n: number;
  readonly of: number;
  readonly share: number;
  /** The lower end of the share's interval: with so few, it may as well be that. */
  readonly atLeast: number;
};

/** Fewer say nothing of the next. */
export const SHARE_OF_MIN = 3;
/** Codes of a relation that are worth naming. */
const CODES_MAX = 2;
/** What says how it ended and not what helped. */
const NO_REMEDY: readonly string[] = [
  "self_recovered",
  "false_positive",
  "duplicate",
  "no_fault_found",
  "test",
  "rule_changed",
  "rule_removed",
  "device_removed",
];
/** One in six is chance, or somebody's habit. */
const SHARE_MIN = 1 / 6;

function resolvedBy(alike: ReadonlyMap<Relation, readonly PastFacts[]>): Resolved[] {
  return RELATIONS.flatMap((on) => {
    const some = (alike.get(on) ?? []).filter(({ isByPeople }) => isByPeople);
    if (some.length < SHARE_OF_MIN) return [];
    const counts = new Map<ResolutionCode, number>();
    for (const { code } of some) {
      if (code === null || code === "test" || NO_REMEDY.includes(code)) continue;
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    return [...counts]
      .map(([code, n]) => ({ on, code, n, of: some.length, share: n / some.length, atLeast: wilson(n, some.length) }))
      .filter(({ n, share }) => n > 1 && share >= SHARE_MIN)
      .sort((a, b) => b.n - a.n || a.code.localeCompare(b.code))
      .slice(0, CODES_MAX);
  });
}

/** Of the standard normal distribution, for an interval that holds the truth four times of five. */
const Z = 1.2816;

/** The lower end of the score interval of a share (E. B. Wilson, JASA 22, 1927). */
export function wilson(n: number, of: number): number {
  if (of === 0) return 0;
  const share = n / of;
  const z2 = Z * Z;
  const middle = share + z2 / (2 * of);
  const half = Z * Math.sqrt((share * (1 - share) + z2 / (4 * of)) / of);
  return Math.max(0, (middle - half) / (1 + z2 / of));
}

export type Similar = {
  readonly incident: string;
  /** The nearest that it is related by; `category`: another rule of its category, on the asset or the slot. */
  readonly by: Relation | "category";
  readonly openedAt: number;
  readonly site: string;
  readonly slot: string | null;
  readonly rule: string;
  readonly code: ResolutionCode | CancelCode | null;
  readonly isOpen: boolean;
  /** From its opening until people were done with it. */
  readonly tookMs: number | null;
};

export const SIMILAR_MAX = 10;
/** Of one relation, so that a noisy slot leaves room for what helped elsewhere. */
const SIMILAR_OF_ONE_MAX = 5;

/** The nearest first, and of those the newest; one that people resolved before one that nobody had to look at. */
function similarTo(incident: Incident, past: Past, alike: ReadonlyMap<Relation, readonly PastFacts[]>): Similar[] {
  const taken = new Set<string>([incident.id]);
  const found: Similar[] = [];
  const take = (by: Similar["by"], some: readonly PastFacts[]): void => {
    const fresh = some.filter((one) => !taken.has(one.incident));
    const tried = [...fresh.filter(({ isByPeople }) => isByPeople), ...fresh.filter(({ isByPeople }) => !isByPeople)];
    for (const one of tried.slice(0, SIMILAR_OF_ONE_MAX)) {
      taken.add(one.incident);
      const { openedAt, doneAt, site, slot, rule, code, outcome } = one;
      const tookMs = doneAt === null ? null : Math.max(0, doneAt - openedAt);
      found.push({ incident: one.incident, by, openedAt, site, slot, rule, code, isOpen: outcome === "open", tookMs });
    }
  };
  for (const relation of RELATIONS) take(relation, alike.get(relation) ?? []);
  const { category } = incident;
  for (const relation of ["asset", "slot"] as const) {
    take(
      "category",
      others(incident, past[relation], relation).filter(
        (one) => one.category === category && one.rule !== incident.rule,
      ),
    );
  }
  return found.slice(0, SIMILAR_MAX);
}
