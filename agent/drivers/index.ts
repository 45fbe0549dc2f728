/** Every driver there is, by hand, so that "go to definition" works. */
import type { AnyDriver } from "./driver.ts";
import escpos from "./escpos/index.ts";
import host from "./host/index.ts";
import modbus from "./modbus/index.ts";
import snmp from "./snmp/index.ts";
import star from "./star/index.ts";
import zpl from "./zpl/index.ts";

export const DRIVERS: readonly AnyDriver[] = [escpos, host, modbus, snmp, star, zpl];
