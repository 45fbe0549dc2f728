/** What a profile makes of a reply: expressions, tables, witnesses, quirks and parts. */
import { formatDiagnostics } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import {
  evaluateProfile,
  octetsValue,
  type Profile,
  parseProfiles,
  profileMetrics,
  profileOids,
  type SnmpReply,
  type SnmpValue,
} from "./index.ts";

const integer = (value: number): SnmpValue => ({ type: "integer", value });
const text = (value: string): SnmpValue => ({ type: "text", value });

function profileOf(yaml: string): Profile {
  const parsed = parseProfiles([{ file: "p.yaml", text: `profile: p\ntitle: P\n${yaml}` }]);
  if (!parsed.ok) throw new Error(formatDiagnostics(parsed.diagnostics));
  const [profile] = parsed.value;
  if (profile === undefined) throw new Error("no profile");
  return profile;
}

const reply = (varbinds: Record<string, SnmpValue>): SnmpReply => ({ at: Date.UTC(2026, 0, 1), varbinds });

/** The one metric of a profile of one metric, over one varbind at 1.3.1.0. */
function metric(name: string, expression: string, value?: SnmpValue): number | boolean | undefined {
  const profile = profileOf(`metrics:\n  ${name}: ${expression}\n`);
  return evaluateProfile(profile, reply(value === undefined ? {} : { "1.3.1.0": value })).samples[0]?.metrics[name];
}

describe("expressions", () => {
  it.each([
    { name: "a number", expression: "{ oid: 1.3.1.0 }", value: integer(7), want: 7 },
    { name: "a number in text", expression: "{ oid: 1.3.1.0 }", value: text("0.12 "), want: 0.12 },
    { name: "text that is no number", expression: "{ oid: 1.3.1.0 }", value: text("12 V"), want: undefined },
    {
      name: "a number out of text",
      expression: '{ oid: 1.3.1.0, match: "(\\\\d+) CENTIMETERS", scale: 0.01 }',
      value: text("1920 INCHES, 4876 CENTIMETERS"),
      want: 48.76,
    },
    {
      name: "a special value",
      expression: "{ oid: 1.3.1.0, absent: [-1, -2, -3] }",
      value: integer(-2),
      want: undefined,
    },
    { name: "a scale without dust", expression: "{ oid: 1.3.1.0, scale: 0.1 }", value: integer(541), want: 54.1 },
    {
      name: "a value within its range",
      expression: "{ oid: 1.3.1.0, range: [-40, 120] }",
      value: integer(-40),
      want: -40,
    },
    {
      name: "a sensor that is not there",
      expression: "{ oid: 1.3.1.0, range: [-40, 120] }",
      value: integer(-273),
      want: undefined,
    },
    {
      name: "32 bits read as signed",
      expression: "{ oid: 1.3.1.0, unsigned: true }",
      value: integer(-1),
      want: 4_294_967_295,
    },
    { name: "nothing", expression: "{ oid: 1.3.1.0 }", value: undefined, want: undefined },
    {
      name: "the first that is there",
      expression: "{ first: [{ oid: 1.3.9.0 }, { oid: 1.3.1.0 }, { constant: 1 }] }",
      value: integer(7),
      want: 7,
    },
    {
      name: "a sum that lacks a part",
      expression: "{ sum: [{ oid: 1.3.9.0 }, { oid: 1.3.1.0 }] }",
      value: integer(7),
      want: undefined,
    },
    {
      name: "a difference",
      expression: "{ difference: [{ constant: 10 }, { oid: 1.3.1.0 }, { constant: 1 }] }",
      value: integer(7),
      want: 2,
    },
    {
      name: "a percentage",
      expression: "{ percent: { part: { oid: 1.3.1.0 }, whole: { constant: 3 } } }",
      value: integer(1),
      want: 33.3,
    },
    {
      name: "a percentage of an unknown part",
      expression: "{ percent: { part: { oid: 1.3.1.0 }, whole: { constant: 100 } } }",
      value: integer(-3),
      want: undefined,
    },
    {
      name: "a percentage of nothing",
      expression: "{ percent: { part: { constant: 1 }, whole: { oid: 1.3.1.0 } } }",
      value: integer(0),
      want: undefined,
    },
    {
      name: "a percentage above the whole",
      expression: "{ percent: { part: { oid: 1.3.1.0 }, whole: { constant: 100 } } }",
      value: integer(120),
      want: 100,
    },
    { name: "a mapped number", expression: "{ oid: 1.3.1.0, map: { 1: 10, else: 0 } }", value: integer(5), want: 0 },
    {
      name: "a clock a minute ahead",
      expression: "{ clock: 1.3.1.0 }",
      value: octetsValue(Buffer.from([0x07, 0xea, 1, 1, 2, 1, 0, 0, 0x2b, 2, 0])),
      want: 60,
    },
    {
      name: "a clock without a time zone",
      expression: "{ clock: 1.3.1.0 }",
      value: octetsValue(Buffer.from([0x07, 0xea, 1, 1, 2, 1, 0, 0])),
      want: undefined,
    },
    { name: "a clock that is none", expression: "{ clock: 1.3.1.0 }", value: text("11 octets??"), want: undefined },
  ])("$name is $want", ({ expression, value, want }) => {
    expect(metric("temperature_celsius", expression, value)).toBe(want);
  });

  it.each([
    {
      name: "an enumeration",
      expression: "{ oid: 1.3.1.0, map: { 1: true, 2: false } }",
      value: integer(2),
      want: false,
    },
    {
      name: "a value that the enumeration lacks",
      expression: "{ oid: 1.3.1.0, map: { 1: true, 2: false } }",
      value: integer(4),
      want: undefined,
    },
    { name: "one of", expression: "{ oid: 1.3.1.0, is: [3, 5] }", value: integer(5), want: true },
    { name: "one of, in text", expression: "{ oid: 1.3.1.0, is: [3, 5] }", value: text("5"), want: true },
    {
      name: "bit 0, the highest of the first octet",
      expression: "{ oid: 1.3.1.0, bit: 0 }",
      value: octetsValue(Buffer.from([0x80, 0])),
      want: true,
    },
    { name: "bit 13", expression: "{ oid: 1.3.1.0, bit: 13 }", value: octetsValue(Buffer.from([0, 0x04])), want: true },
    {
      name: "bit 9 of one octet",
      expression: "{ oid: 1.3.1.0, bit: 9 }",
      value: octetsValue(Buffer.from([0xff])),
      want: false,
    },
    {
      name: "bit 0 of no octet",
      expression: "{ oid: 1.3.1.0, bit: 0 }",
      value: octetsValue(Buffer.from([])),
      want: false,
    },
    {
      name: "a bit of an octet that is a letter",
      expression: "{ oid: 1.3.1.0, bit: 1 }",
      value: octetsValue(Buffer.from("A")),
      want: true,
    },
    { name: "a bit of a number", expression: "{ oid: 1.3.1.0, bit: 1 }", value: integer(64), want: undefined },
    {
      name: "any, with one unknown",
      expression: "{ any: [{ oid: 1.3.9.0, is: [1] }, { oid: 1.3.1.0, is: [1] }] }",
      value: integer(2),
      want: false,
    },
    { name: "any of unknowns", expression: "{ any: [{ oid: 1.3.9.0, is: [1] }] }", value: integer(2), want: undefined },
    {
      name: "all",
      expression: "{ all: [{ oid: 1.3.1.0, is: [2] }, { oid: 1.3.1.0, matches: '^2$' }] }",
      value: integer(2),
      want: true,
    },
    { name: "not", expression: "{ not: { oid: 1.3.1.0, is: [2] } }", value: integer(2), want: false },
    { name: "not of an unknown", expression: "{ not: { oid: 1.3.9.0, is: [2] } }", value: integer(2), want: undefined },
  ])("$name is $want", ({ expression, value, want }) => {
    expect(metric("fan_fault", expression, value)).toBe(want);
  });
});

describe("tables", () => {
  const trays = profileOf(
    `
kind: office_printer
metrics:
  media_out: { rows: { table: trays, take: all, of: { column: level, is: [0] } } }
tables:
  trays:
    columns: { name: 1.3.2.1, level: 1.3.2.2, max: 1.3.2.3 }
    max_rows: 3
    where: [{ not: { column: name, is: [Ghost] } }]
    component: { prefix: tray, from: [name] }
    metrics: { tray_remaining_percent: { percent: { part: { column: level }, whole: { column: max } } } }
`,
  );
  const rows = (table: readonly (readonly [string, string, number])[]): SnmpReply =>
    reply(
      Object.fromEntries(
        table.flatMap(([index, name, level]): [string, SnmpValue][] => [
          [`1.3.2.1.${index}`, text(name)],
          [`1.3.2.2.${index}`, integer(level)],
          [`1.3.2.3.${index}`, integer(500)],
        ]),
      ),
    );
  const components = (answer: SnmpReply): Record<string, unknown> =>
    Object.fromEntries(
      evaluateProfile(trays, answer).samples.map(({ component, metrics }) => [component ?? "device", metrics]),
    );

  it("give each row's component its name, whatever its index is today", () => {
    const want = {
      device: { media_out: false },
      "tray-1": { tray_remaining_percent: 10 },
      "tray-bypass": { tray_remaining_percent: 0 },
    };
    expect(
      components(
        rows([
          ["1.1", "Tray 1", 50],
          ["1.2", "Bypass", 0],
        ]),
      ),
    ).toEqual(want);
    expect(
      components(
        rows([
          ["1.9", "Tray 1", 50],
          ["1.10", "Bypass", 0],
        ]),
      ),
    ).toEqual(want);
  });

  it("tell equal names apart in index order, and name by index what has no name", () => {
    const answer = rows([
      ["1.10", "Tray", 50],
      ["1.2", "Tray", 100],
      ["1.3", "", 150],
    ]);
    expect(components(answer)).toMatchObject({
      tray: { tray_remaining_percent: 20 },
      "tray-2": { tray_remaining_percent: 10 },
      "tray-1-3": { tray_remaining_percent: 30 },
    });
  });

  it("never tell two rows apart by a number that a third has in its name", () => {
    const answer = rows([
      ["1", "Tray 2", 50],
      ["2", "Tray", 100],
      ["3", "Tray", 150],
    ]);
    expect(components(answer)).toMatchObject({
      "tray-2": { tray_remaining_percent: 10 },
      tray: { tray_remaining_percent: 20 },
      "tray-3": { tray_remaining_percent: 30 },
    });
  });

  it("leave out rows by their where, and rows beyond the limit", () => {
    const answer = rows([
      ["1", "A", 0],
      ["2", "Ghost", 50],
      ["3", "C", 0],
      ["4", "D", 50],
    ]);
    expect(components(answer)).toEqual({
      device: { media_out: true },
      "tray-a": { tray_remaining_percent: 0 },
      "tray-c": { tray_remaining_percent: 0 },
    });
  });
});

describe("witnesses", () => {
  const printer = profileOf(`kind: office_printer
metrics:
  media_out:
    any_of:
      error bits: { oid: 1.3.1.0, bit: 1 }
      alert table: { oid: 1.3.2.0, is: [808] }
      vendor: { oid: 1.3.3.0, map: { 1: false, 2: true } }
  pages_printed_total:
    first_of:
      vendor: { oid: 1.3.4.0, absent: [0] }
      printer-mib: { oid: 1.3.5.0 }`);
  const judge = (varbinds: Record<string, SnmpValue>) => evaluateProfile(printer, { at: 0, varbinds });

  it("give one verdict, and the reading names who said so and who did not", () => {
    const { samples, evidence } = judge({ "1.3.1.0": octetsValue(Buffer.from([0])), "1.3.2.0": integer(808) });
    expect(samples).toEqual([{ component: null, metrics: { media_out: true } }]);
    expect(evidence).toEqual([{ component: null, metric: "media_out", by: ["alert table"], against: ["error bits"] }]);
  });

  it("are no evidence while all is well, and no verdict while none of them speaks", () => {
    expect(judge({ "1.3.2.0": integer(1) })).toMatchObject({
      samples: [{ metrics: { media_out: false } }],
      evidence: [],
    });
    expect(judge({}).samples).toEqual([]);
  });

  it("are asked in the order of trust, and one who says otherwise is named", () => {
    expect(judge({ "1.3.4.0": integer(0), "1.3.5.0": integer(7) }).evidence).toMatchObject([{ by: ["printer-mib"] }]);
    expect(judge({ "1.3.4.0": integer(9), "1.3.5.0": integer(7) })).toMatchObject({
      samples: [{ metrics: { pages_printed_total: 9 } }],
      evidence: [{ by: ["vendor"], against: ["printer-mib"] }],
    });
  });
});

describe("quirks", () => {
  const ups = profileOf(`kind: ups
identity: { model: [{ oid: 1.3.9.0 }], firmware: [{ oid: 1.3.8.0 }] }
metrics:
  battery_runtime_seconds: { oid: 1.3.1.0, scale: 60 }
  battery_charge_percent: { oid: 1.3.2.0 }
quirks:
  - why: Seconds before 3.2, seen by nobody
    when: { model: "^Box", firmware_from: "2", firmware_before: "3.2" }
    metrics:
      battery_runtime_seconds: { oid: 1.3.3.0 }
      battery_charge_percent: null`);
  const read = (model: string, firmware: string) =>
    evaluateProfile(ups, {
      at: 0,
      varbinds: {
        "1.3.1.0": integer(5),
        "1.3.2.0": integer(80),
        "1.3.3.0": integer(301),
        "1.3.8.0": text(firmware),
        "1.3.9.0": text(model),
      },
    }).samples[0]?.metrics;

  it.each([
    { name: "of the model and firmware", model: "Box 7", firmware: "V3.1.12", want: { battery_runtime_seconds: 301 } },
    {
      name: "not of a later firmware",
      model: "Box 7",
      firmware: "V3.2",
      want: { battery_runtime_seconds: 300, battery_charge_percent: 80 },
    },
    {
      name: "by numbers, not by letters",
      model: "Box 7",
      firmware: "3.10",
      want: { battery_runtime_seconds: 300, battery_charge_percent: 80 },
    },
    {
      name: "not of an earlier one",
      model: "Box 7",
      firmware: "1.9",
      want: { battery_runtime_seconds: 300, battery_charge_percent: 80 },
    },
    {
      name: "not of a firmware without a number",
      model: "Box 7",
      firmware: "beta",
      want: { battery_runtime_seconds: 300, battery_charge_percent: 80 },
    },
    {
      name: "not of another model",
      model: "Rack 1",
      firmware: "3.1",
      want: { battery_runtime_seconds: 300, battery_charge_percent: 80 },
    },
  ])("hold $name", ({ model, firmware, want }) => expect(read(model, firmware)).toEqual(want));

  it("are asked for, and may be reported", () => {
    expect(profileOids(ups, "").gets).toContain("1.3.3.0");
    expect(profileMetrics(ups)).toContain("battery_charge_percent");
  });
});

describe("parts", () => {
  const device = profileOf(`kind: network_switch
metrics:
  temperature_celsius: { oid: $.7.0 }
tables:
  interfaces:
    columns: { name: 1.3.31 }
    component: { prefix: port, from: [name] }
  poe:
    columns: { state: 1.3.105 }
    component: { prefix: port, from: [], row_of: { table: interfaces, arcs: [-1] } }
    metrics:
      poe_fault: { column: state, map: { 3: false, 4: true } }
      poe_power_watts: { column: state, when: { arc: 0, is: [2] } }
  flags:
    columns: { status: 1.3.50 }
    component: { prefix: psu, from: [], arcs: [1, 2] }
    metrics: { power_supply_fault: { column: status, mask: 7, is: [3] } }
  list:
    columns: { octets: 1.3.60 }
    component: { prefix: sensor, from: [], called: inside }
    metrics: { sensor_temperature_celsius: { column: octets, tlv: 0x6f, scale: 0.01 } }`);
  const read = (varbinds: Record<string, SnmpValue>) => {
    const { samples } = evaluateProfile(device, { at: 0, varbinds });
    return Object.fromEntries(samples.map(({ component, metrics }) => [component ?? "", metrics]));
  };

  it("are called as the rows of another table, by arcs, by a name, or by their index", () => {
    expect(
      read({
        "1.3.31.7": text("Gi0/7"),
        "1.3.105.2.7": integer(4),
        "1.3.105.1.9": integer(3),
        "1.3.50.1.4": integer(16 + 3),
        "1.3.60.0": { type: "hex", value: "0001040000064b6f010400000d48ff" },
      }),
    ).toEqual({
      "port-gi0-7": { poe_fault: true, poe_power_watts: 4 },
      "port-1-9": { poe_fault: false },
      "psu-4": { power_supply_fault: true },
      "sensor-inside": { sensor_temperature_celsius: 34 },
    });
  });

  it("below the device's own sysObjectID are asked for and read there", () => {
    expect(profileOids(device, "1.3.6.1.4.1.8691.7.9").gets).toContain("1.3.6.1.4.1.8691.7.9.7.0");
    const sysObjectID: SnmpValue = { type: "oid", value: ".1.3.6.1.4.1.8691.7.9" };
    expect(read({ "1.3.6.1.2.1.1.2.0": sysObjectID, "1.3.6.1.4.1.8691.7.9.7.0": integer(41) })).toEqual({
      "": { temperature_celsius: 41 },
    });
  });

  it("of cut or endless records are no value", () => {
    for (const value of ["6f", "6f01", "6f0104000d", "6f01ff00", "ff6f010400000d48", ""]) {
      expect(read({ "1.3.60.0": { type: "hex", value } })).toEqual({});
    }
  });
});

/** What sysObjectID and sysDescr say alone, of devices that nobody recorded for us. */
