/**
 * A line over a serial port; the only file that knows the `serialport` library, which is loaded when the first port is
 * opened. A port is opened for one poll and closed again, exclusively: a spooler or a POS application that owns it
 * makes the poll `busy`, which is no fault of the device.
 *
 * Never `drain`: it hangs for as long as the peer holds its flow control. DTR is left as it is on close (`hupcl`), for
 * some printers take its fall as "host is off-line".
 */
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { SerialPort } from "serialport";
import type { PollError } from "../drivers/driver.ts";
import { exchangeOver } from "./bytes.ts";
import type { Line, OpenLine } from "./line.ts";

export type SerialAddress = {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  readonly flow: "none" | "rts_cts" | "xon_xoff";
};

/** Closing a port whose device is gone can take for ever on some platforms (serialport #2351). */
const CLOSE_MS_MAX = 500;

export function openSerial(address: SerialAddress, clock: Clock): OpenLine {
  return async (signal, timeoutMs) => {
    const { SerialPort } = await import("serialport");
    if (signal.aborted) return err({ kind: "timeout", detail: `${address.path} was not opened in time` });
    const port = new SerialPort({
      path: address.path,
      baudRate: address.baudRate,
      parity: address.parity,
      dataBits: address.dataBits,
      stopBits: address.stopBits,
      rtscts: address.flow === "rts_cts",
      xon: address.flow === "xon_xoff",
      xoff: address.flow === "xon_xoff",
      hupcl: false,
      lock: true,
      autoOpen: false,
    });
    return opened(port, { address, clock, signal, timeoutMs });
  };
}

type Opening = {
  readonly address: SerialAddress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
};

function opened(port: SerialPort, opening: Opening): Promise<Result<Line, PollError>> {
  const { address, clock, signal, timeoutMs } = opening;
  return new Promise((resolve) => {
    let waiting = true;
    const late = (): void => {
      if (!waiting) return;
      waiting = false;
      stop();
      resolve(err({ kind: "timeout", detail: `${address.path} was not opened in time` }));
    };
    const cancel = clock.after(timeoutMs, late);
    const stop = (): void => {
      cancel();
      signal.removeEventListener("abort", late);
    };
    signal.addEventListener("abort", late, { once: true });
    // Without a listener an error of a port that is pulled out ends the process.
    port.on("error", () => {});
    port.open((error) => {
      if (!waiting) {
        if (error === null) void closePort(port, clock);
        return;
      }
      waiting = false;
      stop();
      resolve(error === null ? ok(lineOf(port, opening)) : err(describe(error, address.path)));
    });
  });
}

function lineOf(port: SerialPort, { address, clock }: Opening): Line {
  return {
    async exchange(exchange, signal) {
      if (!port.isOpen) return err({ kind: "io", detail: `${address.path} is closed` });
      // An answer to somebody else's question may wait in the port.
      await new Promise<void>((resolve) => port.flush(() => resolve()));
      return exchangeOver(port, exchange, { clock, signal, describe: (error) => describe(error, address.path) });
    },
    close: () => closePort(port, clock),
  };
}

function closePort(port: SerialPort, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (!port.isOpen) {
      resolve();
      return;
    }
    const cancel = clock.after(CLOSE_MS_MAX, resolve);
    port.close(() => {
      cancel();
      resolve();
    });
  });
}

/** The binding words its errors itself; there is no code to go by. */
function describe(error: Error, path: string): PollError {
  const { message } = error;
  if (/cannot lock|resource temporarily unavailable|resource busy|access denied/i.test(message)) {
    return { kind: "busy", detail: `${path} is in use by another program` };
  }
  if (/permission denied/i.test(message)) {
    return {
      kind: "config",
      detail: `${path}: permission denied`,
      hint: "let the agent's user read and write the port",
    };
  }
  if (/no such file|file not found/i.test(message)) {
    return { kind: "unreachable", detail: `${path} is not there`, hint: "is the cable or the USB adapter plugged in?" };
  }
  return { kind: "io", detail: `${path}: ${message}` };
}
