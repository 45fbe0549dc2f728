import { z } from "zod";
import { defineDialect } from "../dialect.ts";
import { SERIAL_9600_8N1 } from "../line-config.ts";
import { about, METRICS, parse } from "./parse.ts";
import { listVariables, UPS_NAME } from "./requests.ts";

export default defineDialect({
  name: "nut",
  title: "UPS that Network UPS Tools watches (upsd), such as one on USB",
  line: { tcpPort: 3493, serial: SERIAL_9600_8N1 },
  options: {
    /** As upsd calls it: the section's name in ups.conf. */
    ups: z.string().regex(UPS_NAME, "expected the name of a UPS in ups.conf").default("ups"),
  },
  requests: ({ ups }) => [listVariables(ups)],
  parse,
  about,
  metrics: () => METRICS,
  silence: "connected, but no list came: is this upsd?",
});
