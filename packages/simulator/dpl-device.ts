/** A Datamax label printer's part of the talk (DPL Class Series 2 manual): `SOH A`, `SOH a`, `SOH E` and `SOH F`. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  isCutterJammed,
  isHeadOpen,
  isInError,
  isJammed,
  isMediaOut,
  isPaused,
  isReady,
  isRibbonLow,
  isRibbonOut,
  type LabelState,
} from "./models/label-state.ts";
import { tokenDialogue } from "./token-dialogue.ts";

export type DplPrinter = {
  readonly device: LiveDevice<LabelState>;
  /** Older firmware knows no extended status. False unless given. */
  readonly isOld?: boolean;
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: SOH begins the commands.
const COMMAND = /\x01[AaEF]/g;

export const dplDialogue = ({ device, isOld = false }: DplPrinter): (() => Dialogue) =>
  tokenDialogue(COMMAND, (command) => {
    const state = device.state();
    const basic = basicFlags(state);
    switch (command.slice(1)) {
      case "A":
        return `${letters(basic)}\r`;
      case "a":
        return isOld ? null : `${letters(basic)}:${letters(faultFlags(state))}:${letters(readyFlags(state))}\r`;
      case "E":
        return `${String(Math.min(9_998, Math.ceil(state.queue))).padStart(4, "0")}\r`;
      default:
        return `${String.fromCharCode(basic.reduce((byte, flag, bit) => byte | (flag ? 1 << bit : 0), 0))}\r`;
    }
  });

const letters = (flags: readonly boolean[]): string => flags.map((flag) => (flag ? "Y" : "N")).join("");

function basicFlags(state: LabelState): boolean[] {
  const isPrinting = isReady(state) && state.queue > 0;
  const paperFault = isMediaOut(state) || isJammed(state);
  return [false, paperFault, isRibbonOut(state), isPrinting, isPrinting, isPaused(state), false, false];
}

const faultFlags = (state: LabelState): boolean[] => [
  isCutterJammed(state),
  isMediaOut(state),
  false,
  isHeadOpen(state),
  isJammed(state),
  isRibbonLow(state),
  false,
  false,
];

const readyFlags = (state: LabelState): boolean[] => [
  isReady(state),
  false,
  state.queue === 0 && !isInError(state),
  ...[false, false, false, false, false],
];
