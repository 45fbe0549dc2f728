/**
 * The shipped profiles: what each of them keeps to, and what they make of devices that nobody recorded for us, from
 * replies of our own in the shape of their MIBs.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CATALOGUE,
  evaluateProfile,
  isWithin,
  loadBuiltinProfiles,
  matchProfile,
  octetsValue,
  probeOids,
  profileMetrics,
  profileOids,
  type SnmpReply,
  type SnmpValue,
} from "./index.ts";

const profiles = loadBuiltinProfiles();
const E = "1.3.6.1.4.1";

type Cells = Readonly<Record<string, number | string>>;
type Device = { readonly id: string; readonly descr: string; readonly cells?: Cells };

const varbindOf = (value: number | string): SnmpValue =>
  typeof value === "number" ? { type: "integer", value } : octetsValue(new TextEncoder().encode(value));

function readingOf({ id, descr, cells = {} }: Device) {
  const varbinds: Record<string, SnmpValue> = {
    "1.3.6.1.2.1.1.1.0": varbindOf(descr),
    "1.3.6.1.2.1.1.2.0": { type: "oid", value: id },
  };
  for (const [oid, value] of Object.entries(cells)) varbinds[oid] = varbindOf(value);
  const reply: SnmpReply = { at: 0, varbinds };
  const oids = Object.keys(varbinds);
  const present = new Set(probeOids(profiles).filter((probe) => oids.some((oid) => isWithin(oid, probe))));
  const profile = matchProfile(profiles, { sysObjectID: id, sysDescr: descr, present });
  if (profile === null) throw new Error("no profile fits");
  const { asset, samples } = evaluateProfile(profile, reply);
  const metrics = Object.fromEntries(
    samples.flatMap(({ component, metrics: found }) =>
      Object.entries(found).map(([name, value]) => [component === null ? name : `${component}.${name}`, value]),
    ),
  );
  return { profile: profile.name, kind: profile.kind, asset, metrics };
}

describe("who a device is, when its maker has no profile", () => {
  it.each([
    {
      name: "the first part of ENTITY-MIB says it",
      id: `${E}.99999.1`,
      descr: "Something else 1.0",
      cells: {
        "1.3.6.1.2.1.47.1.1.1.1.13.1": "XY-24",
        "1.3.6.1.2.1.47.1.1.1.1.11.1": "A1B2C3D4",
        "1.3.6.1.2.1.47.1.1.1.1.10.1": "7.8.9",
      },
      asset: { model: "XY-24", serial: "A1B2C3D4", firmware: "7.8.9" },
    },
    {
      name: "a description with a version and a serial number",
      id: `${E}.3711.24`,
      descr: "Watcher 7, S/N: WX100200, Version 2.7.0-ab12",
      asset: { vendor: "Panduit", model: "Watcher 7", serial: "WX100200", firmware: "2.7.0-ab12" },
    },
    {
      name: "a switch's description in the order model, version, kernel",
      id: `${E}.674.10895.3000`,
      descr: "Networking Q1024P, 6.1.0.6, Linux 3.6.5-320b2282",
      asset: { vendor: "Dell", model: "Networking Q1024P", firmware: "6.1.0.6" },
    },
    {
      name: "a company's name is no model",
      id: `${E}.5624.2.1.99`,
      descr: "Some Networks, Inc. G9Z124-24P Rev 06.03.08.0012",
      asset: { vendor: "Enterasys", model: "G9Z124-24P", firmware: "06.03.08.0012" },
    },
    {
      name: "the maker's name where the number says nothing",
      id: "0.0",
      descr: "SHARP MX-9999N",
      asset: { vendor: "Sharp", model: "SHARP MX-9999N" },
    },
    {
      name: "a Linux kernel is no firmware of a device, and Linux no model",
      id: `${E}.24681.1`,
      descr: "Linux nas 5.10.1 #1 SMP x86_64",
      asset: { vendor: "QNAP", firmware: "5.10.1" },
    },
    {
      name: "of a UPS behind a Linux neither is",
      id: "1.3.6.1.2.1.33",
      descr: "Linux box 5.10.1 #1 SMP armv7l",
      asset: {},
    },
    {
      name: "Cisco's software line has the platform",
      id: `${E}.9.1.1`,
      descr: "Cisco IOS Software, C9Z60 Software (C9Z60-IPSERVICESK9-M), Version 15.0(2)SE11, RELEASE SOFTWARE",
      asset: { vendor: "Cisco", model: "C9Z60", firmware: "15.0(2)SE11" },
    },
  ])("$name", ({ id, descr, cells, asset }) => {
    const seen = readingOf({ id, descr, ...(cells !== undefined && { cells }) });
    const { model, serial, firmware, vendor } = seen.asset;
    expect(seen.profile === "host" ? { vendor, firmware } : seen.asset).toEqual(asset);
    if (seen.profile === "host") expect([model, serial]).toEqual([undefined, undefined]);
  });
});

describe("what kind of device it is", () => {
  it.each([
    { name: "a word outweighs no number", id: `${E}.1718.4`, descr: "Sentry Smart PDU", profile: "servertech-pdu" },
    { name: "a sensor gateway is no router", id: `${E}.17095`, descr: "Sensor Gateway", profile: "serverscheck" },
    {
      name: "AP9319 is no access point",
      id: `${E}.318.1.3.8.3`,
      descr: "APC (MN:AP9319 HR)",
      profile: "apc-environment",
    },
    {
      name: "a router on net-snmp by its word",
      id: `${E}.8072.3.2.10`,
      descr: "Linux OpenWrt 5.4.1",
      profile: "router",
    },
    { name: "MikroTik's switch", id: `${E}.14988.1`, descr: "RouterOS CRS999-8P", profile: "mikrotik-switch" },
    { name: "MikroTik's router", id: `${E}.14988.1`, descr: "RouterOS RB999", profile: "mikrotik" },
    {
      name: "Juniper's firewall",
      id: `${E}.2636.1.1.1.2.49`,
      descr: "srx340 internet router",
      profile: "juniper-router",
    },
    {
      name: "Juniper's switch",
      id: `${E}.2636.1.1.1.2.92`,
      descr: "ex3400-24p ethernet switch",
      profile: "juniper-switch",
    },
    {
      name: "a firewall with a switch's number",
      id: `${E}.9.1.2404`,
      descr: "Cisco Adaptive Security Appliance Version 9.12(2)",
      profile: "router",
    },
    { name: "a printer without a number", id: "0.0", descr: "Samsung CLX-9999 Series;V1", profile: "printer" },
  ])("$name", ({ id, descr, profile }) => {
    expect(readingOf({ id, descr }).profile).toBe(profile);
  });
});

describe("makers' own trees", () => {
  it.each([
    {
      name: "Server Technology: a tripped cord, hundredths of amperes",
      id: `${E}.1718.4`,
      descr: "Sentry Smart PDU",
      cells: {
        [`${E}.1718.4.1.3.3.1.2.1.1`]: 12,
        [`${E}.1718.4.1.3.3.1.3.1.1`]: 1500,
        [`${E}.1718.4.1.4.2.1.4.1.1.1`]: "AA:L1",
        [`${E}.1718.4.1.4.3.1.3.1.1.1`]: 560,
      },
      kind: "pdu",
      metrics: { overload: true, output_power_watts: 1500, "phase-aa-l1.phase_current_amperes": 5.6 },
    },
    {
      name: "a printer: a level of 0 of an unknown maximum is no empty toner",
      id: `${E}.367.1.1`,
      descr: "RICOH MP 99 1.35 / RICOH Network Printer",
      cells: {
        "1.3.6.1.2.1.43.11.1.1.5.1.1": 3,
        "1.3.6.1.2.1.43.11.1.1.6.1.1": "Black",
        "1.3.6.1.2.1.43.11.1.1.8.1.1": -2,
        "1.3.6.1.2.1.43.11.1.1.9.1.1": 0,
        "1.3.6.1.2.1.43.11.1.1.5.1.2": 3,
        "1.3.6.1.2.1.43.11.1.1.6.1.2": "Cyan",
        "1.3.6.1.2.1.43.11.1.1.8.1.2": 100,
        "1.3.6.1.2.1.43.11.1.1.9.1.2": 40,
      },
      kind: "office_printer",
      metrics: { supply_out: false, "supply-cyan.supply_remaining_percent": 40 },
    },
    {
      name: "APC's management unit in °F, and a probe that is not installed",
      id: `${E}.318.1.3.8.2`,
      descr: "APC Environmental Management System",
      cells: {
        [`${E}.318.1.1.10.3.12.11.0`]: 2,
        [`${E}.318.1.1.10.3.13.1.1.2.1`]: "Cold room",
        [`${E}.318.1.1.10.3.13.1.1.3.1`]: 41,
        [`${E}.318.1.1.10.3.13.1.1.6.1`]: -1,
        [`${E}.318.1.1.10.3.13.1.1.10.1`]: 2,
        [`${E}.318.1.1.10.3.13.1.1.2.2`]: "Nothing",
        [`${E}.318.1.1.10.3.13.1.1.3.2`]: 0,
        [`${E}.318.1.1.10.3.13.1.1.10.2`]: 1,
      },
      kind: "sensor",
      metrics: { "sensor-cold-room.sensor_temperature_celsius": 5 },
    },
    {
      name: "W&T: one shape at any model's number, a port without a probe",
      id: `${E}.5040.1.2.77`,
      descr: " ",
      cells: {
        [`${E}.5040.1.2.77.1.3.1.1.1`]: "-18,5",
        [`${E}.5040.1.2.77.1.4.1.1.1`]: -185,
        [`${E}.5040.1.2.77.3.2.1.1.1.1`]: "Freezer 1",
        [`${E}.5040.1.2.77.1.3.1.1.2`]: "55,0",
        [`${E}.5040.1.2.77.1.4.1.1.2`]: 550,
        [`${E}.5040.1.2.77.3.2.1.1.1.2`]: "rel. Feuchte",
        [`${E}.5040.1.2.77.1.3.1.1.3`]: "------",
        [`${E}.5040.1.2.77.1.4.1.1.3`]: 327_670,
      },
      kind: "sensor",
      metrics: {
        "sensor-freezer-1.sensor_temperature_celsius": -18.5,
        "sensor-rel-feuchte.sensor_humidity_percent": 55,
      },
    },
    {
      name: "Rittal: a value by the unit in its text, nothing of its limits",
      id: `${E}.2606.7`,
      descr: "Rittal CMC III PU SN 1234567 HW V6.00 - SW V3.17.30_5",
      cells: {
        [`${E}.2606.7.4.2.2.1.3.1.2`]: "Temperature.Value",
        [`${E}.2606.7.4.2.2.1.5.1.2`]: "degree C",
        [`${E}.2606.7.4.2.2.1.10.1.2`]: "20.90 degree C",
        [`${E}.2606.7.4.2.2.1.3.1.3`]: "Temperature.SetPtHighAlarm",
        [`${E}.2606.7.4.2.2.1.5.1.3`]: "degree C",
        [`${E}.2606.7.4.2.2.1.10.1.3`]: "40.00 degree C",
      },
      kind: "sensor",
      metrics: { "sensor-temperature.sensor_temperature_celsius": 20.9 },
    },
    {
      name: "Socomec: without UPS-MIB, and what is not measured",
      id: `${E}.4555.1.1.7`,
      descr: "NetVision",
      cells: {
        [`${E}.4555.1.1.7.1.2.1.0`]: 4,
        [`${E}.4555.1.1.7.1.2.3.0`]: 65_535,
        [`${E}.4555.1.1.7.1.2.4.0`]: 12,
        [`${E}.4555.1.1.7.1.4.1.0`]: 5,
      },
      kind: "ups",
      metrics: { on_battery: true, on_bypass: false, battery_low: true, battery_charge_percent: 12 },
    },
    {
      name: "MikroTik: a gauge by its unit, a port that carries too much",
      id: `${E}.14988.1`,
      descr: "RouterOS RB999",
      cells: {
        [`${E}.14988.1.1.3.100.1.2.17`]: "cpu-temperature",
        [`${E}.14988.1.1.3.100.1.3.17`]: 50,
        [`${E}.14988.1.1.3.100.1.4.17`]: 1,
        [`${E}.14988.1.1.3.100.1.2.18`]: "voltage",
        [`${E}.14988.1.1.3.100.1.3.18`]: 243,
        [`${E}.14988.1.1.3.100.1.4.18`]: 3,
        [`${E}.14988.1.1.15.1.1.2.2`]: "ether1",
        [`${E}.14988.1.1.15.1.1.3.2`]: 4,
        [`${E}.14988.1.1.15.1.1.6.2`]: 0,
      },
      kind: "router",
      metrics: {
        "sensor-cpu-temperature.sensor_temperature_celsius": 50,
        "sensor-voltage.sensor_voltage_volts": 24.3,
        "port-ether1.poe_enabled": true,
        "port-ether1.poe_delivering": false,
        "port-ether1.poe_fault": true,
        "port-ether1.poe_power_watts": 0,
      },
    },
    {
      name: "Synology: a crashed disk",
      id: `${E}.8072.3.2.10`,
      descr: "Linux nas 3.10.77 #8451 SMP x86_64",
      cells: {
        [`${E}.6574.1.1.0`]: 1,
        [`${E}.6574.1.5.1.0`]: "DS000",
        [`${E}.6574.2.1.1.2.0`]: "Disk 1",
        [`${E}.6574.2.1.1.5.0`]: 5,
      },
      kind: "host",
      metrics: { hardware_fault: false, "disk-1.disk_fault": true },
    },
  ])("$name", ({ id, descr, cells, kind, metrics }) => {
    const seen = readingOf({ id, descr, cells });
    expect({ kind: seen.kind, metrics: seen.metrics }).toEqual({ kind, metrics });
  });
});

describe("the shipped profiles", () => {
  it.each(profiles.map((profile) => ({ name: profile.name, profile })))(
    "$name asks for what it uses",
    ({ profile }) => {
      const { gets, walks } = profileOids(profile, "");
      expect(new Set(gets).size).toBe(gets.length);
      expect(gets.length + walks.length).toBeGreaterThan(0);
      const names = new Set(CATALOGUE.map(({ name }) => name));
      for (const name of profileMetrics(profile)) expect(names.has(name), name).toBe(true);
    },
  );

  it("never throw, whatever stands where they look, and give finite values of the right type", () => {
    const oids = profiles.flatMap((profile) => {
      const { gets, walks } = profileOids(profile, "");
      return [...gets, ...walks.flatMap(({ columns }) => columns.flatMap((oid) => [`${oid}.1`, `${oid}.1.2`]))];
    });
    const value: fc.Arbitrary<SnmpValue> = fc.oneof(
      fc.record({ type: fc.constantFrom("integer", "gauge", "counter", "ticks", "float"), value: fc.double() }),
      fc.record({ type: fc.constant("integer"), value: fc.integer({ min: -4, max: 12 }) }),
      fc.uint8Array({ maxLength: 12 }).map(octetsValue),
      fc.record({ type: fc.constantFrom("text", "hex", "oid", "ip"), value: fc.string() }),
      fc.record({ type: fc.constant("counter64"), value: fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String) }),
    );
    const varbinds = fc.dictionary(fc.constantFrom(...oids), value, { maxKeys: 80 });
    fc.assert(
      fc.property(varbinds, fc.constantFrom(...profiles), (some, profile) => {
        for (const { component, metrics } of evaluateProfile(profile, { at: 0, varbinds: some }).samples) {
          expect(component ?? "device").toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
          for (const [name, found] of Object.entries(metrics)) {
            expect(typeof found).toBe(CATALOGUE.find((known) => known.name === name)?.type);
            if (typeof found === "number") expect(Number.isFinite(found)).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
