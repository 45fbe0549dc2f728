/** A state store in which people stand wherever they can, for tests. */
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { append } from "../incidents/log.ts";
import { type Incident, type IncidentEventBody, incidentKey } from "../incidents/types.ts";
import { aNotification, anAttempt } from "../store/state/contract-data.ts";
import { createSqliteStore } from "../store/state/sqlite.ts";
import type { StateStore } from "../store/state/store.ts";
import { createPrivacy, type Privacy, type PrivacyDeps } from "./privacy.ts";

export const T0 = 1_700_000_000_000;
const OPENED: Extract<IncidentEventBody, { type: "opened" }> = {
  type: "opened",
  subject: { site: "store-1", device: "lane-3/label-printer", component: null },
  rule: "media-out",
  ruleVersion: "1",
  title: "Labels are out",
  severity: "major",
  category: "consumable",
  runbook: null,
  onset: T0,
  values: {},
  priority: "P3",
  why: "one of two",
  suppressedBy: null,
};

export async function openStore(folder: string): Promise<StateStore> {
  const store = createSqliteStore({ file: join(folder, "state.sqlite") });
  await store.open();
  return store;
}

/** An incident that this person acknowledged, was given and solved, or (not `isEnded`) still works on. */
export function workedBy(store: StateStore, name: string, given: { at?: number; isEnded?: boolean } = {}): Incident {
  const { at = T0, isEnded = false } = given;
  const id = `INC-${String(store.nextIncidentNumber()).padStart(6, "0")}`;
  const actor = `user:${name}`;
  const opened = append(id, null, [{ ...OPENED, onset: at }], { at, recordedAt: at, actor: "system" });
  const bodies: IncidentEventBody[] = [
    { type: "acknowledged" },
    { type: "assigned", to: name },
    { type: "note", text: `${name} was there.` },
    ...(isEnded ? [{ type: "resolved", code: "cleaned", text: null } as const, { type: "closed" } as const] : []),
  ];
  const worked = append(id, opened.incident, bodies, { at: at + 1_000, recordedAt: at + 1_000, actor });
  const { incident } = worked;
  const key = incidentKey(incident.rule, incident.subject);
  store.commit({ incidents: [{ incident, key: `${key}${id}`, events: [...opened.events, ...worked.events] }] });
  return incident;
}

/** In every place but incidents. */
export function mentionEverywhere(store: StateStore, name: string, at = T0): void {
  store.putToken({ name, tokenHash: "hash", role: "operator", createdAt: at });
  store.audit({ at, actor: `user:${name}`, action: "signed_in", detail: "password from 10.0.0.1" });
  store.audit({ at, actor: "system", action: "sign_in_refused", detail: `"${name}" from 10.0.0.1` });
  store.audit({ at, actor: "cli", action: "users add", detail: name });
  store.putCommand({
    ...{ id: "c-1", site: "store-1", agent: "pc", kind: "probe_now", device: null, by: `user:${name}` },
    ...{ issuedAt: at, deadlineAt: at + 1, state: "done", answeredAt: at, detail: "" },
  });
  const span = { site: "store-1", agent: "pc", epoch: "e", lane: "live", fromSeq: 1, toSeq: 2 } as const;
  store.addGapNotes([{ ...span, at, by: `user:${name}`, text: `${name} unplugged it` }]);
  const sent = aNotification("n1", "mail", { state: "delivered", createdAt: at });
  store.commit({
    notifications: [{ ...sent, message: { ...sent.message, to: [name], why: `escalated by ${name}` } }],
    attempts: [anAttempt("n1", { channel: "mail", at, detail: `550 <${name}@example.org> unknown` })],
  });
  store.putDocument("maintenance", JSON.stringify([{ id: "m-1", reason: `asked by ${name}`, by: `user:${name}` }]));
}

export function privacyOf(state: StateStore, given: Partial<PrivacyDeps> = {}): Privacy {
  let seed = 1;
  return createPrivacy({
    clock: new ManualClock(T0),
    state,
    random: (bytes) => Uint8Array.from({ length: bytes }, () => (seed = (seed * 31 + 7) % 251)),
    commitNow: () => true,
    onRenamed: () => undefined,
    configTexts: () => new Map(),
    ...given,
  });
}
