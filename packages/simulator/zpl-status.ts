/** What a Zebra printer says about itself over ZPL and SGD, from its state (ZPL II guide, ~HS ~HI ~HQ; notes §5.1). */
import {
  isHeadOpen,
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

/** At this many degrees the head stops to cool down. */
const HEAD_LIMIT_CELSIUS = 60;
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
    bit(state.headCelsius >= HEAD_LIMIT_CELSIUS),
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
    (state.headCelsius >= HEAD_LIMIT_CELSIUS ? 0x10 : 0) |
    (isPaused(state) ? 0x1_0000 : 0);
  const warnings = isMediaLow(state) ? 0x8 : 0;
  const line = (title: string, bits: number): string =>
    `   ${title.padEnd(16)}${bit(bits !== 0)} 00000000 ${bits.toString(16).toUpperCase().padStart(8, "0")}      `;
  const lines = [
    "",
    "  PRINTER STATUS                            ",
    line("ERRORS:", errors),
    line("WARNINGS:", warnings),
    "",
  ];
  return `${STX}${lines.join(CRLF)}${ETX}${CRLF}`;
}

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
  "odometer.total_label_count": (_, state) => String(Math.floor(state.printedLabels)),
};

function printedLength(state: LabelState): string {
  const centimeters = Math.floor(state.printedLabels * LABEL_METERS * 100);
  return `${Math.floor(centimeters / 2.54)} INCHES, ${centimeters} CENTIMETERS`;
}

/** `! U1 getvar "…"`: the value in double quotes without a terminator; an unknown name is `"?"`. */
export function variable(identity: LabelIdentity, state: LabelState, name: string): string {
  const value = Object.hasOwn(VARIABLES, name) ? VARIABLES[name]?.(identity, state) : undefined;
  return `"${value ?? "?"}"`;
}
