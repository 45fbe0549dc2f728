/** What a scanner's state reports tell: its battery, its cradle, its base. Nothing of what was scanned comes here. */
import type { Value } from "@aislewatch/contract";
import type { HidValue, Usage } from "../../core/hid-report.ts";
import { PAGE, usageOf } from "../../core/hid-role.ts";

const CRADLE = usageOf(PAGE.scanner, 0x75);
const RANGE = usageOf(PAGE.scanner, 0x76);
/** Page 06: within its logical range. */
const STRENGTH = usageOf(PAGE.genericDevice, 0x20);
/** Page 85: in per cent. */
const REMAINING = usageOf(PAGE.battery, 0x66);
const CYCLES = usageOf(PAGE.battery, 0x6b);

export function scannerMetrics(values: readonly HidValue[]): Record<string, Value> {
  const last = (usage: Usage): HidValue | undefined => values.findLast((one) => one.usage === usage);
  const [cradle, range, cycles] = [last(CRADLE), last(RANGE), last(CYCLES)];
  const charge = remaining(last(REMAINING)) ?? strength(last(STRENGTH));
  return {
    ...(cradle !== undefined && { in_cradle: cradle.value !== 0 }),
    ...(range !== undefined && { in_range: range.value !== 0 }),
    ...(charge !== null && { battery_charge_percent: charge }),
    ...(cycles !== undefined && { battery_cycles_total: cycles.value }),
  };
}

const remaining = (told: HidValue | undefined): number | null =>
  told === undefined || told.value < 0 || told.value > 100 ? null : told.value;

function strength(told: HidValue | undefined): number | null {
  if (told === undefined) return null;
  const { logicalMin, logicalMax } = told.field;
  return logicalMax > logicalMin ? Math.round(((told.value - logicalMin) / (logicalMax - logicalMin)) * 100) : null;
}
