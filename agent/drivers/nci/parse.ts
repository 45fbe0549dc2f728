/**
 * NCI, the dialect of Weigh-Tronix, Avery Weigh-Tronix and Brecknell bench scales (NCI 6702 manual, page 14; Avery
 * Weigh-Tronix 7821 instructions, page 25; PSC Magellan 8500 service manual, pages 35 to 37). Every answer ends in a
 * status of two bytes or more:
 *
 *   W CR -> LF 12.345KG CR LF h h h CR ETX        S CR -> LF h h h CR ETX        unknown -> LF ? CR ETX
 *
 *   h 1  bit 0 in motion, 1 at zero, 2 RAM error, 3 EEPROM error
 *   h 2  bit 0 under capacity, 1 over capacity, 2 ROM error, 3 faulty calibration
 *   h 3  bits 0 and 1 range, 2 net, 3 initial zero error
 *
 * Bits 4 and 5 are always set, bit 6 says that another byte follows; some models put an S before them, and the ECR
 * variant gives no weight while there is none to give.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { kilogramsOf, newestMatch, type ScaleOptions, type ScaleState, scaleMetrics } from "../scale.ts";

export const METRICS = [
  "weight_stable",
  "weight_at_zero",
  "under_zero",
  "over_capacity",
  "calibration_required",
  "zero_required",
  "hardware_fault",
  "zero_drift_kilograms",
] as const;

/** A status, and the weight before it if there is one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: ETX ends every answer.
const STATUS = /(?:\n([^\r\n]{1,16})\r)?\nS?([0-?][0-?p-\x7f]{1,3})\r\n?\u0003/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ETX ends every answer.
const UNKNOWN = /\n\?\r\n?\u0003/g;
const WEIGHT = /^([ +-]*\d[\d. ]*)(kg|lb|oz|g) *$/i;

export const isWhole = (said: string): boolean =>
  newestMatch(said, STATUS) !== null || newestMatch(said, UNKNOWN) !== null;

export function parse(reply: DialectReply, options: ScaleOptions): Result<Parsed, ParseError> {
  const said = [reply["weight"], reply["status"]].map((text) => text ?? "");
  const answer = said.map((text) => newestMatch(text, STATUS)).find((match) => match !== null);
  if (answer === undefined || answer === null) {
    return err({ detail: `no status in ${said.reduce((sum, { length }) => sum + length, 0)} bytes` });
  }
  const [, shown = "", status = ""] = answer;
  return ok({ samples: [{ component: null, metrics: scaleMetrics(stateOf(status, shown), options) }] });
}

function stateOf(status: string, shown: string): ScaleState {
  const isSet = (byte: number, bit: number): boolean => ((status.charCodeAt(byte) >> bit) & 1) === 1;
  const hasThird = status.length > 2;
  const [, digits = "", unit = ""] = WEIGHT.exec(shown) ?? [];
  return {
    stable: !isSet(0, 0),
    atZero: isSet(0, 1),
    hardwareFault: isSet(0, 2) || isSet(0, 3) || isSet(1, 2),
    underZero: isSet(1, 0),
    overCapacity: isSet(1, 1),
    calibrationRequired: isSet(1, 3),
    ...(hasThird && { zeroRequired: isSet(2, 3) }),
    // Without the third byte nobody says whether a tare was taken.
    grossKilograms: hasThird && !isSet(2, 2) ? kilogramsOf(digits, unit) : null,
  };
}
