import { connect as connectSocket, type Socket } from "node:net";
import { agentTopic, LIMITS } from "@aislewatch/contract";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { generate, type Packet, parser } from "mqtt-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentMessage, Broker } from "./broker.ts";
import { createEmbeddedBroker } from "./embedded.ts";

const PASSWORD = "right";

let broker: Broker;
let messages: AgentMessage[] = [];
let refusals: { client: string; topic: string; reason: string }[] = [];
const clients: MqttClient[] = [];
const sockets: Socket[] = [];

const signIn = (name: string, given: IClientOptions = {}): Promise<MqttClient> => {
  const client = connect(broker.url, {
    protocolVersion: 4,
    username: name,
    password: PASSWORD,
    reconnectPeriod: 0,
    connectTimeout: 2_000,
    ...given,
  });
  clients.push(client);
  return new Promise((done, fail) => {
    client.once("connect", () => done(client));
    client.once("error", fail);
    client.on("error", () => {});
  });
};

type Raw = { send(bytes: Buffer): void; readonly packets: Packet[]; isOpen(): boolean };

/** A socket that says what it likes. */
async function rawSocket(): Promise<Raw> {
  const socket = connectSocket(Number(new URL(broker.url).port), "127.0.0.1");
  sockets.push(socket);
  const packets: Packet[] = [];
  const reader = parser();
  reader.on("packet", (packet) => packets.push(packet));
  socket.on("data", (chunk) => reader.parse(chunk));
  socket.on("error", () => {});
  let isOpen = true;
  socket.on("close", () => {
    isOpen = false;
  });
  await new Promise<void>((done) => socket.once("connect", done));
  return { send: (bytes) => void socket.write(bytes), packets, isOpen: () => isOpen };
}

const signInPacket = (name = "s1/pc"): Buffer =>
  generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    clientId: "raw",
    keepalive: 0,
    username: name,
    password: Buffer.from(PASSWORD),
  });
const publishPacket = (topic: string, payload: string | Buffer, qos: 0 | 1 | 2 = 0): Buffer =>
  generate({ cmd: "publish", topic, payload, qos, dup: false, retain: false, ...(qos > 0 && { messageId: 7 }) });

async function signedInSocket(name?: string): Promise<Raw> {
  const raw = await rawSocket();
  raw.send(signInPacket(name));
  await expect.poll(() => raw.packets[0]).toMatchObject({ cmd: "connack", returnCode: 0 });
  return raw;
}

const telemetry = agentTopic("s1", "pc", "telemetry");

describe("the embedded broker", () => {
  beforeEach(async () => {
    messages = [];
    refusals = [];
    broker = createEmbeddedBroker({
      host: "127.0.0.1",
      port: 0,
      tls: null,
      authenticate: async (_site, agent, password) => {
        if (agent === "broken") throw new Error("the store is closed");
        return password.toString() === PASSWORD;
      },
      onMessage: (message) => messages.push(message),
      onRefused: (refusal) => refusals.push(refusal),
      strangersMax: 5,
    });
    await broker.open();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true);
    for (const socket of sockets.splice(0)) socket.destroy();
    await broker.close();
  });

  it("hands an agent's messages over in order, before anything is stored or forwarded", async () => {
    const client = await signIn("s1/pc");
    for (let n = 0; n < 50; n++) client.publish(telemetry, `${n}`, { qos: 1 });
    await client.publishAsync(agentTopic("s1", "pc", "inventory/3"), "x", { qos: 1, retain: true });
    expect(messages.slice(0, 50).map(({ payload }) => String(payload))).toEqual(
      Array.from({ length: 50 }, (_, n) => `${n}`),
    );
    expect(messages[50]).toMatchObject({ site: "s1", agent: "pc", channel: "inventory", part: 3 });
    expect(broker.counts).toMatchObject({ connected: 1, messages: 51, refused: 0 });
  });

  it("delivers an agent its acks and nobody else's", async () => {
    const [pc, till] = [await signIn("s1/pc"), await signIn("s1/till")];
    const heard: string[] = [];
    for (const client of [pc, till]) client.on("message", (topic) => heard.push(topic));
    await pc.subscribeAsync(agentTopic("s1", "pc", "ack"), { qos: 1 });
    await till.subscribeAsync(agentTopic("s1", "till", "ack"), { qos: 1 });
    broker.publish(agentTopic("s1", "pc", "ack"), "{}");
    await expect.poll(() => heard).toEqual([agentTopic("s1", "pc", "ack")]);
  });

  it("passes the will on when a connection breaks, and not when the agent says goodbye", async () => {
    const will = {
      topic: agentTopic("s1", "pc", "status"),
      payload: Buffer.from("gone"),
      qos: 1,
      retain: true,
    } as const;
    const client = await signIn("s1/pc", { will });
    client.stream.destroy();
    await expect.poll(() => messages.map(({ payload }) => String(payload))).toEqual(["gone"]);
    const polite = await signIn("s1/pc", { will });
    await polite.endAsync();
    await expect.poll(() => broker.counts.connected).toBe(0);
    expect(messages.length).toBe(1);
  });

  it("closes an agent's connection when told to", async () => {
    const client = await signIn("s1/pc");
    const closed = new Promise<void>((done) => client.once("close", () => done()));
    await expect.poll(() => broker.counts.connected).toBe(1);
    broker.renew("s1", "pc", "{}");
    broker.shutOut("s1", "nobody");
    await closed;
    expect(broker.counts.connected).toBe(0);
  });

  describe("sign-in", () => {
    it.each([
      { name: "a wrong password", user: "s1/pc", password: "wrong" },
      { name: "a name without an agent", user: "s1", password: PASSWORD },
      { name: "a name of three parts", user: "s1/pc/x", password: PASSWORD },
      { name: "a name that is no id", user: "s1/../pc", password: PASSWORD },
      { name: "a store that fails", user: "s1/broken", password: PASSWORD },
    ])("is refused for $name, counted, and no broken packet", async ({ user, password }) => {
      await expect(signIn(user, { password })).rejects.toMatchObject({ code: 5 });
      await expect.poll(() => broker.counts.signInsRefused).toBe(1);
      expect(broker.counts).toMatchObject({ connected: 0, badPackets: 0 });
    });

    it("is refused without a name and a password", async () => {
      const raw = await rawSocket();
      raw.send(
        generate({ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, clientId: "x", keepalive: 0 }),
      );
      await expect.poll(() => raw.packets[0]).toMatchObject({ cmd: "connack", returnCode: 5 });
    });

    it("can't take another agent's connection over by using its client id", async () => {
      const pc = await signIn("s1/pc", { clientId: "same" });
      await signIn("s1/till", { clientId: "same" });
      await pc.publishAsync(telemetry, "still here", { qos: 1 });
      expect(broker.counts.connected).toBe(2);
    });

    it("again as the same agent replaces the old connection, whose will comes first", async () => {
      const will = {
        topic: agentTopic("s1", "pc", "status"),
        payload: Buffer.from("gone"),
        qos: 1,
        retain: true,
      } as const;
      await signIn("s1/pc", { clientId: "one", will });
      const second = await signIn("s1/pc", { clientId: "two", will });
      await second.publishAsync(agentTopic("s1", "pc", "status"), "here", { qos: 1 });
      expect(messages.map(({ payload }) => String(payload))).toEqual(["gone", "here"]);
      expect(broker.counts.connected).toBe(1);
    });

    it("keeps no session: acks for an agent that is away are not piled up", async () => {
      const client = await signIn("s1/pc", { clean: false, clientId: "keep" });
      await client.subscribeAsync(agentTopic("s1", "pc", "ack"), { qos: 1 });
      await client.endAsync();
      for (let n = 0; n < 10; n++) broker.publish(agentTopic("s1", "pc", "ack"), `${n}`);
      const back = await signIn("s1/pc", { clean: false, clientId: "keep" });
      const heard: string[] = [];
      back.on("message", (_topic, payload) => heard.push(String(payload)));
      await back.subscribeAsync(agentTopic("s1", "pc", "ack"), { qos: 1 });
      broker.publish(agentTopic("s1", "pc", "ack"), "now");
      await expect.poll(() => heard).toEqual(["now"]);
    });
  });

  describe("what is not allowed", () => {
    it.each([
      { name: "another agent's prefix", topic: agentTopic("s1", "till", "telemetry"), says: /own prefix/ },
      { name: "another site", topic: agentTopic("s2", "pc", "telemetry"), says: /own prefix/ },
      { name: "an ack", topic: agentTopic("s1", "pc", "ack"), says: /not a topic/ },
      { name: "$SYS", topic: "$SYS/broker/uptime", says: /not a topic/ },
      { name: "a foreign topic", topic: "zigbee2mqtt/kitchen", says: /not a topic/ },
      { name: "a topic of 300 characters", topic: `aislewatch/v1/s1/pc/${"x".repeat(280)}`, says: /not a topic/ },
    ])("is taken, counted and dropped: $name", async ({ topic, says }) => {
      const client = await signIn("s1/pc");
      await client.publishAsync(topic, "junk", { qos: 1, retain: true });
      expect(refusals).toMatchObject([{ client: "s1/pc", reason: expect.stringMatching(says) }]);
      expect((refusals[0]?.topic.length ?? 999) <= LIMITS.topicBytesMax).toBe(true);
      expect([messages, broker.counts.refused]).toEqual([[], 1]);
      await client.publishAsync(telemetry, "good", { qos: 1 });
      expect(messages.length).toBe(1);
    });

    it.each([
      "#",
      "+/+/+/+/telemetry",
      "$SYS/#",
      "aislewatch/v1/#",
      agentTopic("s1", "till", "ack"),
      "aislewatch/v1/s1/p",
    ])("a subscription to %s is refused, and the connection stays", async (topic) => {
      const client = await signIn("s1/pc");
      await client.subscribeAsync(topic).catch(() => {});
      expect(refusals).toMatchObject([{ topic, reason: expect.stringMatching(/own prefix/) }]);
      await client.publishAsync(telemetry, "good", { qos: 1 });
      expect(messages.length).toBe(1);
    });

    it("more subscriptions than an agent could need are refused", async () => {
      const client = await signIn("s1/pc");
      const topics = Array.from({ length: 40 }, (_, n) => `aislewatch/v1/s1/pc/${n}`);
      await client.subscribeAsync(topics).catch(() => {});
      expect(broker.counts.refused).toBe(24);
    });

    it("the will of another agent goes nowhere", async () => {
      const topic = agentTopic("s1", "till", "status");
      const client = await signIn("s1/pc", { will: { topic, payload: Buffer.from("gone"), qos: 1, retain: false } });
      client.stream.destroy();
      await expect.poll(() => refusals).toMatchObject([{ topic }]);
      expect(messages).toEqual([]);
    });
  });

  describe("bytes that are no MQTT", () => {
    it.each([
      { name: "text", bytes: Buffer.from("GET / HTTP/1.1\r\n\r\n") },
      { name: "a packet before CONNECT", bytes: publishPacket(telemetry, "x") },
      { name: "a length of five bytes", bytes: Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01]) },
      { name: "a CONNECT of 5 kB", bytes: Buffer.concat([Buffer.from([0x10, 0x88, 0x27]), Buffer.alloc(5_000)]) },
      { name: "the head of a CONNECT of 200 MB", bytes: Buffer.from([0x10, 0xff, 0xff, 0xff, 0x5f]) },
    ])("end the connection and are counted: $name", async ({ bytes }) => {
      const raw = await rawSocket();
      raw.send(bytes);
      await expect.poll(() => raw.isOpen()).toBe(false);
      await expect.poll(() => broker.counts.badPackets).toBe(1);
      const client = await signIn("s1/pc");
      await client.publishAsync(telemetry, "good", { qos: 1 });
      expect(messages.length).toBe(1);
    });

    it.each([
      { name: "a second CONNECT", bytes: signInPacket() },
      { name: "a wildcard in a topic", bytes: publishPacket("a", "x").fill(0x23, 4, 5) },
      {
        name: "a message over the limit",
        bytes: publishPacket(telemetry, Buffer.alloc(LIMITS.messageBytesMax + 2_000)),
      },
      { name: "an unknown type", bytes: Buffer.from([0x00, 0x00]) },
    ])("end a signed-in connection: $name", async ({ bytes }) => {
      const raw = await signedInSocket();
      raw.send(bytes);
      await expect.poll(() => raw.isOpen()).toBe(false);
      await expect.poll(() => broker.counts.badPackets).toBe(1);
      expect(messages).toEqual([]);
    });

    it("a message at the limit passes", async () => {
      const raw = await signedInSocket();
      raw.send(publishPacket(telemetry, Buffer.alloc(LIMITS.messageBytesMax)));
      await expect.poll(() => messages.length).toBe(1);
      expect(raw.isOpen()).toBe(true);
    });

    it("half a packet and then nothing keeps nothing", async () => {
      const raw = await signedInSocket();
      raw.send(publishPacket(telemetry, "x".repeat(100)).subarray(0, 50));
      sockets.at(-1)?.destroy();
      await expect.poll(() => broker.counts.connected).toBe(0);
      expect(messages).toEqual([]);
      expect(broker.counts.badPackets).toBe(0);
    });
  });

  it("takes QoS 2 to its end", async () => {
    const raw = await signedInSocket();
    raw.send(publishPacket(telemetry, "twice", 2));
    await expect.poll(() => raw.packets.at(-1)?.cmd).toBe("pubrec");
    raw.send(generate({ cmd: "pubrel", messageId: 7 }));
    await expect.poll(() => raw.packets.at(-1)?.cmd).toBe("pubcomp");
    expect(messages.length).toBe(1);
  });

  it("cuts who holds more QoS 2 messages than it releases", async () => {
    const raw = await signedInSocket();
    for (let messageId = 1; messageId <= 20; messageId++) {
      raw.send(
        generate({ cmd: "publish", topic: telemetry, payload: "x", qos: 2, dup: false, retain: false, messageId }),
      );
    }
    await expect.poll(() => raw.isOpen()).toBe(false);
    expect(raw.packets.filter(({ cmd }) => cmd === "pubrec").length).toBeLessThanOrEqual(16);
  });

  it("cuts the oldest connection that did not sign in when there are too many, and nobody who did", async () => {
    const known = await Promise.all(Array.from({ length: 8 }, (_, n) => signedInSocket(`s1/pc-${n}`)));
    const strangers: Raw[] = [];
    for (let n = 0; n < 9; n++) strangers.push(await rawSocket());
    await expect.poll(() => strangers.map(({ isOpen }) => isOpen()).lastIndexOf(false)).toBe(3);
    expect(broker.counts.connectionsRefused).toBe(4);
    await signIn("s1/late");
    expect([...known, ...strangers.slice(5)].every(({ isOpen }) => isOpen())).toBe(true);
  });
});
