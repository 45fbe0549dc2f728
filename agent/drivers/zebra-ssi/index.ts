import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

export default defineDialect({
  name: "zebra_ssi",
  title: "Zebra (Symbol) barcode scanner or engine that speaks SSI, over a serial port or TCP",
  line: { tcpPort: null, serial: SERIAL_9600_8N1 },
  options: {},
  requests: () => requests,
  parse,
  about,
  // Frames of bytes; a number in one of their texts is found all the same, and breaks its frame's checksum.
  replies: "codes",
  metrics: () => METRICS,
  silence: "the line opened, but no SSI packet: is the host interface SSI, and the speed the scanner's?",
});
