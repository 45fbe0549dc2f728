/**
 * Walks of real devices, published by others, through matching and evaluation: whatever a device says, nothing throws
 * and only metrics of the catalogue come out. The folder stands beside the repository and is not part of it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  componentName,
  evaluateProfile,
  findMetric,
  isWithin,
  loadBuiltinProfiles,
  matchProfile,
  octetsValue,
  probeOids,
  profileOids,
  type SnmpReply,
  type SnmpValue,
} from "./index.ts";

const folder = fileURLToPath(new URL("../../../shared/devices/", import.meta.url));
const files = ["snmprec", "snmpwalk"].flatMap((kind) =>
  existsSync(folder + kind)
    ? readdirSync(folder + kind)
        .filter((name) => name.endsWith(`.${kind}`))
        .map((name) => `${kind}/${name}`)
    : [],
);
const profiles = loadBuiltinProfiles();

/** snmpsim's format: `oid|tag|value`, a tag that ends in x for hex; redacted and simulated rows are skipped. */
function readRecord(text: string): [string, SnmpValue][] {
  return text.split("\n").flatMap((line): [string, SnmpValue][] => {
    const [oid, tag, ...rest] = line.split("|");
    const bare = oid?.replace(/^\./, "") ?? "";
    if (!/^\d+(?:\.\d+)+$/.test(bare) || tag === undefined) return [];
    const value = readValue(tag, rest.join("|"));
    return value === null ? [] : [[bare, value]];
  });
}

function readValue(tag: string, raw: string): SnmpValue | null {
  const type = /^(\d+)(x?)$/.exec(tag);
  if (type === null) return null;
  if (type[2] === "x") return octetsValue(Buffer.from(raw, "hex"));
  switch (type[1]) {
    case "2":
      return { type: "integer", value: Number(raw) };
    case "4":
      return octetsValue(Buffer.from(raw, "utf8"));
    case "6":
      return { type: "oid", value: raw };
    case "64":
      return { type: "ip", value: raw };
    case "65":
      return { type: "counter", value: Number(raw) };
    case "66":
      return { type: "gauge", value: Number(raw) };
    case "67":
      return { type: "ticks", value: Number(raw) };
    case "70":
      return { type: "counter64", value: raw };
    default:
      return null;
  }
}

/** net-snmp's: `.1.3.6.1 = TYPE: value`. */
function readWalk(text: string): [string, SnmpValue][] {
  return [...text.matchAll(/^\.?(\d[\d.]*) = (?:([A-Za-z0-9-]+): )?(.*)$/gm)].map(([, oid = "", type, value = ""]) => {
    const bare = value.replace(/^"|"$/g, "");
    const number = /\((\d+)\)/.exec(value)?.[1] ?? value;
    if (type === "Hex-STRING") return [oid, octetsValue(Buffer.from(value.replace(/\s/g, ""), "hex"))];
    if (type === "OID") return [oid, { type: "oid", value: value.replace(/^\./, "") }];
    if (type === "INTEGER" || /^-?\d+$/.test(number)) return [oid, { type: "integer", value: Number(number) }];
    return [oid, octetsValue(Buffer.from(bare))];
  });
}

function load(file: string): SnmpReply {
  const text = readFileSync(folder + file, "latin1");
  const pairs = file.endsWith(".snmprec") ? readRecord(text) : readWalk(text);
  return { at: Date.UTC(2026, 0, 1), varbinds: Object.fromEntries(pairs) };
}

function recognise(reply: SnmpReply): ReturnType<typeof matchProfile> {
  const oids = Object.keys(reply.varbinds);
  const present = new Set(
    probeOids(profiles).filter((probe) => oids.some((oid) => oid === probe || isWithin(oid, probe))),
  );
  const text = (oid: string): string => String(reply.varbinds[oid]?.value ?? "");
  return matchProfile(profiles, {
    sysObjectID: text("1.3.6.1.2.1.1.2.0"),
    sysDescr: text("1.3.6.1.2.1.1.1.0"),
    present,
  });
}

/** Only what the profile asks for, as a poll would fetch it. */
function polled(reply: SnmpReply, profile: NonNullable<ReturnType<typeof recognise>>): SnmpReply {
  const { gets, walks } = profileOids(profile);
  const columns = walks.flatMap((walk) => walk.columns);
  const varbinds = Object.entries(reply.varbinds).filter(
    ([oid]) => gets.includes(oid) || columns.some((column) => isWithin(oid, column)),
  );
  return { at: reply.at, varbinds: Object.fromEntries(varbinds) };
}

function flat(file: string): { profile: string; asset: object; values: Record<string, number | boolean> } {
  const reply = load(file);
  const profile = recognise(reply);
  if (profile === null) return { profile: "none", asset: {}, values: {} };
  const { samples, asset } = evaluateProfile(profile, polled(reply, profile));
  const values = samples.flatMap(({ component, metrics }) =>
    Object.entries(metrics).map(
      ([name, value]) => [component === null ? name : `${component}.${name}`, value] as const,
    ),
  );
  return { profile: profile.name, asset, values: Object.fromEntries(values) };
}

if (files.length === 0) console.warn("no recordings in ../shared/devices: profiles were not tried on real devices");

describe.skipIf(files.length === 0 && process.env["CI"] === undefined)("recordings of real devices", () => {
  it("stand in ../shared/devices", () => {
    console.info(`${files.length} recordings of real devices run`);
    expect(files.length).toBeGreaterThan(50);
  });

  it.each(files)("%s gives metrics of the catalogue and nothing else", (file) => {
    const reply = load(file);
    const profile = recognise(reply);
    if (profile === null) return;
    const { samples } = evaluateProfile(profile, reply);
    for (const { component, metrics } of samples) {
      if (component !== null) expect(component).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
      for (const [name, value] of Object.entries(metrics)) {
        const metric = findMetric(name);
        expect(metric?.type, name).toBe(typeof value);
        expect(metric?.component === null, name).toBe(component === null);
        if (name.endsWith("_percent") && name !== "output_load_percent") expect(value, name).toBeLessThanOrEqual(100);
        if (typeof value === "number") expect(Number.isFinite(value), name).toBe(true);
      }
    }
    expect(new Set(samples.map(({ component }) => component)).size).toBe(samples.length);
  });

  it.each([
    { file: "snmprec/zebra.snmprec", profile: "zebra", values: { head_open: false, media_out: false, offline: false } },
    { file: "snmprec/zebra_1.snmprec", profile: "zebra", values: {} },
    { file: "snmprec/konica_c250i.snmprec", profile: "printer", values: { service_requested: true, media_low: false } },
    {
      file: "snmprec/samsungprinter_m4080fx.snmprec",
      profile: "printer",
      values: { media_low: true, media_out: false },
    },
    { file: "snmprec/sharp.snmprec", profile: "printer", values: { supply_low: true } },
    { file: "snmprec/epson.snmprec", profile: "printer", values: { supply_low: false, offline: false } },
    {
      file: "snmprec/generex-ups_cs141.snmprec",
      profile: "ups",
      values: { on_bypass: true, battery_runtime_seconds: 32_640, battery_voltage_volts: 271.6 },
    },
    {
      file: "snmprec/cyberpower_pr2200rt2uc.snmprec",
      profile: "ups",
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
      profile: "ups",
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
      profile: "printer",
      values: {
        "supply-drum-unit.supply_remaining_percent": 95.8,
        "supply-black-toner-cartridge.supply_remaining_percent": undefined,
      },
    },
    { file: "snmprec/windows_svr_2019_1809.snmprec", profile: "host", values: {} },
    { file: "snmprec/XP.snmprec", profile: "host", values: {} },
    { file: "snmprec/beagleboard.snmprec", profile: "host", values: {} },
    { file: "snmpwalk/linux_ent.snmpwalk", profile: "system", values: {} },
    { file: "snmprec/linksys-ss_lgs318p.snmprec", profile: "switch", values: {} },
    { file: "snmprec/ciscosb_cbs250-24p-4x-v3.snmprec", profile: "switch", values: {} },
    { file: "snmprec/symbol.snmprec", profile: "system", values: {} },
  ])("$file is a $profile", ({ file, profile, values }) => {
    const seen = flat(file);
    expect(seen.profile).toBe(profile);
    const wanted = Object.keys(values);
    expect(Object.fromEntries(wanted.map((name) => [name, seen.values[name]]))).toEqual(values);
  });
});

describe("componentName", () => {
  it.each([
    { prefix: "port", text: "Gi0/1", want: "port-gi0-1" },
    { prefix: "tray", text: "Tray 2", want: "tray-2" },
    { prefix: "tray", text: "Tray2", want: "tray-2" },
    { prefix: "port", text: "Portal", want: "port-portal" },
    { prefix: "tray", text: "Bypass", want: "tray-bypass" },
    { prefix: "disk", text: "/var/log", want: "disk-var-log" },
    { prefix: "disk", text: "/", want: "" },
    { prefix: "supply", text: "Cartouche d'encre été", want: "supply-cartouche-d-encre-ete" },
    { prefix: "supply", text: "トナー", want: "" },
    { prefix: "supply", text: "x".repeat(200), want: `supply-${"x".repeat(51)}` },
  ])("$prefix of $text is $want", ({ prefix, text, want }) => {
    expect(componentName(prefix, text)).toBe(want);
  });
});
