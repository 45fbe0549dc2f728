/**
 * A weighing device's reports (HID Point of Sale Usage Tables 1.02, page 8D). State and unit are choices, the weight an
 * integer times ten to the power of `scaling`. A descriptor that says less than the reports do is common: then the usual
 * report of six bytes is read as it stands: 3, status, unit, exponent, weight low, weight high.
 */
import type { HidValue, Usage } from "../../core/hid-report.ts";
import { PAGE, usageOf } from "../../core/hid-role.ts";
import { kilogramsOf, type ScaleState } from "../scale.ts";

const scale = (id: number): Usage => usageOf(PAGE.scale, id);
const WEIGHT = scale(0x40);
const SCALING = scale(0x41);
const FIRST_UNIT = 0x50;
const FIRST_STATUS = 0x70;
/** Behind FIRST_UNIT, in the order of the table. Taels, pieces and the like are no weights that are known here. */
const UNITS: Readonly<Record<number, string>> = { 1: "mg", 2: "g", 3: "kg", 4: "ct", 6: "gn", 11: "oz", 12: "lb" };

const STATUS = {
  fault: 1,
  stableAtZero: 2,
  inMotion: 3,
  stable: 4,
  underZero: 5,
  overLimit: 6,
  calibrate: 7,
  rezero: 8,
} as const;
const STATUS_MAX = STATUS.rezero;
/** A counter scale shows ten thousands of a kilogram, a truck scale ten kilograms. */
const EXPONENT_MAX = 6;

type Weighed = {
  readonly status: number;
  readonly unit: number;
  readonly exponent: number | null;
  readonly weight: number | null;
};

/** Null: these are no values of a scale's report. */
export function scaleState(values: readonly HidValue[]): ScaleState | null {
  const chosen = (first: number, count: number): number | null => {
    const one = values.find(({ usage, value }) => value === 1 && usage > scale(first) && usage <= scale(first + count));
    return one === undefined ? null : one.usage - scale(first);
  };
  const status = chosen(FIRST_STATUS, STATUS_MAX);
  if (status === null) return null;
  const weight = values.find(({ usage }) => usage === WEIGHT);
  const scaling = values.find(({ usage }) => usage === SCALING)?.value;
  // In the report, or in the descriptor; without either the weight is anything.
  const exponent = scaling ?? (weight?.field.unitExponent || null);
  return stateOf({ status, unit: chosen(FIRST_UNIT, 15) ?? 0, exponent, weight: weight?.value ?? null });
}

/** The usual report, whatever its descriptor says. */
export function usualScaleState(report: Uint8Array): ScaleState | null {
  const [id, status = 0, unit = 0, exponent = 0, low = 0, high = 0] = report;
  if (report.byteLength !== 6 || id !== 3 || status < STATUS.fault || status > STATUS_MAX) return null;
  return stateOf({ status, unit, exponent: exponent > 127 ? exponent - 256 : exponent, weight: high * 256 + low });
}

function stateOf({ status, unit, exponent, weight }: Weighed): ScaleState {
  const atZero = status === STATUS.stableAtZero;
  const atRest = atZero || status === STATUS.stable;
  return {
    // The other states hide whether it moves.
    ...((atRest || status === STATUS.inMotion) && { stable: atRest }),
    atZero,
    underZero: status === STATUS.underZero,
    overCapacity: status === STATUS.overLimit,
    calibrationRequired: status === STATUS.calibrate,
    zeroRequired: status === STATUS.rezero,
    hardwareFault: status === STATUS.fault,
    grossKilograms:
      weight === null || exponent === null || Math.abs(exponent) > EXPONENT_MAX
        ? null
        : kilograms(weight, unit, exponent),
  };
}

function kilograms(weight: number, unit: number, exponent: number): number | null {
  const shown = kilogramsOf(String(weight), UNITS[unit] ?? "");
  return shown === null ? null : shown * 10 ** exponent;
}
