/**
 * Priority is impact × urgency (ITIL). Impact is what is left: the share of the devices of the same role at the site
 * that still work. Urgency is how bad the fault is and whether customers are there. Both tables and the matrix are
 * data, priority.yaml; the default is shipped here.
 *
 * One lane of eight down in trading hours is P3; the last label printer at receiving is P1.
 */
import type { Severity } from "@aislewatch/devices";
import type { Priority } from "./types.ts";

export const LEVELS = ["high", "medium", "low"] as const;
export type Level = (typeof LEVELS)[number];

export type PriorityPolicy = {
  readonly impact: {
    /** High when less than this share of the role still works (or nothing does). */
    readonly highBelowWorking: number;
    /** Medium when at least this share of the role has failed. */
    readonly mediumFromFailed: number;
    /** At least this when one of the kind has failed, however many are left: a conveyor stops the whole dock. */
    readonly atLeast: Readonly<Record<string, Level>>;
    /** Of faults of a whole site, which have no role. */
    readonly site: Readonly<Record<Severity, Level>>;
  };
  readonly urgency: {
    readonly open: Readonly<Record<Severity, Level>>;
    readonly closed: Readonly<Record<Severity, Level>>;
  };
  /** `matrix[impact][urgency]` */
  readonly matrix: Readonly<Record<Level, Readonly<Record<Level, Priority>>>>;
};

export const DEFAULT_PRIORITY_POLICY: PriorityPolicy = {
  impact: {
    highBelowWorking: 0.5,
    mediumFromFailed: 0.25,
    atLeast: { conveyor: "high", network_switch: "high", router: "high" },
    site: { info: "low", minor: "low", major: "medium", critical: "high" },
  },
  urgency: {
    open: { info: "low", minor: "medium", major: "high", critical: "high" },
    closed: { info: "low", minor: "low", major: "low", critical: "medium" },
  },
  matrix: {
    high: { high: "P1", medium: "P2", low: "P3" },
    medium: { high: "P2", medium: "P3", low: "P4" },
    low: { high: "P3", medium: "P4", low: "P5" },
  },
};

/** What is left of a role (Engine.capacity). `expected` − `working` − `failed` is unknown, and counts as neither. */
export type Capacity = {
  readonly role: string;
  readonly expected: number;
  readonly working: number;
  readonly failed: number;
};

export type PriorityFacts = {
  readonly severity: Severity;
  /** Null for a fault of a whole site. */
  readonly capacity: Capacity | null;
  /** Of the device; null for a fault of a whole site. */
  readonly kind: string | null;
  /** Within trading hours (calendar.ts). */
  readonly open: boolean;
};

/** `why` reads as the reason: `label printer at receiving: 0 of 1 work; critical; open for customers`. */
export type Assessment = { readonly priority: Priority; readonly why: string };

export function assessPriority(facts: PriorityFacts, policy: PriorityPolicy = DEFAULT_PRIORITY_POLICY): Assessment {
  const { severity, capacity, open } = facts;
  const impact = capacity === null ? policy.impact.site[severity] : impactOf(capacity, facts.kind, policy);
  const urgency = policy.urgency[open ? "open" : "closed"][severity];
  const what = capacity === null ? "the whole site" : leftOf(capacity);
  return {
    priority: policy.matrix[impact][urgency],
    why: `${what}; ${severity}; ${open ? "open for customers" : "closed now"}`,
  };
}

function impactOf({ expected, working, failed }: Capacity, kind: string | null, { impact }: PriorityPolicy): Level {
  if (failed === 0 || expected <= 0) return "low";
  // Unknown devices count as working here: an agent that just started must not make every fault the last one.
  const left = Math.max(working, expected - failed);
  const share = left / expected;
  const byShare = share < impact.highBelowWorking ? "high" : 1 - share >= impact.mediumFromFailed ? "medium" : "low";
  const atLeast = kind === null ? undefined : impact.atLeast[kind];
  return atLeast !== undefined && LEVELS.indexOf(atLeast) < LEVELS.indexOf(byShare) ? atLeast : byShare;
}

function leftOf({ role, expected, working, failed }: Capacity): string {
  const name = role.replaceAll("_", " ").replace("@", " at ");
  const unknown = Math.max(0, expected - working - failed);
  return `${name}: ${working} of ${expected} work${unknown > 0 ? `, ${unknown} unknown` : ""}`;
}
