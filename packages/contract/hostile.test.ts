/**
 * Every decoder against bytes that somebody made up: golden messages with bytes turned, cut, doubled and put in, and with
 * any field replaced by what breaks programs. A decoder never throws, its complaint is a line and not a copy of the
 * message, and what it lets through keeps the promises of its type.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import {
  decodeAck,
  decodeCommand,
  decodeInventory,
  decodeReply,
  decodeStatus,
  decodeTelemetry,
  LIMITS,
  rowsOf,
  sampleCount,
  splitInventory,
} from "./index.ts";

const AT = 1_700_000_000_000;
/** A complaint goes into a log line and into the store of what was set aside. */
const DETAIL_CHARS_MAX = 1_024;
/** For 256 KiB; a tenth of it is normal. */
const DECODE_MS_MAX = 1_000;

const DEVICE = {
  ...{ id: "a/b", kind: "host", driver: "host", labels: { zone: "x" }, dependsOn: ["c"], intervalMs: 1_000 },
  ...{ asset: { vendor: "v" }, components: ["tray-1"], metrics: ["up"] },
};
const LANES = { live: { first: 1, last: 2 }, history: { first: 1, last: 0 } };

const KINDS = [
  {
    name: "telemetry",
    decode: decodeTelemetry,
    golden: readFileSync(join(import.meta.dirname, "testdata/telemetry-v1.json"), "utf8").trim(),
  },
  {
    name: "status",
    decode: decodeStatus,
    golden: JSON.stringify({
      ...{ v: 1, state: "online", version: "1", epoch: "e", startedAt: AT, sentAt: AT, host: "h" },
      outbox: { batches: 1, bytes: 2, oldestAt: AT, lanes: LANES, inMemory: { since: AT, detail: "full" } },
    }),
  },
  { name: "inventory", decode: decodeInventory, golden: JSON.stringify(splitInventory([DEVICE], 1)[0]) },
  {
    name: "ack",
    decode: decodeAck,
    golden: `{"v":1,"epoch":"e","live":1,"history":0,"grant":{"historyBytesPerSecond":1},"at":${AT}}`,
  },
  {
    name: "command",
    decode: decodeCommand,
    golden: `{"v":1,"id":"i","kind":"probe_now","device":"a/b","by":"user:x","issuedAt":${AT},"deadlineAt":${AT}}`,
  },
  { name: "reply", decode: decodeReply, golden: '{"v":1,"id":"i","outcome":"done","detail":"d"}' },
] as const;

/** JSON texts, for not all of them are what JSON.stringify would write. */
const NASTY = [
  "null",
  "-0",
  "-1",
  "0.5",
  "1e308",
  "1e999",
  "-1e999",
  "9007199254740993",
  "123456789012345678901234567890",
  '""',
  '"__proto__"',
  '"constructor"',
  '"\\u0000"',
  '"\\ud800"',
  `"${"x".repeat(10_000)}"`,
  "{}",
  "[]",
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"length":1e9}',
  '{"toString":1,"valueOf":1,"toJSON":1}',
  `[${"0,".repeat(20_000)}0]`,
  `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
  `${'{"a":'.repeat(20_000)}0${"}".repeat(20_000)}`,
] as const;

/** Where a value begins and ends in a text without strings that hold braces. */
function valuesOf(text: string): [number, number][] {
  return [...text.matchAll(/"[^"]*"(?!:)|-?\d+(?:\.\d+)?|true|false|null/g)].map(({ index, 0: found }) => [
    index,
    index + found.length,
  ]);
}

type Decode = (bytes: Uint8Array) => ReturnType<(typeof KINDS)[number]["decode"]>;

function holds(decode: Decode, bytes: Uint8Array): void {
  const { value: decoded, cpuMs } = spent(() => decode(bytes));
  expect(cpuMs).toBeLessThan(DECODE_MS_MAX);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  if (!decoded.ok) expect(decoded.error.detail.length).toBeLessThanOrEqual(DETAIL_CHARS_MAX);
  else if ("tables" in decoded.value) {
    let rows = 0;
    for (const { metrics } of rowsOf(decoded.value)) {
      rows++;
      for (const value of Object.values(metrics)) {
        expect(typeof value === "boolean" || Number.isFinite(value)).toBe(true);
      }
    }
    expect(rows).toBeLessThanOrEqual(LIMITS.messageBytesMax);
    expect(sampleCount(decoded.value)).toBeLessThanOrEqual(LIMITS.messageBytesMax);
  }
}

describe.each(KINDS)("a $name that means harm", ({ decode, golden }) => {
  const bytes = Buffer.from(golden);

  it("is the golden one before it is touched", () => {
    expect(decode(bytes).ok).toBe(true);
  });

  it("is refused or read, with bytes turned, cut out, doubled or put in anywhere", () => {
    const edit = fc.record({
      at: fc.nat(bytes.length),
      cut: fc.nat(8),
      put: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "\\", "e9", "\u0000").map((text) => Buffer.from(text)),
        fc
          .constantFrom([0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80])
          .map((raw) => Buffer.from(raw)),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
        let broken: Buffer = bytes;
        for (const { at, cut, put } of edits) {
          broken = Buffer.concat([broken.subarray(0, at), put, broken.subarray(at + cut)]);
        }
        holds(decode, broken);
      }),
      { numRuns: 300 },
    );
  });

  it("is refused or read, with anything in the place of any value", () => {
    const places = valuesOf(golden);
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.constantFrom(...NASTY), ([from, to], nasty) => {
        holds(decode, Buffer.from(golden.slice(0, from) + nasty + golden.slice(to)));
      }),
      { numRuns: 200 },
    );
  });

  it.each([...NASTY.keys()])(
    "is refused or read, with nasty value %i as its version, and as an unknown field twice",
    (n) => {
      holds(decode, Buffer.from(golden.replace('"v":1', `"v":${NASTY[n]}`)));
      const twice = `{"new":${NASTY[n]},"new":${NASTY[n]},"__proto__":${NASTY[n]},`;
      holds(decode, Buffer.from(golden.replace(/^\{/, () => twice)));
    },
  );

  it("is refused when it is only depth, however deep", () => {
    for (const depth of [100, 10_000, 130_000]) {
      holds(decode, Buffer.from("[".repeat(depth)));
      holds(decode, Buffer.from(`{"v":${"[".repeat(depth)}${"]".repeat(depth)}}`));
    }
  });
});
