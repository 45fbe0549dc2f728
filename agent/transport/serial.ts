/**
 * A line over a serial port. The native binding runs in a process of its own (serial-host.ts): nothing that hangs or
 * crashes in there reaches other devices. A port is opened for one poll and closed again, exclusively: a spooler or a
 * POS application that owns it makes the poll `busy`, which is no fault of the device.
 *
 * When the serial process is lost while a port is open, and it is not known to be this port's fault, the exchange is
 * run once more in a new process: questions change nothing, so asking twice is safe. A port that was to blame, or that
 * loses the process twice, is `misbehaved`.
 */
import { platform } from "node:os";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import { lineOver } from "./bytes.ts";
import type { Line, LineError, LineStream, OpenLine, OpenStream } from "./line.ts";
import {
  type Holder,
  holdersOf,
  holderText,
  isPort,
  mayOpen,
  permissionDenied,
  resolvePort,
  type System,
} from "./serial-access.ts";
import { SerialHost, SerialLoss, type SerialOpenError, type SerialStream } from "./serial-host.ts";

export type SerialAddress = {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  readonly flow: "none" | "rts_cts" | "xon_xoff";
};

/** An adapter that sets up its chip takes some 100 ms; more is a driver that hangs. */
const OPEN_MS_MAX = 3_000;
/** Part of a poll's time that opening may take, so that a hang is told from the poll's own end. */
const OPEN_SHARE = 0.6;

export type SerialPorts = {
  readonly openLine: (address: SerialAddress) => OpenLine;
  readonly openStream: (address: SerialAddress) => OpenStream;
  /** Who is told when the serial process is lost; one at a time. */
  watch(onLoss: (detail: string) => void): void;
  /** Of the serial process; null when none runs. */
  readonly pid: () => number | null;
  stop(): Promise<void>;
};

/** All serial ports of this program: they share one process. */
export function serialPorts(clock: Clock, random: () => number): SerialPorts {
  let told: (detail: string) => void = () => {};
  const host = new SerialHost({ clock, random, onLoss: (detail) => told(detail) });
  const openStream = (address: SerialAddress): OpenStream => openPort(address, host);
  return {
    openStream,
    openLine: (address) => async (signal, timeoutMs) => {
      const opened = await openStream(address)(signal, timeoutMs);
      if (!opened.ok) return opened;
      return ok(lineWithRetry(opened.value, { address, host, clock, timeoutMs }));
    },
    watch: (onLoss) => {
      told = onLoss;
    },
    pid: () => host.pid,
    stop: () => host.stop(),
  };
}

/**
 * Opens by the path as it is now. A loss of the process while opening is tried once more, alone; `alone` is for who is
 * that already: to wait for a turn within one's own would be for ever.
 */
function openPort(address: SerialAddress, host: SerialHost, turn: "alone" | "any" = "any"): OpenStream {
  return async (signal, timeoutMs) => {
    const { path } = address;
    const system: System = { root: "/", ownPids: new Set([process.pid, host.pid ?? process.pid]) };
    const port = platform() === "win32" ? ok(path) : await portToOpen(path, system);
    if (!port.ok) return port;
    const limits = { signal, timeoutMs: Math.min(OPEN_MS_MAX, timeoutMs * OPEN_SHARE) };
    const openOnce = () => host.open(optionsOf(address, port.value), limits);
    let opened = await openOnce();
    const mayRepeat = turn === "any" && !opened.ok && opened.error.kind === "lost" && !opened.error.blamed;
    if (mayRepeat) opened = await host.alone(openOnce);
    if (!opened.ok) return err(await describeOpening(opened.error, { path, port: port.value, system }));
    return ok(streamOf(opened.value, path));
  };
}

async function portToOpen(path: string, system: System): Promise<Result<string, LineError>> {
  const port = await resolvePort(path);
  if (!port.ok) return port;
  const isOne = await isPort(port.value);
  if (!isOne.ok) return isOne;
  const allowed = await mayOpen(port.value, system);
  if (!allowed.ok) return allowed;
  // The program behind a pseudo-terminal has its end open as well, and is the device.
  const holders = port.value.startsWith("/dev/pts/") ? [] : await holdersOf(port.value, system);
  return holders.length > 0 ? err(busy(path, holders)) : port;
}

function streamOf(stream: SerialStream, path: string): LineStream {
  return { stream, describe: (error) => describe(error, path), close: () => stream.closePort() };
}

type Retrying = {
  readonly address: SerialAddress;
  readonly host: SerialHost;
  readonly clock: Clock;
  readonly timeoutMs: number;
};

function lineWithRetry(first: LineStream, { address, host, clock, timeoutMs }: Retrying): Line {
  let current = first;
  let line = lineOver(first, address.path, clock);
  let leftBefore: Uint8Array = new Uint8Array();
  return {
    async exchange(exchange, signal) {
      const said = await line.exchange(exchange, signal);
      if (said.ok || !isLost(current) || said.error.misbehaved || signal.aborted) return said;
      return await host.alone(async () => {
        const opened = await openPort(address, host, "alone")(signal, timeoutMs);
        if (!opened.ok) return opened;
        current = opened.value;
        leftBefore = line.leftOver();
        line = lineOver(current, address.path, clock);
        const again = await line.exchange(exchange, signal);
        if (again.ok || !isLost(current)) return again;
        return err({ ...again.error, misbehaved: true as const });
      });
    },
    leftOver() {
      const left = Buffer.concat([leftBefore, line.leftOver()]);
      leftBefore = new Uint8Array();
      return left;
    },
    close: () => current.close(),
  };
}

const isLost = ({ stream }: LineStream): boolean => "loss" in stream && stream.loss !== null;

function optionsOf({ baudRate, parity, dataBits, stopBits, flow }: SerialAddress, path: string) {
  return {
    path,
    baudRate,
    parity,
    dataBits,
    stopBits,
    rtscts: flow === "rts_cts",
    xon: flow === "xon_xoff",
    xoff: flow === "xon_xoff",
    hupcl: false,
    lock: true,
  } as const;
}

async function describeOpening(
  error: SerialOpenError,
  { path, port, system }: { path: string; port: string; system: System },
): Promise<LineError> {
  if (error.kind === "failed") {
    const described = describe(new Error(error.detail), path);
    return described.kind === "busy" ? busy(path, await holdersOf(port, system)) : described;
  }
  if (error.kind === "lost") return lost(path, error.detail, true);
  const detail = `${path} was not opened in time`;
  if (!error.hung) return { kind: "timeout", detail };
  return {
    kind: "io",
    detail: `${detail}: its driver hangs`,
    hint: "unplug the adapter and plug it in again; other ports go on",
    misbehaved: true,
  };
}

function busy(path: string, holders: readonly Holder[]): LineError {
  const by = holders.length === 0 ? "another program" : holderText(holders);
  return { kind: "busy", detail: `${path} is in use by ${by}` };
}

function lost(path: string, detail: string, misbehaved: boolean): LineError {
  return {
    kind: "io",
    detail: `${path}: ${detail}`,
    hint: "the driver of this port hangs or crashes: unplug the adapter, or try another one",
    ...(misbehaved && { misbehaved: true }),
  };
}

/** The binding words its errors itself; there is no code to go by. */
function describe(error: Error, path: string): LineError {
  const { message } = error;
  if (error instanceof SerialLoss) return lost(path, message, error.blamed);
  if (/cannot lock|resource temporarily unavailable|resource busy|access denied/i.test(message)) {
    return busy(path, []);
  }
  if (/permission denied/i.test(message)) return permissionDenied(path);
  if (/no such file|file not found|no such device/i.test(message)) {
    return {
      kind: "unreachable",
      detail: `${path} is not there`,
      hint: "is the cable or the USB adapter plugged in?",
    };
  }
  if (/invalid argument|baud|not a tty|inappropriate ioctl|tcsetattr|setting custom/i.test(message)) {
    return {
      kind: "config",
      detail: `${path}: ${message}`,
      hint: "the port does not take these settings, or is no serial port",
    };
  }
  return { kind: "io", detail: `${path}: ${message}` };
}
