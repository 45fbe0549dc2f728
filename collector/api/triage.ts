/**
 * Gathers what triage looks at: the past by four indexes, what stood and was told around the onset at the site, the
 * hardware. All of it bounded, none of it a scan; what follows from it is decided in incidents/triage.ts.
 */
import type { Asset } from "@aislewatch/contract";
import { localTime } from "@aislewatch/rules";
import type { z } from "zod";
import { warrantyOf } from "../incidents/asset-book.ts";
import { type HandOver, type HandOverInput, handOver, type KnownAsset } from "../incidents/handover.ts";
import { identityOf, LOOKED_AT_MAX, type Past } from "../incidents/likeness.ts";
import { bringOf, stepsOf } from "../incidents/runbook-steps.ts";
import { AROUND, type Near, onsetOf, resolvedText, type Told, type Triage, triageOf } from "../incidents/triage.ts";
import type { Incident, IncidentEvent } from "../incidents/types.ts";
import { unlistedSite } from "../sites.ts";
import type { ApiDeps, LiveView } from "./deps.ts";
import type * as shapes from "./schema/triage.ts";

const LIMITS = {
  /** Incidents of a site around the onset: when a whole store goes dark there are hundreds, and a few say why. */
  nearMax: 60,
  toldMax: 500,
  /** A till hangs on a switch, that on a router: chains are short. */
  aboveMax: 32,
} as const;

/** What it needs of the API's world. */
export type TriageDeps = Pick<ApiDeps, "assets" | "clock" | "devicesOfModel" | "agentStartedAt" | "runbook"> & {
  readonly state: Pick<ApiDeps["state"], "past" | "firstOpenedAt" | "incident" | "lastEventOf" | "deviceEventsBetween">;
  readonly live: Pick<LiveView, "slot" | "device" | "site" | "siteName" | "openIncidents">;
};
type Devices = Pick<LiveView, "slot" | "device">;

export type Case = { readonly triage: Triage; readonly hardware: KnownAsset; readonly bring: readonly string[] };

export function caseOf(incident: Incident, deps: TriageDeps): Case {
  const hardware = hardwareOf(incident, deps);
  // What its log does not say yet is what stands in the slot.
  const known: Incident = { ...incident, asset: hardware.asset };
  const { site, device } = incident.subject;
  const above = device === null ? [] : aboveOf(deps.live, site, device);
  const agent = device === null ? null : (deps.live.device(site, device)?.agent ?? null);
  const { vendor, model } = identityOf(hardware.asset);
  const triage = triageOf({
    incident: known,
    past: pastOf(known, deps),
    devicesAlike: model === null ? 0 : deps.devicesOfModel(vendor, model),
    since: deps.state.firstOpenedAt(),
    ...{ agent, above },
    near: nearOf(incident, [...above, ...(agent === null ? [] : [`agent/${agent}`])], deps),
    told: toldOf(incident, above, deps),
    agentStartedAt: agent === null ? null : deps.agentStartedAt(site, agent),
  });
  const runbook = incident.runbook === null ? null : deps.runbook(incident.runbook);
  return { triage, hardware, bring: runbook === null ? [] : bringOf(runbook.markdown) };
}

/** The hardware that failed, which may not be in the slot any more. */
function hardwareOf({ asset: then, subject }: Incident, { live, assets, clock }: TriageDeps): KnownAsset {
  const { site: id, device } = subject;
  const slot = device === null ? null : live.slot(id, device);
  const now = slot?.asset ?? {};
  const isKnown = then !== undefined && (then.serial !== undefined || then.model !== undefined);
  const asset: Asset = isKnown ? then : now;
  const book = assets();
  const record = book.record(asset);
  const today = localTime((live.site(id) ?? unlistedSite(id)).timeZone, clock.now()).date;
  const [was, is] = [identityOf(asset).serial, identityOf(now).serial];
  return {
    ...{ asset, record },
    vendor: book.vendorOf(asset, { site: id, kind: slot?.kind ?? null }),
    warranty: warrantyOf(record?.warrantyUntil ?? null, today),
    replacedBy: was !== null && is !== null && was !== is ? is : null,
  };
}

function pastOf({ subject, rule, asset, openedAt }: Incident, { state }: TriageDeps): Past {
  const { site, device } = subject;
  const { serial, model } = identityOf(asset);
  return {
    slot: device === null ? [] : state.past({ slot: `${site}/${device}` }, openedAt, LOOKED_AT_MAX),
    asset: serial === null ? [] : state.past({ serial }, openedAt, LOOKED_AT_MAX),
    model: model === null ? [] : state.past({ model, rule }, openedAt, LOOKED_AT_MAX),
    site: state.past({ site, rule }, openedAt, LOOKED_AT_MAX),
  };
}

/** What a device hangs on, the nearest first, each once: an inventory may go in circles. */
function aboveOf(live: Devices, site: string, device: string): string[] {
  const found = new Set<string>();
  let level = live.slot(site, device)?.dependsOn ?? [];
  while (level.length > 0 && found.size < LIMITS.aboveMax) {
    const fresh = [...new Set(level)].filter((id) => id !== device && !found.has(id));
    for (const id of fresh) found.add(id);
    level = fresh.flatMap((id) => live.slot(site, id)?.dependsOn ?? []);
  }
  return [...found].slice(0, LIMITS.aboveMax);
}

/** Opened at the site around the onset; and of what it hangs on, also what stands since long. */
function nearOf(incident: Incident, chain: readonly string[], { state, live }: TriageDeps): Near[] {
  const { site } = incident.subject;
  const onset = onsetOf(incident);
  const from = onset - AROUND.beforeMs;
  const until = Math.max(onset + AROUND.beforeMs, incident.openedAt + AROUND.afterMs);
  const around = state.past({ site, from }, until, LIMITS.nearMax).flatMap(({ incident: id, outcome }) => {
    const one = outcome === "cancelled" || id === incident.id ? null : state.incident(id);
    return one === null ? [] : [one];
  });
  const standing = live
    .openIncidents()
    .filter(({ subject }) => subject.site === site && subject.device !== null && chain.includes(subject.device))
    .slice(0, LIMITS.nearMax);
  const all = new Map([...around, ...standing].map((one) => [one.id, one]));
  all.delete(incident.id);
  return [...all.values()].map((one) => nearView(one, live));
}

function nearView(one: Incident, live: Devices): Near {
  const { id, title, category, subject, recoveredAt } = one;
  const { site, device } = subject;
  return {
    ...{ incident: id, title, category, device, recoveredAt, onset: onsetOf(one) },
    agent: device === null ? null : (live.device(site, device)?.agent ?? null),
    above: device === null ? [] : aboveOf(live, site, device),
  };
}

function toldOf({ subject, ...incident }: Incident, above: readonly string[], { state }: TriageDeps): Told[] {
  const { site, device } = subject;
  if (device === null) return [];
  const onset = incident.restatedOnset ?? incident.onset;
  const range = { from: onset - AROUND.toldBeforeMs, until: onset + AROUND.afterMs };
  return state
    .deviceEventsBetween(site, range, LIMITS.toldMax)
    .filter((one) => one.device === device || above.includes(one.device));
}

export function triageView(
  incident: Incident,
  { triage, hardware, bring }: Case,
  deps: TriageDeps,
): z.infer<typeof shapes.triage> {
  const { classification, causes, recurrence, usual, resolved, similar } = triage;
  return {
    ...{ incident: incident.id, category: incident.category, classification, usual, hardware: hardwareView(hardware) },
    causes: causes.map((one) => ({ ...one, evidence: [...one.evidence] })),
    recurrence: recurrence.map((one) => ({ ...one, times: [...one.times] })),
    resolved: resolved.map((one) => ({ ...one, text: resolvedText(one) })),
    similar: similar.map((one) => ({ ...one, ...similarView(one, deps) })),
    bring: [...bring],
  };
}

function similarView({ incident: id, site, rule }: Triage["similar"][number], { state, live }: TriageDeps) {
  const event = state.lastEventOf(id, "resolved");
  return {
    title: state.incident(id)?.title ?? rule,
    siteName: live.siteName(site),
    resolvedBy: event === null || event.actor === "system" ? null : event.actor,
  };
}

const hardwareView = ({
  asset,
  record,
  vendor,
  warranty,
  replacedBy,
}: KnownAsset): z.infer<typeof shapes.hardware> => ({
  vendor: asset.vendor ?? null,
  model: asset.model ?? null,
  serial: asset.serial ?? null,
  firmware: asset.firmware ?? null,
  tag: record?.tag ?? null,
  purchased: record?.purchased ?? null,
  ...{ warranty, replacedBy },
  service: vendor === null ? null : serviceView(vendor),
});

const serviceView = ({ id, name, phone, email, portal, contract }: NonNullable<KnownAsset["vendor"]>) => ({
  ...{ id, name, phone, email, portal, contract },
});

/** All but the chart, which is read from another store. */
export function handOverOf(incident: Incident, log: readonly IncidentEvent[], deps: TriageDeps): HandOver {
  const { live, clock } = deps;
  const { site: id, device } = incident.subject;
  const slot = device === null ? null : live.slot(id, device);
  const runbook = incident.runbook === null ? null : deps.runbook(incident.runbook);
  const input: HandOverInput = {
    ...{ incident, log, site: live.site(id) ?? unlistedSite(id), nowMs: clock.now() },
    device:
      slot === null
        ? null
        : { name: slot.name ?? slot.id, kind: slot.kind, labels: slot.labels, address: slot.address ?? null },
    ...caseOf(incident, deps),
    steps: runbook === null ? [] : stepsOf(runbook.markdown),
  };
  return handOver(input);
}

type Page = z.infer<typeof shapes.handOver>;

export function handOverView(page: HandOver, chart: Page["chart"], text: string): Page {
  const { where, causes, earlier, hardware, ...rest } = page;
  return {
    ...rest,
    ...{ chart, text, hardware: hardwareView(hardware) },
    where: { ...where, labels: [...where.labels], contacts: [...where.contacts] },
    values: [...page.values],
    causes: causes.map((one) => ({ ...one, evidence: [...one.evidence] })),
    tried: [...page.tried],
    earlier: { ...earlier, helped: [...earlier.helped], last: [...earlier.last] },
    stepsOpen: [...page.stepsOpen],
    bring: [...page.bring],
  };
}
