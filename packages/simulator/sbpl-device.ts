/** A SATO label printer's part of the talk (CL4NX programming reference, status return): ENQ in, a status out. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  isCutterJammed,
  isHeadHot,
  isHeadOpen,
  isInError,
  isJammed,
  isMediaOut,
  isPaused,
  isRibbonLow,
  isRibbonOut,
  type LabelState,
} from "./models/label-state.ts";
import { tokenDialogue } from "./token-dialogue.ts";

export type SbplPrinter = {
  readonly device: LiveDevice<LabelState>;
  /** Status 3 has no job's name. 4 unless given. */
  readonly protocol?: 3 | 4;
  /** Over LAN newer models say first how many bytes follow. False unless given. */
  readonly saysSize?: boolean;
};

/** The first that holds is what the printer names. */
const ERRORS: readonly (readonly [letter: string, holds: (state: LabelState) => boolean])[] = [
  ["b", isHeadOpen],
  ["c", isMediaOut],
  ["d", isRibbonOut],
  ["e", isJammed],
  ["j", isCutterJammed],
  ["k", isHeadHot],
];
const BUFFER_NEAR_FULL_LABELS = 400;

// biome-ignore lint/suspicious/noControlCharactersInRegex: ENQ is the command.
const COMMAND = /\x05/g;

export const sbplDialogue = ({ device, protocol = 4, saysSize = false }: SbplPrinter): (() => Dialogue) =>
  tokenDialogue(COMMAND, () => {
    const state = device.state();
    const labels = Math.ceil(state.queue);
    const id = labels > 0 ? "01" : "  ";
    const job = protocol === 4 ? (labels > 0 ? "SHELF LABELS" : "").padStart(16, "0") : "";
    const frame = `\x02${id}${letterOf(state)}${String(labels).padStart(6, "0")}${job}\x03`;
    return saysSize ? `\0\0\0${String.fromCharCode(frame.length + 1)}\x05${frame}` : frame;
  });

function letterOf(state: LabelState): string {
  if (isInError(state)) return ERRORS.find(([, holds]) => holds(state))?.[0] ?? "k";
  if (isPaused(state)) return "4";
  const group = state.queue > 0 ? "G" : "A";
  const sub = (isRibbonLow(state) ? 1 : 0) + (state.queue >= BUFFER_NEAR_FULL_LABELS ? 2 : 0);
  return String.fromCharCode(group.charCodeAt(0) + sub);
}
