/**
 * A table as CSV (RFC 4180: CRLF, quotes doubled), as spreadsheets open it. A cell that one would take for a formula, by
 * how it begins (OWASP, CSV Injection), gets an apostrophe in front: vendors and models are what devices say of themselves.
 */
export type CsvCell = string | number | null;

/** Null is an empty cell. */
export const csvText = (rows: readonly (readonly CsvCell[])[]): string =>
  rows.map((row) => `${row.map(cellText).join(",")}\r\n`).join("");

/** Also the wide forms, which some spreadsheets take for the others. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;
const QUOTED = /[",;\r\n\t]|^\s|\s$/;

function cellText(cell: CsvCell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
