/**
 * Whatever comes in, only its own counter moves. A collector as a real process is fed what a network has in store for
 * it; after each attack a well-behaved agent must still be heard, judged, stored and acked.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import { join } from "node:path";
import {
  ackTopic,
  agentTopic,
  decodeAck,
  encodeTelemetry,
  type InventoryDevice,
  type Reading,
  splitInventory,
} from "@aislewatch/contract";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { generate } from "mqtt-packet";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseExposition } from "../../collector/exposition.ts";
import { type CollectorRig, cleanUp, onCleanUp, startCollector, tempFolder, waitFor } from "../rig/rig.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

type Incident = { id: string; rule: string; recoveredAt: number | null };

const device = (id: string): InventoryDevice => ({
  id,
  kind: "label_printer",
  driver: "zpl",
  labels: {},
  dependsOn: [],
  intervalMs: 10_000,
  asset: {},
  components: [],
  metrics: ["up", "media_out"],
});

const reading = (id: string, at: number, metrics: Record<string, number | boolean>): Reading => ({
  device: id,
  at,
  samples: [{ component: null, metrics }],
});

const status = (epoch: string) => {
  const now = Date.now();
  return JSON.stringify({ v: 1, state: "online", version: "1.0.0", epoch, startedAt: now, sentAt: now });
};

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function signIn(collector: CollectorRig, name: string, given: IClientOptions = {}): Promise<MqttClient> {
  const password = readFileSync(join(collector.folder, `${name.replace("/", "-")}.password`), "utf8").trim();
  const client = connect(collector.mqtt, {
    protocolVersion: 4,
    username: name,
    password,
    reconnectPeriod: 0,
    ...given,
  });
  client.on("error", () => {});
  onCleanUp(() => void client.end(true));
  await new Promise<void>((done, fail) => {
    client.once("connect", () => done());
    client.once("close", () => fail(new Error("the connection was refused")));
  });
  return client;
}

/** An agent that does all as docs/wire.md says, by hand, so that each step can be waited for. */
async function goodAgent(collector: CollectorRig, name: string, deviceId: string) {
  const [site = "", agent = ""] = name.split("/");
  await collector.addAgent(name);
  let client = await signIn(collector, name);
  let acked = 0;
  let seq = 0;
  let isOut = false;
  const begin = async (): Promise<void> => {
    client.on("message", (_topic, payload) => {
      const ack = decodeAck(payload);
      if (ack.ok) acked = ack.value.live;
    });
    await client.subscribeAsync(ackTopic(site, agent), { qos: 1 });
    await client.publishAsync(agentTopic(site, agent, "status"), status("good"), { qos: 1, retain: true });
    const [part] = splitInventory([device(deviceId)], 1);
    await client.publishAsync(agentTopic(site, agent, "inventory/0"), JSON.stringify(part), { qos: 1, retain: true });
  };
  await begin();
  return {
    /** After the collector was restarted. */
    async reconnect(): Promise<void> {
      client.end(true);
      client = await signIn(collector, name);
      await begin();
    },
    /** One more reading, the other way round than the last: acked, in the store, and what the rule makes of it. */
    async isHeard(): Promise<void> {
      isOut = !isOut;
      seq++;
      const now = Date.now();
      const header = { epoch: "good", lane: "live", seq, sentAt: now } as const;
      const message = encodeTelemetry(header, [reading(deviceId, now, { up: true, media_out: isOut })]);
      await client.publishAsync(agentTopic(site, agent, "telemetry"), JSON.stringify(message), { qos: 1 });
      await waitFor(`an ack of ${seq}`, () => acked >= seq);
      const { items } = await collector.api<{ items: Incident[] }>("/incidents?limit=50");
      expect(items.map(({ rule, recoveredAt }) => [rule, recoveredAt === null])).toEqual([["media-out", isOut]]);
      const series = `/sites/${site}/series?device=${deviceId}&metric=media_out&from=${now}&to=${now + 1}`;
      const { points } = await collector.api<{ points: unknown[] }>(series);
      expect(points.length).toBe(1);
    },
  };
}

async function counters(collector: CollectorRig): Promise<Map<string, number>> {
  const families = parseExposition(await (await fetch(`${collector.http}/metrics`)).text());
  return new Map(families.map(({ name, samples }) => [name, samples.reduce((sum, { value }) => sum + value, 0)]));
}

async function socketTo(collector: CollectorRig): Promise<{ socket: Socket; isOpen(): boolean }> {
  const { port, hostname } = new URL(collector.mqtt);
  const socket = connectSocket(Number(port), hostname);
  let isOpen = true;
  socket.on("error", () => {});
  socket.on("close", () => {
    isOpen = false;
  });
  socket.resume();
  onCleanUp(() => void socket.destroy());
  await new Promise<void>((done) => socket.once("connect", done));
  return { socket, isOpen: () => isOpen };
}

async function sendBytes(collector: CollectorRig, bytes: Buffer): Promise<void> {
  const { socket, isOpen } = await socketTo(collector);
  socket.write(bytes);
  await waitFor("the connection to be cut", () => !isOpen());
}

describe("a collector under attack", () => {
  let collector: CollectorRig;
  let good: Awaited<ReturnType<typeof goodAgent>>;
  let bad: MqttClient;
  let rssBefore = 0;

  const own = (channel: "telemetry" | "status" | "inventory/0") => agentTopic("s1", "bad", channel);
  /** MQTT.js never answers for a message whose connection was cut; the counters tell what became of it. */
  const publish = (topic: string, payload: string | Buffer, options: object = {}) =>
    Promise.race([
      bad.publishAsync(topic, payload, { qos: 1, ...options }),
      new Promise((done) => bad.once("close", () => done(null))),
    ]);
  let epoch = "evil";
  let seq = 0;
  const telemetry = (readings: Reading[]) =>
    JSON.stringify(encodeTelemetry({ epoch, lane: "live", seq: ++seq, sentAt: Date.now() }, readings));
  const now = () => Date.now();

  beforeAll(async () => {
    collector = await startCollector({ rules: RULES });
    good = await goodAgent(collector, "s1/good", "printer");
    await collector.addAgent("s1/bad");
    await enter();
    await publish(own("inventory/0"), JSON.stringify(splitInventory([device("mine")], 1)[0]));
    await good.isHeard();
    rssBefore = (await counters(collector)).get("aislewatch_resident_memory_bytes") ?? 0;
  });
  afterAll(cleanUp);

  let entries = 0;
  /** A fresh connection and epoch, so that no attack feels the one before. */
  async function enter(): Promise<void> {
    epoch = `evil-${entries++}`;
    seq = 0;
    bad = await signIn(collector, "s1/bad");
    await publish(own("status"), status(epoch));
  }
  beforeEach(enter);

  type Attack = {
    readonly name: string;
    /** Counters that must have grown by at least this much; null: none of ours counts it, it just must not matter. */
    readonly grows: Readonly<Record<string, number>>;
    run(): Promise<unknown>;
  };

  const ATTACKS: readonly Attack[] = [
    {
      name: "garbage bytes",
      grows: { packets_malformed: 3 },
      async run() {
        await sendBytes(collector, Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        await sendBytes(collector, Buffer.alloc(3_000, 0xff));
        await sendBytes(collector, Buffer.from([0x30, 0x05, 0x00, 0x03, 0x61, 0x62, 0x63]));
      },
    },
    {
      name: "half packets",
      grows: {},
      async run() {
        const whole = generate({ cmd: "connect", protocolId: "MQTT", clean: true, clientId: "half", keepalive: 0 });
        for (const length of [1, 2, 7, whole.length - 1]) {
          const { socket } = await socketTo(collector);
          socket.end(whole.subarray(0, length));
        }
      },
    },
    {
      name: "oversized packets before sign-in",
      grows: { packets_malformed: 2 },
      async run() {
        await sendBytes(collector, Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
        await sendBytes(collector, Buffer.concat([Buffer.from([0x10, 0xc0, 0x84, 0x3d]), Buffer.alloc(100_000)]));
      },
    },
    {
      name: "oversized packets after sign-in",
      grows: { packets_malformed: 1 },
      async run() {
        void publish(own("telemetry"), Buffer.alloc(5_000_000));
        await waitFor("the connection to be cut", () => !bad.connected);
      },
    },
    {
      name: "a wrong password, again and again",
      grows: { sign_ins_refused: 30 },
      async run() {
        const tries = Array.from({ length: 30 }, () => signIn(collector, "s1/bad", { password: "guess" }));
        const results = await Promise.allSettled(tries);
        expect(results.every((result) => result.status === "rejected")).toBe(true);
        const lines = collector.program.output().split("\n");
        expect(lines.filter((line) => line.includes("agent_sign_in_refused")).length).toBe(1);
      },
    },
    {
      name: "foreign topics, other agents' prefixes and $SYS",
      grows: { messages_refused: 7 },
      async run() {
        const good = agentTopic("s1", "good", "status");
        const offline = JSON.stringify({ ...JSON.parse(status("good")), state: "offline" });
        await publish(good, offline, { retain: true });
        await publish(agentTopic("s1", "good", "telemetry"), telemetry([]));
        await publish(ackTopic("s1", "good"), '{"v":1,"epoch":"good","live":999999,"history":0}');
        await publish("$SYS/broker/shutdown", "1");
        await publish("homeassistant/switch/x/set", "ON");
        await publish(`${own("telemetry")}/deeper`, "x");
        await publish(`aislewatch/v1/s1/bad/${"x".repeat(60_000)}`, "x");
      },
    },
    {
      name: "wildcard subscriptions",
      grows: { messages_refused: 4 },
      async run() {
        const heard: string[] = [];
        bad.on("message", (topic) => heard.push(topic));
        for (const topic of ["#", "+/+/+/+/+", "$SYS/#", ackTopic("s1", "good")]) {
          await bad.subscribeAsync(topic, { qos: 1 }).catch(() => {});
        }
        await good.isHeard();
        expect(heard).toEqual([]);
      },
    },
    {
      name: "QoS 2, left half-way and carried to its end",
      grows: { batches_accepted: 1 },
      async run() {
        await publish(own("telemetry"), telemetry([reading("mine", now(), { up: true })]), { qos: 2 });
      },
    },
    {
      name: "retained junk, which is not retained",
      grows: { messages_set_aside: 1 },
      async run() {
        await publish(own("telemetry"), "junk", { retain: true });
        const late = await signIn(collector, "s1/bad");
        const heard: string[] = [];
        late.on("message", (topic) => heard.push(topic));
        await late.subscribeAsync("aislewatch/v1/s1/bad/#", { qos: 1 });
        await late.publishAsync(own("telemetry"), telemetry([]), { qos: 1 });
        expect(heard.filter((topic) => !topic.endsWith("/ack"))).toEqual([]);
      },
    },
    {
      name: "300 half-open connections, and CONNECTs that trickle in",
      grows: {},
      async run() {
        const idle = await Promise.all(Array.from({ length: 300 }, () => socketTo(collector)));
        const slow = await Promise.all(Array.from({ length: 20 }, () => socketTo(collector)));
        const bytes = generate({ cmd: "connect", protocolId: "MQTT", clean: true, clientId: "slow", keepalive: 0 });
        let at = 0;
        const timer = setInterval(() => {
          for (const { socket, isOpen } of slow) if (isOpen()) socket.write(bytes.subarray(at, at + 1));
          at++;
        }, 1_000);
        try {
          await good.isHeard();
          await waitFor("all to be cut", () => [...idle, ...slow].every(({ isOpen }) => !isOpen()));
        } finally {
          clearInterval(timer);
        }
      },
    },
    {
      name: "another agent's client id",
      grows: {},
      async run() {
        await signIn(collector, "s1/bad", { clientId: "aislewatch:s1:good" });
        await good.isHeard();
      },
    },
    {
      name: "telemetry of wrong versions and shapes",
      grows: { messages_set_aside: 12 },
      async run() {
        const fine = JSON.parse(telemetry([reading("mine", now(), { up: true })])) as Record<string, unknown>;
        const text = JSON.stringify(fine);
        const broken = [
          "",
          "null",
          "[]",
          text.slice(0, -1),
          JSON.stringify({ ...fine, v: 2 }),
          JSON.stringify({ ...fine, seq: -1 }),
          JSON.stringify({ ...fine, lane: "fast" }),
          JSON.stringify({ ...fine, subjects: ["../../etc/passwd"] }),
          JSON.stringify({ ...fine, base: 4e15 }),
          text.replace("true", "1e999"),
          text.replace("true", '"yes"'),
          text.replace('"metrics":["up"]', '"metrics":["__proto__"]'),
        ];
        for (const payload of broken) await publish(own("telemetry"), payload);
      },
    },
    {
      name: "floods of junk near the size limit",
      grows: { messages_set_aside: 400 },
      async run() {
        const junk = Buffer.alloc(250_000, "[");
        for (let n = 0; n < 400; n += 20) {
          await Promise.all(Array.from({ length: 20 }, () => publish(own("telemetry"), junk)));
        }
      },
    },
    {
      name: "unknown devices, unknown metrics and wrong types",
      grows: { rows_unknown: 5, values_ignored: 4 },
      async run() {
        const strange = Array.from({ length: 5 }, (_, n) => reading(`ghost-${n}`, now(), { up: true }));
        await publish(own("telemetry"), telemetry(strange));
        await publish(
          own("telemetry"),
          telemetry([reading("mine", now(), { up: 1, made_up: 1, media_out: 5, head_temperature_celsius: true })]),
        );
      },
    },
    {
      name: "another agent's device, in the inventory and in readings",
      grows: { rows_unknown: 1 },
      async run() {
        await publish(own("inventory/0"), JSON.stringify(splitInventory([device("mine"), device("printer")], 2)[0]));
        await publish(own("telemetry"), telemetry([reading("printer", now(), { up: false, media_out: true })]));
        await waitFor("the refusal", () => collector.program.output().includes("device_claim_refused"));
        const devices = await collector.api<{ id: string; agent: string }[]>("/sites/s1/devices");
        expect(devices.find(({ id }) => id === "printer")?.agent).toBe("good");
      },
    },
    {
      name: "times of the far future and the far past",
      grows: { batches_accepted: 2, messages_set_aside: 1 },
      async run() {
        await publish(own("telemetry"), telemetry([reading("mine", now() + 80 * 86_400_000, { up: true })]));
        await publish(own("telemetry"), telemetry([reading("mine", 1_000_000_000_001, { up: true })]));
        const { values } = await collector.api<{ values: { metric: string; at: number }[] }>(
          "/sites/s1/device?id=mine",
        );
        await publish(own("telemetry"), telemetry([reading("mine", 4_000_000_000_000, { up: true })]));
        for (const { at } of values) expect(at).toBeLessThanOrEqual(now() + 60_000);
      },
    },
    {
      name: "inventories and states that are none",
      grows: { messages_set_aside: 5 },
      async run() {
        const [part] = splitInventory([device("mine")], 3);
        await publish(own("inventory/0"), JSON.stringify({ ...part, part: 5 }));
        await publish(own("inventory/0"), JSON.stringify({ ...part, devices: [{}] }));
        await publish(own("inventory/0"), JSON.stringify({ ...part, metricSets: [] }));
        await publish(own("status"), '{"v":1,"state":"on fire"}');
        await publish(own("status"), Buffer.from([0xff, 0xfe, 0x00]));
      },
    },
  ];

  it.each(ATTACKS)("$name: only the counters move", async ({ grows, run }) => {
    const before = await counters(collector);
    await run();
    await waitFor("the counters", async () => {
      const after = await counters(collector);
      const short = Object.entries(grows).filter(([name, by]) => {
        const full = `aislewatch_${name}_total`;
        if (!after.has(full)) throw new Error(`there is no ${full}`);
        return (after.get(full) ?? 0) < (before.get(full) ?? 0) + by;
      });
      if (short.length > 0) throw new Error(`did not grow: ${short.map(([name]) => name).join(", ")}`);
      return true;
    });
    expect((await fetch(`${collector.http}/healthz`)).status).toBe(200);
    await good.isHeard();
    expect((await counters(collector)).get("aislewatch_batch_gaps_total")).toBe(0);
  });

  it("memory has not grown by what was thrown at it", async () => {
    const rss = (await counters(collector)).get("aislewatch_resident_memory_bytes") ?? 0;
    process.stdout.write(
      `resident memory: ${Math.round(rssBefore / 2 ** 20)} MB, then ${Math.round(rss / 2 ** 20)} MB\n`,
    );
    expect(rss).toBeLessThan(2 * rssBefore);
  });

  it.each([
    { method: "GET", path: "/api/v1/incidents" },
    { method: "GET", path: "/api/v1/overview" },
    { method: "GET", path: "/api/v1/sites/s1/devices" },
    { method: "GET", path: "/api/v1/stream" },
    { method: "POST", path: "/api/v1/incidents/INC-000001/actions" },
  ])("$method $path is refused without a sign-in, and with a made-up token", async ({ method, path }) => {
    for (const authorization of [undefined, "Bearer made-up", "Basic YWRtaW46YWRtaW4="]) {
      const headers = { ...(authorization !== undefined && { authorization }) };
      const response = await fetch(`${collector.http}${path}`, { method, headers });
      expect(response.status).toBe(401);
      await response.body?.cancel();
    }
  });

  it("survives a restart with what the attacks left in its stores", async () => {
    expect(await collector.program.stop()).toBe(0);
    await collector.restart();
    await good.reconnect();
    await good.isHeard();
    expect(collector.program.output()).not.toMatch(/program_crashed/);
  });
});

describe("a data disk that is full", () => {
  afterAll(cleanUp);

  const why = diskMissing();
  it.skipIf(why !== null)(
    `is told by /healthz, acks wait, and all goes on once there is room${why ?? ""}`,
    async () => {
      const disk = tempFolder();
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk]);
      onCleanUp(() => void execFileSync("umount", ["-l", disk]));
      mkdirSync(join(disk, "data"));
      const collector = await startCollector({ rules: RULES, data: join(disk, "data") });
      const good = await goodAgent(collector, "s1/good", "printer");
      await good.isHeard();
      await collector.addAgent("s1/late");
      const health = async () => (await fetch(`${collector.http}/healthz`)).status;
      expect(await health()).toBe(200);

      fill(join(disk, "filler"));
      await waitFor("503", async () => (await health()) === 503);
      const answer = await (await fetch(`${collector.http}/healthz`)).text();
      expect(answer).toMatch(/state store|time-series store/);
      // An edited rule set, an inventory and a message to set aside want to be written, too.
      writeFileSync(join(collector.folder, "rules.yaml"), `${RULES}# edited\n`);
      const heard = good.isHeard();
      const late = await signIn(collector, "s1/late");
      await late.publishAsync(agentTopic("s1", "late", "telemetry"), "junk", { qos: 1 });
      const [part] = splitInventory([device("late-printer")], 1);
      await late.publishAsync(agentTopic("s1", "late", "inventory/0"), JSON.stringify(part), { qos: 1 });
      await wait(2_500);
      expect(await health()).toBe(503);

      rmSync(join(disk, "filler"));
      await waitFor("200", async () => (await health()) === 200);
      await heard;
      await good.isHeard();
      const devices = await collector.api<{ id: string }[]>("/sites/s1/devices");
      expect(devices.map(({ id }) => id)).toContain("late-printer");
      expect(collector.program.output()).toMatch(/store_failed[\s\S]*store_recovered/);
      expect(collector.program.output()).not.toMatch(/program_crashed/);
    },
  );
});

/** Why a small disk can't be had here, or null; under CI it must be. */
function diskMissing(): string | null {
  if (process.platform === "linux" && process.getuid?.() === 0) return null;
  if (process.env["CI"]) throw new Error("the test of a full disk needs Linux and root, to mount a small tmpfs");
  return " (left out: needs Linux and root, to mount a small tmpfs)";
}

/** Takes every last byte. */
function fill(file: string): void {
  for (const size of [1 << 20, 1 << 12]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size, 1), { flag: "a" });
    } catch {
      // Full, for blocks of this size.
    }
  }
}
