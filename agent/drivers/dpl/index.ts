import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "dpl",
  title: "Label printer that speaks DPL (Datamax-O'Neil, Honeywell), over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {},
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence: "connected, but no reply to SOH a or SOH A: is it a DPL printer, with immediate commands enabled?",
});
