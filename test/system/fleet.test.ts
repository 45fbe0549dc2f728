/**
 * Agent and collector as real processes, and the person who asks about them: what became of every batch over an outage
 * and a lost outbox, commands and their limits, a reload, and taking an agent out.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zplOverTcp } from "../rig/devices.ts";
import { type AgentRig, type CollectorRig, cleanUp, runOnce, startAgent, startCollector, waitFor } from "../rig/rig.ts";

const RULES = `group: test
rules:
  - { id: batches-missing, select: 'kind == "agent"', title: "Readings are lost", when: "batches_missing > 0", severity: major, category: software }
  - { id: media-out, select: 'kind == "label_printer"', title: "Media out", when: "media_out", severity: major, category: consumable }
`;

type Lane = {
  lane: string;
  epoch: string;
  seq: number;
  batches: number;
  late: number;
  owed: number;
  missing: number;
  isCurrent: boolean;
  isBalanced: boolean;
};
type Audit = { unexplained: number; lanes: Lane[]; missing: { cause: string }[] };
type Incident = { rule: string; state: string; resolutionCode: string | null; recoveredAt: number | null };

let collector: CollectorRig;
let agent: AgentRig;
let printer: Awaited<ReturnType<typeof zplOverTcp>>;

const cli = (...args: string[]) =>
  runOnce("packages/cli/main.ts", args, { env: { AISLEWATCH_URL: collector.http, AISLEWATCH_TOKEN: collector.token } });
const audit = () => collector.api<Audit>("/audit/delivery?site=store-1&agent=pc");
const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all")).items;
const online = () =>
  waitFor("the agent to be online", async () =>
    (await collector.api<{ online: boolean; heard: boolean }[]>("/agents")).some((one) => one.online && one.heard),
  );

describe("an agent, asked after by people", () => {
  beforeAll(async () => {
    printer = await zplOverTcp();
    collector = await startCollector({ rules: RULES });
    agent = await startAgent(
      collector,
      "store-1/pc",
      `  - { id: bakery/printer, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${printer.port}" } }\n`,
    );
    await waitFor("first batches", async () => ((await audit()).lanes[0]?.batches ?? 0) > 3);
  });
  afterAll(cleanUp);

  it("has an account that balances over kills of both", async () => {
    await agent.program.kill();
    await collector.program.kill();
    await collector.restart();
    await agent.restart();
    const before = (await audit()).lanes[0]?.seq ?? 0;
    await waitFor("more batches", async () => ((await audit()).lanes[0]?.seq ?? 0) > before + 3);
    const { lanes, unexplained } = await audit();
    expect(unexplained).toBe(0);
    expect(lanes.every(({ isBalanced }) => isBalanced)).toBe(true);
    const shown = await cli("audit", "delivery", "--agent", "store-1/pc");
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("Nothing is lost")]);
    expect((await cli("agents", "list")).stdout).toMatch(/store-1\/pc +online +now/);
  });

  it("polls now when it is asked, and says what came of it", async () => {
    await online();
    const one = await cli("agents", "probe", "store-1/pc", "bakery/printer");
    expect([one.code, one.stdout]).toEqual([0, expect.stringMatching(/^done: answered in [\d.]+ s: \d+ values/)]);
    expect((await cli("agents", "probe", "store-1/pc")).stdout).toContain("done: 1 device is polled now");
    const none = await cli("agents", "probe", "store-1/pc", "no/such");
    expect([none.code, none.stdout]).toEqual([1, expect.stringContaining("refused: this agent has no device no/such")]);
  });

  it("sends diagnostics", async () => {
    const { code, stdout } = await cli("agents", "diagnostics", "store-1/pc");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      site: "store-1",
      outbox: { epoch: expect.any(String) },
      devices: [{ id: "bakery/printer" }],
    });
  });

  it("obeys only what its own file allows, and reloads that without losing a batch", async () => {
    const refused = await cli("agents", "reload", "store-1/pc");
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("does not allow reload")]);
    const before = readFileSync(agent.config, "utf8");
    const second = `  - { id: dock/printer, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${printer.port}" } }\n`;
    writeFileSync(agent.config, `commands: [reload, probe_now]\n${before}${second}`);
    process.kill(agent.program.pid, "SIGHUP");
    const devices = () => collector.api<{ id: string; state: string }[]>("/sites/store-1/devices");
    await waitFor("the second printer", async () =>
      (await devices()).some(({ id, state }) => id === "dock/printer" && state === "up"),
    );

    writeFileSync(agent.config, `commands: [reload]\n${before}  - { id: x, kind: nonsense }\n`);
    const faulty = await cli("agents", "reload", "store-1/pc");
    expect([faulty.code, faulty.stdout]).toEqual([1, expect.stringContaining("the last good file stays in use")]);
    expect((await devices()).filter(({ id }) => !id.startsWith("agent/"))).toHaveLength(2);

    writeFileSync(agent.config, `commands: [reload]\n${before}`);
    const good = await cli("agents", "reload", "store-1/pc");
    expect([good.code, good.stdout]).toEqual([
      0,
      expect.stringContaining("0 added, 1 removed, 0 changed, 1 as before"),
    ]);
    expect(await audit()).toMatchObject({ unexplained: 0 });
    expect((await cli("agents", "commands", "store-1/pc")).stdout).toMatch(/token:test +reload +done/);
  });

  it("that loses its outbox is an incident, until somebody explains it", async () => {
    // What it wrote while the collector was away, and told nobody of, can't be known; what it had announced can.
    await collector.program.kill();
    await waitFor("batches to pile up", () => status().outbox.batches >= 6);
    await collector.restart();
    await waitFor("the owed to be told", async () =>
      (await audit()).lanes.some(({ seq, lane }) => lane === "live" && seq > 0),
    );
    await agent.program.kill();
    const announced = (await audit()).lanes;
    rmSync(join(agent.folder, "data", "outbox.db"), { force: true });
    for (const suffix of ["-wal", "-shm"]) rmSync(join(agent.folder, "data", `outbox.db${suffix}`), { force: true });
    await agent.restart();
    await waitFor("the new epoch", async () => (await audit()).lanes.length > announced.length);
    const after = await audit();
    expect(after.lanes.every(({ isBalanced }) => isBalanced)).toBe(true);
    // Whether anything was owed at the kill is chance; the account says which.
    const lost = after.lanes.filter(({ isCurrent }) => !isCurrent).reduce((sum, { missing }) => sum + missing, 0);
    expect(after.unexplained).toBe(lost);
    const shown = await cli("audit", "delivery", "--agent", "store-1/pc");
    expect(shown.code).toBe(lost === 0 ? 0 : 1);
    if (lost === 0) return;
    await waitFor("the incident", async () => (await incidents()).some(({ rule }) => rule === "batches-missing"));
    expect((await cli("audit", "delivery", "--agent", "store-1/pc", "--explain", "the test deleted it")).code).toBe(0);
    await waitFor("its end", async () =>
      (await incidents()).some((one) => one.rule === "batches-missing" && one.recoveredAt !== null),
    );
  });

  it("is taken out with its devices and what stood on them, and does not come back", async () => {
    await online();
    printer.fault("media-out");
    await waitFor("the fault", async () => (await incidents()).some(({ rule }) => rule === "media-out"));
    const removed = await cli("agents", "remove", "store-1/pc");
    expect([removed.code, removed.stdout]).toEqual([0, expect.stringContaining("is taken out")]);
    expect(await collector.api("/agents")).toEqual([]);
    expect((await incidents()).find(({ rule }) => rule === "media-out")).toMatchObject({
      resolutionCode: "device_removed",
    });
    await waitFor("the refusal", () => agent.program.output().includes("uplink_refused"));
    expect(await collector.api("/agents")).toEqual([]);
    expect((await audit()).lanes.length).toBeGreaterThan(0);
  });
});

const status = (): { outbox: { batches: number } } =>
  JSON.parse(readFileSync(join(agent.folder, "data", "status.json"), "utf8"));
