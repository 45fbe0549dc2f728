import type { UsbDevice } from "../../core/usb-device.ts";

export type UsblpReply = {
  /** Null: nothing that fits is attached. */
  readonly device: UsbDevice | null;
  /** Its serial number tells it from every other device that is attached. */
  readonly certain: boolean;
  /** IEEE 1284, as the kernel read it when the printer came; null: it has none, or another program has the printer. */
  readonly deviceId: string | null;
  /** The byte of GET_PORT_STATUS; null: not asked. */
  readonly portStatus: number | null;
  /** The printer has said that all is well since it was plugged in: it does tell its state. */
  readonly wasWell: boolean;
};
