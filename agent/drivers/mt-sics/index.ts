import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { scaleOptions } from "../scale.ts";
import { METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "mt_sics",
  title: "Balance or scale that speaks MT-SICS (Mettler Toledo), over a serial port or TCP",
  line: { tcpPort: null, serial: SERIAL_9600_8N1 },
  options: scaleOptions,
  requests: () => requests,
  parse,
  metrics: () => METRICS,
  silence: "the line opened, but no reply to SI: check the balance's host mode, baud rate and parity",
});
