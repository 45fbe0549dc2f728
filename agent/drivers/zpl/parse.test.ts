import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import type { DialectReply } from "../dialect.ts";
import { isWholeErrorStatus } from "./error-status.ts";
import { isWholeStatus, withoutPassword } from "./host-status.ts";
import { about, isWholeIdentification, knowsVariables, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const RECORDING = new URL("../../../../shared/devices/captures/zebra/zt410.json", import.meta.url);

const json = (url: URL): unknown => JSON.parse(readFileSync(url, "utf8"));

const frame = (text: string): string => `\u0002${text}\u0003\r\n`;
const READY = ["030,0,0,1225,000,0,0,0,000,0,0,0", "001,0,0,0,1,2,6,0,00000000,1,000", "1234,0"].map(frame).join("");
const OUT = ["030,1,1,1225,000,0,0,0,000,0,0,0", "001,0,0,1,1,2,6,0,00000003,1,000", "1234,0"].map(frame).join("");

const BITS = errorStatus("00010003", "00000008");

function errorStatus(errors: string, warnings: string): string {
  const line = (title: string, bits: string): string =>
    `   ${title}         ${/^0+$/.test(bits) ? 0 : 1} 00000000 ${bits}      `;
  return `\u0002\r\n  PRINTER STATUS   \r\n${line("ERRORS:", errors)}\r\n${line("WARNINGS:", warnings)}\r\n\u0003\r\n`;
}

const parseStatus = (hostStatus: string) => parse({ hostStatus, hostIdentification: null });
const metricsOf = (hostStatus: string): Readonly<Record<string, unknown>> => {
  const parsed = parseStatus(hostStatus);
  return parsed.ok ? (parsed.value.samples[0]?.metrics ?? {}) : {};
};
const off = (name: string): [string, boolean] => [name, false];
const mediaOut = (hostStatus: string): unknown => {
  const parsed = parseStatus(hostStatus);
  return parsed.ok ? parsed.value.samples[0]?.metrics["media_out"] : "nothing";
};

describe("parse", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.skipIf(!existsSync(RECORDING) && !process.env["CI"])("reads the recording of a real ZT410 without media", () => {
    const { exchanges } = json(RECORDING) as {
      exchanges: { request: string; reply_hex?: string; reply_text?: string; reply_lines?: string[] }[];
    };
    const said = (request: string): string | null => {
      const exchange = exchanges.find((one) => one.request === request);
      if (exchange?.reply_hex !== undefined) return Buffer.from(exchange.reply_hex, "hex").toString("latin1");
      return exchange?.reply_text ?? exchange?.reply_lines?.join("\r\n") ?? null;
    };
    const variable = (name: string): string | null => said(`! U1 getvar "${name}"\r\n`);
    const reply: DialectReply = {
      hostStatus: said("~HS"),
      errorStatus: said("~HQES"),
      hostIdentification: said("~HI"),
      serialNumber: said("~HQSN"),
      odometer: said("~HQOD"),
      headLife: said("~HQPH"),
      maintenance: said("~HQMA"),
      headTest: said("~HQJT"),
      diagnostics: said("~HD"),
      uptime: variable("device.uptime"),
    };
    const meters = 7956.499;
    expect(parse(reply)).toEqual({
      ok: true,
      value: {
        samples: [
          {
            component: null,
            metrics: {
              ...Object.fromEntries(METRICS.filter((name) => typeof metricsOf(OUT)[name] === "boolean").map(off)),
              ...Object.fromEntries(["cutter_fault", "head_fault", "media_low", "jammed", "media_fault"].map(off)),
              ...Object.fromEntries(["hardware_fault", "recoverable_error", "motor_over_temperature"].map(off)),
              ...Object.fromEntries(["head_cleaning_due", "head_replacement_due"].map(off)),
              ...{ media_out: true, paused: true, ribbon_out: true, formats_waiting: 0, labels_remaining: 0 },
              printed_length_meters_total: meters,
              head_used_length_meters: meters,
              head_cleaned_length_meters: meters,
              head_temperature_celsius: 22,
              uptime_seconds: 41 * 60 + 15,
            },
          },
        ],
        asset: { vendor: "Zebra", model: "ZT410-200dpi", firmware: "V75.19.15Z", serial: "18J161604846" },
        evidence: ["media_out", "paused", "ribbon_out"].map((metric) => ({
          component: null,
          metric,
          by: ["~HS", "~HQES"],
          against: [],
          quotes: { "~HQES": metric.replace("_", " ") },
        })),
      },
    });
    const byVariables = parse({
      hostStatus: said("~HS"),
      totalLength: variable("odometer.total_print_length"),
      headNew: variable("odometer.headnew"),
      headClean: variable("odometer.headclean"),
    });
    expect(byVariables.ok && byVariables.value.samples[0]?.metrics).toMatchObject({
      printed_length_meters_total: 7956.49,
      head_used_length_meters: 7956.49,
      head_cleaned_length_meters: 7956.49,
    });
  });

  it("hears either witness, and says whose word it is", () => {
    const parsed = parse({ hostStatus: READY, errorStatus: errorStatus("00000009", "00000001") });
    expect(parsed.ok && parsed.value.samples[0]?.metrics).toMatchObject({
      media_out: true,
      cutter_fault: true,
      media_fault: true,
      paused: false,
      printing: false,
    });
    expect(parsed.ok && parsed.value.evidence).toEqual([
      { component: null, metric: "media_out", by: ["~HQES"], against: ["~HS"], quotes: { "~HQES": "media out" } },
      { component: null, metric: "cutter_fault", by: ["~HQES"], against: [], quotes: { "~HQES": "cutter fault" } },
      {
        component: null,
        metric: "media_fault",
        by: ["~HQES"],
        against: [],
        quotes: { "~HQES": "media needs calibration" },
      },
    ]);
  });

  it("is content with ~HQES of a printer that is mute on ~HS", () => {
    const parsed = parse({ hostStatus: null, errorStatus: BITS });
    expect(parsed.ok && parsed.value.samples[0]?.metrics).toMatchObject({
      media_out: true,
      ribbon_out: true,
      paused: true,
      media_low: true,
      head_open: false,
    });
    expect(parsed.ok && Object.keys(parsed.value.samples[0]?.metrics ?? {})).not.toContain("labels_remaining");
  });

  it("reads a ~HS that came too late, in the reply to the next question", () => {
    expect(parse({ hostStatus: null, errorStatus: OUT + BITS })).toEqual(parse({ hostStatus: OUT, errorStatus: BITS }));
  });

  it("knows each bit of ~HQES by name, and shows those that have none", () => {
    const words = Object.fromEntries(about({ errorStatus: errorStatus("FFFFFFFF", "FFFFFFFF") }));
    expect(words["errors"]?.split(", ")).toHaveLength(19);
    expect(words["errors"]).toMatch(/^media out, .*black mark not found, 0xfff00c00$/);
    expect(words["warnings"]).toMatch(/^media needs calibration, .*at bin, 0xfffff000$/);
    expect(about({ errorStatus: errorStatus("00000000", "00000000") })).toEqual([]);
  });

  it("tells how the printer is set, and never its password", () => {
    expect(about({ hostStatus: OUT })).toEqual([
      ["serial port", "9600 baud, 8 data bits, no parity, 1 stop bit, XON/XOFF"],
      ["label length", "1225 dots"],
      ["media", "with gaps, notches or marks"],
      ["print method", "thermal transfer"],
      ["print mode", "tear-off"],
      ["graphics stored", "0"],
      ["static RAM", "none"],
    ]);
    const other = OUT.replace("030,", "505,").replace("001,0", "160,0").replace(",1,2,6", ",0,K,6");
    expect(Object.fromEntries(about({ hostStatus: other }))).toMatchObject({
      "serial port": "38400 baud, 8 data bits, even parity, 1 stop bit, DTR",
      media: "continuous",
      "print method": "direct thermal",
      "print mode": '"K"',
    });
    expect(JSON.stringify([about({ hostStatus: OUT }), parseStatus(OUT)])).not.toContain("1234");
  });

  it("hides the password, and nothing else, as it comes off the line", () => {
    expect(withoutPassword(OUT)).toBe(OUT.replace("1234", "****"));
    expect(parseStatus(withoutPassword(OUT))).toEqual(parseStatus(OUT));
    expect(isWholeStatus(withoutPassword(OUT))).toBe(true);
    for (let end = 0; end <= OUT.length; end++) expect(withoutPassword(OUT.slice(0, end))).not.toMatch(/123/);
    expect(withoutPassword(BITS)).toBe(BITS);
  });

  it.each([
    { name: "a Zebra with variables", identification: "ZT411-300dpi,V92.21.39Z,12,16384KB", knows: true },
    { name: "a Zebra of before", identification: "Z4M-200dpi,V45.11.7Z,8,4096KB", knows: false },
    { name: "a clone", identification: "GC420,1.15.07,8,2048KB", knows: false },
    { name: "a clone of another maker", identification: "TTP-342M Pro,V6.91 EZ,12,8192KB", knows: false },
    { name: "one that did not say", identification: "", knows: false },
  ])("$name: asked for variables: $knows", ({ identification, knows }) => {
    expect(knowsVariables({ hostIdentification: identification === "" ? null : frame(identification) })).toBe(knows);
  });

  it.each([
    { name: "degrees", said: "Head Temp = 47\r\n", celsius: 47 },
    { name: "degrees below zero", said: "Head Temp = -3\r\n", celsius: -3 },
    { name: "a raw reading", said: "Head Temp = 153\r\n", celsius: undefined },
    { name: "a word", said: "Head Temp = Test Not Run\r\n", celsius: undefined },
  ])("takes $name of ~HD for what they are", ({ said, celsius }) => {
    const parsed = parse({ hostStatus: READY, diagnostics: said });
    expect(parsed.ok && parsed.value.samples[0]?.metrics["head_temperature_celsius"]).toBe(celsius);
  });

  it("believes a hot head that the printer complains of", () => {
    const parsed = parse({
      hostStatus: READY,
      errorStatus: errorStatus("00000010", "00000000"),
      diagnostics: "Head Temp = 64\r\n",
    });
    expect(parsed.ok && parsed.value.samples[0]?.metrics["head_temperature_celsius"]).toBe(64);
  });

  it.each([
    { name: "in inches", said: '   TOTAL NONRESETTABLE:       8560 "   ', meters: 217.424 },
    { name: "in centimetres", said: "TOTAL NONRESETTABLE: 21744 cm\r\n", meters: 217.44 },
    { name: "in metres", said: "TOTAL NONRESETTABLE: 217 M\r\n", meters: 217 },
    { name: "in a unit of its own", said: "TOTAL NONRESETTABLE: 217 MILES\r\n", meters: undefined },
    { name: "cut short", said: "TOTAL NONRESETTABLE: 21", meters: undefined },
  ])("reads an odometer $name", ({ said, meters }) => {
    const parsed = parse({ hostStatus: READY, odometer: said });
    expect(parsed.ok && parsed.value.samples[0]?.metrics["printed_length_meters_total"]).toBe(meters);
  });

  it.each([
    { name: "a variable that the model does not have", said: '"?"', percent: undefined },
    { name: "a bare number", said: '"43"', percent: 43 },
    { name: "an older printer's", said: '" 43% Full"', percent: 43 },
    { name: "more than full", said: '"143"', percent: undefined },
  ])("reads $name", ({ said, percent }) => {
    const parsed = parse({ hostStatus: READY, batteryPercent: said });
    expect(parsed.ok && parsed.value.samples[0]?.metrics["battery_charge_percent"]).toBe(percent);
  });

  it("reports no metric that the driver did not announce", () => {
    const quoted = (value: string): string => `"${value}"`;
    const all = {
      hostStatus: OUT,
      errorStatus: BITS,
      odometer: 'TOTAL NONRESETTABLE: 1 "',
      headLife: 'LAST CLEANED: 1 "\r\n 1: 1 "',
      maintenance: "HEAD REPLACEMENT INTERVAL: 50 km HEAD CLEANING INTERVAL: 450 M ",
      headTest: "HEAD TEST RESULTS 0,A,0000,0831,0003",
      diagnostics: "Head Temp = 22\r\n",
      labelCount: quoted("104382"),
      uptime: quoted("00 days 00 hours 41 mins 15 secs"),
      batteryPercent: quoted("43"),
    };
    const parsed = parse(all);
    const names = parsed.ok ? Object.keys(parsed.value.samples[0]?.metrics ?? {}) : [];
    expect(names.sort()).toEqual([...METRICS].sort());
  });

  it.each([
    { name: "without leading zeros", first: "30,0,0,812,0,0,0,0,0,0,0,0", second: "1,0,1,0,1,2,6,0,0,1,0" },
    {
      name: "of a label of two metres",
      first: "030,0,0,12245,000,0,0,0,000,0,0,0",
      second: "001,0,1,0,1,k,6,0,00000000,1,000",
    },
  ])("reads a status $name", ({ first, second }) => {
    const parsed = parse({ hostStatus: `${frame(first)}${frame(second)}` });
    expect(parsed.ok && parsed.value.samples[0]?.metrics["head_open"]).toBe(true);
  });

  it.each([
    "ERRORS:1 00000000 00000004 WARNINGS:0 00000000 00000000",
    "errors: 1 0000000000000004\r\nwarnings: 0 0000000000000000",
  ])("reads an error status of other spacing: %s", (errorStatus) => {
    const parsed = parse({ errorStatus });
    expect(parsed.ok && parsed.value.samples[0]?.metrics["head_open"]).toBe(true);
  });

  it.each([
    { name: "nothing", text: "" },
    { name: "noise", text: "\u0000\u00ff~HS" },
    { name: "a first string alone", text: frame("030,0,0,1225,000,0,0,0,000,0,0,0") },
    { name: "a second string alone", text: frame("001,0,0,0,1,2,6,0,00000000,1,000") },
    { name: "a bit that is neither 0 nor 1", text: READY.replace("030,0,0", "030,2,0") },
    { name: "a second string of a later status", text: READY.slice(0, 36) + READY.slice(READY.indexOf("1234") - 1) },
    { name: "an identification instead", text: frame("ZT410-200dpi,V75.19.15Z,8,4096KB") },
  ])("refuses $name", ({ text }) => {
    expect(parseStatus(text)).toMatchObject({ ok: false });
  });

  describe("the fields of a status", () => {
    const first = "030,0,0,1225,000,0,0,0,000,0,0,0".split(",");
    const second = "001,0,0,0,1,2,6,0,00000000,1,000".split(",");
    const lengths = { first: [3, 1, 1, 5, 4, 1, 1, 1, 3, 1, 1, 1], second: [3, 1, 1, 1, 1, 1, 1, 1, 8, 1, 4] };
    const isRead = (changed: { readonly first?: string; readonly second?: string }): boolean =>
      parseStatus(frame(changed.first ?? first.join(",")) + frame(changed.second ?? second.join(","))).ok;
    const fields = [
      ...first.map((_, at) => ({ text: "first" as const, fields: first, at, longest: lengths.first[at] ?? 0 })),
      ...second.map((_, at) => ({ text: "second" as const, fields: second, at, longest: lengths.second[at] ?? 0 })),
    ];

    it.each(fields)("have their longest: $text string, field $at: $longest", ({ text, fields, at, longest }) => {
      const withField = (value: string) => ({ [text]: fields.with(at, value).join(",") });
      expect(isRead(withField("1".repeat(longest)))).toBe(true);
      for (const value of ["1".repeat(longest + 1), "", "-1", "/"]) expect(isRead(withField(value))).toBe(false);
    });

    it.each(["first", "second"] as const)("are all of the %s string", (text) => {
      const line = { first, second }[text].join(",");
      for (const said of [`x${line}`, `0,${line}`, `${line}x`, `${line},0`])
        expect(isRead({ [text]: said })).toBe(false);
    });

    it.each([
      { third: "1234,0", ram: "none" },
      { third: "1234,1", ram: "fitted" },
      { third: "12345678,1", ram: "fitted" },
      { third: "123456789,1", ram: undefined },
      { third: "1,2,1", ram: undefined },
      { third: "1234,10", ram: undefined },
      { third: null, ram: undefined },
    ])("are those of a third string, if there is one: $third", ({ third, ram }) => {
      const hostStatus = frame(first.join(",")) + frame(second.join(",")) + (third === null ? "" : frame(third));
      expect(new Map(about({ hostStatus })).get("static RAM")).toBe(ram);
      expect(isWholeStatus(hostStatus)).toBe(ram !== undefined);
    });

    it.each([
      { name: "by its own field", changed: first.with(6, "1"), on: second, diagnostics: true },
      { name: "by a bit of the second string", changed: first, on: second.with(0, "032"), diagnostics: true },
      { name: "by no other bit", changed: first, on: second.with(0, "095"), diagnostics: false },
      { name: "by no other field", changed: first.with(7, "1"), on: second.with(0, "223"), diagnostics: false },
    ])("say that the printer is in diagnostics $name: $diagnostics", ({ changed, on, diagnostics }) => {
      expect(metricsOf(frame(changed.join(",")) + frame(on.join(",")))["diagnostics_mode"]).toBe(diagnostics);
    });

    it.each([
      { aaa: "000", says: "110 baud, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "025", says: "300 baud, 8 data bits, no parity, 1 stop bit, XON/XOFF" },
      { aaa: "010", says: "600 baud, 8 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "035", says: "1200 baud, 7 data bits, odd parity, 2 stop bits, XON/XOFF" },
      { aaa: "101", says: "4800 baud, 7 data bits, even parity, 2 stop bits, XON/XOFF" },
      { aaa: "068", says: "2400 baud, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "007", says: "19200 baud, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "256", says: "28800 baud, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "258", says: "57600 baud, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "259", says: "14400 baud, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
      { aaa: "260", says: "unknown speed, 7 data bits, no parity, 2 stop bits, XON/XOFF" },
    ])("tell how the serial port is set: $aaa", ({ aaa, says }) => {
      const hostStatus = frame(first.with(0, aaa).join(",")) + frame(second.join(","));
      expect(new Map(about({ hostStatus })).get("serial port")).toBe(says);
    });

    it.each([
      { mode: "0", says: "rewind" },
      { mode: "1", says: "peel-off" },
      { mode: "3", says: "cutter" },
      { mode: "4", says: "applicator" },
      { mode: "5", says: '"5"' },
    ])("tell the print mode: $mode", ({ mode, says }) => {
      const hostStatus = frame(first.join(",")) + frame(second.with(5, mode).join(","));
      expect(new Map(about({ hostStatus })).get("print mode")).toBe(says);
    });
  });

  it("takes the newest of several answers", () => {
    expect([mediaOut(READY + OUT), mediaOut(OUT + READY)]).toEqual([true, false]);
  });

  it("never throws, whatever bytes come", () => {
    const pieces = fc.oneof(
      fc.constantFrom(
        "\u0002",
        "\u0003",
        "\r\n",
        ",",
        "030,0,0,1225,000,0,0,0,000,0,0,0",
        '"',
        "ERRORS: 1 ",
        "0000000",
      ),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(pieces), (texts) => {
        const said = texts.join("");
        const names = ["hostStatus", "errorStatus", "hostIdentification", "odometer", "headLife", "maintenance"];
        const others = [
          "headTest",
          "diagnostics",
          "serialNumber",
          "uniqueId",
          "labelCount",
          "uptime",
          "batteryPercent",
        ];
        const reply = Object.fromEntries([...names, ...others].map((name) => [name, said]));
        parse(reply);
        about(reply);
      }),
    );
  });

  it("gives no status that the printer did not send, wherever the bytes are cut", () => {
    for (let end = 0; end <= READY.length; end++) {
      expect(["nothing", false]).toContain(mediaOut(READY.slice(0, end)));
      expect(["nothing", false]).toContain(mediaOut(READY.slice(end)));
    }
  });

  it("finds the next good answer after noise and after an answer that was cut short", () => {
    const noise = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.nat(OUT.length - 1), noise, (before, cut, after) => {
        expect(mediaOut(before + OUT.slice(0, cut) + READY + after)).toBe(false);
      }),
    );
  });

  it("takes no error status from one that was cut short, and the next good one after it", () => {
    const flag = (errorStatus: string): unknown => {
      const parsed = parse({ hostStatus: null, errorStatus });
      return parsed.ok ? parsed.value.samples[0]?.metrics["media_out"] : "nothing";
    };
    const fine = errorStatus("00000000", "00000000");
    const noise = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.nat(BITS.indexOf("WARNINGS")), noise, (before, cut, after) => {
        expect(flag(BITS.slice(0, cut))).toBe("nothing");
        expect(flag(before + BITS.slice(0, cut) + fine + after)).toBe(false);
        expect(isWholeErrorStatus(BITS.slice(0, cut))).toBe(false);
      }),
    );
    expect([flag(BITS), isWholeErrorStatus(BITS)]).toEqual([true, true]);
  });

  it("is whole exactly when the third string is there, in whatever pieces it comes", () => {
    for (let end = 0; end < OUT.length - 2; end++) expect(isWholeStatus(OUT.slice(0, end))).toBe(false);
    expect(isWholeStatus(OUT)).toBe(true);
    expect([isWholeIdentification(OUT), isWholeIdentification(frame("ZT410-200dpi,V75.19.15Z,8,4096KB"))]).toEqual([
      false,
      true,
    ]);
  });
});

if (!existsSync(RECORDING))
  process.stderr.write("zpl: skipped the recording of a ZT410, ../shared/devices is not there\n");
