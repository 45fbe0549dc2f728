import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "sbpl",
  title: "SATO label printer (SBPL), by its status return over TCP or a serial port",
  line: { tcpPort: 9100, serial: SERIAL_9600_8N1 },
  options: {
    /** Newer models have one sub-state for ribbon and labels: which of them this printer can mean. */
    near_end: z.enum(["ribbon", "media"]).default("ribbon"),
  },
  requests: () => requests,
  parse,
  about,
  metrics: () => METRICS,
  silence: "connected, but no reply to ENQ: is the printer's protocol set to Status 3 or Status 4 (bi-directional)?",
});
