/** A TSPL label printer's part of the talk (TSC TTP-244 Plus programming manual): `ESC ! S` and `ESC ! ?`. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  isCutterJammed,
  isHeadHot,
  isHeadOpen,
  isInError,
  isJammed,
  isMediaLow,
  isMediaOut,
  isPaused,
  isRibbonLow,
  isRibbonOut,
  type LabelState,
} from "./models/label-state.ts";
import { tokenDialogue } from "./token-dialogue.ts";

export type TsplPrinter = {
  readonly device: LiveDevice<LabelState>;
  /** Firmware before V6.29 and many clones know `ESC ! ?` only. False unless given. */
  readonly isOld?: boolean;
};

type Flags = readonly (readonly [mask: number, holds: (state: LabelState) => boolean])[];
const WARNINGS: Flags = [
  [0x01, isMediaLow],
  [0x02, isRibbonLow],
];
const ERRORS: Flags = [
  [0x01, isHeadHot],
  [0x08, isCutterJammed],
];
const MEDIA_ERRORS: Flags = [
  [0x01, isMediaOut],
  [0x02, isJammed],
  [0x04, isRibbonOut],
  [0x20, isHeadOpen],
];
const READINESS: Flags = [
  [0x01, isHeadOpen],
  [0x02, isJammed],
  [0x04, isMediaOut],
  [0x08, isRibbonOut],
  [0x10, isPaused],
];

const bits = (flags: Flags, state: LabelState): number =>
  flags.reduce((sum, [mask, holds]) => sum | (holds(state) ? mask : 0), 0);
const isPrinting = (state: LabelState): boolean => state.queue > 0 && !isInError(state) && !isPaused(state);

// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins the commands.
const COMMAND = /\x1b![S?]/g;

export const tsplDialogue = ({ device, isOld = false }: TsplPrinter): (() => Dialogue) =>
  tokenDialogue(COMMAND, (command) => {
    const state = device.state();
    if (command.endsWith("?")) {
      return String.fromCharCode(bits(READINESS, state) | (isPrinting(state) ? 0x20 : 0));
    }
    if (isOld) return null;
    const byte = (flags: Flags): string => String.fromCharCode(0x40 | bits(flags, state));
    return `\x02${stateByte(state)}${byte(WARNINGS)}${byte(ERRORS)}${byte(MEDIA_ERRORS)}\x03\r\n`;
  });

function stateByte(state: LabelState): string {
  if (isInError(state)) return "E";
  if (isPaused(state)) return "`";
  return state.queue > 0 ? "P" : "@";
}
