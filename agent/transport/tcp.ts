/**
 * A line over TCP. Port 9100 of many print servers takes one connection at a time: connect, ask, close, and never keep
 * it open (PROTOCOLS: printer dialogues).
 */
import { connect, type Socket } from "node:net";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import type { PollFailureKind } from "@aislewatch/contract";
import type { PollError } from "../drivers/driver.ts";
import { exchangeOver } from "./bytes.ts";
import type { Line, OpenLine } from "./line.ts";

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

export function openTcp({ host, port }: TcpAddress, clock: Clock): OpenLine {
  return (signal, timeoutMs) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      const cancel = clock.after(timeoutMs, () => fail({ kind: "timeout", detail: noAnswer() }));
      const noAnswer = (): string => `no connection to ${host}:${port} in time`;
      const settle = (result: Result<Line, PollError>): void => {
        cancel();
        signal.removeEventListener("abort", onAbort);
        socket.off("connect", onConnect);
        socket.off("error", onError);
        resolve(result);
      };
      const fail = (error: PollError): void => {
        // A late error of a socket that nobody waits for must not end the process.
        socket.on("error", () => {});
        settle(err(error));
        socket.destroy();
      };
      const onConnect = (): void => settle(ok(lineOf(socket, clock, `${host}:${port}`)));
      const onError = (error: Error): void => fail(describe(error, `${host}:${port}`));
      const onAbort = (): void => fail({ kind: "timeout", detail: noAnswer() });
      socket.on("connect", onConnect);
      socket.on("error", onError);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
}

function lineOf(socket: Socket, clock: Clock, address: string): Line {
  let failure: PollError | null = null;
  let closed = false;
  socket.on("error", (error) => {
    failure = describe(error, address);
  });
  socket.on("close", () => {
    closed = true;
  });
  return {
    async exchange(exchange, signal) {
      if (closed) return err(failure ?? { kind: "io", detail: `${address} closed the connection` });
      return exchangeOver(socket, exchange, { clock, signal, describe: (error) => describe(error, address) });
    },
    close: () =>
      new Promise((resolve) => {
        if (closed) {
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
      }),
  };
}

function describe(error: Error, address: string): PollError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const kind = FAILURES[code] ?? "io";
  return { kind, detail: `${address}: ${code === "" ? error.message : code}` };
}
