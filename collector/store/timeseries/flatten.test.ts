import { rowsOf, splitSubject, type Telemetry, type Value } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SampleColumns, SeriesRegistry } from "./flatten.ts";

const T0 = 1_700_000_000_000;

type Flat = { subject: string; metric: string; at: number; value: number };

/** What the columns say, through the registry's names. */
function read(registry: SeriesRegistry, columns: SampleColumns): Flat[] {
  const at = new BigInt64Array(columns.atHalves.buffer);
  return Array.from({ length: columns.count }, (_, n) => {
    const row = registry.row(columns.series[n] ?? -1);
    if (row === undefined) throw new Error("a sample of no series");
    const subject = row.component === null ? row.device : `${row.device}#${row.component}`;
    return { subject, metric: row.metric, at: Number(at[n]), value: columns.value[n] ?? Number.NaN };
  });
}

const table = fc
  .record({
    metrics: fc.uniqueArray(fc.constantFrom("up", "a", "b", "c"), { minLength: 1 }),
    rows: fc.array(fc.record({ subject: fc.nat(3), at: fc.nat(90 * 86_400_000) }), { maxLength: 6 }),
  })
  .chain(({ metrics, rows }) =>
    fc
      .array(
        fc.array(fc.oneof(fc.double({ noNaN: true }), fc.boolean(), fc.constant(null)), {
          minLength: rows.length,
          maxLength: rows.length,
        }),
        {
          minLength: metrics.length,
          maxLength: metrics.length,
        },
      )
      .map((values) => ({
        metrics,
        subject: rows.map(({ subject }) => subject),
        at: rows.map(({ at }) => at),
        values,
      })),
  );
const telemetry: fc.Arbitrary<Telemetry> = fc.array(table, { maxLength: 4 }).map((tables) => ({
  v: 1,
  epoch: "e",
  lane: "live",
  seq: 1,
  sentAt: T0,
  base: T0,
  subjects: ["p", "p#tray-2", "q", "q#tray-2"],
  tables,
}));

describe("flattening", () => {
  it("says the same as the message's rows, message after message", () => {
    fc.assert(
      fc.property(fc.array(telemetry, { maxLength: 5 }), fc.integer({ min: -1e9, max: 1e9 }), (messages, skewMs) => {
        const registry = new SeriesRegistry([], 1_000);
        const columns = new SampleColumns(1);
        const expected: Flat[] = [];
        for (const message of messages) {
          registry.flatten({ site: "s", agent: "a", message, skewMs }, columns);
          for (const { subject, at, metrics } of rowsOf(message)) {
            for (const [metric, value] of Object.entries(metrics)) {
              expected.push({ subject, metric, at: at + skewMs, value: Number(value) });
            }
          }
        }
        expect(read(registry, columns)).toEqual(expected);
      }),
    );
  });

  const message = (metric: string, value: Value): Telemetry => ({
    v: 1,
    epoch: "e",
    lane: "live",
    seq: 1,
    sentAt: T0,
    base: T0,
    subjects: ["p#tray-2"],
    tables: [{ metrics: [metric], subject: [0], at: [0], values: [[value]] }],
  });
  const flatten = (registry: SeriesRegistry, of: Telemetry): number =>
    registry.flatten({ site: "s", agent: "a", message: of, skewMs: 0 }, new SampleColumns(1));

  it("reports each new series once, and each change of type", () => {
    const registry = new SeriesRegistry([], 10);
    flatten(registry, message("a", true));
    flatten(registry, message("b", 1));
    const series = { site: "s", ...splitSubject("p#tray-2") };
    expect(registry.takeChanges()).toEqual({
      added: [
        { ...series, metric: "a", id: 0, boolean: true },
        { ...series, metric: "b", id: 1, boolean: false },
      ],
      retyped: [],
    });
    flatten(registry, message("a", false));
    expect(registry.takeChanges()).toEqual({ added: [], retyped: [] });
    flatten(registry, message("a", 0));
    expect(registry.takeChanges()).toEqual({ added: [], retyped: [{ id: 0, boolean: false }] });
  });

  it("goes on from the series that were saved", () => {
    const saved = { site: "s", device: "p", component: "tray-2", metric: "a", id: 0, boolean: true };
    const registry = new SeriesRegistry([saved], 10);
    flatten(registry, message("a", true));
    flatten(registry, message("b", 2));
    expect(registry.takeChanges().added.map(({ id, metric }) => [id, metric])).toEqual([[1, "b"]]);
    expect(registry.find({ site: "s", device: "p", component: "tray-2", metric: "a" })).toBe(0);
    expect(registry.find({ site: "s", device: "p", component: null, metric: "a" })).toBeUndefined();
  });

  it("refuses series beyond the bound, and counts their samples", () => {
    const registry = new SeriesRegistry([], 1);
    expect([flatten(registry, message("a", 1)), flatten(registry, message("b", 1)), registry.count]).toEqual([0, 1, 1]);
  });
});
