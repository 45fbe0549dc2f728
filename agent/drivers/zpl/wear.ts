/**
 * How far a Zebra printer has come: odometers, the life of its head, its maintenance intervals. By `~HQ` in the unit that
 * the printer is set to, and by SGD variables, `"313247 INCHES, 795649 CENTIMETERS"`; `"?"` is a variable that the
 * model does not have. All lengths in metres.
 */
import type { Asset, Value } from "@aislewatch/contract";
import type { Replies } from "../request.ts";

const METERS: Readonly<Record<string, number>> = {
  '"': 0.0254,
  IN: 0.0254,
  INCHES: 0.0254,
  CM: 0.01,
  CENTIMETERS: 0.01,
  M: 1,
  METERS: 1,
  KM: 1000,
};
const LENGTH = String.raw`\s{0,60}(\d{1,10})\s{0,8}("|INCHES|IN|CENTIMETERS|CM|METERS|KM|M)(?![A-Z])`;
const labelled = (label: string): RegExp => new RegExp(`${label}:${LENGTH}`, "i");

const TOTAL = labelled("TOTAL NONRESETTABLE");
const CLEANED = labelled("LAST CLEANED");
/** The first row of the history is the head that is in. */
const HEAD_NOW = labelled(String.raw`\s1`);
const REPLACE_AFTER = labelled("HEAD REPLACEMENT INTERVAL");
const CLEAN_AFTER = labelled("HEAD CLEANING INTERVAL");
const CENTIMETERS = /^\d{1,10} INCHES, (\d{1,10}) CENTIMETERS$/i;
const UPTIME = /^(\d{1,5}) days (\d{1,2}) hours (\d{1,2}) mins (\d{1,2}) secs$/i;
/** Failed, by hand or by itself, first and last element tested, how many failed. */
const HEAD_TEST = /HEAD TEST RESULTS\s{1,60}[01],[AM],(\d{4}),(\d{4}),(\d{4})(?!\d)/;
const SERIAL = /SERIAL NUMBER\s{1,60}([\w-]{4,32})\s/;
const HEAD_CELSIUS = /Head Temp = (-?\d{1,3})\s/;

/** What ends each reply of the `~HQ` kind, so that the line stops waiting for it. */
export const isWholeOdometer = (text: string): boolean => TOTAL.test(text) && text.includes("\u0003");
export const isWholeHeadLife = (text: string): boolean => CLEANED.test(text) && text.includes("\u0003");
export const isWholeMaintenance = (text: string): boolean => CLEAN_AFTER.test(text) && text.includes("\u0003");
export const isWholeHeadTest = (text: string): boolean => HEAD_TEST.test(text);
export const isWholeSerialNumber = (text: string): boolean => SERIAL.test(text);
export const isWholeDiagnostics = (text: string): boolean => HEAD_CELSIUS.test(text) && text.includes("\u0003");
/** A variable's reply has no end but its second quotation mark. */
export const isWholeVariable = (text: string): boolean => /"[^"]{0,256}"/.test(text);

export const WEAR_METRICS = [
  "printed_length_meters_total",
  "labels_printed_total",
  "head_used_length_meters",
  "head_cleaned_length_meters",
  "head_replacement_interval_meters",
  "head_cleaning_interval_meters",
  "head_failed_elements",
  "head_temperature_celsius",
  "uptime_seconds",
  "battery_charge_percent",
] as const;

/** What could not be read is not there. */
export function wearOf(reply: Replies): Record<string, Value> {
  const found: Record<(typeof WEAR_METRICS)[number], number | null> = {
    printed_length_meters_total: length(reply["odometer"], TOTAL) ?? centimeters(reply["totalLength"]),
    labels_printed_total: numberIn(reply["labelCount"], /^(\d{1,10})$/),
    head_used_length_meters: length(reply["headLife"], HEAD_NOW) ?? centimeters(reply["headNew"]),
    head_cleaned_length_meters: length(reply["headLife"], CLEANED) ?? centimeters(reply["headClean"]),
    // An interval of 0 is one that nobody has set.
    head_replacement_interval_meters: length(reply["maintenance"], REPLACE_AFTER) || null,
    head_cleaning_interval_meters: length(reply["maintenance"], CLEAN_AFTER) || null,
    head_failed_elements: failedElements(reply["headTest"]),
    head_temperature_celsius: number(HEAD_CELSIUS.exec(reply["diagnostics"] ?? "")?.[1]),
    uptime_seconds: uptime(reply["uptime"]),
    // "43", and "43% Full" of older mobile printers.
    battery_charge_percent: percent(reply["batteryPercent"]),
  };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, number] => entry[1] !== null));
}

export function serialOf(reply: Replies): Pick<Asset, "serial"> {
  const variable = quotedIn(reply["uniqueId"] ?? "") ?? "";
  const serial = SERIAL.exec(reply["serialNumber"] ?? "")?.[1] ?? /^[\w-]{4,32}$/.exec(variable)?.[0];
  return serial === undefined ? {} : { serial };
}

type Said = string | null | undefined;

function length(said: Said, pattern: RegExp): number | null {
  const [, digits, unit = ""] = pattern.exec(said ?? "") ?? [];
  const meters = METERS[unit.toUpperCase()];
  // To the millimetre: 0.1 inch more or less is not what an odometer is about, and 7956.499199999999 is not nice to read.
  return digits === undefined || meters === undefined ? null : Math.round(Number(digits) * meters * 1_000) / 1_000;
}

function centimeters(said: Said): number | null {
  const found = numberIn(said, CENTIMETERS);
  return found === null ? null : found / 100;
}

/** No test was run while its first and last element are the same. */
function failedElements(said: Said): number | null {
  const [, first, last, failed] = HEAD_TEST.exec(said ?? "") ?? [];
  return first === last ? null : number(failed);
}

function uptime(said: Said): number | null {
  const [, days, hours, minutes, seconds] = UPTIME.exec(quotedIn(said ?? "") ?? "") ?? [];
  if (days === undefined) return null;
  return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

function percent(said: Said): number | null {
  const found = numberIn(said, /^\s{0,4}(\d{1,3})\s{0,2}(?:%.{0,16})?$/);
  return found !== null && found <= 100 ? found : null;
}

const numberIn = (said: Said, pattern: RegExp): number | null => number(pattern.exec(quotedIn(said ?? "") ?? "")?.[1]);
const number = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits));

/** The newest whole value in quotation marks; null for none, and for a variable that the printer does not have. */
function quotedIn(said: string): string | null {
  const value = [...said.matchAll(/"([^"]{0,256})"/g)].at(-1)?.[1];
  return value === undefined || value === "?" ? null : value;
}
