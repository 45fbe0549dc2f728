/**
 * Zebra's error status, the reply to `~HQES` (ZPL II and Link-OS Programming Guides, ~HQ): errors and warnings as bits
 * of a number of 16 hexadecimal digits, of which the last eight are group 1. Printers that stay mute on `~HS` in an
 * error state answer this. Clones print it with warnings that are always 0.
 *
 *   STX CR LF  PRINTER STATUS  ERRORS: 1 00000000 00010003  WARNINGS: 0 00000000 00000000  ETX
 */
import type { Witness } from "../witness.ts";

type Bit = {
  readonly mask: number;
  readonly means: string;
  /** Null: a state of a kiosk's paper path that is as good as its opposite. */
  readonly metric: string | null;
};

const ERRORS: readonly Bit[] = [
  { mask: 0x1, means: "media out", metric: "media_out" },
  { mask: 0x2, means: "ribbon out", metric: "ribbon_out" },
  { mask: 0x4, means: "head open", metric: "head_open" },
  { mask: 0x8, means: "cutter fault", metric: "cutter_fault" },
  { mask: 0x10, means: "print head too hot", metric: "head_over_temperature" },
  { mask: 0x20, means: "motor too hot", metric: "motor_over_temperature" },
  { mask: 0x40, means: "bad print-head element", metric: "head_fault" },
  { mask: 0x80, means: "print head not detected", metric: "head_fault" },
  { mask: 0x100, means: "invalid firmware configuration", metric: "hardware_fault" },
  { mask: 0x200, means: "print-head thermistor open", metric: "head_fault" },
  { mask: 0x1000, means: "paper jam during retract", metric: "jammed" },
  { mask: 0x2000, means: "presenter not running", metric: "hardware_fault" },
  { mask: 0x4000, means: "paper feed error", metric: "jammed" },
  { mask: 0x8000, means: "paper path could not be cleared", metric: "jammed" },
  { mask: 0x1_0000, means: "paused", metric: "paused" },
  { mask: 0x2_0000, means: "retract timed out", metric: "recoverable_error" },
  { mask: 0x4_0000, means: "black mark not calibrated", metric: "media_fault" },
  { mask: 0x8_0000, means: "black mark not found", metric: "media_fault" },
];

const WARNINGS: readonly Bit[] = [
  { mask: 0x1, means: "media needs calibration", metric: "media_fault" },
  { mask: 0x2, means: "print head to be cleaned", metric: "head_cleaning_due" },
  { mask: 0x4, means: "print head to be replaced", metric: "head_replacement_due" },
  { mask: 0x8, means: "paper near its end", metric: "media_low" },
  { mask: 0x10, means: "paper before the head", metric: null },
  { mask: 0x20, means: "black mark seen", metric: null },
  { mask: 0x40, means: "paper after the head", metric: null },
  { mask: 0x80, means: "loop ready", metric: null },
  { mask: 0x100, means: "presenter", metric: null },
  { mask: 0x200, means: "retract ready", metric: null },
  { mask: 0x400, means: "in retract", metric: null },
  { mask: 0x800, means: "at bin", metric: null },
];

export const ERROR_METRICS: readonly string[] = [
  ...new Set([...ERRORS, ...WARNINGS].flatMap(({ metric }) => (metric === null ? [] : [metric]))),
];

/** How many spaces stand between the fields differs between models; more than a line of them is no status. */
const STATUS =
  /ERRORS:\s{0,80}[01]\s{1,8}([\dA-F]{8})\s{0,8}([\dA-F]{8})\s{1,160}WARNINGS:\s{0,80}[01]\s{1,8}([\dA-F]{8})\s{0,8}([\dA-F]{8})(?![\dA-F])/gi;

export type ErrorStatus = { readonly errors: number; readonly warnings: number; readonly others: string | null };

/** The newest status in these bytes; null when there is none. */
export function lastErrorStatus(text: string): ErrorStatus | null {
  const found = [...text.matchAll(STATUS)].at(-1);
  if (found === undefined) return null;
  const [, errors2 = "", errors1 = "", warnings2 = "", warnings1 = ""] = found;
  // Zebra names no bit of group 2 so far.
  const others = Number.parseInt(errors2 + warnings2, 16) === 0 ? null : `errors ${errors2}, warnings ${warnings2}`;
  return { errors: Number.parseInt(errors1, 16), warnings: Number.parseInt(warnings1, 16), others };
}

export const isWholeErrorStatus = (text: string): boolean => lastErrorStatus(text) !== null;

/** `knowsRibbon` is false of a printer that is known to have none. */
export function errorWitness(status: ErrorStatus, knowsRibbon: boolean): Witness {
  const set = [...bitsOf(status.errors, ERRORS), ...bitsOf(status.warnings, WARNINGS)];
  const metrics = ERROR_METRICS.filter((metric) => knowsRibbon || metric !== "ribbon_out");
  const meant = (metric: string): string[] => set.filter((bit) => bit.metric === metric).map(({ means }) => means);
  return {
    name: "~HQES",
    says: Object.fromEntries(metrics.map((metric) => [metric, meant(metric).length > 0])),
    quotes: Object.fromEntries(
      metrics.filter((metric) => meant(metric).length > 0).map((metric) => [metric, meant(metric).join(", ")]),
    ),
  };
}

/** All that is set, in words; bits without a name as a number. */
export function errorWords({ errors, warnings, others }: ErrorStatus): [name: string, text: string][] {
  const said: [string, string][] = [
    ["errors", wordsOf(errors, ERRORS)],
    ["warnings", wordsOf(warnings, WARNINGS)],
    ["further bits", others ?? ""],
  ];
  return said.filter(([, text]) => text !== "");
}

function wordsOf(number: number, table: readonly Bit[]): string {
  const named = table.reduce((all, { mask }) => all | mask, 0);
  const unnamed = (number & ~named) >>> 0;
  const words = bitsOf(number, table).map(({ means }) => means);
  return [...words, ...(unnamed === 0 ? [] : [`0x${unnamed.toString(16)}`])].join(", ");
}

const bitsOf = (number: number, table: readonly Bit[]): Bit[] => table.filter(({ mask }) => (number & mask) !== 0);
