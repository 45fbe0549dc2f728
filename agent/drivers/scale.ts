/**
 * What the dialects of scales have in common. What is weighed is nobody's business but the shop's: a weight is read
 * only to see whether the empty pan stands at zero, and never leaves this file otherwise.
 */
import type { Value } from "@aislewatch/contract";
import { z } from "zod";
import type { ByteText } from "./request.ts";

/** What a scale told of itself; absent is what its dialect does not tell. */
export type ScaleState = {
  readonly stable?: boolean;
  readonly atZero?: boolean;
  readonly underZero?: boolean;
  readonly overCapacity?: boolean;
  readonly calibrationRequired?: boolean;
  readonly zeroRequired?: boolean;
  readonly hardwareFault?: boolean;
  /** As shown, without a tare; null when it is net or in a unit that is no weight. */
  readonly grossKilograms?: number | null;
};

export const scaleOptions = {
  /**
   * A gross weight of at most this, at rest, is taken for an empty pan, and becomes `zero_drift_kilograms`. Four steps
   * of a counter scale of 15 kg; what is lighter than this and sold must not lie on the scale for minutes.
   */
  zero_window_kilograms: z.number().min(0).max(1).default(0.02),
};
export type ScaleOptions = { readonly zero_window_kilograms: number };

export function scaleMetrics(
  state: ScaleState,
  { zero_window_kilograms: window }: ScaleOptions,
): Record<string, Value> {
  const { stable, grossKilograms: kilograms = null } = state;
  const said: Record<string, boolean | undefined> = {
    weight_stable: stable,
    weight_at_zero: state.atZero,
    under_zero: state.underZero,
    over_capacity: state.overCapacity,
    calibration_required: state.calibrationRequired,
    zero_required: state.zeroRequired,
    hardware_fault: state.hardwareFault,
  };
  const empty = stable === true && kilograms !== null && Math.abs(kilograms) <= window;
  return {
    ...Object.fromEntries(
      Object.entries(said).flatMap(([metric, value]): [string, boolean][] =>
        value === undefined ? [] : [[metric, value]],
      ),
    ),
    ...(empty && { zero_drift_kilograms: roundedToMilligrams(kilograms) }),
  };
}

/** Adding 0 makes the -0 that some scales show a plain zero. */
const roundedToMilligrams = (kilograms: number): number => Math.round(kilograms * 1e6) / 1e6 + 0;

const KILOGRAMS: Readonly<Record<string, number>> = {
  kg: 1,
  g: 0.001,
  mg: 0.000_001,
  t: 1_000,
  lb: 0.453_592_37,
  oz: 0.028_349_523_125,
  gn: 0.000_064_798_91,
  ct: 0.000_2,
};

/** A shown weight, such as "-  450.38" and "GN"; null when it is no number or its unit no weight (pieces, percent). */
export function kilogramsOf(shown: string, unit: string): number | null {
  const digits = shown.replaceAll(" ", "");
  const factor = KILOGRAMS[unit.trim().toLowerCase()];
  return factor === undefined || !/^[+-]?\d{1,9}(?:\.\d{0,9})?$/.test(digits) ? null : Number(digits) * factor;
}

/** Stands for a character with a wrong parity bit; no dialect of scales has it. */
const DAMAGED = "\u00ff";

/**
 * Scales talk seven bits and parity. A terminal server or a port that is set to eight bits hands the parity bit on as
 * bit 7: the bytes as they came, and as they read with even and with odd parity, for a frame to be looked for in each.
 */
export function sevenBitReadings(said: ByteText): readonly string[] {
  const bytes = [...said].map((character) => character.charCodeAt(0));
  if (!bytes.some((byte) => byte > 0x7f)) return [said];
  const withParity = (parity: number): string =>
    bytes.map((byte) => (ones(byte) % 2 === parity ? String.fromCharCode(byte & 0x7f) : DAMAGED)).join("");
  return [said, withParity(0), withParity(1)];
}

function ones(byte: number): number {
  let count = 0;
  for (let left = byte; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** The newest match of a pattern with the flag g, in the first reading that has one. */
export function newestMatch(said: ByteText, pattern: RegExp): RegExpMatchArray | null {
  for (const reading of sevenBitReadings(said)) {
    const match = [...reading.matchAll(pattern)].at(-1);
    if (match !== undefined) return match;
  }
  return null;
}
