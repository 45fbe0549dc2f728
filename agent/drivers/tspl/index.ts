import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "tspl",
  title: "Label printer that speaks TSPL (TSC and compatible), over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {},
  requests: () => requests,
  parse,
  about,
  metrics: () => METRICS,
  silence: "connected, but no reply to ESC ! S or ESC ! ?: is it a TSPL printer, and is its line two-way?",
});
