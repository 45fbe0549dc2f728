import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../../test/rig/cpu-time.ts";
import { frameOf, questionPdu } from "./frames.ts";
import { type Heard, HeardRegisters, ModbusTap } from "./heard.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const frame = (pdu: readonly number[], unit = 1): Uint8Array => frameOf(pdu, { framing: "rtu", unit, transaction: 0 });
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** All of it, in pieces of these sizes, a millisecond apart; then silence. */
function listen(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): Heard[] {
  const tap = new ModbusTap();
  const heard: Heard[] = [];
  let nowMs = 0;
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    heard.push(...tap.take(bytes.subarray(at, at + size), nowMs++));
    at += size;
  }
  return [...heard, ...tap.settle(nowMs + 100)];
}

const QUESTION = frame(questionPdu({ kind: "read", table: "holding", address: 109, count: 2 }));
const REPLY = frame([3, 4, 0, 4, 0x40, 0]);
const READ: Heard = { kind: "read", unit: 1, table: "holding", address: 109, values: [4, 0x4000] };

describe("ModbusTap", () => {
  it.each([
    { name: "a read", bytes: join(QUESTION, REPLY), heard: [READ] },
    {
      name: "a refusal",
      bytes: join(QUESTION, frame([0x83, 2])),
      heard: [{ kind: "refused", unit: 1, code: 3, exception: 2 }],
    },
    {
      name: "a question that is put again",
      bytes: join(QUESTION, QUESTION, REPLY),
      heard: [{ kind: "unanswered", unit: 1, code: 3 }, READ],
    },
    { name: "a reply whose question was before our time", bytes: join(REPLY, QUESTION, REPLY), heard: [READ] },
    {
      name: "a write and its echo",
      bytes: join(frame([6, 0, 1, 0, 5]), frame([6, 0, 1, 0, 5])),
      heard: [{ kind: "other", unit: 1, code: 6 }],
    },
    {
      name: "a broadcast",
      bytes: join(frame([6, 0, 1, 0, 5], 0), QUESTION, REPLY),
      heard: [{ kind: "other", unit: 0, code: 6 }, READ],
    },
    {
      name: "two units in turn",
      bytes: join(frame([2, 0, 0, 0, 5], 9), frame([2, 1, 0x1d], 9), QUESTION, REPLY),
      heard: [{ kind: "read", unit: 9, table: "discrete", address: 0, values: [1, 0, 1, 1, 1] }, READ],
    },
    {
      name: "another unit's reply for ours",
      bytes: join(QUESTION, frame([3, 4, 0, 9, 0, 9], 2), REPLY),
      heard: [READ],
    },
    { name: "a reply of another size", bytes: join(QUESTION, frame([3, 2, 0, 9]), REPLY), heard: [READ] },
    {
      name: "an identification",
      bytes: join(frame([43, 14, 1, 0]), frame([43, 14, 1, 1, 0, 0, 1, 0, 2, 65, 66])),
      heard: [{ kind: "other", unit: 1, code: 43 }],
    },
  ] satisfies { name: string; bytes: Uint8Array; heard: Heard[] }[])("hears $name", ({ bytes, heard }) => {
    expect(listen(bytes)).toEqual(heard);
  });

  it("hears the same however the bytes are cut", () => {
    const bytes = join(
      QUESTION,
      REPLY,
      frame([16, 0, 1, 0, 1, 2, 0, 5]),
      frame([16, 0, 1, 0, 1]),
      QUESTION,
      frame([0x83, 6]),
    );
    const whole = listen(bytes);
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        expect(listen(bytes, sizes)).toEqual(whole);
      }),
    );
  });

  it("finds the next transaction behind noise and behind a frame that was cut short", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(7), (noise, cut) => {
        const heard = listen(join(noise, QUESTION.slice(0, cut), QUESTION, REPLY));
        expect(heard.filter(({ kind }) => kind === "read")).toContainEqual(READ);
      }),
    );
  });

  it("waits for the rest of what may be a frame no longer than the line is busy", () => {
    const tap = new ModbusTap();
    // The beginning of a reply of 254 bytes, which never comes.
    expect(tap.take(bytesOf("01 03 fa"), 0)).toEqual([]);
    expect(tap.take(join(QUESTION, REPLY), 150)).toEqual([{ kind: "damaged", bytes: 3 }, READ]);
  });

  it("does not pair a reply with a question of long ago", () => {
    const tap = new ModbusTap();
    tap.take(QUESTION, 0);
    expect(tap.take(REPLY, 6_000)).toEqual([{ kind: "unanswered", unit: 1, code: 3 }]);
  });

  it("takes no values from damaged frames, never throws and keeps little, whatever bytes come", () => {
    const pieces = fc.oneof(fc.constant(QUESTION), fc.constant(REPLY.slice(0, 5)), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(pieces, fc.nat(200)), { maxLength: 12 }), (parts) => {
        const tap = new ModbusTap();
        let nowMs = 0;
        for (const [bytes, pauseMs] of parts) {
          nowMs += pauseMs;
          tap.take(bytes, nowMs);
        }
        tap.settle(nowMs + 10_000);
      }),
    );
  });

  it("keeps up with a line that floods", () => {
    const tap = new ModbusTap();
    const flood = new Uint8Array(65_536).fill(1);
    expect(spent(() => tap.take(flood, 0)).cpuMs).toBeLessThan(2_000);
  });
});

describe("HeardRegisters", () => {
  it("keeps what the map needs, and forgets what is no longer asked for", () => {
    const registers = new HeardRegisters(["holding:109"]);
    registers.take({ kind: "read", unit: 1, table: "holding", address: 108, values: [1, 2, 3] }, 1_000);
    expect(registers.since(0)).toEqual({ "holding:109": 2 });
    expect(registers.since(1_001)).toEqual({});
  });
});

const CAPTURES = new URL("../../../../shared/devices/captures/modbus/", import.meta.url);
const hasCaptures = existsSync(CAPTURES);
if (!hasCaptures) process.stderr.write("modbus: skipped the captures, ../shared/devices is not there\n");

type Capture = { frames: { hex?: string; request_hex?: string; reply_hex?: string }[] };
const captured = (name: string): Uint8Array => {
  const { frames } = JSON.parse(readFileSync(new URL(`${name}.json`, CAPTURES), "utf8")) as Capture;
  return join(...frames.map(({ hex, request_hex = "", reply_hex = "" }) => bytesOf(hex ?? request_hex + reply_hex)));
};
const reads = (heard: readonly Heard[]): string[] =>
  heard.flatMap((one) =>
    one.kind === "read" ? [`${one.unit} ${one.table}:${one.address} ${one.values.join(",")}`] : [],
  );

describe.skipIf(!hasCaptures && !process.env["CI"])("recorded buses", () => {
  it.each([1, 3, 8, 64, 100_000])("pairs every frame of three of them, in pieces of %i bytes", (size) => {
    const io = listen(captured("brainchild-io16do"), [size]);
    expect(io).toHaveLength(15);
    expect(reads(io).slice(0, 4)).toEqual(["1 coil:3 1", "1 discrete:0 0", "1 holding:99 513", "1 input:120 19200"]);
    expect(io.filter(({ kind }) => kind === "other").map((one) => "code" in one && one.code)).toEqual([
      5, 6, 15, 16, 5, 6, 15,
    ]);

    const meter = listen(captured("flowmeter-graph-tool"), [size]);
    expect(reads(meter)).toHaveLength(9);
    expect(reads(meter).slice(0, 3)).toEqual(["247 holding:0 0,0", "247 holding:6 0,0", "247 holding:10 0,0"]);

    const wiz = listen(captured("wizmodbus"), [size]);
    expect(wiz).toHaveLength(44);
    expect(wiz.every(({ kind }) => kind === "read" || kind === "other")).toBe(true);
    expect(reads(wiz)[1]).toBe("1 holding:1002 42097,17964");
  });

  it("knows a drive that breaks the standard for what it is, and takes no values from it", () => {
    for (const size of [1, 5, 100_000]) {
      expect(listen(captured("vfd-h2a-nonstandard"), [size])).toEqual([
        { kind: "wide_count", unit: 1 },
        { kind: "wide_count", unit: 1 },
        { kind: "other", unit: 1, code: 6 },
      ]);
    }
  });
});
