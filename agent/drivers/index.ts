/** Every driver there is, by hand, so that "go to definition" works. */
import dpl from "./dpl/index.ts";
import type { AnyDriver } from "./driver.ts";
import epl from "./epl/index.ts";
import escpos from "./escpos/index.ts";
import host from "./host/index.ts";
import modbus from "./modbus/index.ts";
import mtSics from "./mt-sics/index.ts";
import nci from "./nci/index.ts";
import presence from "./presence/index.ts";
import sbpl from "./sbpl/index.ts";
import sma from "./sma/index.ts";
import snmp from "./snmp/index.ts";
import star from "./star/index.ts";
import tap from "./tap/index.ts";
import toledo8217 from "./toledo-8217/index.ts";
import tspl from "./tspl/index.ts";
import weightLines from "./weight-lines/index.ts";
import zpl from "./zpl/index.ts";

export const DRIVERS: readonly AnyDriver[] = [
  dpl,
  epl,
  escpos,
  host,
  modbus,
  mtSics,
  nci,
  presence,
  sbpl,
  sma,
  snmp,
  star,
  tap,
  toledo8217,
  tspl,
  weightLines,
  zpl,
];
