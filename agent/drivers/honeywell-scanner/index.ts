import { defineDialect } from "../dialect.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "honeywell_scanner",
  title: "Honeywell barcode scanner that takes menu commands, over a serial port or TCP",
  // Xenon and Voyager on RS-232 as they come; a USB serial port takes any speed.
  line: {
    tcpPort: null,
    serial: { baudRate: 115_200, parity: "none", dataBits: 8, stopBits: 1, flow: "none" },
  },
  options: {},
  requests: () => requests,
  parse,
  about,
  metrics: () => METRICS,
  silence: "the line opened, but no reply to a menu query: is the interface RS-232 or USB serial, and the speed right?",
});
