import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "star",
  title: "Receipt printer that speaks Star line mode, over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: { drawer_open_is: z.enum(["high", "low"]).optional() },
  requests: () => requests,
  // A status byte may be the code of a digit.
  replies: "codes",
  parse,
  metrics: ({ drawer_open_is: openIs }) => (openIs === undefined ? METRICS : [...METRICS, "drawer_open"]),
  silence: "connected, but no reply to ESC ACK SOH: is the printer in line mode, and not in ESC/POS emulation?",
});
