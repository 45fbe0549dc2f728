/** The driver against simulated drives and PLCs over its real lines and framings. */
import type { Kind } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  conveyorUnit,
  conveyorZone,
  type Dialogue,
  drive,
  driveUnit,
  type ModbusBus,
  type ModbusUnit,
  modbusDialogue,
  seededRandom,
} from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { LINES, simulatedLine } from "../../../test/rig/simulated-line.ts";
import type { PollError } from "../driver.ts";
import { frameOf, questionPdu } from "./frames.ts";
import modbus from "./index.ts";

const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown): void => void ends.push(end);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Way = { readonly line: (typeof LINES)[number]; readonly framing: "rtu" | "tcp"; readonly echoes?: boolean };
/** Modbus TCP, a terminal server's raw port, and a serial port. */
const WAYS: readonly Way[] = [{ line: "tcp", framing: "tcp" }, ...LINES.map((line): Way => ({ line, framing: "rtu" }))];
const [FIRST = { line: "tcp", framing: "tcp" }] = WAYS;

const IDENTITY = { name: "m7", vendor: "Acme", model: "AC-1500", firmware: "2.04" };
const DRIVE = { map: "siemens-v20", unit: 1 };
const ZONE = { map: "conveyor-zone", unit: 2 };

/** A drive (unit 1) and a zone (unit 2) on one bus. */
async function busOn({ line, framing, echoes = false }: Way, more: Readonly<Record<number, ModbusUnit>> = {}) {
  const motor = bringToLife(drive(), realClock, seededRandom(3));
  const zone = bringToLife(conveyorZone(), realClock, seededRandom(4));
  const writes: number[] = [];
  const units = new Map<number, ModbusUnit>([
    [1, driveUnit(motor, IDENTITY)],
    [2, conveyorUnit(zone)],
    ...Object.entries(more).map(([unit, of]) => [Number(unit), of] as const),
  ]);
  const bus: ModbusBus = { units, framing, random: seededRandom(5), echoes, onWrite: (code) => writes.push(code) };
  const simulated = await simulatedLine(line, modbusDialogue(bus), onEnd);
  const common = { line: simulated.line, framing, request_timeout: "150ms" };
  const poll = (device: object, kind: Kind = "drive") => pollerOf({ ...common, ...device }, kind);
  return { motor, zone, writes, common, poll, ...simulated };
}

type Polled = { readonly metrics: Readonly<Record<string, unknown>>; readonly [component: string]: unknown };
type Outcome = Polled | PollError;

function pollerOf(written: object, kind: Kind): () => Promise<Outcome> {
  const config = modbus.config.parse(written);
  const poller = modbus.open({ id: "device", kind, config, secret: () => "" });
  onEnd(() => poller.close());
  return async () => {
    const reply = await poller.poll({ signal: AbortSignal.timeout(5_000), timeoutMs: 5_000, nowMs: 0 });
    if (!reply.ok) return reply.error;
    const parsed = poller.parse(JSON.parse(JSON.stringify(reply.value)));
    if (!parsed.ok) return { kind: "protocol", detail: parsed.error.detail };
    const { samples, asset } = parsed.value;
    const parts = samples.map(({ component, metrics }) => [component ?? "metrics", metrics] as const);
    return { metrics: {}, asset, ...Object.fromEntries(parts) };
  };
}

const metrics = (outcome: Outcome): unknown => ("metrics" in outcome ? outcome.metrics : outcome);

describe.each(WAYS)("modbus, framing $framing over $line", (way) => {
  it("reads a drive by its map, and each fault as it comes and goes", async () => {
    const { motor, poll, writes } = await busOn(way);
    const ask = poll(DRIVE);
    const well = {
      running: true,
      tripped: false,
      drive_warning: false,
      current_limited: false,
      motor_hot: false,
      speed_percent: 100,
      dc_bus_volts: 560,
    };
    expect(metrics(await ask())).toMatchObject(well);
    motor.fault("trip");
    expect(metrics(await ask())).toMatchObject({ running: false, tripped: true, speed_percent: 0 });
    motor.heal("trip");
    motor.fault("over-current");
    expect(metrics(await ask())).toMatchObject({ tripped: false, current_limited: true, drive_warning: true });
    motor.heal("over-current");
    motor.fault("stall");
    expect(metrics(await ask())).toMatchObject({ run_commanded: true, running: false, speed_percent: 0 });
    expect(writes).toEqual([]);
  });

  it("reads a conveyor zone on the same bus: jam, stall, emergency stop, guard", async () => {
    const { zone, poll } = await busOn(way);
    const ask = poll(ZONE, "conveyor");
    const [drives, first] = await Promise.all([Promise.resolve(metrics(await poll(DRIVE)())), ask()]);
    expect(drives).toMatchObject({ running: true });
    expect(first).toMatchObject({
      metrics: { running: true, run_commanded: true, tripped: false, fault_number: 0, speed_percent: 100 },
      "eye-infeed": { photo_eye_blocked: false },
    });
    const cases = {
      jam: { metrics: { running: true, tripped: false }, "eye-discharge": { photo_eye_blocked: true } },
      stall: { metrics: { run_commanded: true, running: false, speed_percent: 0 } },
      trip: { metrics: { tripped: true, fault_number: 3, running: false } },
      "emergency-stop": { metrics: { emergency_stop: true, run_commanded: false } },
      "guard-open": { metrics: { guard_open: true } },
    };
    for (const [fault, seen] of Object.entries(cases)) {
      zone.fault(fault);
      expect(await ask(), fault).toMatchObject(seen);
      zone.heal(fault);
    }
    expect(await ask()).toMatchObject({ metrics: { emergency_stop: false, guard_open: false, tripped: false } });
  });

  it("takes a unit that is not there for silent, and its neighbours for well", async () => {
    const { poll } = await busOn(way);
    expect(await poll({ ...DRIVE, unit: 9 })()).toMatchObject({
      kind: "timeout",
      detail: "connected, but no reply from unit 9",
    });
    expect(metrics(await poll(DRIVE)())).toMatchObject({ running: true });
  });

  it("gets through damaged replies by asking again, and counts them", async () => {
    if (way.framing === "tcp") return;
    const { motor, poll } = await busOn(way);
    const ask = poll({ ...DRIVE, retries: 5, request_timeout: "60ms" });
    motor.fault("noise");
    const seen = [await ask(), await ask()].map(metrics);
    motor.heal("noise");
    const last = metrics(await ask());
    expect(last).toMatchObject({ running: true });
    expect((last as { line_checksum_errors_total: number }).line_checksum_errors_total).toBeGreaterThan(2);
    for (const one of seen) expect(JSON.stringify(one)).toMatch(/"running":true|"kind":"timeout"/);
  });

  it("says which register the device refuses, and why", async () => {
    const { motor, poll } = await busOn(way);
    expect(await poll({ ...DRIVE, map: "sew-movitrac-ltp", unit: 2 })()).toMatchObject({
      kind: "protocol",
      detail: "the device refuses holding register 6 (error, speed, current): illegal data address",
    });
    motor.fault("refusing");
    const refused = await poll(DRIVE)();
    expect(refused).toMatchObject({ kind: "protocol" });
    expect(JSON.stringify(refused)).toContain("holding register 40024");
  });

  it("takes nothing from a line that talks nonsense or not at all", async () => {
    const { device, poll } = await busOn(way);
    const ask = poll({ ...DRIVE, retries: 0 });
    await device.setConduct({ kind: "garbage" });
    expect(await ask()).toMatchObject({ kind: "timeout" });
    await device.setConduct({ kind: "silent" });
    expect(["timeout", "refused"]).toContain(((await ask()) as PollError).kind);
    await device.setConduct({ kind: "normal" });
    expect(metrics(await ask())).toMatchObject({ running: true });
  });
});

describe("modbus", () => {
  it("hears its own question on a two-wire adapter and takes it for none of the device", async () => {
    const { poll } = await busOn({ line: "tcp", framing: "rtu", echoes: true });
    expect(metrics(await poll(DRIVE)())).toMatchObject({ running: true, line_checksum_errors_total: 0 });
    expect(await poll({ ...DRIVE, unit: 9 })()).toMatchObject({
      kind: "timeout",
      detail: "only the question's own echo came back from unit 9",
    });
  });

  it("asks a device who it is, once, where its map says so", async () => {
    const own = new Map<string, number>();
    const counting: ModbusUnit = {
      registers: () => (table, address) => {
        own.set(`${table}:${address}`, (own.get(`${table}:${address}`) ?? 0) + 1);
        return table === "holding" && [15_399, 15_429].includes(address) ? 0x4643 : 0;
      },
      mood: () => "well",
      identity: null,
    };
    const { poll } = await busOn(FIRST, { 3: counting });
    const ask = poll({ map: "danfoss-vlt-fc", unit: 3 });
    await ask();
    await ask();
    expect(await ask()).toMatchObject({ asset: { vendor: "Danfoss", model: "FC" } });
    expect([own.get("holding:15399"), own.get("holding:14999"), own.get("coil:35")]).toEqual([1, 1, 3]);
  });

  it("keeps the bus to one device at a time: all its units have one line key", () => {
    const config = (unit: number) => modbus.config.parse({ line: { tcp: "gateway:502" }, map: "conveyor-zone", unit });
    expect(modbus.lineKey(config(1))).toBe(modbus.lineKey(config(2)));
    expect(modbus.address(config(7))).toBe("tcp://gateway:502 unit 7");
  });

  it.each([
    { name: "a map that there is not", device: { map: "siemens-v2" }, says: 'did you mean "siemens-v20"?' },
    { name: "a broadcast on a serial line", device: { map: "siemens-v20", unit: 0 }, says: "unit from 1 to 247" },
    {
      name: "TCP framing on a serial line",
      device: { map: "siemens-v20", framing: "tcp" },
      says: "on a TCP line only",
    },
  ])("refuses $name", ({ device, says }) => {
    const read = modbus.config.safeParse({ line: { serial: "/dev/ttyUSB0" }, ...device });
    expect(JSON.stringify(read.error?.issues)).toContain(says.replaceAll('"', '\\"'));
  });
});

describe("modbus, listening", () => {
  it("hears what a PLC asks of two units on one line, and sends nothing", async () => {
    const units = new Map<number, ModbusUnit>();
    const motor = bringToLife(drive(), realClock, seededRandom(3));
    units.set(1, driveUnit(motor, IDENTITY));
    const ask = modbusDialogue({ units, framing: "rtu", random: seededRandom(5) })();
    const frames = [
      [23, 7],
      [109, 2],
    ].map(([address = 0, count = 0]) =>
      frameOf(questionPdu({ kind: "read", table: "holding", address, count }), {
        framing: "rtu",
        unit: 1,
        transaction: 0,
      }),
    );
    const sent: Uint8Array[] = [];
    let speak: (text: string) => void = () => {};
    const bus = (): Dialogue => ({
      take: (bytes) => {
        sent.push(bytes);
        return [];
      },
      begin: (say) => {
        speak = say;
        return () => {};
      },
    });
    const { line } = await simulatedLine("tcp", bus, onEnd);
    const heard = { line, listen: true, stale: "10s", map: "siemens-v20" };
    const [here, absent] = [pollerOf({ ...heard, unit: 1 }, "drive"), pollerOf({ ...heard, unit: 2 }, "drive")];
    expect(await here()).toMatchObject({
      kind: "timeout",
      detail: expect.stringContaining("nothing was heard of unit 1"),
    });
    motor.fault("trip");
    const heardAgain = (): ReturnType<typeof here> => {
      for (const frame of frames) speak([Buffer.from(frame).toString("latin1"), ...ask.take(frame)].join(""));
      return here();
    };
    await expect
      .poll(async () => metrics(await heardAgain()))
      .toMatchObject({ tripped: true, running: false, dc_bus_volts: 560 });
    expect(await absent()).toMatchObject({ kind: "timeout" });
    expect(sent).toEqual([]);
  });
});

describe.runIf(LINES.includes("serial"))("modbus on an adapter", () => {
  it("comes back by itself when the adapter is pulled out and plugged in", async () => {
    const { poll, unplug, replug } = await busOn({ line: "serial", framing: "rtu" });
    const ask = poll(DRIVE);
    expect(metrics(await ask())).toMatchObject({ running: true });
    await unplug();
    expect(await ask()).toMatchObject({ kind: "unreachable" });
    await replug();
    expect(metrics(await ask())).toMatchObject({ running: true });
  });
});
