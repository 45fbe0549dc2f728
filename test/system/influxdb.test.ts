/**
 * A collector on InfluxDB. The server is killed, and the collector in between: faults are incidents all the while, and
 * afterwards every sample of every batch is there, once.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import { type InfluxRig, influxdb, influxMissing } from "../rig/influxdb.ts";
import { deviceId, letIn, OutboxAgent, SAMPLES_PER_DEVICE } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, startCollector, tempFolder, waitFor } from "../rig/rig.ts";

const missing = influxMissing();
const AGENTS = 4;
const DEVICES = 20;
const EVERY_MS = 200;
const RULE = `group: test
rules:
  - { id: hot, select: 'kind == "conveyor"', title: "Hot", when: "temperature_celsius > 60", severity: major, category: hardware }
`;

type Incident = { rule: string; state: string; subject: { site: string; device: string }; recoveredAt: number | null };
type Lane = { agent: string; seq: number; batches: number; queued: number; owed: number; isBalanced: boolean };
type Answer = {
  results: { series?: { columns: string[]; tags: Record<string, string>; values: (number | null)[][] }[] }[];
};

describe.skipIf(missing !== null)(`a collector on InfluxDB${missing ?? ""}`, () => {
  let influx: InfluxRig;
  let collector: CollectorRig;
  let agents: OutboxAgent[];

  const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all&limit=500")).items;
  const behind = async () => (await incidents()).find(({ rule }) => rule === "series-store-failing");
  const waiting = () => agents.reduce((sum, { figures }) => sum + figures.waiting, 0);
  const health = async () => (await fetch(`${collector.http}/healthz`)).json();

  let devicesBroken = 0;
  /** A fault at the next device of each agent, until all are incidents; the longest that one took. */
  async function faultsToIncidents(): Promise<number> {
    const device = ++devicesBroken;
    let longestMs = 0;
    for (const [n, agent] of agents.entries()) {
      const at = Date.now();
      agent.setHot(device, true);
      await waitFor(`the incident of agent ${n}`, async () =>
        (await incidents()).some(
          ({ rule, subject }) => rule === "hot" && subject.site === `site-${n}` && subject.device === deviceId(device),
        ),
      );
      longestMs = Math.max(longestMs, Date.now() - at);
    }
    return longestMs;
  }

  beforeAll(async () => {
    influx = await influxdb();
    await influx.run();
    const data = join(tempFolder(), "data");
    mkdirSync(data);
    const password = join(tempFolder(), "influx-password");
    writeFileSync(password, "not asked for", { mode: 0o600 });
    collector = await startCollector({
      rules: { "hot.yaml": RULE, "own.yaml": hurriedPacks()["collector.yaml"] ?? "" },
      data,
      more: [
        "timeseries: influxdb",
        "influxdb:",
        `  url: ${influx.url}`,
        "  database: shops",
        "  username: collector",
        `  password: "file:${password}"`,
      ],
    });
    const names = Array.from({ length: AGENTS }, (_, n) => ({ site: `site-${n}`, agent: `agent-${n}` }));
    const agentPassword = await letIn(data, names);
    agents = names.map(
      (name) =>
        new OutboxAgent({ ...name, url: collector.mqtt, password: agentPassword, devices: DEVICES, everyMs: EVERY_MS }),
    );
    for (const agent of agents) await agent.join();
    await waitFor("acks", () => agents.every(({ figures }) => figures.acked > 4));
  });
  afterAll(cleanUp);

  it("shows in a chart what an agent read", async () => {
    const { site } = agents[0] ?? { site: "" };
    const { points } = await collector.api<{ points: unknown[] }>(
      `/sites/${site}/series?device=${encodeURIComponent(deviceId(0))}&metric=temperature_celsius&from=${Date.now() - 600_000}&to=${Date.now() + 1_000}`,
    );
    expect(points.length).toBeGreaterThan(3);
  });

  it("opens incidents within a second while InfluxDB is gone, and says that it is", async () => {
    await influx.kill();
    const acked = agents.map(({ figures }) => figures.acked);
    await waitFor("more than a window to wait", () => agents.every(({ figures }) => figures.waiting > 40));
    // With other devices once more when the machine stood still.
    await expect.poll(faultsToIncidents).toBeLessThan(1_000);
    for (const [n, { figures }] of agents.entries()) expect(figures.acked - (acked[n] ?? 0)).toBeLessThan(40);
    expect(await health()).toMatchObject({ ok: false });
    await waitFor("the incident of the collector", behind);
  });

  it("starts without it, and goes on opening incidents", async () => {
    await collector.program.kill();
    await collector.restart();
    expect(collector.program.output()).toContain("InfluxDB can't be reached");
    await waitFor("the agents to be back", () => agents.every(({ figures }) => figures.connects > 1));
    await expect.poll(faultsToIncidents).toBeLessThan(10_000);
    expect((await incidents()).filter(({ rule }) => rule === "hot")).toHaveLength(devicesBroken * AGENTS);
  });

  it("fills in what was missing once it is back, also when it and the collector are killed meanwhile", async () => {
    await influx.run();
    await waitFor("a batch to be stored", () => agents.some(({ figures }) => figures.waiting < 20));
    await influx.kill();
    await collector.program.kill();
    await collector.restart();
    await influx.run();
    await waitFor("the outboxes to drain", () => waiting() < AGENTS * 8);
    for (const agent of agents) agent.rest();
    await waitFor("all to be acked", () => agents.every(({ figures }) => figures.acked === figures.seq));
    await waitFor("the incident of the collector to recover", async () => (await behind())?.recoveredAt);
    expect(await health()).toMatchObject({ ok: true });
  });

  it("has every sample once", async () => {
    const { results } = (await influx.ask(
      'SELECT count(*) FROM "readings" WHERE "site" =~ /^site-/ GROUP BY "site", "device"',
      "shops",
    )) as Answer;
    const counted = new Map<string, number>();
    for (const { tags, values } of results[0]?.series ?? []) {
      const samples = (values[0] ?? []).slice(1).reduce<number>((sum, count) => sum + (count ?? 0), 0);
      counted.set(`${tags["site"]} ${tags["device"]}`, samples);
    }
    for (const { site, figures } of agents) {
      for (let device = 0; device < DEVICES; device++)
        expect(counted.get(`${site} ${deviceId(device)}`)).toBe(figures.seq * SAMPLES_PER_DEVICE);
    }
    const audit = await collector.api<{ unexplained: number; lanes: Lane[] }>("/audit/delivery");
    expect(audit.unexplained).toBe(0);
    expect(
      audit.lanes
        .filter(({ seq }) => seq > 0)
        .map(({ agent, seq, batches, queued, owed, isBalanced }) => ({
          ...{ agent, seq, batches, queued, owed, isBalanced },
        })),
    ).toEqual(
      agents.map(({ figures: { seq } }, n) => ({
        ...{ agent: `agent-${n}`, seq, batches: seq, queued: 0, owed: 0, isBalanced: true },
      })),
    );
  });
});
