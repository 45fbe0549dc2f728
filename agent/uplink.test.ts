/** The uplink against a real broker (Mosquitto); the test is the collector. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "@aislewatch/base";
import {
  type AgentStatus,
  decodeInventory,
  decodeStatus,
  decodeTelemetry,
  type Reading,
  type Telemetry,
} from "@aislewatch/contract";
import { realClock, silentLog } from "@aislewatch/runtime";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../test/rig/rig.ts";
import type { WindowLimits } from "./core/window.ts";
import { type Outbox, openOutbox } from "./outbox.ts";
import { Uplink } from "./uplink.ts";

const hasMosquitto = spawnSync("mosquitto", ["-h"]).error === undefined;
if (!hasMosquitto && process.env["CI"]) throw new Error("mosquitto is missing: apt-get install mosquitto");
if (!hasMosquitto) process.stderr.write("uplink.test.ts: skipped, mosquitto is not installed\n");

const PREFIX = "aislewatch/v1/store-1/back-office";
const stops: (() => unknown)[] = [];
let folder = "";
let port = 0;
let broker: ChildProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "uplink-"));
  port = await freePort();
  broker = await startBroker();
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  broker.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

describe.runIf(hasMosquitto)("Uplink", () => {
  it("says who it is on connect, and keeps a batch until the collector acks it", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.batches.length === 1);
    expect(collector.statuses[0]).toMatchObject({ state: "online", epoch: "epoch-1", version: "9" });
    expect(collector.inventories[0]).toMatchObject({ revision: 3, devices: [{ id: "d1" }] });
    expect(collector.batches[0]).toMatchObject({ lane: "live", seq: 1, subjects: ["d1"] });
    expect(outbox.figures.batches).toBe(1);
    await collector.ack(1, 0);
    await until(() => outbox.figures.batches === 0);
    expect(uplink.figures).toMatchObject({ connected: true, inFlightBatches: 0 });
  });

  it("leaves who it is with the broker for those who come later, and asks it to confirm each batch", async () => {
    const early = await startCollector();
    const { outbox, uplink } = startAgent();
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => early.batches.length === 1);
    expect(early.telemetryQos).toEqual([1]);
    const late = await startCollector();
    await until(() => late.statuses.length > 0 && late.inventories.length > 0);
    expect([late.statuses[0]?.state, late.batches]).toEqual(["online", []]);
  });

  it("says in its status which outbox was damaged, until a batch that came after it is acked", async () => {
    writeFileSync(join(folder, "outbox.db"), "this is no database".repeat(500));
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.statuses.length > 0 && collector.batches.length === 1);
    expect(collector.statuses[0]?.outbox?.former).toEqual([{ epoch: expect.stringMatching(/^unreadable-/) }]);
    await collector.ack(1, 0);
    await until(() => outbox.figures.batches === 0);
    expect(outbox.former).toEqual([]);
  });

  it("sends again in order what was not acked before the broker died, under the same seqs", async () => {
    const first = await startCollector();
    const { outbox, uplink } = startAgent();
    for (const n of [1, 2, 3]) outbox.append([reading(n)], { lane: "live", keep: false });
    uplink.start();
    await until(() => first.batches.length === 3);
    await first.ack(1, 0);
    await until(() => outbox.figures.batches === 2);
    broker.kill("SIGKILL");
    await until(() => !uplink.figures.connected);
    outbox.append([reading(4)], { lane: "live", keep: false });
    uplink.kick();
    broker = await startBroker();
    const second = await startCollector();
    await until(() => second.batches.length >= 3);
    expect(second.batches.map(({ seq }) => seq)).toEqual([2, 3, 4]);
  });

  it("sends the present before the past, and the past at the granted pace", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    for (let n = 1; n <= 20; n++) outbox.append([reading(n, 500)], { lane: "history", keep: false });
    outbox.append([reading(21)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.batches.length >= 4);
    expect(collector.batches[0]).toMatchObject({ lane: "live", subjects: ["d21"] });
    await collector.ack(1, 3, 2_000);
    await until(() => outbox.figures.batches === 17);
    // What went at the first pace is over: three batches of some 860 bytes now take a second.
    const from = collector.batches.length;
    const startMs = performance.now();
    await until(() => collector.batches.length >= from + 3);
    expect(performance.now() - startMs).toBeGreaterThan(500);
    await collector.ack(1, from - 1, 10_000_000);
    await until(() => collector.batches.length === 21);
    expect(collector.batches.slice(1).every(({ lane }) => lane === "history")).toBe(true);
  });

  it("keeps no more on its way than its window, however much waits", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent({ batchesMax: 4, bytesMax: 1e6, stallMs: 30_000 });
    for (let n = 1; n <= 12; n++) outbox.append([reading(n)], { lane: "live", keep: false });
    uplink.start();
    for (const upTo of [4, 8, 12]) {
      await until(() => collector.batches.length === upTo);
      expect(uplink.figures.inFlightBatches).toBe(4);
      await collector.ack(upTo, 0);
    }
    await until(() => outbox.figures.batches === 0);
  });

  it("tells the present although nothing is acked, as long as the collector says that it has heard", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent({ batchesMax: 2, bytesMax: 1_000_000, stallMs: 60_000 });
    for (const n of [1, 2, 3, 4]) outbox.append([reading(n)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.batches.length === 2);
    await collector.ack(0, 0, 1_000_000, 2);
    await until(() => collector.batches.length === 4);
    expect(outbox.figures.batches).toBe(4);
    await collector.ack(4, 0);
    await until(() => outbox.figures.batches === 0);
  });

  it("connects anew when acks stop coming, and sends again once the collector answers, the present first", async () => {
    const collector = await startCollector();
    let nowMs = 0;
    const clock = { ...realClock, monotonic: () => realClock.monotonic() + nowMs };
    const { outbox, uplink } = startAgent({ batchesMax: 4, bytesMax: 1e6, stallMs: 1_000 }, port, clock);
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => uplink.figures.connects === 2);
    expect(uplink.figures).toMatchObject({ connected: false, lastError: expect.stringMatching(/does not answer/) });
    expect([collector.batches.length, uplink.figures.inFlightBatches, uplink.lane()]).toEqual([1, 0, "live"]);
    nowMs = 60_000;
    expect(uplink.lane()).toBe("history");
    outbox.append([reading(2)], { lane: "history", keep: false });
    await collector.ack(0, 0);
    await until(() => collector.batches.length === 3);
    expect(collector.batches.map(({ lane, seq }) => [lane, seq])).toEqual([
      ["live", 1],
      ["live", 1],
      ["history", 1],
    ]);
    expect(collector.statuses.at(-1)?.outbox?.lanes).toMatchObject({ history: { first: 1, last: 1 } });
    expect(uplink.lane()).toBe("live");
  });

  it("connects anew when the collector asks for all again, and says and sends all again", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.batches.length === 1);
    expect(collector.statuses[0]?.inventoryRevision).toBe(3);
    await collector.ack(0, 0, 1_000_000, 0, true);
    await until(() => collector.batches.length === 2);
    expect([uplink.figures.connects, collector.inventories.length]).toEqual([2, 2]);
    expect(collector.batches.map(({ seq }) => seq)).toEqual([1, 1]);
  });

  it("waits for the collector's first word before it sends of a file that was there before", async () => {
    const collector = await startCollector();
    const before = startAgent();
    before.outbox.append([reading(1)], { lane: "live", keep: false });
    before.outbox.close();
    const { uplink } = startAgent();
    uplink.start();
    await until(() => uplink.figures.connected);
    expect(uplink.figures.inFlightBatches).toBe(0);
    await collector.ack(0, 0);
    await until(() => collector.batches.length === 1);
  });

  it("waits for it however long: of an old copy what is new would be taken for repeats, and lost", async () => {
    const collector = await startCollector();
    const before = startAgent();
    before.outbox.append([reading(1)], { lane: "live", keep: false });
    before.outbox.close();
    const { outbox, uplink } = startAgent({ batchesMax: 32, bytesMax: 1e6, stallMs: 300 });
    outbox.append([reading(2)], { lane: "live", keep: false });
    uplink.start();
    await until(() => uplink.figures.lastError !== null && !uplink.figures.connected);
    expect(collector.batches).toEqual([]);
    // The collector had three of them, of which this copy knows nothing.
    await collector.ack(3, 0);
    await until(() => collector.batches.length === 1);
    expect(collector.batches[0]).toMatchObject({ seq: 1, subjects: ["d2"] });
  });

  it("takes a new epoch when the collector acks what this outbox never had", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.batches.length === 1);
    await collector.ack(70, 0);
    await until(() => collector.batches.length === 2);
    expect(collector.batches[1]).toMatchObject({ epoch: "epoch-2", seq: 1, subjects: ["d1"] });
  });

  it("ignores garbage, foreign epochs and foreign versions on its ack topic", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.start();
    await until(() => collector.batches.length === 1);
    for (const text of [
      "",
      "{",
      "[]",
      '{"v":2}',
      '{"v":1,"epoch":"other","live":1,"history":0,"grant":{"historyBytesPerSecond":1}}',
    ]) {
      await collector.say(text);
    }
    await collector.ack(0, 0);
    outbox.append([reading(2)], { lane: "live", keep: false });
    uplink.kick();
    await until(() => collector.batches.length === 2);
    expect([outbox.figures.batches, uplink.figures.connects]).toEqual([2, 1]);
  });

  it("drains, says goodbye and leaves no will when it stops", async () => {
    const collector = await startCollector();
    const { outbox, uplink } = startAgent();
    uplink.start();
    await until(() => uplink.figures.connected);
    outbox.append([reading(1)], { lane: "live", keep: false });
    uplink.kick();
    const stopped = uplink.stop();
    await until(() => collector.batches.length === 1);
    await collector.ack(1, 0);
    await stopped;
    expect(outbox.figures.batches).toBe(0);
    await until(() => collector.statuses.some(({ state }) => state === "offline"));
    expect(collector.statuses.filter(({ state }) => state === "offline")).toHaveLength(1);
  });

  it("stops within its time when the collector is silent", async () => {
    await startCollector();
    let kept = 0;
    const msToStop = async (): Promise<number> => {
      const { outbox, uplink } = startAgent();
      outbox.append([reading(1)], { lane: "live", keep: false });
      kept++;
      uplink.start();
      await until(() => uplink.figures.inFlightBatches === kept);
      const startMs = performance.now();
      await uplink.stop();
      const tookMs = performance.now() - startMs;
      expect(outbox.figures.batches).toBe(kept);
      outbox.close();
      return tookMs;
    };
    // Once more when the machine stood still.
    await expect.poll(msToStop).toBeLessThan(2_400);
  });

  it("goes on in the history lane after a start, while what it kept before waits there", async () => {
    const before = startAgent();
    expect(before.uplink.lane()).toBe("live");
    before.outbox.append([reading(1)], { lane: "history", keep: false });
    before.outbox.close();
    const { uplink } = startAgent();
    expect(uplink.lane()).toBe("history");
    const collector = await startCollector();
    uplink.start();
    await until(() => collector.statuses.length > 0);
    expect(uplink.lane()).toBe("live");
  });

  it("is declared offline by the broker when its line is cut", async () => {
    const collector = await startCollector();
    const cut = await startCuttableLine();
    const { uplink } = startAgent(undefined, cut.port);
    uplink.start();
    await until(() => collector.statuses.some(({ state }) => state === "online"));
    cut.cut();
    await until(() => collector.statuses.some(({ state }) => state === "offline"));
    expect(uplink.lane()).toBe("live");
  });
});

type Collector = {
  readonly batches: Telemetry[];
  readonly telemetryQos: number[];
  readonly statuses: AgentStatus[];
  readonly inventories: unknown[];
  ack(live: number, history: number, historyBytesPerSecond?: number, heard?: number, again?: boolean): Promise<void>;
  say(text: string): Promise<void>;
};

async function startCollector(): Promise<Collector> {
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });
  stops.push(() => client.end(true));
  client.on("error", () => {});
  const collector: Collector = {
    batches: [],
    telemetryQos: [],
    statuses: [],
    inventories: [],
    ack: (live, history, historyBytesPerSecond = 1_000_000, heard, again) => {
      const grant = { historyBytesPerSecond };
      return collector.say(JSON.stringify({ v: 1, epoch: "epoch-1", live, history, grant, heard, again }));
    },
    say: async (text) => {
      await client.publishAsync(`${PREFIX}/ack`, text, { qos: 1 });
    },
  };
  client.on("message", (topic, payload, { qos }) => {
    if (topic === `${PREFIX}/telemetry`) collector.telemetryQos.push(qos);
    if (topic === `${PREFIX}/status`) collector.statuses.push(must(decodeStatus(payload)));
    else if (topic.startsWith(`${PREFIX}/inventory/`)) collector.inventories.push(must(decodeInventory(payload)));
    else if (topic === `${PREFIX}/telemetry`) collector.batches.push(must(decodeTelemetry(payload)));
  });
  await client.subscribeAsync([`${PREFIX}/status`, `${PREFIX}/inventory/+`, `${PREFIX}/telemetry`], { qos: 1 });
  return collector;
}

function startAgent(
  windowLimits?: WindowLimits,
  atPort = port,
  clock: Clock = realClock,
): { outbox: Outbox; uplink: Uplink } {
  let epochs = 0;
  const outbox = openOutbox({
    folder,
    bytesMax: 1e7,
    ageMsMax: 1e9,
    clock,
    newEpoch: () => `epoch-${++epochs}`,
  });
  const uplink = new Uplink({
    site: "store-1",
    agent: "back-office",
    version: "9",
    url: `mqtt://127.0.0.1:${atPort}`,
    username: "store-1/back-office",
    outbox,
    inventory: () => ({ revision: 3, devices: [DEVICE] }),
    clock,
    random: () => 0,
    log: silentLog,
    ...(windowLimits && { windowLimits }),
  });
  stops.push(() => outbox.close());
  stops.push(() => uplink.stop());
  return { outbox, uplink };
}

const DEVICE = {
  id: "d1",
  kind: "host",
  driver: "host",
  labels: {},
  dependsOn: [],
  intervalMs: 1_000,
  asset: {},
  components: [],
  metrics: ["up"],
};

function reading(n: number, pad = 0): Reading {
  const failure = pad > 0 ? { failure: { kind: "timeout" as const, detail: "x".repeat(pad) } } : {};
  return { device: `d${n}`, at: realClock.now(), samples: [{ component: null, metrics: { up: true } }], ...failure };
}

async function startBroker(): Promise<ChildProcess> {
  const conf = join(folder, "mosquitto.conf");
  writeFileSync(conf, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 10000\n`);
  const child = spawn("mosquitto", ["-c", conf], { stdio: "ignore" });
  await until(() => canConnect());
  return child;
}

function canConnect(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** A line between agent and broker that can be cut without a goodbye. */
async function startCuttableLine(): Promise<{ port: number; cut: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connectSocket(port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => {});
    sockets.push(near, far);
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  stops.push(cut);
  return { port: portOf(server.address()), cut };
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return address.port;
}

function must<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const until = (condition: () => boolean | Promise<boolean>): Promise<void> => expect.poll(condition).toBe(true);
