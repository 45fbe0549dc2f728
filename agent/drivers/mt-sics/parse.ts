/**
 * MT-SICS level 0, of Mettler Toledo balances and of bench scales of others (Reference Manual MT-SICS, sections 2 and 3;
 * AT and NewClassic operating instructions, page 87). Lines end in CR LF. `SI` asks for what is shown now:
 *
 *   S S     100.00 g      at rest             S +   over the range (overload)
 *   S D     100.00 g      moving              S -   under the range (underload)
 *   S I                   busy: nothing known S S Error 10b   the balance reports an error by number
 *
 * Of the errors by number, 15 asks for an adjustment and the others are defects (boot, brand, checksum, option, EEPROM,
 * mismatch, cell not connected). The weight is net when a tare was taken, which the dialect does not tell: a weight near
 * zero is the zero of whatever stood on the pan then. A negative weight is no fault, for a removed container is negative.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { kilogramsOf, newestMatch, type ScaleOptions, type ScaleState, scaleMetrics } from "../scale.ts";

export const METRICS = [
  "weight_stable",
  "weight_at_zero",
  "under_zero",
  "over_capacity",
  "calibration_required",
  "hardware_fault",
  "zero_drift_kilograms",
] as const;

const WEIGHT =
  /(?:^|[\r\n])S (?:([SD]) {1,12}([+-]? {0,9}\d{1,9}(?:\.\d{0,9})?) {1,4}([A-Za-z%]{1,5})|([I+-])|S Error (\d{1,3})[bt]) *(?=[\r\n])/g;
/** The command was not understood, came damaged or can't be obeyed. */
const REFUSED = /(?:^|[\r\n])E[STL] *(?=[\r\n])/g;
const ADJUSTMENT_NEEDED = 15;
const IDENTITIES = { I2: "model", I3: "firmware", I4: "serial" } as const;
export type Identity = keyof typeof IDENTITIES;

export const isWholeWeight = (said: string): boolean =>
  newestMatch(said, WEIGHT) !== null || newestMatch(said, REFUSED) !== null;

/** An answer, or a line that says that there is none: `I4 I`, `ES`. */
export const isWholeIdentity =
  (identity: Identity) =>
  (said: string): boolean =>
    textOf(said, identity) !== null ||
    newestMatch(said, new RegExp(`(?:^|[\\r\\n])${identity} [IL] *(?=[\\r\\n])`, "g")) !== null ||
    newestMatch(said, REFUSED) !== null;

export function parse(reply: DialectReply, options: ScaleOptions): Result<Parsed, ParseError> {
  const said = reply["weight"] ?? "";
  const answer = newestMatch(said, WEIGHT);
  if (answer === null) {
    const refused = newestMatch(said, REFUSED);
    return err({ detail: refused === null ? `no weight in ${said.length} bytes` : `SI refused: ${refused[0].trim()}` });
  }
  const asset = assetOf(reply);
  return ok({
    samples: [{ component: null, metrics: scaleMetrics(stateOf(answer), options) }],
    ...(asset !== null && { asset }),
  });
}

function stateOf([, rest, shown = "", unit = "", sign, error]: RegExpMatchArray): ScaleState {
  if (error !== undefined) {
    const adjust = Number(error) === ADJUSTMENT_NEEDED;
    return { calibrationRequired: adjust, hardwareFault: !adjust };
  }
  const sound = { calibrationRequired: false, hardwareFault: false };
  if (sign === "I") return {};
  if (sign !== undefined) return { ...sound, overCapacity: sign === "+", underZero: sign === "-" };
  return {
    ...sound,
    stable: rest === "S",
    atZero: Number(shown.replaceAll(" ", "")) === 0,
    underZero: false,
    overCapacity: false,
    grossKilograms: kilogramsOf(shown, unit),
  };
}

function assetOf(reply: DialectReply): Asset | null {
  const known = Object.entries(IDENTITIES).flatMap(([identity, part]): [string, string][] => {
    const text = textOf(reply[identity] ?? "", identity);
    return text === null ? [] : [[part, text]];
  });
  return known.length === 0 ? null : Object.fromEntries(known);
}

/** `I4 A "B021002593"`; a quote inside is doubled and rare enough to end the text here. */
function textOf(said: string, identity: string): string | null {
  const match = newestMatch(said, new RegExp(`(?:^|[\\r\\n])${identity} A "([^"\\r\\n]{1,128})"`, "g"));
  return match?.[1]?.trim() || null;
}
