/** A Star printer's part of the talk in line mode: `ESC ACK SOH` in, its status block out. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  isBroken,
  isCoverOpen,
  isCutterJammed,
  isDrawerOpen,
  isHeadHot,
  isOffline,
  isPaperLow,
  isPaperOut,
  type ReceiptState,
} from "./models/receipt-printer.ts";

export type StarPrinter = {
  readonly device: LiveDevice<ReceiptState>;
  /** Length of its block: 7, 8 or 9; 9 unless given. */
  readonly blockBytes?: number;
};

const QUESTION = "\u001b\u0006\u0001";
const VERSION = 3;

export const starDialogue = (printer: StarPrinter) => (): Dialogue => {
  let tail = "";
  return {
    take(bytes) {
      const text = tail + Buffer.from(bytes).toString("latin1");
      const asked = text.split(QUESTION);
      // No more than could be the beginning of a question is kept.
      tail = (asked.at(-1) ?? "").slice(1 - QUESTION.length);
      return asked.slice(1).map(() => statusBlock(printer));
    },
  };
};

const bits = (...set: readonly (readonly [value: number, on: boolean])[]): number =>
  set.reduce((sum, [value, on]) => (on ? sum | value : sum), 0);

/** A number's lower three bits in bits 1 to 3, the others in bits 5 and 6. */
const packed = (value: number): number => ((value & 0x07) << 1) | ((value & 0x18) << 2);

/** Star Line Mode Command Specifications, pages 5-8 to 5-11. */
function statusBlock({ device, blockBytes = 9 }: StarPrinter): string {
  const state = device.state();
  const block = [
    packed(blockBytes) | 0x01,
    packed(VERSION),
    bits([0x04, isDrawerOpen(state)], [0x08, isOffline(state)], [0x20, isCoverOpen(state)]),
    bits([0x08, isCutterJammed(state)], [0x20, isBroken(state)], [0x40, isHeadHot(state)]),
    0,
    bits([0x02, isPaperLow(state)], [0x08, isPaperOut(state)]),
    0,
    packed(state.receipts % 32),
    0,
  ];
  return String.fromCharCode(...block.slice(0, blockBytes));
}
