/** Traps from Net-SNMP's senders, and floods of them, to events and polls. */
import { spawn, spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock, ok } from "@aislewatch/base";
import type { Reading } from "@aislewatch/contract";
import { loadBuiltinProfiles, TrapTable } from "@aislewatch/devices";
import { realClock, silentLog } from "@aislewatch/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { freeUdpPort } from "../test/rig/rig.ts";
import type { Device } from "./config.ts";
import { TRAP_LIMITS } from "./core/trap-gate.ts";
import { defineDriver } from "./drivers/driver.ts";
import { type DeviceEvent, Poller } from "./poller.ts";
import { engineIdOf, Traps, type TrapsOptions } from "./traps.ts";
import type { TrapsConfig } from "./traps-config.ts";

const installed = spawnSync("snmptrap", ["-V"]).error === undefined;
if (!installed && process.env["CI"]) throw new Error("snmptrap is missing: apt-get install snmp");

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const device = (id: string, address: string, over: Partial<Device> = {}): Device => ({
  id,
  kind: "ups",
  driver: defineDriver({
    name: "snmp",
    title: "A fake device",
    config: z.strictObject({}),
    lineKey: () => id,
    address: () => address,
    open: () => ({
      poll: async () => ok({}),
      parse: () => ok({ samples: [{ component: null, metrics: { on_battery: true } }] }),
      metrics: () => [],
      profile: () => null,
      close: async () => undefined,
    }),
  }),
  driverConfig: {},
  lineKey: id,
  intervalMs: 60_000,
  timeoutMs: 5_000,
  labels: {},
  dependsOn: [],
  secret: () => "",
  fingerprint: id,
  ...over,
});

type Polled = { device: string; events: readonly DeviceEvent[] };

async function start(over: Partial<Omit<TrapsOptions, "config">> & { config?: Partial<TrapsConfig> } = {}) {
  const polled: Polled[] = [];
  const port = await freeUdpPort();
  const traps = new Traps({
    name: "store-1/back-office",
    devices: [device("ups", "snmp://127.0.0.1:161")],
    table: new TrapTable(loadBuiltinProfiles()),
    clock: realClock,
    log: silentLog,
    pollNow: (id, events) => polled.push({ device: id, events }) > 0,
    ...over,
    config: {
      listen: { address: "127.0.0.1", port },
      unknownSenders: "ignore",
      community: "public",
      users: [],
      ...over.config,
    },
  });
  await traps.start();
  stops.push(() => traps.stop());
  return { traps, port, polled };
}

/** Runs Net-SNMP's snmptrap or snmpinform to its end. */
async function send(program: "snmptrap" | "snmpinform", port: number, args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "snmptrap-"));
  const child = spawn(program, ["-v2c", "-c", "public", `127.0.0.1:${port}`, "", ...args], {
    env: { ...process.env, SNMP_PERSISTENT_DIR: folder, SNMPCONFPATH: folder, MIBS: "" },
    stdio: "ignore",
  });
  const [code] = (await once(child, "close")) as [number];
  rmSync(folder, { recursive: true, force: true });
  return code;
}

/** Real datagrams of snmptrap, to be sent again and again. */
async function datagramOf(args: readonly string[]): Promise<Buffer> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const coming = once(socket, "message") as Promise<[Buffer]>;
  await send("snmptrap", socket.address().port, args);
  const [datagram] = await coming;
  socket.close();
  return datagram;
}

async function sender(address = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, address);
  await once(socket, "listening");
  stops.push(() => socket.close());
  return socket;
}

const until = (what: () => boolean): Promise<void> => expect.poll(what).toBe(true);
const ON_BATTERY = ["1.3.6.1.2.1.33.2.0.1", "1.3.6.1.2.1.33.1.2.3.0", "i", "12"];

describe.runIf(installed)("a trap", () => {
  it("is an event of its device with a canonical code, and its inform is answered", async () => {
    const { traps, port, polled } = await start();
    expect(await send("snmpinform", port, ON_BATTERY)).toBe(0);
    await send("snmptrap", port, ["1.3.6.1.4.1.318.0.9"]);
    await send("snmptrap", port, ["1.3.6.1.4.1.99999.0.1"]);
    await until(() => polled.length === 3);
    expect(polled.map(({ device: id, events }) => [id, events[0]?.code, events[0]?.detail])).toEqual([
      ["ups", "on_battery", "upsTrapOnBattery, minutesRemaining 12"],
      ["ups", "on_battery_cleared", "powerRestored"],
      ["ups", "trap", "1.3.6.1.4.1.99999.0.1"],
    ]);
    expect(traps.figures).toMatchObject({
      listening: `127.0.0.1:${port}`,
      received: 3,
      taken: 3,
      informs: 1,
      lastTrap: { device: "ups", code: "trap" },
      lastDrop: null,
    });
  });

  it("makes the poller poll at once, and is in the reading", async () => {
    const readings: { reading: Reading; atMs: number }[] = [];
    const devices = [device("ups", "snmp://127.0.0.1:161")];
    const poller = new Poller({
      devices,
      clock: realClock,
      random: () => 0,
      log: silentLog,
      onReading: (reading) => readings.push({ reading, atMs: performance.now() }),
      onInventory: () => undefined,
    });
    poller.start();
    stops.push(() => poller.stop());
    await until(() => readings.length === 1);
    const { port } = await start({ devices, pollNow: (id, events) => poller.pollNow(id, events) });
    const msToReading = async (): Promise<number> => {
      // A poll that ended a moment ago is left alone for two seconds.
      await new Promise((resolve) => realClock.after(2_000, () => resolve(null)));
      const before = readings.length;
      const startMs = performance.now();
      await send("snmptrap", port, ON_BATTERY);
      await until(() => readings.length === before + 1);
      const tookMs = Math.round((readings.at(-1)?.atMs ?? 0) - startMs);
      console.log(`from the start of snmptrap to the reading of the poll that it caused: ${tookMs} ms`);
      expect(readings.at(-1)?.reading.events).toMatchObject([{ code: "on_battery" }]);
      return tookMs;
    };
    // Of a minute between polls; once more when the machine stood still.
    await expect.poll(msToReading).toBeLessThan(2_000);
  });

  it("that comes again is one event", async () => {
    const { traps, port, polled } = await start();
    const socket = await sender();
    const datagram = await datagramOf(ON_BATTERY);
    for (let n = 0; n < 5; n++) socket.send(datagram, port, "127.0.0.1");
    await until(() => traps.figures.received === 5);
    expect([polled.length, traps.figures.dropped.repeated]).toEqual([1, 4]);
  });

  it("of a stranger is counted and costs nothing, unless strangers are let in: then it is logged", async () => {
    const { traps, port, polled } = await start();
    const socket = await sender("127.0.0.77");
    const datagram = await datagramOf(ON_BATTERY);
    socket.send(datagram, port, "127.0.0.1");
    await until(() => traps.figures.received === 1);
    expect([polled, traps.figures.dropped.unknown_sender, traps.figures.lastDrop]).toEqual([
      [],
      1,
      { atMs: expect.any(Number), from: "127.0.0.77", reason: "unknown_sender" },
    ]);
    const open = await start({ config: { unknownSenders: "accept" } });
    socket.send(datagram, open.port, "127.0.0.1");
    await until(() => open.traps.figures.received === 1);
    expect([open.polled, open.traps.figures.lastDrop]).toEqual([[], null]);
  });

  it("of a relay that is let in is its device's when it names it", async () => {
    const devices = [device("ups", "snmp://10.9.8.7:161"), device("other", "snmp://10.9.8.8:161")];
    const { port, polled } = await start({ devices, config: { unknownSenders: "accept" } });
    await send("snmptrap", port, ["1.3.6.1.4.1.318.0.5", "1.3.6.1.6.3.18.1.3.0", "a", "10.9.8.7"]);
    await until(() => polled.length === 1);
    expect(polled[0]).toMatchObject({ device: "ups", events: [{ code: "on_battery" }] });
  });

  it("is known by a device's name, looked up again for the address may move", async () => {
    const clock = new ManualClock();
    let address = "127.0.0.77";
    const devices = [device("ups", "snmp://ups-1.store:161"), device("printer", "tcp://[::ffff:127.0.0.78]:9100")];
    const { traps, port, polled } = await start({ devices, clock, resolve: async () => [address] });
    await new Promise(setImmediate);
    const datagram = await datagramOf(ON_BATTERY);
    (await sender("127.0.0.77")).send(datagram, port, "127.0.0.1");
    await until(() => polled.length === 1);
    address = "127.0.0.79";
    clock.advance(300_000);
    await new Promise(setImmediate);
    (await sender("127.0.0.79")).send(datagram, port, "127.0.0.1");
    await until(() => polled.length === 2);
    expect([traps.figures.dropped.unknown_sender, polled[1]?.device]).toEqual([0, "ups"]);
  });

  it("polls all devices of its address, and is an event of the one that speaks SNMP", async () => {
    const zpl = device("label-printer", "tcp://127.0.0.1:9100");
    const devices = [
      { ...zpl, driver: { ...zpl.driver, name: "zpl" } },
      device("print-server", "snmp://127.0.0.1:161"),
    ];
    const { port, polled } = await start({ devices });
    await send("snmptrap", port, ["1.3.6.1.4.1.683.6.0.5"]);
    await until(() => polled.length === 2);
    expect(polled).toEqual([
      { device: "print-server", events: [{ component: null, code: "media_out", detail: "trapPrinterPaperOut" }] },
      { device: "label-printer", events: [] },
    ]);
  });
});

describe("a flood", () => {
  it.runIf(installed)("of 10,000 traps is counted, costs little memory, and starves no other sender", async () => {
    const devices = [device("ups", "snmp://127.0.0.1:161"), device("switch", "snmp://127.0.0.77:161")];
    const { traps, port, polled } = await start({ devices });
    const [flooder, other] = [await sender(), await sender("127.0.0.77")];
    const datagram = await datagramOf(ON_BATTERY);
    const number = datagram.length - 1;
    const before = process.memoryUsage().rss;
    const startMs = performance.now();
    for (let sent = 0; sent < 10_000; ) {
      const seen = traps.figures.received;
      // In portions that the kernel's buffer holds, so that all of them arrive and none is like another.
      for (let n = 0; n < 200; n++, sent++) {
        const one = Buffer.from(datagram);
        one.writeUInt8(sent % 128, number);
        flooder.send(one, port, "127.0.0.1");
      }
      await until(() => traps.figures.received >= seen + 200);
    }
    const tookMs = performance.now() - startMs;
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    other.send(datagram, port, "127.0.0.1");
    await until(() => polled.some(({ device: id }) => id === "switch"));
    const { received, dropped, taken } = traps.figures;
    console.log(`10,000 traps in ${tookMs.toFixed(0)} ms: ${taken} taken, +${grown.toFixed(1)} MiB`, dropped);
    expect(received).toBe(10_001);
    expect(taken + Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(10_001);
    const passed = TRAP_LIMITS.burstOfSource + TRAP_LIMITS.perSecondOfSource * (tookMs / 1_000 + 1);
    expect(taken + dropped.repeated).toBeLessThanOrEqual(passed + 1);
    expect(grown).toBeLessThan(64);
  });

  it.runIf(installed)("of many strangers that are let in leaves the devices their share", async () => {
    const clock = new ManualClock();
    const { traps, port, polled } = await start({ clock, config: { unknownSenders: "accept" } });
    const noise = Buffer.from("noise");
    const strangers = await Promise.all(Array.from({ length: 24 }, (_, n) => sender(`127.0.9.${n + 1}`)));
    for (const stranger of strangers) {
      const seen = traps.figures.received;
      for (let n = 0; n < TRAP_LIMITS.burstOfSource; n++) stranger.send(noise, port, "127.0.0.1");
      await until(() => traps.figures.received === seen + TRAP_LIMITS.burstOfSource);
    }
    expect(traps.figures.dropped).toMatchObject({ too_many: 24 * TRAP_LIMITS.burstOfSource - TRAP_LIMITS.burstOfAll });
    expect(await send("snmptrap", port, ON_BATTERY)).toBe(0);
    await until(() => polled.some(({ device: id }) => id === "ups"));
  });
});

describe("the listener", () => {
  it("that finds its port taken says so, and tries again", async () => {
    const clock = new ManualClock();
    const blocker = await sender();
    const { port } = blocker.address();
    const { traps } = await start({ clock, config: { listen: { address: "127.0.0.1", port } } });
    expect([traps.figures.listening, traps.figures.lastError]).toEqual([null, expect.stringContaining("EADDRINUSE")]);
    stops.splice(stops.length - 2, 1);
    await new Promise<void>((resolve) => blocker.close(() => resolve()));
    clock.advance(60_000);
    await until(() => traps.figures.listening !== null);
    expect(traps.figures.lastError).toBeNull();
  });

  it("has the same engine id after a restart, and another than another agent", () => {
    expect(engineIdOf("store-1/a")).toEqual(engineIdOf("store-1/a"));
    expect(engineIdOf("store-1/a")).not.toEqual(engineIdOf("store-1/b"));
    expect(engineIdOf("store-1/a")).toHaveLength(21);
  });
});
