/**
 * Every driver there is, by hand, so that "go to definition" works. Each is loaded when somebody needs it: what an agent
 * is not configured to watch takes no memory and no time at its start.
 */
import type { AnyDriver } from "./driver.ts";

const DRIVERS: Readonly<Record<string, () => Promise<{ readonly default: AnyDriver }>>> = {
  datalogic_scanner: () => import("./datalogic-scanner/index.ts"),
  dpl: () => import("./dpl/index.ts"),
  epl: () => import("./epl/index.ts"),
  escpos: () => import("./escpos/index.ts"),
  hid: () => import("./hid/index.ts"),
  honeywell_scanner: () => import("./honeywell-scanner/index.ts"),
  host: () => import("./host/index.ts"),
  ipp: () => import("./ipp/index.ts"),
  modbus: () => import("./modbus/index.ts"),
  mt_sics: () => import("./mt-sics/index.ts"),
  nci: () => import("./nci/index.ts"),
  nut: () => import("./nut/index.ts"),
  presence: () => import("./presence/index.ts"),
  reach: () => import("./reach/index.ts"),
  sbpl: () => import("./sbpl/index.ts"),
  sma: () => import("./sma/index.ts"),
  snmp: () => import("./snmp/index.ts"),
  star: () => import("./star/index.ts"),
  tap: () => import("./tap/index.ts"),
  toledo_8217: () => import("./toledo-8217/index.ts"),
  tspl: () => import("./tspl/index.ts"),
  usb: () => import("./usb/index.ts"),
  usblp: () => import("./usblp/index.ts"),
  weight_lines: () => import("./weight-lines/index.ts"),
  zebra_ssi: () => import("./zebra-ssi/index.ts"),
  zpl: () => import("./zpl/index.ts"),
};

export const DRIVER_NAMES: readonly string[] = Object.keys(DRIVERS);

/** Those of these names that there are, in the order of the list; all of them when none are named. */
export async function loadDrivers(names: readonly string[] = DRIVER_NAMES): Promise<readonly AnyDriver[]> {
  const wanted = Object.entries(DRIVERS).filter(([name]) => names.includes(name));
  return Promise.all(wanted.map(async ([, load]) => (await load()).default));
}
