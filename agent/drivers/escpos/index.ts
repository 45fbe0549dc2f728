import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { METRICS, parse } from "./parse.ts";
import { requestsFor } from "./requests.ts";

export default defineDialect({
  name: "escpos",
  title: "Receipt printer that speaks ESC/POS (Epson TM and compatible), over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {
    drawer_open_is: z.enum(["high", "low"]).optional(),
    ask: z.enum(["real_time", "queued", "both"]).default("real_time"),
  },
  requests: requestsFor,
  // A status byte may be the code of a digit.
  replies: "codes",
  parse,
  metrics: ({ drawer_open_is: openIs }) => (openIs === undefined ? METRICS : [...METRICS, "drawer_open"]),
  silence: "connected, but no reply to DLE EOT: printers on a busy parallel or USB adapter may not answer",
});
