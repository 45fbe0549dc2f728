/**
 * The `line:` of a device in agent.yaml: which wire a dialect's bytes travel on. One place for all dialects, so that a
 * serial port is written the same way for a scale and for a printer. Each dialect brings its own defaults, as its
 * manual has them.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { asWritten } from "@aislewatch/config";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { type UsbMatchConfig, usbMatchSchema, usbMatchText } from "../core/usb-match.ts";
import { lineFrom } from "../transport/bytes.ts";
import type { OpenLine, OpenStream } from "../transport/line.ts";
import { LineQuarantine } from "../transport/line-quarantine.ts";
import { openRfc2217, openRfc2217Stream, type Rfc2217Address } from "../transport/rfc2217.ts";
import type { PortSettings } from "../transport/rfc2217-session.ts";
import { type SerialAddress, serialPorts } from "../transport/serial.ts";
import { openTcp, openTcpStream, type TcpAddress } from "../transport/tcp.ts";
import { findUsbNode, nodeOf } from "../transport/usb-node.ts";
import { openUsblpStream } from "../transport/usblp.ts";
import type { PollError } from "./driver.ts";
import { deviceGate, SYSFS, watchOf } from "./usb-slot.ts";

/** What a dialect's devices have when nobody changed their settings. */
export type LineDefaults = {
  /** Null: there is no port that such a device listens on by custom, so the file has to name one. */
  readonly tcpPort: number | null;
  readonly serial: Omit<SerialAddress, "path">;
};

export const SERIAL_9600_8N1: LineDefaults["serial"] = {
  baudRate: 9600,
  parity: "none",
  dataBits: 8,
  stopBits: 1,
  flow: "none",
};

export type LineConfig =
  | { readonly kind: "tcp"; readonly tcp: TcpAddress }
  | { readonly kind: "rfc2217"; readonly rfc2217: Rfc2217Address }
  | { readonly kind: "serial"; readonly serial: SerialAddress }
  | { readonly kind: "usblp"; readonly usblp: UsbMatchConfig };

/** The line of a recording: a name that no resolver knows (RFC 2606), where nothing is ever sent. */
export const NOWHERE = { tcp: "recording.invalid:1" };

/** From the root, or one of Windows' names: a name alone would be looked for wherever the agent was started. */
const SERIAL_PATH = /^(?:\/[\x20-\x7e]+|COM\d{1,3}|\\\\\.\\COM\d{1,3})$/i;
const SERIAL_EXPECTED = "expected the path of a port such as /dev/ttyS0 or COM3";

const USBLP_PATH = /^\/dev\/[\x21-\x7e]+$/;
const USBLP_EXPECTED = "expected a device file such as /dev/usb/lp0";

const BAUD_RATES = [300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 28_800, 38_400, 57_600, 115_200] as const;

export function lineSchema(defaults: LineDefaults): z.ZodType<LineConfig> {
  const { baudRate, parity, dataBits, stopBits, flow } = defaults.serial;
  const tcpLine = z
    .strictObject({ tcp: tcpAddress(defaults.tcpPort) })
    .transform(({ tcp }): LineConfig => ({ kind: "tcp", tcp }));
  const settings = {
    baud_rate: z.literal([...BAUD_RATES]).default(baudRate as (typeof BAUD_RATES)[number]),
    parity: z.enum(["none", "even", "odd"]).default(parity),
    data_bits: z.literal([7, 8]).default(dataBits),
    stop_bits: z.literal([1, 2]).default(stopBits),
    flow: z.enum(["none", "rts_cts", "xon_xoff"]).default(flow),
  };
  const serialLine = z
    .strictObject({ serial: z.string().max(256).regex(SERIAL_PATH, SERIAL_EXPECTED), ...settings })
    .transform((line): LineConfig => ({ kind: "serial", serial: { path: line.serial, ...portSettings(line) } }));
  const rfc2217Line = z
    .strictObject({ rfc2217: tcpAddress(null), ...settings })
    .transform((line): LineConfig => ({ kind: "rfc2217", rfc2217: { ...line.rfc2217, ...portSettings(line) } }));
  // The kernel's file for a USB printer, or the printer by what it is: its number may be another one after each plug.
  const usblpLine = z
    .strictObject({ usblp: z.union([z.string().max(256).regex(USBLP_PATH, USBLP_EXPECTED), usbMatchSchema]) })
    .transform(({ usblp }): LineConfig => {
      return { kind: "usblp", usblp: typeof usblp === "string" ? { path: usblp } : usblp };
    });
  return z.union([tcpLine, serialLine, rfc2217Line, usblpLine]);
}

const portSettings = (written: {
  readonly baud_rate: number;
  readonly parity: PortSettings["parity"];
  readonly data_bits: PortSettings["dataBits"];
  readonly stop_bits: PortSettings["stopBits"];
  readonly flow: PortSettings["flow"];
}): PortSettings => ({
  baudRate: written.baud_rate,
  parity: written.parity,
  dataBits: written.data_bits,
  stopBits: written.stop_bits,
  flow: written.flow,
});

/** Devices with one key wait for each other: one question at a time on one wire. */
export function lineKey(line: LineConfig): string {
  switch (line.kind) {
    case "tcp":
      return `tcp:${line.tcp.host}:${line.tcp.port}`;
    case "rfc2217":
      return `tcp:${line.rfc2217.host}:${line.rfc2217.port}`;
    case "serial":
      return `serial:${line.serial.path}`;
    case "usblp":
      return `usblp:${usbMatchText(line.usblp)}`;
  }
}

/** Null where the wire has none, or a server that does not tell sets it. */
export function baudRateOf(line: LineConfig): number | null {
  if (line.kind === "serial") return line.serial.baudRate;
  return line.kind === "rfc2217" ? line.rfc2217.baudRate : null;
}

export function lineAddress(line: LineConfig): string {
  switch (line.kind) {
    case "tcp":
      return `tcp://${line.tcp.host}:${line.tcp.port}`;
    case "rfc2217":
      return `rfc2217://${line.rfc2217.host}:${line.rfc2217.port}`;
    case "serial":
      return line.serial.path;
    case "usblp":
      return usbMatchText(line.usblp);
  }
}

/** The serial ports of this program, which share one process; the agent ends it when it stops. */
export const serial = serialPorts(realClock, Math.random);
const quarantine = new LineQuarantine();

/** A line that flooded or hung is not opened for a while, whatever the pace of its device. */
export function openLine(line: LineConfig): OpenLine {
  return quarantine.guard(lineKey(line), openUnguarded(line), realClock);
}

function openUnguarded(line: LineConfig): OpenLine {
  switch (line.kind) {
    case "tcp":
      return openTcp(line.tcp, realClock);
    case "rfc2217":
      return openRfc2217(line.rfc2217, realClock);
    case "serial":
      return serial.openLine(line.serial);
    case "usblp":
      return lineFrom(openStream(line), lineAddress(line), realClock);
  }
}

/** The line's bytes, for who only listens. */
export function openStream(line: LineConfig): OpenStream {
  switch (line.kind) {
    case "tcp":
      return openTcpStream(line.tcp, realClock);
    case "rfc2217":
      return openRfc2217Stream(line.rfc2217, realClock);
    case "serial":
      return serial.openStream(line.serial);
    case "usblp":
      return openUsblpStream(() => usblpPath(line.usblp), { clock: realClock, gate: deviceGate });
  }
}

/** Through sysfs also for a plain path, so that payment hardware is known as such. */
async function usblpPath(match: UsbMatchConfig): Promise<Result<string, PollError>> {
  const found = await findUsbNode(watchOf(SYSFS), match, "usblp");
  if (!found.ok) return found;
  const [printer] = found.value?.interfaces ?? [];
  if (printer === undefined) {
    const hint = "is the cable plugged in, and the printer on?";
    return err({ kind: "unreachable", detail: `no USB printer fits ${usbMatchText(match)}`, hint });
  }
  const path = nodeOf(printer, "usblp");
  if (path !== null) return ok(path);
  return err({
    kind: "busy",
    detail: `${usbMatchText(match)} is used by a program that goes past the kernel's driver`,
  });
}

/** `host:port`; IPv6 in brackets. */
function tcpAddress(defaultPort: number | null) {
  const port = defaultPort ?? 4001;
  return asWritten<TcpAddress>(`an address such as 10.1.2.3:${port} or printer-7:${port}`, (written) => {
    if (typeof written !== "string") return { ok: false };
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?))(?::(\d{1,5}))?$/.exec(
      written,
    );
    const host = match?.[1] ?? match?.[2];
    if (host === undefined) {
      return { ok: false, ...(written.includes("://") && { hint: "write host:port, without a scheme" }) };
    }
    const digits = match?.[3];
    if (digits === undefined && defaultPort === null) return { ok: false, hint: "add the port" };
    const number = digits === undefined ? port : Number(digits);
    if (number < 1 || number > 65_535) {
      return { ok: false, code: "CFG_RANGE", message: "expected a port from 1 to 65535" };
    }
    return { ok: true, value: { host, port: number } };
  });
}
