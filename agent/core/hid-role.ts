/**
 * What a HID device is by its own descriptor, and what of it may be looked at. Pure, and the only place that decides.
 *
 * **Never opened**: whatever types (keyboards, and scanners that pass for one), magnetic stripe readers, and what can't be
 * understood. What is typed is what customers bring, or a cashier's password.
 *
 * **Of a scanner nothing is listened to**: a listener gets what is scanned. It is asked for single reports, and only for
 * those in which every field is a state that is known here.
 */
import { type HidDescriptor, type HidField, reportBytes, type Usage } from "./hid-report.ts";

/** Usage pages: HID Usage Tables 1.5; Point of Sale Usage Tables 1.02; Usage Tables for HID Power Devices 1.1. */
export const PAGE = {
  genericDesktop: 0x01,
  keyboard: 0x07,
  genericDevice: 0x06,
  power: 0x84,
  battery: 0x85,
  scanner: 0x8c,
  scale: 0x8d,
  magneticStripe: 0x8e,
} as const;

export const pageOf = (usage: Usage): number => Math.floor(usage / 0x10000);
export const usageOf = (page: number, id: number): Usage => page * 0x10000 + id;

export type HidKind = "scale" | "scanner" | "ups";

export type HidRole =
  | { readonly kind: HidKind; readonly refused: null }
  /** `refused` is for people. */
  | { readonly kind: null; readonly refused: string; readonly because: "cards" | "types" | "unknown" };

const KINDS: Readonly<Record<number, HidKind>> = {
  [PAGE.scale]: "scale",
  [PAGE.scanner]: "scanner",
  [PAGE.power]: "ups",
};

/** Keyboard and keypad, as collections: they need not name a key. */
const TYPING: ReadonlySet<Usage> = new Set([usageOf(PAGE.genericDesktop, 0x06), usageOf(PAGE.genericDesktop, 0x07)]);

type Because = Extract<HidRole, { readonly kind: null }>["because"];
const refuse = (refused: string, because: Because = "unknown"): HidRole => ({ kind: null, refused, because });

export function hidRole({ usages, applications }: HidDescriptor): HidRole {
  for (const usage of usages) {
    const page = pageOf(usage);
    if (page === PAGE.magneticStripe) return refuse("it reads magnetic stripes", "cards");
    if (page === PAGE.keyboard || TYPING.has(usage)) return refuse("it types, like a keyboard", "types");
  }
  const kinds = new Set(applications.flatMap((usage) => KINDS[pageOf(usage)] ?? []));
  const [kind, another] = kinds;
  if (kind === undefined) return refuse("it is no scale, scanner or UPS by its own word");
  return another === undefined ? { kind, refused: null } : refuse("it is several things at once");
}

/** States of a scanner: in its cradle, in range; its battery. Nothing that was scanned, and no text. */
const SCANNER_STATES: ReadonlySet<Usage> = new Set([
  usageOf(PAGE.scanner, 0x75),
  usageOf(PAGE.scanner, 0x76),
  usageOf(PAGE.genericDevice, 0x20),
  usageOf(PAGE.battery, 0x44),
  usageOf(PAGE.battery, 0x66),
  usageOf(PAGE.battery, 0x6b),
]);

export type ReportName = { readonly report: "input" | "feature"; readonly reportId: number; readonly bytes: number };

/** More reports than any UPS has; each is a question of a millisecond or, from a slow one, of 50. */
const ASKS_MAX = 24;
/** What is behind a report's byte: UPSs have texts and tables as well, which tell no state. */
const BYTES_MAX = 64;

/** The reports that tell a device's state, in the order of their numbers; input reports after what is only kept. */
export function stateReports(descriptor: HidDescriptor, kind: HidKind): readonly ReportName[] {
  const found: ReportName[] = [];
  for (const report of ["feature", "input"] as const) {
    const fields = descriptor.fields.filter((field) => field.report === report);
    const ids = [...new Set(fields.map(({ reportId }) => reportId))].sort((a, b) => a - b);
    for (const reportId of ids) {
      const bytes = reportBytes(descriptor, report, reportId);
      const own = fields.filter((field) => field.reportId === reportId && !field.isConstant);
      if (bytes <= BYTES_MAX && tellsState(own, kind)) found.push({ report, reportId, bytes });
    }
  }
  return found.slice(0, ASKS_MAX);
}

function tellsState(fields: readonly HidField[], kind: HidKind): boolean {
  const usages = fields.flatMap((field) => field.usages);
  switch (kind) {
    case "scanner":
      return usages.length > 0 && fields.every((one) => one.usages.length > 0 && one.usages.every(isScannerState));
    case "scale":
      return usages.some((usage) => pageOf(usage) === PAGE.scale && isScaleStatus(usage));
    case "ups":
      return usages.some((usage) => pageOf(usage) === PAGE.power || pageOf(usage) === PAGE.battery);
  }
}

const isScannerState = (usage: Usage): boolean => SCANNER_STATES.has(usage);
const isScaleStatus = (usage: Usage): boolean => usage % 0x10000 >= 0x71 && usage % 0x10000 <= 0x78;
