import { ackTopic, agentTopic } from "@aislewatch/contract";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, expect, it } from "vitest";
import type { Broker } from "./broker.ts";
import { createEmbeddedBroker } from "./embedded.ts";

/** More than what sockets on loopback take from a writer whose reader sleeps. */
const ACKS = 200;
const ACK_BYTES = 200_000;
/** Deeper than any stack, for an emitter that lets them go one inside the other. */
const MESSAGES = 20_000;

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function signIn({ url }: Broker, agent: string): Promise<MqttClient> {
  const client = await connectAsync(url, { username: `s1/${agent}`, password: "right", reconnectPeriod: 0 });
  ending.push(() => client.endAsync(true));
  return client;
}

it.each([
  { name: "its ack topic", filter: ackTopic("s1", "slow") },
  { name: "a wildcard", filter: ackTopic("s1", "slow").replace(/[^/]+$/, "#") },
])(
  "takes all that agents send while an agent on $name reads nothing, and that one in the end gets its acks",
  async ({ filter }) => {
    let taken = 0;
    const broker = createEmbeddedBroker({
      host: "127.0.0.1",
      port: 0,
      tls: null,
      authenticate: async () => true,
      onRefused: () => {},
      onMessage: () => taken++,
    });
    await broker.open();
    ending.push(() => broker.close());
    const [slow, busy] = [await signIn(broker, "slow"), await signIn(broker, "busy")];
    let acks = 0;
    slow.on("message", () => acks++);
    await slow.subscribeAsync(filter, { qos: 1 });

    slow.stream.pause();
    for (let n = 0; n < ACKS; n++) broker.publish(ackTopic("s1", "slow"), "x".repeat(ACK_BYTES));
    const topic = agentTopic("s1", "busy", "telemetry");
    for (let n = 0; n < MESSAGES; n++) busy.publish(topic, "{}", { qos: 0 });
    await busy.publishAsync(topic, "{}", { qos: 1 });
    expect(taken).toBe(MESSAGES + 1);

    slow.stream.resume();
    await expect.poll(() => acks).toBe(ACKS);
  },
);
