/** What is true of a label printer at a moment; the views over SNMP and each printer language are functions of it. */
import type { BaseState } from "./model.ts";

export type LabelFault =
  | "media-low"
  | "media-out"
  | "head-open"
  | "head-hot"
  | "ribbon-low"
  | "ribbon-out"
  | "cutter-jam"
  | "jam"
  | "paused"
  | "dead";

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
/** The head that is in came new when so many labels had been printed. */
export const HEAD_NEW_AT_LABELS = 20_000;
/** It is cleaned in time: every 400 m, of the 450 m that are set as the interval. */
const CLEANED_EVERY_LABELS = 5_000;
/** At this many degrees the head stops to cool down. */
export const HEAD_LIMIT_CELSIUS = 60;
/** The printer's own "paper near end" sensor. */
const NEAR_END_PERCENT = 15;

export const headCleanedAtLabels = ({ printedLabels }: LabelState): number =>
  printedLabels - (printedLabels % CLEANED_EVERY_LABELS);

export const isMediaOut = (state: LabelState): boolean => state.mediaPercent <= 0;
export const isMediaLow = (state: LabelState): boolean => !isMediaOut(state) && state.mediaPercent <= NEAR_END_PERCENT;
export const isRibbonOut = (state: LabelState): boolean => state.ribbonPercent <= 0;
export const isRibbonLow = (state: LabelState): boolean =>
  !isRibbonOut(state) && state.ribbonPercent <= NEAR_END_PERCENT;
export const isHeadHot = (state: LabelState): boolean => state.headCelsius >= HEAD_LIMIT_CELSIUS;
export const isCutterJammed = (state: LabelState): boolean => state.faults.includes("cutter-jam");
export const isJammed = (state: LabelState): boolean => state.faults.includes("jam");
export const isHeadOpen = (state: LabelState): boolean => state.faults.includes("head-open");
export const isPaused = (state: LabelState): boolean => state.faults.includes("paused");
export const isReady = (state: LabelState): boolean => !(isInError(state) || isPaused(state));
/** What stops the printer until a hand mends it, or until it is cool again. */
export const isInError = (state: LabelState): boolean =>
  [isMediaOut, isRibbonOut, isHeadOpen, isHeadHot, isCutterJammed, isJammed].some((holds) => holds(state));
