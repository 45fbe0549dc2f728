import { asWritten } from "@aislewatch/config";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import type { OpenLine } from "../../transport/line.ts";
import { openSerial, type SerialAddress } from "../../transport/serial.ts";
import { openTcp, type TcpAddress } from "../../transport/tcp.ts";
import { defineDriver } from "../driver.ts";
import { METRICS, parse } from "./parse.ts";
import { createPoll } from "./poll.ts";
import type { ZplReply } from "./types.ts";

/** `host:port`; IPv6 in brackets. The port is 9100 unless written. */
const tcpAddress = asWritten<TcpAddress>("an address such as 10.1.2.3:9100 or printer-7:9100", (written) => {
  if (typeof written !== "string") return { ok: false };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?))(?::(\d{1,5}))?$/.exec(
    written,
  );
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? "9100");
  if (host === undefined) {
    return { ok: false, ...(written.includes("://") && { hint: "write host:port, without a scheme" }) };
  }
  if (port < 1 || port > 65_535) return { ok: false, code: "CFG_RANGE", message: "expected a port from 1 to 65535" };
  return { ok: true, value: { host, port } };
});

const tcpLine = z.strictObject({ tcp: tcpAddress });

const serialLine = z.strictObject({
  serial: z.string().min(1).max(256),
  baud_rate: z
    .literal([300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 28_800, 38_400, 57_600, 115_200])
    .default(9600),
  parity: z.enum(["none", "even", "odd"]).default("none"),
  data_bits: z.literal([7, 8]).default(8),
  stop_bits: z.literal([1, 2]).default(1),
  flow: z.enum(["none", "rts_cts", "xon_xoff"]).default("none"),
});

const config = z.strictObject({ line: z.union([tcpLine, serialLine]) });
type Config = z.infer<typeof config>;

export default defineDriver<Config, ZplReply>({
  name: "zpl",
  title: "Label printer that speaks ZPL (Zebra and compatible), over TCP or a serial port",
  config,
  lineKey: ({ line }) => ("tcp" in line ? `tcp:${line.tcp.host}:${line.tcp.port}` : `serial:${line.serial}`),
  address: ({ line }) => ("tcp" in line ? `tcp://${line.tcp.host}:${line.tcp.port}` : line.serial),
  open: ({ config: { line } }) => ({
    poll: createPoll(openLine(line)),
    parse,
    metrics: () => METRICS,
    profile: () => null,
    close: async () => {},
  }),
});

function openLine(line: Config["line"]): OpenLine {
  return "tcp" in line ? openTcp(line.tcp, realClock) : openSerial(serialAddress(line), realClock);
}

function serialAddress(line: z.infer<typeof serialLine>): SerialAddress {
  return {
    path: line.serial,
    baudRate: line.baud_rate,
    parity: line.parity,
    dataBits: line.data_bits,
    stopBits: line.stop_bits,
    flow: line.flow,
  };
}
