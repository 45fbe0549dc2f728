/**
 * Who is asked next when an incident does not move: chains of steps, the first chain that fits an incident is its own.
 * All of it is data, escalation.yaml; nothing is shipped, for nobody but the users know whom to ask.
 */
import type { Category } from "@aislewatch/devices";
import type { Priority, SlaClock, Tier } from "./types.ts";

export type Trigger =
  /** So long after it was opened, or is new again, while nobody has acknowledged it. */
  | { readonly is: "unacknowledged"; readonly afterMs: number }
  /** So long after it was opened, or reopened, while it is neither recovered nor resolved. */
  | { readonly is: "unresolved"; readonly afterMs: number }
  /** When so much of what was promised is used up. */
  | { readonly is: "sla"; readonly clock: SlaClock; readonly percent: number };

/** What tier 0 may do by itself: commands that read only, and that the agent's own configuration allows. */
export const REMEDIES = ["probe_now"] as const;
export type Remedy = (typeof REMEDIES)[number];

export type EscalationStep = {
  readonly trigger: Trigger;
  /** `always`, `trading_hours` or a calendar of the sites file: what falls due outside waits until it opens. */
  readonly calendar: string;
  /** It goes to this tier (functional); null: it stays where it is, and somebody is told (hierarchical). */
  readonly tier: Exclude<Tier, 0> | null;
  /** Names of contacts or groups; what they are, notifications.yaml and the sites file say. */
  readonly tell: readonly string[];
  /** Tier 0: what the agent is asked to do. */
  readonly run: Remedy | null;
  /** It is taken again, so often at most, while it is still due. */
  readonly repeat: { readonly everyMs: number; readonly times: number } | null;
};

/** What an incident must be for a chain; a key that is not there asks nothing. */
export type ChainSelect = {
  readonly priority?: readonly Priority[];
  readonly category?: readonly Category[];
  readonly kind?: readonly string[];
  readonly rule?: readonly string[];
  readonly site?: readonly string[];
  readonly format?: readonly string[];
  readonly contract?: readonly string[];
  readonly region?: readonly string[];
  /** Of the site: each that is named has one of these values. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
};

/** More than so many escalations of the chain within so long are told in summaries. */
export type Storm = { readonly moreThan: number; readonly withinMs: number };

export type Chain = {
  readonly name: string;
  readonly where: ChainSelect;
  readonly steps: readonly EscalationStep[];
  readonly storm: Storm;
};

export type EscalationPolicy = { readonly chains: readonly Chain[] };

export const DEFAULT_STORM: Storm = { moreThan: 20, withinMs: 10 * 60_000 };
export const NO_ESCALATION: EscalationPolicy = { chains: [] };

/** What of an incident and its site decides on its chain; null where there is none. */
export type ChainSubject = {
  readonly priority: Priority;
  readonly category: Category;
  readonly kind: string | null;
  readonly rule: string;
  readonly site: string;
  readonly format: string;
  readonly contract: string | null;
  readonly region: string | null;
  /** Of the site. */
  readonly labels: Readonly<Record<string, string>>;
};

const KEYS = ["priority", "category", "kind", "rule", "site", "format", "contract", "region"] as const;

export function chainFor({ chains }: EscalationPolicy, subject: ChainSubject): Chain | null {
  return (
    chains.find(({ where }) => KEYS.every((key) => fits(where[key], subject[key])) && hasLabels(where, subject)) ?? null
  );
}

const hasLabels = ({ labels = {} }: ChainSelect, subject: ChainSubject): boolean =>
  Object.entries(labels).every(([key, wanted]) => fits(wanted, subject.labels[key] ?? null));

const fits = (wanted: readonly string[] | undefined, value: string | null): boolean =>
  wanted === undefined || (value !== null && wanted.includes(value));
