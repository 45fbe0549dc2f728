/**
 * Scales that send their display as lines of text by themselves, a few times a second: KERN, G&G and many others. Nobody
 * asks them anything:
 *
 *   +0026.90 G S CR LF     KERN: sign, weight, unit, S at rest, U moving, E error
 *   -  450.38 GN CR LF     G&G and others: no flag
 *
 * The sign may stand apart from the digits, and the unit may follow them without a space. A line without a flag does
 * not tell whether the scale is at rest: it is, when the newest two lines that came are the same.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { kilogramsOf, type ScaleOptions, type ScaleState, scaleMetrics, sevenBitReadings } from "../scale.ts";

export const METRICS = ["weight_stable", "weight_at_zero", "zero_drift_kilograms"] as const;

/**
 * Listening begins in the middle of a line as often as not: what stands first counts only when a sign or a space shows
 * that no digit was lost.
 */
const LINE =
  /(?:^(?=[ +-])|[\r\n])( {0,12}[+-]? {0,12}\d{1,8}\.?\d{0,6}) {0,3}([A-Za-z%]{1,3})(?: {1,4}([SUE]))? {0,4}(?=\r\n)/g;
/** The newest two. */
const LINES = 2;

type Shown = { readonly weight: string; readonly unit: string; readonly flag: string | undefined };

/** One line with a flag, or two without. */
export function isEnough(said: string): boolean {
  const lines = newestLines(said);
  return lines.length === LINES || lines[0]?.flag !== undefined;
}

export function parse(reply: DialectReply, options: ScaleOptions): Result<Parsed, ParseError> {
  const said = reply["lines"] ?? "";
  const [newest, before] = newestLines(said);
  if (newest === undefined) return err({ detail: `no line with a weight in ${said.length} bytes` });
  return ok({ samples: [{ component: null, metrics: scaleMetrics(stateOf(newest, before), options) }] });
}

/** Newest first. */
function newestLines(said: string): readonly Shown[] {
  for (const reading of sevenBitReadings(said)) {
    const lines = [...reading.matchAll(LINE)].slice(-LINES).reverse();
    if (lines.length > 0) return lines.map(([, weight = "", unit = "", flag]) => ({ weight, unit, flag }));
  }
  return [];
}

function stateOf(newest: Shown, before: Shown | undefined): ScaleState {
  if (newest.flag === "E") return {};
  const kilograms = kilogramsOf(newest.weight, newest.unit);
  const stable = newest.flag === undefined ? isSame(newest, before) : newest.flag === "S";
  return {
    ...(stable !== undefined && { stable }),
    ...(kilograms !== null && { atZero: kilograms === 0 }),
    grossKilograms: kilograms,
  };
}

const isSame = (one: Shown, other: Shown | undefined): boolean | undefined =>
  other === undefined ? undefined : one.weight === other.weight && one.unit === other.unit;
