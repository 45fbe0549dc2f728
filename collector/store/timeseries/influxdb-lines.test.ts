import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aBatch, LANE, T0 } from "./contract-data.ts";
import { answerOf, tablesOf } from "./influxdb-http.ts";
import {
  decodeName,
  encodeName,
  fieldsOf,
  identifier,
  LineEncoder,
  laneLine,
  literal,
  metricOf,
  withoutField,
} from "./influxdb-lines.ts";

const linesOf = (...batches: ReturnType<typeof aBatch>[]): string[] => {
  const encoder = new LineEncoder();
  const lines: string[] = [];
  for (const batch of batches) encoder.encode(batch, lines);
  return lines;
};

describe("a reading as a line", () => {
  it("is one line with all of its metrics, booleans in fields of their own", () => {
    const batch = aBatch(1, []);
    const message = {
      ...batch.message,
      subjects: ["lane-3/printer#tray-2", "lane-3/printer"],
      tables: [
        {
          metrics: ["media_remaining_percent", "media_out", "head_temperature_celsius"],
          subject: [0, 1],
          at: [0, 5],
          values: [
            [40, 12.5],
            [false, true],
            [null, -0],
          ],
        },
      ],
    };
    expect(linesOf({ ...batch, message, skewMs: 2.7 })).toEqual([
      `readings,component=tray-2,device=lane-3/printer,site=store-1 media_remaining_percent=40,media_out?=0 ${T0 + 2}`,
      `readings,device=lane-3/printer,site=store-1 media_remaining_percent=12.5,media_out?=1,head_temperature_celsius=-0 ${T0 + 7}`,
    ]);
  });

  it("is the same line whenever and in whatever batch it comes", () => {
    const sample = { at: T0 + 1, value: 0.1 };
    const [first] = linesOf(aBatch(1, [sample]));
    const again = linesOf(aBatch(7, [{ at: T0, value: 3 }, sample], { agent: "host-2", epoch: "e2", lane: "history" }));
    expect(again[1]).toBe(first);
  });

  it("leaves out what can't be written, and counts it", () => {
    const lines: string[] = [];
    const batch = aBatch(1, [
      { at: T0, value: Number.NaN },
      { at: T0, value: null },
      { at: T0 + 1, value: 1 },
    ]);
    expect(new LineEncoder().encode(batch, lines)).toEqual({ samples: 1, refused: 1 });
    expect(lines).toHaveLength(1);
  });

  it("never breaks into two lines, or into other tags and fields, whatever a name holds", () => {
    const name = fc.string({ unit: "binary", maxLength: 12 });
    fc.assert(
      fc.property(name, name, name, (site, device, metric) => {
        const [line = "", ...more] = linesOf(aBatch(1, [{ subject: device, metric, at: T0, value: 1 }], { site }));
        expect(more).toEqual([]);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested.
        expect(line).not.toMatch(/[\u0000-\u001f]/);
        expect(line.split(/(?<!\\) /)).toHaveLength(3);
        expect(line.split(/(?<!\\) /)[1]?.split(/(?<!\\)=/)).toHaveLength(2);
      }),
    );
  });
});

describe("names", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(decodeName(encodeName(text))).toBe(text);
        const { number, boolean } = fieldsOf(text);
        if (!text.endsWith("?")) expect(metricOf(number)).toEqual({ metric: text, isBoolean: false });
        expect(metricOf(boolean)).toEqual({ metric: text, isBoolean: true });
      }),
    );
  });

  it.each(["time", "site", "device", "component"])("a metric named %s is no tag and no column", (metric) => {
    expect(fieldsOf(metric).number).not.toBe(metric);
    expect(metricOf(fieldsOf(metric).number).metric).toBe(metric);
  });

  it("stand in a question so that they end where they should", () => {
    expect(literal("o'hara\\")).toBe("'o\\'hara%5c'");
    expect(identifier('a"; DROP DATABASE x')).toBe('"a\\"; DROP DATABASE x"');
  });

  it("of a lane are those of its agent and outbox", () => {
    expect(laneLine({ ...LANE, epoch: "e 1" }, 42, T0)).toBe(
      `aislewatch_lanes,agent=host-1,epoch=e\\ 1,lane=live,site=store-1 seq=42i ${T0}`,
    );
  });
});

describe("a line without a field", () => {
  const line = "readings,device=a\\ b,site=up=1 up?=1,load=2,up=3 1700000000000";
  it.each([
    { field: "up?", left: "readings,device=a\\ b,site=up=1 load=2,up=3 1700000000000" },
    { field: "up", left: "readings,device=a\\ b,site=up=1 up?=1,load=2 1700000000000" },
    { field: "device", left: line },
  ])("$field", ({ field, left }) => expect(withoutField(line, field)).toBe(left));

  it("is none when it was the only one", () => expect(withoutField("readings up=1 5", "up")).toBeNull());
});

describe("InfluxDB's answer to a write", () => {
  const conflict =
    'partial write: field type conflict: input field "load" on measurement "readings" is type float, already exists as type string dropped=3';
  it.each([
    { name: "a conflict of types", status: 400, text: conflict, kind: "partly", dropped: 3, field: "load" },
    { name: "the same of 2.x", status: 422, text: conflict, kind: "partly", dropped: 3, field: "load" },
    {
      name: "too old",
      status: 400,
      text: "partial write: points beyond retention policy dropped=2",
      kind: "partly",
      dropped: 2,
      field: null,
    },
    { name: "a line that is none", status: 400, text: "unable to parse 'x': missing fields", kind: "refused" },
    {
      name: "a line that is none among others",
      status: 400,
      text: "partial write: unable to parse 'x': missing fields dropped=0",
      kind: "refused",
    },
    { name: "a body that is too long", status: 413, text: "Request Entity Too Large", kind: "refused" },
  ])("is known: $name", ({ status, text, name: _, ...answer }) => {
    expect(answerOf(status, text)).toEqual({ ...answer, detail: text });
  });

  it.each([
    { name: "a wrong address", status: 400, text: "database is required" },
    { name: "no such database", status: 404, text: 'database not found: "shops"' },
    { name: "a wrong password", status: 401, text: "authorization failed" },
    { name: "a full cache", status: 500, text: "engine: cache maximum memory size exceeded" },
    { name: "a full queue", status: 503, text: "" },
  ])("says nothing of the lines: $name", ({ status, text }) => expect(answerOf(status, text)).toBeNull());
});

describe("InfluxDB's answer to a question", () => {
  it.each([
    { name: "no JSON", text: "<html>", said: /not JSON/ },
    { name: "another shape", text: '{"error":"x"}', said: /without results/ },
    { name: "a fault", text: '{"results":[{"error":"error parsing query"}]}', said: /error parsing query/ },
    { name: "a part", text: '{"results":[{"series":[{"values":[]}],"partial":true}]}', said: /max-row-limit/ },
  ])("is refused: $name", ({ text, said }) => expect(() => tablesOf(text)).toThrow(said));

  it("is read whatever it lacks", () => {
    fc.assert(
      fc.property(fc.json(), (results) => {
        try {
          tablesOf(`{"results":[{"series":[${results}]}, ${results}]}`);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: "StoreError" });
        }
      }),
    );
  });
});
