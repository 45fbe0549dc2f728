/** Facts into the shapes of schema/: names beside ids, units beside metrics, sentences beside events. */
import { FAULT_CODES, findMetric } from "@aislewatch/devices";
import { isOpen } from "@aislewatch/rules";
import type { z } from "zod";
import type { Standing } from "../duties.ts";
import { describeEvent } from "../incidents/describe.ts";
import { type ChainState, whenText } from "../incidents/escalation.ts";
import type { Incident, IncidentEvent, PRIORITIES, Priority } from "../incidents/types.ts";
import type { DeliveryAudit } from "../ledger.ts";
import { MANY_SITES } from "../own-reports.ts";
import type { Site } from "../sites.ts";
import type { DeviceEventRecord } from "../store/state/store.ts";
import type { FleetAgent, LiveAgent, LiveDevice, LiveValue, LiveView } from "./deps.ts";
import type * as agentShapes from "./schema/agent.ts";
import type * as incidentShapes from "./schema/incident.ts";
import type * as siteShapes from "./schema/site.ts";

export type IncidentView = z.infer<typeof incidentShapes.incident>;
type ChartView = z.infer<typeof incidentShapes.incidentDetail>["chart"];

/** What of its log stands beside the incident on its own page. */
export function workView(incident: Incident): z.infer<typeof incidentShapes.incidentWork> {
  const { holdText, cancelCode, resolvedTier, followUp, escalation, vendor, ackExpired, workedAt } = incident;
  return {
    ...{ holdText, cancelCode, resolvedTier, followUp, escalation, vendor, ackExpired, workedAt },
    checked: [...incident.checked],
    isPriorityPinned: incident.isPriorityPinned,
    sla: incident.sla,
  };
}

/** How its clocks stand and who is asked next, for its own page. */
export function standingView({ clocks, chain, contract, penalty }: Standing) {
  return {
    clocks: clocks.map(({ target, isLatest: _, isTold: __, ...clock }) => ({ ...clock, ...target })),
    contract,
    penalty,
    escalation: chain === null ? null : escalationView(chain),
  };
}

function escalationView({ chain, next, nextByHand, taken }: ChainState): z.infer<typeof incidentShapes.escalation> {
  const steps = chain.steps.map((step, index) => ({
    when: whenText(step),
    tier: step.run === null ? step.tier : 0,
    tell: [...step.tell],
    run: step.run,
    calendar: step.calendar,
    repeats: step.repeat?.times ?? 0,
    taken: taken[index] ?? 0,
  }));
  return { chain: chain.name, steps, next, nextByHand };
}

/** Whom to call there; of a site that is not listed, nobody. */
export function contactsView(
  site: Site | null,
  nowMs: number,
): z.infer<typeof incidentShapes.incidentDetail>["contacts"] {
  return (site?.contacts ?? []).map(({ hours, ...contact }) => ({
    ...contact,
    reachable: hours === null || isOpen(hours, nowMs),
  }));
}

/** An incident as lists, the page and the stream show it. */
export function incidentView(incident: Incident, live: LiveView): IncidentView {
  const { site, device } = incident.subject;
  const slot = device === null ? null : live.slot(site, device);
  const { flapping = false, inactiveHours = false, maintenance = null, retroactive = false, fleet } = incident;
  return {
    ...incident,
    ...{ flapping, inactiveHours, maintenance, retroactive },
    mergedInto: incident.merged?.into ?? null,
    onset: incident.restatedOnset ?? incident.onset,
    due: live.duties.nextDue(incident),
    subject: { ...incident.subject },
    values: { ...incident.values },
    fleet: fleet === undefined ? null : { ...fleet },
    siteName: fleet === undefined ? live.siteName(site) : MANY_SITES,
    deviceName: device === null ? null : (slot?.name ?? device),
    kind: slot?.kind ?? null,
  };
}

export function eventView(event: IncidentEvent): z.infer<typeof incidentShapes.incidentEvent> {
  const { seq, at, recordedAt, actor, late = false, type, ...detail } = event;
  return { seq, at, recordedAt, actor, late, type, text: describeEvent(event), detail };
}

/** `incidents` are the open ones of this device. */
export function deviceView(found: LiveDevice, incidents: readonly Incident[]): z.infer<typeof siteShapes.device> {
  const { site, agent, device, state, worst, lastReadingAt, lastFailure } = found;
  return {
    site,
    agent,
    state,
    worst,
    lastReadingAt,
    lastFailure,
    id: device.id,
    name: device.name ?? device.id,
    kind: device.kind,
    driver: device.driver,
    profile: device.profile ?? null,
    address: device.address ?? null,
    labels: device.labels,
    dependsOn: device.dependsOn,
    intervalMs: device.intervalMs,
    asset: device.asset,
    incidents: incidents.map((incident) => incident.id),
  };
}

export function valueView({ component, metric, at, value, stale }: LiveValue): z.infer<typeof siteShapes.metricValue> {
  const known = findMetric(metric);
  return {
    metric,
    component,
    at,
    value,
    stale,
    unit: known?.unit ?? "",
    meaning: known?.meaning ?? "",
    type: typeof value === "boolean" ? "boolean" : "number",
    bad: known?.bad ?? null,
  };
}

export function deviceEventView(event: DeviceEventRecord): z.infer<typeof siteShapes.deviceEvent> {
  const { at, device, component, code, detail } = event;
  return { at, device, component, code, meaning: eventMeaning(code), detail };
}

const MEANINGS: ReadonlyMap<string, string> = new Map(Object.entries(FAULT_CODES));
const CLEARED = "_cleared";

function eventMeaning(code: string): string | null {
  if (!code.endsWith(CLEARED)) return MEANINGS.get(code) ?? null;
  const fault = MEANINGS.get(code.slice(0, -CLEARED.length));
  return fault === undefined ? null : `Over: ${fault}`;
}

export function agentView(
  found: FleetAgent,
  siteName: string,
  nowMs: number,
): z.infer<typeof agentShapes.agentSummary> {
  const { site, id, online, isHeard, lastSeenAt, status, skewMs, offsetMs, devices, delivery, refusedClaims } = found;
  const waiting = status?.outbox ?? null;
  return {
    ...{ site, siteName, id, online, heard: isHeard, lastSeenAt, devices },
    version: status?.version ?? null,
    host: status?.host ?? null,
    epoch: status?.epoch ?? null,
    startedAt: status?.startedAt ?? null,
    outbox:
      waiting === null
        ? null
        : {
            batches: waiting.batches,
            bytes: waiting.bytes,
            bytesMax: waiting.bytesMax ?? null,
            inMemory: waiting.inMemory?.detail ?? null,
            ageSeconds: waiting.oldestAt === null ? 0 : Math.max(0, (nowMs - waiting.oldestAt - skewMs) / 1_000),
          },
    clockOffsetSeconds: offsetMs === null ? null : offsetMs / 1_000,
    timesShiftedSeconds: skewMs / 1_000,
    cost: status?.cost ?? null,
    disk: status?.disk ?? null,
    missingBatches: delivery.missing,
    owed: { ...delivery.owed },
    thinnedSamples: delivery.thinnedSamples,
    refusedClaims: [...refusedClaims],
    epochRefused: found.isEpochRefused,
  };
}

export const auditView = ({
  unexplained,
  lanes,
  missing,
  thinned,
}: DeliveryAudit): z.infer<typeof agentShapes.deliveryAudit> => ({
  unexplained,
  lanes: lanes.map((lane) => ({ ...lane })),
  missing: missing.map((span) => ({ ...span })),
  thinned: thinned.map((span) => ({ ...span })),
});

/** What is known of all sites, grouped by site once for a list of them. */
export type BySite = {
  readonly agents: ReadonlyMap<string, readonly LiveAgent[]>;
  readonly incidents: ReadonlyMap<string, readonly Incident[]>;
};

export const bySite = (live: LiveView): BySite => ({
  agents: Map.groupBy(live.agents(), (agent) => agent.site),
  incidents: Map.groupBy(live.openIncidents(), ({ subject }) => subject.site),
});

export function siteView(
  site: Site,
  devices: readonly LiveDevice[],
  known: BySite,
  nowMs: number,
): z.infer<typeof siteShapes.site> {
  const count = (state: LiveDevice["state"]) => devices.filter((device) => device.state === state).length;
  return {
    id: site.id,
    name: site.name,
    timeZone: site.timeZone,
    format: site.format,
    contract: site.contract,
    region: site.region,
    labels: { ...site.labels },
    open: isOpen(site, nowMs),
    devices: devices.length,
    up: count("up"),
    down: count("down"),
    unknown: count("unknown") + count("unreachable"),
    agents: (known.agents.get(site.id) ?? []).map(({ id, online, version, lastSeenAt }) => ({
      id,
      online,
      version,
      lastSeenAt,
    })),
    incidents: countByPriority(known.incidents.get(site.id) ?? []),
  };
}

export function countByPriority(incidents: readonly Incident[]): Record<Priority, number> {
  const counts = { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 } satisfies Record<(typeof PRIORITIES)[number], number>;
  for (const { priority } of incidents) counts[priority]++;
  return counts;
}

const LEAD_MS_MIN = 10 * 60_000;
const LEAD_MS_MAX = 3_600_000;
const TAIL_MS = 5 * 60_000;
const SPAN_MS_MAX = 24 * 3_600_000;

/**
 * Until the recovery and a little more, and as much before the onset as after it: what is minutes old is drawn in
 * minutes. At most a day, for the onset is what one looks for.
 */
export function chartView(incident: Incident, live: LiveView, nowMs: number): ChartView {
  const chart = live.rules().rules.find((rule) => rule.id === incident.rule)?.chart ?? null;
  if (chart === null || incident.subject.device === null) return null;
  const { recoveredAt, restatedOnset } = incident;
  const onset = restatedOnset ?? incident.onset;
  const lasting = Math.max(0, (recoveredAt ?? nowMs) - onset);
  const from = onset - Math.min(LEAD_MS_MAX, Math.max(LEAD_MS_MIN, lasting));
  const end = recoveredAt === null ? nowMs : Math.min(nowMs, recoveredAt + TAIL_MS);
  const metric = findMetric(chart.metric);
  return {
    metric: chart.metric,
    unit: metric?.unit ?? "",
    component: metric?.component === null ? null : incident.subject.component,
    threshold: metric?.type === "boolean" ? null : chart.threshold,
    from,
    // A device's clock may run ahead of ours: never an empty range.
    to: Math.max(onset + 1_000, Math.min(end, from + SPAN_MS_MAX)),
  };
}
