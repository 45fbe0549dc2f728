/**
 * A conveyor's drive with a Modbus port: it turns a motor of 1.5 kW, day and night. How that looks in registers is
 * modbus-device's (`driveRegisters`).
 */
import { clamp, type Random, wander } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";

export type DriveFault = "trip" | "over-current" | "stall" | "stopped" | "noise" | "refusing" | "dead";

export type DriveState = BaseState<DriveFault> & {
  readonly loadPercent: number;
  readonly speedPercent: number;
  readonly heatsinkCelsius: number;
  readonly runHours: number;
  /** The drive's own number of its fault; 0 for none. */
  readonly faultNumber: number;
};

export type DriveIdentity = {
  readonly name: string;
  readonly vendor: string;
  readonly model: string;
  readonly firmware: string;
};

export const RATED_AMPERES = 3.6;
export const RATED_WATTS = 1_500;
const HOME_LOAD_PERCENT = 62;
/** What a motor draws when the belt is held, before the drive limits it. */
const OVERLOAD_PERCENT = 148;
/** "Over-current" in the fault lists of many makers. */
const TRIP_NUMBER = 1;
/** Ramps of two seconds from rest to full speed. */
const RAMP_PERCENT_PER_S = 50;

const has = ({ faults }: DriveState, fault: DriveFault): boolean => faults.includes(fault);
export const isTripped = (state: DriveState): boolean => has(state, "trip");
export const isCommanded = (state: DriveState): boolean => !has(state, "stopped");
export const isOverloaded = (state: DriveState): boolean => state.loadPercent > 110;
export const currentAmperes = (state: DriveState): number => (RATED_AMPERES * state.loadPercent) / 100;

export function drive(): Model<DriveState, DriveFault> {
  return {
    kind: "drive",
    faults: {
      trip: "the drive has switched off: over-current",
      "over-current": "the belt is held and the current rises to its limit",
      stall: "told to run, and the belt does not move",
      stopped: "nobody tells it to run",
      noise: "the cable to it is bad: most replies come damaged",
      refusing: "it answers every read with an exception",
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (5 + random() * 60) * DAY_MS,
      faults: [],
      loadPercent: HOME_LOAD_PERCENT,
      speedPercent: 100,
      heatsinkCelsius: 46,
      runHours: Math.floor(4_000 + random() * 9_000),
      faultNumber: 0,
    }),
    live,
    strike,
    cure: (state, fault) => (fault === "trip" ? { ...state, faultNumber: 0 } : strike(state, null)),
    mib: () => [],
  };
}

/** What a fault changes at once; null after a repair, for what is left. */
function strike(state: DriveState, fault: DriveFault | null): DriveState {
  if (fault === "trip") return { ...state, faultNumber: TRIP_NUMBER, speedPercent: 0, loadPercent: 0 };
  if (fault === "stall" || fault === "stopped") return { ...state, speedPercent: 0, loadPercent: 0 };
  if (fault === "over-current") return { ...state, loadPercent: OVERLOAD_PERCENT };
  return state;
}

function live(state: DriveState, elapsedMs: number, random: Random): DriveState {
  const seconds = elapsedMs / 1000;
  const stands = isTripped(state) || has(state, "stall") || !isCommanded(state);
  const speedPercent = stands ? 0 : clamp(state.speedPercent + RAMP_PERCENT_PER_S * seconds, 0, 100);
  const home = has(state, "over-current") ? OVERLOAD_PERCENT : HOME_LOAD_PERCENT;
  const loadPercent = stands
    ? 0
    : wander(state.loadPercent, { home, settleSeconds: 4, noise: 1, min: 0, max: 150 }, elapsedMs, random);
  const heat = { home: 28 + loadPercent * 0.3, settleSeconds: 300, noise: 0.1, min: 15, max: 95 };
  return {
    ...state,
    speedPercent,
    loadPercent,
    heatsinkCelsius: wander(state.heatsinkCelsius, heat, elapsedMs, random),
    runHours: state.runHours + (speedPercent > 0 ? seconds / 3_600 : 0),
  };
}
