/** A HID device's reports, by what its descriptor says that they are. */
import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import { type HidDescriptor, type HidValue, parseHidDescriptor, readReport } from "../../core/hid-report.ts";
import { type HidKind, hidRole } from "../../core/hid-role.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { type ScaleOptions, scaleMetrics } from "../scale.ts";
import { usbAsset } from "../usb-asset.ts";
import { scaleState, usualScaleState } from "./scale.ts";
import { scannerMetrics } from "./scanner.ts";
import type { HidReply } from "./types.ts";
import { upsMetrics } from "./ups.ts";

export const METRICS = [
  "attached",
  "hardware_fault",
  "weight_stable",
  "weight_at_zero",
  "under_zero",
  "over_capacity",
  "calibration_required",
  "zero_required",
  "zero_drift_kilograms",
  "in_cradle",
  "in_range",
  "battery_cycles_total",
  "on_battery",
  "battery_low",
  "battery_depleted",
  "battery_replace",
  "overload",
  "shutdown_imminent",
  "self_test_failed",
  "battery_charge_percent",
  "battery_runtime_seconds",
  "battery_voltage_volts",
  "input_voltage_volts",
  "output_voltage_volts",
  "output_load_percent",
  "temperature_celsius",
] as const;

/** As hidraw hands them on; a report of a full-speed device is 64 bytes. */
const REPORT_BYTES_MAX = 4_096;

export function parse(reply: HidReply, options: ScaleOptions): Result<Parsed, ParseError> {
  const { device, certain, reports } = reply;
  if (device === null) return ok({ samples: [{ component: null, metrics: { attached: false } }] });
  const asset = usbAsset(device, certain);
  if (reports === null) return ok({ samples: [{ component: null, metrics: { attached: true } }], asset });
  const said = readReports(reply, reports, options);
  if (!said.ok) return said;
  return ok({ samples: [{ component: null, metrics: { attached: true, ...said.value } }], asset });
}

function readReports(
  { descriptor: hex }: HidReply,
  reports: NonNullable<HidReply["reports"]>,
  options: ScaleOptions,
): Result<Record<string, Value>, ParseError> {
  const descriptor = parseHidDescriptor(bytesOf(hex ?? ""));
  if (!descriptor.ok) return err({ detail: `its report descriptor makes no sense: ${descriptor.error.detail}` });
  const role = hidRole(descriptor.value);
  if (role.refused !== null) return err({ detail: `its reports are not looked at: ${role.refused}` });
  const metrics = metricsOf(role.kind, descriptor.value, reports, options);
  if (Object.keys(metrics).length > 0) return ok(metrics);
  return err({ detail: `${reports.length} reports, and none of them tells a state` });
}

function metricsOf(
  kind: HidKind,
  descriptor: HidDescriptor,
  reports: NonNullable<HidReply["reports"]>,
  options: ScaleOptions,
): Record<string, Value> {
  const values = reports.map(({ report, hex }) => readReport(descriptor, report, bytesOf(hex)));
  switch (kind) {
    case "ups":
      return upsMetrics(values.flat());
    case "scanner":
      return scannerMetrics(values.flat());
    case "scale":
      return scaleReports(values, reports, options);
  }
}

/** Each report is a moment of its own; the last one counts. */
function scaleReports(
  values: readonly (readonly HidValue[])[],
  reports: NonNullable<HidReply["reports"]>,
  options: ScaleOptions,
): Record<string, Value> {
  const states = values.map((one, n) => scaleState(one) ?? usualScaleState(bytesOf(reports[n]?.hex ?? "")));
  const state = states.findLast((one) => one !== null);
  return state === undefined || state === null ? {} : scaleMetrics(state, options);
}

function bytesOf(hex: string): Uint8Array {
  const pairs = hex.slice(0, REPORT_BYTES_MAX * 2).match(/[0-9a-f]{2}/gi) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}
