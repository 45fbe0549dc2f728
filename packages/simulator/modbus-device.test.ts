import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { bringToLife } from "./live-device.ts";
import { conveyorUnit, driveUnit, type ModbusBus, type ModbusUnit, modbusDialogue } from "./modbus-device.ts";
import { conveyorZone } from "./models/conveyor-zone.ts";
import { drive } from "./models/drive.ts";
import { seededRandom } from "./random.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

const constant: ModbusUnit = {
  registers: () => (table, address) => (address < 8 ? (table === "coil" ? address & 1 : 0x100 + address) : undefined),
  mood: () => "well",
  identity: ["Acme", "A1", "2"],
};
const bus = (how: Partial<ModbusBus> = {}): ModbusBus => ({
  units: new Map([[1, constant]]),
  framing: "rtu",
  random: seededRandom(1),
  ...how,
});
const ask = (request: string, how: Partial<ModbusBus> = {}): string[] =>
  modbusDialogue(bus(how))().take(bytesOf(request)).map(hex);

describe("a bus of RTU", () => {
  // The questions and the first two replies are those of a recorded module; the values are this one's.
  it.each([
    { name: "a coil", request: "01 01 0003 0001 0dca", reply: "010101019048" },
    { name: "a holding register", request: "01 03 0000 0001 840a", reply: "0103020100b9d4" },
    { name: "nothing for another unit", request: "02 03 0000 0001 8439", reply: null },
    { name: "nothing when the checksum is wrong", request: "01 03 0000 0001 840b", reply: null },
    { name: "an illegal address", request: "01 03 0063 0001 7414", reply: "018302c0f1" },
  ])("answers with $name", ({ request, reply }) => {
    expect(ask(request)).toEqual(reply === null ? [] : [reply]);
  });

  it("refuses what would write, and tells who asks", () => {
    const writes: number[] = [];
    const onWrite = (code: number): void => void writes.push(code);
    expect(ask("01 05 0003 ff00 7c3a", { onWrite })).toEqual(["01850183 50".replaceAll(" ", "")]);
    expect(ask("01 10 0001 0001 02 00aa 27fe", { onWrite })).toHaveLength(1);
    expect(writes).toEqual([5, 16]);
  });

  it("hears a question however it is cut, behind noise", () => {
    const dialogue = modbusDialogue(bus())();
    const replies = [...bytesOf("ff 01 03 01 03 0000 0001 840a")].flatMap((byte) => dialogue.take(Uint8Array.of(byte)));
    expect(replies.map(hex)).toEqual(["0103020100b9d4"]);
  });

  it("damages most replies of a bad cable, and all of none", () => {
    const noisy: ModbusUnit = { ...constant, mood: () => "noise" };
    const units = new Map([[1, noisy]]);
    const dialogue = modbusDialogue(bus({ units, random: seededRandom(2) }))();
    const replies = Array.from({ length: 200 }, () => dialogue.take(bytesOf("01 03 0000 0001 840a")).map(hex)[0]);
    const damaged = replies.filter((reply) => reply !== "0103020100b9d4").length;
    expect(damaged).toBeGreaterThan(100);
    expect(damaged).toBeLessThan(190);
  });
});

describe("Modbus TCP", () => {
  it("answers in the question's transaction, two questions in one piece", () => {
    const request = "0007 0000 0006 01 03 0001 0001  0008 0000 0006 01 01 0000 0002";
    expect(ask(request, { framing: "tcp" })).toEqual([
      "00070000000501030201 01".replaceAll(" ", ""),
      "00080000000401010102",
    ]);
  });

  it("says who it is", () => {
    expect(ask("0001 0000 0005 01 2b 0e 01 00", { framing: "tcp" })).toEqual([
      `00010000001501${"2b0e0101000003"}00${"0441636d65"}01${"024131"}02${"0132"}`,
    ]);
    expect(ask("0001 0000 0002 01 11", { framing: "tcp" })[0]).toContain(Buffer.from("Acme A1 2").toString("hex"));
  });
});

describe("a live drive and a live zone", () => {
  const clock = new ManualClock();
  const motor = bringToLife(drive(), clock, seededRandom(1));
  const zone = bringToLife(conveyorZone(), clock, seededRandom(1));
  const motorAt = (address: number) =>
    driveUnit(motor, { name: "m", vendor: "Acme", model: "A1", firmware: "2" }).registers()("holding", address);
  const zoneAt = (table: "coil" | "discrete" | "input", address: number) =>
    conveyorUnit(zone).registers()(table, address);

  it("ramp up again after a trip, and count hours while they turn", () => {
    motor.fault("trip");
    expect([motorAt(53), motorAt(110)]).toEqual([1, 0]);
    motor.heal("trip");
    expect(motorAt(53)).toBe(0);
    clock.advance(3_000);
    expect(motorAt(110)).toBe(16_384);
  });

  it("draw more when the belt is held", () => {
    const before = motorAt(25) ?? 0;
    motor.fault("over-current");
    clock.advance(10_000);
    expect(motorAt(25)).toBeGreaterThan(1.5 * before);
    motor.heal("over-current");
  });

  it("count items while the belt runs, none while it is jammed", () => {
    const items = (): number => ((zoneAt("input", 3) ?? 0) << 16) | (zoneAt("input", 4) ?? 0);
    const first = items();
    clock.advance(60_000);
    expect(items() - first).toBe(15);
    zone.fault("jam");
    const jammed = items();
    clock.advance(60_000);
    expect([items() - jammed, zoneAt("discrete", 2), zoneAt("discrete", 0)]).toEqual([0, 1, 1]);
    zone.heal("jam");
    clock.advance(1_000);
    expect(zoneAt("discrete", 2)).toBe(0);
  });

  it("stop for the safety chain", () => {
    zone.fault("guard-open");
    expect([zoneAt("discrete", 4), zoneAt("coil", 0), zoneAt("discrete", 0)]).toEqual([0, 0, 0]);
    zone.heal("guard-open");
  });
});
