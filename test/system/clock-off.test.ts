/**
 * An agent whose clock is ten minutes behind, beside three whose clocks are right: what it reads stands where it belongs,
 * in the store and in its incidents, it is told from the others, and its clock is an incident of its own.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import { deviceId, letIn, OutboxAgent } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, runOnce, startCollector, tempFolder, waitFor } from "../rig/rig.ts";

const OFF_MS = -600_000;
/** A reading's way through a busy machine. */
const WAY_MS = 5_000;
const RULE = `group: test
rules:
  - { id: hot, select: 'kind == "conveyor"', title: "Hot", when: "temperature_celsius > 60", severity: major, category: hardware }
`;

type Incident = { rule: string; subject: { site: string; device: string }; onset: number };
type Agent = { id: string; clockOffsetSeconds: number; timesShiftedSeconds: number };

let collector: CollectorRig;
let agents: OutboxAgent[];

const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all")).items;

describe("an agent whose clock is ten minutes behind", () => {
  beforeAll(async () => {
    const data = join(tempFolder(), "data");
    collector = await startCollector({
      rules: { "hot.yaml": RULE, "agents.yaml": hurriedPacks()["agent.yaml"] ?? "" },
      data,
    });
    const names = ["off", "a", "b", "c"].map((agent) => ({ site: `site-${agent}`, agent }));
    const password = await letIn(data, names);
    agents = names.map(
      ({ site, agent }) =>
        new OutboxAgent({
          ...{ url: collector.mqtt, password, site, agent, devices: 2, everyMs: 500 },
          ...(agent === "off" && { clockOffMs: OFF_MS }),
        }),
    );
    for (const agent of agents) await agent.join();
    await waitFor("acks", () => agents.every(({ figures }) => figures.acked > 3));
  });
  afterAll(cleanUp);

  it("opens incidents at their true time", async () => {
    const at = Date.now();
    agents[0]?.setHot(1, true);
    const { onset } = await waitFor("the incident", async () => (await incidents()).find(({ rule }) => rule === "hot"));
    expect(onset).toBeGreaterThan(at - WAY_MS);
    expect(onset).toBeLessThan(Date.now() + WAY_MS);
  });

  it("has its readings stored at their true time", async () => {
    const now = Date.now();
    const query = (from: number, to: number) =>
      collector.api<{ points: { at: number }[] }>(
        `/sites/site-off/series?device=${encodeURIComponent(deviceId(1))}&metric=speed_percent&from=${from}&to=${to}`,
      );
    expect((await query(now - 60_000, now + 60_000)).points.length).toBeGreaterThan(1);
    expect((await query(now + OFF_MS - 120_000, now - 300_000)).points).toEqual([]);
  });

  it("is told from the others, and its clock alone is an incident", async () => {
    const found = await collector.api<Agent[]>("/agents");
    const off = found.find(({ id }) => id === "off");
    expect(Math.abs((off?.clockOffsetSeconds ?? 0) - OFF_MS / 1_000)).toBeLessThan(WAY_MS / 1_000);
    expect(Math.abs((off?.timesShiftedSeconds ?? 0) + OFF_MS / 1_000)).toBeLessThan(WAY_MS / 1_000);
    expect(found.filter(({ timesShiftedSeconds }) => timesShiftedSeconds !== 0)).toHaveLength(1);
    await waitFor("the incident of its clock", async () =>
      (await incidents()).some(({ rule }) => rule === "agent-clock-off"),
    );
    const clocks = (await incidents()).filter(({ rule }) => rule === "agent-clock-off");
    expect(clocks.map(({ subject }) => `${subject.site} ${subject.device}`)).toEqual(["site-off agent/off"]);
    const shown = await runOnce("packages/cli/main.ts", ["agents", "show", "site-off/off"], {
      env: { AISLEWATCH_URL: collector.http, AISLEWATCH_TOKEN: collector.token },
    });
    expect(shown.stdout).toMatch(/Clock +(599|60\d) s behind; its times are shifted by as much/);
  });
});
