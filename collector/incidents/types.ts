/**
 * An incident is an append-only log of events; its state is a fold over them (log.ts). Only these types are written to
 * the store and shown to people; correcting a calendar or a priority recomputes the past from them.
 */
import type { Value } from "@aislewatch/contract";
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
      /** All of it was found afterwards. */
      readonly retroactive?: true;
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
  | { readonly type: "assigned"; readonly to: string | null }
  | { readonly type: "started" }
  | { readonly type: "held"; readonly reason: string }
  | { readonly type: "resumed" }
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "resolved"; readonly code: ResolutionCode; readonly text: string | null }
  | { readonly type: "reopened"; readonly why: string }
  | { readonly type: "closed" };

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
  readonly holdReason: string | null;
  readonly resolutionCode: ResolutionCode | null;
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
  readonly updatedAt: number;
  readonly values: Readonly<Record<string, Value>>;
};

/** One live incident per key: (site, slot or site scope, rule). */
export const incidentKey = (rule: string, subject: Subject): string =>
  [subject.site, subject.device ?? "", subject.component ?? "", rule].join("|");
