import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvText } from "./csv.ts";

/** As RFC 4180 has it. */
function parsed(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'));
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

describe("CSV", () => {
  it.each([
    { cell: "ZD421", text: "ZD421" },
    { cell: 'a "b", c', text: '"a ""b"", c"' },
    { cell: "two\nlines", text: '"two\nlines"' },
    { cell: 4.5, text: "4.5" },
    { cell: -3, text: "-3" },
    { cell: null, text: "" },
    { cell: Number.NaN, text: "" },
    { cell: "=1+1", text: "'=1+1" },
    { cell: "+49", text: "'+49" },
    { cell: "-2+3", text: "'-2+3" },
    { cell: "@SUM(A1)", text: "'@SUM(A1)" },
    { cell: "\t=1", text: '"\'\t=1"' },
    { cell: " =1", text: "' =1" },
    { cell: "＝1", text: "'＝1" },
    { cell: '=HYPERLINK("http://x","y")', text: '"\'=HYPERLINK(""http://x"",""y"")"' },
  ])("has $cell as $text", ({ cell, text }) => expect(csvText([[cell]])).toBe(`${text}\r\n`));

  it("is read as it was written, and no cell begins a formula", () => {
    const cell = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n\", ;'a") }));
    const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(rows, (given) => {
        const read = parsed(csvText(given));
        expect(read.map((row) => row.length)).toEqual(given.map((row) => row.length));
        for (const [at, row] of read.entries()) {
          for (const [column, text] of row.entries()) {
            expect(text).not.toMatch(/^\s*[=+\-@]/);
            expect([text, text.replace(/^'/, "")]).toContain(given[at]?.[column]);
          }
        }
      }),
    );
  });
});
