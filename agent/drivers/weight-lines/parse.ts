/**
 * Scales that send their display as lines of text by themselves, a few times a second: KERN, G&G, A&D, CAS and many
 * others. Nobody asks them anything:
 *
 *   +0026.90 G S CR LF         KERN: sign, weight, unit, S at rest, U moving, E error
 *   ST,+00123.45  g CR LF      A&D: ST and QT at rest, US moving, OL over capacity (OL,+9999999E+19) or, with a minus,
 *                              under zero
 *   ST,GS,+  0.000kg CR LF     CAS and other indicators: GS gross, NT net, TR tare; UL under zero. CAS may put two bytes
 *                              (its number, its lamps) before the weight, others a comma behind it
 *   N     +  123.45 g CR LF    Sartorius, Rice Lake: N net, G gross
 *      0.00 g ? CR LF          Ohaus: a question mark while it moves
 *   -  450.38 GN CR LF         G&G and others: no flag
 *
 * The sign may stand apart from the digits, the unit may follow them without a space, the decimal sign may be a comma.
 * A line without a flag does not tell whether the scale is at rest: it is, when the newest two lines are the same.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { kilogramsOf, type ScaleOptions, type ScaleState, scaleMetrics, sevenBitReadings } from "../scale.ts";

export const METRICS = [
  "weight_stable",
  "weight_at_zero",
  "under_zero",
  "over_capacity",
  "zero_drift_kilograms",
] as const;

const PLAIN =
  /^(?:([GN])(?= ))?( {0,12}[+-]? {0,12}\d{1,8}(?:[.,]\d{0,6})?) {0,3}([A-Za-z%]{1,3})(?: {1,4}([SUE?]))? {0,8}$/;
const HEADED =
  /^(ST|QT|US),(?:(GS|NT|TR),)?(?:[^,]{2},)?( {0,8}[+-]? {0,12}\d{1,8}(?:[.,]\d{0,6})?) {0,3},?([A-Za-z%]{1,3}) {0,4}$/;
const BEYOND = /^(OL|UL),[^\r\n]{0,32}$/;
/** A line that shows by a sign, a space or its header that no digit before it was lost. */
const BEGINS = /^(?:[ +-]|[GN] |[A-Z]{2},)/;
/** The newest two. */
const LINES = 2;

type Shown = {
  readonly text: string;
  /** Does the line itself say how the scale is? */
  readonly flagged: boolean;
  readonly state: ScaleState;
};

/** One line with a flag, or two without. */
export function isEnough(said: string): boolean {
  const lines = newestLines(said);
  return lines.length === LINES || lines[0]?.flagged === true;
}

export function parse(reply: DialectReply, options: ScaleOptions): Result<Parsed, ParseError> {
  const said = reply["lines"] ?? "";
  const [newest, before] = newestLines(said);
  if (newest === undefined) return err({ detail: `no line with a weight in ${said.length} bytes` });
  const rest = newest.flagged || before === undefined ? {} : { stable: newest.text === before.text };
  const metrics = scaleMetrics({ ...newest.state, ...rest }, options);
  return ok({ samples: [{ component: null, metrics }] });
}

/** Newest first. */
function newestLines(said: string): readonly Shown[] {
  for (const reading of sevenBitReadings(said)) {
    const ended = reading.split(/[\r\n]+/).slice(0, -1);
    // Listening begins in the middle of a line as often as not.
    const whole = ended.filter((line, at) => at > 0 || BEGINS.test(line));
    const shown = whole.flatMap((line) => shownIn(line) ?? []).slice(-LINES);
    if (shown.length > 0) return shown.reverse();
  }
  return [];
}

function shownIn(text: string): Shown | null {
  const [, side = "G", weight, unit = "", flag] = PLAIN.exec(text) ?? [];
  if (weight !== undefined) {
    const known = flag === undefined ? {} : { stable: flag === "S" };
    const state = flag === "E" ? {} : { ...weighed(weight, { unit, isGross: side === "G" }), ...known };
    return { text, flagged: flag !== undefined, state };
  }
  const [, header, mode = "GS", headed, headedUnit = ""] = HEADED.exec(text) ?? [];
  if (headed !== undefined) {
    const found = weighed(headed, { unit: headedUnit, isGross: mode === "GS" });
    const within = { overCapacity: false, underZero: false };
    return { text, flagged: true, state: { ...found, ...within, stable: header !== "US" } };
  }
  const [, beyond] = BEYOND.exec(text) ?? [];
  if (beyond === undefined) return null;
  const underZero = beyond === "UL" || text.includes("-");
  return { text, flagged: true, state: { overCapacity: !underZero, underZero } };
}

function weighed(shown: string, { unit, isGross }: { unit: string; isGross: boolean }): ScaleState {
  const kilograms = kilogramsOf(shown.replace(",", "."), unit);
  return kilograms === null ? {} : { atZero: kilograms === 0, grossKilograms: isGross ? kilograms : null };
}
