import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "epl",
  title: "Label printer that speaks EPL2 (Eltron, Zebra, Intermec ESim), over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {},
  requests: () => requests,
  parse,
  about,
  metrics: () => METRICS,
  silence:
    "connected, but no reply to ^ee: printers do not answer it while they take in an image or their buffer is full",
});
