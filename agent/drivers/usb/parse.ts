import { ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { UsbDevice } from "../../core/usb-device.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { usbAsset } from "../usb-asset.ts";
import type { UsbReply } from "./types.ts";

export const METRICS = [
  "attached",
  "usb_disconnects_total",
  "usb_resets_total",
  "usb_errors_total",
  "usb_over_current_total",
  "usb_speed_bits_per_second",
  "usb_declared_current_amperes",
  "usb_power_short",
  "usb_not_configured",
  "usb_blocked",
  "usb_mode_unexpected",
];

/** What a port of a hub without a supply of its own may give (USB 2.0, 7.2.1: one unit load). */
const UNIT_LOAD_MILLIAMPERES = 100;

export function parse(reply: UsbReply): Result<Parsed, ParseError> {
  const { device, disconnects, resets, errors, overCurrents } = reply;
  const metrics: Record<string, Value> = {
    attached: device !== null,
    usb_disconnects_total: disconnects,
    ...(resets !== null && { usb_resets_total: resets }),
    ...(errors !== null && { usb_errors_total: errors }),
    ...(overCurrents !== null && { usb_over_current_total: overCurrents }),
    ...(device !== null && deviceMetrics(device, reply)),
  };
  const events = reply.events.map(({ code, detail }) => ({ component: null, code, detail }));
  return ok({
    samples: [{ component: null, metrics }],
    ...(device !== null && { asset: usbAsset(device, reply.certain) }),
    ...(events.length > 0 && { events }),
  });
}

function deviceMetrics(device: UsbDevice, { hubSelfPowered, productId }: UsbReply): Record<string, Value> {
  const { speedBitsPerSecond, maxCurrentMilliamperes, authorized } = device;
  // A hub that tells nothing, and a port of the machine itself, give what the standard says.
  const busPowered = hubSelfPowered === false && device.selfPowered !== true;
  return {
    ...(speedBitsPerSecond !== null && { usb_speed_bits_per_second: speedBitsPerSecond }),
    ...(maxCurrentMilliamperes !== null && {
      usb_declared_current_amperes: maxCurrentMilliamperes / 1_000,
      usb_power_short: busPowered && maxCurrentMilliamperes > UNIT_LOAD_MILLIAMPERES,
    }),
    usb_blocked: !authorized,
    // What is blocked is not configured either, and that is no second fault.
    usb_not_configured: authorized && !device.configured,
    ...(productId !== null && { usb_mode_unexpected: device.productId !== productId }),
  };
}
