import { MODBUS_LIMITS, MODBUS_TABLES, type ModbusTable, modbusPlan, parseMaps } from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../../test/rig/cpu-time.ts";
import {
  crc16,
  type Envelope,
  exceptionOf,
  findReply,
  frameOf,
  type Question,
  questionPdu,
  valuesOf,
} from "./frames.ts";
import { questionsOf } from "./poll.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const rtu: Envelope = { framing: "rtu", unit: 1, transaction: 7 };
const tcp: Envelope = { framing: "tcp", unit: 1, transaction: 7 };
const question: Question = { kind: "read", table: "holding", address: 0x63, count: 2 };
const PDU = [3, 4, 0x12, 0x34, 0xab, 0xcd];
const reply = (envelope: Envelope): Uint8Array => frameOf(PDU, envelope);
const pduOf = (bytes: Uint8Array, envelope: Envelope): number[] | string => {
  const found = findReply(bytes, question, envelope);
  return found.kind === "reply" ? [...found.pdu] : found.kind;
};

const tables = fc.constantFrom<ModbusTable>(...MODBUS_TABLES);
const noise = fc.uint8Array({ maxLength: 40 });
const envelopes = fc.constantFrom(rtu, tcp);

describe("what can be sent", () => {
  it("is a read or an identification, whatever a map says", () => {
    const at = fc.nat(MODBUS_LIMITS.addressMax);
    const wide = fc.constantFrom<ModbusTable>("input", "holding");
    const register = fc.oneof(
      fc.record({ at, table: fc.constantFrom<ModbusTable>("coil", "discrete"), slow: fc.boolean() }),
      fc.record({ at, table: wide, type: fc.constantFrom("u16", "s16", "u32", "s32", "f32") }),
      fc.record({ at, table: wide, type: fc.constant("text"), length: fc.integer({ min: 1, max: 32 }) }),
    );
    const registers = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), register, { minKeys: 1, maxKeys: 8 });
    const texts = fc.constantFrom({ device_id: "vendor_name" }, { server_id: true }, { text: "Acme" });
    let made = 0;
    fc.assert(
      fc.property(registers, fc.array(texts, { maxLength: 3 }), envelopes, (entries, vendor, envelope) => {
        const metrics = Object.fromEntries(
          Object.keys(entries).map((register, i) => [
            ["running", "tripped", "drive_warning"][i % 3],
            { register, is: [1] },
          ]),
        );
        const text = JSON.stringify({
          map: "any",
          title: "any",
          addresses: "pdu",
          registers: entries,
          metrics,
          identity: { vendor },
        });
        const parsed = parseMaps([{ file: "any.yaml", text }]);
        const [map] = parsed.ok ? parsed.value : [];
        if (map === undefined) return;
        made++;
        for (const { question: asked } of questionsOf(modbusPlan(map))) {
          const frame = frameOf(questionPdu(asked), envelope);
          const code = frame[envelope.framing === "rtu" ? 1 : 7] ?? 0;
          expect([1, 2, 3, 4, 17, 43]).toContain(code);
          if (code === 43) expect(frame[envelope.framing === "rtu" ? 2 : 8]).toBe(14);
          expect(frame.length).toBeLessThanOrEqual(12);
        }
      }),
    );
    expect(made).toBeGreaterThan(20);
  });

  it.each([
    {
      name: "a coil",
      asked: { table: "coil", address: 3, count: 1 },
      hex: "01 01 0003 0001 0dca",
    },
    {
      name: "two holding registers",
      asked: { table: "holding", address: 1000, count: 2 },
      hex: "01 03 03e8 0002 447b",
    },
    { name: "an input register", asked: { table: "input", address: 0x78, count: 1 }, hex: "01 04 0078 0001 b1d3" },
  ] as const)("has its CRC with the low byte first: $name", ({ asked, hex }) => {
    expect(frameOf(questionPdu({ kind: "read", ...asked }), rtu)).toEqual(bytesOf(hex));
  });

  it("is framed for TCP with its transaction and length", () => {
    expect(frameOf(questionPdu(question), tcp)).toEqual(bytesOf("0007 0000 0006 01 03 0063 0002"));
  });

  it("counts its checksum as the guide has it", () => {
    expect(crc16(bytesOf("0207"))).toBe(0x1241);
  });
});

describe("findReply", () => {
  it("finds the reply behind and before noise, and behind the echo of the question", () => {
    fc.assert(
      fc.property(envelopes, noise, noise, fc.boolean(), (envelope, before, after, echoes) => {
        const echo = echoes && envelope.framing === "rtu" ? frameOf(questionPdu(question), envelope) : [];
        const bytes = Uint8Array.from([...before, ...echo, ...reply(envelope), ...after]);
        expect(pduOf(bytes, envelope)).toEqual(PDU);
      }),
    );
  });

  it("finds the next good frame behind one that was cut short or damaged", () => {
    fc.assert(
      fc.property(envelopes, fc.nat(8), fc.nat(8), fc.integer({ min: 1, max: 255 }), (envelope, cut, at, flip) => {
        const good = reply(envelope);
        const bad = good.map((byte, i) => (i === at ? byte ^ flip : byte));
        expect(pduOf(Uint8Array.from([...good.slice(0, cut), ...good]), envelope)).toEqual(PDU);
        expect(pduOf(Uint8Array.from([...bad, ...good]), envelope)).toEqual(PDU);
      }),
    );
  });

  it("takes no part of a reply for the whole", () => {
    for (const envelope of [rtu, tcp]) {
      const whole = reply(envelope);
      for (let end = 0; end < whole.length; end++) {
        expect(pduOf(whole.slice(0, end), envelope)).toBe(end === 0 ? "nothing" : "damaged");
      }
    }
  });

  it("takes no damaged reply of RTU, whichever bits are wrong", () => {
    fc.assert(
      fc.property(fc.nat(8), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        expect(
          pduOf(
            reply(rtu).map((byte, i) => (i === at ? byte ^ flip : byte)),
            rtu,
          ),
        ).toBe("damaged");
      }),
    );
  });

  it.each([
    { name: "another unit's reply", bytes: frameOf(PDU, { ...rtu, unit: 2 }), envelope: rtu },
    { name: "a reply to another question", bytes: frameOf([3, 2, 0, 1], rtu), envelope: rtu },
    { name: "another table's reply", bytes: frameOf([4, 4, 0, 1, 0, 2], rtu), envelope: rtu },
    { name: "a late reply of an earlier transaction", bytes: frameOf(PDU, { ...tcp, transaction: 6 }), envelope: tcp },
    { name: "a length that is not the frame's", bytes: bytesOf("0007 0000 0009 01 03 04 1234 abcd"), envelope: tcp },
    { name: "another protocol", bytes: bytesOf("0007 0001 0007 01 03 04 1234 abcd"), envelope: tcp },
  ])("takes nothing from $name", ({ bytes, envelope }) => {
    expect(pduOf(bytes, envelope)).toBe("damaged");
  });

  it("takes the newest of two replies", () => {
    const older = frameOf([3, 4, 0, 0, 0, 0], rtu);
    expect(pduOf(Uint8Array.from([...older, ...reply(rtu)]), rtu)).toEqual(PDU);
  });

  it("knows a reply whose count has two bytes for what it is", () => {
    const first: Question = { kind: "read", table: "holding", address: 0x3000, count: 1 };
    const second: Question = { kind: "read", table: "holding", address: 0xb005, count: 2 };
    expect(findReply(bytesOf("01030002000265cb"), first, rtu)).toEqual({ kind: "wide_count" });
    expect(findReply(bytesOf("010300045dc003f6d021"), second, rtu)).toEqual({ kind: "wide_count" });
  });

  it("reads exceptions and identifications", () => {
    const found = findReply(frameOf([0x83, 2], rtu), question, rtu);
    expect(found.kind === "reply" && exceptionOf(found.pdu)).toBe(2);
    const said = [43, 14, 1, 1, 0, 0, 1, 0, 4, ...Buffer.from("Acme")];
    expect(findReply(frameOf(said, rtu), { kind: "device_id" }, rtu)).toEqual({
      kind: "reply",
      pdu: Uint8Array.from(said),
    });
    const server = [17, 3, 1, 0xff, 65];
    expect(findReply(frameOf(server, tcp), { kind: "server_id" }, tcp)).toMatchObject({ kind: "reply" });
  });

  it("never throws and ends soon, whatever bytes come", () => {
    const questions = fc.oneof(
      fc.record({
        kind: fc.constant("read" as const),
        table: tables,
        address: fc.nat(65_535),
        count: fc.integer({ min: 1, max: 125 }),
      }),
      fc.constantFrom<Question>({ kind: "device_id" }, { kind: "server_id" }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_100 }), questions, envelopes, (bytes, asked, envelope) => {
        findReply(bytes, asked, envelope);
      }),
    );
    // The worst that can be sent: every byte looks like the beginning of an identification.
    const worst = new Uint8Array(1_032).fill(1);
    expect(spent(() => findReply(worst, { kind: "device_id" }, rtu)).cpuMs).toBeLessThan(250);
  });
});

describe("valuesOf", () => {
  it("has bits with the first in the least significant place, and registers high byte first", () => {
    expect(valuesOf(Uint8Array.from([1, 2, 0b1000_0101, 0b11]), { table: "coil", count: 10 })).toEqual([
      1, 0, 1, 0, 0, 0, 0, 1, 1, 1,
    ]);
    expect(valuesOf(Uint8Array.from(PDU), { table: "holding", count: 2 })).toEqual([0x1234, 0xabcd]);
    expect(valuesOf(Uint8Array.from(PDU), { table: "holding", count: 3 })).toBeNull();
  });
});
