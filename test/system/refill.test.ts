/**
 * A collector that is killed in the middle of a ten-minute window: the rule over it fires at the same reading as in an
 * engine that nobody killed, because the window is filled from the readings on disk. The agent's readings are from the
 * last half hour and come at once, so the device says that it is polled rarely: else they would count as stale.
 */
import { join } from "node:path";
import {
  ackTopic,
  agentTopic,
  decodeAck,
  encodeTelemetry,
  type InventoryDevice,
  splitInventory,
} from "@aislewatch/contract";
import { compileRules, createEngine } from "@aislewatch/rules";
import { connect, type MqttClient } from "mqtt";
import { afterAll, describe, expect, it } from "vitest";
import { letIn } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, onCleanUp, startCollector, waitFor } from "../rig/rig.ts";

const RULES = `group: test
select: kind == "conveyor"
rules:
  - { id: hot, title: Hot, when: 'avg(temperature_celsius, "10m") > 60', severity: major, category: hardware }
  - { id: few, title: Few, when: 'count(temperature_celsius, "10m") < 50', severity: minor, category: hardware }
`;
const [SITE, AGENT] = ["store-1", "pc"];
const DEVICE: InventoryDevice = {
  ...{ id: "belt/conveyor", kind: "conveyor", driver: "test", labels: {}, dependsOn: [], asset: {}, components: [] },
  ...{ metrics: ["up", "temperature_celsius"], intervalMs: 600_000 },
};
const POLL_MS = 10_000;
const POLLS = 150;
/** It is hot from then on; the mean passes 60 °C 24 polls later, 14 of them after the kill. */
const HOT_FROM = 90;
const KILLED_AT = 100;

type Incident = { rule: string; openedAt: number; recoveredAt: number | null; recurrences: number };

/** Sends again what was not acked whenever it is connected anew. */
class Sender {
  readonly #outbox = new Map<number, string>();
  readonly #connect: () => MqttClient;
  #client: MqttClient | null = null;
  #isOver = false;

  constructor(collector: CollectorRig, password: string) {
    this.#connect = () =>
      connect(collector.mqtt, { username: `${SITE}/${AGENT}`, password, clientId: AGENT, reconnectPeriod: 0 });
    onCleanUp(() => {
      this.#isOver = true;
      this.#client?.end(true);
    });
    this.#join();
  }

  send(seq: number, text: string): void {
    this.#outbox.set(seq, text);
    if (this.#client?.connected === true) this.#publish(text);
  }

  get unacked(): number {
    return this.#outbox.size;
  }

  #publish(text: string): void {
    this.#client?.publish(agentTopic(SITE, AGENT, "telemetry"), text, { qos: 1 });
  }

  #join(): void {
    const client = this.#connect();
    this.#client = client;
    client.on("error", () => {});
    client.on("connect", () => {
      client.subscribe(ackTopic(SITE, AGENT), { qos: 1 });
      const status = { v: 1, state: "online", version: "1", epoch: "e1", startedAt: Date.now(), sentAt: Date.now() };
      client.publish(agentTopic(SITE, AGENT, "status"), JSON.stringify(status), { qos: 1, retain: true });
      for (const part of splitInventory([DEVICE], 1))
        client.publish(agentTopic(SITE, AGENT, `inventory/${part.part}`), JSON.stringify(part), { qos: 1 });
      for (const text of this.#outbox.values()) this.#publish(text);
    });
    client.on("message", (_, payload) => {
      const ack = decodeAck(payload);
      if (!ack.ok) return;
      for (const seq of this.#outbox.keys()) if (seq <= ack.value.live) this.#outbox.delete(seq);
    });
    client.on("close", () => {
      client.end(true);
      if (!this.#isOver && client === this.#client) setTimeout(() => this.#join(), 200);
    });
  }
}

/** The times at which each rule fires in an engine that nobody kills. */
function undisturbed(messages: readonly string[]): { rule: string; at: number }[] {
  const compiled = compileRules([{ file: "rules.yaml", text: RULES }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  const engine = createEngine();
  engine.setRules(compiled.rules, 0);
  engine.setInventory(SITE, AGENT, [DEVICE], 0);
  return messages
    .flatMap((text) => engine.observe(SITE, AGENT, JSON.parse(text), 0))
    .filter(({ to }) => to === "firing")
    .map(({ rule, at }) => ({ rule, at }));
}

describe("a collector that is killed in the middle of a window", () => {
  afterAll(cleanUp);

  it("judges by all of it afterwards, and fires when it would have", async () => {
    const collector = await startCollector({ rules: RULES });
    await collector.program.stop();
    const password = await letIn(join(collector.folder, "data"), [{ site: SITE, agent: AGENT }]);
    await collector.restart();
    const sender = new Sender(collector, password);
    const path = `/sites/${SITE}/device?id=${encodeURIComponent(DEVICE.id)}`;
    await waitFor("the device", () => collector.api(path).catch(() => null));

    const startMs = Date.now() - POLLS * POLL_MS;
    const messages = Array.from({ length: POLLS }, (_, n) => {
      const at = startMs + n * POLL_MS;
      const metrics = { up: true, temperature_celsius: n >= HOT_FROM ? 90 : 40 };
      const reading = { device: DEVICE.id, at, samples: [{ component: null, metrics }] };
      const head = { epoch: "e1", lane: "live", seq: n + 1, sentAt: Date.now() } as const;
      return JSON.stringify(encodeTelemetry(head, [reading]));
    });
    for (const [n, text] of messages.slice(0, KILLED_AT).entries()) sender.send(n + 1, text);
    await waitFor("acks", () => sender.unacked === 0);
    const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all")).items;
    // The device is new: its windows are known once the store has said that it has nothing older.
    const few = async () => (await incidents()).filter(({ rule }) => rule === "few");
    await waitFor("the fault of a new device, and its end", async () => (await few())[0]?.recoveredAt);
    await collector.program.kill();
    // These come while the window is being filled.
    for (const [n, text] of messages.slice(KILLED_AT).entries()) sender.send(KILLED_AT + n + 1, text);
    await collector.restart();
    await waitFor("the rest to be acked", () => sender.unacked === 0);

    const found = await waitFor("the incident", async () => (await incidents()).find(({ rule }) => rule === "hot"));
    const expected = undisturbed(messages);
    expect({ rule: "hot", at: found.openedAt }).toEqual(expected.find(({ rule }) => rule === "hot"));
    // Readings were few when it was new, and never again: not when the window was empty either.
    expect(await few()).toMatchObject([{ recurrences: 0, recoveredAt: expect.any(Number) }]);
    const metrics = await (await fetch(`${collector.http}/metrics`)).text();
    expect(Number(/^aislewatch_devices_refilled_total (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });
});
