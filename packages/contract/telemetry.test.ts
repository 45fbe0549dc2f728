import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeTelemetry,
  encodeTelemetry,
  LIMITS,
  type Reading,
  rowsOf,
  sampleCount,
  telemetrySchema,
  type Value,
} from "./index.ts";

const bytes = (message: unknown) => Buffer.from(JSON.stringify(message));
const golden = (name: string) => readFileSync(new URL(`./testdata/${name}`, import.meta.url), "utf8");
const T = 1_700_000_000_000;
const header = { epoch: "a1b2c3", lane: "live", seq: 17, sentAt: T + 250 } as const;

const readings: Reading[] = [
  {
    device: "receiving/label-printer",
    at: T,
    samples: [
      { component: null, metrics: { up: true, media_out: false, head_temperature_celsius: 31.5 } },
      { component: "tray-1", metrics: { tray_remaining_percent: 40 } },
    ],
  },
  {
    device: "bakery/label-printer",
    at: T + 20,
    samples: [{ component: null, metrics: { up: true, media_out: true, head_temperature_celsius: 29 } }],
  },
  {
    device: "lane-1/pos",
    at: T + 30,
    samples: [{ component: null, metrics: { up: false } }],
    failure: { kind: "timeout", detail: "no answer within 3 s" },
    events: [{ component: null, code: "rebooted", detail: "uptime went from 86400 s to 12 s" }],
  },
];

const metricName = fc.constantFrom("up", "media_out", "cpu_used_percent", "load_1m", "disk_free_bytes");
const metricValue: fc.Arbitrary<Value> = fc.oneof(
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  fc.integer(),
);
const reading: fc.Arbitrary<Reading> = fc.record({
  device: fc.constantFrom("a", "lane-1/pos", "x9/y"),
  at: fc.integer({ min: T, max: T + 10_000_000 }),
  samples: fc.array(
    fc.record({
      component: fc.option(fc.constantFrom("tray-1", "port-2"), { nil: null }),
      metrics: fc.dictionary(metricName, metricValue, { minKeys: 1, maxKeys: 5 }),
    }),
    { maxLength: 4 },
  ),
});

describe("telemetry", () => {
  it("stays byte for byte what version 1 was", () => {
    expect(`${JSON.stringify(encodeTelemetry(header, readings), null, 1)}\n`).toBe(golden("telemetry-v1.json"));
  });

  it("reads the golden bytes of version 1", () => {
    const decoded = decodeTelemetry(Buffer.from(golden("telemetry-v1.json")));
    expect(decoded.ok && sampleCount(decoded.value)).toBe(8);
  });

  it("brings every sample back as it was, whatever was encoded", () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 20 }), (given) => {
        const decoded = decodeTelemetry(bytes(encodeTelemetry(header, given)));
        if (!decoded.ok) throw new Error(decoded.error.detail);
        const sent = given.flatMap(({ device, at, samples }) =>
          samples.map(({ component, metrics }) => ({
            subject: component ? `${device}#${component}` : device,
            at,
            metrics: { ...metrics },
          })),
        );
        const order = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
        const sortKeys = (rows: { metrics: Record<string, Value> }[]) =>
          rows.map((row) => ({ ...row, metrics: Object.fromEntries(Object.entries(row.metrics).sort()) }));
        expect(order(sortKeys([...rowsOf(decoded.value)]))).toEqual(order(sortKeys(sent)));
      }),
    );
  });

  it.each([
    { name: "another version", change: { v: 2 }, kind: "version" },
    { name: "no version", change: { v: undefined }, kind: "version" },
    { name: "a lane that there is not", change: { lane: "fast" }, kind: "shape" },
    { name: "seq 0", change: { seq: 0 }, kind: "shape" },
    { name: "a broken time", change: { base: 12 }, kind: "shape" },
    { name: "a subject with a capital", change: { subjects: ["Lane"] }, kind: "shape" },
    { name: "an index past the subjects", change: { subjects: [] }, kind: "shape" },
    { name: "tables as an object", change: { tables: {} }, kind: "shape" },
    { name: "a null table", change: { tables: [null] }, kind: "shape" },
    {
      name: "a failure of an unknown kind",
      change: { failures: [{ device: "a", at: T, kind: "boom", detail: "" }] },
      kind: "shape",
    },
    {
      name: "an endless detail",
      change: { events: [{ subject: "a", at: T, code: "x", detail: "y".repeat(600) }] },
      kind: "shape",
    },
  ])("refuses $name", ({ change, kind }) => {
    const decoded = decodeTelemetry(bytes({ ...encodeTelemetry(header, readings), ...change }));
    expect(decoded.ok ? "taken" : decoded.error.kind).toBe(kind);
  });

  it("refuses a number that JSON can write and doubles can't hold", () => {
    const text = JSON.stringify(encodeTelemetry(header, readings)).replace("31.5", "1e999");
    expect(decodeTelemetry(Buffer.from(text)).ok).toBe(false);
  });

  it("refuses what is over the limit before it parses", () => {
    const decoded = decodeTelemetry(Buffer.alloc(LIMITS.messageBytesMax + 1, 32));
    expect(decoded.ok ? "" : decoded.error.kind).toBe("too_large");
  });

  it("ignores fields that it does not know", () => {
    expect(decodeTelemetry(bytes({ ...encodeTelemetry(header, readings), later: { any: "thing" } })).ok).toBe(true);
  });

  it("never throws on any bytes or any JSON", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => void decodeTelemetry(noise)));
    fc.assert(fc.property(fc.json(), (text) => void decodeTelemetry(Buffer.from(`{"v":1,"tables":${text}}`))));
  });

  it("agrees with the schema on messages with one thing changed anywhere", () => {
    const message = encodeTelemetry(header, readings);
    const paths = leaves(message);
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.oneof(fc.jsonValue(), fc.constant(-1), fc.constant(0.5)),
        (path, value) => {
          const changed = replaceAt(message, path, value);
          const hand = decodeTelemetry(bytes(changed));
          const schema = telemetrySchema.safeParse(JSON.parse(JSON.stringify(changed)));
          expect(hand.ok, `${path.join(".")} = ${JSON.stringify(value)}`).toBe(schema.success);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))].filter(
    (p) => p.length > 0,
  );
}

function replaceAt(value: unknown, path: Path, next: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return next;
  if (Array.isArray(value))
    return value.map((item, i) => (String(i) === String(key) ? replaceAt(item, rest, next) : item));
  return { ...(value as object), [key]: replaceAt((value as Record<string, unknown>)[key], rest, next) };
}
