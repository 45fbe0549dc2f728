import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HID_LIMITS, type HidDescriptor, parseHidDescriptor, readReport, reportBytes } from "./hid-report.ts";
import { hidRole, PAGE, stateReports } from "./hid-role.ts";

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");

function read(hex: string): HidDescriptor {
  const parsed = parseHidDescriptor(bytes(hex));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

/** A weighing device: state and unit as choices, exponent, weight. */
const SCALE =
  "058d0920a10185030932a102 197129781501250875089501 8100 1951295c1501250c8100 09411581257f8102 0940150027ffff000075108102 c0c0";
/** A UPS: mains, discharging, four bits of nothing, charge in per cent. */
const UPS = "05840904a1010924a1028501 058509d00945150025017501950281029506 8103 0966256475089501 8102 0966 b102 c0c0";
/** HID POS scanner: report 2 what was scanned; report 4 its cradle, range and battery. */
const SCANNER =
  "058c0902a101 85020912a102 09fe150026ff00750895388102 09fb950381 02c0 85040915a102 097509762501750195028102 950681 03 05850966256475089501 8102 c0c0";
const KEYBOARD = "05010906a101050719e029e71500250175019508810295017508 8103c0";

describe("a report descriptor", () => {
  it("says which bits mean what, and in which collections", () => {
    const { fields, applications, hasReportIds } = read(SCALE);
    expect(applications).toEqual([0x8d0020]);
    expect(hasReportIds).toBe(true);
    expect(fields.map(({ bitOffset, bitSize, isArray }) => [bitOffset, bitSize, isArray])).toEqual([
      [0, 8, true],
      [8, 8, true],
      [16, 8, false],
      [24, 16, false],
    ]);
    expect(fields[3]).toMatchObject({ usages: [0x8d0040], collections: [0x8d0020, 0x8d0032], logicalMax: 65_535 });
    expect(reportBytes(read(SCALE), "input", 3)).toBe(6);
  });

  it.each([
    { name: "an item that is cut", hex: "058d09" },
    { name: "a collection without an end", hex: "058d0920a101" },
    { name: "an end without a collection", hex: "c0" },
    { name: "more pops than pushes", hex: "b4" },
    { name: "report id 0", hex: "8500" },
    { name: "a range that ends before it begins", hex: "058d 1905 2903" },
    { name: "a report of gigabytes", hex: "058d 0920 77ffffff7f 97ffffff7f 8102" },
    { name: "a range of millions", hex: "1b00000000 2bffffff00" },
    { name: "endless collections", hex: "a101".repeat(HID_LIMITS.depthMax + 1) + "c0".repeat(HID_LIMITS.depthMax + 1) },
    { name: "endless pushes", hex: "a4".repeat(HID_LIMITS.stackMax + 1) },
    { name: "endless fields", hex: "8102".repeat(HID_LIMITS.fieldsMax + 1) },
    { name: "more bytes than there can be", hex: "00".repeat(HID_LIMITS.bytesMax + 1) },
  ])("is refused: $name", ({ hex }) => expect(parseHidDescriptor(bytes(hex)).ok).toBe(false));

  it("passes over long items and what is reserved", () => {
    expect(read(`fe02ff0102 ${SCALE}`).fields).toEqual(read(SCALE).fields);
    expect(parseHidDescriptor(bytes("fe20ff01")).ok).toBe(false);
  });

  it("gets back what was pushed", () => {
    const { fields } = read("0585 15002501 7501 9501 a4 0584 7508 0930 8102 b4 09d0 8102");
    expect(fields.map(({ bitSize, usages }) => [bitSize, usages])).toEqual([
      [8, [0x840030]],
      [1, [0x8500d0]],
    ]);
  });

  it("never throws, whatever it is made of, and neither does reading by it", () => {
    const items = fc.array(
      fc.oneof(
        fc.constantFrom(
          "058d",
          "0585",
          "a101",
          "c0",
          "7508",
          "9501",
          "8102",
          "8100",
          "b102",
          "a4",
          "b4",
          "8501",
          "1580",
        ),
        fc.uint8Array({ minLength: 1, maxLength: 6 }).map((some) => Buffer.from(some).toString("hex")),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(items, fc.uint8Array({ maxLength: 80 }), (hex, report) => {
        const parsed = parseHidDescriptor(bytes(hex.join("")));
        if (!parsed.ok) return;
        expect(parsed.value.fields.length).toBeLessThanOrEqual(HID_LIMITS.fieldsMax);
        for (const type of ["input", "feature", "output"] as const) readReport(parsed.value, type, report);
        hidRole(parsed.value);
        for (const kind of ["scale", "scanner", "ups"] as const) stateReports(parsed.value, kind);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a report", () => {
  const values = (hex: string, report: string) =>
    readReport(read(hex), "input", bytes(report)).map(({ usage, value }) => [usage, value]);

  it("names of an array what is chosen, of a variable its value", () => {
    expect(values(SCALE, "03 04 02 ff 3419")).toEqual([
      [0x8d0074, 1],
      [0x8d0052, 1],
      [0x8d0041, -1],
      [0x8d0040, 0x1934],
    ]);
  });

  it.each([
    { name: "a value out of its range is none", hex: UPS, report: "01 01 c8", usages: [0x8500d0, 0x850045] },
    { name: "padding says nothing", hex: UPS, report: "01 fd 10", usages: [0x8500d0, 0x850045, 0x850066] },
    { name: "a report that is cut ends where it ends", hex: UPS, report: "01 01", usages: [0x8500d0, 0x850045] },
    { name: "another report says nothing", hex: UPS, report: "07 01 64", usages: [] },
    { name: "nothing came", hex: UPS, report: "", usages: [] },
    { name: "a choice that is none", hex: SCALE, report: "03 00 0d 00 0000", usages: [0x8d0041, 0x8d0040] },
  ])("is read with care: $name", ({ hex, report, usages }) => {
    expect(values(hex, report).map(([usage]) => usage)).toEqual(usages);
  });

  it("gives back every integer that was put in, at any place and of any size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: 32 }), fc.nat(), (gap, size, seed) => {
        const value = seed % 2 ** Math.min(size, 31);
        const padding = gap === 0 ? "" : `75${gap.toString(16).padStart(2, "0")}95018103`;
        const descriptor = read(`0585 ${padding} 0966 75${size.toString(16).padStart(2, "0")}9501 8102`);
        const packed = Buffer.alloc(9);
        packed.writeBigUInt64LE(BigInt(value) << BigInt(gap));
        expect(readReport(descriptor, "input", packed).map((one) => one.value)).toEqual([value]);
      }),
    );
  });
});

describe("what a device is, by its descriptor", () => {
  const gryphon = JSON.parse(
    readFileSync(
      new URL("../../../shared/devices/captures/usb/hid-report-datalogic-gryphon-gd4400.json", import.meta.url),
      "utf8",
    ),
  ).hid_report_descriptor_hex;
  it.each([
    { name: "scale", hex: SCALE, kind: "scale", refused: null },
    { name: "UPS", hex: UPS, kind: "ups", refused: null },
    { name: "scanner", hex: SCANNER, kind: "scanner", refused: null },
    { name: "keyboard", hex: KEYBOARD, kind: null, refused: "it types, like a keyboard" },
    { name: "scanner in keyboard mode, as captured", hex: gryphon, kind: null, refused: "it types, like a keyboard" },
    { name: "keypad without keys", hex: "05010907a101c0", kind: null, refused: "it types, like a keyboard" },
    { name: "scanner that types as well", hex: SCANNER + KEYBOARD, kind: null, refused: "it types, like a keyboard" },
    {
      name: "scanner with a stripe reader",
      hex: `${SCANNER}058e0901a10109207508950181 02c0`,
      kind: null,
      refused: "it reads magnetic stripes",
    },
    {
      name: "stripe as a usage of four bytes within another page",
      hex: `058c0902a1010b20008e0075089501 8102c0`,
      kind: null,
      refused: "it reads magnetic stripes",
    },
    { name: "mouse", hex: "05010902a101c0", kind: null, refused: "it is no scale, scanner or UPS by its own word" },
    { name: "nothing", hex: "", kind: null, refused: "it is no scale, scanner or UPS by its own word" },
    { name: "scale and UPS", hex: SCALE + UPS, kind: null, refused: "it is several things at once" },
  ])("$name", ({ hex, kind, refused }) => expect(hidRole(read(hex))).toMatchObject({ kind, refused }));

  it("lets nothing through that names a key or a track anywhere", () => {
    const forbidden = fc.constantFrom(PAGE.keyboard, PAGE.magneticStripe);
    fc.assert(
      fc.property(forbidden, fc.integer({ min: 1, max: 255 }), fc.boolean(), (page, id, before) => {
        const item = `05${page.toString(16).padStart(2, "0")}09${id.toString(16).padStart(2, "0")}75089501b102`;
        expect(hidRole(read(before ? item + SCALE : SCALE + item)).kind).toBeNull();
      }),
    );
  });

  it("of a scanner, only reports are asked for in which everything is a state", () => {
    expect(stateReports(read(SCANNER), "scanner")).toEqual([{ report: "input", reportId: 4, bytes: 3 }]);
    const unknownBeside = SCANNER.replace("0975", "0957");
    expect(stateReports(read(unknownBeside), "scanner")).toEqual([]);
  });

  it("of a UPS, what is kept goes before what was said", () => {
    expect(stateReports(read(UPS), "ups")).toEqual([
      { report: "feature", reportId: 1, bytes: 2 },
      { report: "input", reportId: 1, bytes: 3 },
    ]);
  });
});
