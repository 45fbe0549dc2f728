import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "zpl",
  title: "Label printer that speaks ZPL (Zebra and compatible), over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {},
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence: "connected, but no reply to ~HS: printers in an error state may not answer",
});
