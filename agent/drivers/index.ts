/** Every driver there is, by hand, so that "go to definition" works. */
import datalogicScanner from "./datalogic-scanner/index.ts";
import dpl from "./dpl/index.ts";
import type { AnyDriver } from "./driver.ts";
import epl from "./epl/index.ts";
import escpos from "./escpos/index.ts";
import hid from "./hid/index.ts";
import honeywellScanner from "./honeywell-scanner/index.ts";
import host from "./host/index.ts";
import ipp from "./ipp/index.ts";
import modbus from "./modbus/index.ts";
import mtSics from "./mt-sics/index.ts";
import nci from "./nci/index.ts";
import nut from "./nut/index.ts";
import presence from "./presence/index.ts";
import reach from "./reach/index.ts";
import sbpl from "./sbpl/index.ts";
import sma from "./sma/index.ts";
import snmp from "./snmp/index.ts";
import star from "./star/index.ts";
import tap from "./tap/index.ts";
import toledo8217 from "./toledo-8217/index.ts";
import tspl from "./tspl/index.ts";
import usb from "./usb/index.ts";
import usblp from "./usblp/index.ts";
import weightLines from "./weight-lines/index.ts";
import zebraSsi from "./zebra-ssi/index.ts";
import zpl from "./zpl/index.ts";

export const DRIVERS: readonly AnyDriver[] = [
  datalogicScanner,
  dpl,
  epl,
  escpos,
  hid,
  honeywellScanner,
  host,
  ipp,
  modbus,
  mtSics,
  nci,
  nut,
  presence,
  reach,
  sbpl,
  sma,
  snmp,
  star,
  tap,
  toledo8217,
  tspl,
  usb,
  usblp,
  weightLines,
  zebraSsi,
  zpl,
];
