/** The parts of HOST-RESOURCES-MIB and Printer-MIB (RFC 3805) that label and office printers share. */
import { integer, type MibEntry, octets, oid, row, text, ticks } from "../oid-tree.ts";

export const PRINTER_MIB = "1.3.6.1.2.1.43";
export const HR_DEVICE = "1.3.6.1.2.1.25.3.2.1";
const HR_PRINTER = "1.3.6.1.2.1.25.3.5.1";

/** hrPrinterDetectedErrorState (RFC 2790): bit 0 is the most significant bit of the first octet. */
const ERROR_BITS = {
  lowPaper: 0,
  noPaper: 1,
  lowToner: 2,
  noToner: 3,
  doorOpen: 4,
  jammed: 5,
  offline: 6,
  serviceRequested: 7,
} as const;
export type PrinterError = keyof typeof ERROR_BITS;

export type Alert = {
  /** PrtAlertSeverityLevelTC: 3 critical, 4 warning. */
  readonly severity: 3 | 4;
  /** PrtAlertGroupTC: 5 general printer, 6 cover, 8 input, 11 supplies, 13 media path. */
  readonly group: number;
  readonly groupIndex: number;
  /** PrtAlertCodeTC (IANA-PRINTER-MIB). */
  readonly code: number;
  readonly description: string;
};

/** hrDeviceTable and hrPrinterTable rows. RFC 3805 §2.2.13: critical alert is down(5)/other(1), warning is 3/3 or 3/4. */
export function hostResourcesPrinter(
  index: number,
  printer: { readonly description: string; readonly errors: readonly PrinterError[]; readonly printing: boolean },
  alerts: readonly Alert[],
): MibEntry[] {
  const critical = alerts.some((alert) => alert.severity === 3);
  const status = critical ? 5 : alerts.length > 0 ? 3 : 2;
  let bits = 0;
  for (const error of printer.errors) bits |= 0x80 >> ERROR_BITS[error];
  return [
    ...row(HR_DEVICE, index, {
      1: integer(index),
      2: oid("1.3.6.1.2.1.25.3.1.5"),
      3: text(printer.description),
      4: oid("0.0"),
      5: integer(status),
      6: { type: "counter32", value: 0 },
    }),
    ...row(HR_PRINTER, index, {
      1: integer(critical ? 1 : printer.printing ? 4 : 3),
      2: octets(bits, 0),
    }),
  ];
}

export function alertRows(hrDevice: number, alerts: readonly Alert[], uptimeMs: number): MibEntry[] {
  return alerts.flatMap((alert, at) =>
    row(`${PRINTER_MIB}.18.1.1`, `${hrDevice}.${at + 1}`, {
      2: integer(alert.severity),
      // Untrained (3): store staff can do it; field service (5) when it asks for one.
      3: integer(alert.group === 5 ? 5 : 3),
      4: integer(alert.group),
      5: integer(alert.groupIndex),
      6: integer(-1),
      7: integer(alert.code),
      8: text(alert.description),
      9: ticks(uptimeMs),
    }),
  );
}
