/**
 * What the collector promises whatever broker carries its messages: the one inside it, and a real Mosquitto with the files
 * that `aislewatch broker-config` writes. Real agents, a device whose faults are incidents, and in the end of each test a
 * ledger that adds up: nothing owed, nothing missing.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ackTopic, agentTopic, LIMITS } from "@aislewatch/contract";
import { connect, type MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { zplOverTcp } from "../rig/devices.ts";
import { type MosquittoRig, mosquitto, mosquittoMissing } from "../rig/mosquitto.ts";
import {
  type AgentRig,
  type CollectorRig,
  cleanUp,
  FIRST_STORE,
  onCleanUp,
  startAgent,
  startCollector,
  waitFor,
} from "../rig/rig.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

type Lane = { lane: string; batches: number; owed: number; missing: number; isBalanced: boolean };
type Printer = Awaited<ReturnType<typeof zplOverTcp>>;

type World = {
  readonly collector: CollectorRig;
  /** Null: it is inside the collector. */
  readonly broker: MosquittoRig | null;
  readonly agent: AgentRig;
  readonly printer: Printer;
  killBroker(): Promise<void>;
  restartBroker(): Promise<void>;
};

const why = mosquittoMissing();
const BROKERS = [
  { name: "the broker inside the collector", start: async () => null, skip: false },
  { name: `Mosquitto${why ?? ""}`, start: () => mosquitto(), skip: why !== null },
];

afterEach(cleanUp);

async function world(start: () => Promise<MosquittoRig | null>): Promise<World> {
  const broker = await start();
  const collector = await startCollector({ rules: RULES, sites: FIRST_STORE, ...(broker !== null && { broker }) });
  const printer = await zplOverTcp();
  const agent = await startAgent(
    collector,
    "store-1/pc",
    `  - { id: bakery/printer, kind: label_printer, driver: zpl, every: 250ms, line: { tcp: "127.0.0.1:${printer.port}" } }\n`,
  );
  await waitFor("first batches", async () => (await batches(collector)) > 3);
  return {
    ...{ collector, broker, agent, printer },
    killBroker: () => (broker === null ? collector.program.kill() : broker.kill()),
    restartBroker: () => (broker === null ? collector.restart() : broker.run()),
  };
}

const lanes = async (collector: CollectorRig): Promise<Lane[]> =>
  (await collector.api<{ lanes: Lane[] }>("/audit/delivery")).lanes;
const batches = async (collector: CollectorRig): Promise<number> =>
  (await lanes(collector)).reduce((sum, lane) => sum + lane.batches, 0);
const isOpen = async (collector: CollectorRig): Promise<boolean> =>
  (await collector.api<{ items: { rule: string; recoveredAt: number | null }[] }>("/incidents?state=all")).items.some(
    ({ rule, recoveredAt }) => rule === "media-out" && recoveredAt === null,
  );

async function goesOn({ collector }: World): Promise<void> {
  const before = await batches(collector);
  await waitFor("more batches", async () => (await batches(collector)) > before + 5);
}

/** The agent ends, and everything that it ever gave out has one fate. */
async function addsUp({ collector, agent }: World): Promise<void> {
  await agent.program.stop();
  await waitFor("an account that adds up", async () => {
    const all = await lanes(collector);
    if (all.every(({ owed, missing, isBalanced }) => owed === 0 && missing === 0 && isBalanced)) return true;
    // What its last moment left is sent by a last run.
    await agent.restart();
    await new Promise((done) => setTimeout(done, 2_500));
    await agent.program.stop();
    return false;
  });
  const metrics = await (await fetch(`${collector.http}/metrics`)).text();
  expect(metrics).toMatch(/^aislewatch_batch_gaps_total 0$/m);
  expect(metrics).toMatch(/^aislewatch_messages_set_aside_total 0$/m);
}

/** Somebody who signs in as this agent, with its password and whatever client id. */
async function signIn({ collector }: World, name: string, clientId: string): Promise<MqttClient> {
  const file = join(collector.folder, `${name.replace("/", "-")}.password`);
  const client = connect(collector.mqtt, {
    ...{
      username: name,
      password: readFileSync(file, "utf8").trim(),
      clientId,
      reconnectPeriod: 0,
      protocolVersion: 4,
    },
  });
  onCleanUp(() => void client.end(true));
  client.on("error", () => {});
  await waitFor(`${name} to be connected`, () => client.connected);
  return client;
}

describe.each(BROKERS)("$name", ({ start, skip }) => {
  it.skipIf(skip)("carries a fault to an incident, and loses nothing when it is killed and comes back", async () => {
    const here = await world(start);
    here.printer.fault("media-out");
    await waitFor("the incident", () => isOpen(here.collector));
    here.printer.heal();
    await waitFor("its end", async () => !(await isOpen(here.collector)));
    for (let n = 0; n < 3; n++) {
      await here.killBroker();
      if (n === 1) here.printer.fault("media-out");
      await new Promise((done) => setTimeout(done, 500 * n));
      await here.restartBroker();
      await goesOn(here);
    }
    await waitFor("the incident of what happened meanwhile", () => isOpen(here.collector));
    await addsUp(here);
  });

  it.skipIf(skip)("may lose all that it had kept, messages, sessions and retained ones", async () => {
    const here = await world(start);
    await here.killBroker();
    here.broker?.forget();
    here.printer.fault("media-out");
    await here.restartBroker();
    await waitFor("the incident", () => isOpen(here.collector));
    await goesOn(here);
    if (here.broker !== null)
      expect(here.collector.program.output()).toMatch(
        /broker_connected[^\n]*isSessionKept=false[\s\S]*isSessionKept=false/,
      );
    await addsUp(here);
  });

  it.skipIf(skip)("keeps what comes while the collector is restarted, or the agent does", async () => {
    const here = await world(start);
    for (const pauseMs of [0, 1_500, 4_000]) {
      await here.collector.program.kill();
      await new Promise((done) => setTimeout(done, pauseMs));
      await here.collector.restart();
      await goesOn(here);
    }
    await here.agent.program.kill();
    await here.agent.restart();
    await goesOn(here);
    if (here.broker !== null) expect(here.collector.program.output()).toMatch(/isSessionKept=true/);
    await addsUp(here);
  });

  it.skipIf(skip)("has the present first and then the past, when the collector was away for longer", async () => {
    const here = await world(start);
    await here.collector.program.kill();
    // Its window is full after eight seconds, and nothing was acked for half a minute then.
    if (here.broker !== null)
      await waitFor("the agent to notice", () => here.agent.program.output().includes("ack_stalled"), 90_000);
    await new Promise((done) => setTimeout(done, 15_000));
    here.printer.fault("media-out");
    await here.collector.restart();
    await waitFor("the incident", () => isOpen(here.collector));
    await waitFor("history", async () => (await lanes(here.collector)).some(({ lane }) => lane === "history"));
    await addsUp(here);
  });

  it.skipIf(skip)("bears a collector that stands still for a while", async () => {
    const here = await world(start);
    process.kill(here.collector.program.pid, "SIGSTOP");
    here.printer.fault("media-out");
    await new Promise((done) => setTimeout(done, 6_000));
    process.kill(here.collector.program.pid, "SIGCONT");
    await waitFor("the incident", () => isOpen(here.collector));
    await goesOn(here);
    await addsUp(here);
  });

  it.skipIf(skip)("lets nobody speak or listen as another agent, or as the collector", async () => {
    const here = await world(start);
    await here.collector.addAgent("store-1/till");
    const till = await signIn(here, "store-1/till", "till");
    const heard: string[] = [];
    till.on("message", (topic) => heard.push(topic));
    till.subscribe(["#", "aislewatch/v1/store-1/pc/#", ackTopic("store-1", "pc")], { qos: 1 }, () => {});
    const offline = JSON.stringify({
      v: 1,
      state: "offline",
      version: "x",
      epoch: "x",
      startedAt: 1.7e12,
      sentAt: 1.7e12,
    });
    const forged: [topic: string, text: string][] = [
      [agentTopic("store-1", "pc", "status"), offline],
      [agentTopic("store-1", "pc", "telemetry"), "forged"],
      [agentTopic("store-1", "pc", "inventory/0"), "forged"],
      [agentTopic("store-1", "pc", "reply"), "forged"],
      [agentTopic("store-1", "collector", "telemetry"), "forged"],
      [agentTopic("aislewatch", "collector", "status"), "forged"],
      [
        ackTopic("store-1", "pc"),
        JSON.stringify({ v: 1, epoch: "x", live: 1e6, history: 0, grant: { historyBytesPerSecond: 0 } }),
      ],
      [agentTopic("store-1", "till", "command"), "forged"],
      ["aislewatch/v1/store-1", "forged"],
    ];
    for (const [topic, text] of forged) {
      if (!till.connected) break;
      till.publish(topic, text, { qos: 1, retain: true });
    }
    await goesOn(here);
    expect(heard.filter((topic) => !topic.includes("/till/"))).toEqual([]);
    expect(here.collector.program.output()).not.toMatch(/agent_went_offline|message_set_aside/);
    expect(here.agent.program.output()).not.toMatch(/message_refused|outbox_renewed|uplink_lost/);
    await addsUp(here);
  });

  it.skipIf(skip)("cuts off who sends too much at once, and goes on with the others", async () => {
    const here = await world(start);
    await here.collector.addAgent("store-1/till");
    const till = await signIn(here, "store-1/till", "till");
    till.publish(agentTopic("store-1", "till", "telemetry"), "x".repeat(LIMITS.messageBytesMax + 4_096), { qos: 1 });
    await waitFor("it to be cut off", () => !till.connected);
    await goesOn(here);
    expect(here.agent.program.output()).not.toMatch(/uplink_lost/);
    await addsUp(here);
  });

  it.skipIf(skip)("may let an agent throw another out by its client id, and nothing is lost by that", async () => {
    const here = await world(start);
    await here.collector.addAgent("store-1/till");
    for (let n = 0; n < 3; n++) {
      await signIn(here, "store-1/till", "aislewatch:store-1:pc");
      await goesOn(here);
    }
    await addsUp(here);
  });
});

describe.skipIf(why !== null)("Mosquitto alone", () => {
  it("may drop what it can't hold: the agents have it", async () => {
    const here = await world(() => mosquitto({ more: ["max_queued_messages 3"] }));
    await here.collector.program.kill();
    await new Promise((done) => setTimeout(done, 6_000));
    await here.collector.restart();
    await goesOn(here);
    await addsUp(here);
  });

  it("may lose retained messages while everybody stays connected", async () => {
    const here = await world(() => mosquitto());
    const cleaner = await signIn(here, "store-1/pc", "cleaner");
    for (const channel of ["status", "inventory/0"] as const)
      await cleaner.publishAsync(agentTopic("store-1", "pc", channel), "", { qos: 1, retain: true });
    await here.collector.program.kill();
    await here.collector.restart();
    here.printer.fault("media-out");
    await waitFor("the incident", () => isOpen(here.collector));
    await goesOn(here);
    await here.agent.program.stop();
    await waitFor("an account that adds up", async () =>
      (await lanes(here.collector)).every(({ owed, missing, isBalanced }) => owed === 0 && missing === 0 && isBalanced),
    );
  });

  it("has one collector of two: the later one leaves, stands by and says so", async () => {
    const here = await world(() => mosquitto());
    if (here.broker === null) throw new Error("no broker");
    const copy = await startCollector({
      rules: RULES,
      broker: { ...here.broker, start: async () => {}, letIn: async () => {} },
    });
    await waitFor("the copy to leave", () => copy.program.output().includes("BROKER_TAKEN_OVER"));
    await goesOn(here);
    const connects = async (): Promise<number> =>
      Number(/broker_connects_total (\d+)/.exec(await (await fetch(`${here.collector.http}/metrics`)).text())?.[1]);
    const before = await connects();
    expect(before).toBeLessThan(6);
    const health = await fetch(`${copy.http}/healthz`);
    expect([health.status, await health.text()]).toEqual([503, expect.stringMatching(/another collector/)]);
    await new Promise((done) => setTimeout(done, 12_000));
    expect(await connects()).toBe(before);
    await goesOn(here);
    await addsUp(here);
  });
});
