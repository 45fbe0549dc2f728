/** Incidents and their past, for tests of triage. */
import type { Past, PastFacts } from "./likeness.ts";
import { UNSAID } from "./log.ts";
import type { Near, Told, TriageInput } from "./triage.ts";
import type { Incident } from "./types.ts";

/** A Friday, 10:00 in Berlin. */
export const T0 = Date.UTC(2026, 10, 20, 9);
export const MINUTE = 60_000;
export const DAY = 86_400_000;

export const anIncident = (given: Partial<Incident> = {}): Incident => ({
  ...UNSAID,
  ...{ id: "INC-000100", version: 1, state: "new", rule: "media-out", ruleVersion: "1", title: "Label media out" },
  subject: { site: "s1", device: "dock/printer", component: null },
  ...{ severity: "major", category: "consumable", runbook: "label-printer/media-out", priority: "P2" },
  ...{ priorityWhy: "1 of 2 works", onset: T0, openedAt: T0, suppressedBy: null, cause: null, updatedAt: T0 },
  values: { media_out: true },
  asset: { vendor: "Zebra", model: "ZT411", serial: "S1" },
  ...given,
});

/** The nth before it, `days` before. */
export const before = (n: number, days: number, given: Partial<PastFacts> = {}): PastFacts => ({
  ...{
    incident: `INC-${String(n).padStart(6, "0")}`,
    openedAt: T0 - days * DAY,
    doneAt: T0 - days * DAY + 30 * MINUTE,
  },
  ...{ site: "s1", slot: "s1/dock/printer", component: null, vendor: "Zebra", model: "ZT411", serial: "S1" },
  ...{ rule: "media-out", category: "consumable", code: "consumable_replaced", outcome: "resolved" },
  ...{ isFailure: true, isByPeople: true },
  ...given,
});

export const NO_PAST: Past = { slot: [], asset: [], model: [], site: [] };

export const anInput = (given: Partial<TriageInput> = {}): TriageInput => ({
  ...{ incident: anIncident(), past: NO_PAST, devicesAlike: 1, since: T0 - 365 * DAY, agent: "pc", above: ["switch"] },
  ...{ near: [], told: [], agentStartedAt: null },
  ...given,
});

export const aNear = (device: string | null, seconds: number, given: Partial<Near> = {}): Near => ({
  ...{ incident: `INC-${device}`, title: "No answer", category: "network", device, agent: "pc", above: ["switch"] },
  ...{ onset: T0 + seconds * 1_000, recoveredAt: null },
  ...given,
});

export const aTold = (code: string, seconds: number, device = "dock/printer"): Told => ({
  ...{ device, at: T0 + seconds * 1_000, code, detail: "" },
});
