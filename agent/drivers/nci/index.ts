import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { scaleOptions } from "../scale.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "nci",
  title:
    "Bench scale that speaks NCI (Weigh-Tronix, Avery Weigh-Tronix, Brecknell), over a serial port or a terminal server",
  line: { tcpPort: null, serial: SERIAL_9600_8N1 },
  options: scaleOptions,
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence: "the line opened, but no reply to W and S: check the scale's protocol (NCI), baud rate and parity",
});
