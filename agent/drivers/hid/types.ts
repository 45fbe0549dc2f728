import type { UsbDevice } from "../../core/usb-device.ts";

export type HidReply = {
  /** Null: nothing that fits is attached. */
  readonly device: UsbDevice | null;
  /** Its serial number tells it from every other device that is attached. */
  readonly certain: boolean;
  /** Of the interface that was looked at, as hex; null: none may be. */
  readonly descriptor: string | null;
  /** As they came, as hex, with the byte for the id if the descriptor has ids; null: not taken. */
  readonly reports: readonly { readonly report: "input" | "feature"; readonly hex: string }[] | null;
};
