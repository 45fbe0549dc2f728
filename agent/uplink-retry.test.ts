/** How an uplink waits before it connects again, against a broker that takes everybody and throws them out at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "@aislewatch/base";
import { realClock, silentLog } from "@aislewatch/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openOutbox } from "./outbox.ts";
import { Uplink } from "./uplink.ts";

/** Makes each wait a number that nothing else has: half and a half of this of 500 ms and its doubles. */
const RANDOM = 0.123;
const FIRST_MS = 369;
const GROWING_MS = [FIRST_MS, 562, 1_123, 2_246, 4_492];

const stops: (() => unknown)[] = [];
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "uplink-retry-"));
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
});

it("waits longer each time for a broker that takes it and throws it out again", async () => {
  const waits = await waitsAt(await startBroker((socket) => socket.destroy()));
  await until(() => waits.length >= GROWING_MS.length);
  expect(waits.slice(0, GROWING_MS.length)).toEqual(GROWING_MS);
});

it("begins with the shortest wait again when the collector has acked", async () => {
  let connections = 0;
  const port = await startBroker((socket) => {
    if (++connections === 4) socket.write(publish("aislewatch/v1/store-1/back-office/ack", ACK));
    // What came before is read before the end of the line.
    socket.end();
  });
  const waits = await waitsAt(port);
  await until(() => waits.length >= 5);
  expect(waits.slice(0, 5)).toEqual([...GROWING_MS.slice(0, 3), FIRST_MS, 562]);
});

const ACK = JSON.stringify({ v: 1, epoch: "epoch-1", live: 0, history: 0, grant: { historyBytesPerSecond: 1 } });

/** The waits of an uplink to this port, which it does not spend. */
async function waitsAt(port: number): Promise<readonly number[]> {
  const waits: number[] = [];
  const clock: Clock = {
    ...realClock,
    after(ms, run) {
      const isWait = GROWING_MS.includes(ms);
      if (isWait) waits.push(ms);
      return realClock.after(isWait ? 0 : ms, run);
    },
  };
  const outbox = openOutbox({ folder, bytesMax: 1e7, ageMsMax: 1e9, clock, newEpoch: () => "epoch-1" });
  const uplink = new Uplink({
    site: "store-1",
    agent: "back-office",
    version: "9",
    url: `mqtt://127.0.0.1:${port}`,
    username: "store-1/back-office",
    outbox,
    inventory: () => ({ revision: 1, devices: [] }),
    clock,
    random: () => RANDOM,
    log: silentLog,
  });
  stops.push(() => outbox.close());
  stops.push(() => uplink.stop());
  uplink.start();
  return waits;
}

/** Accepts every CONNECT (MQTT 3.1.1, 3.2), and does the rest to whoever it accepted. */
async function startBroker(then: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      then(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** PUBLISH with QoS 0 (MQTT 3.1.1, 3.3) of 128 to 16,383 bytes, whose length takes two. */
function publish(topic: string, text: string): Buffer {
  const length = 2 + topic.length + text.length;
  return Buffer.concat([
    Buffer.from([0x30, (length % 128) | 0x80, Math.floor(length / 128), 0, topic.length]),
    Buffer.from(topic + text),
  ]);
}

const until = (isSo: () => boolean): Promise<void> => expect.poll(isSo, { interval: 5 }).toBe(true);
