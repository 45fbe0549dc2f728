import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import type { Replies } from "../request.ts";
import { about, isWholeStatus, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);

const frame = (bytes: string): string => `\u0002${bytes}\u0003\r\n`;
const READY = frame("@@@@");
const OUT = frame("E@@A");

const metricsOf = (reply: Replies): Readonly<Record<string, unknown>> | "nothing" => {
  const parsed = parse(reply);
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : "nothing";
};
const mediaOut = (status: string): unknown => {
  const metrics = metricsOf({ status });
  return metrics === "nothing" ? metrics : metrics["media_out"];
};
const twice = (first: number | string, second: number | string = first) => {
  const byte = (value: number | string): string => (typeof value === "string" ? value : String.fromCharCode(value));
  return metricsOf({ status: null, readiness: byte(first), readinessAgain: byte(second) });
};
const noise = fc.string({ unit: "binary", maxLength: 100 });

describe("ESC ! S", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.each([
    { name: "media low", bytes: "@A@@", metric: "media_low" },
    { name: "ribbon low", bytes: "@B@@", metric: "ribbon_low" },
    { name: "buffer full", bytes: "@H@@", metric: "buffer_full" },
    { name: "head too hot", bytes: "E@A@", metric: "head_over_temperature" },
    { name: "motor too hot", bytes: "E@B@", metric: "motor_over_temperature" },
    { name: "head error", bytes: "E@D@", metric: "head_fault" },
    { name: "cutter jam", bytes: "E@H@", metric: "cutter_fault" },
    { name: "out of memory", bytes: "E@P@", metric: "recoverable_error" },
    { name: "media out", bytes: "E@@A", metric: "media_out" },
    { name: "media jam", bytes: "E@@B", metric: "jammed" },
    { name: "ribbon out", bytes: "E@@D", metric: "ribbon_out" },
    { name: "ribbon jam", bytes: "E@@H", metric: "ribbon_fault" },
    { name: "head open", bytes: "E@@`", metric: "head_open" },
    { name: "paused", bytes: "`@@@", metric: "paused" },
    { name: "printing", bytes: "P@@@", metric: "printing" },
    { name: "label waiting", bytes: "L@@@", metric: "label_waiting" },
  ])("$name is $metric and nothing else", ({ bytes, metric }) => {
    const metrics = metricsOf({ status: frame(bytes) });
    expect(Object.entries(metrics).filter(([, holds]) => holds === true)).toEqual([[metric, true]]);
  });

  it("reports no metric that the driver did not announce", () => {
    const names = [...Object.keys(metricsOf({ status: READY })), ...Object.keys(twice(0))];
    expect([...new Set(names)].sort()).toEqual([...METRICS].sort());
  });

  it("tells the state in words", () => {
    expect(about({ status: frame("K@P@") })).toEqual([
      ["state", "waits for the print key"],
      ["error", "out of memory"],
    ]);
    expect([about({ status: frame("z@@@") }), about({ readiness: "\u0000" })]).toEqual([[["state", '"z"']], []]);
  });

  it("never throws, and takes no noise for a status, whatever bytes come", () => {
    fc.assert(
      fc.property(noise, (said) => {
        parse({ status: said, readiness: said, readinessAgain: said });
        about({ status: said });
        expect(mediaOut(said.replaceAll("\u0003", ""))).toBe("nothing");
      }),
    );
  });

  it("gives no status that the printer did not send, wherever the bytes are cut", () => {
    for (let end = 0; end <= OUT.length; end++) {
      expect(["nothing", true]).toContain(mediaOut(OUT.slice(0, end)));
      expect(["nothing", true]).toContain(mediaOut(OUT.slice(end)));
      expect(isWholeStatus(OUT.slice(0, end))).toBe(end >= 6);
    }
  });

  it("finds the next good status after noise and after one that was cut short, and takes the newest", () => {
    fc.assert(
      fc.property(noise, fc.nat(OUT.length - 3), noise, (before, cut, after) => {
        // Noise that is a status of its own is none.
        fc.pre(mediaOut(after) === "nothing");
        expect(mediaOut(before + OUT.slice(0, Math.min(cut, 5)) + READY + after)).toBe(false);
      }),
    );
    expect([mediaOut(READY + OUT), mediaOut(OUT + READY)]).toEqual([true, false]);
  });
});

describe("ESC ! ?", () => {
  it.each([
    { byte: 0x01, metric: "head_open" },
    { byte: 0x02, metric: "jammed" },
    { byte: 0x04, metric: "media_out" },
    { byte: 0x08, metric: "ribbon_out" },
    { byte: 0x10, metric: "paused" },
    { byte: 0x20, metric: "printing" },
    { byte: 0x40, metric: "cover_open" },
    { byte: 0x80, metric: "recoverable_error" },
  ])("bit $byte is $metric", ({ byte, metric }) => {
    expect(Object.entries(twice(byte)).filter(([, holds]) => holds === true)).toEqual([[metric, true]]);
  });

  it.each([
    { name: "one answer that was not confirmed", said: twice(0, "") },
    { name: "two answers that differ", said: twice(0x00, 0x11) },
    { name: "more than a byte", said: twice("\u0000\u0000") },
    { name: "no answer", said: twice("", "") },
  ])("believes nothing of $name", ({ said }) => expect(said).toBe("nothing"));

  it("lets a printer begin or end to print between the two", () => {
    expect([twice(0x00, 0x20), twice(0x20, 0x00)]).toMatchObject([{ printing: true }, { printing: false }]);
  });
});
