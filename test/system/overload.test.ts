/**
 * Twice the load that the time-series store takes, and then a store that takes nothing: what does not fit waits at the
 * agents, the queue stays within its bound, a fault is an incident within a second all the while, and afterwards the
 * account of every batch balances. The collector is the shipped one behind a store that is held back.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import { deviceId, letIn, OutboxAgent, SAMPLES_PER_DEVICE } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, startCollector, tempFolder, waitFor } from "../rig/rig.ts";
import { PACE_FILE, QUEUE_FILE } from "../rig/store-pace.ts";

const AGENTS = 10;
const DEVICES = 20;
const EVERY_MS = 250;
const SAMPLES_PER_SECOND = (AGENTS * DEVICES * SAMPLES_PER_DEVICE * 1_000) / EVERY_MS;
const QUEUE_BYTES_MAX = 128 * 1024;
/** Of a collector that holds next to nothing: what a leak or a queue without a bound would pass within the test. */
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;
const RULE = `group: test
rules:
  - { id: hot, select: 'kind == "conveyor"', title: "Hot", when: "temperature_celsius > 60", severity: major, category: hardware }
`;

type Incident = { rule: string; state: string; subject: { site: string; device: string }; recoveredAt: number | null };
type Lane = { agent: string; seq: number; batches: number; queued: number; owed: number; isBalanced: boolean };

let collector: CollectorRig;
let data: string;
let agents: OutboxAgent[];
let residentAtFirst = 0;

const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all&limit=500")).items;
const behind = async () => (await incidents()).find(({ rule }) => rule === "ingest-behind");
const pace = (samplesPerSecond: number | null): void => {
  if (samplesPerSecond === null) rmSync(join(data, PACE_FILE), { force: true });
  else writeFileSync(join(data, PACE_FILE), `${samplesPerSecond}`);
};
const waiting = () => agents.reduce((sum, { figures }) => sum + figures.waiting, 0);

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${collector.http}/metrics`)).text();
  return Number(new RegExp(`^aislewatch_${name} (\\S+)$`, "m").exec(text)?.[1]);
}

let devicesTried = 0;
/** How long a device's fault takes to be an incident, at most, for the next device of each agent in turn; and what the queue holds. */
async function faultsToIncidents(): Promise<number> {
  const device = devicesTried++;
  const tookMs: number[] = [];
  for (const [n, agent] of agents.entries()) {
    const at = Date.now();
    agent.setHot(device, true);
    await waitFor(`the incident of agent ${n}`, async () =>
      (await incidents()).some(
        ({ rule, subject }) => rule === "hot" && subject.site === `site-${n}` && subject.device === deviceId(device),
      ),
    );
    tookMs.push(Date.now() - at);
    expect(await metric("timeseries_queue_bytes")).toBeLessThanOrEqual(QUEUE_BYTES_MAX);
  }
  return Math.max(...tookMs);
}

describe("a collector at its limits", () => {
  beforeAll(async () => {
    data = join(tempFolder(), "data");
    mkdirSync(data);
    writeFileSync(join(data, QUEUE_FILE), `${QUEUE_BYTES_MAX}`);
    collector = await startCollector({
      rules: { "hot.yaml": RULE, "own.yaml": hurriedPacks()["collector.yaml"] ?? "" },
      program: "test/rig/slow-store-collector.ts",
      data,
    });
    const names = Array.from({ length: AGENTS }, (_, n) => ({ site: `site-${n}`, agent: `agent-${n}` }));
    const password = await letIn(data, names);
    agents = names.map(
      (name) => new OutboxAgent({ ...name, url: collector.mqtt, password, devices: DEVICES, everyMs: EVERY_MS }),
    );
    for (const agent of agents) await agent.join();
    await waitFor("acks", () => agents.every(({ figures }) => figures.acked > 4));
    residentAtFirst = await metric("resident_memory_bytes");
  });
  afterAll(cleanUp);

  it("sheds at the agents under twice its load, says so, and opens incidents within a second", async () => {
    pace(SAMPLES_PER_SECOND / 2);
    await waitFor("batches to be shed", async () => (await metric("batches_shed_total")) > AGENTS);
    const before = waiting();
    // With other devices once more when the machine stood still.
    await expect.poll(faultsToIncidents).toBeLessThan(1_000);
    await waitFor("outboxes to grow", () => waiting() > before + AGENTS * 5);
    expect((await waitFor("the incident of the collector", behind)).subject).toMatchObject({
      site: "aislewatch",
      device: "collector",
    });
  });

  it("opens incidents within a second while the store takes nothing at all", async () => {
    pace(0);
    const acked = agents.map(({ figures }) => figures.acked);
    // Longer than a window of 32 batches lasts.
    await waitFor("more than a window to wait", () => agents.every(({ figures }) => figures.waiting > 50));
    await expect.poll(faultsToIncidents).toBeLessThan(1_000);
    for (const [n, { figures }] of agents.entries()) expect(figures.acked - (acked[n] ?? 0)).toBeLessThan(40);
    expect((await metric("resident_memory_bytes")) - residentAtFirst).toBeLessThan(GROWTH_BYTES_MAX);
    expect(await (await fetch(`${collector.http}/healthz`)).json()).toMatchObject({ ok: true });
  });

  it("drains once the store is well, its incident resolves, and every batch is stored once", async () => {
    pace(null);
    await waitFor("the outboxes to drain", () => waiting() < AGENTS * 8);
    await waitFor("the incident to recover", async () => (await behind())?.recoveredAt);
    for (const agent of agents) agent.rest();
    await waitFor("all to be acked", () => agents.every(({ figures }) => figures.acked === figures.seq));
    const audit = await collector.api<{ unexplained: number; lanes: Lane[] }>("/audit/delivery");
    expect(audit.unexplained).toBe(0);
    expect(
      audit.lanes
        .filter(({ seq }) => seq > 0)
        .map(({ agent, seq, batches, queued, owed, isBalanced }) => ({
          agent,
          seq,
          batches,
          queued,
          owed,
          isBalanced,
        })),
    ).toEqual(
      agents.map(({ figures: { seq } }, n) => ({
        ...{ agent: `agent-${n}`, seq, batches: seq, queued: 0, owed: 0, isBalanced: true },
      })),
    );
    expect(agents.every(({ figures }) => figures.connects > 1)).toBe(true);
  });
});
