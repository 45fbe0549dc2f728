/** What to do when a line fails, for one who stands before it: said by `probe` when the failure brings no hint itself. */
import type { Device } from "../config.ts";
import type { PollError } from "../drivers/driver.ts";
import type { LineConfig } from "../drivers/line-config.ts";

/** Of a device whose driver asks questions on a line; null of all others. */
export function lineOf({ driver, driverConfig }: Pick<Device, "driver" | "driverConfig">): LineConfig | null {
  if (driver.requests === undefined) return null;
  // The driver's own schema made it, and every driver with questions has a line.
  return (driverConfig as { readonly line: LineConfig }).line;
}

export function adviceFor({ kind, hint }: PollError, line: LineConfig | null): string | undefined {
  if (line === null) return hint;
  const own = kind === "timeout" ? silence(line) : kind === "busy" ? BUSY : kind === "protocol" ? FOREIGN : undefined;
  return [hint, own].filter((text) => text !== undefined).join("\n  ") || undefined;
}

const BUSY =
  "the port belongs to that program: watch it with `driver: presence`, `port:`, or stop the program and try again";
const FOREIGN =
  "bytes came that are not this language: is it the right driver? Are baud rate and parity the device's? --raw shows them";

function silence(line: LineConfig): string {
  if (line.kind === "tcp") {
    const { host, port } = line.tcp;
    return `is it this language that ${host} speaks at port ${port}? Many print servers serve one client at a time: is another one connected?`;
  }
  if (line.kind === "usblp") return "is the printer on, and is this the language that it is set to?";
  const { baudRate, dataBits, parity, stopBits, flow } = line.kind === "serial" ? line.serial : line.rfc2217;
  const letters = { none: "N", even: "E", odd: "O" } as const;
  const settings = `${baudRate} ${dataBits}${letters[parity]}${stopBits}${flow === "none" ? "" : `, ${flow}`}`;
  const ask =
    line.kind === "serial" ? `\n  \`aislewatch-agent discover --ask ${line.serial.path}\` tries other languages` : "";
  return `is the device on, the cable the right one (straight or crossed) and two-way? Does the device use ${settings}?${ask}`;
}
