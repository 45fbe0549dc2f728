/** One agent, 200 SNMP devices behind real sockets, and one in twenty of them dies: nobody else may notice. */
import { realClock, silentLog } from "@aislewatch/runtime";
import {
  bringToLife,
  NORMAL,
  SILENT,
  type SnmpDevice,
  seededRandom,
  startSnmpDevice,
  ups,
} from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import type { Device } from "./config.ts";
import driver from "./drivers/snmp/index.ts";
import { Poller } from "./poller.ts";

const DEVICES = 200;
const DEAD = 10;
const INTERVAL_MS = 2_000;
/** Turns of each device that are looked at, before and after. */
const TURNS = 3;

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function startDevices(): Promise<SnmpDevice[]> {
  const random = seededRandom(7);
  const view = bringToLife(
    ups({ name: "ups", manufacturer: "x", model: "UPS", serial: "1", location: "x" }),
    realClock,
    random,
  ).tree();
  const devices: SnmpDevice[] = [];
  for (let n = 0; n < DEVICES; n++) {
    const started = await startSnmpDevice({
      address: "127.0.0.1",
      port: 0,
      community: "public",
      users: [],
      engineId: Buffer.from("8000000001020304", "hex"),
      view: () => view,
      clock: realClock,
      random,
    });
    if (!started.ok) throw new Error(JSON.stringify(started.error));
    devices.push(started.value);
    stops.push(() => started.value.stop());
  }
  return devices;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

describe("200 devices of which ten die", () => {
  it("the others are polled as before, and the dead ones are named with what they cost", async () => {
    const devices = await startDevices();
    const polls: { device: string; ms: number; up: unknown }[] = [];
    const poller = new Poller({
      devices: devices.map(({ port }, n): Device => {
        const driverConfig = driver.config.parse({ address: `127.0.0.1:${port}`, profile: "system" });
        return {
          id: `ups-${n}`,
          kind: "ups",
          driver,
          driverConfig,
          lineKey: driver.lineKey(driverConfig),
          intervalMs: INTERVAL_MS,
          timeoutMs: INTERVAL_MS,
          labels: {},
          dependsOn: [],
          secret: () => "",
          fingerprint: `ups-${n}`,
        };
      }),
      clock: realClock,
      random: seededRandom(11),
      log: silentLog,
      onReading: ({ device, samples }) => {
        const { up, poll_duration_seconds: seconds } = samples[0]?.metrics ?? {};
        polls.push({ device, ms: 1_000 * Number(seconds), up });
      },
      onInventory: () => undefined,
    });
    stops.unshift(() => poller.stop());
    const dead = new Set(Array.from({ length: DEAD }, (_, n) => `ups-${n * (DEVICES / DEAD)}`));
    /** Until each device that is well has had its turns, or the test's time is up. */
    const measure = async (): Promise<{ medianMs: number; wallMs: number }> => {
      const from = polls.length;
      const startMs = performance.now();
      await expect
        .poll(() => polls.slice(from).filter(({ device }) => !dead.has(device)).length)
        .toBeGreaterThanOrEqual(TURNS * (DEVICES - DEAD));
      const ofWell = polls.slice(from).filter(({ device }) => !dead.has(device));
      expect(ofWell.every(({ up }) => up === true)).toBe(true);
      return { medianMs: median(ofWell.map(({ ms }) => ms)), wallMs: performance.now() - startMs };
    };
    poller.start();
    await expect.poll(() => new Set(polls.map(({ device }) => device)).size).toBe(DEVICES);
    const before = await measure();
    for (const id of dead) devices[Number(id.slice(4))]?.setConduct(SILENT);
    const after = await measure();
    const states = poller.states;
    const down = states.filter(({ health }) => health.state === "down");
    const skippedOfWell = states
      .filter(({ id }) => !dead.has(id))
      .reduce((sum, { health }) => sum + health.skippedTurns, 0);
    console.log(
      `median poll of the well: ${before.medianMs} ms before, ${after.medianMs} ms after ${DEAD} of ${DEVICES} died;`,
      `${TURNS} turns of each in ${Math.round(before.wallMs)} and ${Math.round(after.wallMs)} ms; they skipped ${skippedOfWell}`,
    );
    expect(new Set(down.map(({ id }) => id))).toEqual(dead);
    for (const { health } of down) {
      expect(health.lastFailure?.detail).toMatch(/no answer|time was up/);
      expect(health.costMs).toBeGreaterThan(10 * after.medianMs);
    }
    expect(after.medianMs).toBeLessThan(3 * before.medianMs + 50);
    expect(after.wallMs).toBeLessThan(2 * before.wallMs + INTERVAL_MS);
    for (const id of dead) devices[Number(id.slice(4))]?.setConduct(NORMAL);
  });
});
