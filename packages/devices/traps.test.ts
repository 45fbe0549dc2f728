import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProfiles } from "./profile-file.ts";
import { loadBuiltinProfiles } from "./profile-load.ts";
import type { SnmpValue } from "./snmp-reply.ts";
import { TrapTable, type TrapVarbind } from "./traps.ts";

const int = (oid: string, value: number): TrapVarbind => ({ oid, value: { type: "integer", value } });
const text = (oid: string, value: string): TrapVarbind => ({ oid, value: { type: "text", value } });
const oid = (name: string, value: string): TrapVarbind => ({ oid: name, value: { type: "oid", value } });
const IF = "1.3.6.1.2.1.2.2.1";
const ALERT = "1.3.6.1.2.1.43.18.1.1";
const UPS = "1.3.6.1.2.1.33";
const alert = (group: number, code: number): TrapVarbind[] => [
  int(`${ALERT}.2.1.7`, 3),
  int(`${ALERT}.4.1.7`, group),
  int(`${ALERT}.7.1.7`, code),
];

describe("the traps that come with the product", () => {
  const traps = new TrapTable(loadBuiltinProfiles());

  it.each([
    { name: "a cold start", trap: "1.3.6.1.6.3.1.1.5.1", varbinds: [], want: { fault: "rebooted", component: null } },
    {
      name: "a link that is lost, by its name",
      trap: "1.3.6.1.6.3.1.1.5.3",
      varbinds: [int(`${IF}.1.3`, 3), text("1.3.6.1.2.1.31.1.1.1.1.3", "Gi0/3"), int(`${IF}.8.3`, 2)],
      want: {
        fault: "port_down",
        cleared: false,
        component: "port-gi0-3",
        detail: "linkDown, ifIndex 3, ifName Gi0/3, ifOperStatus 2",
      },
    },
    {
      name: "a link of which only the index is told: no component, for the index may be another port tomorrow",
      trap: "1.3.6.1.6.3.1.1.5.3",
      varbinds: [int(`${IF}.1.3`, 3)],
      want: { fault: "port_down", component: null, detail: "linkDown, ifIndex 3" },
    },
    {
      name: "a link that was switched off",
      trap: "1.3.6.1.6.3.1.1.5.3",
      varbinds: [int(`${IF}.7.3`, 2)],
      want: { fault: "port_down", cleared: true },
    },
    {
      name: "a link that is back",
      trap: "1.3.6.1.6.3.1.1.5.4",
      varbinds: [],
      want: { fault: "port_down", cleared: true },
    },
    { name: "a wrong community", trap: "1.3.6.1.6.3.1.1.5.5", varbinds: [], want: { fault: null } },
    {
      name: "a printer's alert: paper out",
      trap: "1.3.6.1.2.1.43.18.2.0.1",
      varbinds: alert(8, 808),
      want: { fault: "media_out", detail: "printerV2Alert, severity 3, group 8, code 808" },
    },
    {
      name: "the same from SNMPv1",
      trap: "1.3.6.1.2.1.43.18.2.1",
      varbinds: alert(8, 808),
      want: { fault: "media_out" },
    },
    { name: "a jam", trap: "1.3.6.1.2.1.43.18.2.0.1", varbinds: alert(13, 8), want: { fault: "jam" } },
    {
      name: "toner that is empty",
      trap: "1.3.6.1.2.1.43.18.2.0.1",
      varbinds: alert(11, 13),
      want: { fault: "supply_out" },
    },
    {
      name: "a tray that is empty",
      trap: "1.3.6.1.2.1.43.18.2.0.1",
      varbinds: alert(8, 13),
      want: { fault: "tray_empty" },
    },
    {
      name: "an alert of another kind",
      trap: "1.3.6.1.2.1.43.18.2.0.1",
      varbinds: alert(16, 1),
      want: { fault: null },
    },
    { name: "mains lost", trap: `${UPS}.2.1`, varbinds: [int(`${UPS}.1.2.3.0`, 12)], want: { fault: "on_battery" } },
    {
      name: "mains lost, as SMIv2 has it",
      trap: `${UPS}.2.0.1`,
      varbinds: [int(`${UPS}.1.2.3.0`, 12)],
      want: { fault: "on_battery", detail: "upsTrapOnBattery, minutesRemaining 12" },
    },
    {
      name: "a UPS alarm that came",
      trap: `${UPS}.2.0.3`,
      varbinds: [oid(`${UPS}.1.6.2.1.2.4`, `${UPS}.1.6.3.3`)],
      want: { fault: "battery_low", cleared: false },
    },
    {
      name: "a UPS alarm that went",
      trap: `${UPS}.2.0.4`,
      varbinds: [oid(`${UPS}.1.6.2.1.2.4`, `${UPS}.1.6.3.3`)],
      want: { fault: "battery_low", cleared: true },
    },
    {
      name: "APC: on battery",
      trap: "1.3.6.1.4.1.318.0.5",
      varbinds: [],
      want: { fault: "on_battery", cleared: false },
    },
    {
      name: "APC: power restored",
      trap: "1.3.6.1.4.1.318.0.9",
      varbinds: [],
      want: { fault: "on_battery", cleared: true },
    },
    { name: "Zebra: out of labels", trap: "1.3.6.1.4.1.683.6.0.5", varbinds: [], want: { fault: "media_out" } },
    {
      name: "Eaton: battery low, in its own words",
      trap: "1.3.6.1.4.1.534.1.11.4.1.0.4",
      varbinds: [text("1.3.6.1.4.1.534.1.11.3.0", "Battery low")],
      want: { fault: "battery_low", detail: "xupstdLowBattery, message Battery low" },
    },
    { name: "MGE: on battery", trap: "1.3.6.1.4.1.705.1.11.0.11", varbinds: [], want: { fault: "on_battery" } },
    {
      name: "CyberPower: power restored",
      trap: "1.3.6.1.4.1.3808.0.9",
      varbinds: [],
      want: { fault: "on_battery", cleared: true },
    },
    {
      name: "Dell UPS: on battery",
      trap: "1.3.6.1.4.1.674.10902.2.140.57",
      varbinds: [],
      want: { fault: "on_battery" },
    },
    { name: "Delta: power fail", trap: "1.3.6.1.4.1.2254.2.4.20.0.3", varbinds: [], want: { fault: "on_battery" } },
    {
      name: "APC: an outlet of a PDU that was switched off",
      trap: "1.3.6.1.4.1.318.0.269",
      varbinds: [int("1.3.6.1.4.1.318.1.1.12.3.3.1.1.1.5", 5), text("1.3.6.1.4.1.318.1.1.12.3.3.1.1.2.5", "till 3")],
      want: { fault: "outlet_off", component: "outlet-5", detail: "rPDUOutletOff, outlet till 3" },
    },
    {
      name: "Raritan: an outlet's sensor that says on again",
      trap: "1.3.6.1.4.1.13742.6.0.63",
      varbinds: [
        text("1.3.6.1.4.1.13742.6.3.5.3.1.2.1.4", "4"),
        int("1.3.6.1.4.1.13742.6.0.0.10.0", 14),
        int("1.3.6.1.4.1.13742.6.5.4.3.1.3.1.4.14", 7),
      ],
      want: { fault: "outlet_off", cleared: true, component: "outlet-4" },
    },
    {
      name: "Raritan: the same trap of another sensor",
      trap: "1.3.6.1.4.1.13742.6.0.63",
      varbinds: [int("1.3.6.1.4.1.13742.6.0.0.10.0", 1), int("1.3.6.1.4.1.13742.6.5.4.3.1.3.1.4.1", 5)],
      want: { fault: null },
    },
    {
      name: "NetBotz: a sensor that is too hot, by its label",
      trap: "1.3.6.1.4.1.5528.100.10.2.1.0.2",
      varbinds: [text("1.3.6.1.4.1.5528.100.11.5.0", "Rack 2")],
      want: { fault: "temperature_high", component: "sensor-rack-2" },
    },
    {
      name: "AKCP: a sensor that is lost",
      trap: "1.3.6.1.4.1.3854.1.0.10",
      varbinds: [int("1.3.6.1.4.1.3854.1.7.1.0", 7), text("1.3.6.1.4.1.3854.1.7.5.0", "Freezer")],
      want: { fault: "sensor_fault", component: "sensor-freezer" },
    },
    {
      name: "HW group: an alarm that is over",
      trap: "1.3.6.1.4.1.21796.3.3.0.2",
      varbinds: [int("1.3.6.1.4.1.21796.3.3.3.1.4.1", 1), text("1.3.6.1.4.1.21796.3.3.3.1.2.1", "Cold room")],
      want: { fault: "sensor_alarm", cleared: true, component: "sensor-cold-room" },
    },
    {
      name: "Geist: a temperature outside its limits",
      trap: "1.3.6.1.4.1.21239.5.1.32767.0.10905",
      varbinds: [],
      want: { fault: "sensor_alarm" },
    },
    {
      name: "Cisco: a power supply that failed",
      trap: "1.3.6.1.4.1.9.9.13.3.0.9",
      varbinds: [text("1.3.6.1.4.1.9.9.13.1.5.1.2.1", "PS 1"), int("1.3.6.1.4.1.9.9.13.1.5.1.3.1", 6)],
      want: { fault: "power_supply_fault", cleared: false },
    },
    {
      name: "Cisco: an access point that its controller lost",
      trap: "1.3.6.1.4.1.14179.2.6.3.8",
      varbinds: [text("1.3.6.1.4.1.14179.2.2.1.1.3.0", "AP-Dock-1")],
      want: { fault: "ap_down", component: "ap-dock-1" },
    },
    {
      name: "Aruba: an access point that is back",
      trap: "1.3.6.1.4.1.14823.2.3.1.11.1.2.1040",
      varbinds: [],
      want: { fault: "ap_down", cleared: true },
    },
    {
      name: "Moxa: a power input that is back, by its number",
      trap: "1.3.6.1.4.1.8691.602.8.6.0.1",
      varbinds: [int("1.3.6.1.4.1.8691.602.8.6.2.1.1.1.2", 2)],
      want: { fault: "power_supply_fault", cleared: true, component: "psu-2" },
    },
    {
      name: "HP: a sensor that is bad",
      trap: "1.3.6.1.4.1.11.2.14.12.1.0.3",
      varbinds: [
        int("1.3.6.1.4.1.11.2.14.11.1.2.6.1.4.1", 2),
        text("1.3.6.1.4.1.11.2.14.11.1.2.6.1.7.1", "Fan Sensor"),
      ],
      want: { fault: "hardware_fault", detail: "hpicfSensorTrap, sensor Fan Sensor, status 2" },
    },
    {
      name: "Hirschmann: a power supply without input",
      trap: "1.3.6.1.4.1.248.14.1.0.2",
      varbinds: [int("1.3.6.1.4.1.248.14.1.2.1.3.1.2", 2)],
      want: { fault: "power_supply_fault", cleared: false },
    },
    {
      name: "PoE: a port's fault",
      trap: "1.3.6.1.2.1.105.0.1",
      varbinds: [int("1.3.6.1.2.1.105.1.1.1.6.1.4", 4)],
      want: { fault: "poe_fault", detail: "pethPsePortOnOffNotification, detectionStatus 4" },
    },
    {
      name: "one that nobody knows, with its values",
      trap: "1.3.6.1.4.1.99999.0.7",
      varbinds: [text("1.3.6.1.4.1.99999.1.0", "door\r\nopen")],
      want: {
        name: "1.3.6.1.4.1.99999.0.7",
        fault: null,
        detail: "1.3.6.1.4.1.99999.0.7, 1.3.6.1.4.1.99999.1.0 = door open",
      },
    },
  ])("tell $name", ({ trap, varbinds, want }) => {
    expect(traps.explain(trap, varbinds)).toMatchObject(want);
  });

  it("say where each maker's own stands, and no two of them are one", () => {
    const all = loadBuiltinProfiles().flatMap((profile) => profile.traps);
    expect(all.length).toBe(traps.all().length);
    expect(all.filter(({ oid: of, source }) => of.startsWith("1.3.6.1.4.1.") && source === undefined)).toEqual([]);
  });

  it("are told for whatever varbinds come, in a text of bounded length", () => {
    const anyOid = fc.oneof(
      fc.constantFrom(`${IF}.7.1`, `${ALERT}.7.1.1`, `${UPS}.1.6.2.1.2.1`, "1.3.6.1.2.1.31.1.1.1.1.3"),
      fc.array(fc.nat(), { minLength: 1, maxLength: 20 }).map((arcs) => arcs.join(".")),
    );
    const value = fc.oneof(
      fc.record({ type: fc.constant("integer" as const), value: fc.integer() }),
      fc.record({ type: fc.constantFrom("text" as const, "hex" as const, "oid" as const), value: fc.string() }),
    ) satisfies fc.Arbitrary<SnmpValue>;
    const trap = fc.oneof(anyOid, fc.constantFrom("1.3.6.1.6.3.1.1.5.3", `${UPS}.2.3`, "1.3.6.1.2.1.43.18.2.1"));
    fc.assert(
      fc.property(trap, fc.array(fc.record({ oid: anyOid, value })), (of, varbinds) => {
        expect(traps.explain(of, varbinds).detail.length).toBeLessThanOrEqual(480);
      }),
    );
  });
});

describe("traps of a profile of one's own", () => {
  const file = (name: string, traps: string): { file: string; text: string } => ({
    file: `${name}.yaml`,
    text: `profile: ${name}\ntitle: Acme\ntraps:\n${traps}\n`,
  });
  const own = (traps: string): TrapTable => {
    const parsed = parseProfiles([file("acme", traps)], loadBuiltinProfiles());
    if (!parsed.ok) throw new Error(parsed.diagnostics.map(({ message }) => message).join("; "));
    return new TrapTable(parsed.value);
  };

  it("are known beside those that come with the product", () => {
    const traps = own("  - { trap: doorOpened, oid: 1.3.6.1.4.1.99999.0.7, fault: cover_open }");
    expect(traps.explain("1.3.6.1.4.1.99999.7", [])).toMatchObject({ name: "doorOpened", fault: "cover_open" });
    expect(traps.explain("1.3.6.1.6.3.1.1.5.1", [])).toMatchObject({ name: "coldStart", fault: "rebooted" });
    expect(traps.find("1.3.6.1.4.1.99999.0.7")?.profile).toBe("acme");
  });

  it("stand instead of a built-in one of the same OID, in either of its forms", () => {
    const traps = own("  - { trap: ours, oid: 1.3.6.1.4.1.318.5, fault: output_off }");
    expect(traps.explain("1.3.6.1.4.1.318.0.5", [])).toMatchObject({ name: "ours", fault: "output_off" });
    expect(traps.all().filter(({ entry }) => entry.oid.startsWith("1.3.6.1.4.1.318"))).not.toHaveLength(0);
  });

  it.each([
    {
      name: "a fault that is none, with the one that was meant",
      files: [file("acme", "  - { trap: a, oid: 1.3.6.1.4.1, fault: on_batery }")],
      at: "acme.yaml:4:41",
      says: /received "on_batery".*on_battery/,
    },
    {
      name: "a key that is none",
      files: [file("acme", "  - { trap: a, oid: 1.3.6.1.4.1, fualt: on_battery }")],
      at: "acme.yaml:4:34",
      says: /did you mean "fault"/,
    },
    {
      name: "an OID that is none",
      files: [file("acme", "  - { trap: a, oid: .1.3 }")],
      at: "acme.yaml:4:21",
      says: /expected an OID/,
    },
    {
      name: "one trap in both its forms",
      files: [file("acme", "  - { trap: a, oid: 1.3.6.1.4.0.1 }\n  - { trap: b, oid: 1.3.6.1.4.1 }")],
      at: "acme.yaml:5:21",
      says: /expected a trap once; traps\[0\] of acme.yaml/,
    },
    {
      name: "one trap in two files",
      files: [file("acme", "  - { trap: a, oid: 1.3.6.1.4.1 }"), file("apex", "  - { trap: b, oid: 1.3.6.1.4.1 }")],
      at: "apex.yaml:4:21",
      says: /traps\[0\] of acme.yaml/,
    },
  ])("are refused for $name", ({ files, at, says }) => {
    const parsed = parseProfiles(files, loadBuiltinProfiles());
    const said = parsed.ok
      ? []
      : parsed.diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.message} ${d.hint ?? ""}`);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(says);
    expect(said[0]).toContain(`${at} `);
  });
});
