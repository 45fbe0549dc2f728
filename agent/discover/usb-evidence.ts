/** What sysfs keeps of USB devices beside their attributes: report descriptors and device ids. Nothing is opened. */
import type { UsbDevice } from "../core/usb-device.ts";
import type { UsbEvidence } from "../core/usb-proposal.ts";
import { interfaceFile, nodeOf, reportDescriptor } from "../transport/usb-node.ts";

/** Class codes of usb.org: a printer may be of class 255 and have a device id all the same. */
const HID = 3;

/** By port; devices that have neither are not there. `sysfs` is its root. */
export async function readUsbEvidence(
  devices: readonly UsbDevice[],
  sysfs: string,
): Promise<ReadonlyMap<string, UsbEvidence>> {
  const found = new Map<string, UsbEvidence>();
  for (const { port, interfaces } of devices) {
    const reportDescriptors: Uint8Array[] = [];
    let deviceId: string | null = null;
    for (const one of interfaces) {
      const node = one.class === HID ? nodeOf(one, "hidraw") : null;
      const descriptor = node === null ? null : await reportDescriptor(sysfs, node);
      if (descriptor !== null) reportDescriptors.push(descriptor);
      const id = one.class === HID ? null : await interfaceFile(sysfs, one, "ieee1284_id");
      if (id !== null) deviceId ??= Buffer.from(id).toString("latin1").trim();
    }
    if (deviceId !== null || reportDescriptors.length > 0) found.set(port, { deviceId, reportDescriptors });
  }
  return found;
}
