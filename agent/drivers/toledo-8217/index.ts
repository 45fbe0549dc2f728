import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { scaleOptions } from "../scale.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "toledo_8217",
  title: "Checkout scale that speaks Toledo 8217 or 8213, over a serial port or a terminal server",
  line: { tcpPort: null, serial: { ...SERIAL_9600_8N1, parity: "even", dataBits: 7 } },
  options: { ...scaleOptions, unit: z.enum(["kg", "lb"]).default("kg") },
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence: "the line opened, but no reply to W: check the scale's protocol (8217), baud rate and parity",
});
