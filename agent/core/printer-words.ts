/**
 * What kind of printer it is, and which of our drivers speaks its language, by its own words: the languages of its IEEE
 * 1284 device id (CMD), its model, what a print queue calls make and model. Words that only one kind has decide; a word
 * that office printers have as well (`thermal`, `ESC/P`) does not. Pure.
 */
import type { Kind } from "@aislewatch/devices";

export type PrinterKind = Extract<Kind, "receipt_printer" | "label_printer" | "office_printer">;

export type PrinterSeen = {
  readonly kind: PrinterKind;
  /** Of a language that we have; null: its languages have no questions about its state, or are not told. */
  readonly driver: string | null;
  /** The word that told it, as it stood. */
  readonly by: string;
};

/** Looked at in this order: printers that emulate others name their own language first, and PCL last. */
const LANGUAGES: readonly (readonly [RegExp, PrinterKind, string | null])[] = [
  [/^(?:ZPL|XML-ZPL|ZPLII)/i, "label_printer", "zpl"],
  [/^TSPL|^TSC/i, "label_printer", "tspl"],
  [/^(?:EPL|ELTRON)/i, "label_printer", "epl"],
  [/^(?:DPL|DATAMAX)/i, "label_printer", "dpl"],
  [/^SBPL/i, "label_printer", "sbpl"],
  [/^(?:CPCL|IPL|JScript|P-touch)/i, "label_printer", null],
  [/^(?:ESC\/?POS|EPSON(?: |_)?POS|EPOS)/i, "receipt_printer", "escpos"],
  [/^(?:STAR|STARPRNT|STARLINE)/i, "receipt_printer", "star"],
  [/^(?:PCL|PJL|PS\b|POSTSCRIPT|PWG|URF|ESCPL2|ESCPR|UFR|BRPCL|HBP|GDI|PDF|ACL|PCLm)/i, "office_printer", null],
];

/** Of makers that make several kinds, the models; vendors' names alone tell it only of those that make one kind. */
const MODELS: readonly (readonly [RegExp, PrinterKind, string | null])[] = [
  [/\b(?:zebra|ZTC|ZD\d{3}|ZT\d{3}|GK420|GX4\d0|zpl)\b/i, "label_printer", "zpl"],
  [/\b(?:epl2?)\b/i, "label_printer", "epl"],
  [/\b(?:TSC|TTP-\d+|TDP-\d+)\b/i, "label_printer", "tspl"],
  [/\b(?:SATO|CL4NX|WS4\d\d)\b/i, "label_printer", "sbpl"],
  [/\b(?:datamax|honeywell PC4\d)/i, "label_printer", "dpl"],
  [
    /\b(?:label ?writer|QL-\d{3,4}\w*|godex|intermec|cab (?:squix|mach|eos)\w*|labels?|etiketten?)\b/i,
    "label_printer",
    null,
  ],
  [/\b(?:TM-[A-Z]\d+\w*|SRP-\d+\w*|CT-[SDE]\d+\w*)/i, "receipt_printer", "escpos"],
  [/\b(?:TSP-?\d{3}\w*|SP[57]\d\d\w*|mC-Print\d?)\b/i, "receipt_printer", "star"],
  [/\b(?:receipts?|POS-?(?:58|80)\w*|VKP\d+\w*|bons?|kassenbon)\b/i, "receipt_printer", null],
  [
    /\b(?:laserjet|officejet|deskjet|ecosys|bizhub|imagerunner|workcentre|versalink|phaser|aficio|MFC-?\w+|HL-?L?\d+\w*|DCP-?\w+|ET-\d{4}|XP-\d{3,4}|workforce|IPP everywhere|driverless)\b/i,
    "office_printer",
    null,
  ],
];

const WORDS_CHARS_MAX = 512;

/** By its languages first, then by each text in turn. Null: nothing of it tells. */
export function printerSeen(languages: readonly string[], texts: readonly string[]): PrinterSeen | null {
  const spoken = firstOf(LANGUAGES, languages);
  const named = firstOf(MODELS, texts);
  if (spoken === null) return named;
  // A language that two kinds speak: `ESC/POS` of a label printer with an emulation, `PCL` of anything.
  return spoken.kind === "office_printer" && named !== null ? named : spoken;
}

function firstOf(table: typeof LANGUAGES, texts: readonly string[]): PrinterSeen | null {
  for (const [pattern, kind, driver] of table) {
    for (const text of texts) {
      const [by] = pattern.exec(text.slice(0, WORDS_CHARS_MAX)) ?? [];
      if (by !== undefined) return { kind, driver, by: by.trim() };
    }
  }
  return null;
}
