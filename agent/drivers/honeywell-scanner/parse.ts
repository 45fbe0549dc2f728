/**
 * Answers of Honeywell's scanners to menu commands (User's Guides of Xenon 1900 and Voyager 1602g, Serial Programming
 * Commands): the tag that was asked, its value, and ACK (06), ENQ (05: no such tag) or NAK (15: not this value) before
 * the command's last sign. REVINF sends lines of `name: value` first.
 *
 * What is scanned comes on the same line, in between. A scan has no frame of its own, so the answers are known by their
 * names alone, and all else is dropped before it is a reply (`keep`).
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";

/** That it answers is all that it tells of its state. */
export const METRICS: readonly string[] = [];

// biome-ignore lint/suspicious/noControlCharactersInRegex: ENQ, ACK and NAK are the answer.
const SETTING = /CBRENA[?\d]{0,4}[\x05\x06\x15][.!]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ENQ, ACK and NAK are the answer.
const REVISION_END = /REVINF[\x05\x06\x15][.!]/g;
/** Lines of REVINF, of all models seen; the value is text without control characters. */
const LINE =
  /(?<=^|[\r\n])(Product Name|Boot Revision|Software Part Number|Software Revision|Serial Number|Supported IF|PCB Assembly ID|Engine Firmware Type) {0,4}:([\x20-\x7e]{0,120})(?=[\r\n])/g;

export const isWholeSetting = (said: string): boolean => newest(said, SETTING) !== null;
export const isWholeRevision = (said: string): boolean => newest(said, REVISION_END) !== null;

export const keepSetting = (said: string): string => newest(said, SETTING) ?? "";
export const keepRevision = (said: string): string =>
  [...[...said.matchAll(LINE)].map(([line]) => `${line}\r\n`), newest(said, REVISION_END) ?? ""].join("");

export function parse(reply: DialectReply): Result<Parsed, ParseError> {
  const said = reply["setting"] ?? "";
  if (!isWholeSetting(said)) return err({ detail: `no answer to a menu query in ${said.length} bytes` });
  const asset = assetOf(reply["revision"] ?? "");
  return ok({ samples: [{ component: null, metrics: {} }], ...(asset !== null && { asset }) });
}

export function about(reply: DialectReply): readonly (readonly [string, string])[] {
  const lines = linesOf(reply["revision"] ?? "");
  return [...lines].filter(
    ([name]) => name === "Boot Revision" || name === "Software Revision" || name === "Supported IF",
  );
}

function assetOf(revision: string): Asset | null {
  const lines = linesOf(revision);
  const model = lines.get("Product Name");
  const firmware = lines.get("Software Part Number") ?? lines.get("Software Revision");
  const serial = lines.get("Serial Number");
  if (model === undefined && firmware === undefined && serial === undefined) return null;
  return {
    vendor: "Honeywell",
    ...(model !== undefined && { model }),
    ...(firmware !== undefined && { firmware }),
    ...(serial !== undefined && { serial }),
  };
}

/** Of a cordless scanner and its base, what comes first: the scanner. */
function linesOf(revision: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const [, name = "", value = ""] of revision.matchAll(LINE)) {
    const text = value.replace(/^[\s:]+/, "").trim();
    if (text !== "" && text !== "N/A" && !lines.has(name)) lines.set(name, text);
  }
  return lines;
}

function newest(said: string, pattern: RegExp): string | null {
  return [...said.matchAll(pattern)].at(-1)?.[0] ?? null;
}
