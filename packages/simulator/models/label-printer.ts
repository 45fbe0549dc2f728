/**
 * A thermal-transfer label printer of the Zebra kind: a roll, a ribbon, a head that opens, jobs that come by
 * themselves. The same state is served over SNMP (label-printer-mib.ts) and in the printer languages (zpl-status.ts and others).
 */
import { clamp, type Random, wander } from "../random.ts";
import { labelPrinterMib } from "./label-printer-mib.ts";
import { HEAD_LIMIT_CELSIUS, isReady, type LabelFault, type LabelIdentity, type LabelState } from "./label-state.ts";
import { DAY_MS, type Model } from "./model.ts";

/** A roll of 1,500 labels of 76 mm, and a 300 m ribbon that outlasts two and a half of them. */
const ROLL_LABELS = 1_500;
const RIBBON_LABELS = 3_750;
const LABELS_PER_SECOND = 3;
/** A job every 20 s on average keeps a demo's counters moving and a roll lasting most of an hour. */
const JOB_EVERY_MS = 20_000;
/** Jobs beyond this do not fit the receive buffer: the sender has to wait. */
export const QUEUE_LABELS_MAX = 500;
/** At this level staff put in a new roll or ribbon, unless a fault keeps them from it. */
const CHANGED_AT_PERCENT = 30;
const LOW_PERCENT = 12;
const HOT_CELSIUS = 67;
/** A low roll that nobody changes stays low: running out is a fault of its own. */
const LOW_FLOOR_PERCENT = 2;

/** A job arrived over the line. What the buffer can't take is refused: a real sender is held back by flow control. */
export const acceptJob = (state: LabelState, labels: number): LabelState => ({
  ...state,
  queue: Math.min(QUEUE_LABELS_MAX, state.queue + labels),
});

export function labelPrinter(identity: LabelIdentity): Model<LabelState, LabelFault> {
  return {
    kind: "label_printer",
    faults: {
      "media-low": "the roll is down to 12 % and nobody changes it",
      "media-out": "the last label is used up",
      "head-open": "the print head is lifted",
      "head-hot": "the print head is too hot to print",
      "ribbon-low": "the ribbon is down to 12 % and nobody changes it",
      "ribbon-out": "the ribbon is used up",
      "cutter-jam": "the cutter is jammed",
      jam: "labels are jammed around the platen",
      paused: "somebody pressed PAUSE",
      dead: "no power: no answer at all",
    },
    start: (random) => ({
      uptimeMs: (2 + random() * 20) * DAY_MS,
      faults: [],
      mediaPercent: 60 + random() * 35,
      ribbonPercent: 50 + random() * 45,
      queue: 0,
      printedLabels: Math.floor(40_000 + random() * 90_000),
      headCelsius: 31,
    }),
    live,
    strike,
    cure,
    mib: (state) => labelPrinterMib(identity, state),
  };
}

function live(before: LabelState, elapsedMs: number, random: Random): LabelState {
  const jobArrives = random() < 1 - Math.exp(-elapsedMs / JOB_EVERY_MS);
  const state = jobArrives ? acceptJob(before, Math.floor(4 + random() * 16)) : before;
  const printed = isReady(state)
    ? Math.min(state.queue, (LABELS_PER_SECOND * elapsedMs) / 1000, (state.mediaPercent / 100) * ROLL_LABELS)
    : 0;
  const isHot = state.faults.includes("head-hot");
  const home = isHot ? HOT_CELSIUS : printed > 0 ? 46 : 31;
  return {
    ...state,
    queue: state.queue - printed,
    printedLabels: state.printedLabels + printed,
    mediaPercent: media(state, printed),
    ribbonPercent: ribbon(state, printed),
    headCelsius: wander(
      state.headCelsius,
      { home, settleSeconds: 60, noise: 0.2, min: isHot ? HEAD_LIMIT_CELSIUS : 15, max: isHot ? 75 : 58 },
      elapsedMs,
      random,
    ),
  };
}

function media(state: LabelState, printed: number): number {
  if (state.faults.includes("media-out")) return 0;
  const left = state.mediaPercent - (printed / ROLL_LABELS) * 100;
  if (state.faults.includes("media-low")) return clamp(left, LOW_FLOOR_PERCENT, LOW_PERCENT);
  return left <= CHANGED_AT_PERCENT ? 100 : left;
}

function ribbon(state: LabelState, printed: number): number {
  if (state.faults.includes("ribbon-out")) return 0;
  const left = state.ribbonPercent - (printed / RIBBON_LABELS) * 100;
  if (state.faults.includes("ribbon-low")) return clamp(left, LOW_FLOOR_PERCENT, LOW_PERCENT);
  return left <= CHANGED_AT_PERCENT ? 100 : left;
}

function strike(state: LabelState, fault: LabelFault): LabelState {
  if (fault === "media-low") return { ...state, mediaPercent: Math.min(state.mediaPercent, LOW_PERCENT) };
  if (fault === "media-out") return { ...state, mediaPercent: 0 };
  if (fault === "ribbon-low") return { ...state, ribbonPercent: Math.min(state.ribbonPercent, LOW_PERCENT) };
  if (fault === "ribbon-out") return { ...state, ribbonPercent: 0 };
  if (fault === "head-hot") return { ...state, headCelsius: HOT_CELSIUS };
  return state;
}

function cure(state: LabelState, fault: LabelFault): LabelState {
  if (fault === "media-low" || fault === "media-out") {
    if (state.faults.includes("media-out")) return state;
    return { ...state, mediaPercent: state.faults.includes("media-low") ? LOW_PERCENT : 100 };
  }
  if (fault === "ribbon-low" || fault === "ribbon-out") {
    if (state.faults.includes("ribbon-out")) return state;
    return { ...state, ribbonPercent: state.faults.includes("ribbon-low") ? LOW_PERCENT : 100 };
  }
  if (fault === "head-hot") return { ...state, headCelsius: 46 };
  // A printer that lost power forgot the jobs in its buffer.
  if (fault === "dead") return { ...state, queue: 0 };
  return state;
}
