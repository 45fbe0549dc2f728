/** A zone of a conveyor as its PLC knows it: a run command, two photo-eyes, the safety chain, a count of items. */
import { type Random, wander } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";

export type ConveyorFault =
  | "jam"
  | "stall"
  | "trip"
  | "over-current"
  | "emergency-stop"
  | "guard-open"
  | "stopped"
  | "noise"
  | "refusing"
  | "dead";

export type ConveyorState = BaseState<ConveyorFault> & {
  readonly items: number;
  readonly currentAmperes: number;
  readonly runHours: number;
  /** How long until the next item reaches the eye at the discharge. */
  readonly nextItemMs: number;
};

/** An item every four seconds, which stands in an eye's light for half a second: what a bag belt of a store sees. */
const ITEM_EVERY_MS = 4_000;
const ITEM_PASSES_MS = 500;
const HOME_AMPERES = 2.1;
const OVERLOAD_AMPERES = 4.9;
/** The integrator's own number, as in the fault word of the example map. A jam is for who looks at the eye to tell. */
const TRIP_WORD = 3;

const has = ({ faults }: ConveyorState, fault: ConveyorFault): boolean => faults.includes(fault);
const isSafe = (state: ConveyorState): boolean => !has(state, "emergency-stop") && !has(state, "guard-open");

export const isZoneCommanded = (state: ConveyorState): boolean => !has(state, "stopped") && isSafe(state);
export const isZoneRunning = (state: ConveyorState): boolean =>
  isZoneCommanded(state) && !has(state, "stall") && !has(state, "trip");
export const isEmergencyStop = (state: ConveyorState): boolean => has(state, "emergency-stop");
export const isGuardOpen = (state: ConveyorState): boolean => has(state, "guard-open");
/** What is jammed stands in the light of the eye at the discharge for as long as it is jammed. */
export const isDischargeBlocked = (state: ConveyorState): boolean =>
  has(state, "jam") || (isZoneRunning(state) && state.nextItemMs < ITEM_PASSES_MS);
export const faultWord = (state: ConveyorState): number => (has(state, "trip") ? TRIP_WORD : 0);

export function conveyorZone(): Model<ConveyorState, ConveyorFault> {
  return {
    kind: "conveyor",
    faults: {
      jam: "an item stands in the light of the discharge eye while the belt runs",
      stall: "told to run, and the belt does not move",
      trip: "the zone's drive has switched off",
      "over-current": "the motor draws more than it should",
      "emergency-stop": "somebody pressed the emergency stop",
      "guard-open": "a guard of the machine is open",
      stopped: "nobody tells it to run",
      noise: "the cable to it is bad: most replies come damaged",
      refusing: "it answers every read with an exception",
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (5 + random() * 60) * DAY_MS,
      faults: [],
      items: Math.floor(20_000 + random() * 90_000),
      currentAmperes: HOME_AMPERES,
      runHours: Math.floor(2_000 + random() * 5_000),
      nextItemMs: ITEM_EVERY_MS,
    }),
    live,
    strike: (state, fault) => (fault === "over-current" ? { ...state, currentAmperes: OVERLOAD_AMPERES } : state),
    cure: (state) => state,
    mib: () => [],
  };
}

function live(state: ConveyorState, elapsedMs: number, random: Random): ConveyorState {
  if (!isZoneRunning(state)) return { ...state, currentAmperes: 0 };
  const moves = !has(state, "jam");
  const passed = moves ? Math.max(0, Math.ceil((elapsedMs - state.nextItemMs) / ITEM_EVERY_MS)) : 0;
  const home = has(state, "over-current") ? OVERLOAD_AMPERES : HOME_AMPERES;
  return {
    ...state,
    items: state.items + passed,
    nextItemMs: moves ? state.nextItemMs + passed * ITEM_EVERY_MS - elapsedMs : state.nextItemMs,
    currentAmperes: wander(
      state.currentAmperes,
      { home, settleSeconds: 3, noise: 0.05, min: 0, max: 6 },
      elapsedMs,
      random,
    ),
    runHours: state.runHours + elapsedMs / 3_600_000,
  };
}
