/**
 * Answers of Datalogic's scanners to `h` and `i` (knowledge base KA-01506; PowerScan reference, appendix E): items that
 * begin with a letter, a line each, and on newer models all of them within SOH STX … ETX EOT.
 *
 *   h:  m motor, h horizontal laser, v vertical laser, s scale …   OK, FAIL or NA
 *   i:  M model, S serial number, R application revision …
 *
 * What is scanned comes on the same line. Within a frame all items are the scanner's; without one only what can't be a
 * scan is kept: of `h` lines that say nothing else than OK, FAIL or NA, and of `i` the three items that are used, when
 * each came once. A code that begins with one of these letters makes two, and then none of them counts.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";

export const METRICS = ["hardware_fault"] as const;

const SOH = "\u0001";
const EOT = "\u0004";
// biome-ignore lint/suspicious/noControlCharactersInRegex: SOH STX … ETX EOT.
const FRAME = /\x01\x02([^\x01\x02\x04]{1,2000})\x03\x04/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what may stand between two items.
const BETWEEN = /[\0-\x1f]+/;
const HEALTH = /^[A-Za-z] ?(?:OK|FAIL|NA)$/;
const IDENTITY = /^[MSR][\x20-\x7e]{1,64}$/;
const PARTS: Readonly<Record<string, string>> = {
  m: "motor",
  h: "horizontal laser",
  v: "vertical laser",
  s: "scale",
};

export const isWholeFrame = (said: string): boolean => said.search(FRAME) >= 0;

export const keepHealth = (said: string): string => framed(itemsOf(said).filter((item) => HEALTH.test(item)));

export function keepIdentity(said: string): string {
  const items = itemsOf(said).filter((item) => IDENTITY.test(item));
  return framed(items.filter((item) => items.filter((other) => other[0] === item[0]).length === 1));
}

/** One form for both: a reply that was kept reads as the newer models' own. */
const framed = (items: readonly string[]): string =>
  items.length === 0 ? "" : `${SOH}\u0002${items.join("\r")}\u0003${EOT}`;

function itemsOf(said: string): readonly string[] {
  const frame = [...said.matchAll(FRAME)].at(-1)?.[1];
  return (frame ?? said).split(BETWEEN).filter((item) => item !== "");
}

export function parse(reply: DialectReply): Result<Parsed, ParseError> {
  const health = itemsOf(reply["health"] ?? "").filter((item) => HEALTH.test(item));
  const asset = assetOf(reply["identity"] ?? "");
  if (health.length === 0 && asset === null) return err({ detail: "no item of health or identity came" });
  const judged = health.filter((item) => !item.endsWith("NA"));
  const failed = judged.filter((item) => item.endsWith("FAIL"));
  return ok({
    samples: [{ component: null, metrics: judged.length === 0 ? {} : { hardware_fault: failed.length > 0 } }],
    ...(asset !== null && { asset }),
    ...(failed.length > 0 && {
      evidence: [
        {
          component: null,
          metric: "hardware_fault",
          by: ["h"],
          against: [],
          quotes: { h: failed.map((item) => partOf(item)).join(", ") },
        },
      ],
    }),
  });
}

export const about = (reply: DialectReply): readonly (readonly [string, string])[] =>
  itemsOf(reply["health"] ?? "")
    .filter((item) => HEALTH.test(item))
    .map((item) => [partOf(item), item.slice(1).trim()]);

const partOf = (item: string): string => PARTS[item.charAt(0)] ?? `part "${item.charAt(0)}"`;

function assetOf(identity: string): Asset | null {
  const items = new Map(itemsOf(identity).map((item) => [item.charAt(0), item.slice(1).trim()]));
  const [model, serial, firmware] = [items.get("M"), items.get("S"), items.get("R")];
  if (!model && !serial && !firmware) return null;
  return { vendor: "Datalogic", ...(model && { model }), ...(firmware && { firmware }), ...(serial && { serial }) };
}
