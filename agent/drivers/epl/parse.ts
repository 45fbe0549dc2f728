/**
 * Status of an EPL printer (Eltron, Zebra's EPL2 models, Intermec ESim), the reply to `^ee` (ESim v4.20 Programmer's
 * Reference, page 125 and appendix A; EPL Programming Guide 14245L): codes of two digits, one or more.
 *
 *   00 CR LF            no error            11 CR LF            one error            07,11 CR LF            several
 *
 * What a code means is the same in both families as far as they have it. Some printers list all that is wrong and some
 * only the first: in an error nothing is known of the others.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Parsed, ParseError } from "../driver.ts";
import type { Replies } from "../request.ts";

/**
 * Two digits and a line end are little structure. More digits than come in pairs are no report: which of them are the
 * code nobody can tell, and the next poll asks again.
 */
const CODES = /(?<![\d,])(\d\d(?:,\d\d){0,15})\r\n/g;

type Code = { readonly means: string; readonly metric?: string };

/** Codes without a metric blame the job that was sent, not the printer. */
const MEANINGS: Readonly<Record<string, Code>> = {
  "00": { means: "no error" },
  "01": { means: "syntax error" },
  "02": { means: "object exceeds the label's border" },
  "03": { means: "data length error" },
  "04": { means: "not enough memory for the data" },
  "05": { means: "memory configuration error" },
  "06": { means: "serial interface error" },
  // One code for both; most EPL printers are direct thermal and have no ribbon.
  "07": { means: "media or ribbon used up", metric: "media_out" },
  "08": { means: "form or image of this name is there already" },
  "09": { means: "name not found" },
  "10": { means: "not in data-entry mode" },
  "11": { means: "print head open", metric: "head_open" },
  "12": { means: "paused", metric: "paused" },
  "50": { means: "does not fit in the area" },
  "51": { means: "data too long" },
  "62": { means: "print head too hot", metric: "head_over_temperature" },
  "81": { means: "cutter jammed or not installed", metric: "cutter_fault" },
  "89": { means: "dump mode", metric: "diagnostics_mode" },
  "92": { means: "paused", metric: "paused" },
  "99": { means: "other error", metric: "recoverable_error" },
};

/** A code that only some model has: an error all the same. */
const UNNAMED: Code = { means: "error of its own kind", metric: "recoverable_error" };

export const METRICS: readonly string[] = [
  ...new Set(Object.values(MEANINGS).flatMap(({ metric }) => (metric === undefined ? [] : [metric]))),
];

export function parse(reply: Replies): Result<Parsed, ParseError> {
  const said = reply["errors"] ?? "";
  const codes = lastCodes(said);
  if (codes === null) return err({ detail: `no error report in ${said.length} bytes` });
  const found = codes.flatMap((code) => (MEANINGS[code] ?? UNNAMED).metric ?? []);
  const metrics: Record<string, boolean> = Object.fromEntries(
    (found.length > 0 ? found : METRICS).map((metric) => [metric, found.includes(metric)]),
  );
  return ok({ samples: [{ component: null, metrics }] });
}

export const isWholeReport = (text: string): boolean => lastCodes(text) !== null;

export function about(reply: Replies): [name: string, text: string][] {
  const codes = lastCodes(reply["errors"] ?? "");
  if (codes === null) return [];
  return [["error report", codes.map((code) => `${code} ${(MEANINGS[code] ?? UNNAMED).means}`).join(", ")]];
}

const lastCodes = (text: string): string[] | null => [...text.matchAll(CODES)].at(-1)?.[1]?.split(",") ?? null;
