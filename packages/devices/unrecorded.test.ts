/** What profiles read where no recording is at hand: answers as the documents that a profile names describe them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  evaluateProfile,
  loadBuiltinProfiles,
  matchProfile,
  octetsValue,
  parseProfiles,
  type SnmpValue,
} from "./index.ts";
import { flat } from "./recordings.ts";

const int = (value: number): SnmpValue => ({ type: "integer", value });
const profiles = loadBuiltinProfiles();
const evaluate = (name: string, varbinds: Record<string, SnmpValue>) => {
  const profile = profiles.find((one) => one.name === name);
  if (profile === undefined) throw new Error(`there is no profile ${name}`);
  return evaluateProfile(profile, { at: 0, varbinds });
};

describe("a Huawei UPS card", () => {
  const tree = "1.3.6.1.4.1.2011.6.174.1";

  it("that calls itself a net-snmp Linux is known by its own tree", () => {
    const present = new Set([`${tree}.2.100.1.2`, "1.3.6.1.2.1.33.1.2", "1.3.6.1.2.1.25.2.3.1"]);
    const facts = { sysObjectID: "1.3.6.1.4.1.8072.3.2.10", sysDescr: "Linux GSE200M", present };
    expect(matchProfile(profiles, facts)?.name).toBe("huawei-ups");
  });

  it("is read in its own tree where UPS-MIB has nothing", () => {
    const evaluation = evaluate("huawei-ups", {
      [`${tree}.2.100.1.2.1`]: octetsValue(Buffer.from("UPS5000-E")),
      [`${tree}.2.101.1.1.1`]: int(4),
      [`${tree}.4.100.1.14.1`]: int(452),
      [`${tree}.6.100.1.1.1`]: int(4075),
      [`${tree}.6.100.1.4.1`]: int(1260),
    });
    expect(evaluation.asset).toMatchObject({ vendor: "Huawei", model: "UPS5000-E" });
    expect(flat(evaluation)).toEqual({
      on_battery: true,
      on_bypass: false,
      output_off: false,
      output_load_percent: 45.2,
      battery_voltage_volts: 407.5,
      battery_runtime_seconds: 1260,
    });
  });

  it("says what UPS-MIB says where that is all there is", () => {
    expect(flat(evaluate("huawei-ups", { "1.3.6.1.2.1.33.1.4.1.0": int(5) }))).toMatchObject({ on_battery: true });
  });
});

describe("an environment sensor at a CyberPower card", () => {
  const card = "1.3.6.1.4.1.3808.1.1";
  const text = (value: string) => octetsValue(Buffer.from(value));

  it("of the first generation speaks tenths of a degree Fahrenheit", () => {
    const said = flat(
      evaluate("cyberpower-ups", {
        [`${card}.4.2.1.0`]: int(716),
        [`${card}.4.3.1.0`]: int(45),
        [`${card}.4.4.2.1.2.1`]: text("Door"),
        [`${card}.4.4.2.1.3.1`]: int(2),
      }),
    );
    expect(said["sensor-environment.sensor_temperature_celsius"]).toBeCloseTo(22, 6);
    expect(said).toMatchObject({ "sensor-environment.sensor_humidity_percent": 45, "sensor-door.sensor_alarm": true });
  });

  it.each([
    { unit: 1, raw: 2150, celsius: 21.5 },
    { unit: 2, raw: 7070, celsius: 21.5 },
  ])("of the second has the unit of the card, $unit", ({ unit, raw, celsius }) => {
    const said = flat(
      evaluate("cyberpower-ups", {
        [`${card}.8.1.2.1.3.1`]: text("Freezer"),
        [`${card}.8.2.2.0`]: int(unit),
        [`${card}.8.2.3.1.3.1`]: int(raw),
      }),
    );
    expect(said["sensor-freezer.sensor_temperature_celsius"]).toBeCloseTo(celsius, 6);
  });
});

describe("a contact at an APC card", () => {
  const contact = "1.3.6.1.4.1.318.1.1.10.2.3.4.1";
  it("has an alarm when it stands as it should not, and none while nobody named it", () => {
    const said = evaluate("apc-ups", {
      [`${contact}.2.1`]: octetsValue(Buffer.from("Leak")),
      [`${contact}.3.1`]: int(2),
      [`${contact}.2.2`]: octetsValue(Buffer.from("Unknown")),
      [`${contact}.3.2`]: int(1),
    });
    expect(flat(said)).toEqual({ "sensor-leak.sensor_alarm": true });
  });
});

describe("a Linux with UCD-SNMP-MIB alone", () => {
  const disk = "1.3.6.1.4.1.2021.9.1";
  const root = {
    [`${disk}.2.1`]: octetsValue(Buffer.from("/")),
    [`${disk}.3.1`]: octetsValue(Buffer.from("/dev/sda1")),
    [`${disk}.9.1`]: int(91),
    [`${disk}.10.1`]: int(14),
    [`${disk}.11.1`]: int(1024),
    [`${disk}.12.1`]: int(1),
    [`${disk}.2.2`]: octetsValue(Buffer.from("/mnt/usb")),
    [`${disk}.3.2`]: octetsValue(Buffer.from("tmpfs")),
    [`${disk}.9.2`]: int(50),
  };

  it("has its file systems, those in memory left out", () => {
    expect(flat(evaluate("host", root))).toEqual({
      "disk-root.disk_used_percent": 91,
      "disk-root.inodes_used_percent": 14,
      "disk-root.disk_total_bytes": 2 ** 42 + 2 ** 20,
    });
  });

  it("leaves them to HOST-RESOURCES-MIB where there is one", () => {
    const storage = { "1.3.6.1.2.1.25.2.3.1.5.1": int(100), "1.3.6.1.2.1.25.2.3.1.6.1": int(50) };
    expect(flat(evaluate("host", { ...root, ...storage }))).toEqual({});
  });
});

describe("net-snmp's extend", () => {
  const full = "1.3.6.1.4.1.8072.1.3.2.3.1.2";
  const says = (name: string, json: unknown) => {
    const index = [name.length, ...Buffer.from(name)].join(".");
    return flat(evaluate("host", { [`${full}.${index}`]: octetsValue(Buffer.from(JSON.stringify(json))) }));
  };

  it("has a disk for each that smartctl knows", () => {
    const disks = {
      sda: { health_pass: 1, "194": "31", "5": "0", "197": 0, "9": "63417" },
      "nvme0.n1": { health_pass: 0, "194": "null" },
    };
    expect(says("smart", { data: { disks } })).toEqual({
      "disk-sda.disk_fault": false,
      "disk-sda.disk_temperature_celsius": 31,
      "disk-sda.disk_reallocated_sectors": 0,
      "disk-sda.disk_pending_sectors": 0,
      "disk-sda.disk_powered_hours_total": 63417,
      "disk-nvme0-n1.disk_fault": true,
    });
  });

  it("counts what systemd calls failed, none when it names none", () => {
    expect(says("systemd", { data: { active: { active: 158, failed: 2, total: 160 } } })).toEqual({ units_failed: 2 });
    expect(says("systemd", { data: { active: { active: 160, total: 160 } } })).toEqual({ units_failed: 0 });
  });

  it("has the clock behind its server when the server is ahead", () => {
    expect(says("ntp-client", { data: { offset: "702.9" } })).toEqual({ time_server_offset_seconds: -0.7029 });
  });

  it("says nothing when the script complains", () => {
    expect(says("smart", "Traceback")).toEqual({});
  });
});

describe("a table of JSON members", () => {
  it("has one column and no other", () => {
    const text = "profile: p\ntitle: P\ntables:\n  t: { columns: { a: 1.3.6.1, b: 1.3.6.2 }, members: data.disks }\n";
    const parsed = parseProfiles([{ file: "p.yaml", text }], profiles);
    expect(parsed.ok ? "" : parsed.diagnostics.map(({ message }) => message).join()).toContain("expected one column");
  });
});

describe("a Windows service that must run (docs/profiles.md)", () => {
  const docs = readFileSync(new URL("../../docs/profiles.md", import.meta.url), "utf8");
  const text = /```yaml\n(profile: windows-till[\s\S]*?)```/.exec(docs)?.[1] ?? "";
  const parsed = parseProfiles([{ file: "docs/profiles.md", text }], profiles);
  const till = parsed.ok ? parsed.value.find(({ name }) => name === "windows-till") : undefined;
  const services = "1.3.6.1.4.1.77.1.2";
  const spooler = `${services}.3.1.3.13.80.114.105.110.116.32.83.112.111.111.108.101.114`;
  const says = (varbinds: Record<string, SnmpValue>) =>
    till === undefined ? null : flat(evaluateProfile(till, { at: 0, varbinds }));

  it.each([
    { name: "runs", varbinds: { [`${services}.2.0`]: int(50), [spooler]: int(1) }, want: true },
    { name: "is paused", varbinds: { [`${services}.2.0`]: int(50), [spooler]: int(4) }, want: false },
    { name: "has no row any more", varbinds: { [`${services}.2.0`]: int(49) }, want: false },
  ])("$name", ({ varbinds, want }) => {
    expect(says(varbinds)).toEqual({ "process-print-spooler.process_running": want });
  });

  it("is not missed at a host that has no such list", () => {
    expect(says({})).toEqual({});
  });
});

describe("a MessPC Ethernetbox", () => {
  const sensor = "1.3.6.1.4.1.14848.2.1.2.1";
  const box = (unit: number | null, value: number, status: number, valid = 1) =>
    flat(
      evaluate("messpc", {
        ...(unit !== null && { "1.3.6.1.4.1.14848.2.1.1.3.0": int(unit) }),
        [`${sensor}.2.1`]: octetsValue(Buffer.from("Cold room")),
        [`${sensor}.3.1`]: int(1),
        [`${sensor}.5.1`]: int(value),
        [`${sensor}.7.1`]: int(valid),
        [`${sensor}.11.1`]: int(status),
      }),
    );

  it.each([
    { name: "in Celsius", unit: 0, value: -185, celsius: -18.5 },
    { name: "in Fahrenheit", unit: 1, value: -13, celsius: -18.5 },
    { name: "in Kelvin", unit: 2, value: 2546, celsius: -18.55 },
    { name: "without a unit, as old boxes are", unit: null, value: 40, celsius: 4 },
  ])("has its temperature $name", ({ unit, value, celsius }) => {
    expect(box(unit, value, 2)["sensor-cold-room.sensor_temperature_celsius"]).toBeCloseTo(celsius, 1);
  });

  it("says that a sensor is outside its limits, and nothing of one that is not there", () => {
    expect(box(0, 120, 3)).toMatchObject({ "sensor-cold-room.sensor_alarm": true });
    expect(box(0, 120, 2)).toMatchObject({ "sensor-cold-room.sensor_alarm": false });
    expect(box(0, 0, 3, 0)).toEqual({});
  });
});
