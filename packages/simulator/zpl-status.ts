/** What a Zebra printer says about itself over ZPL and SGD, from its state (ZPL II guide, ~HS ~HI ~HQ; notes §5.1). */
import {
  HEAD_NEW_AT_LABELS,
  headCleanedAtLabels,
  isCutterJammed,
  isHeadHot,
  isHeadOpen,
  isJammed,
  isMediaLow,
  isMediaOut,
  isPaused,
  isReady,
  isRibbonOut,
  LABEL_METERS,
  type LabelIdentity,
  type LabelState,
} from "./models/label-state.ts";
import { uptimeText } from "./models/model.ts";

const STX = "\x02";
const ETX = "\x03";
const CRLF = "\r\n";

const bit = (value: boolean): string => (value ? "1" : "0");
const digits = (value: number, count: number): string =>
  String(Math.max(0, Math.min(10 ** count - 1, Math.floor(value)))).padStart(count, "0");

/** Formats the receive buffer holds before it reports itself full, and about how many labels one asks for. */
const BUFFER_FULL_FORMATS = 45;
const LABELS_PER_FORMAT = 10;

/** `~HS`: three strings, each between STX and ETX CR LF. */
export function hostStatus(state: LabelState): string[] {
  const formats = Math.ceil(state.queue / LABELS_PER_FORMAT);
  const first = [
    "030", // 9600 8N1, XON/XOFF
    bit(isMediaOut(state)),
    bit(isPaused(state)),
    "0640", // label length in dots
    digits(formats, 3),
    bit(formats >= BUFFER_FULL_FORMATS),
    "0",
    "0",
    "000",
    "0",
    "0",
    bit(isHeadHot(state)),
  ];
  const second = [
    "001", // thermal transfer
    "0",
    bit(isHeadOpen(state)),
    bit(isRibbonOut(state)),
    "1",
    "2",
    "6",
    "0",
    digits(Math.ceil(state.queue), 8),
    "1",
    "000",
  ];
  return [first.join(","), second.join(","), "1234,0"].map((line) => `${STX}${line}${ETX}${CRLF}`);
}

/** `~HI`: model and resolution, firmware, dots per millimetre, memory. */
export const hostIdentification = (identity: LabelIdentity): string =>
  `${STX}${identity.model}-203dpi,${identity.firmware},8,8192KB${ETX}${CRLF}`;

/** `~HQES`: errors and warnings as bits; group 1 is the last eight digits. */
export function errorStatus(state: LabelState): string {
  const errors =
    (isMediaOut(state) ? 0x1 : 0) |
    (isRibbonOut(state) ? 0x2 : 0) |
    (isHeadOpen(state) ? 0x4 : 0) |
    (isCutterJammed(state) ? 0x8 : 0) |
    (isHeadHot(state) ? 0x10 : 0) |
    (isJammed(state) ? 0x4000 : 0) |
    (isPaused(state) ? 0x1_0000 : 0);
  const warnings = isMediaLow(state) ? 0x8 : 0;
  const line = (title: string, bits: number): string =>
    `   ${title.padEnd(16)}${bit(bits !== 0)} 00000000 ${bits.toString(16).toUpperCase().padStart(8, "0")}      `;
  return hostQuery(["PRINTER STATUS", line("ERRORS:", errors), line("WARNINGS:", warnings)]);
}

/** The replies of the `~HQ` group: a title and lines, blanks around them, in one frame. */
const hostQuery = ([title = "", ...lines]: readonly string[]): string =>
  `${STX}${["", `  ${title.padEnd(44)}`, ...lines, ""].join(CRLF)}${ETX}${CRLF}`;

const inches = (labels: number): string => `${Math.floor((labels * LABEL_METERS) / 0.0254)} "`;

/** What is known of the rest of the `~HQ` group; null for what the printer does not answer. */
export function hostQueryReply(identity: LabelIdentity, state: LabelState, query: string): string | null {
  const row = (title: string, value: string): string => `   ${title.padEnd(26)}${value.padStart(11)}    `;
  const since = (labels: number): string => inches(state.printedLabels - labels);
  switch (query) {
    case "SN":
      return hostQuery(["SERIAL NUMBER", `   ${identity.serial}`.padEnd(45)]);
    case "OD":
      return hostQuery([
        "PRINT METERS",
        row("TOTAL NONRESETTABLE:", since(0)),
        row("USER RESETTABLE CNTR1:", since(0)),
        row("USER RESETTABLE CNTR2:", since(0)),
      ]);
    case "PH":
      return hostQuery([
        `LAST CLEANED: ${since(headCleanedAtLabels(state))}`,
        "  HEAD LIFE HISTORY",
        "   #   DISTANCE",
        `   1:  ${since(HEAD_NEW_AT_LABELS)}`,
        `   2:  ${inches(HEAD_NEW_AT_LABELS)}`,
      ]);
    case "MA":
      return hostQuery([
        "MAINTENANCE ALERT SETTINGS",
        row("HEAD REPLACEMENT INTERVAL:", "50 km"),
        row("HEAD CLEANING INTERVAL:", "450 M"),
        row("UNITS:", "I"),
      ]);
    case "JT":
      return hostQuery(["HEAD TEST RESULTS", "   0,A,0000,0831,0000".padEnd(45)]);
    default:
      return null;
  }
}

/** `~HD`: one value a line. */
export const headDiagnostics = (state: LabelState): string =>
  `${STX}${CRLF}${[`Head Temp = ${Math.round(state.headCelsius)}`, "Ambient Temp = 153", "Head Test = Test Not Run"].join(CRLF)}${CRLF}${ETX}${CRLF}`;

const VARIABLES: Readonly<Record<string, (identity: LabelIdentity, state: LabelState) => string>> = {
  "device.friendly_name": (identity) => identity.name,
  "device.unique_id": (identity) => identity.serial,
  "device.product_name": (identity) => identity.model,
  "device.host_identification": (identity) => `${identity.model}-203dpi,${identity.firmware},8,8192KB`,
  // The same text as ~HS, lines apart, without the frame.
  "device.host_status": (_, state) =>
    hostStatus(state)
      .map((text) => text.slice(1, -3))
      .join("\n"),
  "device.uptime": (_, state) => uptimeText(state.uptimeMs),
  "device.status": (_, state) => (isReady(state) ? "ready" : "not ready"),
  "appl.name": (identity) => identity.firmware,
  "head.latch": (_, state) => (isHeadOpen(state) ? "open" : "ok"),
  "sensor.paper_supply": (_, state) => (isMediaOut(state) ? "out" : "present"),
  "sensor.cover_open": (_, state) => (isHeadOpen(state) ? "yes" : "no"),
  "media.speed": () => "6.0",
  "print.tone": () => "10.0",
  "odometer.total_print_length": (_, state) => printedLength(state),
  "odometer.headnew": (_, state) => printedLength(state, HEAD_NEW_AT_LABELS),
  "odometer.headclean": (_, state) => printedLength(state, headCleanedAtLabels(state)),
  "odometer.total_label_count": (_, state) => String(Math.floor(state.printedLabels)),
};

function printedLength(state: LabelState, sinceLabels = 0): string {
  const centimeters = Math.floor((state.printedLabels - sinceLabels) * LABEL_METERS * 100);
  return `${Math.floor(centimeters / 2.54)} INCHES, ${centimeters} CENTIMETERS`;
}

/** `! U1 getvar "…"`: the value in double quotes without a terminator; an unknown name is `"?"`. */
export function variable(identity: LabelIdentity, state: LabelState, name: string): string {
  const value = Object.hasOwn(VARIABLES, name) ? VARIABLES[name]?.(identity, state) : undefined;
  return `"${value ?? "?"}"`;
}
