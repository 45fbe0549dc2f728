import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recordingsMissing } from "../../test/rig/rig.ts";
import {
  hubOf,
  identityOf,
  portFolder,
  readSerial,
  readUsbDevice,
  type SysfsDevice,
  type UsbDevice,
} from "./usb-device.ts";

const CAPTURES = join(import.meta.dirname, "../../../shared/devices/captures/usb");
const capture = (file: string): string => readFileSync(join(CAPTURES, file), "utf8");

const folder = (attributes: Record<string, string>, port = "1-1"): SysfsDevice => ({
  port,
  attributes: { devnum: "2", idVendor: "0519", idProduct: "0003", bConfigurationValue: "1", ...attributes },
  interfaces: [],
});
const device = (attributes: Record<string, string>, port = "1-1"): UsbDevice => {
  const read = readUsbDevice(folder(attributes, port));
  if (read === null) throw new Error("no device");
  return read;
};

describe("a device folder of sysfs", () => {
  it("is read with its units", () => {
    const text = { bcdDevice: "0904", speed: "1.5", bMaxPower: "400mA", bmAttributes: "a0", bDeviceClass: "00" };
    expect(device({ ...text, manufacturer: "Honeywell", product: "N5600", serial: "19214B0217" })).toEqual({
      port: "1-1",
      devnum: 2,
      vendorId: "0519",
      productId: "0003",
      release: "9.04",
      manufacturer: "Honeywell",
      product: "N5600",
      serial: "19214B0217",
      speedBitsPerSecond: 1_500_000,
      maxCurrentMilliamperes: 400,
      selfPowered: false,
      isHub: false,
      configured: true,
      authorized: true,
      interfaces: [],
    });
  });

  it.each([
    { name: "no vendor", attributes: { idVendor: "" } },
    { name: "a product that is none", attributes: { idProduct: "xyz" } },
    { name: "no number", attributes: { devnum: "" } },
  ])("is no device with $name", ({ attributes }) => {
    expect(readUsbDevice(folder(attributes))).toBeNull();
  });

  it("is bounded and clean whatever the device says of itself", () => {
    const texts = fc.dictionary(
      fc.constantFrom(
        "manufacturer",
        "product",
        "serial",
        "speed",
        "bMaxPower",
        "bmAttributes",
        "bcdDevice",
        "authorized",
      ),
      fc.string({ unit: "binary", maxLength: 200 }),
    );
    fc.assert(
      fc.property(texts, (attributes) => {
        const read = device(attributes);
        for (const text of [read.manufacturer, read.product, read.serial]) {
          expect(text === null || !/[\p{Cc}\p{Cf}]/u.test(text)).toBe(true);
        }
        const { serial } = readSerial(read.serial);
        expect(serial === null || serial.length > 0).toBe(true);
        expect(identityOf(read, [read]).certain).toBe(serial !== null);
      }),
    );
  });
});

describe("a serial number", () => {
  it.each([
    ["36J141701319", "36J141701319", null],
    ["19214B0217", "19214B0217", null],
    ["S/N:63FC61BF9E8E2247B78E81D22AF2F5E7 Rev:NBRPPAAP1", "63FC61BF9E8E2247B78E81D22AF2F5E7", "NBRPPAAP1"],
    ["S/N:000000 Rev:NBRPPAAP1", null, "NBRPPAAP1"],
    ["Rev:NBRPPAAP1", null, "Rev:NBRPPAAP1"],
    ["FW 2.13", null, "FW 2.13"],
    ["V1.02", null, "V1.02"],
    ["00000000", null, null],
    ["0123456789", null, null],
    ["123456789ABC", null, null],
    ["None", null, null],
    ["7", null, null],
    [null, null, null],
  ])("%s", (text, serial, firmware) => {
    expect(readSerial(text)).toEqual({ serial, firmware });
  });

  it("does not count when two units of a model have it, and does when another model has it", () => {
    const [a, b] = [device({ serial: "ABC123" }), device({ serial: "ABC123" }, "1-2")];
    const other = device({ serial: "ABC123", idProduct: "0001" }, "1-3");
    expect(identityOf(a, [a, b, other])).toEqual({ key: "0519:0003@1-1", certain: false, doubt: "repeated" });
    expect(identityOf(other, [a, b, other])).toEqual({ key: "0519:0001:ABC123", certain: true, doubt: null });
    expect(identityOf(device({}), [])).toEqual({ key: "0519:0003@1-1", certain: false, doubt: "missing" });
  });

  it.skipIf(recordingsMissing())("is read right in what was captured", () => {
    const scanner = /SerialNumber: (.*)/.exec(capture("incident-ds6708-lp2824-flapping.txt"))?.[1] ?? null;
    const printer = /SerialNumber: (.*)/.exec(capture("dmesg-zebra-lp2824plus.txt"))?.[1] ?? null;
    expect(readSerial(scanner).firmware).toBe("NBRPPAAP1");
    expect(readSerial(scanner).serial).toHaveLength(32);
    expect(readSerial(printer)).toEqual({ serial: "36J141701319", firmware: null });
    expect(capture("dmesg-star-tsp143.txt")).toContain("SerialNumber=0");
    const honeywell = capture("lsusb-honeywell-n5600-hidpos.txt");
    expect(readSerial(/iSerial\s+\d+ (\S+)/.exec(honeywell)?.[1] ?? null).serial).toBe("19214B0217");
  });
});

describe("a place", () => {
  it.each([
    { port: "2-1.6.1.2", hub: "2-1.6.1", folder: "2-1.6.1/2-1.6.1:1.0/2-1.6.1-port2" },
    { port: "1-4", hub: null, folder: "usb1/1-0:1.0/usb1-port4" },
  ])("$port hangs on a hub", ({ port, hub, folder }) => {
    expect(hubOf(port)).toBe(hub);
    expect(portFolder(port)).toBe(folder);
  });

  it("is none outside of the tree", () => {
    expect(portFolder("../../etc")).toBeNull();
  });
});
