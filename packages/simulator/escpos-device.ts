/** An ESC/POS receipt printer's part of the talk: `DLE EOT n` in, one byte of status out; automatic status when it is on. */
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

export type EscposPrinter = {
  readonly device: LiveDevice<ReceiptState>;
  /** What it answers `DLE EOT n` to; clones know fewer. 1 to 4 unless given. */
  readonly answers?: readonly number[];
  /** Its application has switched automatic status on (GS a): a block comes before each answer. */
  readonly automaticStatus?: boolean;
  /** Is the drawer's contact high while it is open? True unless given. */
  readonly drawerOpenIsHigh?: boolean;
};

const DLE = 0x10;
const EOT = 0x04;
const GS = 0x1d;
const LOWER_R = 0x72;

export const escposDialogue = (printer: EscposPrinter) => (): Dialogue => {
  /** The last two bytes, for a command may come in pieces. */
  let before: readonly number[] = [];
  return {
    take(bytes) {
      const replies: string[] = [];
      for (const byte of bytes) {
        if (before[0] === DLE && before[1] === EOT) replies.push(...answer(printer, byte));
        if (before[0] === GS && before[1] === LOWER_R) replies.push(...queuedAnswer(printer, byte));
        before = [...before.slice(-1), byte];
      }
      return replies;
    },
  };
};

function answer(printer: EscposPrinter, question: number): string[] {
  const { device, answers = [1, 2, 3, 4], automaticStatus = false, drawerOpenIsHigh = true } = printer;
  const state = device.state();
  const contactHigh = isDrawerOpen(state) === drawerOpenIsHigh;
  const byte = answers.includes(question) ? statusByte(question, state, contactHigh) : null;
  if (byte === null) return [];
  const automatic = automaticStatus ? String.fromCharCode(...automaticBlock(state, contactHigh)) : "";
  return [automatic + String.fromCharCode(byte)];
}

/** `GS r`, in turn with print data: nothing while off-line. */
function queuedAnswer({ device, drawerOpenIsHigh = true }: EscposPrinter, question: number): string[] {
  const state = device.state();
  if (isOffline(state)) return [];
  if (question === 1) return [String.fromCharCode(bits([0x03, isPaperLow(state)], [0x0c, isPaperOut(state)]))];
  if (question === 2) return [String.fromCharCode(bits([0x01, isDrawerOpen(state) === drawerOpenIsHigh]))];
  return [];
}

const bits = (...set: readonly (readonly [value: number, on: boolean])[]): number =>
  set.reduce((sum, [value, on]) => (on ? sum | value : sum), 0);

/** Epson TM-L60II manual, page 1215. */
function statusByte(question: number, state: ReceiptState, contactHigh: boolean): number | null {
  const fixed = 0x12;
  switch (question) {
    case 1:
      return fixed | bits([0x04, contactHigh], [0x08, isOffline(state)]);
    case 2:
      return fixed | bits([0x04, isCoverOpen(state)], [0x20, isPaperOut(state)], [0x40, hasError(state)]);
    case 3:
      return fixed | errorBits(state);
    case 4:
      return fixed | bits([0x0c, isPaperLow(state)], [0x60, isPaperOut(state)]);
    default:
      return null;
  }
}

/** Page 1234 of the same. */
const automaticBlock = (state: ReceiptState, contactHigh: boolean): number[] => [
  0x10 | bits([0x04, contactHigh], [0x08, isOffline(state)], [0x20, isCoverOpen(state)]),
  errorBits(state),
  bits([0x03, isPaperLow(state)], [0x0c, isPaperOut(state)]),
  0x0f,
];

const hasError = (state: ReceiptState): boolean => errorBits(state) !== 0;
const errorBits = (state: ReceiptState): number =>
  bits([0x08, isCutterJammed(state)], [0x20, isBroken(state)], [0x40, isHeadHot(state)]);
