import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readUsbDevice } from "../../core/usb-device.ts";
import { METRICS, parse } from "./parse.ts";
import type { HidReply } from "./types.ts";

const OPTIONS = { zero_window_kilograms: 0.02 };
const device = readUsbDevice({
  port: "1-4",
  attributes: { devnum: "7", idVendor: "0922", idProduct: "8003", manufacturer: "DYMO", product: "M10" },
  interfaces: [],
});

const SCALE =
  "058d0920a10185030932a10219712978150125087508950181001951295c1501250c810009411581257f81020940150027ffff000075108102c0c0";
/** A weighing device that declares its reports as bytes without a meaning. */
const MUTE_SCALE = "058d0920a1018503150026ff0075089505093281 02c0".replaceAll(" ", "");
const SCANNER =
  "058c0902a10185040915a1020975097625017501950281029506810305850966096b25647508950281 0205060920150025047508950181 02c0c0".replaceAll(
    " ",
    "",
  );
/** Mains, discharging, low, deep discharge limit, worn out, overload, test; charge, runtime, voltages, load, kelvins. */
const UPS = [
  "05840904a1010924a102",
  "8501058509d009450942094309 4b0584096509690962150025017501950881 02",
  "8502058509 66256475089501b102",
  "8503058509 6827ffff000075106601 10b102",
  "850405840958150025067508b102",
  "8505093066f0d1 00550526ff7f7510b102",
  "c0",
  "091aa10285060930 6721d1f000550726ff00 7508b102c0",
  "091ca1028507093067 21d1f000550626ff0f7510b102 0935650055002664007508b102 0936670100010026ff0f7510b102c0",
  "c0",
]
  .join("")
  .replaceAll(" ", "");

type Reports = NonNullable<HidReply["reports"]>;
const input = (...reports: readonly string[]): Reports =>
  reports.map((hex) => ({ report: "input", hex: hex.replaceAll(" ", "") }));
const feature = (...reports: readonly string[]): Reports =>
  reports.map((hex) => ({ report: "feature", hex: hex.replaceAll(" ", "") }));

function metrics(descriptor: string, reports: Reports) {
  const parsed = parse({ device, certain: false, descriptor, reports }, OPTIONS);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  const { attached, ...told } = parsed.value.samples[0]?.metrics ?? {};
  expect(attached).toBe(true);
  return told;
}

describe("a scale", () => {
  const none = {
    weight_at_zero: false,
    under_zero: false,
    over_capacity: false,
    calibration_required: false,
    zero_required: false,
    hardware_fault: false,
  };
  it.each([
    {
      name: "empty",
      report: "03 02 0b ff 0000",
      told: { weight_stable: true, weight_at_zero: true, zero_drift_kilograms: 0 },
    },
    { name: "20 g at rest", report: "03 04 02 00 1400", told: { weight_stable: true, zero_drift_kilograms: 0.02 } },
    {
      name: "645.2 oz: whose they are is nobody's business",
      report: "03 04 0b ff 3419",
      told: { weight_stable: true },
    },
    { name: "moving", report: "03 03 02 00 1400", told: { weight_stable: false } },
    { name: "fault", report: "03 01 02 00 0000", told: { hardware_fault: true } },
    { name: "under zero", report: "03 05 02 00 0500", told: { under_zero: true } },
    { name: "over its limit", report: "03 06 02 00 0000", told: { over_capacity: true } },
    { name: "to be calibrated", report: "03 07 02 00 0000", told: { calibration_required: true } },
    { name: "to be set to zero", report: "03 08 02 00 0000", told: { zero_required: true } },
    { name: "a unit that is no weight", report: "03 04 0a 00 0100", told: { weight_stable: true } },
    { name: "an exponent from nowhere", report: "03 04 02 80 0100", told: { weight_stable: true } },
  ])("is read, by its descriptor and without: $name", ({ report, told }) => {
    expect(metrics(SCALE, input(report))).toEqual({ ...none, ...told });
    expect(metrics(MUTE_SCALE, input(report))).toEqual({ ...none, ...told });
  });

  it("is what it said last", () => {
    expect(metrics(SCALE, input("030302001400", "030602000000", "030202000000"))).toMatchObject({
      weight_at_zero: true,
    });
  });

  it("as captured: the weights of goods are in no metric", () => {
    const { cases } = JSON.parse(
      readFileSync(new URL("../../../../shared/devices/captures/scales/hid-dymo.json", import.meta.url), "utf8"),
    ) as { cases: { report?: number[]; report_tail_hex?: string; meaning: string }[] };
    const read = cases.map(({ report, report_tail_hex: tail = "" }) =>
      metrics(SCALE, input(report === undefined ? `0304${tail}` : Buffer.from(report).toString("hex"))),
    );
    expect(read.map((told) => told["zero_drift_kilograms"])).toEqual([0, 0.02, undefined]);
    expect(read.map((told) => told["weight_at_zero"])).toEqual([true, false, false]);
  });
});

describe("a scanner", () => {
  it.each([
    {
      name: "in its cradle",
      report: "04 03 64 0a 04",
      told: { in_cradle: true, in_range: true, battery_charge_percent: 100, battery_cycles_total: 10 },
    },
    {
      name: "away, battery low",
      report: "04 00 09 10 01",
      told: { in_cradle: false, in_range: false, battery_charge_percent: 9, battery_cycles_total: 16 },
    },
    {
      name: "strength where per cent are out of range",
      report: "04 02 ff 10 01",
      told: { in_cradle: false, in_range: true, battery_charge_percent: 25, battery_cycles_total: 16 },
    },
  ])("is read: $name", ({ report, told }) => expect(metrics(SCANNER, input(report))).toEqual(told));
});

describe("a UPS", () => {
  const told = (flags: string): Record<string, unknown> => metrics(UPS, input(`01${flags}`));
  it.each([
    { name: "on mains", flags: "01", changed: {} },
    { name: "on battery", flags: "02", changed: { on_battery: true } },
    { name: "tests its battery on mains", flags: "03", changed: {} },
    { name: "nearly empty", flags: "06", changed: { on_battery: true, battery_low: true } },
    { name: "its time is over", flags: "0a", changed: { on_battery: true, battery_low: true } },
    { name: "worn out", flags: "11", changed: { battery_replace: true } },
    {
      name: "overloaded, broken, about to go",
      flags: "e1",
      changed: { overload: true, shutdown_imminent: true, hardware_fault: true },
    },
  ])("is read: $name", ({ flags, changed }) => {
    expect(told(flags)).toEqual({
      on_battery: false,
      battery_low: false,
      battery_replace: false,
      overload: false,
      shutdown_imminent: false,
      hardware_fault: false,
      ...changed,
    });
  });

  it("tells measurements in their units, and whose voltage it is", () => {
    const reports = feature("02 5f", "03 b004", "04 01", "06 e6", "07 fc08 2a 2a01");
    expect(metrics(UPS, [...input("0101"), ...reports])).toMatchObject({
      on_battery: false,
      battery_charge_percent: 95,
      battery_runtime_seconds: 1_200,
      self_test_failed: false,
      input_voltage_volts: 230,
      output_voltage_volts: 230,
      output_load_percent: 42,
      temperature_celsius: 24.85,
    });
  });

  it.each([
    { test: "03", failed: true },
    { test: "01", failed: false },
    { test: "05", failed: undefined },
  ])("test result $test: failed is $failed", ({ test, failed }) => {
    expect(metrics(UPS, [...input("0101"), ...feature(`04${test}`)])["self_test_failed"]).toBe(failed);
  });
});

describe("what is not read", () => {
  it.each([
    {
      name: "a keyboard's reports",
      descriptor: "05010906a1010507190029ff150026ff007508950681 00c0".replaceAll(" ", ""),
      detail: /types/,
    },
    { name: "reports without a descriptor", descriptor: "", detail: /not looked at/ },
    { name: "a descriptor that makes no sense", descriptor: "a101", detail: /makes no sense/ },
  ])("$name", ({ descriptor, detail }) => {
    const parsed = parse({ device, certain: false, descriptor, reports: input("0000040000000000") }, OPTIONS);
    expect(parsed.ok ? "" : parsed.error.detail).toMatch(detail);
  });

  it("a device that was not taken is there, and no more", () => {
    const parsed = parse({ device, certain: false, descriptor: SCALE, reports: null }, OPTIONS);
    expect(parsed.ok && parsed.value.samples).toEqual([{ component: null, metrics: { attached: true } }]);
  });

  it("whatever comes: never throws, and reports nothing but its metrics", () => {
    const hex = fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes).toString("hex"));
    const reports = fc.array(fc.record({ report: fc.constantFrom("input" as const, "feature" as const), hex }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(SCALE, SCANNER, UPS), hex), reports, (descriptor, said) => {
        const parsed = parse({ device, certain: false, descriptor, reports: said }, OPTIONS);
        if (!parsed.ok) return;
        const { metrics: told = {} } = parsed.value.samples[0] ?? {};
        for (const [name, value] of Object.entries(told)) {
          expect(METRICS).toContain(name);
          if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
        }
      }),
    );
  });
});
