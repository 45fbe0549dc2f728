/** When incidents are taken for consequences of one; a part of lifecycle.yaml. The default is shipped here. */
import type { Category, Severity } from "@aislewatch/devices";

/** Which incidents of many sites are one matter. */
export type FleetRule = {
  /** All that is named must fit, one value of each. */
  readonly where: {
    readonly rule?: readonly string[];
    readonly category?: readonly Category[];
    readonly severity?: readonly Severity[];
    readonly kind?: readonly string[];
  };
  /** What must be the same beside the rule. What nobody knows of a device is the same as nothing. */
  readonly same: readonly FleetTrait[];
  /** At so many sites at least, and at such a share of all of them, begun within `withinMs` of one another. */
  readonly sites: number;
  readonly sharePercent: number;
  readonly withinMs: number;
};

export const FLEET_TRAITS = ["kind", "model", "firmware"] as const;
export type FleetTrait = (typeof FLEET_TRAITS)[number];

export type CorrelationPolicy = {
  /** After its cause is over, an incident has so long to end as well before it stands for itself. */
  readonly settleMs: number;
  /** The first that fits is taken; empty: sites are never put together. */
  readonly fleet: readonly FleetRule[];
};

const MINUTE_MS = 60_000;

/**
 * Two minutes are what a till needs to start after its switch did. Among 1,000 stores some devices fall silent in any ten
 * minutes, so five sites are a common cause only where they are a twentieth of all; of one firmware, which is at few
 * sites when it is new, within an hour.
 */
export const DEFAULT_CORRELATION: CorrelationPolicy = {
  settleMs: 2 * MINUTE_MS,
  fleet: [
    {
      where: { category: ["network", "software", "power"], severity: ["major", "critical"] },
      ...{ same: ["kind"], sites: 5, sharePercent: 5, withinMs: 10 * MINUTE_MS },
    },
    {
      where: { category: ["hardware"], severity: ["major", "critical"] },
      ...{ same: ["model", "firmware"], sites: 5, sharePercent: 5, withinMs: 60 * MINUTE_MS },
    },
  ],
};

/** What of an incident decides whether it is one matter with others. */
export type FleetSubject = {
  readonly rule: string;
  readonly category: Category;
  readonly severity: Severity;
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly firmware: string | null;
};

/** The rule that looks at it, and which others are the same matter; null: none does, or too little is known of it. */
export function fleetGroupOf(
  { fleet }: CorrelationPolicy,
  subject: FleetSubject,
): { readonly rule: FleetRule; readonly key: string } | null {
  const rule = fleet.find(({ where }) => fits(where, subject));
  if (rule === undefined) return null;
  const traits = rule.same.map((trait) =>
    trait === "model" ? (subject.model === null ? null : `${subject.vendor ?? ""} ${subject.model}`) : subject[trait],
  );
  if (traits.includes(null)) return null;
  // A separator that stands in no id; what vendors call their models may hold anything else.
  return { rule, key: ["fleet", subject.rule, ...rule.same, ...traits].join("\u001f") };
}

function fits(where: FleetRule["where"], { rule, category, severity, kind }: FleetSubject): boolean {
  const pairs: readonly (readonly [readonly string[] | undefined, string | null])[] = [
    [where.rule, rule],
    [where.category, category],
    [where.severity, severity],
    [where.kind, kind],
  ];
  return pairs.every(([wanted, value]) => wanted === undefined || (value !== null && wanted.includes(value)));
}

/** At so many sites of a fleet of this size. */
export const sitesNeeded = ({ sites, sharePercent }: FleetRule, all: number): number =>
  Math.max(sites, Math.ceil((all * sharePercent) / 100));
