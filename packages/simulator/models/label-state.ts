/** What is true of a label printer at a moment; the views over SNMP and ZPL are functions of it. */
import type { BaseState } from "./model.ts";

export type LabelFault = "media-low" | "media-out" | "head-open" | "ribbon-out" | "paused" | "dead";

export type LabelState = BaseState<LabelFault> & {
  readonly mediaPercent: number;
  readonly ribbonPercent: number;
  /** Labels of accepted jobs still to print; parts of a label are in the middle of printing. */
  readonly queue: number;
  readonly printedLabels: number;
  readonly headCelsius: number;
};

export type LabelIdentity = {
  readonly name: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
  readonly location: string;
};

/** The feed length of one label of 76 mm and its gap. */
export const LABEL_METERS = 0.08;
/** The printer's own "paper near end" sensor. */
const NEAR_END_PERCENT = 15;

export const isMediaOut = (state: LabelState): boolean => state.mediaPercent <= 0;
export const isMediaLow = (state: LabelState): boolean => !isMediaOut(state) && state.mediaPercent <= NEAR_END_PERCENT;
export const isRibbonOut = (state: LabelState): boolean => state.ribbonPercent <= 0;
export const isHeadOpen = (state: LabelState): boolean => state.faults.includes("head-open");
export const isPaused = (state: LabelState): boolean => state.faults.includes("paused");
export const isReady = (state: LabelState): boolean =>
  !(isMediaOut(state) || isRibbonOut(state) || isHeadOpen(state) || isPaused(state));
