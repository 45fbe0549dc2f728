/**
 * A store with one agent and one label printer, at a collector with either broker; what tests of brokers look at: that its
 * readings go on, its faults are incidents, and its ledger adds up in the end.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { expect } from "vitest";
import { zplOverTcp } from "./devices.ts";
import type { MosquittoRig } from "./mosquitto.ts";
import {
  type AgentRig,
  type CollectorOptions,
  type CollectorRig,
  FIRST_STORE,
  onCleanUp,
  startAgent,
  startCollector,
  waitFor,
} from "./rig.ts";

export const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

type Lane = { lane: string; batches: number; owed: number; missing: number; isBalanced: boolean };
type Printer = Awaited<ReturnType<typeof zplOverTcp>>;

export type World = {
  readonly collector: CollectorRig;
  /** Null: it is inside the collector. */
  readonly broker: MosquittoRig | null;
  readonly agent: AgentRig;
  readonly printer: Printer;
  killBroker(): Promise<void>;
  restartBroker(): Promise<void>;
};

export async function startWorld(
  broker: MosquittoRig | null,
  rules: CollectorOptions["rules"] = RULES,
): Promise<World> {
  const given = { ...(rules !== undefined && { rules }), ...(broker !== null && { broker }) };
  const collector = await startCollector({ sites: FIRST_STORE, ...given });
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

export const lanes = async (collector: CollectorRig): Promise<Lane[]> =>
  (await collector.api<{ lanes: Lane[] }>("/audit/delivery")).lanes;
export const batches = async (collector: CollectorRig): Promise<number> =>
  (await lanes(collector)).reduce((sum, lane) => sum + lane.batches, 0);
export const isOpen = async (collector: CollectorRig): Promise<boolean> =>
  (await collector.api<{ items: { rule: string; recoveredAt: number | null }[] }>("/incidents?state=all")).items.some(
    ({ rule, recoveredAt }) => rule === "media-out" && recoveredAt === null,
  );

export async function goesOn({ collector }: World): Promise<void> {
  const before = await batches(collector);
  await waitFor("more batches", async () => (await batches(collector)) > before + 5);
}

/** The agent ends, and everything that it ever gave out has one fate. */
export async function addsUp({ collector, agent }: World): Promise<void> {
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

/** Somebody who signs in as this agent, with its password and whatever client id; and stays, if nobody throws it out. */
export function signIn({ collector }: World, name: string, clientId: string): Promise<MqttClient> {
  const file = join(collector.folder, `${name.replace("/", "-")}.password`);
  const password = readFileSync(file, "utf8").trim();
  const attempt = (): Promise<MqttClient | null> => {
    const client = connect(collector.mqtt, {
      ...{ username: name, password, clientId, reconnectPeriod: 0, protocolVersion: 4 },
    });
    onCleanUp(() => void client.end(true));
    client.on("error", () => {});
    return new Promise((done) => {
      client.once("connect", () => done(client));
      client.once("close", () => done(null));
    });
  };
  // A broker takes a moment to read its list again.
  return waitFor(`${name} to be let in`, attempt);
}
