/**
 * Status of a Datamax or Honeywell printer, from the immediate commands of DPL (Class Series 2 Programmer's Manual, pages
 * 12 to 15; E-Class Mark III; the bits of the extended status also as Honeywell's own SDK has them). Each letter is Y or N:
 *
 *   SOH A   abcdefgh CR                      a imaging, b paper out or fault, c ribbon out or fault, d printing a batch,
 *                                            e printing, f paused, g label presented, h rewinder out or fault
 *   SOH a   abcdefgh:ijklmnop:qrstuvwx CR    i cutter, j paper out, k ribbon saver, l head up, m top of form, n ribbon
 *                                            low, q ready, r waits for a signal, s waits for data
 *   SOH E   nnnn CR or nnnnn CR              labels that remain of the batch; 9999 is "for ever"
 *
 * The extended status may have grown by a group in newer firmware; older has two.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { Parsed, ParseError } from "../driver.ts";
import type { Replies } from "../request.ts";

/**
 * There is no mark where a status begins, so it is read back from its end: what was cut short before it does no harm,
 * unless it was cut right after a colon, where nobody could tell.
 */
const BASIC = /(?<!:)([YN]{8})\r/g;
const EXTENDED = /([YN]{8}(?::[YN]{8}){1,6})\r/g;
const REMAINING = /(?<!\d)(\d{4,5})\r/;
const FOR_EVER = "9999";

export const METRICS = [
  "media_out",
  "media_fault",
  "ribbon_out",
  "ribbon_fault",
  "ribbon_low",
  "head_open",
  "cutter_fault",
  "rewinder_fault",
  "paused",
  "printing",
  "label_waiting",
  "labels_remaining",
] as const;

export function parse(reply: Replies): Result<Parsed, ParseError> {
  const said = `${reply["extendedStatus"] ?? ""}${reply["status"] ?? ""}`;
  const flags = newest(said, EXTENDED) ?? newest(said, BASIC);
  if (flags === null) return err({ detail: `no status in ${said.length} bytes` });
  const is = (letter: string): boolean => flags[letter.charCodeAt(0) - "a".charCodeAt(0)] === "Y";
  const isExtended = flags.length > 8;
  const remaining = REMAINING.exec(reply["labelsRemaining"] ?? "")?.[1];
  const metrics: Record<string, Value> = {
    paused: is("f"),
    printing: is("d") || is("e"),
    label_waiting: is("g"),
    rewinder_fault: is("h"),
    ...(isExtended ? extendedMetrics(is) : { media_out: is("b"), ribbon_out: is("c") }),
    ...(remaining !== undefined && remaining !== FOR_EVER && { labels_remaining: Number(remaining) }),
  };
  return ok({ samples: [{ component: null, metrics }] });
}

export const isWholeStatus = (text: string): boolean => newest(text, BASIC) !== null;
export const isWholeExtendedStatus = (text: string): boolean => newest(text, EXTENDED) !== null;
export const isWholeRemaining = (text: string): boolean => REMAINING.test(text);

/** `b` and `c` are "out or fault"; the extended letters tell which, and a lifted head may set either. */
function extendedMetrics(is: (letter: string) => boolean): Record<string, Value> {
  return {
    media_out: is("j"),
    media_fault: is("m") || (is("b") && !is("j") && !is("l")),
    ribbon_out: is("c") && !is("k") && !is("l"),
    ribbon_fault: is("k"),
    ribbon_low: is("n"),
    head_open: is("l"),
    cutter_fault: is("i"),
  };
}

/** The letters of the newest status without the colons. */
const newest = (text: string, pattern: RegExp): string | null =>
  [...text.matchAll(pattern)].at(-1)?.[1]?.replaceAll(":", "") ?? null;
