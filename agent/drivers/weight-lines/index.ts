import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { scaleOptions } from "../scale.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "weight_lines",
  title: "Scale that sends lines of text by itself (KERN, G&G and others), listened to on a serial port or TCP",
  line: { tcpPort: null, serial: SERIAL_9600_8N1 },
  options: scaleOptions,
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence:
    "the line opened, but no line came: is the scale's continuous output on, and are baud rate and parity right?",
});
