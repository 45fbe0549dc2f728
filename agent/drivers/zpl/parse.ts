/**
 * Zebra's host status (`~HS`) and identification (`~HI`), from the ZPL II Programming Guide (45541L-004, pages 171 and
 * 172) and a recording of a ZT410. Three strings, each between STX and ETX:
 *
 *   1  aaa,b,c,dddd,eee,f,g,h,iii,j,k,l      b media out, c paused, eee formats waiting, f buffer full,
 *                                            j configuration lost, k head too cold, l head too hot
 *   2  mmm,n,o,p,q,r,s,t,uuuuuuuu,v,www      o head open, p ribbon out, q thermal-transfer mode, u labels remaining
 *   3  xxxx,y                                xxxx is the printer's password: never looked at
 *
 * Bytes come over serial lines, so a string may be cut, repeated or surrounded by noise. A status is a first string
 * that is right in every field and the second one that follows it; the last such pair counts, as the newest.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset, Value } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";

const FIRST = /^\d{3},[01],[01],\d{4},\d{3},[01],[01],[01],\d{3},[01],[01],[01]$/;
/** The print mode (r) is a letter on newer firmware; widths of u and w differ between models. */
const SECOND = /^\d{3},\d,[01],[01],[01],[0-9A-Z],\d,[01],\d{1,8},\d,\d{1,4}$/;
const THIRD = /^[^,]{0,8},[01]$/;
/** Model, firmware, dots per mm, memory; newer firmware adds options. A model has a letter, and a status has none there. */
const IDENTIFICATION = /^(?=[^,]*[A-Za-z])[^,]{1,64},[^,]{1,64},\d{1,3},[^,]{1,32}(?:,[^,]{0,32})*$/;

const STX = "\u0002";
const ETX = "\u0003";

export const METRICS = [
  "media_out",
  "paused",
  "formats_waiting",
  "buffer_full",
  "config_lost",
  "head_under_temperature",
  "head_over_temperature",
  "head_open",
  "ribbon_out",
  "labels_remaining",
  "printing",
] as const;

export function parse(reply: DialectReply): Result<Parsed, ParseError> {
  const said = reply["hostStatus"] ?? "";
  const status = lastStatus(said);
  if (status === null) {
    return err({ detail: `no host status in ${said.length} bytes (${framesOf(said).length} framed strings)` });
  }
  const asset = identificationOf(reply["hostIdentification"] ?? "");
  return ok({
    samples: [{ component: null, metrics: metricsOf(status.first, status.second) }],
    ...(asset !== null && { asset }),
  });
}

/** Are all three strings there? What tells the line to stop waiting. */
export function isWholeStatus(text: string): boolean {
  const third = lastStatus(text)?.after.find((frame) => THIRD.test(frame));
  return third !== undefined;
}

export const isWholeIdentification = (text: string): boolean => identificationOf(text) !== null;

type Status = { readonly first: readonly string[]; readonly second: readonly string[]; readonly after: string[] };

function lastStatus(text: string): Status | null {
  let first: string | null = null;
  let found: Status | null = null;
  for (const frame of framesOf(text)) {
    if (first !== null && SECOND.test(frame)) {
      found = { first: first.split(","), second: frame.split(","), after: [] };
    } else {
      found?.after.push(frame);
    }
    first = FIRST.test(frame) ? frame : null;
  }
  return found;
}

function identificationOf(text: string): Asset | null {
  const frame = framesOf(text).findLast((candidate) => IDENTIFICATION.test(candidate));
  if (frame === undefined) return null;
  const [model = "", firmware = ""] = frame.split(",");
  return { model: model.trim(), firmware: firmware.trim() };
}

/** Text between STX and ETX. A new STX begins anew, so that a string cut short can't eat the next one. */
function framesOf(text: string): string[] {
  return text
    .split(STX)
    .slice(1)
    .filter((piece) => piece.includes(ETX))
    .map((piece) => piece.slice(0, piece.indexOf(ETX)).trim());
}

function metricsOf(first: readonly string[], second: readonly string[]): Record<string, Value> {
  const mediaOut = first[1] === "1";
  const paused = first[2] === "1";
  const headOpen = second[2] === "1";
  const ribbonOut = second[3] === "1";
  const usesRibbon = second[4] === "1";
  const formatsWaiting = Number(first[4]);
  const labelsRemaining = Number(second[8]);
  const stopped = mediaOut || paused || headOpen || (usesRibbon && ribbonOut);
  return {
    media_out: mediaOut,
    paused,
    formats_waiting: formatsWaiting,
    buffer_full: first[5] === "1",
    config_lost: first[9] === "1",
    head_under_temperature: first[10] === "1",
    head_over_temperature: first[11] === "1",
    head_open: headOpen,
    // A direct-thermal printer reports the ribbon sensor all the same, and has no ribbon to run out.
    ...(usesRibbon && { ribbon_out: ribbonOut }),
    labels_remaining: labelsRemaining,
    printing: !stopped && (formatsWaiting > 0 || labelsRemaining > 0),
  };
}
