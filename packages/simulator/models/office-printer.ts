/** A colour laser printer of the back office over Printer-MIB: trays, toners, covers, the alert table, error bits. */
import { counter32, integer, type MibEntry, row, text } from "../oid-tree.ts";
import { clamp, type Random } from "../random.ts";
import { type BaseState, DAY_MS, type Model } from "./model.ts";
import { type Alert, alertRows, hostResourcesPrinter, PRINTER_MIB, type PrinterError } from "./printer-mib.ts";
import { systemGroup } from "./system-group.ts";

export type OfficeFault = "toner-low" | "toner-out" | "cover-open" | "paper-out" | "jam" | "dead";

const TONERS = ["Black", "Cyan", "Magenta", "Yellow"] as const;
const TRAYS = [
  { name: "Tray 1", capacity: 250 },
  { name: "Tray 2", capacity: 550 },
] as const;

export type OfficeState = BaseState<OfficeFault> & {
  /** Percent left, in the order of TONERS. */
  readonly toners: readonly number[];
  /** Sheets left, in the order of TRAYS. */
  readonly sheets: readonly number[];
  /** Room left in the waste box, percent. */
  readonly wastePercent: number;
  readonly pages: number;
  readonly pagesAtStart: number;
};

export type OfficeIdentity = {
  readonly name: string;
  readonly model: string;
  readonly serial: string;
  readonly location: string;
};

const PAGES_PER_MINUTE = 3;
/** A cartridge lasts 2,000 pages at the usual coverage. */
const CARTRIDGE_PAGES = 2_000;
const LOW_PERCENT = 8;
const LOW_FLOOR_PERCENT = 1;
const LOW_BIT_PERCENT = 10;
const CHANGED_AT_PERCENT = 20;
/** Staff fill a tray when it has this few sheets. */
const FILLED_AT_SHEETS = 60;

const has = (state: OfficeState, fault: OfficeFault): boolean => state.faults.includes(fault);
const canPrint = (state: OfficeState): boolean =>
  !(has(state, "cover-open") || has(state, "jam") || has(state, "paper-out") || has(state, "toner-out"));

export function officePrinter(identity: OfficeIdentity): Model<OfficeState, OfficeFault> {
  return {
    kind: "office_printer",
    faults: {
      "toner-low": "black toner is down to 8 %",
      "toner-out": "black toner is used up",
      "cover-open": "the front cover stands open",
      "paper-out": "both trays are empty",
      jam: "paper is jammed in the fuser",
      dead: "no power: no answer at all",
    },
    start: (random) => {
      const pages = Math.floor(30_000 + random() * 20_000);
      return {
        uptimeMs: (1 + random() * 9) * DAY_MS,
        faults: [],
        toners: TONERS.map(() => 35 + random() * 60),
        sheets: TRAYS.map(({ capacity }) => Math.floor(capacity * (0.5 + random() / 2))),
        wastePercent: 40 + random() * 50,
        pages,
        pagesAtStart: pages,
      };
    },
    live,
    strike,
    cure,
    mib: (state) => mib(identity, state),
  };
}

function live(state: OfficeState, elapsedMs: number, random: Random): OfficeState {
  const printed = canPrint(state) ? (PAGES_PER_MINUTE * elapsedMs * random() * 2) / 60_000 : 0;
  const toners = state.toners.map((left, at) => {
    const next = left - (printed / CARTRIDGE_PAGES) * 100;
    if (at === 0 && has(state, "toner-out")) return 0;
    if (at === 0 && has(state, "toner-low")) return clamp(next, LOW_FLOOR_PERCENT, LOW_PERCENT);
    return next <= CHANGED_AT_PERCENT ? 100 : next;
  });
  const sheets = state.sheets.map((left, at) => {
    if (has(state, "paper-out")) return 0;
    const next = at === 0 ? left - printed : left;
    return next <= FILLED_AT_SHEETS ? (TRAYS[at]?.capacity ?? 0) : next;
  });
  const waste = state.wastePercent - printed / 500;
  return {
    ...state,
    toners,
    sheets,
    wastePercent: waste <= CHANGED_AT_PERCENT ? 100 : waste,
    pages: state.pages + printed,
  };
}

function strike(state: OfficeState, fault: OfficeFault): OfficeState {
  const [black = 0, ...colours] = state.toners;
  if (fault === "toner-low") return { ...state, toners: [Math.min(black, LOW_PERCENT), ...colours] };
  if (fault === "toner-out") return { ...state, toners: [0, ...colours] };
  if (fault === "paper-out") return { ...state, sheets: TRAYS.map(() => 0) };
  return state;
}

function cure(state: OfficeState, fault: OfficeFault): OfficeState {
  const [, ...colours] = state.toners;
  if (fault === "toner-low" || fault === "toner-out") {
    if (has(state, "toner-out")) return state;
    return { ...state, toners: [has(state, "toner-low") ? LOW_PERCENT : 100, ...colours] };
  }
  if (fault === "paper-out") return { ...state, sheets: TRAYS.map(({ capacity }) => capacity) };
  if (fault === "dead") return { ...state, pagesAtStart: state.pages };
  return state;
}

function alertsOf(state: OfficeState): Alert[] {
  const black = state.toners[0] ?? 0;
  const alerts: Alert[] = [];
  if (black <= 0) {
    alerts.push({ severity: 3, group: 11, groupIndex: 1, code: 1101, description: "Replace black toner" });
  } else if (black <= LOW_BIT_PERCENT) {
    alerts.push({ severity: 4, group: 11, groupIndex: 1, code: 1104, description: "Black toner low" });
  }
  if (has(state, "cover-open")) {
    alerts.push({ severity: 3, group: 6, groupIndex: 1, code: 3, description: "Close front cover" });
  }
  if (has(state, "jam")) {
    alerts.push({ severity: 3, group: 13, groupIndex: 1, code: 8, description: "Paper jam in fuser" });
  }
  if (has(state, "paper-out")) {
    alerts.push({ severity: 3, group: 8, groupIndex: 1, code: 808, description: "Load paper: tray 1" });
    alerts.push({ severity: 3, group: 8, groupIndex: 2, code: 808, description: "Load paper: tray 2" });
  }
  return alerts;
}

function errorsOf(state: OfficeState): PrinterError[] {
  const black = state.toners[0] ?? 0;
  const errors: PrinterError[] = [];
  if (black <= 0) errors.push("noToner");
  else if (black <= LOW_BIT_PERCENT) errors.push("lowToner");
  if (has(state, "cover-open")) errors.push("doorOpen");
  if (has(state, "jam")) errors.push("jammed");
  if (has(state, "paper-out")) errors.push("noPaper");
  return errors;
}

function mib(identity: OfficeIdentity, state: OfficeState): MibEntry[] {
  const alerts = alertsOf(state);
  const critical = alerts.filter((alert) => alert.severity === 3).length;
  return [
    ...systemGroup({
      description: "HP ETHERNET MULTI-ENVIRONMENT,ROM none,JETDIRECT,JD153,EEPROM JDI23900041,CIDATE 08/11/2022",
      objectId: "1.3.6.1.4.1.11.2.3.9.1",
      uptimeMs: state.uptimeMs,
      name: identity.name,
      location: identity.location,
    }),
    ...hostResourcesPrinter(
      1,
      { description: identity.model, errors: errorsOf(state), printing: canPrint(state) },
      alerts,
    ),
    ...row(`${PRINTER_MIB}.5.1.1`, 1, {
      1: counter32(3),
      16: text(identity.name),
      17: text(identity.serial),
      18: counter32(critical),
      19: counter32(alerts.length),
    }),
    ...row(`${PRINTER_MIB}.6.1.1`, "1.1", {
      2: text("Front cover"),
      3: integer(has(state, "cover-open") ? 3 : 4),
    }),
    ...row(`${PRINTER_MIB}.6.1.1`, "1.2", { 2: text("Rear cover"), 3: integer(4) }),
    ...inputRows(state),
    ...row(`${PRINTER_MIB}.9.2.1`, "1.1", {
      4: integer(300),
      5: integer(-3),
      6: integer(0),
      7: text("Standard bin"),
    }),
    // Electrophotographic laser (4), counted in impressions (7).
    ...row(`${PRINTER_MIB}.10.2.1`, "1.1", {
      2: integer(4),
      3: integer(7),
      4: counter32(state.pages),
      5: counter32(Math.floor(state.pages) - Math.floor(state.pagesAtStart)),
      15: integer(canPrint(state) ? 0 : 19),
    }),
    ...supplyRows(state),
    ...row(`${PRINTER_MIB}.16.5.1`, "1.1", { 2: text(alerts[0]?.description ?? "Ready") }),
    ...alertRows(1, alerts, state.uptimeMs),
    {
      oid: "1.3.6.1.4.1.11.2.3.9.1.1.7.0",
      value: text(`MFG:HP;MDL:${identity.model};CMD:PJL,PCLXL,PDF;CLS:PRINTER;SN:${identity.serial};`),
    },
  ];
}

function inputRows(state: OfficeState): MibEntry[] {
  const trays = TRAYS.flatMap(({ name, capacity }, at) => {
    const left = Math.ceil(state.sheets[at] ?? 0);
    return row(`${PRINTER_MIB}.8.2.1`, `1.${at + 1}`, {
      2: integer(3),
      8: integer(8),
      9: integer(capacity),
      10: integer(left),
      11: integer(left === 0 ? 19 : 0),
      12: text("iso-a4-white"),
      13: text(name),
      18: text(`${name}, ${capacity} sheets`),
    });
  });
  // A multi-purpose slot knows only whether something lies in it: -3 is "some", -2 an unknown capacity.
  const manual = row(`${PRINTER_MIB}.8.2.1`, "1.3", {
    2: integer(5),
    8: integer(8),
    9: integer(-2),
    10: integer(-3),
    11: integer(0),
    12: text("any"),
    13: text("Manual feed"),
    18: text("Manual feed"),
  });
  return [...trays, ...manual];
}

function supplyRows(state: OfficeState): MibEntry[] {
  const supply = (at: number, columns: { class: number; type: number; name: string; level: number }): MibEntry[] =>
    row(`${PRINTER_MIB}.11.1.1`, `1.${at}`, {
      2: integer(1),
      3: integer(columns.class === 3 && at <= TONERS.length ? at : 0),
      4: integer(columns.class),
      5: integer(columns.type),
      6: text(columns.name),
      7: integer(19),
      8: integer(100),
      9: integer(columns.level),
    });
  return [
    ...TONERS.flatMap((colour, at) => [
      ...supply(at + 1, {
        class: 3,
        type: 21,
        name: `${colour} Cartridge HP W2${at}30A`,
        level: Math.ceil(state.toners[at] ?? 0),
      }),
      ...row(`${PRINTER_MIB}.12.1.1`, `1.${at + 1}`, { 4: text(colour.toLowerCase()) }),
    ]),
    // A receptacle's level is the room left in it.
    ...supply(5, { class: 4, type: 4, name: "Toner Collection Unit", level: Math.ceil(state.wastePercent) }),
    // Some remains, but nobody knows how much: the usual answer of a fuser kit.
    ...supply(6, { class: 3, type: 15, name: "Fuser Kit", level: -3 }),
  ];
}
