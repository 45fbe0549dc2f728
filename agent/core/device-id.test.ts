import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDeviceId } from "./device-id.ts";

const raw = (text: string, length = text.length + 2): string => String.fromCharCode(length >> 8, length & 0xff) + text;

describe("a device id", () => {
  const zebra = { manufacturer: "Zebra", model: "LP 2824 Plus", serial: null, languages: ["ZPL", "EPL2"] };
  it.each([
    { name: "short keys", text: "MFG:Zebra;CMD:ZPL,EPL2;MDL:LP 2824 Plus;CLS:PRINTER;", id: zebra },
    {
      name: "long keys, lower case, blanks",
      text: " manufacturer: Zebra ; command set: ZPL , EPL2;model:LP 2824 Plus;",
      id: zebra,
    },
    { name: "no last semicolon", text: "MFG:Zebra;CMD:ZPL,EPL2;MDL:LP 2824 Plus", id: zebra },
    {
      name: "a colon in a value",
      text: "MFG:Epson;MDL:TM-T88V;SN:4D43:55;",
      id: { manufacturer: "Epson", serial: "4D43:55" },
    },
    {
      name: "the first of two keys",
      text: "MDL:TM-T20;MDL:other;SERN:J7Q1;",
      id: { model: "TM-T20", serial: "J7Q1" },
    },
    { name: "only languages", text: "CMD:ESC/POS;", id: { manufacturer: null, languages: ["ESC/POS"] } },
  ])("is read: $name", ({ text, id }) => expect(readDeviceId(text)).toMatchObject(id));

  const text = "MFG:Star;MDL:TSP143;";
  it.each([
    { name: "right", length: text.length + 2 },
    { name: "without its own two bytes", length: text.length },
    { name: "low byte first", length: (text.length + 2) << 8 },
    { name: "none at all", length: 0 },
    { name: "far too long", length: 0x1fff },
  ])("may have a length that is $name", ({ length }) => {
    expect(readDeviceId(raw(text, length))).toMatchObject({
      manufacturer: "Star",
      model: expect.stringMatching(/^TSP14/),
    });
  });

  it("ends where its length says, whatever stands behind", () => {
    expect(readDeviceId(`${raw(text)}\u0000\u0000SN:stale;`)?.serial).toBeNull();
  });

  it.each(["", ";;;", ":::", "no pairs at all", "\u0000\u0002", "XYZ:1;"])("is none in %j", (nonsense) => {
    expect(readDeviceId(nonsense)).toBeNull();
  });

  it("never throws, and says nothing longer than what came", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 3_000 }), (nonsense) => {
        const id = readDeviceId(nonsense);
        for (const value of [id?.manufacturer, id?.model, id?.serial]) {
          expect((value ?? "").length).toBeLessThanOrEqual(1_023);
        }
      }),
    );
  });

  it("gives back what was written, in any order and with any length", () => {
    const value = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 :./-]{0,20}[A-Za-z0-9]$/);
    fc.assert(
      fc.property(value, value, value, fc.boolean(), (mfg, mdl, sn, withLength) => {
        const said = `MDL:${mdl};SN:${sn};MFG:${mfg};`;
        expect(readDeviceId(withLength ? raw(said) : said)).toMatchObject({
          manufacturer: mfg.replaceAll(/ +/g, " "),
          model: mdl.replaceAll(/ +/g, " "),
          serial: sn.replaceAll(/ +/g, " "),
        });
      }),
    );
  });
});
