/**
 * A collector is backed up while readings come at speed, goes on, is killed with SIGKILL, and is restored to the older
 * state: everything up to the backup is there, the ledger says what is lost of which agent, nobody is told of it but by
 * one incident, and agents go on. Then backups and restores themselves are killed, at any moment.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { finishRestore } from "../../collector/backup/restore-places.ts";
import { zplOverTcp } from "../rig/devices.ts";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import { allDelivered } from "../rig/notified.ts";
import { deviceId, letIn, OutboxAgent } from "../rig/outbox-agent.ts";
import {
  type CollectorRig,
  cleanUp,
  devicesUp,
  ROOT,
  runOnce,
  startAgent,
  startCollector,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";
import { startWebhookReceiver } from "../rig/webhook-receiver.ts";

type Incident = { readonly id: string; readonly rule: string; readonly subject: { readonly site: string } };
type Lane = { readonly agent: string; readonly lane: string; readonly seq: number; readonly isBalanced: boolean };
type Missing = { readonly agent: string; readonly cause: string; readonly fromSeq: number; readonly toSeq: number };
type Audit = { readonly lanes: Lane[]; readonly missing: Missing[]; readonly unexplained: number };
type Made = { readonly file: string; readonly backup: { readonly at: number } };

/** The shipped packs, in a hurry, and a fault that a test can make. */
const RULES = {
  ...hurriedPacks(),
  "hot.yaml": `group: hot
select: kind == "conveyor"
rules:
  - { id: hot, title: "Hot", when: "temperature_celsius > 90", for: 0s, severity: major, category: hardware }
`,
};
const DEVICES = 40;
const AGENTS = 3;

const incidentsOf = async (collector: CollectorRig): Promise<Incident[]> =>
  (await collector.api<{ items: Incident[] }>("/incidents?state=all&limit=200")).items;
const numberOf = ({ id }: Incident): number => Number(/\d+$/.exec(id)?.[0]);

/** When a device was read, as charts have it. */
async function readAt(collector: CollectorRig, site: string, device: string, untilMs: number): Promise<number[]> {
  const range = `from=${untilMs - 60_000}&to=${untilMs}&points=2000`;
  const path = `/sites/${site}/series?device=${encodeURIComponent(device)}&metric=temperature_celsius&${range}`;
  const { points } = await collector.api<{ points: { at: number }[] }>(path);
  return points.map(({ at }) => at);
}

async function backup(collector: CollectorRig, ...more: string[]): Promise<Made> {
  const out = join(collector.folder, "backups");
  const done = await runOnce("collector/main.ts", [
    ...["backup", "--config", collector.config, "--out", out, "--json", ...more],
  ]);
  expect([done.code, done.stderr]).toEqual([0, ""]);
  return JSON.parse(done.stdout) as Made;
}

/** Runs a command and kills it with SIGKILL after so long, if it did not end before. */
async function killedAfter(ms: number, args: readonly string[]): Promise<"ended" | "killed"> {
  const env = { NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/aislewatch"), ...process.env };
  const child = spawn(process.execPath, [join(ROOT, "collector/main.ts"), ...args], { stdio: "ignore", env });
  const gone = new Promise<"ended" | "killed">((done) => {
    child.once("exit", (_code, signal) => done(signal === "SIGKILL" ? "killed" : "ended"));
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const how = await gone;
  clearTimeout(timer);
  return how;
}

describe("a collector that is restored from a backup", () => {
  afterAll(cleanUp);

  it("has everything up to it, says what is lost of whom, and goes on", async () => {
    const receiver = await startWebhookReceiver();
    const collector = await startCollector({
      rules: RULES,
      notifications: `channels:
  - name: tickets
    webhook: { url: "http://127.0.0.1:${receiver.port}/each", secret: "file:webhook-secret", private: true }
routes:
  - { on: [opened], to: tickets }
`,
    });
    const printer = await zplOverTcp();
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: bakery/printer, kind: label_printer, driver: zpl, every: 200ms, line: { tcp: "127.0.0.1:${printer.port}" } }\n`,
    );
    const names = Array.from({ length: AGENTS }, (_, n) => ({ site: `dc-${n}`, agent: "host" }));
    const password = await letIn(join(collector.folder, "data"), names);
    const belts = names.map(
      (name) => new OutboxAgent({ ...name, url: collector.mqtt, password, devices: DEVICES, everyMs: 50 }),
    );
    for (const belt of belts) await belt.join();
    await devicesUp(collector, ["bakery/printer"]);
    printer.fault("media-out");
    await waitFor("an incident before the backup", async () => (await incidentsOf(collector)).length > 0);
    await allDelivered(collector);
    const toldBefore = receiver.at("/each").map(({ id }) => id);
    const before = await incidentsOf(collector);

    const { backup: made } = await backup(collector);
    const sampled = await readAt(collector, "dc-0", deviceId(0), made.at - 1_000);
    expect(sampled.length).toBeGreaterThan(10);

    // All of this is after the backup, is acknowledged, and so in no outbox any more.
    belts[1]?.setHot(3, true);
    const late = await waitFor("an incident after the backup", async () =>
      (await incidentsOf(collector)).find(({ subject }) => subject.site === "dc-1"),
    );
    await allDelivered(collector);
    const toldAfter = receiver.at("/each").map(({ id }) => id);
    const acked = belts.map(({ figures }) => figures.acked);
    await waitFor("more to be acknowledged", () =>
      belts.every(({ figures }, n) => figures.acked > (acked[n] ?? 0) + 20),
    );
    await collector.program.kill();

    const fresh = join(collector.folder, "restored");
    const restored = await runOnce("collector/main.ts", [
      ...["restore", join(collector.folder, "backups"), "--to", fresh, "--config", collector.config, "--json"],
    ]);
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    expect(JSON.parse(restored.stdout)).toMatchObject({ areNumbersKnown: true });
    writeFileSync(collector.config, readFileSync(collector.config, "utf8").replace('"./data"', '"./restored"'));
    await collector.restart();

    await waitFor("every agent to be heard and to go on", () =>
      belts.every(({ figures }, n) => figures.waiting < 10 && figures.acked > (acked[n] ?? 0) + 40),
    );
    const audit = await waitFor("what is lost of each agent", async () => {
      const found = await collector.api<Audit>("/audit/delivery");
      return new Set(found.missing.map(({ agent }) => agent)).size === 2 ? found : null;
    });
    expect(audit.unexplained).toBe(0);
    expect(audit.missing.map(({ cause }) => cause).filter((cause) => cause !== "lost_by_restore")).toEqual([]);
    expect(audit.missing.filter(({ agent }) => agent === "host")).toHaveLength(AGENTS);
    expect(audit.lanes.filter(({ isBalanced }) => !isBalanced)).toEqual([]);

    expect(await readAt(collector, "dc-0", deviceId(0), made.at - 1_000)).toEqual(sampled);
    const own = await waitFor("one incident of it", async () =>
      (await incidentsOf(collector)).find(({ rule }) => rule === "collector-restored"),
    );
    const now = await incidentsOf(collector);
    expect(now.map(({ id }) => id)).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
    // The belt is hot still, so it is an incident again, by a number that nobody had.
    const again = await waitFor("the fault that still stands", async () =>
      (await incidentsOf(collector)).find(({ subject }) => subject.site === "dc-1"),
    );
    expect(Math.min(numberOf(again), numberOf(own))).toBeGreaterThan(numberOf(late));
    expect(now.filter(({ rule }) => rule === "agent-batches-missing")).toEqual([]);
    await allDelivered(collector);
    // What was told before the backup is not told again; what was told after it is unknown now.
    const told = receiver.at("/each").map(({ id }) => id);
    expect(told.slice(toldAfter.length).filter((id) => toldBefore.includes(id))).toEqual([]);
    expect(told.filter((id, n) => told.indexOf(id) !== n)).toEqual([]);
  });

  it("sends what waited at the backup and was delivered after it once more, under the same id", async () => {
    const receiver = await startWebhookReceiver(["refuse"]);
    const collector = await startCollector({
      rules: RULES,
      notifications: `channels:
  - name: tickets
    webhook: { url: "http://127.0.0.1:${receiver.port}/each", secret: "file:webhook-secret", private: true }
routes:
  - { on: [opened], to: tickets }
`,
    });
    const password = await letIn(join(collector.folder, "data"), [{ site: "dc-0", agent: "host" }]);
    const belt = new OutboxAgent({
      ...{ site: "dc-0", agent: "host", url: collector.mqtt, password, devices: 2, everyMs: 200 },
    });
    await belt.join();
    belt.setHot(0, true);
    await waitFor("an attempt in vain", () => receiver.at("/each").length > 0);
    await backup(collector);
    receiver.recover();
    await allDelivered(collector);
    const [first] = receiver.at("/each").filter(({ isTaken }) => isTaken);
    await collector.program.kill();
    const data = join(collector.folder, "data");
    const restored = await runOnce("collector/main.ts", [
      ...["restore", join(collector.folder, "backups"), "--config", collector.config, "--force", "--json"],
    ]);
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    expect(readdirSync(data).some((name) => name.startsWith("before-restore-"))).toBe(true);
    await collector.restart();
    await allDelivered(collector);
    const same = receiver.at("/each").filter(({ id, isTaken }) => isTaken && id === first?.id);
    expect(same.map(({ body }) => body)).toEqual([first?.body, first?.body]);
  });

  it("gives whole backups only, wherever one is killed, and the next removes what is left", async () => {
    const collector = await startCollector({ rules: RULES });
    const password = await letIn(join(collector.folder, "data"), [{ site: "dc-0", agent: "host" }]);
    const belt = new OutboxAgent({
      ...{ site: "dc-0", agent: "host", url: collector.mqtt, password, devices: 200, everyMs: 20 },
    });
    await belt.join();
    await waitFor("some data", () => belt.figures.acked > 100);
    const out = join(collector.folder, "backups");
    const args = ["backup", "--config", collector.config, "--out", out];
    const began = performance.now();
    expect(await killedAfter(60_000, args)).toBe("ended");
    const tookMs = performance.now() - began;
    const ends = { ended: 0, killed: 0 };
    for (let part = 2; part <= 9; part++) ends[await killedAfter((tookMs * part) / 9, args)]++;
    expect(ends.killed).toBeGreaterThan(3);
    await backup(collector);
    const files = readdirSync(out);
    process.stdout.write(
      `backup: ${ends.killed} of 8 killed within ${tookMs.toFixed(0)} ms, ${files.length} whole ones\n`,
    );
    expect(files.filter((name) => !name.endsWith(".tar.zst"))).toEqual([]);
    expect(files.length).toBeGreaterThan(1);
    for (const name of files) {
      const verified = await runOnce("collector/main.ts", ["backup", "verify", join(out, name)]);
      expect([verified.code, verified.stderr]).toEqual([0, ""]);
    }
    await waitFor("the collector to clear its copies", () =>
      readdirSync(join(collector.folder, "data", "backup-work")).every((name) => name.startsWith("lock")),
    );
    // In the middle of a copy the collector is killed, and starts as ever.
    const copying = killedAfter(60_000, args);
    await waitFor("a copy under way", () => existsSync(join(collector.folder, "data", "backup-work", "copy")));
    await collector.program.kill();
    expect(await copying).toBe("ended");
    await collector.restart();
    await backup(collector);
  });

  it("is the old one or the new one, wherever the restore is killed", async () => {
    const folder = tempFolder();
    const user = (data: string, name: string) => runOnce("collector/main.ts", ["users", "add", name, "--data", data]);
    const source = join(folder, "source");
    await user(source, "restored");
    writeFileSync(join(source, "timeseries.duckdb"), Buffer.alloc(48 * 2 ** 20, "of the backup "));
    const out = join(folder, "out");
    expect((await runOnce("collector/main.ts", ["backup", "--data", source, "--out", out])).code).toBe(0);
    const template = join(folder, "template");
    await user(template, "old");
    writeFileSync(join(template, "timeseries.duckdb"), "of the old");
    const stateOf = (data: string): string => {
      const database = new DatabaseSync(join(data, "state.sqlite"), { readOnly: true });
      const name = String(database.prepare("select name from users").get()?.["name"]);
      database.close();
      return `${name} ${readFileSync(join(data, "timeseries.duckdb")).toString("latin1", 0, 6)}`;
    };
    const data = join(folder, "data");
    const anew = async (): Promise<void> => {
      mkdirSync(data, { recursive: true });
      if (existsSync(join(data, "state.sqlite"))) renameSync(data, join(folder, `used-${performance.now()}`));
      mkdirSync(data, { recursive: true });
      for (const name of readdirSync(template)) writeFileSync(join(data, name), readFileSync(join(template, name)));
    };
    const args = ["restore", out, "--to", data, "--force"];
    await anew();
    const began = performance.now();
    expect(await killedAfter(60_000, args)).toBe("ended");
    const tookMs = performance.now() - began;
    expect(stateOf(data)).toBe("restored of the");
    const found = new Map<string, number>();
    for (let part = 4; part <= 12; part++) {
      await anew();
      await killedAfter((tookMs * part) / 12, args);
      // As the collector's start does.
      finishRestore(data);
      const whole = stateOf(data);
      found.set(whole, (found.get(whole) ?? 0) + 1);
      expect(readdirSync(data).filter((name) => name.startsWith("restor"))).toEqual([]);
    }
    process.stdout.write(`restore: killed within ${tookMs.toFixed(0)} ms it left ${JSON.stringify([...found])}\n`);
    expect([...found.keys()].every((whole) => whole === "old of the" || whole === "restored of the")).toBe(true);
    expect(found.get("old of the") ?? 0).toBeGreaterThan(0);
  });
});
