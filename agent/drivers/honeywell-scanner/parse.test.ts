import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { about, isWholeRevision, isWholeSetting, keepRevision, keepSetting, METRICS, parse } from "./parse.ts";

const CASES = new URL("testdata/", import.meta.url);
const CAPTURE = new URL(
  "../../../../shared/devices/captures/scanners/honeywell-voyager1602g-revinf-usbhidpos.json",
  import.meta.url,
);
const json = <T>(url: URL): T => JSON.parse(readFileSync(url, "utf8")) as T;

const ANSWER = "CBRENA1\u0006!";
const REVISION =
  "Product Name: Xenon 1900\r\nBoot Revision: CS000122BBC\r\nSoftware Part Number: CW000180BBE\r\nSerial Number: 13102B0E2D\r\nREVINF\u0006.";
const SCAN = "5901234123457\r";

describe("parse", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.runIf(existsSync(CAPTURE))("reads what a Voyager 1602g said over HID", () => {
    const { reports_hex: reports } = json<{ readonly reports_hex: readonly string[] }>(CAPTURE);
    const text = reports
      .map((hex) => Buffer.from(hex, "hex"))
      .map((report) => report.subarray(5, 5 + (report[1] ?? 0)).toString("latin1"))
      .join("");
    expect(isWholeRevision(text)).toBe(true);
    expect(parse({ setting: ANSWER, revision: keepRevision(text) })).toEqual({
      ok: true,
      value: {
        samples: [{ component: null, metrics: {} }],
        asset: { vendor: "Honeywell", model: "Voyager 1602g", firmware: "CW000082BBA", serial: "15232B1F0C" },
      },
    });
    expect(about({ revision: text })).toContainEqual(["Supported IF", "Bluetooth"]);
  });

  it.each(["", SCAN, "CBRENA1", "CBRENA1\u0006", "REVINF\u0006."])("takes no answer from %j", (said) => {
    expect(isWholeSetting(said)).toBe(false);
    expect(parse({ setting: said })).toMatchObject({ ok: false });
  });

  it.each([
    { name: "a tag that the model does not know", said: "CBRENA?\u0005!" },
    { name: "a value that it does not take", said: "CBRENA?\u0015!" },
  ])("takes $name for an answer: it lives", ({ said }) => {
    expect(isWholeSetting(said)).toBe(true);
    expect(parse({ setting: said }).ok).toBe(true);
  });
});

describe("keep", () => {
  it("drops what is scanned, before, between and after", () => {
    expect(keepSetting(`${SCAN}${ANSWER}${SCAN}`)).toBe(ANSWER);
    const [first, ...rest] = REVISION.split(/(?<=\r\n)/);
    expect(keepRevision(`${SCAN}${first}${SCAN}\n${rest.join("")}${SCAN}`)).toBe(REVISION);
  });

  it("finds the answer however it was noised, and never throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.nat(ANSWER.length - 1), (noise, cut) => {
        expect(keepSetting(`${noise}${ANSWER.slice(0, cut)}\n${ANSWER}`)).toBe(ANSWER);
        void parse({ setting: noise, revision: noise });
        void about({ revision: noise });
        keepRevision(noise);
      }),
    );
  });
});
