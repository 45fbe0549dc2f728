import type { UsbDevice } from "../../core/usb-device.ts";
import type { UsbEvent } from "./slot.ts";

/** What a USB slot holds, and what happened there since the poll before. */
export type UsbReply = {
  /** Null: nothing that fits is attached. */
  readonly device: UsbDevice | null;
  /** Its serial number tells it from every other device that is attached. */
  readonly certain: boolean;
  /** As configured, or as first seen. */
  readonly productId: string | null;
  /** Of the hub that it hangs on; null for a port of the machine, or when the hub does not tell. */
  readonly hubSelfPowered: boolean | null;
  /** Since the agent started; null: the kernel's log can't be read. */
  readonly disconnects: number;
  readonly resets: number | null;
  readonly errors: number | null;
  /** Since the agent started; null: the hub does not count them. */
  readonly overCurrents: number | null;
  readonly events: readonly UsbEvent[];
};
