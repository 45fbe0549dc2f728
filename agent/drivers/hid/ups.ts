/**
 * A UPS's reports (Usage Tables for HID Power Devices 1.1: page 84 power, 85 battery). The same usage may stand in several
 * reports and several collections; what came last counts, and a voltage is whose collection it stands in.
 */
import type { Value } from "@aislewatch/contract";
import type { HidValue, Usage } from "../../core/hid-report.ts";
import { PAGE, usageOf } from "../../core/hid-role.ts";

const power = (id: number): Usage => usageOf(PAGE.power, id);
const battery = (id: number): Usage => usageOf(PAGE.battery, id);

const INPUT = power(0x1a);
const OUTPUT = power(0x1c);
const BATTERIES: ReadonlySet<Usage> = new Set([power(0x10), power(0x12), power(0x24)]);
const VOLTAGE = power(0x30);
const LOAD = power(0x35);
const TEMPERATURE = power(0x36);
const TEST = power(0x58);
const TEST_PASSED = 1;
const TEST_ERROR = 3;
const REMAINING = battery(0x66);
const FULL_CHARGE = battery(0x67);
const RUN_TIME = battery(0x68);
const CAPACITY_MODE = battery(0x2c);
const MODE_PERCENT = 2;
const KELVIN = 273.15;

/** Units (HID 1.11, 6.2.2.7) are of centimetres and grams: a volt and a watt are ten to the seventh of them. */
const EXPONENT_OF_UNIT: Readonly<Record<number, number>> = { 15782177: 7, 53537: 7 };
const EXPONENT_MAX = 12;

export function upsMetrics(values: readonly HidValue[]): Record<string, Value> {
  const last = (usage: Usage): HidValue | undefined => values.findLast((one) => one.usage === usage);
  const flag = (...usages: readonly Usage[]): boolean | null => {
    const told = usages.map(last).filter((one) => one !== undefined);
    return told.length === 0 ? null : told.some(({ value }) => value !== 0);
  };
  const onMains = flag(battery(0xd0));
  const test = last(TEST)?.value;
  const metrics: Record<string, Value | null> = {
    // While a UPS tests its battery it discharges on mains: what it says of the mains goes first.
    on_battery: onMains === null ? flag(battery(0x45)) : !onMains,
    battery_low: flag(battery(0x42), battery(0x43)),
    battery_depleted: flag(battery(0x47)),
    battery_replace: flag(battery(0x4b)),
    overload: flag(power(0x65)),
    shutdown_imminent: flag(power(0x69)),
    hardware_fault: flag(power(0x62)),
    self_test_failed: test === TEST_ERROR ? true : test === TEST_PASSED ? false : null,
    battery_charge_percent: charge(last(REMAINING), last(CAPACITY_MODE), last(FULL_CHARGE)),
    battery_runtime_seconds: within(last(RUN_TIME), 0, 1e6),
    battery_voltage_volts: voltage(values, (collections) => collections.some((one) => BATTERIES.has(one))),
    input_voltage_volts: voltage(values, (collections) => collections.includes(INPUT)),
    output_voltage_volts: voltage(values, (collections) => collections.includes(OUTPUT)),
    output_load_percent: within(last(LOAD), 0, 400),
    temperature_celsius: temperature(last(TEMPERATURE)),
  };
  return Object.fromEntries(Object.entries(metrics).filter((one): one is [string, Value] => one[1] !== null));
}

/** In per cent, or in what the full charge is told in as well. */
function charge(
  remaining: HidValue | undefined,
  mode: HidValue | undefined,
  full: HidValue | undefined,
): number | null {
  if (remaining === undefined) return null;
  if (mode === undefined || mode.value === MODE_PERCENT) return within(remaining, 0, 100);
  const whole = full?.value ?? 0;
  return whole > 0 ? Math.min(100, Math.round((remaining.value / whole) * 100)) : null;
}

function voltage(values: readonly HidValue[], isIn: (collections: readonly Usage[]) => boolean): number | null {
  const told = values.findLast(({ usage, field }) => usage === VOLTAGE && isIn(field.collections));
  return within(told, 0, 1_000);
}

/** No sensor shows as 0 K; a UPS at freezing point would be the least of a shop's worries. */
function temperature(told: HidValue | undefined): number | null {
  const kelvin = within(told, 200, 400);
  return kelvin === null ? null : rounded(kelvin - KELVIN);
}

/** In the unit's own measure (HID 1.11, 6.2.2.7); null beyond what the metric can be. */
function within(told: HidValue | undefined, min: number, max: number): number | null {
  if (told === undefined) return null;
  const { logicalMin, logicalMax, physicalMin, physicalMax, unit, unitExponent } = told.field;
  const hasPhysical = (physicalMin !== 0 || physicalMax !== 0) && physicalMax > physicalMin && logicalMax > logicalMin;
  const scale = hasPhysical ? (physicalMax - physicalMin) / (logicalMax - logicalMin) : 1;
  const physical = hasPhysical ? (told.value - logicalMin) * scale + physicalMin : told.value;
  const exponent = unitExponent - (EXPONENT_OF_UNIT[unit] ?? 0);
  if (Math.abs(exponent) > EXPONENT_MAX) return null;
  const value = rounded(physical * 10 ** exponent);
  return value >= min && value <= max ? value : null;
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
