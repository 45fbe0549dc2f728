/** Results of tests for a terminal. */
import type { TrialResult } from "./trial.ts";

export type TrialTextOptions = { readonly color?: boolean };

const STYLES = { good: "32", bad: "31", place: "1", dim: "2" } as const;
type Paint = (style: keyof typeof STYLES, text: string) => string;
const plain: Paint = (_, text) => text;
const painted: Paint = (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`;

/** Moments of one test that are told; of a fault that flaps all night the first say enough. */
const MOMENTS_SHOWN = 24;

/**
 * Of each test that failed what was expected beside what was, in order of time, and what happened meanwhile; then how
 * many there were.
 */
export function formatTrialResults(results: readonly TrialResult[], options: TrialTextOptions = {}): string {
  const paint = options.color ? painted : plain;
  const failed = results.filter(({ ok }) => !ok);
  const passed = results.length - failed.length;
  const counts = [`${passed} passed`, `${failed.length} failed`].map((text, i) =>
    paint(i === 0 ? (failed.length === 0 ? "good" : "dim") : failed.length === 0 ? "dim" : "bad", text),
  );
  return [...failed.flatMap((result) => formatFailed(result, paint)), counts.join(", ")].join("\n");
}

function formatFailed({ rule, name, file, line, differences, checks, happened }: TrialResult, paint: Paint): string[] {
  const head = `${paint("place", `${file}:${line}`)}  ${rule}: ${name}`;
  if (checks.length === 0) return [head, ...differences.map((text) => `    ${text}`)];
  const isOfMany = checks.some(({ of }) => of !== "");
  const rows = [
    ["", "at", ...(isOfMany ? ["whose"] : []), "expected", "was"],
    ...checks.map(({ ok, at, of, expected, got }) => [
      ok ? " " : "✗",
      at,
      ...(isOfMany ? [of === "" ? rule : of] : []),
      expected,
      got,
    ]),
  ];
  const table = columns(rows).map((row, i) => {
    const isBad = i > 0 && checks[i - 1]?.ok === false;
    return `  ${i === 0 ? paint("dim", row) : isBad ? paint("bad", row) : row}`;
  });
  const moments = happened.slice(0, MOMENTS_SHOWN).map(({ at, text }) => ["", at, text]);
  const more = happened.length - moments.length;
  const rest = more > 0 ? [`    and ${more} more`] : [];
  const told = happened.length === 0 ? ["nothing happened"] : ["what happened:"];
  return [head, ...table, `  ${paint("dim", `  ${told[0]}`)}`, ...columns(moments).map((row) => `  ${row}`), ...rest];
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
