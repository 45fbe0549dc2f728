import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { afterEach, beforeEach, expect, it } from "vitest";
import { foldIncident } from "../incidents/log.ts";
import { someFacts } from "../store/state/contract-data.ts";
import type { StateStore } from "../store/state/store.ts";
import { KEEP_ALL, type PrivacyPolicy } from "./policy.ts";
import { createRetention, type Retention } from "./retention.ts";
import { mentionEverywhere, openStore, privacyOf, T0, workedBy } from "./sample-people.ts";

const DAY_MS = 86_400_000;
/** A pass over what these tests have takes a second. */
const PASS_MS = 70_000;
let folder = "";
let store: StateStore;
let clock: ManualClock;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aislewatch-retention-"));
  store = await openStore(folder);
  clock = new ManualClock(T0 + 400 * DAY_MS);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function pass(policy: Partial<PrivacyPolicy>): Promise<Retention> {
  const privacy = privacyOf(store);
  const retention = createRetention({
    ...{ clock, state: store, policy: { ...KEEP_ALL, ...policy } },
    ...{ pseudonym: privacy.pseudonym, finish: privacy.finish },
    onProblem: (thrown) => {
      throw thrown;
    },
  });
  await retention.start();
  clock.advance(PASS_MS);
  await retention.stop();
  expect(clock.pending).toBe(0);
  return retention;
}

it("gives names in what ended long ago the same pseudonym everywhere, and leaves what is younger or open", async () => {
  const old = workedBy(store, "bo", { isEnded: true });
  const oldToo = workedBy(store, "bo", { isEnded: true });
  const young = workedBy(store, "bo", { isEnded: true, at: T0 + 390 * DAY_MS });
  const open = workedBy(store, "bo");
  const { counts } = await pass({ namesMs: 365 * DAY_MS });
  const actorOf = (id: string) => store.incidentEvents(id)[1]?.actor;
  expect(actorOf(old.id)).toMatch(/^user:person-[a-z2-7]{12}$/);
  expect(actorOf(oldToo.id)).toBe(actorOf(old.id));
  expect([actorOf(young.id), actorOf(open.id)]).toEqual(["user:bo", "user:bo"]);
  expect(foldIncident(old.id, store.incidentEvents(old.id))).toEqual(store.incident(old.id));
  expect(counts.incidentsRenamed).toBe(2);
  expect(store.auditLog(1)[0]).toMatchObject({ actor: "system", action: "names_retired" });
  // A second pass finds nothing, and says nothing.
  const before = store.auditLog(10).length;
  await pass({ namesMs: 365 * DAY_MS });
  expect(store.auditLog(10)).toHaveLength(before);
});

it("goes on after a batch, however many there are", async () => {
  for (let n = 0; n < 250; n++) workedBy(store, "bo", { isEnded: n % 5 !== 0 });
  const { counts } = await pass({ namesMs: 365 * DAY_MS });
  expect(counts.incidentsRenamed).toBe(200);
});

it("takes names out of the audit, of commands and of explanations, when they are old", async () => {
  mentionEverywhere(store, "bo");
  store.audit({ at: clock.now(), actor: "user:bo", action: "signed_in", detail: "" });
  await pass({ namesMs: 365 * DAY_MS });
  const actors = store.auditLog(10).map(({ action, actor }) => [action, actor]);
  expect(actors).toContainEqual(["signed_in", "user:bo"]);
  expect(actors).toContainEqual(["signed_in", expect.stringMatching(/^user:person-/)]);
  expect(actors).toContainEqual(["users add", "cli"]);
  expect(store.auditLog(10).filter(({ detail }) => /\bbo\b/.test(detail))).toEqual([]);
  expect(store.commands(null, 1)[0]?.by).toMatch(/^user:person-/);
  expect(store.gapNotes()[0]?.by).toMatch(/^user:person-/);
});

it("cuts addresses in the log of deliveries, when they are old", async () => {
  mentionEverywhere(store, "bo");
  await pass({ addressesMs: 90 * DAY_MS });
  expect(JSON.stringify(store.attempts(null, 5))).not.toContain("bo@");
});

it("lets incidents go with their logs, and keeps what reports count of them", async () => {
  const old = workedBy(store, "bo", { isEnded: true });
  const open = workedBy(store, "bo");
  store.commit({ facts: [someFacts(old.id), someFacts(open.id)] });
  await pass({ namesMs: 30 * DAY_MS, incidentsMs: 365 * DAY_MS });
  expect([store.incident(old.id), store.incidentEvents(old.id)]).toEqual([null, []]);
  expect(store.incident(open.id)).not.toBeNull();
  const { hours } = await store.report({ from: 0, to: T0 + DAY_MS, groupBy: null });
  expect(hours.reduce((sum, count) => sum + count, 0)).toBe(2);
});

it("lets them go also when their names went before", async () => {
  const old = workedBy(store, "bo", { isEnded: true });
  await pass({ namesMs: 30 * DAY_MS });
  await pass({ incidentsMs: 365 * DAY_MS });
  expect(store.incident(old.id)).toBeNull();
});

it("keeps everything when nothing is said", async () => {
  const { id } = workedBy(store, "bo", { isEnded: true });
  await pass({});
  expect(store.incident(id)?.assignee).toBe("bo");
});
