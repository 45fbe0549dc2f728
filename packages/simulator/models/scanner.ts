/**
 * A barcode scanner at a checkout: codes are read as goods come, and a cordless one lives on a battery between the
 * times that it stands in its cradle. The same state is served in the dialects of scanner-device.ts.
 */
import { clamp, type Random } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";

export type ScannerFault = "motor-failed" | "laser-failed" | "battery-low" | "dead";

export type ScannerState = BaseState<ScannerFault> & {
  readonly scans: number;
  readonly chargePercent: number;
};

/** An item every four seconds while a customer is served. */
const SCAN_EVERY_MS = 4_000;
/** A shift of ten hours empties nine tenths of a battery; it is changed or charged before. */
const PERCENT_A_MS = 90 / 36_000_000;
const CHARGED_AT_PERCENT = 25;
const LOW_PERCENT = 6;

export const isMotorFailed = ({ faults }: ScannerState): boolean => faults.includes("motor-failed");
export const isLaserFailed = ({ faults }: ScannerState): boolean => faults.includes("laser-failed");

export function scanner(): Model<ScannerState, ScannerFault> {
  return {
    kind: "barcode_scanner",
    faults: {
      "motor-failed": "the motor of its mirror stands still",
      "laser-failed": "its laser is dark",
      "battery-low": "nobody puts it into its cradle: 6 % of charge",
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (1 + random() * 5) * DAY_MS,
      faults: [],
      scans: Math.floor(random() * 40_000),
      chargePercent: 60 + random() * 40,
    }),
    live,
    strike: (state, fault) => (fault === "battery-low" ? { ...state, chargePercent: LOW_PERCENT } : state),
    cure: (state, fault) => (fault === "battery-low" ? { ...state, chargePercent: 100 } : state),
    mib: () => [],
  };
}

function live(state: ScannerState, elapsedMs: number, random: Random): ScannerState {
  const scans = state.scans + (random() < elapsedMs / SCAN_EVERY_MS ? 1 : 0);
  if (state.faults.includes("battery-low")) return { ...state, scans };
  const charge = clamp(state.chargePercent - elapsedMs * PERCENT_A_MS, 0, 100);
  return { ...state, scans, chargePercent: charge <= CHARGED_AT_PERCENT ? 100 : charge };
}
