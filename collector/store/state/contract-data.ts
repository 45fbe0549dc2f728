/** Records for the contract tests: whole and valid, with what matters in a test given by it. */
import type { InventoryDevice } from "@aislewatch/contract";
import type { FaultRecord } from "@aislewatch/rules";
import { type IncidentFacts, OUTCOMES } from "../../incidents/figures.ts";
import { UNSAID } from "../../incidents/log.ts";
import { type Incident, type IncidentEvent, incidentKey, PRIORITIES } from "../../incidents/types.ts";
import { incidentMessage } from "../../notify/message.ts";
import type { AttemptRecord, GroupRecord, NotificationRecord } from "../../notify/record.ts";
import { unlistedSite } from "../../sites.ts";
import type { Commit, DeviceEventRecord, IncidentChange, LedgerLane, ThinnedRecord } from "./store.ts";

export const T0 = 1_700_000_000_000;

export function anIncident(id: string, given: Partial<Incident> = {}): Incident {
  return {
    ...UNSAID,
    id,
    version: 1,
    state: "new",
    subject: { site: "store-1", device: "lane-3/label-printer", component: null },
    rule: "media-low",
    ruleVersion: "a1b2",
    title: "Label media low: 12 % left",
    severity: "minor",
    category: "consumable",
    runbook: "label-printer/media-low",
    priority: "P3",
    priorityWhy: "one of two",
    onset: T0,
    openedAt: T0,
    suppressedBy: null,
    cause: null,
    updatedAt: T0,
    values: { media_remaining_percent: 12, media_out: false },
    ...given,
  };
}

export const someFacts = (id: string, given: Partial<IncidentFacts> = {}): IncidentFacts => ({
  ...{ incident: id, site: "store-1", slot: "store-1/lane-3/label-printer", rule: "media-low", code: null },
  ...{ kind: "label_printer", vendor: "Zebra", model: "ZD421", priority: "P3", outcome: "open" },
  ...{ openedAt: T0, hourOfWeek: 0, restoredAt: null, doneAt: null, detectMs: null, acknowledgeMs: null },
  ...{ restoreMs: null, resolveMs: null, resolveUnpausedMs: null, isCalled: true, isFailure: true },
  ...{ isByPeople: false, isFirstLine: false, isSelfRecovered: false, isReopened: false, isMistaken: false },
  ...{ fires: 1, calls: 0, lifeMs: null },
  ...{ responseMet: 0, responseBreached: 0, restoreMet: 0, restoreBreached: 0, vendorMet: 0, vendorBreached: 0 },
  ...{ penaltyCents: null, currency: null, category: "consumable", component: null, serial: "S1" },
  ...given,
});

/** Facts of all sorts, with every column and every mark at every value at some time. */
export const manyFacts = (count: number): IncidentFacts[] =>
  Array.from({ length: count }, (_, n) => {
    const has = (bit: number): boolean => ((n * 2_654_435_761) >>> (bit + 7)) % 2 === 1;
    const site = `store-${n % 3}`;
    return someFacts(`INC-${String(n + 1).padStart(6, "0")}`, {
      site,
      slot: n % 7 === 0 ? null : `${site}/lane-${n % 4}/printer`,
      kind: [null, "scale", "label_printer"][n % 3] ?? null,
      vendor: [null, "Zebra", "o'hara"][(n >> 1) % 3] ?? null,
      model: [null, "größe 🖨️", "ZD421", "a\nb"][(n >> 2) % 4] ?? null,
      priority: PRIORITIES[n % 5] ?? "P1",
      outcome: OUTCOMES[(n >> 1) % 4] ?? "open",
      openedAt: T0 + n * 1_000_000,
      hourOfWeek: (n * 11) % 168,
      doneAt: has(0) ? T0 + n * 1_000_000 + 50_000_000 : null,
      restoredAt: has(1) ? T0 + n * 1_000_000 + 999 : null,
      detectMs: has(2) ? n : null,
      acknowledgeMs: has(3) ? 0 : null,
      restoreMs: has(4) ? n * 7 : null,
      resolveMs: has(5) ? n * 11 : null,
      resolveUnpausedMs: has(6) ? n * 5 : null,
      ...{ isCalled: has(7), isFailure: has(8), isByPeople: has(9), isFirstLine: has(10) },
      ...{ isSelfRecovered: has(11), isReopened: has(12), responseMet: n % 16, responseBreached: (n >> 3) % 16 },
      ...{ restoreMet: Number(has(13)), restoreBreached: Number(has(14)), vendorMet: Number(has(15)) },
      ...{ vendorBreached: Number(has(16)), ...(has(2) && { penaltyCents: n * 3, currency: has(3) ? "EUR" : "CHF" }) },
    });
  });

export function aChange(incident: Incident, events: readonly IncidentEvent[] = []): IncidentChange {
  return { incident, key: incidentKey(incident.rule, incident.subject), events };
}

export function aNotification(
  id: string,
  channel: string,
  given: Partial<NotificationRecord> = {},
): NotificationRecord {
  const incident = anIncident("INC-000001");
  const where = { site: unlistedSite("store-1"), kind: "label_printer", page: null, firstSteps: [] };
  return {
    ...{ id, channel, incident: incident.id, state: "waiting", createdAt: T0, notBefore: T0, firstDueAt: T0 },
    ...{
      dueAt: T0,
      attempts: 0,
      doneAt: null,
      message: incidentMessage({ id, event: "opened", at: T0 }, incident, where),
    },
    ...given,
  };
}

export const aGroup = (id: string, given: Partial<GroupRecord> = {}): GroupRecord => ({
  ...{ id, channel: "a", key: "[]", by: { site: "store-1" }, waitMs: 30_000, intervalMs: 300_000 },
  ...{ nextAt: T0, messages: 1, isClosed: false },
  members: [{ incident: "INC-000001", title: "Media out", site: "store-1", priority: "P2", isOver: false }],
  ...given,
});

export const anAttempt = (notification: string, given: Partial<AttemptRecord> = {}): AttemptRecord => ({
  ...{ notification, channel: "a", incident: "INC-000001", at: T0, durationMs: 12 },
  ...{ outcome: "delivered", status: 204, detail: "HTTP 204" },
  ...given,
});

export const aNote = (seq: number, text: string): IncidentEvent => ({
  seq,
  at: T0 + seq,
  recordedAt: T0 + seq,
  actor: "user:ana",
  type: "note",
  text,
});

export function aFault(rule: string, given: Partial<FaultRecord> = {}): FaultRecord {
  return {
    v: 1,
    rule,
    ruleVersion: "a1b2",
    subject: { site: "store-1", device: "lane-3/label-printer", component: null },
    state: "firing",
    severity: "major",
    detail: { since: T0, steps: [1, null] },
    ...given,
  };
}

export function aDevice(id: string, given: Partial<InventoryDevice> = {}): InventoryDevice {
  return {
    id,
    kind: "label_printer",
    driver: "zpl",
    labels: { lane: "3" },
    dependsOn: ["switch-1"],
    intervalMs: 10_000,
    asset: { vendor: "Zebra" },
    components: [],
    metrics: ["up", "media_out"],
    ...given,
  };
}

export const anEvent = (given: Partial<DeviceEventRecord> = {}): DeviceEventRecord => ({
  site: "store-1",
  device: "back-office/ups",
  component: null,
  at: T0,
  code: "on_battery",
  detail: "upsTrapOnBattery",
  recordedAt: T0 + 1,
  ...given,
});

/** What the crash writer commits as its write number `seq`. */
export function crashChange(seq: number): Commit {
  return {
    watermarks: [{ site: "store-1", agent: "host-1", epoch: "e1", lane: "live", seq }],
    incidents: [aChange(anIncident(`INC-${String(seq).padStart(6, "0")}`), [aNote(1, `write ${seq}`)])],
    faults: [aFault("media-low", { detail: { seq } })],
    deviceEvents: [anEvent({ at: T0 + seq })],
  };
}

export const LANE = { site: "store-1", agent: "host-1", epoch: "e1", lane: "live" } as const;

export const aLane = (given: Partial<LedgerLane> = {}): LedgerLane => ({
  ...LANE,
  firstSeq: 3,
  seq: 10,
  announced: 12,
  batches: 5,
  late: 1,
  samples: 500,
  repeats: 2,
  thinnedBatches: 2,
  thinnedSamples: 80,
  lostBatches: 1,
  lastAt: T0,
  ...given,
});

export const aThinning = (): ThinnedRecord => ({
  ...LANE,
  fromSeq: 4,
  toSeq: 5,
  fromAt: T0 - 5_000,
  toAt: T0 - 1_000,
  samples: 80,
  reason: "the outbox was full",
  at: T0,
});
