/**
 * assets.csv: what a system for assets exports (RFC 4180; comma, semicolon or tab, as the header has it). The header names
 * the columns, in any order: `serial` and what else of COLUMNS there is. Columns of other names are passed over, unless one
 * looks like a slip of a known one.
 */
import { type Diagnostic, readConfigText, suggest, wholeFile } from "@aislewatch/config";
import { CsvError, parse } from "csv-parse/sync";
import type { AssetRecord } from "./incidents/asset-book.ts";
import { isDay, type Loaded } from "./sites.ts";

const COLUMNS = ["serial", "maker", "tag", "purchased", "warranty_until", "vendor"] as const;
type Column = (typeof COLUMNS)[number];

const LIMITS = {
  /** A fleet of ten thousand takes one megabyte. */
  bytesMax: 16 * 1024 * 1024,
  rowsMax: 200_000,
  cellCharsMax: 128,
  diagnosticsMax: 100,
} as const;

/** An asset with the line that it stands on. */
export type PlacedAsset = AssetRecord & { readonly line: number };
/** A file that the collector keeps with its set may be this large. */
export const ASSET_TABLE_BYTES_MAX = LIMITS.bytesMax;

type Row = { readonly record: string[]; readonly info: { readonly lines: number } };

export type AssetTable = { readonly assets: readonly PlacedAsset[]; readonly text: string };

/** All assets of the table, or all its mistakes. `vendors` null: their names are not checked. Never throws. */
export function loadAssetTable(file: string, vendors: readonly string[] | null): Loaded<AssetTable> {
  const read = readConfigText(file, LIMITS.bytesMax);
  if (!read.ok) return { ok: false, diagnostics: [read.error], texts: new Map() };
  const text = read.value.replace(/^\uFEFF/, "");
  const refused = (diagnostics: Diagnostic[]): Loaded<never> => ({
    ok: false,
    diagnostics: diagnostics.slice(0, LIMITS.diagnosticsMax),
    texts: new Map([[file, text]]),
  });
  const delimiter = delimiterOf(text);
  const rows = rowsOf(file, text, delimiter);
  if (!rows.ok) return refused([rows.error]);
  const source = tableSource(file, text, delimiter);
  const [header, ...body] = rows.value;
  if (header === undefined)
    return refused([wholeFile(file, "CFG_MISSING_KEY", "expected a header with a column serial; received nothing")]);
  const columns = header.record.map((name) => name.trim().toLowerCase());
  const faults = headerFaults(columns, source);
  if (faults.length > 0) return refused(faults);
  if (body.length > LIMITS.rowsMax) {
    return refused([
      wholeFile(file, "CFG_TOO_LARGE", `expected at most ${LIMITS.rowsMax} assets; received ${body.length}`),
    ]);
  }
  const assets: PlacedAsset[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const row of body) {
    const line = row.info.lines - newlinesIn(row.record);
    const taken = takeRow(row.record, columns, { line, source, vendors });
    if (taken.ok) assets.push({ ...taken.asset, line });
    else diagnostics.push(...taken.diagnostics);
    if (diagnostics.length >= LIMITS.diagnosticsMax) break;
  }
  return diagnostics.length > 0 ? refused(diagnostics) : { ok: true, value: { assets, text } };
}

/** The one that splits the header into most columns. */
function delimiterOf(text: string): string {
  const [header = ""] = text.split(/\r?\n/, 1);
  const count = (one: string): number => header.split(one).length;
  return [",", ";", "\t"].reduce((best, one) => (count(one) > count(best) ? one : best));
}

type RowsResult = { readonly ok: true; readonly value: Row[] } | { readonly ok: false; readonly error: Diagnostic };

function rowsOf(file: string, text: string, delimiter: string): RowsResult {
  try {
    const options = { delimiter, info: true, skip_empty_lines: true, relax_column_count: true } as const;
    // The edge: with `info` each row is one of these.
    return { ok: true, value: parse(text, { ...options, skip_records_with_empty_values: true }) as unknown as Row[] };
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    const line = typeof thrown["lines"] === "number" ? thrown["lines"] : 0;
    const place = { line, column: line === 0 ? 0 : 1, length: 1 };
    const error: Diagnostic = {
      ...{ file, ...place, severity: "error", code: "CFG_SYNTAX", path: "" },
      message: `expected CSV: ${thrown.message.replace(/ instead of delimiter.*$/, "")}`,
      hint: 'a cell with quotes is written in quotes, and its own are doubled: "19"" rack"',
    };
    return { ok: false, error };
  }
}

const newlinesIn = (record: readonly string[]): number =>
  record.reduce((sum, cell) => sum + cell.split("\n").length - 1, 0);

type TableSource = (
  at: { readonly line: number; readonly index: number; readonly column: string },
  what: { readonly code: string; readonly message: string; readonly hint?: string },
) => Diagnostic;

/** Where the cells of a line begin, quotes and all. */
function tableSource(file: string, text: string, delimiter: string): TableSource {
  const lines = text.split(/\r?\n/);
  return ({ line, index, column: path }, what) => {
    const { start, length } = cellAt(lines[line - 1] ?? "", index, delimiter);
    return { file, line, column: start + 1, length: Math.max(1, length), severity: "error", path, ...what };
  };
}

function cellAt(line: string, index: number, delimiter: string): { start: number; length: number } {
  let [cell, start, isQuoted] = [0, 0, false];
  for (let at = 0; at <= line.length; at++) {
    const char = line[at];
    if (char === '"') isQuoted = !isQuoted;
    if (char !== undefined && (char !== delimiter || isQuoted)) continue;
    if (cell === index) return { start, length: at - start };
    if (char === undefined) break;
    cell += 1;
    start = at + 1;
  }
  return { start: 0, length: 1 };
}

function headerFaults(columns: readonly string[], source: TableSource): Diagnostic[] {
  const known: readonly string[] = COLUMNS;
  const faults = columns.flatMap((column, index) => {
    const at = { line: 1, index, column };
    if (known.includes(column)) {
      if (columns.indexOf(column) === index) return [];
      return [
        source(at, { code: "CFG_DUPLICATE_KEY", message: `expected each column once; received "${column}" again` }),
      ];
    }
    const near = column === "" ? null : suggest(column, known);
    if (near === null || columns.includes(near)) return [];
    const message = `expected a column of ${known.join(", ")}, or one of another name; received "${column}"`;
    return [source(at, { code: "CFG_UNKNOWN_KEY", message, hint: `did you mean "${near}"?` })];
  });
  if (columns.includes("serial") || faults.some(({ hint }) => hint?.includes('"serial"'))) return faults;
  const message = `expected a column serial; received ${columns.slice(0, 12).join(", ")}`;
  return [...faults, source({ line: 1, index: 0, column: "serial" }, { code: "CFG_MISSING_KEY", message })];
}

type RowContext = {
  readonly line: number;
  readonly source: TableSource;
  readonly vendors: readonly string[] | null;
};
type Taken =
  | { readonly ok: true; readonly asset: AssetRecord }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

function takeRow(record: readonly string[], columns: readonly string[], { line, source, vendors }: RowContext): Taken {
  const diagnostics: Diagnostic[] = [];
  const cell = (column: Column): string | null => {
    const text = record[columns.indexOf(column)]?.trim() ?? "";
    if (text.length > LIMITS.cellCharsMax) {
      complain(column, {
        code: "CFG_RANGE",
        message: `expected at most ${LIMITS.cellCharsMax} characters; received ${text.length}`,
      });
    }
    return text === "" ? null : text;
  };
  const complain = (column: Column, what: { code: string; message: string; hint?: string }): void =>
    void diagnostics.push(source({ line, index: Math.max(0, columns.indexOf(column)), column }, what));
  const day = (column: "purchased" | "warranty_until"): string | null => {
    const text = cell(column);
    if (text === null || isDay(text)) return text;
    const hint = /^\d{1,2}[./]\d{1,2}[./]\d{2,4}$/.test(text) ? { hint: "year, month, day: 2026-12-25" } : {};
    complain(column, {
      code: "CFG_FORMAT",
      message: `expected a date such as 2026-12-25; received "${text}"`,
      ...hint,
    });
    return null;
  };
  const serial = cell("serial");
  if (serial === null)
    complain("serial", { code: "CFG_MISSING_KEY", message: "expected a serial number; received nothing" });
  const vendor = cell("vendor");
  if (vendor !== null && vendors !== null && !vendors.includes(vendor))
    complain("vendor", unknownVendor(vendor, vendors));
  const asset = {
    ...{ serial: serial ?? "", maker: cell("maker"), tag: cell("tag"), vendor },
    ...{ purchased: day("purchased"), warrantyUntil: day("warranty_until") },
  };
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, asset };
}

export function unknownVendor(
  vendor: string,
  vendors: readonly string[],
): { code: string; message: string; hint?: string } {
  const near = suggest(vendor, vendors);
  const message = `expected a vendor of vendors.yaml; received "${vendor}"`;
  return { code: "CFG_UNKNOWN_VENDOR", message, ...(near !== null && { hint: `did you mean "${near}"?` }) };
}
