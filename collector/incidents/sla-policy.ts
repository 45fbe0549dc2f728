/**
 * What was promised: how soon somebody responds to an incident (`response`), how soon it works again (`restore`), and what
 * others owe us while it waits for them (`vendor`, an operational level agreement); per priority, each in hours of its own. All of it is data, sla.yaml; the default is shipped here. A contract
 * that a site names has terms of its own.
 */
import type { SiteCalendar } from "@aislewatch/rules";
import { ALWAYS } from "./business-time.ts";
import type { HoldReason, Priority, SlaClock } from "./types.ts";

/** `calendar`: `always`, `trading_hours`, or one that the sites file names; by the clock of the incident's site. */
export type SlaTarget = { readonly withinMs: number; readonly calendar: string };
/** Null: nothing was promised, and there is no such clock. */
export type Targets = Readonly<Record<SlaClock, SlaTarget | null>>;

/** Amounts are in units of the currency, with at most two decimals. */
export type Penalties = {
  /** ISO 4217, `EUR`. */
  readonly currency: string;
  /** Of an incident, over all of its clocks; null: none. */
  readonly cap: number | null;
  readonly clocks: Readonly<Record<SlaClock, Penalty>>;
};
/** `perHour`: of each hour beyond the target that has begun, in the hours in which the clock runs. */
export type Penalty = { readonly perBreach: number; readonly perHour: number };

export type SlaTerms = {
  /** Null: what holds where a site names no contract. */
  readonly contract: string | null;
  readonly targets: Readonly<Record<Priority, Targets>>;
  /** Percent of a target, ascending. */
  readonly warnAt: readonly number[];
  /** On hold for one of these reasons the clock stands still; on any other hold it runs. */
  readonly pauses: Readonly<Record<SlaClock, readonly HoldReason[]>>;
  /** On hold for one of these the vendor's clock runs. */
  readonly withVendor: readonly HoldReason[];
  readonly penalties: Penalties | null;
};

export type SlaPolicy = { readonly standard: SlaTerms; readonly contracts: ReadonlyMap<string, SlaTerms> };

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A business day is eight hours in which the site is open. */
const within = (withinMs: number, calendar = "trading_hours"): SlaTarget => ({ withinMs, calendar });

export const DEFAULT_SLA_POLICY: SlaPolicy = {
  standard: {
    contract: null,
    targets: {
      P1: {
        response: within(5 * MINUTE_MS, "always"),
        restore: within(HOUR_MS, "always"),
        vendor: within(4 * HOUR_MS, "always"),
      },
      P2: { response: within(15 * MINUTE_MS), restore: within(4 * HOUR_MS), vendor: within(8 * HOUR_MS) },
      P3: { response: within(HOUR_MS), restore: within(8 * HOUR_MS), vendor: within(16 * HOUR_MS) },
      P4: { response: within(8 * HOUR_MS), restore: within(40 * HOUR_MS), vendor: null },
      P5: { response: null, restore: null, vendor: null },
    },
    warnAt: [75, 90],
    pauses: {
      response: [],
      restore: ["awaiting_vendor", "awaiting_part", "awaiting_site_access", "awaiting_change", "awaiting_caller"],
      vendor: ["awaiting_site_access"],
    },
    withVendor: ["awaiting_vendor", "awaiting_part"],
    penalties: null,
  },
  contracts: new Map(),
};

/** A contract that the policy does not have is none: the loader refuses one, but a site may outlive it. */
export const termsOf = (policy: SlaPolicy, contract: string | null): SlaTerms =>
  (contract === null ? undefined : policy.contracts.get(contract)) ?? policy.standard;

/** A site as a policy sees it: its trading hours, and other calendars by name. */
export type SiteHours = SiteCalendar & { readonly calendars: ReadonlyMap<string, SiteCalendar> };

/** A site without hours is always open. A name that a site does not know is `always`, as it is for rules. */
export function calendarOf(site: SiteHours, name: string): SiteCalendar {
  if (name === "trading_hours") return site;
  return name === "always" ? ALWAYS : (site.calendars.get(name) ?? ALWAYS);
}
