import { existsSync, readdirSync, readFileSync } from "node:fs";
import { loadBuiltinMaps, parseMaps, type RegisterMap } from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recordedReply } from "../../../test/rig/recorded-reply.ts";
import { metricsWith, parse, refusals } from "./parse.ts";
import type { ModbusReply } from "./types.ts";

const CASES = new URL("testdata/", import.meta.url);
const json = (url: URL): unknown => JSON.parse(readFileSync(url, "utf8"));
const line = { checksumErrors: 1, timeouts: 2, refusals: 0 };
const mapNamed = (name: string): RegisterMap => {
  const map = loadBuiltinMaps().find((one) => one.name === name);
  if (map === undefined) throw new Error(`no map ${name}`);
  return map;
};

describe("parse", () => {
  it.each(readdirSync(CASES))("reads %s", (name) => {
    const map = mapNamed(name.split("_")[0] ?? "");
    const reply = recordedReply<ModbusReply>(new URL(`${name}/reply.json`, CASES));
    const expected = json(new URL(`${name}/expected.json`, CASES));
    expect(parse(reply, { map, kind: map.kind ?? "drive" })).toEqual({ ok: true, value: expected });
  });

  it("reports what was read when one block was refused, and names the refusal as the map writes it", () => {
    const map = mapNamed("siemens-v20");
    const said = { "holding:23+7": "8302", "holding:109+2": "030402044000" };
    const parsed = parse({ kind: "asked", said, line }, { map, kind: "drive" });
    expect(parsed).toMatchObject({
      ok: true,
      value: { samples: [{ metrics: { running: true, speed_percent: 100 } }] },
    });
    expect(refusals(said, map)).toEqual([
      "the device refuses holding register 40024 (frequency, speed, current, …): illegal data address",
    ]);
  });

  it("is an error when nothing of the state was read", () => {
    const map = mapNamed("siemens-v20");
    expect(parse({ kind: "asked", said: { "holding:23+7": "8302" }, line }, { map, kind: "drive" })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining("illegal data address") },
    });
    expect(parse({ kind: "asked", said: {}, line }, { map, kind: "drive" })).toMatchObject({ ok: false });
    expect(parse({ kind: "heard", values: {}, line }, { map, kind: "drive" })).toMatchObject({ ok: false });
  });

  it("reports no metric that was not announced, and none that the kind does not have", () => {
    for (const map of loadBuiltinMaps()) {
      for (const kind of ["drive", "conveyor", "host"] as const) {
        const announced = metricsWith(map, kind);
        const values = Object.fromEntries(
          Object.values(map.registers).flatMap(({ table, address, length }) =>
            Array.from({ length }, (_, i) => [`${table}:${address + i}`, 1]),
          ),
        );
        const parsed = parse({ kind: "heard", values, line }, { map, kind });
        const named = parsed.ok ? parsed.value.samples.flatMap(({ metrics }) => Object.keys(metrics)) : ["an error"];
        expect(named.filter((name) => !announced.includes(name))).toEqual([]);
        expect(announced).toContain("line_timeouts_total");
      }
    }
  });

  it("reads a 43/14 identification and a server's name, and outlives what is cut short", () => {
    const text = `
map: named
title: names itself
addresses: pdu
registers: { on: { at: 0 } }
metrics: { running: { register: on, is: [1] } }
identity:
  vendor: [{ device_id: vendor_name }]
  firmware: [{ device_id: revision, match: "V(.*)" }]
  model: [{ server_id: true }]
`;
    const parsed = parseMaps([{ file: "named.yaml", text }]);
    const map = parsed.ok ? parsed.value[0] : undefined;
    if (map === undefined) throw new Error(JSON.stringify(parsed));
    const hex = (octets: number[]): string => Buffer.from(octets).toString("hex");
    const whole = [43, 14, 1, 1, 0, 0, 2, 0, 4, ...Buffer.from("Acme"), 2, 4, ...Buffer.from("V2.4")];
    const server = [17, 9, 1, 0xff, ...Buffer.from("AC-1500")];
    const said = (deviceId: number[]) => ({
      "holding:0+1": "03020001",
      device_id: hex(deviceId),
      server_id: hex(server),
    });
    const assetOf = (deviceId: number[]) => {
      const read = parse({ kind: "asked", said: said(deviceId), line }, { map, kind: "drive" });
      return read.ok ? read.value.asset : "an error";
    };
    expect(assetOf(whole)).toEqual({ vendor: "Acme", firmware: "2.4", model: "AC-1500" });
    for (let end = 0; end < whole.length; end++) assetOf(whole.slice(0, end));
    expect(assetOf(whole.slice(0, 15))).toEqual({ vendor: "Acme", model: "AC-1500" });
  });

  it("never throws, whatever a recording says", () => {
    const names = loadBuiltinMaps().flatMap((map) =>
      Object.values(map.registers).map(({ table, address }) => `${table}:${address}`),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...loadBuiltinMaps()),
        fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.double()),
        fc.dictionary(
          fc.oneof(fc.constantFrom("device_id", "server_id", "holding:109+2"), fc.string()),
          fc.option(fc.string()),
        ),
        (map, values, said) => {
          parse({ kind: "heard", values, line }, { map, kind: "drive" });
          parse({ kind: "asked", said, line }, { map, kind: "drive" });
        },
      ),
    );
  });
});

const CAPTURE = new URL("../../../../shared/devices/captures/modbus/wizmodbus.json", import.meta.url);
describe.skipIf(!existsSync(CAPTURE) && !process.env["CI"])("a recorded device with floats low word first", () => {
  it("is read right with word_order: low_first", () => {
    const { frames } = json(CAPTURE) as { frames: { hex: string }[] };
    const text = `
map: wiz
title: floats
addresses: pdu
word_order: low_first
registers: { value: { at: 1002, type: f32 } }
metrics: { motor_current_amperes: { register: value } }
`;
    const parsed = parseMaps([{ file: "wiz.yaml", text }]);
    const map = parsed.ok ? parsed.value[0] : undefined;
    if (map === undefined) throw new Error(JSON.stringify(parsed));
    const said = { "holding:1002+2": frames[3]?.hex.slice(2, -4) ?? "" };
    const read = parse({ kind: "asked", said, line }, { map, kind: "drive" });
    expect(read.ok && read.value.samples[0]?.metrics["motor_current_amperes"]).toBeCloseTo(11_049.11, 2);
  });
});
