/**
 * What is counted of an incident (IncidentFacts, made in figure-facts.ts), and what a report says of many (Figures, made in
 * report.ts), each as docs/reports.md defines it. A figure of nothing is null: nobody acknowledged anything is not the same
 * as everybody did at once.
 */
import type { Category } from "@aislewatch/devices";
import type { Rate } from "./rate.ts";
import type { Spread } from "./spread.ts";
import type { CancelCode, Priority, ResolutionCode, SlaClock } from "./types.ts";

export const GROUPINGS = ["site", "kind", "vendor", "model", "hour", "rule", "slot"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const OUTCOMES = ["open", "resolved", "cancelled", "merged"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The device that stood in the slot when it was opened, or where that was not written down, stands there now. Null: not known. */
export type FactsDevice = {
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
};
/** Times are Unix ms. Durations are in ms of the clock on the wall; null: not known, not yet, or not of this incident. */
export type IncidentFacts = FactsDevice & {
  readonly incident: string;
  readonly site: string;
  /** The slot with its site, `berlin-01/lane-1/printer`; null where it is about the whole site. */
  readonly slot: string | null;
  readonly rule: string;
  /** Of these three triage asks, and reports do not; category null: of before it was kept. */
  readonly category: Category | null;
  readonly component: string | null;
  readonly serial: string | null;
  readonly priority: Priority;
  /** Resolved: closed or waiting for it. */
  readonly outcome: Outcome;
  readonly code: ResolutionCode | CancelCode | null;
  readonly openedAt: number;
  /** 0 is Monday 00:00, 167 Sunday 23:00, by the clock in the store when it was opened. */
  readonly hourOfWeek: number;
  readonly restoredAt: number | null;
  /** When people were done with it: resolved, cancelled or merged. */
  readonly doneAt: number | null;
  /** From the onset to when it was written down. */
  readonly detectMs: number | null;
  readonly acknowledgeMs: number | null;
  readonly restoreMs: number | null;
  readonly resolveMs: number | null;
  /** Without the time on hold for a reason that the contract lists for its restore clock. */
  readonly resolveUnpausedMs: number | null;
  /** People were called, or would have been. */
  readonly isCalled: boolean;
  /** Something of its own was broken: it is no consequence of another one, and was no mistake. */
  readonly isFailure: boolean;
  /** Resolved by a person. */
  readonly isByPeople: boolean;
  /** And nobody beyond the NOC was needed, it was not reopened, and did not come back within a week. */
  readonly isFirstLine: boolean;
  readonly isSelfRecovered: boolean;
  /** It was resolved at some time, and came back out of that. */
  readonly isReopened: boolean;
  /** Ended as a mistake of the rule: there was nothing to find, or nothing to do. */
  readonly isMistaken: boolean;
  /** How often its fault fired, the first time included. */
  readonly fires: number;
  /** How often somebody was called. */
  readonly calls: number;
  /** How long the fault stood in all, whatever it was; null: it stands. */
  readonly lifeMs: number | null;
  readonly responseMet: number;
  readonly responseBreached: number;
  readonly restoreMet: number;
  readonly restoreBreached: number;
  readonly vendorMet: number;
  readonly vendorBreached: number;
  /** Null: its contract has no penalties. Hundredths of the currency. */
  readonly penaltyCents: number | null;
  readonly currency: string | null;
};

/** What the figures need of it. */
export type CountedFacts = Omit<IncidentFacts, "incident" | "code" | "category" | "component" | "serial" | "slot"> & {
  /** A number for it will do: NameOfSlot (report.ts) knows its name. */
  readonly slot: string | number | null;
};

/** `n` of `of`; null: of none. */
export type Share = { readonly n: number; readonly of: number; readonly share: number | null };

export const AGES = [
  { upTo: "4h", ms: 4 * 3_600_000 },
  { upTo: "1d", ms: 86_400_000 },
  { upTo: "3d", ms: 3 * 86_400_000 },
  { upTo: "7d", ms: 7 * 86_400_000 },
  { upTo: "30d", ms: 30 * 86_400_000 },
  { upTo: "older", ms: Number.POSITIVE_INFINITY },
] as const;

export type Backlog = {
  readonly total: number;
  /** In the order of AGES. */
  readonly byAge: readonly { readonly upTo: string; readonly byPriority: Readonly<Record<Priority, number>> }[];
};

export type Attainment = { readonly met: number; readonly breached: number; readonly share: number | null };
/** To the cent; `incidents` are those that cost something. */
export type Penalty = { readonly currency: string; readonly amount: number; readonly incidents: number };

/** The durations of an incident's life that have a spread. */
export const SPREADS = ["detect", "acknowledge", "restore", "resolve", "resolveUnpaused"] as const;

export type Figures = {
  readonly incidents: {
    readonly opened: number;
    readonly open: number;
    readonly resolved: number;
    readonly cancelled: number;
    readonly merged: number;
  };
  /** From the onset to the incident. */
  readonly detect: Spread;
  /** From the incident to the first acknowledgement. */
  readonly acknowledge: Spread;
  /** Of those for which people were called: not one of them is in `acknowledge`. */
  readonly unacknowledged: { readonly open: number; readonly over: number };
  readonly restore: Spread;
  readonly resolve: Spread;
  readonly resolveUnpaused: Spread;
  /** Mean time between failures: the time in which devices were to work, over the number of their failures. */
  readonly betweenFailures: {
    readonly failures: number;
    /** Those of devices that were known to be there when it happened: what the mean and the rate are of. */
    readonly measured: number;
    readonly exposureMs: number | null;
    readonly meanMs: number | null;
    /** For how long they were there, by the clock on the wall. */
    readonly deviceMs: number | null;
    /** Failures in 1,000 days of a device; null: of too few failures or days to say. */
    readonly rate: Rate | null;
    /** To a failure, from the end of the last one of the same slot that was opened in this time; wall clock. */
    readonly gaps: Spread;
  };
  /** Of those that people resolved. */
  readonly firstLine: Share;
  /** Of all that are resolved. */
  readonly selfRecovered: Share;
  /** Of all that ever were resolved. */
  readonly reopened: Share;
  readonly backlog: Backlog;
  readonly sla: Readonly<Record<SlaClock, Attainment>>;
  /** By currency, in the order of its code. */
  readonly penalties: readonly Penalty[];
  /** What it costs people that rules fire. */
  readonly noise: {
    readonly fires: number;
    readonly calls: number;
    /** Of those that ended, merged ones apart; no share of fewer than SAMPLE_MIN. */
    readonly falsePositives: Share;
    readonly life: Spread;
  };
};

/** Of fewer, a share or a rate says more about chance than about the thing. */
export const SAMPLE_MIN = 5;
