import { decodeTelemetry, encodeTelemetry, LIMITS, type Reading, rowsOf, sampleCount } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { droppedBody, packReadings, wireText } from "./batch.ts";

const AT = 1_700_000_000_000;
const header = { epoch: "e-1", lane: "live", seq: 7, sentAt: AT + 5 } as const;

const metricName = fc.constantFrom("up", "media_out", "load_1m", "disk_free_bytes", "uptime_seconds");
const metrics = fc.dictionary(metricName, fc.oneof(fc.boolean(), fc.integer()), { minKeys: 1 });
const component = fc.option(fc.constantFrom("disk-root", "port-1", "port-2"));
const reading: fc.Arbitrary<Reading> = fc
  .record({
    device: fc.constantFrom("a", "lane-1/b", "c"),
    at: fc.integer({ min: AT, max: AT + 200_000_000 }),
    samples: fc.uniqueArray(fc.record({ component, metrics }), { selector: (set) => set.component, minLength: 1 }),
    failure: fc.option(
      fc.record({ kind: fc.constant("timeout" as const), detail: fc.string({ unit: "grapheme", maxLength: 99 }) }),
      { nil: undefined },
    ),
    events: fc.option(
      fc.array(fc.record({ component, code: fc.constant("jam"), detail: fc.string({ maxLength: 99 }) }), {
        minLength: 1,
      }),
      { nil: undefined },
    ),
  })
  .map(({ failure, events, ...rest }) => ({ ...rest, ...(failure && { failure }), ...(events && { events }) }));

function decode(body: string) {
  const decoded = decodeTelemetry(Buffer.from(wireText(header, body)));
  if (!decoded.ok) throw new Error(decoded.error.detail);
  return decoded.value;
}

describe("packReadings", () => {
  it("makes of a few readings the message that the contract's encoder makes", () => {
    const readings: Reading[] = [
      { device: "a", at: AT, samples: [{ component: null, metrics: { up: true } }] },
      {
        device: "b",
        at: AT + 1,
        samples: [{ component: null, metrics: { up: false } }],
        failure: { kind: "timeout", detail: "é" },
      },
    ];
    const [body, ...rest] = packReadings(readings);
    expect(rest).toEqual([]);
    expect(decode(body?.text ?? "")).toEqual(encodeTelemetry(header, readings));
    expect(body).toMatchObject({ samples: 2, fromAt: AT, toAt: AT + 1 });
  });

  it("brings every sample, failure and event once and in order, whatever the limit, within the limit", () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 30 }), fc.integer({ min: 600, max: 8_000 }), (readings, bytesMax) => {
        const bodies = packReadings(readings, bytesMax);
        const messages = bodies.map((body) => decode(body.text));
        const sent = messages.flatMap((message) => [...rowsOf(message)]);
        const key = (row: { subject: string; at: number; metrics: object }) =>
          JSON.stringify([row.subject, row.at, Object.entries(row.metrics).sort()]);
        const taken = readings.flatMap(({ device, at, samples }) =>
          samples.map((set) => ({
            subject: set.component ? `${device}#${set.component}` : device,
            at,
            metrics: set.metrics,
          })),
        );
        expect(sent.map(key).sort()).toEqual(taken.map(key).sort());
        expect(messages.flatMap((message) => message.failures ?? [])).toHaveLength(
          readings.filter((r) => r.failure).length,
        );
        expect(messages.flatMap((message) => message.events ?? [])).toEqual(
          readings.flatMap(({ device, at, events }) =>
            (events ?? []).map((event) => ({
              subject: event.component ? `${device}#${event.component}` : device,
              at,
              code: event.code,
              detail: event.detail,
            })),
          ),
        );
        bodies.forEach((body, n) => {
          expect(body.samples).toBe(messages[n] === undefined ? 0 : sampleCount(messages[n]));
          const alone = messages[n]?.tables.reduce((rows, table) => rows + table.at.length, 0) === 1;
          if (!alone) expect(Buffer.byteLength(wireText(header, body.text))).toBeLessThanOrEqual(bytesMax);
        });
      }),
    );
  });

  it.each([
    {
      name: "a device with thousands of components",
      readings: [{ device: "a", at: AT, failure: { kind: "io", detail: "half" }, samples: manySets(4_096) }],
    },
    { name: "thousands of devices", readings: Array.from({ length: 5_000 }, (_, n) => one(`d${n}`, AT)) },
    {
      name: "a clock that jumped by a year",
      readings: [one("a", AT), one("a", AT + 31_536_000_000), one("a", AT + 1)],
    },
    {
      name: "a storm of events",
      readings: Array.from({ length: 40 }, (_, n) => ({
        ...one(`d${n}`, AT),
        events: Array.from({ length: 64 }, () => ({ component: null, code: "jam", detail: "\u0001".repeat(512) })),
      })),
    },
  ] satisfies { name: string; readings: Reading[] }[])(
    "keeps to every limit of the contract for $name",
    ({ readings }) => {
      const messages = packReadings(readings).map((body) => decode(body.text));
      const rows = messages.flatMap((message) => [...rowsOf(message)]);
      expect(rows).toHaveLength(readings.reduce((sum, { samples }) => sum + samples.length, 0));
      expect(messages.flatMap((message) => message.failures ?? [])).toHaveLength(
        readings.filter((candidate) => "failure" in candidate).length,
      );
    },
  );

  it("is under the message limit with the worst single reading there can be", () => {
    const events = Array.from({ length: 64 }, () => ({
      component: null,
      code: "j".repeat(128),
      detail: "\u0001".repeat(512),
    }));
    const worst = { ...one("a", AT), samples: [wideSet()], events };
    const [body, ...rest] = packReadings([worst]);
    expect(rest).toEqual([]);
    expect(Buffer.byteLength(wireText(header, body?.text ?? ""))).toBeLessThanOrEqual(LIMITS.messageBytesMax);
  });
});

describe("droppedBody", () => {
  it("stands for what is gone", () => {
    const dropped = { fromSeq: 5, toSeq: 7, fromAt: AT, toAt: AT + 9, samples: 12, reason: "the outbox was full" };
    expect(decode(droppedBody(dropped).text)).toMatchObject({ tables: [], dropped: [dropped] });
    expect(droppedBody(dropped)).toMatchObject({ samples: 12, fromAt: AT, toAt: AT + 9 });
  });
});

function one(device: string, at: number): Reading {
  return { device, at, samples: [{ component: null, metrics: { up: true } }] };
}

function manySets(count: number) {
  return Array.from({ length: count }, (_, n) => ({ component: `port-${n}`, metrics: { port_up: true } }));
}

function wideSet() {
  return {
    component: null,
    metrics: Object.fromEntries(Array.from({ length: 256 }, (_, n) => [`m${n}_${"x".repeat(120)}`, n / 3])),
  };
}
