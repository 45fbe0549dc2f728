/**
 * A USB printer's own word, whatever language it prints: its IEEE 1284 device id, and GET_PORT_STATUS (USB printer class
 * 1.1, 4.2.2): bit 5 paper empty, bit 4 selected, bit 3 no error; 18 hex is well. Printers that know no better are to
 * answer that all is well. Many clones answer 00 or FF for ever instead; such a byte counts for nothing until the printer
 * has shown, since it was plugged in, that it can say something else.
 */
import { ok, type Result } from "@aislewatch/base";
import type { Asset, Value } from "@aislewatch/contract";
import { type DeviceId, readDeviceId } from "../../core/device-id.ts";
import { readSerial, type UsbDevice } from "../../core/usb-device.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { usbAsset } from "../usb-asset.ts";
import type { UsblpReply } from "./types.ts";

export const METRICS = ["attached", "media_out", "offline", "recoverable_error"] as const;

const PAPER_EMPTY = 0x20;
const SELECTED = 0x10;
const NOT_ERROR = 0x08;

export const isWell = (status: number): boolean =>
  (status & (PAPER_EMPTY | SELECTED | NOT_ERROR)) === (SELECTED | NOT_ERROR);

/** Bytes of printers that do not tell. */
const SAYS_NOTHING: ReadonlySet<number> = new Set([0x00, 0xff]);

export function parse({ device, certain, deviceId, portStatus, wasWell }: UsblpReply): Result<Parsed, ParseError> {
  if (device === null) return ok({ samples: [{ component: null, metrics: { attached: false } }] });
  const believed = portStatus !== null && (wasWell || !SAYS_NOTHING.has(portStatus));
  const metrics = { attached: true, ...(believed && statusMetrics(portStatus)) };
  const id = deviceId === null ? null : readDeviceId(deviceId);
  return ok({
    samples: [{ component: null, metrics }],
    asset: assetOf(usbAsset(device, certain), id === null ? null : { ...id, serial: ownSerial(id, device, certain) }),
  });
}

function statusMetrics(status: number): Record<string, Value> {
  const paperEmpty = (status & PAPER_EMPTY) !== 0;
  return {
    media_out: paperEmpty,
    offline: (status & SELECTED) === 0,
    // Which one, the byte does not tell: a cover, a cutter. That paper is missing has been said.
    recoverable_error: (status & NOT_ERROR) === 0 && !paperEmpty,
  };
}

/** Clones say the same number by both ways: what does not tell them apart by the one does not by the other. */
function ownSerial({ serial: told }: DeviceId, device: UsbDevice, certain: boolean): string | null {
  const { serial } = readSerial(told);
  return !certain && serial === readSerial(device.serial).serial ? null : serial;
}

/** The device id is the printer's own; its USB strings are often those of the interface board. */
function assetOf(usb: Asset, id: DeviceId | null): Asset {
  if (id === null) return usb;
  const serial = usb.serial ?? id.serial;
  return {
    ...usb,
    ...(id.manufacturer !== null && { vendor: id.manufacturer }),
    ...(id.model !== null && { model: id.model }),
    ...(serial !== null && serial !== undefined && { serial }),
  };
}
