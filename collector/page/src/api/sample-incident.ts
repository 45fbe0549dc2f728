/** An incident for tests: tell it what matters, the rest is ordinary. */
import type { Incident } from "./types.ts";

const ORDINARY: Incident = {
  id: "INC-000001",
  version: 1,
  state: "new",
  subject: { site: "store-0042", device: "receiving/label-printer", component: null },
  siteName: "Riverside Market",
  deviceName: "Receiving label printer",
  kind: "label_printer",
  rule: "media-low",
  ruleVersion: "1a2b3c",
  title: "Label media low: 4 % left",
  severity: "major",
  category: "consumable",
  runbook: null,
  priority: "P3",
  priorityWhy: "One of two label printers still works.",
  onset: 1_000,
  openedAt: 1_000,
  acknowledgedAt: null,
  resolvedAt: null,
  closedAt: null,
  recoveredAt: null,
  assignee: null,
  acknowledgedBy: null,
  holdReason: null,
  resolutionCode: null,
  recurrences: 0,
  retroactive: false,
  suppressedBy: null,
  stale: false,
  updatedAt: 1_000,
  values: {},
};

export const sampleIncident = (change: Partial<Incident> = {}): Incident => ({ ...ORDINARY, ...change });
