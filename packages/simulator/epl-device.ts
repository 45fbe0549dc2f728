/** An EPL2 label printer's part of the talk (Intermec ESim v4.20, page 125): `^ee` in, error codes out. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  isCutterJammed,
  isHeadHot,
  isHeadOpen,
  isJammed,
  isMediaOut,
  isPaused,
  isRibbonOut,
  type LabelState,
} from "./models/label-state.ts";
import { tokenDialogue } from "./token-dialogue.ts";

export type EplPrinter = { readonly device: LiveDevice<LabelState> };

const CODES: readonly (readonly [code: string, holds: (state: LabelState) => boolean])[] = [
  ["07", (state) => isMediaOut(state) || isRibbonOut(state)],
  ["11", isHeadOpen],
  ["62", isHeadHot],
  ["81", isCutterJammed],
  ["92", isPaused],
  ["99", isJammed],
];

export const eplDialogue = ({ device }: EplPrinter): (() => Dialogue) =>
  tokenDialogue(/\^ee[\r\n]/g, () => {
    const state = device.state();
    const codes = CODES.filter(([, holds]) => holds(state)).map(([code]) => code);
    return `${codes.length === 0 ? "00" : codes.join(",")}\r\n`;
  });
