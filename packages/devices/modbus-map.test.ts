import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  evaluateMap,
  loadBuiltinMaps,
  loadBuiltinProfiles,
  loadMapsFrom,
  loadProfilesFrom,
  MODBUS_LIMITS,
  type ModbusTable,
  modbusPlan,
  parseMaps,
  RegisterImage,
  type RegisterMap,
  spokenRegister,
  UNIDENTIFIED,
} from "./index.ts";

const HEAD = "map: test\ntitle: Test\nkind: drive\n";
const parse = (text: string) => parseMaps([{ file: "test.yaml", text }]);
function mapOf(text: string): RegisterMap {
  const parsed = parse(text.startsWith("{") ? text : `${HEAD}${text}`);
  if (!parsed.ok) throw new Error(formatDiagnostics(parsed.diagnostics, new Map(), { color: false }));
  const [map] = parsed.value;
  if (map === undefined) throw new Error("no map");
  return map;
}
/** One register as the current, from these words. */
function currentOf(register: string, words: readonly number[], order = ""): unknown {
  const map = mapOf(
    `${order}addresses: pdu\nregisters: { r: { at: 10, ${register} } }\nmetrics: { motor_current_amperes: { register: r } }\n`,
  );
  const image = new RegisterImage();
  image.set("holding", 10, words);
  return evaluateMap(map, image, UNIDENTIFIED).samples[0]?.metrics["motor_current_amperes"];
}

describe("a register's value", () => {
  it.each([
    { name: "u16", register: "type: u16", words: [65_535], value: 65_535 },
    { name: "s16", register: "type: s16", words: [65_535], value: -1 },
    { name: "u32, high word first", register: "type: u32", words: [1, 2], value: 65_538 },
    { name: "u32, low word first", register: "type: u32, word_order: low_first", words: [2, 1], value: 65_538 },
    { name: "s32", register: "type: s32", words: [0xffff, 0xfffe], value: -2 },
    { name: "u32 beyond 2^31", register: "type: u32", words: [0xffff, 0xffff], value: 2 ** 32 - 1 },
    { name: "f32", register: "type: f32", words: [0x462c, 0xa471], value: 11_049.11 },
    { name: "the high octet", register: "bits: [8, 15]", words: [0x1234], value: 0x12 },
    { name: "the low octet", register: "bits: [0, 7]", words: [0x1234], value: 0x34 },
    { name: "a scale and an offset", register: "scale: 0.1, offset: -40", words: [541], value: 14.1 },
    { name: "a sentinel, before scale", register: "scale: 0.1, absent: [65535]", words: [65_535], value: undefined },
    { name: "a float that is none", register: "type: f32", words: [0x7fc0, 0], value: undefined },
    { name: "half of it", register: "type: u32", words: [1], value: undefined },
  ])("is read: $name", ({ register, words, value }) => {
    expect(currentOf(register, words)).toBe(value);
  });

  it("has its order of words from the map, unless it has its own", () => {
    expect(currentOf("type: u32", [2, 1], "word_order: low_first\n")).toBe(65_538);
  });

  it("counts bits from the least significant, across words in either order", () => {
    for (const [order, words] of [
      ["high_first", [0x8000, 0x0001]],
      ["low_first", [0x0001, 0x8000]],
    ] as const) {
      const map = mapOf(`addresses: pdu
registers: { word: { at: 0, type: u32, word_order: ${order} } }
metrics:
  running: { register: word, bit: 0 }
  tripped: { register: word, bit: 1 }
  trip_locked: { register: word, bit: 31 }
`);
      const image = new RegisterImage();
      image.set("holding", 0, words);
      const [sample] = evaluateMap(map, image, UNIDENTIFIED).samples;
      expect(sample?.metrics, order).toEqual({ running: true, tripped: false, trip_locked: true });
    }
  });

  it("takes coils for yes and no, combines conditions, and makes components", () => {
    const map = mapOf(`addresses: entity
registers: { stop_ok: { at: 10001 }, eye: { at: 10002 }, fault: { at: 30001 } }
metrics:
  emergency_stop: { not: { register: stop_ok } }
  tripped: { any: [{ not: { register: fault, is: [0] } }, { not: { register: stop_ok } }] }
components: { eye-north: { photo_eye_blocked: { register: eye } } }
`);
    const image = new RegisterImage();
    image.set("discrete", 0, [1, 1]);
    image.set("input", 0, [7]);
    expect(evaluateMap(map, image, UNIDENTIFIED).samples).toEqual([
      { component: null, metrics: { emergency_stop: false, tripped: true } },
      { component: "eye-north", metrics: { photo_eye_blocked: true } },
    ]);
  });

  it("is absent when it was not read: unknown is not zero", () => {
    for (const map of loadBuiltinMaps()) {
      const { samples } = evaluateMap(map, new RegisterImage(), UNIDENTIFIED);
      expect(samples, map.name).toEqual([]);
    }
  });
});

describe("an address", () => {
  it.each([
    {
      written: "addresses: pdu",
      at: "at: 109, table: input",
      table: "input",
      address: 109,
      said: "input register 109",
    },
    { written: "addresses: one_based", at: "at: 110", table: "holding", address: 109, said: "holding register 110" },
    { written: "addresses: entity", at: "at: 40110", table: "holding", address: 109, said: "holding register 40110" },
    { written: "addresses: entity", at: "at: 365536", table: "input", address: 65_535, said: "input register 365536" },
    { written: "addresses: entity", at: "at: 33", table: "coil", address: 32, said: "coil 00033" },
    { written: "addresses: entity", at: "at: 10001", table: "discrete", address: 0, said: "discrete input 10001" },
  ] as const)("$at with $written is $said", ({ written, at, table, address, said }) => {
    const map = mapOf(`${written}\nregisters: { r: { ${at} } }\nmetrics: { running: { register: r, is: [1] } }\n`);
    expect(map.registers["r"]).toMatchObject({ table, address });
    expect(spokenRegister(map, { table, address })).toBe(said);
  });
});

describe("modbusPlan", () => {
  const names = (text: string): string[] => modbusPlan(mapOf(text)).blocks.map(({ name, role }) => `${name} ${role}`);
  const metrics = "metrics: { running: { any: [{ register: a, is: [1] }, { register: b, is: [1] }] } }\n";

  it.each([
    { name: "side by side", b: "at: 11", read: ["holding:10+2 state"] },
    { name: "with a gap", b: "at: 12", read: ["holding:10+1 state", "holding:12+1 state"] },
    { name: "of two tables", b: "at: 11, table: input", read: ["holding:10+1 state", "input:11+1 state"] },
    { name: "twice the same", b: "at: 10", read: ["holding:10+1 state"] },
    { name: "one slow", b: "at: 11, slow: true", read: ["holding:10+1 state", "holding:11+1 wear"] },
  ])("reads two registers $name", ({ b, read }) => {
    expect(names(`addresses: pdu\nregisters: { a: { at: 10 }, b: { ${b} } }\n${metrics}`)).toEqual(read);
  });

  it("reads across a gap that the map allows, and no further", () => {
    const registers = "registers: { a: { at: 10 }, b: { at: 13 } }\n";
    expect(names(`addresses: pdu\nread_gap: 2\n${registers}${metrics}`)).toEqual(["holding:10+4 state"]);
    expect(names(`addresses: pdu\nread_gap: 1\n${registers}${metrics}`)).toHaveLength(2);
  });

  it("asks for identity apart, and for nothing that nobody needs", () => {
    expect(
      names(`addresses: pdu
registers: { a: { at: 10 }, b: { at: 20 }, name: { at: 30, type: text, length: 8 }, unused: { at: 40 } }
identity: { model: [{ register: name }] }
${metrics}`),
    ).toEqual(["holding:10+1 state", "holding:20+1 state", "holding:30+8 identity"]);
  });

  it("holds every register, splits runs at what a reply may carry, and tears no value", () => {
    const widths = fc.array(fc.constantFrom("u16", "u32"), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(widths, fc.integer({ min: 2, max: 125 }), (types, readMax) => {
        let at = 0;
        const registers: Record<string, object> = {};
        types.forEach((type, i) => {
          registers[`r${i}`] = { at, type };
          at += type === "u32" ? 2 : 1;
        });
        const any = Object.keys(registers).map((register) => ({ register, is: [1] }));
        const groups = Array.from({ length: Math.ceil(any.length / 32) }, (_, i) => ({
          any: any.slice(32 * i, 32 * i + 32),
        }));
        const text = JSON.stringify({
          map: "t",
          title: "t",
          addresses: "pdu",
          read_max: readMax,
          registers,
          metrics: { running: { any: groups } },
        });
        const map = mapOf(text);
        const { blocks } = modbusPlan(map);
        expect(blocks.every(({ count }) => count <= readMax)).toBe(true);
        for (const { table, address, length } of Object.values(map.registers)) {
          const whole = blocks.some(
            (b) => b.table === table && b.address <= address && address + length <= b.address + b.count,
          );
          expect(whole).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("a wrong map", () => {
  const good = `${HEAD}addresses: pdu
registers:
  status: { at: 0 }
  hours: { at: 10, type: u32 }
metrics:
  running: { register: status, bit: 0 }
`;
  it.each([
    { name: "an unknown metric", from: "running:", to: "runing:", says: ["test.yaml:9:3", 'did you mean "running"?'] },
    {
      name: "an unknown register",
      from: "register: status",
      to: "register: staus",
      says: ["test.yaml:9:24", 'did you mean "status"?'],
    },
    {
      name: "a number for yes and no",
      from: ", bit: 0",
      to: "",
      says: ["test.yaml:9:12", "expected a boolean for running"],
    },
    { name: "a bit that is not there", from: "bit: 0", to: "bit: 16", says: ["expected a bit of status"] },
    {
      name: "an overlap",
      from: "at: 0 }",
      to: "at: 11 }",
      says: ["test.yaml:6:17", "status begins inside hours (2 registers from holding register 10)"],
    },
    { name: "an address beyond the end", from: "at: 10,", to: "at: 65535,", says: ["test.yaml:7:16", "ends at 65535"] },
    { name: "no notation", from: "addresses: pdu\n", to: "", says: ["addresses"] },
    {
      name: "an address of no table",
      from: "addresses: pdu",
      to: "addresses: entity",
      says: ["expected 1 to 9999 (coil), 10001, 30001 or 40001"],
    },
    {
      name: "a table against its address",
      from: "addresses: pdu\nregisters:\n  status: { at: 0 }\n  hours: { at: 10, type: u32 }",
      to: "addresses: entity\nregisters:\n  status: { at: 40001, table: coil }",
      says: ["40001 is one of the table holding"],
    },
    {
      name: "a type on a coil",
      from: "at: 10, type",
      to: "at: 10, table: coil, type",
      says: ["test.yaml:7:39", "are bits"],
    },
    { name: "text without a length", from: "type: u32", to: "type: text", says: ["expected length beside type: text"] },
    { name: "bits the wrong way round", from: "at: 0 }", to: "at: 0, bits: [7, 0] }", says: ["the lower bit first"] },
    {
      name: "a metric of another kind",
      from: "running: {",
      to: "media_out: {",
      says: ["expected a metric of the kind drive"],
    },
    {
      name: "a component's metric on the device",
      from: "running: {",
      to: "photo_eye_blocked: {",
      says: ["at components eye-…"],
    },
    {
      name: "two sources",
      from: "bit: 0",
      to: "bit: 0, constant: true",
      says: ["expected exactly one of: register, constant"],
    },
    { name: "a key that writes", from: "addresses: pdu", to: "addresses: pdu\nwrite: { reset: 1 }", says: ['"write"'] },
    {
      name: "only slow registers",
      from: "at: 0 }",
      to: "at: 0, slow: true }",
      says: ["expected a metric from a register that is not slow"],
    },
    {
      name: "no source of what is not verified",
      from: "addresses: pdu",
      to: "verified: false\naddresses: pdu",
      says: ["expected source beside verified: false"],
    },
  ])("is refused with its place: $name", ({ from, to, says }) => {
    expect(good).toContain(from);
    const text = good.replace(from, to);
    const parsed = parse(text);
    const shown = parsed.ok
      ? "no mistake"
      : formatDiagnostics(parsed.diagnostics, new Map([["test.yaml", text]]), { color: false });
    for (const words of says) expect(shown).toContain(words);
  });

  it("stands beside nobody of its name", () => {
    const texts = ["a.yaml", "b.yaml"].map((file) => ({ file, text: good }));
    expect(parseMaps(texts)).toMatchObject({ ok: false, diagnostics: [{ file: "b.yaml", code: "CFG_DUPLICATE_ID" }] });
  });

  it("never throws, whatever the file says", () => {
    const lines = fc.array(fc.oneof(fc.constantFrom(...good.split("\n")), fc.string()), { maxLength: 12 });
    fc.assert(fc.property(lines, (some) => void parse(some.join("\n"))));
  });
});

describe("the built-in maps", () => {
  it("say where they come from, and read no more than a device can answer", () => {
    const limits: Readonly<Record<ModbusTable, number>> = {
      coil: MODBUS_LIMITS.bitsMax,
      discrete: MODBUS_LIMITS.bitsMax,
      input: MODBUS_LIMITS.registersMax,
      holding: MODBUS_LIMITS.registersMax,
    };
    for (const map of loadBuiltinMaps()) {
      expect(map.verified || map.source !== null, map.name).toBe(true);
      for (const { table, count } of modbusPlan(map).blocks) expect(count).toBeLessThanOrEqual(limits[table]);
    }
  });
});

describe("a folder of one's own", () => {
  it("holds profiles and maps side by side, and a map may stand instead of a built-in one", () => {
    const folder = mkdtempSync(join(tmpdir(), "maps-"));
    try {
      writeFileSync(join(folder, "own.yaml"), "profile: own\ntitle: Own\nextends: [ups]\n");
      const map =
        "map: siemens-v20\ntitle: Ours\naddresses: pdu\nregisters: { r: { at: 1 } }\nmetrics: { running: { register: r, bit: 2 } }\n";
      writeFileSync(join(folder, "v20.yaml"), map);
      const maps = loadMapsFrom(folder);
      expect(maps.ok && maps.value.filter(({ name }) => name === "siemens-v20").map(({ title }) => title)).toEqual([
        "Ours",
      ]);
      expect(maps.ok && maps.value).toHaveLength(loadBuiltinMaps().length);
      const profiles = loadProfilesFrom(folder);
      expect(profiles.ok && profiles.value).toHaveLength(loadBuiltinProfiles().length + 1);
      expect(loadMapsFrom(join(folder, "none"))).toMatchObject({ ok: false });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
