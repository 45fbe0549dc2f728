/**
 * Toledo 8217 and 8213, the dialect of most checkout scales (Mettler Toledo DIVA service manual, pages 39 and 45; Rice
 * Lake BenchPro manual, page 26; Brecknell 67xxU service manual, page 71). `W` is answered by one of two:
 *
 *   STX 00.000 CR         a valid weight: at rest, not under zero, not over capacity; N behind it: net
 *   STX ? S CR            no weight: S says why
 *
 *   S  bit 0 in motion, 1 over capacity, 2 under zero, 3 outside the range in which zero is taken, 4 centre of zero,
 *      5 net, 6 always 1, 7 parity
 *
 * Bit 3 is set under any load as well, and with the pan taken off: it means a missing zero only at rest and within the
 * range, when a scale that had found its zero would have given a weight. A weight without a decimal point is in grams (several clones).
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
  "zero_required",
  "zero_drift_kilograms",
] as const;

export type Options = ScaleOptions & {
  /** The unit that the scale is set to: the dialect does not say it. */
  readonly unit: "kg" | "lb";
};

/** A weight, net or not, with a unit or without; or the status byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: STX begins every answer.
const ANSWER = /\u0002(?: {0,4}([+-]?(?:\d{1,5}\.\d{1,4}|\d{4,7}))(N?)(kg|lb|oz|g)? {0,2}|\?([@-\x7f]))\r/gi;

export const isWhole = (said: string): boolean => newestMatch(said, ANSWER) !== null;

export function parse(reply: DialectReply, options: Options): Result<Parsed, ParseError> {
  const said = reply["weight"] ?? "";
  const answer = newestMatch(said, ANSWER);
  if (answer === null) return err({ detail: `neither weight nor status in ${said.length} bytes` });
  const [, weight = "", net, unit, status] = answer;
  // Without a point it is grams, whatever the scale is set to.
  const inUnit = unit ?? (weight.includes(".") ? options.unit : "g");
  const state = status === undefined ? weighed(weight, net !== "", inUnit) : notWeighed(status.charCodeAt(0));
  return ok({ samples: [{ component: null, metrics: scaleMetrics(state, options) }] });
}

function weighed(shown: string, net: boolean, unit: string): ScaleState {
  return {
    stable: true,
    atZero: Number(shown) === 0 && !net,
    underZero: false,
    overCapacity: false,
    zeroRequired: false,
    grossKilograms: net ? null : kilogramsOf(shown, unit),
  };
}

function notWeighed(status: number): ScaleState {
  const isSet = (bit: number): boolean => ((status >> bit) & 1) === 1;
  const [moving, over, under] = [isSet(0), isSet(1), isSet(2)];
  return {
    stable: !moving,
    atZero: isSet(4),
    underZero: under,
    overCapacity: over,
    ...(!moving && !over && !(under && isSet(3)) && { zeroRequired: isSet(3) }),
  };
}
