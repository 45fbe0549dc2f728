/**
 * Status of a TSPL printer (TSC and many clones), from the programming manuals of the TSC TTP-244 Plus (page 85) and the
 * Gprinter GP-2120T (page 30).
 *
 *   ESC ! S   STX b1 b2 b3 b4 ETX CR LF    b1 state; b2 warnings, b3 and b4 errors, each 40 hex and a set of bits
 *   ESC ! ?   one byte                     bits: 0 head open, 1 jam, 2 media out, 3 ribbon out, 4 paused,
 *                                          5 printing, 6 cover open, 7 temperature out of range
 *
 * `ESC ! S` came with firmware V6.29; who answers it is asked nothing else. One byte has no structure: noise and a stray
 * XON (head open and paused) look like a status. So `ESC ! ?` is asked twice, each reply has to be one byte, and both
 * have to say the same, but for the bit of printing, which may change in between.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { Parsed, ParseError } from "../driver.ts";
import type { Replies } from "../request.ts";

/** Warnings and errors have bit 6 set and bit 7 clear, and so has every state. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: STX and ETX are the protocol's frame.
const STATUS = /\x02([\x40-\x7f])([\x40-\x7f])([\x40-\x7f])([\x40-\x7f])\x03/g;

const STATES: Readonly<Record<string, string>> = {
  "@": "ready",
  "`": "paused",
  B: "feeding back",
  C: "cutting",
  E: "error",
  F: "feeding",
  K: "waits for the print key",
  L: "waits for the label to be taken",
  P: "printing",
  W: "imaging",
};
const AT_WORK = ["B", "C", "P", "W"];

/** Byte after the state, bit in it. */
const FLAGS: Readonly<Record<string, readonly [byte: 2 | 3 | 4, mask: number]>> = {
  media_low: [2, 0x01],
  ribbon_low: [2, 0x02],
  buffer_full: [2, 0x08],
  head_over_temperature: [3, 0x01],
  motor_over_temperature: [3, 0x02],
  head_fault: [3, 0x04],
  cutter_fault: [3, 0x08],
  media_out: [4, 0x01],
  jammed: [4, 0x02],
  ribbon_out: [4, 0x04],
  ribbon_fault: [4, 0x08],
  head_open: [4, 0x20],
};
const OUT_OF_MEMORY = 0x10;

const READINESS: Readonly<Record<string, number>> = {
  head_open: 0x01,
  jammed: 0x02,
  media_out: 0x04,
  ribbon_out: 0x08,
  paused: 0x10,
  cover_open: 0x40,
  // "Environment temperature over range", on some models: of the room, not of the head.
  recoverable_error: 0x80,
};
const PRINTING = 0x20;

export const METRICS: readonly string[] = [
  ...new Set([...Object.keys(FLAGS), ...Object.keys(READINESS), "printing", "label_waiting"]),
];

export function parse(reply: Replies): Result<Parsed, ParseError> {
  const status = lastStatus(reply);
  const metrics = status === null ? readinessOf(reply) : statusMetrics(status);
  return typeof metrics === "string" ? err({ detail: metrics }) : ok({ samples: [{ component: null, metrics }] });
}

export const isWholeStatus = (text: string): boolean => text.search(STATUS) >= 0;

/** The state in words; of what has no metric, too. */
export function about(reply: Replies): [name: string, text: string][] {
  const status = lastStatus(reply);
  if (status === null) return [];
  const [state = "", , errors = ""] = status;
  return [
    ["state", STATES[state] ?? `"${state}"`],
    ...(has(errors, OUT_OF_MEMORY) ? ([["error", "out of memory"]] as [string, string][]) : []),
  ];
}

/** The four bytes of the newest whole status; one that came late stands in the reply to the next question. */
function lastStatus(reply: Replies): readonly string[] | null {
  const said = `${reply["status"] ?? ""}${reply["readiness"] ?? ""}${reply["readinessAgain"] ?? ""}`;
  return [...said.matchAll(STATUS)].at(-1)?.slice(1) ?? null;
}

function statusMetrics(bytes: readonly string[]): Record<string, Value> {
  const [state = "", , errors = ""] = bytes;
  const flags = Object.fromEntries(
    Object.entries(FLAGS).map(([metric, [byte, mask]]) => [metric, has(bytes[byte - 1] ?? "", mask)]),
  );
  // An error that neither byte has a name for.
  const isUnnamed = state === "E" && bytes[2] === "@" && bytes[3] === "@";
  return {
    ...flags,
    paused: state === "`",
    recoverable_error: isUnnamed || has(errors, OUT_OF_MEMORY),
    printing: AT_WORK.includes(state),
    label_waiting: state === "L",
  };
}

function readinessOf(reply: Replies): Record<string, Value> | string {
  const [first, second] = [reply["readiness"] ?? "", reply["readinessAgain"] ?? ""];
  if (first.length !== 1 || second.length !== 1) {
    return `no status: ${first.length} and ${second.length} bytes where one is the answer`;
  }
  const [before, now] = [first.charCodeAt(0), second.charCodeAt(0)];
  if ((before & ~PRINTING) !== (now & ~PRINTING)) {
    return `no status: 0x${before.toString(16)}, and asked again 0x${now.toString(16)}`;
  }
  return {
    ...Object.fromEntries(Object.entries(READINESS).map(([metric, mask]) => [metric, (now & mask) !== 0])),
    printing: (now & PRINTING) !== 0,
  };
}

const has = (byte: string, mask: number): boolean => (byte.charCodeAt(0) & mask) !== 0;
