/** The external broker against a real Mosquitto, and against what else may listen at an address. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect as connectSocket, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentTopic, LIMITS } from "@aislewatch/contract";
import { realClock } from "@aislewatch/runtime";
import { connectAsync, type MqttClient } from "mqtt";
import { generate, parser } from "mqtt-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort, waitFor } from "../../test/rig/rig.ts";
import { cert, key } from "../api/test-certificate.ts";
import type { AgentMessage, BrokerTrouble } from "./broker.ts";
import { createExternalBroker, type ExternalBroker, type ExternalBrokerOptions } from "./external.ts";
import { BROKER_CODES } from "./trouble.ts";

const hasMosquitto = spawnSync("mosquitto", ["-h"]).error === undefined;
if (!hasMosquitto && process.env["CI"]) throw new Error("mosquitto is missing: apt-get install mosquitto");

const OWN = { site: "aislewatch", agent: "collector" };
const telemetry = agentTopic("s1", "pc", "telemetry");

let folder = "";
let messages: AgentMessage[] = [];
let refusals: { client: string; topic: string; reason: string }[] = [];
let troubles: BrokerTrouble[] = [];
let sessions: boolean[] = [];
const ends: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "external-"));
  // Started by root, Mosquitto becomes a user of its own, who has to look into it.
  chmodSync(folder, 0o777);
  [messages, refusals, troubles, sessions] = [[], [], [], []];
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function open(url: string, given: Partial<ExternalBrokerOptions> = {}): Promise<ExternalBroker> {
  const broker = createExternalBroker({
    ...{ clock: realClock, random: () => 0, url, clientId: "collector", username: null, password: null },
    ...{ ca: null, certificate: null, serverName: null, own: OWN },
    self: { instance: "one", startedAt: 1_000, host: "here" },
    admits: (site, agent) => site === "s1" && agent !== "stranger",
    onMessage: (message) => messages.push(message),
    onRefused: (refusal) => refusals.push(refusal),
    onConnected: ({ isSessionKept }) => sessions.push(isSessionKept),
    onTrouble: (trouble) => troubles.push(trouble),
    ...given,
  });
  ends.push(() => broker.close());
  await broker.open();
  return broker;
}

/** Lines of mosquitto.conf behind its listener on this port. */
async function mosquitto(port: number, ...lines: string[]): Promise<ChildProcess> {
  const conf = join(folder, "mosquitto.conf");
  const open = lines.some((line) => /allow_anonymous|password_file/.test(line)) ? [] : ["allow_anonymous true"];
  writeFileSync(conf, `${[`listener ${port} 127.0.0.1`, ...open, ...lines].join("\n")}\n`);
  const child = spawn("mosquitto", ["-c", conf], { stdio: "ignore" });
  ends.push(() => end(child));
  await waitFor("mosquitto", () => reach(port).then(() => true));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((done) => child.once("exit", done));
  child.kill("SIGKILL");
  await over;
}

const reach = (port: number): Promise<void> =>
  new Promise((done, fail) => {
    const socket = connectSocket(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      done();
    });
    socket.once("error", fail);
  });

async function agent(port: number): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });
  client.on("error", () => {});
  ends.push(() => client.end(true));
  return client;
}

const texts = (): string[] => messages.map(({ payload }) => Buffer.from(payload).toString());
const until = (condition: () => boolean): Promise<void> => expect.poll(condition).toBe(true);
const isSettled = (broker: ExternalBroker) => (): boolean => broker.trouble() === null && broker.isPrompt();

describe.skipIf(!hasMosquitto)("an external broker", () => {
  it("hands agents' messages over in order, and tells those that waited from those of now", async () => {
    const port = await freePort();
    await mosquitto(port);
    const pc = await agent(port);
    await pc.publishAsync(agentTopic("s1", "pc", "status"), "retained", { qos: 1, retain: true });
    const broker = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(broker));
    expect(messages).toMatchObject([{ site: "s1", agent: "pc", channel: "status", waited: "retained" }]);
    for (let n = 0; n < 200; n++) pc.publish(telemetry, `${n}`, { qos: 1 });
    await until(() => messages.length === 201);
    expect(texts().slice(1)).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
    expect(messages.slice(1).every(({ waited }) => waited === undefined)).toBe(true);
    await broker.close();
    await pc.publishAsync(telemetry, "while it was away", { qos: 1 });
    const back = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(back));
    expect(sessions).toEqual([false, true]);
    expect(messages.find(({ waited }) => waited === "queued")?.payload.toString()).toBe("while it was away");
  });

  it("refuses what no agent may send, and agents that were not let in", async () => {
    const port = await freePort();
    await mosquitto(port);
    const broker = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(broker));
    const pc = await agent(port);
    for (const topic of [
      agentTopic("s1", "stranger", "telemetry"),
      agentTopic("s1", "collector", "telemetry"),
      agentTopic("aislewatch", "pc", "telemetry"),
      "aislewatch/v1/S 1/pc/telemetry",
    ])
      pc.publish(topic, "x", { qos: 1 });
    pc.publish(telemetry, "x".repeat(LIMITS.messageBytesMax + 1), { qos: 1 });
    await pc.publishAsync(telemetry, "good", { qos: 1 });
    await until(() => messages.length === 1);
    expect(texts()).toEqual(["good"]);
    expect([refusals.length, broker.counts.refused]).toEqual([5, 5]);
  });

  it("reads no further than so much ahead of the last commit, and goes on behind it", async () => {
    const port = await freePort();
    await mosquitto(port, "max_inflight_messages 0", "max_queued_messages 0");
    const broker = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(broker));
    const pc = await agent(port);
    for (let n = 0; n < 5_000; n++) pc.publish(telemetry, `${n}`, { qos: 1 });
    await until(() => messages.length === 2_048);
    await new Promise((done) => setTimeout(done, 200));
    expect(messages.length).toBe(2_048);
    broker.committed();
    await until(() => messages.length === 4_096);
    broker.committed();
    await until(() => messages.length === 5_000);
    expect(texts()).toEqual(Array.from({ length: 5_000 }, (_, n) => `${n}`));
  });

  it("has what it was not committed once more after it was killed, but for that part", async () => {
    const port = await freePort();
    await mosquitto(port, "max_inflight_messages 0", "max_queued_messages 0");
    const broker = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(broker));
    const pc = await agent(port);
    for (let n = 0; n < 3_000; n++) pc.publish(telemetry, `${n}`, { qos: 1 });
    await until(() => messages.length === 2_048);
    await broker.close();
    messages = [];
    const back = await open(`mqtt://127.0.0.1:${port}`, { onMessage: (message) => messages.push(message) });
    await until(() => messages.length === 3_000 - 2_047);
    expect(texts().at(-1)).toBe("2999");
    back.committed();
  });

  it("connects again to a broker that was killed, and says once that it is gone", async () => {
    const port = await freePort();
    const first = await mosquitto(port);
    const broker = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(broker));
    await end(first);
    await until(() => broker.trouble() !== null);
    broker.publish(agentTopic("s1", "pc", "ack"), "{}");
    expect(broker.counts.publishesDropped).toBe(1);
    await until(() => troubles.length === 2);
    expect(troubles.map(({ code }) => code)).toEqual(["BROKER_LOST", "BROKER_UNREACHABLE"]);
    await mosquitto(port);
    await until(isSettled(broker));
    expect(sessions).toEqual([false, false]);
  });

  it("is reached by an IPv6 address", async () => {
    const port = await freePort();
    await mosquitto(port, `listener ${port} ::1`);
    const broker = await open(`mqtt://[::1]:${port}`);
    await until(isSettled(broker));
  });

  it("publishes to an agent, and asks it for all again by an ack", async () => {
    const port = await freePort();
    await mosquitto(port);
    const pc = await agent(port);
    const heard: string[] = [];
    pc.on("message", (topic, payload) => heard.push(`${topic} ${payload}`));
    await pc.subscribeAsync(agentTopic("s1", "pc", "ack"), { qos: 1 });
    const broker = await open(`mqtt://127.0.0.1:${port}`);
    await until(isSettled(broker));
    broker.renew("s1", "pc", "again");
    await until(() => heard.length === 1);
    expect(heard).toEqual([`${agentTopic("s1", "pc", "ack")} again`]);
  });

  it("is left to a collector that was started before, under the same client id or another", async () => {
    const port = await freePort();
    await mosquitto(port);
    const url = `mqtt://127.0.0.1:${port}`;
    for (const clientId of ["collector", "other"]) {
      const right = await open(url, { self: { instance: `right-${clientId}`, startedAt: 1, host: "right" } });
      await until(isSettled(right));
      const copy = await open(url, { clientId, self: { instance: `copy-${clientId}`, startedAt: 2, host: "copy" } });
      await until(() => copy.trouble()?.code === "BROKER_TAKEN_OVER");
      await until(isSettled(right));
      await until(() => right.other()?.host === "copy");
      expect(copy.trouble()?.detail).toMatch(/right/);
      await copy.close();
      await right.close();
    }
  });

  it("is taken by the one that stands by when nobody has held it for ten minutes", async () => {
    const port = await freePort();
    await mosquitto(port);
    const url = `mqtt://127.0.0.1:${port}`;
    const right = await open(url, { self: { instance: "right", startedAt: 1, host: "right" } });
    await until(isSettled(right));
    let laterMs = 0;
    const copy = await open(url, {
      clock: { ...realClock, monotonic: () => realClock.monotonic() + laterMs },
      self: { instance: "copy", startedAt: 2, host: "copy" },
    });
    await until(() => copy.trouble()?.code === "BROKER_TAKEN_OVER");
    await right.close();
    await new Promise((done) => setTimeout(done, 1_000));
    expect(copy.trouble()?.code).toBe("BROKER_TAKEN_OVER");
    laterMs = 600_000;
    await until(isSettled(copy));
  });

  describe("says what is wrong, and what to do", () => {
    const refused = ["allow_anonymous false"];
    const tls = () => [`certfile ${join(folder, "cert.pem")}`, `keyfile ${join(folder, "key.pem")}`];
    beforeEach(() => {
      writeFileSync(join(folder, "cert.pem"), cert);
      writeFileSync(join(folder, "key.pem"), key);
      writeFileSync(join(folder, "acl"), "topic write #\n");
    });

    it.each([
      {
        name: "no name where one is wanted",
        lines: () => refused,
        is: "BROKER_SIGN_IN_REFUSED",
        says: /mqtt.username/,
      },
      {
        name: "a wrong password",
        lines: () => refused,
        given: { username: "me", password: "hunter2" },
        is: "BROKER_SIGN_IN_REFUSED",
        says: /"me".*password file/,
      },
      { name: "an unknown authority", lines: tls, at: "mqtts://localhost", is: "BROKER_CA_UNKNOWN", says: /mqtt\.ca/ },
      {
        name: "a certificate of another name",
        lines: tls,
        at: "mqtts://localhost",
        given: { ca: cert, serverName: "broker.example" },
        is: "BROKER_CERTIFICATE_NAME",
        says: /server_name/,
      },
      {
        name: "a certificate of ours that is wanted",
        lines: () => [...tls(), `cafile ${join(folder, "cert.pem")}`, "require_certificate true"],
        at: "mqtts://localhost",
        given: { ca: cert },
        is: "BROKER_CERTIFICATE_WANTED",
        says: /mqtt\.certificate/,
      },
      {
        name: "TLS where there is none",
        lines: () => [],
        at: "mqtts://localhost",
        is: /BROKER_NO_(TLS|MQTT)/,
        says: /mqtts?:/,
      },
      { name: "no TLS where there is some", lines: tls, is: "BROKER_NO_MQTT", says: /mqtts:\/\// },
      { name: "no broker", lines: null, is: "BROKER_UNREACHABLE", says: /runs/ },
      {
        name: "an access list that lets it read nothing",
        lines: () => [`acl_file ${join(folder, "acl")}`],
        is: "BROKER_NOT_DELIVERING",
        says: /access list/,
      },
    ])("$name", async ({ lines, at = "mqtt://127.0.0.1", given = {}, is, says }) => {
      const port = await freePort();
      if (lines !== null) await mosquitto(port, ...lines());
      const broker = await open(`${at}:${port}`, given);
      await until(() => troubles.length > 0);
      expect(troubles[0]?.code).toMatch(is);
      expect(troubles[0]?.hint).toMatch(says);
      expect(JSON.stringify(troubles)).not.toContain("hunter2");
      expect([broker.heardForMs(), broker.isPrompt()]).toEqual([null, false]);
    });

    it("nothing, with its authority, its name and a certificate of ours", async () => {
      const port = await freePort();
      await mosquitto(port, ...tls(), `cafile ${join(folder, "cert.pem")}`, "require_certificate true");
      const broker = await open(`mqtts://127.0.0.1:${port}`, {
        ...{ ca: cert, certificate: { cert, key }, serverName: "localhost" },
      });
      await until(isSettled(broker));
      expect(troubles).toEqual([]);
    });
  });
});

describe("an address at which something else listens", () => {
  it.each([
    { name: "a web server", server: () => createHttpServer((_request, response) => response.end("no")) },
    { name: "who hangs up", server: () => createServer((socket) => socket.destroy()) },
  ])("is no broker: $name", async ({ server }) => {
    const port = await listen(server());
    await open(`mqtt://127.0.0.1:${port}`);
    await until(() => troubles.length > 0);
    expect(troubles[0]?.code).toBe("BROKER_NO_MQTT");
  });

  it.each([
    { name: "another version of MQTT", code: 1, is: "BROKER_NO_MQTT" },
    { name: "another client id", code: 2, is: "BROKER_CLIENT_ID_REFUSED" },
    { name: "that it can't serve", code: 3, is: "BROKER_BUSY" },
    { name: "a better password", code: 4, is: "BROKER_SIGN_IN_REFUSED" },
    { name: "no", code: 5, is: "BROKER_SIGN_IN_REFUSED" },
  ])("says that it wants $name", async ({ code, is }) => {
    const port = await listen(
      fakeBroker(() => [generate({ cmd: "connack", returnCode: code, sessionPresent: false })]),
    );
    await open(`mqtt://127.0.0.1:${port}`);
    await until(() => troubles.length > 0);
    expect(troubles[0]?.code).toBe(is);
  });

  it("says that it lets nobody read", async () => {
    const port = await listen(
      fakeBroker((packet) => {
        if (packet.cmd === "connect") return [generate({ cmd: "connack", returnCode: 0, sessionPresent: false })];
        if (packet.cmd !== "subscribe") return [];
        const granted = packet.subscriptions.map(() => 128);
        return [generate({ cmd: "suback", messageId: packet.messageId ?? 1, granted })];
      }),
    );
    await open(`mqtt://127.0.0.1:${port}`);
    await until(() => troubles.length > 0);
    expect(troubles[0]).toMatchObject({ code: "BROKER_READ_REFUSED", detail: expect.stringMatching(/telemetry/) });
  });
});

it("each code is explained in docs/brokers.md, and no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/brokers.md"), "utf8");
  const explained = page.match(/(?<=^\| `)BROKER_[A-Z_]+(?=`)/gm) ?? [];
  expect([...explained].sort()).toEqual([...BROKER_CODES].sort());
});

type Received = Parameters<Parameters<ReturnType<typeof parser>["on"]>[1]>[0];

function fakeBroker(answer: (packet: Extract<Received, { cmd: string }>) => Buffer[]): Server {
  return createServer((socket) => {
    const reader = parser();
    reader.on("packet", (packet) => {
      for (const bytes of answer(packet)) socket.write(bytes);
    });
    socket.on("error", () => {});
    socket.on("data", (chunk) => reader.parse(chunk));
  });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}
