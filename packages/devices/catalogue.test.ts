import { describe, expect, it } from "vitest";
import { CATALOGUE, FAULT_CODES, findMetric, KINDS, metricsOf } from "./index.ts";

/** The unit that people read and the suffix that the name ends in, before `_total`. */
const SUFFIX: Readonly<Record<string, RegExp>> = {
  "%": /_percent$/,
  "°C": /_celsius$/,
  s: /_seconds$/,
  B: /_bytes$/,
  V: /_volts$/,
  m: /_meters$/,
  A: /_amperes$/,
  W: /_watts$/,
  kWh: /_kilowatt_hours$/,
  dBm: /_dbm$/,
  rpm: /_rpm$/,
  h: /_hours$/,
  d: /_days$/,
  Hz: /_hertz$/,
  kg: /_kilograms$/,
  "bit/s": /_bits_per_second$/,
};

describe("the metric catalogue", () => {
  it("has each name once", () => {
    expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(CATALOGUE.length);
  });

  it.each(CATALOGUE.map((metric) => ({ ...metric })))("$name says its unit, type and meaning", (metric) => {
    expect(metric.name).toMatch(/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/);
    expect(metric.meaning).not.toBe("");
    expect(metric.counter).toBe(metric.name.endsWith("_total"));
    const bare = metric.name.replace(/_total$/, "");
    if (metric.type === "boolean") {
      expect(metric.unit).toBe("");
      expect(metric.counter).toBe(false);
    } else if (metric.unit !== "") expect(bare).toMatch(SUFFIX[metric.unit] ?? /no such unit/);
    else for (const suffix of Object.values(SUFFIX)) expect(bare).not.toMatch(suffix);
  });

  it("offers every kind something beyond what every device has", () => {
    const common = CATALOGUE.filter(({ kinds }) => kinds === null).length;
    for (const kind of KINDS) expect(metricsOf(kind).length, kind).toBeGreaterThanOrEqual(common);
    expect(metricsOf("ups").map(({ name }) => name)).toContain("on_battery");
    expect(metricsOf("ups").map(({ name }) => name)).not.toContain("media_out");
    expect(findMetric("no_such_metric")).toBeUndefined();
  });
});

describe("fault codes", () => {
  it("are snake_case words with a meaning", () => {
    for (const [code, meaning] of Object.entries(FAULT_CODES)) {
      expect(code).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(meaning).not.toBe("");
    }
  });
});
