/**
 * A line over TCP. Port 9100 of many print servers takes one connection at a time: connect, ask, close, and never keep
 * it open (PROTOCOLS: printer dialogues).
 */
import { connect, type Socket } from "node:net";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { PollFailureKind } from "@aislewatch/contract";
import { lineFrom } from "./bytes.ts";
import type { LineError, LineStream, OpenLine, OpenStream } from "./line.ts";

export type TcpAddress = { readonly host: string; readonly port: number };

/** How long a peer may take to close from its side before the socket is cut. */
const CLOSE_MS_MAX = 300;

const FAILURES: Readonly<Record<string, PollFailureKind>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "io",
  EPIPE: "io",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
  ETIMEDOUT: "timeout",
};

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    "nothing listens there, or it serves one client at a time and a spooler or POS application is connected to it",
  ECONNRESET: "print and terminal servers with room for one client cut off the second one",
};

export function openTcp(address: TcpAddress, clock: Clock): OpenLine {
  return lineFrom(openTcpStream(address, clock), `${address.host}:${address.port}`, clock);
}

export function openTcpStream({ host, port }: TcpAddress, clock: Clock): OpenStream {
  return (signal, timeoutMs) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      const cancel = clock.after(timeoutMs, () => fail({ kind: "timeout", detail: noAnswer() }));
      const noAnswer = (): string => `no connection to ${host}:${port} in time`;
      const settle = (result: Result<LineStream, LineError>): void => {
        cancel();
        signal.removeEventListener("abort", onAbort);
        socket.off("connect", onConnect);
        socket.off("error", onError);
        resolve(result);
      };
      const fail = (error: LineError): void => {
        // A late error of a socket that nobody waits for must not end the process.
        socket.on("error", () => {});
        settle(err(error));
        socket.destroy();
      };
      const describeHere = (error: Error): LineError => describe(error, `${host}:${port}`);
      const onConnect = (): void => {
        socket.on("error", () => {});
        settle(ok({ stream: socket, describe: describeHere, close: () => closeSocket(socket, clock) }));
      };
      const onError = (error: Error): void => fail(describeHere(error));
      const onAbort = (): void => fail({ kind: "timeout", detail: noAnswer() });
      socket.on("connect", onConnect);
      socket.on("error", onError);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
}

function closeSocket(socket: Socket, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) {
      resolve();
      return;
    }
    const cancel = clock.after(CLOSE_MS_MAX, () => socket.destroy());
    socket.once("close", () => {
      cancel();
      resolve();
    });
    // What still comes is of no interest, but unread it would hold the close back.
    socket.resume();
    socket.end();
  });
}

function describe(error: Error, address: string): LineError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const kind = FAILURES[code] ?? "io";
  const hint = HINTS[code];
  return {
    kind,
    detail: `${address}: ${code === "" ? error.message : code}`,
    ...(hint !== undefined && { hint }),
  };
}
