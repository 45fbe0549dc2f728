import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { scaleOptions } from "../scale.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "sma",
  title:
    "Scale or indicator that speaks SMA SCP-0499 (Avery Weigh-Tronix, Fairbanks, Cardinal), over a serial port or TCP",
  line: { tcpPort: null, serial: SERIAL_9600_8N1 },
  options: scaleOptions,
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence: "the line opened, but no reply to W: check the scale's protocol (SMA), baud rate and parity",
});
