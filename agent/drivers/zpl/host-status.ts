/**
 * Zebra's host status, the reply to `~HS`: three strings, each between STX and ETX (ZPL II Programming Guide 45541L-004,
 * pages 171 and 172, and a recording of a ZT410).
 *
 *   1  aaa,b,c,dddd,eee,f,g,h,iii,j,k,l      aaa serial port, b media out, c paused, dddd label length in dots,
 *                                            eee formats waiting, f buffer full, g diagnostics, h format in part,
 *                                            j configuration lost, k head too cold, l head too hot
 *   2  mmm,n,o,p,q,r,s,t,uuuuuuuu,v,www      mmm media and sensors, o head open, p ribbon out, q thermal transfer,
 *                                            r print mode, t label waiting, u labels remaining, w graphics stored
 *   3  xxxx,y                                xxxx is the printer's password: hidden as it comes off the line; y static
 *                                            RAM
 *
 * Bytes come over serial lines, so a string may be cut, repeated or surrounded by noise. A status is a first string
 * that is right in every field and the second one that follows it; the last such pair counts, as the newest.
 */
import type { Value } from "@aislewatch/contract";
import { framesOf } from "../frames.ts";
import type { Witness } from "../witness.ts";

/** Clones leave leading zeros away, and a long label has five digits. */
const FIRST = /^\d{1,3},[01],[01],\d{1,5},\d{1,4},[01],[01],[01],\d{1,3},[01],[01],[01]$/;
/** The print mode (r) is a letter on newer firmware; widths of u and w differ between models. */
const SECOND = /^\d{1,3},\d,[01],[01],[01],[0-9A-Za-z],\d,[01],\d{1,8},\d,\d{1,4}$/;
const THIRD = /^[^,]{0,8},[01]$/;
/** With or without its end: what is cut short may be the end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: STX and ETX are the protocol's frame.
const PASSWORD = /\x02[^,\x02\x03]{1,8}(,[01]\s{0,4}\x03|,[01]?$|$)/g;

export type HostStatus = {
  readonly first: readonly string[];
  readonly second: readonly string[];
  /** y of the third string, if that came. */
  readonly staticRam: boolean | null;
};

/** The newest status in these bytes; null when there is none. */
export function lastHostStatus(text: string): HostStatus | null {
  const frames = framesOf(text);
  const at = frames.findLastIndex((frame, n) => SECOND.test(frame) && FIRST.test(frames[n - 1] ?? ""));
  if (at < 0) return null;
  const third = frames.slice(at + 1).find((frame) => THIRD.test(frame));
  return {
    first: frames[at - 1]?.split(",") ?? [],
    second: frames[at]?.split(",") ?? [],
    staticRam: third === undefined ? null : third.endsWith("1"),
  };
}

/** Are all three strings there? What tells the line to stop waiting. */
export function isWholeStatus(text: string): boolean {
  const found = lastHostStatus(text);
  return found !== null && found.staticRam !== null;
}

/** The password that a host status ends with is nobody's business: not a recording's, and not that of `probe --raw`. */
export const withoutPassword = (text: string): string => text.replace(PASSWORD, "\u0002****$1");

/** Verdicts that other replies speak about, too. */
export function statusWitness({ first, second }: HostStatus): Witness {
  return {
    name: "~HS",
    says: {
      media_out: first[1] === "1",
      paused: first[2] === "1",
      head_over_temperature: first[11] === "1",
      head_open: second[2] === "1",
      ...(usesRibbon(second) && { ribbon_out: second[3] === "1" }),
    },
  };
}

/** What only the host status tells. */
export function statusMetrics({ first, second }: HostStatus): Record<string, Value> {
  return {
    formats_waiting: Number(first[4]),
    buffer_full: first[5] === "1",
    // In either string: which of them is kept up differs between models.
    diagnostics_mode: first[6] === "1" || hasBit(second[0], 5),
    format_incomplete: first[7] === "1",
    config_lost: first[9] === "1",
    head_under_temperature: first[10] === "1",
    label_waiting: second[7] === "1",
    labels_remaining: Number(second[8]),
  };
}

/** A direct-thermal printer reports the ribbon sensor all the same, and has no ribbon to run out. */
export const usesRibbon = (second: readonly string[]): boolean => second[4] === "1";

const PRINT_MODES: Readonly<Record<string, string>> = {
  0: "rewind",
  1: "peel-off",
  2: "tear-off",
  3: "cutter",
  4: "applicator",
};

/** How the printer is set, for a person. */
export function settingsOf({ first, second, staticRam }: HostStatus): [name: string, text: string][] {
  const mode = second[5] ?? "";
  return [
    ["serial port", serialPortOf(Number(first[0]))],
    ["label length", `${Number(first[3])} dots`],
    ["media", hasBit(second[0], 7) ? "continuous" : "with gaps, notches or marks"],
    ["print method", usesRibbon(second) ? "thermal transfer" : "direct thermal"],
    ["print mode", PRINT_MODES[mode] ?? `"${mode}"`],
    ["graphics stored", `${Number(second[10])}`],
    ...(staticRam === null ? [] : ([["static RAM", staticRam ? "fitted" : "none"]] as [string, string][])),
  ];
}

/** Bits 8, 2, 1 and 0 of aaa, in this order. */
const BAUD = [110, 300, 600, 1200, 2400, 4800, 9600, 19_200, 28_800, 38_400, 57_600, 14_400];

function serialPortOf(aaa: number): string {
  const on = (bit: number): boolean => ((aaa >> bit) & 1) === 1;
  const baud = BAUD[((aaa >> 8) & 1) * 8 + (aaa & 7)];
  const parity = on(5) ? (on(6) ? "even parity" : "odd parity") : "no parity";
  return [
    baud === undefined ? "unknown speed" : `${baud} baud`,
    `${on(3) ? 8 : 7} data bits`,
    parity,
    on(4) ? "1 stop bit" : "2 stop bits",
    on(7) ? "DTR" : "XON/XOFF",
  ].join(", ");
}

const hasBit = (decimal: string | undefined, bit: number): boolean => ((Number(decimal) >> bit) & 1) === 1;
