/**
 * SMA, the standard of the Scale Manufacturers Association (SCP-0499), of Avery Weigh-Tronix indicators (ZM400 service
 * manual, pages 80 and 81), Fairbanks, Cardinal, B-Tek and others. One answer of a fixed length:
 *
 *   LF s r n m f wwwwwwwwww uuu CR       unknown command: LF ? CR       damaged command: LF ! CR
 *
 *   s  Z at zero, O over capacity, U under capacity, E zero error, I initial zero error, T tare error, space: none
 *   r  range        n  G gross, N net, T tare (small letters: high resolution)        m  M moving, space: at rest
 *
 * E, I and T stand in the place of Z, O and U, which are then not known. About itself a scale gives one line for `A` and
 * the next one for each `B`: SMA, MFG, MOD, REV, SN.
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
  "zero_required",
  "zero_drift_kilograms",
] as const;

/** The questions about itself, in their order. */
export const ABOUT = ["about", "aboutMaker", "aboutModel", "aboutRevision"] as const;

const WEIGHT = /\n([ZOUEIT ])([1-9])([GNTgnt])([M ])[\x20-\x7e]([\x20-\x7e]{10})([A-Za-z ]{3})\r/g;
const ABOUT_LINE = /\n([A-Z]{2,3}):([\x20-\x7e]{0,64})\r/g;
const REFUSED = /\n[?!]\r/g;
const PARTS: Readonly<Record<string, keyof Asset>> = { MFG: "vendor", MOD: "model", REV: "firmware", SN: "serial" };

const isRefused = (said: string): boolean => newestMatch(said, REFUSED) !== null;
export const isWholeWeight = (said: string): boolean => newestMatch(said, WEIGHT) !== null || isRefused(said);
export const isWholeAbout = (said: string): boolean => newestMatch(said, ABOUT_LINE) !== null || isRefused(said);

export function parse(reply: DialectReply, options: ScaleOptions): Result<Parsed, ParseError> {
  const said = reply["weight"] ?? "";
  const answer = newestMatch(said, WEIGHT);
  if (answer === null) return err({ detail: isRefused(said) ? "W refused" : `no weight in ${said.length} bytes` });
  const asset = assetOf(reply);
  return ok({
    samples: [{ component: null, metrics: scaleMetrics(stateOf(answer), options) }],
    ...(asset !== null && { asset }),
  });
}

function stateOf([, status = "", , mode = "", motion, shown = "", unit = ""]: RegExpMatchArray): ScaleState {
  const stable = motion !== "M";
  const zeroRequired = status === "E" || status === "I";
  if (zeroRequired || status === "T") return { stable, zeroRequired };
  return {
    stable,
    zeroRequired,
    atZero: status === "Z",
    overCapacity: status === "O",
    underZero: status === "U",
    grossKilograms: mode.toUpperCase() === "G" ? kilogramsOf(shown, unit) : null,
  };
}

/** The lines say themselves what they tell, so that one out of turn does no harm. */
function assetOf(reply: DialectReply): Asset | null {
  const known = ABOUT.flatMap((question): [string, string][] => {
    const [, tag = "", text = ""] = newestMatch(reply[question] ?? "", ABOUT_LINE) ?? [];
    const part = PARTS[tag];
    return part === undefined || text.trim() === "" ? [] : [[part, text.trim()]];
  });
  return known.length === 0 ? null : Object.fromEntries(known);
}
