import { describe, expect, it } from "vitest";
import type { Device } from "../config.ts";
import { writeLineRecording } from "../core/line-recording.ts";
import dpl from "../drivers/dpl/index.ts";
import type { AnyDriver } from "../drivers/driver.ts";
import escpos from "../drivers/escpos/index.ts";
import modbus from "../drivers/modbus/index.ts";
import mtSics from "../drivers/mt-sics/index.ts";
import tap from "../drivers/tap/index.ts";
import { makeLineRecording, openLineRecording } from "./line-recordings.ts";

const DRIVERS: readonly AnyDriver[] = [dpl, escpos, modbus, mtSics, tap];

const deviceOf = (driver: AnyDriver, kind: Device["kind"], options: object = {}) => {
  const driverConfig: unknown = driver.config.parse({ line: { tcp: "10.42.0.9:4001" }, ...options });
  return { id: "lane-1/x", kind, driver, driverConfig } as Device;
};
const record = (device: Device, reply: object, said: Readonly<Record<string, string | null>> = {}) => {
  const { id, kind, driver, driverConfig } = device;
  const poller = driver.open({ id, kind, config: driverConfig, secret: () => "" });
  const heard = Object.entries(said).map(([ask, answer]) => ({ ask, sent: "?", said: answer, tookMs: 12.4 }));
  return makeLineRecording(device, { poller, reply, heard, atMs: 7 });
};

const SCALE = deviceOf(mtSics, "scale", { zero_window_kilograms: 0.5 });
const SAID = { weight: "S S      0.000 kg\r\n", I2: 'I2 A "XS204"\r\n', I3: null, I4: 'I4 A "B021004217"\r\n' };
const DRIVE = deviceOf(modbus, "drive", { map: "siemens-v20", unit: 7 });
const ASKED = { "holding:23+7": "030e1388fa6000df026c005d00000230", "holding:109+2": "0304ea04c000" };
const MODBUS = { kind: "asked", said: ASKED, line: { checksumErrors: 0, timeouts: 0, refusals: 0 } };

describe("a recording", () => {
  it("holds what parse needs, no address and no serial number, and means the same", () => {
    const made = record(SCALE, SAID, SAID);
    const text = writeLineRecording(made.recording);
    expect(made).toMatchObject({ isFaithful: true, replaced: { serial: 1 } });
    expect(made.recording).toMatchObject({
      driver: "mt_sics",
      options: { zero_window_kilograms: 0.5 },
      redacted: true,
    });
    expect(text).not.toContain("10.42.0.9");
    expect(text, "in the answer or in its hex").not.toMatch(/B021004217|42303231303034323137/i);
    const opened = openLineRecording(text, DRIVERS, null);
    if (!opened.ok) throw new Error(opened.error);
    const parsed = opened.value.poller.parse(opened.value.recording.answers);
    expect(parsed).toMatchObject({ value: { asset: { model: "XS204", serial: "X000000001" } } });
    expect(opened.value.heard.map(({ said }) => said === null)).toEqual([false, false, true, false]);
  });

  it("holds words of Modbus as they are, and the map by its name", () => {
    const { recording, isFaithful } = record(DRIVE, MODBUS, { "holding:109+2": "\u0007\u0003" });
    expect(isFaithful).toBe(true);
    expect(recording).toMatchObject({ options: { map: "siemens-v20", unit: 7 }, answers: MODBUS });
    const opened = openLineRecording(writeLineRecording(recording), DRIVERS, null);
    expect(opened.ok && opened.value.poller.parse(opened.value.recording.answers)).toMatchObject({ ok: true });
  });

  it("is read as the device that is named, with that one's options", () => {
    const text = writeLineRecording(record(SCALE, SAID).recording);
    const other = deviceOf(mtSics, "scale", { zero_window_kilograms: 0 });
    const opened = openLineRecording(text, DRIVERS, other);
    expect(opened.ok && opened.value.poller.parse(SAID)).toMatchObject({ ok: true });
    expect(openLineRecording(text, DRIVERS, DRIVE)).toMatchObject({
      error: "it is of the driver mt_sics; lane-1/x has the driver modbus",
    });
  });

  const written = JSON.parse(writeLineRecording(record(SCALE, SAID, SAID).recording));
  it.each([
    { name: "a driver that there is not", change: { driver: "mt_sic" }, says: 'did you mean "mt_sics"?' },
    { name: "a driver that asks nobody", change: { driver: "tap" }, says: "driver: expected one of: dpl, escpos," },
    { name: "an option that there is not", change: { options: { drawer: 1 } }, says: "options" },
    {
      name: "an option out of range",
      change: { options: { zero_window_kilograms: 9 } },
      says: "options.zero_window_kilograms",
    },
    { name: "a line among the options", change: { options: { line: "x" } }, says: "options.line" },
    { name: "a question that is never asked", change: { answers: { I5: "x" }, exchanges: [] }, says: 'received "I5"' },
    { name: "an answer that is no text", change: { answers: { I2: 5 } }, says: "answers.I2: expected a text or null" },
    { name: "a foreign exchange", change: { exchanges: [{ ask: "wait" }] }, says: 'received "wait"' },
    { name: "a later version", change: { recording: 2 }, says: "of version 1; received 2" },
  ])("is refused with $name", ({ change, says }) => {
    const opened = openLineRecording(JSON.stringify({ ...written, ...change }), DRIVERS, null);
    expect(opened.ok ? "read" : opened.error).toContain(says);
  });
});
