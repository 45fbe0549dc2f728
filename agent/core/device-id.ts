/**
 * The IEEE 1284 device id of a printer: what it calls itself and which languages it speaks. `KEY:value;` pairs, keys in
 * a long and a short form (IEEE 1284-2000, 7.6), values of languages separated by commas. Read from a printer it begins
 * with its length in two bytes, high byte first, the two included; many printers count wrongly, some swap the bytes, so
 * the length only ever cuts what comes behind it. Linux's `ieee1284_id` comes without. Pure.
 */
export type DeviceId = {
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly description: string | null;
  /** As the printer names them: `ZPL`, `ESC/POS`, `EPL2`. */
  readonly languages: readonly string[];
};

/** The kernel's usblp asks for at most 1023 bytes. */
const CHARACTERS_MAX = 1_023;
const KEYS_MAX = 64;
const LANGUAGES_MAX = 32;
const LENGTH_BYTES = 2;

/** `text` holds one character a byte. Null: there is no pair in it that says who it is. */
export function readDeviceId(text: string): DeviceId | null {
  const values = readPairs(withoutLength(text).slice(0, CHARACTERS_MAX));
  const first = (...keys: readonly string[]): string | null =>
    keys.map((key) => values.get(key)).find((value) => value !== undefined && value !== "") ?? null;
  const languages = (first("CMD", "COMMAND SET") ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const id: DeviceId = {
    manufacturer: first("MFG", "MANUFACTURER", "MFR"),
    model: first("MDL", "MODEL"),
    serial: first("SN", "SERN", "SERIALNUMBER", "SERIAL NUMBER", "SER"),
    description: first("DES", "DESCRIPTION"),
    languages: languages.slice(0, LANGUAGES_MAX),
  };
  const isEmpty = id.manufacturer === null && id.model === null && id.serial === null && id.description === null;
  return isEmpty && id.languages.length === 0 ? null : id;
}

/** Keys are letters: a first byte below the space is the length's. */
function withoutLength(text: string): string {
  if (!(text.charCodeAt(0) < 0x20)) return text;
  const length = text.charCodeAt(0) * 256 + text.charCodeAt(1);
  const swapped = text.charCodeAt(1) * 256 + text.charCodeAt(0);
  const fitting = [length, swapped].find((end) => end > LENGTH_BYTES && end <= text.length);
  return text.slice(LENGTH_BYTES, fitting ?? text.length);
}

/** The first of two equal keys counts. A value may hold colons: `DES:ZDesigner: 203 dpi`. */
function readPairs(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of text.split(";")) {
    const colon = pair.indexOf(":");
    if (colon < 1 || values.size >= KEYS_MAX) continue;
    const key = clean(pair.slice(0, colon)).toUpperCase();
    if (!values.has(key)) values.set(key, clean(pair.slice(colon + 1)));
  }
  return values;
}

const clean = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\uFFFD]/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
