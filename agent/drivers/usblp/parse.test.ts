import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readUsbDevice, type UsbDevice } from "../../core/usb-device.ts";
import { METRICS, parse } from "./parse.ts";
import type { UsblpReply } from "./types.ts";

const attached = (attributes: Readonly<Record<string, string>> = {}): UsbDevice => {
  const device = readUsbDevice({
    port: "1-4",
    attributes: {
      devnum: "7",
      idVendor: "04b8",
      idProduct: "0e15",
      manufacturer: "EPSON",
      product: "UB-U03II",
      ...attributes,
    },
    interfaces: [],
  });
  if (device === null) throw new Error("no device");
  return device;
};
const reply = (changes: Partial<UsblpReply>): UsblpReply => ({
  device: attached(),
  certain: false,
  deviceId: null,
  portStatus: null,
  wasWell: false,
  ...changes,
});
function read(changes: Partial<UsblpReply>) {
  const parsed = parse(reply(changes));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return { metrics: parsed.value.samples[0]?.metrics, asset: parsed.value.asset };
}

describe("a serial number of the device id", () => {
  const id = (serial: string): string => `MFG:POS;MDL:80;CMD:ESC/POS;SN:${serial};`;
  it.each([
    { name: "stands in for one that USB has not", usb: {}, deviceId: id("J4FK7"), want: "J4FK7" },
    {
      name: "is none when two units have it by USB",
      usb: { serial: "6D0A4C" },
      deviceId: id("6D0A4C"),
      want: undefined,
    },
    { name: "is none when it is what makers leave in", usb: {}, deviceId: id("0123456789"), want: undefined },
  ])("$name", ({ usb, deviceId, want }) => {
    expect(read({ device: attached(usb), certain: false, deviceId }).asset?.serial).toBe(want);
  });
});

describe("port status", () => {
  const nothing = { attached: true };
  const status = (media_out: boolean, offline: boolean, recoverable_error: boolean) => ({
    attached: true,
    media_out,
    offline,
    recoverable_error,
  });
  it.each([
    { name: "well", byte: 0x18, wasWell: true, metrics: status(false, false, false) },
    { name: "paper empty", byte: 0x38, wasWell: true, metrics: status(true, false, false) },
    { name: "paper empty is an error to many", byte: 0x30, wasWell: false, metrics: status(true, false, false) },
    { name: "off-line and out of paper", byte: 0x20, wasWell: false, metrics: status(true, true, false) },
    { name: "off-line", byte: 0x08, wasWell: false, metrics: status(false, true, false) },
    { name: "an error, of what", byte: 0x10, wasWell: false, metrics: status(false, false, true) },
    {
      name: "the old parallel port's busy and acknowledge beside it",
      byte: 0xd8,
      wasWell: true,
      metrics: status(false, false, false),
    },
    { name: "zero for ever", byte: 0x00, wasWell: false, metrics: nothing },
    { name: "ones for ever", byte: 0xff, wasWell: false, metrics: nothing },
    { name: "zero of a printer that was well", byte: 0x00, wasWell: true, metrics: status(false, true, true) },
    { name: "not asked", byte: null, wasWell: false, metrics: nothing },
  ])("is read: $name", ({ byte, wasWell, metrics }) => {
    expect(read({ portStatus: byte, wasWell }).metrics).toEqual(metrics);
  });

  it("says nothing of a printer that is not there", () => {
    expect(read({ device: null }).metrics).toEqual({ attached: false });
  });
});

describe("who the printer is", () => {
  const deviceId = "MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;SN:4D43555A;";
  it.each([
    { name: "its device id, before its interface board", changes: { deviceId }, model: "TM-T88V", serial: "4D43555A" },
    { name: "its descriptors without one", changes: {}, model: "UB-U03II", serial: undefined },
    {
      name: "its USB serial number first, by which its slot knows it",
      changes: { device: attached({ serial: "J7Q1" }), certain: true, deviceId },
      model: "TM-T88V",
      serial: "J7Q1",
    },
    {
      name: "a USB serial number that others have as well is none",
      changes: { device: attached({ serial: "J7Q1" }), certain: false },
      model: "UB-U03II",
      serial: undefined,
    },
  ])("is read: $name", ({ changes, model, serial }) => {
    const { asset } = read(changes);
    expect(asset?.model).toBe(model);
    expect(asset?.serial).toBe(serial);
  });
});

it("never throws, and reports nothing but its metrics", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.nat(255), fc.boolean(), (deviceId, byte, wasWell) => {
      const { metrics } = read({ deviceId, portStatus: byte, wasWell });
      for (const name of Object.keys(metrics ?? {})) expect(METRICS).toContain(name);
    }),
  );
});
