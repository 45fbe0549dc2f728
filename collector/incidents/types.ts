/**
 * An incident is an append-only log of events; its state is a fold over them (log.ts). Only these types are written to
 * the store and shown to people; correcting a calendar or a priority recomputes the past from them.
 */
import type { Asset, Value } from "@aislewatch/contract";
import type { Category, Severity } from "@aislewatch/devices";
import type { Subject } from "@aislewatch/rules";

export const INCIDENT_STATES = [
  "new",
  "acknowledged",
  "in_progress",
  "on_hold",
  "resolved",
  "closed",
  "cancelled",
  "merged",
] as const;
export type IncidentState = (typeof INCIDENT_STATES)[number];

export const PRIORITIES = ["P1", "P2", "P3", "P4", "P5"] as const;
export type Priority = (typeof PRIORITIES)[number];

export const RESOLUTION_CODES = [
  "consumable_replaced",
  "cleaned",
  "reseated",
  "restarted",
  "reconfigured",
  "swapped",
  "rma",
  "network",
  "power",
  "upstream",
  "user_handling",
  "self_recovered",
  "false_positive",
  "duplicate",
  "no_fault_found",
  "rule_changed",
  "rule_removed",
  "device_removed",
] as const;
export type ResolutionCode = (typeof RESOLUTION_CODES)[number];

/** What an incident may wait for. A contract names those of them that stop its clocks. */
export const HOLD_REASONS = [
  "awaiting_vendor",
  "awaiting_part",
  "awaiting_site_access",
  "awaiting_change",
  "awaiting_caller",
] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];
/** `unlisted`: written before there was a list, in words that are in the event's text. It stops no clock. */
export type HeldFor = HoldReason | "unlisted";

/** Why there was no incident in the first place. */
export const CANCEL_CODES = ["false_positive", "duplicate", "test"] as const;
export type CancelCode = (typeof CANCEL_CODES)[number];

/** Who works on it: 0 the collector itself, 1 the NOC, 2 field support, 3 engineering, 4 the vendor. */
export const TIERS = [0, 1, 2, 3, 4] as const;
export type Tier = (typeof TIERS)[number];

/** Until somebody takes it in hand, until it works again, and what the vendor promised. */
export const SLA_CLOCKS = ["response", "restore", "vendor"] as const;
export type SlaClock = (typeof SLA_CLOCKS)[number];

/** Nobody began to work in time; it got worse; more hangs on it than when somebody took it. */
export const ACK_EXPIRIES = ["timeout", "severity", "scope"] as const;
export type AckExpiry = (typeof ACK_EXPIRIES)[number];

/** `withheld`: quiet hours, a rate limit or a silence kept it back; what was grouped counts as delivered. */
export const NOTIFICATION_OUTCOMES = ["delivered", "failed", "withheld"] as const;
export type NotificationOutcome = (typeof NOTIFICATION_OUTCOMES)[number];

/** Who did it: `user:<name>`, `token:<name>` or `system`. */
export type Actor = string;

export type IncidentEvent = {
  /** From 1, without holes; the next number is also the version for optimistic concurrency. */
  readonly seq: number;
  /** When it happened (event time), and when it was written down. */
  readonly at: number;
  readonly recordedAt: number;
  readonly actor: Actor;
  /** It was found afterwards, in readings that an agent kept while it could not be reached. Nobody is called for it. */
  readonly late?: true;
} & IncidentEventBody;

/** What the incidents below one that stands for the whole fleet have in common; null where they differ, or nobody knows. */
export type FleetMatter = {
  readonly kind: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly firmware: string | null;
  /** At so many sites, within this time, when it was opened. */
  readonly sites: number;
  readonly withinMs: number;
};

/** What is planned for the time at which it fired: then nobody is called. */
export type Planned = { readonly maintenance?: string; readonly inactiveHours?: true; readonly flapping?: true };

export type IncidentEventBody =
  | ({
      readonly type: "opened";
      readonly subject: Subject;
      readonly rule: string;
      readonly ruleVersion: string;
      readonly title: string;
      readonly severity: Severity;
      readonly category: Category;
      readonly runbook: string | null;
      readonly onset: number;
      readonly values: Readonly<Record<string, Value>>;
      readonly priority: Priority;
      readonly why: string;
      readonly suppressedBy: string | null;
      /** Who takes it first, by its rule; 1 in logs of before tiers. */
      readonly tier?: Tier;
      /** All of it was found afterwards. */
      readonly retroactive?: true;
      /** Of the same fault at many sites: what these have in common. */
      readonly fleet?: FleetMatter;
      /** What stood in the slot then, as far as it was known; a later one is not to be blamed for it. */
      readonly asset?: Asset;
    } & Planned)
  | {
      readonly type: "level_changed";
      readonly severity: Severity;
      readonly title: string;
      readonly values: Readonly<Record<string, Value>>;
      /** The fault is as it was: the rule was edited. */
      readonly byEdit?: true;
    }
  | { readonly type: "priority_changed"; readonly priority: Priority; readonly why: string }
  | { readonly type: "suppressed"; readonly by: string }
  | { readonly type: "unsuppressed" }
  | { readonly type: "stale" }
  | { readonly type: "fresh" }
  | { readonly type: "recovered"; readonly values: Readonly<Record<string, Value>> }
  | ({
      readonly type: "fired_again";
      /** When the condition became true this time. */
      readonly onset: number;
      readonly severity: Severity;
      readonly title: string;
      readonly values: Readonly<Record<string, Value>>;
    } & Planned)
  /** It came back so often that it is one fault until it was quiet for a while. */
  | { readonly type: "flapping" }
  /** A maintenance window concerns it, or none does any more. */
  | { readonly type: "maintenance"; readonly window: string | null }
  /** The hours in which its rule calls people ended, or began. */
  | { readonly type: "hours"; readonly active: boolean }
  /** The fault is older than was known; `was` is the onset that this corrects, of the present spell or an earlier one. */
  | { readonly type: "began_earlier"; readonly onset: number; readonly was: number }
  /** The spell that began at `onset` was over before the live lane saw it end. */
  | { readonly type: "recovered_earlier"; readonly onset: number }
  | { readonly type: "acknowledged" }
  /** The acknowledgement is not one any more: somebody must look again. */
  | { readonly type: "ack_expired"; readonly why: AckExpiry }
  /** A group or tier that is not named stays as it was. */
  | { readonly type: "assigned"; readonly to: string | null; readonly group?: string | null; readonly tier?: Tier }
  | { readonly type: "started" }
  | { readonly type: "held"; readonly reason: HeldFor; readonly text: string | null }
  | { readonly type: "resumed" }
  /** It waited from `from` to `to` (Unix ms), and nobody had said so then. Without a clock, all of them. */
  | {
      readonly type: "pause_claimed";
      readonly clock?: SlaClock;
      readonly from: number;
      readonly to: number;
      readonly reason: HoldReason;
      readonly text: string;
    }
  | { readonly type: "note"; readonly text: string }
  /** A step of the runbook's checklist, by its own words or its id. */
  | { readonly type: "checked"; readonly item: string; readonly done: boolean }
  /** The vendor's number for it. */
  | { readonly type: "vendor_ref"; readonly vendor: string; readonly ref: string }
  | {
      readonly type: "resolved";
      readonly code: ResolutionCode;
      readonly text: string | null;
      /** Who solved it; without, the tier that had it. */
      readonly tier?: Tier;
      /** What is still to be done. */
      readonly followUp?: string;
    }
  | { readonly type: "reopened"; readonly why: string }
  | { readonly type: "closed" }
  | { readonly type: "cancelled"; readonly code: CancelCode; readonly text: string | null }
  /** Of the one that lost: people work on `into` from now on. Facts of its own fault still come into its own log. */
  | { readonly type: "merged"; readonly into: string }
  /** Of the one that won. */
  | { readonly type: "absorbed"; readonly from: string }
  /** Undoes a merge: `from` in the log of the one that lost, `into` in that of the one that won. */
  | ({ readonly type: "split" } & ({ readonly from: string } | { readonly into: string }))
  /** It hangs below another one, or (null) stands for itself again. */
  | { readonly type: "parent_set"; readonly incident: string | null; readonly why: string }
  | { readonly type: "child_added"; readonly incident: string }
  | { readonly type: "child_removed"; readonly incident: string; readonly why: string }
  /** `functional`: to another tier, who then has it. `hierarchical`: somebody above is told, and the tier stays. */
  | {
      readonly type: "escalated";
      readonly kind: "functional" | "hierarchical";
      readonly tier: Tier;
      /** Of the policy, from 0; null by hand. */
      readonly step: number | null;
      readonly policy: string | null;
      readonly by: "timer" | "hand";
      readonly why: string;
    }
  | { readonly type: "sla_warned"; readonly clock: SlaClock; readonly percent: number }
  | { readonly type: "sla_breached"; readonly clock: SlaClock; readonly dueAt: number }
  | {
      readonly type: "notified";
      readonly notification: string;
      readonly channel: string;
      readonly to: string;
      readonly outcome: NotificationOutcome;
    }
  /** It cured itself `times` times within `withinMs` before: somebody should find out why. */
  | { readonly type: "review_due"; readonly times: number; readonly withinMs: number }
  | { readonly type: "reviewed"; readonly text: string | null }
  /** A fact in the log is corrected; the log keeps what was said before. */
  | ({ readonly type: "restated"; readonly why: string } & Restated);

export type Restated =
  /** Stands whatever the collector finds, until it is restated as null. */
  | { readonly what: "priority"; readonly priority: Priority | null }
  | { readonly what: "onset"; readonly onset: number }
  | { readonly what: "resolution"; readonly code: ResolutionCode };

/** What became of one clock. Once breached, it stays so. */
export type SlaMark = { readonly warnedPercent: number; readonly breachedAt: number | null };

/** The fold of an incident's log: what lists and pages show. */
export type Incident = {
  /** Short and sayable: `INC-000123`. */
  readonly id: string;
  readonly version: number;
  readonly state: IncidentState;
  readonly subject: Subject;
  readonly rule: string;
  readonly ruleVersion: string;
  readonly title: string;
  readonly severity: Severity;
  readonly category: Category;
  readonly runbook: string | null;
  readonly priority: Priority;
  readonly priorityWhy: string;
  /** When the condition became true, the last time it did; the first is in the log. */
  readonly onset: number;
  readonly openedAt: number;
  readonly acknowledgedAt: number | null;
  readonly resolvedAt: number | null;
  readonly closedAt: number | null;
  /** When the fault cured itself, while it has; the incident stays open for review unless the rule says otherwise. */
  readonly recoveredAt: number | null;
  readonly assignee: string | null;
  readonly acknowledgedBy: string | null;
  readonly holdReason: HeldFor | null;
  readonly holdText: string | null;
  readonly resolutionCode: ResolutionCode | null;
  /** Who solved it, and what is still to be done; while resolved or closed. */
  readonly resolvedTier: Tier | null;
  readonly followUp: string | null;
  readonly cancelCode: CancelCode | null;
  readonly group: string | null;
  readonly tier: Tier;
  /** The last step that was taken of an escalation policy, or by hand (step null). */
  readonly escalation: { readonly policy: string | null; readonly step: number | null; readonly at: number } | null;
  /** While merged: the one that is worked on, and the state to go back to. */
  readonly merged: { readonly into: string; readonly was: IncidentState } | null;
  /** Those merged into this one. */
  readonly absorbed: readonly string[];
  /** The incident that this one is a consequence of, and why it is. */
  readonly parent: string | null;
  readonly parentWhy: string | null;
  /** How many are consequences of this one. */
  readonly children: number;
  readonly sla: Readonly<Partial<Record<SlaClock, SlaMark>>>;
  readonly vendor: { readonly vendor: string; readonly ref: string } | null;
  /** Steps of the checklist that are done. */
  readonly checked: readonly string[];
  /** The acknowledgement that ran out, until there is another. */
  readonly ackExpired: { readonly at: number; readonly by: Actor | null; readonly why: AckExpiry } | null;
  /** When a person last wrote anything into the log. */
  readonly workedAt: number | null;
  /** When it cured itself with nobody at work on it, the last times. */
  readonly selfRecoveries: readonly number[];
  /** It waits for somebody to find out why it cures itself so often. */
  readonly review: { readonly since: number; readonly times: number; readonly withinMs: number } | null;
  /** A person said what its priority is. */
  readonly isPriorityPinned: boolean;
  /** When it began, as a person knows better. `onset` stays what the engine goes by. */
  readonly restatedOnset: number | null;
  /** How often the fault came back within the reopen window. */
  readonly recurrences: number;
  readonly suppressedBy: string | null;
  /** What it hung behind last, and from when until when (null: still); null when it stood for itself all the time. */
  readonly cause: { readonly by: string; readonly since: number; readonly until: number | null } | null;
  /** When it last came back out of `resolved`; what was before is done with. Absent: it never was resolved. */
  readonly reopenedAt?: number;
  readonly stale: boolean;
  /** It came back so often that its rule takes it for one fault; until it recovers. */
  readonly flapping?: boolean;
  /** The hours of its rule are over: nobody is called until they begin. */
  readonly inactiveHours?: boolean;
  /** Id of the maintenance window that it stands in: nobody is called until some minutes after its end. */
  readonly maintenance?: string | null;
  /** Since it fired, all of it lay in maintenance or outside the hours of its rule: nobody was called. */
  readonly unheard?: boolean;
  /** It came and went while its agent could not be reached, and was found in what the agent had kept: nobody was called. */
  readonly retroactive?: boolean;
  /** It stands for the same fault at many sites, whose incidents hang below it. */
  readonly fleet?: FleetMatter;
  readonly updatedAt: number;
  readonly values: Readonly<Record<string, Value>>;
  /** What stood in the slot when it was opened; absent where that was not known, or not written down yet. */
  readonly asset?: Asset;
};

/** One live incident per key: (site, slot or site scope, rule). */
export const incidentKey = (rule: string, subject: Subject): string =>
  [subject.site, subject.device ?? "", subject.component ?? "", rule].join("|");
