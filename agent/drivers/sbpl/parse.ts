/**
 * Status of a SATO printer, the reply to ENQ (manuals of M10e, DR300, M-8400RVe, WS4 and CL4NX/CL6NX; protocols "Status 3"
 * of 11 bytes and "Status 4" of 27):
 *
 *   STX  id 2  status 1  labels remaining 6  (job name 16)  ETX
 *
 * Over LAN the printer may put the number of bytes before it, and an echo of the ENQ: `00 00 00 1C 05`. In its cyclic
 * mode it sends a status every half second unasked; the newest whole one counts. A job's name is somebody's business,
 * and its sixteen characters, padded with zeros, pass for a card number beside the other digits: it is dropped as it
 * comes off the line.
 *
 * The status is one character, so it names one error at a time: of the others nothing is known meanwhile.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { Parsed, ParseError } from "../driver.ts";
import type { Replies } from "../request.ts";

export type NearEnd = "ribbon" | "media";

// biome-ignore lint/suspicious/noControlCharactersInRegex: STX and ETX are the protocol's frame.
const FRAME = /\x02([ \d]{2})([0-9A-Za-z])(\d{6})(?:[\x20-\x7e\x80-\xff]{16})?\x03/g;

/** Each with five sub-states: nothing more, near end, buffer nearly full, both, print stop. */
const GROUPS = [
  { first: "0", means: "off-line" },
  { first: "A", means: "waiting for data" },
  { first: "G", means: "printing" },
  { first: "M", means: "waits for the label to be taken" },
  { first: "S", means: "compiling a job" },
] as const;
const SUB_STATES = ["", "near end", "buffer nearly full", "near end, buffer nearly full", "print stop"];

const ERRORS: Readonly<Record<string, { readonly metric: string; readonly means: string }>> = {
  a: { metric: "buffer_full", means: "receive buffer full" },
  b: { metric: "head_open", means: "head open" },
  c: { metric: "media_out", means: "paper end" },
  d: { metric: "ribbon_out", means: "ribbon end" },
  e: { metric: "media_fault", means: "media error" },
  f: { metric: "media_fault", means: "sensor error" },
  g: { metric: "head_fault", means: "head error" },
  i: { metric: "recoverable_error", means: "card error" },
  j: { metric: "cutter_fault", means: "cutter error" },
  k: { metric: "recoverable_error", means: "other error" },
};
/** Letters that only some models have (RFID, battery, cover): an error all the same. */
const UNNAMED = { metric: "recoverable_error", means: "error of its own kind" };

const ERROR_METRICS: readonly string[] = [...new Set(Object.values(ERRORS).map(({ metric }) => metric))];

export const METRICS: readonly string[] = [
  ...ERROR_METRICS,
  "ribbon_low",
  "media_low",
  "paused",
  "offline",
  "printing",
  "label_waiting",
  "labels_remaining",
];

type Status = { readonly letter: string; readonly remaining: number };

export function parse(reply: Replies, { near_end }: { readonly near_end: NearEnd }): Result<Parsed, ParseError> {
  const said = reply["status"] ?? "";
  const status = lastStatus(said);
  if (status === null) return err({ detail: `no status in ${said.length} bytes` });
  const metrics = metricsOf(status, near_end);
  if (metrics === null) return err({ detail: `a status of its own kind: "${status.letter}"` });
  return ok({ samples: [{ component: null, metrics }] });
}

/** The newest status, in the form that has no job's name; nothing when there is none. */
export function withoutJobName(text: string): string {
  const [, id, letter, remaining] = lastFrame(text) ?? [];
  return id === undefined ? "" : `\u0002${id}${letter}${remaining}\u0003`;
}

export const isWholeStatus = (text: string): boolean => lastStatus(text) !== null;

export function about(reply: Replies): [name: string, text: string][] {
  const status = lastStatus(reply["status"] ?? "");
  return status === null ? [] : [["state", `${wordsOf(status.letter)} (${status.letter})`]];
}

function lastStatus(text: string): Status | null {
  const [, , letter, remaining] = lastFrame(text) ?? [];
  return letter === undefined ? null : { letter, remaining: Number(remaining) };
}

const lastFrame = (text: string): RegExpMatchArray | undefined => [...text.matchAll(FRAME)].at(-1);

function metricsOf({ letter, remaining }: Status, nearEnd: NearEnd): Record<string, Value> | null {
  const error = errorOf(letter);
  if (error !== null) return { [error.metric]: true, printing: false, labels_remaining: remaining };
  const state = stateOf(letter);
  if (state === null) return null;
  const { group, sub } = state;
  return {
    ...Object.fromEntries(ERROR_METRICS.map((metric) => [metric, false])),
    [`${nearEnd}_low`]: sub === 1 || sub === 3,
    buffer_full: sub === 2 || sub === 3,
    paused: sub === 4,
    offline: group === 0 && sub !== 4,
    printing: group === 2 && sub !== 4,
    label_waiting: group === 3,
    labels_remaining: remaining,
  };
}

const errorOf = (letter: string): { metric: string; means: string } | null =>
  /[a-z]/.test(letter) ? (ERRORS[letter] ?? UNNAMED) : null;

function stateOf(letter: string): { group: number; sub: number } | null {
  const code = letter.charCodeAt(0);
  const group = GROUPS.findLastIndex(({ first }) => first.charCodeAt(0) <= code);
  const sub = code - (GROUPS[group]?.first.charCodeAt(0) ?? 0);
  return group < 0 || sub >= SUB_STATES.length ? null : { group, sub };
}

function wordsOf(letter: string): string {
  const error = errorOf(letter);
  if (error !== null) return error.means;
  const state = stateOf(letter);
  if (state === null) return "unknown";
  return [GROUPS[state.group]?.means, SUB_STATES[state.sub]].filter((text) => text !== "").join(", ");
}
