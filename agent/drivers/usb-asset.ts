import type { Asset } from "@aislewatch/contract";
import type { Identifying } from "../core/redact-line.ts";
import { readSerial, type UsbDevice } from "../core/usb-device.ts";

/** Who it is by its USB descriptors; a serial number that two devices share would make one asset of them. */
export function usbAsset(device: UsbDevice, certain: boolean): Asset {
  const { serial, firmware } = readSerial(device.serial);
  const release = [firmware, device.release].filter((text) => text !== null).join(", ");
  return {
    ...(device.manufacturer !== null && { vendor: device.manufacturer }),
    model: device.product ?? `USB ${device.vendorId}:${device.productId}`,
    ...(certain && serial !== null && { serial }),
    ...(release !== "" && { firmware: release }),
  };
}

/** What tells this unit from every other, also when another one has the same: for a recording to replace. */
export function usbIdentifying(device: UsbDevice | null): readonly Identifying[] {
  const { serial } = readSerial(device?.serial ?? null);
  return serial === null ? [] : [{ of: "serial", text: serial }];
}
