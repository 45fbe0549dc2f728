/**
 * A thermal receipt printer at a checkout: a roll, a cover, a cutter, a cash drawer on its kick-out connector, receipts
 * that come by themselves. The same state is served over ESC/POS (escpos-device.ts) and Star line mode (star-device.ts).
 */
import { clamp, type Random } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";

export type ReceiptFault =
  | "paper-low"
  | "paper-out"
  | "cover-open"
  | "cutter-jam"
  | "head-hot"
  | "drawer-open"
  | "offline"
  | "broken"
  | "dead";

export type ReceiptState = BaseState<ReceiptFault> & {
  readonly paperPercent: number;
  readonly receipts: number;
  /** What is left of the moment that a paid sale keeps the drawer open. */
  readonly drawerOpenMs: number;
};

/** A roll of 80 m and a receipt of 25 cm. */
const ROLL_RECEIPTS = 320;
/** A customer every 40 s, of whom every third pays cash. */
const RECEIPT_EVERY_MS = 40_000;
const CASH_SHARE = 1 / 3;
const DRAWER_OPEN_MS = 8_000;
/** At this level the near-end sensor sees the core of the roll. */
const NEAR_END_PERCENT = 12;
/** At this level staff put in a new roll, unless a fault keeps them from it. */
const CHANGED_AT_PERCENT = 20;

const has = (state: ReceiptState, fault: ReceiptFault): boolean => state.faults.includes(fault);

export const isPaperOut = (state: ReceiptState): boolean => state.paperPercent <= 0;
export const isPaperLow = (state: ReceiptState): boolean => state.paperPercent <= NEAR_END_PERCENT;
export const isCoverOpen = (state: ReceiptState): boolean => has(state, "cover-open");
export const isCutterJammed = (state: ReceiptState): boolean => has(state, "cutter-jam");
export const isHeadHot = (state: ReceiptState): boolean => has(state, "head-hot");
export const isBroken = (state: ReceiptState): boolean => has(state, "broken");
export const isDrawerOpen = (state: ReceiptState): boolean => has(state, "drawer-open") || state.drawerOpenMs > 0;
/** It takes no print data. */
export const isOffline = (state: ReceiptState): boolean =>
  has(state, "offline") ||
  isPaperOut(state) ||
  isCoverOpen(state) ||
  isCutterJammed(state) ||
  isHeadHot(state) ||
  isBroken(state);

export function receiptPrinter(): Model<ReceiptState, ReceiptFault> {
  return {
    kind: "receipt_printer",
    faults: {
      "paper-low": "the roll is near its end and nobody changes it",
      "paper-out": "the roll is used up",
      "cover-open": "the cover is open",
      "cutter-jam": "the cutter does not come home",
      "head-hot": "the print head is too hot and waits",
      "drawer-open": "the cash drawer is left open",
      offline: "off-line for no reason that it tells",
      broken: "an error that it can't recover from",
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (1 + random() * 5) * DAY_MS,
      faults: [],
      paperPercent: 30 + random() * 65,
      receipts: Math.floor(10_000 + random() * 90_000),
      drawerOpenMs: 0,
    }),
    live,
    strike: (state, fault) => ({ ...state, paperPercent: struckPaper(state, fault) }),
    cure: (state, fault) => {
      if (fault !== "paper-low" && fault !== "paper-out") return state;
      return { ...state, paperPercent: has(state, "paper-out") ? 0 : has(state, "paper-low") ? NEAR_END_PERCENT : 100 };
    },
    mib: () => [],
  };
}

function live(before: ReceiptState, elapsedMs: number, random: Random): ReceiptState {
  const sells = !isOffline(before) && random() < 1 - Math.exp(-elapsedMs / RECEIPT_EVERY_MS);
  const opens = sells && random() < CASH_SHARE;
  const left = before.paperPercent - (sells ? 100 / ROLL_RECEIPTS : 0);
  return {
    ...before,
    receipts: before.receipts + (sells ? 1 : 0),
    paperPercent: paper(before, left),
    drawerOpenMs: opens ? DRAWER_OPEN_MS : Math.max(0, before.drawerOpenMs - elapsedMs),
  };
}

function paper(state: ReceiptState, left: number): number {
  if (has(state, "paper-out")) return 0;
  // A low roll that nobody changes stays low: running out is a fault of its own.
  if (has(state, "paper-low")) return clamp(left, 1, NEAR_END_PERCENT);
  return left <= CHANGED_AT_PERCENT ? 100 : left;
}

function struckPaper({ paperPercent }: ReceiptState, fault: ReceiptFault): number {
  if (fault === "paper-out") return 0;
  return fault === "paper-low" ? Math.min(paperPercent, NEAR_END_PERCENT) : paperPercent;
}
