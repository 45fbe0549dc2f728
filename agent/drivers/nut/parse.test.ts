import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findMetric } from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { about, METRICS, parse } from "./parse.ts";
import { isWholeList } from "./requests.ts";

const RECORDED = join(import.meta.dirname, "../../../../shared/devices/captures/ups-nut");

/** As upsd says it. */
const list = (variables: Readonly<Record<string, string>>): string => {
  const quoted = (value: string) => value.replaceAll(/["\\]/g, "\\$&");
  const lines = Object.entries(variables).map(([name, value]) => `VAR till-ups ${name} "${quoted(value)}"\n`);
  return `BEGIN LIST VAR till-ups\n${lines.join("")}END LIST VAR till-ups\n`;
};
const own = (variables: Readonly<Record<string, string>>) => {
  const parsed = parse({ variables: list(variables) });
  return parsed.ok ? (parsed.value.samples.find(({ component }) => component === null)?.metrics ?? {}) : parsed.error;
};

describe("ups.status", () => {
  const FLAGS = [
    "on_battery",
    "battery_low",
    "battery_replace",
    "on_bypass",
    "overload",
    "output_off",
    "shutdown_imminent",
  ];
  it.each([
    { status: "OL", set: [] },
    { status: "OL CHRG", set: [] },
    { status: "OL LB", set: ["battery_low"] },
    { status: "OB DISCHRG", set: ["on_battery"] },
    { status: "LB OB", set: ["on_battery", "battery_low"] },
    { status: "FSD OB LB", set: ["on_battery", "battery_low", "shutdown_imminent"] },
    { status: "OL LB OVER RB BOOST", set: ["battery_low", "battery_replace", "overload"] },
    { status: "OL CHRG TRIM OFF", set: ["output_off"] },
    { status: "BYPASS OL", set: ["on_bypass"] },
    { status: "OL HB CAL SOMETHING-NEW", set: [] },
  ])("$status", ({ status, set }) => {
    const metrics = own({ "ups.status": status });
    expect(
      FLAGS.filter((name) => Object.entries(metrics).some(([key, value]) => key === name && value === true)),
    ).toEqual(set);
    expect(metrics).toMatchObject({ alarms_present: 0 });
  });

  it.each(["WAIT", "", "HB"])("%j says nothing of the state", (status) => {
    expect(own({ "ups.status": status, "ups.load": "3" })).toEqual({ output_load_percent: 3 });
  });

  it("counts alarms, and shows their text without judging it", () => {
    const variables = { "ups.status": "ALARM OL", "ups.alarm": "Replace battery! Shutdown imminent!" };
    expect(own(variables)).toMatchObject({ alarms_present: 2, battery_replace: false, shutdown_imminent: false });
    expect(about({ variables: list(variables) })).toContainEqual(["alarm", "Replace battery! Shutdown imminent!"]);
    expect(own({ "ups.status": "ALARM OL" })).toMatchObject({ alarms_present: 1 });
  });
});

describe("values", () => {
  it.each([
    {
      name: "a charge above 100 is none",
      variables: { "battery.charge": "255", "ups.load": "1" },
      want: { output_load_percent: 1 },
    },
    {
      name: "no runtime is not zero",
      variables: { "battery.runtime": "-1", "ups.load": "1" },
      want: { output_load_percent: 1 },
    },
    {
      name: "text is no number",
      variables: { "battery.voltage": "NA", "ups.load": "1" },
      want: { output_load_percent: 1 },
    },
    {
      name: "0.0 °C is no sensor",
      variables: { "ups.temperature": "0.0", "ups.load": "1" },
      want: { output_load_percent: 1 },
    },
    {
      name: "three lines: the lowest voltage, the highest load",
      variables: {
        "input.L1-N.voltage": "230",
        "input.L2-N.voltage": "190.5",
        "ups.L1.load": "10",
        "ups.L2.load": "60",
      },
      want: { input_voltage_volts: 190.5, output_load_percent: 60 },
    },
    { name: "a failed test", variables: { "ups.test.result": "Done and error" }, want: { self_test_failed: true } },
    {
      name: "a test in progress is neither",
      variables: { "ups.test.result": "In progress", "ups.load": "1" },
      want: { output_load_percent: 1 },
    },
  ])("$name", ({ variables, want }) => expect(own(variables as Record<string, string>)).toEqual(want));

  it("unquotes what upsd quotes", () => {
    const parsed = parse({ variables: list({ "device.model": 'Smart "1500" \\ LCD', "ups.load": "1" }) });
    expect(parsed).toMatchObject({ ok: true, value: { asset: { model: 'Smart "1500" \\ LCD' } } });
  });
});

describe("refusals", () => {
  it.each(["DATA-STALE", "DRIVER-NOT-CONNECTED", "UNKNOWN-UPS", "ACCESS-DENIED", "SOMETHING-ELSE"])("%s", (code) => {
    expect(parse({ variables: `ERR ${code}\n` })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining(code) },
    });
  });

  it("an empty list is no answer", () => expect(parse({ variables: list({}) }).ok).toBe(false));
});

describe("a whole list", () => {
  it("is known at its end, and at no cut before it", () => {
    const whole = list({ "ups.status": "OL", "battery.charge": "100" });
    for (let end = 0; end < whole.length; end++) expect(isWholeList(whole.slice(0, end))).toBe(false);
    expect(isWholeList(whole)).toBe(true);
    expect(isWholeList("ERR UNKNOWN-UPS\n")).toBe(true);
  });
});

it("never throws, and reports known metrics and finite numbers only", () => {
  const name = fc.oneof(fc.constantFrom("ups.status", "battery.charge", "outlet.1.status", "ups.load"), fc.string());
  const value = fc.oneof(fc.string(), fc.double().map(String), fc.constantFrom("OB LB", "on"));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), fc.string(), (pairs, noise) => {
      const parsed = parse({ variables: noise + list(Object.fromEntries(pairs)) });
      const samples = parsed.ok ? parsed.value.samples : [];
      for (const [metric, told] of samples.flatMap(({ metrics }) => Object.entries(metrics))) {
        expect(METRICS as readonly string[]).toContain(metric);
        expect(typeof told === "boolean" || Number.isFinite(told)).toBe(true);
      }
    }),
  );
});

it("announces metrics of the catalogue only", () => {
  expect(METRICS.filter((name) => findMetric(name) === undefined)).toEqual([]);
});

describe.skipIf(!existsSync(RECORDED) && process.env["CI"] === undefined)("recorded UPSs", () => {
  const files = existsSync(RECORDED) ? readdirSync(RECORDED) : [];
  it.each(files)("%s has a state, an asset and a load or a charge", (file) => {
    const text = readFileSync(join(RECORDED, file), "utf8");
    const variables = Object.fromEntries(
      [...text.matchAll(/^([a-z][\w.-]*): (.*)$/gim)].map(([, name = "", value = ""]) => [name, value]),
    );
    const words = variables["ups.status"]?.split(" ") ?? [];
    const parsed = parse({ variables: list(variables) });
    expect(parsed).toMatchObject({ ok: true, value: { asset: { model: expect.stringMatching(/./) } } });
    const metrics = parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : {};
    expect(metrics).toMatchObject({ on_battery: words.includes("OB"), battery_low: words.includes("LB") });
    expect(metrics["output_load_percent"] ?? metrics["battery_charge_percent"]).toBeGreaterThanOrEqual(0);
  });
});
