import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requestsFor } from "./requests.ts";

export default defineDialect({
  name: "datalogic_scanner",
  title: "Datalogic barcode scanner (Magellan, PowerScan, Gryphon), over a serial port or TCP",
  line: { tcpPort: null, serial: SERIAL_9600_8N1 },
  options: {
    /** `never` for models that do not know the question: then the identification is the sign of life. */
    health: z.enum(["ask", "never"]).default("ask"),
  },
  requests: requestsFor,
  parse,
  about,
  metrics: () => METRICS,
  silence: "the line opened, but no reply: are host commands switched on, and speed and parity those of the interface?",
});
