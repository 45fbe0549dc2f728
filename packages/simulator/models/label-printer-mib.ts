/**
 * A networked Zebra-like printer over SNMP: Printer-MIB rows as newer print servers have them, and the vendor's own
 * tree 10642, in which the older ones say everything (device protocol notes §3.1).
 */
import { counter32, integer, type MibEntry, row, scalars, text } from "../oid-tree.ts";
import {
  isCutterJammed,
  isHeadHot,
  isHeadOpen,
  isJammed,
  isMediaLow,
  isMediaOut,
  isPaused,
  isReady,
  isRibbonLow,
  isRibbonOut,
  LABEL_METERS,
  type LabelIdentity,
  type LabelState,
} from "./label-state.ts";
import { uptimeText } from "./model.ts";
import { type Alert, alertRows, hostResourcesPrinter, PRINTER_MIB, type PrinterError } from "./printer-mib.ts";
import { systemGroup } from "./system-group.ts";

const ZEBRA = "1.3.6.1.4.1.10642";
/** hrDeviceIndex of the printer; managers may not assume 1, so it is not. */
const HR_DEVICE_INDEX = 2;

export function labelPrinterMib(identity: LabelIdentity, state: LabelState): MibEntry[] {
  const alerts = alertsOf(state);
  return [
    ...systemGroup({
      description: `Zebra Wired ${identity.model}`,
      objectId: `${ZEBRA}.1.1`,
      uptimeMs: state.uptimeMs,
      name: identity.serial,
      location: identity.location,
    }),
    ...hostResourcesPrinter(
      HR_DEVICE_INDEX,
      {
        description: `Zebra Technologies ${identity.model}`,
        errors: errorsOf(state),
        printing: isReady(state) && state.queue > 0,
      },
      alerts,
    ),
    ...printerMib(identity, state, alerts),
    ...zebraMib(identity, state),
  ];
}

function errorsOf(state: LabelState): PrinterError[] {
  return [
    ...(isMediaLow(state) ? (["lowPaper"] as const) : []),
    ...(isMediaOut(state) ? (["noPaper"] as const) : []),
    ...(isRibbonLow(state) ? (["lowToner"] as const) : []),
    ...(isRibbonOut(state) ? (["noToner"] as const) : []),
    ...(isJammed(state) ? (["jammed"] as const) : []),
    ...(isHeadOpen(state) ? (["doorOpen"] as const) : []),
    ...(isPaused(state) ? (["offline"] as const) : []),
  ];
}

function alertsOf(state: LabelState): Alert[] {
  const alerts: Alert[] = [];
  if (isMediaLow(state)) {
    alerts.push({ severity: 4, group: 8, groupIndex: 1, code: 807, description: "MEDIA LOW" });
  }
  if (isMediaOut(state)) {
    alerts.push({ severity: 3, group: 8, groupIndex: 1, code: 808, description: "MEDIA OUT" });
  }
  if (isRibbonOut(state)) {
    alerts.push({ severity: 3, group: 11, groupIndex: 1, code: 1103, description: "RIBBON OUT" });
  }
  if (isRibbonLow(state)) {
    alerts.push({ severity: 4, group: 11, groupIndex: 1, code: 1106, description: "RIBBON LOW" });
  }
  if (isHeadHot(state)) alerts.push({ severity: 3, group: 10, groupIndex: 1, code: 36, description: "HEAD TOO HOT" });
  if (isCutterJammed(state)) {
    alerts.push({ severity: 3, group: 30, groupIndex: 1, code: 33, description: "CUTTER JAM" });
  }
  if (isJammed(state)) alerts.push({ severity: 3, group: 13, groupIndex: 1, code: 8, description: "JAM" });
  if (isHeadOpen(state)) alerts.push({ severity: 3, group: 6, groupIndex: 1, code: 3, description: "HEAD OPEN" });
  if (isPaused(state)) alerts.push({ severity: 4, group: 16, groupIndex: 1, code: 22, description: "PAUSED" });
  return alerts;
}

function printerMib(identity: LabelIdentity, state: LabelState, alerts: readonly Alert[]): MibEntry[] {
  const sub = `${HR_DEVICE_INDEX}.1`;
  const critical = alerts.filter((alert) => alert.severity === 3).length;
  return [
    ...row(`${PRINTER_MIB}.5.1.1`, HR_DEVICE_INDEX, {
      1: counter32(1),
      16: text(identity.name),
      17: text(identity.serial),
      18: counter32(critical),
      19: counter32(alerts.length),
    }),
    ...row(`${PRINTER_MIB}.6.1.1`, sub, { 2: text("Print head"), 3: integer(isHeadOpen(state) ? 3 : 4) }),
    // The roll as an input: continuous feed (type 5), level in percent (unit 19).
    ...row(`${PRINTER_MIB}.8.2.1`, sub, {
      2: integer(5),
      8: integer(19),
      9: integer(100),
      10: integer(Math.ceil(state.mediaPercent)),
      // SubUnitStatus: broken (3) with a critical alert (16) when out, a non-critical alert (8) when low.
      11: integer(isMediaOut(state) ? 19 : isMediaLow(state) ? 8 : 0),
      12: text("labels 76 x 51 mm"),
      13: text("roll"),
      18: text("Label roll"),
    }),
    // Thermal transfer (16), counted in impressions (7).
    ...row(`${PRINTER_MIB}.10.2.1`, sub, {
      2: integer(16),
      3: integer(7),
      4: counter32(state.printedLabels),
      5: counter32(Math.min(state.printedLabels, state.uptimeMs / 60_000)),
      15: integer(isReady(state) ? 0 : 19),
    }),
    // Ink ribbon (7), consumed (3), in percent (19).
    ...row(`${PRINTER_MIB}.11.1.1`, sub, {
      2: integer(1),
      3: integer(0),
      4: integer(3),
      5: integer(7),
      6: text("Ribbon"),
      7: integer(19),
      8: integer(100),
      9: integer(Math.ceil(state.ribbonPercent)),
    }),
    ...row(`${PRINTER_MIB}.16.5.1`, `${HR_DEVICE_INDEX}.1`, { 2: text(alerts[0]?.description ?? "PRINTER READY") }),
    ...alertRows(HR_DEVICE_INDEX, alerts, state.uptimeMs),
  ];
}

/** As seen on a ZT411: (group, code) of the live alert table. */
const LIVE_ALERTS = [
  { is: isHeadOpen, group: 4, code: 5 },
  { is: isMediaOut, group: 2, code: 1 },
  { is: isRibbonOut, group: 3, code: 2 },
  { is: isPaused, group: 1, code: 11 },
] as const;

function zebraMib(identity: LabelIdentity, state: LabelState): MibEntry[] {
  const flag = (value: boolean): ReturnType<typeof integer> => integer(value ? 2 : 1);
  const meters = state.printedLabels * LABEL_METERS;
  const length = text(`${Math.floor(meters / 0.0254)} INCHES, ${Math.floor(meters * 100)} CENTIMETERS`);
  return [
    ...scalars(`${ZEBRA}.1`, {
      1: text(identity.model),
      2: text(identity.firmware),
      3: text(`MANUFACTURER:Zebra Technologies;COMMAND SET:ZPL;MODEL:${identity.model};CLASS:PRINTER;`),
      4: text(identity.serial),
      5: text(identity.location),
    }),
    ...scalars(`${ZEBRA}.6`, {
      22: flag(!isReady(state)),
      23: flag(isMediaOut(state)),
      24: flag(isRibbonOut(state)),
    }),
    ...scalars(`${ZEBRA}.2.1`, { 1: flag(isHeadOpen(state)) }),
    ...LIVE_ALERTS.filter((alert) => alert.is(state)).flatMap(({ group, code }, at) =>
      row(`${ZEBRA}.10.31.1`, at + 1, {
        1: integer(at + 1),
        2: integer(3),
        3: integer(3),
        4: integer(group),
        5: integer(code),
        6: integer((state.uptimeMs / 10) % 2 ** 31),
      }),
    ),
    // 10642.200 mirrors the printer's SGD variables as strings.
    ...scalars(`${ZEBRA}.200.4`, { 1: text(isHeadOpen(state) ? "open" : "ok") }),
    ...scalars(`${ZEBRA}.200.8`, { 1: text(isMediaOut(state) ? "out" : isMediaLow(state) ? "low" : "ok") }),
    ...scalars(`${ZEBRA}.200.9`, { 2: text(isMediaOut(state) ? "out" : "present"), 3: text("?") }),
    ...scalars(`${ZEBRA}.200.17`, {
      1: text(String(Math.floor(state.printedLabels))),
      2: text(String(Math.floor(state.printedLabels))),
      3: length,
    }),
    ...scalars(`${ZEBRA}.200.18`, { 1: text("12/19/23"), 2: text(identity.firmware) }),
    ...scalars(`${ZEBRA}.200.19`, {
      5: text(identity.name),
      7: text(identity.model),
      8: text(isReady(state) ? "ready" : "not ready"),
      20: text(uptimeText(state.uptimeMs)),
    }),
  ];
}
