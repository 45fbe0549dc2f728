import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redactAnswers } from "./redact-line.ts";

const NUL = "\u0000";

describe("redactAnswers", () => {
  it.each([
    {
      name: "the serial number that parse found, wherever it stands",
      driver: "mt_sics",
      serial: "B021004217",
      answers: { I4: 'I4 A "B021004217"\r\n', I3: 'I3 A "1.10 B021004217"\r\n' },
      want: { I4: 'I4 A "X000000001"\r\n', I3: 'I3 A "1.10 X000000001"\r\n' },
      replaced: { serial: 1 },
    },
    {
      name: "two serial numbers, which stay two",
      driver: "zpl",
      answers: { serialNumber: "\u0002\r\n  SERIAL NUMBER   \r\n   99J2    \r\n", uniqueId: '"99J3"' },
      want: { serialNumber: "\u0002\r\n  SERIAL NUMBER   \r\n   00X1    \r\n", uniqueId: '"00X2"' },
      replaced: { serial: 2 },
    },
    {
      name: "the password of a ZPL printer, and no status that has the same digits",
      driver: "zpl",
      answers: { hostStatus: "\u0002030,1,0,0812,000\u0003\r\n\u00020812,0\u0003\r\n" },
      want: { hostStatus: "\u0002030,1,0,0812,000\u0003\r\n\u00020001,0\u0003\r\n" },
      replaced: { password: 1 },
    },
    {
      name: "the name of a SATO printer's job, at its width",
      driver: "sbpl",
      answers: { status: "\u000201A000012Schulz_Rezept 04\u0003" },
      want: { status: "\u000201A000012Xxxxxx_Xxxxxx 01\u0003" },
      replaced: { document: 1 },
    },
    {
      name: "addresses and host names",
      driver: "tspl",
      answers: { about: "AC:3F:A4:01:02:03 10.1.2.37 till7.shop.local anna@shop.example" },
      want: { about: "00:00:00:00:00:01 00.0.0.01 xxxx1.xxxx.xxxxx xxxx@xxxx.xxxxxxx" },
      replaced: { mac: 1, ip: 1, name: 2 },
    },
    {
      name: "what looks like a version is kept",
      driver: "zpl",
      answers: { hostIdentification: "\u0002ZT411-300dpi,V92.21.39Z,12,16384KB\u0003\r\n" },
      want: { hostIdentification: "\u0002ZT411-300dpi,V92.21.39Z,12,16384KB\u0003\r\n" },
      replaced: {},
    },
    {
      name: "a card number that a scanner left on the line",
      driver: "zpl",
      answers: { hostStatus: "4111111111111111", errorStatus: null },
      want: { hostStatus: "[PAN:luhn:len16]", errorStatus: null },
      replaced: {},
    },
  ])("replaces $name", ({ driver, serial, answers, want, replaced }) => {
    const made = redactAnswers(answers, { driver, serial });
    expect(made.answers).toEqual(want);
    expect(made.replaced).toEqual(replaced);
  });

  it("leaves status bytes alone", () => {
    const answers = { printer: "\u0012", paper: "\u007e", status: `\u0023\u0006${NUL.repeat(7)}` };
    expect(redactAnswers(answers, { driver: "star" }).answers).toEqual(answers);
  });

  it("keeps the width of every answer, lets no serial number through, and changes nothing the second time", () => {
    const serial = fc.stringMatching(/^[A-WYZ][0-9]{6,12}$/);
    const piece = fc.oneof(
      fc.constant("S/N: "),
      fc.constantFrom("\u0002", "\u0003\r\n", " ", ",", "10.1.2.3", "AC:3F:A4:01:02:03", "V1.2"),
      fc.stringMatching(/^[ -~]{0,12}$/),
    );
    fc.assert(
      fc.property(serial, fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 4 }), (number, rows) => {
        const texts = rows.map((row, n) => [`q${n}`, `${row.join("")} ${number} `] as const);
        const once = redactAnswers(Object.fromEntries(texts), { driver: "zpl", serial: number });
        for (const [name, text] of texts) {
          expect(once.answers[name]).not.toContain(number);
          if (!/\[(?:PAN|track|EMV|digits)/.test(once.answers[name] ?? "")) {
            expect(once.answers[name]).toHaveLength(text.length);
          }
        }
      }),
    );
  });

  it("never throws and changes nothing the second time, whatever a line holds", () => {
    const bytes = fc.uint8Array({ maxLength: 120 }).map((some) => String.fromCharCode(...some));
    const drivers = fc.constantFrom("zpl", "sbpl", "mt_sics", "escpos");
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("hostStatus", "status", "I4", "x"), bytes),
        drivers,
        (answers, driver) => {
          const once = redactAnswers(answers, { driver });
          expect(redactAnswers(once.answers, { driver }).answers).toEqual(once.answers);
        },
      ),
    );
  });
});
