import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requestsFor } from "./requests.ts";

export default defineDialect({
  name: "zpl",
  title: "Label printer that speaks ZPL (Zebra and compatible), over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {
    /** Odometers, serial number and battery of Zebra's own printers. */
    variables: z.enum(["auto", "never"]).default("auto"),
  },
  requests: requestsFor,
  parse,
  about,
  metrics: () => METRICS,
  silence: "connected, but no reply to ~HS or ~HQES: not off-line, but perhaps in an error state, or no ZPL printer",
});
