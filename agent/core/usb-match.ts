/** How a configuration names a USB device: by what it is, by its serial number, by its place, by a file that it makes. */
import { z } from "zod";
import { PORT_PATTERN, readSerial, type UsbDevice } from "./usb-device.ts";

/** All that is given must hold. */
export type UsbMatch = {
  readonly vendorId: string | null;
  readonly productId: string | null;
  /** As the device says it, or the part of it that is a serial number. */
  readonly serial: string | null;
  readonly port: string | null;
  /** The device file that it made, as below /dev (`ttyACM0`); "" when the configured path leads to none. */
  readonly node: string | null;
};

export const usbMatchSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[0-9a-f]{4}(?::[0-9a-f]{4})?$/i, 'expected vendor and product as "05e0:1300", or the vendor as "05e0"')
      .optional(),
    serial: z.string().min(1).max(126).optional(),
    port: z.string().regex(PORT_PATTERN, 'expected a port as the kernel names it: "1-4", "2-1.6.1.2"').optional(),
    path: z
      .string()
      .max(256)
      .startsWith("/dev/", "expected a device file below /dev, as /dev/serial/by-id/…")
      .optional(),
  })
  .superRefine((given, context) => {
    if (Object.values(given).some((value) => value !== undefined)) return;
    const message = "expected at least one of id, serial, port and path";
    context.addIssue({ code: "custom", path: [], message, params: { code: "CFG_VALUE" } });
  });
export type UsbMatchConfig = z.infer<typeof usbMatchSchema>;

/** `nodeAt` resolves a configured path to the name of its device file. */
export function usbMatchOf({ id, serial, port, path }: UsbMatchConfig, nodeAt: (path: string) => string): UsbMatch {
  const [vendorId = null, productId = null] = id?.toLowerCase().split(":") ?? [];
  const node = path === undefined ? null : nodeAt(path);
  return { vendorId, productId, serial: serial ?? null, port: port ?? null, node };
}

export function usbMatchText({ id, serial, port, path }: UsbMatchConfig): string {
  const parts = [id, serial && `serial ${serial}`, port && `port ${port}`, path];
  return parts.filter((part) => part !== undefined).join(", ");
}

export function fitsUsbMatch(device: UsbDevice, { vendorId, productId, serial, port, node }: UsbMatch): boolean {
  return (
    (vendorId === null || device.vendorId === vendorId) &&
    (productId === null || device.productId === productId) &&
    (serial === null || hasSerial(device, serial)) &&
    (port === null || device.port === port) &&
    (node === null || device.interfaces.some(({ nodes }) => nodes.includes(node)))
  );
}

export const hasSerial = (device: UsbDevice, serial: string): boolean =>
  device.serial === serial || readSerial(device.serial).serial === serial;
