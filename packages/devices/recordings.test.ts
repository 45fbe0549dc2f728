/**
 * Recordings of real devices, published by others, through matching and evaluation. What each of them says is a golden
 * file of ours in testdata/recordings (`vitest run -u packages/devices` writes them; read the difference as NOC staff
 * would). The recordings stand beside the repository and are no part of it.
 */
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { findMetric, metricsOf } from "./index.ts";
import { files, flat, load, recognise, type Seen, seen } from "./recordings.ts";

if (files.length === 0) console.warn("no recordings in ../shared/devices: profiles were not tried on real devices");

/** What each device is, by its manual, its description or its maker. `null`: nothing in the recording says. */
const KINDS: readonly [RegExp, string | null][] = [
  [/^(zebra|zebra_1|tsc|toshiba-tec_fv4)$/, "label_printer"],
  [
    /^(brother|canonprinter|dell-laser|epson$|jetdirect|konica|ricoh|samsungprinter|sharp|utax|hp-designjet)/,
    "office_printer",
  ],
  [/^(dcp|hl|mfc|incomplete)/, "office_printer"],
  [/^(generex|eaton-mgeups|apc_s|dell-ups|cyberpower|netmanplus|deltaups|poweralert|linux_ups|ups-apc)/, "ups"],
  [
    /^(linksys|junos|zynos|ciscosb|fortiswitch|scalance|moxa-etherdevice|moxa-switch|hirschmann|weos)/,
    "network_switch",
  ],
  // Comtrol makes device servers; this one is its industrial switch.
  [/^comtrol/, "network_switch"],
  [/^(arubaos|ciscowlc|ap-usage)/, "wireless_controller"],
  [/^(unifi|merakimr|symbol)/, "access_point"],
  [/^(apc_ap7900b|raritan|eatonpdu)/, "pdu"],
  [/^(hwg|avtech|apc_environmental|gude|esphome|geist|ethernetbox)/, "sensor"],
  [/^(windows_svr|XP|linux_(raspberrypi|smart|ntp|systemd|ent)|beagleboard|services-en)/, "host"],
  [/^(moxa-nport|seh-uds|epson-scanner)/, "device_server"],
  [/^axiscam/, "camera"],
  [/^(hikvision|dahua)/, "video_recorder"],
  [/^rutos/, "router"],
  [/^windows-interfaces/, null],
];

const nameOf = (file: string): string => basename(file).replace(/\.[a-z]+$/, "");

/** The golden file's text: who it is, what it says, and which witnesses said so. */
function golden({ profile, evaluation: { asset, samples, evidence } }: Seen): string {
  const readings = samples.map(({ component, metrics }) => ({ component, ...metrics }));
  const note =
    readings.length > 0
      ? {}
      : { nothingToRead: "The recording has nothing that the profile reads beyond who the device is." };
  const seen = { kind: profile?.kind ?? null, profile: profile?.name ?? null, asset, ...note, readings, evidence };
  return `${JSON.stringify(seen, null, 2)}\n`;
}

describe.skipIf(files.length === 0 && process.env["CI"] === undefined)("recordings of real devices", () => {
  it("stand in ../shared/devices", () => {
    console.info(`${files.length} recordings of real devices run`);
    expect(files.length).toBeGreaterThan(60);
  });

  it.each(files)("%s is recognised for what it is", (file) => {
    const known = KINDS.find(([pattern]) => pattern.test(nameOf(file)));
    expect(known, "say above what it is").toBeDefined();
    expect(recognise(load(file))?.kind).toBe(known?.[1]);
  });

  it.each(files)("%s says what its golden file says", async (file) => {
    await expect(golden(seen(file))).toMatchFileSnapshot(`testdata/recordings/${nameOf(file)}.json`);
  });

  it.each(files)("%s gives believable metrics of its kind and nothing else", (file) => {
    const { profile, evaluation } = seen(file);
    if (profile === null) return;
    const ofKind = new Set((profile.kind === null ? [] : metricsOf(profile.kind)).map(({ name }) => name));
    const { samples } = evaluation;
    for (const { component, metrics } of samples) {
      if (component !== null) expect(component).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
      for (const [name, value] of Object.entries(metrics)) {
        const metric = findMetric(name);
        expect(metric?.type, name).toBe(typeof value);
        expect(metric?.component === null, name).toBe(component === null);
        if (profile.kind !== null) expect(ofKind, name).toContain(name);
        if (typeof value !== "number") continue;
        expect(Number.isFinite(value), name).toBe(true);
        if (name.endsWith("_percent") && name !== "output_load_percent") expect(value, name).toBeLessThanOrEqual(100);
        if (name.endsWith("_percent")) expect(value, name).toBeGreaterThanOrEqual(0);
        if (name.endsWith("_celsius")) expect(value > -60 && value < 120, `${name} ${value}`).toBe(true);
      }
    }
    expect(new Set(samples.map(({ component }) => component)).size).toBe(samples.length);
  });

  it.each([
    { file: "snmprec/zebra.snmprec", profile: "zebra", values: { head_open: false, media_out: false, offline: false } },
    { file: "snmprec/zebra_1.snmprec", profile: "zebra", values: {} },
    {
      file: "snmprec/konica_c250i.snmprec",
      profile: "konica-printer",
      values: { service_requested: true, media_low: false },
    },
    {
      file: "snmprec/samsungprinter_m4080fx.snmprec",
      profile: "printer",
      values: { media_low: true, media_out: false },
    },
    { file: "snmprec/sharp.snmprec", profile: "sharp-printer", values: { supply_low: true } },
    { file: "snmprec/epson.snmprec", profile: "printer", values: { supply_low: false, offline: false } },
    {
      file: "snmprec/generex-ups_cs141.snmprec",
      profile: "ups",
      values: { on_bypass: true, battery_runtime_seconds: 32_640, battery_voltage_volts: 271.6 },
    },
    {
      file: "snmprec/cyberpower_pr2200rt2uc.snmprec",
      profile: "cyberpower-ups",
      values: {
        on_battery: false,
        battery_runtime_seconds: 10_500,
        battery_charge_percent: 100,
        battery_voltage_volts: 54.8,
        battery_temperature_celsius: 27,
        alarms_present: 0,
      },
    },
    {
      file: "snmprec/poweralert_ups.snmprec",
      profile: "ups",
      values: { on_battery: false, battery_temperature_celsius: undefined },
    },
    {
      file: "snmprec/dell-ups_tower1000w.snmprec",
      profile: "dell-ups",
      values: { battery_temperature_celsius: undefined, battery_charge_percent: 98 },
    },
    {
      file: "snmprec/apc_smt750x-nmc2.snmprec",
      profile: "apc-ups",
      values: { on_battery: false, battery_replace: false, battery_runtime_seconds: 109_762 },
    },
    {
      file: "snmpwalk/ups-apc-battery-low.snmpwalk",
      profile: "apc-ups",
      values: { battery_low: true, battery_replace: true },
    },
    {
      file: "snmprec/brother.snmprec",
      profile: "brother",
      values: {
        "supply-drum-unit.supply_remaining_percent": 95.8,
        "supply-black-toner-cartridge.supply_remaining_percent": undefined,
      },
    },
    { file: "snmprec/windows_svr_2019_1809.snmprec", profile: "host", values: {} },
    { file: "snmprec/XP.snmprec", profile: "host", values: {} },
    { file: "snmprec/beagleboard.snmprec", profile: "host", values: {} },
    { file: "snmpwalk/linux_ent.snmpwalk", profile: "host", values: {} },
    { file: "snmprec/linksys-ss_lgs318p.snmprec", profile: "radlan-switch", values: {} },
    { file: "snmprec/ciscosb_cbs250-24p-4x-v3.snmprec", profile: "radlan-switch", values: {} },
    { file: "snmprec/symbol.snmprec", profile: "access-point", values: {} },
  ])("$file is read by $profile", ({ file, profile, values }) => {
    const { profile: found, evaluation } = seen(file);
    expect(found?.name).toBe(profile);
    const read = flat(evaluation);
    expect(Object.fromEntries(Object.keys(values).map((name) => [name, read[name]]))).toEqual(values);
  });
});
