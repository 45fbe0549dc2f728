/**
 * From what a real device said to the fault that opens an incident: a recording through its profile and the shipped
 * rules. The device is well for a while, then says what the recording of a faulty one says; where nobody recorded the
 * fault, one value of a recording is changed to what the MIB says of it. No other rule may fire.
 */

import type { SampleSet } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { files, load, readingsOf, recognise } from "../packages/devices/recordings.ts";
import { firing } from "./firing.ts";

type Values = Readonly<Record<string, number>>;
/** A recording, with integers that are not as recorded. */
function said(file: string, changed: Values = {}): { kind: string | null; samples: readonly SampleSet[] } {
  const recorded = load(file);
  const values = Object.entries(changed).map(([oid, value]) => [oid, { type: "integer", value }] as const);
  const reply = { ...recorded, varbinds: { ...recorded.varbinds, ...Object.fromEntries(values) } };
  const profile = recognise(reply);
  return { kind: profile?.kind ?? null, samples: profile === null ? [] : readingsOf(profile, reply).samples };
}

describe.skipIf(files.length === 0 && process.env["CI"] === undefined)("recorded faulty devices", () => {
  it.each<{ name: string; well: string; faulty?: string; changed?: Values; before?: Values; want: string[] }>([
    {
      name: "an APC UPS whose battery is low and worn out",
      well: "snmpwalk/ups-apc-battery-ok.snmpwalk",
      faulty: "snmpwalk/ups-apc-battery-low.snmpwalk",
      want: ["ups-battery-low", "ups-battery-replace"],
    },
    {
      name: "an APC UPS that lost mains",
      well: "snmprec/apc_sua750i.snmprec",
      changed: { "1.3.6.1.4.1.318.1.1.1.4.1.1.0": 3 },
      want: ["ups-on-battery"],
    },
    {
      name: "a UPS-MIB card that lost mains",
      well: "snmprec/deltaups_mini-snmp.snmprec",
      changed: { "1.3.6.1.2.1.33.1.4.1.0": 5 },
      want: ["ups-on-battery"],
    },
    {
      name: "a DesignJet out of paper with its cover open, by rows that mostly say other(1)",
      well: "snmprec/canonprinter_lbp.snmprec",
      faulty: "snmpwalk/hp-designjet-z5200-prtalert.snmpwalk",
      want: ["office-cover-open", "office-media-out"],
    },
    {
      name: "a Sharp whose toner is low, by its error bits",
      well: "snmprec/canonprinter_lbp.snmprec",
      faulty: "snmprec/sharp.snmprec",
      want: ["office-supply-low"],
    },
    {
      name: "an Epson with all inks at 1 % and no error bit at all",
      well: "snmprec/epson.snmprec",
      before: Object.fromEntries([1, 2, 3, 4].map((n) => [`1.3.6.1.2.1.43.11.1.1.9.1.${n}`, 80])),
      want: ["office-supply-low"],
    },
    {
      name: "a Konica that asks for service",
      well: "snmprec/canonprinter_lbp.snmprec",
      faulty: "snmprec/konica_c250i.snmprec",
      want: ["office-service"],
    },
    {
      name: "a Zebra print server whose port says paper out while the error bits stay 00 00",
      well: "snmprec/zebra.snmprec",
      changed: { "1.3.6.1.4.1.683.6.2.3.2.1.5.1": 4 },
      want: ["label-media-out"],
    },
    {
      name: "an APC PDU with an outlet switched off",
      well: "snmprec/apc_ap7900b.snmprec",
      changed: { "1.3.6.1.4.1.318.1.1.4.4.2.1.3.3": 2 },
      want: ["outlet-off#outlet-3"],
    },
    {
      name: "a switch whose port lost its link",
      well: "snmprec/linksys-ss_lgs318p.snmprec",
      changed: { "1.3.6.1.2.1.2.2.1.8.49": 2 },
      want: ["port-down#port-gi1"],
    },
    {
      name: "a switch with a short at a PoE port",
      well: "snmprec/linksys-ss_lgs318p.snmprec",
      before: { "1.3.6.1.2.1.105.1.1.1.6.1.49": 3 },
      changed: { "1.3.6.1.2.1.105.1.1.1.6.1.49": 4 },
      want: ["poe-fault#port-gi1"],
    },
    {
      name: "a Hirschmann switch that runs on one of two supplies",
      well: "snmprec/hirschmann.snmprec",
      before: { "1.3.6.1.4.1.248.14.1.2.1.3.1.2": 1 },
      want: ["power-supply-fault#psu-2"],
    },
    {
      name: "a Poseidon in a rack at 45 °C",
      well: "snmprec/hwg-poseidon.snmprec",
      changed: { "1.3.6.1.4.1.21796.3.3.3.1.6.5": 450 },
      want: ["sensor-temperature-high#sensor-t-network"],
    },
    {
      name: "a Windows server whose disk is full",
      well: "snmprec/windows_svr_2019_1809.snmprec",
      changed: { "1.3.6.1.2.1.25.2.3.1.6.1": 25_500_000 },
      want: ["disk-nearly-full#disk-c"],
    },
    {
      name: "a Hikvision recorder with a defective disk",
      well: "snmprec/hikvision-nvr_disk.snmprec",
      changed: { "1.3.6.1.4.1.50001.1.241.1.3.1.0": 2 },
      // It is its only disk.
      want: ["nothing-recorded", "recorder-disk-fault#disk-1"],
    },
  ])("$name", ({ well, faulty = well, before = {}, changed = {}, want }) => {
    expect(firing(said(well, before), said(faulty, changed))).toEqual(want);
  });
});

/** What the recorded devices had when they were recorded, by rule; no other device may have anything. */
const AS_RECORDED: Readonly<Record<string, readonly string[]>> = {
  "disk-nearly-full": ["snmprec/XP.snmprec"],
  "office-cover-open": ["snmpwalk/hp-designjet-z5200-prtalert.snmpwalk"],
  "office-media-out": ["snmpwalk/hp-designjet-z5200-prtalert.snmpwalk"],
  "office-service": ["snmprec/konica_c250i.snmprec"],
  "office-supply-low": ["captures/brother-snmp/dcp-l3550cdw.json", "snmprec/epson.snmprec", "snmprec/sharp.snmprec"],
  "power-supply-fault": ["snmprec/hirschmann.snmprec"],
  "ups-battery-low": ["snmprec/linux_ups-nut.snmprec", "snmpwalk/ups-apc-battery-low.snmpwalk"],
  "ups-battery-replace": ["snmprec/linux_ups-nut.snmprec", "snmpwalk/ups-apc-battery-low.snmpwalk"],
  "ups-on-bypass": ["snmprec/generex-ups_cs141.snmprec", "snmprec/linux_ups-nut.snmprec"],
  "ups-overload": ["snmprec/linux_ups-nut.snmprec"],
};

describe.skipIf(files.length === 0 && process.env["CI"] === undefined)("recorded devices as they are", () => {
  it.each(files.map((file) => ({ file })))("$file has only what it says", ({ file }) => {
    const rules = firing(said(file), said(file)).map((fault) => fault.replace(/#.*$/, ""));
    const expected = Object.keys(AS_RECORDED).filter((rule) => AS_RECORDED[rule]?.includes(file));
    expect([...new Set(rules)]).toEqual(expected);
  });
});
