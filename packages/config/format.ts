/** Diagnostics as text for a terminal, in the shape that compilers made familiar. Secrets on the quoted line are dots. */
import type { Diagnostic } from "./diagnostic.ts";
import { maskSecrets, SECRET_CODE } from "./secret.ts";

/** Quoted source is cut to this many columns around the mistake. */
const SOURCE_COLUMNS_MAX = 120;

/** `texts` are the files by name, to quote the line; without a text only the place is named. Ends without a newline. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  texts?: ReadonlyMap<string, string>,
  options: { color?: boolean } = {},
): string {
  const paint = options.color ? painted : plain;
  return diagnostics.map((diagnostic) => formatOne(diagnostic, texts?.get(diagnostic.file), paint)).join("\n");
}

type Paint = (style: "place" | "error" | "warning" | "info" | "dim", text: string) => string;

const plain: Paint = (_, text) => text;
const STYLES = { place: "1", error: "31", warning: "33", info: "36", dim: "2" } as const;
const painted: Paint = (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`;

function formatOne(diagnostic: Diagnostic, text: string | undefined, paint: Paint): string {
  const { file, line, column, code, path, message, hint, severity } = diagnostic;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const head = [paint("place", place), paint(severity, code), path].filter((part) => part !== "").join("  ");
  const source = line === 0 ? undefined : text?.replace(/^\uFEFF/, "").split(/\r?\n/)[line - 1];
  if (source === undefined) {
    return [head, `    ${message}`, ...(hint === undefined ? [] : [`    ${hint}`])].join("\n");
  }
  const number = String(line).padStart(3);
  const margin = `${" ".repeat(number.length)} ${paint("dim", "|")} `;
  const quote = excerpt(maskSecrets(hideIfSecret(source, diagnostic)), column, diagnostic.length);
  const indent = " ".repeat(quote.column - 1);
  return [
    head,
    `${number} ${paint("dim", "|")} ${quote.line}`,
    `${margin}${indent}${paint(severity, "^".repeat(quote.length))}  ${message}`,
    ...(hint === undefined ? [] : [`${margin}${indent}${hint}`]),
  ].join("\n");
}

function hideIfSecret(line: string, { code, column, length }: Diagnostic): string {
  if (code !== SECRET_CODE) return line;
  return line.slice(0, column - 1) + "•".repeat(Math.min(length, line.length)) + line.slice(column - 1 + length);
}

/** A tab takes one column, so that the underline fits; control characters would reach the reader's terminal. */
function excerpt(source: string, column: number, length: number): { line: string; column: number; length: number } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not pass.
  const safe = source.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
  const from = column + length <= SOURCE_COLUMNS_MAX ? 0 : Math.max(0, column - 1 - SOURCE_COLUMNS_MAX / 4);
  const lead = from > 0 ? "…" : "";
  const tail = safe.length > from + SOURCE_COLUMNS_MAX ? "…" : "";
  const line = lead + safe.slice(from, from + SOURCE_COLUMNS_MAX) + tail;
  const shown = column - from + lead.length;
  return { line, column: shown, length: Math.max(1, Math.min(length, line.length - shown + 1)) };
}
