/**
 * A counter or checkout scale of 15 kg in steps of 5 g: goods come and go, and the display needs a moment to come to
 * rest. The same state is served in the dialects of scale-device.ts.
 */
import type { Random } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";

export type ScaleFault =
  | "motion"
  | "under-zero"
  | "over-capacity"
  | "zero-drift"
  | "calibration-lost"
  | "zero-failed"
  | "memory-error"
  | "dead";

export type ScaleState = BaseState<ScaleFault> & {
  /** What lies on the pan. */
  readonly loadKilograms: number;
  /** Until the display is at rest. */
  readonly settlingMs: number;
  /** Until the goods are taken away. */
  readonly loadedMs: number;
};

const CAPACITY_KILOGRAMS = 15;
const STEP_KILOGRAMS = 0.005;
const SETTLING_MS = 900;
/** A customer every 30 s, whose goods lie there for some seconds. */
const GOODS_EVERY_MS = 30_000;
const GOODS_MS = 6_000;
/** Crumbs under the pan. */
const DRIFT_KILOGRAMS = 0.015;
const UNDER_ZERO_KILOGRAMS = -0.14;

const has = (state: ScaleState, fault: ScaleFault): boolean => state.faults.includes(fault);

export const isMoving = (state: ScaleState): boolean => has(state, "motion") || state.settlingMs > 0;
export const isUnderZero = (state: ScaleState): boolean => has(state, "under-zero");
export const isOverCapacity = (state: ScaleState): boolean => has(state, "over-capacity");
export const isUncalibrated = (state: ScaleState): boolean => has(state, "calibration-lost");
export const isWithoutZero = (state: ScaleState): boolean => has(state, "zero-failed");
export const isMemoryBad = (state: ScaleState): boolean => has(state, "memory-error");

/** What the display shows, in whole steps. */
export function shownKilograms(state: ScaleState): number {
  const drift = has(state, "zero-drift") ? DRIFT_KILOGRAMS : 0;
  const weight = isUnderZero(state) ? UNDER_ZERO_KILOGRAMS : state.loadKilograms + drift;
  return Math.round(weight / STEP_KILOGRAMS) * STEP_KILOGRAMS;
}
export const isAtZero = (state: ScaleState): boolean => !isWithoutZero(state) && Math.abs(shownKilograms(state)) < 1e-9;

export function scale(): Model<ScaleState, ScaleFault> {
  return {
    kind: "scale",
    faults: {
      motion: "the weight never comes to rest",
      "under-zero": "it was switched on with goods on the pan, which are gone",
      "over-capacity": "a crate is left on it",
      "zero-drift": "crumbs under the pan: 15 g with nothing on it",
      "calibration-lost": "it asks to be calibrated",
      "zero-failed": "it found no zero when it was switched on",
      "memory-error": "its memory has an error",
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (1 + random() * 5) * DAY_MS,
      faults: [],
      loadKilograms: 0,
      settlingMs: 0,
      loadedMs: 0,
    }),
    live,
    strike: (state, fault) => (fault === "over-capacity" ? { ...state, loadKilograms: CAPACITY_KILOGRAMS + 1 } : state),
    cure: (state, fault) => (fault === "over-capacity" ? { ...state, loadKilograms: 0, loadedMs: 0 } : state),
    mib: () => [],
  };
}

function live(before: ScaleState, elapsedMs: number, random: Random): ScaleState {
  const settlingMs = Math.max(0, before.settlingMs - elapsedMs);
  if (isOverCapacity(before)) return { ...before, settlingMs };
  const loadedMs = Math.max(0, before.loadedMs - elapsedMs);
  if (before.loadKilograms > 0 && loadedMs === 0) {
    return { ...before, loadKilograms: 0, loadedMs, settlingMs: SETTLING_MS };
  }
  const arrives = before.loadKilograms === 0 && random() < 1 - Math.exp(-elapsedMs / GOODS_EVERY_MS);
  if (!arrives) return { ...before, loadedMs, settlingMs };
  return { ...before, loadKilograms: 0.08 + random() * 4, loadedMs: GOODS_MS, settlingMs: SETTLING_MS };
}
